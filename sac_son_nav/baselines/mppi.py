"""Model predictive path integral control with the critics of Nav2's controller, which know people as obstacles.

G. Williams, A. Aldrich, E. A. Theodorou, "Model predictive path integral control: from theory to parallel
computation", JGCD 40(2) (2017): sequences of velocities are drawn around the last answer, rolled out, charged, and
averaged with weights exp(-cost / temperature). Critics, their weights and thresholds are those of Nav2's MPPI
controller as it ships, without the goal's yaw, which no planner here is asked for, and with fewer and longer steps:
the horizon of 2.8 s is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sac_son_nav.baselines.costmap import LETHAL, Costmap, InflationConfig
from sac_son_nav.baselines.detour import Bending
from sac_son_nav.baselines.following import heading_error
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Command, Floats, Observation

SPACING = 0.1  # [m] between the points of the way that critics look at


@dataclass(frozen=True)
class MppiConfig:
    """Names as in Nav2 where it has one."""

    batch_size: int = 300
    time_steps: int = 28
    model_dt: float = 0.1  # [s]
    vx_std: float = 0.2  # [m/s]
    wz_std: float = 0.4  # [rad/s]
    temperature: float = 0.3
    gamma: float = 0.015  # of the price on leaving the last answer
    cost_weight: float = 3.81
    critical_cost: float = 300.0
    collision_cost: float = 1e6
    goal_weight: float = 5.0
    goal_threshold: float = 1.4  # [m] from the goal within which it draws, and the way no longer does
    align_weight: float = 10.0
    align_threshold: float = 0.5  # [m]
    follow_weight: float = 5.0
    follow_offset: int = 6  # points of the way beyond the furthest reached
    angle_weight: float = 2.0
    angle_offset: int = 4
    angle_most: float = 0.785  # [rad] below which the angle to the way does not matter
    inflation: InflationConfig = field(default_factory=InflationConfig)

    def __post_init__(self) -> None:
        if self.batch_size < 2 or self.time_steps < 2:
            raise ConfigError(f"mppi: expected 2 samples and steps at least, got {self.batch_size}, {self.time_steps}")


class Mppi(Bending):
    """Drives by the weighted mean of its samples."""

    def __init__(self, config: MppiConfig, radius: float, limits: BaseLimits, seed: int = 0) -> None:
        super().__init__(radius, limits)
        self.config, self.random = config, np.random.default_rng(seed)
        self.costs = Costmap(None, radius, config.inflation)
        self._answer = np.zeros((config.time_steps, 2), dtype=np.float32)

    def set_map(self, floor: OccupancyMap | None) -> None:
        """As the follower's, and what it costs to be near its walls."""
        super().set_map(floor)
        self.costs = Costmap(floor, self.radius, self.config.inflation)

    def set_goal(self, pose: Floats | None) -> None:
        """As the follower's; the last answer is forgotten."""
        super().set_goal(pose)
        self._answer[:] = 0.0

    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        config, limits = self.config, self.limits
        pose, route = observation.robot.pose, self.way_round(observation, route)
        spread = np.array([config.vx_std, config.wz_std], dtype=np.float32)
        noise = spread * self.random.standard_normal((config.batch_size, config.time_steps, 2), dtype=np.float32)
        tried = self._answer + noise
        np.clip(tried[..., 0], limits.vx_min, limits.vx_max, out=tried[..., 0])
        np.clip(tried[..., 1], -limits.wz_max, limits.wz_max, out=tried[..., 1])
        x, y, yaw = self._roll_out(pose, tried)
        cost, hit = self._charge(x, y, yaw, pose, route, observation.tracks.positions)
        if hit.all():  # nothing is free: stand, and draw around standing
            self._answer[:] = 0.0
            return Command(), "blocked"
        cost = cost + config.gamma * np.sum((self._answer / spread**2) * noise, axis=(1, 2))
        weight = np.exp(-(cost - cost.min()) / config.temperature)
        answer = np.tensordot(weight / weight.sum(), tried, axes=(0, 0))
        told = answer[0]
        self._answer = np.concatenate([answer[1:], answer[-1:]]).astype(np.float32)
        return Command(min(float(told[0]), limits.vx_max), float(told[1])), "driving"

    def _roll_out(self, pose: Floats, tried: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places x, y and yaws (K, T) after each of the velocities (K, T, 2), of a base that follows at once."""
        dt = np.float32(self.config.model_dt)
        yaw = np.float32(pose[2]) + dt * np.cumsum(tried[..., 1], axis=1)
        x = np.float32(pose[0]) + dt * np.cumsum(tried[..., 0] * np.cos(yaw), axis=1)
        y = np.float32(pose[1]) + dt * np.cumsum(tried[..., 0] * np.sin(yaw), axis=1)
        return x, y, yaw

    def _charge(
        self, x: np.ndarray, y: np.ndarray, yaw: np.ndarray, pose: Floats, route: Route, people: Floats
    ) -> tuple[np.ndarray, np.ndarray]:
        """The critics' sum (K,) for each roll-out, and which of them hit something, (K,)."""
        config, reach = self.config, self.limits.vx_max * self.config.time_steps * self.config.model_dt
        near = self.costs.near(people, pose[:2], reach)
        every = slice(1, None, 2)
        cells = self.costs.cost(self.costs.room(x[:, every], y[:, every], near))
        hit = (cells >= LETHAL).any(axis=1)
        total = config.cost_weight / LETHAL * cells.mean(axis=1) * cells.shape[1] / 10.0
        total = total + config.collision_cost * hit
        assert self.goal is not None
        if float(np.hypot(*(self.goal[:2] - pose[:2]))) < config.goal_threshold:
            away = np.hypot(x - np.float32(self.goal[0]), y - np.float32(self.goal[1]))
            return np.asarray(total + config.goal_weight * away.mean(axis=1)), np.asarray(hit)
        place = float(route.project(pose[:2])[0])
        line, _ = route.at(np.arange(place, min(place + reach + 1.5, route.length) + 1e-9, SPACING))
        lx, ly = line[:, 0].astype(np.float32), line[:, 1].astype(np.float32)
        # How far along the way each roll-out gets decides which points of it the others are held against.
        ends = (x[:, -1, None] - lx) ** 2 + (y[:, -1, None] - ly) ** 2
        furthest = int(np.argmin(ends, axis=1).max())
        ahead = min(furthest + config.follow_offset, len(lx) - 1)
        total = total + config.follow_weight * np.sqrt((x[:, -1] - lx[ahead]) ** 2 + (y[:, -1] - ly[ahead]) ** 2)
        if furthest * SPACING > config.align_threshold:
            some = slice(3, None, 4)
            before_x, before_y = np.float32(pose[0]), np.float32(pose[1])
            step = np.hypot(np.diff(x, axis=1, prepend=before_x), np.diff(y, axis=1, prepend=before_y))
            index = np.minimum((np.cumsum(step, axis=1)[:, some] / SPACING + 0.5).astype(np.int32), len(lx) - 1)
            aside = np.hypot(x[:, some] - lx[index], y[:, some] - ly[index])
            total = total + config.align_weight * aside.mean(axis=1)
        point = min(furthest + config.angle_offset, len(lx) - 1)
        towards = line[point] - pose[:2]
        wrong, _ = heading_error(pose, towards)
        if abs(float(wrong)) > config.angle_most:
            turned = np.arctan2(towards[1], towards[0]).astype(np.float32) - yaw[:, -1]
            turned = np.abs(turned - 2.0 * np.pi * np.round(turned / (2.0 * np.pi)))
            total = total + config.angle_weight * turned
        return np.asarray(total), np.asarray(hit)
