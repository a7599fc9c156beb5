"""The limit that no honest planner can pass: one that tries its plans in the world itself.

It copies the world, people with their true errands, their law and the very luck they will have, drives each copy by
another plan, looks at what became of everybody, and takes the plan that costs least:

    time to go [s] + weight [s/m] * mean over people of their largest displacement [m] from the world without the robot

Swept over the weight it gives the curve of what is possible between being quick and leaving people alone, within its
horizon and its family of plans: a lateral offset from the way and a speed, each held for a while, then given up for
the straight way at full speed. Plans that touch somebody are taken only if all do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import Array
from sac_son_nav.baselines.following import pursue
from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.navigation.route import Route, RoutePlanner
from sac_son_nav.simulation.scenario import Scenario
from sac_son_nav.simulation.world import World
from sac_son_nav.states import Floats

CONTROL = 2  # steps of the world for which a command is held


@dataclass(frozen=True)
class OracleConfig:
    """How far it looks, and what it tries."""

    weight: float = 20.0  # [s/m] what a metre of displacement is worth, the mean over people
    horizon: float = 5.0  # [s]
    renew: float = 0.5  # [s] between two looks
    offsets: tuple[float, ...] = (0.0, 0.4, -0.4, 0.8, -0.8, 1.3, -1.3, 2.0, -2.0)  # [m] to the left of the way
    speeds: tuple[float, ...] = (1.0, 0.5, 0.0)  # of the greatest
    holds: tuple[float, ...] = (1.0, 2.5, 5.0)  # [s] after which offset and speed are given up
    lookahead: float = 0.8  # [m] along the way that it steers to
    touch_cost: float = 1e4  # [s]

    def __post_init__(self) -> None:
        if not (self.weight >= 0.0 and np.isfinite(self.weight)):
            raise ConfigError(f"oracle: expected a weight of zero or more, got {self.weight:g}")
        if not (0.0 < self.renew <= self.horizon):
            raise ConfigError(f"oracle: expected 0 < renew <= horizon, got {self.renew} and {self.horizon} s")


def named_config(planner: str) -> OracleConfig | None:
    """The settings of the planner called ``oracle``, or ``oracle:WEIGHT`` with a weight in s/m; None for any other
    name. Raises ConfigError when the weight is no number."""
    name, given, weight = planner.partition(":")
    if name != "oracle":
        return None
    try:
        return OracleConfig(weight=float(weight)) if given else OracleConfig()
    except ValueError:
        raise ConfigError(f"planner: expected oracle or oracle:WEIGHT with a number, got {planner!r}") from None


@dataclass(frozen=True)
class Plans:
    """What to do, for K robots: offset (K,) [m] and speed (K,) [m/s], both until a time (K,) [s]."""

    offsets: Floats
    speeds: Floats
    until: Floats

    def of(self, rows: NDArray[np.intp]) -> Plans:
        """Those of some."""
        return Plans(self.offsets[rows], self.speeds[rows], self.until[rows])


def steer(poses: Floats, plans: Plans, time_s: float, route: Route, limits: BaseLimits, lookahead: float) -> Floats:
    """Commands (K, 2) [m/s, rad/s] that bring robots at poses (K, 3) along the route by their plans."""
    held = plans.until > time_s + 1e-9
    speeds, offsets = np.where(held, plans.speeds, limits.vx_max), np.where(held, plans.offsets, 0.0)
    return pursue(poses, route, speeds, offsets, limits, lookahead)


@dataclass
class Oracle:
    """Drives a batch of robots, each by looks into its own future. `commands` is asked every CONTROL steps."""

    config: OracleConfig
    scenario: Scenario
    profile: RobotProfile
    absent: World  # the same worlds without the robot, at the same moment
    route: Route
    chosen: Plans

    @staticmethod
    def begin(
        config: OracleConfig, scenario: Scenario, profile: RobotProfile, seeds: Sequence[int], humans: str
    ) -> Oracle:
        """An oracle for the worlds of these seeds, at their beginning."""
        absent = World(scenario, profile, seeds, False, humans, gait=False)
        route = RoutePlanner(scenario.floor, profile.radius).plan(scenario.robot_start[:2], scenario.robot_goal[:2])
        return Oracle(config, scenario, profile, absent, route, Plans(*np.zeros((3, len(seeds)))))

    def commands(self, world: World, going: NDArray[np.intp]) -> Floats:
        """What to tell the robots of the worlds number `going` (K,) of the batch, (K, 2) [m/s, rad/s]."""
        while self.absent.steps < world.steps:
            self.absent.step()
        if world.steps % round(self.config.renew / world.dt) == 0:
            self._look(world, going)
        return self._steer(world.poses[going], self.chosen.of(going), world.time_s)

    def _steer(self, poses: Array, plans: Plans, time_s: float) -> Floats:
        return steer(np.asarray(poses), plans, time_s, self.route, self.profile.limits, self.config.lookahead)

    def _look(self, world: World, going: NDArray[np.intp]) -> None:
        """Choose anew for the worlds `going`."""
        tried = self._family(world.time_s, going)
        count = len(tried.offsets) // len(going)
        futures = world.take(np.repeat(going, count).tolist())
        futures.contacts = [[] for _ in futures.contacts]
        without, arrived = self.absent.take(going.tolist()), np.full(len(tried.offsets), np.inf)
        peaks = np.zeros(futures.crowd.positions.shape[:-1])
        steps = round(self.config.horizon / world.dt)
        for t in range(steps):
            told = self._steer(futures.poses, tried, futures.time_s) if t % CONTROL == 0 else None
            if told is not None:
                told[np.isfinite(arrived)] = 0.0
            futures.step(told)
            without.step()
            apart = futures.crowd.positions - np.repeat(without.crowd.positions, count, axis=0)
            peaks = np.fmax(peaks, np.hypot(apart[..., 0], apart[..., 1]))
            arrived = np.minimum(arrived, np.where(futures.reached, (t + 1) * world.dt, np.inf))
        left = self.route.remaining(np.asarray(futures.poses[:, :2])) / self.profile.limits.vx_max
        time_to_go = np.where(np.isfinite(arrived), arrived, self.config.horizon + left)
        moved = peaks.mean(axis=-1) if peaks.shape[-1] else np.zeros(len(peaks))
        touched = np.array([len(contacts) > 0 for contacts in futures.contacts])
        cost = time_to_go + self.config.weight * moved + self.config.touch_cost * touched
        best = np.arange(len(going)) * count + np.argmin(cost.reshape(len(going), count), axis=1)
        for mine, theirs in zip(
            (self.chosen.offsets, self.chosen.speeds, self.chosen.until),
            (tried.offsets, tried.speeds, tried.until),
            strict=True,
        ):
            mine[going] = theirs[best]

    def _family(self, now: float, going: NDArray[np.intp]) -> Plans:
        """The plans tried in each of the worlds, (worlds * plans,): the one in force, then every combination."""
        config = self.config
        grid = [
            (offset, speed * self.profile.limits.vx_max, now + hold)
            for offset in config.offsets
            for speed in config.speeds
            for hold in config.holds
            if speed > 0.0 or offset == 0.0  # who stands has no offset
        ]
        tried = np.broadcast_to(np.array(grid), (len(going), len(grid), 3))
        kept = np.stack([self.chosen.offsets[going], self.chosen.speeds[going], self.chosen.until[going]], axis=-1)
        offsets, speeds, until = np.moveaxis(np.concatenate([kept[:, None], tried], axis=1), -1, 0)
        return Plans(offsets.reshape(-1), speeds.reshape(-1), until.reshape(-1))
