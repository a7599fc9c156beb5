from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.simulation.goal_field import GoalField
from sac_son_nav.simulation.laser import Laser
from sac_son_nav.simulation.observations import Observer
from sac_son_nav.simulation.person_groups import PersonGroup
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenarios import Scenario
from sac_son_nav.simulation.world import World
from test.simulation.worlds import room, world

ROBOT = load_robot("simulated")


def standing(*places: tuple[float, float], start: tuple[float, float, float] = (2.0, 3.0, np.pi / 2)) -> Scenario:
    """People who stand at the places; the robot looks along y."""
    people = [PersonGroup(start=place, radius=0.2 + 0.01 * i) for i, place in enumerate(places)]
    return world(room(10.0, 6.0), *people, start=start, goal=(8.0, 3.0, 0.0))


def told(scenario: Scenario, steps: int = 0, **more: Any) -> dict[str, np.ndarray]:
    field = GoalField(scenario.floor, scenario.robot_goal[:2], ROBOT.radius)
    observer = Observer(scenario, ROBOT, field, **{"people": 3, "reach": 4.0, "beams": None, **more})
    batch = World(scenario, ROBOT, (1, 2))
    for _ in range(steps):
        batch.step(np.array([[0.6, 0.3], [0.0, 0.0]]))
    observation = observer.observe(batch, 2, field.at(batch.poses[:, :2]))
    for name, (low, high) in observer.bounds.items():
        assert observation[name].shape[1:] == low.shape
        assert observation[name].dtype == np.float32
        assert (low <= observation[name]).all()
        assert (observation[name] <= high).all()
    return observation


def test_goal_and_way_are_told_in_the_robot_s_own_axes() -> None:
    observation = told(standing())
    # The goal is 6 m to the right of a robot that looks along y.
    np.testing.assert_allclose(observation["goal"], [[6.0, 0.0, -1.0]] * 2, atol=1e-6)
    np.testing.assert_allclose(observation["way"], [[6.0, 0.0, -1.0]] * 2, atol=1e-3)
    np.testing.assert_array_equal(observation["velocity"], np.zeros((2, 2)))
    driven = told(standing(), steps=10)
    # 0.8 m/s^2 and 4 rad/s^2 for half a second.
    np.testing.assert_allclose(driven["velocity"], [[0.4, 0.3], [0.0, 0.0]], atol=1e-6)
    at_goal = told(standing(start=(8.0, 3.0, 1.0)))
    np.testing.assert_array_equal(at_goal["goal"], [[0.0, 1.0, 0.0]] * 2)


def test_the_nearest_people_come_first_and_the_rest_is_zeros() -> None:
    observation = told(standing((2.0, 5.0), (3.0, 3.0), (9.0, 3.0)))
    # 1 m to the right, 2 m ahead; the third is 7 m away.
    np.testing.assert_allclose(observation["people"][0, :2, :2], [[0.0, -1.0], [2.0, 0.0]], atol=1e-6)
    np.testing.assert_allclose(observation["people"][0, :2, 4], [0.21, 0.2], atol=1e-6)
    np.testing.assert_array_equal(observation["people_mask"], [[1, 1, 0]] * 2)
    np.testing.assert_array_equal(observation["people"][:, 2], np.zeros((2, 5)))
    fewer = told(standing((2.0, 5.0), (3.0, 3.0)), people=1)
    np.testing.assert_allclose(fewer["people"][0, :, :2], [[0.0, -1.0]], atol=1e-6)
    nobody = told(standing())
    assert not nobody["people"].any()
    assert not nobody["people_mask"].any()


def test_velocities_are_over_ground_in_the_robot_s_axes() -> None:
    scenario = standing((4.0, 3.0))
    field = GoalField(scenario.floor, scenario.robot_goal[:2], ROBOT.radius)
    observer, batch = Observer(scenario, ROBOT, field, 3, 4.0, None), World(scenario, ROBOT, (1,))
    batch.crowd.velocities = np.array([[[1.0, 0.5]]])
    batch.velocities = np.array([[0.6, 0.0]])  # which does not matter
    (people,) = observer.observe(batch, 1, field.at(batch.poses[:, :2]))["people"]
    np.testing.assert_allclose(people[0, :4], [0.0, -2.0, 0.5, -1.0], atol=1e-6)


def test_the_laser_is_the_world_s_in_shares_of_its_reach() -> None:
    scenario = standing((3.5, 3.0), start=(2.0, 3.0, 0.0))
    observation = told(scenario, beams=90, people=None)
    assert set(observation) == {"goal", "way", "velocity", "laser"}
    laser = replace(ROBOT.laser, beams=90)
    ranges = Laser(laser, RayCaster(scenario.floor)).scan(World(scenario, ROBOT, (1, 2)))
    expected = np.clip(ranges / laser.range_max, 0.0, 1.0)
    np.testing.assert_array_equal(observation["laser"], expected.astype(np.float32))
    # Beam 45 looks ahead: between the legs at 1.5 m, or at them, no further than the wall 8 m away.
    assert 1.3 / 12.0 < observation["laser"][0, 43:48].min() < 1.5 / 12.0
    # To the left the wall is 3 m away.
    assert observation["laser"][0, 67:69].mean() == pytest.approx(3.0 / 12.0, abs=0.01)


def test_what_is_too_near_or_out_of_reach_has_a_number_too() -> None:
    scenario = standing((2.3, 3.0), start=(2.0, 3.0, 0.0))  # a trunk of 0.2 m radius at 0.3 m: nearer than 0.12 m
    robot = replace(ROBOT, laser=replace(ROBOT.laser, height=1.0, range_max=2.0))
    field = GoalField(scenario.floor, scenario.robot_goal[:2], robot.radius)
    observer, batch = Observer(scenario, robot, field, None, 4.0, 4), World(scenario, robot, (1,))
    (seen,) = observer.observe(batch, 1, field.at(batch.poses[:, :2]))["laser"]
    np.testing.assert_array_equal(seen, [1.0, 1.0, 0.0, 1.0])  # behind, right, ahead, left; walls are 3 m away
