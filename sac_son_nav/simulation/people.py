"""People of the embedded world: where they go, how they walk, and where their legs are.

They follow their errands by one of the laws of walking. Person i's luck is a function of the seed, of i and of the
step (:mod:`.luck`), so nobody's luck depends on the robot, on anybody else or on what else is computed.

Shapes: any leading batch dimensions (none for one world, or W worlds), N people, E stops of the longest errand. NumPy
or torch, whichever is asked for; gradients flow from the robot to the people. Frame map, SI units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from sac_son_nav.arrays import Array, clip, namespace, norm, put
from sac_son_nav.arrays import device as device_of
from sac_son_nav.crowds.bodies import RobotBody
from sac_son_nav.geometry import rotate
from sac_son_nav.simulation import luck
from sac_son_nav.simulation.casting import cast_people
from sac_son_nav.simulation.company import Company
from sac_son_nav.simulation.laws import LAWS, Law
from sac_son_nav.simulation.scenario import Person, Scenario
from sac_son_nav.states import Floats

LEG_RADIUS = 0.065  # [m]
NUMPY: Floats = np.zeros(0)  # what people are computed with unless told otherwise


@dataclass(frozen=True)
class PeopleConfig:
    """How people walk beyond the law."""

    unsteadiness: float = 0.06  # [m/s^1.5]: a walker's velocity strays by 0.5 * this, about 0.03 m/s
    veer: float = 0.03  # [rad] to the right of the straight way, on average; breaks the tie of meeting head-on
    veer_spread: float = 0.02  # [rad] its standard deviation between people
    arrival: float = 0.3  # [m] from a stop at which it counts as reached
    slowing_time: float = 0.6  # [s]: nearing a place to stay, people walk at the distance left divided by this
    stance: float = 0.15  # [m/s]: somebody who stands ignores what would push them along more slowly than this
    leg_spacing: float = 0.2  # [m] between the two legs' axes
    walk_ratio: float = 0.39  # [m s]: step length / step frequency, about the same at every speed (Sekiya 1996)
    still: float = 0.1  # [m/s] below which people shift their feet rather than walk
    interest_range: float = 4.0  # [m] in which a robot draws the curious
    interest_distance: float = 1.2  # [m] from it at which they stand and look
    interest_time: float = 6.0  # [s] for which they do so, then go on


# What belongs to a world, and is copied when a world is: the first axis is that of the worlds.
_STATE = (
    *("positions", "velocities", "radii", "speeds", "robot_weights", "strides", "phases", "headings", "keys"),
    *("_turn", "_curiosity", "_stops", "_waits", "_ways", "_lengths", "_repeat", "_stop", "_there", "_stood"),
    *("_target", "_wait", "_way", "_stays", "_looked"),
)


class People:
    """Everybody. `positions`, `velocities` (..., N, 2); `radii`, `robot_weights`, `headings`, `phases` (..., N), the
    last two [rad] of body and gait. One seed: no batch dimension; several: one world of each."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int | Sequence[int],
        config: PeopleConfig | None = None,
        law: Law = LAWS["social_force"],
        like: Array = NUMPY,
        gait: bool = True,
    ) -> None:
        """`like`: an array of the library, type and device to compute with. `gait` False leaves the legs out, which
        only a laser at their height sees."""
        self.config, self.law, self._gait = config or PeopleConfig(), law, gait
        self._floor = scenario.floor if scenario.floor.occupied.any() else None
        self._walking = scenario.walking
        seeds = [seed] if isinstance(seed, int | np.integer) else list(seed)
        self._like, self.steps = like, 0
        cast = {s: _cast(scenario, s) for s in dict.fromkeys(seeds)}  # a world and its twin are the same people
        worlds = [cast[s] for s in seeds]
        self._count = len(worlds[0])
        batch = () if isinstance(seed, int | np.integer) else (len(seeds),)
        self._set_up(worlds, (*batch, self._count))

    def _set_up(self, worlds: list[list[_Cast]], shape: tuple[int, ...]) -> None:
        everybody = [person for world in worlds for person in world]

        def of(value: Callable[[_Cast], Any], *more: int) -> Array:
            return self._real(np.array([value(c) for c in everybody], dtype=np.float64).reshape(*shape, *more))

        self.positions = of(lambda c: c.person.start, 2)
        self.velocities = self._real(np.zeros((*shape, 2)))
        self.radii, self.speeds = of(lambda c: c.person.radius), of(lambda c: c.person.speed)
        self.robot_weights, self.strides = of(lambda c: c.person.robot_weight), of(lambda c: c.person.stride)
        self._curiosity = of(lambda c: c.person.curiosity)
        self._curious = any(c.person.curiosity > 0.0 for c in everybody)
        self.company = Company.of([[c.person.company for c in world] for world in worlds], shape, self._real)
        veer = of(lambda c: -(self.config.veer + self.config.veer_spread * c.traits[0]))
        xp = namespace(veer)
        self._turn = xp.stack([xp.cos(veer), xp.sin(veer)], axis=-1)
        self.phases = of(lambda c: np.pi * c.traits[1])
        self.keys = self._whole(np.array([c.key for c in everybody], dtype=np.int64).reshape(shape))
        self.headings = of(lambda c: _first_heading(c, self.config.arrival))

        longest = max((len(c.person.stops) for c in everybody), default=0)
        stops, waits = np.zeros((len(everybody), longest, 2)), np.zeros((len(everybody), longest))
        for i, c in enumerate(everybody):
            stops[i, : len(c.person.stops)], waits[i, : len(c.person.stops)] = c.person.stops, c.person.waits
        ways, self._guide = np.zeros((len(everybody), longest), dtype=np.int64), self._real(np.zeros((0, 3)))
        if not self._walking.plain and longest:
            ways = self._walking.landmarks(stops.reshape(-1, 2)).reshape(ways.shape) * self._walking.open.size
            self._guide = self._real(self._walking.guide.reshape(-1, 3))
        self._stops, self._waits = self._real(stops.reshape(*shape, longest, 2)), of_shape(self._real(waits), shape)
        self._ways = of_shape(self._whole(ways), shape)
        self._lengths = self._whole(np.array([len(c.person.stops) for c in everybody]).reshape(shape))
        repeat = np.array([c.person.repeat for c in everybody], dtype=bool).reshape(shape)
        self._repeat = xp.asarray(repeat, device=device_of(self._like))
        self._stop = self._whole(np.zeros(shape))  # which stop they are bound for or stand at
        self._there = xp.zeros_like(self._repeat)  # whether they have come to it
        self._stood, self._looked = (xp.zeros_like(self.radii) for _ in range(2))  # [s] since then; at the robot
        self._bind()

    def __len__(self) -> int:
        return self._count

    def take(self, worlds: Sequence[int]) -> People:
        """A crowd whose world number k is a copy of `worlds[k]`, with which time goes on from now."""
        other, xp = copy(self), namespace(self.positions)
        index = self._whole(np.asarray(worlds))
        for name in _STATE:
            setattr(other, name, xp.take(getattr(self, name), index, axis=0))
        other.company = self.company.take(index) if self.company else None
        return other

    def put(self, worlds: Sequence[int], other: People) -> None:
        """World number `worlds[k]` becomes a copy of number k of `other`, people of the same scenario."""
        index, longest = self._whole(np.asarray(worlds)), max(self._stops.shape[-2], other._stops.shape[-2])
        mine, theirs = self._longer(longest), other._longer(longest)
        theirs["keys"] = luck.moved(other.keys, other.steps - self.steps)  # luck goes by the crowd's count of steps
        for name in _STATE:
            setattr(self, name, put(mine[name], theirs[name], index))
        if self.company and other.company:
            self.company = self.company.put(index, other.company)
        self._curious = self._curious or other._curious
        if len(self._guide) < len(other._guide):
            self._guide = other._guide

    def _longer(self, longest: int) -> dict[str, Array]:
        """The state by name, with room for `longest` stops in each errand."""
        xp, state = namespace(self.positions), {name: getattr(self, name) for name in _STATE}
        for name, axis in (("_stops", -2), ("_waits", -1), ("_ways", -1)):
            shape = list(state[name].shape)
            shape[axis] = longest - shape[axis]
            if shape[axis]:
                more = xp.zeros(tuple(shape), dtype=state[name].dtype, device=device_of(self._like))
                state[name] = xp.concat([state[name], more], axis=axis)
        return state

    def step(self, dt: float, robot: RobotBody | None = None) -> None:
        """Everybody walks on for dt [s]. `robot`: position and velocity (..., 2) and a weight (...) for each world, 0
        where it is not there; None: it is nowhere."""
        if self._count == 0:
            return
        xp = namespace(self.positions)
        self._mind_errands(dt)
        desired = self._desired_velocity()
        if robot is not None:
            there = xp.asarray(robot.weight, dtype=self.radii.dtype, device=device_of(self._like))
            weights = self.robot_weights * (there[..., None] if there.ndim else there)
            robot = RobotBody(robot.position, robot.velocity, robot.radius, weights)
            if self._curious:
                desired = self._drawn(desired, robot, dt)
        calm = clip(norm(desired) / self.speeds, 0.15, 1.0) * (self.config.unsteadiness / dt**0.5)
        first, second = luck.normals(self.keys, self.steps, self.radii.dtype)
        push = xp.stack([calm * first, calm * second], axis=-1)
        if self.company:
            push = push + self.company.cohesion(self.positions, self.velocities, desired)
        before, pace = self.positions, self.velocities
        self.positions, self.velocities = self.law.step(
            before, pace, desired, self.radii, dt, self.law.config, self._floor, robot, push
        )
        self._keep_stance(before, pace, desired, dt)
        self._stay_off_walls(before)
        if self._gait:
            self._swing_legs(dt)
        self.steps += 1

    def make_way(self, position: Array, radius: float, present: Array | bool = True) -> Array:
        """Whoever overlaps a hard body at position (..., 2) [m] is set beside it and stops walking into it; who it
        was, (..., N). `present` (...): where there is such a body at all."""
        xp = namespace(self.positions)
        offset = self.positions - position[..., None, :]
        distance = norm(offset)
        reach = self.radii + radius
        touching = distance < reach
        if present is not True:
            touching = touching & present[..., None]  # type: ignore[index]
        if bool(xp.any(touching)):
            outward = offset / distance[..., None]
            set_beside = position[..., None, :] + reach[..., None] * outward
            inward = clip(xp.sum(self.velocities * outward, axis=-1), None, 0.0)
            self.positions = xp.where(touching[..., None], set_beside, self.positions)
            self.velocities = xp.where(
                touching[..., None], self.velocities - inward[..., None] * outward, self.velocities
            )
        return touching

    def legs(self) -> Array:
        """Where the shins are, (..., N, 2, 2) [m]: left and right of each person, swinging along the heading in
        opposite phase; side by side for somebody who stands. Their radius is LEG_RADIUS."""
        steps = self._step_length(_length(self.velocities))
        return shins(self.positions, self.headings, self.phases, steps, self.config)

    # -- the parts of a step ------------------------------------------------------------------------------------

    def _bind(self) -> None:
        """Keep at hand what concerns the stop that each is bound for."""
        if self._stops.shape[-2] == 0:
            self._target, self._wait, self._way, self._stays = self.positions, self._stood, self._stop, self._there
            return
        xp = namespace(self.positions)
        row = xp.arange(int(np.prod(self._stop.shape)), device=device_of(self._like)) * self._stops.shape[-2]
        index = row + xp.reshape(self._stop, (-1,))

        def chosen(values: Array, *more: int) -> Array:
            return xp.reshape(xp.take(xp.reshape(values, (-1, *more)), index, axis=0), (*self._stop.shape, *more))

        self._target, self._wait, self._way = chosen(self._stops, 2), chosen(self._waits), chosen(self._ways)
        last = (self._stop + 1 == self._lengths) & ~self._repeat
        self._stays = last | (self._wait > 0.0)

    def _mind_errands(self, dt: float) -> None:
        """Who has come to their stop stays for its wait, then goes on to the next, if there is one."""
        xp = namespace(self.positions)
        near = norm(self._target - self.positions) < self.config.arrival
        self._there = self._there | (near & (self._lengths > 0))
        self._stood = xp.where(self._there, self._stood + dt, 0.0)
        waited = self._there & (self._stood > self._wait)
        leaving = waited & (self._repeat | (self._stop + 1 < self._lengths))
        if bool(xp.any(leaving)):
            following = xp.where(self._stop + 1 == self._lengths, xp.zeros_like(self._stop), self._stop + 1)
            self._stop = xp.where(leaving, following, self._stop)
            self._there = self._there & ~leaving
            self._bind()

    def _desired_velocity(self) -> Array:
        """(..., N, 2) [m/s]: straight at a stop in sight, else along the way to it, slower where they mean to stay."""
        xp = namespace(self.positions)
        offset = self._target - self.positions
        distance = norm(offset)
        x, y = offset[..., 0] / distance, offset[..., 1] / distance
        if not self._walking.plain and self._stops.shape[-2]:
            guide = xp.take(self._guide, self._cells() + xp.reshape(self._way, (-1,)), axis=0)
            along_x, along_y, in_sight = (xp.reshape(guide[:, k], distance.shape) for k in range(3))
            straight = (in_sight > 0.5) | (distance < 2.0 * self.config.arrival)
            x, y = xp.where(straight, x, along_x), xp.where(straight, y, along_y)
        c, s, far = self._turn[..., 0], self._turn[..., 1], distance > 1.0
        x, y = xp.where(far, c * x - s * y, x), xp.where(far, s * x + c * y, y)
        # Who stands within reach of the stop doesn't shuffle to the exact point; who has none stands.
        standing = (self._there & (distance < self.config.arrival)) | (self._lengths == 0)
        slowed = xp.where(standing, 0.0, xp.minimum(self.speeds, distance / self.config.slowing_time))
        pace = xp.where(self._stays | standing, slowed, self.speeds)
        return xp.stack([pace * x, pace * y], axis=-1)

    def _cells(self) -> Array:
        """The number of the coarse cell under each person, (all of them,)."""
        xp = namespace(self.positions)
        rows, columns = self._walking.open.shape
        x, y = self._floor_origin
        column = clip(xp.floor((self.positions[..., 0] - x) / self._walking.size), 0, columns - 1)
        row = clip(xp.floor((self.positions[..., 1] - y) / self._walking.size), 0, rows - 1)
        # Whole numbers first: single precision can't count the cells of a large plan.
        return xp.reshape(xp.astype(row, xp.int64) * columns + xp.astype(column, xp.int64), (-1,))

    @property
    def _floor_origin(self) -> tuple[float, float]:
        return self._walking.floor.origin

    def _drawn(self, desired: Array, robot: RobotBody, dt: float) -> Array:
        """What the curious want instead, (..., N, 2) [m/s]: to the robot, and to stand before it for a while."""
        xp = namespace(desired)
        offset = robot.position[..., None, :] - self.positions
        distance = norm(offset)
        looking = (distance < self.config.interest_range) & (robot.weight > 0.0)
        looking = looking & (self._looked < self.config.interest_time) & (self._curiosity > 0.0)
        self._looked = xp.where(looking, self._looked + dt, self._looked)
        pace = clip((distance - self.config.interest_distance) / self.config.slowing_time, 0.0, None)
        there = (xp.minimum(pace, self.speeds) / distance)[..., None] * offset
        share = xp.where(looking, self._curiosity, 0.0)[..., None]
        return desired + share * (there - desired)

    def _keep_stance(self, before: Array, pace: Array, desired: Array, dt: float) -> None:
        """Who means to stand stands, unless pushed hard: what is left of the acceleration without the part that
        brakes them would, if it lasted, give a speed above the stance."""
        if self.law.relaxation_time is None:
            return
        xp = namespace(before)
        push = (self.velocities - pace) * (self.law.relaxation_time / dt) + pace
        stands = (desired[..., 0] == 0.0) & (desired[..., 1] == 0.0)
        stands = stands & (_length(push) < self.config.stance) & (_length(pace) < 2.0 * self.config.stance)
        self.positions = xp.where(stands[..., None], before, self.positions)
        self.velocities = xp.where(stands[..., None], 0.0, self.velocities)

    def _stay_off_walls(self, before: Array) -> None:
        """Walls are hard: who was pushed half a body into one stays where they were."""
        if self._floor is None:
            return
        xp, half = namespace(before), 0.5 * self.radii
        inside = self._floor.distance_at(self.positions) < half
        if bool(xp.any(inside)):
            inside = inside & (self._floor.distance_at(before) >= half)
            self.positions = xp.where(inside[..., None], before, self.positions)
            self.velocities = xp.where(inside[..., None], 0.0, self.velocities)

    def _step_length(self, speed: Array) -> Array:
        """(..., N) [m] of each one's steps at a speed (..., N) [m/s]."""
        return self.strides * step_length(speed, self.config)

    def _swing_legs(self, dt: float) -> None:
        """Two steps are one turn of the phase; the body turns towards where it walks."""
        xp = namespace(self.velocities)
        speed = _length(self.velocities)
        length = clip(self._step_length(speed), 0.2, None)
        phases = self.phases + np.pi * dt * speed / length
        self.phases = xp.where(phases >= 2.0 * np.pi, phases - 2.0 * np.pi, phases)
        wanted = xp.atan2(self.velocities[..., 1], self.velocities[..., 0]) - self.headings
        turn = wanted - 2.0 * np.pi * xp.round(wanted / (2.0 * np.pi))
        walking = speed > 2.0 * self.config.still
        self.headings = xp.where(walking, self.headings + clip(turn, -6.0 * dt, 6.0 * dt), self.headings)

    def _real(self, values: Floats) -> Array:
        like = self._like
        return namespace(like).asarray(values, dtype=like.dtype, device=device_of(like))

    def _whole(self, values: Any) -> Array:
        xp = namespace(self._like)
        return xp.asarray(np.asarray(values, dtype=np.int64), dtype=xp.int64, device=device_of(self._like))


