"""Scans as the core's type, and where the laser was: transforms one can add up by hand."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore

from sac_son_nav.datasets.scans import ODOMETRY, read_scans, read_transforms, to_scan
from sac_son_nav.errors import BagError
from test.datasets.test_bags import write

STORE = get_typestore(Stores.ROS2_JAZZY)
T: Any = STORE.types


def message(increment: float = 0.5, first: float = -0.5) -> SimpleNamespace:
    header = SimpleNamespace(stamp=SimpleNamespace(sec=3, nanosec=500_000_000), frame_id="/laser")
    return SimpleNamespace(
        header=header,
        angle_min=first,
        angle_max=first + 2 * increment,
        angle_increment=increment,
        range_min=0.1,
        range_max=8.0,
        ranges=[1.0, math.nan, 3.0],
    )


def test_scan_is_the_message() -> None:
    scan = to_scan(message(), "here")
    assert (scan.stamp_s, scan.frame, scan.angle_min, scan.range_max) == (3.5, "laser", -0.5, 8.0)
    np.testing.assert_array_equal(scan.ranges, [1.0, np.nan, 3.0])


def test_clockwise_laser_is_turned_round() -> None:
    """Beams at 0.5, 0, -0.5 rad become beams at -0.5, 0, 0.5 rad."""
    scan = to_scan(message(-0.5, 0.5), "here")
    np.testing.assert_allclose(scan.angles, [-0.5, 0.0, 0.5])
    np.testing.assert_array_equal(scan.ranges, [3.0, np.nan, 1.0])


@pytest.mark.parametrize(("increment", "first"), [(0.0, 0.0), (math.nan, 0.0), (0.1, math.inf)])
def test_angles_that_make_no_sense_are_refused(increment: float, first: float) -> None:
    with pytest.raises(BagError, match="here: expected finite angles"):
        to_scan(message(increment, first), "here")


@pytest.mark.parametrize("kind", ["rosbag1", "sqlite3", "mcap"])
def test_scans_of_a_recording(tmp_path: Path, kind: str) -> None:
    scans = list(read_scans(write(tmp_path, kind)))
    assert [time for time, _ in scans] == [1_700_000_000_000_000_000 + k * 100_000_000 for k in range(5)]
    assert scans[2][1].stamp_s == pytest.approx(1_700_000_000.2, abs=1e-6)
    np.testing.assert_array_equal(scans[2][1].ranges, [1.0, np.inf, 2.0])


def test_scans_of_a_recording_without_a_laser(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="the topic '/words' of type sensor_msgs/msg/LaserScan"):
        list(read_scans(write(tmp_path, "mcap"), "/words"))


def stamp(seconds: float) -> Any:
    return T["builtin_interfaces/msg/Time"](sec=int(seconds), nanosec=round((seconds % 1.0) * 1e9))


def turn(yaw: float, roll: float = 0.0) -> Any:
    if roll:
        return T["geometry_msgs/msg/Quaternion"](x=math.sin(roll / 2), y=0.0, z=0.0, w=math.cos(roll / 2))
    return T["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=math.sin(yaw / 2), w=math.cos(yaw / 2))


def transform(seconds: float, parent: str, child: str, x: float, y: float, yaw: float, roll: float = 0.0) -> Any:
    return T["geometry_msgs/msg/TransformStamped"](
        header=T["std_msgs/msg/Header"](stamp=stamp(seconds), frame_id=parent),
        child_frame_id=child,
        transform=T["geometry_msgs/msg/Transform"](
            translation=T["geometry_msgs/msg/Vector3"](x=x, y=y, z=0.2), rotation=turn(yaw, roll)
        ),
    )


def odometry(seconds: float, x: float, y: float, yaw: float) -> Any:
    zero = T["geometry_msgs/msg/Vector3"](x=0.0, y=0.0, z=0.0)
    return T[ODOMETRY](
        header=T["std_msgs/msg/Header"](stamp=stamp(seconds), frame_id="odom"),
        child_frame_id="base_link",
        pose=T["geometry_msgs/msg/PoseWithCovariance"](
            pose=T["geometry_msgs/msg/Pose"](
                position=T["geometry_msgs/msg/Point"](x=x, y=y, z=0.0), orientation=turn(yaw)
            ),
            covariance=np.zeros(36),
        ),
        twist=T["geometry_msgs/msg/TwistWithCovariance"](
            twist=T["geometry_msgs/msg/Twist"](linear=zero, angular=zero), covariance=np.zeros(36)
        ),
    )


def record(path: Path, messages: dict[str, list[Any]]) -> Path:
    with Writer(path, version=9) as writer:
        for topic, items in messages.items():
            kind = ODOMETRY if topic == "/odom" else "tf2_msgs/msg/TFMessage"
            connection = writer.add_connection(topic, kind, typestore=STORE)
            for number, item in enumerate(items):
                content = item if topic == "/odom" else T[kind](transforms=[item])
                writer.write(connection, 1000 + number, STORE.serialize_cdr(content, kind))
    return path


LASER = transform(0.0, "base_link", "laser", 0.5, 0.0, math.pi / 2)


def test_laser_through_odometry_and_static_transform(tmp_path: Path) -> None:
    """At 0.5 s the base is half way from (0, 0) to (2, 0), turned half way from 0 to 90 degrees: 45. The laser stands
    0.5 m ahead of it and looks 90 degrees further left: (1 + 0.5 cos 45, 0.5 sin 45), 135 degrees."""
    bag = record(
        tmp_path / "bag",
        {"/odom": [odometry(0.0, 0.0, 0.0, 0.0), odometry(1.0, 2.0, 0.0, math.pi / 2)], "/tf_static": [LASER]},
    )
    transforms = read_transforms(bag)
    assert transforms.odometry_frame == "odom"
    half = 0.5 * math.sqrt(0.5)
    np.testing.assert_allclose(transforms.fixed_from("laser", 0.5), [1.0 + half, half, 0.75 * math.pi], atol=1e-9)
    assert transforms.fixed_from("laser", 1.5) is None
    np.testing.assert_allclose(transforms.fixed_from("base_link", 1.1), [2.0, 0.0, math.pi / 2], atol=1e-9)


def test_laser_through_tf_alone_across_the_turn_of_yaw(tmp_path: Path) -> None:
    """From 170 to -170 degrees is 20 degrees, not 340: half way is 180."""
    ten = math.radians(10.0)
    moving = [
        transform(0.0, "/odom", "/base_link", 0.0, 0.0, math.pi - ten),
        transform(1.0, "/odom", "/base_link", 0.0, 0.0, -math.pi + ten),
    ]
    transforms = read_transforms(record(tmp_path / "bag", {"/tf": moving, "/tf_static": [LASER]}))
    pose = transforms.fixed_from("base_link", 0.5)
    assert pose is not None
    assert abs(math.cos(pose[2]) + 1.0) < 1e-9
    np.testing.assert_allclose(transforms.fixed_from("laser", 0.5)[:2], [-0.5, 0.0], atol=1e-9)


def test_no_odometry_is_no_pose(tmp_path: Path) -> None:
    transforms = read_transforms(record(tmp_path / "bag", {"/tf_static": [LASER]}))
    assert transforms.odometry_frame is None
    assert transforms.fixed_from("laser", 0.0) is None


def test_laser_that_nothing_places_is_refused(tmp_path: Path) -> None:
    transforms = read_transforms(record(tmp_path / "bag", {"/odom": [odometry(0.0, 0.0, 0.0, 0.0)]}))
    with pytest.raises(BagError, match="expected transforms from 'laser' up to 'odom', got none for 'laser'"):
        transforms.fixed_from("laser", 0.0)


def test_laser_on_its_back_is_refused(tmp_path: Path) -> None:
    flipped = transform(0.0, "base_link", "laser", 0.0, 0.0, 0.0, roll=math.pi)
    bag = record(tmp_path / "bag", {"/odom": [odometry(0.0, 0.0, 0.0, 0.0)], "/tf_static": [flipped]})
    with pytest.raises(BagError, match="'laser' to be level"):
        read_transforms(bag).fixed_from("laser", 0.0)


def test_real_recording_holds_together(shared_data: Path) -> None:
    """The wheelchair's laser sits (0.850, 0.235) m from its base, turned by 2 * asin(0.3592) = 0.7348 rad; the bases's
    own place is the odometry message's."""
    bag = shared_data / "leg-tracker-bags" / "general_tracking_moving_1"
    transforms = read_transforms(bag)
    assert transforms.odometry_frame == "odom"
    stamp_s = next(read_scans(bag))[1].stamp_s + 20.0
    base, laser = transforms.fixed_from("base_link", stamp_s), transforms.fixed_from("left_laser", stamp_s)
    assert np.linalg.norm(laser[:2] - base[:2]) == pytest.approx(math.hypot(0.850326, 0.235214), abs=1e-6)
    assert math.remainder(laser[2] - base[2], 2 * math.pi) == pytest.approx(0.73483, abs=1e-3)
