"""The human model that is never wrong: it tries the robot's plans in copies of the very world.

People keep their true errands, their law of walking and the luck they will have. Inside the navigator it tells how
much of what is left to the oracle comes of not knowing people, and how much of how plans are searched and weighed. As
for any model of the navigator's, the world without the robot is the one that the robot is gone from at this moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import unicycle_step
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.prediction.predictor import Floats32, RobotFutures
from sac_son_nav.simulation.world import World
from sac_son_nav.states import Floats, Tracks


class TruePeople:
    """A predictor that has to be shown the world: `look` before anything is asked."""

    def __init__(self) -> None:
        self._world: World | None = None
        self._number = 0

    def look(self, world: World, number: int) -> None:
        """From now on it is world `number` of this batch that is foreseen, from the moment at which it is asked."""
        self._world, self._number = world, number

    def predict(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> Floats32:
        """See :meth:`..prediction.predictor.Predictor.predict`."""
        foreseen = self.foresee(people, robot, step_s, walls)
        answer = np.empty((len(robot.poses), *foreseen.without.shape), dtype=np.float32)
        answer[~robot.present] = foreseen.without
        answer[robot.present] = foreseen.under(robot.poses[robot.present])
        return answer

    def foresee(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> _Copies:
        """See :func:`..prediction.predictor.foresee`; `people.ids` are their numbers in the world. Raises ConfigError
        before it has been shown one."""
        if self._world is None:
            raise ConfigError("predictor oracle: expected to be shown the world, which the benchmark alone does")
        now = self._world.take([self._number])
        gone = now.take([0], present=False)
        steps = robot.poses.shape[1]
        without = _watched(gone, np.zeros((1, steps, 3)), people.ids, step_s, drive=False)[0]
        return _Copies(now, people.ids, step_s, without)


@dataclass(frozen=True)
class _Copies:
    """The world at the moment it was asked about, of which each future is a copy."""

    now: World
    ids: NDArray[np.int64]
    step_s: float
    without: Floats32

    def under(self, poses: Floats) -> Floats32:
        """Where people go under futures (K, T, 3), (K, N, T, 2) [m]."""
        return _watched(self.now.take([0] * len(poses)), poses, self.ids, self.step_s, drive=True)


def _watched(worlds: World, poses: Floats, ids: NDArray[np.int64], step_s: float, drive: bool) -> Floats32:
    """Where people `ids` (N,) of the worlds are after each step, (K, N, T, 2) [m], while the robots, where they
    `drive`, go through poses (K, T, 3) on arcs; who leaves stays where they were last seen."""
    count, every = poses.shape[1], round(step_s / worlds.dt)
    way = np.empty((len(poses), len(ids), count, 2), dtype=np.float32)
    last, here = np.asarray(worlds.crowd.positions)[:, ids], np.asarray(worlds.poses, dtype=np.float64)
    for t in range(count):
        velocities = _between(here, poses[:, t], step_s) if drive else np.zeros((len(poses), 2))
        for k in range(every):
            if drive:
                worlds.follow(unicycle_step(here, velocities, (k + 1) * worlds.dt), velocities)
            else:
                worlds.step()
        here = poses[:, t]
        now = np.asarray(worlds.crowd.positions)[:, ids]
        last = np.where(np.isfinite(now), now, last)
        way[:, :, t] = last
    return way


def _between(start: Floats, end: Floats, step_s: float) -> Floats:
    """The velocities (K, 2) [m/s, rad/s] of arcs of `step_s` [s] from poses (K, 3) to poses (K, 3)."""
    turn = (end[:, 2] - start[:, 2] + np.pi) % (2.0 * np.pi) - np.pi
    chord, direction = end[:, :2] - start[:, :2], start[:, 2] + 0.5 * turn
    along = chord[:, 0] * np.cos(direction) + chord[:, 1] * np.sin(direction)
    return np.stack([along / np.sinc(0.5 * turn / np.pi) / step_s, turn / step_s], axis=-1)
