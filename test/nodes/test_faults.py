"""What must never happen: moving on blind. Real processes, real DDS, real signals."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, Twist
from nav_msgs.msg import OccupancyGrid, Odometry
from sensor_msgs.msg import LaserScan

from sac_son_nav.maps import OccupancyMap
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.diagnostics import from_diagnostics

from .graph import Graph, Process, on_a_fair_machine

pytestmark = [pytest.mark.graph, pytest.mark.alone]

STILL_WITHIN = 0.6  # [s] from the fault to rest
WATCHED = 1.5  # [s] after it, at least
GOAL, BACK = np.array([16.8, 2.0, 0.0]), np.array([2.0, 2.0, np.pi])  # the ends of the corridor
ROOM = 5.0  # [m] before the goal that a fault needs
NODES = {
    "simulation": ("sac_son_nav.nodes.simulation", "scenario:=corridor", "seed:=1"),
    "perception": ("sac_son_nav.nodes.perception", "use_sim_time:=true"),
    "navigation": ("sac_son_nav.nodes.navigation", "use_sim_time:=true"),
}


class Motion(NamedTuple):
    """How the base truly moves: when that was heard, on a clock that always runs, and when it was so in the world."""

    at: float  # [s]
    world: float  # [s]
    speed: float  # [m/s], as all that follow without a sign
    turning: float  # [rad/s]
    x: float  # [m] in the map, with its sign

    @property
    def still(self) -> bool:
        return self.speed <= 1e-3 and self.turning <= 1e-3


@dataclass
class Witness:
    """What the base truly does, what it is told, and what the nodes say."""

    graph: Graph
    motions: list[Motion] = field(default_factory=list)
    commands: list[tuple[float, float, float]] = field(default_factory=list)  # arrival [s], [m/s], [rad/s]
    said: list[tuple[float, str, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        make = self.graph.node.create_subscription
        make(Odometry, "ground_truth/odom", self._truth, runtime.SENSOR)
        make(Twist, "cmd_vel", self._command, runtime.RELIABLE)
        make(DiagnosticArray, "diagnostics", self._diagnostics, runtime.RELIABLE)
        self.graph.explain = self.tell
        self.goals = self.graph.node.create_publisher(PoseStamped, "goal_pose", runtime.LATCHED)

    def tell(self) -> str:
        """The last that was heard, for a test that failed."""
        now = time.monotonic()
        said = [f"{at - now:.1f} s {name}: {text}" for at, name, _, text in self.said[-12:]]
        motions = f"{len(self.motions)} odometry messages, the last {self.motions[-1:]} at {now:.1f} s"
        return "\n".join([*said, motions, f"{len(self.commands)} commands, the last {self.commands[-3:]}"])

    def send_goal(self, pose=GOAL) -> None:
        stamp = self.graph.node.get_clock().now().to_msg()
        self.goals.publish(conversions.to_pose_stamped(np.asarray(pose), stamp, "map"))

    def moving(self, since: float = 0.0) -> bool:
        return any(m.at > since and m.speed > 0.3 for m in self.motions[-40:])

    def expect_moving(self) -> None:
        """It moves, and not only in messages that are still on their way."""
        since = time.monotonic() + 0.2
        self.graph.expect(lambda: self.moving(since), "the robot to move")

    def heard(self, node: str, words: str, since: float) -> bool:
        return any(at > since and name == node and words in text for at, name, _, text in self.said)

    def expect_heard(self, node: str, words: str, since: float = 0.0) -> None:
        self.graph.expect(lambda: self.heard(node, words, since), f"{node} to say: {words}")

    def expect_motions(self, count: int, since: float) -> list[Motion]:
        """As many as have been heard since a moment, once there are enough to judge."""

        def later() -> list[Motion]:
            return [m for m in self.motions if m.at > since]

        self.graph.expect(lambda: len(later()) >= count, f"{count} odometry messages")
        return later()

    def world_at(self, when: float) -> float:
        """The world's time [s] that was heard last before a moment."""
        return [m.world for m in self.motions if m.at <= when][-1]

    def now(self) -> Motion:
        """The base's next word, which is as good as what it does now."""
        count = len(self.motions)
        self.graph.expect(lambda: len(self.motions) > count, "the base")
        return self.motions[-1]

    def _truth(self, message: Odometry) -> None:
        stamp, twist = conversions.to_seconds(message.header.stamp), message.twist.twist
        x = message.pose.pose.position.x
        self.motions.append(Motion(time.monotonic(), stamp, abs(twist.linear.x), abs(twist.angular.z), x))

    def _command(self, message: Twist) -> None:
        self.commands.append((time.monotonic(), message.linear.x, message.angular.z))

    def _diagnostics(self, message: DiagnosticArray) -> None:
        for status in from_diagnostics(message):
            self.said.append((time.monotonic(), status.name, status.level, status.message))


