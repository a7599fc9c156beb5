"""Recording: bytes in, the same bytes out, with schema, index and metadata; and a whole simulated graph."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan

from sac_son_nav.errors import BagError
from sac_son_nav.nodes import conversions as convert
from sac_son_nav.nodes.bag_writing import BagWriter
from sac_son_nav.nodes.recording import Recorder
from sac_son_nav.states import Scan

if TYPE_CHECKING:
    from test.nodes.graph import Graph


def scan_bytes(index: int) -> bytes:
    """A scan whose first range is its number."""
    scan = Scan(0.1 * index, np.full(5, float(index + 1)), -0.2, 0.1, 0.05, 5000.0, "laser")
    return serialize_message(convert.to_laser_scan(scan, convert.to_stamp(scan.stamp_s)))


@pytest.mark.parametrize("compress", [False, True])
def test_bytes_come_back_untouched(tmp_path: Path, compress: bool) -> None:
    folder = tmp_path / "bag"
    sent = [scan_bytes(i) for i in range(1000)]
    with BagWriter(folder, compress) as bag:
        for i, data in enumerate(sent):
            bag.write("/scan", "sensor_msgs/msg/LaserScan", 10**9 + i, data)
    assert bag.lost == 0
    assert (folder / "metadata.yaml").is_file()
    with AnyReader([folder]) as reader:
        (connection,) = reader.connections
        assert "float32 angle_increment" in connection.msgdef.data
        read = [(stamp, bytes(data)) for _, stamp, data in reader.messages()]
    assert read == [(10**9 + i, data) for i, data in enumerate(sent)]


def test_another_reader_finds_schema_and_messages(tmp_path: Path) -> None:
    mcap = pytest.importorskip("mcap.reader")
    folder = tmp_path / "bag"
    with BagWriter(folder) as bag:
        for i in range(20):
            bag.write("/scan", "sensor_msgs/msg/LaserScan", i + 1, scan_bytes(i))
    with (folder / "bag.mcap").open("rb") as file:
        found = [
            (schema.name, schema.encoding, channel.topic, deserialize_message(message.data, LaserScan).ranges[0])
            for schema, channel, message in mcap.make_reader(file).iter_messages()
        ]
    assert found == [("sensor_msgs/msg/LaserScan", "ros2msg", "/scan", float(i + 1)) for i in range(20)]


def test_an_existing_folder_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="expected a folder that can be made"):
        BagWriter(tmp_path)


@pytest.mark.graph
def test_a_simulated_graph_is_recorded_with_transforms(graph: Graph, tmp_path: Path) -> None:
    folder = tmp_path / "bag"
    topics = "['scan', 'odom', 'amcl_pose', 'map', 'ground_truth/people']"
    clock, diagnostics = graph.listen(Clock, "/clock"), graph.listen(DiagnosticArray, "diagnostics")
    recording = graph.start(
        "sac_son_nav.nodes.recording", f"output:={folder}", f"topics:={topics}", "use_sim_time:=true"
    )
    graph.expect(lambda: bool(diagnostics), "the recorder")
    graph.start("sac_son_nav.nodes.simulation", "scenario:=crossing", "real_time_factor:=2.0")
    graph.expect(lambda: len(clock) > 200, "ten seconds of the world")
    assert recording.stop() == 0, recording.said()
    with AnyReader([folder]) as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        # the recorder may come late by a second or two; then it misses nothing: 50 ms from one to the next
        stamps = [
            convert.stamp_nanoseconds(reader.deserialize(data, connection.msgtype).header.stamp)
            for connection, _, data in reader.messages()
            if connection.topic == "/odom"
        ]
        assert len(stamps) > 100
        assert set(np.diff(stamps)) == {50_000_000}
        assert counts["/scan"] > 50
        assert counts["/map"] == 1
        assert counts["/tf"] > len(stamps)
        assert counts["/tf_static"] == 1
        assert reader.start_time >= 0
        assert reader.duration < 30e9  # dated by the world's clock, not by the wall's
        pairs = set()
        for connection, _, data in reader.messages():
            if connection.topic in ("/tf", "/tf_static"):
                transform = reader.deserialize(data, connection.msgtype).transforms[0]
                pairs.add((transform.header.frame_id, transform.child_frame_id))
    assert pairs == {("map", "odom"), ("odom", "base_link"), ("base_link", "base_scan")}


@pytest.mark.graph
def test_the_recorder_within_a_program_replaces_its_last_bag_and_nothing_else(graph: Graph, tmp_path: Path) -> None:
    clock = graph.listen(Clock, "/clock")
    graph.start("sac_son_nav.nodes.simulation", "scenario:=empty")
    graph.expect(lambda: len(clock) > 5, "the world")
    os.environ["ROS_DOMAIN_ID"], before = str(graph.domain), os.environ.get("ROS_DOMAIN_ID")
    try:
        for _ in range(2):
            recorder = Recorder(tmp_path / "bag", ["scan", "odom"])
            graph.expect(lambda recorder=recorder: recorder.bag.counts.get("/odom", 0) > 20, "odometry in the bag")
            recorder.close()
            recorder.close()  # a second time does no harm
    finally:
        os.environ.pop("ROS_DOMAIN_ID") if before is None else os.environ.update(ROS_DOMAIN_ID=before)
    with AnyReader([tmp_path / "bag"]) as reader:
        assert {"/scan", "/odom", "/tf", "/tf_static"} >= {c.topic for c in reader.connections} >= {"/scan", "/odom"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(BagError, match=r"found thesis\.tex"):
        Recorder(tmp_path / "other")
