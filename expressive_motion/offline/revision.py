"""Edits a plan by what a person says about it: slower, bigger, closer, without the sound, a nod at the end.

Feedback is read clause by clause. Each clause that is understood changes the plan as it stands, so that earlier
changes are kept; one that is not is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from expressive_motion.bans import expand, forbidden_in
from expressive_motion.offline.composing import compose
from expressive_motion.offline.quantities import measure
from expressive_motion.offline.script import Do, Gesture, Node, Plan, Repeat, WhileHere, calls, changed
from expressive_motion.robot import MODALITIES, Description, Value

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|(?<!\w)'(?:[^']|'(?=\w))*'(?!\w)")
_BREAK = re.compile(r"\s*(?:[.;!]+(?:\s|$)|,\s*(?:and |but |then )*|\b(?:and then|and also|and|but|then)\b)\s*")
_REMOVE = re.compile(
    r"\b(?:remove|drop|skip|omit|leave out|leave away|delete|cut|no more|without|no|lose|get rid of|stop|forget"
    r"|do not|never"
    r"|(?:turn|switch) off|less)\b"
)
_SLOW = re.compile(
    r"\b(?:slow(?:er|ly)?|calmer|calmly|gentl[ye]r?|(?:less|so|too|that) (?:fast|quick|hasty"
    r"|hectic))\b"
)
_FAST = re.compile(
    r"\b(?:fast(?:er)?|quick(?:er|ly)?|livel(?:y|ier)|brisk(?:er)?|speed up|hurry"
    r"|too slow(?:ly)?|less slow\w*)\b"
)
_TOO_SLOW = re.compile(r"\b(?:too|so|less|as|that) slow")
_BIG = re.compile(
    r"\b(?:bigger|larger|wider|deeper|stronger|clearer|more (?:clear|visible|pronounced)\w*"
    r"|too small|exaggerate\w*)\b"
)
_SMALL = re.compile(
    r"\b(?:smaller|subtler|(?:less|so|that|as) (?:big|strong|large|wide|deep|pronounced)|more subtl[ey]|slighter"
    r"|too (?:big|large|much))\b"
)
_LONG = re.compile(r"\b(?:longer|more time|for long|too (?:short|brief)(?:ly)?|extend|prolong)\b")
_SHORT = re.compile(r"\b(?:shorter|less long|not (?:so|as|that) long|too long|briefer|less time|more briefly)\b")
_NEAR = re.compile(r"\b(?:closer|nearer|too far(?: away)?|come near)\b")
_AWAY = re.compile(
    r"\b(?:not (?:\w+ ){0,2}(?:closer|nearer)|(?:so|too|as|that|less) (?:close|near)|more distance|further away"
    r"|farther(?: away)?|keep (?:a )?(?:more |larger )?distance|not (?:so |too )?(?:close|near))\b"
)
_LOUD = re.compile(r"\b(?:louder|more loudly|too quiet)\b")
_QUIET = re.compile(r"\b(?:quieter|softer|less loud|too loud|more quietly|lower the volume)\b")
_BRIGHT = re.compile(r"\b(?:brighter|too dim|too dark)\b")
_DIM = re.compile(r"\b(?:dimmer|darker|less bright|too bright)\b")
_MIRROR = re.compile(r"\b(?:other way (?:a)?round|other (?:side|direction|way)|mirror\w*|opposite|reversed?)\b")
_WHOLE = re.compile(
    r"^(?:do|repeat|show|play) (?:it|this|that|all|everything|the whole\w*)\b.*?(?:twice"
    r"|(\w+) times|again)"
)
_START = re.compile(
    r"\b(?:at the (?:start|beginning)|first|before (?:that|it|everything|you)|to begin with"
    r"|begin with|start with)\b"
)
_INSTEAD = re.compile(r"\binstead\b(?: of (?:the |a |an )?(.*))?$|\brather than (?:the |a |an )?(.*)$")

_SUBJECTS: tuple[tuple[str, Callable[[Node], bool]], ...] = (
    (r"nod\w*", lambda n: isinstance(n, Gesture) and n.label.startswith("nod")),
    (r"shak\w*", lambda n: isinstance(n, Gesture) and n.label.startswith("shake")),
    (r"bow\w*", lambda n: isinstance(n, Gesture) and n.label == "bow"),
    (r"wiggl\w*|swing\w*|sway\w*", lambda n: isinstance(n, Gesture) and n.label.startswith(("wiggle", "sw"))),
    (r"rais\w*|lift\w*", lambda n: isinstance(n, Gesture) and n.label == "raise the head"),
    (r"hang\w*|lower\w*|droop\w*|sink\w*", lambda n: isinstance(n, Gesture) and n.label.startswith(("hang", "sink"))),
    (r"lights?|lamps?|colou?rs?|blink\w*|flash\w*|leds?|glow\w*|ring", lambda n: _is(n, "light", "light_off")),
    (r"sounds?|tones?|nois\w*|beep\w*|chim\w*|buzz\w*", lambda n: _is(n, "tone")),
    (r"speech|speak\w*|talk\w*|say\w*|words?|voice|sentence\w*", lambda n: _is(n, "say")),
    ((r"look\w*|gaze|gazing|eye contact|glanc\w*"
    r"|watch\w*"), lambda n: _is(n, "look_at_person", "look_at_place", "face_person")),
    (r"turn\w*|rotat\w*|spin\w*", lambda n: _is(n, "turn")),
    (r"back\w*|revers\w*", lambda n: _is(n, "back_away")),
    (r"wait\w*|paus\w*", lambda n: _is(n, "wait")),
    (r"approach\w*|com(?:e|ing)", lambda n: _is(n, "approach_person")),
    (r"follow\w*", lambda n: _is(n, "follow_person")),
    (r"driv\w*|mov(?:e|ing)|forward", lambda n: _is(n, "move", "approach_person", "follow_person")),
)  # fmt: skip
_SPEEDS = {"move", "turn", "rock", "wiggle", "back_away", "face_person", "approach_person", "move_head", "look_ahead"}
_SIZES = ("amplitude_m", "amplitude_deg", "pan_deg", "tilt_deg")
_TIMES_S = ("hold_s", "seconds", "at_most_s")


def _is(node: Node, *skills: str) -> bool:
    return isinstance(node, Do) and node.skill in skills


def _clauses(feedback: str) -> list[tuple[str, str]]:
    """Each clause as (lower case with quotations marked, as it was said)."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"q{len(kept) - 1}q"

    result = []
    for part in _BREAK.split(_QUOTED.sub(keep, feedback)):
        if part.strip() and not re.fullmatch(
            r"(?:please|thanks?(?: you)?|ok(?:ay)?|well|now|yes|no)", part.strip().lower()
        ):
            said = re.sub(r"q(\d+)q", lambda found: kept[int(found[1])], part.strip())
            result.append((expand(part), said))
    return result


