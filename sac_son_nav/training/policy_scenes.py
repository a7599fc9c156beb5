"""Where the policy is trained: rooms drawn by lot and the maps of the shipped scenarios, robots of all sizes, people
of all tempers. Nobody walks by the power law, which is kept to test with, and no seed is one of a benchmark's.

Everything follows from the generator that is handed in. Frame map, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import RobotProfile, load_robot
from sac_son_nav.crowds.orca import OrcaConfig
from sac_son_nav.errors import ConfigError, RouteError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.navigation.route import Route, RoutePlanner
from sac_son_nav.simulation.laws import Law, law_named
from sac_son_nav.simulation.person_groups import Formation, PersonGroup, Stop
from sac_son_nav.simulation.scenarios import RobotErrand, Scenario, load_scenario
from sac_son_nav.states import Floats

FIRST_SEED = 1_000_000  # seeds below it are the benchmark's
CELL = 0.1  # [m] of the drawn rooms
ATTEMPTS = 50
ROBOTS = ("simulated", "turtlebot2", "turtlebot3_waffle", "turtlebot4")


@dataclass(frozen=True)
class Scene:
    """A scenario with the robot that drives in it, its way, and the law by which its people walk."""

    scenario: Scenario
    robot: RobotProfile
    route: Route
    humans: str
    law: Law


def draw(random: np.random.Generator, cards: tuple[str, ...], humans: tuple[str, ...], orca_people: int) -> Scene:
    """One scene: half of the time in the map of one of the `cards`, among its people; at most `orca_people` of them
    where they walk by ORCA, which costs most."""
    for _ in range(ATTEMPTS):
        robot = drawn_robot(random)
        name = str(random.choice(humans))
        try:
            if cards and random.random() < 0.5:
                scenario = _card(str(random.choice(cards)))
                if random.random() < 0.5:
                    scenario = _other_errand(scenario, robot, random)
            else:
                scenario = _room(robot, random)
            if name == "orca" and sum(group.count for group in scenario.people) > orca_people:
                continue
            planner = RoutePlanner(scenario.floor, robot.radius)
            route = planner.plan(scenario.robot_start[:2], scenario.robot_goal[:2])
        except (ConfigError, RouteError):
            continue  # too narrow for this robot, or nowhere to put somebody: another one
        return Scene(scenario, robot, route, name, _law(name, random))
    raise RouteError(f"training: expected a scene in which a robot can drive within {ATTEMPTS} attempts, found none")


@lru_cache(maxsize=64)
def _card(name: str) -> Scenario:
    """Kept, for the ways of its people are dear to work out."""
    return load_scenario(name)


def drawn_robot(random: np.random.Generator) -> RobotProfile:
    """Half of the time one of the shipped robots as it is, else one that differs in everything."""
    robot = load_robot(str(random.choice(ROBOTS, p=(0.55, 0.15, 0.15, 0.15))))
    if random.random() < 0.7:
        return robot
    factor = random.uniform(0.7, 1.4, 5)
    limits = robot.limits
    limits = BaseLimits(
        vx_max=float(limits.vx_max * factor[0]),
        vx_min=limits.vx_min,
        wz_max=float(limits.wz_max * factor[1]),
        acceleration=float(limits.acceleration * factor[2]),
        deceleration=float(limits.deceleration * factor[3]),
        angular_acceleration=float(limits.angular_acceleration * factor[4]),
    )
    return replace(robot, radius=float(random.uniform(0.15, 0.35)), limits=limits)


def _law(name: str, random: np.random.Generator) -> Law:
    """The law with parameters that stray from the usual ones, as people do from each other."""
    law = law_named(name)
    changes: dict[str, Any]
    if isinstance(law.config, OrcaConfig):
        changes = {"horizon": random.uniform(2.0, 5.0), "robot_share": random.uniform(0.4, 1.0)}
    else:
        changes = {
            "strength": law.config.strength * random.uniform(0.6, 1.5),
            "reach": law.config.reach * random.uniform(0.8, 1.25),
        }
    return replace(law, config=replace(law.config, **{k: float(v) for k, v in changes.items()}))


# -- rooms ----------------------------------------------------------------------------------------------------------


def _other_errand(scenario: Scenario, robot: RobotProfile, random: np.random.Generator) -> Scenario:
    start, goal = drawn_errand(scenario.floor, robot.radius, random)
    other = replace(scenario, robot=replace(scenario.robot, start=start, goal=goal))
    other.__dict__["walking"] = scenario.walking  # of the same floor
    return other


def _room(robot: RobotProfile, random: np.random.Generator) -> Scenario:
    """A hall with things in it, a corridor, or two rooms with a door, and one to four groups of people."""
    kind = random.choice(("hall", "corridor", "door"), p=(0.5, 0.25, 0.25))
    width, height = random.uniform(8.0, 16.0), random.uniform(5.0, 12.0)
    if kind == "corridor":
        width, height = random.uniform(11.0, 18.0), random.uniform(1.8, 4.0)
    rows, columns = round(height / CELL), round(width / CELL)
    cells = np.pad(np.full((rows, columns), FREE, dtype=np.int8), 4, constant_values=OCCUPIED)
    if kind == "door":
        at, wide = 4 + int(columns * random.uniform(0.35, 0.65)), round(random.uniform(0.9, 1.8) / CELL)
        door = 4 + random.integers(2, max(3, rows - wide - 2))
        cells[4:-4, at : at + 2] = OCCUPIED
        cells[door : door + wide, at : at + 2] = FREE
    for _ in range(random.integers(0, 5) if kind != "corridor" else random.integers(0, 2)):
        size = np.rint(random.uniform(0.2, 1.2, 2) / CELL).astype(int)
        row, column = random.integers(4, rows), random.integers(4, columns)
        cells[row : row + size[0], column : column + size[1]] = OCCUPIED
    floor = OccupancyMap(cells, CELL, (-4 * CELL, -4 * CELL))
    start, goal = drawn_errand(floor, robot.radius, random)
    people = tuple(_group(floor, random) for _ in range(random.integers(1, 5)))
    return Scenario(f"drawn {kind}", "", Path(), floor, RobotErrand(start, goal), 60.0, people)


def drawn_errand(
    floor: OccupancyMap, radius: float, random: np.random.Generator
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """A start and a goal five metres apart or more where there is room for the robot."""
    for _ in range(ATTEMPTS):
        start, goal = _open_point(floor, radius + 0.1, random), _open_point(floor, radius + 0.1, random)
        if np.linalg.norm(goal - start) > 5.0:
            yaw = random.uniform(-np.pi, np.pi) if random.random() < 0.3 else np.arctan2(*(goal - start)[::-1])
            return (float(start[0]), float(start[1]), float(yaw)), (float(goal[0]), float(goal[1]), 0.0)
    raise RouteError("training: expected a start and a goal five metres apart, found none")


def _open_point(floor: OccupancyMap, room: float, random: np.random.Generator) -> Floats:
    x0, x1, y0, y1 = floor.extent
    points = random.uniform((x0, y0), (x1, y1), (ATTEMPTS, 2))
    fits = np.flatnonzero(np.asarray(floor.distance_at(points)) > room)
    if not len(fits):
        raise RouteError("training: expected open floor in a drawn room, found none")
    return np.asarray(points[fits[0]])


def _region(floor: OccupancyMap, random: np.random.Generator) -> tuple[float, float, float, float]:
    """A box of up to four metres round an open place."""
    x0, x1, y0, y1 = floor.extent
    middle, half = _open_point(floor, 0.4, random), random.uniform(0.5, 2.0, 2)
    low, high = np.maximum(middle - half, (x0 + 0.4, y0 + 0.4)), np.minimum(middle + half, (x1 - 0.4, y1 - 0.4))
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _group(floor: OccupancyMap, random: np.random.Generator) -> PersonGroup:
    """Some people with an errand to and fro, standing, or in a circle that talks."""
    count, weight = int(random.integers(1, 5)), float(random.choice((0.0, 0.5, 1.0, 1.0, 1.0, 2.0)))
    kind = random.random()
    if kind < 0.1 and count > 1:
        return PersonGroup(
            _region(floor, random), count=count, formation=Formation(0.9), radius=0.24, robot_weight=weight
        )
    if kind < 0.25:
        return PersonGroup(_region(floor, random), count=count, robot_weight=weight)
    stops = tuple(Stop(_region(floor, random), float(random.uniform(0.0, 3.0))) for _ in range(2))
    return PersonGroup(
        _region(floor, random),
        stops,
        count=count,
        repeat=True,
        speed=float(random.uniform(0.7, 1.5)),
        radius_range=(0.2, 0.32),
        delay=float(random.uniform(0.0, 4.0)) if random.random() < 0.3 else 0.0,
        robot_weight=weight,
        together=count > 1 and random.random() < 0.25,
    )
