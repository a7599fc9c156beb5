"""One planner in one scenario over many seeds, all its worlds at once, and what it did to the people in each.

A planner is either one of :mod:`sac_son_nav.baselines`, which answers an observation at a time, or one that answers
for the whole batch because it asks the world itself (the oracle). What comes out for a seed does not depend on which
other seeds it is run with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.baselines.oracle import Oracle, named_config
from sac_son_nav.baselines.planners import make_planner, perceives
from sac_son_nav.baselines.true_people import TruePeople
from sac_son_nav.config import RobotProfile, load_robot
from sac_son_nav.evaluation import metrics, perturbation
from sac_son_nav.evaluation.encounters import find_encounters, score
from sac_son_nav.evaluation.geodesic import Ways
from sac_son_nav.evaluation.log import OSpace, RunLog, from_history
from sac_son_nav.geometry import transform_points
from sac_son_nav.perception.people import PeopleTracker
from sac_son_nav.perception.static_map import StaticMap
from sac_son_nav.simulation.casting import cast_people, standing_groups, streams
from sac_son_nav.simulation.counterfactual import AFFECTED, deaf, twins
from sac_son_nav.simulation.history import History, Recorder
from sac_son_nav.simulation.laser import Laser, sees_legs
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenarios import Scenario, load_scenario
from sac_son_nav.simulation.world import DT, World
from sac_son_nav.states import Floats, Observation, RobotState, Scan, Tracks

CONTROL_PERIOD = 0.1  # [s]
DRAWN_EVERY = 4  # steps of the world between two points of a path that is kept for drawing


@dataclass(frozen=True)
class Paths:
    """A run to be drawn: the robot (T, 3), people with it and without it (T, N, 2) [m], float32, every 0.2 s."""

    robot: NDArray[np.float32]
    people: NDArray[np.float32]
    without: NDArray[np.float32]


@dataclass(frozen=True)
class Episode:
    """One run: what was tried, and every metric by its name; None where a metric has no value. `paths` of some."""

    planner: str
    scenario: str
    humans: str
    seed: int
    values: dict[str, float | int | bool | None]
    paths: Paths | None = None


def run(
    planner: str,
    scenario: str,
    humans: str,
    seeds: Sequence[int],
    robot: str = "simulated",
    data: Path | None = None,
    drawn: int = 3,
) -> list[Episode]:
    """One episode of each seed: until the robot is at its goal or its time is over. The planner is told where people
    truly are. Paths are kept of seeds below `drawn`.

    Raises ConfigError for names that nobody knows.
    """
    place, profile = load_scenario(scenario, data), load_robot(robot)
    histories, world = _drive(planner, place, profile, humans, seeds)
    steps = max(map(len, histories)) - 1
    absent = twins(place, profile, seeds, steps, "absent", humans)
    parked = twins(place, profile, seeds, steps, "parked", humans)
    unaware = deaf(place, profile, seeds, histories, humans)
    ways = Ways(place.floor, profile.radius)
    episodes = []
    for k, seed in enumerate(seeds):
        history, length = histories[k], len(histories[k])
        radii = np.asarray(world.crowd.radii[k], dtype=np.float64)
        log = from_history(history, place, profile, radii, tuple(world.contacts[k]))
        cast = cast_people(place, streams(place, seed))
        groups = tuple(OSpace(g.centre, g.radius, to_s=g.until_s) for g in standing_groups(place, cast))
        log = replace(log, without=absent[k].people[:length], deaf=unaware[k], known_ways=ways, groups=groups)
        values = _values(log, parked[k].people[:length])
        paths = _paths(history, absent[k]) if seed < drawn else None
        episodes.append(Episode(planner, scenario, humans, int(seed), values, paths))
    return episodes


def noise_floor(
    scenario: str, humans: str, seeds: Sequence[int], robot: str = "simulated", data: Path | None = None
) -> float:
    """The largest displacement [m] of anybody between two runs of the same world without the robot, one of them in a
    batch with worlds that have one: 0, or perturbations mean nothing below it."""
    place, profile = load_scenario(scenario, data), load_robot(robot)
    steps = round(place.time_limit / DT)
    alone = twins(place, profile, seeds, steps, "absent", humans)
    twice = np.repeat(np.asarray(seeds, dtype=np.int64), 2)
    mixed = World(place, profile, twice.tolist(), np.arange(len(twice)) % 2 == 1, humans, gait=False)
    largest = 0.0
    for t in range(1, steps + 1):
        mixed.step(np.full((len(twice), 2), 0.3))
        for k, history in enumerate(alone):
            apart = np.linalg.norm(mixed.crowd.positions[2 * k] - history.people[t], axis=-1)
            largest = max(largest, float(np.max(apart, where=np.isfinite(apart), initial=0.0)))
    return largest


# -- driving ----------------------------------------------------------------------------------------------------


def _drive(
    planner: str, scenario: Scenario, profile: RobotProfile, humans: str, seeds: Sequence[int]
) -> tuple[list[History], World]:
    """Every seed's run, and the world at the end, which goes on until the last robot has arrived: a run ends with the
    first moment at the goal."""
    settings, oracle, planners, sees = named_config(planner), None, [], False
    if settings is not None:
        oracle = Oracle.begin(settings, scenario, profile, seeds, humans)
    else:
        planners = [make_planner(planner, profile, scenario.floor, scenario.robot_goal, seed) for seed in seeds]
        sees = bool(getattr(planners[0], "needs_scan", False)) or perceives(planner)
    world = World(scenario, profile, seeds, humans=humans, gait=sees and sees_legs(profile.laser))
    for number, made in enumerate(planners):
        model = getattr(made, "predictor", None)
        if isinstance(model, TruePeople):
            model.look(world, number)
    eyes = [PeopleTracker(static_map=StaticMap(scenario.floor)) for _ in seeds] if perceives(planner) else []
    laser, recorder = Laser(profile.laser, RayCaster(scenario.floor)) if sees else None, Recorder()
    lengths = np.zeros(len(seeds), dtype=np.int64)
    recorder.add(0.0, world.poses, world.velocities, world.crowd.positions, world.crowd.velocities)
    steps, every = round(scenario.time_limit / DT), round(CONTROL_PERIOD / DT)
    for t in range(steps):
        if t % every == 0:
            going = np.flatnonzero(lengths == 0)
            commands = np.zeros((len(seeds), 2))
            if oracle is not None:
                commands[going] = oracle.commands(world, going)
            else:
                sweeps = _sweeps(laser, world) if laser is not None else []
                for k in going:
                    plan = planners[k].step(_observe(world, int(k), sweeps, eyes))
                    commands[k] = plan.command.as_array()
            world.step(commands)
        else:
            world.step()
        recorder.add(world.time_s, world.poses, world.velocities, world.crowd.positions, world.crowd.velocities)
        lengths = np.where((lengths == 0) & np.asarray(world.reached), t + 2, lengths)
        if lengths.all():
            break
    lengths = np.where(lengths == 0, world.steps + 1, lengths)
    histories = [recorder.history(k).until(int(length)) for k, length in enumerate(lengths)]
    for world_number, history in enumerate(
        histories
    ):  # what happened to a robot after it had arrived is nobody's business
        kept = [c for c in world.contacts[world_number] if c.time_s <= history.times[-1]]
        world.contacts[world_number] = kept
    return histories, world


def _sweeps(laser: Laser, world: World) -> list[tuple[Scan, Floats]]:
    """The sweep of each robot's laser, and where in the map the laser was, (3,) [m, m, rad]."""
    seen = zip(np.asarray(laser.poses(world)), np.asarray(laser.scan(world)), strict=True)
    return [(laser.as_scan(row, world.time_s), pose) for pose, row in seen]


