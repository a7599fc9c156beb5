"""Recordings in the format of HuRoN, the data of SACSoN (Hirose et al., RA-L 2024), and our own, as steps of a robot.

A folder holds sessions, a session holds bags: ``<session>/<8 digits>.bag``, ROS 1. What a bag says at message number k
of `/odometry`, `/laserscan` and `/pedestrians_pose` belongs together and is one step of the policy, a third of a
second, whatever the stamps say: the bags were written anew, and their record stamps run three to four times too fast.
So messages are counted, not dated. Velocities come from the poses; the messages' own are not plausible. In whose frame
people are, nobody has written down: it is a setting, with :mod:`sac_son_nav.evaluation.huron_check` to try it.

A session may also hold what our own recorder has written (:mod:`.own_recordings`). Folders and bags that can't be
used are left out, each with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.datasets.bags import Bag
from sac_son_nav.datasets.own_recordings import read_own
from sac_son_nav.datasets.scans import LASER_SCAN, ODOMETRY, to_scan
from sac_son_nav.datasets.steps import FUTURE, LEAP, PAST, StepRecording
from sac_son_nav.errors import BagError, ConfigError, DatasetError
from sac_son_nav.geometry import compose, transform_points
from sac_son_nav.states import Floats, Scan

MARKERS = "visualization_msgs/msg/MarkerArray"
TOPICS = {"/odometry": ODOMETRY, "/laserscan": LASER_SCAN, "/pedestrians_pose": MARKERS}
FRAMES = ("laser", "robot", "odometry", "camera")
_REMOVES = (2, 3)  # actions of a marker that says who has gone
Sightings = tuple[NDArray[np.int64], NDArray[np.int64], Floats]


@dataclass(frozen=True)
class HuronConfig:
    """What the bags don't say."""

    people_frame: str = "laser"  # laser; robot: its base; odometry; camera: x to the right of the base, y ahead
    laser: tuple[float, float, float] = (0.0, 0.0, 0.0)  # its pose on the base [m, m, rad]
    least_way: float = 0.05  # [m] that a robot drives in a bag at least, or its odometry is dead

    def __post_init__(self) -> None:
        if self.people_frame not in FRAMES:
            raise ConfigError(f"people_frame: expected one of {', '.join(FRAMES)}, got {self.people_frame!r}")


@dataclass(frozen=True)
class HuronFolder:
    """What a folder holds: recordings in the order of their names, and a sentence for each that was left out."""

    path: Path
    recordings: tuple[StepRecording, ...]
    left_out: tuple[str, ...]


