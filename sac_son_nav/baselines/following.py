"""What every baseline has: a way to its goal, how to follow it, and when it is there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np

from sac_son_nav.errors import RouteError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.navigation.route import Route, RouteConfig, RoutePlanner
from sac_son_nav.states import STOP, Command, Floats, Observation

POSITION_TOLERANCE = 0.2  # [m] from the goal at which a robot has arrived, as the navigator's
STRAYED = 1.5  # [m] off the way at which a new one is made
LOOKAHEAD = 0.8  # [m] along the way that is steered to
TURN_GAIN = 2.0  # [1/s] of a heading error far to the side
PERSON_RADIUS = 0.25  # [m] of a body, whose size no track tells


class Follower(ABC):
    """A planner that follows the shortest way to its goal; what it minds besides is for others to say.

    A subclass answers `_velocity`: what to do, given an observation and the way, as a command and a status. It drives
    forward alone unless `reverse`, whatever the base can do.
    """

    def __init__(self, radius: float, limits: BaseLimits, reverse: bool = False) -> None:
        self.radius, self.limits = radius, limits if reverse else limits.forward_only()
        self.floor: OccupancyMap | None = None
        self.goal: Floats | None = None
        self.route: Route | None = None
        self._routes: RoutePlanner | None = None

    def set_map(self, floor: OccupancyMap | None) -> None:
        """The floor plan; None: straight on, wherever."""
        self.floor = floor
        self._routes = None if floor is None else routes_over(floor, self.radius)
        self.route = None

    def set_goal(self, pose: Floats | None) -> None:
        """Go to pose (3,) [m, m, rad], frame map; its yaw does not matter. None: stand."""
        self.goal, self.route = pose, None

    def step(self, observation: Observation) -> Plan:
        """What to do in the next control period; where no way leads on, it stands."""
        pose = observation.robot.pose
        if self.goal is None:
            return Plan(observation.stamp_s, STOP, "idle")
        if float(np.hypot(*(self.goal[:2] - pose[:2]))) < POSITION_TOLERANCE:
            return Plan(observation.stamp_s, STOP, "arrived")
        try:
            route = self._way(pose)
        except RouteError as error:
            return Plan(observation.stamp_s, STOP, "blocked", str(error))
        command, status = self._velocity(observation, route)
        return Plan(observation.stamp_s, command, status)

    @abstractmethod
    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        """What to do, and how that is called."""

    def _way(self, pose: Floats) -> Route:
        """The way in force, or a new one where there is none or the robot strayed."""
        assert self.goal is not None
        if self.route is not None and float(self.route.project(pose[:2])[1]) > STRAYED:
            self.route = None
        if self.route is None:
            if self._routes is None:
                self.route = Route.along(np.stack([pose[:2], self.goal[:2]]), RouteConfig().spacing)
            else:
                self.route = self._routes.plan(pose[:2], self.goal[:2])
        return self.route


@lru_cache(maxsize=8)
def routes_over(floor: OccupancyMap, radius: float) -> RoutePlanner:
    """Ways over a floor plan for a robot of that radius [m]: the same for all robots of a batch."""
    return RoutePlanner(floor, radius)


def pursue(
    poses: Floats, route: Route, speeds: Floats, offsets: Floats, limits: BaseLimits, lookahead: float = LOOKAHEAD
) -> Floats:
    """Commands (K, 2) [m/s, rad/s] that bring robots at poses (K, 3) along a way at `speeds` (K,) [m/s]: to a point
    `lookahead` [m] further on it, aside by `offsets` (K,) [m, left positive] except near its end, on the arc through
    that point (Coulter, "Implementation of the pure pursuit path tracking algorithm", 1992); on the spot where it
    lies far to the side. Who waits turns to where it will go, and does not swing about."""
    place, _ = route.project(poses[:, :2])
    ahead = np.minimum(place + lookahead, route.length)
    point, along = route.at(ahead)
    aside = offsets * np.clip((route.length - ahead) / lookahead, 0.0, 1.0)
    point = point + aside[:, None] * np.stack([-along[:, 1], along[:, 0]], axis=-1)
    wrong, distance = heading_error(poses, point - poses[:, :2])
    forward = speeds * np.clip(np.cos(wrong), 0.0, 1.0)
    arc = 2.0 * forward * np.sin(wrong) / np.maximum(distance, 0.2)
    turn = np.where(np.abs(wrong) > 1.0, TURN_GAIN * wrong, arc)
    turn = np.where(speeds < 1e-6, np.where(np.abs(wrong) > 0.2, wrong, 0.0), turn)
    return np.stack([forward, np.clip(turn, -limits.wz_max, limits.wz_max)], axis=-1)


def heading_error(poses: Floats, vectors: Floats) -> tuple[Floats, Floats]:
    """How far (...) [rad] robots at poses (..., 3) have to turn to face along `vectors` (..., 2), and their length."""
    wrong = np.arctan2(vectors[..., 1], vectors[..., 0]) - poses[..., 2]
    return wrong - 2.0 * np.pi * np.round(wrong / (2.0 * np.pi)), np.hypot(vectors[..., 0], vectors[..., 1])


def track(pose: Floats, velocity: Floats, limits: BaseLimits) -> Command:
    """The command that brings a unicycle at pose (3,) nearest to moving at `velocity` (2,) [m/s], frame map."""
    wrong, speed = heading_error(pose, velocity)
    if speed < 0.02:
        return STOP
    turn = float(np.clip(1.5 * TURN_GAIN * wrong, -limits.wz_max, limits.wz_max))
    return Command(float(np.clip(speed * np.cos(wrong), limits.vx_min, limits.vx_max)), turn)


def ahead_on(route: Route, position: Floats, lookahead: float = LOOKAHEAD) -> Floats:
    """The unit direction (2,) from position (2,) to the point `lookahead` [m] further on the way."""
    place, _ = route.project(position)
    point, _ = route.at(np.minimum(np.asarray(place) + lookahead, route.length))
    offset = point - position
    return np.asarray(offset / max(float(np.hypot(offset[0], offset[1])), 1e-9))
