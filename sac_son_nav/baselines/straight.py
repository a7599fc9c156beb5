"""The least a robot can do: the shortest way, and, for the second of the two, standing while somebody is in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.baselines.following import PERSON_RADIUS, Follower, pursue
from sac_son_nav.geometry import rotate
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import STOP, Command, Floats, Observation


class Straight(Follower):
    """Follows its way at full speed and knows nothing of people."""

    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        return self._along(observation, route), "driving"

    def _along(self, observation: Observation, route: Route) -> Command:
        speed = np.array([self.limits.vx_max])
        forward, turn = pursue(observation.robot.pose[None], route, speed, np.zeros(1), self.limits)[0]
        return Command(float(forward), float(turn))


@dataclass(frozen=True)
class StopAndWaitConfig:
    """What counts as in the way."""

    clear: float = 1.2  # [m] before the robot's front that must be free
    beside: float = 0.15  # [m] that must be free to each side of it
    foresight: float = 1.5  # [s] for which people are taken to go on as they do


class StopAndWait(Straight):
    """The same, but stands while anybody is in its way or about to be, like the safety field of an industrial
    vehicle."""

    def __init__(self, radius: float, limits: BaseLimits, config: StopAndWaitConfig | None = None) -> None:
        super().__init__(radius, limits)
        self.config = config or StopAndWaitConfig()

    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        command = self._along(observation, route)
        if command.linear > 0.0 and self._somebody_ahead(observation):
            return STOP, "yielding"
        return command, "driving"

    def _somebody_ahead(self, observation: Observation) -> bool:
        """Whether anybody is in the field before the robot, or will be in it within `foresight`."""
        pose, people = observation.robot.pose, observation.tracks
        if len(people) == 0:
            return False
        moments = np.linspace(0.0, self.config.foresight, 6)[:, None, None]
        places: Floats = people.positions + moments * people.velocities - pose[:2]
        in_base = np.asarray(rotate(places, np.asarray(-pose[2])))
        reach = self.radius + PERSON_RADIUS
        ahead = (in_base[..., 0] > 0.0) & (in_base[..., 0] < reach + self.config.clear)
        return bool(np.any(ahead & (np.abs(in_base[..., 1]) < reach + self.config.beside)))
