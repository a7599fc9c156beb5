"""Scenarios read from YAML, and refused with one sentence where they can't be run.

Ready-made scenarios stand in config/scenarios, their plans in config/maps; docs/scenarios.md shows each, and says what
a file may state. What it may say about people is in :mod:`.person_groups`, how their dice are cast in :mod:`.casting`.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import build, load_map, read_yaml, resource
from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import UNKNOWN, OccupancyMap
from sac_son_nav.simulation.casting import cast_people, standing_groups, streams
from sac_son_nav.simulation.open_floor import points_of
from sac_son_nav.simulation.person_groups import Circle, Formation, PersonGroup, Place, Queue, Stop
from sac_son_nav.simulation.recorded import PREFIX, load_recorded
from sac_son_nav.simulation.scenario import Person, RobotErrand, Scenario, ScenarioFile, StandingGroup
from sac_son_nav.states import Floats

__all__ = [
    "Circle",
    "Formation",
    "Person",
    "PersonGroup",
    "Queue",
    "RobotErrand",
    "Scenario",
    "ScenarioFile",
    "StandingGroup",
    "Stop",
    "assemble",
    "cast_people",
    "load_scenario",
    "standing_groups",
    "streams",
]


def load_scenario(name_or_path: str | Path, data: Path | None = None) -> Scenario:
    """A scenario by name (``config/scenarios/<name>.yaml``) or by path, or, with a name that begins with
    ``socnavbench_``, people of a recording in the folder `data` (:func:`.recorded.load_recorded`).

    Raises ConfigError or MapError with one sentence when a file is missing or wrong, or when the robot or a person
    would start or stop off the open floor.
    """
    if str(name_or_path).startswith(PREFIX):
        return load_recorded(str(name_or_path), data)
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
        place = f"{where}.people[{g}].start"
        if group.circle:
            _check_ring(floor, group.start, group.circle.radius, group.largest_radius, place)
        else:
            _check_open(floor, group.start, 0.0 if group.formation else group.largest_radius, place)
        for s, stop in enumerate(group.errand):
            _check_open(floor, stop.to, group.largest_radius, f"{where}.people[{g}].errand[{s}].to")
    rest: dict[str, Any] = {f.name: getattr(stated, f.name) for f in fields(stated) if f.name != "map"}
    scenario = Scenario(map_file=map_file, floor=floor, **rest)
    _check_ways(scenario, where)
    cast_people(scenario, streams(scenario, 0))  # what can't be cast at all shall be known now
    return scenario


def _check_open(floor: OccupancyMap, place: Place, radius: float, where: str) -> None:
    """Raise ConfigError unless there is open floor for a body of `radius` [m] at (or somewhere in) the place."""
    x0, x1, y0, y1 = floor.extent
    corners = np.array(place).reshape(-1, 2)
    if not floor.contains(corners).all():
        raise ConfigError(
            f"{where}: expected a place on the map (x {x0:g} to {x1:g}, y {y0:g} to {y1:g}), got {list(place)}"
        )
    if not _open_points(floor, place, radius).size:
        raise ConfigError(
            f"{where}: expected open floor at {list(place)}, got a wall or less than {radius:g} m from one"
        )


def _check_ring(floor: OccupancyMap, middle: Place, ring: float, body: float, where: str) -> None:
    """Raise ConfigError unless a circle of radius `ring` [m] lies on open floor with room for a `body` [m]."""
    turns = np.linspace(0.0, 2.0 * np.pi, 180, endpoint=False)
    points = np.array(middle) + ring * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    if not (floor.contains(points).all() and (np.asarray(floor.distance_at(points)) >= body).all()):
        raise ConfigError(
            f"{where}: expected open floor all along the circle of {ring:g} m round {list(middle)}, "
            f"got a wall, less than {body:g} m from one, or the map's edge"
        )


def _check_ways(scenario: Scenario, where: str) -> None:
    """Raise ConfigError where nobody could get from a start to a stop, or to the robot's goal from its start."""
    floor, parts = scenario.floor, scenario.open_floor
    start, goal = (np.array(pose[:2]) for pose in (scenario.robot.start, scenario.robot.goal))
    if not parts.joined(start, goal):
        here = list(scenario.robot.start[:2])
        raise ConfigError(f"{where}.robot.goal: expected a way there from {here}, got a wall in between")
    for g, group in enumerate(scenario.people):
        from_here = set(np.unique(parts.part_of(_open_points(floor, group.start, 0.0))))
        for s, stop in enumerate(group.errand):
            there = set(np.unique(parts.part_of(_open_points(floor, stop.to, group.largest_radius))))
            if not from_here & there:
                raise ConfigError(
                    f"{where}.people[{g}].errand[{s}].to: expected a way there from {list(group.start)}, "
                    "got a wall in between"
                )


def _open_points(floor: OccupancyMap, place: Place, radius: float) -> Floats:
    """Points (M, 2) [m] all over a place, or the point itself, with more than `radius` [m] of known, open floor."""
    points = points_of(place, floor.resolution)
    rows, columns = np.moveaxis(floor.cell_at(points), -1, 0)
    room = np.where(floor.cells[rows, columns] == UNKNOWN, -np.inf, np.asarray(floor.distance_at(points)))
    return points[room > radius]
