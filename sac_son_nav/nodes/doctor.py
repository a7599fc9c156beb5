"""`sac-son doctor`: looks at the running graph and says in words what is wrong with it, and what to do.

It only listens, for a few seconds, and describes what it saw (`graph_view.py`); what that means is decided by rules
(`symptoms.py`). Exit status 0: nothing is in the way, 1: the robot will not drive or must not, 2: it could not look.
"""

from __future__ import annotations

import importlib.util
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rcl_interfaces.srv import GetParameters
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan, PointCloud2
from std_msgs.msg import Bool

from sac_son_nav.config import RobotProfile, load_robot
from sac_son_nav.errors import SacSonError
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.diagnostics import from_diagnostics
from sac_son_nav.nodes.graph_view import Endpoint, GraphView, Heard, Said, Topic
from sac_son_nav.nodes.symptoms import CONTACTS, FAULT, KINDS, Finding, diagnose
from sac_son_nav.nodes.transforms import make_transforms

ACQUAINTANCE = 10.0  # [s] for discovery, at most; it is over when nothing new has come for a while
SETTLED = 2.0  # [s] without a new node or topic, after which everybody is known, if there is anybody
OURS = ("perception", "navigation", "expression")


@dataclass
class _Ear:
    """What comes on one topic."""

    read: Callable[[Any], Any]
    arrivals: list[float] = field(default_factory=list)  # on a clock that always runs
    stamps: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    frames: set[str] = field(default_factory=set)
    complaint: str = ""

    def heard(self) -> Heard:
        gaps, steps = np.diff(self.arrivals), np.diff(self.stamps)
        span = self.arrivals[-1] - self.arrivals[0] if len(self.arrivals) > 1 else 0.0
        return Heard(
            count=len(self.arrivals),
            rate=float((len(self.arrivals) - 1) / span) if span > 0.0 else 0.0,
            longest_gap=float(gaps.max()) if len(gaps) else 0.0,
            stamp_age=float(np.median(self.ages)) if self.ages else None,
            set_back=float(max(0.0, -steps.min())) if len(steps) else 0.0,
            repeated=int(np.sum(steps == 0.0)),
            frames=frozenset(self.frames),
            complaint=self.complaint,
        )