def _observe(
    world: World, k: int, sweeps: list[tuple[Scan, Floats]], eyes: Sequence[PeopleTracker] = ()
) -> Observation:
    """What planner number k is told: the true pose, everybody's true position and velocity or, with `eyes`, those that
    they find, and, if it has a laser, what that returns."""
    points = np.asarray(transform_points(sweeps[k][1], sweeps[k][0].points())) if sweeps else np.zeros((0, 2))
    tracks = eyes[k].step(*sweeps[k], "map") if eyes else _true_tracks(world, k)
    robot = RobotState(world.time_s, world.poses[k].copy(), world.velocities[k].copy(), "map")
    return Observation(world.time_s, robot, tracks, points)


def _true_tracks(world: World, k: int) -> Tracks:
    """Everybody's true position and velocity in world number k."""
    places = np.asarray(world.crowd.positions[k])
    there = np.flatnonzero(np.isfinite(places).all(axis=-1))
    paces, count = np.asarray(world.crowd.velocities[k]), len(there)
    more = (np.zeros((count, 4, 4)), np.ones(count))
    return Tracks(world.time_s, "map", there.astype(np.int64), places[there], paces[there], *more)


# -- what came of it --------------------------------------------------------------------------------------------


def _values(log: RunLog, parked: Floats) -> dict[str, float | int | bool | None]:
    """Every metric of the table, perturbations by the reference they are against, and encounters by their class: how
    many, the share without a touch, and in them the robot's mean speed and distance (Cancelli's ESR, ALV and AD)."""
    measured = metrics.measure(log)
    measured["perturbation_absent_m"] = measured.pop("perturbation_mean_m")
    measured["perturbation_parked_m"] = perturbation.perturbation_mean_m(
        replace(log, without=parked, deaf=None, reference="parked")
    )
    values: dict[str, float | int | bool | None] = {
        name: None if not np.isfinite(value) else float(value) for name, value in measured.items()
    }
    for name in ("success", "reached_goal", "timeout"):
        values[name] = bool(measured[name])
    affected = perturbation.displacements(log)
    assert affected is not None
    peaks = np.max(affected, axis=0, where=np.isfinite(affected), initial=0.0)
    for kind, row in score(find_encounters(log)).items():
        values[f"encounters_{kind}"] = row.count
        means = (("survived_share", row.esr), ("speed_mps", row.alv_mps), ("distance_m", row.ad_m))
        values |= {f"encounters_{kind}_{name}": float(x) if np.isfinite(x) else None for name, x in means}
    values["people"] = len(log.ids)
    values["people_affected"] = int((peaks > AFFECTED).sum())
    return values


def _paths(history: History, absent: History) -> Paths:
    cut = slice(0, len(history), DRAWN_EVERY)
    single = np.float32
    return Paths(
        history.robot_poses[cut].astype(single),
        history.people[cut].astype(single),
        absent.people[: len(history)][cut].astype(single),
    )
