"""What happened in a run, or in a batch of them, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.states import Floats


@dataclass(frozen=True)
class Contact:
    """The robot touched something: when [s]; what (``wall`` or ``person <id>``); where it was (2,) [m]; and how fast
    it was going [m/s] when it did; near zero means that somebody walked into it."""

    time_s: float
    what: str
    position: tuple[float, float]
    robot_speed: float


@dataclass(frozen=True)
class History:
    """A run from its first moment on, T moments of N people, frame map.

    times (T,) [s]; robot_poses (T, 3) [m, m, rad] and robot_velocities (T, 2) [m/s, rad/s], NaN where the robot is
    absent; people and people_velocities (T, N, 2) [m], [m/s]. The arrays are read-only views.
    """

    times: Floats
    robot_poses: Floats
    robot_velocities: Floats
    people: Floats
    people_velocities: Floats

    def __len__(self) -> int:
        return len(self.times)

    def only(self, count: int) -> History:
        """The same run without the people from number `count` on."""
        people, paces = self.people[:, :count], self.people_velocities[:, :count]
        return History(self.times, self.robot_poses, self.robot_velocities, people, paces)

    def until(self, moments: int) -> History:
        """Its first moments."""
        cut = slice(moments)
        return History(
            self.times[cut],
            self.robot_poses[cut],
            self.robot_velocities[cut],
            self.people[cut],
            self.people_velocities[cut],
        )


class Recorder:
    """Writes histories down; its room doubles when it is full, so a long run costs no more per step than a short one.
    What is added may have batch dimensions (W,) in front, the same each time."""

    def __init__(self) -> None:
        self._length = 0
        self._columns: list[Floats] = []

    def add(self, time_s: float, poses: Floats, velocities: Floats, people: Floats, people_velocities: Floats) -> None:
        """Write one moment down; shapes as in :class:`History`, without the T."""
        values = [np.asarray(v, dtype=np.float64) for v in (time_s, poses, velocities, people, people_velocities)]
        if not self._columns:
            self._columns = [np.empty((64, *value.shape)) for value in values]
        if self._length == len(self._columns[0]):
            self._columns = [np.concatenate([column, np.empty_like(column)]) for column in self._columns]
        for column, value in zip(self._columns, values, strict=True):
            column[self._length] = value
        self._length += 1

    def history(self, world: int | None = None) -> History:
        """What was written so far, of the only world or of number `world` of a batch."""
        views = [column[: self._length] for column in self._columns]
        if world is not None:
            views[1:] = [view[:, world] for view in views[1:]]
        for view in views:
            view.flags.writeable = False
        return History(*views)