def revised(plan: Plan, feedback: str, description: Description, forbidden: frozenset[str]) -> tuple[Plan, str]:
    """The plan after the feedback, and in words what of it could not be done."""
    notes: list[str] = []
    for text, said in _clauses(feedback):
        changed_plan = _revised(plan, text, said, description, forbidden, notes)
        if changed_plan is None or not changed_plan:
            notes.append(f'I did not change anything for "{said}".')
        else:
            plan = changed_plan
    return plan, " ".join(notes)


def _revised(
    plan: Plan, text: str, said: str, description: Description, forbidden: frozenset[str], notes: list[str]
) -> Plan | None:
    """One clause; None where it names no change that this plan could have."""
    kept = permitted(plan, description, forbidden_in(said))
    if kept != plan:
        return kept
    whole = _WHOLE.search(text)
    if whole:
        return (Repeat(min(measure(text).times or 2, 6), plan),)
    tuned = _tuned(plan, text, description)
    if tuned is not None:
        return tuned if tuned != plan else None
    instead = _INSTEAD.search(text)
    old = (instead[1] or instead[2] or "") if instead else ""
    subject = _subject(text)
    if instead is None and _REMOVE.search(text) and subject is not None:
        rest = _without(plan, subject)
        return rest if rest != plan else None
    wanted = re.sub(
        r"\b(?:add|include|put in|also|too|use|please|instead.*|rather than.*|at the (?:end|start"
        r"|beginning))\b",
        " ",
        said,
    )
    recoloured = _recoloured(plan, text, description) if "add" not in text else None
    if recoloured is not None and old == "":
        return recoloured
    often = measure(text).times
    if often and subject is not None and (old == "" or _subject(old) is subject):
        counted = changed(plan, lambda node: (_counted(node, often),) if subject(node) else (node,))
        if counted != plan:
            return counted
    new = compose(" ".join(wanted.split()), description, forbidden)
    if new.refusal or not new.plan:
        notes.append(new.refusal)
        return None
    if new.left_out:
        notes.append(new.left_out)
    if new.intents == ("light",) and instead is None and not any(c.skill == "light" for c in calls(plan)):
        return (new.plan[0], *plan, new.plan[-1])  # on from the beginning, off at the end
    if instead is not None:
        gone = _subject(old) if old else subject
        return _exchanged(plan, gone, new.plan)
    first = bool(_START.search(text)) or (new.intents == ("light",) and "end" not in text)
    if not first:
        return plan + new.plan
    begun = new.plan[:-1] if isinstance(new.plan[-1], Do) and new.plan[-1].skill == "light_off" else new.plan
    return begun + plan  # what follows sets the light, or gives it back


