"""Groups with answers known by hand: companions, strangers, and people who stand around one space."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.groups import (
    NOBODY,
    GroupConfig,
    GroupTracker,
    PairHistory,
    components,
    f_formations,
    odds,
)
from sac_son_nav.states import Tracks


def tracks(stamp_s: float, people: dict[int, tuple[float, float, float, float]], frame: str = "odom") -> Tracks:
    """People by id: x, y, vx, vy."""
    rows = np.array(list(people.values()), dtype=float).reshape(-1, 4)
    ids = np.array(list(people), dtype=np.int64)
    return Tracks(stamp_s, frame, ids, rows[:, :2], rows[:, 2:], np.zeros((len(ids), 4, 4)), np.ones(len(ids)))


def test_odds_by_hand() -> None:
    """20 moments over e s at a mean of 0.5 m and 0.1 m/s, arrived 2 s apart, walked 10 moments at a mean cosine
    of 0.8: 1 - 2*0.5 - 3*0.1 + 4*1 - 0.5*2 + 0.8*5 = 6.7."""
    history = PairHistory(20, 10.0, 2.0, 5.0, 5.0 + math.e, 2.0, 8.0, 10)
    config = GroupConfig(bias=1.0, distance=-2.0, velocity=-3.0, time=4.0, arrival=-0.5, alignment=5.0)
    assert odds(history, config) == pytest.approx(6.7)


def test_companions_among_strangers_keep_their_number() -> None:
    """1 and 2 walk side by side 0.7 m apart, 3 comes the other way, 4 walks 3 m aside."""
    tracker, numbers = GroupTracker(), set()
    for k in range(60):
        x = 0.12 * k
        groups = tracker.update(
            tracks(
                0.1 * k,
                {1: (x, 0, 1.2, 0), 2: (x, 0.7, 1.2, 0), 3: (7 - x, 0.3, -1.2, 0), 4: (x, 3.7, 1.2, 0)},
            )
        )
        if k > 40:
            assert groups[0] == groups[1] != NOBODY
            assert groups[2] == groups[3] == NOBODY
            numbers.add(int(groups[0]))
    assert len(numbers) == 1


def test_nobody_belongs_together_at_first_sight() -> None:
    assert GroupTracker().update(tracks(0.0, {1: (0, 0, 1, 0), 2: (0, 0.5, 1, 0)})).tolist() == [NOBODY, NOBODY]


def test_clock_set_back_and_another_frame_start_anew() -> None:
    for stamp, frame in ((-5.0, "odom"), (10.0, "map")):
        tracker = GroupTracker()
        for k in range(60):
            tracker.update(tracks(0.1 * k, {1: (0.1 * k, 0, 1, 0), 2: (0.1 * k, 0.6, 1, 0)}))
        again = tracker.update(tracks(stamp, {1: (0, 0, 1, 0), 2: (0, 0.6, 1, 0)}, frame))
        assert again.tolist() == [NOBODY, NOBODY]


def test_three_in_a_circle_are_a_formation_and_who_turns_away_is_not() -> None:
    """At 0.6 m from the origin facing it, all o-spaces are at the origin; the fourth looks outwards."""
    turns = np.array([0.0, 2.0, 4.0])
    places = 0.6 * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    positions = np.concatenate([places, [[1.0, 0.9]]])
    headings = np.concatenate([turns + np.pi, [0.8]])
    labels = f_formations(positions, headings, GroupConfig())
    assert labels[0] == labels[1] == labels[2] != NOBODY
    assert labels[3] == NOBODY


def test_somebody_within_the_o_space_parts_it() -> None:
    """Two face each other over 1.2 m; a third stands in the very middle with the back to one of them."""
    positions, headings = np.array([[-0.6, 0.0], [0.6, 0.0], [0.0, 0.05]]), np.array([0.0, np.pi, np.pi / 2])
    assert f_formations(positions[:2], headings[:2], GroupConfig()).tolist() != [NOBODY, NOBODY]
    assert f_formations(positions, headings, GroupConfig()).tolist() == [NOBODY] * 3


def test_components() -> None:
    labels = components(5, [(0, 1), (3, 1)])
    assert labels[0] == labels[1] == labels[3] != NOBODY
    assert labels[2] == labels[4] == NOBODY


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="o_space"):
        GroupConfig(o_space=0.0)
