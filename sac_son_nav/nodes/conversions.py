"""The one door between ROS messages and the types of `states.py`: nobody else reads or writes their fields.

(But for cameras' pictures, in `pictures.py`, markers, in `markers.py`, and diagnostics, in `diagnostics.py`.)

Readers check what they are given (frame, sizes, finite numbers) and raise MessageError with one sentence that
starts with the topic. Writers take a `stamp` made by :func:`to_stamp`, or one copied from another message, so
that an answer carries the very stamp of its question. Orientations go through transforms3d; only yaw enters.

The `people` cloud has one point per person, packed little-endian as in :data:`PERSON`.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    PoseWithCovarianceStamped,
    Quaternion,
    TransformStamped,
    Twist,
    TwistStamped,
)
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan, PointCloud2, PointField
from std_msgs.msg import Header
from transforms3d.euler import euler2quat, quat2euler

from sac_son_nav.errors import MapError, MessageError
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap
from sac_son_nav.states import Command, Floats, RobotState, Scan, Tracks

_PERSON_FIELDS = (
    ("id", "<i4"),
    ("x", "<f4"),  # [m] in the cloud's frame
    ("y", "<f4"),
    ("z", "<f4"),  # [m] always zero: the people are in the plane
    ("vx", "<f4"),  # [m/s]
    ("vy", "<f4"),
    ("cov_xx", "<f4"),  # [m^2]
    ("cov_xy", "<f4"),
    ("cov_yy", "<f4"),
    ("cov_vxvx", "<f4"),  # [m^2/s^2]
    ("cov_vxvy", "<f4"),
    ("cov_vyvy", "<f4"),
    ("confidence", "<f4"),  # 0 to 1
)
PERSON = np.dtype(list(_PERSON_FIELDS))
"""One point of the `people` cloud."""

COVARIANCE_FIELDS = {
    "cov_xx": (0, 0),
    "cov_xy": (0, 1),
    "cov_yy": (1, 1),
    "cov_vxvx": (2, 2),
    "cov_vxvy": (2, 3),
    "cov_vyvy": (3, 3),
}
"""Which entry of a track's (4, 4) covariance each field holds. Position against velocity is not published."""

_POINT_TYPES = {
    PointField.INT8: "i1",
    PointField.UINT8: "u1",
    PointField.INT16: "i2",
    PointField.UINT16: "u2",
    PointField.INT32: "i4",
    PointField.UINT32: "u4",
    PointField.FLOAT32: "f4",
    PointField.FLOAT64: "f8",
}


# Time, frames, orientation


def to_stamp(time_s: float) -> Time:
    """A message's stamp from seconds, to the nearest nanosecond that a float can tell."""
    nanoseconds = round(time_s * 1e9) if time_s < 1e6 else math.floor(time_s) * 10**9 + round((time_s % 1.0) * 1e9)
    return stamp_from_nanoseconds(nanoseconds)


def stamp_from_nanoseconds(nanoseconds: int) -> Time:
    """A message's stamp from whole nanoseconds."""
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def stamp_nanoseconds(stamp: Time) -> int:
    """A message's stamp as whole nanoseconds; exact, fit to be a key."""
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def to_seconds(stamp: Time) -> float:
    """A message's stamp as seconds; a stamp of this century keeps a quarter of a microsecond."""
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def to_clock(stamp: Time) -> Clock:
    """What simulated time is now."""
    return Clock(clock=stamp)


def to_quaternion(yaw: float) -> Quaternion:
    """An orientation about the vertical axis, yaw [rad]."""
    w, x, y, z = euler2quat(0.0, 0.0, yaw, "sxyz")
    return Quaternion(w=float(w), x=float(x), y=float(y), z=float(z))


def yaw_of(orientation: Quaternion, topic: str) -> float:
    """Yaw [rad] of an orientation; one that is no unit quaternion raises MessageError."""
    wxyz = [orientation.w, orientation.x, orientation.y, orientation.z]
    length = math.sqrt(sum(c * c for c in wxyz))
    if not abs(length - 1.0) < 1e-2:  # also false for NaN
        raise MessageError(f"{topic}: expected a unit quaternion as orientation, got one of length {length:.3g}")
    return float(quat2euler(wxyz, "sxyz")[2])


def _frame(header: Header, topic: str, expected: str | None = None) -> str:
    frame = str(header.frame_id).lstrip("/")
    if not frame:
        raise MessageError(f"{topic}: expected a frame in the header, got none")
    if expected is not None and frame != expected:
        raise MessageError(f"{topic}: expected frame {expected!r}, got {frame!r}")
    return frame


