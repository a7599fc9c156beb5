"""The simulation node as a process: what it publishes, how it drives, stops, refuses and ends."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped, Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan, PointCloud2
from visualization_msgs.msg import MarkerArray

from sac_son_nav.config import load_robot
from sac_son_nav.nodes import conversions as convert
from sac_son_nav.nodes.diagnostics import ERROR, from_diagnostics
from sac_son_nav.nodes.runtime import LATCHED
from sac_son_nav.nodes.simulation import SimulationNode
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command

from .graph import PATIENCE, refusal

if TYPE_CHECKING:
    from .graph import Graph

pytestmark = pytest.mark.graph
SIMULATION = "sac_son_nav.nodes.simulation"


def stamps(messages: list[Any]) -> list[int]:
    """In milliseconds: the world's steps are 50 of them."""
    return [round(convert.stamp_nanoseconds(m.header.stamp) / 1e6) for m in messages]


def says(diagnostics: list[DiagnosticArray], text: str) -> bool:
    """Whether the simulation has said this."""
    found = [s for message in diagnostics for s in from_diagnostics(message) if s.name == "/simulation"]
    return any(text in s.message for s in found)


def drive(graph: Graph, publisher: Any, message: Any, until: Callable[[], bool], what: str) -> None:
    """Command at 20 Hz until something has happened."""
    end = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < end, f"expected {what} within {PATIENCE} s"
        publisher.publish(message)
        graph.turn(0.05)


def speed(message: Odometry) -> float:
    return float(message.twist.twist.linear.x)


def test_every_topic_comes_at_its_rate_and_holds_the_world(graph: Graph) -> None:
    clock = graph.listen(Clock, "/clock")
    scans, odometry = graph.listen(LaserScan, "scan"), graph.listen(Odometry, "odom")
    poses, people = (
        graph.listen(PoseWithCovarianceStamped, "amcl_pose"),
        graph.listen(PointCloud2, "ground_truth/people"),
    )
    truth, maps = graph.listen(Odometry, "ground_truth/odom"), graph.listen(OccupancyGrid, "map", LATCHED)
    markers = graph.listen(MarkerArray, "ground_truth/people_markers")
    process = graph.start(SIMULATION, "scenario:=crossing", "seed:=3")
    graph.expect(lambda: len(poses) >= 11 and maps and markers, "ten poses of the localiser, the map and markers")

    # the world's clock: 20 steps, 20 odometries, 10 scans, 5 poses a second, each stamp a multiple of its period
    assert set(np.diff(stamps(odometry))) == {50}
    assert set(np.diff(stamps(scans))) == {100}
    assert set(np.diff(stamps(poses))) == {200}
    assert set(np.diff(stamps(people))) == {50}
    assert set(np.diff([round(m.clock.sec * 1e3 + m.clock.nanosec / 1e6) for m in clock])) == {50}

    # the same world without a graph says the same at the same moment
    world = Simulator(load_scenario("crossing"), load_robot("simulated"), seed=3)
    moment = max(set(stamps(scans)) & set(stamps(people)))  # the newest scan may have come before its people
    while round(1e3 * world.time_s) < moment:
        world.step(None)
    np.testing.assert_allclose(scans[stamps(scans).index(moment)].ranges, world.scan().ranges, rtol=1e-6)
    seen = convert.from_people(people[stamps(people).index(moment)], "ground_truth/people", "map")
    np.testing.assert_allclose(seen.positions, world.people().positions, atol=1e-5)
    np.testing.assert_array_equal(convert.from_occupancy_grid(maps[0], "map", "map").cells, world.scenario.floor.cells)
    start = convert.from_odometry(truth[0], "ground_truth/odom", "map").pose
    np.testing.assert_allclose(start, world.scenario.robot_start, atol=1e-9)
    assert process.stop(signal.SIGINT) == 0
    assert process.said() == ""


@pytest.mark.parametrize("stamped", [False, True])
def test_it_drives_as_commanded_in_either_type(graph: Graph, stamped: bool) -> None:
    truth = graph.listen(Odometry, "ground_truth/odom")
    # At half speed, so that a command that a busy machine brings late is still within the base's time-out.
    kind = f"enable_stamped_cmd_vel:={str(stamped).lower()}"
    graph.start(SIMULATION, "scenario:=empty", "real_time_factor:=0.5", kind)
    publisher = graph.publisher(TwistStamped if stamped else Twist, "cmd_vel")
    command = Command(0.3, 0.0)
    message = (
        convert.to_twist_stamped(command, convert.to_stamp(0.0), "base_link") if stamped else convert.to_twist(command)
    )
    drive(graph, publisher, message, lambda: len(truth) > 0 and speed(truth[-1]) > 0.0, "the base to set off")
    off = stamps(truth)[-1]
    drive(graph, publisher, message, lambda: stamps(truth)[-1] >= off + 2000, "two seconds on the way")
    driven = 1e-3 * (stamps(truth)[-1] - off)
    graph.expect(lambda: speed(truth[-1]) == 0.0, "the base to stop, since nobody commands any more")
    speeds = np.array([speed(m) for m in truth])
    assert speeds.max() == pytest.approx(0.3)
    changes = np.diff(speeds) / 0.05  # [m/s^2], a step at a time
    assert -2.5 - 1e-6 <= changes.min() <= changes.max() <= 0.8 + 1e-6
    # 2 s at 0.3 m/s, less the 0.375 s of speeding up (0.056 m), plus 0.25 s until the time-out (0.075 m) and braking
    way = np.hypot(
        *np.diff([[m.pose.pose.position.x, m.pose.pose.position.y] for m in (truth[0], truth[-1])], axis=0)[0]
    )
    assert way == pytest.approx(0.3 * driven + 0.02, abs=0.12)


