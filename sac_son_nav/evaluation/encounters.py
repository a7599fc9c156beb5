"""A run cut into encounters with people, each of a class: the protocol of Cancelli et al., "Exploiting proximity-aware
tasks for embodied social navigation" (ICCV 2023, arXiv 2212.00767), as their evaluation code has it.

An encounter with a person starts when they are nearer than `radius` (by the shortest way; straight where no way
leads) and within `half_angle` of where the robot points; they must stay within it for `facing_steps`, or it never
was one. It ends when they are `radius` away again, and counts when it took more than `least_steps`. Headings are
those of the straight line from first to last place.

- `blind_corner`: not seen during the first `blind_steps`, seen later, and at the start the way was longer than the
  straight line by more than `detour`;
- `intersection`: seen, headings about perpendicular, and the two straight lines cross;
- `frontal`: seen, headings about opposite;
- `following`: seen, headings about the same;
- `other`: none of these.

Steps. The protocol counts control steps, whose length in the paper's simulator is 1 s, with people at 0.25 m/s. At
walking pace nobody stays within 3 m for 20 s, so here a step is `step_s` of the log's time, 0.1 s unless set
otherwise: 8, 4 and 20 steps are then 0.8, 0.4 and 2 s. Numbers of encounters compare only at one `step_s`.

Where this differs: angles are compared on the circle, so the mirror image of an encounter has the same class (their
test of perpendicular headings lets any through on one side); a robot that hardly moved has the heading its body
had at the start, a person who hardly moved has none and is in no class that needs one; seen means that no wall
stands between, in whatever direction; a collision counts against the encounter with the person who was touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.log import RunLog
from sac_son_nav.evaluation.metrics import Collision, collisions
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.states import Floats

Kind = Literal["frontal", "intersection", "blind_corner", "following", "other"]


@dataclass(frozen=True)
class EncounterConfig:
    """The protocol's numbers."""

    step_s: float = 0.1  # [s] of a step; 1.0 in the paper
    radius: float = 3.0  # [m]
    half_angle: float = np.pi / 3.0  # [rad] to each side of the robot's heading
    facing_steps: int = 8
    blind_steps: int = 4
    least_steps: int = 20  # an encounter must be longer
    slack: float = 0.2 * np.pi  # [rad] by which headings may differ from opposite, perpendicular, the same
    detour: float = 0.5  # [m]
    least_way: float = 0.1  # [m] from first to last place, below which a straight line says nothing of the heading

    def __post_init__(self) -> None:
        for name in ("step_s", "radius", "half_angle"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"encounter {name}: expected a number above zero, got {getattr(self, name)}")
        if not 1 <= self.blind_steps <= self.least_steps or not 1 <= self.facing_steps <= self.least_steps:
            raise ConfigError(
                f"encounter steps: expected facing and blind steps from 1 to least_steps, got {self.facing_steps}, "
                f"{self.blind_steps} and {self.least_steps}"
            )


@dataclass(frozen=True)
class Encounter:
    """One encounter: the person's id, its class, from when to when [s], how many steps, whether robot and person
    touched, the robot's mean linear velocity [m/s] and the mean straight distance [m]. `cut_short`: the log, or the
    sight of the person, ended before the encounter did."""

    person: int
    kind: Kind
    start_s: float
    end_s: float
    steps: int
    collided: bool
    mean_linear_velocity: float
    mean_distance: float
    cut_short: bool


@dataclass(frozen=True)
class EncounterScore:
    """All encounters of one class: how many; ESR, the share of them without a collision; ALV, the mean of their mean
    linear velocities [m/s]; AD, the mean of their mean distances [m]. NaN when there were none.

    ESR alone rewards a robot that stops or flees: the other two show it.
    """

    count: int
    esr: float
    alv_mps: float
    ad_m: float


def find_encounters(log: RunLog, config: EncounterConfig | None = None) -> list[Encounter]:
    """All encounters of a run that count, by their start. A log without the robot's velocity or place has none."""
    config = config or EncounterConfig()
    even = log.resampled(config.step_s)
    ways, seen = _ways_and_sight(even, config.radius)
    touches = collisions(log)
    found: list[Encounter] = []
    for row in range(len(even.ids)):
        for first, last, cut_short in _spans(even, row, ways[:, row], config):
            if last - first > config.least_steps:
                encounter = _describe(
                    even, row, first, last, cut_short, ways[first, row], seen[first:last, row], config
                )
                found.append(_judge(encounter, touches, config))
    return sorted(found, key=lambda encounter: (encounter.start_s, encounter.person))


def score(encounters: Iterable[Encounter]) -> dict[Kind, EncounterScore]:
    """The scores of each class, of the encounters of one run or of many."""
    encounters = list(encounters)
    return {kind: _score([e for e in encounters if e.kind == kind]) for kind in get_args(Kind)}


