"""The shield: the last word before the base, and it can only slow down.

A command passes if the robot, driving it until it can react again and then braking as hard as it may, keeps
clear of everything the laser sees, people allowed for who walk on towards it meanwhile; or comes no closer to it
than braking at once would (somebody catching up from behind is no reason to stop in front of them). Otherwise the
command is scaled down, keeping its curve, to the fastest that passes; the last of those is braking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import inverse, transform_points
from sac_son_nav.kinematics import BaseLimits, limit_velocity, unicycle_step
from sac_son_nav.states import Command, Floats, Scan

_SCALES = np.linspace(1.0, 0.0, 11)
_SAMPLES = 8  # moments at which the braking path is looked at


@dataclass(frozen=True)
class ShieldConfig:
    """How careful the shield is."""

    margin: float = 0.05  # [m] beside the robot's radius
    reaction: float = 0.25  # [s] a command may stay in force before the next one
    body: float = 0.2  # [m] from a tracked person's centre, within which they can be touched though no laser sees it

    def __post_init__(self) -> None:
        if self.margin < 0.0 or self.reaction <= 0.0 or self.body < 0.0:
            raise ConfigError(
                "shield: expected margin >= 0, reaction > 0 and body >= 0, "
                f"got {self.margin}, {self.reaction}, {self.body}"
            )


@dataclass(frozen=True)
class Verdict:
    """What the shield lets through, and why it is less than was asked; `reason` is empty when it is not."""

    command: Command
    reason: str = ""


def shield(
    wanted: Command,
    velocity: Floats,
    points: Floats,
    point_velocities: Floats,
    radius: float,
    limits: BaseLimits,
    dt: float,
    config: ShieldConfig,
) -> Verdict:
    """The fastest safe share of a command.

    velocity (2,): what the base does now [m/s, rad/s]; points (M, 2) [m] and their velocities (M, 2) [m/s] in
    the base's frame, forward x; dt [s]: the time the base has to take the command up.
    """
    if not (np.isfinite(wanted.linear) and np.isfinite(wanted.angular)):
        return Verdict(Command(), "the command was not a number")
    asked = limit_velocity(wanted.as_array(), velocity, limits, dt)
    if len(points) == 0 or (asked[0] == 0.0 and velocity[0] == 0.0):
        return Verdict(Command(float(asked[0]), float(asked[1])))
    scaled = limit_velocity(_SCALES[:, None] * asked, velocity, limits, dt)  # (S, 2)
    gaps = _spare(scaled, points, point_velocities, radius, limits, config)
    # Where somebody comes too close whatever the robot does, driving on is right unless braking keeps more room.
    best = int(np.argmax(gaps >= min(0.0, float(gaps[-1]))))
    command = Command(float(scaled[best, 0]), float(scaled[best, 1]))
    if best == 0:
        return Verdict(command)
    room = float(np.min(np.linalg.norm(points, axis=-1))) - radius
    deed = "braking" if abs(scaled[best, 0]) <= abs(scaled[-1, 0]) else f"slowed to {100 * _SCALES[best]:.0f} %"
    return Verdict(command, f"{deed} for something {max(room, 0.0):.2f} m away")


def passing(
    wanted: Floats,
    velocity: Floats,
    points: Floats,
    point_velocities: Floats,
    radius: float,
    limits: BaseLimits,
    dt: float,
    config: ShieldConfig,
) -> NDArray[np.bool_]:
    """Which of the commands wanted (K, 2) [m/s, rad/s] `shield` would let through as they are, all at once; the rest
    as there."""
    if len(points) == 0 or len(wanted) == 0:
        return np.ones(len(wanted), dtype=bool)
    made = limit_velocity(np.concatenate([wanted, np.zeros((1, 2))]), velocity, limits, dt)  # the last one brakes
    gaps = _spare(made, points, point_velocities, radius, limits, config)
    turns = (made[:-1, 0] == 0.0) & (velocity[0] == 0.0)
    passes: NDArray[np.bool_] = turns | (gaps[:-1] >= min(0.0, float(gaps[-1])))
    return passes


def sees_behind(scan: Scan, base_from_laser: Floats, radius: float, reach: float = 0.5) -> bool:
    """Whether a sweep covers what a base of that radius [m] would back into within `reach` [m]; then it may reverse.

    `base_from_laser` (3,) is where the laser sits. Covered is a direction with a beam in it, be there a return or not;
    a broken beam (NaN) covers nothing.
    """
    along, across = np.meshgrid([-radius - 0.02, -radius - reach], np.linspace(-1.0, 1.0, 9) * radius, indexing="ij")
    places = np.stack([along, across], axis=-1).reshape(-1, 2)
    seen = np.asarray(transform_points(np.asarray(inverse(base_from_laser)), places))
    beam = (np.arctan2(seen[:, 1], seen[:, 0]) - scan.angle_min) / scan.angle_increment
    turn = 2.0 * np.pi / scan.angle_increment  # beams in a full turn
    nearest = np.rint(beam % turn).astype(int)
    nearest = np.where(nearest >= turn - 0.5, 0, nearest)  # a full turn may begin and end anywhere
    inside = nearest < len(scan.ranges)
    return bool(np.all(inside) and not np.isnan(scan.ranges[nearest]).any())


def _spare(
    velocities: Floats,
    points: Floats,
    point_velocities: Floats,
    radius: float,
    limits: BaseLimits,
    config: ShieldConfig,
) -> Floats:
    """How much more room than the margin is left [m], (K,), after velocities (K, 2) and braking right after them."""
    keep = radius + config.margin
    close = _within_reach(velocities, points, point_velocities, limits, config.reaction, keep)
    return _least_gap(velocities, points[close], point_velocities[close], limits, config.reaction) - keep


def _within_reach(
    velocities: Floats, points: Floats, point_velocities: Floats, limits: BaseLimits, reaction: float, gap: float
) -> NDArray[np.bool_]:
    """Which points (M,) can come within `gap` [m] of the robot at all before it stands; the others decide nothing."""
    fastest = float(np.abs(velocities[:, 0]).max())
    time = reaction + fastest / limits.deceleration
    return np.hypot(*points.T) <= gap + (fastest + np.hypot(*point_velocities.T)) * time + 1e-6


def _least_gap(
    velocities: Floats, points: Floats, point_velocities: Floats, limits: BaseLimits, reaction: float
) -> Floats:
    """Least distance (S,) [m] from the robot's centre to any point while holding each velocity (S, 2) for
    `reaction` [s] and then braking to rest; points move on at their velocities until the last has come to rest."""
    braking = np.abs(velocities[:, 0]) / limits.deceleration  # (S,) seconds
    nearest = np.full(len(velocities), np.inf)  # squared
    x, y, paces_x, paces_y = *points.T, *point_velocities.T
    pose = np.zeros((len(velocities), 3))
    step = (reaction + float(braking.max())) / _SAMPLES
    for k in range(1, _SAMPLES + 1):
        middle = (k - 0.5) * step
        share = np.clip(1.0 - (middle - reaction) / np.maximum(braking, 1e-9), 0.0, 1.0)
        share = np.where(middle <= reaction, 1.0, share)
        pose = unicycle_step(pose, velocities * share[:, None], step)
        ahead = x + paces_x * (k * step) - pose[:, 0, None]  # (S, M)
        aside = y + paces_y * (k * step) - pose[:, 1, None]
        apart = ahead * ahead + aside * aside
        nearest = np.minimum(nearest, apart.min(axis=-1, initial=np.inf))
    return np.sqrt(nearest)
