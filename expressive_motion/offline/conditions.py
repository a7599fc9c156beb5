"""What a conditional clause depends on, as far as a robot can tell: how far somebody is, whether they come or go."""

from __future__ import annotations

import re

from expressive_motion.offline.quantities import measure

_FAR = re.compile(
    r"too far|far (?:away|ahead|off|behind)|(?:more|further|farther) than .* away"
    r"|fall(?:s)? behind|walk\w* too fast"
)
_NEAR = re.compile(
    r"(?:too |very |comes? |gets? |is |are )(?:close|near)|within|(?:less|closer|nearer) than"
    r"|reach(?:es)? you"
)
_NOBODY = re.compile(
    r"(?:nobody|no one)(?! (?:answers|replies|speaks|talks|says|moves|reacts|asks|helps|wants|needs|looks|listens))"
    r"|(?:they|person|he|she) (?:is|are|has|have) (?:gone|left|not there|away)"
    r"|no \w+ is"
)
_SOMEBODY = re.compile(r"(?:somebody|someone|anybody|anyone|a person|the person|they|people) (?:is|are) (?:\w+ )?"
                       r"(?:there|here|present|in sight|around|left|in (?:your|the) way|in front of you|ahead|nearby"
                       r"|before you)|you see (?:some|any|a p)")  # fmt: skip
_STAYS = re.compile(
    r"(?:do|does) not (?:move|react|respond|budge|leave|go(?: away)?|make (?:way|room)|step (?:aside|back)|get out of)"
    r"|(?:is|are) still (?:in|on) (?:your|the)|stays? (?:in|where)"
)
IF = re.compile(
    r"(?:if(?! not\b)|only if|even if|when|whenever|as soon as|unless|in case|once (?:they|he|she|the|a|some\w+))\b"
)
_LEAVES = re.compile(
    r"\b(?:leaves?|left|departs?|disappears?|(?:goes|go|gone|walks?|walked|moves?|moved|steps?|stepped|drives?) "
    r"(?:away|off|home|out)|(?:is|are|has|have) gone|(?:is|are) out of sight)\b"
)
_COMES = re.compile(
    r"\b(?:comes?|came|arrives?|arrived|enters?|entered|appears?|appeared|shows? up|turns? up|walks? (?:in|up)\b"
    r"|approach(?:es)?|gets? (?:close|near))"
)
_UP_CLOSE = re.compile(r"\b(?:close|closer|near|nearer|within|up to you|towards? you|approach\w*)\b")


def change(part: str) -> tuple[str, float] | None:
    """What is to become of the distance to a person who leaves or comes, None where nobody is said to do either."""
    if re.search(r"\byou (?:\w+ )?(?:leave|left|come|arrive|go|approach|enter)", part) or re.search(r"q\dq", part):
        return None
    metres = measure(part).metres
    if _COMES.search(part):
        return ("near", metres or 1.5) if metres or _UP_CLOSE.search(part) else ("near", 90.0)
    return ("far", metres or 4.0) if _LEAVES.search(part) else None


def condition(part: str) -> tuple[str, float] | None:
    """("far" or "near", metres) of a conditional clause, None where it depends on something else."""
    if part.startswith("unless "):
        told = condition(part.removeprefix("unless "))
        return told and ("near" if told[0] == "far" else "far", told[1])
    metres = measure(part).metres
    if _NOBODY.search(part):
        return ("far", 90.0)
    if _FAR.search(part):
        return ("far", metres or 2.5)
    if _NEAR.search(part):
        return ("near", metres or 1.5)
    if _STAYS.search(part):
        return ("near", metres or 2.0)
    if _SOMEBODY.search(part):
        return ("near", 90.0)
    return None
