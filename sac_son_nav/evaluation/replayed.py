"""The log of a replayed recording: what `sac-son replay` leaves in its folder, as metrics read it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import RobotProfile
from sac_son_nav.datasets.bags import Bag
from sac_son_nav.datasets.scans import ODOMETRY
from sac_son_nav.errors import BagError
from sac_son_nav.evaluation.log import RunLog
from sac_son_nav.geometry import inverse
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.pose_buffer import PoseBuffer
from sac_son_nav.states import Floats

PERSON_RADIUS = 0.25  # [m]: a laser that sees legs cannot tell how broad somebody is
_COLUMNS = ("stamp_s", "id", "x_m", "y_m", "vx_mps", "vy_mps")
_Row = tuple[int, int, tuple[float, ...]]  # stamp [ns], id, x, y, vx, vy [SI]


def from_replay(
    folder: Path | str,
    robot: RobotProfile,
    *,
    goal: Floats | None = None,
    floor: OccupancyMap | None = None,
    person_radius: float = PERSON_RADIUS,
) -> RunLog:
    """The log of a replay folder: `tracks.csv`, the frame that `summary.json` names, and the `recording` beside them.

    A moment is an answer to a scan: those of the recording's `people` where it has them, else the stamps of
    tracks.csv, which has none while nobody is in sight. The robot is where the recording's odometry says, when that
    is the tracks' frame; without odometry the tracks are in the laser's frame, which rides on the robot. `goal`, and
    `floor` if it is in the tracks' frame, are the caller's. Raises BagError for a folder that is not such a one.
    """
    folder = Path(folder)
    summary, rows = _read_summary(folder / "summary.json"), _read_tracks(folder / "tracks.csv")
    stamps, odometry, odometry_frame = _read_recording(folder / "recording")
    if odometry is not None and odometry_frame != summary["frame"]:
        raise BagError(
            f"replay {folder}: expected tracks in the odometry's frame {odometry_frame!r}, got {summary['frame']!r}"
        )
    moments = np.unique(np.array([*stamps, *(row[0] for row in rows)], dtype=np.int64))
    if len(moments) == 0:
        raise BagError(f"replay {folder}: expected people or answers to scans, got none")
    ids, people, people_velocities = _table(rows, moments)
    poses, velocities = np.full((len(moments), 3), np.nan), np.full((len(moments), 2), np.nan)
    if odometry is None:
        poses[:] = np.asarray(inverse(np.array(summary["laser_on_base"], dtype=np.float64)))
    else:
        for i, stamp in enumerate(moments):
            found = odometry.at(1e-9 * float(stamp))
            if found is not None:
                poses[i], velocities[i] = found
    return RunLog(
        times=1e-9 * (moments - moments[0]),
        robot_poses=poses,
        robot_velocities=velocities,
        people=people,
        people_velocities=people_velocities,
        ids=ids,
        radii=np.full(len(ids), person_radius),
        robot_radius=robot.radius,
        goal=goal,
        floor=floor,
        frame_moves=odometry is None,
    )


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BagError(f"replay {path}: expected a replay's summary, got {error}") from None
    if not isinstance(summary, dict) or not isinstance(summary.get("frame"), str):
        got = summary.get("frame") if isinstance(summary, dict) else summary
        raise BagError(f"replay {path}: expected the one frame of all tracks, got {got!r}")
    laser = summary.get("laser_on_base")
    if not (isinstance(laser, list) and len(laser) == 3 and all(isinstance(v, (int, float)) for v in laser)):
        raise BagError(f"replay {path}: expected laser_on_base as [x, y, yaw], got {laser!r}")
    return summary


def _read_tracks(path: Path) -> list[_Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is None or not set(_COLUMNS) <= set(reader.fieldnames):
                raise BagError(f"tracks {path}: expected the columns {', '.join(_COLUMNS)}, got {reader.fieldnames}")
            return [_row(row, f"tracks {path}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BagError(f"tracks {path}: expected a CSV file, got {error}") from None


def _row(row: dict[str, str], where: str) -> _Row:
    try:
        seconds, _, fraction = row["stamp_s"].partition(".")
        stamp = int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])
        state = tuple(float(row[name]) for name in _COLUMNS[2:])
        if not np.all(np.isfinite(state)):
            raise ValueError(f"{state}")
        return stamp, int(row["id"]), state
    except (TypeError, ValueError, AttributeError) as error:
        raise BagError(f"{where}: expected a stamp, a whole number and four finite numbers, got {error}") from None


def _table(rows: list[_Row], moments: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Ids (N,), and positions and velocities (T, N, 2) with NaN where a person has no row at a moment."""
    ids = np.unique(np.array([row[1] for row in rows], dtype=np.int64))
    states = np.full((len(moments), len(ids), 4), np.nan)
    for stamp, number, state in rows:
        states[np.searchsorted(moments, stamp), np.searchsorted(ids, number)] = state
    return ids, states[..., :2], states[..., 2:]


def _read_recording(path: Path) -> tuple[list[int], PoseBuffer | None, str]:
    """Stamps [ns] of the answers to scans; the odometry, if there is any, and its frame. None of it without a
    recording."""
    if not path.exists():
        return [], None, ""
    with Bag(path) as bag:
        stamps = []
        if "/people" in bag.topics:
            for _, _, message in bag.messages(["/people"]):
                stamps.append(message.header.stamp.sec * 10**9 + message.header.stamp.nanosec)
        topics = [topic for topic in bag.topics.values() if topic.type == ODOMETRY]
        if not topics:
            return stamps, None, ""
        topic = bag.topic_of_type(ODOMETRY)
        odometry, frame = PoseBuffer(keep=topic.count), ""
        for _, _, message in bag.messages([topic.name]):
            frame = frame or message.header.frame_id.lstrip("/")
            pose, q, twist = message.pose.pose.position, message.pose.pose.orientation, message.twist.twist
            yaw = np.arctan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y * q.y + q.z * q.z))
            stamp_s = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
            odometry.add(stamp_s, np.array([pose.x, pose.y, yaw]), np.array([twist.linear.x, twist.angular.z]))
        return stamps, odometry, frame
