"""Robots that walk as simulated people do: by the social force law, or by ORCA.

Both laws move discs that can go anywhere at once; :func:`.following.track` makes a wheeled base follow the velocity
that comes out as well as it can. For a base that can, the functions here hand out that velocity itself.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from sac_son_nav.baselines.following import PERSON_RADIUS, Follower, ahead_on, track
from sac_son_nav.crowds import orca, social_force
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Command, Floats, Observation

PERIOD = 0.1  # [s] between two commands


@dataclass(frozen=True)
class Bodies:
    """The robot first, then everybody: positions, velocities (N + 1, 2) and radii (N + 1,) [SI, frame map]."""

    positions: Floats
    velocities: Floats
    radii: Floats

    @staticmethod
    def of(observation: Observation, velocity: Floats, radius: float) -> Bodies:
        """Of an observation, the robot moving at velocity (2,) [m/s], frame map."""
        people = observation.tracks
        return Bodies(
            np.concatenate([observation.robot.pose[None, :2], people.positions]),
            np.concatenate([velocity[None], people.velocities]),
            np.concatenate([[radius], np.full(len(people), PERSON_RADIUS)]),
        )


def by_social_force(
    among: Bodies, wanted: Floats, config: social_force.SocialForceConfig, walls: OccupancyMap | None, dt: float
) -> Floats:
    """The velocity (2,) [m/s] after dt [s] of a robot that wants the velocity `wanted` (2,) and is pushed about by
    people and walls as a person would be, at most as fast as it wants."""
    me, others = slice(0, 1), slice(1, None)
    push = social_force.acceleration(
        among.positions[me], among.velocities[me], wanted[None], among.radii[me], config, walls
    )[0]
    if len(among.positions) > 1:
        push = push + social_force.interaction(
            among.positions[me],
            among.velocities[me],
            among.radii[me],
            among.positions[others],
            among.velocities[others],
            among.radii[others],
            config,
        ).sum(axis=0)
    velocity = among.velocities[0] + dt * push
    speed, most = float(np.hypot(*velocity)), float(np.hypot(*wanted))
    return np.asarray(velocity * min(1.0, most / max(speed, 1e-9)))


def by_orca(among: Bodies, wanted: Floats, config: orca.OrcaConfig, walls: OccupancyMap | None, dt: float) -> Floats:
    """The velocity (2,) [m/s] of a robot that wants `wanted` (2,), is never faster than that, and does its share of
    every evasion; nobody's wish but its own matters to it."""
    desired = among.velocities.copy()
    desired[0] = wanted
    _, velocities = orca.step(among.positions, among.velocities, desired, among.radii, dt, config, walls)
    return np.asarray(velocities[0])


class _AsAPerson(Follower):
    """Follows the velocity that a law of walking gives it."""

    def __init__(self, radius: float, limits: BaseLimits) -> None:
        super().__init__(radius, limits)
        self._velocity_wanted: Floats = np.zeros(2)

    def set_goal(self, pose: Floats | None) -> None:
        """As the follower's; the robot begins from rest."""
        super().set_goal(pose)
        self._velocity_wanted = np.zeros(2)

    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        pose = observation.robot.pose
        wanted = self.limits.vx_max * ahead_on(route, pose[:2])
        # The law goes on from what it last wanted: a base that has yet to turn would otherwise never get round.
        among = Bodies.of(observation, self._velocity_wanted, self.radius)
        self._velocity_wanted = self._law(among, wanted)
        return track(pose, self._velocity_wanted, self.limits), "driving"

    @abstractmethod
    def _law(self, among: Bodies, wanted: Floats) -> Floats:
        """The velocity (2,) [m/s] that the law makes of the one that is wanted, (2,)."""


class SocialForceRobot(_AsAPerson):
    """Moves by the social force law of Moussaïd et al. (2009)."""

    def __init__(
        self, radius: float, limits: BaseLimits, config: social_force.SocialForceConfig | None = None
    ) -> None:
        super().__init__(radius, limits)
        self.config = config or social_force.SocialForceConfig()

    def _law(self, among: Bodies, wanted: Floats) -> Floats:
        return by_social_force(among, wanted, self.config, self.floor, PERIOD)


@dataclass(frozen=True)
class OrcaRobotConfig:
    """ORCA for a robot."""

    law: orca.OrcaConfig = field(default_factory=lambda: orca.OrcaConfig(least_speed=0.05, speed_tolerance=1.0))
    tracking: float = 0.06  # [m] added to its radius: a base on wheels is that far from where the law would have it


class OrcaRobot(_AsAPerson):
    """Moves by ORCA of van den Berg et al. (2011)."""

    def __init__(self, radius: float, limits: BaseLimits, config: OrcaRobotConfig | None = None) -> None:
        super().__init__(radius, limits)
        self.config = config or OrcaRobotConfig()

    def _law(self, among: Bodies, wanted: Floats) -> Floats:
        radii = among.radii.copy()
        radii[0] += self.config.tracking
        among = Bodies(among.positions, among.velocities, radii)
        return by_orca(among, wanted, self.config.law, self.floor, PERIOD)
