"""What our own recorder has written (`sac-son demo`, the recording node), as the steps that HuRoN's bags have.

Their stamps are to be believed: poses, people and scans are those of every third of a second of the messages' clock.
Poses and people are linear between two messages; who is in only one of the two is not there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.datasets.bags import Bag
from sac_son_nav.datasets.scans import LASER_SCAN, ODOMETRY, Transforms, read_transforms, to_scan
from sac_son_nav.datasets.steps import STEP, StepRecording
from sac_son_nav.errors import DatasetError
from sac_son_nav.geometry import transform_points
from sac_son_nav.states import Floats, Scan

PEOPLE = "sensor_msgs/msg/PointCloud2"
APART = 0.5  # [s] between two messages about people, beyond which nobody knows where they were
_NUMBERS = {5: "i4", 6: "u4", 7: "f4", 8: "f8"}  # of a cloud's fields that people have


def read_own(path: Path | str, session: str, scans: bool = False) -> StepRecording:
    """One recording with `odom`, `people` and, where `scans` are asked for, `scan`, in whatever namespace.

    Raises BagError for a broken one, DatasetError for one without those topics or with a cloud that is no people.
    """
    path = Path(path)
    with Bag(path) as bag:
        names = {"odom": _topic(bag, "odom", ODOMETRY), "people": _topic(bag, "people", PEOPLE)}
        where = f"bag {path}"
        driven = [m for _, _, m in bag.messages([names["odom"]])]
        rows = [_pose(m, f"{where}, {names['odom']}") for m in driven]
        heard = [
            (_seconds(m), *_people(m, f"{where}, {names['people']}")) for _, _, m in bag.messages([names["people"]])
        ]
        sweeps: list[Scan] = []
        if scans:
            topic = _topic(bag, "scan", LASER_SCAN)
            sweeps = [to_scan(m, f"{where}, {topic}") for _, _, m in bag.messages([topic])]
    if len(rows) < 2 or len(heard) < 2:
        raise DatasetError(f"{where}: expected odometry and people, got {len(rows)} and {len(heard)} messages")
    table = np.array(rows)
    table = table[np.unique(table[:, 0], return_index=True)[1]]
    first, last = max(table[0, 0], heard[0][0]), min(table[-1, 0], heard[-1][0])
    times = first + STEP * np.arange(max(0, int((last - first) / STEP + 1e-6) + 1))
    yaw = np.interp(times, table[:, 0], np.unwrap(table[:, 3]))
    poses = np.stack([*(np.interp(times, table[:, 0], table[:, k]) for k in (1, 2)), yaw], axis=-1)
    fixed = _in_odometry(heard, str(driven[0].header.frame_id).lstrip("/"), path)
    steps, ids, places = _at(times, fixed)
    chosen: tuple[Scan, ...] = ()
    if scans and len(times):
        if not sweeps:
            raise DatasetError(f"{where}: expected scans, got none")
        stamps = np.array([scan.stamp_s for scan in sweeps])
        chosen = tuple(sweeps[int(np.argmin(np.abs(stamps - t)))] for t in times)
    return StepRecording(session, path.name, poses, steps, ids, places, chosen, framed=True)


def _topic(bag: Bag, name: str, kind: str) -> str:
    """The topic of this name that isn't the simulator's truth, in whatever namespace."""
    fitting = [
        t.name
        for t in bag.topics.values()
        if t.name.rpartition("/")[2] == name and t.type == kind and "ground_truth" not in t.name
    ]
    if len(fitting) != 1:
        got = ", ".join(fitting or bag.topics) or "no topic at all"
        raise DatasetError(f"bag {bag.path}: expected one topic {name} of type {kind}, got {got}")
    return fitting[0]


def _seconds(message: Any) -> float:
    return float(message.header.stamp.sec) + 1e-9 * float(message.header.stamp.nanosec)


def _pose(message: Any, where: str) -> list[float]:
    place, q = message.pose.pose.position, message.pose.pose.orientation
    yaw = float(np.arctan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y**2 + q.z**2)))
    row = [_seconds(message), float(place.x), float(place.y), yaw]
    if not np.isfinite(row).all():
        raise DatasetError(f"{where}: expected finite poses, got {row[1:]}")
    return row


def _people(message: Any, where: str) -> tuple[str, dict[int, Floats]]:
    """Frame, and places (2,) [m] by id."""
    fields = {f.name: (f.offset, _NUMBERS.get(f.datatype)) for f in message.fields}
    if not {"id", "x", "y"} <= fields.keys() or None in (fields[n][1] for n in ("id", "x", "y")):
        raise DatasetError(f"{where}: expected the fields id, x and y, got {', '.join(fields) or 'none'}")
    order, count = ">" if message.is_bigendian else "<", int(message.width) * int(message.height)
    data = np.ascontiguousarray(message.data, dtype=np.uint8)
    if data.size != count * message.point_step:
        raise DatasetError(f"{where}: expected {count} x {message.point_step} bytes, got {data.size}")
    names = ("id", "x", "y")
    layout = np.dtype(
        {
            "names": names,
            "formats": [f"{order}{fields[n][1]}" for n in names],
            "offsets": [fields[n][0] for n in names],
            "itemsize": int(message.point_step),
        }
    )
    points = np.frombuffer(data.tobytes(), dtype=layout)
    places = np.stack([points["x"], points["y"]], axis=-1).astype(np.float64)
    if not np.isfinite(places).all():
        raise DatasetError(f"{where}: expected finite places, got {places[~np.isfinite(places).all(axis=1)][0]}")
    frame = str(message.header.frame_id).lstrip("/")
    return frame, dict(zip(points["id"].tolist(), places, strict=True))


def _in_odometry(
    heard: list[tuple[float, str, dict[int, Floats]]], odometry: str, path: Path
) -> list[tuple[float, dict[int, Floats]]]:
    """Everybody's places in the odometry's frame; transforms are read if the people are in another one."""
    transforms: Transforms | None = None
    found = []
    for stamp, frame, people in heard:
        if frame != odometry and people:
            transforms = transforms or read_transforms(path)
            pose = transforms.fixed_from(frame, stamp)
            if pose is None:
                continue
            people = {number: np.asarray(transform_points(pose, place)) for number, place in people.items()}
        found.append((stamp, people))
    return found


def _at(
    times: Floats, heard: list[tuple[float, dict[int, Floats]]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Who was where at these times: steps, ids and places, as :class:`StepRecording` has them."""
    stamps = np.array([stamp for stamp, _ in heard])
    rows: list[tuple[float, ...]] = []
    for k, time in enumerate(times):
        at = int(np.argmin(np.abs(stamps - time))) if len(stamps) else 0
        after = int(np.clip(np.searchsorted(stamps, time), 1, max(1, len(stamps) - 1)))
        if len(stamps) and abs(stamps[at] - time) < 1e-6:
            (start, before), (end, then) = heard[at], heard[at]
        elif after < len(stamps) and stamps[after] - stamps[after - 1] <= APART:
            (start, before), (end, then) = heard[after - 1], heard[after]
        else:
            continue
        share = float(np.clip((time - start) / max(end - start, 1e-9), 0.0, 1.0))
        both = sorted(before.keys() & then.keys())
        rows += [(k, number, *((1.0 - share) * before[number] + share * then[number])) for number in both]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:]
