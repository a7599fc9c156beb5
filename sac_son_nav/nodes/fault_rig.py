"""The bench for faults: the real graph, with everything that the robot's drivers say passing through here.

Simulation, perception, navigation and expression run as processes of their own under the supervisor. What the world
publishes comes on topics `world/...`, and a relay passes it on to where the robot's nodes listen, or breaks it. The
truth and the nodes' words are taken down as they come, on a clock that always runs.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, Twist
from nav_msgs.msg import Odometry
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan, PointCloud2

from sac_son_nav.errors import GraphError
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.bringup import NodeSpec, Supervisor, simulation_specs
from sac_son_nav.nodes.diagnostics import from_diagnostics
from sac_son_nav.nodes.recording import message_class
from sac_son_nav.nodes.small_disk import SmallDisk

PATIENCE = 90.0  # [s] for what must happen in the end, on a busy machine
ENDS = (np.array([2.0, 2.0, np.pi]), np.array([16.0, 2.0, 0.0]))  # of the corridor, to and fro
MOVING = 0.3  # [m/s] from which on the robot is on its way
STILL = 1e-3  # [m/s], [rad/s]
ROOM = 4.0  # [m] that must be left before the goal when a fault begins

Break = Callable[[Any], Sequence[Any]]
"""What becomes of a message: none, one or more."""

RELAYED: dict[str, type] = {  # the world's, by the name that the robot's nodes know
    "scan": LaserScan,
    "odom": Odometry,
    "amcl_pose": PoseWithCovarianceStamped,
    "/clock": Clock,
}
with suppress(ImportError):  # where there are transforms, they pass here too
    RELAYED["/tf"] = importlib.import_module("tf2_msgs.msg").TFMessage


def _source(name: str) -> str:
    """Where the world says what the robot's nodes hear as `name`."""
    return f"{name}_of_the_world" if name.startswith("/") else f"world/{name}"


USED = (("sensor_msgs/msg/PointCloud2", "contact_points"), ("geometry_msgs/msg/Twist", "cmd_vel_teleop"))


class Motion(NamedTuple):
    """How the base truly moves: when that was heard [s], when it was so in the world [s], how fast, and where."""

    at: float
    world: float
    speed: float  # [m/s], forward positive
    turning: float  # [rad/s]
    x: float  # [m] in the map
    y: float

    @property
    def still(self) -> bool:
        """At rest."""
        return abs(self.speed) <= STILL and abs(self.turning) <= STILL


@dataclass
class Notes:
    """What was seen and heard."""

    motions: list[Motion] = field(default_factory=list)
    commands: list[tuple[float, float, float]] = field(default_factory=list)  # arrival [s], [m/s], [rad/s]
    said: list[tuple[float, str, str]] = field(default_factory=list)  # arrival [s], node, sentence
    passed: dict[str, list[float]] = field(default_factory=dict)  # arrivals [s] of what was passed on, by topic


