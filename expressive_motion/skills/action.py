"""What a skill's controller is: told of each moment, it wishes for a motion, until it is done."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from expressive_motion.robot import Call, Description, Value
from expressive_motion.skills.attention import Attention
from expressive_motion.skills.drive import Drive
from expressive_motion.skills.embodiment import LightState, Utterance, View
from expressive_motion.skills.head_motion import HeadGoal, HeadMotion
from sac_son_nav.states import Floats

GAIN = 5.0  # [1/s] with which the last stretch of a motion is closed
BRAKES = 0.8  # share of the calm braking that is counted on to end in the right place


@dataclass(frozen=True)
class Moment:
    """What a controller knows at one step. `dt` [s] since its last, never more than a controller can bear; `base`:
    whether the base may move now."""

    view: View
    dt: float
    description: Description
    attention: Attention
    drive: Drive
    head: HeadMotion | None
    base: bool
    base_allowed: bool  # not forbidden by the instruction
    speech_left_s: float = 0.0  # of what is being said

    @property
    def pose(self) -> Floats:
        """(3,) [m, m, rad]"""
        return self.view.robot.pose

    def bearing(self, place: Floats) -> float:
        """Direction of a place (2,) seen from the base [rad]."""
        x, y, yaw = self.pose.tolist()
        return turn_between(yaw, math.atan2(place[1] - y, place[0] - x))

    def distance(self, place: Floats) -> float:
        """Distance of a place (2,) from the base's centre [m]."""
        x, y, _ = self.pose.tolist()
        return math.hypot(place[0] - x, place[1] - y)


@dataclass(frozen=True)
class Wish:
    """What a controller wants until its next step. `head` None: as before; `light` None: as before."""

    linear: float = 0.0
    angular: float = 0.0
    head: HeadGoal | None = None
    light: LightState | None = None
    utterance: Utterance | None = None


NOTHING = Wish()


class Action:
    """A skill under way. `done` ends it, `value` is what its call returns. `instant`: it takes no time, so the next
    may begin within the same step."""

    instant: ClassVar[bool] = False

    def __init__(self, call: Call, moment: Moment) -> None:
        self.call = call
        self.elapsed_s = 0.0
        self._begun = False
        self.done = False
        self.returns = moment.description.skills[call.skill].returns
        self.at_most_s = moment.description.skills[call.skill].at_most_s
        self.value: Value | None = {"flag": False, "number": 0.0}.get(self.returns)

    def number(self, name: str) -> float:
        """An argument that is a number."""
        value = self.call.arguments[name]
        assert isinstance(value, float)
        return value

    def text(self, name: str) -> str:
        """An argument that is a text or a choice."""
        return str(self.call.arguments[name])

    def step(self, moment: Moment) -> Wish:
        """The wish for this moment; ends the skill when its time is over."""
        self.elapsed_s += moment.dt if self._begun else 0.0  # the time before it began isn't its own
        self._begun = True
        wish = self.control(moment)
        if not self.done and self.elapsed_s >= self.at_most_s:
            self.done = True
        return wish

    def control(self, moment: Moment) -> Wish:
        """What the skill itself does."""
        raise NotImplementedError

    def end(self, value: Value | None = None) -> Wish:
        """The skill is done."""
        self.done, self.value = True, self.value if value is None else value
        return NOTHING


def speed_to(error: float, fastest: float, braking: float) -> float:
    """The speed at which to close an error, its sign included: as fast as is allowed, so that `braking` is enough to
    end there, proportional at the end. Metres or radians."""
    return math.copysign(min(fastest, math.sqrt(2.0 * BRAKES * braking * abs(error)), GAIN * abs(error)), error)


def turn_between(start: float, end: float) -> float:
    """The smaller turn from one direction to another [rad]."""
    turn = float(end - start)
    return math.atan2(math.sin(turn), math.cos(turn))
