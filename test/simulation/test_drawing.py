from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.maps import UNKNOWN, OccupancyMap
from sac_son_nav.simulation.drawing import LONG_SIDE, MARGIN, STRIP, Drawing
from test.simulation.worlds import room

FLOOR = room(10.0, 6.0, (4.0, 2.0, 5.0, 3.0))
INK, PERSON, MOVED, GOAL, WALL, WHITE = (
    *((34, 38, 43), (0, 114, 178), (213, 94, 0), (0, 158, 115)),
    *((223, 227, 232), (255, 255, 255)),
)
NOBODY = (np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


def colour(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """Of the pixel at a place [m]."""
    scale = LONG_SIDE / (10.0 - 0.05 + 2 * MARGIN)  # from the first cell's centre to the last one's
    row = picture.shape[0] - STRIP - 1 - int((y - 0.025 + MARGIN) * scale)
    return tuple(picture[row, int((x - 0.025 + MARGIN) * scale)].tolist())


def test_things_are_where_they_are() -> None:
    people = (np.array([[2.0, 4.5], [8.0, 1.0], [np.nan, np.nan]]), np.zeros((3, 2)), np.full(3, 0.25))
    robot, goal = (np.array([3.0, 1.0, np.pi / 2]), 0.22), (np.array([9.0, 3.0]), 0.3)
    picture = Drawing(FLOOR).draw(robot, goal, people)
    assert picture.dtype == np.uint8
    assert picture.shape[1] == LONG_SIDE
    assert picture.shape[0] % 2 == 0
    assert colour(picture, 4.5, 2.5) == WALL
    assert colour(picture, 4.5, 3.5) == WHITE
    assert colour(picture, 4.5, 6.1) == WALL
    assert colour(picture, 2.0, 4.5) == colour(picture, 2.2, 4.5) == colour(picture, 8.0, 1.2) == PERSON
    assert colour(picture, 2.3, 4.5) == WHITE
    assert colour(picture, 3.15, 1.0) == colour(picture, 2.85, 1.0) == colour(picture, 3.0, 0.85) == INK
    assert colour(picture, 3.0, 1.12) == WHITE  # where it looks
    assert colour(picture, 9.0, 3.0) == colour(picture, 9.3, 3.0) == colour(picture, 9.0, 2.7) == GOAL
    assert colour(picture, 9.0, 3.2) == WHITE


def test_who_is_moved_is_joined_to_where_they_would_be() -> None:
    drawing, robot, goal = Drawing(FLOOR), (np.array([3.0, 1.0, 0.0]), 0.22), (np.array([9.0, 3.0]), 0.3)
    people = (np.array([[2.0, 4.5], [7.0, 4.5]]), np.zeros((2, 2)), np.full(2, 0.25))
    picture = drawing.draw(robot, goal, people, people[0] - [[1.0, 0.0], [0.09, 0.0]])
    assert colour(picture, 2.0, 4.5) == MOVED
    # Thin lines are smoothed, so it may be any shade between.
    assert WHITE not in (colour(picture, 1.5, 4.5), colour(picture, 1.0, 4.75))
    assert colour(picture, 1.0, 4.6) == WHITE  # a ring
    assert colour(picture, 7.0, 4.5) == PERSON  # not moved by more than 0.1 m
    unmoved = drawing.draw(robot, goal, people, people[0])
    np.testing.assert_array_equal(unmoved, drawing.draw(robot, goal, people))  # and nothing is left of the last one


@pytest.mark.parametrize("with_caption", [False, True])
def test_the_caption_stands_below(with_caption: bool) -> None:
    robot, goal = (np.array([3.0, 1.0, 0.0]), 0.22), (np.array([9.0, 3.0]), 0.3)
    picture = Drawing(FLOOR).draw(robot, goal, NOBODY, caption="12.3 s" if with_caption else "")
    assert (picture[-STRIP:] < 128).any() == with_caption


def test_a_plan_without_free_floor_is_drawn_whole() -> None:
    floor = OccupancyMap(np.full((20, 40), UNKNOWN, dtype=np.int8), 0.1)
    picture = Drawing(floor).draw((np.array([1.0, 1.0, 0.0]), 0.22), (np.array([3.0, 1.0]), 0.3), NOBODY)
    assert picture.shape[1] == LONG_SIDE
    assert tuple(picture[5, 5].tolist()) == (243, 244, 246)
