"""What must never happen: moving on blind. Real processes, real DDS, real signals."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, Twist
from nav_msgs.msg import OccupancyGrid, Odometry

from sac_son_nav.maps import OccupancyMap
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.diagnostics import from_diagnostics

from .graph import Graph, Process

pytestmark = [pytest.mark.graph, pytest.mark.alone]

STILL_WITHIN = 0.6  # [s] from the fault to rest
GOAL = np.array([16.8, 2.0, 0.0])
NODES = {
    "simulation": ("sac_son_nav.nodes.simulation", "scenario:=corridor", "seed:=1"),
    "perception": ("sac_son_nav.nodes.perception", "use_sim_time:=true"),
    "navigation": ("sac_son_nav.nodes.navigation", "use_sim_time:=true"),
}


@dataclass
class Witness:
    """What the base truly does, what it is told, and what the nodes say; by arrival on a clock that always runs."""

    graph: Graph
    speeds: list[tuple[float, float, float]] = field(default_factory=list)
    commands: list[tuple[float, float, float]] = field(default_factory=list)
    said: list[tuple[float, str, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        make = self.graph.node.create_subscription
        make(Odometry, "ground_truth/odom", self._truth, runtime.SENSOR)
        make(Twist, "cmd_vel", self._command, runtime.RELIABLE)
        make(DiagnosticArray, "diagnostics", self._diagnostics, runtime.RELIABLE)
        self.goals = self.graph.node.create_publisher(PoseStamped, "goal_pose", runtime.LATCHED)

    def send_goal(self, pose=GOAL) -> None:
        stamp = self.graph.node.get_clock().now().to_msg()
        self.goals.publish(conversions.to_pose_stamped(np.asarray(pose), stamp, "map"))

    def moving(self, since: float = 0.0) -> bool:
        return any(at > since and v > 0.3 for at, v, _ in self.speeds[-40:])

    def heard(self, node: str, words: str, since: float) -> bool:
        return any(at > since and name == node and words in text for at, name, _, text in self.said)

    def _truth(self, message: Odometry) -> None:
        twist = message.twist.twist
        self.speeds.append((time.monotonic(), abs(twist.linear.x), abs(twist.angular.z)))

    def _command(self, message: Twist) -> None:
        self.commands.append((time.monotonic(), message.linear.x, message.angular.z))

    def _diagnostics(self, message: DiagnosticArray) -> None:
        for status in from_diagnostics(message):
            self.said.append((time.monotonic(), status.name, status.level, status.message))


@pytest.fixture
def driving(graph: Graph) -> tuple[Graph, dict[str, Process], Witness]:
    """The whole graph, the robot on its way at speed."""
    witness = Witness(graph)
    processes = {name: graph.start(*what) for name, what in NODES.items()}
    graph.expect(lambda: witness.heard("/navigation", "waiting for a goal", 0.0), "navigation to be ready", 40.0)
    witness.send_goal()
    graph.expect(witness.moving, "the robot to move", 20.0)
    return graph, processes, witness


def expect_still(witness: Witness, fault: float, seconds: float = 1.5) -> None:
    """At rest in every sample from STILL_WITHIN after the fault on; watched until the base has spoken for a while, as
    a machine with other work may keep its process from running just then."""
    witness.graph.turn(seconds)

    def later() -> list[tuple[float, float, float]]:
        return [(at - fault, v, w) for at, v, w in witness.speeds if at > fault + STILL_WITHIN]

    witness.graph.expect(lambda: len(later()) >= 10, "10 odometry messages after the fault")
    moved = [sample for sample in later() if sample[1] > 1e-3 or sample[2] > 1e-3]
    assert not moved, (
        f"still moving {moved[0][0]:.2f} s after the fault: {moved[0][1]:.2f} m/s, {moved[0][2]:.2f} rad/s"
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
@pytest.mark.parametrize(
    ("name", "teller", "reason"),
    [
        ("perception", "/navigation", "standing: no people for"),
        ("navigation", "/simulation", "no command, so the base has stopped by itself"),
    ],
)
def test_without_one_process_the_robot_stands_and_with_it_goes_on(driving, name, teller, reason, number):
    graph, processes, witness = driving
    fault = time.monotonic()
    processes[name].handle.send_signal(number)
    expect_still(witness, fault)
    graph.expect(lambda: witness.heard(teller, reason, fault), f"{teller} to say: {reason}")
    if number == signal.SIGSTOP:
        processes[name].handle.send_signal(signal.SIGCONT)
    else:
        graph.start(*NODES[name])  # the latched goal reaches a navigation node that is new
    back = time.monotonic()
    graph.until(lambda: witness.moving(back + 0.2), 25.0)
    assert witness.moving(back + 0.2), f"not moving again; navigation said {witness.said[-3:]}"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_without_the_sensors_and_the_base_no_motion_is_commanded_and_with_them_it_goes_on(driving, number):
    """Scan, odometry and clock fall silent together; a world that is started again begins at its beginning."""
    graph, processes, witness = driving
    fault = time.monotonic()
    processes["simulation"].handle.send_signal(number)
    graph.turn(1.5)
    graph.expect(lambda: bool(witness.commands) and witness.commands[-1][0] > fault + STILL_WITHIN, "a later command")
    late = [c for c in witness.commands if c[0] > fault + STILL_WITHIN]
    assert all(v == 0.0 and w == 0.0 for _, v, w in late)
    graph.expect(lambda: witness.heard("/navigation", "standing: no", fault), "navigation to say what is missing")
    if number == signal.SIGSTOP:
        processes["simulation"].handle.send_signal(signal.SIGCONT)
    else:
        graph.start(*NODES["simulation"])
    back = time.monotonic()
    graph.until(lambda: witness.moving(back + 0.2), 25.0)
    assert witness.moving(back + 0.2), f"not moving again; navigation said {witness.said[-3:]}"


def test_while_a_huge_map_is_being_read_the_robot_stands_and_then_goes_on(driving):
    """The map keeps the whole navigation process busy, so here it is the base's own time-out that stops it."""
    graph, _, witness = driving
    huge = OccupancyMap(np.zeros((4000, 4000), np.int8), 0.05, (-90.0, -90.0))
    maps = graph.node.create_publisher(OccupancyGrid, "map", runtime.LATCHED)
    graph.expect(lambda: maps.get_subscription_count() > 0, "navigation to listen to maps")
    maps.publish(conversions.to_occupancy_grid(huge, conversions.to_stamp(0.0)))
    stopped = graph.until(lambda: bool(witness.speeds) and witness.speeds[-1][1] < 1e-3, 20.0)
    assert stopped
    back = time.monotonic()
    graph.until(lambda: witness.moving(back + 0.2), 40.0)
    assert witness.moving(back + 0.2), f"not moving again; navigation said {witness.said[-3:]}"


