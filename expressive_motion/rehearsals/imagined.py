"""Imagined scenes: small worlds on a virtual clock in which a program is tried before any robot performs it.

The robot starts at the origin and looks along +x. People walk as they are scripted and answer nobody, so that what
comes of a meeting is the robot's doing; walls are straight. Frame map, SI units, a step every TICK.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from expressive_motion.skills.embodiment import TICK, View
from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Floats, RobotState, Tracks

if TYPE_CHECKING:
    from collections.abc import Sequence

PERSON_RADIUS = 0.25  # [m], as people of the embedded world have it
_BEAMS = 16  # points on the outline of a person, as a laser returns them
_WALL_STEP = 0.05  # [m] between two points on a wall
_TURNS = np.linspace(0.0, 2.0 * np.pi, _BEAMS, endpoint=False)
_OUTLINE = PERSON_RADIUS * np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=-1)  # (_BEAMS, 2)

Knot = tuple[float, float, float]
Wall = tuple[float, float, float, float]


@dataclass(frozen=True)
class ScriptedPerson:
    """Somebody who walks from knot to knot (time [s], x, y [m]) and stands before the first and after the last.

    Their track is lost after `seen_s` [s], though they are still there; after `there_s` [s] they have gone.
    """

    knots: tuple[Knot, ...]
    seen_s: float = math.inf
    there_s: float = math.inf

    def __post_init__(self) -> None:
        times = [knot[0] for knot in self.knots]
        if not times or times != sorted(set(times)):
            raise ConfigError(f"scripted person: expected one or more knots in order of time, got times {times}")


@dataclass(frozen=True)
class Scene:
    """What a program is tried in. `walls`: x, y of one end and of the other [m]. `busy_s` [s]: for how long at
    first something of higher rank has the base. `disturbed`: a behaviour may have to be broken off in it."""

    name: str
    description: str
    people: tuple[ScriptedPerson, ...] = ()
    walls: tuple[Wall, ...] = ()
    busy_s: float = 0.0
    disturbed: bool = False

    def varied(self, seed: int) -> Scene:
        """The scene with everybody somewhere else by up to 0.1 m along each axis; as it is for seed 0."""
        if seed < 0:
            raise ConfigError(f"seed: expected zero or more, got {seed}")
        if seed == 0:
            return self
        luck = np.random.default_rng([seed, *self.name.encode()])
        people = []
        for person in self.people:
            dx, dy = (float(v) for v in luck.uniform(-0.1, 0.1, 2))
            people.append(replace(person, knots=tuple((t, x + dx, y + dy) for t, x, y in person.knots)))
        return replace(self, people=tuple(people))


def _stands(x: float, y: float) -> ScriptedPerson:
    return ScriptedPerson(((0.0, x, y),))


def _walks(start_s: float, begin: tuple[float, float], end: tuple[float, float], speed: float) -> tuple[Knot, ...]:
    """Knots of a straight walk at `speed` [m/s]."""
    return (start_s, *begin), (start_s + math.dist(begin, end) / speed, *end)


_PASSING = _walks(0.0, (5.0, 1.3), (-8.0, 1.3), 1.2)
_LEAVING = _walks(4.0, (1.6, 0.0), (9.0, 0.0), 0.7)

SCENES: tuple[Scene, ...] = (
    Scene("standing", "a person stands 1.6 m ahead, facing the robot", (_stands(1.6, 0.0),)),
    Scene("distant", "a person stands 3.5 m away, 35 degrees to the left", (_stands(2.867, 2.008),)),
    Scene(
        "passing",
        "a person walks by at 1.2 m/s, 1.3 m to the left",
        (ScriptedPerson(_PASSING, _PASSING[-1][0], _PASSING[-1][0]),),
    ),
    Scene(
        "leaving",
        "a person stands 1.6 m ahead for 4 s, then walks away at 0.7 m/s",
        (ScriptedPerson(_LEAVING, _LEAVING[-1][0], _LEAVING[-1][0]),),
    ),
    Scene(
        "stepping_in",
        "a person comes from the left and stops 1.3 m ahead",
        (ScriptedPerson(_walks(0.5, (1.3, 2.2), (1.3, 0.0), 1.0)),),
    ),
    Scene("alone", "nobody is there"),
    Scene(
        "blocked_behind",
        "a wall 0.45 m behind the robot's centre, a person 1.6 m ahead",
        (_stands(1.6, 0.0),),
        ((-0.45, -1.5, -0.45, 1.5),),
    ),
    Scene(
        "crowded",
        "three people stand around the robot, 1.1 to 1.8 m away",
        (_stands(1.1, 0.4), _stands(0.3, -1.4), _stands(-1.3, 1.2)),
    ),
    Scene(
        "vanishing",
        "a person stands 1.6 m ahead, and is lost from sight after 2 s",
        (ScriptedPerson(((0.0, 1.6, 0.0),), seen_s=2.0),),
        disturbed=True,
    ),
    Scene(
        "busy",
        "a person stands 1.6 m ahead; navigation has the base for the first 3 s",
        (_stands(1.6, 0.0),),
        busy_s=3.0,
        disturbed=True,
    ),
)


def scene_named(name: str, scenes: Sequence[Scene] = SCENES) -> Scene:
    """The scene of that name; ConfigError where there is none."""
    for scene in scenes:
        if scene.name == name:
            return scene
    raise ConfigError(f"scene {name!r}: expected one of {', '.join(scene.name for scene in scenes)}")


class Staged:
    """A scene laid out in time, worked out once: T moments of N people.

    times (T,) [s]; people (T, N, 2) [m] and their paces (T, N, 2) [m/s], NaN and 0 for who has gone; seen (T, N): who
    has a track; wall_points (P, 2) [m].
    """

    def __init__(self, scene: Scene, moments: int) -> None:
        self.scene = scene
        self.times: Floats = TICK * np.arange(moments, dtype=np.float64)
        count = len(scene.people)
        self.people: Floats = np.zeros((moments, count, 2))
        self.seen: NDArray[np.bool_] = np.ones((moments, count), dtype=bool)
        for k, person in enumerate(scene.people):
            knots = np.array(person.knots)
            for axis in (0, 1):
                self.people[:, k, axis] = np.interp(self.times, knots[:, 0], knots[:, 1 + axis])
        self.paces: Floats = np.diff(self.people, axis=0, append=self.people[-1:]) / TICK
        for k, person in enumerate(scene.people):
            gone = self.times >= person.there_s
            self.people[gone, k], self.paces[gone, k] = np.nan, 0.0
            self.seen[:, k] = (self.times < person.seen_s) & ~gone
        self.wall_points: Floats = np.concatenate([np.zeros((0, 2)), *(_along(wall) for wall in scene.walls)])
        self._in_sight = self.seen.sum(axis=1).tolist()
        self._ids = np.arange(count, dtype=np.int64)
        self._places = self.people.tolist()  # the same for plain arithmetic, which is faster for a handful of numbers
        moved = (self.people[1:] != self.people[:-1]) & ~np.isnan(self.people[1:])
        changed = moved.any(axis=(1, 2)) | (self.seen[1:] != self.seen[:-1]).any(axis=1)
        self._changed = [True, *changed.tolist()]
        self._fastest = np.linalg.norm(self.paces, axis=-1).max(axis=1, initial=0.0).tolist()
        self._returns = (self.wall_points, np.zeros_like(self.wall_points))
        self._returns_of = -1

    def returns(self, moment: int) -> tuple[Floats, Floats]:
        """What a laser sees all round, points (M, 2) [m] and their velocities (M, 2) [m/s]; the velocity of who has no
        track is not known, and taken for 0."""
        if moment != self._returns_of and (moment != self._returns_of + 1 or self._changed[moment]):
            self._returns = self._look_round(moment)
        self._returns_of = moment
        return self._returns

    def fastest(self, moment: int) -> float:
        """The highest pace [m/s] of anybody."""
        return float(self._fastest[moment])

    def people_apart(self, moment: int, x: float, y: float) -> list[float]:
        """Distances (N,) [m] of a place from everybody's centre; NaN who has gone."""
        return [math.hypot(px - x, py - y) for px, py in self._places[moment]]

    def wall_apart(self, x: float, y: float) -> float:
        """Distance [m] of a place from the nearest wall; inf where there is none."""
        return min((_to_segment(x, y, wall) for wall in self.scene.walls), default=math.inf)

    def room(self, moment: int, x: float, y: float) -> float:
        """Distance [m] of a place from whatever is nearest, people's outlines or walls."""
        nearest = self.wall_apart(x, y)
        for apart in self.people_apart(moment, x, y):
            nearest = min(nearest, apart - PERSON_RADIUS)  # NaN is never the lesser
        return nearest

    def _look_round(self, moment: int) -> tuple[Floats, Floats]:
        people = self.people[moment]
        if not len(people):
            return self.wall_points, np.zeros_like(self.wall_points)
        there = ~np.isnan(people[:, 0])
        outlines = (people[there, None] + _OUTLINE).reshape(-1, 2)
        paces = np.repeat(np.where(self.seen[moment, there, None], self.paces[moment, there], 0.0), _BEAMS, axis=0)
        if not len(self.wall_points):
            return outlines, paces
        return np.concatenate([outlines, self.wall_points]), np.concatenate([paces, np.zeros_like(self.wall_points)])

    def view(self, moment: int, pose: Floats, velocity: Floats) -> View:
        """What a performance is told at this moment."""
        points, _ = self.returns(moment)
        time_s, count = float(self.times[moment]), self._in_sight[moment]
        people, paces = self.people[moment], self.paces[moment]
        if count < len(people):
            seen = self.seen[moment]
            people, paces, ids = people[seen], paces[seen], self._ids[seen]
        else:
            ids = self._ids
        tracks = Tracks(time_s, "map", ids, people, paces, _COVARIANCES[:count], _SURE[:count])
        return View(time_s, RobotState(time_s, pose, velocity), tracks, points, time_s >= self.scene.busy_s)


_MOST = 16
_COVARIANCES, _SURE = np.zeros((_MOST, 4, 4)), np.ones(_MOST)
_COVARIANCES.setflags(write=False)
_SURE.setflags(write=False)


def _to_segment(x: float, y: float, wall: Wall) -> float:
    """Distance [m] of a place from a wall."""
    x0, y0, x1, y1 = wall
    dx, dy = x1 - x0, y1 - y0
    share = min(1.0, max(0.0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)))
    return math.hypot(x0 + share * dx - x, y0 + share * dy - y)


def _along(wall: Wall) -> Floats:
    """Points on a wall, (P, 2) [m]."""
    begin, end = np.array(wall[:2]), np.array(wall[2:])
    count = max(2, math.ceil(float(np.linalg.norm(end - begin)) / _WALL_STEP) + 1)
    return np.asarray(begin + np.linspace(0.0, 1.0, count)[:, None] * (end - begin))