def test_a_command_of_nan_brakes_and_is_said(graph: Graph) -> None:
    truth, diagnostics = graph.listen(Odometry, "ground_truth/odom"), graph.listen(DiagnosticArray, "diagnostics")
    graph.start(SIMULATION, "scenario:=empty")
    publisher = graph.publisher(Twist, "cmd_vel")
    good, bad = convert.to_twist(Command(0.3, 0.0)), convert.to_twist(Command(0.3, 0.0))
    bad.angular.z = math.nan
    drive(graph, publisher, good, lambda: bool(truth) and speed(truth[-1]) > 0.29, "the base to drive")
    drive(graph, publisher, bad, lambda: says(diagnostics, "/cmd_vel: expected finite numbers as velocity"), "words")
    drive(graph, publisher, bad, lambda: speed(truth[-1]) == 0.0, "the base to stand")
    assert all(math.isfinite(m.pose.pose.position.x) for m in truth)


def test_the_wrong_type_of_command_is_said(graph: Graph) -> None:
    diagnostics = graph.listen(DiagnosticArray, "diagnostics")
    graph.node.create_publisher(TwistStamped, "cmd_vel", 10)
    graph.start(SIMULATION, "scenario:=empty")
    graph.expect(
        lambda: says(diagnostics, "expected geometry_msgs/msg/Twist, got geometry_msgs/msg/TwistStamped"), "the word"
    )
    assert from_diagnostics(diagnostics[-1])[0].level == ERROR


def test_after_a_pause_of_the_process_the_world_goes_on_without_hurry(graph: Graph) -> None:
    clock = graph.listen(Clock, "/clock")
    process = graph.start(SIMULATION, "scenario:=crossing")
    graph.expect(lambda: len(clock) > 10, "the clock")
    process.signal(signal.SIGSTOP)
    graph.turn(3.0)
    before, began = len(clock), time.monotonic()
    process.signal(signal.SIGCONT)
    graph.expect(lambda: len(clock) - before >= 20, "a second of the world")
    graph.turn(max(0.0, began + 1.0 - time.monotonic()))
    # one second is 20 steps; the 3 s that were missed would be 60 more
    assert len(clock) - before <= 24 + 20 * (time.monotonic() - began - 1.0)
    moments = [1000 * m.clock.sec + round(m.clock.nanosec / 1e6) for m in clock]
    assert set(np.diff(moments)) == {50}


def test_the_log_holds_the_run_and_is_whole_at_any_time(graph: Graph, tmp_path: Path) -> None:
    log = tmp_path / "run" / "world.npz"
    odometry = graph.listen(Odometry, "odom")
    process = graph.start(SIMULATION, "scenario:=crossing", f"log:={log}", "real_time_factor:=5.0", "seed:=2")

    def moments() -> int:
        with np.load(log) as early:
            return len(early["times"])

    graph.expect(log.is_file, "the log")
    graph.expect(lambda: moments() > 20, "a log that grows")
    assert process.stop() == 0
    graph.turn(0.2)
    with np.load(log) as whole:
        assert round(1e3 * whole["times"][-1]) >= stamps(odometry)[-1]
        assert whole["people"].shape[0] == len(whole["times"])
        assert (str(whole["scenario"]), int(whole["seed"])) == ("crossing", 2)
    assert [p.name for p in log.parent.iterdir()] == ["world.npz"]  # no half-written file is left


def test_without_the_robot_only_people_are_published(graph: Graph) -> None:
    people, scans = graph.listen(PointCloud2, "ground_truth/people"), graph.listen(LaserScan, "scan")
    graph.start(SIMULATION, "scenario:=crossing", "present_robot:=false")
    graph.expect(lambda: len(people) > 20, "people")
    assert not scans


def one_sentence(said: str, sentence: str) -> bool:
    return sentence in said and said.strip().count("\n") == 0 and "Traceback" not in said


def test_a_bad_parameter_is_one_sentence_and_status_2(graph: Graph) -> None:
    process = graph.start(SIMULATION, "scenario:=nowhere")
    assert process.wait() == 2
    assert one_sentence(process.said(), "'nowhere': not found")


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ("robot:=tricycle", "'tricycle': not found"),
        ("real_time_factor:=-1.0", "real_time_factor: expected a number above zero, got -1.0"),
        ("real_time_factor:=fast", "simulation.real_time_factor: expected float, got 'fast'"),
        ("patience:=-1.0", "patience: expected zero or more seconds, got -1.0"),
        ("limits.vx_max:=-0.5", "vx_max: expected a positive number, got -0.5"),
        ("secnario:=crossing", "unknown parameter 'secnario'"),
        ("log:=/proc/none/world.npz", "log /proc/none/world.npz: expected a file to write to, got:"),
        ("seed:=-1", "seed: expected zero or more, got -1"),
    ],
)
def test_every_bad_parameter_has_its_sentence(
    domain: int, capfd: pytest.CaptureFixture[str], parameter: str, sentence: str
) -> None:
    assert one_sentence(refusal(SimulationNode, parameter, domain, lambda: capfd.readouterr().err), sentence)