def test_a_goal_in_a_wall_is_refused_in_a_sentence_and_a_good_one_then_taken(graph):
    witness = Witness(graph)
    for what in NODES.values():
        graph.start(*what)
    graph.expect(lambda: witness.heard("/navigation", "waiting for a goal", 0.0), "navigation to be ready", 40.0)
    witness.send_goal((8.0, 4.1, 0.0))  # in the corridor's wall
    refusal = "of room for the robot"
    graph.expect(lambda: witness.heard("/navigation", refusal, 0.0), "the goal to be refused")
    # What the base does comes from another process than the refusal, so it is waited for by itself.
    refused = time.monotonic()
    graph.expect(lambda: sum(at > refused for at, _, _ in witness.speeds) >= 20, "20 odometry messages afterwards")
    assert all(v == 0.0 and w == 0.0 for _, v, w in witness.commands)
    assert all(v == 0.0 and w == 0.0 for _, v, w in witness.speeds)
    witness.send_goal()
    graph.expect(witness.moving, "the robot to move", 20.0)


def test_without_a_map_it_stands_and_says_so(graph):
    witness = Witness(graph)
    graph.start("sac_son_nav.nodes.simulation", "scenario:=empty", arguments=())
    graph.start("sac_son_nav.nodes.perception", "use_sim_time:=true")
    # The map is there, only not under the name that navigation listens to.
    graph.start("sac_son_nav.nodes.navigation", "use_sim_time:=true", remaps=("map:=another_map",))
    witness.send_goal((5.0, 3.0, 0.0))
    graph.expect(
        lambda: witness.heard("/navigation", "standing: no map yet", 0.0), "the missing map to be named", 40.0
    )
    said = time.monotonic()
    graph.expect(lambda: sum(at > said for at, _, _ in witness.speeds) >= 20, "20 odometry messages afterwards")
    assert all(v == 0.0 and w == 0.0 for _, v, w in witness.speeds)


def broken(message: Any, how: str) -> Any:
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
def test_a_broken_scan_stops_the_robot_in_a_sentence_and_a_good_one_lets_it_go_on(graph, how):
    """The real world's scans pass through this test, which breaks them for a while."""
    from sensor_msgs.msg import LaserScan

    witness, breaking = Witness(graph), [False]
    relay = graph.node.create_publisher(LaserScan, "scan", runtime.RELIABLE)
    graph.node.create_subscription(
        LaserScan,
        "scan_from_the_world",
        lambda message: relay.publish(broken(message, how) if breaking[0] else message),
        runtime.SENSOR,
    )
    graph.start(*NODES["simulation"], remaps=("scan:=scan_from_the_world",))
    processes = [graph.start(*NODES["perception"]), graph.start(*NODES["navigation"])]
    graph.expect(lambda: witness.heard("/navigation", "waiting for a goal", 0.0), "navigation to be ready", 40.0)
    witness.send_goal()
    graph.expect(witness.moving, "the robot to move", 20.0)
    breaking[0], fault = True, time.monotonic()
    expect_still(witness, fault)
    sentences = [text for at, name, _, text in witness.said if at > fault and name == "/navigation"]
    assert any(text.startswith("standing: ") and "scan" in text for text in sentences), sentences
    breaking[0], back = False, time.monotonic()
    graph.until(lambda: witness.moving(back + 0.2), 15.0)
    assert witness.moving(back + 0.2)
    assert all(process.handle.poll() is None for process in processes)
