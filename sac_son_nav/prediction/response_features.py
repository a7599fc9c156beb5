"""What the response reads: a situation in people's own frames, every quantity even or odd under a mirror.

A person stands at the origin of their frame and its x axis points where they walk. What is read of them: their past,
the nearest others, the robot's past, and the walls, at places around them, along rays, which say how far one could
walk in which direction, and along the way straight on. Odd quantities change their sign under a mirror along the x
axis, even ones do not. Walls are told by :func:`room` and :func:`clearance`, for only they read a map.

Written once for NumPy on the robot and torch in training. Letters: N people, P past and T future steps, J neighbours,
R figures of the walls. SI units, float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sac_son_nav.arrays import Array, clip, namespace, norm
from sac_son_nav.maps import OccupancyMap

PAST_MOMENTS = (0, 2, 4, 6, 7)  # of a past of eight, at which the robot's place relative to a person is read
WAY_MOMENTS = (2, 5, 8, 11)  # of a way of twelve, at which the walls' distance from it is read
ROOM_AHEAD = ((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.5, 0.0))  # [m] places in a person's frame
ROOM_BESIDE = ((0.0, 0.6), (1.0, 0.6), (2.0, 0.6), (1.0, 1.2))  # [m] each with its mirror image
RAYS_BESIDE = (10.0, 22.0, 38.0, 60.0, 90.0, 130.0)  # [deg] from the x axis, each with its mirror image
RAY_STEP, RAY_PLACES = 0.4, 18  # [m] between the places of a ray, and how many
RAY_SHUT, RAY_OPEN = 0.25, 0.45  # [m] from a wall, up to which a ray ends and from which on it goes on
MOST_ROOM = 1.5  # [m] from a wall, beyond which it makes no difference
STANDING = 0.15  # [m/s] below which a person's x axis leans to where the robot is
ROOM_EVEN = len(ROOM_AHEAD) + len(WAY_MOMENTS) + 2 + len(ROOM_BESIDE) + len(RAYS_BESIDE)
ROOM_ODD = len(ROOM_BESIDE) + len(RAYS_BESIDE)
ROOM = ROOM_EVEN + ROOM_ODD  # R


@dataclass(frozen=True)
class Situation:
    """What is known of N people and one robot at one moment; any leading dimensions.

    pasts (..., N, P, 2): where people were, now last; velocities (..., N, 2); robot_past (..., P, 2); radius (...) or
    a number: of the robot; room (..., N, R): the walls, as of :func:`room`.
    """

    pasts: Array
    velocities: Array
    robot_past: Array
    radius: Array | float
    room: Array


@dataclass(frozen=True)
class Features:
    """A situation in people's own frames: axis (..., N, 2), the x axis; even (..., N, E) and odd (..., N, O); of each
    neighbour near_even (..., N, J, 4), near_odd (..., N, J, 3), and how much it counts, near (..., N, J)."""

    axis: Array
    even: Array
    odd: Array
    near_even: Array
    near_odd: Array
    near: Array


def widths(past: int) -> tuple[int, int]:
    """How many even and odd features there are of a person with a past of so many moments."""
    met = len(PAST_MOMENTS)
    return past - 1 + 1 + 2 * met + ROOM_EVEN + 1, past - 1 + 1 + met + ROOM_ODD


def axes(velocities: Array, positions: Array, robot: Array) -> Array:
    """People's x axes (..., N, 2): along their velocities (..., N, 2), leaning to the robot (..., 2) as they stand."""
    offset = robot[..., None, :] - positions
    heading = velocities + STANDING * offset / norm(offset, 1e-3)[..., None]
    return heading / norm(heading, 1e-3)[..., None]


def own(vectors: Array, axis: Array) -> tuple[Array, Array]:
    """The components (...) along and to the left of the axes (..., 2) of vectors (..., 2)."""
    x, y = vectors[..., 0], vectors[..., 1]
    cosine, sine = axis[..., 0], axis[..., 1]
    return cosine * x + sine * y, cosine * y - sine * x


def squashed(x: Array, y: Array, scale: float = 0.6) -> tuple[Array, Array, Array]:
    """Places that may be far, kept within a unit circle, and how close they are, from 0 to 1 / scale."""
    closeness = 1.0 / (scale + namespace(x).sqrt(x * x + y * y + 1e-12))
    return x * closeness, y * closeness, closeness


# -- walls -----------------------------------------------------------------------------------------------------------


def clearance(floor: OccupancyMap | None, places: Array) -> Array:
    """Distance to the walls (...) [m] at places (..., 2), at most MOST_ROOM, as it is without a map."""
    if floor is None or not floor.occupied.any():
        return namespace(places).full_like(places[..., 0], MOST_ROOM)
    return clip(floor.distance_at(places), 0.0, MOST_ROOM)


def room(floor: OccupancyMap | None, positions: Array, axis: Array, way: Array) -> Array:
    """The walls as each person has them (..., N, R) [m]: distance at places ahead and along their `way`
    (..., N, T, 2), how far one could walk ahead and back; then distance at places to the left and how far one could
    walk to that side; then the same to the right."""
    xp = namespace(positions)
    left = [*ROOM_BESIDE]
    spots = [*ROOM_AHEAD, *left, *((x, -y) for x, y in left)]
    before = clearance(floor, _placed(positions, axis, np.array(spots)))
    along = clearance(floor, xp.stack([way[..., t, :] for t in WAY_MOMENTS], axis=-2))
    beside = (*RAYS_BESIDE, *(-a for a in RAYS_BESIDE))
    rays = _rays(floor, positions, axis, (0.0, 180.0, *beside))
    count, more, ahead = len(ROOM_BESIDE), len(RAYS_BESIDE), len(ROOM_AHEAD)
    sides = [
        part
        for k in (0, 1)
        for part in (
            before[..., ahead + k * count : ahead + (k + 1) * count],
            rays[..., 2 + k * more : 2 + (k + 1) * more],
        )
    ]
    return xp.concat([before[..., :ahead], along, rays[..., :2], *sides], axis=-1)


