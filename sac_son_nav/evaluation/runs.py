"""`sac-son simulate`: the same navigator in the same world without ROS, over many seeds, in as many processes as the
machine has cores. For tuning, and to see in a minute what a change does to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sac_son_nav.baselines.planners import changed_settings, make_planner, shipped_settings
from sac_son_nav.config import RobotProfile, load_robot, make_folder
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.closed_loop import drive
from sac_son_nav.evaluation.log import from_simulator
from sac_son_nav.evaluation.metrics import measure
from sac_son_nav.evaluation.perturbation import with_reference
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.workers import Workers
from sac_son_nav.navigation.navigator import NavigationConfig, Navigator
from sac_son_nav.navigation.policy import for_mode
from sac_son_nav.perception.people import PeopleTracker
from sac_son_nav.perception.static_map import StaticMap
from sac_son_nav.simulation.scenarios import Scenario, load_scenario
from sac_son_nav.simulation.simulator import Simulator

MEASURED = (
    *("success", "time_s", "closest_approach_m", "people_affected_share"),
    *("perturbation_mean_m", "perturbation_largest_m"),
)


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
    for row in Workers().each(run, ((scenario, seed, robot, truth, settings) for seed in seeds)):
        rows.append(row)
        print(_line(str(row.seed), [row]), flush=True)
    rows.sort(key=lambda row: row.seed)
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
    settings = settings or shipped_settings()
    policy, lack = for_mode(settings.mode)
    if lack:
        raise ConfigError(lack)
    navigator = Navigator(settings, profile.radius, profile.limits, policy=policy)
    navigator.set_map(scenario.floor)
    navigator.set_goal(scenario.robot_goal)
    drive(world, navigator, None if truth else PeopleTracker(static_map=StaticMap(scenario.floor)))
    return _judged(world, seed)


def run_baseline(scenario: Scenario, robot: RobotProfile, seed: int, planner: str) -> Run:
    """One run of a planner of :mod:`sac_son_nav.baselines` by its name, which is told where people truly are. Raises
    ConfigError for a name that nobody knows."""
    world = Simulator(scenario, robot, seed)
    driver = make_planner(planner, robot, scenario.floor, scenario.robot_goal, seed)
    return _judged(drive(world, driver), seed)


def _judged(world: Simulator, seed: int) -> Run:
    log = with_reference(from_simulator(world), world.scenario, world.profile, seed, orders=False)
    told = measure(log, MEASURED)
    return Run(
        seed,
        bool(told["success"]),
        told["time_s"],
        told["closest_approach_m"],
        len(world.contacts),
        round(told["people_affected_share"] * len(log.ids)),
        told["perturbation_mean_m"],
        told["perturbation_largest_m"],
    )


def _line(label: str, rows: Sequence[Run]) -> str:
    mean = {name: float(np.mean([getattr(row, name) for row in rows])) for name in Run.__dataclass_fields__}
    return (
        f"{label:>6}{mean['success']:>9.2f}{mean['time_s']:>10.1f}{mean['closest_approach_m']:>13.2f}"
        f"{mean['people_affected']:>10.2f}{mean['perturbation_absent_m']:>10.3f}{mean['largest_displacement_m']:>13.2f}"
    )
