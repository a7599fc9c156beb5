"""The same few messages in every kind of recording, and every way a recording can be bad."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Rosbag1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Rosbag2Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from sac_son_nav.datasets.bags import Bag
from sac_son_nav.errors import BagError

ROS1, ROS2 = get_typestore(Stores.ROS1_NOETIC), get_typestore(Stores.ROS2_JAZZY)
SCAN, TEXT = "sensor_msgs/msg/LaserScan", "std_msgs/msg/String"
START = 1_700_000_000_000_000_000  # [ns]
STEP = 100_000_000  # [ns]
KINDS = ("rosbag1", "sqlite3", "mcap")


def scan(store: Any, number: int) -> Any:
    types = store.types
    stamp = types["builtin_interfaces/msg/Time"](sec=1_700_000_000 + number // 10, nanosec=number % 10 * STEP)
    header = {"stamp": stamp, "frame_id": "laser"} | ({"seq": number} if store is ROS1 else {})
    return types[SCAN](
        header=types["std_msgs/msg/Header"](**header),
        angle_min=-1.0,
        angle_max=1.0,
        angle_increment=1.0,
        time_increment=0.0,
        scan_time=0.1,
        range_min=0.1,
        range_max=10.0,
        ranges=np.array([1.0, np.inf, number], dtype=np.float32),
        intensities=np.zeros(0, dtype=np.float32),
    )


def write(folder: Path, kind: str, scans: int = 5) -> Path:
    """A recording of `scans` scans and two words."""
    if kind == "rosbag1":
        path, store = folder / "recording.bag", ROS1
        writer: Any = Rosbag1Writer(path)
    else:
        path, store = folder / "recording", ROS2
        writer = Rosbag2Writer(
            path, version=9, storage_plugin=StoragePlugin.MCAP if kind == "mcap" else StoragePlugin.SQLITE3
        )
    serialise = store.serialize_ros1 if store is ROS1 else store.serialize_cdr
    with writer:
        scan_topic = writer.add_connection("/scan", SCAN, typestore=store)
        text_topic = writer.add_connection("/words", TEXT, typestore=store)
        for k in range(scans):
            writer.write(scan_topic, START + k * STEP, serialise(scan(store, k), SCAN))
        for k, word in enumerate(("hello", "world")):
            message = store.types[TEXT](data=word)
            writer.write(text_topic, START + k * STEP + STEP // 2, serialise(message, TEXT))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_topics_times_and_messages_are_the_same_in_every_kind(tmp_path: Path, kind: str) -> None:
    with Bag(write(tmp_path, kind)) as bag:
        assert {(t.name, t.type, t.count) for t in bag.topics.values()} == {("/scan", SCAN, 5), ("/words", TEXT, 2)}
        assert bag.time_range_ns == (START, START + 4 * STEP)
        assert bag.duration_s == pytest.approx(0.4)
        read = list(bag.messages())
    assert [topic for topic, _, _ in read] == ["/scan", "/words", "/scan", "/words", "/scan", "/scan", "/scan"]
    assert [time for _, time, _ in read] == sorted(time for _, time, _ in read)
    assert [m.data for topic, _, m in read if topic == "/words"] == ["hello", "world"]
    third = read[4][2]
    np.testing.assert_array_equal(third.ranges, np.array([1.0, np.inf, 2.0], dtype=np.float32))
    assert third.header.frame_id == "laser"


@pytest.mark.parametrize("kind", KINDS)
def test_raw_messages_are_ros2_cdr(tmp_path: Path, kind: str) -> None:
    """To the byte what ROS 2 itself would have written, ROS 1's sequence number gone."""
    with Bag(write(tmp_path, kind)) as bag:
        raw = list(bag.raw_messages(["/scan"]))
    assert len(raw) == 5
    for k, message in enumerate(raw):
        assert message.type == SCAN
        assert message.data == bytes(ROS2.serialize_cdr(scan(ROS2, k), SCAN))


@pytest.mark.parametrize("kind", KINDS)
def test_time_window_takes_its_start_and_not_its_end(tmp_path: Path, kind: str) -> None:
    with Bag(write(tmp_path, kind)) as bag:
        times = [m.time_ns for m in bag.raw_messages(["/scan"], START + STEP, START + 3 * STEP)]
    assert times == [START + STEP, START + 2 * STEP]


def test_every_spelling_of_the_path(tmp_path: Path) -> None:
    """The folder, its metadata, the file in it, a folder that holds just one file."""
    folder = write(tmp_path, "mcap")
    lone = tmp_path / "lone"
    lone.mkdir()
    ros1 = write(lone, "rosbag1")
    for path in (folder, str(folder), folder / "metadata.yaml", folder / "recording.mcap", lone, ros1):
        with Bag(path) as bag:
            assert bag.topics["/scan"].count == 5
    with Bag(next(write(tmp_path / "db", "sqlite3").glob("*.db3"))) as bag:
        assert bag.topics["/scan"].count == 5
        assert len(list(bag.raw_messages())) == 7