def step_length(speed: Array, config: PeopleConfig) -> Array:
    """A usual step (...) [m] at a speed (...) [m/s]: length / frequency = walk ratio, length * frequency = speed."""
    return namespace(speed).sqrt(config.walk_ratio * clip(speed - config.still, 0.0, None))


def shins(positions: Array, headings: Array, phases: Array, steps: Array, config: PeopleConfig) -> Array:
    """Where both shins are, (..., N, 2, 2) [m], of people at positions (..., 2) [m], with headings and phases of the
    gait (..., N) [rad] and steps (..., N) [m]."""
    xp = namespace(positions)
    # Feet are a step apart at most; a shin swings by four fifths of what its foot does.
    swing = 0.4 * steps * xp.sin(phases)
    spacing = xp.full_like(swing, 0.5 * config.leg_spacing)
    left, right = xp.stack([swing, spacing], axis=-1), xp.stack([-swing, -spacing], axis=-1)
    return positions[..., None, :] + rotate(xp.stack([left, right], axis=-2), headings[..., None])


@dataclass(frozen=True)
class _Cast:
    """A person with what only the dice know: traits (3,) standard normal, and where their luck starts."""

    person: Person
    traits: Floats
    key: int


def _cast(scenario: Scenario, seed: int) -> list[_Cast]:
    streams = [np.random.default_rng([seed, i]) for i in range(sum(group.count for group in scenario.people))]
    people = cast_people(scenario, streams)
    return [
        _Cast(person, random.normal(size=3), luck.key(random)) for person, random in zip(people, streams, strict=True)
    ]


def _first_heading(cast: _Cast, arrival: float) -> float:
    """How somebody stands at the start [rad]: as the scenario says, else towards the first stop, else anyhow."""
    person = cast.person
    if person.facing is not None:
        return person.facing
    if len(person.stops):
        ahead = person.stops[0] - person.start
        if np.hypot(*ahead) > arrival:
            return float(np.arctan2(ahead[1], ahead[0]))
    return float(np.pi * cast.traits[2])


def _length(vectors: Array) -> Array:
    """Of the vectors (..., 2): exactly 0 for no vector at all."""
    xp = namespace(vectors)
    x, y = vectors[..., 0], vectors[..., 1]
    return xp.sqrt(x * x + y * y)


def of_shape(values: Array, shape: tuple[int, ...]) -> Array:
    """Values (all people, E) as (..., N, E)."""
    return namespace(values).reshape(values, (*shape, values.shape[-1]))
