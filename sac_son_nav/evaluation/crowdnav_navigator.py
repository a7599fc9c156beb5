"""The navigator of this project as the robot of the CrowdNav test.

It gets what the published robots get, their bodies' radii included, and is as large and as fast as they are; but it
drives and turns where they may go in any direction at once. Its human model knows that people do not see the robot.

Letters as in :mod:`.crowdnav`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sac_son_nav.baselines.planners import changed_settings
from sac_son_nav.evaluation.crowdnav_world import Bodies, Worlds
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.kinematics import BaseLimits, limit_velocity, unicycle_step
from sac_son_nav.navigation.navigator import Navigator
from sac_son_nav.states import Floats, Observation, RobotState, Tracks

BASE = BaseLimits(1.0, -1.0, 4.0, 4.0, 4.0, 16.0)  # 1 m/s within a step, as theirs
SETTINGS = (
    "human_model.robot_weight=0.0",
    # Who stands is run into by people who do not see it: at the shipped prices it waited in the crowd for too long.
    "objective.weights.contact=20.0",
    "objective.sway=0.07",  # the bodies are known here
    "people_considered=20",
    "position_tolerance=0.05",  # the test itself says when it has arrived
    "planner.step=0.25",  # the test's own
    "planner.horizon=4.0",
    "planner.holds=[0.5, 1.0, 2.0, 4.0]",
)


@dataclass
class Driver:
    """One case's navigator, and how its robot stands and moves."""

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


class NavigatorRobot:
    """Steers the robots of many worlds, each by a navigator of its own. `changes`: settings, ``name=value``."""

    def __init__(self, changes: Sequence[str] = ()) -> None:
        self._settings = changed_settings((*SETTINGS, *changes))
        self._drivers: dict[int, Driver] = {}

    def __call__(self, worlds: Worlds, seen: Bodies) -> Floats:
        """The velocities (W, 2) for the bodies (W, M) that robots take there to be."""
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
        count = seen.radii.shape[1]
        tracks = Tracks(
            worlds.time,
            "map",
            np.arange(count),
            seen.positions[w],
            seen.velocities[w],
            np.zeros((count, 4, 4)),
            np.ones(count),
            radii=seen.radii[w],
        )
        robot = RobotState(worlds.time, pose, driver.velocity)
        return driver.drive(Observation(worlds.time, robot, tracks, np.zeros((0, 2))), step)
