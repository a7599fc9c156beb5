"""Model predictive path integral control with the critics of Nav2's controller, which know people as obstacles.

G. Williams, A. Aldrich, E. A. Theodorou, "Model predictive path integral control: from theory to parallel
computation", JGCD 40(2) (2017): sequences of velocities are drawn around the last answer, rolled out, charged, and
averaged with weights exp(-cost / temperature). Critics, weights and thresholds are those that Nav2 ships. As there,
samples may exceed the base's speeds, which a critic charges, and only their mean is cut off: were the samples cut
off themselves, their mean could never reach the greatest speed. The goal's yaw is left out, which no planner here is
asked for, and steps are fewer and longer: the horizon of 2.8 s is the same.

Arrays of roll-outs are (T, K): time first, so that one step of all samples lies together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.baselines.costmap import INSCRIBED, LETHAL, Costmap, InflationConfig
from sac_son_nav.baselines.detour import Bending
from sac_son_nav.baselines.following import heading_error
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Command, Floats, Observation

Singles = NDArray[np.float32]

SPACING = 0.05  # [m] between the points of the way that critics look at: a cell of Nav2's costmap
SMOOTHING = np.array([-3.0, 12.0, 17.0, 12.0, -3.0]) / 35.0  # Savitzky and Golay 1964: quadratic over five points


@dataclass(frozen=True)
class MppiConfig:
    """Names as in Nav2 where it has one."""

    batch_size: int = 300  # Nav2: 2000
    time_steps: int = 28  # Nav2: 56 of 0.05 s
    model_dt: float = 0.1  # [s]
    vx_std: float = 0.2  # [m/s]
    wz_std: float = 0.4  # [rad/s]
    temperature: float = 0.3
    gamma: float = 0.015  # of the price on leaving the last answer
    constraint_weight: float = 4.0  # per metre that a sample drives beyond the base's speeds
    forward_weight: float = 5.0  # per metre backwards
    cost_weight: float = 3.81  # of a roll-out that is lethal throughout
    collision_cost: float = 1e6
    near_goal_distance: float = 1.0  # [m] to the goal within which being near obstacles costs nothing
    goal_weight: float = 5.0
    goal_threshold: float = 1.4  # [m] to the goal within which it draws, and the way no longer does
    align_weight: float = 14.0
    align_offset: float = 1.0  # [m] of the way that some sample has to reach for it to matter
    align_occupied: float = 0.05  # share of that stretch taken by obstacles above which it does not
    follow_weight: float = 5.0
    follow_offset: float = 0.25  # [m] beyond the furthest place reached
    angle_weight: float = 2.0
    angle_offset: float = 0.2  # [m] beyond the furthest place reached
    angle_most: float = 1.0  # [rad] below which the angle to the way does not matter
    path_threshold: float = 0.5  # [m] to the goal within which the direction of travel does not matter
    lookahead_time: float = 2.0  # [s] of the answer that has to be free
    reverse: bool = False  # drive backward too, as far as the base can
    inflation: InflationConfig = field(default_factory=InflationConfig)

    def __post_init__(self) -> None:
        if self.batch_size < 2 or self.time_steps < 2:
            raise ConfigError(f"mppi: expected 2 samples and steps at least, got {self.batch_size}, {self.time_steps}")
        if not (self.temperature > 0.0 and self.model_dt > 0.0 and self.vx_std > 0.0 and self.wz_std > 0.0):
            raise ConfigError(
                "mppi: expected a temperature, a step and deviations above zero, got "
                f"{self.temperature}, {self.model_dt}, {self.vx_std} and {self.wz_std}"
            )


class Mppi(Bending):
    """Drives by the weighted mean of its samples."""

    def __init__(self, config: MppiConfig, radius: float, limits: BaseLimits, seed: int = 0) -> None:
        super().__init__(radius, limits, config.reverse)
        self.config, self.random = config, np.random.default_rng(seed)
        self.costs = Costmap(None, radius, config.inflation)
        self._forget()

    def set_map(self, floor: OccupancyMap | None) -> None:
        """As the follower's, and what it costs to be near its walls."""
        super().set_map(floor)
        self.costs = Costmap(floor, self.radius, self.config.inflation)

    def set_goal(self, pose: Floats | None) -> None:
        """As the follower's; the last answer is forgotten."""
        super().set_goal(pose)
        self._forget()

    def _forget(self) -> None:
        self._answer = np.zeros((2, self.config.time_steps), dtype=np.float32)
        self._told = np.zeros((2, 2), dtype=np.float32)  # the last two commands

    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        limits, route = self.limits, self.way_round(observation, route)
        answer = self._answered(observation, route)
        if answer is None:  # once more, around standing
            self._forget()
            answer = self._answered(observation, route)
        if answer is None:
            self._forget()
            return Command(), "blocked"
        self._told = np.stack([self._told[:, 1], answer[:, 0]], axis=1)
        self._answer = np.concatenate([answer[:, 1:], answer[:, -1:]], axis=1)
        # Single precision may round the greatest speed up.
        forward, turn = float(answer[0, 0]), float(answer[1, 0])
        return Command(min(forward, limits.vx_max), min(max(turn, -limits.wz_max), limits.wz_max)), "driving"

    def _answered(self, observation: Observation, route: Route) -> Singles | None:
        """Velocities (2, T) from one round of sampling around the last answer; None where all samples hit something,
        or their mean does: it may lead between two ways round somebody, into them."""
        config, robot, limits = self.config, observation.robot, self.limits
        spread = np.array([config.vx_std, config.wz_std], dtype=np.float32)[:, None, None]
        shape = (2, config.time_steps, config.batch_size)
        noise = spread * self.random.standard_normal(shape, dtype=np.float32)
        tried = self._answer[..., None] + noise
        moved = within_accelerations(tried, robot.velocity, limits, config.model_dt)
        x, y, yaw = roll_out(robot.pose, moved, config.model_dt)
        near = self.costs.near(observation.tracks.positions, robot.pose[:2], 1.3 * self._reach)
        cost, hit = self._charge(x, y, yaw, moved[0], robot.pose, near, route)
        if hit.all():
            return None
        # The price on leaving the last answer (Williams et al. 2017), with a factor of its own as in Nav2.
        cost += config.gamma * ((self._answer[..., None] / spread**2) * noise).sum(axis=(0, 1))
        weight = np.exp(-(cost - cost.min()) / np.float32(config.temperature))
        answer = self._smoothed(tried @ (weight / weight.sum()))
        np.clip(answer[0], limits.vx_min, limits.vx_max, out=answer[0])
        np.clip(answer[1], -limits.wz_max, limits.wz_max, out=answer[1])
        answer = within_accelerations(answer[..., None], robot.velocity, limits, config.model_dt)
        steps = min(config.time_steps, round(config.lookahead_time / config.model_dt))
        x, y, _ = roll_out(robot.pose, answer[:, :steps], config.model_dt)
        return None if (self.costs.room(x, y, near) <= self.radius).any() else answer[..., 0]

    @property
    def _reach(self) -> float:
        """How far the base gets within the horizon [m]."""
        return self.limits.vx_max * self.config.time_steps * self.config.model_dt

    def _smoothed(self, answer: Singles) -> Singles:
        """The mean of the samples (2, T) without its jitter: a quadratic filter over it and the last commands."""
        ends = np.repeat(answer[:, -1:], 2, axis=1)
        long = np.concatenate([self._told, answer, ends], axis=1)
        return np.stack([np.convolve(row, SMOOTHING, mode="valid") for row in long]).astype(np.float32)

    def _charge(
        self, x: Singles, y: Singles, yaw: Singles, v: Singles, pose: Floats, near: Floats, route: Route
    ) -> tuple[Singles, NDArray[np.bool_]]:
        """The critics' sum (K,) for roll-outs x, y, yaw, v (T, K), and which of them hit something, (K,)."""
        config, place = self.config, float(route.project(pose[:2])[0])
        left = route.length - place
        total, hit = self._obstacles(x[1::2], y[1::2], near, left)
        beyond = np.maximum(v - self.limits.vx_max, 0.0) + np.maximum(self.limits.vx_min - v, 0.0)
        total += config.constraint_weight * config.model_dt * beyond.sum(axis=0)
        if left >= config.path_threshold:
            total += config.forward_weight * config.model_dt * np.maximum(-v, 0.0).sum(axis=0)
        if left <= config.goal_threshold:
            assert self.goal is not None
            away = np.hypot(x - np.float32(self.goal[0]), y - np.float32(self.goal[1]))
            total += config.goal_weight * away.mean(axis=0)
        if left >= config.path_threshold:
            line, _ = route.at(np.arange(place, min(place + 1.3 * self._reach + 0.5, route.length) + 1e-9, SPACING))
            total += self._along(x, y, yaw, pose, line.astype(np.float32), near, left)
        return total, hit

    def _obstacles(self, x: Singles, y: Singles, people: Floats, left: float) -> tuple[Singles, NDArray[np.bool_]]:
        """What being near obstacles costs (K,), `left` [m] before the goal, and who hits one, (K,)."""
        config = self.config
        cells = self.costs.cost(self.costs.room(x, y, people))
        hit = np.asarray((cells >= INSCRIBED).any(axis=0))
        each = np.where(hit, config.collision_cost, 0.0 if left < config.near_goal_distance else cells.sum(axis=0))
        return (config.cost_weight / LETHAL / len(x) * each).astype(np.float32), hit

    def _along(
        self, x: Singles, y: Singles, yaw: Singles, pose: Floats, line: Singles, people: Floats, left: float
    ) -> Singles:
        """What the three critics of the way make of roll-outs (T, K), (K,); line (M, 2) is the way before the robot.

        How far along it the best of them gets decides which points of it all of them are held against.
        """
        config, last = self.config, len(line) - 1
        lx, ly = np.ascontiguousarray(line[:, 0]), np.ascontiguousarray(line[:, 1])
        free = self.costs.room(lx, ly, people) >= self.radius
        ends = (x[-1][:, None] - lx) ** 2 + (y[-1][:, None] - ly) ** 2
        furthest = int(ends.argmin(axis=1).max())
        total = np.zeros(x.shape[1], dtype=np.float32)
        if left >= config.goal_threshold:
            ahead = min(furthest + round(config.follow_offset / SPACING), last)
            while ahead < last and not free[ahead]:  # past whoever stands on the way, not into them
                ahead += 1
            total += config.follow_weight * np.hypot(x[-1] - lx[ahead], y[-1] - ly[ahead])
        taken = np.cumsum(~free[:furthest])
        if furthest * SPACING >= config.align_offset and not taken[-1] > max(config.align_occupied * furthest, 2):
            sx, sy = x[1::2], y[1::2]
            step = np.hypot(
                np.diff(sx, axis=0, prepend=np.float32(pose[0])), np.diff(sy, axis=0, prepend=np.float32(pose[1]))
            )
            index = np.minimum((np.cumsum(step, axis=0) / SPACING + 0.5).astype(np.int32), furthest - 1)
            aside, counts = np.hypot(sx - lx[index], sy - ly[index]), free[index]
            total += config.align_weight * (aside * counts).sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
        ahead = min(furthest + round(config.angle_offset / SPACING), last)
        if abs(float(heading_error(pose, line[ahead] - pose[:2])[0])) > config.angle_most:
            wrong = np.arctan2(ly[ahead] - y[-1], lx[ahead] - x[-1]) - yaw[-1]
            total += config.angle_weight * np.abs(wrong - 2.0 * np.pi * np.round(wrong / (2.0 * np.pi)))
        return total