def _score(encounters: list[Encounter]) -> EncounterScore:
    if not encounters:
        return EncounterScore(0, np.nan, np.nan, np.nan)
    table = np.array([(not e.collided, e.mean_linear_velocity, e.mean_distance) for e in encounters], dtype=np.float64)
    esr, velocity, distance = table.mean(axis=0).tolist()
    return EncounterScore(len(encounters), esr, velocity, distance)


# -- where an encounter begins and ends -------------------------------------------------------------------------


def _spans(log: RunLog, row: int, ways: Floats, config: EncounterConfig) -> list[tuple[int, int, bool]]:
    """First step of each encounter with a person, the step at which it was over, and whether it was cut short."""
    offset = log.people[:, row] - log.robot_poses[:, :2]
    bearing = wrap_angle(np.arctan2(offset[:, 1], offset[:, 0]) - log.robot_poses[:, 2])
    facing = np.abs(bearing) < config.half_angle
    spans: list[tuple[int, int, bool]] = []
    first = -1
    for k, way in enumerate(ways):
        if way < config.radius:
            if first < 0:
                first = k if facing[k] else -1
            elif k - first < config.facing_steps and not facing[k]:
                first = -1
        elif first >= 0:  # away again, or (NaN) out of sight
            spans.append((first, k, bool(np.isnan(way))))
            first = -1
    if first >= 0:
        spans.append((first, len(ways), True))
    return spans


def _ways_and_sight(log: RunLog, radius: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Length of the way to each person (T, N) [m], the straight line where none leads, and who is not hidden by a
    wall (T, N). A way longer than `radius` is infinite; to whom one sees one goes straight."""
    straight = log.distances
    ways, seen = straight.copy(), np.isfinite(straight)
    if log.ways is None:
        return ways, seen
    for k in np.flatnonzero((straight < radius).any(axis=1)):
        near = np.flatnonzero(straight[k] < radius)
        here, places = log.robot_poses[k, :2], log.people[k, near]
        seen[k, near] = log.ways.in_sight(here, places, log.radii[near])
        hidden = near[~seen[k, near]]
        if len(hidden):
            places = log.people[k, hidden]
            lengths = log.ways.field(here, within=radius).at(places)
            ways[k, hidden] = np.where(log.ways.joined(here, places), lengths, straight[k, hidden])
    return ways, seen


# -- what an encounter was --------------------------------------------------------------------------------------


def _describe(
    log: RunLog,
    row: int,
    first: int,
    last: int,
    cut_short: bool,
    way: float,
    seen: NDArray[np.bool_],
    config: EncounterConfig,
) -> Encounter:
    """The encounter from step `first` to before step `last`, its collisions still to be judged."""
    end = last if last < len(log) and not cut_short else last - 1
    robot, person = log.robot_poses[[first, end], :2], log.people[[first, end], row]
    hidden = not seen[: config.blind_steps].any()
    kind: Kind = "other"
    if hidden:
        if seen.any() and way - log.distances[first, row] > config.detour:
            kind = "blind_corner"
    elif _way(person) >= config.least_way:
        own = _heading(robot) if _way(robot) >= config.least_way else float(log.robot_poses[first, 2])
        apart = abs(float(wrap_angle(np.float64(own - _heading(person)))))
        if abs(apart - 0.5 * np.pi) <= config.slack and _cross(robot, person):
            kind = "intersection"
        elif apart >= np.pi - config.slack:
            kind = "frontal"
        elif apart <= config.slack:
            kind = "following"
    return Encounter(
        person=int(log.ids[row]),
        kind=kind,
        start_s=float(log.times[first]),
        end_s=float(log.times[end]),
        steps=last - first,
        collided=False,
        mean_linear_velocity=_known_mean(log.robot_velocities[first:last, 0]),
        mean_distance=_known_mean(log.distances[first:last, row]),
        cut_short=cut_short,
    )


def _judge(encounter: Encounter, touches: list[Collision], config: EncounterConfig) -> Encounter:
    """The same encounter, and whether robot and person touched while it lasted."""
    start, end = encounter.start_s - config.step_s, encounter.end_s + config.step_s
    hit = any(touch.person == encounter.person and start <= touch.time_s <= end for touch in touches)
    return replace(encounter, collided=hit)


def _way(line: Floats) -> float:
    return float(np.linalg.norm(line[1] - line[0]))


def _heading(line: Floats) -> float:
    return float(np.arctan2(*(line[1] - line[0])[::-1]))


def _cross(a: Floats, b: Floats) -> bool:
    """Whether the straight lines a and b, (2, 2) [m] each from place to place, cross between their ends."""

    def side(line: Floats, point: Floats) -> float:
        along, to = line[1] - line[0], point - line[0]
        return float(along[0] * to[1] - along[1] * to[0])

    return side(a, b[0]) * side(a, b[1]) < 0.0 and side(b, a[0]) * side(b, a[1]) < 0.0


def _known_mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan
