"""`sac-son evaluate huron`: what a folder of recordings holds, what its clocks say, and in whose frame its people are.

Nobody has written down the frame of `/pedestrians_pose`. People stand in the laser's way, so in the right frame their
places coincide with what it measured more often than in a wrong one, and more often than with what it measured at
another time. A place counts as met when a return is within `NEAR` of it. Each frame is also tried turned around by
every ten degrees: where that is better, the laser is mounted with that yaw, or the frame is none of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from sac_son_nav.config import make_folder
from sac_son_nav.datasets.huron import FRAMES, HuronConfig, HuronFolder, in_odometry, read_folder
from sac_son_nav.datasets.steps import STEP, StepRecording, robot_windows
from sac_son_nav.datasets.trajectories import FILE, read_ways
from sac_son_nav.errors import DatasetError
from sac_son_nav.evaluation.huron_forecasts import inventory, print_left_out
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.tables import Item, Table, text
from sac_son_nav.geometry import compose, inverse, rotate, transform_points
from sac_son_nav.states import Floats

NEAR = 0.4  # [m] between a person's place and a return of the laser
REACH = 6.0  # [m] from the laser, within which places are asked about; they are less certain farther off
MOST = 4000  # places, evenly over all of them
STATED = "as it says"  # our own recordings name the frame
TURNS = np.deg2rad(np.arange(0, 360, 10))


@dataclass(frozen=True)
class Coincidence:
    """How many of `places` people are met by the laser in a frame: share, share with the scan of another time, and
    the best share among TURNS with its turn [rad]."""

    places: int
    met: float
    chance: float
    best: float
    turn: float


def coincidence(recordings: Sequence[StepRecording], frame: str, laser: tuple[float, float, float]) -> Coincidence:
    """Try one of FRAMES on recordings that were read with their scans and people_frame `odometry`, that is untouched.
    `laser` is the pose on the base that is assumed."""
    total = sum(len(r.steps) for r in recordings)
    hits, chance, asked = np.zeros(len(TURNS)), 0, 0
    for recording in recordings:
        trees = _Returns(recording)
        poses = recording.poses[recording.steps]
        lasers = np.asarray(compose(poses, np.broadcast_to(np.array(laser), poses.shape)))
        fixed = in_odometry(recording.places, poses, frame, laser)
        there = np.asarray(transform_points(inverse(lasers), fixed))
        for k in range(0, len(there), max(1, total // MOST)):
            if not 0.0 < np.linalg.norm(there[k]) <= REACH:
                continue
            asked += 1
            turned = np.asarray(rotate(np.broadcast_to(there[k], (len(TURNS), 2)), TURNS))
            hits += trees.met(int(recording.steps[k]), turned)
            other = (int(recording.steps[k]) + len(recording) // 2) % len(recording)
            chance += int(trees.met(other, there[k : k + 1])[0])
    count, best = max(1, asked), int(np.argmax(hits))
    return Coincidence(asked, hits[0] / count, chance / count, hits[best] / count, float(TURNS[best]))


class _Returns:
    """What the laser of a recording met, step by step, made when it is asked for."""

    def __init__(self, recording: StepRecording) -> None:
        if len(recording.scans) != len(recording):
            raise DatasetError(f"recording {recording.name}: expected a scan for each step, got none read")
        self._scans, self._trees = recording.scans, dict[int, KDTree | None]()

    def met(self, step: int, places: Floats) -> Floats:
        """1 or 0 for each of places (M, 2) [m] in the laser's frame."""
        if step not in self._trees:
            points = self._scans[step].points()
            self._trees[step] = KDTree(points) if len(points) else None
        tree = self._trees[step]
        if tree is None:
            return np.zeros(len(places))
        return np.asarray(tree.query(places, distance_upper_bound=NEAR)[0] <= NEAR, dtype=np.float64)


def evaluate_folder(folder: Path, out: Path, laser: tuple[float, float, float]) -> int:
    """Print what a folder holds; all of it is left in huron_folder.json."""
    make_folder(out, "huron_folder.json")
    if folder.is_dir() and any(folder.glob(f"*/{FILE}")):
        return _ways(folder, out)
    progress = Progress()
    raw = HuronConfig(people_frame="odometry", laser=laser)
    data = read_folder(folder, raw, scans=True, told=lambda done, of: progress(f"bags: {done} of {of}"))
    found: dict[str, Any] = {**inventory(data), "clocks": clocks(data), "windows": {}, "frames": {}}
    asked = tuple(r for r in data.recordings if not r.framed)
    stated = tuple(r for r in data.recordings if r.framed)
    for name, frame, recordings in (*((frame, frame, asked) for frame in FRAMES), (STATED, "odometry", stated)):
        if recordings:
            progress(f"frame: {name}")
            found["frames"][name] = vars(coincidence(recordings, frame, laser))
            found["windows"][name] = _windows(recordings, frame, laser)
    progress.end()
    write_summary(out / "huron_folder.json", found)
    print_left_out(data)
    _print(found)
    return 0


def clocks(data: HuronFolder) -> dict[str, float]:
    """Median time [s] from one step to the next, by the recorder's stamps and by the messages' own."""
    return {
        "record_s": float(np.median([r.recorded_dt for r in data.recordings])),
        "header_s": float(np.median([r.header_dt for r in data.recordings])),
        "used_s": STEP,
    }


def _windows(recordings: Sequence[StepRecording], frame: str, laser: tuple[float, float, float]) -> int:
    changed = [replace(r, places=in_odometry(r.places, r.poses[r.steps], frame, laser), scans=()) for r in recordings]
    try:
        return len(robot_windows(changed))
    except DatasetError:
        return 0


def _print(found: dict[str, Any]) -> None:
    used, record, header = (found["clocks"][name] for name in ("used_s", "record_s", "header_s"))
    print(f"{found['recordings']} bags of {found['sessions']} sessions, {found['steps']} steps")
    print(f"a step is taken for {used:.3f} s; record stamps say {record:.3f} s, header stamps {header:.3f} s")
    rows = []
    for name, c in found["frames"].items():
        turn = f"{c['best']:.0%} at {np.degrees(c['turn']):.0f} degrees"
        items = [name, str(c["places"]), f"{c['met']:.0%}", f"{c['chance']:.0%}", turn, str(found["windows"][name])]
        rows.append([Item(item) for item in items])
    headings = ("people in the frame of", "places", "met by the laser", "at another time", "best turned", "windows")
    print(text(Table(headings, rows)))
    tried = {name: c["met"] for name, c in found["frames"].items() if name != STATED}
    if not tried:
        return
    best = max(tried, key=lambda name: tried[name])
    print(f"most places are met in the frame {best}: set huron.reading.people_frame to it unless another is as good")


def _ways(folder: Path, out: Path) -> int:
    ways = read_ways(folder)
    steps = np.concatenate([np.linalg.norm(np.diff(w.positions, axis=0), axis=-1) for w in ways])
    sessions = {w.session for w in ways}
    middle = float(np.median(steps)) if len(steps) else 0.0
    found = {"ways": len(ways), "sessions": len(sessions), "steps": len(steps), "median_step_m": middle}
    write_summary(out / "huron_folder.json", found)
    print(f"{len(ways)} stretches of {len(sessions)} sessions in the processed format, {len(steps)} steps,")
    print(f"half of them longer than {middle:.3f} m; it holds the robot's way alone: no people to learn from")
    return 0
