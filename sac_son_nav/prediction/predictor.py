"""Robot-conditioned prediction of people, and the two predictors that need no training.

The question every predictor answers: where do these people go in the next seconds if the robot does *this*; and
where would they go if it were not there? The difference between the two answers is the counterfactual
perturbation that the objective charges.

Shapes: N people, K candidate robot futures, T steps of `step_s` seconds. One frame, SI units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import components_first, components_last, pair
from sac_son_nav.crowds import social_force
from sac_son_nav.crowds.bodies import advance
from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.prediction.errands import Bound, errands_near, is_small
from sac_son_nav.prediction.steering import turned
from sac_son_nav.states import Tracks

Floats32 = NDArray[np.float32]
STEERING = 0.8  # [s] between two looks for walls
SHORT = 0.6  # [s] before a wall at which people turn who are foreseen to turn with their ways


@dataclass(frozen=True)
class RobotFutures:
    """What the robot might do, and not being there is one of the things it might do.

    start (3,): where it is now; poses (K, T, 3) [m, m, rad] at the end of each step; present (K,): False where the
    robot is absent, and the poses then mean nothing; radius [m].
    """

    start: NDArray[np.float64]
    poses: NDArray[np.float64]
    present: NDArray[np.bool_]
    radius: float
    past: NDArray[np.float64] | None = None


class Predictor(Protocol):
    """Anything that can say where people go."""

    def predict(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> Floats32:
        """Positions (K, N, T, 2) [m] at the end of each step of `step_s` [s], one answer per future."""
        ...  # pragma: no cover


class Foresight(Protocol):
    """What a predictor has worked out before it is told of any future of the robot, so that whoever asks about a few
    futures, and then about a few more, does not pay for it twice."""

    @property
    def without(self) -> Floats32:
        """Where people go if the robot is not there, (N, T, 2) [m]."""
        ...  # pragma: no cover

    def under(self, poses: NDArray[np.float64]) -> Floats32:
        """Where they go under each of the robot's futures (K, T, 3) [m, m, rad], (K, N, T, 2) [m]."""
        ...  # pragma: no cover


def foresee(
    predictor: Predictor, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None
) -> Foresight:
    """The predictor's own foresight, where it has a `foresee`, else one that asks it anew each time. Of `robot` counts
    all but its futures, whose number of steps alone is meant."""
    own = getattr(predictor, "foresee", None)
    if own is not None:
        made: Foresight = own(people, robot, step_s, walls)
        return made
    return _Asked(predictor, people, robot, step_s, walls)


@dataclass(frozen=True)
class _Asked:
    """The foresight of a predictor that has none of its own."""

    predictor: Predictor
    people: Tracks
    robot: RobotFutures
    step_s: float
    walls: OccupancyMap | None

    @cached_property
    def without(self) -> Floats32:
        """See :class:`Foresight`."""
        anywhere = np.broadcast_to(self.robot.start, (1, self.robot.poses.shape[1], 3))
        return self._ask(anywhere, False)[0]

    def under(self, poses: NDArray[np.float64]) -> Floats32:
        """See :class:`Foresight`."""
        return self._ask(poses, True)

    def _ask(self, poses: NDArray[np.float64], present: bool) -> Floats32:
        futures = replace(self.robot, poses=poses, present=np.full(len(poses), present))
        return self.predictor.predict(self.people, futures, self.step_s, self.walls)