@dataclass
class Rig:
    """The whole graph, which all tests here share; the real world's scans pass through it and can be broken."""

    graph: Graph
    processes: dict[str, Process] = field(default_factory=dict)
    breaking: str = ""  # how scans are broken now
    goal: np.ndarray = field(default_factory=lambda: GOAL)

    def __post_init__(self) -> None:
        self.witness = Witness(self.graph)
        self._relay = self.graph.node.create_publisher(LaserScan, "scan", runtime.RELIABLE)
        self.graph.node.create_subscription(LaserScan, "scan_from_the_world", self._on_scan, runtime.SENSOR)
        for name in NODES:
            self.start(name)
        self.witness.expect_heard("/navigation", "waiting for a goal")

    def _on_scan(self, message: LaserScan) -> None:
        self._relay.publish(broken(message, self.breaking))

    def start(self, name: str) -> None:
        remaps = ("scan:=scan_from_the_world",) if name == "simulation" else ()
        self.processes[name] = self.graph.start(*NODES[name], remaps=remaps)

    def bring_back(self, name: str, number: signal.Signals) -> None:
        if number == signal.SIGSTOP:
            self.processes[name].signal(signal.SIGCONT)
            return
        if name == "simulation":
            self.witness.motions.clear()  # of the world that is no more, whose clock was ahead
        self.start(name)  # the latched goal reaches a navigation node that is new

    def set_out(self) -> None:
        """Under way at speed, with room ahead."""
        here = self.witness.now().x
        if abs(here - self.goal[0]) < ROOM:
            self.goal = GOAL if self.goal is BACK else BACK
        self.witness.send_goal(self.goal)

        def on_its_way() -> bool:
            before, now = self.witness.motions[-2:]
            return now.speed > 0.3 and (now.x - before.x) * (self.goal[0] - now.x) > 0.0

        self.graph.expect(on_its_way, "the robot to be on its way")
        self.witness.expect_moving()


@pytest.fixture(scope="module")
def rig(shared_graph: Graph) -> Rig:
    return Rig(shared_graph)


def still_moving(witness: Witness, stop: float) -> str:
    """What is wrong with how the base rests after it was to stop at `stop` [s] of the world; empty: nothing.

    It must be at rest in every odometry message whose stamp is more than STILL_WITHIN later: the stamp tells when the
    base did something, where the arrival tells when a busy machine let us hear of it.
    """

    def later() -> list[Motion]:
        return [m for m in witness.motions if m.world > stop + STILL_WITHIN]

    witness.graph.expect(lambda: len(later()) >= 10, "10 odometry messages after the base was to stop")
    moved = [m for m in later() if not m.still]
    if not moved:
        return ""
    last = moved[-1]
    return f"{last.speed:.2f} m/s, {last.turning:.2f} rad/s {last.world - stop:.2f} s after the base was to stop"


def comes_to_rest(witness: Witness, fault: Callable[[], None]) -> tuple[str, float]:
    """What is wrong with how the base rests after a fault, and how long [s] the machine kept a process waiting."""
    before = witness.now()
    fault()
    waited = witness.graph.observe(WATCHED)
    return still_moving(witness, before.world), waited


def test_a_goal_in_a_wall_is_refused_in_a_sentence_and_a_good_one_then_taken(rig):
    """The first of them all, for the robot has not moved yet."""
    witness = rig.witness
    witness.send_goal((8.0, 4.1, 0.0))  # in the corridor's wall
    witness.expect_heard("/navigation", "of room for the robot")
    witness.expect_motions(20, since=time.monotonic())
    assert all(v == 0.0 and w == 0.0 for _, v, w in witness.commands)
    assert all(m.speed == 0.0 and m.turning == 0.0 for m in witness.motions)
    witness.send_goal()
    witness.expect_moving()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
