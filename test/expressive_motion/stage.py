"""A closed loop for performances: the base's real kinematics, walls as laser returns, people who walk by a function
of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from expressive_motion.robot import Call, Description, Value, describe
from expressive_motion.skills.embodiment import TICK, Outputs, View
from expressive_motion.skills.performance import Performance
from sac_son_nav.kinematics import limit_velocity, unicycle_step
from sac_son_nav.states import Command, Floats, RobotState, Tracks

Walk = Callable[[float], "tuple[float, float]"]
LEG = 0.12  # [m] from a person's centre to where the laser sees them
ROBOT = describe("simulated")
Program = Generator["tuple[str, dict[str, Value]]", "Value | None", None]


class Written:
    """A session over a generator of (skill, arguments), or a list of them; `answers` is what came back."""

    def __init__(self, description: Description, calls: Program | Iterable[tuple[str, dict[str, Value]]]) -> None:
        self._description = description
        self._calls = calls if isinstance(calls, Generator) else self._listed(calls)
        self._begun = self.dropped = False
        self.answers: list[Value | None] = []

    @staticmethod
    def _listed(calls: Iterable[tuple[str, dict[str, Value]]]) -> Program:
        for call in calls:  # noqa: UP028 -- a list's iterator doesn't take the answers
            yield call

    def next(self, answer: Value | None = None) -> Call | None:
        assert not self.dropped, "called after it was dropped"
        try:
            if not self._begun:
                self._begun = True
                name, arguments = next(self._calls)
            else:
                self.answers.append(answer)
                name, arguments = self._calls.send(answer)
        except StopIteration:
            return None
        return self._description.check(name, (), arguments)

    def drop(self) -> None:
        self.dropped = True


def standing(x: float, y: float) -> Walk:
    """Somebody who stays where they are."""
    return lambda _: (x, y)


def walking(x: float, y: float, vx: float, vy: float) -> Walk:
    """Somebody who walks straight on."""
    return lambda t: (x + vx * t, y + vy * t)


def wall(x0: float, y0: float, x1: float, y1: float) -> Floats:
    """Laser returns (M, 2) every 2 cm of a wall."""
    count = max(2, round(math.hypot(x1 - x0, y1 - y0) / 0.02))
    return np.stack([np.linspace(x0, x1, count), np.linspace(y0, y1, count)], axis=-1)


@dataclass
class Stage:
    """Runs a performance. `poses` (T, 3), `velocities` (T, 2), `commands` (T, 2), `heads` (T, 2) and `outputs` grow
    by one a step."""

    description: Description = field(default_factory=lambda: ROBOT)
    people: Sequence[Walk] = ()
    walls: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    alter: Callable[[View, int], View] = lambda view, _: view
    ticks: Callable[[int], float] = lambda _: TICK
    pose: Floats = field(default_factory=lambda: np.zeros(3))

    def __post_init__(self) -> None:
        self.velocity, self.time_s, self.count = np.zeros(2), 0.0, 0
        self.poses: list[Floats] = []
        self.velocities: list[Floats] = []
        self.times: list[float] = []
        self.outputs: list[Outputs] = []
        self.places: list[Floats] = []

    def positions(self, time_s: float) -> Floats:
        """Where the people are, (N, 2)."""
        return np.array([walk(time_s) for walk in self.people], dtype=np.float64).reshape(-1, 2)

    def view(self) -> View:
        """What is seen now."""
        here, before = self.positions(self.time_s), self.positions(self.time_s - 0.01)
        n = len(here)
        tracks = Tracks(
            self.time_s,
            "map",
            np.arange(n, dtype=np.int64) + 7,
            here,
            (here - before) / 0.01,
            np.tile(np.eye(4) * 0.01, (n, 1, 1)),
            np.ones(n),
        )
        angles = np.linspace(0.0, 2.0 * math.pi, 12, endpoint=False)
        legs = here[:, None, :] + LEG * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        points = np.concatenate([self.walls, legs.reshape(-1, 2)])
        robot = RobotState(self.time_s, self.pose.copy(), self.velocity.copy())
        return self.alter(View(self.time_s, robot, tracks, points), self.count)

    def step(self, performance: Performance) -> Outputs:
        """One step of the performance, and the world after it."""
        out = performance.step(self.view())
        self.outputs.append(out)
        dt = self.ticks(self.count)
        limits = self.description.profile.limits
        age, wanted = 0.0, out.command
        while age < dt - 1e-9:  # a base whose commands are too old stops by itself
            part = min(TICK, dt - age)
            wanted = wanted if age < self.description.profile.command_timeout else Command()
            self.velocity = limit_velocity(wanted.as_array(), self.velocity, limits, part)
            self.pose = unicycle_step(self.pose, self.velocity, part)
            age += part
        self.time_s += dt
        self.count += 1
        self.poses.append(self.pose)
        self.velocities.append(self.velocity)
        self.times.append(self.time_s)
        self.places.append(self.positions(self.time_s))
        return out

    def perform(
        self,
        *calls: tuple[str, dict[str, Value]],
        program: Program | None = None,
        seconds: float = 60.0,
        person: int | None = None,
        forbidden: frozenset[str] = frozenset(),
        settle: bool = True,
    ) -> Performance:
        """Perform calls to the end, and until the base stands."""
        session = Written(self.description, program if program is not None else calls)
        performance = Performance(session, self.description, person, forbidden)
        while self.time_s < seconds and performance.state == "running":
            self.step(performance)
        for _ in range(40 if settle else 0):
            self.step(performance)
        return performance

    @property
    def commands(self) -> Floats:
        """(T, 2)"""
        return np.array([out.command.as_array() for out in self.outputs])

    @property
    def heads(self) -> Floats:
        """(T, 2)"""
        return np.array([out.head for out in self.outputs])

    @property
    def path(self) -> Floats:
        """(T, 3)"""
        return np.array(self.poses)

    def nearest_person(self) -> Floats:
        """Distance (T,) [m] from the base's centre to the nearest person's."""
        apart = np.array(self.places) - self.path[:, None, :2]
        least: Floats = np.linalg.norm(apart, axis=-1).min(axis=-1)
        return least

    def nearest_wall(self) -> float:
        """Least distance [m] from the base's centre to a wall, ever."""
        return float(np.linalg.norm(self.path[:, None, :2] - self.walls, axis=-1).min())


def changed(view: View, **tracks: object) -> View:
    """A view whose tracks differ."""
    return replace(view, tracks=replace(view.tracks, **tracks))
