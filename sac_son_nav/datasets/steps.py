"""A robot among people, step by step: what recordings of robots come to, and the windows that PedNet learns from.

Steps are `STEP` apart, three a second, as SACSoN's robot looked and drove. Poses and places are in the odometry's
frame [m, m, rad]; windows are in the robot's frame of their own moment, x ahead and y to its left (REP-103).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError, DatasetError
from sac_son_nav.geometry import inverse, rotate, transform_points, wrap_angle
from sac_son_nav.states import Floats, Scan

STEP = 1.0 / 3.0  # [s]
PAST, FUTURE = 8, 8  # steps of a window, the present one the last of the past
LEAP = 1.0  # [m] in one step that no such robot drives: its odometry was set anew
ALL = "all"
_CHOOSE_EVERY = 5  # of the sessions to learn from, one is kept to choose by


@dataclass(frozen=True, eq=False)
class StepRecording:
    """One bag: T steps of a robot, and K times that it saw somebody.

    poses (T, 3) of the robot; steps (K,), growing, ids (K,) and places (K, 2): when who was seen where. scans: what
    the laser measured at each step, if it was asked for. recorded_dt, header_dt [s]: the median time between two steps
    by the recorder's and by the messages' clock; what they say is no longer used. notes: what was left out.
    """

    session: str
    bag: str
    poses: Floats
    steps: NDArray[np.int64]
    ids: NDArray[np.int64]
    places: Floats
    scans: tuple[Scan, ...] = ()
    recorded_dt: float = STEP
    header_dt: float = STEP
    notes: tuple[str, ...] = ()
    framed: bool = False  # whether the recording itself says in which frame its people are

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def name(self) -> str:
        """The bag's, with its session's."""
        return f"{self.session}/{self.bag}"

    @property
    def floor(self) -> str:
        """Where it was: sessions are named <month>-<day>-<year>-<floor>, some of them with -intloss behind."""
        parts = self.session.removesuffix("-intloss").split("-")
        return "-".join(parts[3:]) if len(parts) > 3 and parts[2].isdigit() else "-".join(parts)

    @property
    def seeking(self) -> bool:
        """Whether the robot was driven by the objective that seeks people's company (-intloss)."""
        return self.session.endswith("-intloss")

    @property
    def travelled(self) -> float:
        """Length [m] of the robot's way."""
        return float(np.linalg.norm(np.diff(self.poses[:, :2], axis=0), axis=-1).sum())

    @property
    def velocities(self) -> Floats:
        """What the robot did in each step, (T - 1, 3): ahead and to the left [m/s], turning [rad/s], from its poses;
        the odometry's own velocities are not to be believed."""
        moved = rotate(np.diff(self.poses[:, :2], axis=0), -self.poses[:-1, 2])
        turned = wrap_angle(np.diff(self.poses[:, 2]))
        return np.concatenate([moved, turned[:, None]], axis=-1) / STEP

    def table(self) -> tuple[Floats, NDArray[np.int64]]:
        """Everybody's places (T, N, 2) [m], NaN where not seen, and their ids (N,)."""
        ids, columns = np.unique(self.ids, return_inverse=True)
        table = np.full((len(self), len(ids), 2), np.nan)
        table[self.steps, columns] = self.places
        return table, ids


@dataclass(frozen=True)
class WindowConfig:
    """Which windows are taken, and how the person's past is cleaned (Hirose et al. 2024, as far as it is public)."""

    nearest: bool = True  # of the people seen now, only the one nearest to the robot; false: each of them
    reach: float = 10.0  # [m] beyond which nobody counts
    gap: int = 2  # steps in a row that may be missing in a past; they lie on a straight line
    smoothing: int = 1  # times that each place but the first and the last becomes the mean of three

    def __post_init__(self) -> None:
        if self.reach <= 0.0 or self.gap < 0 or self.smoothing < 0:
            raise ConfigError("windows: expected a reach above 0, a gap and a smoothing of 0 or more")


@dataclass(frozen=True)
class RobotWindows:
    """S moments of a person and a robot, in the robot's frame then, oldest step first.

    person and robot (S, 8, 2) [m], the last is now, the robot's last the origin; robot_future (S, 8, 2), where it is
    at the end of each of its next steps; person_future (S, 8, 2), NaN where not seen. recordings: names; recording
    (S,): of which a row is; step (S,) and id (S,): when, and who.
    """

    person: Floats
    robot: Floats
    robot_future: Floats
    person_future: Floats
    recordings: tuple[str, ...]
    recording: NDArray[np.int64]
    step: NDArray[np.int64]
    id: NDArray[np.int64]
    too_short: int = 0  # people near the robot whose past has holes or is not long enough

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class StepFold:
    """What is left out: recordings to learn from, to choose by, and to be tested on; no session is in two of them."""

    name: str
    learn: tuple[StepRecording, ...]
    choose: tuple[StepRecording, ...]
    test: tuple[StepRecording, ...]


