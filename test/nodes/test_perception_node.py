"""The perception node as a process: one answer per scan, in the right frame, and silence where it can't know."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rcl_interfaces.srv import ListParameters
from sensor_msgs.msg import CameraInfo, LaserScan, PointCloud2
from visualization_msgs.msg import MarkerArray

from sac_son_nav.config import flatten, load_robot, read_parameters, resource
from sac_son_nav.nodes import conversions as convert
from sac_son_nav.nodes.diagnostics import Status, from_diagnostics
from sac_son_nav.nodes.perception import PerceptionNode, PerceptionNodeConfig, nearest_in_words
from sac_son_nav.nodes.runtime import LATCHED
from sac_son_nav.nodes.seeing import CameraConfig
from sac_son_nav.perception.map_place import MapConfig
from sac_son_nav.perception.people import PeopleConfig
from sac_son_nav.pose_buffer import PoseBuffer
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command, RobotState

from .graph import refusal

if TYPE_CHECKING:
    from .graph import Graph

pytestmark = pytest.mark.graph
PERCEPTION = "sac_son_nav.nodes.perception"


class Bench:
    """Scans and odometry of a world that this test steps itself, into a perception node; its answers by stamp."""

    def __init__(self, graph: Graph, *parameters: str, odometry: bool = True, seed: int = 0) -> None:
        self.graph = graph
        self.world = Simulator(load_scenario("crossing"), load_robot("simulated"), seed)
        self.people, self.diagnostics = (
            graph.listen(PointCloud2, "people"),
            graph.listen(DiagnosticArray, "diagnostics"),
        )
        # every scan counts here, so none may get lost on the way
        self.process = graph.start(PERCEPTION, "reliable_scans:=true", *parameters)
        self.scans = graph.publisher(LaserScan, "scan")
        self.odometry = graph.publisher(Odometry, "odom") if odometry else None
        graph.expect(lambda: bool(self.diagnostics), "the perception node")
        graph.turn(0.3)  # it has to know of all our topics, not only of this one
        self.offset_s = 100.0  # of the stamps to the world's time

    def say(self, *, scan: bool = True, odometry: bool = True) -> int:
        """The next 0.1 s of the world; the scan's stamp [ns]."""
        for _ in range(2):
            self.world.step(Command(0.3, 0.2))
            stamp = convert.to_stamp(self.offset_s + self.world.time_s)
            if odometry and self.odometry is not None:
                self.odometry.publish(convert.to_odometry(self.world.odometry, stamp, "base_link"))
        if scan:
            self.scans.publish(convert.to_laser_scan(self.world.scan(), stamp))
        return convert.stamp_nanoseconds(stamp)

    def run(self, count: int, answered: bool = True, **what: bool) -> list[int]:
        """`count` times 0.1 s, waiting until each scan is answered, or is said to be refused; the stamps."""
        stamps = []
        for _ in range(count):
            people, refused = len(self.people), self.refused
            stamps.append(self.say(**what))
            if answered:
                self.graph.expect(lambda people=people: len(self.people) > people, "an answer")
            else:
                self.graph.expect(lambda refused=refused: self.refused > refused, "a refusal in the diagnostics")
        return stamps

    def localise(self, deviation: float = 0.05) -> None:
        """The map, and where the robot truly is in it, to a standard deviation [m]."""
        stamp = convert.to_stamp(self.offset_s + self.world.time_s)
        floor = self.graph.publisher(OccupancyGrid, "map", quality=LATCHED)
        floor.publish(convert.to_occupancy_grid(self.world.scenario.floor, stamp))
        spread = np.array([deviation, deviation, 0.02])
        pose = self.graph.publisher(PoseWithCovarianceStamped, "amcl_pose")
        pose.publish(convert.to_pose_with_covariance(self.world.pose, spread, stamp, "map"))

    @property
    def map_asked(self) -> str:
        return self.status.values.get("map_asked", "no")

    @property
    def refused(self) -> int:
        return int(self.status.values.get("scans_refused", "0"))

    @property
    def answered(self) -> list[int]:
        return [convert.stamp_nanoseconds(m.header.stamp) for m in self.people]

    @property
    def status(self) -> Status:
        return [s for m in self.diagnostics for s in from_diagnostics(m) if s.name == "/perception"][-1]

    def expect_status(self, text: str) -> None:
        self.graph.expect(lambda: text in self.status.message, f"diagnostics that say {text!r}")


