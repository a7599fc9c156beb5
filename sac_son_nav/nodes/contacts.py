"""Bumpers, cliffs and hanging wheels of the robots we know, as touches.

The second door between ROS messages and our types, for messages that only a robot's own packages bring: they are
imported late, and where they are missing `missing` says what is not heard. Every base can tell of what touches it on
`contact_points` (sensor_msgs/PointCloud2 in the base's frame, as Kobuki's bumper2pc sends it): each point is a touch
in its direction, an empty cloud says that nothing touches it.

What is pressed stays pressed until a message says otherwise. A sensor that falls silent with something pressed is no
reason to drive on.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import MessageError
from sac_son_nav.navigation.contact import Touch
from sac_son_nav.nodes import runtime
from sac_son_nav.nodes.conversions import cloud_points

POINTS = "contact_points"

_CREATE3_KINDS = {0: "reverse_limit", 1: "bumper", 2: "cliff", 3: "stall", 4: "wheel_drop"}  # 5: PROXIMITY, no touch
_CREATE3_DIRECTIONS = {  # [deg] of the zones and sensors of a Create 3, by the end of their frame's name
    "front_center": 0.0,
    "front_left": 35.0,
    "front_right": -35.0,
    "side_left": 65.0,
    "side_right": -65.0,
    "left": 65.0,
    "right": -65.0,
}
_KOBUKI_BUMPERS = {0: 45.0, 1: 0.0, 2: -45.0}  # [deg]; left, centre, right
_KOBUKI_CLIFFS = {0: 45.0, 1: 0.0, 2: -45.0}
_TURTLEBOT3_BUMPERS = {1: 0.0, 2: 180.0}  # bits of SensorState.bumper: forward, backward


def from_hazards(message: Any) -> tuple[Touch, ...]:
    """irobot_create_msgs/HazardDetectionVector: all that is wrong at this moment."""
    found = []
    for detection in message.detections:
        kind = _CREATE3_KINDS.get(int(detection.type))
        if kind is None:
            continue
        direction = math.pi if kind == "reverse_limit" else _create3_direction(str(detection.header.frame_id))
        found.append(Touch(kind, direction))
    return tuple(found)


def _create3_direction(frame: str) -> float | None:
    """Where a frame such as `bump_front_left` points [rad]; None for one that says nothing of it."""
    for ending, degrees in _CREATE3_DIRECTIONS.items():
        if frame.endswith(ending):
            return math.radians(degrees)
    return None


def from_kobuki_event(message: Any) -> tuple[tuple[str, int], Touch | None]:
    """kobuki_ros_interfaces' BumperEvent, CliffEvent or WheelDropEvent: which sensor, and its touch, None: no more."""
    pressed = int(message.state) == 1  # PRESSED, CLIFF and DROPPED alike
    if hasattr(message, "bumper"):
        kind, which, degrees = "bumper", int(message.bumper), _KOBUKI_BUMPERS.get(int(message.bumper))
    elif hasattr(message, "sensor"):
        kind, which, degrees = "cliff", int(message.sensor), _KOBUKI_CLIFFS.get(int(message.sensor))
    else:
        kind, which, degrees = "wheel_drop", int(message.wheel), None
    direction = None if degrees is None else math.radians(degrees)
    return (kind, which), Touch(kind, direction) if pressed else None


def from_turtlebot3_state(message: Any) -> tuple[Touch, ...]:
    """turtlebot3_msgs/SensorState: its bumpers. Its cliff sensor sends a raw reading that no page gives a threshold
    for, so nothing is made of that."""
    pressed = [degrees for bit, degrees in _TURTLEBOT3_BUMPERS.items() if int(message.bumper) & bit]
    return tuple(Touch("bumper", math.radians(degrees)) for degrees in pressed)


def from_contact_points(message: PointCloud2, topic: str, base_frame: str) -> tuple[Touch, ...]:
    """Touches from points x, y in the base's frame; one at the base's very centre has no direction."""
    frame = message.header.frame_id.lstrip("/")
    if frame != base_frame:
        raise MessageError(f"{topic}: expected frame {base_frame!r}, got {frame!r}")
    if message.width * message.height == 0:
        return ()
    points = cloud_points(message, topic)
    if not {"x", "y"} <= set(points.dtype.names or ()):
        raise MessageError(f"{topic}: expected fields x and y in the cloud, got {', '.join(points.dtype.names or ())}")
    found = []
    for x, y in ((float(p["x"]), float(p["y"])) for p in points):
        known = math.isfinite(x) and math.isfinite(y) and (x != 0.0 or y != 0.0)
        found.append(Touch("bumper", math.atan2(y, x) if known else None))
    return tuple(found)


class Contacts:
    """Hears all that this robot's own sensors and `contact_points` say, and calls `changed` with all touches."""

    def __init__(self, node: Node, robot: RobotProfile, changed: Callable[[tuple[Touch, ...]], None]) -> None:
        self._node, self._robot, self._changed = node, robot, changed
        self._by_source: dict[Any, tuple[Touch, ...]] = {}
        self._last: tuple[Touch, ...] = ()
        self.missing = ""  # what this robot tells and nobody here understands; empty: nothing
        make, sensor = node.create_subscription, runtime.SENSOR
        make(PointCloud2, POINTS, self._on_points, sensor)
        if robot.hardware == "create3" and (types := self._types("irobot_create_msgs.msg")):
            make(types.HazardDetectionVector, "hazard_detection", self._on_hazards, sensor)
        if robot.hardware == "turtlebot3" and (types := self._types("turtlebot3_msgs.msg")):
            make(types.SensorState, "sensor_state", self._on_turtlebot3, sensor)
        if robot.hardware == "kobuki" and (types := self._types("kobuki_ros_interfaces.msg")):
            for kind, topic in (("Bumper", "bumper"), ("Cliff", "cliff"), ("WheelDrop", "wheel_drop")):
                # Events come once, so none may be lost.
                make(getattr(types, f"{kind}Event"), f"events/{topic}", self._on_kobuki, runtime.RELIABLE)

    def _types(self, module: str) -> Any:
        try:
            return importlib.import_module(module)
        except ImportError:
            package = module.partition(".")[0]
            self.missing = f"bumpers and cliffs are not heard: expected {package} to be installed, found none"
            self._node.get_logger().warning(self.missing)
            return None

    def _on_hazards(self, message: Any) -> None:
        self._tell("hazards", from_hazards(message))

    def _on_turtlebot3(self, message: Any) -> None:
        self._tell("turtlebot3", from_turtlebot3_state(message))

    def _on_kobuki(self, message: Any) -> None:
        which, touch = from_kobuki_event(message)
        self._tell(which, () if touch is None else (touch,))

    def _on_points(self, message: PointCloud2) -> None:
        try:
            touches = from_contact_points(message, POINTS, self._robot.base_frame)
        except MessageError as error:  # something touches the base, and nobody knows where
            self._node.get_logger().warning(f"{error}; taken for a touch all round")
            touches = (Touch("bumper"),)
        self._tell(POINTS, touches)

    def _tell(self, source: Any, touches: tuple[Touch, ...]) -> None:
        self._by_source[source] = touches
        everything = tuple(touch for some in self._by_source.values() for touch in some)
        if everything != self._last:
            self._last = everything
            self._changed(everything)
