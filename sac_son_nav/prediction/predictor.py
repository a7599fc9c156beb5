"""Robot-conditioned prediction of people, and the two predictors that need no training.

The question every predictor answers: where do these people go in the next seconds if the robot does *this*; and
where would they go if it were not there? The difference between the two answers is the counterfactual
perturbation that the objective charges.

Shapes: N people, K candidate robot futures, T steps of `step_s` seconds. One frame, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import pair
from sac_son_nav.crowds import social_force
from sac_son_nav.crowds.bodies import advance
from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.prediction.steering import turned
from sac_son_nav.states import Tracks

Floats32 = NDArray[np.float32]
STEERING = 0.8  # [s] between two looks for walls


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

    def foresee(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> _Alone:
        """The world without the robot, on which each of its futures draws; see :func:`foresee`."""
        law, count, steps = self.config.law, len(people), robot.poses.shape[1]
        walls = walls if walls is not None and walls.walled else None
        home, onward = people.positions.astype(np.float32), people.velocities.astype(np.float32)
        stays = np.linalg.norm(onward, axis=-1, keepdims=True) < self.config.standing_below
        radii = np.full(count, self.config.person_radius, dtype=np.float32)
        positions, velocities, pushes = home, onward, np.zeros_like(home)
        way, wishes, between = np.empty((count, steps, 2), dtype=np.float32), [], []
        every = max(1, round(STEERING / step_s))
        for t in range(steps if count else 0):
            if walls is not None and self.config.turn_ahead > 0.0 and t % every == 0:
                onward = turned(positions, onward, self.config.turn_ahead, walls)
            if count > 1:
                pushes = social_force.between(positions, velocities, radii, law)
            wishes.append(onward)
            between.append(pushes)
            desired = self._desired(positions, home, stays, onward)
            push = social_force.acceleration(positions, velocities, desired, radii, law, walls, None, False)
            positions, velocities = advance(positions, velocities, push + pushes, desired, step_s, law.speed_tolerance)
            way[:, t] = positions
        return _Alone(
            self, robot, step_s, walls, way, home, people.velocities.astype(np.float32), stays, wishes, between
        )

    def _desired(self, positions: Floats32, home: Floats32, stays: NDArray[np.bool_], onward: Floats32) -> Floats32:
        """Who stands wants their place back when somebody crowds them out of it."""
        return np.where(stays, (home - positions) / np.float32(self.config.return_time), onward)


@dataclass(frozen=True)
class _Alone:
    """People in the world without the robot, and what they want and do to each other there at each of T steps: wishes
    (N, 2) [m/s] and pushes (N, 2) [m/s^2]."""

    model: SocialForce
    robot: RobotFutures
    step_s: float
    walls: OccupancyMap | None
    without: Floats32
    home: Floats32
    velocities: Floats32
    stays: NDArray[np.bool_]
    wishes: list[Floats32]
    pushes: list[Floats32]

    def under(self, poses: NDArray[np.float64]) -> Floats32:
        """See :class:`Foresight`."""
        config, law = self.model.config, self.model.config.law
        future = np.empty((len(poses), *self.without.shape), dtype=np.float32)
        if future.size == 0:
            return future
        shape = (len(poses), len(self.home))
        begun = (self.home, self.velocities)
        positions, velocities = (pair(*np.broadcast_to(a.T[:, None], (2, *shape))) for a in begun)
        radii = np.full(len(self.home), config.person_radius, dtype=np.float32)
        bodies = _bodies(self.robot, poses, self.step_s, config.robot_weight)
        for t, (onward, pushes, body) in enumerate(zip(self.wishes, self.pushes, bodies, strict=True)):
            desired = self.model._desired(positions, self.home, self.stays, onward)
            push = social_force.acceleration(positions, velocities, desired, radii, law, self.walls, body, False)
            positions, velocities = advance(
                positions, velocities, push + pushes, desired, self.step_s, law.speed_tolerance
            )
            future[:, :, t] = positions
        return future


def _bodies(
    robot: RobotFutures, poses: NDArray[np.float64], step_s: float, weight: float
) -> list[social_force.RobotBody]:
    """The robot as people meet it at the *start* of each step in the futures `poses` (K, T, 3): they answer what they
    see, not what comes."""
    ends = poses[..., :2]  # (K, T, 2)
    now = np.broadcast_to(robot.start[:2], (len(ends), 1, 2))
    starts = np.concatenate([now, ends[:, :-1]], axis=1)
    velocities = ((ends - starts) / step_s).astype(np.float32)
    starts = starts.astype(np.float32)
    minded = np.float32(weight)
    return [social_force.RobotBody(starts[:, t], velocities[:, t], robot.radius, minded) for t in range(ends.shape[1])]
