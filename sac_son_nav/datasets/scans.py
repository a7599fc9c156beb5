"""Laser scans of a recording as the core's own type, and where the laser was: what evaluation without ROS needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transforms3d.quaternions import quat2mat

from sac_son_nav.datasets.bags import Bag
from sac_son_nav.errors import BagError
from sac_son_nav.geometry import compose
from sac_son_nav.states import Floats, Scan

LASER_SCAN = "sensor_msgs/msg/LaserScan"
ODOMETRY = "nav_msgs/msg/Odometry"
TRANSFORMS = ("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage")
_HOLD = 0.2  # [s] for which a transform is believed before its first and after its last stamp


def read_scans(path: Path | str, topic: str | None = None) -> Iterator[tuple[int, Scan]]:
    """Time of recording [ns] and scan, in order; `topic` None: the recording's only laser.

    Raises BagError when the recording has no such topic, names what it has, or is broken.
    """
    with Bag(path) as bag:
        name = bag.topic_of_type(LASER_SCAN, topic).name
        for _, time_ns, message in bag.messages([name]):
            yield time_ns, to_scan(message, f"bag {bag.path}, {name}")


def to_scan(message: Any, where: str) -> Scan:
    """A deserialised LaserScan, beams counter-clockwise (a clockwise laser's are turned round).

    Raises BagError when its angles or limits make no sense. Broken beams stay as they are.
    """
    ranges = np.asarray(message.ranges, dtype=np.float64)
    first, increment = float(message.angle_min), float(message.angle_increment)
    limits = (float(message.range_min), float(message.range_max))
    if not all(map(math.isfinite, (first, increment, *limits))) or increment == 0.0:
        raise BagError(f"{where}: expected finite angles and limits, got {first}, {increment} and {limits}")
    if increment < 0.0:
        first, increment, ranges = first + increment * (len(ranges) - 1), -increment, ranges[::-1].copy()
    return Scan(_seconds(message.header.stamp), ranges, first, increment, *limits, _frame(message.header.frame_id))


@dataclass(frozen=True)
class _Link:
    """Where a frame is in its parent: stamps (K,) [s] rising, poses (K, 3) with unwrapped yaw; static: always."""

    parent: str
    stamps: Floats
    poses: Floats
    static: bool
    tilted: bool  # whether its z axis is not the parent's

    def at(self, stamp_s: float) -> Floats | None:
        if self.static or len(self.stamps) == 1:
            return self.poses[0]
        if not self.stamps[0] - _HOLD <= stamp_s <= self.stamps[-1] + _HOLD:
            return None
        return np.array([np.interp(stamp_s, self.stamps, self.poses[:, i]) for i in range(3)])


class Transforms:
    """A recording's transforms, projected to the plane."""

    def __init__(self, links: dict[str, _Link], odometry_frame: str | None, where: str) -> None:
        self._links, self.odometry_frame, self._where = links, odometry_frame, where

    def fixed_from(self, frame: str, stamp_s: float) -> Floats | None:
        """Pose (3,) [m, m, rad] of `frame` in the odometry's frame, interpolated in time; None when there is no
        odometry or it does not reach the stamp. Raises BagError when no transform joins the two, or `frame` is not
        level (a scan of a laser on its back would come out mirrored)."""
        if self.odometry_frame is None:
            return None
        pose, here = np.zeros(3), frame
        while here != self.odometry_frame:
            link = self._links.get(here)
            if link is None:
                raise BagError(
                    f"{self._where}: expected transforms from {frame!r} up to {self.odometry_frame!r}, "
                    f"got none for {here!r}"
                )
            if link.tilted:
                raise BagError(f"{self._where}: expected the frame {here!r} to be level, got one that is tilted")
            step = link.at(stamp_s)
            if step is None:
                return None
            pose, here = np.asarray(compose(step, pose)), link.parent
        return pose


def read_transforms(path: Path | str) -> Transforms:
    """All of a recording's transforms, and its odometry messages where /tf does not say the same. The fixed frame is
    the odometry message's, else ``odom`` if /tf knows it; a recording without either has none."""
    with Bag(path) as bag:
        names = [t.name for t in bag.topics.values() if t.type in (*TRANSFORMS, ODOMETRY)]
        rows: dict[tuple[str, str, str], list[tuple[float, float, float, float, bool]]] = {}
        odometry_frame = None
        for topic, _, message in bag.messages(names) if names else ():
            if bag.topics[topic].type == ODOMETRY:
                parent, child = _frame(message.header.frame_id), _frame(message.child_frame_id)
                odometry_frame = odometry_frame or parent
                row = _row(message.header.stamp, message.pose.pose.position, message.pose.pose.orientation)
                rows.setdefault((child, parent, "odometry"), []).append(row)
                continue
            kind = "static" if topic.rstrip("/").endswith("tf_static") else "moving"
            for t in message.transforms:
                row = _row(t.header.stamp, t.transform.translation, t.transform.rotation)
                key = (_frame(t.child_frame_id), _frame(t.header.frame_id), kind)
                rows.setdefault(key, []).append(row)
        links: dict[str, _Link] = {}
        for (child, parent, kind), found in rows.items():
            if kind != "odometry" or not any(c == child and k != "odometry" for c, _, k in rows):
                links[child] = _link(parent, found, kind == "static")
        if odometry_frame is None and any("odom" in (child, link.parent) for child, link in links.items()):
            odometry_frame = "odom"
        return Transforms(links, odometry_frame, f"bag {bag.path}")


def _link(parent: str, rows: list[tuple[float, float, float, float, bool]], static: bool) -> _Link:
    table = np.array([row[:4] for row in rows])
    stamps, first = np.unique(table[:, 0], return_index=True)
    poses = table[first, 1:]
    poses[:, 2] = np.unwrap(poses[:, 2])
    return _Link(parent, stamps, poses, static, any(row[4] for row in rows))


def _row(stamp: Any, position: Any, q: Any) -> tuple[float, float, float, float, bool]:
    turn = quat2mat([q.w, q.x, q.y, q.z])
    yaw = math.atan2(turn[1, 0], turn[0, 0])
    # 0.97 is 14 degrees: a laser that is meant to look down or up.
    return _seconds(stamp), float(position.x), float(position.y), yaw, bool(turn[2, 2] < 0.97)


def _seconds(stamp: Any) -> float:
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def _frame(name: str) -> str:
    return str(name).lstrip("/")
