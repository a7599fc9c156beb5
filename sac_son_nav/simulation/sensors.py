"""What the embedded robot measures: laser ranges, odometry that drifts, and a localiser's pose.

All noise comes from a Generator that is passed in. Frames and units as in :mod:`sac_son_nav.states`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sac_son_nav.config import LaserConfig
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.kinematics import unicycle_step
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.states import Floats, Scan

LEG_HEIGHT = 0.5  # [m] below which a laser sees legs, above which trunks
_WALL, _OUTSIDE = -1.0, -2.0


@dataclass(frozen=True)
class NoiseConfig:
    """How wrong the robot's idea of its own motion is. Odometry of small wheeled robots is off by one or two percent
    of the distance, mostly by errors that stay (wheel size, wheel base) and so grow with the way."""

    speed_scale: float = 0.01  # standard deviation of a run's constant error of the measured speed, relative
    turn_scale: float = 0.01  # the same for the turning rate
    drift: float = 0.003  # [rad/m] standard deviation of a run's constant veering
    slip: float = 0.02  # standard deviation of the momentary errors, relative; recordings jitter by 1.7 % of the speed
    localiser_position: float = 0.02  # [m] standard deviation of the localiser's x and y
    localiser_yaw: float = 0.0087  # [rad] (half a degree) of its yaw


class RayCaster:
    """How far one sees across a floor plan.

    Exact for the plan's square cells: a ray goes from cell boundary to cell boundary (Amanatides and Woo, "A fast
    voxel traversal algorithm", 1987), save that it leaps by the distance to the nearest wall wherever that is
    more than a cell. Cells of unknown content are seen through; beyond the plan there is nothing to hit.
    """

    def __init__(self, floor: OccupancyMap) -> None:
        walls = np.pad(floor.occupied, 1)
        outside = np.pad(np.zeros(floor.cells.shape, dtype=bool), 1, constant_values=True)
        # Centre to centre; half a cell's diagonal at both ends may be missing from the way to the wall's face.
        away = ndimage.distance_transform_edt(~(walls | outside)) - np.sqrt(2.0)
        leap = np.maximum(away, 0.0)
        leap[walls], leap[outside] = _WALL, _OUTSIDE
        self._leap = np.ascontiguousarray(leap).reshape(-1)
        self._columns = walls.shape[1]
        self._limit = np.array([walls.shape[1], walls.shape[0]]) - 1e-9
        self._resolution = floor.resolution
        self._corner = np.asarray(floor.origin) - floor.resolution

    def cast(self, origin: Floats, angles: Floats, reach: float) -> Floats:
        """Distance (B,) [m] from origin (2,) [m] to the first wall in each direction (B,) [rad], frame `map`; inf
        where there is none within `reach` [m], 0 everywhere when the origin is inside a wall."""
        ranges = np.full(len(angles), np.inf)
        start = (origin - self._corner) / self._resolution  # in cells
        if np.any(start < 0.0) or np.any(start >= self._limit):
            return ranges
        step = np.stack([np.cos(angles), np.sin(angles)])  # (2, B), cells per cell of way
        step = np.where(np.abs(step) < 1e-12, 1e-12, step)
        inverse, forward = 1.0 / step, step > 0.0
        # Standing on a boundary counts as being in the cell ahead.
        nudged = start[:, None] + np.where(forward, 1e-9, -1e-9)
        exit_offset = (forward - start[:, None]) * inverse  # the way to a cell's far boundary, less cell * inverse
        beams, way, furthest = np.arange(len(angles)), np.zeros(len(angles)), reach / self._resolution
        constants = np.stack([step, nudged, inverse, exit_offset])  # (4, 2, B)
        while len(beams):
            step, nudged, inverse, exit_offset = constants
            cell = np.floor(nudged + way * step)
            value = self._leap[(cell[1] * self._columns + cell[0]).astype(np.intp)]
            boundary = cell * inverse + exit_offset
            next_way = np.maximum(np.minimum(boundary[0], boundary[1]), way + value)
            going = (value >= 0.0) & (next_way <= furthest)
            if not going.all():
                hit = value == _WALL
                ranges[beams[hit]] = way[hit] * self._resolution
                beams, next_way, constants = beams[going], next_way[going], constants[:, :, going]
            way = next_way
        return ranges


def circle_ranges(origin: Floats, angles: Floats, centres: Floats, radii: Floats) -> Floats:
    """Distance (B,) [m] from origin (2,) to the nearest of the circles (M, 2), (M,) [m] along each angle (B,) [rad];
    inf where a beam meets none. A circle around the origin is met at 0."""
    if len(centres) == 0:
        return np.full(len(angles), np.inf)
    offset = centres - origin
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    along = cosine * offset[:, 0] + sine * offset[:, 1]  # (B, M)
    aside = cosine * offset[:, 1] - sine * offset[:, 0]
    half_chord = np.sqrt(np.maximum(radii**2 - aside**2, 0.0))
    met = (np.abs(aside) < radii) & (along + half_chord > 0.0)
    return np.where(met, np.maximum(along - half_chord, 0.0), np.inf).min(axis=1)


def beam_angles(laser: LaserConfig) -> tuple[Floats, float]:
    """Directions (B,) [rad] of a laser's beams in its own frame and the angle between two of them; a full turn is
    not closed, so that the first and last beam differ."""
    span = laser.angle_max - laser.angle_min
    gaps = laser.beams if span > 2.0 * np.pi - 1e-6 else max(laser.beams - 1, 1)
    increment = span / gaps
    return laser.angle_min + increment * np.arange(laser.beams, dtype=np.float64), increment


def measure(
    walls: RayCaster,
    laser: LaserConfig,
    map_from_laser: Floats,
    centres: Floats,
    radii: Floats,
    stamp_s: float,
    random: np.random.Generator,
) -> Scan:
    """One sweep from pose (3,) [m, m, rad] in `map`, among circles (M, 2), (M,) [m].

    As REP-117 wants it, a beam that meets nothing in range reads inf, one that meets something too near -inf.
    """
    angles, increment = beam_angles(laser)
    directions = angles + map_from_laser[2]
    ranges = np.minimum(
        walls.cast(map_from_laser[:2], directions, laser.range_max + 1.0),
        circle_ranges(map_from_laser[:2], directions, centres, radii),
    )
    ranges = ranges + random.normal(0.0, laser.noise, len(ranges))
    ranges = np.where(ranges > laser.range_max, np.inf, np.where(ranges < laser.range_min, -np.inf, ranges))
    return Scan(stamp_s, ranges, laser.angle_min, increment, laser.range_min, laser.range_max, laser.frame)


class Odometry:
    """Pose (3,) [m, m, rad] in frame `odom`, which starts where the robot does, and the measured velocity (2,)."""

    def __init__(self, noise: NoiseConfig, random: np.random.Generator) -> None:
        self._noise, self._random = noise, random
        speed, turn, drift = random.normal(size=3)
        self._scale = 1.0 + np.array([noise.speed_scale * speed, noise.turn_scale * turn])
        self._drift = noise.drift * drift
        self._luck = np.zeros((0, 2))
        self.pose: Floats = np.zeros(3)
        self.velocity: Floats = np.zeros(2)

    def step(self, velocity: Floats, dt: float) -> None:
        """The base moved at velocity (2,) [m/s, rad/s] for dt [s]; standing is noticed without error."""
        if len(self._luck) == 0:
            self._luck = self._random.normal(size=(512, 2))
        luck, self._luck = self._luck[0], self._luck[1:]
        measured = velocity * (self._scale + self._noise.slip * luck)
        measured[1] += self._drift * velocity[0]
        self.velocity = measured
        self.pose = np.asarray(unicycle_step(self.pose, measured, dt))


def localise(pose: Floats, noise: NoiseConfig, random: np.random.Generator) -> Floats:
    """The pose (3,) that a localiser would report for the true `pose` (3,) [m, m, rad] in `map`: errors do not add
    up."""
    spread = np.array([noise.localiser_position, noise.localiser_position, noise.localiser_yaw])
    reported = pose + spread * random.normal(size=3)
    reported[2] = wrap_angle(reported[2])
    return reported


def sees_legs(laser: LaserConfig) -> bool:
    """Whether the laser's plane cuts people at the legs."""
    return laser.height < LEG_HEIGHT
