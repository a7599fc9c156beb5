"""One moment, several futures: exact, the same again, and the same as the run they were branched from."""

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.branches import EVERY, FUTURES, branch, collect
from sac_son_nav.simulation.driving import MANNERS, Manners, commands, draw_manners
from sac_son_nav.simulation.random_rooms import random_room, varied
from sac_son_nav.simulation.scenarios import cast_people, load_scenario, streams
from sac_son_nav.simulation.world import World

ROBOT = load_robot("simulated")


@pytest.fixture(scope="module")
def twins():
    world = World(load_scenario("frontal_approach"), ROBOT, [0, 1, 2], gait=False)
    return collect(world, None, np.random.default_rng(0), moments=2, most=2)


def test_shapes_and_that_a_robot_changes_something(twins):
    states = len(twins)
    assert 2 <= states <= 4
    assert twins.pasts.shape == (states, 1, 8, 2)
    assert twins.shifts.shape == (states, len(FUTURES), 1, 12, 2)
    assert twins.futures.shape == (states, len(FUTURES), 12, 3)
    assert np.abs(twins.shifts).max() > 0.05
    np.testing.assert_array_equal(twins.robot_pasts[:, -1], twins.robot_poses[:, :2])


def test_the_same_again(twins):
    world = World(load_scenario("frontal_approach"), ROBOT, [0, 1, 2], gait=False)
    again = collect(world, None, np.random.default_rng(0), moments=2, most=2)
    np.testing.assert_array_equal(again.shifts, twins.shifts)
    np.testing.assert_array_equal(again.pasts, twins.pasts)


def test_absent_and_each_future_are_worlds_of_their_own():
    """By hand: from the moment on, a copy with its robot stopped, and a copy without it."""
    world = World(load_scenario("crossing"), ROBOT, [3], gait=False)
    for _ in range(40):
        world.step(np.array([[0.5, 0.0]]))
    before = np.repeat(np.array(world.crowd.positions)[:, :, None], 8, axis=2)
    where = np.repeat(np.array(world.poses)[:, None], 8, axis=1)
    found = branch(world.take([0]), before, where, None, np.random.default_rng(0))
    alone, stopped = world.take([0], present=False), world.take([0])
    for t in range(12 * EVERY):
        alone.step()
        stopped.step(np.zeros((1, 2)) if t % 2 == 0 else None)
    np.testing.assert_allclose(found.absent[0, :, -1], alone.crowd.positions[0], atol=1e-5)
    shift = stopped.crowd.positions[0] - alone.crowd.positions[0]
    stop = FUTURES.index("stop")
    np.testing.assert_allclose(found.shifts[0, stop, :, -1], shift, atol=2e-3)
    np.testing.assert_allclose(found.futures[0, stop, -1], stopped.poses[0], atol=1e-5)


def test_nobody_to_disturb_is_refused():
    with pytest.raises(ConfigError, match="scenario empty: expected somebody to be disturbed"):
        collect(World(load_scenario("empty"), ROBOT, [0], gait=False), None, np.random.default_rng(0))


def test_manners_do_what_they_are_called():
    """One robot at (5, 6) looking along x at 0.5 m/s, one person 2 m to its left who walks along x."""
    world = World(load_scenario("crossing"), ROBOT, [0] * len(MANNERS), gait=False)
    poses = np.tile([5.0, 6.0, 0.0], (len(MANNERS), 1))
    world.poses, world.velocities = poses, np.tile([0.5, 0.0], (len(MANNERS), 1))
    people = np.full(world.crowd.positions.shape, 50.0)
    people[:, 0] = [5.0, 8.0]
    world.crowd.positions, world.crowd.velocities = people, np.zeros_like(people)
    world.crowd.velocities[:, 0] = [2.0, 0.0]
    drawn = draw_manners(np.arange(len(MANNERS)), world, 4.8, np.random.default_rng(0))
    told = dict(zip(MANNERS, commands(world, drawn, 0.0, None), strict=True))
    np.testing.assert_allclose(told["hold"], [0.5, 0.0])
    np.testing.assert_allclose(told["stop"], [0.0, 0.0])
    np.testing.assert_allclose(told["wander"], [0.5, 0.0])  # from what it does now
    assert told["swerve_left"][1] > 0.3 > -0.3 > told["swerve_right"][1]
    assert told["route"][1] == pytest.approx(0.0, abs=1e-9)  # the goal is straight ahead
    assert told["route"][0] > 0.25
    assert told["approach"][0] == pytest.approx(0.0, abs=1e-6)  # at a right angle it turns first
    assert told["approach"][1] > 1.0
    assert told["leave"][1] < -1.0
    assert 0.0 < told["cross"][1] < told["approach"][1] + 1e-9
    later = dict(zip(MANNERS, commands(world, drawn, 1.5, None), strict=True))
    assert later["swerve_left"][1] < -0.3  # and back
    assert isinstance(drawn.of(np.array([1, 2])), Manners)


def test_random_rooms_are_rooms_with_people_and_the_same_again():
    kinds = set()
    for seed in range(8):
        room, again = (random_room(np.random.default_rng(seed)) for _ in range(2))
        kinds.add(room.name)
        assert room.people == again.people
        np.testing.assert_array_equal(room.floor.cells, again.floor.cells)
        assert len(cast_people(room, streams(room, 5))) >= 2
    assert len(kinds) > 1


def test_varied_people_keep_their_errands():
    card = load_scenario("overtaking")
    other = varied(card, np.random.default_rng(3))
    assert [g.errand for g in other.people] == [g.errand for g in card.people]
    assert other.people != card.people
