"""Exact counterfactuals: the same worlds, the same luck, another robot.

Three references for what a robot changes: it is `absent`; it stays `parked` at its start; or a `walker`, a person
with the robot's errand, goes in its place. And one more world, for who pushed whom: people `deaf` to a robot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.history import History, Recorder
from sac_son_nav.simulation.scenarios import PersonGroup, Scenario, Stop
from sac_son_nav.simulation.world import World
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


def twins(
    scenario: Scenario,
    robot: RobotProfile,
    seeds: Sequence[int],
    steps: int,
    reference: Reference = "absent",
    humans: str = "social_force",
) -> list[History]:
    """The same runs of `steps` steps under the reference behaviour of the robot, one for each seed.

    A `walker` stands in the history where the robot would: its path is given as the robot's poses.
    """
    if reference not in get_args(Reference):
        raise ConfigError(f"reference: expected one of {', '.join(get_args(Reference))}, got {reference!r}")
    if reference == "walker":
        if scenario.recorded is not None:
            raise ConfigError(f"scenario {scenario.name}: nobody can walk for the robot among people of a recording")
        scenario = _with_walker(scenario)
    world, recorder = World(scenario, robot, seeds, reference == "parked", humans, gait=False), Recorder()
    _write(world, recorder)
    for _ in range(steps):
        world.step()
        _write(world, recorder)
    histories = [recorder.history(k) for k in range(len(seeds))]
    return [_walker_as_robot(h) for h in histories] if reference == "walker" else histories


def twin(
    scenario: Scenario,
    robot: RobotProfile,
    seed: int,
    steps: int,
    reference: Reference = "absent",
    humans: str = "social_force",
) -> History:
    """The same run of one seed."""
    return twins(scenario, robot, [seed], steps, reference, humans)[0]


def replay(
    scenario: Scenario, robot: RobotProfile, seed: int, recorded: History, humans: str = "social_force"
) -> History:
    """The world around a robot that moves as it did in a recorded run.

    People answer nothing but the robot's pose and velocity, so they do to the last bit what they did then.
    """
    world, recorder = World(scenario, robot, seed, humans=humans, gait=False), Recorder()
    _write(world, recorder)
    for pose, velocity in zip(recorded.robot_poses[1:], recorded.robot_velocities[1:], strict=True):
        world.follow(pose, velocity)
        _write(world, recorder)
    return recorder.history()


def deaf(
    scenario: Scenario,
    robot: RobotProfile,
    seeds: Sequence[int],
    recorded: Sequence[History],
    humans: str = "social_force",
) -> list[Floats]:
    """Where each person goes, (T, N, 2) [m] for each recorded run, if the robot is air to them alone: it drives as it
    did, and everybody else minds it. All these worlds, one for each person of each run, are one batch."""
    if scenario.recorded is not None:  # who only replays a track is deaf to the robot anyhow
        return [run.people for run in recorded]
    count = recorded[0].people.shape[1]
    if count == 0:
        return [run.people for run in recorded]
    runs, persons = np.divmod(np.arange(len(seeds) * count), count)
    world = World(scenario, robot, [seeds[k] for k in runs], humans=humans, gait=False)
    world.air_to(np.arange(count) == persons[:, None])
    lengths = np.array([len(run) for run in recorded])
    # A robot whose run is over stands where it ended, in a world that nobody looks at any more.
    poses, velocities = (
        np.stack([np.concatenate([v, np.repeat(v[-1:], lengths.max() - len(v), axis=0)]) for v in values])
        for values in ([run.robot_poses for run in recorded], [run.robot_velocities for run in recorded])
    )
    found = [np.empty(run.people.shape) for run in recorded]
    here = np.arange(len(runs))
    for t in range(lengths.max()):
        if t:
            world.follow(poses[runs[here], t], velocities[runs[here], t])
        going = lengths[runs[here]] > t
        if not going.all():
            world, here = world.take(np.flatnonzero(going).tolist()), here[going]
        for k, place in zip(here, world.crowd.positions[np.arange(len(here)), persons[here]], strict=True):
            found[runs[k]][t, persons[k]] = place
    return found


def perturbation(with_robot: History, without: History) -> Perturbation:
    """How far people are from where they would be, over the time that both histories cover. Whoever is not there, in
    either, is not displaced then."""
    displacement = displacements(with_robot, without)
    there = np.isfinite(displacement)
    displacement = np.where(there, displacement, 0.0)
    mean = displacement.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return Perturbation(mean, displacement.max(axis=0), displacement[-1])


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


def _write(world: World, recorder: Recorder) -> None:
    """One moment; robots that are not there are nowhere."""
    there = np.asarray(world.present)[..., None]
    poses, velocities = np.where(there, world.poses, np.nan), np.where(there, world.velocities, np.nan)
    recorder.add(world.time_s, poses, velocities, world.crowd.positions, world.crowd.velocities)


def _with_walker(scenario: Scenario) -> Scenario:
    """The scenario with one more person, the last, on the robot's errand."""
    start, goal = scenario.robot.start, scenario.robot.goal
    walker = PersonGroup(start=start[:2], errand=(Stop(goal[:2]),), speed_spread=0.0)
    return replace(scenario, people=(*scenario.people, walker))


def _walker_as_robot(history: History) -> History:
    """The last person as the robot."""
    others = history.people.shape[1] - 1
    path, pace = history.people[:, others], history.people_velocities[:, others]
    speed, yaw = np.linalg.norm(pace, axis=-1), np.arctan2(pace[:, 1], pace[:, 0])
    poses = np.concatenate([path, yaw[:, None]], axis=-1)
    velocities = np.stack([speed, np.zeros_like(speed)], axis=-1)
    only = history.only(others)
    return History(history.times, poses, velocities, only.people, only.people_velocities)