def test_each_scan_has_one_answer_with_its_stamp_and_people_are_where_they_are(graph: Graph) -> None:
    bench = Bench(graph)
    markers = graph.listen(MarkerArray, "people_markers")
    assert bench.map_asked == "no"
    stamps = bench.run(2)
    bench.localise()
    stamps += bench.run(58)
    assert bench.answered == stamps, {s.message for m in bench.diagnostics for s in from_diagnostics(m)}
    tracks = convert.from_people(bench.people[-1], "people", "odom")
    assert len(tracks) >= 2
    # Who is told is near somebody: people seen from where the odometry started, which after 6 s is off by centimetres
    start = bench.world.scenario.robot_start
    c, s = math.cos(start[2]), math.sin(start[2])
    people = (bench.world.people().positions - start[:2]) @ np.array([[c, -s], [s, c]])
    nearest = np.linalg.norm(tracks.positions[:, None] - people[None], axis=-1).min(axis=1)
    assert np.median(nearest) < 0.25
    graph.expect(lambda: len(markers) > 0 or len(bench.run(1)) == 0, "people to look at")
    graph.expect(lambda: bench.map_asked == "yes", "the map to be asked")
    bench.localise(deviation=0.5)
    graph.expect(lambda: len(bench.run(1)) > 0 and bench.map_asked == "no", "a badly known place in the map")
    graph.expect(lambda: "latency_ms_p99" in bench.status.values, "how long the work takes")
    assert 0.0 < float(bench.status.values["latency_ms_p50"]) <= float(bench.status.values["latency_ms_p99"])


def test_the_laser_frame_serves_where_nobody_publishes_odometry(graph: Graph) -> None:
    bench = Bench(graph, odometry=False)
    stamps = bench.run(10)
    assert bench.answered == stamps
    assert {m.header.frame_id for m in bench.people} == {"base_scan"}
    bench.expect_status("no odometry: following people in the laser's frame base_scan")


def test_without_fresh_odometry_there_is_silence_and_a_reason(graph: Graph) -> None:
    bench = Bench(graph)
    bench.run(5)
    good = len(bench.people)
    assert good == 5
    bench.run(3, odometry=False)  # the motion is continued for 0.3 s, then no more
    bench.run(5, odometry=False, answered=False)
    assert len(bench.people) - good == 3
    bench.expect_status("expected odometry within 0.3 s of the scan")
    stamps = bench.run(2)
    assert bench.answered[-2:] == stamps
    bench.expect_status("following people in odom")
    bench.offset_s -= 5.0  # of scans alone: their clock is another one
    bench.run(1, odometry=False, answered=False)
    bench.expect_status("/odom: expected odometry within 0.3 s of the scan, got the newest 4.90 s after it")


def test_a_scan_older_than_all_odometry_is_told_by_how_much() -> None:
    odometry = PoseBuffer()
    odometry.add(7.0, np.zeros(3))
    odometry.add(8.0, np.zeros(3))
    assert nearest_in_words(6.5, odometry, float("-inf")) == "the oldest 0.50 s after it"
    assert nearest_in_words(8.4, odometry, float("-inf")) == "the newest 0.40 s before it"
    assert nearest_in_words(3.0, PoseBuffer(), 8.0) == "the newest 5.00 s after it"  # forgotten by this very scan


def test_odometry_that_must_come_but_never_does_is_said(graph: Graph) -> None:
    bench = Bench(graph, "use_odometry:=true", odometry=False)
    bench.run(2, answered=False)
    assert not bench.people
    bench.expect_status("/odom: expected odometry for the scan, got none so far")


def test_bad_scans_are_refused_in_words_and_good_ones_go_on(graph: Graph) -> None:
    bench = Bench(graph)
    bench.run(3)
    stamp = convert.to_stamp(bench.offset_s + bench.world.time_s + 0.02)
    for change, sentence in (
        ({"angle_increment": 0.0}, "/scan: expected an angle_increment other than zero"),
        ({"range_min": math.nan}, "/scan: expected finite numbers"),
    ):
        message = convert.to_laser_scan(bench.world.scan(), stamp)
        for name, value in change.items():
            setattr(message, name, value)
        bench.scans.publish(message)
        bench.expect_status(sentence)
    message = convert.to_laser_scan(bench.world.scan(), stamp)
    message.ranges = message.ranges[:100]
    bench.scans.publish(message)
    bench.expect_status("/scan: expected 720 ranges")
    assert len(bench.people) == 3
    bench.run(1)
    assert len(bench.people) == 4
    bench.expect_status("following people in odom")


def test_the_same_scan_twice_is_answered_once_and_a_clock_set_back_starts_anew(graph: Graph) -> None:
    bench = Bench(graph)
    bench.run(20)
    assert len(convert.from_people(bench.people[-1], "people")) > 0
    again = convert.to_laser_scan(bench.world.scan(), bench.people[-1].header.stamp)
    bench.scans.publish(again)
    bench.expect_status("/scan: expected a stamp after")
    assert len(bench.people) == 20

    bench.offset_s = 10.0  # ninety seconds back
    stamps = bench.run(20)
    assert bench.answered[-20:] == stamps
    assert len(convert.from_people(bench.people[20], "people")) == 0  # nobody is believed at first sight
    assert len(convert.from_people(bench.people[-1], "people")) > 0


