"""The dynamic window approach with the critics of Nav2's DWB controller, which know people as obstacles.

D. Fox, W. Burgard, S. Thrun, "The dynamic window approach to collision avoidance", IEEE RAM 4(1) (1997): of the
velocities that the base can have after the next control period, each held for a while, the one whose end is best. The
critics and their scales are those that Nav2 ships, save the goal's yaw, which no planner here is asked for. Nav2
measures on a grid of the local costmap; here the same distances are taken from the way and the plan themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sac_son_nav.baselines.costmap import LETHAL, Costmap, InflationConfig
from sac_son_nav.baselines.detour import Bending
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Command, Floats, Observation

HALF = 0.5  # Nav2 halves the scales of distances


@dataclass(frozen=True)
class DynamicWindowConfig:
    """Names as in Nav2 where it has one."""

    vx_samples: int = 20
    vtheta_samples: int = 20
    sim_time: float = 1.7  # [s] for which a velocity is held
    sim_steps: int = 12
    period: float = 0.1  # [s] in which the base can change its velocity
    base_obstacle_scale: float = 0.02
    path_align_scale: float = 32.0
    goal_align_scale: float = 24.0
    path_dist_scale: float = 32.0
    goal_dist_scale: float = 24.0
    forward_point_distance: float = 0.1  # [m] before the base, where alignment is measured
    window: float = 1.5  # [m]: the way is looked at as far as this, half a local costmap
    oscillation_reset_distance: float = 0.05  # [m] after which the robot may turn the other way again
    inflation: InflationConfig = field(default_factory=InflationConfig)

    def __post_init__(self) -> None:
        if self.vx_samples < 2 or self.vtheta_samples < 2 or self.sim_steps < 1:
            raise ConfigError("dynamic window: expected 2 samples of each velocity and a step at least")


class DynamicWindow(Bending):
    """Drives by the best of its samples."""

    def __init__(self, config: DynamicWindowConfig, radius: float, limits: BaseLimits, seed: int = 0) -> None:
        """`seed` changes nothing: nothing is drawn by lot."""
        super().__init__(radius, limits)
        self.config = config
        self.costs = Costmap(None, radius, config.inflation)
        self._turning, self._turned_at = 0.0, np.zeros(2)

    def set_map(self, floor: OccupancyMap | None) -> None:
        """As the follower's, and what it costs to be near its walls."""
        super().set_map(floor)
        self.costs = Costmap(floor, self.radius, self.config.inflation)

    def set_goal(self, pose: Floats | None) -> None:
        """As the follower's; which way it turned last is forgotten."""
        super().set_goal(pose)
        self._turning = 0.0

    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        pose, config = observation.robot.pose, self.config
        route = self.way_round(observation, route)
        v, w = self._samples(observation.robot.velocity)
        times = np.linspace(0.0, config.sim_time, config.sim_steps + 1, dtype=np.float32)[1:]
        x, y, yaw = _arcs(pose, v, w, times)
        near = self.costs.near(observation.tracks.positions, pose[:2], self.limits.vx_max * config.sim_time)
        cells = self.costs.cost(self.costs.room(x, y, near))
        legal = (cells < LETHAL).all(axis=1) & ~self._oscillates(w, pose)
        if not legal.any():
            self._turning = 0.0
            return Command(), "blocked"
        score = config.base_obstacle_scale * cells[:, -1] + self._distances(
            x[:, -1], y[:, -1], yaw[:, -1], pose, route
        )
        best = int(np.argmin(np.where(legal, score, np.inf)))
        self._remember(float(v[best]), float(w[best]), pose)
        return Command(min(float(v[best]), self.limits.vx_max), float(w[best])), "driving"

    def _samples(self, velocity: Floats) -> tuple[np.ndarray, np.ndarray]:
        """Every pair (K,), (K,) of velocities that the base can have after the next period, standing among them."""
        limits, dt = self.limits, self.config.period
        low = max(limits.vx_min, float(velocity[0]) - limits.deceleration * dt)
        high = min(limits.vx_max, float(velocity[0]) + limits.acceleration * dt)
        forward = np.linspace(low, max(high, low), self.config.vx_samples, dtype=np.float32)
        turn_by = limits.angular_acceleration * dt
        left = min(limits.wz_max, float(velocity[1]) + turn_by)
        right = max(-limits.wz_max, float(velocity[1]) - turn_by)
        turn = np.linspace(right, left, self.config.vtheta_samples, dtype=np.float32)
        turn = np.append(turn, np.float32(np.clip(0.0, right, left)))  # straight on is always tried
        v, w = np.meshgrid(forward, turn, indexing="ij")
        return v.reshape(-1), w.reshape(-1)

    def _distances(self, x: np.ndarray, y: np.ndarray, yaw: np.ndarray, pose: Floats, route: Route) -> np.ndarray:
        """What the four critics of path and goal make of the ends of the arcs, (K,)."""
        config = self.config
        place = float(route.project(pose[:2])[0])
        near = route.stretch(place, 0.5, config.window + 0.5)
        goal, _ = route.at(np.asarray(min(place + config.window, route.length)))
        noses = (x + config.forward_point_distance * np.cos(yaw), y + config.forward_point_distance * np.sin(yaw))
        total = np.zeros(len(x))
        for (px, py), path_scale, goal_scale in (
            ((x, y), config.path_dist_scale, config.goal_dist_scale),
            (noses, config.path_align_scale, config.goal_align_scale),
        ):
            points = np.stack([px, py], axis=-1).astype(np.float64)
            total += HALF * path_scale * np.asarray(near.project(points)[1])
            total += HALF * goal_scale * np.hypot(px - goal[0], py - goal[1])
        return total

    def _oscillates(self, w: np.ndarray, pose: Floats) -> np.ndarray:
        """Which samples (K,) turn against the last turn on the spot, before the robot has moved on."""
        moved = float(np.hypot(*(pose[:2] - self._turned_at)))
        if self._turning == 0.0 or moved > self.config.oscillation_reset_distance:
            return np.zeros(len(w), dtype=bool)
        return np.asarray(w * self._turning < -1e-6)

    def _remember(self, v: float, w: float, pose: Floats) -> None:
        if abs(v) < 0.02 and abs(w) > 0.02:
            if self._turning == 0.0:
                self._turning, self._turned_at = float(np.sign(w)), pose[:2].copy()
        elif float(np.hypot(*(pose[:2] - self._turned_at))) > self.config.oscillation_reset_distance:
            self._turning = 0.0


def _arcs(pose: Floats, v: np.ndarray, w: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places x, y and yaws (K, T) at `times` (T,) [s] of bases that hold velocities v, w (K,) from pose (3,) on."""
    start = np.float32(pose[2])
    yaw = start + w[:, None] * times
    half = 0.5 * w[:, None] * times
    chord = v[:, None] * times * np.sinc(half / np.float32(np.pi))
    x = np.float32(pose[0]) + chord * np.cos(start + half)
    y = np.float32(pose[1]) + chord * np.sin(start + half)
    return x, y, yaw
