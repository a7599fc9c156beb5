"""What a rehearsal in one scene shows, tick by tick."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from expressive_motion.rehearsals.imagined import PERSON_RADIUS, Scene
from expressive_motion.skills.embodiment import TICK, LightState, Utterance
from sac_son_nav.states import Floats

if TYPE_CHECKING:
    from expressive_motion.skills.performance import Performed

STANDING = 0.02  # [m/s] and below, a base stands


@dataclass(frozen=True)
class Said:
    """A sound or a sentence, and when it began [s]."""

    time_s: float
    utterance: Utterance


@dataclass(frozen=True)
class Held:
    """The shield let less through than the program asked for, and why."""

    time_s: float
    reason: str


@dataclass(frozen=True)
class Touch:
    """The robot touched something: when [s], what (`wall` or `person <id>`), and how fast it was [m/s]."""

    time_s: float
    what: str
    robot_speed: float


@dataclass(frozen=True, eq=False)
class Trace:
    """A program in one scene, T moments of N people, one every TICK; frame map.

    times (T,) [s]; poses (T, 3) [m, m, rad] and velocities (T, 2) [m/s, rad/s] of the robot; heads (T, 2) pan, tilt
    [rad], NaN without a head; lights T states; wanted and given (T, 2) commands before and after the shield; people
    (T, N, 2) [m], NaN who has gone; seen (T, N): who has a track; person (T,): number of whom the program is about, -1
    where nobody. `state` and `reason` are those the performance ended with; `radius` [m] is the robot's.
    """

    scene: Scene
    times: Floats
    poses: Floats
    velocities: Floats
    heads: Floats
    lights: tuple[LightState, ...]
    wanted: Floats
    given: Floats
    people: Floats
    seen: NDArray[np.bool_]
    person: NDArray[np.int64]
    said: tuple[Said, ...]
    performed: tuple[Performed, ...]
    held: tuple[Held, ...]
    touches: tuple[Touch, ...]
    state: str
    reason: str
    radius: float

    def __len__(self) -> int:
        return len(self.times)

    @property
    def duration_s(self) -> float:
        """How long the behaviour took, until everything rested."""
        return len(self) * TICK

    @cached_property
    def has_head(self) -> bool:
        """Whether the robot has a head."""
        return bool(np.isfinite(self.heads).all()) and len(self) > 0

    @cached_property
    def offsets(self) -> Floats:
        """Distance from where it began (T,) [m]."""
        return np.asarray(np.linalg.norm(self.poses[:, :2] - self.poses[0, :2], axis=-1))

    @cached_property
    def path_m(self) -> float:
        """Length of the way driven [m]."""
        return float(np.linalg.norm(np.diff(self.poses[:, :2], axis=0), axis=-1).sum())

    @cached_property
    def yaw(self) -> Floats:
        """Heading (T,) [rad], not wrapped, 0 at first."""
        turned = np.unwrap(self.poses[:, 2])
        return np.asarray(turned - turned[0])

    @cached_property
    def ahead(self) -> Floats:
        """How far the robot is ahead of where it began, along its first heading, (T,) [m]."""
        yaw = self.poses[0, 2]
        return np.asarray((self.poses[:, :2] - self.poses[0, :2]) @ np.array([np.cos(yaw), np.sin(yaw)]))

    @cached_property
    def distances(self) -> Floats:
        """From the robot's centre to everybody's, (T, N) [m]; inf who has gone."""
        apart = np.linalg.norm(self.people - self.poses[:, None, :2], axis=-1)
        return np.where(np.isnan(apart), np.inf, apart)

    @cached_property
    def nearest(self) -> Floats:
        """Distance to whoever is nearest, (T,) [m]; inf where nobody is."""
        return np.asarray(self.distances.min(axis=1, initial=np.inf))

    @cached_property
    def closing(self) -> Floats:
        """How fast the robot's own motion brings it nearer to everybody, (T, N) [m/s]."""
        if self.people.shape[1] == 0:
            return np.zeros((len(self), 0))
        yaw = self.poses[:, 2]
        moving = self.velocities[:, :1] * np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
        towards = np.nan_to_num(self.people - self.poses[:, None, :2])
        unit = towards / np.maximum(np.linalg.norm(towards, axis=-1, keepdims=True), 1e-9)
        return np.asarray((unit * moving[:, None]).sum(axis=-1))

    @cached_property
    def approach_m(self) -> float:
        """The nearest [m] to anybody the robot came by its own motion; inf if it never drove towards anybody."""
        return float(self.distances.min(initial=np.inf, where=self.closing > STANDING))

    @cached_property
    def subject(self) -> NDArray[np.int64]:
        """Number of the person it is about, (T,): whom the performance means, else the nearest in sight, else -1."""
        if self.people.shape[1] == 0:
            return np.full(len(self), -1)
        apart = np.where(self.seen, self.distances, np.inf)
        nearest = np.where(np.isfinite(apart).any(axis=1), apart.argmin(axis=1), -1)
        meant = np.clip(self.person, 0, self.people.shape[1] - 1)
        known = (self.person >= 0) & self.seen[np.arange(len(self)), meant]
        return np.asarray(np.where(known, self.person, nearest))

    @cached_property
    def to_person(self) -> Floats:
        """Distance to that person, (T,) [m]; inf where nobody is in sight."""
        if self.people.shape[1] == 0:
            return np.full(len(self), np.inf)
        apart = self.distances[np.arange(len(self)), np.maximum(self.subject, 0)]
        return np.where(self.subject >= 0, apart, np.inf)

    @cached_property
    def off_gaze(self) -> Floats:
        """Angle between where the robot looks, head and all, and that person, (T,) [rad], 0 to pi; NaN where nobody is
        in sight."""
        if self.people.shape[1] == 0:
            return np.full(len(self), np.nan)
        place = self.people[np.arange(len(self)), np.maximum(self.subject, 0)] - self.poses[:, :2]
        pan = self.heads[:, 0] if self.has_head else np.zeros(len(self))
        angle = np.arctan2(place[:, 1], place[:, 0]) - self.poses[:, 2] - pan
        off = np.abs(np.arctan2(np.sin(angle), np.cos(angle)))
        return np.where(self.subject >= 0, off, np.nan)

    @cached_property
    def lit(self) -> NDArray[np.bool_]:
        """Whether the light shows something of the program's, (T,)."""
        return np.array([light.brightness > 0.0 for light in self.lights], dtype=bool)

    @property
    def contact_gap(self) -> float:
        """Distance of centres [m] at which robot and person touch."""
        return self.radius + PERSON_RADIUS

    def calls(self, *skills: str) -> tuple[Performed, ...]:
        """The performed calls of these skills, of all if none is named."""
        return tuple(p for p in self.performed if not skills or p.call.skill in skills)
