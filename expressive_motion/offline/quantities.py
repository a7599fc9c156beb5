"""How much, how often, which way and in what manner: the modifiers of a clause."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = {
    "a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0,
    "eight": 8.0, "nine": 9.0, "ten": 10.0, "twelve": 12.0, "fifteen": 15.0, "twenty": 20.0, "thirty": 30.0,
    "forty": 40.0, "forty-five": 45.0, "fifty": 50.0, "sixty": 60.0, "ninety": 90.0, "half a": 0.5, "half": 0.5,
    "a quarter of a": 0.25, "a couple of": 2.0, "a few": 3.0, "several": 3.0, "some": 3.0, "a hundred": 100.0,
    "a hundred and eighty": 180.0, "one hundred and eighty": 180.0, "one and a half": 1.5,
}  # fmt: skip
NUMBER = r"(?:\d+(?:[.,]\d+)?|" + "|".join(rf"{word}(?![\w-])" for word in sorted(WORDS, key=lambda w: -len(w))) + r")"
_UNITS = {
    "degrees": (rf"({NUMBER})\s*(?:degrees?|deg\b|°)", 1.0),
    "metres": (rf"({NUMBER})\s*(?:met(?:re|er)s?|m)\b", 1.0),
    "centimetres": (rf"({NUMBER})\s*(?:centimet(?:re|er)s?|cm)\b", 0.01),
    "feet": (rf"({NUMBER})\s*(?:feet|foot|ft)\b", 0.3048),
    "seconds": (rf"({NUMBER})\s*(?:seconds?|secs?|s)\b", 1.0),
    "minutes": (rf"({NUMBER})\s*(?:minutes?|mins?)\b", 60.0),
    "times": (rf"({NUMBER})\s*(?:times|x)\b", 1.0),
}
_UNITS_COMPILED = {name: (re.compile(rf"(?<![\w.]){pattern}"), scale) for name, (pattern, scale) in _UNITS.items()}
_TURNS = (
    (re.compile(r"\b(?:half(?: a)?[ -]turn|u-turn|right round|turn around|turn round|about[ -]face"
    r"|other way)\b"), 180.0),
    (re.compile(r"\b(?:quarter[ -](?:of a )?turn|quarter of a turn)\b"), 90.0),
    (re.compile(r"\b(?:(?:full|whole|complete|one)[ -](?:turn|circle|rotation|spin)|pirouette|twirl|spin"
    r"|in a circle|all the"
                r" way (?:a)?round|once around|on your axis)\b"), 360.0),
)  # fmt: skip
_SIDES = (
    ("left", r"\bleft|counter-?clockwise|anti-?clockwise"),
    (
        "right",
        (
            r"(?<!that's )(?<!put )\bright(?! (?:there|now|after|away|before|here))"
            r"|(?<!counter)(?<!anti)(?<!-)clockwise"
        ),
    ),
    ("up", r"\bup(?:wards?)?(?! to)\b|\bceiling|\bsky|\brais"),
    ("down", r"\bdown(?:wards?)?\b|\bfloor|\bground|\blower|\bhang|\bdrop"),
    ("back", r"\bback(?:wards?)?\b|\breverse|\bretreat|\baway\b|\bbehind\b"),
    ("forward", r"\bforwards?\b|\bahead\b|\bstraight\b|\bfront\b"),
)
_PEOPLE = (
    ("left", r"(?:person|man|woman|one|visitor|them|child|somebody|someone|guest)\w* (?:on|to|at) (?:your|the) left"),
    ("right", (r"(?:person|man|woman|one|visitor|them|child|somebody|someone|guest)\w* (?:on|to|at) (?:your"
    r"|the) right")),
    ("behind", (r"(?:person|man|woman|one|visitor|them|child|somebody|someone|guest)\w* (?:who is )?(?:behind"
    r"|in back of)")),
    ("ahead", (r"(?:person|man|woman|one|visitor|child|somebody|someone|guest)\w* (?:straight )?(?:ahead"
    r"|in front) of you")),
    ("fastest", (r"(?:fastest|quickest|running|hurrying) (?:person|one|man|woman|visitor|child)|whoever (?:is"
    r"|walks|runs) "
                r"(?:the )?fast\w*")),
    ("nearest", (r"(?:nearest|closest) (?:person|one|man|woman|visitor|child)|whoever is (?:nearest|closest"
    r"|next to you)")),
)  # fmt: skip
# word → (size, pace): how far the movements go and how quickly, as factors
_MANNERS = (
    (r"slow(?:ly|er)?(?! down)|leisurely|unhurried(?:ly)?", 1.0, 0.6),
    ((r"gent(?:ly|le)|soft(?:ly)?|careful(?:ly)?|calm(?:ly)?|tender(?:ly)?|quietly|cautious(?:ly)?"
    r"|peaceful(?:ly)?"), 0.8, 0.7),
    (r"quick(?:ly|er)?|fast(?:er)?|brisk(?:ly)?|swift(?:ly)?|rapid(?:ly)?|hast(?:ily|y)", 1.0, 1.5),
    ((r"big(?:ger)?|large(?:ly)?|wide(?:ly)?|clear(?:ly)?|strong(?:ly)?|exaggerated(?:ly)?|deep(?:ly)?"
    r"|vigorous(?:ly)?"), 1.4, 1.0),
    ((r"small|slight(?:ly)?|subtl[ey]|tiny|discreet(?:ly)?|barely|a (?:little )?bit|a little|minimal(?:ly)?"
    r"|short(?:ly)?"), 0.6, 1.0),
    (r"happ(?:ily|y)|cheerful(?:ly)?|joyful(?:ly)?|joyous(?:ly)?|playful(?:ly)?", 1.2, 1.3),
    (r"excited(?:ly)?|enthusiastic(?:ally)?|energetic(?:ally)?|wild(?:ly)?|eager(?:ly)?", 1.4, 1.5),
    (r"sad(?:ly)?|tired(?:ly)?|weary|wearily|sorrowful(?:ly)?|melancholic(?:ally)?", 0.8, 0.5),
    (r"sh(?:yly|ily|y)|timid(?:ly)?|hesitant(?:ly)?|bashful(?:ly)?", 0.6, 0.7),
    (r"polite(?:ly)?|respectful(?:ly)?|friendly|kind(?:ly)?|solemn(?:ly)?|formal(?:ly)?|warm(?:ly)?", 1.0, 0.8),
    (r"angr(?:ily|y)|firm(?:ly)?|sharp(?:ly)?|nervous(?:ly)?|impatient(?:ly)?", 1.1, 1.4),
)  # fmt: skip
_MANNERS_COMPILED = [
    (re.compile(rf"(\b(?:very|really|extremely|so|quite) )?\b(?:{p})\b"), s, q) for p, s, q in _MANNERS
]


@dataclass(frozen=True)
class Measure:
    """What a clause says about how much; None where it doesn't. Degrees, metres, seconds."""

    degrees: float | None = None
    metres: float | None = None
    seconds: float | None = None
    times: int | None = None
    number: float | None = None  # without a unit, as in "count to five"


