"""What goes on between the robot and people, told as events: one happening, one event.

Each kind has a condition to begin, a looser one to end, and a pause in which it is not told again of the same person.
A person is a track; one that is lost and found again under another number close by is taken for the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import inverse, rotate, transform_points
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Floats, Observation, SocialEvent

CREEPING = 0.12  # [m/s] up to which a robot that looks for a way counts as held up
FITS = 0.6  # [s] for which it may try and go before it counts as under way again
SAME_PERSON = 0.6  # [m] within which a new track takes the place of a lost one


@dataclass(frozen=True)
class EventsConfig:
    """When something counts as happened."""

    blocked_after: float = 1.0  # [s] of standing before a person who stands in the way
    blocking_reach: float = 2.0  # [m] ahead within which a person can block
    way_width: float = 1.2  # [m] of the way ahead that a blocker stands in
    slow: float = 0.35  # [m/s] below which a person stands, and above which they walk
    made_way_within: float = 20.0  # [s] of being blocked after which nobody is thanked any more
    passing_distance: float = 1.0  # [m] between centres, closer than which a pass is one
    passing_ahead: float = 1.5  # [s] before the closest moment at which it is told
    passing_reach: float = 3.0  # [m] within which a pass is looked for
    yielding_after: float = 0.5  # [s] of slowing for the same reason
    bump_margin: float = 0.02  # [m] beside the robot's radius, closer than which something touches it
    lost_deviation: float = 0.6  # [m] of the localiser's position, above which the robot is lost
    pause: float = 12.0  # [s] between two events of one kind about one person
    bump_pause: float = 3.0  # [s] between two bumps

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0.0:
                raise ConfigError(f"events: {name}: expected a number above zero, got {value}")


@dataclass
class _Blocker:
    """Who stands in the way, since when [s], and where (2,) they stood at first."""

    person: int
    since: float
    position: Floats
    told: bool = False
    seen: float = 0.0  # [s] last
    held_up: float = 0.0  # [s] when the robot was last held up


class SocialEvents:
    """Call `step` once per control period, with whatever plan there is. Deterministic."""

    def __init__(self, config: EventsConfig, radius: float) -> None:
        self.config, self.radius = config, radius
        self._told: dict[tuple[str, int | None], float] = {}  # when each was last told [s]
        self._blocker: _Blocker | None = None
        self._passing: set[int] = set()
        self._yielding_since: float | None = None
        self._status = ""
        self._clear = False  # whether nothing has touched the robot since it was last seen free
        self._lost = False

    def step(self, plan: Plan, observation: Observation, route: Route | None = None) -> list[SocialEvent]:
        """What has begun since the last step. `plan` may be an idle one; `route` is the way the robot follows."""
        around = _Around.of(observation, route)
        found = [
            *self._way(plan, observation, around),
            *self._pass(observation, around),
            *self._yield(plan, observation, around),
            *self._bump(observation),
        ]
        if plan.status == "arrived" and self._status != "arrived":
            found.append(SocialEvent(observation.stamp_s, "arrived", detail="at the goal"))
        self._status = plan.status
        return found

    def localised(self, stamp_s: float, deviation: float) -> list[SocialEvent]:
        """The localiser's word: the standard deviation [m] of where it thinks the robot is."""
        limit = self.config.lost_deviation
        before, self._lost = self._lost, deviation > (0.5 * limit if self._lost else limit)
        if before or not self._lost:
            return []
        return [SocialEvent(stamp_s, "lost", detail=f"the position is known to {deviation:.1f} m only")]

    # -- one kind each ------------------------------------------------------------------------------------------

    def _way(self, plan: Plan, observation: Observation, around: _Around) -> Iterator[SocialEvent]:
        """blocked, and made_way after it."""
        now, config, blocker = observation.stamp_s, self.config, self._blocker
        held_up = plan.status in ("blocked", "yielding") and abs(plan.command.linear) < CREEPING
        if blocker is None:
            row = around.in_way(config) if held_up else None
            if row is not None:
                self._blocker = _Blocker(
                    int(around.ids[row]), now, observation.tracks.positions[row].copy(), seen=now, held_up=now
                )
            return
        row = around.find(blocker.person, blocker.position)
        if row is None:
            if now - blocker.seen > 2.0 or not blocker.told:
                self._blocker = None
            return
        blocker.person, blocker.seen = int(around.ids[row]), now
        blocker.held_up = now if held_up else blocker.held_up
        aside = abs(around.across[row]) > 0.5 * config.way_width + 0.15
        aside |= not 0.0 < around.along[row] < config.blocking_reach + 0.5
        if not blocker.told:
            if aside or now - blocker.held_up > FITS:
                self._blocker = None
            elif held_up and now - blocker.since >= config.blocked_after:
                blocker.told = True
                yield from self._tell("blocked", observation, row, "stands in the way")
        elif now - blocker.since > config.made_way_within or plan.status in ("idle", "arrived"):
            self._blocker = None
        elif aside:
            self._blocker = None
            if np.linalg.norm(observation.tracks.positions[row] - blocker.position) > 0.3:
                yield from self._tell("made_way", observation, row, "has stepped aside")

    def _pass(self, observation: Observation, around: _Around) -> Iterator[SocialEvent]:
        """passing: a walker whose closest moment comes soon."""
        config, walking = self.config, around.speeds > self.config.slow
        relative, apart = around.relative_velocity, np.maximum(around.distance, 1e-6)
        speed2 = np.maximum(np.sum(relative**2, axis=-1), 1e-6)
        soon = -np.sum(around.offset * relative, axis=-1) / speed2  # [s]
        miss = np.linalg.norm(around.offset + relative * soon[:, None], axis=-1)
        comes = walking & (apart < config.passing_reach) & (soon > 0.0) & (soon < config.passing_ahead)
        comes &= miss < config.passing_distance
        gone = {int(i) for i, d in zip(around.ids, apart, strict=True) if d > config.passing_reach + 0.5}
        self._passing = {i for i in self._passing if i in around.ids and i not in gone}
        for row in np.flatnonzero(comes).tolist():
            person = int(around.ids[row])
            if person in self._passing or (self._blocker is not None and self._blocker.person == person):
                continue
            self._passing.add(person)
            yield from self._tell("passing", observation, row, f"will pass {miss[row]:.1f} m away")

    def _yield(self, plan: Plan, observation: Observation, around: _Around) -> Iterator[SocialEvent]:
        """yielding: slower than it would go, for somebody who walks."""
        if plan.status != "yielding":
            self._yielding_since = None
            return
        now = observation.stamp_s
        self._yielding_since = now if self._yielding_since is None else self._yielding_since
        if now - self._yielding_since < self.config.yielding_after:
            return
        near = (around.distance < self.config.passing_reach) & (around.ahead > 0.0)
        rows = np.flatnonzero(near & (around.speeds > self.config.slow))
        if len(rows):
            row = int(rows[np.argmin(around.distance[rows])])
            yield from self._tell("yielding", observation, row, "goes first")

    def _bump(self, observation: Observation) -> Iterator[SocialEvent]:
        """bumped: two returns of the laser at the robot's own side, after it was seen free."""
        points, config = observation.obstacle_points, self.config
        if len(points) == 0:
            self._clear = True
            return
        place, speed = observation.robot.pose[:2], observation.robot.velocity
        apart = np.linalg.norm(points - place, axis=-1)
        second = float(np.partition(apart, 1)[1]) if len(apart) > 1 else float("inf")
        if second > self.radius + config.bump_margin + 0.06:
            self._clear = True
        elif second < self.radius + config.bump_margin and self._clear and abs(speed[0]) > 0.02:
            self._clear = False
            yield from self.touched(observation, points[int(np.argmin(apart))])

    def touched(self, observation: Observation, point: Floats | None = None) -> Iterator[SocialEvent]:
        """Something touched the robot, seen by the laser or told by a bumper; `point` (2,) [m] is where, if known."""
        tracks = observation.tracks
        place = observation.robot.pose[:2] if point is None else point
        apart = np.linalg.norm(tracks.positions - place, axis=-1)
        row = int(np.argmin(apart)) if len(apart) and apart.min() < 0.5 else None
        if observation.stamp_s - self._told.get(("bumped", None), -np.inf) < self.config.bump_pause:
            return
        self._told["bumped", None] = observation.stamp_s
        person = None if row is None else int(tracks.ids[row])
        position = np.asarray(place) if row is None else tracks.positions[row].copy()
        detail = "something touched the robot" if person is None else f"person {person} and the robot touched"
        yield SocialEvent(observation.stamp_s, "bumped", person, position, tracks.frame, detail)

    def _tell(self, kind: str, observation: Observation, row: int, what: str) -> Iterator[SocialEvent]:
        """The event, unless it was told of the same person a moment ago."""
        tracks, now = observation.tracks, observation.stamp_s
        person = int(tracks.ids[row])
        if now - self._told.get((kind, person), -np.inf) < self.config.pause:
            return
        self._told = {key: at for key, at in self._told.items() if now - at < 10.0 * self.config.pause}
        self._told[kind, person] = now
        yield SocialEvent(now, kind, person, tracks.positions[row].copy(), tracks.frame, f"person {person} {what}")


