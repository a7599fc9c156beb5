"""The dynamic window approach with the critics of Nav2's DWB controller, which know people as obstacles.

D. Fox, W. Burgard, S. Thrun, "The dynamic window approach to collision avoidance", IEEE RAM 4(1) (1997): of the
velocities that the base can have, the one whose arc is free and ends best. As in Nav2's standard generator the window
is what the base reaches within the time that is looked ahead, and arcs are driven with its accelerations. Critics and
their scales are those that Nav2 ships, save the goal's yaw, which no planner here is asked for. Nav2 reads distances
off a grid of the local costmap, in steps along its axes; here they are Euclidean and taken from the way itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.baselines.costmap import INSCRIBED, Costmap, InflationConfig
from sac_son_nav.baselines.detour import Bending
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Command, Floats, Observation

Singles = NDArray[np.float32]

HALF = 0.5  # Nav2 halves the scales of distances


@dataclass(frozen=True)
class DynamicWindowConfig:
    """Names as in Nav2 where it has one."""

    vx_samples: int = 20
    vtheta_samples: int = 20  # and straight on
    sim_time: float = 1.7  # [s] looked ahead
    linear_granularity: float = 0.05  # [m] between the places of the fastest arc that are looked at, at most
    base_obstacle_scale: float = 0.02
    path_align_scale: float = 32.0
    goal_align_scale: float = 24.0
    path_dist_scale: float = 32.0
    goal_dist_scale: float = 24.0
    forward_point_distance: float = 0.1  # [m] before the base, where alignment is measured
    window: float = 1.5  # [m]: the way is looked at as far as this, half a local costmap
    oscillation_reset_dist: float = 0.05  # [m] after which the robot may turn the other way again
    oscillation_reset_angle: float = 0.2  # [rad], likewise
    x_only_threshold: float = 0.05  # [m/s] up to which turning is turning on the spot
    reverse: bool = False  # drive backward too, as far as the base can
    inflation: InflationConfig = field(default_factory=InflationConfig)

    def __post_init__(self) -> None:
        if self.vx_samples < 2 or self.vtheta_samples < 2:
            raise ConfigError(
                "dynamic window: expected 2 samples of each velocity at least, got "
                f"{self.vx_samples} and {self.vtheta_samples}"
            )
        if not (self.sim_time > 0.0 and self.linear_granularity > 0.0):
            raise ConfigError(
                "dynamic window: expected a time and a granularity above zero, got "
                f"{self.sim_time} and {self.linear_granularity}"
            )


class DynamicWindow(Bending):
    """Drives by the best of its samples."""

    def __init__(self, config: DynamicWindowConfig, radius: float, limits: BaseLimits, seed: int = 0) -> None:
        """`seed` changes nothing: nothing is drawn by lot."""
        super().__init__(radius, limits, config.reverse)
        self.config = config
        self.costs = Costmap(None, radius, config.inflation)
        self._turns = TurningTrend()

    def set_map(self, floor: OccupancyMap | None) -> None:
        """As the follower's, and what it costs to be near its walls."""
        super().set_map(floor)
        self.costs = Costmap(floor, self.radius, self.config.inflation)

    def set_goal(self, pose: Floats | None) -> None:
        """As the follower's; which way it turned last is forgotten."""
        super().set_goal(pose)
        self._turns = TurningTrend()

    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        pose, config = observation.robot.pose, self.config
        route = self.way_round(observation, route)
        v, w = window(observation.robot.velocity, self.limits, config)
        x, y, yaw = arcs(pose, observation.robot.velocity, v, w, self.limits, config)
        near = self.costs.near(observation.tracks.positions, pose[:2], self.limits.vx_max * config.sim_time)
        cells = self.costs.cost(self.costs.room(x, y, near))  # (T, V, W)
        legal = (cells < INSCRIBED).all(axis=0)
        if self._turns.only:
            legal &= w * self._turns.only >= 0.0
        if not legal.any():
            return Command(), "blocked"
        score = config.base_obstacle_scale * cells[-1] + self._distances(x[-1], y[-1], yaw[-1], pose, route)
        i, j = np.unravel_index(int(np.argmin(np.where(legal, score, np.inf))), legal.shape)
        limits = self.limits
        command = Command(min(float(v[i]), limits.vx_max), min(max(float(w[j]), -limits.wz_max), limits.wz_max))
        self._turns.note(command, pose, config)
        return command, "driving"

    def _distances(self, x: Singles, y: Singles, yaw: Singles, pose: Floats, route: Route) -> Floats:
        """What the four critics of path and goal make of the ends (V, W) of the arcs, (V, W)."""
        config, ahead = self.config, np.float32(self.config.forward_point_distance)
        place = float(route.project(pose[:2])[0])
        near = route.stretch(place, 0.5, config.window + 0.5)
        goal, _ = route.at(np.asarray(min(place + config.window, route.length)))
        # The nose is drawn to where it will be when the base is at the goal.
        offset = goal - pose[:2]
        nose_goal = goal + ahead * offset / max(float(np.hypot(offset[0], offset[1])), 1e-9)
        noses = x + ahead * np.cos(yaw), y + ahead * np.sin(yaw)
        total = np.zeros(x.shape)
        for (px, py), to, path_scale, goal_scale in (
            ((x, y), goal, config.path_dist_scale, config.goal_dist_scale),
            (noses, nose_goal, config.path_align_scale, config.goal_align_scale),
        ):
            total += HALF * path_scale * np.asarray(near.project(np.stack([px, py], axis=-1))[1])
            total += HALF * goal_scale * np.hypot(px - np.float32(to[0]), py - np.float32(to[1]))
        return total