@dataclass(frozen=True)
class Manner:
    """Factors of the movements' size and pace; `words` are those that asked for it."""

    size: float = 1.0
    pace: float = 1.0
    words: tuple[str, ...] = ()

    def joined(self, other: Manner) -> Manner:
        """Both at once."""
        return Manner(self.size * other.size, self.pace * other.pace, self.words + other.words)


def number(text: str) -> float:
    """A number in digits or words; ValueError where it is neither."""
    text = text.strip()
    return WORDS[text] if text in WORDS else float(text.replace(",", "."))


def measure(clause: str) -> Measure:
    """The amounts in a clause."""
    found: dict[str, float] = {}
    for name, (pattern, scale) in _UNITS_COMPILED.items():
        match = pattern.search(clause)
        if match:
            found[name] = number(match[1]) * scale
    degrees = found.get("degrees")
    for turn, value in _TURNS:
        if degrees is None and turn.search(clause):
            degrees = value
    metres = next((found[name] for name in ("metres", "centimetres", "feet") if name in found), None)
    seconds = found.get("seconds", found.get("minutes"))
    if seconds is None and re.search(r"\b(?:a moment|a while|briefly|for a second|for a short time)\b", clause):
        seconds = 6.0 if "a while" in clause else 2.0
    elif seconds is None and re.search(r"\b(?:for a long time|long(?:er)?)\b", clause):
        seconds = 6.0
    times = found.get("times")
    for word, value in (("once", 1.0), ("twice", 2.0), ("thrice", 3.0), ("repeatedly", 3.0)):
        if times is None and re.search(rf"\b{word}\b(?! (?:they|the|you|a|he|she|it|around)\b)", clause):
            times = value
    bare = re.search(rf"\b(?:to|from \w+ to|until)\s+({NUMBER})\b", clause)
    return Measure(
        degrees, metres, seconds, None if times is None else max(1, round(times)), number(bare[1]) if bare else None
    )


def manner(clause: str) -> Manner:
    """How the clause wants it done."""
    result = Manner()
    for pattern, size, pace in _MANNERS_COMPILED:
        match = pattern.search(clause)
        if match:
            power = 1.5 if match[1] else 1.0
            result = result.joined(Manner(size**power, pace**power, (match[0].strip(),)))
    return result


def side(clause: str) -> str:
    """left, right, up, down, back or forward: the first that is named, or nothing."""
    hits = [(found.start(), name) for name, pattern in _SIDES if (found := re.search(pattern, clause))]
    return min(hits)[1] if hits else ""


def whom(clause: str) -> str:
    """A choice of find_person's `which`, empty where the clause picks nobody."""
    return next((which for which, pattern in _PEOPLE if re.search(pattern, clause)), "")
