"""Rooms and people made up by chance: more places to learn from than anybody would draw.

Everything in a room follows from the generator it is made with. Frame map, SI units.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.simulation.casting import cast_people, streams
from sac_son_nav.simulation.person_groups import PersonGroup, Stop
from sac_son_nav.simulation.scenarios import RobotErrand, Scenario

RESOLUTION = 0.1  # [m]
KINDS = ("square", "corridor", "door", "pillars", "doors", "crossing")
REACTIONS = {"usual": 0.65, "wary": 0.15, "none": 0.1, "curious": 0.1}  # share of each among people drawn by chance
TRIES = 60
MARGIN = 0.8  # [m] between the walls and where people start and stop
CLEAR = 0.5  # [m] between any wall and where people stop and the robot starts
DRAWS = 50  # of a place, until it is clear of walls


def random_room(random: np.random.Generator) -> Scenario:
    """A square, a corridor, two rooms with a door, three with doors, a room with pillars or two corridors that cross;
    two to ten people who walk, some who stand, and a robot's errand. Raises ConfigError if in TRIES rooms of that kind
    nobody found their place."""
    kind = KINDS[random.integers(len(KINDS))]
    for _ in range(TRIES):
        floor = _floor(kind, random)
        try:
            room = Scenario(kind, "", Path("none.yaml"), floor, _errand(floor, random), 60.0, _people(floor, random))
            cast_people(room, streams(room, 0))
        except ConfigError:  # too narrow for so many: another one
            continue
        return room
    raise ConfigError(f"random room: expected a place for everybody in one of {TRIES}, got none")


def varied(scenario: Scenario, random: np.random.Generator) -> Scenario:
    """The scenario with people of other paces and reactions, as far as it leaves these open."""
    return replace(scenario, people=tuple(_varied(group, random) for group in scenario.people))


def _varied(group: PersonGroup, random: np.random.Generator) -> PersonGroup:
    changes: dict[str, Any] = {"reaction": _reaction(random), "robot_weight": 1.0, "curiosity": 0.0}
    pace = float(random.uniform(0.75, 1.25))
    if group.speed_range:
        low, high = (float(np.clip(pace * v, 0.3, 2.0)) for v in group.speed_range)
        changes["speed_range"] = (low, high)
    else:
        changes["speed"] = pace * group.speed
    return replace(group, **changes)


def _reaction(random: np.random.Generator) -> str:
    return str(random.choice(list(REACTIONS), p=list(REACTIONS.values())))


def _floor(kind: str, random: np.random.Generator) -> OccupancyMap:
    long, wide = {
        "square": (random.uniform(8.0, 14.0), random.uniform(8.0, 14.0)),
        "corridor": (random.uniform(12.0, 18.0), random.uniform(1.8, 4.5)),
        "door": (random.uniform(9.0, 14.0), random.uniform(4.5, 8.0)),
        "doors": (random.uniform(12.0, 18.0), random.uniform(4.5, 8.0)),
        "pillars": (random.uniform(9.0, 14.0), random.uniform(7.0, 11.0)),
        "crossing": (random.uniform(10.0, 15.0), random.uniform(10.0, 15.0)),
    }[kind]
    cells: NDArray[np.int8] = np.full((round(wide / RESOLUTION), round(long / RESOLUTION)), FREE, dtype=np.int8)
    cells[[0, -1]] = cells[:, [0, -1]] = OCCUPIED
    rows, columns = cells.shape
    if kind in ("door", "doors"):
        for middle in (columns // 2,) if kind == "door" else (columns // 3, 2 * columns // 3):
            at, gap = middle + int(random.integers(-8, 9)), round(random.uniform(0.8, 1.8) / RESOLUTION)
            low = int(random.integers(8, rows - gap - 8))
            cells[:low, at : at + 2] = cells[low + gap :, at : at + 2] = OCCUPIED
    if kind == "crossing":
        across, along = (round(v / RESOLUTION) for v in random.uniform(1.8, 4.0, 2))
        row, column = rows // 2 + int(random.integers(-20, 21)), columns // 2 + int(random.integers(-20, 21))
        free = np.zeros_like(cells, dtype=np.bool_)
        free[row - across // 2 : row + across // 2] = free[:, column - along // 2 : column + along // 2] = True
        cells[~free] = OCCUPIED
    if kind == "pillars":
        for _ in range(int(random.integers(2, 6))):
            row, column, size = (
                random.integers(18, rows - 24),
                random.integers(18, columns - 24),
                random.integers(3, 8),
            )
            cells[row : row + size, column : column + size] = OCCUPIED
    return OccupancyMap(cells, RESOLUTION)


def _errand(floor: OccupancyMap, random: np.random.Generator) -> RobotErrand:
    """From one end of the long side to the other."""
    _, long, _, wide = floor.extent
    start, goal = (_clear(floor, (x, MARGIN, x, wide - MARGIN), random) for x in (1.0, long - 1.0))
    return RobotErrand((*start, 0.0), (*goal, 0.0))


def _people(floor: OccupancyMap, random: np.random.Generator) -> tuple[PersonGroup, ...]:
    _, long, _, wide = floor.extent
    third, inner = (long - 2.0 * MARGIN) / 3.0, (MARGIN, wide - MARGIN)
    parts = [(MARGIN + k * third, inner[0], MARGIN + (k + 1) * third, inner[1]) for k in range(3)]
    groups = []
    for _ in range(int(random.integers(2, 6))):
        here, there = random.choice(3, 2, replace=False)
        here, there = (here, there) if random.random() < 0.8 else (here, here)
        count = int(random.integers(1, 3))
        groups.append(
            PersonGroup(
                start=parts[here],
                errand=(_stop(floor, parts[there], random), _stop(floor, parts[here], random)),
                repeat=True,
                count=count,
                together=count > 1 and random.random() < 0.3,
                delay_range=(0.0, 3.0),
                speed_range=(0.5, 1.6),
                radius_range=(0.2, 0.32),
                reaction=_reaction(random),
            )
        )
    if random.random() < 0.4:
        groups.append(PersonGroup(start=parts[int(random.integers(3))], reaction=_reaction(random)))
    return tuple(groups)


def _stop(floor: OccupancyMap, part: tuple[float, ...], random: np.random.Generator) -> Stop:
    """A point in the part of the room, for a while: a region would give every world its own ways to work out."""
    return Stop(_clear(floor, part, random), float(random.uniform(0.0, 3.0)))


def _clear(floor: OccupancyMap, part: tuple[float, ...], random: np.random.Generator) -> tuple[float, float]:
    """A point in a part of the room, clear of walls. Raises ConfigError where DRAWS draws find none."""
    for _ in range(DRAWS):
        place = random.uniform(part[:2], part[2:])
        if float(floor.distance_at(place)) > CLEAR:
            return float(place[0]), float(place[1])
    raise ConfigError(f"random room: expected a place {CLEAR} m from walls in {part}, got none in {DRAWS} draws")
