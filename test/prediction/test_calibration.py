"""Discs that hold people as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.prediction.calibration import Bubbles, quantiles, scores


def test_the_quantile_counts_one_unknown_more() -> None:
    column = np.arange(1.0, 20.0)[:, None]  # 19 scores: of twenty the 18th at 0.9
    assert quantiles(column, 0.9) == [18.0]
    assert quantiles(np.array([[1.0], [np.nan], [3.0]]), 0.9) == [3.0]  # too few: the largest
    assert quantiles(np.array([[5.0, 1.0], [2.0, 7.0], [4.0, np.nan]]), 0.5).tolist() == [4.0, 7.0]
    with pytest.raises(ConfigError, match="got none at step 2"):
        quantiles(np.array([[1.0, np.nan]]), 0.9)
    with pytest.raises(ConfigError, match="level"):
        quantiles(column, 1.0)


def test_new_people_of_the_same_kind_are_held_as_often_as_said() -> None:
    random = np.random.default_rng(0)
    spread = random.uniform(0.1, 2.0, (4000, 3))
    errors = np.abs(random.normal(0.0, spread * [1.0, 2.0, 3.0]))
    factors = quantiles(scores(errors[:2000], spread[:2000]), 0.9)
    np.testing.assert_allclose(factors, [1.645, 3.29, 4.935], rtol=0.08)  # of a normal distribution, both sides
    held = (errors[2000:] <= Bubbles(factors).radii(spread[2000:])).mean(axis=0)
    assert held == pytest.approx([0.9] * 3, abs=0.02)


def test_among_other_people_the_discs_are_steered_to_what_they_say() -> None:
    random = np.random.default_rng(1)
    errors = np.abs(random.normal(0.0, 3.0, 3000))  # three times as far off as where the discs come from
    bubbles, outside = Bubbles(np.array([1.645])), []
    for error in errors:
        outside.append(float(error > bubbles.radii(np.ones(1))[0]))
        bubbles.learn(np.array(outside[-1:]), 0)
    assert np.mean(outside) == pytest.approx(0.1, abs=0.02)  # with those who had to be missed first
    assert np.mean(outside[500:]) == pytest.approx(0.1, abs=0.01)
    assert np.mean(np.abs(errors) > 1.645) > 0.5  # without
    before = bubbles.factors.copy()
    bubbles.learn(np.zeros(0), 0)
    assert bubbles.factors == before  # nobody came due
