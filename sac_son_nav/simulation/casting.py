"""Casting: from what a scenario says about its people to the people of one run, all dice cast.

Person i draws from the stream of (seed, i) only, and draws the same amount whatever comes out. Who belongs to a group
may look at what those before them drew, and keeps clear of them, but nobody looks at the robot's doings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.person_groups import (
    FASTEST,
    FIDGET,
    LARGEST,
    SLOWEST,
    SMALLEST,
    Circle,
    Formation,
    PersonGroup,
    Queue,
)
from sac_son_nav.simulation.scenario import Person, Scenario, StandingGroup
from sac_son_nav.simulation.staging import (
    ATTEMPTS,
    ELBOW_ROOM,
    MATES,
    STRAY,
    Stage,
    direction,
    drawn,
    room_left,
    unit,
)
from sac_son_nav.states import Floats

CIRCLE_ROOM = 0.25  # [m] between two bodies on a circle
LATERAL, ALONG = 0.12, 0.06  # [m] by which people in a queue stand off its line and off their place in it, at most
MOVE_UP = 0.6  # [s] after which somebody in a queue follows the one before
QUICKEST = 1.0  # [s] that anybody is served for at the least
CHANGES = 24  # times at which somebody on a circle may choose a new goal; then they keep the last


def streams(scenario: Scenario, seed: int) -> list[np.random.Generator]:
    """The randomness of each person of a run."""
    return [np.random.default_rng([seed, i]) for i in range(sum(group.count for group in scenario.people))]


def cast_people(scenario: Scenario, randoms: Sequence[np.random.Generator]) -> list[Person]:
    """The people of a run; person i draws from randoms[i] only, and draws the same amount whatever comes out.

    Starts and stops keep clear of walls, of those of the people before and of the robot's, and a way leads from each
    start to its stops. Raises ConfigError where there is no such place.
    """
    count = sum(group.count for group in scenario.people)
    if len(randoms) != count:
        raise ConfigError(f"scenario {scenario.name}: expected randomness for {count} people, got {len(randoms)}")
    stage = Stage(scenario)
    for number, group in enumerate(scenario.people):
        theirs = randoms[len(stage.people) : len(stage.people) + group.count]
        if group.formation:
            _stand_in_formation(stage, group, group.formation, theirs)
        elif group.queue:
            _stand_in_line(stage, group, group.queue, theirs)
        elif group.circle:
            _cross_circle(stage, group, group.circle, theirs)
        else:
            _go_about(stage, group, theirs)
        if group.together:
            mates = stage.people[-group.count :]
            stage.people[-group.count :] = [replace(p, company=number, speed=mates[0].speed) for p in mates]
    return stage.people


def standing_groups(scenario: Scenario, people: Sequence[Person]) -> tuple[StandingGroup, ...]:
    """The conversations among the people of a run, as they were cast."""
    found, first = [], 0
    for group in scenario.people:
        members, first = range(first, first + group.count), first + group.count
        if not group.formation:
            continue
        cast = [people[i] for i in members]
        starts, facing = np.array([p.start for p in cast]), np.array([p.facing for p in cast], dtype=np.float64)
        centre = np.mean(starts + group.formation.radius * unit(facing), axis=0)
        free = float(np.min(np.linalg.norm(starts - centre, axis=-1) - np.array([p.radius for p in cast])))
        until = min(float(p.waits[0]) for p in cast) if group.errand else np.inf
        if until > 0.0:
            found.append(StandingGroup(tuple(members), (float(centre[0]), float(centre[1])), free, until))
    return tuple(found)


# -- people ---------------------------------------------------------------------------------------------------------


def _person(
    group: PersonGroup,
    start: Floats,
    errand: Sequence[tuple[Floats, float]],
    radius: float,
    speed: float,
    facing: float | None = None,
) -> Person:
    """`errand`: stops (2,) [m] with their waits [s]."""
    weight, curiosity = group.reacts
    places, waits = [place for place, _ in errand], [wait for _, wait in errand]
    return Person(
        start=start,
        stops=np.array(places).reshape(-1, 2),
        waits=np.array(waits, dtype=np.float64),
        repeat=group.repeat and len(errand) > 1,
        radius=radius,
        speed=speed,
        robot_weight=weight,
        stride=group.stride,
        curiosity=curiosity,
        facing=facing,
    )


def _errand(group: PersonGroup, start: Floats, stops: Sequence[Floats], delay: float) -> list[tuple[Floats, float]]:
    """What somebody does: stand at the start for the delay, then go from stop to stop."""
    return ([] if delay == 0.0 and stops else [(start, delay)]) + _goes(group, stops)


def _goes(group: PersonGroup, stops: Sequence[Floats]) -> list[tuple[Floats, float]]:
    return [(place, stop.wait) for place, stop in zip(stops, group.errand, strict=True)]


def _uniform(limits: Sequence[float], random: np.random.Generator) -> float:
    low, high = limits
    return low + (high - low) * float(random.random())


def _radius(group: PersonGroup, random: np.random.Generator) -> float:
    if group.radius_range:
        return _uniform(group.radius_range, random)
    if group.radius_spread > 0.0:
        low, high = min(SMALLEST, group.radius), max(LARGEST, group.radius)
        return float(np.clip(group.radius + group.radius_spread * random.normal(), low, high))
    return group.radius


def _speed(group: PersonGroup, random: np.random.Generator) -> float:
    if group.speed_range:
        return _uniform(group.speed_range, random)
    return float(np.clip(group.speed + group.speed_spread * random.normal(), SLOWEST, FASTEST))


def _delay(group: PersonGroup, random: np.random.Generator) -> float:
    return _uniform(group.delay_range, random) if group.delay_range else group.delay


def _go_about(stage: Stage, group: PersonGroup, randoms: Sequence[np.random.Generator]) -> None:
    """Everybody on their own errand, or all side by side on the first one's."""
    lead, lead_stops, lead_delay = None, list[Floats](), 0.0
    for k, random in enumerate(randoms):
        radius = _radius(group, random)
        if group.together and lead is not None:
            ahead = direction(lead_stops[0] - lead) if lead_stops else np.array([1.0, 0.0])
            start = stage.draw_beside(lead, ahead, k, radius, random, stage.bodies(radius))
            stops = _stops_beside(stage, lead, lead_stops, k, radius, random)
        else:
            start = stage.draw_start(group, radius, random)
            stops = stage.draw_stops(group, start, radius, random)
        speed, delay = _speed(group, random), _delay(group, random)
        if lead is None:
            lead, lead_stops, lead_delay = start, stops, delay
        errand = _errand(group, start, stops, lead_delay if group.together else delay)
        stage.add(_person(group, start, errand, radius, speed), [place for place, _ in errand])


