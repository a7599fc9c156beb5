"""Whom a behaviour is about, from moment to moment: choosing, keeping sight of, losing and finding again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from expressive_motion.skills.embodiment import View
from sac_son_nav.geometry import inverse, transform_points
from sac_son_nav.states import Floats, Tracks

FORGETS = 1.0  # [s] for which somebody out of sight is still thought to be where they were going
NEAR_ENOUGH = 0.6  # [m] from there, within which a new track is taken for the same person
FASTEST_BELIEVED = 3.0  # [m/s]
WALKS = 0.3  # [m/s] from which somebody has a direction


@dataclass(frozen=True)
class People:
    """Everybody in sight whose place is known: ids (N,), positions (N, 2) [m], velocities (N, 2) [m/s]."""

    ids: NDArray[np.int64]
    positions: Floats
    velocities: Floats


@dataclass(frozen=True)
class Person:
    """The person a skill is about. position (2,) [m], velocity (2,) [m/s]; seen: by a track of this moment, not by
    memory. facing [rad]: where they last walked to, None if they have only stood."""

    id: int
    position: Floats
    velocity: Floats
    seen: bool
    facing: float | None

    @property
    def speed(self) -> float:
        """[m/s]"""
        return math.hypot(self.velocity[0], self.velocity[1])


def people_of(tracks: Tracks) -> People:
    """The tracks that can be used: those without a place are left out, those without a velocity stand, and nobody
    is faster than FASTEST_BELIEVED."""
    if _all_believed(tracks):
        return People(tracks.ids, tracks.positions, tracks.velocities)
    known = np.isfinite(tracks.positions).all(axis=-1)
    moving = np.isfinite(tracks.velocities).all(axis=-1, keepdims=True)
    velocities = np.where(moving, tracks.velocities, 0.0)
    speeds = np.linalg.norm(velocities, axis=-1, keepdims=True)
    velocities = velocities * np.minimum(1.0, FASTEST_BELIEVED / np.maximum(speeds, 1e-9))
    return People(tracks.ids[known], tracks.positions[known], velocities[known])


def _all_believed(tracks: Tracks) -> bool:
    """Whether all tracks can be used as they are, which is so nearly always, and told quickly of a handful."""
    return all(
        math.isfinite(x) and math.isfinite(y) and math.hypot(vx, vy) < FASTEST_BELIEVED  # NaN is not less
        for (x, y), (vx, vy) in zip(tracks.positions.tolist(), tracks.velocities.tolist(), strict=True)
    )


class Attention:
    """Keeps the person of a behaviour. `people` is everybody of the last update that was fresh."""

    def __init__(self, person: int | None = None) -> None:
        self.people = people_of(Tracks.empty(0.0, ""))
        self._chosen = person is not None  # not merely the nearest
        self._id = person
        self._last: Person | None = None
        self._seen_s = -math.inf
        self._time_s = 0.0
        self._asked_s: dict[object, float] = {}

    def asked_for_s(self, question: object) -> float:
        """For how long [s] a program has been asking this question, since it last heard a no to it."""
        return self._time_s - self._asked_s.setdefault(question, self._time_s)

    def answered(self, question: object, here: bool) -> None:
        """A program has heard yes or no to its question."""
        if not here:
            self._asked_s.pop(question, None)

    @property
    def id(self) -> int | None:
        """Whose id it is, in sight or not; None before anybody was chosen."""
        return self._id

    @property
    def person(self) -> Person | None:
        """The person: seen now, or remembered for up to FORGETS; else None."""
        if self._last is None or self._last.seen:
            return self._last
        age = self._time_s - self._seen_s
        if age > FORGETS:
            return None
        there = self._last.position + self._last.velocity * age
        return Person(self._last.id, there, self._last.velocity, False, self._last.facing)

    def update(self, view: View) -> None:
        """Take in what is seen at this moment; nobody is seen in a view that is stale."""
        self._time_s = view.time_s
        now = people_of(view.tracks)
        if len(now.ids) or not view.stale:
            self.people = now  # for the guard, somebody seen a while ago is better than nobody
        index = None if view.stale else self._index(now)
        if index is None:
            if self._last is not None and self._last.seen:
                self._last = Person(self._last.id, self._last.position, self._last.velocity, False, self._last.facing)
            return
        self._take(now, index)

    def begin_skill(self, view: View) -> None:
        """A skill begins: without a person chosen, and with nobody kept in mind, the nearest is meant."""
        if not self._chosen and self.person is None:
            self.choose("nearest", view, lasting=False)

    def choose(self, which: str, view: View, lasting: bool = True) -> bool:
        """Mean from now on somebody in sight: nearest, ahead, left, right, behind or fastest. False when there is no
        such person, and whoever was meant stays so."""
        people = people_of(view.tracks)
        if view.stale or not len(people.ids):
            return False
        seen_from_robot = transform_points(inverse(view.robot.pose), people.positions)
        distance = np.linalg.norm(seen_from_robot, axis=-1)
        bearing = np.degrees(np.arctan2(seen_from_robot[:, 1], seen_from_robot[:, 0]))
        fits = {
            "ahead": np.abs(bearing) <= 45.0,
            "left": (bearing > 45.0) & (bearing < 135.0),
            "right": (bearing < -45.0) & (bearing > -135.0),
            "behind": np.abs(bearing) >= 135.0,
        }.get(which, np.ones(len(distance), dtype=bool))
        if not fits.any():
            return False
        cost = -np.linalg.norm(people.velocities, axis=-1) if which == "fastest" else distance
        self._chosen, self._last = lasting, None
        self._take(people, int(np.argmin(np.where(fits, cost, np.inf))))
        return True

    def _index(self, now: People) -> int | None:
        """The row of the person: by id, else near where they must have got to."""
        ids = now.ids.tolist()
        if self._id in ids:
            return int(ids.index(self._id))
        last = self._last
        age = self._time_s - self._seen_s
        if last is None or age > FORGETS or not len(now.ids):
            return None
        apart = np.linalg.norm(now.positions - (last.position + last.velocity * age), axis=-1)
        nearest = int(np.argmin(apart))
        return nearest if apart[nearest] <= NEAR_ENOUGH else None

    def _take(self, people: People, index: int) -> None:
        position, velocity = people.positions[index], people.velocities[index]
        facing = self._last.facing if self._last is not None else None
        if math.hypot(velocity[0], velocity[1]) >= WALKS:
            facing = math.atan2(velocity[1], velocity[0])
        self._id, self._seen_s = int(people.ids[index]), self._time_s
        self._last = Person(self._id, position, velocity, True, facing)