def find_bags(folder: Path | str) -> list[tuple[str, Path]]:
    """Session and path of every bag in a folder: of its sessions, or of itself if it is one. Raises DatasetError when
    there is none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"HuRoN {folder}: expected a folder with <session>/<8 digits>.bag, got no such folder")
    found = [(folder.resolve().name, bag) for bag in _bags_of(folder)]
    for session in sorted(p for p in folder.iterdir() if p.is_dir() and p not in {bag for _, bag in found}):
        found += [(session.name, bag) for bag in ([session] if _is_own(session) else _bags_of(session))]
    if not found:
        names = ", ".join(sorted(p.name for p in folder.iterdir())[:5]) or "an empty folder"
        raise DatasetError(f"HuRoN {folder}: expected <session>/<8 digits>.bag, got {names}")
    return found


def _bags_of(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix == ".bag" or _is_own(p))


def _is_own(path: Path) -> bool:
    return (path / "metadata.yaml").is_file()


def read_folder(
    folder: Path | str,
    config: HuronConfig | None = None,
    scans: bool = False,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> HuronFolder:
    """Every bag of a folder; `told` how many of how many are read. Raises DatasetError when none can be used."""
    config, found, left_out = config or HuronConfig(), [], []
    bags = find_bags(folder)
    for number, (session, path) in enumerate(bags):
        told(number, len(bags))
        try:
            recording = read_bag(path, session, config, scans)
            check_alive(recording, path, config)
        except (BagError, DatasetError) as error:
            left_out.append(str(error))
        else:
            found.append(recording)
    told(len(bags), len(bags))
    if not found:
        raise DatasetError(
            f"HuRoN {folder}: expected at least one bag to learn from, got none of {len(bags)}; {left_out[0]}"
        )
    return HuronFolder(Path(folder), tuple(found), tuple(left_out))


def read_bag(
    path: Path | str, session: str | None = None, config: HuronConfig | None = None, scans: bool = False
) -> StepRecording:
    """One bag, HuRoN's or our own. `session` None: the name of the folder that it is in; `scans`: also what the laser
    measured. Raises BagError for a broken one, DatasetError for one that makes no sense."""
    path, config = Path(path), config or HuronConfig()
    session = session if session is not None else path.resolve().parent.name
    if _is_own(path):
        return read_own(path, session, scans)
    with Bag(path) as bag:
        count = _check_topics(bag)
        poses, stamps = np.zeros((count, 3)), np.zeros((count, 2))
        for k, (_, time_ns, message) in enumerate(bag.messages(["/odometry"])):
            poses[k] = _pose(message, f"bag {path}, message {k} of /odometry")
            stamps[k] = 1e-9 * time_ns, _seconds(message)
        (steps, ids, places), notes = _people(bag, path)
        sweeps: list[Scan] = []
        if scans:
            for k, (_, _, message) in enumerate(bag.messages(["/laserscan"])):
                sweeps.append(to_scan(message, f"bag {path}, message {k} of /laserscan"))
        notes += _others(bag, count)
    jumps = int((np.linalg.norm(np.diff(poses[:, :2], axis=0), axis=-1) > LEAP).sum())
    if jumps:
        notes.append(f"its odometry leaps {jumps} times by more than {LEAP:g} m; no window reaches across")
    places = in_odometry(places, poses[steps], config.people_frame, config.laser)
    dts = np.median(np.diff(stamps, axis=0), axis=0) if count > 1 else np.zeros(2)
    return StepRecording(
        session, path.stem, poses, steps, ids, places, tuple(sweeps), float(dts[0]), float(dts[1]), tuple(notes)
    )


def check_alive(recording: StepRecording, path: Path | str, config: HuronConfig) -> None:
    """Raise DatasetError for a bag too short for a window, and for one whose robot never moves: such odometry is dead
    or says nothing of how people meet a robot that drives."""
    if len(recording) < PAST + FUTURE:
        raise DatasetError(f"bag {path}: expected at least {PAST + FUTURE} steps, got {len(recording)}")
    if recording.travelled < config.least_way:
        raise DatasetError(
            f"bag {path}: expected a robot that moves by {config.least_way:g} m or more, got "
            f"{recording.travelled:.3f} m in {len(recording)} steps: its odometry is dead, or it stood"
        )


def in_odometry(places: Floats, poses: Floats, frame: str, laser: tuple[float, float, float]) -> Floats:
    """Places (K, 2) [m] in one of FRAMES, brought to the odometry's with the robot's poses (K, 3) then."""
    if frame == "odometry":
        return places
    if frame == "camera":
        places = np.stack([places[:, 1], -places[:, 0]], axis=-1)
    base = poses if frame != "laser" else np.asarray(compose(poses, np.broadcast_to(np.array(laser), poses.shape)))
    return np.asarray(transform_points(base, places))


def _check_topics(bag: Bag) -> int:
    """How many steps a bag has; its topics must be there, of their types, and with as many messages each."""
    for name, kind in TOPICS.items():
        if name not in bag.topics:
            raise DatasetError(f"bag {bag.path}: expected the topic {name}, got {', '.join(bag.topics) or 'none'}")
        if bag.topics[name].type != kind:
            raise DatasetError(f"bag {bag.path}: {name}: expected {kind}, got {bag.topics[name].type}")
    counts = {name: bag.topics[name].count for name in TOPICS}
    if len(set(counts.values())) != 1:
        said = ", ".join(f"{count} on {name}" for name, count in counts.items())
        raise DatasetError(f"bag {bag.path}: expected as many messages on each topic, one set a step, got {said}")
    return counts["/odometry"]


def _others(bag: Bag, count: int) -> list[str]:
    """A note when topics that nobody reads here have another number of messages."""
    odd = [f"{t.count} on {t.name}" for t in bag.topics.values() if t.name not in TOPICS and t.count != count]
    return [f"{count} steps, but {', '.join(odd)}, which are not read"] if odd else []


def _pose(message: Any, where: str) -> list[float]:
    place, q = message.pose.pose.position, message.pose.pose.orientation
    values = [place.x, place.y, q.x, q.y, q.z, q.w]
    if not np.isfinite(values).all():
        raise DatasetError(f"{where}: expected a finite pose, got {', '.join(f'{v:g}' for v in values)}")
    if abs(np.linalg.norm(values[2:]) - 1.0) > 0.1:
        raise DatasetError(f"{where}: expected a quaternion of length 1, got {np.linalg.norm(values[2:]):.3g}")
    return [place.x, place.y, float(np.arctan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y**2 + q.z**2)))]


def _seconds(message: Any) -> float:
    return float(message.header.stamp.sec) + 1e-9 * float(message.header.stamp.nanosec)


def _people(bag: Bag, path: Path) -> tuple[Sightings, list[str]]:
    """Steps, ids and places of everybody whom a bag's markers show, and what is to be said of the others."""
    rows: list[tuple[int, int, float, float]] = []
    broken = twice = 0
    for k, (_, _, message) in enumerate(bag.messages(["/pedestrians_pose"])):
        there: set[int] = set()
        for marker in message.markers:
            if int(marker.action) in _REMOVES:
                continue
            x, y = float(marker.pose.position.x), float(marker.pose.position.y)
            if not np.isfinite([x, y]).all():
                broken += 1
            elif int(marker.id) in there:
                twice += 1
            else:
                there.add(int(marker.id))
                rows.append((k, int(marker.id), x, y))
    notes = [f"{broken} places of people are no finite numbers and left out"] if broken else []
    notes += [f"{twice} markers have the id of another one of their step and are left out"] if twice else []
    if broken and not rows:
        raise DatasetError(f"bag {path}: /pedestrians_pose: expected finite places, got none among {broken}")
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return (table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:]), notes
