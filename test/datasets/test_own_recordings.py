"""What our own recorder writes gives the same steps: at the true clock, in the odometry's frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore

from sac_son_nav.cli import main
from sac_son_nav.datasets.huron import find_bags, read_bag, read_folder
from sac_son_nav.datasets.steps import STEP, robot_windows
from sac_son_nav.errors import DatasetError
from test.datasets.huron_bags import odometry_of

TYPES = get_typestore(Stores.ROS2_JAZZY)
FIELDS = (("vx", 0, 7), ("id", 4, 5), ("x", 8, 7), ("y", 12, 7))


def made(kind: str, **values: Any) -> Any:
    return TYPES.types[kind](**values)


def header(time_s: float, frame: str) -> Any:
    nanoseconds = round(1e9 * time_s)
    stamp = made("builtin_interfaces/msg/Time", sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
    return made("std_msgs/msg/Header", stamp=stamp, frame_id=frame)


def robot(time_s: float) -> tuple[float, float, float]:
    return 0.4 * time_s, 0.1 * time_s, 3.0 + 0.05 * time_s  # through the cut at pi


def person(time_s: float) -> tuple[float, float]:
    return 5.0 - 0.6 * time_s, 1.0 + 0.2 * time_s


def odometry(time_s: float) -> Any:
    return odometry_of(TYPES, header(time_s, "odom"), "base_link", robot(time_s), 0.0)


def people(time_s: float, frame: str = "odom", fields: Any = FIELDS) -> Any:
    points = np.zeros(1, dtype=[("vx", "<f4"), ("id", "<i4"), ("x", "<f4"), ("y", "<f4")])
    points["id"], points["x"], points["y"] = 3, *person(time_s)
    if frame == "base_link":
        x, y, yaw = robot(time_s)
        away = np.array(person(time_s)) - (x, y)
        points["x"] = np.cos(yaw) * away[0] + np.sin(yaw) * away[1]
        points["y"] = np.cos(yaw) * away[1] - np.sin(yaw) * away[0]
    return made(
        "sensor_msgs/msg/PointCloud2",
        header=header(time_s, frame),
        height=1,
        width=1,
        fields=[made("sensor_msgs/msg/PointField", name=n, offset=o, datatype=d, count=1) for n, o, d in fields],
        is_bigendian=False,
        point_step=16,
        row_step=16,
        data=np.frombuffer(points.tobytes(), np.uint8),
        is_dense=True,
    )


def write(folder: Path, sent: dict[str, list[tuple[float, Any]]]) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with Writer(folder, version=9) as writer:
        for topic, messages in sent.items():
            kind = messages[0][1].__msgtype__
            connection = writer.add_connection(topic, kind, typestore=TYPES)
            for time_s, message in messages:
                writer.write(connection, round(1e9 * time_s), TYPES.serialize_cdr(message, kind))
    return folder


def graph(frame: str = "odom", fields: Any = FIELDS) -> dict[str, list[tuple[float, Any]]]:
    driven = [(t, odometry(t)) for t in np.arange(10.0, 20.0, 0.05)]
    return {
        "/bot/odom": driven,
        "/bot/people": [(t, people(t, frame, fields)) for t in np.arange(10.02, 20.0, 0.1) if not 14.0 < t < 15.0],
        "/bot/ground_truth/odom": driven,
    }


@pytest.mark.parametrize("frame", ["odom", "base_link"])
def test_steps_are_those_of_the_messages_clock(tmp_path: Path, frame: str) -> None:
    write(tmp_path / "tuesday" / "first", graph(frame))
    assert find_bags(tmp_path) == [("tuesday", tmp_path / "tuesday" / "first")]
    (read,) = read_folder(tmp_path).recordings
    assert read.name == "tuesday/first"
    assert read.framed
    times = 10.02 + STEP * np.arange(len(read))
    assert times[-1] > 19.4
    x, y, yaw = robot(times)
    np.testing.assert_allclose(read.poses[:, :2], np.stack([x, y], axis=-1), atol=1e-6)
    np.testing.assert_allclose(np.exp(1j * read.poses[:, 2]), np.exp(1j * yaw), atol=1e-6)
    table, ids = read.table()
    assert ids.tolist() == [3]
    gone = (times > 13.92) & (times < 15.02)  # for a second nobody was told of
    assert np.isnan(table[gone]).all()
    where = np.stack(person(times), axis=-1)
    np.testing.assert_allclose(table[~gone, 0], where[~gone], atol=2e-3 if frame == "base_link" else 1e-5)
    assert robot_windows([read]).person.shape[1:] == (8, 2)


def test_what_is_no_recording_of_people_is_one_sentence(tmp_path: Path) -> None:
    sent = graph()
    del sent["/bot/people"]
    with pytest.raises(DatasetError, match=r"expected one topic people of type sensor_msgs/msg/PointCloud2, got /bot"):
        read_bag(write(tmp_path / "a" / "1", sent))
    with pytest.raises(DatasetError, match="expected the fields id, x and y, got vx, id, x"):
        read_bag(write(tmp_path / "a" / "2", graph(fields=FIELDS[:-1])))
    with pytest.raises(DatasetError, match="expected one topic scan"):
        read_bag(write(tmp_path / "a" / "3", graph()), scans=True)


def scan(time_s: float) -> Any:
    """What a laser in the middle of the base measures of the person, and nothing else."""
    x, y, yaw = robot(time_s)
    away = np.array(person(time_s)) - (x, y)
    ranges = np.full(360, np.inf, np.float32)
    ranges[round(np.degrees(np.arctan2(away[1], away[0]) - yaw)) % 360] = np.linalg.norm(away)
    return made(
        "sensor_msgs/msg/LaserScan",
        header=header(time_s, "base_link"),
        angle_min=0.0,
        angle_max=np.deg2rad(359.0),
        angle_increment=np.deg2rad(1.0),
        time_increment=0.0,
        scan_time=0.1,
        range_min=0.05,
        range_max=12.0,
        ranges=ranges,
        intensities=np.zeros(0, np.float32),
    )


def test_the_command_tells_how_often_people_coincide_with_the_laser(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recording says the frame of its people, so nobody is told to choose one."""
    sent = graph()
    write(tmp_path / "a" / "1", {**sent, "/bot/scan": [(t, scan(t)) for t in np.arange(10.02, 20.0, 0.1)]})
    assert main(["evaluate", "huron", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "1 bags of 1 sessions, 30 steps" in said
    row = next(line for line in said.splitlines() if line.startswith("as it says")).split()
    assert row[4] == "100%"
    assert "set huron.reading.people_frame" not in said