def _finite(values: Sequence[float] | Floats, topic: str, what: str) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise MessageError(f"{topic}: expected finite numbers as {what}, got {numbers.tolist()}")
    return numbers


# Poses and motion


def to_pose(pose: Floats) -> Pose:
    """A pose (3,) [m, m, rad]."""
    x, y, yaw = (float(v) for v in pose)
    return Pose(position=Point(x=x, y=y, z=0.0), orientation=to_quaternion(yaw))


def from_pose(message: Pose, topic: str) -> Floats:
    """The pose (3,) [m, m, rad]."""
    position = _finite([message.position.x, message.position.y], topic, "position")
    return np.array([position[0], position[1], yaw_of(message.orientation, topic)])


def to_pose_stamped(pose: Floats, stamp: Time, frame: str) -> PoseStamped:
    """A pose (3,) [m, m, rad] in `frame`."""
    return PoseStamped(header=Header(stamp=stamp, frame_id=frame), pose=to_pose(pose))


def to_pose_with_covariance(pose: Floats, deviations: Floats, stamp: Time, frame: str) -> PoseWithCovarianceStamped:
    """A localiser's answer: pose (3,) in `frame`, standard deviations (3,) of x, y [m] and yaw [rad]."""
    message = PoseWithCovarianceStamped(header=Header(stamp=stamp, frame_id=frame))
    message.pose.pose = to_pose(pose)
    covariance = np.zeros(36)
    covariance[[0, 7, 35]] = np.asarray(deviations) ** 2
    message.pose.covariance = covariance
    return message


def from_stamped_pose(
    message: PoseStamped | PoseWithCovarianceStamped, topic: str, frame: str | None = None
) -> tuple[Floats, str]:
    """The pose (3,) [m, m, rad] and its frame; another frame than the expected `frame` raises MessageError."""
    found = _frame(message.header, topic, frame)
    pose = message.pose.pose if hasattr(message.pose, "pose") else message.pose
    return from_pose(pose, topic), found


def position_deviation(message: PoseWithCovarianceStamped) -> float:
    """Standard deviation [m] of a localiser's position, along whichever axis is worse; a broken one is infinite."""
    return max(_deviation(message.pose.covariance[0]), _deviation(message.pose.covariance[7]))


def yaw_deviation(message: PoseWithCovarianceStamped) -> float:
    """Standard deviation [rad] of a localiser's yaw; a broken one is infinite."""
    return _deviation(message.pose.covariance[35])


def _deviation(variance: float) -> float:
    return math.sqrt(variance) if variance >= 0.0 else math.inf  # infinite also for NaN


def to_odometry(robot: RobotState, stamp: Time, base_frame: str) -> Odometry:
    """Pose in the state's frame, velocity in the base's."""
    message = Odometry(header=Header(stamp=stamp, frame_id=robot.frame), child_frame_id=base_frame)
    message.pose.pose = to_pose(robot.pose)
    message.twist.twist = to_twist(Command(float(robot.velocity[0]), float(robot.velocity[1])))
    return message


def from_odometry(message: Odometry, topic: str, frame: str | None = None) -> RobotState:
    """Where the base is and how it moves, in the message's frame."""
    found = _frame(message.header, topic, frame)
    pose = from_pose(message.pose.pose, topic)
    twist = message.twist.twist
    velocity = _finite([twist.linear.x, twist.angular.z], topic, "velocity")
    return RobotState(to_seconds(message.header.stamp), pose, velocity, found)


def to_twist(command: Command) -> Twist:
    """A velocity for the base."""
    message = Twist()
    message.linear.x, message.angular.z = float(command.linear), float(command.angular)
    return message


def to_twist_stamped(command: Command, stamp: Time, frame: str) -> TwistStamped:
    """A velocity for the base, `frame` being the base's."""
    return TwistStamped(header=Header(stamp=stamp, frame_id=frame), twist=to_twist(command))


def from_twist(message: Twist | TwistStamped, topic: str) -> Command:
    """A velocity for the base, from either kind of message."""
    twist = message.twist if hasattr(message, "twist") else message
    linear, angular = _finite([twist.linear.x, twist.angular.z], topic, "velocity")
    return Command(float(linear), float(angular))


