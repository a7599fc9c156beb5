"""A tree of frames over time, against poses worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from transforms3d.euler import euler2quat

from sac_son_nav.errors import MessageError
from sac_son_nav.states import Scan
from sac_son_nav.transforms import TransformBuffer, laser_place, planar, slerp, upright


def turn(roll: float = 0.0, pitch: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    """A quaternion from angles [deg]."""
    return euler2quat(*map(math.radians, (roll, pitch, yaw)), "sxyz")


@pytest.fixture
def buffer() -> TransformBuffer:
    """map -> odom -> base_link -> laser; the robot drives along odom's x with 1 m/s, turning left by 90 deg in 1 s."""
    made = TransformBuffer()
    made.add("map", "odom", 10.0, np.array([1.0, 2.0, 0.0]), turn(yaw=90))
    made.add("odom", "base_link", 10.0, np.zeros(3), turn())
    made.add("odom", "base_link", 11.0, np.array([1.0, 0.0, 0.0]), turn(yaw=90))
    made.add("base_link", "laser", 0.0, np.array([0.2, 0.0, 0.3]), turn(), fixed=True)
    return made


def test_a_chain_is_followed_up_and_down(buffer):
    # In the map odom's x axis points along y: at 10 s the laser is at (1, 2.2), looking along y.
    found = planar(buffer.lookup("map", "laser", 10.0))
    np.testing.assert_allclose(found, [1.0, 2.2, math.pi / 2], atol=1e-12)
    back = buffer.lookup("laser", "map", 10.0)
    np.testing.assert_allclose(back @ buffer.lookup("map", "laser", 10.0), np.eye(4), atol=1e-12)
    np.testing.assert_allclose(buffer.lookup("odom", "odom", 10.0), np.eye(4))


def test_between_two_stamps_it_is_interpolated(buffer):
    np.testing.assert_allclose(planar(buffer.lookup("odom", "base_link", 10.5)), [0.5, 0.0, math.pi / 4], atol=1e-12)


def test_siblings_meet_in_their_parent(buffer):
    buffer.add("base_link", "camera", 0.0, np.array([0.1, 0.0, 0.5]), turn(yaw=180), fixed=True)
    np.testing.assert_allclose(buffer.lookup("camera", "laser")[:3, 3], [-0.1, 0.0, -0.2], atol=1e-12)


@pytest.mark.parametrize(
    ("target", "source", "stamp"),
    [
        ("map", "laser", 9.9),  # before the first
        ("odom", "base_link", 11.3),  # too far beyond the last
        ("map", "nowhere", 10.0),
        ("nowhere", "map", None),
    ],
)
def test_what_is_not_known_is_none(buffer, target, source, stamp):
    assert buffer.lookup(target, source, stamp) is None


def test_a_little_beyond_the_newest_that_one_is_taken(buffer):
    np.testing.assert_allclose(planar(buffer.lookup("odom", "base_link", 11.15)), [1.0, 0.0, math.pi / 2], atol=1e-12)


def test_two_trees_do_not_meet_and_a_circle_is_no_tree(buffer):
    buffer.add("other", "thing", 10.0, np.zeros(3), turn())
    assert buffer.lookup("map", "thing") is None
    buffer.add("thing", "other", 10.0, np.zeros(3), turn())
    assert buffer.lookup("other", "thing") is None


def test_a_clock_that_is_set_back_makes_it_forget_what_moved_and_keep_what_is_fixed(buffer):
    buffer.add("odom", "base_link", 3.0, np.zeros(3), turn())
    assert buffer.lookup("map", "odom") is None
    np.testing.assert_allclose(planar(buffer.lookup("odom", "laser", 3.0)), [0.2, 0.0, 0.0])


def test_an_older_stamp_and_the_same_again_change_nothing(buffer):
    buffer.add("odom", "base_link", 10.7, np.array([9.0, 9.0, 0.0]), turn())
    buffer.add("odom", "base_link", 11.0, np.array([9.0, 9.0, 0.0]), turn())
    np.testing.assert_allclose(planar(buffer.lookup("odom", "base_link", 11.0)), [1.0, 0.0, math.pi / 2], atol=1e-12)


def test_only_the_last_seconds_are_kept():
    made = TransformBuffer(keep=1.0)
    for k in range(1000):
        made.add("a", "b", 0.1 * k, np.array([k, 0.0, 0.0]), turn())
    assert len(made._edges["b"].stamps) < 15
    assert made.lookup("a", "b", 50.0) is None
    np.testing.assert_allclose(made.lookup("a", "b", 99.0)[0, 3], 990.0)


@pytest.mark.parametrize(
    ("parent", "child", "position", "quaternion"),
    [
        ("a", "a", [0, 0, 0], [1, 0, 0, 0]),
        ("", "b", [0, 0, 0], [1, 0, 0, 0]),
        ("a", "b", [math.nan, 0, 0], [1, 0, 0, 0]),
        ("a", "b", [0, 0, 0], [0, 0, 0, 0]),
        ("a", "b", [0, 0, 0], [math.nan, 0, 0, 0]),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(buffer, parent, child, position, quaternion):
    before = buffer.frames()
    with pytest.raises(MessageError, match="expected"):
        buffer.add(parent, child, 12.0, np.array(position, float), np.array(quaternion, float))
    assert buffer.frames() == before


def test_how_new_a_transform_is(buffer):
    assert buffer.newest_s("odom", "base_link") == 11.0
    assert buffer.newest_s("base_link", "laser") == math.inf
    assert buffer.newest_s("map", "laser") is None  # not its parent


def test_slerp_takes_the_shorter_way_at_even_speed():
    first, second = turn(yaw=170), -turn(yaw=-170)
    for share, yaw in ((0.0, 170.0), (0.25, 175.0), (0.5, 180.0), (1.0, 190.0)):
        got, expected = slerp(first, second, share), turn(yaw=yaw)
        assert abs(abs(float(np.dot(got, expected))) - 1.0) < 1e-12


def test_a_laser_that_hangs_upside_down_sees_the_same_things():
    """A return at 30 deg to the left of the robot; hanging, the laser calls that 30 deg to its right."""
    made = TransformBuffer()
    made.add("base_link", "laser", 0.0, np.array([0.1, 0.0, 1.0]), turn(roll=180), fixed=True)
    pose, hangs = laser_place(made.lookup("base_link", "laser"), "scan")
    np.testing.assert_allclose(pose, [0.1, 0.0, 0.0], atol=1e-12)
    assert hangs
    angles = np.radians(np.arange(-90.0, 91.0, 1.0))
    ranges = np.full(len(angles), np.inf)
    ranges[60] = 2.0  # -30 deg
    seen = upright(Scan(1.0, ranges, float(angles[0]), math.radians(1.0), 0.1, 10.0, "laser"))
    np.testing.assert_allclose(seen.points(), [[2.0 * math.cos(math.pi / 6), 1.0]], atol=1e-9)


def test_a_laser_that_looks_at_the_floor_is_refused():
    made = TransformBuffer()
    made.add("base_link", "laser", 0.0, np.zeros(3), turn(pitch=30), fixed=True)
    with pytest.raises(MessageError, match="scan: expected a level laser, got one tilted by 30 degrees"):
        laser_place(made.lookup("base_link", "laser"), "scan")