@dataclass(frozen=True)
class ConstantVelocity:
    """People go on as they go, whatever the robot does; so no plan ever seems to disturb anybody."""

    def predict(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> Floats32:
        """See :meth:`Predictor.predict`; the robot and the walls change nothing."""
        candidates, steps = robot.poses.shape[:2]
        times = step_s * np.arange(1, steps + 1)
        straight = people.positions[:, None, :] + people.velocities[:, None, :] * times[:, None]
        return np.broadcast_to(straight[None], (candidates, *straight.shape)).astype(np.float32)


@dataclass(frozen=True)
class SocialForceConfig:
    """How the social force law is used as a human model."""

    person_radius: float = 0.3  # [m]; a laser can't tell, so everyone is taken for average
    standing_below: float = 0.25  # [m/s] under which a person is taken to want to stay
    return_time: float = 0.8  # [s] in which somebody who stands would be back in their place
    turn_ahead: float = 1.6  # [s] before a wall at which people turn along it; 0: they walk into it
    errands: bool = True  # foresee people to turn as the ways turn to where they may be going
    robot_weight: float = 1.0  # how strongly people mind the robot; 1 as they mind a person
    law: social_force.SocialForceConfig = field(default_factory=social_force.SocialForceConfig)

    def __post_init__(self) -> None:
        if not self.person_radius > 0.0:
            raise ConfigError(f"person_radius: expected metres above zero, got {self.person_radius}")
        if self.turn_ahead < 0.0:
            raise ConfigError(f"turn_ahead: expected zero seconds or more, got {self.turn_ahead}")


@dataclass(frozen=True)
class SocialForce:
    """People walk on in their present direction at their present speed, turn along walls, and give way by the social
    force law.

    Nobody's errand is known: the wanted velocity is the present one, and who stands wants to go on standing there.
    What people do to each other is worked out once, for the world without the robot, and taken for the same whatever
    the robot does: its push on each person is new in each future, the push of that person on the next is not. So a
    future costs as much as there are people instead of as much as there are pairs of them.
    In float32, which a five-second forecast can afford and the control period can't do without.
    """

    config: SocialForceConfig = SocialForceConfig()

    def predict(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> Floats32:
        """See :meth:`Predictor.predict`."""
        future = np.empty((len(robot.poses), len(people), robot.poses.shape[1], 2), dtype=np.float32)
        foreseen = self.foresee(people, robot, step_s, walls)
        future[~robot.present] = foreseen.without
        future[robot.present] = foreseen.under(robot.poses[robot.present])
        return future

    def prepare(self, walls: OccupancyMap) -> None:
        """Work out what is the same whenever people on this plan are foreseen, so that the first time is as quick."""
        if self.config.errands and walls.walled and is_small(walls):
            errands_near(walls, np.zeros(2))

    def foresee(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> _Alone:
        """The world without the robot, on which each of its futures draws; see :func:`foresee`."""
        return _Alone(self.config, people, robot, step_s, walls if walls is not None and walls.walled else None)


@dataclass
class _Alone:
    """People in the world without the robot, and what they want and do to each other there at each of T steps: wishes
    (N, 1, 2) [m/s] and pushes (N, 1, 2) [m/s^2]. Worked out when first asked for, together with the futures that are
    asked for first: many small arrays cost as much as one that holds them all. In memory the futures lie side by side,
    (2, N, T, K), so that what holds for a person or a moment holds for a whole row."""

    config: SocialForceConfig
    people: Tracks
    robot: RobotFutures
    step_s: float
    walls: OccupancyMap | None
    _way: Floats32 | None = None
    _wishes: list[Floats32] = field(default_factory=list)
    _pushes: list[Floats32] = field(default_factory=list)

    @cached_property
    def _home(self) -> Floats32:
        return _beside(self.people.positions.astype(np.float32))

    @cached_property
    def _velocities(self) -> Floats32:
        return self.people.velocities.astype(np.float32)

    @cached_property
    def _stays(self) -> NDArray[np.bool_]:
        stays: NDArray[np.bool_] = np.linalg.norm(self._velocities, axis=-1) < self.config.standing_below
        return stays[:, None, None]

    @property
    def without(self) -> Floats32:
        """See :class:`Foresight`."""
        if self._way is None:
            self._walk(self.robot.poses[:0])
        assert self._way is not None
        return self._way

    def under(self, poses: NDArray[np.float64]) -> Floats32:
        """See :class:`Foresight`."""
        if self._way is None:
            return self._walk(poses)
        ways = np.empty((2, len(self.people), poses.shape[1], len(poses)), dtype=np.float32)
        if ways.size == 0:
            return ways.swapaxes(0, -1)
        bodies = _bodies(self.robot, poses, self.step_s)
        state, weight = self._begin(len(poses)), np.float32(self.config.robot_weight)
        for t, (onward, pushes, body) in enumerate(zip(self._wishes, self._pushes, bodies, strict=True)):
            state = self._step(*state, onward, pushes, body, weight)
            ways[:, :, t] = components_first(state[0])
        return ways.swapaxes(0, -1)

    def _walk(self, poses: NDArray[np.float64]) -> Floats32:
        """The world without the robot, in the first column, and its futures (K, T, 3); the latter (K, N, T, 2)."""
        count, steps = len(self.people), self.robot.poses.shape[1]
        ways = np.empty((2, count, steps, 1 + len(poses)), dtype=np.float32)
        bodies: Sequence[tuple[Floats32, Floats32] | None] = [None] * steps
        weight = np.full((1 + len(poses), 1), self.config.robot_weight, dtype=np.float32)
        weight[0] = 0.0
        if len(poses):
            bodies = _bodies(self.robot, np.concatenate([poses[:1], poses]), self.step_s)
        onward, pushes, state = self._velocities, np.zeros_like(self._velocities), self._begin(1 + len(poses))
        radii = np.full(count, self.config.person_radius, dtype=np.float32)
        bound, every = self._bound(), max(1, round(STEERING / self.step_s))
        for t in range(steps if count else 0):
            alone = (state[0][:, 0], state[1][:, 0])
            if t % every == 0:
                onward = self._onward(alone[0], onward, bound)
            if count > 1:
                pushes = social_force.between(*alone, radii, self.config.law)
            self._wishes.append(_beside(onward))
            self._pushes.append(_beside(pushes))
            state = self._step(*state, self._wishes[-1], self._pushes[-1], bodies[t], weight)
            ways[:, :, t] = components_first(state[0])
        self._way = components_last(np.ascontiguousarray(ways[..., 0]))
        return ways[..., 1:].swapaxes(0, -1)

    def _bound(self) -> Bound | None:
        """Where people may be going, if the floor plan says."""
        if self.walls is None or not self.config.errands or self.config.turn_ahead == 0.0:
            return None
        return errands_near(self.walls, self.robot.start[:2]).of(self._home[:, 0], self._velocities)

    def _onward(self, positions: Floats32, before: Floats32, bound: Bound | None) -> Floats32:
        """What people at positions (N, 2) [m] want, who wanted `before` (N, 2) [m/s]: on, but not into a wall."""
        if self.walls is None or self.config.turn_ahead == 0.0:
            return before
        ahead = np.full((len(positions), 1), self.config.turn_ahead, dtype=np.float32)
        if bound is not None:
            before, known = bound.onward(positions, before)
            ahead[known] = min(SHORT, self.config.turn_ahead)
        return turned(positions, before, ahead, self.walls)

    def _begin(self, count: int) -> tuple[Floats32, Floats32]:
        """Everybody's positions and velocities, (N, count, 2)."""
        shape = (2, len(self.people), count)
        here, paces = (np.broadcast_to(a.T[..., None], shape) for a in (self._home[:, 0], self._velocities))
        return pair(*here), pair(*paces)

    def _step(
        self,
        positions: Floats32,
        velocities: Floats32,
        onward: Floats32,
        pushes: Floats32,
        body: tuple[Floats32, Floats32] | None,
        weight: Floats32 | np.float32,
    ) -> tuple[Floats32, Floats32]:
        """The same a step later, where the robot's `body` is minded by `weight`. Who stands wants their place back
        when somebody crowds them out of it."""
        law, radius, robot = self.config.law, np.float32(self.config.person_radius), self.robot.radius
        desired = np.where(self._stays, (self._home - positions) / np.float32(self.config.return_time), onward)
        push = (desired - velocities) / law.relaxation_time
        if body is not None:
            push = push + weight * social_force.interaction(positions, velocities, radius, *body, robot, law)
        if self.walls is not None:
            push = push + social_force.of_walls(positions, radius, law, self.walls)
        return advance(positions, velocities, push + pushes, desired, self.step_s, law.speed_tolerance)


def _beside(rows: Floats32) -> Floats32:
    """What holds for people (N, 2) in all futures, (N, 1, 2)."""
    return pair(*rows.T[..., None])


def _bodies(robot: RobotFutures, poses: NDArray[np.float64], step_s: float) -> list[tuple[Floats32, Floats32]]:
    """Where the robot is, (K, 2) [m], and how it moves, (K, 2) [m/s], as people meet it at the *start* of each step in
    the futures `poses` (K, T, 3): they answer what they see, not what comes."""
    ends = poses[..., :2].T  # (2, T, K)
    now = np.broadcast_to(robot.start[:2, None, None], (2, 1, len(poses)))
    starts = np.concatenate([now, ends[:, :-1]], axis=1)
    velocities = ((ends - starts) / step_s).astype(np.float32)
    starts = starts.astype(np.float32)
    return [(starts[:, t].T, velocities[:, t].T) for t in range(ends.shape[1])]
