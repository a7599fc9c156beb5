"""Replay: a bag through real processes, every scan answered; and what is said when a bag or a run is broken."""

from __future__ import annotations

import csv
import json
import math
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader

from sac_son_nav.config import load_robot
from sac_son_nav.errors import BagError, ConfigError
from sac_son_nav.nodes import conversions as convert
from sac_son_nav.nodes.bag_writing import BagWriter, transform_message
from sac_son_nav.nodes.playing import BagSource, header_nanoseconds
from sac_son_nav.nodes.replay import parse_rate
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command

from ..processes import alive, children, eventually

if TYPE_CHECKING:
    from test.nodes.graph import Graph, Process

START_NS = 1_700_000_000_123_456_789
LASER_ON_BASE = np.array([0.3, -0.1, 0.5])


@pytest.fixture(scope="module")
def simulated_bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of the crossing, the robot turning slowly as it drives: scans, odometry, map and transforms."""
    folder = tmp_path_factory.mktemp("bags") / "crossing"
    world = Simulator(load_scenario("crossing"), load_robot("simulated"), seed=1)
    with BagWriter(folder) as bag:
        stamp = convert.stamp_from_nanoseconds(START_NS)
        bag.write_object("/tf_static", transform_message(LASER_ON_BASE, "base_link", "mast", stamp), START_NS)
        bag.write_object("/tf_static", transform_message(np.array([-0.3, 0.1, 0.0]), "mast", "other", stamp), START_NS)
        grid = serialize_message(convert.to_occupancy_grid(world.scenario.floor, stamp))
        bag.write("/map", "nav_msgs/msg/OccupancyGrid", START_NS, grid)
        for step in range(160):
            world.step(Command(0.3, 0.1))
            now = START_NS + 50_000_000 * step
            stamp = convert.stamp_from_nanoseconds(now)
            odometry = convert.to_odometry(world.odometry, stamp, "base_link")
            bag.write("/odom", "nav_msgs/msg/Odometry", now, serialize_message(odometry))
            if step % 2:
                scan = convert.to_laser_scan(world.scan(), stamp)
                bag.write("/front/scan", "sensor_msgs/msg/LaserScan", now, serialize_message(scan))
    return folder


def replay(graph: Graph, bag: Path, out: Path, *more: str) -> Process:
    return graph.start("sac_son_nav.cli", arguments=["replay", str(bag), "--out", str(out), *more])


def summary_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "summary.json").read_text())


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "tracks.csv").open() as file:
        return list(csv.DictReader(file))


class TestBagSource:
    def test_messages_come_untouched_in_order_of_recording(self, simulated_bag: Path) -> None:
        with BagSource(simulated_bag) as source:
            assert source.topics == {"scan": "/front/scan", "odom": "/odom", "map": "/map"}
            assert (source.count("scan"), source.count("odom"), source.count("map")) == (80, 160, 1)
            played = list(source.messages())
            assert [p.role for p in played[:4]] == ["map", "odom", "odom", "scan"]
            assert [p.recorded_ns for p in played] == sorted(p.recorded_ns for p in played)
            assert source.clock_offset_ns() == 0
        with AnyReader([simulated_bag]) as reader:
            scans = [c for c in reader.connections if c.topic == "/front/scan"]
            raw = [bytes(data) for _, _, data in reader.messages(connections=scans)]
        assert [p.data for p in played if p.role == "scan"] == raw
        # scans come with every second step: the first 50 ms after the start, then every 100 ms
        stamps = [header_nanoseconds(data) for data in raw]
        assert stamps == [START_NS + 50_000_000 + 100_000_000 * i for i in range(80)]

    def test_the_laser_s_place_is_found_along_the_tree(self, simulated_bag: Path) -> None:
        with BagSource(simulated_bag) as source:
            direct, beyond = source.mounting("base_link", "mast"), source.mounting("base_link", "other")
            assert source.mounting("base_link", "nowhere") is None
        np.testing.assert_allclose(direct, LASER_ON_BASE, atol=1e-9)
        # (-0.3, 0.1) turned by half a radian: (-0.3 cos - 0.1 sin, -0.3 sin + 0.1 cos) = (-0.3112, -0.0561)
        np.testing.assert_allclose(beyond, [0.3 - 0.3112, -0.1 - 0.0561, 0.5], atol=1e-4)

    def test_a_real_robot_s_laser_and_clock(self, shared_data: Path) -> None:
        bags = shared_data / "leg-tracker-bags"
        with BagSource(bags / "general_tracking_moving_1") as source:
            pose = source.mounting("base_link", "left_laser")
            # from the bag's /tf: quaternion z 0.35919, w 0.93326, so the yaw is 2 atan(0.35919 / 0.93326)
            np.testing.assert_allclose(pose, [0.850326, 0.235214, 2 * math.atan2(0.35919389, 0.93326296)], atol=1e-6)
        with BagSource(bags / "person_following_outdoor_1") as source:
            # its scans' stamps are 130.3 s ahead of the recorder's clock
            assert source.clock_offset_ns() == pytest.approx(130.296e9, rel=1e-4)

    @pytest.mark.parametrize(
        ("topics", "sentence"),
        [
            ({"scan": "/lidar"}, "expected sensor_msgs/msg/LaserScan on /lidar, got no such topic; the bag has"),
            ({"scan": "odom"}, "expected sensor_msgs/msg/LaserScan on /odom, got nav_msgs/msg/Odometry"),
        ],
    )
    def test_a_wrong_topic_is_named(self, simulated_bag: Path, topics: dict[str, str], sentence: str) -> None:
        with pytest.raises(BagError, match=sentence):
            BagSource(simulated_bag, **topics)

    def test_two_lasers_want_a_choice(self, tmp_path: Path) -> None:
        with BagWriter(tmp_path / "two") as bag:
            for topic in ("/left", "/right"):
                bag.write(topic, "sensor_msgs/msg/LaserScan", 1, b"\0" * 64)
        with pytest.raises(BagError, match=r"got /left, /right; say which \(--scan-topic\)"):
            BagSource(tmp_path / "two")

    def test_what_is_no_bag_is_refused_in_words(self, tmp_path: Path, simulated_bag: Path) -> None:
        with pytest.raises(BagError, match=r"nothing\.mcap: no such file or folder"):
            BagSource(tmp_path / "nothing.mcap")
        (tmp_path / "text.mcap").write_text("not a bag")
        with pytest.raises(BagError, match=r"text\.mcap: expected"):
            BagSource(tmp_path / "text.mcap")
        whole = (simulated_bag / "crossing.mcap").read_bytes()
        (tmp_path / "short.mcap").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(
            BagError, match="expected a whole recording, got a broken one: File end magic is invalid; `mcap recover`"
        ):
            BagSource(tmp_path / "short.mcap")

    def test_a_bag_without_a_laser_says_what_it_has(self, shared_data: Path) -> None:
        bag = next(p for p in sorted((shared_data / "robot-odom-bags").iterdir()) if p.is_dir())
        with pytest.raises(BagError, match=r"expected a topic of sensor_msgs/msg/LaserScan, got .*Odometry"):
            BagSource(bag)


@pytest.mark.parametrize(("text", "rate"), [("max", None), ("10", 10.0), ("0.5", 0.5)])
def test_rates(text: str, rate: float | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["fast", "0", "-1", "nan", "inf"])
def test_senseless_rates(text: str) -> None:
    with pytest.raises(ConfigError, match="rate: expected max or a number above zero"):
        parse_rate(text)


@pytest.mark.graph
def test_a_bag_is_played_every_scan_answered_and_twice_the_same(
    graph: Graph, simulated_bag: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = replay(graph, simulated_bag, out)
    assert process.wait() == 0, process.said()
    summary = summary_of(out)
    assert (summary["scans_in"], summary["scans_played"], summary["people_messages"], summary["lost"]) == (
        80,
        80,
        80,
        0,
    )
    assert summary["complete"] is True
    assert summary["frame"] == "odom"
    rows = rows_of(out)
    assert list(rows[0]) == ["stamp_s", "id", "x_m", "y_m", "vx_mps", "vy_mps", "confidence"]
    assert {row["stamp_s"] for row in rows} <= {
        f"{(START_NS + 50_000_000 + 100_000_000 * i) // 10**9}.{(START_NS + 50_000_000 + 100_000_000 * i) % 10**9:09d}"
        for i in range(80)
    }
    assert summary["rows"] == len(rows) > 80
    assert (out / "tracks.png").stat().st_size > 10_000
    with AnyReader([out / "recording"]) as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        assert (counts["/scan"], counts["/odom"], counts["/map"], counts["/people"]) == (80, 160, 1, 80)
        assert counts["/tf"] == 160
        assert reader.duration == pytest.approx(7.95e9, rel=0.01)
    again = replay(graph, simulated_bag, tmp_path / "again")
    assert again.wait() == 0, again.said()
    assert (tmp_path / "again" / "tracks.csv").read_text() == (out / "tracks.csv").read_text()


@pytest.mark.graph
def test_a_given_rate_is_kept(graph: Graph, simulated_bag: Path, tmp_path: Path) -> None:
    process = replay(graph, simulated_bag, tmp_path, "--rate", "4")
    assert process.wait() == 0, process.said()
    # 7.95 s of recording at four times real time take 1.99 s; never less, and a busy machine may add to it
    assert 1.9 < summary_of(tmp_path)["wall_s"] < 5.0


@pytest.mark.graph
def test_a_real_recording_without_odometry(graph: Graph, shared_data: Path, tmp_path: Path) -> None:
    process = replay(graph, shared_data / "leg-tracker-bags" / "demo_stationary_simple", tmp_path)
    assert process.wait(240.0) == 0, process.said()
    summary = summary_of(tmp_path)
    assert (summary["people_messages"], summary["lost"], summary["frame"]) == (1265, 0, "laser")
    assert summary["rate_reached"] > 1.0  # how much faster is the benchmark's to say


@pytest.mark.graph
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_done_before_a_signal_is_kept(
    graph: Graph, simulated_bag: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = replay(graph, simulated_bag, tmp_path, "--rate", "1")
    graph.expect(lambda: _lines(tmp_path) > 10, "tracks")
    assert process.stop(number) == 1, process.said()
    summary = summary_of(tmp_path)
    assert (summary["complete"], summary["reason"]) == (False, "stopped by a signal")
    assert 0 < summary["people_messages"] < 80
    assert len(rows_of(tmp_path)) == summary["rows"] > 10
    with AnyReader([tmp_path / "recording"]) as reader:
        assert {c.topic: c.msgcount for c in reader.connections}["/people"] == summary["people_messages"]


@pytest.mark.graph
def test_a_killed_replay_leaves_what_it_had_and_no_process(graph: Graph, simulated_bag: Path, tmp_path: Path) -> None:
    process = replay(graph, simulated_bag, tmp_path, "--rate", "1")
    graph.expect(lambda: _lines(tmp_path) > 10, "tracks")
    nodes = children(process.handle.pid)
    assert len(nodes) == 2  # perception and navigation
    process.stop(signal.SIGKILL)
    assert summary_of(tmp_path)["complete"] is False
    assert len(rows_of(tmp_path)) > 5
    assert eventually(lambda: not any(map(alive, nodes)))


@pytest.mark.graph
def test_damage_in_the_middle_keeps_what_came_before(graph: Graph, shared_data: Path, tmp_path: Path) -> None:
    bag, out = tmp_path / "bag", tmp_path / "out"
    shutil.copytree(shared_data / "leg-tracker-bags" / "demo_stationary_simple", bag, copy_function=shutil.copyfile)
    file = bag / "demo_stationary_simple.mcap"
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    file.write_bytes(data)
    process = replay(graph, bag, out)
    assert process.wait(240.0) == 2
    last = process.said().strip().splitlines()[-1]
    assert last.startswith(f"sac-son: bag {bag}: expected a whole recording, got a broken one")
    assert "Traceback" not in process.said()
    summary = summary_of(out)
    assert summary["complete"] is False
    assert "a broken one" in summary["reason"]
    assert 0 < summary["people_messages"] < 1265
    assert (out / "tracks.png").is_file()


@pytest.mark.graph
def test_a_missing_bag_is_one_sentence(graph: Graph, tmp_path: Path) -> None:
    process = replay(graph, tmp_path / "none", tmp_path / "out")
    assert process.wait() == 2
    assert process.said() == f"sac-son: bag {tmp_path / 'none'}: no such file or folder\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.graph
def test_replay_node_plays_into_a_running_graph(graph: Graph, simulated_bag: Path, tmp_path: Path) -> None:
    graph.start("sac_son_nav.nodes.perception", "use_sim_time:=true", "reliable_scans:=true")
    began = time.monotonic()
    node = graph.start(
        "sac_son_nav.nodes.replay",
        f"bag:={simulated_bag}",
        "scan_topic:=front/scan",
        "rate:='4.0'",
        f"out:={tmp_path}",
    )
    assert node.wait() == 0, node.said()
    assert time.monotonic() - began > 2.0
    assert (summary_of(tmp_path)["people_messages"], summary_of(tmp_path)["lost"]) == (80, 0)


def _lines(out: Path) -> int:
    file = out / "tracks.csv"
    return len(file.read_text().splitlines()) if file.is_file() else 0
