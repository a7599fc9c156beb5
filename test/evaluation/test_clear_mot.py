"""The published protocol, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.clear_mot import ClearMot, Sector

A, B = [0.0, 1.0], [0.0, 3.0]


def test_counts_by_hand() -> None:
    """1: a and b found. 2: a by another id (a switch), b missed, one where nobody is. 3: nobody marked, one told.
    Marks 4; valid 2, switches 1, misses 1, false positives 2: MOTA 1 - 4/4 = 0. MOTP (0.1 + 0 + 0.2) / 3."""
    score = ClearMot()
    score.add(["a", "b"], np.array([A, B]), np.array([[0.1, 1.0], B]), [1, 2])
    score.add(["a", "b"], np.array([A, B]), np.array([[0.2, 1.0], [5.0, 5.0]]), [3, 2])
    score.add([], np.zeros((0, 2)), np.array([[5.0, 5.0]]), [2])
    assert (score.marks, score.valid, score.switches, score.misses, score.false_positives) == (4, 2, 1, 1, 2)
    assert score.mota == pytest.approx(0.0)
    assert score.recall == pytest.approx(0.75)
    assert score.motp == pytest.approx(0.1)


def test_match_that_holds_is_kept_though_another_is_nearer() -> None:
    score = ClearMot()
    score.add(["a"], np.array([A]), np.array([A]), [1])
    score.add(["a"], np.array([A]), np.array([[0.5, 1.0], A]), [1, 2])
    assert (score.valid, score.switches, score.false_positives) == (2, 0, 1)


def test_identity_is_remembered_through_a_miss() -> None:
    score = ClearMot()
    score.add(["a"], np.array([A]), np.array([A]), [1])
    score.add(["a"], np.array([A]), np.zeros((0, 2)), [])
    score.add(["a"], np.array([A]), np.array([A]), [7])
    assert (score.valid, score.misses, score.switches) == (1, 1, 1)


def test_only_the_sector_counts() -> None:
    ahead = Sector.degrees(-45.0, 45.0)
    score = ClearMot()
    score.add(["a", "b"], np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([[2.0, 0.1], [0.0, -2.0]]), [1, 2], ahead)
    assert (score.marks, score.valid, score.false_positives) == (1, 1, 0)
    with pytest.raises(ConfigError, match="two rising angles"):
        Sector.degrees(12.0, -80.0)