def to_transform(pose: Floats, stamp: Time, parent: str, child: str) -> TransformStamped:
    """The pose (3,) of frame `child` in frame `parent`, for /tf."""
    message = TransformStamped(header=Header(stamp=stamp, frame_id=parent), child_frame_id=child)
    message.transform.translation.x, message.transform.translation.y = float(pose[0]), float(pose[1])
    message.transform.rotation = to_quaternion(float(pose[2]))
    return message


def to_path(poses: Floats, stamp: Time, frame: str) -> Path:
    """A path through poses (M, 3) [m, m, rad], or through points (M, 2) [m] that face the next one."""
    poses = np.asarray(poses, dtype=np.float64)
    if poses.shape[-1] == 2:
        step = np.diff(poses, axis=0)
        yaw = np.arctan2(step[:, 1], step[:, 0]) if len(step) else np.zeros(len(poses))
        poses = np.column_stack([poses, np.append(yaw, yaw[-1:]) if len(step) else yaw])
    header = Header(stamp=stamp, frame_id=frame)
    return Path(header=header, poses=[PoseStamped(header=header, pose=to_pose(pose)) for pose in poses])


def from_path(message: Path, topic: str, frame: str | None = None) -> tuple[Floats, str]:
    """The poses (M, 3) [m, m, rad] of a path and its frame; an empty path is (0, 3)."""
    found = _frame(message.header, topic, frame)
    poses = [from_pose(stamped.pose, topic) for stamped in message.poses]
    return np.array(poses).reshape(-1, 3), found


# Laser, floor plan, people


def to_laser_scan(scan: Scan, stamp: Time) -> LaserScan:
    """A sweep of the laser."""
    message = LaserScan(header=Header(stamp=stamp, frame_id=scan.frame))
    message.angle_min, message.angle_increment = float(scan.angle_min), float(scan.angle_increment)
    message.angle_max = float(scan.angle_min + scan.angle_increment * (len(scan.ranges) - 1))
    message.range_min, message.range_max = float(scan.range_min), float(scan.range_max)
    message.ranges = array("f", np.asarray(scan.ranges, dtype=np.float32).tobytes())
    return message


def from_laser_scan(message: LaserScan, topic: str, frame: str | None = None) -> Scan:
    """A sweep of the laser, beams counter-clockwise (a clockwise laser's are turned round).

    The count of ranges may be one off what the angles say: drivers differ on whether angle_max is a beam.
    """
    found = _frame(message.header, topic, frame)
    ranges = np.asarray(message.ranges, dtype=np.float64)
    first, last, increment = (float(v) for v in (message.angle_min, message.angle_max, message.angle_increment))
    _finite([first, last, increment, message.range_min, message.range_max], topic, "angles and range limits")
    if ranges.size == 0:
        raise MessageError(f"{topic}: expected ranges, got none")
    if increment == 0.0:
        raise MessageError(f"{topic}: expected an angle_increment other than zero, got 0")
    expected = (last - first) / increment + 1.0
    if abs(expected - ranges.size) > 1.5:
        raise MessageError(
            f"{topic}: expected {expected:.0f} ranges from angle_min {first:.4f} to angle_max {last:.4f} "
            f"by {increment:.6f} rad, got {ranges.size}"
        )
    if not 0.0 <= message.range_min < message.range_max:
        raise MessageError(
            f"{topic}: expected 0 <= range_min < range_max, got {message.range_min:.3g} and {message.range_max:.3g}"
        )
    if np.isnan(ranges).all():
        raise MessageError(f"{topic}: expected ranges in metres, got NaN in all {ranges.size} beams")
    if increment < 0.0:
        first, increment, ranges = first + increment * (ranges.size - 1), -increment, ranges[::-1].copy()
    stamp_s = to_seconds(message.header.stamp)
    return Scan(stamp_s, ranges, first, increment, float(message.range_min), float(message.range_max), found)


def to_occupancy_grid(grid: OccupancyMap, stamp: Time, frame: str = "map") -> OccupancyGrid:
    """A floor plan."""
    message = OccupancyGrid(header=Header(stamp=stamp, frame_id=frame))
    message.info.map_load_time, message.info.resolution = stamp, float(grid.resolution)
    message.info.height, message.info.width = grid.cells.shape
    message.info.origin = to_pose(np.array([*grid.origin, 0.0]))
    message.data = array("b", np.ascontiguousarray(grid.cells, dtype=np.int8).tobytes())
    return message


