"""People of the embedded world: where they go, how they walk, and where their legs are.

They follow their errands by the social force law. Person i's luck comes from the stream of (seed, i) alone, the same
amount at every step, so that nobody's luck depends on the robot or on anybody else.

Shapes: N people, E stops of the longest errand. Frame map, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.crowds import social_force
from sac_son_nav.geometry import rotate
from sac_son_nav.simulation.scenarios import Scenario, cast_people
from sac_son_nav.states import Floats

LEG_RADIUS = 0.065  # [m]
# Bodies are hard here; a forecast in long steps has to make do with the softer ones of the law's defaults.
BODIES = social_force.SocialForceConfig(contact_stiffness=250.0)
_LUCK_BLOCK = 512  # steps whose luck is drawn at once


@dataclass(frozen=True)
class PeopleConfig:
    """How people walk beyond the social force law."""

    unsteadiness: float = 0.06  # [m/s^1.5]: a walker's velocity strays by 0.5 * this, about 0.03 m/s
    veer: float = 0.03  # [rad] to the right of the straight way, on average; breaks the tie of meeting head-on
    veer_spread: float = 0.02  # [rad] its standard deviation between people
    arrival: float = 0.3  # [m] from a stop at which it counts as reached
    slowing_time: float = 0.6  # [s]: nearing a place to stay, people walk at the distance left divided by this
    stance: float = 0.15  # [m/s]: somebody who stands ignores what would push them along more slowly than this
    leg_spacing: float = 0.2  # [m] between the two legs' axes
    walk_ratio: float = 0.39  # [m s]: step length / step frequency, about the same at every speed (Sekiya 1996)
    still: float = 0.1  # [m/s] below which people shift their feet rather than walk


class People:
    """Everybody in one run. `positions`, `velocities` (N, 2); `headings`, `phases` (N,) [rad] of body and gait."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        config: PeopleConfig | None = None,
        law: social_force.SocialForceConfig | None = None,
    ) -> None:
        self.config, self.law = config or PeopleConfig(), law or BODIES
        self._floor, self._walking = scenario.floor, scenario.walking
        count = sum(group.count for group in scenario.people)
        self._streams = [np.random.default_rng([seed, i]) for i in range(count)]
        cast = cast_people(scenario, self._streams)
        self.positions: Floats = np.array([p.start for p in cast]).reshape(count, 2)
        self.velocities: Floats = np.zeros((count, 2))
        self.radii: Floats = np.array([p.radius for p in cast])
        self.speeds: Floats = np.array([p.speed for p in cast])
        self.robot_weights: Floats = np.array([p.robot_weight for p in cast])
        self.strides: Floats = np.array([p.stride for p in cast])
        traits = np.array([random.normal(size=3) for random in self._streams]).reshape(count, 3)
        self._veer = -(self.config.veer + self.config.veer_spread * traits[:, 0])
        self.phases: Floats = np.pi * traits[:, 1]
        self._luck, self._luck_used = np.zeros((0, count, 2)), 0

        longest = max((len(p.stops) for p in cast), default=0)
        self._stops = np.zeros((count, longest, 2))
        self._waits = np.zeros((count, longest))
        self._lengths: NDArray[np.intp] = np.array([len(p.stops) for p in cast], dtype=np.intp)
        self._repeat = np.array([p.repeat for p in cast], dtype=bool)
        shape = (count, longest, *self._walking.open.shape)
        self._directions, self._in_sight = np.zeros((*shape, 2)), np.zeros(shape, dtype=bool)
        for i, person in enumerate(cast):
            self._stops[i, : len(person.stops)], self._waits[i, : len(person.stops)] = person.stops, person.waits
            for e, stop in enumerate(person.stops):
                way = self._walking.way_to(stop)
                self._directions[i, e], self._in_sight[i, e] = way.directions, way.in_sight
        self._everyone = np.arange(count)
        self._stop: NDArray[np.intp] = np.zeros(count, dtype=np.intp)  # which stop they are bound for or stand at
        self._there = np.zeros(count, dtype=bool)  # whether they have come to it
        self._stood = np.zeros(count)  # [s] since they came to it
        first = self._stops[:, 0] - self.positions if longest else self.positions
        away = np.linalg.norm(first, axis=-1) > self.config.arrival
        self.headings: Floats = np.where(away, np.arctan2(first[:, 1], first[:, 0]), np.pi * traits[:, 2])

    def __len__(self) -> int:
        return len(self.positions)

    def step(self, dt: float, robot: social_force.RobotBody | None = None) -> None:
        """Everybody walks on for dt [s]; `robot` None: it is not there."""
        if len(self) == 0:
            return
        self._mind_errands(dt)
        desired = self._desired_velocity()
        if robot is not None:
            robot = social_force.RobotBody(robot.position, robot.velocity, robot.radius, self.robot_weights)
        calm = np.clip(np.linalg.norm(desired, axis=-1) / self.speeds, 0.15, 1.0)
        jitter = (self.config.unsteadiness / np.sqrt(dt)) * calm[:, None] * self._next_luck()
        before, pace = self.positions, self.velocities
        self.positions, self.velocities = social_force.step(
            before, pace, desired, self.radii, dt, self.law, self._floor, robot, jitter
        )
        self._keep_stance(before, pace, desired, dt)
        self._stay_off_walls(before)
        self._swing_legs(dt)

    def make_way(self, position: Floats, radius: float) -> NDArray[np.intp]:
        """Whoever overlaps a hard body at position (2,) [m] is set beside it and stops walking into it; who it was,
        as row numbers."""
        offset = self.positions - position
        distance = np.linalg.norm(offset, axis=-1)
        touching = np.flatnonzero(distance < radius + self.radii)
        for i in touching:
            outward = offset[i] / distance[i] if distance[i] > 1e-9 else np.array([1.0, 0.0])
            self.positions[i] = position + (radius + self.radii[i]) * outward
            self.velocities[i] -= min(0.0, float(self.velocities[i] @ outward)) * outward
        return touching

    def legs(self) -> Floats:
        """Where the shins are, (N, 2, 2) [m]: left and right of each person, swinging along the heading in opposite
        phase; side by side for somebody who stands. Their radius is LEG_RADIUS."""
        speed = np.linalg.norm(self.velocities, axis=-1)
        # Feet are a step apart at most; a shin swings by four fifths of what its foot does.
        swing = 0.4 * self._step_length(speed) * np.sin(self.phases)
        spacing = np.full_like(swing, 0.5 * self.config.leg_spacing)
        left, right = np.stack([swing, spacing], axis=-1), np.stack([-swing, -spacing], axis=-1)
        in_body = np.stack([left, right], axis=1)  # (N, 2, 2)
        return self.positions[:, None] + np.asarray(rotate(in_body, self.headings[:, None]))

    # -- the parts of a step ------------------------------------------------------------------------------------

    def _mind_errands(self, dt: float) -> None:
        """Who has come to their stop stays for its wait, then goes on to the next, if there is one."""
        target = self._stops[self._everyone, self._stop]
        self._there |= np.linalg.norm(target - self.positions, axis=-1) < self.config.arrival
        self._stood = np.where(self._there, self._stood + dt, 0.0)
        waited = self._there & (self._stood > self._waits[self._everyone, self._stop])
        leaving = waited & (self._repeat | (self._stop + 1 < self._lengths))
        self._stop = np.where(leaving, (self._stop + 1) % self._lengths, self._stop)
        self._there &= ~leaving

    def _desired_velocity(self) -> Floats:
        """(N, 2) [m/s]: straight at a stop in sight, else along the way to it, slower where they mean to stay."""
        stop = self._stops[self._everyone, self._stop]
        offset = stop - self.positions
        distance = np.linalg.norm(offset, axis=-1)
        row, column = np.moveaxis(self._walking.cell_at(self.positions), -1, 0)
        straight = self._in_sight[self._everyone, self._stop, row, column] | (distance < 2.0 * self.config.arrival)
        direction = np.where(
            straight[:, None],
            offset / np.maximum(distance, 1e-9)[:, None],
            self._directions[self._everyone, self._stop, row, column],
        )
        direction = np.asarray(rotate(direction, np.where(distance > 1.0, self._veer, 0.0)))
        last = (self._stop + 1 == self._lengths) & ~self._repeat
        stays = last | (self._waits[self._everyone, self._stop] > 0.0)
        slowed = np.minimum(self.speeds, distance / self.config.slowing_time)
        # Who stands within reach of the stop doesn't shuffle to the exact point.
        slowed = np.where(self._there & (distance < self.config.arrival), 0.0, slowed)
        return np.where(stays, slowed, self.speeds)[:, None] * direction

    def _next_luck(self) -> Floats:
        """Standard normal numbers (N, 2) for this step, each row from the person's own stream."""
        if self._luck_used == len(self._luck):
            self._luck = np.stack([random.normal(size=(_LUCK_BLOCK, 2)) for random in self._streams], axis=1)
            self._luck_used = 0
        self._luck_used += 1
        return self._luck[self._luck_used - 1]

    def _keep_stance(self, before: Floats, pace: Floats, desired: Floats, dt: float) -> None:
        """Who means to stand stands, unless pushed hard: what is left of the acceleration without the part that
        brakes them would, if it lasted, give a speed above the stance."""
        push = (self.velocities - pace) * (self.law.relaxation_time / dt) + pace
        stands = (np.linalg.norm(desired, axis=-1) == 0.0) & (np.linalg.norm(push, axis=-1) < self.config.stance)
        stands &= np.linalg.norm(pace, axis=-1) < 2.0 * self.config.stance
        self.positions = np.where(stands[:, None], before, self.positions)
        self.velocities = np.where(stands[:, None], 0.0, self.velocities)

    def _stay_off_walls(self, before: Floats) -> None:
        """Walls are hard: who was pushed half a body into one stays where they were."""
        inside = np.asarray(self._floor.distance_at(self.positions)) < 0.5 * self.radii
        if inside.any():
            inside &= np.asarray(self._floor.distance_at(before)) >= 0.5 * self.radii
            self.positions[inside], self.velocities[inside] = before[inside], 0.0

    def _step_length(self, speed: Floats) -> Floats:
        """(N,) [m] of one step at speed (N,) [m/s]: length / frequency = walk ratio, length * frequency = speed."""
        return self.strides * np.sqrt(self.config.walk_ratio * np.maximum(speed - self.config.still, 0.0))

    def _swing_legs(self, dt: float) -> None:
        """Two steps are one turn of the phase; the body turns towards where it walks."""
        speed = np.linalg.norm(self.velocities, axis=-1)
        length = self._step_length(speed)
        self.phases = (self.phases + np.pi * dt * speed / np.maximum(length, 0.2)) % (2.0 * np.pi)
        wanted = np.arctan2(self.velocities[:, 1], self.velocities[:, 0]) - self.headings
        turn = np.arctan2(np.sin(wanted), np.cos(wanted))
        self.headings = self.headings + np.clip(turn, -6.0 * dt, 6.0 * dt) * (speed > 2.0 * self.config.still)
