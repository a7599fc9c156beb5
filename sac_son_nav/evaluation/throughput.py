"""`sac-son measure worlds`: how many steps of how many worlds a second, on one core and on all, and beside peers.

A world-step is 50 ms of one world with its robot and everybody in it. Each figure is the best of several short runs,
so that other work on the machine counts least; on several cores each process does its share at the same time as the
others, and their figures add up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import load_robot, make_folder
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.maps import FREE, OccupancyMap
from sac_son_nav.simulation.laser import Laser
from sac_son_nav.simulation.laws import LAWS
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenarios import PersonGroup, RobotErrand, Scenario, Stop, load_scenario
from sac_son_nav.simulation.world import World

BATCH = 500  # worlds: more leave the processor's cache, fewer leave it idle
LASER_BATCH = 100
BEAMS = 360
TIMED_S, REPEATS = 0.5, 6
PEER_SIZES = (9, 21)  # agents, as published figures of the peers have them


@dataclass(frozen=True)
class Case:
    """What is timed: people who walk by a law, perhaps with a laser that looks at every step, perhaps each world with
    its twin without the robot beside it."""

    humans: str = "social_force"
    people: int = 8
    laser: bool = False
    twin: bool = False

    @property
    def name(self) -> str:
        """In words."""
        more = (", 360-beam laser, walls" if self.laser else "") + (", with its twin" if self.twin else "")
        return f"{self.people} people, {self.humans}{more}"


CASES = (
    *(Case(people=n) for n in (5, 8, 20, 80)),
    *(Case(law, n) for law in LAWS if law != "social_force" for n in (8, 20)),
    Case(twin=True),
    Case(laser=True),
)


def open_square(people: int, side: float = 20.0) -> Scenario:
    """People who cross an open square of `side` [m] without walls, back and forth, the robot among them."""
    floor = OccupancyMap(np.full((200, 200), FREE, dtype=np.int8), side / 200)
    ends = (Stop((1.0, side - 4.0, side - 1.0, side - 1.0)), Stop((1.0, 1.0, side - 1.0, 4.0)))
    group = PersonGroup(start=(1.0, 1.0, side - 1.0, side - 1.0), errand=ends, count=people, repeat=True)
    robot = RobotErrand((2.0, 0.5 * side, 0.0), (side - 2.0, 0.5 * side, 0.0))
    return Scenario("square", "", Path("none.yaml"), floor, robot, 60.0, (group,))


def rate(case: Case) -> float:
    """World-steps a second of one process of one thread: worlds with a robot are counted, their twins are not."""
    count = LASER_BATCH if case.laser else BATCH
    scenario = load_scenario("corridor") if case.laser else open_square(case.people)
    profile = load_robot("simulated")
    profile = replace(profile, laser=replace(profile.laser, beams=BEAMS))
    present = np.arange(2 * count) < count if case.twin else True
    seeds = [*range(count)] * (2 if case.twin else 1)
    world = World(scenario, profile, seeds, present, case.humans, np.zeros(0, dtype=np.float32), gait=case.laser)
    laser = Laser(profile.laser, RayCaster(scenario.floor)) if case.laser else None
    commands = np.tile(np.array([0.3, 0.2], dtype=np.float32), (len(seeds), 1))

    def step() -> None:
        world.step(commands)
        if laser is not None:
            laser.scan(world)

    return count * _best(step)


def measure_worlds(out: Path, peers: bool = False) -> int:
    """Time every case on one core and on all, print a table and leave worlds.json; with `peers`, beside other
    simulators of walking people that are installed."""
    cores = len(os.sched_getaffinity(0))
    rows: list[dict[str, Any]] = []
    print(f"{'world-steps/s':<46}{'one core':>12}{f'{cores} cores':>12}")
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        for case in CASES:
            alone = pool.submit(rate, case).result()
            together = sum(pool.map(rate, [case] * cores))
            rows.append({"case": case.name, "one_core": alone, "all_cores": together})
            print(f"{case.name:<46}{alone:12,.0f}{together:12,.0f}", flush=True)
    plain, twin = (next(r for r in rows if r["case"] == c.name) for c in (Case(), Case(twin=True)))
    ratio = plain["one_core"] / twin["one_core"]
    print(f"a world with its twin costs {ratio:.2f} times the world alone")
    found = [row for size in PEER_SIZES for row in _beside_peers(size)] if peers else []
    make_folder(out, "worlds.json")
    write_summary(out / "worlds.json", {"cores": cores, "rows": rows, "twin_ratio": ratio, "peers": found})
    return 0


def _best(step: Callable[[], object]) -> float:
    """Steps a second, the best of REPEATS runs of about TIMED_S."""
    for _ in range(5):
        step()
    began = time.perf_counter()
    step()
    steps = max(3, round(TIMED_S / max(time.perf_counter() - began, 1e-6)))
    best = 0.0
    for _ in range(REPEATS):
        began = time.perf_counter()
        for _ in range(steps):
            step()
        best = max(best, steps / (time.perf_counter() - began))
    return best


# -- peers ------------------------------------------------------------------------------------------------------


def _beside_peers(agents: int) -> list[dict[str, Any]]:
    """Ours and theirs on one core with that many walkers, in the same open square, the robot one of ours."""
    ours = {law: rate(Case(law, agents - 1)) for law in ("social_force", "orca")}
    rows = []
    for name, law, run in (("PySocialForce", "social_force", _py_social_force), ("RVO2 (C++)", "orca", _rvo2)):
        try:
            theirs = run(agents)
        except ImportError as error:
            print(f"{name}, {agents} agents: not installed ({error})")
            continue
        rows.append({"peer": name, "agents": agents, "theirs": theirs, "ours": ours[law]})
        print(f"{name}, {agents} agents: {theirs:,.0f} steps/s, ours {ours[law]:,.0f}, {ours[law] / theirs:.1f} times")
    return rows


def _places(agents: int) -> tuple[np.ndarray, np.ndarray]:
    places = np.random.default_rng(0).uniform(1.0, 19.0, (agents, 2))
    return places, 20.0 - places


def _py_social_force(agents: int) -> float:
    import pysocialforce  # type: ignore[import-not-found, import-untyped, unused-ignore]

    places, goals = _places(agents)
    state = np.concatenate([places, np.zeros((agents, 2)), goals], axis=1)
    simulator = pysocialforce.Simulator(state)
    return _best(lambda: simulator.step(1))


def _rvo2(agents: int) -> float:
    import rvo2  # type: ignore[import-not-found, import-untyped, unused-ignore]

    places, goals = _places(agents)
    simulator = rvo2.PyRVOSimulator(0.05, 10.0, agents, 4.0, 0.5, 0.25, 1.6)
    for place in places:
        simulator.addAgent(tuple(place))

    def step() -> None:
        for i in range(agents):  # its users have to say at every step where each wants to go
            x, y = simulator.getAgentPosition(i)
            dx, dy = goals[i, 0] - x, goals[i, 1] - y
            distance = max((dx * dx + dy * dy) ** 0.5, 1e-9)
            speed = min(1.25, distance)
            simulator.setAgentPrefVelocity(i, (speed * dx / distance, speed * dy / distance))
        simulator.doStep()

    return _best(step)