def from_occupancy_grid(message: OccupancyGrid, topic: str, frame: str | None = None) -> OccupancyMap:
    """A floor plan: occupied from 65 %, free up to 25 %, unknown between (map_server's thresholds)."""
    _frame(message.header, topic, frame)
    info = message.info
    values = np.asarray(message.data, dtype=np.int8)
    if values.size != info.width * info.height:
        raise MessageError(
            f"{topic}: expected {info.width} x {info.height} = {info.width * info.height} cells, got {values.size}"
        )
    x, y, yaw = from_pose(info.origin, topic)
    if abs(yaw) > 1e-3:
        raise MessageError(f"{topic}: expected a map origin without rotation, got yaw {yaw:.3f} rad")
    cells = np.full(values.shape, UNKNOWN, dtype=np.int8)
    cells[values >= 65] = OCCUPIED
    cells[(values >= 0) & (values <= 25)] = FREE
    try:
        # The message carries the resolution as float32: 0.05 would come back as 0.05000000075.
        return OccupancyMap(cells.reshape(info.height, info.width), round(float(info.resolution), 6), (x, y))
    except MapError as error:
        raise MessageError(f"{topic}: {error}") from None


def to_people(tracks: Tracks, stamp: Time) -> PointCloud2:
    """The people being followed, one point each."""
    points = np.zeros(len(tracks), dtype=PERSON)
    points["id"], points["confidence"] = tracks.ids, tracks.confidences
    points["x"], points["y"] = tracks.positions[:, 0], tracks.positions[:, 1]
    points["vx"], points["vy"] = tracks.velocities[:, 0], tracks.velocities[:, 1]
    for name, (row, column) in COVARIANCE_FIELDS.items():
        points[name] = tracks.covariances[:, row, column]
    message = PointCloud2(header=Header(stamp=stamp, frame_id=tracks.frame), height=1, width=len(tracks))
    message.fields = _person_fields()
    message.point_step, message.row_step = PERSON.itemsize, PERSON.itemsize * len(tracks)
    message.is_bigendian, message.is_dense = False, True
    message.data = array("B", points.tobytes())
    return message


def _person_fields() -> list[PointField]:
    kinds = {"<i4": PointField.INT32, "<f4": PointField.FLOAT32}
    offsets = np.cumsum([0] + [np.dtype(kind).itemsize for _, kind in _PERSON_FIELDS])
    return [
        PointField(name=name, offset=int(offset), datatype=kinds[kind], count=1)
        for (name, kind), offset in zip(_PERSON_FIELDS, offsets, strict=False)
    ]


def from_people(message: PointCloud2, topic: str, frame: str | None = None) -> Tracks:
    """The people being followed; fields are found by name, so other fields and another packing do no harm."""
    found = _frame(message.header, topic, frame)
    missing = sorted({name for name, _ in _PERSON_FIELDS} - {f.name for f in message.fields})
    if missing:
        raise MessageError(f"{topic}: expected a field {missing[0]!r} in the cloud, got none")
    points = cloud_points(message, topic)
    count = len(points)
    columns = {name: points[name].astype(np.float64) for name, _ in _PERSON_FIELDS if name != "id"}
    _finite(np.concatenate(list(columns.values())), topic, "people")
    covariances = np.zeros((count, 4, 4))
    for name, (row, column) in COVARIANCE_FIELDS.items():
        covariances[:, row, column] = covariances[:, column, row] = columns[name]
    return Tracks(
        stamp_s=to_seconds(message.header.stamp),
        frame=found,
        ids=points["id"].astype(np.int64),
        positions=np.stack([columns["x"], columns["y"]], axis=-1),
        velocities=np.stack([columns["vx"], columns["vy"]], axis=-1),
        covariances=covariances,
        confidences=columns["confidence"],
    )


def cloud_points(message: PointCloud2, topic: str) -> np.ndarray[Any, Any]:
    """The points (M,) of a cloud, one structured value each, its fields by name."""
    order = ">" if message.is_bigendian else "<"
    count = message.width * message.height
    data = np.asarray(message.data, dtype=np.uint8)
    if data.size != count * message.point_step:
        raise MessageError(f"{topic}: expected {count} x {message.point_step} bytes, got {data.size}")
    try:
        layout = np.dtype(
            {
                "names": [f.name for f in message.fields],
                "formats": [order + _POINT_TYPES[f.datatype] for f in message.fields],
                "offsets": [f.offset for f in message.fields],
                "itemsize": message.point_step,
            }
        )
    except (KeyError, ValueError) as error:
        raise MessageError(f"{topic}: expected fields that fit {message.point_step} bytes, got {error}") from None
    return np.frombuffer(data.tobytes(), dtype=layout)
