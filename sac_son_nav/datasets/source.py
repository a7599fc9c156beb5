"""What of a recording is played to a robot's processes: its scans, odometry and map, each on one topic."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import RobotProfile
from sac_son_nav.datasets.bags import Bag
from sac_son_nav.errors import BagError
from sac_son_nav.geometry import compose
from sac_son_nav.states import Floats

SCAN, ODOMETRY, GRID = "sensor_msgs/msg/LaserScan", "nav_msgs/msg/Odometry", "nav_msgs/msg/OccupancyGrid"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
_ENOUGH = 2000  # transforms looked through for the laser's place; static ones come early


def header_nanoseconds(cdr: bytes | memoryview) -> int:
    """The stamp of a serialized message that begins with a header."""
    order = "<" if cdr[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", cdr, 4)
    return int(seconds) * 10**9 + int(nanoseconds)


@dataclass(frozen=True)
class Played:
    """One message of the bag: its role (scan, odom, map, pose), when it was recorded, its bytes as ROS 2 has them."""

    role: str
    recorded_ns: int
    data: bytes


class BagSource:
    """A recording and the topics of it that are played; a context manager.

    `topics` holds the topic of each role, or None. Anything wrong with the file raises BagError.
    """

    def __init__(
        self, path: Path | str, scan: str | None = None, odom: str | None = None, grid: str | None = None
    ) -> None:
        """Topics left out are the bag's only one of their type; a bag without any scan raises BagError."""
        self.path = Path(path)
        self._bag = Bag(path)
        try:
            self.topics = {
                "scan": self._choose("scan", SCAN, scan, required=True),
                "odom": self._choose("odom", ODOMETRY, odom),
                "map": self._choose("map", GRID, grid),
            }
        except BagError:
            self._bag.close()
            raise

    def _choose(self, role: str, kind: str, asked: str | None, required: bool = False) -> str | None:
        known = self._bag.topics
        if asked is not None:
            name = "/" + asked.lstrip("/")
            if name in known and known[name].type == kind:
                return name
            got = known[name].type if name in known else f"no such topic; the bag has {', '.join(known) or 'none'}"
            raise BagError(f"bag {self.path}: expected {kind} on {name}, got {got}")
        found = [topic.name for topic in known.values() if topic.type == kind]
        if len(found) > 1:
            if "/" + role in found:
                return "/" + role
            raise BagError(
                f"bag {self.path}: expected one topic of {kind}, got {', '.join(found)}; say which (--{role}-topic)"
            )
        if required and not found:
            others = sorted({topic.type for topic in known.values()})
            raise BagError(f"bag {self.path}: expected a topic of {kind}, got {', '.join(others) or 'nothing'}")
        return found[0] if found else None

    def __enter__(self) -> BagSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._bag.close()

    def count(self, role: str) -> int:
        """How many messages the role's topic has."""
        topic = self.topics[role]
        return self._bag.topics[topic].count if topic is not None else 0

    @property
    def duration_s(self) -> float:
        """From the first to the last message of the bag [s]."""
        return self._bag.duration_s

    @property
    def start_ns(self) -> int:
        """When the recording began."""
        return self._bag.time_range_ns[0]

    def messages(self, *roles: str) -> Iterator[Played]:
        """The messages of these roles (default: all) in the order of recording, as ROS 2 serializes them."""
        role_of = {self.topics[role]: role for role in roles or tuple(self.topics)}
        role_of.pop(None, None)
        if role_of:
            for raw in self._bag.raw_messages([topic for topic in role_of if topic is not None]):
                yield Played(role_of[raw.topic], raw.time_ns, raw.data)

    def deserialized(self, role: str) -> Iterator[Any]:
        """The role's messages, of the rosbags typestore."""
        topic = self.topics[role]
        if topic is not None:
            for _, _, message in self._bag.messages([topic]):
                yield message

    def first(self, role: str) -> Any:
        """The role's first message; a topic without any raises BagError."""
        message = next(self.deserialized(role), None)
        if message is None:
            raise BagError(f"bag {self.path}: expected messages on {self.topics[role]}, got none")
        return message

    def clock_offset_ns(self) -> int:
        """What to add to times of recording to get the sensors' own: zero unless their clocks were far apart."""
        first = next(self.messages("scan"), None)
        if first is None:
            raise BagError(f"bag {self.path}: expected scans on {self.topics['scan']}, got none")
        offset = header_nanoseconds(first.data) - first.recorded_ns
        return offset if abs(offset) > 10**9 else 0

    def mounting(self, base: str, laser: str) -> Floats | None:
        """The laser's pose (3,) [m, m, rad] on the base, from the bag's own transforms; None if they don't say."""
        parents: dict[str, tuple[str, Floats]] = {}
        topics = [topic.name for topic in self._bag.topics.values() if topic.type == TRANSFORMS]
        for count, (_, _, message) in enumerate(self._bag.messages(topics) if topics else ()):
            for transform in message.transforms:
                child = transform.child_frame_id.lstrip("/")
                parents[child] = (transform.header.frame_id.lstrip("/"), _planar(transform.transform))
            pose = _climb(parents, base, laser)
            if pose is not None or count > _ENOUGH:
                return pose
        return None


def _planar(transform: Any) -> Floats:
    q = transform.rotation
    yaw = np.arctan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y**2 + q.z**2))
    return np.array([transform.translation.x, transform.translation.y, yaw])


def _climb(parents: Mapping[str, tuple[str, Floats]], base: str, laser: str) -> Floats | None:
    """From the laser up the tree to the base."""
    pose, frame = np.zeros(3), laser
    for _ in range(len(parents) + 1):
        if frame == base:
            return pose
        if frame not in parents:
            return None
        frame, parent_from_child = parents[frame]
        pose = np.asarray(compose(parent_from_child, pose))
    return None


def mounted_laser(source: BagSource, robot: RobotProfile) -> RobotProfile:
    """The robot with the laser's frame and place on the base as the bag's transforms tell, where they do."""
    scan = source.first("scan")
    frame = str(scan.header.frame_id).lstrip("/")
    laser = dataclasses.replace(robot.laser, frame=frame)
    if source.topics["odom"] is not None:
        base = str(source.first("odom").child_frame_id).lstrip("/")
        pose = source.mounting(base, frame)
        if pose is None and frame != robot.laser.frame:
            raise BagError(
                f"bag {source.path}: expected transforms from {base} to {frame}, or a robot profile for {frame}, "
                f"got the profile {robot.name!r} for {robot.laser.frame}"
            )
        if pose is not None:
            laser = dataclasses.replace(laser, x=float(pose[0]), y=float(pose[1]), yaw=float(pose[2]))
    return dataclasses.replace(robot, laser=laser)
