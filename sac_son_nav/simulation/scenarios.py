"""Scenarios: a floor plan, the robot's errand, and people with errands of their own, read from YAML.

A place is either a point ``[x, y]`` or a region ``[x_min, y_min, x_max, y_max]`` [m, frame map]; within a region the
seed decides. Ready-made scenarios stand in config/scenarios, their plans in config/maps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import build, load_map, read_yaml, resource
from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import UNKNOWN, OccupancyMap
from sac_son_nav.simulation.walking import WalkingGraph
from sac_son_nav.states import Floats

Place = tuple[float, ...]  # (x, y) or (x_min, y_min, x_max, y_max) [m]

ATTEMPTS = 64  # places drawn for each start or stop; always all of them, so that one person's luck is their own
ELBOW_ROOM = 0.9  # [m] between the stops of two people
SLOWEST, FASTEST = 0.5, 2.0  # [m/s] between which walking speeds are clipped


@dataclass(frozen=True)
class Stop:
    """One stop of an errand: where, and how long the person stays [s]."""

    to: tuple[float, ...]
    wait: float = 0.0

    def __post_init__(self) -> None:
        _check_place(self.to, "to")
        if self.wait < 0.0:
            raise ConfigError(f"wait: expected seconds of zero or more, got {self.wait}")


@dataclass(frozen=True)
class PersonGroup:
    """People who share an errand; each draws their own places and their own pace."""

    start: tuple[float, ...]
    errand: tuple[Stop, ...] = ()  # nothing: they stand at the start
    count: int = 1
    delay: float = 0.0  # [s] that they stand at the start before they set out
    repeat: bool = False  # begin the errand again at its end, instead of staying there
    speed: float = 1.25  # [m/s] mean of the preferred speed
    speed_spread: float = 0.2  # [m/s] its standard deviation
    radius: float = 0.25  # [m] of the body, shoulders a little drawn in
    robot_weight: float = 1.0  # how strongly they mind the robot: 0 not at all, 1 as they mind a person
    stride: float = 1.0  # length of their steps, relative to the usual one at their speed

    def __post_init__(self) -> None:
        _check_place(self.start, "start")
        for name in ("speed", "radius", "stride"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected a number above zero, got {getattr(self, name)}")
        for name in ("speed_spread", "delay", "robot_weight"):
            if getattr(self, name) < 0.0:
                raise ConfigError(f"{name}: expected zero or more, got {getattr(self, name)}")
        if self.count < 1:
            raise ConfigError(f"count: expected one person or more, got {self.count}")


@dataclass(frozen=True)
class RobotErrand:
    """Where the robot starts and where it shall go, (x, y, yaw) [m, m, rad], frame map."""

    start: tuple[float, float, float]
    goal: tuple[float, float, float]
    tolerance: float = 0.3  # [m] from the goal at which it counts as reached


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario as its YAML file states it."""

    name: str
    map: str  # map_server YAML file in config/maps; else an absolute path, or one relative to this file
    robot: RobotErrand
    description: str = ""
    time_limit: float = 60.0  # [s] after which a run has failed
    people: tuple[PersonGroup, ...] = ()

    def __post_init__(self) -> None:
        if not self.time_limit > 0.0:
            raise ConfigError(f"time_limit: expected seconds above zero, got {self.time_limit}")


@dataclass(frozen=True)
class Scenario:
    """A scenario ready to run: what its file says, and the floor plan it happens on."""

    name: str
    description: str
    map_file: Path
    floor: OccupancyMap
    robot: RobotErrand
    time_limit: float
    people: tuple[PersonGroup, ...]
    recorded: Any = None

    @property
    def robot_start(self) -> Floats:
        """Pose (3,) [m, m, rad], frame map."""
        return np.array(self.robot.start)

    @property
    def robot_goal(self) -> Floats:
        """Pose (3,) [m, m, rad], frame map."""
        return np.array(self.robot.goal)

    @cached_property
    def walking(self) -> WalkingGraph:
        """How people find their way; built once for all runs of the scenario."""
        return WalkingGraph(self.floor)


@dataclass(frozen=True)
class Person:
    """One person, all dice cast: start (2,) [m], stops (E, 2) [m] with waits (E,) [s], and how they walk."""

    start: Floats
    stops: Floats
    waits: Floats
    repeat: bool
    radius: float
    speed: float
    robot_weight: float
    stride: float
    curiosity: float = 0.0  # how strongly the robot draws them: 0 not at all, 1 they come and look
    company: int = -1  # number of those who walk and stay together; -1: on their own
    facing: float | None = None  # [rad] how they stand at the start; None: towards their first stop


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A scenario by name (``config/scenarios/<name>.yaml``) or by path.

    Raises ConfigError or MapError with one sentence when a file is missing or wrong, or when the robot or a person
    would start or stop off the open floor.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = resource("config", f"scenarios/{name_or_path}.yaml", what="scenario")
    stated = build(ScenarioFile, read_yaml(path), str(path))
    try:
        map_file = resource("config", f"maps/{stated.map}", what="map")
    except ConfigError:
        map_file = path.parent / stated.map
        if not map_file.is_file():
            raise
    return assemble(stated, map_file, str(path))


