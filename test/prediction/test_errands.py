"""What walls tell of where people go: on in the open, round a corner, through a door, and nothing at a fork."""

import numpy as np
import pytest

from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.prediction import errands
from sac_son_nav.prediction.errands import MOST, Errands, errands_near
from sac_son_nav.prediction.predictor import RobotFutures, SocialForce
from sac_son_nav.states import Tracks

RESOLUTION, PERIOD = 0.1, 0.8


def plan(width: float, height: float, *floors: tuple[float, float, float, float]) -> OccupancyMap:
    """Floors x0, y0, x1, y1 [m] in solid wall."""
    cells = np.full((round(height / RESOLUTION), round(width / RESOLUTION)), OCCUPIED, np.int8)
    for floor in floors:
        x0, y0, x1, y1 = (round(value / RESOLUTION) for value in floor)
        cells[y0:y1, x0:x1] = FREE
    return OccupancyMap(cells, RESOLUTION)


def walk(floor: OccupancyMap, position: tuple[float, float], velocity: tuple[float, float], looks: int = 6):
    """Places and wanted velocities (looks, 2) of one person."""
    here, wanted = np.array([position], np.float32), np.array([velocity], np.float32)
    bound, places, wishes = Errands(floor).of(here, wanted), [], []
    for _ in range(looks):
        wanted, _ = bound.onward(here, wanted)
        here = here + np.float32(PERIOD) * wanted
        places.append(here[0])
        wishes.append(wanted[0])
    return np.array(places), np.array(wishes)


CORNER = plan(10.0, 10.0, (0.2, 0.2, 9.8, 2.4), (7.6, 0.2, 9.8, 9.8))


def test_round_a_corner_people_turn_before_the_wall_and_near_its_inner_side():
    places, wishes = walk(CORNER, (8.6, 4.6), (0.0, -1.0), looks=7)
    assert wishes[0, 1] < -0.9
    assert wishes[-1, 0] < -0.9  # along the other corridor in the end
    assert places[:, 1].min() > 0.7  # by themselves: nobody had to be told of the wall
    np.testing.assert_allclose(np.hypot(*wishes.T), 1.0, rtol=1e-5)  # as fast as before


@pytest.mark.parametrize("y", [0.9, 3.0, 5.1])
def test_in_the_open_people_go_on_as_they_go_also_beside_a_wall(y):
    hall = plan(16.0, 6.0, (0.2, 0.2, 15.8, 5.8))
    _, wishes = walk(hall, (3.0, y), (1.0, 0.0), looks=5)
    assert np.abs(np.rad2deg(np.arctan2(wishes[:, 1], wishes[:, 0]))).max() < 15.0


def test_through_a_door_people_aim_at_it():
    rooms = plan(12.0, 6.0, (0.2, 0.2, 5.9, 5.8), (6.1, 0.2, 11.8, 5.8), (5.8, 2.5, 6.2, 3.5))
    aimed, _ = walk(rooms, (3.0, 3.9), (1.0, -0.25), looks=5)
    assert abs(np.interp(6.0, aimed[:, 0], aimed[:, 1]) - 3.0) < 0.5


def test_where_ways_part_walls_say_nothing_and_nobody_turns_back():
    fork = plan(10.0, 10.0, (0.2, 7.4, 9.8, 9.6), (4.0, 0.2, 6.0, 9.6))
    _, wishes = walk(fork, (5.0, 4.0), (0.0, 1.0), looks=5)
    assert wishes[:, 1].min() > 0.9  # on to the wall; steering.turned keeps them off it
    dead_end = plan(12.0, 3.0, (0.2, 0.4, 11.8, 2.6))
    _, wishes = walk(dead_end, (8.0, 1.5), (1.0, 0.0), looks=5)
    assert wishes[:, 0].min() > 0.9


def test_where_no_floor_is_open_there_are_no_errands():
    none = Errands(OccupancyMap(np.full((20, 20), OCCUPIED, np.int8), 0.2))
    assert len(none.costs) == 0
    wanted, here = np.array([[1.0, 0.0]], np.float32), np.ones((1, 2), np.float32)
    onward, known = none.of(here, wanted).onward(here, wanted)
    np.testing.assert_array_equal(onward, wanted)
    assert not known.any()
    off_the_plan = Errands(CORNER, (90.0, 90.0))
    assert not off_the_plan.of(here, wanted).onward(here, wanted)[1].any()


def test_on_a_large_plan_they_are_near_whom_they_are_asked_for():
    """A corner far out on a plan of 60 m by 60 m: as on a plan of its own, and made anew only every few metres."""
    cells = np.full((600, 600), OCCUPIED, np.int8)
    cells[400:500, 300:400] = CORNER.cells
    far = OccupancyMap(cells, RESOLUTION, (-5.0, 3.0))

    def at(x: float, y: float) -> np.ndarray:
        """Of the corner's own plan."""
        return np.array([25.0 + x, 43.0 + y])

    assert errands_near(far, at(6.1, 6.2)) is errands_near(far, at(7.5, 6.0))
    assert errands_near(far, at(6.0, 6.0)) is not errands_near(far, at(-6.0, 6.0))
    assert errands_near(CORNER, np.zeros(2)) is errands_near(CORNER, np.array([9.0, 9.0]))
    here, wanted = at(8.6, 4.6).astype(np.float32)[None], np.array([[0.0, -1.0]], np.float32)
    bound = errands_near(far, at(6.0, 1.3)).of(here, wanted)
    for _ in range(7):
        wanted, _ = bound.onward(here, wanted)
        here = here + np.float32(PERIOD) * wanted
    assert wanted[0, 0] < -0.9


def test_errands_are_spread_over_the_floor():
    spread = Errands(CORNER)
    assert spread.costs.shape[0] == MOST
    farthest = spread.costs.min(axis=0)[spread.costs.min(axis=0) < np.inf]
    assert farthest.max() < 2.0  # [m, dearer near walls] to the nearest from anywhere


def test_what_a_plan_needs_is_worked_out_when_it_comes_and_not_when_somebody_does():
    floor, model = plan(8.0, 4.0, (0.2, 0.2, 7.8, 3.8)), SocialForce()
    model.prepare(floor)
    made = errands._made.cache_info().misses
    people = Tracks(0.0, "map", np.arange(1), np.ones((1, 2)), np.ones((1, 2)), np.zeros((1, 4, 4)), np.ones(1))
    robot = RobotFutures(np.array([5.0, 2.0, 0.0]), np.zeros((0, 6, 3)), np.zeros(0, dtype=bool), 0.2)
    assert model.foresee(people, robot, 0.4, floor).without.shape == (1, 6, 2)
    assert errands._made.cache_info().misses == made