def _stops_beside(
    stage: Stage,
    start: Floats,
    stops: Sequence[Floats],
    number: int,
    radius: float,
    random: np.random.Generator,
) -> list[Floats]:
    """Places for number 1, 2, ... beside each of the first one's stops, who came from `start`."""
    found = []
    for before, stop in zip([start, *stops], stops, strict=False):
        taken = np.array(stage.stays)
        mates = np.linalg.norm(taken - stop, axis=-1) < STRAY
        apart = np.where(mates, MATES, ELBOW_ROOM)
        found.append(stage.draw_beside(stop, direction(stop - before), number, radius, random, (taken, apart)))
    return found


def _stand_in_formation(
    stage: Stage, group: PersonGroup, formation: Formation, randoms: Sequence[np.random.Generator]
) -> None:
    """A circle of people who look at its middle. The first draws where it is, the others where on it they stand."""
    body = group.largest_radius
    step = 2.0 * np.pi / group.count
    lead_stops, lead_delay = list[Floats](), 0.0
    centre, turn = np.zeros(2), 0.0
    for k, random in enumerate(randoms):
        if k == 0:
            centre, turn = _place_circle(stage, group, formation, body, random)
        radius = _radius(group, random)
        off = np.append(FIDGET * (2.0 * random.random(ATTEMPTS) - 1.0), 0.0)
        points = centre + formation.radius * unit(turn + (k + off) * step)
        chosen = int(np.argmax(stage.open_at(points, radius)))
        start, facing = points[chosen], float(np.arctan2(*(centre - points[chosen])[::-1]))
        if group.together and k:
            stops = _stops_beside(stage, centre, lead_stops, k, radius, random)
        else:
            stops = stage.draw_stops(group, start, radius, random)
        speed, delay = _speed(group, random), _delay(group, random)
        if k == 0:
            lead_stops, lead_delay = stops, delay
        errand = [(start, lead_delay if group.together else delay), *_goes(group, stops)]
        stage.add(_person(group, start, errand, radius, speed, facing), [place for place, _ in errand])
    stage.kept_free.append((centre, formation.radius))


def _place_circle(
    stage: Stage, group: PersonGroup, formation: Formation, body: float, random: np.random.Generator
) -> tuple[Floats, float]:
    """Middle (2,) [m] and turn [rad] of a circle with room for everybody's `body` [m]."""
    luck = random.random((ATTEMPTS, 3))
    centres, turns = drawn(group.start, luck[:, :2]), 2.0 * np.pi * luck[:, 2]
    angles = turns[:, None] + 2.0 * np.pi / group.count * np.arange(group.count)
    places = centres[:, None, :] + formation.radius * unit(angles)
    middles = np.broadcast_to(centres[:, None, :], places.shape)
    ok = (stage.open_at(places, body) & stage.in_view(places, middles)).all(axis=-1)
    ok &= (room_left(places, *stage.bodies(body)) >= 0.0).all(axis=-1)
    if not ok.any():
        raise stage.no_place(f"{group.count} people in a circle of {formation.radius:g} m", group.start)
    chosen = int(np.argmax(ok))
    return centres[chosen], float(turns[chosen])


