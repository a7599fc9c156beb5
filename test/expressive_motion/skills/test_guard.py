"""How far the guard lets a base go, where the answer is plain geometry."""

import math

import numpy as np
import pytest

from expressive_motion.skills.attention import People
from expressive_motion.skills.guard import (
    CLEARANCE,
    LOOKS_AHEAD,
    ROOM,
    allowed_speed,
    free_way,
    nothing_near,
    stopping_way,
)

HERE = np.array([1.0, 2.0, 0.5 * math.pi])  # looks along y
RADIUS = 0.2
NONE = np.zeros((0, 2))


def someone(position: tuple[float, float], velocity: tuple[float, float] = (0.0, 0.0)) -> People:
    return People(np.array([1]), np.array([position]), np.array([velocity]))


@pytest.mark.parametrize("speed", [0.3, -0.3])
def test_a_point_on_the_line_ends_the_way_before_it(speed: float) -> None:
    point = np.array([[1.0, 2.0 + math.copysign(0.8, speed)]])
    assert free_way(HERE, speed, 0.0, RADIUS, point) == pytest.approx(0.8 - RADIUS - CLEARANCE, abs=1e-6)
    assert free_way(HERE, -speed, 0.0, RADIUS, point) == LOOKS_AHEAD


def test_what_stands_beside_the_way_does_not_end_it() -> None:
    assert free_way(HERE, 0.3, 0.0, RADIUS, np.array([[1.0 + RADIUS + CLEARANCE + 0.01, 2.6]])) == LOOKS_AHEAD
    assert free_way(HERE, 0.3, 0.0, RADIUS, np.array([[1.0 + RADIUS + CLEARANCE - 0.05, 2.6]])) < 0.6


def test_an_arc_is_followed_round_its_bend() -> None:
    """A half circle of 0.25 m radius to the left: a point on it is met, one straight ahead isn't."""
    on_the_arc = np.array([[0.5, 2.0]])
    met = free_way(HERE, 0.25, 1.0, RADIUS, on_the_arc)
    turned = 2.0 * math.asin(math.sqrt(1.0 - 0.28**2 / 0.5**2))  # where the chord to the point is RADIUS + CLEARANCE
    assert met == pytest.approx(0.25 * turned, abs=0.03)
    assert free_way(HERE, 0.25, 1.0, RADIUS, np.array([[1.0, 2.8]])) == LOOKS_AHEAD


def test_people_have_more_room_and_walkers_where_they_will_be() -> None:
    assert free_way(HERE, 0.3, 0.0, RADIUS, NONE, someone((1.0, 3.2))) == pytest.approx(1.2 - RADIUS - ROOM, abs=1e-6)
    assert free_way(HERE, 0.3, 0.0, RADIUS, NONE, someone((1.0, 3.2), (0.0, 0.3))) < 0.5
    # both go towards each other at 0.3 m/s, so that each makes half the way
    gap = free_way(HERE, 0.3, 0.0, RADIUS, NONE, someone((1.0, 3.6), (0.0, -0.3)))
    assert gap == pytest.approx(0.5 * (1.6 - RADIUS - ROOM), abs=0.03)
    assert free_way(HERE, 0.3, 0.0, RADIUS, NONE, someone((2.9, 2.6))) == LOOKS_AHEAD


def test_from_where_it_is_too_near_it_may_only_go_away() -> None:
    for people, points in ((someone((1.0, 2.5)), NONE), (None, np.array([[1.0, 2.25]]))):
        assert free_way(HERE, 0.2, 0.0, RADIUS, points, people) == 0.0
        assert free_way(HERE, -0.2, 0.0, RADIUS, points, people) == LOOKS_AHEAD


def test_turning_on_the_spot_is_always_free() -> None:
    assert free_way(HERE, 0.0, 1.0, RADIUS, np.array([[1.0, 2.21]]), someone((1.0, 2.3))) == LOOKS_AHEAD


@pytest.mark.parametrize("free", [0.0, 0.01, 0.2, 0.8])
def test_the_allowed_speed_is_stopped_from_within_the_way(free: float) -> None:
    speed = allowed_speed(free, 1.5)
    assert speed * 0.15 + speed * speed / (2.0 * 1.5) == pytest.approx(free, abs=1e-9)


@pytest.mark.parametrize("speed", [0.02, 0.31, 0.6])
def test_the_way_of_a_speed_is_the_one_it_is_allowed_on(speed: float) -> None:
    assert allowed_speed(stopping_way(speed, 1.5), 1.5) == pytest.approx(speed, abs=1e-12)


def test_where_nothing_is_near_the_way_is_free_that_far() -> None:
    """Whatever the arc, whoever walks; the cheap question is answered yes only where the dear one agrees."""
    luck = np.random.default_rng(4)
    agreed = refused = 0
    for _ in range(3000):
        points = HERE[:2] + luck.uniform(-1.6, 1.6, (luck.integers(0, 3), 2))
        count = luck.integers(0, 3)
        velocities = luck.uniform(-1.0, 1.0, (count, 2)) * luck.integers(0, 2)
        people = People(np.arange(count), HERE[:2] + luck.uniform(-2.5, 2.5, (count, 2)), velocities)
        speed, way = luck.uniform(0.03, 0.6), luck.uniform(0.005, 1.0)
        free = free_way(HERE, math.copysign(speed, luck.uniform(-1, 1)), luck.uniform(-2, 2), RADIUS, points, people)
        if nothing_near(HERE, way, speed, RADIUS, points, people):
            agreed += 1
            assert free >= way
        refused += free < way
    assert agreed > 200
    assert refused > 200


def test_a_point_that_is_no_number_is_not_near() -> None:
    lost = np.array([[math.nan, 2.0], [math.inf, 2.0]])
    assert nothing_near(HERE, 0.1, 0.3, RADIUS, lost)
    assert not nothing_near(HERE, 0.1, 0.3, RADIUS, np.concatenate([lost, HERE[None, :2] + 0.2]))
