"""What a world hands to the navigator, and what it gets back.

Embedded simulator, replayed bag and robot all speak these few types; none of the code behind them knows which
of the worlds it lives in. Times are seconds of the world's own clock. Arrays are NumPy, float64 unless said.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scan:
    """One sweep of a planar laser, in the laser's own frame.

    `ranges` (B,) [m]; beam i points at `angle_min + i * angle_increment` [rad]. A beam without a return is
    inf or lies outside [range_min, range_max]; NaN is a broken beam.
    """

    stamp_s: float
    ranges: Floats
    angle_min: float
    angle_increment: float
    range_min: float
    range_max: float
    frame: str = "base_scan"

    @property
    def angles(self) -> Floats:
        """Direction of each beam (B,) [rad]."""
        angles: Floats = self.angle_min + self.angle_increment * np.arange(len(self.ranges), dtype=np.float64)
        return angles

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which beams hit something, (B,)."""
        finite = np.isfinite(self.ranges)
        return finite & (self.ranges >= self.range_min) & (self.ranges <= self.range_max)

    def points(self) -> Floats:
        """The returns (M, 2) [m] in the laser's frame, in beam order, without the beams that hit nothing."""
        valid = self.valid
        ranges, angles = self.ranges[valid], self.angles[valid]
        return np.stack([ranges * np.cos(angles), ranges * np.sin(angles)], axis=-1)


@dataclass(frozen=True)
class Tracks:
    """The people being followed at one moment; row i of every array is one person.

    ids (N,) int64; positions (N, 2) [m] and velocities (N, 2) [m/s] in `frame`; covariances (N, 4, 4) over
    x, y, vx, vy [SI]; confidences (N,) in [0, 1]. Where somebody has kept it (`prediction.history`), pasts (N, P, 2)
    [m]: where they were, now last, and known (N, P): which of these moments were seen, not made up. Where somebody
    knows how large they are, radii (N,) [m].
    """

    stamp_s: float
    frame: str
    ids: NDArray[np.int64]
    positions: Floats
    velocities: Floats
    covariances: Floats
    confidences: Floats
    pasts: Floats | None = None
    known: NDArray[np.bool_] | None = None
    radii: Floats | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @staticmethod
    def empty(stamp_s: float, frame: str) -> Tracks:
        """Nobody in sight."""
        return Tracks(
            stamp_s, frame, np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 4, 4)), np.zeros(0)
        )

    def nearest(self, place: Floats, most: int, reach: float) -> Tracks:
        """Those nearest to place (2,) [m], at most `most`, within `reach` [m]; the nearest first."""
        distance = np.linalg.norm(self.positions - place, axis=-1)
        who = np.argsort(distance, kind="stable")[:most]
        who = who[distance[who] <= reach]
        rows = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("stamp_s", "frame")}
        return replace(self, **{name: values[who] for name, values in rows.items() if values is not None})


@dataclass(frozen=True)
class RobotState:
    """Where the base is and how it moves: pose (3,) [m, m, rad] in `frame`, velocity (2,) [m/s, rad/s]."""

    stamp_s: float
    pose: Floats
    velocity: Floats
    frame: str = "map"


@dataclass(frozen=True)
class Observation:
    """All the navigator may know at one control step; `robot` and `tracks` share one frame.

    `obstacle_points` (M, 2) [m], same frame: what the laser returned, people's legs included.
    """

    stamp_s: float
    robot: RobotState
    tracks: Tracks
    obstacle_points: Floats = field(default_factory=lambda: np.zeros((0, 2)))


@dataclass(frozen=True)
class Command:
    """A velocity for the base: linear [m/s, forward], angular [rad/s, counter-clockwise]."""

    linear: float = 0.0
    angular: float = 0.0

    def as_array(self) -> Floats:
        """(2,) [m/s, rad/s]."""
        return np.array([self.linear, self.angular])


STOP = Command()


@dataclass(frozen=True)
class SocialEvent:
    """Something that went on between the robot and people, told by navigation to whoever expresses it.

    kind: one of EVENT_KINDS. person: id of the track it is about, or None; position (2,) [m] of that person in
    `frame`. detail: a sentence for logs.
    """

    stamp_s: float
    kind: str
    person: int | None = None
    position: Floats | None = None
    frame: str = "map"
    detail: str = ""


EVENT_KINDS = ("blocked", "made_way", "passing", "yielding", "arrived", "bumped", "lost", "thanked")
"""blocked: a person stands in the way and there is no way round. made_way: who blocked it has stepped aside.
passing: about to pass somebody closely. yielding: slowed or stopped so that somebody may go first. arrived: at the
goal. bumped: something touched the robot. lost: it no longer knows where it is. thanked: somebody thanked it."""
