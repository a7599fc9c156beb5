"""What the policy is told, in the robot's own axes: its way, its body, what stands around it, and who walks there.

Everything comes from what the navigator knows anyway: the route, the tracks and the laser's returns. Nothing depends
on where on the map the robot is, so that turning and moving the world changes nothing; and everything has a mirror
image of its own (:func:`mirrored`), so that what is learned on the left holds on the right.

Shapes: any leading batch dimensions B (none on the robot), P points of the way, S sectors, N people. SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from sac_son_nav.arrays import Array, clip, device, minimum_at, namespace, norm
from sac_son_nav.geometry import rotate
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Floats

WAY_POINTS = 13  # P: as far as the fastest base gets within the horizon, and a look ahead
WAY_SPACING = 0.35  # [m] between two of them
ROOM = 1.5  # [m] beside the way, as far as room is told
STRIP = 0.3  # [m] along the way, before and behind a point, in which things take room beside it
SECTORS = 24  # S, all round; an even number, so that they are their own mirror image
SIGHT = 4.0  # [m] as far as obstacles are told
FAR = 5.0  # [m] beyond which a goal is just far; a navigator hands on about as much of its route
PEOPLE_REACH = 8.0  # [m] within which people are told


@dataclass(frozen=True)
class PolicyInputs:
    """body (B, 9): velocity [m/s, rad/s], radius [m], the five limits of :class:`BaseLimits` that bound a plan going
    forward, and the way to go [m]. way (B, P, 2) [m]: points ahead on the way. room (B, P, 2) [m]: to the left and to
    the right of each. sectors (B, S) [m]: the nearest obstacle in each direction, from behind the right counter-
    clockwise. people (B, N, 4): position [m] and velocity over ground [m/s]; present (B, N): 1 for who is there, 0
    for a row that says nothing."""

    body: Array
    way: Array
    room: Array
    sectors: Array
    people: Array
    present: Array


def inputs(
    pose: Floats,
    velocity: Floats,
    route: Route,
    radius: float,
    limits: BaseLimits,
    points: Floats,
    positions: Floats,
    velocities: Floats,
) -> PolicyInputs:
    """What the policy is told of robots at pose (B, 3) with velocity (B, 2) on a route, of obstacles at points
    (B, M, 2) and people at positions with velocities (B, N, 2), all in frame `map`; a point or person at infinity or
    NaN is none. In float32."""
    here, yaw = pose[..., :2], -pose[..., 2]
    place, _ = route.project(here)
    ahead = np.minimum(np.asarray(place)[..., None] + WAY_SPACING * np.arange(WAY_POINTS), route.length)
    line, along = route.at(ahead)
    way = rotate(line - here[..., None, :], yaw[..., None])
    to_go = np.minimum(np.asarray(route.remaining(here)), FAR)
    constants = [radius, limits.vx_max, limits.wz_max, limits.acceleration, limits.deceleration]
    constants.append(limits.angular_acceleration)
    body = np.concatenate(
        [velocity, np.broadcast_to(constants, (*velocity.shape[:-1], len(constants))), to_go[..., None]], axis=-1
    )
    things = rotate(points - here[..., None, :], yaw[..., None])
    where = rotate(positions - here[..., None, :], yaw[..., None])
    with np.errstate(invalid="ignore"):
        present = np.linalg.norm(where, axis=-1) <= PEOPLE_REACH
    people = np.concatenate([where, rotate(velocities, yaw[..., None])], axis=-1)
    told = (
        *(body, way, room_beside(way, rotate(along, yaw[..., None]), things), nearest_by_sector(things)),
        *(np.where(present[..., None], people, 0.0), present),
    )
    return PolicyInputs(*(np.asarray(values, dtype=np.float32) for values in told))


def room_beside(way: Floats, along: Floats, points: Floats) -> Floats:
    """Room (B, P, 2) [m] to the left and right of points of a way (B, P, 2) [m] with directions along (B, P, 2), up to
    the nearest of `points` (B, M, 2) [m]; at most ROOM."""
    if points.shape[-2] == 0:
        return np.full(way.shape, ROOM)
    with np.errstate(invalid="ignore"):
        ox, oy = (points[..., None, :, d] - way[..., :, None, d] for d in (0, 1))  # (B, P, M)
        x, y = along[..., :, None, 0], along[..., :, None, 1]
        forth, left = ox * x + oy * y, oy * x - ox * y
        beside = np.abs(forth) < STRIP
        rooms = [np.where(beside & (side >= 0.0), side, ROOM).min(axis=-1) for side in (left, -left)]
    return np.minimum(np.stack(rooms, axis=-1), ROOM)


def nearest_by_sector(points: Floats) -> Floats:
    """Distance (B, S) [m] to the nearest of points (B, M, 2) [m] in each sector; at most SIGHT."""
    if points.shape[-2] == 0:
        return np.full((*points.shape[:-2], SECTORS), SIGHT)
    with np.errstate(invalid="ignore"):
        distance = np.linalg.norm(points, axis=-1)
        turn = np.arctan2(points[..., 1], points[..., 0]) / (2.0 * np.pi) + 0.5
        sector = np.floor(np.nan_to_num(turn) * SECTORS) % SECTORS
        seen = distance < SIGHT
    rows = np.arange(seen.size // seen.shape[-1]).reshape(*seen.shape[:-1], 1)  # of all the sectors of all robots
    nearest = np.full(rows.size * SECTORS, SIGHT)
    nearest = minimum_at(nearest, (rows * SECTORS + sector.astype(np.intp))[seen], distance[seen])
    return np.asarray(nearest).reshape(*seen.shape[:-1], SECTORS)


def mirrored(told: PolicyInputs) -> PolicyInputs:
    """The same with left and right exchanged."""
    xp = namespace(told.body)

    def turned(values: Array, signs: tuple[float, ...]) -> Array:
        return values * xp.asarray(signs, dtype=values.dtype)

    return PolicyInputs(
        turned(told.body, (1.0, -1.0, *(1.0,) * (told.body.shape[-1] - 2))),
        turned(told.way, (1.0, -1.0)),
        xp.flip(told.room, axis=-1),
        xp.flip(told.sectors, axis=-1),
        turned(told.people, (1.0, -1.0, 1.0, -1.0)),
        told.present,
    )


def both_ways(told: PolicyInputs) -> PolicyInputs:
    """The same and its mirror image, along a new first axis."""
    xp, other = namespace(told.body), mirrored(told)
    return PolicyInputs(*(xp.stack([getattr(told, f.name), getattr(other, f.name)]) for f in fields(told)))


def sector_points(told: PolicyInputs) -> Array:
    """The nearest obstacle of each sector (B, S, 2) [m], as if it were in its middle."""
    xp = namespace(told.sectors)
    turns = (2.0 * np.pi) * ((np.arange(SECTORS) + 0.5) / SECTORS - 0.5)
    rays = xp.asarray(
        np.stack([np.cos(turns), np.sin(turns)], axis=-1), dtype=told.sectors.dtype, device=device(told.sectors)
    )
    return told.sectors[..., None] * rays


def surroundings(told: PolicyInputs) -> Array:
    """All but the people as one row of features about one in size, (B, :func:`surroundings_size`)."""
    xp = namespace(told.body)
    scale = xp.asarray((0.5, 1.5, 0.3, 0.5, 1.5, 1.0, 2.0, 4.0, FAR), dtype=told.body.dtype)
    v, top = told.body[..., 0:1], told.body[..., 3:4]
    shares = [v / top, told.body[..., 1:2] / told.body[..., 4:5]]
    lead = told.body.shape[:-1]
    flat = [xp.reshape(a, (*lead, -1)) for a in (told.way / 2.0, told.room / ROOM, told.sectors / SIGHT)]
    return xp.concat([told.body / scale, *shares, *flat], axis=-1)


SURROUNDINGS = 9 + 2 + 4 * WAY_POINTS + SECTORS


def persons(told: PolicyInputs) -> Array:
    """Features (B, N, PERSON) of each person, about one in size: where and how fast, also relative to the robot and to
    its way, and how near robot and person would come if both went on as they go, and when."""
    xp = namespace(told.people)
    place, pace = told.people[..., :2], told.people[..., 2:]
    speed = told.body[..., None, 0:1]
    relative = xp.stack([pace[..., 0] - speed[..., 0], pace[..., 1]], axis=-1)
    distance = norm(place)
    closing = xp.sum(place * relative, axis=-1)
    squared = xp.sum(relative * relative, axis=-1) + 0.01
    when = clip(-closing / squared, 0.0, 5.0)
    then = norm(place + when[..., None] * relative)
    offset = place[..., None, :] - told.way[..., None, :, :]  # (B, N, P, 2)
    aside = xp.min(norm(offset), axis=-1)
    return xp.stack(
        [
            *(place[..., 0] / 4.0, place[..., 1] / 4.0, pace[..., 0], pace[..., 1], relative[..., 0]),
            *(distance / 4.0, 1.0 / (distance + 0.5), when / 2.5, then / 2.0, 1.0 / (then + 0.5), aside / 2.0),
        ],
        axis=-1,
    )


PERSON = 11
