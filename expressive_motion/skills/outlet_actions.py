"""Skills of light, sound, speech and time."""

from __future__ import annotations

import math

from expressive_motion.robot import Call, Description
from expressive_motion.skills.action import Action, Moment, Wish
from expressive_motion.skills.embodiment import LIGHT_OFF, LightState, Utterance

BREATH_S = 0.3  # before and after a sentence
TONE_S = 0.5


def speech_s(text: str, description: Description) -> float:
    """How long a sentence takes to say [s], by the voice's words per minute."""
    voice = description.body.voice
    return BREATH_S + 60.0 * len(text.split()) / (voice.words_per_minute if voice is not None else 150.0)


class ShowLight(Action):
    """light and light_off"""

    instant = True

    def control(self, moment: Moment) -> Wish:
        """Set it."""
        self.end()
        if self.call.skill == "light_off":
            return Wish(light=LIGHT_OFF)
        return Wish(
            light=LightState(
                self.text("colour"), self.text("pattern"), self.number("period_s"), self.number("brightness")
            )
        )


class Tone(Action):
    """tone"""

    instant = True

    def control(self, moment: Moment) -> Wish:
        """Begin it."""
        self.end()
        return Wish(utterance=Utterance("tone", self.text("name"), self.number("volume"), TONE_S))


class Say(Action):
    """say: one sentence at a time."""

    instant = True

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._left_s = math.inf  # until it is over; infinite while it hasn't begun

    def control(self, moment: Moment) -> Wish:
        """Begin it when the one before is over, then wait if that was asked for."""
        if math.isfinite(self._left_s):
            self._left_s -= moment.dt
            return self.end() if self._left_s <= 0.0 else Wish()
        if moment.speech_left_s > 0.0:
            return Wish()
        text = self.text("text")
        self._left_s = speech_s(text, moment.description)
        if not self.call.arguments["wait"]:
            self.end()
        return Wish(utterance=Utterance("speech", text, 1.0, self._left_s))


class Wait(Action):
    """wait"""

    def control(self, moment: Moment) -> Wish:
        """Nothing, for a while."""
        return self.end() if self.elapsed_s > self.number("seconds") else Wish()