def any_of(plan: Plan, subject: Callable[[Node], bool]) -> bool:
    """Whether something in a plan is meant by a word."""
    return _without(plan, subject) != plan


def _subject(text: str) -> Callable[[Node], bool] | None:
    """What a clause is about, the first of the known things in it."""
    found = [(m.start(), test) for pattern, test in _SUBJECTS if (m := re.search(rf"\b(?:{pattern})\b", text))]
    return min(found, key=lambda hit: hit[0])[1] if found else None


def _counted(node: Node, times: int) -> Node:
    """A gesture that goes to and fro, as often as wanted and else as it was; any other node unchanged."""
    if not isinstance(node, Gesture):
        return node
    moves = tuple(n for n in node.body if isinstance(n, Do) and n.skill == "move_head")
    alone = node.body[0] if len(node.body) == 1 else None
    if isinstance(alone, Do) and alone.get("times") is not None:
        return replace(node, body=(alone.having(times=float(min(times, 6))),))
    if len(moves) >= 2 and node.body[: len(moves)] == moves == moves[:2] * (len(moves) // 2):
        return replace(node, label=node.label.removesuffix(" once"),
                       body=moves[:2] * min(times, 6) + node.body[len(moves) :])  # fmt: skip
    return node


def permitted(plan: Plan, description: Description, forbidden: frozenset[str]) -> Plan:
    """The plan without the calls that are forbidden by now."""
    banned = {MODALITIES[part] for part in forbidden}
    return changed(
        plan,
        lambda node: () if isinstance(node, Do) and description.skills[node.skill].effects & banned else (node,),
    )


def _without(plan: Plan, subject: Callable[[Node], bool]) -> Plan:
    return changed(plan, lambda node: () if subject(node) else (node,))


def _exchanged(plan: Plan, gone: Callable[[Node], bool] | None, new: Plan) -> Plan:
    """The plan with the first thing that is meant replaced and the others gone; else the new alone."""
    if gone is None or not any_of(plan, gone):
        return new
    placed = False

    def swap(node: Node) -> Plan:
        nonlocal placed
        if not gone(node):
            return (node,)
        if placed:
            return ()
        placed = True
        return new

    return changed(plan, swap)


def _tuned(plan: Plan, text: str, description: Description) -> Plan | None:
    """The plan with numbers changed; None where the clause is about no number."""
    subject = _subject(text) if not re.search(r"\b(?:everything|all|whole|it)\b", text) else None
    about = subject if subject is not None and any_of(plan, subject) else None
    if _AWAY.search(text) or _NEAR.search(text):
        shift = 0.4 if _AWAY.search(text) else -0.3
        return _scaled(plan, None, description, lambda name, v: v + shift if name == "distance_m" else v, _DISTANCES)
    if _MIRROR.search(text):
        return _scaled(
            plan, None, description, lambda name, v: -v if name in ("angle_deg", "pan_deg", "left_m") else v
        )
    for rule, factor in ((_TOO_SLOW, 1.5), (_SLOW, 0.65), (_FAST, 1.5)):
        if rule.search(text) and not re.search(r"slow down", text):
            return _scaled(plan, about, description, lambda n, v, f=factor: v * f if n == "speed" else v, _SPEEDS)  # type: ignore[misc]
    for rule, names, factor in (
        (_LONG, _TIMES_S, 2.0), (_SHORT, _TIMES_S, 0.5), (_BIG, _SIZES, 1.4), (_SMALL, _SIZES, 0.65),
        (_LOUD, ("volume",), 1.5), (_QUIET, ("volume",), 0.6),
        (_BRIGHT, ("brightness",), 1.25), (_DIM, ("brightness",), 0.5),
    ):  # fmt: skip
        if rule.search(text):
            scale = _by(names, factor)
            return _scaled(plan, about, description, scale, _looped=rule in (_LONG, _SHORT))
    return None


_DISTANCES = {"approach_person", "follow_person"}


def _by(names: tuple[str, ...], factor: float) -> Callable[[str, float], float]:
    return lambda name, value: value * factor if name in names else value


def _scaled(
    plan: Plan,
    about: Callable[[Node], bool] | None,
    description: Description,
    scale: Callable[[str, float], float],
    skills: set[str] | None = None,
    _looped: bool = False,
) -> Plan:
    """The plan with numbers scaled within their ranges, defaults included; only in what `about` means, if given."""

    def tune(node: Node) -> Plan:
        if isinstance(node, WhileHere) and _looped and about is None:
            return (replace(node, at_most_s=min(max(scale("at_most_s", node.at_most_s), 1.0), 40.0)),)
        if not isinstance(node, Do) or (skills is not None and node.skill not in skills):
            return (node,)
        given: dict[str, Value] = {}
        for parameter in description.skills[node.skill].parameters:
            value = node.get(parameter.name)
            value = parameter.default if value is None else value
            if parameter.kind != "number" or not isinstance(value, (int, float)) or isinstance(value, bool):
                continue
            new = round(min(max(scale(parameter.name, value), parameter.low), parameter.high), 3)
            if abs(new - value) > 1e-9:
                given[parameter.name] = new
        return (node.having(**given),) if given else (node,)

    if about is None:
        return changed(plan, tune)

    def within(node: Node) -> Plan:
        if not about(node):
            return (node,)
        return (
            tuple(replace(node, body=changed(node.body, tune)) for _ in (0,))
            if isinstance(node, Gesture)
            else tune(node)
        )

    return changed(plan, within)


def _recoloured(plan: Plan, text: str, description: Description) -> Plan | None:
    """The plan's lights in another colour, for "make the light red"."""
    if not re.search(r"\blights?\b|\bcolou?r\b", text) or not any(c.skill == "light" for c in calls(plan)):
        return None
    choices = next(p.choices for p in description.skills["light"].parameters if p.name == "colour")
    colour = next((c for c in choices if re.search(rf"\b{c}\b", text)), None)
    if colour is None:
        return None
    return changed(
        plan, lambda node: (node.having(colour=colour),) if isinstance(node, Do) and _is(node, "light") else (node,)
    )
