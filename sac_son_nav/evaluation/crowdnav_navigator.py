"""The navigator of this project as the robot of the CrowdNav test.

It gets what the published robots get, their bodies' radii included, and is as large and as fast as they are. As theirs
it goes in any direction at once; or it drives and turns, as the robots do that it is made for. Its settings are those
of config/crowdnav.yaml, on top of the shipped ones.

Letters as in :mod:`.crowdnav`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import yaml

from sac_son_nav.baselines.planners import as_changes, changed_settings
from sac_son_nav.config import build, flatten, read_parameters, resource
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.crowdnav_world import Bodies, Worlds
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.kinematics import BaseLimits, limit_velocity, unicycle_step
from sac_son_nav.navigation.holonomic import HolonomicConfig, HolonomicNavigator
from sac_son_nav.navigation.navigator import NavigationConfig, Navigator
from sac_son_nav.states import Floats, Observation, RobotState, Tracks

FASTEST = 1.0  # [m/s], theirs
PREFIX = "holonomic."
BASE = BaseLimits(FASTEST, -FASTEST, 4.0, 4.0, 4.0, 16.0)  # of who drives and turns: 1 m/s within a step
# Of who drives and turns, beside config/crowdnav.yaml.
TURNING = ("position_tolerance=0.05", "planner.holds=[0.5, 1.0, 2.0, 4.0]")


def settings(changes: Sequence[str] = ()) -> tuple[NavigationConfig, HolonomicConfig]:
    """Those of config/crowdnav.yaml, on top of the shipped ones, and on top of these some changed, each
    ``name=value``; a name that begins with ``holonomic.`` is about the ways to go in any direction."""
    path = resource("config", "crowdnav.yaml")
    given = dict(read_parameters(path, "navigation"))
    flat = flatten(build(HolonomicConfig, given.pop("holonomic", {}), str(path)))
    of_navigation = []
    for change in changes:
        name, is_set, value = change.removeprefix(PREFIX).partition("=")
        if not change.startswith(PREFIX):
            of_navigation.append(change)
        elif is_set and name in flat:
            flat[name] = yaml.safe_load(value)
        else:
            known = ", ".join(PREFIX + word for word in flat)
            raise ConfigError(f"setting {change!r}: expected name=value with one of {known}")
    return changed_settings((*as_changes(given), *of_navigation)), build(HolonomicConfig, flat, "holonomic")


class HolonomicRobot:
    """Steers the robots of many worlds, each by a navigator of its own that goes in any direction. `changes`:
    settings, ``name=value``."""

    def __init__(self, changes: Sequence[str] = ()) -> None:
        self._settings = settings(changes)
        self._navigators: dict[int, HolonomicNavigator] = {}

    def __call__(self, worlds: Worlds, seen: Bodies) -> Floats:
        """The velocities (W, 2) for the bodies (W, M) that robots take there to be."""
        return np.stack([self._one(worlds, seen, w) for w in range(len(worlds.cases))])

    def _one(self, worlds: Worlds, seen: Bodies, w: int) -> Floats:
        case = int(worlds.cases[w])
        if case not in self._navigators:
            body, goal = worlds.setting.body, worlds.robot_goal[w]
            self._navigators[case] = HolonomicNavigator(*self._settings, body, FASTEST, goal, case)
        plan = self._navigators[case].step(
            worlds.robot_position[w], worlds.robot_velocity[w], _people(worlds, seen, w)
        )
        return plan.velocity


@dataclass
class Driver:
    """One case's navigator that drives and turns, and how its robot stands and moves."""

    navigator: Navigator
    yaw: float
    velocity: Floats = field(default_factory=lambda: np.zeros(2))

    def drive(self, observation: Observation, step_s: float) -> Floats:
        """The velocity (2,) [m/s], frame map, of the chord that the base drives in the next step."""
        wanted = self.navigator.step(observation).command.as_array()
        self.velocity = np.asarray(limit_velocity(wanted, self.velocity, BASE, step_s))
        there = np.asarray(unicycle_step(observation.robot.pose, self.velocity, step_s))
        self.yaw = float(there[2])
        chord: Floats = (there[:2] - observation.robot.pose[:2]) / step_s
        return chord


class TurningRobot:
    """The same with the navigator that drives and turns."""

    def __init__(self, changes: Sequence[str] = ()) -> None:
        self._settings, _ = settings((*TURNING, *changes))
        self._drivers: dict[int, Driver] = {}

    def __call__(self, worlds: Worlds, seen: Bodies) -> Floats:
        """As :class:`HolonomicRobot`."""
        return np.stack([self._one(worlds, seen, w) for w in range(len(worlds.cases))])

    def _one(self, worlds: Worlds, seen: Bodies, w: int) -> Floats:
        position, goal, step = worlds.robot_position[w], worlds.robot_goal[w], worlds.setting.step
        driver = self._drivers.get(int(worlds.cases[w]))
        if driver is None:
            towards = goal - position
            yaw = float(np.arctan2(towards[1], towards[0]))
            made = Navigator(self._settings, worlds.setting.body, BASE, seed=int(worlds.cases[w]))
            made.set_goal(np.array([*goal, yaw]))
            driver = self._drivers[int(worlds.cases[w])] = Driver(made, yaw)
        pose = np.array([*position, float(wrap_angle(np.asarray(driver.yaw)))])
        robot = RobotState(worlds.time, pose, driver.velocity)
        return driver.drive(Observation(worlds.time, robot, _people(worlds, seen, w), np.zeros((0, 2))), step)


def _people(worlds: Worlds, seen: Bodies, w: int) -> Tracks:
    """The bodies that one robot takes there to be, with the radii it is told."""
    count = seen.radii.shape[1]
    return Tracks(
        worlds.time,
        "map",
        np.arange(count),
        seen.positions[w],
        seen.velocities[w],
        np.zeros((count, 4, 4)),
        np.ones(count),
        radii=seen.radii[w],
    )