class TurningTrend:
    """Which way a robot that hardly moves may turn: who turned back once must not turn back again before the robot
    has moved or turned on. `only` is 1 where it may only turn left, -1 right, 0 either way."""

    def __init__(self) -> None:
        self.only, self._sign, self._flipped_at = 0, 0, np.zeros(3)

    def note(self, command: Command, pose: Floats, config: DynamicWindowConfig) -> None:
        """The robot at pose (3,) was told this."""
        sign = int(np.sign(command.angular))
        if abs(command.linear) <= config.x_only_threshold and sign:
            if self._sign == -sign:
                self.only, self._flipped_at = sign, pose.copy()
            self._sign = sign
        if self.only:
            moved = float(np.hypot(*(pose[:2] - self._flipped_at[:2])))
            turned = abs(float(np.angle(np.exp(1j * (pose[2] - self._flipped_at[2])))))
            if moved > config.oscillation_reset_dist or turned > config.oscillation_reset_angle:
                self.only, self._sign = 0, 0


def window(velocity: Floats, limits: BaseLimits, config: DynamicWindowConfig) -> tuple[Singles, Singles]:
    """The velocities forward (V,) [m/s] and turning (W,) [rad/s] that a base that moves at `velocity` (2,) reaches
    within the time that is looked ahead; straight on is among them where it is within reach."""
    low = max(limits.vx_min, float(velocity[0]) - limits.deceleration * config.sim_time)
    high = min(limits.vx_max, float(velocity[0]) + limits.acceleration * config.sim_time)
    turn_by = limits.angular_acceleration * config.sim_time
    right, left = (np.clip(float(velocity[1]) + d, -limits.wz_max, limits.wz_max) for d in (-turn_by, turn_by))
    turn = np.linspace(right, left, config.vtheta_samples)
    turn = np.append(turn, np.clip(0.0, right, left))
    return np.linspace(low, max(high, low), config.vx_samples, dtype=np.float32), turn.astype(np.float32)


def arcs(
    pose: Floats, velocity: Floats, v: Singles, w: Singles, limits: BaseLimits, config: DynamicWindowConfig
) -> tuple[Singles, Singles, Singles]:
    """Places x, y [m] (T, V, W) and yaws [rad] (T, 1, W) of bases that go from pose (3,) and `velocity` (2,) to
    velocities v (V,), w (W,) as fast as they can."""
    steps = max(1, int(np.ceil(limits.vx_max * config.sim_time / config.linear_granularity)))
    dt = np.float32(config.sim_time / steps)
    at = (dt * np.arange(steps + 1, dtype=np.float32))[:, None]
    v0, w0 = np.float32(velocity[0]), np.float32(velocity[1])
    forward = np.clip(v, v0 - np.float32(limits.deceleration) * at, v0 + np.float32(limits.acceleration) * at)
    swing = np.float32(limits.angular_acceleration) * at
    turn = np.clip(w, w0 - swing, w0 + swing)
    forward, turn = 0.5 * (forward[1:] + forward[:-1]), 0.5 * (turn[1:] + turn[:-1])  # over each step
    yaw = np.float32(pose[2]) + dt * np.cumsum(turn, axis=0)
    middle = yaw - 0.5 * dt * turn
    step = (dt * forward)[:, :, None]
    x = np.float32(pose[0]) + np.cumsum(step * np.cos(middle)[:, None, :], axis=0)
    y = np.float32(pose[1]) + np.cumsum(step * np.sin(middle)[:, None, :], axis=0)
    return x, y, yaw[:, None, :]
