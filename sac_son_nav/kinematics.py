"""How a differential-drive base moves: exact arcs, and limits on speed and acceleration.

Shapes: velocities are (..., 2) arrays of v [m/s, forward] and w [rad/s, counter-clockwise].
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sac_son_nav.arrays import Array, clip, namespace, pair
from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import wrap_angle


@dataclass(frozen=True)
class BaseLimits:
    """What a base can do. Names follow Nav2's where Nav2 has one."""

    vx_max: float = 0.6  # [m/s]
    vx_min: float = 0.0  # [m/s]; negative allows reversing
    wz_max: float = 1.5  # [rad/s]
    acceleration: float = 0.8  # [m/s^2] while speeding up
    deceleration: float = 2.5  # [m/s^2] while slowing down; the stopping distance rests on it
    angular_acceleration: float = 4.0  # [rad/s^2]

    def __post_init__(self) -> None:
        for name in ("vx_max", "wz_max", "acceleration", "deceleration", "angular_acceleration"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected a positive number, got {getattr(self, name)}")
        if self.vx_min > 0.0:
            raise ConfigError(f"vx_min: expected zero or less, got {self.vx_min}")

    def forward_only(self) -> BaseLimits:
        """The same base when it may not reverse."""
        return replace(self, vx_min=0.0)


def unicycle_step(pose: Array, velocity: Array, dt: float) -> Array:
    """The pose (..., 3) after holding velocity (..., 2) for dt [s], along the exact arc.

    The chord of an arc of angle a = w dt and length v dt is v dt sin(a/2)/(a/2), at yaw + a/2; the quotient's
    Taylor series stands in near a = 0, so there is no branch for gradients to fall through.
    """
    xp = namespace(pose, velocity)
    v, w = velocity[..., 0], velocity[..., 1]
    half = 0.5 * w * dt
    small = xp.abs(half) < 1e-3
    safe = xp.where(small, 1.0, half)
    sinc = xp.where(small, 1.0 - half * half / 6.0, xp.sin(safe) / safe)
    chord, direction = v * dt * sinc, pose[..., 2] + half
    return pair(
        pose[..., 0] + chord * xp.cos(direction),
        pose[..., 1] + chord * xp.sin(direction),
        wrap_angle(pose[..., 2] + 2.0 * half),
    )


def one_unicycle_step(
    pose: tuple[float, float, float], velocity: tuple[float, float], dt: float
) -> tuple[float, float, float]:
    """:func:`unicycle_step` of one base, in plain floats and to the same last bit: for three numbers an array costs
    many times what is done with them."""
    (x, y, yaw), (v, w) = pose, velocity
    half = 0.5 * w * dt
    sinc = 1.0 - half * half / 6.0 if abs(half) < 1e-3 else float(np.sin(half)) / half
    chord, direction, turned = v * dt * sinc, yaw + half, yaw + 2.0 * half
    # NumPy's own functions, since the C library's may round another way.
    there_x, there_y = x + chord * np.cos(direction), y + chord * np.sin(direction)
    return float(there_x), float(there_y), float(np.arctan2(np.sin(turned), np.cos(turned)))


def rollout(pose: Array, velocities: Array, dt: float) -> Array:
    """Poses (..., T, 3) after each of the velocities (..., T, 2), from pose (..., 3)."""
    xp = namespace(pose, velocities)
    poses = []
    for t in range(velocities.shape[-2]):
        pose = unicycle_step(pose, velocities[..., t, :], dt)
        poses.append(pose)
    return xp.stack(poses, axis=-2)


def limit_velocity(wanted: Array, current: Array, limits: BaseLimits, dt: float) -> Array:
    """The velocity (..., 2) nearest to `wanted` that the base can have dt [s] after `current`.

    Braking uses `deceleration`, speeding up `acceleration`; a change of sign brakes to zero first. Turning
    slows and quickens at `angular_acceleration`.
    """
    xp = namespace(wanted, current)
    v, w = current[..., 0], current[..., 1]
    faster, slower = limits.acceleration * dt, limits.deceleration * dt
    # At rest both directions are open.
    highest = xp.where(v >= 0.0, v + faster, clip(v + slower, None, 0.0))
    lowest = xp.where(v > 0.0, clip(v - slower, 0.0), v - faster)
    target_v = clip(wanted[..., 0], limits.vx_min, limits.vx_max)
    target_w = clip(wanted[..., 1], -limits.wz_max, limits.wz_max)
    turn = limits.angular_acceleration * dt
    new_v = xp.minimum(xp.maximum(target_v, lowest), highest)
    new_w = xp.minimum(xp.maximum(target_w, w - turn), w + turn)
    return pair(new_v, new_w)


def limit_one_velocity(
    wanted: tuple[float, float], current: tuple[float, float], limits: BaseLimits, dt: float
) -> tuple[float, float]:
    """:func:`limit_velocity` of one base, in plain floats and to the same last bit; all finite."""
    v, w = current
    faster, slower = limits.acceleration * dt, limits.deceleration * dt
    highest = v + faster if v >= 0.0 else min(v + slower, 0.0)
    lowest = max(v - slower, 0.0) if v > 0.0 else v - faster
    turn = limits.angular_acceleration * dt
    target_v = min(max(wanted[0], limits.vx_min), limits.vx_max)
    target_w = min(max(wanted[1], -limits.wz_max), limits.wz_max)
    return min(max(target_v, lowest), highest), min(max(target_w, w - turn), w + turn)