class Examiner:
    """A node that looks at the graph; use as a context manager."""

    def __init__(self, robot: RobotProfile, namespace: str = "", command: str = "cmd_vel") -> None:
        self.robot, self.namespace, self.command = robot, namespace.strip("/"), command
        self._context = Context()
        words = ["--ros-args", "-r", f"__ns:=/{self.namespace}"] if self.namespace else []
        if self.namespace:
            words += ["-r", "/tf:=tf", "-r", "/tf_static:=tf_static"]
        runtime.start_ros(words, self._context)
        self._node = Node("doctor", context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._clock: list[float] = []  # what /clock said [s]
        self._said: dict[str, Said] = {}
        self._stopped = False
        self._ears: dict[str, _Ear] = {}
        self.transforms = make_transforms(self._node)
        self._listen()

    def __enter__(self) -> Examiner:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _listen(self) -> None:
        sensor, latched, laser = runtime.SENSOR, runtime.LATCHED, self.robot.laser.topic
        ears: list[tuple[Any, str, Any, Callable[[Any], Any]]] = [
            (LaserScan, laser, sensor, lambda m: conversions.from_laser_scan(m, laser)),
            (Odometry, "odom", sensor, lambda m: conversions.from_odometry(m, "odom")),
            (PointCloud2, "people", sensor, lambda m: conversions.from_people(m, "people")),
            (PoseWithCovarianceStamped, "amcl_pose", sensor, lambda m: conversions.from_stamped_pose(m, "amcl_pose")),
            (PoseStamped, "goal_pose", sensor, lambda m: conversions.from_stamped_pose(m, "goal_pose")),
            (OccupancyGrid, "map", latched, lambda m: conversions.from_occupancy_grid(m, "map")),
        ]
        for kind, topic, quality, read in ears:
            self._ears[topic] = ear = _Ear(read)
            self._node.create_subscription(kind, topic, self._taker(ear), quality)
        self._node.create_subscription(DiagnosticArray, "diagnostics", self._on_diagnostics, runtime.RELIABLE)
        self._node.create_subscription(Clock, "/clock", self._on_clock, sensor)
        self._node.create_subscription(Bool, "stopped", self._on_stopped, latched)

    def _taker(self, ear: _Ear) -> Callable[[Any], None]:
        def take(message: Any) -> None:
            ear.arrivals.append(time.monotonic())
            stamp = conversions.to_seconds(message.header.stamp)
            ear.stamps.append(stamp)
            ear.frames.add(message.header.frame_id.lstrip("/"))
            ear.ages.append((self._clock[-1] if self._clock else time.time()) - stamp)
            try:
                ear.read(message)
                ear.complaint = ""
            except SacSonError as error:
                ear.complaint = str(error)

        return take

    def _on_clock(self, message: Clock) -> None:
        self._clock.append(conversions.to_seconds(message.clock))

    def _on_stopped(self, message: Bool) -> None:
        self._stopped = message.data

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in from_diagnostics(message):
            self._said[self._short(status.name)] = Said(status.level, status.message)

    def look(self, seconds: float) -> GraphView:
        """The graph as it is in the next `seconds`, once everybody is known."""
        self._meet()
        for ear in self._ears.values():  # what came while others were still being met is no measure of a rate
            if ear is not self._ears["map"]:
                del ear.arrivals[:], ear.stamps[:], ear.ages[:]
        self._spin(seconds)
        return self._view(seconds)

    def _meet(self) -> None:
        began, known, changed = time.monotonic(), 0, time.monotonic()
        while time.monotonic() - began < ACQUAINTANCE and not (known and time.monotonic() - changed > SETTLED):
            self._spin(0.1)
            others = len(self._names())
            now = others and others + len(self._node.get_topic_names_and_types())
            if now != known:
                known, changed = now, time.monotonic()

    def _spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            self._executor.spin_once(timeout_sec=left)

    def _names(self) -> list[str]:
        """All other nodes, absolute."""
        own = self._node.get_fully_qualified_name()
        names = [f"{space.rstrip('/')}/{name}" for name, space in self._node.get_node_names_and_namespaces()]
        return [name for name in names if name != own and "_ros2cli" not in name]

    def _short(self, name: str) -> str:
        """A name without this robot's namespace and without the leading slash."""
        return name.removeprefix(f"/{self.namespace}/" if self.namespace else "/")

    def _view(self, seconds: float) -> GraphView:
        wanted = {*KINDS, self.robot.laser.topic, self.command, "cmd_vel_teleop"}
        topics_of_hardware, package = CONTACTS.get(self.robot.hardware, ((), ""))
        topics = {name: self._topic(name) for name in (*wanted, *topics_of_hardware)}
        names = self._names()
        elsewhere = [
            topic
            for topic, kinds in self._node.get_topic_names_and_types()
            if "sensor_msgs/msg/LaserScan" in kinds and topic != self._node.resolve_topic_name(self.robot.laser.topic)
        ]
        back = np.diff(self._clock)
        return GraphView(
            robot=self.robot,
            seconds=seconds,
            nodes=tuple(names),
            namespace=self.namespace,
            topics=topics,
            heard={name: ear.heard() for name, ear in self._ears.items() if topics[name].publishers or ear.arrivals},
            said=dict(self._said),
            sim_time=self._simulated(names),
            clock_publishers=tuple(end.node for end in self._topic("/clock").publishers),
            clock_set_back=float(max(0.0, -back.min())) if len(back) else 0.0,
            stopped=self._stopped,
            transforms=self.transforms.backend,
            transform_problem=self._transform_problem(),
            missing_packages=(package,) if package and importlib.util.find_spec(package) is None else (),
            elsewhere=tuple(elsewhere),
            command=self.command,
            load=os.getloadavg()[0] / (os.cpu_count() or 1),
            domain=os.environ.get("ROS_DOMAIN_ID") or "0",
        )

    def _topic(self, name: str) -> Topic:
        own = self._node.get_fully_qualified_name()

        def ends(found: list[Any]) -> tuple[Endpoint, ...]:
            made = []
            for info in found:
                node = f"{info.node_namespace.rstrip('/')}/{info.node_name}"
                quality = info.qos_profile
                reliable = quality.reliability == ReliabilityPolicy.RELIABLE
                latched = quality.durability == DurabilityPolicy.TRANSIENT_LOCAL
                if node != own:
                    made.append(Endpoint(node, info.topic_type, reliable, latched))
            return tuple(made)

        full = self._node.resolve_topic_name(name)
        return Topic(
            ends(self._node.get_publishers_info_by_topic(full)), ends(self._node.get_subscriptions_info_by_topic(full))
        )

    def _transform_problem(self) -> str:
        if self.transforms.backend == "none":
            return ""
        if self.transforms.newest("map", self.robot.odom_frame) is None:
            return f"no transform leads from map to {self.robot.odom_frame}"
        return ""

    def _simulated(self, names: list[str]) -> dict[str, bool]:
        """Which of our nodes follow simulated time, as far as they answer."""
        asked = {}
        for name in OURS:
            full = f"/{self.namespace}/{name}" if self.namespace else f"/{name}"
            if full in names:
                client = self._node.create_client(GetParameters, f"{full}/get_parameters")
                if client.wait_for_service(timeout_sec=0.5):
                    asked[name] = client.call_async(GetParameters.Request(names=["use_sim_time"]))
        end = time.monotonic() + 1.0
        while time.monotonic() < end and not all(future.done() for future in asked.values()):
            self._executor.spin_once(timeout_sec=0.1)
        answered = {name: future.result() for name, future in asked.items() if future.done()}
        kind = Parameter.Type.BOOL.value
        return {
            name: bool(answer.values[0].bool_value)
            for name, answer in answered.items()
            if answer is not None and answer.values and answer.values[0].type == kind
        }


def examine(robot_name: str, namespace: str, command: str, seconds: float, as_json: bool) -> int:
    """Look, and tell; 1 where the robot will not drive or must not."""
    robot = load_robot(robot_name)
    with Examiner(robot, namespace, command) as examiner:
        view = examiner.look(seconds)
    findings = diagnose(view)
    if as_json:
        print(json.dumps({"well": not findings, "findings": [asdict(f) for f in findings]}, indent=1))
    else:
        _tell(view, findings)
    return int(any(finding.level == FAULT for finding in findings))


def _tell(view: GraphView, findings: list[Finding]) -> None:
    where = f"domain {view.domain}" + (f", namespace /{view.namespace}" if view.namespace else "")
    print(f"{view.robot.name}, {where}: {len(view.nodes)} nodes, watched for {view.seconds:g} s")
    for finding in findings:
        print(f"  {finding.level:<8}{finding.where}: {finding.what}")
        print(f"          → {finding.remedy}")
    if not findings:
        rates = ", ".join(f"{name} {heard.rate:.0f} Hz" for name, heard in view.heard.items() if heard.count > 1)
        print(f"  all is well: {rates}")
