"""Candidates: many ways of going on for the next seconds, as velocities the base can really have.

Four families. *Followers* keep beside the route at an offset and a speed, hold both for a while, then give them up
for the route itself at full speed, by pure pursuit. *Retreats* make for a place near by, forward or backward, to let
people pass, and stay there or go on after a while; or make for the middle of a gap between people who stand, and go
on behind it. *Variations* shake the last plan, so a good one is kept and polished. *Brakes* stop, straight or turning,
and are always there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import clip, pair
from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.kinematics import BaseLimits, limit_velocity, unicycle_step
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Floats

GAPS, WIDEST, FARTHEST = 4, 2.0, 2.5  # gaps between people: how many, how wide [m], how far [m]
BEHIND = 0.7  # [m] from the middle of a gap to where it is left


@dataclass(frozen=True)
class PlannerConfig:
    """How far and how densely the planner looks."""

    horizon: float = 4.8  # [s]
    step: float = 0.4  # [s]
    variations: int = 32  # of the last plan
    policy_variations: int = 2  # of each of the policy's proposals
    lookahead: float = 0.9  # [m] of the pure pursuit
    offsets: tuple[float, ...] = (0.0, 0.4, -0.4, 0.8, -0.8, 1.3, -1.3, 2.0, -2.0)  # [m] off the route, left positive
    speeds: tuple[float, ...] = (1.0, 0.5)  # of the greatest
    holds: tuple[float, ...] = (1.2, 2.4, 4.8)  # [s] after which offset, speed or wait are given up
    retreats: tuple[float, ...] = (0.6, 1.4)  # [m] to the places it may make way to, all round
    linear_spread: float = 0.12  # [m/s], standard deviation of a variation
    angular_spread: float = 0.25  # [rad/s]

    def __post_init__(self) -> None:
        if not 0.0 < self.step <= self.horizon:
            raise ConfigError(f"planner: expected 0 < step <= horizon, got step {self.step}, horizon {self.horizon}")
        if min(self.variations, self.policy_variations) < 0 or not self.offsets:
            raise ConfigError(
                f"planner: expected variations >= 0 and an offset at least, got {self.variations}, {self.offsets}"
            )

    @property
    def steps(self) -> int:
        """Number of steps T in a plan."""
        return round(self.horizon / self.step)


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
    proposals: Floats | None = None,
    standing: Floats | None = None,
) -> Candidates:
    """Ways to go on from pose (3,) at velocity (2,); `last` (T, 2) is the previous plan, shifted to now, or None. Also
    a policy's `proposals` (M, T, 2), as they are and with a little noise, and between people who are `standing` (N, 2)
    [m], if there are any."""
    gaps = np.zeros((0, 2)) if standing is None else _gaps(pose, route, standing)
    wanted = [_brakes(pose, velocity, route, limits, config)]
    if last is not None and config.variations:
        wanted.append(_variations(last, config, random, config.variations))
    if proposals is not None:
        wanted.extend(_variations(plan, config, random, 1 + config.policy_variations) for plan in proposals)
    intents = _intents(pose, route, limits, config, gaps)
    return _driven(pose, velocity, route, limits, config, intents, np.concatenate(wanted))


def shift(plan: Floats, elapsed: float, step: float) -> Floats:
    """A plan (T, 2) of velocities as it reads `elapsed` [s] later: interpolated, its last value held."""
    times = step * np.arange(len(plan))
    return np.stack([np.interp(times + elapsed, times, plan[:, d]) for d in (0, 1)], axis=-1)


@dataclass(frozen=True)
class _Intents:
    """What a closed-loop candidate wants, each (K,): beside the route by `offset` [m] at `speed` [m/s], or, where
    `makes_way`, to `place` (K, 2) [m] with its front or, where `back`, its tail ahead; until a time [s], then along
    the route."""

    offset: Floats
    speed: Floats
    until: Floats
    makes_way: NDArray[np.bool_]
    back: NDArray[np.bool_]
    place: Floats


def _gaps(pose: Floats, route: Route, standing: Floats) -> Floats:
    """Places (G, 2) [m] straight behind the middles of the nearest gaps between people who are `standing` (N, 2), in
    the direction of the route."""
    first, second = np.triu_indices(len(standing), 1)
    middle, width = 0.5 * (standing[first] + standing[second]), np.hypot(*(standing[first] - standing[second]).T)
    offset = middle - pose[:2]
    distance = np.hypot(*offset.T)
    _, along = route.at(route.project(pose[:2])[0])
    found = (width < WIDEST) & (distance > 0.1) & (distance < FARTHEST) & (offset @ along > 0.0)
    nearest = np.flatnonzero(found)[np.argsort(distance[found])[:GAPS]]
    behind: Floats = middle[nearest] + BEHIND * offset[nearest] / distance[nearest, None]
    return behind


def _intents(pose: Floats, route: Route, limits: BaseLimits, config: PlannerConfig, gaps: Floats) -> _Intents:
    rows = [(offset, speed, hold) for offset in config.offsets for speed in config.speeds for hold in config.holds]
    rows += [(0.0, 0.0, hold) for hold in config.holds]
    table = np.array(rows)
    _, along = route.at(route.project(pose[:2])[0])
    angles = np.arctan2(along[1], along[0]) + np.deg2rad([45.0, 90.0, 135.0, 180.0, -135.0, -90.0, -45.0])
    distance, angle = (a.ravel() for a in np.meshgrid(np.asarray(config.retreats), angles, indexing="ij"))
    places = pose[:2] + distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    behind = np.abs(np.asarray(wrap_angle(angle - pose[2]))) > np.deg2rad(100.0)
    until, reverses = (0.5 * config.horizon, config.horizon), limits.vx_min < 0.0
    away = [(False, place, end) for place in places for end in until]
    away += [(True, place, end) for place in places[behind & reverses] for end in until]
    away += [(False, place, 0.5 * config.horizon) for place in gaps for _ in config.speeds]
    none, some = np.zeros(len(table)), np.ones(len(away))
    some[len(away) - len(gaps) * len(config.speeds) :] = np.tile(config.speeds, len(gaps))
    return _Intents(
        np.concatenate([table[:, 0], np.zeros(len(away))]),
        limits.vx_max * np.concatenate([table[:, 1], some]),
        np.concatenate([table[:, 2], [end for _, _, end in away]]),
        np.concatenate([none, np.ones(len(away))]) > 0.0,
        np.concatenate([none > 0.0, np.array([back for back, _, _ in away], dtype=bool)]),
        np.concatenate([np.zeros((len(table), 2)), np.reshape([place for _, place, _ in away], (-1, 2))]),
    )


def _driven(
    pose: Floats,
    velocity: Floats,
    route: Route,
    limits: BaseLimits,
    config: PlannerConfig,
    wants: _Intents,
    open_loop: Floats,
) -> Candidates:
    """Where followers come to and then the `open_loop` (J, T, 2), all driven at once, as the base can."""
    followers, count = len(wants.offset), len(wants.offset) + len(open_loop)
    poses, velocities = np.empty((count, config.steps, 3)), np.empty((count, config.steps, 2))
    here, moving = np.tile(pose, (count, 1)), np.tile(velocity, (count, 1))
    for t in range(config.steps):
        wanted = _followed(here[:followers], wants, wants.until > t * config.step + 1e-9, route, limits, config)
        moving = limit_velocity(np.concatenate([wanted, open_loop[:, t]]), moving, limits, config.step)
        here = unicycle_step(here, moving, config.step)
        poses[:, t], velocities[:, t] = here, moving
    return Candidates(velocities, poses)


def _followed(
    here: Floats,
    wants: _Intents,
    held: NDArray[np.bool_],
    route: Route,
    limits: BaseLimits,
    config: PlannerConfig,
) -> Floats:
    """What followers at poses `here` (K, 3) want next (K, 2), whose intents still are `held` (K,) or given up."""
    away, end = wants.makes_way & held, route.points[-1]
    place, _ = route.project(here[:, :2])
    target, direction = route.at(place + config.lookahead)
    left = pair(-direction[:, 1], direction[:, 0])
    to_go = np.hypot(end[0] - here[:, 0], end[1] - here[:, 1])
    # Offsets fade out towards the goal: every follower ends on it.
    offset = np.where(held, wants.offset, 0.0) * clip(to_go / (2.0 * config.lookahead), 0.0, 1.0)
    target = np.where((route.length - place < config.lookahead)[:, None], end, target + left * offset[:, None])
    target = np.where(away[:, None], wants.place, target)
    to_go = np.where(away, np.hypot(*(wants.place - here[:, :2]).T), to_go)
    # Arrive, do not overshoot.
    speed = np.minimum(
        np.where(held, wants.speed, limits.vx_max),
        np.sqrt(2.0 * 0.5 * limits.deceleration * np.maximum(to_go - 0.05, 0.0)),
    )
    wanted = _pursue(here, target, speed, away & wants.back, limits)
    wanted[away & (to_go < 0.1)] = 0.0
    return wanted


def _pursue(pose: Floats, target: Floats, speed: Floats, back: NDArray[np.bool_], limits: BaseLimits) -> Floats:
    """Velocities (K, 2) of a pure pursuit of target (K, 2) at speed (K,): on the circle through it where it is
    ahead, turning on the spot the more it is aside. Who goes `back` (K,) does so with the tail ahead."""
    x, y = target[:, 0] - pose[:, 0], target[:, 1] - pose[:, 1]
    distance = np.maximum(np.hypot(x, y), 1e-6)
    bearing = np.asarray(wrap_angle(np.arctan2(y, x) - pose[:, 2] + np.where(back, np.pi, 0.0)))
    ahead = clip(np.cos(bearing), 0.0, 1.0) ** 2
    forward = np.where(back, -np.minimum(speed, -limits.vx_min), speed) * ahead
    on_circle = 2.0 * np.sin(bearing) / np.maximum(distance, 0.3) * np.abs(forward)
    on_the_spot = clip(1.5 * bearing, -limits.wz_max, limits.wz_max) * np.where(speed > 0.0, 1.0 - ahead, 0.0)
    return np.asarray(pair(forward, on_circle + on_the_spot))


def _variations(last: Floats, config: PlannerConfig, random: np.random.Generator, count: int) -> Floats:
    """A plan itself and noisy versions of it, (count, T, 2); the noise changes slowly, on a grid of a
    sixth of the horizon."""
    noise = random.standard_normal((count, 7, 2)) * [config.linear_spread, config.angular_spread]
    noise[0] = 0.0
    varied: Floats = last + slowly(noise, config.steps)
    return varied


def slowly(noise: Floats, steps: int) -> Floats:
    """Noise drawn at some moments (K, M, 2), the first and the last of the horizon among them, at all `steps`
    (K, T, 2): what changes slowly bends a plan instead of rattling it."""
    moments = noise.shape[1]
    places = np.linspace(0.0, moments - 1.0, steps)
    low = np.minimum(places.astype(int), moments - 2)
    share = (places - low)[:, None]
    spread: Floats = noise[:, low] * (1.0 - share) + noise[:, low + 1] * share
    return spread


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