def test_topic_of_type(tmp_path: Path) -> None:
    with Bag(write(tmp_path, "mcap")) as bag:
        assert bag.topic_of_type(SCAN).name == "/scan"
        assert bag.topic_of_type(SCAN, "/scan").count == 5
        with pytest.raises(BagError, match=r"topic of type nav_msgs/msg/Odometry, got /scan \(.*5 messages\), /words"):
            bag.topic_of_type("nav_msgs/msg/Odometry")
        with pytest.raises(BagError, match=r"topic '/words' of type sensor_msgs/msg/LaserScan"):
            bag.topic_of_type(SCAN, "/words")


def test_two_lasers_must_be_told_apart(tmp_path: Path) -> None:
    with Rosbag2Writer(tmp_path / "two", version=9) as writer:
        for topic in ("/front", "/rear"):
            connection = writer.add_connection(topic, SCAN, typestore=ROS2)
            writer.write(connection, START, ROS2.serialize_cdr(scan(ROS2, 0), SCAN))
    with Bag(tmp_path / "two") as bag, pytest.raises(BagError, match=r"one topic .*/front.*/rear.*; name one"):
        bag.topic_of_type(SCAN)


def test_types_that_only_the_recording_knows(tmp_path: Path) -> None:
    store = get_typestore(Stores.ROS1_NOETIC)
    store.register(get_types_from_msg("Header header\nfloat32[] legs\n", "my_robot/msg/Legs"))
    header = store.types["std_msgs/msg/Header"](
        seq=7, stamp=store.types["builtin_interfaces/msg/Time"](sec=3, nanosec=4), frame_id="laser"
    )
    message = store.types["my_robot/msg/Legs"](header=header, legs=np.array([0.5, 1.5], dtype=np.float32))
    with Rosbag1Writer(tmp_path / "own.bag") as writer:
        connection = writer.add_connection("/legs", "my_robot/msg/Legs", typestore=store)
        writer.write(connection, START, store.serialize_ros1(message, "my_robot/msg/Legs"))
    with Bag(tmp_path / "own.bag") as bag:
        ((topic, _, read),) = bag.messages()
    assert topic == "/legs"
    assert read.legs.tolist() == [0.5, 1.5]
    assert (read.header.frame_id, read.header.stamp.sec) == ("laser", 3)


def test_missing_path(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="nowhere: no such file or folder"):
        Bag(tmp_path / "nowhere")


def test_folder_and_file_that_are_no_recording(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BagError, match=r"expected a metadata.yaml or one .* file in the folder, got neither"):
        Bag(tmp_path)
    with pytest.raises(BagError, match=r"expected a file that ends in .bag, .mcap, .db3, got 'notes.txt'"):
        Bag(tmp_path / "notes.txt")
    for suffix in (".bag", ".mcap", ".db3"):
        impostor = tmp_path / f"impostor{suffix}"
        impostor.write_bytes(b"this is no recording at all" * 10)
        with pytest.raises(BagError, match="expected a whole recording"):
            Bag(impostor)
    (tmp_path / "metadata.yaml").write_text("- not\n- a bag\n")
    with pytest.raises(BagError, match="expected a whole recording"):
        Bag(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_recording_cut_off_anywhere(tmp_path: Path, kind: str, share: float) -> None:
    """Whether the damage shows when opening or only on reading to the end, it is one BagError."""
    path = write(tmp_path, kind, scans=400)
    file = path if path.is_file() else next(p for p in path.iterdir() if p.suffix in (".mcap", ".db3"))
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    with pytest.raises(BagError) as caught, Bag(path) as bag:
        list(bag.messages())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_topic_and_closed_recording(tmp_path: Path) -> None:
    with Bag(write(tmp_path, "mcap")) as bag, pytest.raises(BagError, match="expected the topic '/nothing', got /sc"):
        list(bag.raw_messages(["/nothing"]))
    bag.close()
    with pytest.raises(BagError, match="already closed"):
        list(bag.raw_messages())


def test_recording_without_messages(tmp_path: Path) -> None:
    with Rosbag2Writer(tmp_path / "empty", version=9):
        pass
    with Bag(tmp_path / "empty") as bag:
        assert bag.topics == {}
        assert bag.time_range_ns == (0, 0)
        assert list(bag.messages()) == []
        with pytest.raises(BagError, match="no topic at all"):
            bag.topic_of_type(SCAN)


def test_real_recording(shared_data: Path) -> None:
    with Bag(shared_data / "leg-tracker-bags" / "general_tracking_moving_1") as bag:
        counts = {t.name: t.count for t in bag.topics.values()}
        assert counts == {"/scan": 873, "/odom": 11561, "/tf": 21744, "/map": 1}
        assert bag.duration_s == pytest.approx(116.2, abs=0.1)
        assert sum(1 for _ in bag.raw_messages(["/scan"])) == 873
