"""Skills that move the base with a person in mind: face_person, approach_person, follow_person."""

from __future__ import annotations

import math

import numpy as np

from expressive_motion.robot import Call
from expressive_motion.skills.action import Action, Moment, Wish, speed_to, turn_between
from expressive_motion.skills.attention import WALKS, Person
from sac_son_nav.states import Floats

FACES = math.radians(3.0)  # off a person's direction, still facing them
FACES_WALKER = math.radians(30.0)  # the same of somebody who walks past
STOPS_S = 0.5  # before somebody who comes is as near as asked for, the base begins to stop
AT_REST = 0.03  # [m/s]
SPARE = 0.02  # [m] added to the distance asked for, so that it isn't gone below
ARRIVES = 0.03  # [m] off the distance asked for, still there
BESIDE = math.radians(8.0)  # off the side asked for, still there
GIVES_UP_S = 4.0  # of being blocked
FRONT = math.radians(30.0)  # off the direction somebody faces, still in front of them
BACK = math.radians(100.0)  # further off it, behind their back; they are not gone round
ROUNDS = math.radians(35.0)  # further round a person than this is not gone in one stretch
DETOUR = 1.1  # times the distance asked for, kept on the way round
TURNS_FIRST = math.radians(50.0)  # off its way, the base turns before it drives
PREDICTS_S = 1.0  # how far ahead somebody's walk is counted on
STEER = 2.5  # [1/s] per radian off the way
CLOSES = 1.2  # [1/s] per metre of a follower's gap
TOO_CLOSE = 0.05  # [m] nearer than asked for, without backing


class FacePerson(Action):
    """face_person"""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._fastest = moment.description.body.base.calm_turn * self.number("speed")

    def control(self, moment: Moment) -> Wish:
        """Turn until it faces them."""
        person = moment.attention.person
        if person is None:
            return self.end(False)
        wish = facing(person, self._fastest, moment)
        if moment.base and abs(moment.bearing(person.position)) < FACES:
            return self.end(True)
        return wish


class ApproachPerson(Action):
    """approach_person: to a place at a distance from the person, round them if need be, facing them at the end.

    In front of somebody is where they face, as far as can be told from how they last walked; of somebody who has only
    stood, or has turned their back, the side from which the robot comes. Somebody walking is met on the straight line:
    a robot slower than they are can't get round them.
    """

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._distance = self.number("distance_m") + SPARE
        base = moment.description.body.base
        self._speed = base.calm_speed * self.number("speed")
        self._turn = base.calm_turn * self.number("speed")
        self._side = self.text("side")
        self._came_from: float | None = None
        self._there = False

    def control(self, moment: Moment) -> Wish:
        """On to the place, then face them."""
        person = moment.attention.person
        if person is None or moment.drive.blocked_s > GIVES_UP_S:
            return self.end(False)
        apart = moment.distance(person.position)
        bearing = self._bearing(person, moment)
        around = turn_between(self._now(person, moment), bearing)
        closing = max(0.0, closing_speed(person, moment))
        self._there = self._placed(apart, closing, around, person, slack=2.0 if self._there else 1.0)
        if self._there:
            wish = facing(person, self._turn, moment)
            off = abs(moment.bearing(person.position))
            walks = person.speed >= WALKS
            rests = walks or abs(moment.drive.last.linear) < AT_REST
            if moment.base and rests and off < (FACES_WALKER if walks else FACES):
                return self.end(True)
            return wish
        return self._drive(person, bearing, around, moment)

    def _now(self, person: Person, moment: Moment) -> float:
        """Direction [rad] in which the person has the robot."""
        (x, y, _), (px, py) = moment.pose.tolist(), person.position.tolist()
        return math.atan2(y - py, x - px)

    def _bearing(self, person: Person, moment: Moment) -> float:
        """Direction [rad] from the person to the place to be in."""
        now = self._now(person, moment)
        if self._came_from is None:
            self._came_from = now
        faces = person.facing if person.facing is not None else self._came_from
        if self._side == "front":
            if person.speed >= WALKS or person.facing is None:
                return now
            off = turn_between(faces, now)
            if abs(off) > BACK:
                return now
            return faces + math.copysign(min(abs(off), FRONT), off)
        return faces + (0.5 * math.pi if self._side == "left" else -0.5 * math.pi)

    def _placed(self, apart: float, closing: float, around: float, person: Person, slack: float) -> bool:
        """Whether this is the place; for somebody who walks towards the robot, near enough is."""
        if person.speed >= WALKS:
            return apart - closing * STOPS_S <= self._distance + ARRIVES and (
                self._side == "front" or abs(around) < 4.0 * BESIDE
            )
        return abs(apart - self._distance) < slack * ARRIVES and abs(around) < slack * BESIDE

    def _drive(self, person: Person, bearing: float, around: float, moment: Moment) -> Wish:
        at = bearing - around  # now
        far = abs(around) > ROUNDS
        round_to = at + math.copysign(min(abs(around), ROUNDS), around)
        radius = self._distance * (DETOUR if far else 1.0)
        ahead_s = min(PREDICTS_S, moment.distance(person.position) / max(self._speed, 0.1))
        centre = person.position + person.velocity * (ahead_s if person.speed >= WALKS else 0.0)
        target = centre + radius * np.array([math.cos(round_to), math.sin(round_to)])
        away = float(person.velocity @ np.array([math.cos(moment.pose[2]), math.sin(moment.pose[2])]))
        fastest = min(self._speed + max(away, 0.0), moment.description.profile.limits.vx_max)
        return drive_to(target, fastest, moment, passing=far)


