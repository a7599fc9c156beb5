"""The robot's idea of its own motion."""

from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.datasets.bags import Bag
from sac_son_nav.simulation.sensors import NoiseConfig, Odometry, localise


def test_odometry_drifts_by_about_one_to_two_percent_of_the_way() -> None:
    errors = []
    for seed in range(60):
        odometry = Odometry(NoiseConfig(), np.random.default_rng(seed))
        for _ in range(400):  # 20 s at 0.5 m/s: 10 m straight ahead
            odometry.step(np.array([0.5, 0.0]), 0.05)
        errors.append(np.linalg.norm(odometry.pose[:2] - [10.0, 0.0]))
    assert 0.01 < np.sqrt(np.mean(np.square(errors))) / 10.0 < 0.03


@pytest.mark.parametrize("recording", ["husky_outdoor", "jackal_imu_odom"])
def test_the_measured_speed_jitters_as_that_of_real_robots(shared_data: Path, recording: str) -> None:
    """From one message to the next a recorded speed differs by its noise and by what the robot did in between, so
    the recordings bound the noise from above: 1.7 % of the speed for both robots."""
    with Bag(shared_data / "robot-odom-bags" / recording) as bag:
        topic = bag.topic_of_type("nav_msgs/msg/Odometry").name
        recorded = np.array([message.twist.twist.linear.x for _, _, message in bag.messages([topic])])
    moving = recorded[np.abs(recorded) > 0.1]
    real = np.std(np.diff(moving)) / np.sqrt(2.0) / np.mean(np.abs(moving))

    odometry, ours = Odometry(NoiseConfig(), np.random.default_rng(0)), []
    for _ in range(2000):
        odometry.step(np.array([0.5, 0.0]), 0.05)
        ours.append(odometry.velocity[0])
    simulated = np.std(np.diff(ours)) / np.sqrt(2.0) / 0.5
    assert simulated == pytest.approx(0.02, rel=0.1)
    assert 0.5 * real < simulated < 1.5 * real


def test_odometry_of_a_standing_robot_stands() -> None:
    odometry = Odometry(NoiseConfig(), np.random.default_rng(0))
    for _ in range(1000):
        odometry.step(np.zeros(2), 0.05)
    np.testing.assert_array_equal(odometry.pose, np.zeros(3))
    np.testing.assert_array_equal(odometry.velocity, np.zeros(2))


def test_the_localiser_errs_by_two_centimetres_and_half_a_degree_without_drifting() -> None:
    random, pose = np.random.default_rng(3), np.array([1.0, 2.0, np.pi - 1e-3])
    reported = np.array([localise(pose, NoiseConfig(), random) for _ in range(4000)])
    assert (np.abs(reported[:, 2]) <= np.pi).all()
    error = reported - pose
    error[:, 2] = (error[:, 2] + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(error.std(axis=0), [0.02, 0.02, np.radians(0.5)], rtol=0.06)
    assert (np.abs(error.mean(axis=0)) < 5 * error.std(axis=0) / np.sqrt(4000)).all()