def test_silence_is_said_and_ends(graph: Graph) -> None:
    bench = Bench(graph)
    bench.expect_status("waiting for the first scan on /scan")
    bench.run(2)
    bench.expect_status("following people in odom")
    bench.expect_status("no scan on /scan for more than 1 s")
    bench.run(2)
    bench.expect_status("following people in odom")


def test_the_laser_s_place_on_the_base_is_used(graph: Graph) -> None:
    """A laser turned by a quarter and a base that stands: what it sees ahead is to the robot's left."""
    bench = Bench(graph, "laser.x:=0.5", "laser.yaw:=1.5707963267948966")
    ahead = []
    standing = RobotState(0.0, np.zeros(3), np.zeros(2), "odom")
    for i in range(20):
        # somebody walks towards the laser along its axis, from 4 m to 2.1 m, two legs 0.3 m apart
        distance = 4.0 - 0.1 * i
        ranges = np.full(721, 9.0)
        angles = np.linspace(-math.pi / 2, math.pi / 2, 721)
        for y in (-0.15, 0.15):
            bearing, reach = math.atan2(y, distance), math.hypot(y, distance)
            ranges[np.abs(angles - bearing) < math.asin(0.06 / reach)] = reach - 0.06
        scan = dataclasses.replace(
            bench.world.scan(), ranges=ranges, angle_min=-math.pi / 2, angle_increment=math.pi / 720
        )
        stamp = convert.to_stamp(50.0 + 0.1 * i)
        assert bench.odometry is not None
        bench.odometry.publish(convert.to_odometry(standing, stamp, "base_link"))
        graph.turn(0.03)
        bench.scans.publish(convert.to_laser_scan(scan, stamp))
        graph.expect(lambda i=i: len(bench.people) > i, "an answer")
        ahead.append(distance)
    tracks = convert.from_people(bench.people[-1], "people", "odom")
    # 2.1 m along the laser's axis is at x = 0.5 m and y = 2.1 m of the base
    distance = np.linalg.norm(tracks.positions - [0.5, ahead[-1]], axis=-1)
    assert distance.min() < 0.15
    np.testing.assert_allclose(tracks.velocities[distance.argmin()], [0.0, -1.0], atol=0.3)


def test_the_parameter_file_says_what_the_node_declares(graph: Graph) -> None:
    path = resource("config", "perception.yaml")
    process = graph.start(PERCEPTION, arguments=["--ros-args", "--params-file", str(path)])
    answer = graph.ask(ListParameters, "/perception/list_parameters", ListParameters.Request())
    declared = set(answer.result.names)
    given = read_parameters(path, "perception")
    camera = given.pop("camera")
    assert camera == flatten(CameraConfig())
    assert given == flatten(PerceptionNodeConfig()) | flatten(MapConfig())
    assert set(given) | {f"camera.{name}" for name in camera} | set(flatten(PeopleConfig())) <= declared
    assert {"robot", "laser.x", "limits.vx_max"} <= declared
    assert process.stop() == 0


def test_a_bad_parameter_is_one_sentence_and_status_2(graph: Graph) -> None:
    process = graph.start(PERCEPTION, "use_odometry:=perhaps")
    assert process.wait() == 2
    assert "use_odometry: expected auto, true or false, got 'perhaps'" in process.said()
    assert "Traceback" not in process.said()


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ("detector.jump:=-1.0", "jump: expected metres above zero, got -1.0"),
        ("detector.jmup:=0.1", "unknown parameter 'detector.jmup'"),
        ("camera.rate:=0.0", "camera.rate: expected a number above zero, got 0.0"),
        ("robot:=7", "perception.robot: expected a profile's name or path, got 7"),
    ],
)
def test_every_bad_parameter_has_its_sentence(
    domain: int, capfd: pytest.CaptureFixture[str], parameter: str, sentence: str
) -> None:
    said = refusal(PerceptionNode, parameter, domain, lambda: capfd.readouterr().err)
    assert sentence in said
    assert said.strip().count("\n") == 0


def test_a_robot_file_that_is_missing_is_named(graph: Graph, tmp_path: Path) -> None:
    process = graph.start(PERCEPTION, f"robot:={tmp_path / 'mine.yaml'}")
    assert process.wait() == 2
    assert f"{tmp_path / 'mine.yaml'}: no such file" in process.said()


def test_a_camera_that_can_not_be_used_is_told_and_people_are_followed_without_it(graph: Graph) -> None:
    """It was kept to itself, and a robot whose camera said nothing of use seemed to look through it."""
    bench = Bench(graph, "camera.use:=true")
    info = graph.publisher(CameraInfo, CameraConfig().info_topic)
    graph.turn(0.3)
    for _ in range(20):
        info.publish(CameraInfo())  # no focal length
        bench.run(1)
        if "by the laser alone" in bench.status.message:
            break
    assert "following people by the laser alone: " in bench.status.message
    assert CameraConfig().info_topic in bench.status.message