def test_without_the_sensors_and_the_base_no_motion_is_commanded_and_with_them_it_goes_on(rig, number):
    """Scan, odometry and clock fall silent together; a world that is started again begins at its beginning, so the
    goal is the other end."""
    graph, witness = rig.graph, rig.witness

    def experiment() -> tuple[str, float]:
        rig.set_out()
        fault = time.monotonic()
        rig.processes["simulation"].signal(number)
        waited = graph.observe(WATCHED)

        def late() -> list[tuple[float, float, float]]:
            return [c for c in witness.commands if c[0] > fault + STILL_WITHIN]

        graph.expect(lambda: len(late()) >= 5, "5 later commands")
        moved = [f"{v:.2f} m/s, {w:.2f} rad/s {at - fault:.2f} s after" for at, v, w in late() if v != 0.0 or w != 0.0]
        witness.expect_heard("/navigation", "standing: no", fault)
        rig.bring_back("simulation", number)
        witness.expect_moving()
        return (f"commanded {moved[-1]} the fault" if moved else ""), waited

    on_a_fair_machine(experiment)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
@pytest.mark.parametrize(
    ("name", "teller", "reason"),
    [
        ("perception", "/navigation", "standing: no people for"),
        ("navigation", "/simulation", "no command, so the base has stopped by itself"),
    ],
)
def test_without_one_process_the_robot_stands_and_with_it_goes_on(rig, name, teller, reason, number):
    def experiment() -> tuple[str, float]:
        rig.set_out()
        fault = time.monotonic()
        found = comes_to_rest(rig.witness, lambda: rig.processes[name].signal(number))
        rig.witness.expect_heard(teller, reason, fault)
        rig.bring_back(name, number)
        rig.witness.expect_moving()
        return found

    on_a_fair_machine(experiment)


def broken(message: LaserScan, how: str) -> LaserScan:
    """A scan as a broken sensor sends it."""
    if how == "nan":
        message.ranges = [float("nan")] * len(message.ranges)
    elif how == "empty":
        message.ranges = []
    elif how == "wrong size":
        message.ranges = message.ranges[: len(message.ranges) // 2]
    elif how == "stale":
        message.header.stamp = conversions.to_stamp(conversions.to_seconds(message.header.stamp) - 5.0)
    return message


@pytest.mark.parametrize("how", ["nan", "empty", "wrong size", "stale"])
def test_a_broken_scan_stops_the_robot_in_a_sentence_and_a_good_one_lets_it_go_on(rig, how):
    def standing_for_the_scan(since: float) -> bool:
        said = [text for at, name, _, text in rig.witness.said if at > since and name == "/navigation"]
        return any(text.startswith("standing: ") and "scan" in text for text in said)

    def experiment() -> tuple[str, float]:
        rig.set_out()
        fault = time.monotonic()
        found = comes_to_rest(rig.witness, lambda: setattr(rig, "breaking", how))
        rig.graph.expect(lambda: standing_for_the_scan(fault), "navigation to stand and to name the scan")
        rig.breaking = ""
        rig.witness.expect_moving()
        return found

    on_a_fair_machine(experiment)
    assert all(process.handle.poll() is None for process in rig.processes.values())


def test_while_a_huge_map_is_being_read_the_robot_stands_and_then_goes_on(rig):
    """The map keeps the whole navigation process busy, so here it is the base's own time-out that stops it. The last
    of those that share a graph, for it keeps the map."""
    rig.set_out()
    graph, witness = rig.graph, rig.witness
    huge = OccupancyMap(np.zeros((4000, 4000), np.int8), 0.05, (-90.0, -90.0))
    maps = graph.node.create_publisher(OccupancyGrid, "map", runtime.LATCHED)
    graph.expect(lambda: maps.get_subscription_count() > 0, "navigation to listen to maps")
    maps.publish(conversions.to_occupancy_grid(huge, conversions.to_stamp(0.0)))
    graph.expect(lambda: witness.motions[-1].still, "the robot to stand")
    witness.expect_moving()


def test_without_a_map_it_stands_and_says_so(graph):
    witness = Witness(graph)
    graph.start("sac_son_nav.nodes.simulation", "scenario:=empty", arguments=())
    graph.start("sac_son_nav.nodes.perception", "use_sim_time:=true")
    # The map is there, only not under the name that navigation listens to.
    graph.start("sac_son_nav.nodes.navigation", "use_sim_time:=true", remaps=("map:=another_map",))
    witness.send_goal((5.0, 3.0, 0.0))
    witness.expect_heard("/navigation", "standing: no map yet")
    witness.expect_motions(20, since=time.monotonic())
    assert all(m.speed == 0.0 and m.turning == 0.0 for m in witness.motions)
