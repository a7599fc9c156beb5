import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.prediction.predictor import ConstantVelocity, RobotFutures, SocialForce, SocialForceConfig
from sac_son_nav.states import Tracks

STEP, STEPS = 0.25, 20


def people(positions, velocities) -> Tracks:
    positions, velocities = np.asarray(positions, dtype=float), np.asarray(velocities, dtype=float)
    n = len(positions)
    return Tracks(0.0, "map", np.arange(n), positions, velocities, np.zeros((n, 4, 4)), np.ones(n))


def parked(x: float, y: float, present: bool = True) -> RobotFutures:
    pose = np.array([x, y, 0.0])
    return RobotFutures(pose, np.broadcast_to(pose, (1, STEPS, 3)), np.array([present]), 0.22)


def test_constant_velocity_by_hand():
    future = ConstantVelocity().predict(people([[0, 0]], [[1.0, -0.5]]), parked(5, 5), STEP, None)
    assert future.shape == (1, 1, STEPS, 2)
    np.testing.assert_allclose(future[0, 0, [0, -1]], [[0.25, -0.125], [5.0, -2.5]])


def test_alone_a_person_walks_on():
    future = SocialForce().predict(people([[0, 0]], [[1.2, 0.0]]), parked(2, 0, present=False), STEP, None)
    np.testing.assert_allclose(future[0, 0, -1], [6.0, 0.0], atol=1e-4)


def test_a_robot_in_the_way_pushes_aside_and_its_absence_does_not():
    walker = people([[0, 0.05]], [[1.2, 0.0]])
    with_robot = SocialForce().predict(walker, parked(3, 0), STEP, None)[0, 0]
    without = SocialForce().predict(walker, parked(3, 0, present=False), STEP, None)[0, 0]
    assert np.abs(with_robot - without).max() > 0.2
    # Nobody walks through it: two bodies of 0.3 and 0.22 m.
    assert np.linalg.norm(with_robot - [3.0, 0.0], axis=-1).min() > 0.45


def test_a_robot_far_away_changes_nothing():
    walker = people([[0, 0]], [[1.2, 0.0]])
    far = SocialForce().predict(walker, parked(0, 40), STEP, None)
    none = SocialForce().predict(walker, parked(0, 40, present=False), STEP, None)
    np.testing.assert_allclose(far, none, atol=1e-3)


def test_candidates_in_one_batch_are_the_candidates_one_by_one():
    crowd = people([[2, 0.3], [3, -0.4], [1, 2]], [[-1.2, 0], [-1.0, 0.1], [0.0, -1.0]])
    poses = np.stack(
        [np.stack([v * STEP * np.arange(1, STEPS + 1), np.zeros(STEPS), np.zeros(STEPS)], -1) for v in (0.0, 0.3, 0.6)]
    )
    present = np.array([True, True, False])
    together = SocialForce().predict(crowd, RobotFutures(np.zeros(3), poses, present, 0.22), STEP, None)
    for k in range(3):
        alone = SocialForce().predict(
            crowd, RobotFutures(np.zeros(3), poses[k : k + 1], present[k : k + 1], 0.22), STEP, None
        )
        np.testing.assert_allclose(together[k], alone[0], atol=1e-4)


def test_who_stands_stays():
    future = SocialForce().predict(people([[3, 3]], [[0.1, 0.1]]), parked(0, 0, present=False), STEP, None)
    assert np.linalg.norm(future[0, 0, -1] - [3, 3]) < 0.1


def test_nobody_is_no_trouble():
    nobody = people(np.zeros((0, 2)), np.zeros((0, 2)))
    assert SocialForce().predict(nobody, parked(0, 0), STEP, None).shape == (1, 0, STEPS, 2)


def test_a_body_without_size_is_refused():
    with pytest.raises(ConfigError, match="person_radius"):
        SocialForceConfig(person_radius=0.0)


def test_futures_asked_for_later_are_those_asked_for_with_the_world_alone():
    random = np.random.default_rng(0)
    crowd = people(random.uniform(-2.0, 2.0, (5, 2)), random.normal(0.0, 0.8, (5, 2)))
    poses = random.uniform(-2.0, 2.0, (3, STEPS, 3))
    nowhere = RobotFutures(np.zeros(3), poses[:0], np.zeros(0, dtype=bool), 0.22)
    at_once, later = (SocialForce().foresee(crowd, nowhere, STEP, None) for _ in range(2))
    with_it = at_once.under(poses)
    np.testing.assert_allclose(at_once.without, later.without, atol=1e-5)
    np.testing.assert_allclose(with_it, later.under(poses), atol=1e-5)
    assert later.under(poses[:0]).shape == (0, 5, STEPS, 2)
