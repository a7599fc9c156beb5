"""The embedded world: one robot among people, in steps of 50 ms, the same for the same seed to the last bit.

It knows nothing of ROS, of the navigator or of the wall clock. People answer the robot as it is at the moment; what
they draw by lot never depends on it, so the same world without the robot tells what the robot changed.
"""

from __future__ import annotations

import numpy as np

from sac_son_nav.config import RobotProfile
from sac_son_nav.crowds.social_force import RobotBody
from sac_son_nav.errors import ConfigError, MessageError
from sac_son_nav.geometry import compose
from sac_son_nav.kinematics import limit_velocity, unicycle_step
from sac_son_nav.simulation import sensors
from sac_son_nav.simulation.history import Contact, History, Recorder
from sac_son_nav.simulation.people import LEG_RADIUS, People
from sac_son_nav.simulation.scenarios import Scenario
from sac_son_nav.states import Command, Floats, RobotState, Scan, Tracks

_ODOMETRY, _SCAN, _LOCALISER = 1, 2, 3  # streams of the sensors, apart from those of the people
_RELEASE = 0.05  # [m] of gap after which the next touch counts as a new one


class Simulator:
    """One run of a scenario. `robot_present` False leaves everything as it is but the robot."""

    dt = 0.05  # [s]

    def __init__(
        self,
        scenario: Scenario,
        robot: RobotProfile,
        seed: int,
        robot_present: bool = True,
        noise: sensors.NoiseConfig | None = None,
    ) -> None:
        """Raises ConfigError when the seed is negative or the robot starts or ends nearer to a wall than its
        radius."""
        if seed < 0:
            raise ConfigError(f"seed: expected zero or more, got {seed}")
        for name, pose in (("start", scenario.robot_start), ("goal", scenario.robot_goal)):
            room = float(scenario.floor.distance_at(pose[:2]))
            if room < robot.radius - 1e-6:
                raise ConfigError(
                    f"scenario {scenario.name}: expected {robot.radius:g} m of room for the robot at its {name} "
                    f"({pose[0]:g}, {pose[1]:g}), got {max(room, 0.0):.2f} m from a wall"
                )
        self.scenario, self.profile, self.seed, self.robot_present = scenario, robot, seed, robot_present
        self.steps = 0
        self.pose: Floats = scenario.robot_start
        self.velocity: Floats = np.zeros(2)
        self.contacts: list[Contact] = []
        self.crowd = People(scenario, seed)
        self._noise = noise or sensors.NoiseConfig()
        self._odometry = sensors.Odometry(self._noise, self._stream(_ODOMETRY))
        self._walls: sensors.RayCaster | None = None
        self._wanted: Floats = np.zeros(2)
        self._command_age = 0
        self._touching: set[str] = set()
        self._reached = False
        self._recorder = Recorder(len(self.crowd))
        self._record()

    # -- time goes on -------------------------------------------------------------------------------------------

    def step(self, command: Command | None = None) -> None:
        """The next 50 ms. `command` None: no new one came; the base keeps to the last until it is
        `command_timeout` old, then brakes to a stop. Raises MessageError for a command that is no number."""
        if command is not None:
            wanted = command.as_array()
            if not np.all(np.isfinite(wanted)):
                raise MessageError(f"command: expected finite speeds, got {command.linear} and {command.angular}")
            self._wanted, self._command_age = wanted, 0
        fresh = self._command_age * self.dt < self.profile.command_timeout - 1e-9
        self._command_age += 1
        if self.robot_present:
            pose, velocity = self._drive(self._wanted if fresh else np.zeros(2))
            self.follow(pose, velocity)
        else:
            self._advance(None)

    def follow(self, pose: Floats, velocity: Floats) -> None:
        """The next 50 ms, with the robot at pose (3,) and velocity (2,) at their end, as somebody recorded it."""
        self.pose, self.velocity = np.array(pose, dtype=np.float64), np.array(velocity, dtype=np.float64)
        self._odometry.step(self.velocity, self.dt)
        self._reached |= bool(np.linalg.norm(self.pose[:2] - self.scenario.robot_goal[:2]) < self._tolerance)
        heading = np.array([np.cos(self.pose[2]), np.sin(self.pose[2])])
        self._advance(RobotBody(self.pose[:2], self.velocity[0] * heading, self.profile.radius))

    def _advance(self, robot: RobotBody | None) -> None:
        self.crowd.step(self.dt, robot)
        self.steps += 1
        if robot is not None:
            for i in self.crowd.make_way(robot.position, robot.radius):
                self._touch(f"person {i}", float(self.velocity[0]))
            self._let_go()
        self._record()

    def _drive(self, wanted: Floats) -> tuple[Floats, Floats]:
        """Where the base gets in one step, pose (3,) and velocity (2,); it stops dead at walls and people."""
        velocity = np.asarray(limit_velocity(wanted, self.velocity, self.profile.limits, self.dt))
        pose = np.asarray(unicycle_step(self.pose, velocity, self.dt))
        blocked_by = self._in_the_way(pose[:2])
        if blocked_by:
            for what in blocked_by:
                self._touch(what, float(velocity[0]))
            velocity = np.array([0.0, velocity[1]])
            pose = np.asarray(unicycle_step(self.pose, velocity, self.dt))
        return pose, velocity

    def _in_the_way(self, place: Floats) -> list[str]:
        """What the base would run into by moving to place (2,) [m]; getting away from a thing is no running into
        it."""
        here, found = self.pose[:2], []
        room = self._room(place)
        if room < self.profile.radius and room < self._room(here):
            found.append("wall")
        if len(self.crowd):
            now = np.linalg.norm(self.crowd.positions - here, axis=-1)
            then = np.linalg.norm(self.crowd.positions - place, axis=-1)
            hit = (then < self.profile.radius + self.crowd.radii) & (then < now)
            found += [f"person {i}" for i in np.flatnonzero(hit)]
        return found

    def _room(self, place: Floats) -> float:
        """Distance [m] from place (2,) to the nearest wall; the plan's edge is one."""
        x0, x1, y0, y1 = self.scenario.floor.extent
        to_edge = min(place[0] - x0, x1 - place[0], place[1] - y0, y1 - place[1])
        return min(float(self.scenario.floor.distance_at(place)), float(to_edge))

    def _touch(self, what: str, speed: float) -> None:
        if what not in self._touching:
            self._touching.add(what)
            self.contacts.append(Contact(self.time_s, what, (float(self.pose[0]), float(self.pose[1])), speed))

    def _let_go(self) -> None:
        """Forget touches that ended."""
        for what in tuple(self._touching):
            if what == "wall":
                gap = self._room(self.pose[:2]) - self.profile.radius
            else:
                i = int(what.split()[1])
                apart = float(np.linalg.norm(self.crowd.positions[i] - self.pose[:2]))
                gap = apart - self.profile.radius - float(self.crowd.radii[i])
            if gap > _RELEASE:
                self._touching.discard(what)

    def _record(self) -> None:
        nowhere = np.full(3, np.nan)
        pose, velocity = (self.pose, self.velocity) if self.robot_present else (nowhere, nowhere[:2])
        self._recorder.add(self.time_s, pose, velocity, self.crowd.positions, self.crowd.velocities)

    # -- what can be seen of the world --------------------------------------------------------------------------

    @property
    def time_s(self) -> float:
        """Time since the start [s]."""
        return self.steps * self.dt

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
        return self._reached

    @property
    def abandoned_for(self) -> float:
        """How long [s] the base has been standing or braking by itself since a motion it was commanded ran out of
        date; 0 while commands come, or when the last one was to stand."""
        late = self._command_age * self.dt - self.profile.command_timeout
        return max(0.0, late) if np.any(self._wanted != 0.0) else 0.0

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
        return sensors.localise(self.pose, self._noise, self._stream(_LOCALISER, self.steps))

    def scan(self) -> Scan:
        """What the laser sees now; the same however often one asks."""
        laser = self.profile.laser
        if self._walls is None:
            self._walls = sensors.RayCaster(self.scenario.floor)
        if sensors.sees_legs(laser):
            centres = self.crowd.legs().reshape(-1, 2)
            radii = np.full(len(centres), LEG_RADIUS)
        else:
            centres, radii = self.crowd.positions, self.crowd.radii
        map_from_laser = np.asarray(compose(self.pose, np.array([laser.x, laser.y, laser.yaw])))
        random = self._stream(_SCAN, self.steps)
        return sensors.measure(self._walls, laser, map_from_laser, centres, radii, self.time_s, random)

    def people(self) -> Tracks:
        """Everybody as they truly are, frame map: zero covariance, full confidence."""
        count = len(self.crowd)
        return Tracks(
            self.time_s,
            "map",
            np.arange(count, dtype=np.int64),
            self.crowd.positions.copy(),
            self.crowd.velocities.copy(),
            np.zeros((count, 4, 4)),
            np.ones(count),
        )

    @property
    def _tolerance(self) -> float:
        return self.scenario.robot.tolerance

    def _stream(self, kind: int, moment: int = 0) -> np.random.Generator:
        """A sensor's randomness: people's streams have two words, (seed, person), these have four."""
        return np.random.default_rng([self.seed, 0, kind, moment])
