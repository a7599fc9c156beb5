"""Skills that ask what there is to see: find_person, person_is_here, distance_to_person, person_speed."""

from __future__ import annotations

import math

import numpy as np

from expressive_motion.robot import Call
from expressive_motion.skills.action import Action, Moment, Wish
from expressive_motion.skills.embodiment import FAR
from expressive_motion.skills.head_motion import HeadGoal

GLANCE = math.radians(50.0)  # to either side, while looking round
GLANCE_S = 1.2  # from one side to the other


class FindPerson(Action):
    """find_person"""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._timeout_s = self.number("timeout_s")

    def control(self, moment: Moment) -> Wish:
        """Look round until there is such a person."""
        if moment.attention.choose(self.text("which"), moment.view):
            return self.end(True)
        if self.elapsed_s >= self._timeout_s:
            return self.end(False)
        if moment.head is None:
            return Wish()
        side = GLANCE if int(self.elapsed_s / GLANCE_S) % 2 == 0 else -GLANCE
        return Wish(head=HeadGoal(np.array([side, 0.0]), moment.head.calm_speed))


class Ask(Action):
    """distance_to_person and person_speed"""

    instant = True

    def control(self, moment: Moment) -> Wish:
        """Answer from what is seen."""
        person = moment.attention.person
        if self.call.skill == "distance_to_person":
            return self.end(min(moment.distance(person.position), FAR) if person is not None else FAR)
        return self.end(person.speed if person is not None else 0.0)


class PersonIsHere(Action):
    """person_is_here. A row of questions begins with the first, and with the first after a no; its time runs from
    there. Questions with other numbers are another row: asking in a loop whether somebody is quite near, and hearing
    no, must not make the loop young again."""

    instant = True

    def control(self, moment: Moment) -> Wish:
        """Whether they are near, and the row is young enough."""
        person = moment.attention.person
        within_m, at_most_s = self.number("within_m"), self.number("at_most_s")
        near = person is not None and moment.distance(person.position) <= within_m
        young = moment.attention.asked_for_s((within_m, at_most_s)) < at_most_s
        moment.attention.answered((within_m, at_most_s), near and young)
        return self.end(near and young)