def assemble(stated: ScenarioFile, map_file: Path, where: str) -> Scenario:
    """A runnable scenario from a stated one and its floor plan; `where` names the source in messages."""
    floor = load_map(map_file)
    for name, pose in (("robot.start", stated.robot.start), ("robot.goal", stated.robot.goal)):
        _check_open(floor, pose[:2], 0.0, f"{where}.{name}")
    for g, group in enumerate(stated.people):
        _check_open(floor, group.start, group.radius, f"{where}.people[{g}].start")
        for s, stop in enumerate(group.errand):
            _check_open(floor, stop.to, group.radius, f"{where}.people[{g}].errand[{s}].to")
    rest: dict[str, Any] = {f.name: getattr(stated, f.name) for f in fields(stated) if f.name != "map"}
    return Scenario(map_file=map_file, floor=floor, **rest)


def cast_people(scenario: Scenario, streams: list[np.random.Generator]) -> list[Person]:
    """The people of a run; person i draws from streams[i] only, and draws the same amount whatever comes out.

    Starts and stops keep clear of walls, of those of the people before and of the robot's.
    """
    people: list[Person] = []
    groups = [group for group in scenario.people for _ in range(group.count)]
    for i, (group, random) in enumerate(zip(groups, streams, strict=True)):
        taken = [(np.asarray(scenario.robot.start[:2]), 1.0)] + [(p.start, p.radius + group.radius) for p in people]
        start = _draw_place(scenario, group.start, group.radius, taken, random, f"person {i}'s start")
        theirs = [(stop, ELBOW_ROOM) for person in people for stop in person.stops]
        theirs += [(np.asarray(pose[:2]), ELBOW_ROOM) for pose in (scenario.robot.start, scenario.robot.goal)]
        stops = [
            _draw_place(scenario, stop.to, group.radius, theirs, random, f"person {i}'s stop", crowding=True)
            for stop in group.errand
        ]
        pace = group.speed + group.speed_spread * random.normal()
        stand = [] if group.delay == 0.0 and stops else [(start, group.delay)]
        errand = stand + [(place, stop.wait) for place, stop in zip(stops, group.errand, strict=True)]
        person = Person(
            start,
            np.array([place for place, _ in errand]),
            np.array([wait for _, wait in errand]),
            group.repeat and len(errand) > 1,
            group.radius,
            float(np.clip(pace, SLOWEST, FASTEST)),
            group.robot_weight,
            group.stride,
        )
        for stop in person.stops:
            row, column = scenario.walking.cell_at(start)
            if not np.isfinite(scenario.walking.way_to(stop).cost[row, column]):
                raise ConfigError(f"scenario {scenario.name}: no way leads from {_say(start)} to {_say(stop)}")
        people.append(person)
    return people


def _draw_place(
    scenario: Scenario,
    place: Place,
    radius: float,
    taken: list[tuple[Floats, float]],
    random: np.random.Generator,
    what: str,
    crowding: bool = False,
) -> Floats:
    """A point (2,) of a place: the point itself, or of ATTEMPTS draws in the region the first that keeps off walls
    and off what is `taken`; with `crowding`, if there is none, the one that keeps furthest off."""
    luck = random.random((ATTEMPTS, 2))
    low = np.array(place[:2])
    drawn = low if len(place) == 2 else low + luck * (np.array(place[2:]) - low)
    points = np.broadcast_to(drawn, (ATTEMPTS, 2))
    open_floor = np.asarray(scenario.floor.distance_at(np.array(points))) >= radius
    spare = np.full(ATTEMPTS, np.inf)
    if len(place) == 4:  # where a scenario names a point, the point it is
        for other, apart in taken:
            spare = np.minimum(spare, np.linalg.norm(points - other, axis=-1) - apart)
    free = open_floor & (spare >= 0.0)
    if free.any():
        return np.array(points[np.argmax(free)])
    if crowding and open_floor.any():
        return np.array(points[np.argmax(np.where(open_floor, spare, -np.inf))])
    raise ConfigError(f"scenario {scenario.name}: found no free place for {what} in {list(place)}")


def _check_place(place: Place, name: str) -> None:
    if len(place) not in (2, 4):
        raise ConfigError(f"{name}: expected [x, y] or [x_min, y_min, x_max, y_max], got {list(place)}")
    if len(place) == 4 and not (place[0] < place[2] and place[1] < place[3]):
        raise ConfigError(f"{name}: expected x_min < x_max and y_min < y_max, got {list(place)}")


def _check_open(floor: OccupancyMap, place: Place, radius: float, where: str) -> None:
    """Raise ConfigError unless there is open floor for a body of `radius` [m] at (or somewhere in) the place."""
    x0, x1, y0, y1 = floor.extent
    corners = np.array(place).reshape(-1, 2)
    if not floor.contains(corners).all():
        raise ConfigError(
            f"{where}: expected a place on the map (x {x0:g} to {x1:g}, y {y0:g} to {y1:g}), got {list(place)}"
        )
    if len(corners) == 2:
        x, y = (np.arange(low, high, floor.resolution) for low, high in zip(corners[0], corners[1], strict=True))
        corners = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    rows, columns = np.moveaxis(floor.cell_at(corners), -1, 0)
    room = np.where(floor.cells[rows, columns] == UNKNOWN, -np.inf, np.asarray(floor.distance_at(corners)))
    if room.max() <= radius:
        raise ConfigError(
            f"{where}: expected open floor at {list(place)}, got a wall or less than {radius:g} m from one"
        )


def _say(point: Floats) -> str:
    return f"({point[0]:.2f}, {point[1]:.2f})"