class FollowPerson(Action):
    """follow_person: keeps a distance along the line of sight, as fast as they walk."""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._distance = self.number("distance_m")
        self._lost_m = self.number("lost_m")
        self._for_s = self.number("at_most_s")

    def control(self, moment: Moment) -> Wish:
        """Close the gap, and the angle."""
        person = moment.attention.person
        apart = math.inf if person is None else moment.distance(person.position)
        if person is None or apart > self._lost_m:
            return self.end(False)
        if self.elapsed_s >= self._for_s:
            return self.end(moment.base and person.seen)
        gap, off = apart - self._distance, moment.bearing(person.position)
        away = -closing_speed(person, moment)
        v = max(away, 0.0) + CLOSES * gap
        if gap < -TOO_CLOSE or abs(off) > TURNS_FIRST:
            v = min(v, 0.0)
        limits = moment.description.profile.limits
        w = STEER * off
        return Wish(
            min(max(v * max(math.cos(off), 0.0), 0.0), limits.vx_max), min(max(w, -limits.wz_max), limits.wz_max)
        )


def facing(person: Person, fastest: float, moment: Moment) -> Wish:
    """Turn towards a person, and with them while they walk."""
    off = moment.bearing(person.position)
    rate = sight_rate(person.position, person.velocity, moment)
    w = speed_to(off, fastest, moment.drive.turning) + rate
    top = max(fastest, min(abs(rate) * 1.5, moment.description.profile.limits.wz_max))
    return Wish(0.0, min(max(w, -top), top))


def drive_to(target: Floats, fastest: float, moment: Moment, passing: bool = False) -> Wish:
    """Drive to a place, turning first where it lies aside; `passing`: it isn't stopped at."""
    off, apart = moment.bearing(target), moment.distance(target)
    w = min(max(STEER * off, -moment.description.body.base.calm_turn), moment.description.body.base.calm_turn)
    if abs(off) > TURNS_FIRST and apart > 0.06:
        return Wish(0.0, w)
    limits = moment.description.profile.limits
    if apart < 0.15 and not passing:  # too near to steer by direction
        ahead = apart * math.cos(off)
        v = speed_to(ahead, fastest, moment.drive.deceleration)
        return Wish(max(v, limits.vx_min), w if apart > 0.04 else 0.0)
    v = fastest if passing else speed_to(apart, fastest, moment.drive.deceleration)
    return Wish(v * max(math.cos(off), 0.0), w)


def closing_speed(person: Person, moment: Moment) -> float:
    """How fast [m/s] a person's own walk brings them nearer."""
    (x, y, _), (px, py), (vx, vy) = moment.pose.tolist(), person.position.tolist(), person.velocity.tolist()
    return (vx * (x - px) + vy * (y - py)) / max(math.hypot(x - px, y - py), 1e-6)


def sight_rate(place: Floats, velocity: Floats, moment: Moment) -> float:
    """How fast [rad/s] the direction of somebody at `place` moving at `velocity` changes in the world."""
    (robot_x, robot_y, _), (vx, vy) = moment.pose.tolist(), velocity.tolist()
    x, y = float(place[0]) - robot_x, float(place[1]) - robot_y
    return (x * vy - y * vx) / max(x * x + y * y, 0.04)
