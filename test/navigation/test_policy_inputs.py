"""What the policy is told: by hand, turned, mirrored."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from sac_son_nav.geometry import rotate
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.navigation.policy_inputs import (
    PERSON,
    ROOM,
    SIGHT,
    SURROUNDINGS,
    WAY_SPACING,
    PolicyInputs,
    inputs,
    mirrored,
    nearest_by_sector,
    persons,
    room_beside,
    surroundings,
)
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Floats

LIMITS = BaseLimits()
STRAIGHT = np.array([[0.0, 0.0], [10.0, 0.0]])


def told(
    pose: Floats,
    line: Floats,
    points: Floats,
    people: Floats,
    paces: Floats,
    velocity: tuple[float, float] = (0.3, 0.1),
) -> PolicyInputs:
    return inputs(pose, np.array(velocity), Route.along(line, 0.3), 0.22, LIMITS, points, people, paces)


def some(random: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    return random.uniform(-4, 4, (60, 2)), random.uniform(-4, 4, (5, 2)), random.normal(size=(5, 2))


def same(a: PolicyInputs, b: PolicyInputs, tolerance: float = 1e-5) -> None:
    for f in fields(PolicyInputs):
        np.testing.assert_allclose(getattr(a, f.name), getattr(b, f.name), atol=tolerance, err_msg=f.name)


def test_the_robots_axes_by_hand() -> None:
    """At (1, 0.5), looking along +y: the way along +x lies 0.5 m behind and runs to the right; a person at (3, 1.5)
    who walks along +x is 1 m ahead and 2 m to the right, and walks to the right."""
    pose = np.array([1.0, 0.5, np.pi / 2])
    found = told(pose, STRAIGHT, np.zeros((0, 2)), np.array([[3.0, 1.5]]), np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(found.way[:2], [[-0.5, 0.0], [-0.5, -WAY_SPACING]], atol=1e-6)
    np.testing.assert_allclose(found.people, [[1.0, -2.0, 0.0, -1.0]], atol=1e-6)
    np.testing.assert_allclose(found.body, [0.3, 0.1, 0.22, 0.6, 1.5, 0.8, 2.5, 4.0, 5.0], atol=1e-6)


def test_the_way_ends_at_the_goal() -> None:
    found = told(np.array([9.0, 0.0, 0.0]), STRAIGHT, np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)))
    np.testing.assert_allclose(found.way[-1], [1.0, 0.0], atol=1e-6)
    assert found.body[-1] == pytest.approx(1.0)


def test_who_is_far_or_nowhere_is_not_told() -> None:
    people = np.array([[7.9, 0.0], [8.1, 0.0], [np.nan, np.nan]])
    found = told(np.zeros(3), STRAIGHT, np.zeros((0, 2)), people, np.ones((3, 2)))
    np.testing.assert_array_equal(found.present, [1.0, 0.0, 0.0])
    assert not found.people[1:].any()


def test_sectors_by_hand() -> None:
    """Of 24 sectors of 15 degrees from -180 on, the one from 0 to 15 degrees is number 12, that to its right 11."""
    found = nearest_by_sector(np.array([[2.0, 0.1], [3.0, 0.1], [1.0, -0.1], [9.0, 9.0], [np.inf, 0.0]]))
    expected = np.full(24, SIGHT)
    expected[12], expected[11] = np.hypot(2.0, 0.1), np.hypot(1.0, 0.1)
    np.testing.assert_allclose(found, expected)
    np.testing.assert_array_equal(nearest_by_sector(np.zeros((0, 2))), np.full(24, SIGHT))


def test_room_beside_the_way_by_hand() -> None:
    way, along = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    found = room_beside(way, along, np.array([[0.1, 0.8], [0.9, -0.4], [5.0, 0.1]]))
    np.testing.assert_allclose(found, [[0.8, ROOM], [ROOM, 0.4]])


@pytest.mark.parametrize("turn", [0.7, -2.9])
def test_turning_and_moving_the_world_changes_nothing(turn: float) -> None:
    random = np.random.default_rng(3)
    points, people, paces = some(random)
    line, pose, shift = (
        np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 3.0]]),
        np.array([0.3, 0.2, 0.4]),
        np.array([5.0, -7.0]),
    )
    angle = np.asarray(turn)
    moved = [np.asarray(rotate(a, angle)) + shift for a in (line, points, people)]
    there = np.array([*(np.asarray(rotate(pose[:2], angle)) + shift), pose[2] + turn])
    same(told(pose, line, points, people, paces), told(there, *moved, np.asarray(rotate(paces, angle))), 2e-5)


def test_what_is_told_of_the_mirrored_world_is_the_mirror_image() -> None:
    points, people, paces = some(np.random.default_rng(4))
    line, pose, across = (
        np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 3.0]]),
        np.array([0.3, 0.2, 0.4]),
        np.array([1.0, -1.0]),
    )
    there = told(
        pose * [1.0, -1.0, -1.0], line * across, points * across, people * across, paces * across, (0.3, -0.1)
    )
    here = told(pose, line, points, people, paces)
    same(mirrored(here), there)
    same(mirrored(mirrored(here)), here, 0.0)


def test_features_have_the_sizes_that_the_network_expects() -> None:
    found = told(np.zeros(3), STRAIGHT, *some(np.random.default_rng(5)))
    assert surroundings(found).shape == (SURROUNDINGS,)
    assert persons(found).shape == (5, PERSON)


def test_a_batch_is_told_row_by_row() -> None:
    random = np.random.default_rng(6)
    poses, velocities = random.uniform(-1, 1, (3, 3)), random.uniform(0, 0.5, (3, 2))
    points, people, paces = random.uniform(-4, 4, (3, 50, 2)), random.uniform(-4, 4, (3, 4, 2)), np.zeros((3, 4, 2))
    route = Route.along(STRAIGHT, 0.3)
    batch = inputs(poses, velocities, route, 0.22, LIMITS, points, people, paces)
    for k in range(3):
        one = inputs(poses[k], velocities[k], route, 0.22, LIMITS, points[k], people[k], paces[k])
        same(PolicyInputs(*(getattr(batch, f.name)[k] for f in fields(PolicyInputs))), one, 1e-6)
