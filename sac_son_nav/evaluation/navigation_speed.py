"""`sac-son measure navigation`: what one `Navigator.step` among 20 people costs on one core, in each mode.

Once more in the last mode with so many variations of the last plan that there are 256 candidates.

A corridor's floor plan, 20 people who walk about within 4 m, all of them considered, and a laser of 720 beams. Beside
the time that passes stands the process's own, since on a busy machine the first tells of the others.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sac_son_nav.baselines.planners import changed_settings
from sac_son_nav.config import load_robot, make_folder
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.navigation.navigator import Navigator
from sac_son_nav.navigation.policy import for_mode
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.states import Floats, Observation, RobotState, Tracks

PEOPLE, BEAMS, CALLS, FIRST = 20, 720, 200, 10  # FIRST calls fill caches and do not count
ROWS = {
    "planner": ("mode=planner",),
    "policy": ("mode=policy",),
    "both": ("mode=both",),
    "both, more": ("mode=both", "planner.variations=136"),
}


def observation(random: np.random.Generator, caster: RayCaster, stamp_s: float) -> Observation:
    """A robot in the middle of the corridor, who is about, and what its laser sees of the walls."""
    pose = np.array([9.0, 2.0, 0.0]) + random.normal(0.0, 0.05, 3)
    angles = np.linspace(-np.pi, np.pi, BEAMS, endpoint=False)
    ranges = np.minimum(caster.cast(pose[:2], angles, 12.0), 12.0)[:, None]
    points = pose[:2] + ranges * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    places, paces = pose[:2] + random.uniform(-4.0, 4.0, (PEOPLE, 2)), random.normal(0.0, 0.8, (PEOPLE, 2))
    ids, more = np.arange(PEOPLE, dtype=np.int64), (np.zeros((PEOPLE, 4, 4)), np.ones(PEOPLE))
    robot = RobotState(stamp_s, pose, np.array([0.4, 0.0]))
    return Observation(stamp_s, robot, Tracks(stamp_s, "map", ids, places, paces, *more), points)


def time_mode(changes: Sequence[str]) -> dict[str, float] | str:
    """Percentiles [ms] of a step with these changes of the shipped settings, or why there is none."""
    scenario, robot = load_scenario("corridor"), load_robot("simulated")
    settings = replace(changed_settings(changes), people_considered=PEOPLE)
    policy, lack = for_mode(settings.mode)
    if lack:
        return lack
    navigator = Navigator(settings, robot.radius, robot.limits, policy=policy)
    navigator.set_map(scenario.floor)
    navigator.set_goal(scenario.robot_goal)
    caster, random = RayCaster(scenario.floor), np.random.default_rng(0)
    passed, own, considered = np.zeros(CALLS), np.zeros(CALLS), 0
    for k in range(-FIRST, CALLS):
        seen = observation(random, caster, 0.1 * (k + FIRST))
        wall, mine = time.perf_counter(), time.process_time()
        plan = navigator.step(seen)
        if k >= 0:
            passed[k], own[k] = time.perf_counter() - wall, time.process_time() - mine
        considered = len(plan.considered)
    return {"candidates": considered, **_percentiles(passed, ""), **_percentiles(own, "own_")}


def _percentiles(seconds: Floats, prefix: str) -> dict[str, float]:
    values = {"least": seconds.min(), "p50": np.median(seconds), "p99": np.percentile(seconds, 99)}
    return {f"{prefix}{name}": round(1e3 * float(value), 2) for name, value in values.items()}


def measure_navigation(out: Path) -> int:
    """Print the figures of each mode; also left as navigation.json."""
    make_folder(out, "navigation.json")
    found = {row: time_mode(changes) for row, changes in ROWS.items()}
    write_summary(out / "navigation.json", {"people": PEOPLE, "calls": CALLS, "ms": found})
    print(f"Navigator.step, {PEOPLE} people, {CALLS} steps on one core [ms]")
    print(f"  {'mode':<12}{'plans':>7}{'least':>9}{'p50':>9}{'p99':>9}{'own p50':>9}{'own p99':>9}")
    for row, figures in found.items():
        if isinstance(figures, str):
            print(f"  {row:<12}{figures}")
            continue
        shown = "".join(f"{figures[k]:9.2f}" for k in ("least", "p50", "p99", "own_p50", "own_p99"))
        print(f"  {row:<12}{figures['candidates']:7.0f}{shown}")
    return 0
