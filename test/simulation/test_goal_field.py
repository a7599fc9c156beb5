from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation import goal_field
from sac_son_nav.simulation.goal_field import GoalField
from test.simulation.worlds import room

# A wall from y = 0 to y = 5 stands between start and goal, each 1.9 m from it; the gap is at its top.
WALLED, START, GOAL = room(8.0, 6.5, (3.9, 0.0, 4.1, 5.0)), np.array([2.0, 1.0]), np.array([6.0, 1.0])


def test_in_an_open_room_the_way_is_the_straight_line() -> None:
    goal = np.array([7.0, 3.0])
    field = GoalField(room(10.0, 6.0), goal, 0.2)
    points = np.random.default_rng(1).uniform([0.3, 0.3], [9.7, 5.7], (200, 2))
    lengths, directions = field.at(points)
    distance = np.linalg.norm(goal - points, axis=-1)
    # A cone read off a grid of 5 cm is too high by the square of half a cell over twice the distance, in x and in y.
    np.testing.assert_allclose(lengths, distance, atol=0.025 + 1e-9)
    far = distance > 1.0
    np.testing.assert_allclose(lengths[far], distance[far], atol=1e-3)
    np.testing.assert_allclose(directions[far], ((goal - points) / distance[:, None])[far], atol=2e-3)


@pytest.mark.parametrize("most_cells", [200_000, 7_000])  # cells of 5 cm, and of 10 cm
def test_round_a_wall_it_is_the_taut_string(most_cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goal_field, "MOST_CELLS", most_cells)
    radius = 0.2
    lengths, directions = GoalField(WALLED, GOAL, radius).at(np.array([START, [2.0, 5.8], GOAL]))
    # The centre of the robot keeps a radius from the wall's two corners: a tangent to a circle about the first, along
    # it until the way runs level, 0.2 m straight on, and the same mirrored.
    to_corner = np.array([3.9, 5.0]) - START
    apart = np.hypot(*to_corner)
    heading = np.arctan2(to_corner[1], to_corner[0]) + np.arcsin(radius / apart)
    taut = 2.0 * (np.sqrt(apart**2 - radius**2) + radius * heading) + 0.2
    assert lengths[0] == pytest.approx(taut, rel=0.015)
    assert np.arctan2(directions[0, 1], directions[0, 0]) == pytest.approx(heading, abs=0.1)
    assert lengths[2] == pytest.approx(0.0, abs=0.075)  # no more than from the middle of a cell to its corner
    if most_cells == 200_000:
        # From above the wall the way down is one tangent and one arc only.
        down = np.array([4.1, 5.0]) - GOAL
        assert lengths[1] < lengths[0]
        assert lengths[1] > np.hypot(*down)


def test_lengths_fall_by_what_is_driven_on_the_way() -> None:
    field = GoalField(WALLED, GOAL, 0.2)
    place, driven = START.copy(), 0.0
    (first,), _ = field.at(place[None])
    while np.linalg.norm(GOAL - place) > 0.1 and driven < 20.0:
        _, direction = field.at(place[None])
        place = place + 0.02 * direction[0]
        driven += 0.02
    assert driven + 0.1 == pytest.approx(first, rel=0.02)
    assert float(WALLED.distance_at(place)) > 0.0


def test_where_no_way_leads_it_says_so() -> None:
    cut = room(8.0, 6.0, (3.9, 0.0, 4.1, 6.0))
    field = GoalField(cut, GOAL, 0.2)
    assert field.leads_from(np.array([5.0, 3.0]))
    assert not field.leads_from(START)
    assert not field.leads_from(np.array([-50.0, 3.0]))
    narrow = room(8.0, 6.0, (3.9, 0.0, 4.1, 5.5))  # half a metre is left
    assert GoalField(narrow, GOAL, 0.2).leads_from(START)
    assert not GoalField(narrow, GOAL, 0.35).leads_from(START)
    with pytest.raises(ConfigError, match=r"goal \(4, 3\): expected room for a radius of 0.2 m, got a wall"):
        GoalField(room(8.0, 6.0, (3.0, 2.0, 5.0, 4.0)), np.array([4.0, 3.0]), 0.2)
