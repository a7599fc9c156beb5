"""What one body can use to mean one thing: a nod with the head, else by rocking, else by light or tone.

Every cue takes what the instruction forbids into account and returns a plan, empty where nothing is left. Where an
explicit wish could not be met as it was said, the stage notes a sentence about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from expressive_motion.offline.quantities import Manner
from expressive_motion.offline.script import Gesture, Plan, do
from expressive_motion.robot import MODALITIES, Description, Value

COLOURS = {
    "white": ("white", "yellow", "green"), "red": ("red", "orange"), "green": ("green", "white"),
    "blue": ("blue", "white", "green"), "orange": ("orange", "yellow"), "yellow": ("yellow", "orange", "white"),
    "purple": ("purple", "blue", "orange"),
}  # fmt: skip
TONES = {"rising": ("rising", "chime"), "falling": ("falling", "soft"), "chime": ("chime", "rising", "soft"),
         "soft": ("soft", "chime"), "alert": ("alert", "rising")}  # fmt: skip
_UNSAID = dict.fromkeys(("rock", "wiggle", "move_head"), ("speed", "hold_s"))  # left out where they are as usual
PATTERNS = {"pulse": ("pulse", "blink", "steady"), "blink": ("blink", "pulse", "steady"), "steady": ("steady",)}


@dataclass
class Stage:
    """A body, what is forbidden, and the manner of the moment; collects what had to be left out."""

    description: Description
    forbidden: frozenset[str] = frozenset()
    manner: Manner = field(default_factory=Manner)
    left_out: list[str] = field(default_factory=list)
    without: frozenset[str] = frozenset()  # intents that the instruction rules out

    def can(self, skill: str) -> bool:
        """Whether the robot has the skill and may use it."""
        known = self.description.skills.get(skill)
        return known is not None and not any(MODALITIES[part] in known.effects for part in self.forbidden)

    def leave_out(self, sentence: str) -> None:
        """Notes what is not done, once."""
        if sentence not in self.left_out:
            self.left_out.append(sentence)

    def call(self, skill: str, told: str = "", **arguments: Value) -> Plan:
        """One call with its numbers brought into range. `told`: an argument a person gave, noted when not kept."""
        if not self.can(skill):
            return ()
        kept: dict[str, Value] = {}
        for parameter in self.description.skills[skill].parameters:
            if parameter.name not in arguments:
                continue
            value = arguments[parameter.name]
            if parameter.kind == "number":
                value = round(min(max(float(value), parameter.low), parameter.high), 3)
                if parameter.name == told and abs(value - float(arguments[told])) > 1e-3:
                    unit = {"degrees": "°"}.get(parameter.unit, f" {parameter.unit.split(' ')[0]}")
                    self.leave_out(f"I can do {value:g}{unit} there, not {float(arguments[told]):g}{unit}.")
            if value == parameter.default and parameter.name in _UNSAID.get(skill, ("speed",)):
                continue  # not worth a word
            kept[parameter.name] = value
        return (do(skill, **kept),)

    def pace(self, usual: float = 1.0) -> float:
        """The speed of a movement, as a factor of the calm one."""
        return round(min(max(usual * self.manner.pace, 0.3), 2.0), 2)

    def size(self, usual: float) -> float:
        """The size of a movement."""
        return round(usual * min(max(self.manner.size, 0.4), 1.8), 3)

    # ------------------------------------------------------------------------------------------------- movements

    def nod(self, times: int = 2) -> Plan:
        """Says yes."""
        if "nod" in self.without:
            return ()
        if self.can("move_head"):
            down = self.call("move_head", pan_deg=0.0, tilt_deg=-self.size(18.0), speed=self.pace())
            up = self.call("move_head", pan_deg=0.0, tilt_deg=self.size(6.0), speed=self.pace())
            return (Gesture("nod" if times != 1 else "nod once", (down + up) * min(times, 6) + self.home()),)
        if self.can("rock"):
            return self._rock("nod with the whole body", times)
        return ()

    def yes(self) -> Plan:
        """A short sign of having heard: a nod, or a tone where the whole body would have to rock for it."""
        return (
            self.nod(1) if self.can("move_head") else self.tone("rising", 0.3) if "sound" not in self.forbidden else ()
        )

    def _rock(self, label: str, times: int, hold_s: float = 0.0) -> Plan:
        call = self.call("rock", amplitude_m=self.size(0.04), times=min(times, 6), speed=self.pace(0.8), hold_s=hold_s)
        return (Gesture(label, call),)

    def shake(self, times: int = 2) -> Plan:
        """Says no."""
        if "shake" in self.without:
            return ()
        if self.can("move_head"):
            left = self.call("move_head", pan_deg=self.size(22.0), tilt_deg=0.0, speed=self.pace(1.2))
            right = self.call("move_head", pan_deg=-self.size(22.0), tilt_deg=0.0, speed=self.pace(1.2))
            return (Gesture("shake the head", (left + right) * min(times, 5) + self.home()),)
        return self.wiggle(times, "shake the whole body")

    def wiggle(self, times: int = 2, label: str = "wiggle") -> Plan:
        """Swings the base left and right."""
        if not self.can("wiggle"):
            return ()
        call = self.call("wiggle", amplitude_deg=self.size(14.0), times=min(times, 6), speed=self.pace())
        return (Gesture(label, call),)

    def bow(self, hold_s: float = 0.8) -> Plan:
        """Lowers the head, or leans forward by rolling, for a moment."""
        if self.can("move_head"):
            down = self.call("move_head", pan_deg=0.0, tilt_deg=-self.size(25.0), speed=self.pace(0.7), hold_s=hold_s)
            return (Gesture("bow", down + self.home()),)
        return self._rock("bow", 1, hold_s) if self.can("rock") else ()

    def droop(self, hold_s: float = 1.0) -> Plan:
        """Hangs the head; a base leans forward slowly instead."""
        if self.can("move_head"):
            call = self.call("move_head", pan_deg=0.0, tilt_deg=-25.0, speed=0.5, hold_s=hold_s)
            return (Gesture("hang the head", call),)
        if self.can("rock"):
            return (Gesture("sink slowly", self.call("rock", amplitude_m=0.05, times=1, speed=0.4, hold_s=hold_s)),)
        return ()

    def lift(self) -> Plan:
        """Raises the head and brings it back to the middle."""
        if not self.can("move_head"):
            return ()
        up = self.call("move_head", pan_deg=0.0, tilt_deg=12.0, speed=self.pace(), hold_s=0.4)
        return (Gesture("raise the head", up + self.home()),)

    def aside(self, left: bool = True) -> Plan:
        """Turns the head aside for a moment; a base turns and comes back."""
        sign = 1.0 if left else -1.0
        if self.can("move_head"):
            call = self.call("move_head", pan_deg=sign * 35.0, tilt_deg=-8.0, speed=self.pace(0.8), hold_s=0.8)
            return (Gesture("look aside", call + self.home()),)
        if self.can("turn"):
            away = self.call("turn", angle_deg=sign * 25.0, speed=self.pace())
            back = self.call("turn", angle_deg=-sign * 25.0, speed=self.pace())
            return (Gesture("look aside", away + self.call("wait", seconds=0.8) + back),)
        return ()

    def home(self) -> Plan:
        """The head in the middle."""
        return self.call("look_ahead")

    def look(self, hold_s: float = 1.0) -> Plan:
        """Looks at the person, with the head or by turning."""
        return () if "look_person" in self.without else self.call("look_at_person", hold_s=hold_s)

    # ---------------------------------------------------------------------------------------- light, tone, speech

    def light(self, colour: str, pattern: str = "steady", period_s: float = 1.5, told: bool = False) -> Plan:
        """Sets the light, to the nearest colour and pattern there is."""
        if not self.can("light") or "light" in self.without:
            return ()
        by_name = {p.name: p.choices for p in self.description.skills["light"].parameters}
        shown = _first(COLOURS.get(colour, (colour, "white", "green")), by_name["colour"])
        way = _first(PATTERNS.get(pattern, (pattern,)), by_name["pattern"])
        if told and shown != colour:
            self.leave_out(f"My light can't be {colour}, so I show {shown} instead.")
        if told and way != pattern:
            self.leave_out(f"My light can't {pattern}, so it is {way} instead.")
        if way == "steady":
            return self.call("light", colour=shown, pattern=way)
        return self.call("light", colour=shown, pattern=way, period_s=period_s)

    def tone(self, name: str, volume: float = 0.4) -> Plan:
        """Plays a tone, or the nearest there is."""
        if not self.can("tone") or "tone" in self.without:
            return ()
        choices = next(p.choices for p in self.description.skills["tone"].parameters if p.name == "name")
        return self.call("tone", name=_first(TONES.get(name, (name,)), choices), volume=volume)

    def say(self, text: str, wait: bool = True) -> Plan:
        """Says a sentence, nothing where the robot has no voice or may not use it."""
        if "say" in self.without:
            return ()
        return self.call("say", text=text) if wait else self.call("say", text=text, wait=False)

    def speak_or(self, text: str, tone: str, wait: bool = True) -> Plan:
        """The sentence, else a tone; with neither, light or a small movement."""
        return self.say(text, wait) or self.tone(tone) or self.light("white", "pulse") or self.wiggle(1)


def _first(wanted: Sequence[str], there: Sequence[str]) -> str:
    return next((name for name in wanted if name in there), there[0])
