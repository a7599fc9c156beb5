"""A laser at shin height sees two legs; what the robot must not touch is a body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sac_son_nav.config import load_robot
from sac_son_nav.kinematics import unicycle_step
from sac_son_nav.navigation.navigator import NavigationConfig, Navigator
from sac_son_nav.navigation.shield import ShieldConfig
from sac_son_nav.navigation.surroundings import ROUND, Seen
from sac_son_nav.states import Command, Observation, RobotState, Tracks

ROBOT, BODY = load_robot("simulated"), ShieldConfig().body


def seen_by(pose, velocity, people, paces=None, time_s=0.0) -> Observation:
    """People (N, 2) [m] of whom the laser sees two legs, 0.1 m to the left and right of their middle."""
    people = np.asarray(people, dtype=float).reshape(-1, 2)
    paces = np.zeros_like(people) if paces is None else np.asarray(paces, dtype=float)
    count = len(people)
    tracks = Tracks(time_s, "map", np.arange(count), people, paces, np.zeros((count, 4, 4)), np.ones(count))
    legs = (people[:, None] + [[0.0, 0.1], [0.0, -0.1]]).reshape(-1, 2)
    robot = RobotState(time_s, np.asarray(pose, dtype=float), np.asarray(velocity, dtype=float), "map")
    return Observation(time_s, robot, tracks, legs)


def test_bodies_are_outlined_where_the_robot_sees_them_and_move_as_their_people():
    observation = seen_by([1.0, 1.0, np.pi / 2], [0.0, 0.0], [[1.0, 2.5], [9.0, 9.0]], [[0.0, -0.5], [0.0, 0.0]])
    places, paces = Seen.of(observation, 0.45).from_robot(3.0, 0.2)
    assert places.shape == paces.shape == (2 + ROUND, 2)  # who is far away has no outline
    outline = places[2:]
    np.testing.assert_allclose(np.hypot(*(outline - [1.5, 0.0]).T), 0.2)  # ahead, in the robot's frame
    assert outline[:, 0].min() == pytest.approx(1.3)
    np.testing.assert_allclose(paces, np.broadcast_to([-0.5, 0.0], paces.shape), atol=1e-12)


def test_without_bodies_there_are_the_returns_alone():
    observation = seen_by([0.0, 0.0, 0.0], [0.0, 0.0], [[1.0, 0.0]])
    assert len(Seen.of(observation, 0.45).from_robot(3.0)[0]) == 2


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_command_drives_the_robot_into_the_body_of_somebody_who_stands(seed):
    random = np.random.default_rng(seed)
    people = random.uniform(-2.0, 2.0, (4, 2))
    people = people[np.hypot(*people.T) > ROBOT.radius + BODY + 0.1]
    navigator = Navigator(NavigationConfig(), ROBOT.radius, ROBOT.limits)
    pose, velocity, wanted = np.zeros(3), np.zeros(2), np.zeros(2)
    for step in range(60):
        if step % 10 == 0:
            wanted = random.uniform([-0.2, -1.5], [0.6, 1.5])
        observation = seen_by(pose, velocity, people, time_s=0.1 * step)
        velocity = navigator.guard(Command(*wanted), observation, 0.1).command.as_array()
        pose = unicycle_step(pose, velocity, 0.1)
        nearest = np.min(np.hypot(*(people - pose[:2]).T), initial=np.inf)
        assert nearest > ROBOT.radius + BODY


def test_it_is_the_body_that_keeps_it_off():
    def rests(body: float) -> float:
        navigator = Navigator(NavigationConfig(shield=ShieldConfig(body=body)), ROBOT.radius, ROBOT.limits)
        pose, velocity = np.zeros(3), np.zeros(2)
        for step in range(60):
            observation = seen_by(pose, velocity, [[1.5, 0.0]], time_s=0.1 * step)
            velocity = navigator.guard(Command(0.6, 0.0), observation, 0.1).command.as_array()
            pose = unicycle_step(pose, velocity, 0.1)
        return 1.5 - float(pose[0])

    assert rests(0.2) > ROBOT.radius + 0.2
    assert rests(0.0) < ROBOT.radius + 0.2