def _rays(floor: OccupancyMap | None, positions: Array, axis: Array, angles: Sequence[float]) -> Array:
    """How far one could walk from each position (..., 2) at each of the `angles` [deg] from its axis, (..., A) [m]."""
    turned, steps = np.deg2rad(np.array(angles)), RAY_STEP * np.arange(1, RAY_PLACES + 1)
    spots = np.stack([np.cos(turned), np.sin(turned)], axis=-1)[:, None] * steps[:, None]  # (A, places, 2)
    xp = namespace(positions)
    apart = clearance(floor, _placed(positions, axis, spots.reshape(-1, 2)))
    passed = clip((apart - RAY_SHUT) * (1.0 / (RAY_OPEN - RAY_SHUT)), 0.0, 1.0)
    passed = xp.reshape(passed, (*passed.shape[:-1], len(angles), RAY_PLACES))
    open_until, walked = xp.ones_like(passed[..., 0]), xp.zeros_like(passed[..., 0])
    for k in range(RAY_PLACES):
        open_until = open_until * passed[..., k]
        walked = walked + open_until
    return RAY_STEP * walked


def _placed(positions: Array, axis: Array, spots: np.ndarray) -> Array:
    """Where `spots` (A, 2) of people's frames are, (..., A, 2) [m]."""
    xp = namespace(positions)
    x, y = (xp.asarray(spots[:, d], dtype=positions.dtype) for d in (0, 1))
    cosine, sine = axis[..., :1], axis[..., 1:]
    offset = xp.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
    return positions[..., None, :] + offset


# -- everything else -------------------------------------------------------------------------------------------------


def features(situation: Situation, neighbours: int, sight: float) -> Features:
    """A situation as the network reads it, with so many neighbours, of those within `sight` [m]."""
    s = situation
    xp = namespace(s.pasts)
    here, robot = s.pasts[..., -1, :], s.robot_past[..., -1, :]
    axis = axes(s.velocities, here, robot)
    lined = axis[..., None, :]  # for vectors (..., N, P, 2)
    past_x, past_y = own(s.pasts[..., :-1, :] - here[..., None, :], lined)
    pace_x, pace_y = own(s.velocities, axis)
    met = xp.stack([s.robot_past[..., None, t, :] - s.pasts[..., t, :] for t in PAST_MOMENTS], axis=-2)
    met_x, met_y, closeness = squashed(*own(met, lined))
    room_even, room_odd = _mirrored(s.room)
    radius = xp.ones_like(pace_x) * (s.radius if isinstance(s.radius, float) else s.radius[..., None])
    even = [0.5 * past_x, pace_x[..., None], met_x, closeness, room_even, radius[..., None]]
    odd = [0.5 * past_y, pace_y[..., None], met_y, room_odd]
    near = _neighbours(here, s.velocities, axis, neighbours, sight)
    return Features(axis, xp.concat(even, axis=-1), xp.concat(odd, axis=-1), *near)


def _mirrored(walls: Array) -> tuple[Array, Array]:
    """The figures of :func:`room` in even (..., ROOM_EVEN) and odd ones (..., ROOM_ODD), each of about one."""
    ahead, places = len(ROOM_AHEAD) + len(WAY_MOMENTS), len(ROOM_BESIDE)
    far = 1.0 / (0.5 * RAY_STEP * RAY_PLACES)
    left, right = walls[..., -2 * ROOM_ODD : -ROOM_ODD], walls[..., -ROOM_ODD:]
    xp = namespace(walls)

    def scaled(sides: Array) -> list[Array]:
        return [0.5 * sides[..., :places], 0.5 * far * sides[..., places:]]

    even = [walls[..., :ahead], far * walls[..., ahead : ahead + 2], *scaled(left + right)]
    return xp.concat(even, axis=-1), xp.concat(scaled(left - right), axis=-1)


def _neighbours(
    here: Array, velocities: Array, axis: Array, neighbours: int, sight: float
) -> tuple[Array, Array, Array]:
    """The nearest `neighbours` of each person: even and odd features, and how much each counts; nobody counts 0."""
    xp = namespace(here)
    offset = here[..., None, :, :] - here[..., :, None, :]  # (..., N, N, 2)
    relative = velocities[..., None, :, :] - velocities[..., :, None, :]
    apart = norm(offset)
    x, y, closeness = squashed(*own(offset, axis[..., None, :]))
    pace_x, pace_y = own(relative, axis[..., None, :])
    count = here.shape[-2]
    self_too = xp.asarray(np.eye(count), dtype=here.dtype)
    counts = clip(1.0 - apart / sight, 0.0) * (1.0 - self_too)
    order = xp.argsort(-counts, axis=-1)[..., :neighbours]
    even = xp.stack([x, closeness, pace_x, pace_x * closeness], axis=-1)
    odd = xp.stack([y, pace_y, pace_y * closeness], axis=-1)
    chosen = [xp.take_along_axis(values, order[..., None], axis=-2) for values in (even, odd)]
    counts = xp.take_along_axis(counts, order, axis=-1)
    missing = neighbours - order.shape[-1]
    if missing > 0:
        chosen = [_padded(values, missing, -2) for values in chosen]
        counts = _padded(counts, missing, -1)
    return chosen[0], chosen[1], counts


def _padded(values: Array, more: int, axis: int) -> Array:
    xp, shape = namespace(values), list(values.shape)
    shape[axis] = more
    return xp.concat([values, xp.zeros(tuple(shape), dtype=values.dtype)], axis=axis)
