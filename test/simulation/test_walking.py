import numpy as np
import pytest

from sac_son_nav.errors import RouteError
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap
from sac_son_nav.simulation.walking import WalkingGraph
from test.simulation.worlds import room

DIVIDED = room(8.0, 6.0, (3.9, 0.0, 4.1, 4.0))  # a wall from below, a gap of 2 m above it
GOAL = np.array([6.0, 1.0])


def lookup(values: np.ndarray, graph: WalkingGraph, x: float, y: float) -> np.ndarray:
    row, column = graph.cell_at(np.array([x, y]))
    return values[row, column]


def test_a_goal_is_in_sight_where_a_body_can_walk_straight_to_it() -> None:
    graph = WalkingGraph(DIVIDED)
    seen = graph.way_to(GOAL).in_sight
    assert lookup(seen, graph, 5.0, 1.0)
    assert lookup(seen, graph, 5.0, 5.5)
    assert not lookup(seen, graph, 2.0, 1.0)
    # From the goal the corner (4.1, 4) is 3.55 m away, up and to the left at 57.7 degrees; passing it at 0.25 m takes
    # another asin(0.25 / 3.55) = 4.0 degrees. That ray is at x = 6 - 4.5 / tan(61.7 degrees) = 3.58 m at y = 5.5, and
    # at 3.85 m at y = 5.
    assert lookup(seen, graph, 3.9, 5.5)
    assert not lookup(seen, graph, 3.3, 5.5)
    assert not lookup(seen, graph, 3.0, 5.0)


def test_behind_a_wall_the_way_leads_round_it() -> None:
    graph = WalkingGraph(DIVIDED)
    way = graph.way_to(GOAL)
    up = lookup(way.directions, graph, 3.5, 2.0)
    assert up[1] > 0.8
    np.testing.assert_allclose(np.linalg.norm(up), 1.0)
    # By the corner (4, 4.25) it is hypot(3, 3.25) + hypot(2, 3.25) = 8.24 m from (1, 1); walls make it dearer, the
    # grid's eight directions up to 8 % longer.
    assert 8.2 < float(lookup(way.cost, graph, 1.0, 1.0)) < 8.24 * 1.08 + 2.5
    assert lookup(way.cost, graph, 5.0, 1.0) < lookup(way.cost, graph, 5.0, 5.0)


def test_descending_the_way_arrives_from_everywhere() -> None:
    graph = WalkingGraph(DIVIDED)
    way = graph.way_to(GOAL)
    for start in np.random.default_rng(0).uniform((0.3, 0.3), (7.7, 5.7), (40, 2)):
        here = start.copy()
        for _ in range(300):
            row, column = graph.cell_at(here)
            straight = way.in_sight[row, column] or np.linalg.norm(GOAL - here) < 0.5
            offset = GOAL - here
            step = offset / np.linalg.norm(offset) if straight else way.directions[row, column]
            here = here + 0.05 * step
            if np.linalg.norm(GOAL - here) < 0.1:
                break
        assert np.linalg.norm(GOAL - here) < 0.1, start


def test_somebody_pressed_against_a_wall_walks_on_as_their_neighbours() -> None:
    graph = WalkingGraph(DIVIDED)
    way = graph.way_to(GOAL)
    pressed = lookup(way.directions, graph, 0.05, 3.0)
    assert pressed[0] > 0.3  # away from the wall at x = 0, towards the gap
    assert np.isfinite(lookup(way.cost, graph, 0.05, 3.0))


def test_unknown_floor_is_not_walked_on_and_ways_are_worked_out_once() -> None:
    cells = np.full((40, 80), FREE, dtype=np.int8)
    cells[:, 38:42] = UNKNOWN
    graph = WalkingGraph(OccupancyMap(cells, 0.1))
    way = graph.way_to(np.array([6.0, 2.0]))
    assert np.isinf(lookup(way.cost, graph, 1.0, 2.0))
    assert graph.way_to(np.array([6.0, 2.0])) is way


def test_a_plan_without_room_for_anybody_is_refused() -> None:
    with pytest.raises(RouteError, match=r"expected open floor 0.50 m wide somewhere, found none"):
        WalkingGraph(OccupancyMap(np.full((10, 10), OCCUPIED, dtype=np.int8), 0.1))