def within_accelerations(wanted: Singles, velocity: Floats, limits: BaseLimits, dt: float) -> Singles:
    """What a base that moves at `velocity` (2,) makes of the velocities (2, T, K) wanted of it every `dt` [s]."""
    moved = np.empty_like(wanted)
    up, down = np.float32(limits.acceleration * dt), np.float32(limits.deceleration * dt)
    turn = np.float32(limits.angular_acceleration * dt)
    v = np.full(wanted.shape[2], velocity[0], dtype=np.float32)
    w = np.full(wanted.shape[2], velocity[1], dtype=np.float32)
    for t in range(wanted.shape[1]):
        v = np.minimum(np.maximum(wanted[0, t], v - down), v + up)
        w = np.minimum(np.maximum(wanted[1, t], w - turn), w + turn)
        moved[0, t], moved[1, t] = v, w
    return moved


def roll_out(pose: Floats, moved: Singles, dt: float) -> tuple[Singles, Singles, Singles]:
    """Places x, y [m] and yaws [rad] (T, K) after each of the velocities (2, T, K) from pose (3,) on."""
    step = np.float32(dt)
    yaw = np.float32(pose[2]) + step * np.cumsum(moved[1], axis=0)
    middle = yaw - 0.5 * step * moved[1]
    x = np.float32(pose[0]) + step * np.cumsum(moved[0] * np.cos(middle), axis=0)
    y = np.float32(pose[1]) + step * np.cumsum(moved[0] * np.sin(middle), axis=0)
    return x, y, yaw
