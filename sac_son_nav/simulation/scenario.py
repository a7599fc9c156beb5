"""What a scenario is: a floor plan, the robot's errand, and people with errands of their own; as a file states it,
ready to run, and with all dice cast.

Files are read by :mod:`.scenarios`, dice are cast by :mod:`.casting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.simulation.crowd import Recorded
from sac_son_nav.simulation.open_floor import OpenFloor
from sac_son_nav.simulation.person_groups import PersonGroup
from sac_son_nav.simulation.walking import WalkingGraph
from sac_son_nav.states import Floats


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
    recorded: Recorded | None = None  # people who walk as they once did, instead of by errands

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

    @cached_property
    def open_floor(self) -> OpenFloor:
        """Where ways lead at all; built once for all runs of the scenario."""
        return OpenFloor(self.walking)


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


@dataclass(frozen=True)
class StandingGroup:
    """People who stand in a circle from the start on, face its middle and keep it free: the o-space of an F-formation.

    `members`: their numbers; `centre` (2,) [m], frame map, and `radius` [m] of the room as far as the nearest body;
    `until_s` [s]: when the first of them sets out, inf if nobody ever does.
    """

    members: tuple[int, ...]
    centre: tuple[float, float]
    radius: float
    until_s: float
