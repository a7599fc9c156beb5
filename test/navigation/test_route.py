import numpy as np
import pytest

from sac_son_nav.errors import RouteError
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.navigation.route import AT_ONCE, Route, RouteConfig, RoutePlanner


def room(columns: int = 120, rows: int = 80) -> np.ndarray:
    """A walled room at 0.05 m: 6 m by 4 m, one cell of wall."""
    cells = np.full((rows, columns), FREE, np.int8)
    cells[[0, -1]] = OCCUPIED
    cells[:, [0, -1]] = OCCUPIED
    return cells


def planner(cells: np.ndarray, radius: float = 0.22) -> RoutePlanner:
    return RoutePlanner(OccupancyMap(cells, 0.05), radius)


def test_in_the_open_the_way_is_straight():
    route = planner(room()).plan(np.array([1.0, 2.0]), np.array([5.0, 2.0]))
    assert route.length == pytest.approx(4.0, abs=1e-6)
    np.testing.assert_allclose(route.points[:, 1], 2.0, atol=1e-9)


def test_round_a_wall_it_keeps_the_robot_off_it():
    cells = room()
    cells[:60, 60] = OCCUPIED  # from the floor's lower edge up to y = 3 m
    floor = OccupancyMap(cells, 0.05)
    route = RoutePlanner(floor, 0.22).plan(np.array([1.0, 1.0]), np.array([5.0, 1.0]))
    fine = np.concatenate([route.at(np.linspace(0, route.length, 400))[0]])
    assert np.min(floor.distance_at(fine)) >= 0.22
    # At least the tight string round the corner at (3.0, 3.0): twice hypot(2, 2) = 5.66 m.
    assert 5.6 < route.length < 7.5
    assert fine[:, 1].max() > 3.2


def test_through_a_doorway_just_wide_enough():
    cells = room()
    cells[:, 60] = OCCUPIED
    cells[34:46, 60] = FREE  # 0.6 m wide, centred at y = 2.0
    route = planner(cells).plan(np.array([1.0, 3.0]), np.array([5.0, 1.0]))
    crossing = np.interp(3.025, route.points[:, 0], route.points[:, 1])
    assert crossing == pytest.approx(2.0, abs=0.08)


def test_too_narrow_a_door_is_no_way():
    cells = room()
    cells[:, 60] = OCCUPIED
    cells[37:43, 60] = FREE  # 0.3 m
    with pytest.raises(RouteError, match="no way for a robot"):
        planner(cells).plan(np.array([1.0, 3.0]), np.array([5.0, 1.0]))


@pytest.mark.parametrize(
    ("goal", "sentence"),
    [
        ([5.95, 2.0], "room for the robot"),
        ([9.0, 2.0], "a place on the map"),
        ([float("nan"), 2.0], "finite"),
    ],
)
def test_a_goal_that_can_not_be_reached_is_one_sentence(goal, sentence):
    with pytest.raises(RouteError, match=sentence):
        planner(room()).plan(np.array([1.0, 2.0]), np.array(goal))


def test_a_start_in_a_walls_margin_is_helped_out():
    route = planner(room()).plan(np.array([0.15, 2.0]), np.array([5.0, 2.0]))
    np.testing.assert_allclose(route.points[0], [0.15, 2.0])


def test_projection_and_remaining_by_hand():
    route = Route(np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]))
    place, aside = route.project(np.array([[1.0, 0.5], [3.5, 2.0], [3.0, 6.0]]))
    np.testing.assert_allclose(place, [1.0, 5.0, 7.0])
    np.testing.assert_allclose(aside, [0.5, 0.5, 2.0])
    # 6 m left and 0.5 aside: hypot
    np.testing.assert_allclose(route.remaining(np.array([1.0, 0.5])), np.hypot(6.0, 0.5))


def test_a_stretch_contains_what_was_asked_for():
    route = Route.along(np.array([[0.0, 0.0], [20.0, 0.0]]), 0.3)
    stretch = route.stretch(10.0, 1.0, 4.0)
    assert stretch.points[0, 0] <= 9.0
    assert stretch.points[-1, 0] >= 14.0
    assert stretch.length < 6.0


def test_unknown_floor_is_not_driven_on():
    cells = room()
    cells[:, 55:65] = -1
    with pytest.raises(RouteError, match="no way"):
        planner(cells).plan(np.array([1.0, 2.0]), np.array([5.0, 2.0]))


def test_a_coarser_search_grid_still_fits_the_robot():
    route = RoutePlanner(OccupancyMap(room(), 0.05), 0.22, RouteConfig(most_cells=600)).plan(
        np.array([1.0, 1.0]), np.array([5.0, 3.0])
    )
    assert route.length == pytest.approx(np.hypot(4, 2), rel=0.08)


def test_behind_a_wall_it_is_as_far_as_round_it() -> None:
    cells = np.full((80, 120), FREE, np.int8)
    cells[[0, -1]], cells[:, [0, -1]] = OCCUPIED, OCCUPIED
    cells[40, :100] = OCCUPIED  # from the left to x 5 m, at y 2 m, of a room of 6 m by 4 m
    floor = OccupancyMap(cells, 0.05)
    left = RoutePlanner(floor, 0.2).way_left(np.array([1.0, 1.0]))
    # On the same side it is the straight line, to within what eight neighbours can make of it; from the other side
    # round the end of the wall: 1 m up from there, 4.2 m along, and back.
    assert 2.7 < float(left.at(np.array([4.0, 1.0]))) <= 3.0
    assert 7.5 < float(left.at(np.array([1.0, 3.0]))) < 9.5


def test_many_points_are_projected_as_each_alone() -> None:
    route = Route.along(np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]), 0.3)
    points = np.random.default_rng(0).uniform(-1.0, 5.0, (3, AT_ONCE, 2))
    place, aside = route.project(points)
    for k in (0, AT_ONCE - 1):
        alone = [float(found) for found in route.project(points[1, k])]
        assert alone == [place[1, k], aside[1, k]]
    assert [np.shape(found) for found in route.project(points[:0])] == [(0, AT_ONCE)] * 2
