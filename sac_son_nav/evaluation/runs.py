"""`sac-son simulate`: the same navigator in the same world without ROS, over many seeds, in as many processes as the
machine has cores. For tuning, and to see in a minute what a change does to people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from sac_son_nav.baselines.planners import changed_settings, shipped_settings
from sac_son_nav.config import load_robot, make_folder
from sac_son_nav.evaluation.closed_loop import drive
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.navigation.navigator import NavigationConfig, Navigator
from sac_son_nav.perception.people import PeopleTracker
from sac_son_nav.simulation.counterfactual import perturbation, twin
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Run:
    """What one run came to; perturbation is against the same world without the robot."""

    seed: int
    success: bool  # arrived in time without touching anybody or anything
    time_s: float
    closest_approach_m: float  # centre to centre
    contacts: int
    people_affected: int
    perturbation_absent_m: float  # mean over time and people
    largest_displacement_m: float


def simulate(
    scenario: str,
    seeds: Sequence[int],
    robot: str,
    truth: bool,
    out: Path | None,
    changes: Sequence[str] = (),
) -> int:
    """Run the seeds, print a row each and their mean. `changes` are settings of navigation as ``name=value``."""
    load_scenario(scenario)  # a misspelt name is refused here, once
    settings = changed_settings(changes)
    rows: list[Run] = []
    print("  seed  success  time [s]  closest [m]  affected  mean [m]  largest [m]")
    os.environ.update(ENVIRONMENT)  # the processes share the cores already; spawned ones read this as they start
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for row in pool.map(partial(run, scenario, robot=robot, truth=truth, settings=settings), seeds):
            rows.append(row)
            print(_line(str(row.seed), [row]), flush=True)
    print(_line("mean", rows))
    if out is not None:
        make_folder(out, "runs.json")
        told = {"scenario": scenario, "robot": robot, "people": "truth" if truth else "perceived"}
        rows_out = [asdict(row) for row in rows]
        write_summary(out / "runs.json", {**told, "navigation": asdict(settings), "runs": rows_out})
    return 0


def run(
    scenario_name: str,
    seed: int,
    robot: str = "simulated",
    truth: bool = False,
    settings: NavigationConfig | None = None,
) -> Run:
    """One run: the shipped settings unless others are given, people perceived from the laser unless `truth`."""
    scenario, profile = load_scenario(scenario_name), load_robot(robot)
    world = Simulator(scenario, profile, seed)
    navigator = Navigator(settings or shipped_settings(), profile.radius, profile.limits)
    navigator.set_map(scenario.floor)
    navigator.set_goal(scenario.robot_goal)
    drive(world, navigator, None if truth else PeopleTracker())
    history = world.history
    moved = perturbation(history, twin(scenario, profile, seed, world.steps))
    nobody = len(moved.mean) == 0
    apart = np.linalg.norm(history.people - history.robot_poses[:, None, :2], axis=-1)
    return Run(
        seed,
        world.reached_goal and not world.timed_out and not world.contacts,
        world.time_s,
        float("inf") if nobody else float(apart.min()),
        len(world.contacts),
        int(moved.affected.sum()),
        0.0 if nobody else float(moved.mean.mean()),
        0.0 if nobody else float(moved.largest.max()),
    )


def _line(label: str, rows: Sequence[Run]) -> str:
    mean = {name: float(np.mean([getattr(row, name) for row in rows])) for name in Run.__dataclass_fields__}
    return (
        f"{label:>6}{mean['success']:>9.2f}{mean['time_s']:>10.1f}{mean['closest_approach_m']:>13.2f}"
        f"{mean['people_affected']:>10.2f}{mean['perturbation_absent_m']:>10.3f}{mean['largest_displacement_m']:>13.2f}"
    )
