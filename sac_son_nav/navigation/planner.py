"""Candidates: many ways of going on for the next seconds, as velocities the base can really have.

Three families. *Followers* keep beside the route at an offset, at a speed profile (steady, late, early stop), by
pure pursuit. *Variations* shake the last plan, so a good one is kept and polished. *Brakes* stop, straight or
turning, and are always there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.kinematics import BaseLimits, limit_velocity, rollout, unicycle_step
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Floats


@dataclass(frozen=True)
class PlannerConfig:
    """How far and how densely the planner looks."""

    horizon: float = 5.0  # [s]
    step: float = 0.25  # [s]
    variations: int = 32
    lookahead: float = 0.9  # [m] of the pure pursuit
    offsets: tuple[float, ...] = (0.0, 0.35, -0.35, 0.75, -0.75, 1.2, -1.2)  # [m] beside the route, left positive
    linear_spread: float = 0.12  # [m/s], standard deviation of a variation
    angular_spread: float = 0.25  # [rad/s]

    def __post_init__(self) -> None:
        if not 0.0 < self.step <= self.horizon:
            raise ConfigError(f"planner: expected 0 < step <= horizon, got step {self.step}, horizon {self.horizon}")
        if self.variations < 0 or not self.offsets:
            raise ConfigError(
                f"planner: expected variations >= 0 and an offset at least, got {self.variations}, {self.offsets}"
            )

    @property
    def steps(self) -> int:
        """Number of steps T in a plan."""
        return round(self.horizon / self.step)


# Share of full speed over the horizon's thirds.
_PROFILES = np.array(
    [
        [1.0, 1.0, 1.0],
        [0.6, 0.6, 0.6],
        [0.3, 0.3, 0.3],
        [0.0, 1.0, 1.0],
        [0.0, 0.0, 1.0],
        [0.4, 1.0, 1.0],
        [1.0, 0.4, 0.0],
    ]
)


@dataclass(frozen=True)
class Candidates:
    """velocities (K, T, 2) [m/s, rad/s] and the poses (K, T, 3) [m, m, rad] they lead to."""

    velocities: Floats
    poses: Floats


def candidates(
    pose: Floats,
    velocity: Floats,
    route: Route,
    last: Floats | None,
    limits: BaseLimits,
    config: PlannerConfig,
    random: np.random.Generator,
) -> Candidates:
    """Ways to go on from pose (3,) at velocity (2,); `last` (T, 2) is the previous plan, shifted to now, or None."""
    followers = _followers(pose, velocity, route, limits, config)
    wanted = [_brakes(pose, velocity, route, limits, config)]
    if last is not None and config.variations:
        wanted.append(_variations(last, config, random))
    open_loop = _reachable(np.concatenate(wanted), velocity, limits, config.step)
    start = np.broadcast_to(pose, (len(open_loop), 3))
    return Candidates(
        np.concatenate([followers.velocities, open_loop]),
        np.concatenate([followers.poses, rollout(start, open_loop, config.step)]),
    )


def shift(plan: Floats, elapsed: float, step: float) -> Floats:
    """A plan (T, 2) of velocities as it reads `elapsed` [s] later: interpolated, its last value held."""
    times = step * np.arange(len(plan))
    return np.stack([np.interp(times + elapsed, times, plan[:, d]) for d in (0, 1)], axis=-1)


def _followers(pose: Floats, velocity: Floats, route: Route, limits: BaseLimits, config: PlannerConfig) -> Candidates:
    offsets, profiles = (
        a.ravel() for a in np.meshgrid(np.asarray(config.offsets), np.arange(len(_PROFILES)), indexing="ij")
    )
    count = len(offsets)
    shares = _PROFILES[profiles]  # (K, 3)
    poses, velocities = np.empty((count, config.steps, 3)), np.empty((count, config.steps, 2))
    here, moving = np.tile(pose, (count, 1)), np.tile(velocity, (count, 1))
    end = route.points[-1]
    for t in range(config.steps):
        place, _ = route.project(here[:, :2])
        target, direction = route.at(place + config.lookahead)
        left = np.stack([-direction[:, 1], direction[:, 0]], axis=-1)
        to_go = np.linalg.norm(end - here[:, :2], axis=-1)
        # Offsets fade out towards the goal: every follower ends on it.
        target = target + left * (offsets * np.clip(to_go / (2.0 * config.lookahead), 0.0, 1.0))[:, None]
        target = np.where((route.length - place < config.lookahead)[:, None], end, target)
        speed = limits.vx_max * shares[:, t * 3 // config.steps]
        # Arrive, do not overshoot.
        speed = np.minimum(speed, np.sqrt(2.0 * 0.5 * limits.deceleration * np.maximum(to_go - 0.05, 0.0)))
        moving = limit_velocity(_pursue(here, target, speed, limits), moving, limits, config.step)
        here = unicycle_step(here, moving, config.step)
        poses[:, t], velocities[:, t] = here, moving
    return Candidates(velocities, poses)


def _pursue(pose: Floats, target: Floats, speed: Floats, limits: BaseLimits) -> Floats:
    """Velocities (K, 2) of a pure pursuit of target (K, 2) at speed (K,): on the circle through it where it is
    ahead, turning on the spot the more it is aside."""
    offset = target - pose[:, :2]
    distance = np.maximum(np.linalg.norm(offset, axis=-1), 1e-6)
    bearing = np.asarray(wrap_angle(np.arctan2(offset[:, 1], offset[:, 0]) - pose[:, 2]))
    ahead = np.clip(np.cos(bearing), 0.0, 1.0) ** 2
    on_circle = 2.0 * np.sin(bearing) / np.maximum(distance, 0.3) * speed * ahead
    on_the_spot = np.clip(1.5 * bearing, -limits.wz_max, limits.wz_max) * np.where(speed > 0.0, 1.0 - ahead, 0.0)
    return np.stack([speed * ahead, on_circle + on_the_spot], axis=-1)


def _variations(last: Floats, config: PlannerConfig, random: np.random.Generator) -> Floats:
    """The last plan itself and noisy versions of it, (variations, T, 2); the noise changes slowly, on a grid of a
    sixth of the horizon, so that it bends a plan instead of rattling it."""
    knots = 7
    noise = random.standard_normal((config.variations, knots, 2)) * [config.linear_spread, config.angular_spread]
    noise[0] = 0.0
    places = np.linspace(0.0, knots - 1.0, config.steps)
    low = np.minimum(places.astype(int), knots - 2)
    share = (places - low)[:, None]
    varied: Floats = last + noise[:, low] * (1.0 - share) + noise[:, low + 1] * share
    return varied


def _brakes(pose: Floats, velocity: Floats, route: Route, limits: BaseLimits, config: PlannerConfig) -> Floats:
    """Stopping straight, stopping on the present curve, and standing while turning left, right or to the route for
    a second; (5, T, 2)."""
    place, _ = route.project(pose[:2])
    target, _ = route.at(place + config.lookahead)
    bearing = float(wrap_angle(np.arctan2(target[1] - pose[1], target[0] - pose[0]) - pose[2]))
    turns = np.array([0.0, velocity[1], 0.5, -0.5, np.clip(bearing, -limits.wz_max, limits.wz_max)])
    times = config.step * np.arange(config.steps)
    lasts = np.full(len(turns), 1.0)
    lasts[1] = velocity[0] / limits.deceleration  # the curve ends where the motion does
    wanted = np.zeros((len(turns), config.steps, 2))
    wanted[..., 1] = turns[:, None] * (times < lasts[:, None])
    return wanted


def _reachable(wanted: Floats, velocity: Floats, limits: BaseLimits, step: float) -> Floats:
    """What the base makes of the wanted velocities (K, T, 2), starting from velocity (2,)."""
    made, moving = np.empty_like(wanted), np.broadcast_to(velocity, (len(wanted), 2))
    for t in range(wanted.shape[1]):
        moving = limit_velocity(wanted[:, t], moving, limits, step)
        made[:, t] = moving
    return made
