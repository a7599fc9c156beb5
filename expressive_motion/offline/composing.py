"""From what was read to one plan for one robot, with everything that is not part of it said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from expressive_motion.bans import expand, forbidden_in
from expressive_motion.offline.cues import Stage
from expressive_motion.offline.gestures import FEELINGS, SOCIAL, feel
from expressive_motion.offline.grammar import Reading, Wish, read
from expressive_motion.offline.indirect import direct
from expressive_motion.offline.lexicon import FAMILIES, VAGUE
from expressive_motion.offline.movements import PLAIN
from expressive_motion.offline.quantities import Manner
from expressive_motion.offline.refusals import refusal
from expressive_motion.offline.script import NOBODY_M, Do, If, Learned, Plan, Repeat, Until, WhileHere, calls, steps
from expressive_motion.robot import Description

MOST_STEPS = 28
AWAITED_S = 15.0  # [s] for which a change is waited for


@dataclass(frozen=True)
class Composition:
    """A plan and the words that belong to it; `refusal` says why there is none."""

    plan: Plan
    intents: tuple[str, ...]
    left_out: str = ""
    refusal: str = ""
    reading: Reading = Reading()


def compose(
    instruction: str,
    description: Description,
    forbidden: frozenset[str] = frozenset(),
    learned: Mapping[str, str] | None = None,
) -> Composition:
    """The plan for an instruction on this robot; `forbidden` is added to what the instruction itself forbids."""
    told = direct(instruction)
    if why := refusal(instruction) or refusal(told):
        return Composition((), (), refusal=why)
    reading = read(told, learned)
    stage = Stage(description, forbidden | forbidden_in(told), without=reading.without)
    wishes = _settled(reading)
    if not wishes:
        idle = re.match(r"\W*(?:please )?(?:do not|never) (?:do|show) anything\b", expand(told))
        why = "I am to do nothing, so I show nothing." if idle else _nothing(reading)
        return Composition((), (), refusal=why, reading=reading)
    plan: Plan = ()
    which = reading.person or next((w.person for w in wishes if w.person), "")
    if which:
        plan += stage.call("find_person", which=which, timeout_s=2.0)
    parts = [(wish, _part(stage, wish, reading.manner)) for wish in wishes]
    done = [(wish, part) for wish, part in parts if part]
    for wish, part in parts:
        if not part:
            stage.leave_out(_cannot(stage, wish))
    if not done:
        why = stage.left_out[0] if stage.left_out else "My body can't express this."
        return Composition((), (), refusal=why, reading=reading)
    plan += _looped(_awaited(done))
    if reading.times > 1:
        plan = (Repeat(min(reading.times, 6), plan),)
    plan = _finished(stage, plan)
    plan = _fitting(stage, plan)
    _unsaid(stage, reading)
    return Composition(plan, tuple(w.name or w.intent for w, _ in done), " ".join(stage.left_out)[:300], "", reading)


def _settled(reading: Reading) -> list[Wish]:
    """Orders and reports together: an order that leaves the reaction open is filled by what was reported, one that
    spells out parts of what the report calls for becomes the whole."""
    event = next((e for e in reading.events if e in FAMILIES or e in SOCIAL or e in FEELINGS), "")
    event = event or next(iter(reading.events), "")
    wishes = [w for w in reading.wishes if w.intent not in reading.without]
    whole = next((e for e in reading.events if e in FAMILIES), "")
    if not wishes:
        if not event and reading.reports:
            event = "acknowledge"  # compose says that it is no more than that
        return [Wish(event, "", loop=reading.loop)] if event and event not in reading.without else []
    if whole and all(w.intent in FAMILIES[whole] | {whole} for w in wishes):
        joined = Manner()
        for wish in wishes:
            joined = joined.joined(wish.manner)
        return [replace(wishes[0], intent=whole, loop=False, condition=None, manner=joined)]
    if any(w.intent == "follow" for w in wishes):
        wishes = [w for w in wishes if w.intent != "ask_slow"]
    wishes = _stopped(wishes)
    specific = [w for w in wishes if w.intent not in VAGUE]
    if not specific and event and event not in VAGUE:
        return [replace(wishes[0], intent=event)]
    return wishes if len(wishes) == 1 else [w for w in wishes if w.intent not in VAGUE] or wishes[:1]


def _stopped(wishes: list[Wish]) -> list[Wish]:
    """A stop after a movement is its end, and may say how far off: "go to them and stop at 2 m"."""
    kept: list[Wish] = []
    for wish in wishes:
        if wish.intent == "stop" and kept and kept[-1].intent in ("approach", "follow", "move", "turn", "back"):
            if wish.measure.metres is not None and kept[-1].intent in ("approach", "follow"):
                kept[-1] = replace(kept[-1], measure=replace(kept[-1].measure, metres=wish.measure.metres))
        else:
            kept.append(wish)
    return kept


def _part(stage: Stage, wish: Wish, general: Manner) -> Plan:
    """One wish on stage, in its manner and under its condition."""
    stage.manner = general.joined(wish.manner)
    if wish.intent == "learned":
        plan: Plan = _learned(stage, wish)
    elif wish.intent in SOCIAL:
        plan = SOCIAL[wish.intent](stage, wish)
    elif wish.intent in PLAIN:
        plan = PLAIN[wish.intent](stage, wish)
    else:
        plan = feel(stage, wish.intent)
        if wish.quote:
            plan += stage.say(wish.quote)
    if (
        plan
        and wish.intent != "learned"
        and wish.intent not in PLAIN
        and (wish.measure.times or 1) > 1
        and not wish.loop
    ):
        plan = (Repeat(min(wish.measure.times or 1, 6), plan),)
    if plan and wish.condition and not wish.awaited and wish.intent != "ask_help":
        plan = (If(wish.condition[0], wish.condition[1], plan),)
    return plan


def _learned(stage: Stage, wish: Wish) -> Plan:
    """A saved behaviour, as often as is asked; it is done as it was saved."""
    if stage.manner.words:
        how = " and ".join(dict.fromkeys(stage.manner.words))
        stage.leave_out(f"I do {wish.name} as it was saved, so I leave out how: {how}.")
    times = wish.measure.times or 1
    return (Repeat(min(times, 6), (Learned(wish.name),)),) if times > 1 else (Learned(wish.name),)


def _awaited(done: list[tuple[Wish, Plan]]) -> list[tuple[Wish, Plan]]:
    """Neighbouring wishes that wait for the same change wait once, for AWAITED_S at most, and are done if it came.
    Who isn't there can't leave."""
    result: list[tuple[Wish, Plan]] = []
    for (awaited, condition), group in groupby(done, key=lambda each: (each[0].awaited, each[0].condition)):
        wishes = list(group)
        if not awaited or condition is None:
            result += wishes
            continue
        test, metres = condition
        body: Plan = tuple(node for _, part in wishes for node in part)
        plan: Plan = (Until(test, metres, AWAITED_S), If(test, metres, body))
        if test == "far":
            plan = (If("near", NOBODY_M, plan),)
        result.append((replace(wishes[0][0], loop=False), plan))
    return result


def _looped(done: list[tuple[Wish, Plan]]) -> Plan:
    """Neighbouring wishes that go on as long as the person is there share one loop; lights that belong to it come
    first."""
    plan: Plan = ()
    loop: Plan = ()
    seconds = 15.0

    def close(so_far: Plan, body: Plan) -> Plan:
        if not body:
            return so_far
        lights = tuple(n for n in body if isinstance(n, Do) and n.skill == "light")
        rest = tuple(n for n in body if n not in lights)
        if not any(c.skill in ("look_at_person", "wait", "move_head", "follow_person") for c in calls(rest)):
            rest += (Do("wait", (("seconds", 1.0),)),)
        return so_far + lights + (WhileHere(rest, 4.0, seconds),)

    for wish, part in done:
        inner = any(isinstance(node, WhileHere) for node in part)
        if wish.loop and not inner:
            loop += part
            seconds = min(max(wish.measure.seconds or seconds, 1.0), 40.0)
        else:
            plan, loop = close(plan, loop) + part, ()
    return close(plan, loop)


def _finished(stage: Stage, plan: Plan) -> Plan:
    """The light is seen for a moment and given back, the head goes back to the middle, where they were used."""
    last = calls(plan)
    lit = [c.skill for c in last if c.skill in ("light", "light_off")]
    off: Plan = stage.call("light_off") if lit and lit[-1] == "light" else ()
    if off and last[-1].skill == "light":
        plan += stage.call("wait", seconds=2.0)
    moved = [c for c in last if c.skill in ("move_head", "look_at_person", "look_at_place", "look_ahead")]
    if moved and moved[-1].skill != "look_ahead":
        plan += stage.home()
    return plan + off


def _fitting(stage: Stage, plan: Plan) -> Plan:
    """As much of the plan as a list of steps may hold."""
    if len(steps(plan)) <= MOST_STEPS:
        return plan
    stage.leave_out("The instruction is too long, so I leave out its end.")
    while len(plan) > 1 and len(steps(plan)) > MOST_STEPS:
        plan = plan[:-1]
    return _finished(stage, plan)


def _unsaid(stage: Stage, reading: Reading) -> None:
    for what in reading.impossible:
        if what != "wave" and "wave" not in what:
            stage.leave_out(f"My body can't {what}, so I leave that out.")
    if reading.reports and not reading.wishes and not reading.events:
        stage.leave_out("I did not understand what happened, so I only show that I noticed.")
    for clause in reading.untold:
        stage.leave_out(f'I can\'t tell whether "{clause}", so I do not wait for that.')
    for clause in reading.unknown:
        shown = re.sub(r"q\dq", "…", clause)
        stage.leave_out(f'I did not understand "{shown}", so I leave that out.')


def _cannot(stage: Stage, wish: Wish) -> str:
    what = wish.intent.replace("_", " ")
    because = "with what is forbidden here" if stage.forbidden else "with this body"
    return f"I can't show this {because}: {what}."


def _nothing(reading: Reading) -> str:
    if reading.impossible:
        return f"My body can't {reading.impossible[0]}."
    return "I did not understand what I should show."
