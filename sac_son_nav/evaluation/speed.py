"""`sac-son measure core`: what one call of each part costs on one core, without ROS, in the demonstration's world.

The parts run in the order and on the data of a drive, so each is measured on what it really gets: the same eight
people, the same scans, the same candidates.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from sac_son_nav.baselines.planners import Planner, make_planner, shipped_settings
from sac_son_nav.config import load_robot, make_folder
from sac_son_nav.evaluation.closed_loop import drive
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.navigator import Navigator
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.perception.people import PeopleTracker
from sac_son_nav.perception.static_map import StaticMap
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command, Floats, Observation, Scan, Tracks

T = TypeVar("T")


class Stopwatch:
    """Durations [s] by name."""

    def __init__(self) -> None:
        self.durations: dict[str, list[float]] = defaultdict(list)

    def time(self, name: str, call: Callable[[], T]) -> T:
        """Call it and note how long it took."""
        began = time.perf_counter()
        result = call()
        self.durations[name].append(time.perf_counter() - began)
        return result

    def table(self) -> dict[str, dict[str, float]]:
        """Median, 99th percentile and maximum [ms] by name."""
        return {name: spread(1e3 * np.array(values)) for name, values in self.durations.items()}


def spread(values: Floats) -> dict[str, float]:
    """Median, 99th percentile and maximum; NaN of nothing."""
    if len(values) == 0:
        return {"p50": float("nan"), "p99": float("nan"), "max": float("nan")}
    return {"p50": float(np.median(values)), "p99": float(np.percentile(values, 99)), "max": float(values.max())}


class _Timed(Simulator):
    watch: Stopwatch

    def step(self, command: Command | None = None) -> None:
        self.watch.time("simulation: 50 ms of world", lambda: Simulator.step(self, command))

    def scan(self) -> Scan:
        return self.watch.time("simulation: laser sweep", lambda: Simulator.scan(self))


class _TimedEyes:
    def __init__(self, watch: Stopwatch, floor: OccupancyMap) -> None:
        self.watch, self.eyes = watch, PeopleTracker(static_map=StaticMap(floor))

    def step(self, scan: Scan, fixed_from_laser: Floats, fixed_frame: str) -> Tracks:
        look = partial(self.eyes.step, scan, fixed_from_laser, fixed_frame)
        return self.watch.time("perception: scan to people", look)


class _TimedNavigator:
    """The navigator, and a peer who is asked the same and not obeyed."""

    def __init__(self, watch: Stopwatch, navigator: Navigator, peer: Planner) -> None:
        self.watch, self.navigator, self.peer = watch, navigator, peer

    def step(self, observation: Observation) -> Plan:
        self.watch.time("mppi, on the same: one control step", lambda: self.peer.step(observation))
        return self.watch.time("navigation: one control step", lambda: self.navigator.step(observation))


def measure_core(scenario_name: str, seed: int, robot_name: str, out: Path) -> int:
    """Drive the scenario once and print what each part cost; also left as core.json."""
    scenario, robot, watch = load_scenario(scenario_name), load_robot(robot_name), Stopwatch()
    world = _Timed(scenario, robot, seed)
    world.watch = watch
    navigator = Navigator(shipped_settings(), robot.radius, robot.limits)
    navigator.set_map(scenario.floor)
    navigator.set_goal(scenario.robot_goal)
    peer = make_planner("mppi", robot, scenario.floor, scenario.robot_goal, seed)
    drive(world, _TimedNavigator(watch, navigator, peer), _TimedEyes(watch, scenario.floor))
    table = watch.table()
    make_folder(out, "core.json")
    write_summary(out / "core.json", {"scenario": scenario.name, "seed": seed, "ms": table})
    print(f"{scenario.name}, seed {seed}, {len(world.crowd)} people, one core")
    print(f"  {'[ms]':<36}{'p50':>8}{'p99':>8}{'max':>8}")
    for name, figures in table.items():
        print(f"  {name:<36}" + "".join(f"{figures[k]:8.2f}" for k in ("p50", "p99", "max")))
    return 0
