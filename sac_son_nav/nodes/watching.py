"""A bystander of the running graph: gives the goal, follows how it goes, measures how fast it goes.

The demonstration and the measurement look at the same graph through this one window.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, Twist, TwistStamped
from nav_msgs.msg import Odometry, Path
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import LaserScan, PointCloud2
from std_msgs.msg import String

from sac_son_nav.datasets.source import header_nanoseconds
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.diagnostics import from_diagnostics, from_social_events
from sac_son_nav.states import Command, Floats, SocialEvent


@dataclass
class Seen:
    """What the bystander knows; times of arrival are `time.monotonic()` [s]."""

    pose: Floats | None = None  # (3,) true pose in map
    speed: float = 0.0  # [m/s] true
    people: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    world_s: float = 0.0
    status: dict[str, tuple[int, str, dict[str, str]]] = field(default_factory=dict)  # by node
    scan_at: dict[int, float] = field(default_factory=dict)  # arrival of each scan, by its stamp
    plan_delays: list[float] = field(default_factory=list)  # [s] from a scan's arrival to its plan's
    commands: list[tuple[float, Command]] = field(default_factory=list)
    events: list[SocialEvent] = field(default_factory=list)
    said: list[tuple[float, str]] = field(default_factory=list)  # when in the world [s], and the sentence
    performed: list[tuple[float, str]] = field(default_factory=list)  # likewise, and the behaviour


class Bystander:
    """A node of its own in a thread of its own; use as a context manager."""

    def __init__(self, scan_topic: str = "scan", stamped: bool = False, with_commands: bool = True) -> None:
        self.context = Context()
        runtime.start_ros(context=self.context)
        self.node = Node("bystander", context=self.context)
        self.seen = Seen()
        self._performing = ""
        self._stop = threading.Event()
        make = self.node.create_subscription
        make(Odometry, "ground_truth/odom", self._on_truth, runtime.SENSOR)
        make(PointCloud2, "ground_truth/people", self._on_people, runtime.SENSOR)
        make(DiagnosticArray, "diagnostics", self._on_diagnostics, runtime.RELIABLE)
        make(DiagnosticArray, "social_events", self._on_events, runtime.RELIABLE)
        make(String, "expression/speech", self._on_speech, runtime.RELIABLE)
        make(DiagnosticArray, "expression/status", self._on_expression, runtime.RELIABLE)
        if with_commands:
            make(LaserScan, scan_topic, self._on_scan, runtime.SENSOR, raw=True)
            make(Path, "local_plan", self._on_plan, runtime.RELIABLE, raw=True)
            make(TwistStamped if stamped else Twist, "cmd_vel", self._on_command, runtime.RELIABLE)
        self._goals = self.node.create_publisher(PoseStamped, "goal_pose", runtime.LATCHED)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name="bystander")

    def __enter__(self) -> Bystander:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5.0)
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def send_goal(self, pose: Floats) -> None:
        """Publish a goal (3,) in map, latched: a navigation node that starts later hears it too."""
        stamp = self.node.get_clock().now().to_msg()
        self._goals.publish(conversions.to_pose_stamped(pose, stamp, "map"))

    @property
    def navigation_heard(self) -> bool:
        """Whether the navigation node has said anything yet."""
        return "/navigation" in self.seen.status

    def navigation(self) -> tuple[int, str]:
        """Level and sentence of the navigation node's last diagnostics."""
        level, message, _ = self.seen.status.get("/navigation", (3, "not heard yet", {}))
        return level, message

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            while not self._stop.is_set():
                self.executor.spin_once(timeout_sec=0.2)

    def _on_truth(self, message: Odometry) -> None:
        state = conversions.from_odometry(message, "ground_truth/odom")
        self.seen.pose, self.seen.speed, self.seen.world_s = state.pose, float(state.velocity[0]), state.stamp_s

    def _on_people(self, message: PointCloud2) -> None:
        self.seen.people = conversions.from_people(message, "ground_truth/people").positions

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in from_diagnostics(message):
            self.seen.status[status.name] = (status.level, status.message, dict(status.values))

    def _on_events(self, message: DiagnosticArray) -> None:
        self.seen.events += from_social_events(message)

    def _on_speech(self, message: String) -> None:
        self.seen.said.append((self.seen.world_s, message.data))

    def _on_expression(self, message: DiagnosticArray) -> None:
        for status in from_diagnostics(message):
            name = str(status.values.get("performing", ""))
            if name and name != self._performing:
                self.seen.performed.append((self.seen.world_s, name))
            self._performing = name

    def _on_scan(self, data: bytes) -> None:
        self.seen.scan_at[header_nanoseconds(data)] = time.monotonic()

    def _on_plan(self, data: bytes) -> None:
        # The local plan carries its scan's stamp and is published right after the command.
        arrived = self.seen.scan_at.get(header_nanoseconds(data))
        if arrived is not None:
            self.seen.plan_delays.append(time.monotonic() - arrived)

    def _on_command(self, message: Twist | TwistStamped) -> None:
        self.seen.commands.append((time.monotonic(), conversions.from_twist(message, "cmd_vel")))
