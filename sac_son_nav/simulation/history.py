"""What happened in a run, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.states import Floats


@dataclass(frozen=True)
class Contact:
    """The robot touched something: when [s], what (``wall`` or ``person <id>``), where it was (2,) [m], and how fast
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
        return History(
            self.times,
            self.robot_poses,
            self.robot_velocities,
            self.people[:, :count],
            self.people_velocities[:, :count],
        )


class Recorder:
    """Writes a History; its room doubles when it is full, so a long run costs no more per step than a short one."""

    def __init__(self, people: int) -> None:
        self._length = 0
        self._columns = [np.empty(shape) for shape in ((64,), (64, 3), (64, 2), (64, people, 2), (64, people, 2))]

    def add(self, time_s: float, pose: Floats, velocity: Floats, people: Floats, people_velocities: Floats) -> None:
        """Write one moment down; shapes as in :class:`History`, without the T."""
        if self._length == len(self._columns[0]):
            self._columns = [np.concatenate([column, np.empty_like(column)]) for column in self._columns]
        values: tuple[Floats | float, ...] = (time_s, pose, velocity, people, people_velocities)
        for column, value in zip(self._columns, values, strict=True):
            column[self._length] = value
        self._length += 1

    def history(self) -> History:
        """What was written so far."""
        views = [column[: self._length] for column in self._columns]
        for view in views:
            view.flags.writeable = False
        return History(*views)
