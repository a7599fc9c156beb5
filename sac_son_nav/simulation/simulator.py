"""One run in the embedded world as a robot lives it: commands in, sensors out, the same for the same seed to the bit.

The world is :class:`.world.World` with a single seed; here are its laser, odometry, localiser and time limit, and
what happened is written down. It knows nothing of ROS, of the navigator or of the wall clock.
"""

from __future__ import annotations

import numpy as np

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import MessageError
from sac_son_nav.simulation import sensors
from sac_son_nav.simulation.crowd import Crowd
from sac_son_nav.simulation.history import Contact, History, Recorder
from sac_son_nav.simulation.laser import Laser
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenario import Scenario
from sac_son_nav.simulation.world import DT, World
from sac_son_nav.states import Command, Floats, RobotState, Scan, Tracks

ODOMETRY, LOCALISER = 1, 3  # streams of the sensors, apart from those of the people


class Simulator:
    """One run of a scenario. `robot_present` False leaves everything as it is but the robot."""

    dt = DT  # [s]

    def __init__(
        self,
        scenario: Scenario,
        robot: RobotProfile,
        seed: int,
        robot_present: bool = True,
        noise: sensors.NoiseConfig | None = None,
        humans: str = "social_force",
    ) -> None:
        """`humans`: the law people walk by. Raises ConfigError when the seed is negative or the robot starts or ends
        nearer to a wall than its radius."""
        self.scenario, self.profile, self.seed, self.robot_present = scenario, robot, seed, robot_present
        self.world = World(scenario, robot, seed, robot_present, humans)
        self._noise = noise or sensors.NoiseConfig()
        self._odometry = sensors.Odometry(self._noise, stream(self.seed, ODOMETRY))
        self._laser: Laser | None = None
        self._moving_wanted = False
        self._recorder = Recorder()
        self._record()

    # -- time goes on -------------------------------------------------------------------------------------------

    def step(self, command: Command | None = None) -> None:
        """The next 50 ms. `command` None: no new one came; the base keeps to the last until it is
        `command_timeout` old, then brakes to a stop. Raises MessageError for a command that is no number."""
        wanted = None if command is None else command.as_array()
        if wanted is not None and not np.isfinite(wanted).all():
            raise MessageError(f"command: expected finite speeds, got {wanted[0]} and {wanted[1]}")
        self.world.step(wanted)
        if wanted is not None:
            self._moving_wanted = bool(np.any(wanted != 0.0))
        self._note()

    def follow(self, pose: Floats, velocity: Floats) -> None:
        """The next 50 ms, with the robot at pose (3,) and velocity (2,) at their end, as somebody recorded it."""
        self.world.follow(np.array(pose, dtype=np.float64), np.array(velocity, dtype=np.float64))
        self._note()

    def _note(self) -> None:
        if self.robot_present:
            self._odometry.step(self.world.velocities, self.dt)
        self._record()

    def _record(self) -> None:
        nowhere = np.full(3, np.nan)
        pose, velocity = (self.pose, self.velocity) if self.robot_present else (nowhere, nowhere[:2])
        self._recorder.add(self.time_s, pose, velocity, self.crowd.positions, self.crowd.velocities)

    # -- what can be seen of the world --------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """How many there have been."""
        return self.world.steps

    @property
    def time_s(self) -> float:
        """Time since the start [s]."""
        return self.world.time_s

    @property
    def crowd(self) -> Crowd:
        """The people, as they truly are."""
        return self.world.crowd

    @property
    def pose(self) -> Floats:
        """Of the robot, (3,) [m, m, rad], frame map."""
        return np.asarray(self.world.poses)

    @property
    def velocity(self) -> Floats:
        """Of the robot, (2,) [m/s, rad/s]."""
        return np.asarray(self.world.velocities)

    @property
    def contacts(self) -> list[Contact]:
        """What the robot has touched."""
        return self.world.contacts[0]

    @property
    def robot(self) -> RobotState:
        """The robot as it truly is, frame map."""
        return RobotState(self.time_s, self.pose.copy(), self.velocity.copy(), "map")

    @property
    def odometry(self) -> RobotState:
        """The robot as its wheels tell, in a frame that starts where the robot did and drifts."""
        return RobotState(self.time_s, self._odometry.pose.copy(), self._odometry.velocity.copy(), "odom")

    @property
    def reached_goal(self) -> bool:
        """Whether the robot has been within the errand's tolerance of its goal."""
        return bool(self.world.reached)

    @property
    def abandoned_for(self) -> float:
        """How long [s] the base has been standing or braking by itself since a motion it was commanded ran out of
        date; 0 while commands come, or when the last one was to stand."""
        return self.world.abandoned_for if self._moving_wanted else 0.0

    @property
    def timed_out(self) -> bool:
        """Whether the scenario's time limit is over."""
        return self.time_s >= self.scenario.time_limit - 1e-9

    @property
    def history(self) -> History:
        """Everything so far."""
        return self._recorder.history()

    def localisation(self) -> Floats:
        """Pose (3,) [m, m, rad] in map, as a localiser would report it now; the same however often one asks."""
        return sensors.localise(self.pose, self._noise, stream(self.seed, LOCALISER, self.steps))

    def scan(self) -> Scan:
        """What the laser sees now; the same however often one asks."""
        if self._laser is None:
            self._laser = Laser(self.profile.laser, RayCaster(self.scenario.floor))
        return self._laser.as_scan(np.asarray(self._laser.scan(self.world)), self.time_s)

    def people(self) -> Tracks:
        """Everybody who is there as they truly are, frame map: zero covariance, full confidence."""
        places = np.asarray(self.crowd.positions)
        there = np.flatnonzero(np.isfinite(places).all(axis=-1))
        return Tracks(
            self.time_s,
            "map",
            there.astype(np.int64),
            places[there],
            np.asarray(self.crowd.velocities)[there],
            np.zeros((len(there), 4, 4)),
            np.ones(len(there)),
        )


def stream(seed: int, kind: int, moment: int = 0) -> np.random.Generator:
    """A sensor's randomness at one step: people's streams have two words, (seed, person), these have four."""
    return np.random.default_rng([seed, 0, kind, moment])
