"""Where people and the robot have been: what a human model reads and a tracker forgets.

A tracker tells where people are; a human model asks where they were at its own moments, STEP_S apart, MOMENTS of them
with the present one last. This keeps what is told and answers in between by straight lines. What was never seen is
filled by constant velocity, backward, and said to be unknown.

Frame: that of the tracks. Deterministic; time is the tracks' own stamps.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.states import Floats, Tracks

MOMENTS, STEP_S = 8, 0.4  # [s] apart: 2.8 s in all, as models learned from recorded pedestrians have it
KEPT = (MOMENTS - 1) * STEP_S + 0.5  # [s]
GAP = 1.0  # [s] without a word, after which somebody's past begins anew
TOLERANCE = 0.05  # [s] by which a moment may be older than the oldest word and still count as known


class History:
    """The last seconds of everybody who is told of, and of the robot."""

    def __init__(self) -> None:
        self._frame = ""
        self._people: dict[int, deque[tuple[float, float, float]]] = {}
        self._robot: deque[tuple[float, float, float]] = deque()

    def add(self, tracks: Tracks, robot: Floats) -> None:
        """The tracks of a moment, and the robot's pose (3,) or place (2,) then. A stamp not after the last is a word
        repeated and changes nothing, unless it falls back by more than GAP: then, as in another frame, all begins
        anew."""
        last = self._robot[-1][0] if self._robot else -np.inf
        if tracks.frame != self._frame or tracks.stamp_s < last - GAP:
            self._frame, last = tracks.frame, -np.inf
            self._people.clear()
            self._robot.clear()
        if tracks.stamp_s <= last:
            return
        now = tracks.stamp_s
        _append(self._robot, (now, float(robot[0]), float(robot[1])))
        for person, (x, y) in zip(tracks.ids.tolist(), tracks.positions.tolist(), strict=True):
            _append(self._people.setdefault(person, deque()), (now, x, y))
        for person in [p for p, path in self._people.items() if now - path[-1][0] > GAP]:
            del self._people[person]

    def of(self, tracks: Tracks) -> Tracks:
        """The same tracks with their `pasts` (N, MOMENTS, 2) [m] and which moments of them are `known`."""
        ages = STEP_S * np.arange(MOMENTS - 1, -1, -1)
        straight = tracks.positions[:, None, :] - tracks.velocities[:, None, :] * ages[:, None]
        pasts, known = straight.copy(), np.zeros(straight.shape[:2], dtype=np.bool_)
        known[:, -1] = True
        for row, person in enumerate(tracks.ids.tolist()):
            path = self._people.get(person)
            if path is None:
                continue
            told = np.array(path)
            moments = tracks.stamp_s - ages
            known[row] |= moments >= told[0, 0] - TOLERANCE
            seen = known[row, :-1]
            for axis in (0, 1):
                pasts[row, :-1, axis] = np.interp(moments[:-1], told[:, 0], told[:, 1 + axis])
            # Before the first word people came as they go now, to where they were first seen.
            oldest = told[0, 1:] - tracks.velocities[row] * (told[0, 0] - moments[:-1, None])
            pasts[row, :-1] = np.where(seen[:, None], pasts[row, :-1], oldest)
        return replace(tracks, pasts=pasts, known=known)

    def robot(self, stamp_s: float, pose: Floats) -> Floats:
        """Where the robot was (MOMENTS, 2) [m], at `pose` now; before the first word it stood."""
        past: Floats = np.tile(np.asarray(pose[:2], dtype=np.float64), (MOMENTS, 1))
        if self._robot:
            told = np.array(self._robot)
            moments = stamp_s - STEP_S * np.arange(MOMENTS - 1, 0, -1)
            past[:-1] = np.stack([np.interp(moments, told[:, 0], told[:, k]) for k in (1, 2)], axis=-1)
        return past


def long_enough(tracks: Tracks, least: int) -> NDArray[np.bool_]:
    """Whose past is known for at least that many moments, (N,)."""
    if tracks.known is None:
        return np.zeros(len(tracks), dtype=np.bool_)
    enough: NDArray[np.bool_] = tracks.known.sum(axis=1) >= least
    return enough


def _append(path: deque[tuple[float, float, float]], word: tuple[float, float, float]) -> None:
    if path and word[0] - path[-1][0] > GAP:
        path.clear()
    path.append(word)
    while path[0][0] < word[0] - KEPT:
        path.popleft()