@dataclass
class _Found:
    """Rows of windows, recording after recording."""

    parts: list[tuple[Floats, ...]] = field(default_factory=list)
    numbers: list[NDArray[np.int64]] = field(default_factory=list)
    too_short: int = 0


def step_folds(recordings: Sequence[StepRecording]) -> dict[str, StepFold]:
    """Each floor left out, or each session where all are of one floor, and `all`, which leaves out none. Bags of one
    session are never parted: the robot met the same people in them."""
    floors = sorted({r.floor for r in recordings})
    by_floor = len(floors) > 1
    names = floors if by_floor else sorted({r.session for r in recordings})
    made = {}
    for name in (*(names if len(names) > 1 else ()), ALL):
        test = tuple(r for r in recordings if name == (r.floor if by_floor else r.session))
        rest = [r for r in recordings if r not in test]
        sessions = sorted({r.session for r in rest})
        kept = set(sessions[_CHOOSE_EVERY - 1 :: _CHOOSE_EVERY] or sessions[1:][-1:])
        learn, choose = (tuple(r for r in rest if (r.session in kept) is wanted) for wanted in (False, True))
        made[name] = StepFold(name, learn, choose, test)
    return made


def robot_windows(recordings: Sequence[StepRecording], config: WindowConfig | None = None) -> RobotWindows:
    """All windows of recordings. None reaches across the end of a bag or a leap of its odometry. A past is whole but
    for short gaps, and is cleaned with what was seen by then alone; the future stays as it was seen."""
    config, found = config or WindowConfig(), _Found()
    for number, recording in enumerate(recordings):
        if len(recording) >= PAST + FUTURE and len(recording.ids):
            _windows(recording, number, config, found)
    if not found.parts:
        raise DatasetError(
            f"{len(recordings)} recordings: expected people who are seen for {PAST} steps and on while the robot "
            f"goes on for {FUTURE}, got none"
        )
    person, robot, robot_future, person_future = (np.concatenate(p) for p in zip(*found.parts, strict=True))
    recording, step, who = np.concatenate(found.numbers, axis=1)
    names = tuple(r.name for r in recordings)
    return RobotWindows(
        person, robot, robot_future, person_future, names, recording, step, who, too_short=found.too_short
    )


def _windows(recording: StepRecording, number: int, config: WindowConfig, found: _Found) -> None:
    table, ids = recording.table()
    filled = _fill(table, config.gap)
    now = np.arange(PAST - 1, len(recording) - FUTURE)
    leaps = np.linalg.norm(np.diff(recording.poses[:, :2], axis=0), axis=-1) > LEAP
    if leaps.any():
        torn = np.lib.stride_tricks.sliding_window_view(leaps, PAST + FUTURE - 1).any(axis=1)
        now = now[~torn]
    away = np.linalg.norm(table[now] - recording.poses[now, None, :2], axis=-1)
    near = away <= config.reach  # NaN is not
    if config.nearest:
        away = np.where(near, away, np.inf)
        near &= np.arange(len(ids)) == np.argmin(away, axis=1)[:, None]
    row, who = np.nonzero(near)
    at = now[row]
    past = filled[at[:, None] + np.arange(1 - PAST, 1), who[:, None]]
    future = table[at[:, None] + np.arange(1, FUTURE + 1), who[:, None]]
    whole = np.isfinite(past[..., 0]).all(axis=1)
    use = whole & np.isfinite(future[..., 0]).any(axis=1)
    found.too_short += int((~whole).sum())
    at, who, past, future = at[use], who[use], _smooth(past[use], config.smoothing), future[use]
    if not len(at):
        return
    robot_from_odom = np.asarray(inverse(recording.poses[at]))[:, None]
    steps = at[:, None] + np.arange(1 - PAST, FUTURE + 1)
    way = np.asarray(transform_points(robot_from_odom, recording.poses[steps, :2]))
    places = (np.asarray(transform_points(robot_from_odom, p)) for p in (past, future))
    person, person_future = places
    found.parts.append((person, way[:, :PAST], way[:, PAST:], person_future))
    found.numbers.append(np.stack([np.full(len(at), number), at, ids[who]]).astype(np.int64))


def _fill(table: Floats, gap: int) -> Floats:
    """Places (T, N, 2) with up to `gap` steps in a row that nobody saw on the straight line between their ends."""
    filled = table.copy()
    for column in range(table.shape[1]):
        seen = np.flatnonzero(np.isfinite(table[:, column, 0]))
        for k in np.flatnonzero((np.diff(seen) > 1) & (np.diff(seen) <= gap + 1)):
            first, last = seen[k], seen[k + 1]
            share = (np.arange(first + 1, last) - first)[:, None] / (last - first)
            filled[first + 1 : last, column] = (1.0 - share) * table[first, column] + share * table[last, column]
    return filled


def _smooth(pasts: Floats, times: int) -> Floats:
    for _ in range(times):
        middle = (pasts[:, :-2] + pasts[:, 1:-1] + pasts[:, 2:]) / 3.0
        pasts = np.concatenate([pasts[:, :1], middle, pasts[:, -1:]], axis=1)
    return pasts