@dataclass(frozen=True)
class _Around:
    """People seen from the robot; row i is one person, as in the tracks.

    offset (N, 2) [m] and relative_velocity (N, 2) [m/s] in the tracks' frame; along, across (N,) [m] by the way ahead;
    ahead (N,) [m] by the robot's nose.
    """

    ids: NDArray[np.int64]
    positions: Floats
    offset: Floats
    relative_velocity: Floats
    distance: Floats
    speeds: Floats
    along: Floats
    across: Floats
    ahead: Floats

    @staticmethod
    def of(observation: Observation, route: Route | None) -> _Around:
        tracks, robot = observation.tracks, observation.robot
        heading = float(robot.pose[2])
        own = robot.velocity[0] * np.array([np.cos(heading), np.sin(heading)])
        offset = tracks.positions - robot.pose[:2]
        way = heading
        if route is not None:
            target, _ = route.at(route.project(robot.pose[:2])[0] + 1.0)
            if np.linalg.norm(target - robot.pose[:2]) > 0.2:
                way = float(np.arctan2(*(target - robot.pose[:2])[::-1]))
        by_way = np.asarray(rotate(offset, np.asarray(-way)))
        by_nose = np.asarray(transform_points(np.asarray(inverse(robot.pose)), tracks.positions))
        return _Around(
            tracks.ids,
            tracks.positions,
            offset,
            tracks.velocities - own,
            np.linalg.norm(offset, axis=-1),
            np.linalg.norm(tracks.velocities, axis=-1),
            by_way[:, 0],
            by_way[:, 1],
            by_nose[:, 0],
        )

    def in_way(self, config: EventsConfig) -> int | None:
        """The row of the nearest person who stands in the way ahead, or None."""
        inside = (self.along > 0.0) & (self.along < config.blocking_reach) & (self.speeds < config.slow)
        rows = np.flatnonzero(inside & (np.abs(self.across) < 0.5 * config.way_width))
        return int(rows[np.argmin(self.distance[rows])]) if len(rows) else None

    def find(self, person: int, position: Floats) -> int | None:
        """The row of a person by number, or else of whoever stands where they stood."""
        rows = np.flatnonzero(self.ids == person)
        if len(rows):
            return int(rows[0])
        apart = np.linalg.norm(self.positions - position, axis=-1)
        return int(np.argmin(apart)) if len(apart) and apart.min() < SAME_PERSON else None
