"""The human model that is never wrong, held against what comes."""

import numpy as np
import pytest

from sac_son_nav.baselines.true_people import TruePeople
from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import rollout, unicycle_step
from sac_son_nav.prediction.predictor import RobotFutures
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.world import World
from sac_son_nav.states import Tracks

ROBOT, STEP, STEPS = load_robot("simulated"), 0.4, 6


def asked(model: TruePeople, world: World, velocities: np.ndarray):
    """What it says of the people of the first of two worlds under plans (K, T, 2)."""
    places = np.asarray(world.crowd.positions[0])
    count = len(places)
    people = Tracks(0.0, "map", np.arange(count), places, 0.0 * places, np.zeros((count, 4, 4)), np.ones(count))
    start = world.poses[0].copy()
    poses = np.asarray(rollout(np.broadcast_to(start, (len(velocities), 3)), velocities, STEP))
    robot = RobotFutures(start, poses, np.ones(len(poses), dtype=bool), ROBOT.radius)
    return poses, model.foresee(people, robot, STEP, None)


def test_it_foresees_what_comes_with_the_robot_and_without():
    world = World(load_scenario("perpendicular_crossing"), ROBOT, [3, 4])
    for _ in range(80):
        world.step(np.full((2, 2), [0.3, 0.0]))
    plans = np.array([[[0.4, 0.2]] * STEPS, [[0.0, 0.0]] * STEPS])
    model = TruePeople()
    model.look(world, 0)
    poses, foreseen = asked(model, world, plans)
    under = foreseen.under(poses)
    assert np.abs(under[0] - foreseen.without).max() > 0.01  # the robot does disturb somebody
    with_robot, alone = world.take([0]), world.take([0], present=False)
    for t in range(STEPS):
        for _ in range(8):
            here = np.asarray(unicycle_step(with_robot.poses, plans[:1, t], with_robot.dt))
            with_robot.follow(here, plans[:1, t])
            alone.step()
        np.testing.assert_allclose(under[0, :, t], with_robot.crowd.positions[0], atol=1e-5)
        np.testing.assert_allclose(foreseen.without[:, t], alone.crowd.positions[0], atol=1e-5)
    np.testing.assert_allclose(under[0, :, -1], foreseen.under(poses[:1])[0, :, -1])
    assert world.steps == 80  # the world itself was left alone


def test_it_wants_to_be_shown_the_world():
    with pytest.raises(ConfigError, match="shown the world"):
        asked(TruePeople(), World(load_scenario("crossing"), ROBOT, [0]), np.zeros((1, STEPS, 2)))
