"""Robot-conditioned prediction of people, and the two predictors that need no training.

The question every predictor answers: where do these people go in the next seconds if the robot does *this*; and
where would they go if it were not there? The difference between the two answers is the counterfactual
perturbation that the objective charges.

Shapes: N people, K candidate robot futures, T steps of `step_s` seconds. One frame, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
        law, steps, count = self.config.law, robot.poses.shape[1], len(people)
        there = np.flatnonzero(robot.present)
        future = np.empty((len(robot.poses), count, steps, 2), dtype=np.float32)
        if count == 0:
            return future
        walls = walls if walls is not None and walls.walled else None
        home, onward = people.positions.astype(np.float32), people.velocities.astype(np.float32)
        stays = np.linalg.norm(onward, axis=-1, keepdims=True) < self.config.standing_below
        radii = np.full(count, self.config.person_radius, dtype=np.float32)
        # The first row is the world without the robot, on which the others draw.
        positions, velocities = (np.repeat(a[None], len(there) + 1, axis=0) for a in (home, onward))
        bodies, pushes = _bodies(robot, there, step_s, self.config.robot_weight), np.float32(0.0)
        every = max(1, round(STEERING / step_s))
        for t in range(steps):
            if walls is not None and self.config.turn_ahead > 0.0 and t % every == 0:
                onward = turned(positions[0], onward, self.config.turn_ahead, walls)
            # Who stands wants their place back when somebody crowds them out of it.
            desired = np.where(stays, (home - positions) / np.float32(self.config.return_time), onward)
            if count > 1:
                pushes = social_force.between(positions[0], velocities[0], radii, law)
            push = social_force.acceleration(positions, velocities, desired, radii, law, walls, bodies[t], False)
            positions, velocities = advance(positions, velocities, push + pushes, desired, step_s, law.speed_tolerance)
            future[:, :, t] = positions[0]
            future[there, :, t] = positions[1:]
        return future


def _bodies(
    robot: RobotFutures, there: NDArray[np.intp], step_s: float, weight: float
) -> list[social_force.RobotBody]:
    """The robot as people meet it at the *start* of each step, first where it is not there, then in those futures in
    which it is: they answer what they see, not what comes."""
    ends = robot.poses[np.concatenate([[0], there]), :, :2]  # (K, T, 2)
    now = np.broadcast_to(robot.start[:2], (ends.shape[0], 1, 2))
    starts = np.concatenate([now, ends[:, :-1]], axis=1)
    velocities = ((ends - starts) / step_s).astype(np.float32)
    starts = starts.astype(np.float32)
    minded = np.full((len(ends), 1), weight, dtype=np.float32)
    minded[0] = 0.0
    return [social_force.RobotBody(starts[:, t], velocities[:, t], robot.radius, minded) for t in range(ends.shape[1])]
