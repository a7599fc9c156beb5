"""The embedded world: robots among people in steps of 50 ms, one world or thousands at once.

Each world has a seed, one robot, and the people of the scenario; a robot may be absent from some of them, which makes
a world and its counterfactual twin two of one batch. What happens in a world depends on its seed and its robot alone,
to the last bit: not on what other worlds are computed with it, and what people draw by lot not on the robot either.

Shapes: batch dimensions (none for one seed, or W worlds), N people. NumPy or torch; frame map, SI units. It knows
nothing of ROS, of sensors, of planners or of the wall clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import Array, namespace, norm, put
from sac_son_nav.arrays import device as device_of
from sac_son_nav.config import RobotProfile
from sac_son_nav.crowds.bodies import RobotBody
from sac_son_nav.errors import ConfigError, MessageError
from sac_son_nav.kinematics import limit_velocity, unicycle_step
from sac_son_nav.simulation import luck
from sac_son_nav.simulation.crowd import Crowd
from sac_son_nav.simulation.history import Contact
from sac_son_nav.simulation.laws import Law, law_named
from sac_son_nav.simulation.people import NUMPY, People
from sac_son_nav.simulation.scenario import Scenario
from sac_son_nav.states import Floats

DT = 0.05  # [s]
RELEASE = 0.05  # [m] of gap after which the next touch counts as a new one


# What belongs to a world, and is copied when a world is: the first axis is that of the worlds.
_STATE = ("poses", "velocities", "keys", "present", "reached", "_wanted", "_on_wall", "_on_people")


class World:
    """One world (`seed` a number) or a batch of them (several seeds). `poses` (..., 3) and `velocities` (..., 2) of
    the robots, `present` (...), `reached` (...): whether a robot has been at its goal; `keys` (...) int64: where the
    luck of whatever else there is in a world begins (:mod:`.luck`)."""

    def __init__(
        self,
        scenario: Scenario,
        robot: RobotProfile,
        seed: int | Sequence[int],
        present: bool | Sequence[bool] | NDArray[np.bool_] = True,
        humans: str | Law = "social_force",
        like: Array = NUMPY,
        dt: float = DT,
        gait: bool = True,
    ) -> None:
        """`present`: of all robots or of each. `humans`: the law people walk by, or its name. `like`: an array of the
        library, type and device to compute with. `gait`: whether people have legs.

        Raises ConfigError when a seed is negative, or when the robot starts or ends nearer to a wall than its radius.
        """
        single = isinstance(seed, int | np.integer)
        seeds = np.asarray(seed, dtype=np.int64)
        if (seeds < 0).any():
            raise ConfigError(f"seed: expected zero or more, got {int(seeds.min())}")
        _check_room(scenario, robot)
        xp = namespace(like)
        self.scenario, self.profile, self.dt, self.steps = scenario, robot, dt, 0
        self.batch: tuple[int, ...] = () if single else (len(seeds),)

        def real(values: Floats) -> Array:
            return xp.asarray(np.array(values), dtype=like.dtype, device=device_of(like))

        self.poses = real(np.broadcast_to(scenario.robot_start, (*self.batch, 3)))
        self.velocities = real(np.zeros((*self.batch, 2)))
        self.keys = xp.asarray(luck.keys(np.atleast_1d(seeds)).reshape(self.batch), device=device_of(like))
        there = np.broadcast_to(np.asarray(present, dtype=bool), self.batch)
        self.present = xp.asarray(np.array(there), device=device_of(like))
        self._anywhere, self._everywhere = bool(there.any()), bool(there.all())
        self._goal, self._walled = real(scenario.robot_goal[:2]), bool(scenario.floor.occupied.any())
        self.crowd: Crowd = (
            scenario.recorded.crowd(self.batch, like)
            if scenario.recorded is not None
            else People(scenario, seed, law=law_named(humans), like=like, gait=gait)
        )
        self.reached = xp.zeros_like(self.present)
        self.contacts: list[list[Contact]] = [[] for _ in range(max(1, seeds.size))]
        self._begun = np.zeros(max(1, seeds.size), dtype=np.int64)  # the step with which each world began
        self._wanted, self._command_age = real(np.zeros((*self.batch, 2))), 0
        self._air: Array | None = None
        self._on_wall = xp.zeros_like(self.present)
        self._on_people = xp.zeros((*self.batch, len(self.crowd)), dtype=self.present.dtype, device=device_of(like))

    @property
    def time_s(self) -> float:
        """Time since the start [s]; worlds that were put in later are younger, see `ages_s`."""
        return self.steps * self.dt

    @property
    def ages_s(self) -> Floats:
        """Time [s] that each world has seen, (...)."""
        return np.asarray((self.steps - self._begun) * self.dt, dtype=np.float64).reshape(self.batch)

    def take(self, worlds: Sequence[int], present: bool | None = None) -> World:
        """A batch whose world number k is a copy of `worlds[k]` of this batch, with which time goes on from now:
        fewer of them, or several futures of one. `present`: whether the robots are there; None: as they were."""
        other, xp = copy(self), namespace(self.poses)
        numbers = np.asarray(worlds, dtype=np.int64)
        index = xp.asarray(numbers, device=device_of(self.poses))
        for name in _STATE:
            setattr(other, name, xp.take(getattr(self, name), index, axis=0))
        other.crowd, other.batch = self.crowd.take(list(numbers)), (len(numbers),)
        other._air = None if self._air is None else xp.take(self._air, index, axis=0)
        other.contacts, other._begun = [list(self.contacts[k]) for k in numbers], self._begun[numbers]
        if present is not None:
            other.present = xp.full_like(other.present, present)
        other._anywhere, other._everywhere = bool(xp.any(other.present)), bool(xp.all(other.present))
        return other

    def put(self, worlds: Sequence[int], other: World) -> None:
        """World number `worlds[k]` of this batch becomes a copy of number k of `other`, with which time goes on from
        now; the rest do not notice. Commands count as given when the last were given here.

        Raises ConfigError for worlds of another scenario, and for those of recorded people, who have one clock.
        """
        if other.scenario is not self.scenario or other.profile != self.profile or other.dt != self.dt:
            raise ConfigError(f"scenario {self.scenario.name}: expected worlds of the same scenario, robot and step")
        if not (isinstance(self.crowd, People) and isinstance(other.crowd, People)):
            raise ConfigError(f"scenario {self.scenario.name}: recorded people of one batch share a clock")
        xp, numbers = namespace(self.poses), np.asarray(worlds, dtype=np.int64)
        index = xp.asarray(numbers, device=device_of(self.poses))
        for name in _STATE:
            setattr(self, name, put(getattr(self, name), getattr(other, name), index))
        self.keys = put(self.keys, luck.moved(other.keys, other.steps - self.steps), index)  # luck goes by our steps
        self.crowd.put(worlds, other.crowd)
        if self._air is not None or other._air is not None:
            mine, theirs = (xp.zeros_like(w._on_people) if w._air is None else w._air for w in (self, other))
            self._air = put(mine, theirs, index)
        for k, number in enumerate(numbers):
            self.contacts[number] = list(other.contacts[k])
        self._begun[numbers] = self.steps - (other.steps - other._begun)
        self._anywhere, self._everywhere = bool(xp.any(self.present)), bool(xp.all(self.present))

    # -- time goes on -------------------------------------------------------------------------------------------

    def step(self, commands: Array | None = None) -> None:
        """The next step. `commands` (..., 2) [m/s, rad/s] for all robots, or None: no new ones came; a base keeps to
        the last until it is `command_timeout` old, then brakes to a stop. Raises MessageError for a command that is
        no number."""
        xp = namespace(self.poses)
        if commands is not None:
            commands = xp.asarray(commands, dtype=self.poses.dtype, device=device_of(self.poses))
            if not bool(xp.all(xp.isfinite(commands))):
                raise MessageError("command: expected finite speeds, got NaN or infinity")
            self._wanted, self._command_age = commands, 0
        fresh = self._command_age * self.dt < self.profile.command_timeout - 1e-9
        self._command_age += 1
        if not self._anywhere:
            self._advance(None)
            return
        poses, velocities = self._drive(self._wanted if fresh else xp.zeros_like(self._wanted))
        if not self._everywhere:
            there = self.present[..., None]
            poses, velocities = xp.where(there, poses, self.poses), xp.where(there, velocities, 0.0)
        self.follow(poses, velocities)

    def follow(self, poses: Array, velocities: Array) -> None:
        """The next step, with the robots at poses (..., 3) and velocities (..., 2) at its end, as somebody else has
        worked them out."""
        xp, kind = namespace(self.poses), {"dtype": self.poses.dtype, "device": device_of(self.poses)}
        poses, velocities = xp.asarray(poses, **kind), xp.asarray(velocities, **kind)
        self.poses, self.velocities = poses, velocities
        if not self._anywhere:
            self._advance(None)
            return
        at_goal = norm(poses[..., :2] - self._goal) < self.scenario.robot.tolerance
        self.reached = self.reached | (at_goal & self.present)
        yaw = poses[..., 2]
        heading = xp.stack([xp.cos(yaw), xp.sin(yaw)], axis=-1)
        weight = 1.0 if self._everywhere else xp.astype(self.present, poses.dtype)
        self._advance(RobotBody(poses[..., :2], velocities[..., :1] * heading, self.profile.radius, weight))

    def air_to(self, people: Array) -> None:
        """From now on the robots are air to some of the `people` (..., N): who neither notices nor can touch them."""
        xp = namespace(self.poses)
        self.crowd.robot_weights = xp.where(people, 0.0, self.crowd.robot_weights)
        self._air = people

    @property
    def abandoned_for(self) -> float:
        """How long [s] bases have been left without a new command since the last ran out of date."""
        return max(0.0, self._command_age * self.dt - self.profile.command_timeout)

    def _advance(self, robot: RobotBody | None) -> None:
        self.crowd.step(self.dt, robot)
        self.steps += 1
        if robot is not None:
            xp, before = namespace(self.poses), (self.crowd.positions, self.crowd.velocities)
            touching = self.crowd.make_way(robot.position, robot.radius, True if self._everywhere else self.present)
            if self._air is not None:
                touching, there = touching & ~self._air, self._air[..., None]
                self.crowd.positions = xp.where(there, before[0], self.crowd.positions)
                self.crowd.velocities = xp.where(there, before[1], self.crowd.velocities)
            self._touch(touching, xp.zeros_like(self._on_wall))
            self._let_go()

    def _drive(self, wanted: Array) -> tuple[Array, Array]:
        """Where the bases get in one step, poses and velocities; they stop dead at walls and people."""
        xp = namespace(self.poses)
        velocities = limit_velocity(wanted, self.velocities, self.profile.limits, self.dt)
        poses = unicycle_step(self.poses, velocities, self.dt)
        people, wall = self._in_the_way(poses[..., :2])
        blocked = (xp.any(people, axis=-1) | wall) & self.present
        if bool(xp.any(blocked)):
            there = self.present
            self._touch(people & there[..., None], wall & there, velocities[..., 0])
            turning = xp.stack([xp.zeros_like(velocities[..., 1]), velocities[..., 1]], axis=-1)
            velocities = xp.where(blocked[..., None], turning, velocities)
            poses = xp.where(blocked[..., None], unicycle_step(self.poses, velocities, self.dt), poses)
        return poses, velocities

    def _in_the_way(self, places: Array) -> tuple[Array, Array]:
        """What the bases would run into by moving to `places` (..., 2) [m]: people (..., N) and walls (...); getting
        away from a thing is no running into it."""
        here = self.poses[..., :2]
        room = self._room(places)
        wall = room < self.profile.radius
        if bool(namespace(room).any(wall)):
            wall = wall & (room < self._room(here))
        then = norm(self.crowd.positions - places[..., None, :])
        hit = then < self.profile.radius + self.crowd.radii
        if bool(namespace(hit).any(hit)):
            hit = hit & (then < norm(self.crowd.positions - here[..., None, :]))
        return hit, wall

    def _room(self, places: Array) -> Array:
        """Distance (...) [m] from places (..., 2) to the nearest wall; the plan's edge is one."""
        xp = namespace(places)
        x0, x1, y0, y1 = self.scenario.floor.extent
        x, y = places[..., 0], places[..., 1]
        to_edge = xp.minimum(xp.minimum(x - x0, x1 - x), xp.minimum(y - y0, y1 - y))
        if not self._walled:
            return to_edge
        return xp.minimum(self.scenario.floor.distance_at(places), to_edge)

    # -- who touched what ---------------------------------------------------------------------------------------

    def _touch(self, people: Array, wall: Array, speeds: Array | None = None) -> None:
        """Note touches that are new, with the robots' `speeds` (...) at them, their present ones if None."""
        xp = namespace(self.poses)
        new_people, new_wall = people & ~self._on_people, wall & ~self._on_wall
        if not (bool(xp.any(new_people)) or bool(xp.any(new_wall))):
            return
        poses = np.reshape(_numbers(self.poses), (-1, 3))
        speed = np.reshape(_numbers(self.velocities[..., 0] if speeds is None else speeds), -1)
        walls, persons = (_numbers(m).reshape(len(poses), -1) for m in (new_wall, new_people))
        for w in np.flatnonzero(walls.any(axis=1) | persons.any(axis=1)):
            what = ["wall"] * bool(walls[w, 0]) + [f"person {i}" for i in np.flatnonzero(persons[w])]
            place = (float(poses[w, 0]), float(poses[w, 1]))
            time_s = float((self.steps - self._begun[w]) * self.dt)
            self.contacts[w] += [Contact(time_s, name, place, float(speed[w])) for name in what]
        self._on_people, self._on_wall = self._on_people | people, self._on_wall | wall

    def _let_go(self) -> None:
        """Forget touches that ended."""
        xp = namespace(self.poses)
        if bool(xp.any(self._on_wall)):
            self._on_wall = self._on_wall & (self._room(self.poses[..., :2]) - self.profile.radius <= RELEASE)
        if bool(xp.any(self._on_people)):
            apart = norm(self.crowd.positions - self.poses[..., None, :2])
            self._on_people = self._on_people & (apart - self.profile.radius - self.crowd.radii <= RELEASE)


def _check_room(scenario: Scenario, robot: RobotProfile) -> None:
    for name, pose in (("start", scenario.robot_start), ("goal", scenario.robot_goal)):
        room = float(scenario.floor.distance_at(pose[:2]))
        if room < robot.radius - 1e-6:
            raise ConfigError(
                f"scenario {scenario.name}: expected {robot.radius:g} m of room for the robot at its {name} "
                f"({pose[0]:g}, {pose[1]:g}), got {max(room, 0.0):.2f} m from a wall"
            )


def _numbers(values: Array) -> NDArray[np.generic]:
    """As a NumPy array, wherever the values are."""
    if isinstance(values, np.ndarray | np.generic):
        return np.asarray(values)
    return np.asarray(values.detach().cpu())
