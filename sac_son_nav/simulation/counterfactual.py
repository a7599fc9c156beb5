"""Exact counterfactuals: the same world, the same luck, another robot.

Three references for what a robot changes: it is `absent`; it stays `parked` at its start; or a `walker`, a person
with the robot's errand, goes in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.history import History
from sac_son_nav.simulation.scenarios import PersonGroup, Scenario, Stop
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Floats

Reference = Literal["absent", "parked", "walker"]
AFFECTED = 0.1  # [m]: a person displaced by more than this at any time was affected


@dataclass(frozen=True)
class Perturbation:
    """How far each of N people was displaced over the common time: `mean`, `largest` and `final` (N,) [m]."""

    mean: Floats
    largest: Floats
    final: Floats

    @property
    def affected(self) -> NDArray[np.bool_]:
        """Who was ever displaced by more than AFFECTED, (N,)."""
        affected: NDArray[np.bool_] = self.largest > AFFECTED
        return affected


def twin(scenario: Scenario, robot: RobotProfile, seed: int, steps: int, reference: Reference = "absent") -> History:
    """The same run of `steps` steps under the reference behaviour of the robot.

    A `walker` stands in the history where the robot would: its path is given as the robot's poses.
    """
    if reference not in get_args(Reference):
        raise ConfigError(f"reference: expected one of {', '.join(get_args(Reference))}, got {reference!r}")
    if reference == "walker":
        return _with_walker(scenario, robot, seed, steps)
    simulator = Simulator(scenario, robot, seed, robot_present=reference == "parked")
    for _ in range(steps):
        simulator.step(None)
    return simulator.history


def perturbation(with_robot: History, without: History) -> Perturbation:
    """How far people are from where they would be, over the time that both histories cover."""
    displacement = displacements(with_robot, without)
    if displacement.shape[1] == 0:
        return Perturbation(np.zeros(0), np.zeros(0), np.zeros(0))
    return Perturbation(displacement.mean(axis=0), displacement.max(axis=0), displacement[-1])


def displacements(with_robot: History, without: History) -> Floats:
    """Distance (T, N) [m] of each person from where they would be, at each moment that both histories cover."""
    moments = min(len(with_robot), len(without))
    if with_robot.people.shape[1] != without.people.shape[1]:
        raise ConfigError(
            f"perturbation: expected the same people twice, got {with_robot.people.shape[1]} "
            f"and {without.people.shape[1]} of them"
        )
    if not np.array_equal(with_robot.times[:moments], without.times[:moments]):
        raise ConfigError("perturbation: expected two histories of the same time steps, got different ones")
    apart: Floats = np.linalg.norm(with_robot.people[:moments] - without.people[:moments], axis=-1)
    return apart


def replay(scenario: Scenario, robot: RobotProfile, seed: int, recorded: History) -> History:
    """The world around a robot that moves as it did in a recorded run.

    People answer nothing but the robot's pose and velocity, so they do to the last bit what they did then.
    """
    simulator = Simulator(scenario, robot, seed)
    for pose, velocity in zip(recorded.robot_poses[1:], recorded.robot_velocities[1:], strict=True):
        simulator.follow(pose, velocity)
    return simulator.history


def _with_walker(scenario: Scenario, robot: RobotProfile, seed: int, steps: int) -> History:
    start, goal = scenario.robot.start, scenario.robot.goal
    walker = PersonGroup(start=start[:2], errand=(Stop(goal[:2]),), speed_spread=0.0)
    peopled = replace(scenario, people=(*scenario.people, walker))
    simulator = Simulator(peopled, robot, seed, robot_present=False)
    for _ in range(steps):
        simulator.step(None)
    history, others = simulator.history, len(simulator.crowd) - 1
    walked, pace = history.people[:, others], history.people_velocities[:, others]
    yaw = np.arctan2(pace[:, 1], pace[:, 0])
    poses = np.concatenate([walked, yaw[:, None]], axis=-1)
    velocities = np.stack([np.linalg.norm(pace, axis=-1), np.zeros(len(pace))], axis=-1)
    return replace(history.only(others), robot_poses=poses, robot_velocities=velocities)
