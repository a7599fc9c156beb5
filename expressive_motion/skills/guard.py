"""How far the base may go before it comes too near to something: the guard of every expressive motion.

It is the motion's own, so that a behaviour is as careful in rehearsal as on the robot; the shield of navigation still
stands behind it. A base that stands too near already may go away, never nearer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from expressive_motion.skills.attention import People
from sac_son_nav.kinematics import unicycle_step
from sac_son_nav.states import Floats

CLEARANCE = 0.08  # [m] kept between the hull and whatever the laser saw
ROOM = 0.6  # [m] kept between the hull and a person's centre
LOOKS_AHEAD = 0.9  # [m] along the way
SAMPLES = 19
REACTION = 0.15  # [s] between a command and what comes of it
NEARER = 1e-3  # [m] that count as coming nearer
SPARE = 1e-6  # [m] for rounding
_STEP = LOOKS_AHEAD / (SAMPLES - 1)
_ALONG = np.linspace(0.0, LOOKS_AHEAD, SAMPLES)
TIGHTEST = 8.0  # [1/m] curvature beyond which a motion counts as turning on the spot


def free_way(
    pose: Floats, linear: float, angular: float, radius: float, points: Floats, people: People | None = None
) -> float:
    """How far [m] a base of `radius` [m] at `pose` (3,) may go on along its arc, at most LOOKS_AHEAD.

    `linear` [m/s], backward if negative, and `angular` [rad/s] give the arc; `points` (M, 2) [m] are obstacles. People
    are kept clear of where they are and, while they walk, of where they will be when the base gets there.
    """
    if linear == 0.0:
        return LOOKS_AHEAD
    along = _ALONG  # (K,) [m]
    curvature = float(np.clip(angular / abs(linear), -TIGHTEST, TIGHTEST))
    arc = along[:, None] * np.array([math.copysign(1.0, linear), curvature])  # (K, 2) [m, rad] since here
    places = unicycle_step(np.broadcast_to(pose, (SAMPLES, 3)), arc, 1.0)[:, :2]  # (K, 2)
    near = np.hypot(*(points - pose[:2]).T) < LOOKS_AHEAD + radius + CLEARANCE
    free = LOOKS_AHEAD
    if near.any():
        free = _first(along, _apart(places, points[near]), radius + CLEARANCE)
    if people is not None and len(people.ids):
        way = places.tolist()
        for place, velocity in zip(people.positions.tolist(), people.velocities.tolist(), strict=True):
            free = min(free, _until_person(way, place, (0.0, 0.0), 0.0, radius + ROOM))
            if velocity != [0.0, 0.0]:
                free = min(free, _until_person(way, place, velocity, 1.0 / abs(linear), radius + ROOM))
    return free


def _until_person(
    way: Sequence[Sequence[float]],
    place: Sequence[float],
    velocity: Sequence[float],
    seconds_per_m: float,
    room: float,
) -> float:
    """What :func:`_first` says of one person, in plain floats, as there are few of them and most are out of reach."""
    x, y = way[0]
    walks = math.hypot(*velocity) * seconds_per_m * LOOKS_AHEAD
    if math.hypot(place[0] - x, place[1] - y) > LOOKS_AHEAD + walks + room:
        return LOOKS_AHEAD
    before = math.inf
    for k, (there_x, there_y) in enumerate(way):
        later = k * _STEP * seconds_per_m
        px, py = place[0] + velocity[0] * later, place[1] + velocity[1] * later
        apart = math.hypot(px - there_x, py - there_y)
        if apart < room and apart < math.hypot(px - x, py - y) - NEARER:
            share = min(max((before - room) / max(before - apart, 1e-9), 0.0), 1.0)
            return (k - 1 + share) * _STEP  # k is not 0, where nobody is nearer than if the base had stayed
        before = apart
    return LOOKS_AHEAD


def nothing_near(
    pose: Floats, way: float, speed: float, radius: float, points: Floats, people: People | None = None
) -> bool:
    """Whether :func:`free_way` is at least `way` [m] at `speed` [m/s, above zero] whatever the arc, because nothing is
    within reach of it. True is certain, False is not; it is much the cheaper question, and enough in most steps.

    Points that aren't finite are no obstacles.
    """
    if way > LOOKS_AHEAD:
        return False
    reach = math.ceil(way / _STEP) * _STEP + radius + SPARE  # free_way tells ways apart by its samples only
    x, y, _ = pose.tolist()
    if len(points) and (np.hypot(points[:, 0] - x, points[:, 1] - y) < reach + CLEARANCE).any():
        return False
    if people is None:
        return True
    walking_s = math.ceil(way / _STEP) * _STEP / speed
    return all(
        math.hypot(px - x, py - y) > reach + ROOM + walking_s * math.hypot(vx, vy)
        for (px, py), (vx, vy) in zip(people.positions.tolist(), people.velocities.tolist(), strict=True)
    )


def stopping_way(speed: float, deceleration: float) -> float:
    """The way [m] that :func:`allowed_speed` needs for a speed [m/s]."""
    return speed * REACTION + speed * speed / (2.0 * deceleration)


def allowed_speed(free: float, deceleration: float) -> float:
    """The highest speed [m/s] from which a base still stops within `free` [m], when it brakes at `deceleration`
    [m/s^2] from REACTION on."""
    lost = deceleration * REACTION
    return math.sqrt(lost * lost + 2.0 * deceleration * max(free, 0.0)) - lost


def _apart(places: Floats, things: Floats) -> Floats:
    """Distances (K, M) [m] from places (K, 2) to things (M, 2)."""
    away = places[:, None, :] - things
    apart: Floats = np.hypot(away[..., 0], away[..., 1])
    return apart


def _first(along: Floats, apart: Floats, room: float) -> float:
    """How far along the way the first thing gets nearer than `room`, and nearer than if the base had stayed."""
    if float(apart.min()) >= room:
        return LOOKS_AHEAD
    wrong: NDArray[np.bool_] = (apart < room) & (apart < apart[0] - NEARER)
    if not wrong.any():
        return LOOKS_AHEAD
    k = int(np.argmax(wrong.any(axis=1)))  # not 0, where nothing is nearer than it is
    before, after = apart[k - 1][wrong[k]], apart[k][wrong[k]]
    share = np.clip((before - room) / np.maximum(before - after, 1e-9), 0.0, 1.0)
    return float(along[k - 1] + (along[k] - along[k - 1]) * share.min())
