"""Transforms for the nodes, whichever way they can be had: tf2_ros, a listener of our own, or the robot's profile.

`tf2_ros` is used where it is installed, else `/tf` and `/tf_static` are heard where `tf2_msgs` is; without either the
laser's place comes from the profile and the robot's place in the map from `amcl_pose`.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import time
from typing import Any, Protocol

import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import MessageError
from sac_son_nav.nodes.conversions import to_seconds
from sac_son_nav.states import Floats, Scan
from sac_son_nav.transforms import TransformBuffer, laser_place, planar, upright

MOVING = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
FIXED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
ASK_AGAIN = 2.0  # [s] after which the laser's place is asked for anew
MOVED, TURNED = 0.05, math.radians(5.0)  # [m], [rad] off the profile, from which on it is worth a word


class Transforms(Protocol):
    """What every way of having transforms can do."""

    backend: str  # tf2_ros, tf2_msgs, or none

    def lookup(self, target: str, source: str, stamp_s: float | None = None) -> Floats | None:
        """target_from_source (4, 4) at a moment [s], None: the newest; None where it is not known."""

    def newest(self, target: str, source: str) -> tuple[Floats, float] | None:
        """The newest target_from_source (4, 4) and its stamp [s], infinite for one that holds for ever; None where it
        is not known."""


class NoTransforms:
    """Nobody to ask."""

    backend = "none"

    def lookup(self, target: str, source: str, stamp_s: float | None = None) -> Floats | None:
        """Not known."""
        return None

    def newest(self, target: str, source: str) -> tuple[Floats, float] | None:
        """Not known."""
        return None


class ListenedTransforms:
    """A listener of our own on `/tf` and `/tf_static`."""

    backend = "tf2_msgs"

    def __init__(self, node: Node, message: Any) -> None:
        self._node, self._buffer = node, TransformBuffer()
        self._complained: set[str] = set()
        node.create_subscription(message, "/tf", lambda m: self._hear(m, False), MOVING)
        node.create_subscription(message, "/tf_static", lambda m: self._hear(m, True), FIXED)

    def lookup(self, target: str, source: str, stamp_s: float | None = None) -> Floats | None:
        """As the buffer knows it."""
        return self._buffer.lookup(target, source, stamp_s)

    def newest(self, target: str, source: str) -> tuple[Floats, float] | None:
        """Dated by the source in its parent."""
        stamp_s = self._buffer.newest_s(target, source)
        found = self._buffer.lookup(target, source)
        return None if found is None or stamp_s is None else (found, stamp_s)

    def _hear(self, message: Any, fixed: bool) -> None:
        for one in message.transforms:
            move, turn = one.transform.translation, one.transform.rotation
            position, quaternion = np.array([move.x, move.y, move.z]), np.array([turn.w, turn.x, turn.y, turn.z])
            parent, child = one.header.frame_id, one.child_frame_id
            try:
                self._buffer.add(parent, child, to_seconds(one.header.stamp), position, quaternion, fixed)
            except MessageError as error:
                if child not in self._complained:  # once, for it comes again and again
                    self._complained.add(child)
                    self._node.get_logger().warning(str(error))


class Tf2Transforms:
    """tf2_ros, where ROS is installed from packages."""

    backend = "tf2_ros"

    def __init__(self, node: Node, tf2_ros: Any) -> None:
        self._tf2_ros, self._time = tf2_ros, importlib.import_module("rclpy.time").Time
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node, spin_thread=False)

    def lookup(self, target: str, source: str, stamp_s: float | None = None) -> Floats | None:
        """As tf2 knows it."""
        found = self._ask(target, source, stamp_s)
        return None if found is None else found[0]

    def newest(self, target: str, source: str) -> tuple[Floats, float] | None:
        """Dated by tf2."""
        return self._ask(target, source, None)

    def _ask(self, target: str, source: str, stamp_s: float | None) -> tuple[Floats, float] | None:
        when = self._time() if stamp_s is None else self._time(nanoseconds=round(stamp_s * 1e9))
        try:
            found = self._buffer.lookup_transform(target, source, when)
        except self._tf2_ros.TransformException:
            return None
        move, turn = found.transform.translation, found.transform.rotation
        one = TransformBuffer()  # the same arithmetic for both
        position, quaternion = np.array([move.x, move.y, move.z]), np.array([turn.w, turn.x, turn.y, turn.z])
        one.add(target, source, 0.0, position, quaternion, fixed=True)
        matrix = one.lookup(target, source)
        stamp_s = to_seconds(found.header.stamp) or math.inf  # tf2 dates those that hold for ever 0
        return None if matrix is None else (matrix, stamp_s)


def make_transforms(node: Node) -> Transforms:
    """The best way there is on this machine."""
    with contextlib.suppress(ImportError):
        return Tf2Transforms(node, importlib.import_module("tf2_ros"))
    with contextlib.suppress(ImportError):
        return ListenedTransforms(node, importlib.import_module("tf2_msgs.msg").TFMessage)
    return NoTransforms()


class LaserPlace:
    """Where the laser sits on the base: by the transforms, else by the profile."""

    def __init__(self, node: Node, robot: RobotProfile, transforms: Transforms) -> None:
        self._node, self._robot, self._transforms = node, robot, transforms
        laser = robot.laser
        self._by_profile = np.array([laser.x, laser.y, laser.yaw])
        self._asked, self._frame = float("-inf"), ""
        self._told = ""
        self.by_transform = False  # whether the transforms told it
        self.pose, self.hangs = self._by_profile, False  # base_from_laser (3,) [m, m, rad]; upside down

    def take(self, scan: Scan) -> Scan:
        """The scan as an upright laser at `pose` took it. A tilted laser raises MessageError."""
        now = time.monotonic()
        # Until somebody has told, each scan asks: a robot must not drive for seconds by a profile that is wrong.
        if scan.frame != self._frame or not self.by_transform or now - self._asked > ASK_AGAIN:
            self._ask(scan.frame)
            self._asked, self._frame = now, scan.frame
        return upright(scan) if self.hangs else scan

    def _ask(self, frame: str) -> None:
        matrix = self._transforms.lookup(self._robot.base_frame, frame)
        if matrix is None:
            return
        self.pose, self.hangs = laser_place(matrix, self._robot.laser.topic)
        self.by_transform = True
        x, y, yaw = self.pose - self._by_profile
        if math.hypot(x, y) > MOVED or abs(math.remainder(yaw, math.tau)) > TURNED:
            place = f"x {self.pose[0]:.3f}, y {self.pose[1]:.3f}, yaw {self.pose[2]:.3f}"
            sentence = f"the laser sits at {place} by the transforms, which the profile {self._robot.name!r} puts else"
            if sentence != self._told:
                self._told = sentence
                self._node.get_logger().info(sentence)


def map_from_odom(transforms: Transforms, map_frame: str, odom_frame: str) -> tuple[Floats, float] | None:
    """Where the odometry's frame is in the map (3,) [m, m, rad], and its stamp [s]; None where it is not known."""
    found = transforms.newest(map_frame, odom_frame)
    return None if found is None else (planar(found[0]), found[1])
