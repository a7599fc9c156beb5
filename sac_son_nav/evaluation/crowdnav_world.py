"""Worlds of the CrowdNav test: people who walk to and fro across a circle by ORCA, and a robot they do not see.

The setting is that of S. Liu et al., "Intention aware robot crowd navigation with attention-based interaction graph"
(ICRA 2023), re-created from its description and settings on our own law of walking; docs/crowdnav.md tells where each
value comes from. It is pure and batched, and draws its luck in the published order from the published generator, so a
case with the same number is the same world to the last bit, and an outcome can be held against the published one.

Letters: W worlds, N people, M bodies that somebody looks at. Frame map, its origin in the circle's middle; SI units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.crowds.orca import FAR, best_velocities, least_evasion
from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Floats

Bools = NDArray[np.bool_]
SEED = 425  # the published one
FIRST_TEST = 1000  # added to the seed: the test's cases come after those of validation


@dataclass(frozen=True)
class Setting:
    """The published values, in order of appearance."""

    people: int = 20
    step: float = 0.25  # [s]
    time_limit: float = 49.0  # [s]: the published limit of 50 s ends a second early
    arena: float = 6.0  # [m]: the robot starts and ends in a square of twice this side
    way: float = 8.0  # [m] at least from its start to its goal
    body: float = 0.3  # [m]: radius of the robot, and of people who are all alike; a goal is reached within it
    ring: float = 6.0 * 2.0**0.5  # [m]: radius of the circle people start from
    ring_noise: float = 2.0  # [m]: a start lies off the circle by up to this, towards +x and towards +y
    room: float = 0.25  # [m] between a new place and all other bodies and their goals
    randomised: bool = True  # people differ in body, speed and sight
    bodies: tuple[float, float] = (0.3, 0.5)  # [m]
    speeds: tuple[float, float] = (0.5, 1.5)  # [m/s] at most; nobody prefers more than 1 m/s
    sights: tuple[float, float] = (5.0, 10.0)  # [m], centre to centre, within which ORCA minds others
    plain_sight: float = 10.0  # [m] of people who are all alike, and of a robot among them
    changing: bool = True  # some people change their minds on the way
    change_period: float = 5.0  # [s]
    change_chance: float = 0.5
    horizon: float = 5.0  # [s] of ORCA, people's and robot's
    margin: float = 0.16  # [m] that ORCA adds to each body: 0.15 of safety space and 0.01
    sensor_range: float = 5.0  # [m], skin to skin, within which the robot sees people
    unseen: float = 15.0  # [m]: a body never seen is thought to stand at (15, 15)
    robot_seen: bool = False  # whether people see the robot
    radii_renewed: bool = False  # False, as published: ORCA takes bodies to be what they were when it first saw them

    def __post_init__(self) -> None:
        if self.people < 1 or not self.step > 0.0:
            raise ConfigError(f"crowdnav: expected people and a time step, got {self.people} and {self.step} s")


@dataclass(frozen=True)
class Bodies:
    """What somebody looks at: positions, velocities (..., M, 2) and radii (..., M)."""

    positions: Floats
    velocities: Floats
    radii: Floats


def reciprocal_velocity(
    position: Floats,
    velocity: Floats,
    goal: Floats,
    fastest: Floats,
    others: Bodies,
    radius: Floats,
    sight: Floats,
    setting: Setting,
    share: float = 0.5,
) -> Floats:
    """ORCA as each of K people plans it alone, (K, 2): position, velocity, goal (K, 2), greatest speed, own radius
    and sight (K,), the M others as each sees them. It makes `share` of an evasion and prefers the goal at 1 m/s."""
    apart = np.moveaxis(others.positions - position[:, None], -1, 0).swapaxes(1, 2)  # (2, M, K)
    relative = np.moveaxis(velocity[:, None] - others.velocities, -1, 0).swapaxes(1, 2)
    radii = (others.radii + radius[:, None] + 2.0 * setting.margin).T
    x, y, depth = least_evasion(apart, relative, radii, setting.horizon, setting.step)
    ignored = apart[0] ** 2 + apart[1] ** 2 >= sight**2
    planes = np.stack([x, y, x * velocity[:, 0] + y * velocity[:, 1] + share * depth - FAR * ignored])
    wish = goal - position
    wish = wish / np.maximum(np.linalg.norm(wish, axis=-1, keepdims=True), 1.0)
    chosen: Floats = best_velocities([planes], 0, wish.T, fastest).T
    return chosen


# What belongs to a world: the first axis is that of the worlds.
_STATE = (
    *("cases", "positions", "velocities", "goals", "radii", "speeds", "sights", "known_radii"),
    *("robot_position", "robot_velocity", "robot_goal"),
    *("visible", "believed_positions", "believed_velocities", "believed_radii"),
)


class Worlds:
    """W worlds at the same moment. `positions`, `velocities`, `goals` (W, N, 2), `radii`, `speeds`, `sights` (W, N),
    `known_radii` (W, N, N): what i takes j's to be; `robot_position`, `robot_velocity`, `robot_goal` (W, 2); what the
    robot believes of people: `believed_positions`, `believed_velocities` (W, N, 2), `believed_radii` (W, N), and
    whether it saw them last, `visible` (W, N)."""

    def __init__(self, setting: Setting, cases: Sequence[int], seed: int = SEED) -> None:
        self.setting, self.steps = setting, 0
        self.cases = np.asarray(cases, dtype=np.int64)
        count, people = len(self.cases), setting.people
        # NumPy's older generator: the published cases are its numbers.
        self._randoms = [np.random.RandomState(FIRST_TEST + seed + int(case)) for case in self.cases]
        self._last_sight = np.full(count, setting.plain_sight)
        self.positions, self.velocities, self.goals = np.zeros((3, count, people, 2))
        self.radii, self.speeds = np.full((count, people), setting.body), np.ones((count, people))
        self.robot_position, self.robot_velocity, self.robot_goal = np.zeros((3, count, 2))
        for w in range(count):
            self._place_robot(w)
            for i in range(people):
                self._send(w, i, among=i)
        self.sights = np.repeat(self._last_sight[:, None], people, axis=1)
        self.known_radii = np.repeat(self.radii[:, None, :], people, axis=1)
        self.visible = self._in_range()
        seen = self.visible[..., None]
        self.believed_positions = np.where(seen, self.positions, setting.unseen)
        self.believed_velocities = np.where(seen, self.velocities, 0.0)
        self.believed_radii = np.where(self.visible, self.radii, setting.body)
        index = np.arange(people)
        self._others = np.array([index[index != i] for i in index]).reshape(people, -1)  # (N, N - 1)

    @property
    def time(self) -> float:
        """[s] since the start."""
        return self.steps * self.setting.step

    @property
    def gap(self) -> Floats:
        """(W,) [m] between the robot and the nearest body."""
        apart = np.linalg.norm(self.positions - self.robot_position[:, None], axis=-1)
        gap: Floats = (apart - self.radii - self.setting.body).min(axis=-1)
        return gap

    @property
    def arrived(self) -> Bools:
        """(W,) whether the robot is at its goal."""
        there: Bools = np.linalg.norm(self.robot_goal - self.robot_position, axis=-1) < self.setting.body
        return there

    def keep(self, going: Bools) -> None:
        """Only the worlds (W,) that are still going."""
        for name in _STATE:
            setattr(self, name, getattr(self, name)[going])
        self._last_sight = self._last_sight[going]
        self._randoms = [self._randoms[w] for w in np.flatnonzero(going)]

    def people_choose(self, positions: Floats | None = None, velocities: Floats | None = None) -> Floats:
        """The velocities (W, N, 2) people take, here and now or if they were at these positions and velocities."""
        at = self.positions if positions is None else positions
        moving = self.velocities if velocities is None else velocities
        count, people, _ = at.shape
        true = np.broadcast_to(self.radii[:, None, :], self.known_radii.shape)
        known = true if self.setting.radii_renewed else self.known_radii
        theirs = np.take_along_axis(known, np.broadcast_to(self._others, (count, *self._others.shape)), axis=2)
        seen, paces = at[:, self._others], moving[:, self._others]
        if self.setting.robot_seen:
            one = (count, people, 1)
            seen = np.concatenate([seen, np.broadcast_to(self.robot_position[:, None, None], (*one, 2))], axis=2)
            paces = np.concatenate([paces, np.broadcast_to(self.robot_velocity[:, None, None], (*one, 2))], axis=2)
            theirs = np.concatenate([theirs, np.full(one, self.setting.body)], axis=2)
        everybody = count * people
        others = Bodies(*(a.reshape(everybody, -1, *a.shape[3:]) for a in (seen, paces, theirs)))
        own, pace, goals = (a.reshape(everybody, 2) for a in (at, moving, self.goals))
        fastest, radii, sights = (a.reshape(everybody) for a in (self.speeds, self.radii, self.sights))
        chosen = reciprocal_velocity(own, pace, goals, fastest, others, radii, sights, self.setting)
        return chosen.reshape(count, people, 2)

    def foreseen(self, steps: int, chosen: Floats) -> tuple[Floats, Floats]:
        """Positions and velocities (W, (steps + 1) N, 2): now, and as they will truly be after each of some steps,
        of which `chosen` (W, N, 2) is the first; who isn't visible is far away."""
        at, moving = [self.positions], [self.velocities]
        for n in range(steps):
            pace = chosen if n == 0 else self.people_choose(at[-1], moving[-1])
            at.append(at[-1] + self.setting.step * pace)
            moving.append(pace)
        seen = self.visible[..., None]
        return (
            np.concatenate([np.where(seen, a, self.setting.unseen) for a in at], axis=1),
            np.concatenate([np.where(seen, a, 0.0) for a in moving], axis=1),
        )

    def advance(self, robot: Floats, people: Floats) -> None:
        """One step in which the robot moves at `robot` (W, 2) and people at `people` (W, N, 2). Then the robot looks,
        and only then people who change their minds or have arrived get new goals."""
        dt = self.setting.step
        self.robot_position = self.robot_position + dt * robot
        self.robot_velocity = robot
        self.positions = self.positions + dt * people
        self.velocities = np.array(people)
        self.steps += 1
        self.visible = self._in_range()
        seen, guess = self.visible[..., None], self.believed_positions + dt * self.believed_velocities
        self.believed_positions = np.where(seen, self.positions, guess)
        self.believed_velocities = np.where(seen, self.velocities, self.believed_velocities)
        self.believed_radii = np.where(self.visible, self.radii, self.believed_radii)
        if self.setting.changing and self.time % self.setting.change_period == 0.0:
            for w in range(len(self.cases)):
                self._change_minds(w)
        arrived = np.linalg.norm(self.goals - self.positions, axis=-1) < self.radii
        for w in np.flatnonzero(arrived.any(axis=1)).tolist():
            self._replace(w, np.flatnonzero(arrived[w]))

    def _in_range(self) -> Bools:
        apart = np.linalg.norm(self.positions - self.robot_position[:, None], axis=-1)
        seen: Bools = apart - self.radii - self.setting.body <= self.setting.sensor_range
        return seen

    # -- luck, drawn in the published order --

    def _place_robot(self, w: int) -> None:
        while True:
            drawn = self._randoms[w].uniform(-self.setting.arena, self.setting.arena, 4)
            if np.linalg.norm(drawn[:2] - drawn[2:]) >= self.setting.way:
                self.robot_position[w], self.robot_goal[w] = drawn[:2], drawn[2:]
                return

    def _send(self, w: int, i: int, among: int) -> None:
        """Somebody new as number i, who starts near the circle, clear of the first `among` people, and is to go to
        the opposite place."""
        random, setting = self._randoms[w], self.setting
        radius, speed = setting.body, 1.0
        if setting.randomised:
            self._last_sight[w] = random.uniform(*setting.sights)
            speed, radius = random.uniform(*setting.speeds), random.uniform(*setting.bodies)
        people = np.arange(among)
        while True:
            angle = 2.0 * np.pi * random.random_sample()
            noise = np.array([random.uniform(0.0, 1.0), random.uniform(0.0, 1.0)]) * setting.ring_noise
            place = setting.ring * np.array([np.cos(angle), np.sin(angle)]) + noise
            if self._is_clear(w, place, radius, people):
                break
        self.positions[w, i], self.goals[w, i], self.velocities[w, i] = place, -place, 0.0
        self.radii[w, i], self.speeds[w, i] = radius, speed

    def _replace(self, w: int, who: NDArray[np.intp]) -> None:
        """Who has arrived is replaced by somebody new, who looks once at what bodies there are."""
        for i in who.tolist():
            self._send(w, i, among=self.setting.people)
        self.sights[w, who] = self._last_sight[w]
        self.known_radii[w, who] = self.radii[w]

    def _change_minds(self, w: int) -> None:
        random, setting = self._randoms[w], self.setting
        everybody = np.arange(setting.people)
        for i in range(setting.people):
            if random.random_sample() > setting.change_chance:
                continue
            while True:
                angle = 2.0 * np.pi * random.random_sample()
                noise = np.array([random.random_sample(), random.random_sample()]) - 0.5
                goal = setting.ring * np.array([np.cos(angle), np.sin(angle)]) + noise * self.speeds[w, i]
                if self._is_clear(w, goal, float(self.radii[w, i]), everybody[everybody != i]):
                    break
            self.goals[w, i] = goal

    def _is_clear(self, w: int, place: Floats, radius: float, people: NDArray[np.intp]) -> bool:
        """Whether a body at `place` (2,) would keep off the robot, the people numbered and where they all go."""
        taken = np.concatenate(
            [self.robot_position[w][None], self.robot_goal[w][None], self.positions[w, people], self.goals[w, people]]
        )
        body = self.setting.body
        radii = np.concatenate([[body, body], self.radii[w, people], self.radii[w, people]])
        return bool((np.linalg.norm(taken - place, axis=-1) >= radii + radius + self.setting.room).all())
