"""What one behaviour may use up, however its program goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from expressive_motion.errors import ProgramError
from expressive_motion.robot import Call
from expressive_motion.skills.embodiment import Utterance, View
from sac_son_nav.errors import ConfigError

LEAP_M = 0.5  # between two steps less than LEAP_S apart: no base moves so, the pose has changed its meaning
LEAP_S = 0.2
STOPS_S = 0.15  # of the present speed, kept before the end of the reach


@dataclass(frozen=True)
class Budget:
    """The most of everything that a behaviour may use. How far it may go from where it began is the robot's own
    `reach_m`."""

    calls: int = 1000
    time_s: float = 120.0
    path_m: float = 15.0  # the length of the way, there and back
    waiting_s: float = 60.0  # in skills that do nothing but wait
    sentences: int = 12
    speech_s: float = 60.0
    tones: int = 30

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"budget {f.name}: expected a number above zero, got {value}")


class Spending:
    """What has been used of a budget. Every method raises ProgramError, once there is too little left."""

    def __init__(self, budget: Budget, reach_m: float) -> None:
        self._budget, self._reach_m = budget, reach_m
        self._start: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None
        self.calls = self.sentences = self.tones = 0
        self.time_s = self.path_m = self.waiting_s = self.speech_s = 0.0

    def call(self, call: Call) -> None:
        """One more call."""
        self.calls += 1
        if self.calls > self._budget.calls:
            raise ProgramError(f"{call.skill}: expected at most {self._budget.calls} calls in all, got one more")

    def utter(self, utterance: Utterance) -> None:
        """One more thing to be heard."""
        if utterance.kind == "tone":
            self.tones += 1
            _within("tone", self.tones, self._budget.tones, "sounds")
            return
        self.sentences += 1
        self.speech_s += utterance.duration_s
        _within("say", self.sentences, self._budget.sentences, "sentences")
        _within("say", self.speech_s, self._budget.speech_s, "s of speech")

    def moment(self, view: View, gap: float, waits: bool, speed: float) -> None:
        """`gap` [s] later, `waits`: spent waiting; `speed` [m/s] was asked of the base."""
        x, y, _ = view.robot.pose.tolist()
        place = (x, y)
        if self._start is None or self._last is None:
            self._start = self._last = place
        way = math.dist(place, self._last)
        before, apart = math.dist(self._last, self._start), math.dist(place, self._start)
        self._last = place
        if way > LEAP_M and gap < LEAP_S:
            raise ProgramError(f"the behaviour: the robot's pose leapt by {way:.1f} m, so nothing can go by it")
        self.time_s += gap
        self.path_m += way
        self.waiting_s += gap if waits else 0.0
        _within("the behaviour", self.time_s, self._budget.time_s, "s in all")
        _within("the behaviour", self.path_m, self._budget.path_m, "m of way")
        _within("the behaviour", self.waiting_s, self._budget.waiting_s, "s of waiting")
        if speed != 0.0 and apart > before and apart + abs(speed) * STOPS_S > self._reach_m:
            raise ProgramError(
                f"the behaviour: expected to stay within {self._reach_m:g} m of where it began, "
                f"got to {apart:.2f} m and going on"
            )


def _within(who: str, used: float, most: float, what: str) -> None:
    if used > most:
        raise ProgramError(f"{who}: expected at most {most:g} {what}, got more")
