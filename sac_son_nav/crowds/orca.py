"""Optimal reciprocal collision avoidance: people take the velocity nearest to the wanted one that leads to no
collision within a horizon, if the others do their part of the evasion.

J. van den Berg, S. J. Guy, M. Lin, D. Manocha, "Reciprocal n-body collision avoidance", Robotics Research, STAR 70
(2011). Every other body leaves a person a half plane of velocities. The best velocity in all of them is a linear
program in two dimensions; where there is none, the velocity that enters the forbidden sides least deeply is one in
three. Walls are never entered to evade somebody. Ours: the robot's weight, who stands in a wall wants out of it, and
the programs take their half planes deepest first, which suits thousands of programs at once.

Two who meet exactly head-on from far stop in front of each other, as in the paper: it is for whoever says what
people want to break such a tie.

Letters: N people, W worlds (all leading batch dimensions), A = N W persons in all, M half planes each. SI units, one
frame. A half plane n . v >= c of velocities v is (n_x, n_y, c), with n of unit length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sac_son_nav.arrays import Array, clip, device, namespace
from sac_son_nav.crowds.bodies import RobotBody, neighbours, pairs
from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import OccupancyMap

Segments: TypeAlias = Array
"""Walls as lines (S, 2, 2) [m]: from one end to the other."""

SLACK = 1e-5  # [m/s] by which a velocity may be forbidden: single precision can't tell
TINY = 1e-6  # what is nearer to zero is not divided by
FAR = 1e4  # [m/s] beyond any speed
LOOK = 0.25  # [m] off and along the nearest wall, from where the next one is looked for
CACHED = 16384  # pairs worked out at once: as many as a processor's cache holds


@dataclass(frozen=True)
class OrcaConfig:
    """Parameters of the law."""

    horizon: float = 4.0  # tau [s] for which a velocity must be free of collisions with others
    wall_horizon: float = 0.5  # [s] the same for walls: short, or nobody would go through a door
    share: float = 0.5  # of an evasion that each of two people makes
    robot_share: float = 0.5  # of an evasion that people leave to the robot; 0: they expect nothing of it
    speed_tolerance: float = 1.3  # a person hurries to at most this multiple of the wanted speed
    margin: float = 0.1  # [m] kept between bodies: where there is no way out, it is what gives first
    least_speed: float = 1.0  # [m/s] that everybody is ready to walk: who stands has to make way, too

    def __post_init__(self) -> None:
        if not (self.horizon > 0.0 and self.wall_horizon > 0.0):
            raise ConfigError(f"orca: expected horizons above zero, got {self.horizon} and {self.wall_horizon} s")
        if not (self.margin >= 0.0 and self.least_speed > 0.0):
            raise ConfigError(
                f"orca: expected margin >= 0 and least_speed > 0, got {self.margin} and {self.least_speed}"
            )
        if not (0.0 <= self.share <= 1.0 and 0.0 <= self.robot_share <= 1.0):
            raise ConfigError(f"orca: expected shares from 0 to 1, got {self.share} and {self.robot_share}")


def step(
    positions: Array,
    velocities: Array,
    desired: Array,
    radii: Array,
    dt: float,
    config: OrcaConfig,
    walls: OccupancyMap | Segments | None = None,
    robot: RobotBody | None = None,
    extra: Array | float = 0.0,
    shares: Array | None = None,
) -> tuple[Array, Array]:
    """Positions and velocities dt [s] later of people at `positions` moving at `velocities` and wanting `desired`,
    all (..., N, 2); `radii` (N,) [m]. The speed is at most `speed_tolerance` times the wanted one, or `least_speed`.

    `extra` (..., N, 2) [m/s^2] unsettles what people want, not what they do, so it makes nobody collide. `shares`
    (N,) are each person's own instead of `config.share`; two who meet are safe if theirs add up to one.
    """
    shape = np.broadcast_shapes(positions.shape, velocities.shape, desired.shape)
    if robot is not None:
        shape = np.broadcast_shapes(shape, (*robot.position.shape[:-1], 1, 2), (*robot.velocity.shape[:-1], 1, 2))
    places, paces, goals = (_people_first(a, shape) for a in (positions, velocities, desired + dt * extra))
    limit = clip(config.speed_tolerance * _length(*goals), config.least_speed, None)
    radii = _of_each(radii, shape)
    planes, hard = [], 0
    if walls is not None:
        from_walls, out = _from_walls(walls, places, radii, config.wall_horizon, dt)
        planes, hard, goals = [from_walls], from_walls.shape[1], goals + out
    if shape[-2] > 1:
        share = _of_each(_like(config.share if shares is None else shares, positions), shape)
        planes.append(_from_people(places, paces, radii + 0.5 * config.margin, share, config.horizon, dt))
    if robot is not None:
        at, moving = (_people_first(a[..., None, :], shape) for a in (robot.position, robot.velocity))
        weight, bodies = _of_each(_like(robot.weight, positions), shape), radii + robot.radius + config.margin
        x, y, depth = least_evasion(at - places, paces - moving, bodies, config.horizon, dt)
        share = clip(weight * (1.0 - config.robot_share), 0.0, 1.0)
        planes.append(_half_planes(x, y, paces, share * depth - FAR * _number(weight <= 0.0, weight)))
    velocities = _worlds_first(best_velocities(planes, hard, goals, limit), shape)
    return positions + dt * velocities, velocities


def best_velocities(planes: list[Array], hard: int, goals: Array, limit: Array) -> Array:
    """The velocities (2, N, W) nearest to the `goals` of at most the speed `limit` (N, W) that keep to all the
    `planes`, each (3, some of M, N, W). If none does, those that least break the worst broken one, though none of
    the first `hard`, which must leave people free to stand."""
    xp = namespace(goals)
    wanted, speed = xp.reshape(goals, (2, -1)), xp.reshape(limit, (-1,))
    start = wanted * clip(speed / _length(*wanted), None, 1.0)
    everybody = xp.ones_like(speed, dtype=xp.bool)
    if not planes:
        return xp.reshape(start, goals.shape)
    every = xp.reshape(planes[0] if len(planes) == 1 else xp.concat(planes, axis=1), (3, -1, speed.shape[0]))
    best, found = _nearest(every, [], wanted, speed, start, everybody)
    stuck = xp.nonzero(~found)[0]
    if stuck.shape[0] > 0:
        few, slow = xp.take(every, stuck, axis=-1), xp.take(speed, stuck, axis=-1)
        walls, going = [few[:, k] for k in range(hard)], xp.ones_like(slow, dtype=xp.bool)
        still = xp.stack([xp.zeros_like(slow)] * 2)
        best = _replaced(best, stuck, _least_deep(few, hard, walls, slow, still, xp.zeros_like(slow), going))
    return xp.reshape(best, goals.shape)


# -- half planes ------------------------------------------------------------------------------------------------


def least_evasion(
    apart: Array, relative: Array, radius: Array, horizon: float, dt: float
) -> tuple[Array, Array, Array]:
    """Paper, section 4: the least change u of one body's velocity `relative` (2, ...) to another, `apart` (2, ...)
    away, that avoids a collision, as its direction x, y and its length [m/s], less than zero if none is coming.

    The forbidden velocities are a cone cut off by a disc, of middle apart / horizon and radius / horizon, and u
    leads to the nearer of its disc and its legs. Who overlap are to be apart by the end of the step.
    """
    xp = namespace(apart)
    px, py = apart
    square, radius2 = px * px + py * py, radius * radius
    same = _number(square < TINY, px)  # who stand in one place have a way to go, too: a millimetre along x
    px, square = px + 1e-3 * same, square + 1e-6 * same
    overlap = square < radius2
    rate = 1.0 / horizon + (1.0 / dt - 1.0 / horizon) * _number(overlap, px)
    wx, wy = relative[0] - rate * px, relative[1] - rate * py
    length, ahead = _length(wx, wy), wx * px + wy * py
    on_disc = _number(overlap | ((ahead < 0.0) & (ahead * ahead > radius2 * length * length)), px)
    left = 2.0 * _number(px * wy > py * wx, px) - 1.0
    leg = left * xp.sqrt(clip(square - radius2, TINY * TINY, None))
    leg_x, leg_y = -(radius * px + leg * py) / square, (leg * px - radius * py) / square
    x, y = wx / length, wy / length
    x, y = leg_x + on_disc * (x - leg_x), leg_y + on_disc * (y - leg_y)
    outside = relative[0] * leg_x + relative[1] * leg_y
    return x, y, on_disc * (radius * rate - length + outside) - outside


def _from_people(places: Array, paces: Array, radii: Array, share: Array, horizon: float, dt: float) -> Array:
    """What others leave each person, (3, N - 1, N, W). Seen from the other an evasion is the opposite one, so each
    pair is worked out once."""
    xp, where = namespace(places), device(places)
    pair, sign = neighbours(places.shape[1])
    first, second, index = (xp.asarray(k, device=where) for k in (*pairs(places.shape[1])[:2], pair.ravel()))
    signs = xp.asarray(sign[..., None], dtype=places.dtype, device=where)

    def block(worlds: slice) -> Array:
        at, moving = places[..., worlds], paces[..., worlds]
        size, part = (a[..., worlds] if a.shape[-1] > 1 else a for a in (radii, share))
        apart = xp.take(at, second, axis=1) - xp.take(at, first, axis=1)
        relative = xp.take(moving, first, axis=1) - xp.take(moving, second, axis=1)
        bodies = xp.take(size, first, axis=0) + xp.take(size, second, axis=0)
        evasion = least_evasion(apart, relative, bodies, horizon, dt)
        x, y, depth = (xp.reshape(xp.take(a, index, axis=0), (*pair.shape, -1)) for a in evasion)
        return _half_planes(x * signs, y * signs, moving, part * depth)

    worlds = places.shape[2]
    count = max(1, CACHED // len(first)) if str(where) == "cpu" else worlds
    blocks = [block(slice(k, k + count)) for k in range(0, worlds, count)]
    return blocks[0] if len(blocks) == 1 else xp.concat(blocks, axis=-1)


def _half_planes(x: Array, y: Array, paces: Array, evasion: Array) -> Array:
    """Paper, equation 5: the velocities at least `evasion` beyond the present ones `paces` (2, N, W) along the
    direction x, y (..., N, W); (3, M, N, W)."""
    planes = namespace(x).stack([x, y, x * paces[0] + y * paces[1] + evasion])
    return planes if planes.ndim == 4 else planes[:, None]


def _from_walls(
    walls: OccupancyMap | Segments, places: Array, radii: Array, horizon: float, dt: float
) -> tuple[Array, Array]:
    """What walls leave each person, (3, M, N, W), and the velocity (2, N, W) with which to leave those one stands in.

    Paper, section 5.4: a wall doesn't move and takes no part. Measured from velocity zero the evasion is to come no
    nearer to its nearest point than the body allows within the horizon.
    """
    xp = namespace(places)
    if isinstance(walls, OccupancyMap):
        away, distance, within = _see_map(walls, places, horizon, dt)
    else:
        away, distance, within = *_see_segments(walls, places), _like([[[horizon]]], places)
    gap = distance - radii
    out = xp.sum(away * clip(-gap, 0.0, None) / horizon, axis=1)
    return xp.concat([away, -clip(gap, 0.0, None)[None] / within]), out


def _see_map(walls: OccupancyMap, places: Array, horizon: float, dt: float) -> tuple[Array, Array, Array]:
    """The nearest wall, and those nearest from a step off it to the left and to the right, so that who walks along
    one doesn't step into the next: the directions away from them (2, 3, N, W), how far they are (3, N, W), and the
    time (3, 1, 1) within which they must not be reached."""
    xp = namespace(places)

    def see(offset: Array | float) -> tuple[Array, Array, Array]:
        distance, away = walls.distance_and_direction_at(xp.permute_dims(places + offset, (1, 2, 0)))
        steepness = _length(away[..., 0], away[..., 1])
        return xp.stack([away[..., 0] / steepness, away[..., 1] / steepness]), distance, steepness

    away, nearest, _ = see(0.0)
    directions, distances = [away], [nearest]
    for side in (1.0, -1.0):
        offset = LOOK * xp.stack([away[0] - side * away[1], away[1] + side * away[0]])
        direction, distance, steepness = see(offset)
        behind = xp.maximum(distance - offset[0] * direction[0] - offset[1] * direction[1], nearest)
        directions.append(direction)
        # Midway between walls the field is flat and says nothing of either.
        distances.append(behind + FAR * _number(steepness < 0.7, behind))
    within = _like([[[horizon]], [[dt]], [[dt]]], places)
    return xp.stack(directions, axis=1), xp.stack(distances), within


def _see_segments(walls: Segments, places: Array) -> tuple[Array, Array]:
    """The directions away from each of the walls (S, 2, 2), (2, S, N, W), and how far they are (S, N, W)."""
    start, along = walls[:, 0, :], walls[:, 1, :] - walls[:, 0, :]
    x, y = (places[k] - start[:, k, None, None] for k in (0, 1))
    ax, ay = (along[:, k, None, None] for k in (0, 1))
    part = clip((x * ax + y * ay) / clip(ax * ax + ay * ay, TINY * TINY, None), 0.0, 1.0)
    x, y = x - part * ax, y - part * ay
    distance = _length(x, y)
    return namespace(places).stack([x / distance, y / distance]), distance


# -- linear programs --------------------------------------------------------------------------------------------


def _nearest(
    planes: Array, kept: list[Array], goal: Array, limit: Array, velocity: Array, found: Array
) -> tuple[Array, Array]:
    """The velocities (2, A) nearest to `goal` (2, A) of at most the speed `limit` (A) in all `planes` (3, M, A), and
    for whom there is one, (A).

    `velocity` is the best for the half planes in `kept`, each (3, A), and goes on from there: the best velocity in
    one more half plane that forbids the last one lies on its edge. Who isn't forbidden any is done.
    """
    xp = namespace(planes)
    if planes.shape[1] == len(kept):
        return velocity, found
    depth = planes[2] - planes[0] * velocity[0] - planes[1] * velocity[1]
    broken = xp.nonzero(found & (xp.max(depth, axis=0) > SLACK))[0]
    if broken.shape[0] == 0:
        return velocity, found
    planes, goal, limit = (xp.take(a, broken, axis=-1) for a in (planes, goal, limit))
    kept = [xp.take(a, broken, axis=-1) for a in kept]
    edge = _deepest(planes, xp.take(depth, broken, axis=-1))
    moved, possible = _on_edge(edge, kept, goal, limit)
    moved, possible = _nearest(planes, [*kept, edge], goal, limit, moved, possible)
    return _replaced(velocity, broken, moved), _replaced(found, broken, possible)


def _on_edge(edge: Array, others: list[Array], goal: Array, limit: Array) -> tuple[Array, Array]:
    """The same on the edge (3, A) of one half plane, within the `others`: a linear program in one dimension."""
    xp = namespace(edge)
    x, y, c = edge
    spare = limit * limit - c * c
    high = xp.sqrt(clip(spare, TINY * TINY, None))
    low = -high
    for ox, oy, oc in others:
        # Along (c x, c y) + t (y, -x) the other asks for t * turn >= ahead.
        turn, ahead = y * ox - x * oy, oc - c * (x * ox + y * oy)
        parallel = _number(xp.abs(turn) < TINY, turn)
        t = (ahead - SLACK * parallel) / (turn + parallel * (TINY - turn))
        below = 2.0 * FAR * _number(turn < 0.0, turn)
        t = clip(t, -FAR, FAR)
        low, high = xp.maximum(low, t - below), xp.minimum(high, t + (2.0 * FAR - below))
    t = xp.minimum(xp.maximum(y * goal[0] - x * goal[1], low), high)
    return xp.stack([c * x + t * y, c * y - t * x]), (spare > 0.0) & (low <= high)


def _least_deep(
    planes: Array, hard: int, kept: list[Array], limit: Array, velocity: Array, level: Array, going: Array
) -> Array:
    """The velocities (2, A) that are the least deep in the forbidden side of whichever of `planes` (3, M, A) they
    are deepest in, keeping to the first `hard` of them.

    As above with the depth as a third dimension: `velocity` is the best for the half planes in `kept`, the hard ones
    first, and no deeper than `level` (A) in any of them. With one more that is broken more deeply, none is to be
    broken more deeply than that one.
    """
    xp = namespace(planes)
    depth = (planes[2] - planes[0] * velocity[0] - planes[1] * velocity[1])[hard:]
    broken = xp.nonzero(going & (xp.max(depth, axis=0) > level + SLACK))[0]
    if broken.shape[0] == 0 or len(kept) == planes.shape[1]:
        return velocity
    planes, limit, before, level = (xp.take(a, broken, axis=-1) for a in (planes, limit, velocity, level))
    kept = [xp.take(a, broken, axis=-1) for a in kept]
    edge = _deepest(planes[:, hard:], xp.take(depth, broken, axis=-1))
    others = [*kept[:hard], *(_less_deep(other, edge) for other in kept[hard:])]
    rest = xp.stack(others, axis=1) if others else planes[:, :0]
    start, everybody = limit * edge[:2], xp.ones_like(limit, dtype=xp.bool)
    moved, possible = _nearest(rest, [], FAR * edge[:2], limit, start, everybody)
    moved = xp.where(possible, moved, before)
    level = xp.where(possible, edge[2] - edge[0] * moved[0] - edge[1] * moved[1], level)
    moved = _least_deep(planes, hard, [*kept, edge], limit, moved, level, possible)
    return _replaced(velocity, broken, moved)


def _less_deep(other: Array, edge: Array) -> Array:
    """The velocities less deep in the forbidden side of `other` (3, A) than in that of `edge` (3, A): a half plane."""
    xp = namespace(edge)
    x, y, c = other - edge
    length = _length(x, y)
    # Of two that are parallel the edge is the deeper one everywhere.
    return xp.stack([x / length, y / length, c / length - FAR * _number(length < 1e-5, c)])


# -- arrays -----------------------------------------------------------------------------------------------------


def _deepest(planes: Array, depth: Array) -> Array:
    """Of `planes` (3, M, A) the one of each person with the greatest `depth` (M, A): (3, A)."""
    xp, (rows, count) = namespace(planes), depth.shape
    # The last row of those that are the greatest: several times as fast as NumPy's argmax along the rows.
    numbers = xp.arange(rows, dtype=depth.dtype, device=device(depth))[:, None]
    row = xp.astype(xp.max(numbers * _number(depth == xp.max(depth, axis=0), depth), axis=0), xp.int64)
    index = row * count + xp.arange(count, device=device(depth))
    return xp.take(xp.reshape(planes, (3, -1)), index, axis=1)


def _replaced(array: Array, index: Array, values: Array) -> Array:
    """`array` (..., A) with `values` (..., K) at `index` (K,): a copy, so that torch can differentiate it."""
    xp = namespace(array)
    source = xp.arange(array.shape[-1], device=device(array))
    source[index] = array.shape[-1] + xp.arange(index.shape[0], device=device(array))
    return xp.take(xp.concat([array, values], axis=-1), source, axis=-1)


def _like(value: Array | float, array: Array) -> Array:
    """A number or numbers in the type and on the device of `array`."""
    return namespace(array).asarray(value, dtype=array.dtype, device=device(array))


def _number(mask: Array, like: Array) -> Array:
    """1 where true, else 0, in the type of `like`: on NumPy several times as fast as choosing by `where`."""
    return namespace(like).astype(mask, like.dtype)


def _length(x: Array, y: Array) -> Array:
    """Of the vectors x, y (...)."""
    return namespace(x).sqrt(x * x + y * y + TINY * TINY)


def _people_first(vectors: Array, shape: tuple[int, ...]) -> Array:
    """Vectors, broadcast to `shape` (..., N, 2), as (2, N, W): whole rows of worlds for the processor."""
    xp = namespace(vectors)
    worlds = xp.reshape(xp.broadcast_to(vectors, shape), (-1, *shape[-2:]))
    return xp.reshape(xp.reshape(xp.permute_dims(worlds, (2, 1, 0)), (-1,)), (2, shape[-2], -1))


def _worlds_first(vectors: Array, shape: tuple[int, ...]) -> Array:
    """The way back."""
    xp = namespace(vectors)
    return xp.reshape(xp.reshape(xp.permute_dims(vectors, (2, 1, 0)), (-1,)), shape)


def _of_each(values: Array, shape: tuple[int, ...]) -> Array:
    """A number of each person, () or (..., N), as (N, W) or (N, 1)."""
    xp = namespace(values)
    if values.ndim < 2:
        return xp.broadcast_to(values, (shape[-2],))[:, None]
    flat = xp.reshape(xp.broadcast_to(values, shape[:-1]), (-1, shape[-2]))
    return xp.permute_dims(flat, (1, 0))
