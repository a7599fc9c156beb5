"""What lasers measure among walls and people: one sweep, or those of thousands of worlds at once.

What a laser measures depends on its pose, on what stands around it and on its luck alone, to the last bit: not on what
other sweeps are worked out with it. Its noise is a function of the world's seed, the step and the beam (:mod:`.luck`).

Shapes: batch dimensions (none for one laser, or W worlds), B beams, M circles. NumPy or torch; frame map, SI units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from sac_son_nav.arrays import Array, clip, minimum_at, namespace, put
from sac_son_nav.arrays import device as device_of
from sac_son_nav.config import LaserConfig
from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import compose
from sac_son_nav.simulation import luck
from sac_son_nav.simulation.people import LEG_RADIUS
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.world import World
from sac_son_nav.states import Floats, Scan

LEG_HEIGHT = 0.5  # [m] below which a laser sees legs, above which trunks
BEYOND = 1.0  # [m] out of reach from where noise may still bring an echo
CACHED = 30_000  # beams worked out at once: as many as a processor's cache holds
_TURN = 2.0 * np.pi
_BEAMS = np.arange(2**16) * np.int64(0x2545F4914F6CDD1D)  # what sets the luck of beams apart


class Laser:
    """A laser on a robot, and the walls around it."""

    def __init__(self, config: LaserConfig, walls: RayCaster) -> None:
        """Raises ConfigError when all beams point the same way."""
        self.config, self.walls = config, walls
        self.angles, self.increment = beam_angles(config)
        if config.beams > 1 and not abs(self.increment) > 1e-6:
            raise ConfigError(f"laser: expected {config.beams} beams side by side, got all at {config.angle_min:g}")

    def poses(self, world: World) -> Array:
        """Where the lasers of the robots are, (..., 3) [m, m, rad]."""
        base_from_laser = [self.config.x, self.config.y, self.config.yaw]
        xp, kind = namespace(world.poses), {"dtype": world.poses.dtype, "device": device_of(world.poses)}
        return compose(world.poses, xp.asarray(base_from_laser, **kind))

    def scan(self, world: World) -> Array:
        """What the lasers of the robots measure now, (..., B) [m]; NaN where there is no robot. The same however often
        one asks."""
        xp = namespace(world.poses)
        centres, radii = world.crowd.positions, world.crowd.radii
        if sees_legs(self.config):
            centres = xp.reshape(world.crowd.legs(), (*world.batch, -1, 2))
            radii = xp.full_like(centres[..., 0], LEG_RADIUS)
        seen = (self.poses(world), centres, radii, world.keys)
        if bool(xp.all(world.present)):
            return self.sweep(*seen, world.steps)
        there, worlds = xp.nonzero(xp.reshape(world.present, (-1,)))[0], math.prod(world.batch)
        poses, centres, radii, keys = (
            xp.take(xp.reshape(a, (worlds, *a.shape[len(world.batch) :])), there, axis=0) for a in seen
        )
        nothing = xp.zeros_like(xp.reshape(world.poses, (-1, 3))[:, :1]) + np.nan * self._beams(world.poses)
        ranges = put(nothing, self.sweep(poses, centres, radii, keys, world.steps), there)
        return xp.reshape(ranges, (*world.batch, self.config.beams))

    def as_scan(self, ranges: Floats, stamp_s: float) -> Scan:
        """One laser's ranges (B,) as a robot gets them."""
        laser = self.config
        return Scan(
            stamp_s, ranges, laser.angle_min, self.increment, laser.range_min, laser.range_max, frame=laser.frame
        )

    def sweep(self, poses: Array, centres: Array, radii: Array, keys: Array, step: int) -> Array:
        """What lasers at `poses` (..., 3) [m, m, rad] among circles (..., M, 2), (..., M) [m] measure by the luck of
        `keys` (...) int64 at a step, (..., B) [m]. As REP-117 wants it, a beam that meets nothing in range reads inf,
        one that meets something too near -inf."""
        return self._in_blocks(partial(self._measured, step=step), poses, centres, radii, keys)

    def ranges(self, poses: Array, centres: Array, radii: Array) -> Array:
        """True distance (..., B) [m] from lasers at `poses` (..., 3) [m, m, rad] to the first wall, or circle
        (..., M, 2), (..., M) [m], that each beam meets; inf where it meets none in range. A circle around the laser is
        met at 0, one whose place is NaN isn't there."""
        return self._in_blocks(self._ranges, poses, centres, radii)

    def _in_blocks(
        self, what: Callable[..., Array], poses: Array, centres: Array, radii: Array, *keys: Array
    ) -> Array:
        """`what` of all lasers, as many at once as is fast; it takes and gives one batch dimension."""
        xp, batch, circles = namespace(poses), poses.shape[:-1], centres.shape[-2]
        lasers, radii = math.prod(batch), xp.broadcast_to(radii, (*batch, circles))
        shapes = ((lasers, 3), (lasers, circles, 2), (lasers, circles), (lasers,))
        given = [xp.reshape(a, shape) for a, shape in zip((poses, centres, radii, *keys), shapes, strict=False)]
        lasers = max(1, lasers)
        count = max(1, CACHED // self.config.beams) if str(device_of(poses)) == "cpu" else lasers
        blocks = [what(*(a[k : k + count] for a in given)) for k in range(0, lasers, count)]
        return xp.reshape(blocks[0] if len(blocks) == 1 else xp.concat(blocks, axis=0), (*batch, self.config.beams))

    def _measured(self, poses: Array, centres: Array, radii: Array, keys: Array, step: int) -> Array:
        xp, laser = namespace(poses), self.config
        ranges = self._ranges(poses, centres, radii)
        if laser.noise > 0.0:
            ranges = ranges + laser.noise * self._noise(keys, step, ranges.dtype)
        near, far = ranges < laser.range_min, ranges > laser.range_max
        return xp.where(far, np.inf, xp.where(near, -np.inf, ranges))

    def _noise(self, keys: Array, step: int, dtype: object) -> Array:
        """Standard normal numbers (W, B); one draw of luck is good for two beams."""
        xp, beams = namespace(keys), self.config.beams
        apart = xp.asarray(_BEAMS[: (beams + 1) // 2], device=device_of(keys))
        return xp.concat(luck.normals(keys[:, None] + apart, step, dtype), axis=-1)[:, :beams]

    def _ranges(self, poses: Array, centres: Array, radii: Array) -> Array:
        ranges = self.walls.cast(poses[:, :2], poses[:, 2:] + self._beams(poses), self.config.range_max + BEYOND)
        return self._before(ranges, poses, centres, radii) if centres.shape[1] else ranges

    def _beams(self, like: Array) -> Array:
        return namespace(like).asarray(self.angles, dtype=like.dtype, device=device_of(like))

    def _before(self, ranges: Array, poses: Array, centres: Array, radii: Array) -> Array:
        """`ranges` (W, B), shortened by the circles that stand before the walls."""
        xp, gap = namespace(ranges), self.increment if self.config.beams > 1 else _TURN
        x, y = (centres[..., k] - poses[:, None, k] for k in (0, 1))
        distance = xp.sqrt(x * x + y * y)
        bearing = (xp.atan2(y, x) - poses[:, None, 2] - self.config.angle_min) / gap
        half = xp.asin(clip(radii / clip(distance, 1e-9, None), None, 1.0)) / abs(gap)
        half = xp.where(distance > radii, half, 0.5 * _TURN / abs(gap))
        circle, beam = self._facing(bearing, half, _TURN / abs(gap))
        away, size, aim = (xp.take(xp.reshape(a, (-1,)), circle, axis=0) for a in (distance, radii, bearing))
        angle = (xp.astype(beam, ranges.dtype) - aim) * gap
        aside, along = away * xp.sin(angle), away * xp.cos(angle)
        half_chord = xp.sqrt(clip(size * size - aside * aside, 0.0, None))
        met = (xp.abs(aside) < size) & (along + half_chord > 0.0)
        near = xp.where(met, clip(along - half_chord, 0.0, None), np.inf)
        echo = circle // radii.shape[1] * self.config.beams + beam
        return xp.reshape(minimum_at(xp.reshape(ranges, (-1,)), echo, near), ranges.shape)

    def _facing(self, bearing: Array, half: Array, turn: float) -> tuple[Array, Array]:
        """Every circle with every beam between its two sides: the numbers of both (K,). A circle is at `bearing` +-
        `half` (W, M), in beams from the first one on; NaN: nowhere. So many people cost little."""
        xp, where = namespace(bearing), device_of(bearing)
        half = xp.reshape(half, (-1,)) + 0.5  # for rounding
        low = xp.reshape(bearing, (-1,)) - half
        low = low - turn * xp.floor(low / turn)
        low = xp.where(low == low, low, np.inf)
        low = xp.concat([low, low - turn])  # beyond a full turn the beams begin anew
        high = low + 2.0 * xp.concat([half, half])
        first = xp.astype(clip(xp.ceil(low), 0.0, self.config.beams), xp.int64)
        last = xp.astype(clip(xp.floor(high), -1.0, self.config.beams - 1.0), xp.int64)
        count = clip(last - first + 1, 0, None)
        number = xp.arange(half.shape[0], device=where)
        circle = xp.repeat(xp.concat([number, number]), count)
        beam = xp.repeat(first - (xp.cumulative_sum(count) - count), count)
        return circle, beam + xp.arange(circle.shape[0], device=where)


def beam_angles(laser: LaserConfig) -> tuple[Floats, float]:
    """Directions (B,) [rad] of a laser's beams in its own frame and the angle between two of them; a full turn is
    not closed, so that the first and last beam differ."""
    span = laser.angle_max - laser.angle_min
    gaps = laser.beams if abs(span) > _TURN - 1e-6 else max(laser.beams - 1, 1)
    increment = span / gaps
    return laser.angle_min + increment * np.arange(laser.beams, dtype=np.float64), increment


def sees_legs(laser: LaserConfig) -> bool:
    """Whether the laser's plane cuts people at the legs."""
    return laser.height < LEG_HEIGHT