class Rig:
    """A context manager; `out` takes the nodes' output. `domain` and discovery range are set by the caller."""

    def __init__(self, out: Path, scenario: str = "empty", before_navigation: Sequence[str] = ()) -> None:
        self.notes, self.broken = Notes(), {}  # type: tuple[Notes, dict[str, Break]]
        self.out, self.disk = out, SmallDisk(out / "disk")
        self._log = (out / "log.txt").open("a")
        self.nodes = Supervisor(self._specs(scenario, before_navigation), output=self._log)
        self.context = Context()
        runtime.start_ros([], self.context)
        self.node = Node("fault_rig", context=self.context, enable_rosout=False)
        # One participant may have only one type on a topic, so another type needs a stranger.
        self._strange = Context()
        runtime.start_ros([], self._strange)
        self.stranger = Node("stranger", context=self._strange, enable_rosout=False)
        self._goal = 1
        self.at_work: list[threading.Event] = []  # what is done again and again, until the event is set
        self._stop = threading.Event()
        self._make_topics()
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name="rig")

    def _specs(self, scenario: str, before_navigation: Sequence[str]) -> list[NodeSpec]:
        moved = {name: _source(name) for name in RELAYED}
        made = []
        for spec in simulation_specs(scenario=scenario, seed=1):
            if spec.name == "simulation":  # here it stands for the drivers, which may come again
                spec = replace(spec, remaps={**spec.remaps, **moved}, respawn=True, required=False)
            elif spec.name == "perception":
                spec = replace(spec, remaps={**spec.remaps, "people": "world/people"})
            elif spec.name == "navigation":
                stop_file = {"stop_file": str(self.disk.path / "stop.json")}
                spec = replace(spec, before=before_navigation, parameters={**spec.parameters, **stop_file})
            made.append(spec)
        return made

    def _make_topics(self) -> None:
        make, sensor, reliable = self.node.create_subscription, runtime.SENSOR, runtime.RELIABLE
        self.publishers: dict[str, Any] = {}
        for name, kind in {**RELAYED, "people": PointCloud2}.items():
            self.publishers[name] = self.node.create_publisher(kind, name, reliable)
            make(kind, _source(name), self._relay(name), runtime.RELIABLE if name != "people" else sensor)
        self.publishers["goal_pose"] = self.node.create_publisher(PoseStamped, "goal_pose", runtime.LATCHED)
        make(Odometry, "ground_truth/odom", self._on_truth, sensor)
        make(Twist, "cmd_vel", self._on_command, reliable)
        make(DiagnosticArray, "diagnostics", self._on_diagnostics, reliable)

    def _relay(self, name: str) -> Callable[[Any], None]:
        publisher, passed = self.publishers[name], self.notes.passed.setdefault(name, [])

        def pass_on(message: Any) -> None:
            passed.append(time.monotonic())
            breaking = self.broken.get(name)
            for one in [message] if breaking is None else breaking(message):
                publisher.publish(one)

        return pass_on

    def __enter__(self) -> Rig:
        self._thread.start()
        self.nodes.__enter__()
        return self

    def rest(self) -> None:
        """Nothing is done again and again any more."""
        for over in self.at_work:
            over.set()
        self.at_work = []
        time.sleep(0.6)  # until they have noticed

    def __exit__(self, *_: object) -> None:
        self.rest()
        self.nodes.stop()
        self._stop.set()
        self._thread.join(5.0)
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()
        self.stranger.destroy_node()
        self._strange.try_shutdown()
        self.disk.close()
        self._log.close()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            while not self._stop.is_set():
                self.executor.spin_once(timeout_sec=0.2)

    # -- what is heard ------------------------------------------------------------------------------------------

    def _on_truth(self, message: Odometry) -> None:
        place, twist = message.pose.pose.position, message.twist.twist
        stamp = conversions.to_seconds(message.header.stamp)
        self.notes.motions.append(Motion(time.monotonic(), stamp, twist.linear.x, twist.angular.z, place.x, place.y))

    def _on_command(self, message: Twist) -> None:
        self.notes.commands.append((time.monotonic(), message.linear.x, message.angular.z))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in from_diagnostics(message):
            self.notes.said.append((time.monotonic(), status.name.strip("/"), status.message))

    # -- what is done -------------------------------------------------------------------------------------------

    def publisher(self, kind: str, topic: str) -> Any:
        """One of any type, such as std_msgs/msg/String; made once."""
        key = f"{topic} {kind}"
        if key not in self.publishers:
            self.publishers[key] = self.stranger.create_publisher(message_class(kind), topic, runtime.RELIABLE)
        return self.publishers[key]

    def call(self, kind: type, service: str, request: Any, within: float = 10.0) -> Any:
        """A service's answer; none in time raises GraphError."""
        client = self.node.create_client(kind, service)
        self.wait(client.service_is_ready, f"the service {service}")
        future = client.call_async(request)
        self.wait(future.done, f"an answer of {service}", within)
        return future.result()

    def send_goal(self, pose: Any | None = None) -> None:
        """The goal in hand, or another one."""
        stamp = self.node.get_clock().now().to_msg()
        goal = ENDS[self._goal] if pose is None else np.asarray(pose, dtype=np.float64)
        self.publishers["goal_pose"].publish(conversions.to_pose_stamped(goal, stamp, "map"))

    def wait(self, happened: Callable[[], bool], what: str, within: float = PATIENCE) -> float:
        """Until something has happened; how long that took [s]. GraphError where it does not."""
        began = time.monotonic()
        while not happened():
            if self.nodes.failed:
                raise GraphError(self.nodes.failed)
            if time.monotonic() - began > within:
                last = "; ".join(f"{node}: {text}" for _, node, text in self.notes.said[-3:])
                raise GraphError(f"expected {what} within {within:g} s, got nothing of it; last heard: {last}")
            time.sleep(0.01)
        return time.monotonic() - began

    def moving(self, since: float) -> bool:
        """Whether it was heard after a moment [s] to be on its way."""
        return any(m.at > since and abs(m.speed) > MOVING for m in self.notes.motions[-40:])

    def set_out(self) -> None:
        """Drive at speed, with room ahead; a fresh goal where the old one is near."""
        self.wait(lambda: bool(self.notes.motions), "the world")
        for kind, topic in USED:  # made and known before a fault begins, so that its first message is heard
            publisher = self.publisher(kind, topic)
            self.wait(lambda p=publisher: p.get_subscription_count() > 0, f"a listener of {topic}")  # type: ignore[misc]
        here = self.notes.motions[-1]
        if np.hypot(*(ENDS[self._goal][:2] - (here.x, here.y))) < ROOM + 1.0:
            self._goal = 1 - self._goal
            self.send_goal()
        began = time.monotonic()
        asked = [began]

        def on_the_way() -> bool:
            now = self.notes.motions[-1]
            if abs(now.speed) < STILL and time.monotonic() - asked[-1] > 5.0:  # lost with a node, or arrived
                asked.append(time.monotonic())
                self.send_goal()
            left = np.hypot(*(ENDS[self._goal][:2] - (now.x, now.y)))
            if left < ROOM:
                self._goal = 1 - self._goal
                self.send_goal()
            return left >= ROOM and self.moving(time.monotonic() - 0.3) and len(self.notes.motions) > 5

        self.wait(on_the_way, "the robot to move")

    def waits(self) -> dict[str, float]:
        """How long each thread of the graph and of this process has had work and no processor [s]."""
        found = {}
        for pid in (os.getpid(), *self.nodes.pids().values()):
            for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with suppress(OSError):  # a thread may end meanwhile
                    found[str(path)] = 1e-9 * int(path.read_text().split()[1])
        return found