def _stand_in_line(stage: Stage, group: PersonGroup, queue: Queue, randoms: Sequence[np.random.Generator]) -> None:
    """A line behind its head. Who stands k-th waits for the k before them, moves up each time, is served and goes."""
    ahead = unit(np.array(queue.facing))
    side = np.array([-ahead[1], ahead[0]])
    line, service, opening = np.zeros((group.count, 2)), list[float](), 0.0
    for k, random in enumerate(randoms):
        if k == 0:
            line = _place_line(stage, group, queue, ahead, random)
        radius = _radius(group, random)
        luck = 2.0 * random.random((ATTEMPTS, 2)) - 1.0
        off = np.append(ALONG * luck[:, :1] * ahead + LATERAL * luck[:, 1:] * side, np.zeros((1, 2)), axis=0)
        points = line[: k + 1] + off[:, None, :]  # everybody keeps off the line by as much wherever they stand
        own = points[int(np.argmax(stage.open_at(points, radius).all(axis=-1)))][::-1]
        stops = stage.draw_stops(group, own[0], radius, random)
        speed, delay = _speed(group, random), _delay(group, random)
        if k == 0:
            opening = delay
        service.append(max(QUICKEST, queue.service + queue.service_spread * float(random.normal())))
        waits = [opening + service[0] + MOVE_UP * k, *service[1:]]
        errand = [*zip(own, waits, strict=True), *_goes(group, stops)]
        stage.add(_person(group, own[0], errand, radius, speed, queue.facing), [place for place, _ in errand])


def _place_line(stage: Stage, group: PersonGroup, queue: Queue, ahead: Floats, random: np.random.Generator) -> Floats:
    """Where the people of a queue stand, from its head on, (N, 2) [m]."""
    heads = drawn(group.start, random.random((ATTEMPTS, 2)))
    places = heads[:, None, :] - queue.spacing * np.arange(group.count)[:, None] * ahead
    body = group.largest_radius
    ok = stage.open_at(places, body).all(axis=-1)
    ok &= stage.in_view(places[:, :-1], places[:, 1:]).all(axis=-1)
    ok &= (room_left(places, *stage.bodies(body)) >= 0.0).all(axis=-1)
    if not ok.any():
        raise stage.no_place(f"a queue of {group.count}, {queue.spacing:g} m apart,", group.start)
    line: Floats = places[int(np.argmax(ok))]
    return line


def _cross_circle(stage: Stage, group: PersonGroup, circle: Circle, randoms: Sequence[np.random.Generator]) -> None:
    """Everybody from a point of the circle to the opposite one."""
    middle = np.array(group.start)
    for random in randoms:
        radius, speed, delay = _radius(group, random), _speed(group, random), _delay(group, random)
        luck = random.random((ATTEMPTS, 3))
        changes = random.random((CHANGES if circle.change_every else 0, 4))
        strays = circle.noise * (2.0 * luck[:, 1:] - 1.0)
        starts = middle + circle.radius * unit(2.0 * np.pi * luck[:, 0]) + strays
        goals = 2.0 * middle - starts
        places, apart = stage.bodies(radius)
        apart[1:] += CIRCLE_ROOM
        ok = stage.open_at(starts, radius) & stage.open_at(goals, radius)
        ok &= stage.scenario.open_floor.joined(starts, goals)
        free = ok & (room_left(starts, places, apart) >= 0.0)
        if not free.any():
            what = f"person {len(stage.people)}'s start on the circle of {circle.radius:g} m"
            raise stage.no_place(what, group.start, "round")
        spare = room_left(goals, np.array(stage.stays), np.full(len(stage.stays), 2.0 * radius + CIRCLE_ROOM))
        chosen = np.argmax(free & (spare >= 0.0)) if (free & (spare >= 0.0)).any() else np.argmax(free)
        start, goal = starts[chosen], goals[chosen]
        goes = _wander(stage, circle, middle, start, radius, speed, changes) if circle.change_every else [goal]
        if group.repeat and not circle.change_every:
            goes.append(start)
        errand = ([] if delay == 0.0 else [(start, delay)]) + [(place, 0.0) for place in goes]
        stage.add(_person(group, start, errand, radius, speed), [goal])


def _wander(
    stage: Stage, circle: Circle, middle: Floats, start: Floats, radius: float, speed: float, luck: Floats
) -> list[Floats]:
    """The places at which somebody turns on a circle, by luck (CHANGES, 4).

    They walk to the opposite point and, once there, to another point of the circle; and at every multiple of
    `change_every` they may drop the one they are bound for and choose another. Where they are then is worked out as if
    nobody were in their way.
    """
    others = middle + circle.radius * unit(2.0 * np.pi * luck[:, 1])
    strays = others + circle.noise * (2.0 * luck[:, 2:] - 1.0)
    others = np.where(stage.open_at(strays, radius)[:, None], strays, others)
    at, goal, time, turns = start, 2.0 * middle - start, 0.0, list[Floats]()
    for chance, other in zip(luck[:, 0], others, strict=True):
        way = goal - at
        left = float(np.hypot(*way)) / speed  # [s]
        bell = circle.change_every * (int(time / circle.change_every + 1e-9) + 1) - time
        arrives = left <= bell
        at = goal if arrives else at + bell / left * way
        time += min(left, bell)
        if arrives or (chance < circle.change_chance and bool(stage.open_at(at, radius))):
            turns.append(at)
            goal = other
    return [*turns, goal]
