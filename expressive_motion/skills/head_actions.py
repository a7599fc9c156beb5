"""Skills that look: move_head, look_ahead, look_at_person, look_at_place; a robot without a neck turns its base."""

from __future__ import annotations

import math

import numpy as np

from expressive_motion.robot import Call
from expressive_motion.skills.action import Action, Moment, Wish, speed_to
from expressive_motion.skills.head_motion import HeadGoal
from expressive_motion.skills.person_actions import sight_rate
from sac_son_nav.geometry import compose
from sac_son_nav.states import Floats

EYES = 0.4  # [m] height of the robot's eyes
FACE = 1.55  # [m] height of a person's face
ON_TARGET = math.radians(3.0)  # off what it looks at, still looking at it
MARGIN = math.radians(5.0)  # from the end of the head's range, where the base begins to help
EASED = 0.5  # share of the head's range back to which the base then turns
NEAREST = 0.3  # [m] nearer than which a direction means little
TRACKS = 2.0  # times the calm speed a head may turn at, to keep up with somebody


class MoveHead(Action):
    """move_head and look_ahead"""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        ahead = call.skill == "look_ahead"
        self._hold_s = 0.0 if ahead else self.number("hold_s")
        angles = (0.0, 0.0) if ahead else (self.number("pan_deg"), self.number("tilt_deg"))
        calm = moment.head.calm_speed if moment.head is not None else 1.0
        self._goal = HeadGoal(np.radians(np.array(angles)), calm * self.number("speed"))
        self._aimed, self._held_s = False, 0.0

    def control(self, moment: Moment) -> Wish:
        """Turn there, then hold."""
        if moment.head is None:
            return self.end()
        if self._aimed and moment.head.arrived:
            self._held_s += moment.dt
            if self._held_s > self._hold_s:
                return self.end()
        self._aimed = True
        return Wish(head=self._goal)


class Look(Action):
    """Keeps looking at something: what look_at_person and look_at_place share."""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._hold_s = self.number("hold_s")
        self._held_s = 0.0
        self._on_it = False
        self._helps = False

    def look(self, place: Floats, velocity: Floats, height: float, moment: Moment) -> Wish:
        """The wish that keeps eyes on a `place` (2,) [m] moving at `velocity` (2,) [m/s], at a height [m]; once they
        are there the time it is held counts."""
        if self._on_it:
            self._held_s += moment.dt
        pan, apart = moment.bearing(place), moment.distance(place)
        if moment.head is None:
            self._on_it = self._on_it or abs(pan) < ON_TARGET
            return self._turn_base(pan, sight_rate(place, velocity, moment), moment)
        tilt = math.atan2(height - EYES, max(apart, NEAREST))
        rate = sight_rate(place, velocity, moment) - moment.drive.last.angular
        goal = HeadGoal(np.array([pan, tilt]), TRACKS * moment.head.calm_speed, np.array([rate, 0.0]))
        near_end = moment.head.high[0] - MARGIN if pan > 0.0 else -moment.head.low[0] - MARGIN
        out = abs(pan) > near_end
        within = float(min(max(pan, moment.head.low[0]), moment.head.high[0]))
        helped = moment.base and moment.base_allowed
        if abs(moment.head.angles[0] - within) < ON_TARGET and (not out or not helped):
            self._on_it = True
        self._helps = helped and (out or (self._helps and abs(pan) > EASED * near_end))
        if not self._helps:
            return Wish(head=goal)
        w = speed_to(pan, moment.description.body.base.calm_turn, moment.drive.turning)
        return Wish(0.0, w, goal)

    @property
    def enough(self) -> bool:
        """Whether it has been looked at for long enough."""
        return self._on_it and self._held_s >= self._hold_s

    def _turn_base(self, pan: float, rate: float, moment: Moment) -> Wish:
        top = max(
            moment.description.body.base.calm_turn, min(1.5 * abs(rate), moment.description.profile.limits.wz_max)
        )
        w = speed_to(pan, moment.description.body.base.calm_turn, moment.drive.turning) + rate
        return Wish(0.0, min(max(w, -top), top))


class LookAtPerson(Look):
    """look_at_person"""

    def control(self, moment: Moment) -> Wish:
        """Until it was long enough, or they are gone."""
        person = moment.attention.person
        if person is None:
            return self.end(False)
        wish = self.look(person.position, person.velocity, FACE, moment)
        return self.end(True) if self.enough else wish


class LookAtPlace(Look):
    """look_at_place: a place of the floor, which stays where it is when the base turns."""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        there = np.array([self.number("ahead_m"), self.number("left_m"), 0.0])
        self._place = compose(moment.pose, there)[:2]

    def control(self, moment: Moment) -> Wish:
        """Until it was long enough."""
        wish = self.look(self._place, np.zeros(2), 0.0, moment)
        return self.end() if self.enough else wish
