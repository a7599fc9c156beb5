"""One sentence per skill that names its arguments, and the way back from the sentence to the call.

A form is text with slots: `{distance_m:ahead}` is the argument, written by a codec. What stands in square brackets
is left out where its argument is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from expressive_motion.robot import Value

_PACE = "[ at {speed} times the calm speed]"
_HOLD = "[, holding it for {hold_s} s]"
FORMS: dict[str, str] = {
    "move": f"Drive {{distance_m:ahead}}{_PACE}.",
    "turn": f"Turn {{angle_deg:side}} on the spot{_PACE}.",
    "rock": f"Rock forward and back {{times:times}} by {{amplitude_m}} m{_PACE}{_HOLD}.",
    "wiggle": f"Swing left and right {{times:times}} by {{amplitude_deg}}°{_PACE}{_HOLD}.",
    "back_away": f"Back away by {{distance_m}} m{_PACE}.",
    "face_person": f"Turn to face the person{_PACE}.",
    "approach_person": f"Drive up to the person, stopping {{distance_m}} m from them[, at their {{side}}]{_PACE}.",
    "follow_person": "Follow the person at {distance_m} m for at most {at_most_s} s[, up to {lost_m} m away].",
    "move_head": f"Turn the head {{pan_deg:pan}} and {{tilt_deg:tilt}}{_PACE}{_HOLD}.",
    "look_at_person": "Look at the person for {hold_s} s.",
    "look_at_place": "Look at the place {ahead_m:ahead} and {left_m:aside} for {hold_s} s.",
    "look_ahead": f"Bring the head back to the middle{_PACE}.",
    "light": "Set the light to {colour}, {pattern}[, {period_s} s each][, at {brightness} of its brightness].",
    "light_off": "Give the light back.",
    "tone": "Play the tone {name}[ at a volume of {volume}].",
    "say": "Say {text:quote}[, {wait:going}].",
    "find_person": "Look for {which:whom} for at most {timeout_s} s.",
    "wait": "Wait {seconds} s.",
}


@dataclass(frozen=True)
class _Codec:
    pattern: str
    write: Callable[[Value], str]
    read: Callable[[str], Value]


_NUMBER = r"\d+(?:\.\d+)?(?:e-?\d+)?"


def _signed(unit: str, plus: str, minus: str, zero: str = "") -> _Codec:
    def write(value: Value) -> str:
        number = float(value)
        if zero and number == 0:
            return zero
        return f"{abs(number):g}{unit} {plus if number >= 0 else minus}"

    def read(text: str) -> Value:
        if zero and text == zero:
            return 0.0
        number = float(text[: text.index(unit)])
        return number if text.endswith(plus) else -number

    pattern = rf"{_NUMBER}{unit} (?:{plus}|{minus})" + (f"|{zero}" if zero else "")
    return _Codec(pattern, write, read)


def _words(table: dict[Value, str]) -> _Codec:
    back = {text: value for value, text in table.items()}
    return _Codec("|".join(map(re.escape, back)), lambda value: table[value], lambda text: back[text])


_TIMES = {1.0: "once", 2.0: "twice"}
CODECS: dict[str, _Codec] = {
    "ahead": _signed(" m", "ahead", "backward"),
    "aside": _signed(" m", "to the left", "to the right"),
    "side": _signed("°", "to the left", "to the right"),
    "pan": _signed("°", "to the left", "to the right", "straight ahead"),
    "tilt": _signed("°", "up", "down", "level"),
    "times": _Codec(
        rf"once|twice|{_NUMBER} times",
        lambda value: _TIMES.get(float(value), f"{value:g} times"),
        lambda text: {"once": 1.0, "twice": 2.0}.get(text) or float(text.split()[0]),
    ),
    "quote": _Codec('".*"', lambda value: f'"{value}"', lambda text: text[1:-1]),
    "going": _words({False: "going on meanwhile", True: "waiting until it is said"}),
    "whom": _words(
        {
            "nearest": "the nearest person",
            "ahead": "the person ahead",
            "left": "the person on the left",
            "right": "the person on the right",
            "behind": "the person behind",
            "fastest": "the fastest person",
        }
    ),
}
_PLAIN = _Codec(
    rf"{_NUMBER}|[a-z]+",
    lambda value: value if isinstance(value, str) else f"{value:g}",
    lambda text: text if text.isalpha() else float(text),
)
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")


def _codec(slot: re.Match[str]) -> _Codec:
    return CODECS[slot[2]] if slot[2] else _PLAIN


def write_call(skill: str, arguments: dict[str, Value]) -> str:
    """The sentence of a call. An argument outside brackets has to be there: KeyError else."""

    def part(text: str) -> str:
        return _SLOT.sub(lambda slot: _codec(slot).write(arguments[slot[1]]), text)

    sentence = ""
    for text in re.split(r"(\[[^]]*\])", FORMS[skill]):
        if text.startswith("["):
            names = [slot[1] for slot in _SLOT.finditer(text)]
            sentence += part(text[1:-1]) if all(name in arguments for name in names) else ""
        else:
            sentence += part(text)
    return sentence


def _pattern(form: str) -> re.Pattern[str]:
    def literal(text: str) -> str:
        result, at = "", 0
        for slot in _SLOT.finditer(text):
            result += re.escape(text[at : slot.start()]) + f"(?P<{slot[1]}>{_codec(slot).pattern})"
            at = slot.end()
        return result + re.escape(text[at:])

    parts = re.split(r"(\[[^]]*\])", form)
    return re.compile("".join(f"(?:{literal(p[1:-1])})?" if p.startswith("[") else literal(p) for p in parts))


_PATTERNS = {skill: _pattern(form) for skill, form in FORMS.items()}
_SLOTS = {skill: {slot[1]: _codec(slot) for slot in _SLOT.finditer(form)} for skill, form in FORMS.items()}


def read_call(sentence: str) -> tuple[str, dict[str, Value]] | None:
    """Skill and arguments of a sentence that `write_call` wrote, None of any other."""
    for skill, pattern in _PATTERNS.items():
        found = pattern.fullmatch(sentence)
        if found:
            return skill, {
                name: _SLOTS[skill][name].read(text) for name, text in found.groupdict().items() if text is not None
            }
    return None
