import numpy as np
import pytest

from sac_son_nav.pose_buffer import PoseBuffer


def filled() -> PoseBuffer:
    buffer = PoseBuffer()
    buffer.add(1.0, np.array([0.0, 0.0, 3.0]), np.array([1.0, 0.0]))
    buffer.add(2.0, np.array([1.0, 2.0, -3.0]), np.array([3.0, 0.5]))
    return buffer


def test_between_two_poses_is_their_mean_and_yaw_takes_the_short_way():
    pose, velocity = filled().at(1.5)
    # From 3.0 to -3.0 rad the short way crosses pi: half way is pi.
    np.testing.assert_allclose(pose, [0.5, 1.0, np.pi], atol=1e-12)
    np.testing.assert_allclose(velocity, [2.0, 0.25])


def test_a_known_stamp_gives_the_pose_itself():
    np.testing.assert_array_equal(filled().at(2.0)[0], [1.0, 2.0, -3.0])


def test_motion_is_continued_a_little_and_no_further():
    pose, _ = filled().at(2.1)
    np.testing.assert_allclose(pose[:2], [1.1, 2.2])
    assert filled().at(2.3) is None


def test_before_the_oldest_nothing_is_known():
    assert filled().at(0.99) is None
    assert PoseBuffer().at(1.0) is None


@pytest.mark.parametrize("stamp", [2.0, 1.5])
def test_a_stamp_that_does_not_advance_is_refused(stamp):
    buffer = filled()
    assert not buffer.add(stamp, np.zeros(3))
    assert len(buffer) == 2


def test_a_clock_set_back_starts_anew():
    buffer = filled()
    assert buffer.add(0.5, np.array([9.0, 9.0, 0.0]))
    assert len(buffer) == 1
    assert buffer.newest_s == 0.5


def test_only_the_last_poses_are_kept():
    buffer = PoseBuffer(keep=3)
    for t in range(5):
        buffer.add(float(t), np.array([float(t), 0.0, 0.0]))
    assert len(buffer) == 3
    assert buffer.at(1.0) is None
