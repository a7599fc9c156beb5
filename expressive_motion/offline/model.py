"""The language model that needs no network: a grammar, a table of intents, and worked examples for every body.

It answers the four questions of the chain from the same plan, so that its steps, its summary and its program can't
disagree. It is deterministic, and says what it did not understand instead of guessing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Protocol

from expressive_motion.bans import forbidden_in
from expressive_motion.chain import FeedbackReading, ProgramDraft, RobotMotion, SocialReasoning
from expressive_motion.errors import ModelError
from expressive_motion.language.language_model import Answer, Question, never
from expressive_motion.offline.composing import Composition, compose
from expressive_motion.offline.customs import CUSTOMS, DEFAULT
from expressive_motion.offline.revision import permitted, revised
from expressive_motion.offline.script import Plan, calls, code, do, learned, read_steps, steps
from expressive_motion.programs.grammar import BUILTINS
from expressive_motion.robot import Description


class Summaries(Protocol):
    """The part of a library that is needed: what each saved behaviour shows, by name."""

    def summaries(self) -> Any:
        """A mapping, or pairs, of name and summary."""
        ...


class OfflineModel:
    """A LanguageModel for one robot. `library` lets instructions call saved behaviours by name."""

    name = "offline"

    def __init__(self, description: Description, library: Summaries | None = None) -> None:
        self.description = description
        self.library = library

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        """The answer; `seed` changes nothing. ModelError after `cancelled`, or where a question lacks a field."""
        if cancelled():
            raise ModelError("offline: cancelled")
        try:
            result = self._answer(question)
        except KeyError as error:
            raise ModelError(f"offline: {question.module}: expected the field {error}") from None
        content = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(result).items()}
        return Answer(content, json.dumps(content, ensure_ascii=False))

    def _answer(self, question: Question) -> SocialReasoning | RobotMotion | ProgramDraft | FeedbackReading:
        fields = question.fields
        if question.module == "feedback":
            return self._feedback(fields)
        composition = self._compose(fields)
        if question.module == "social_reasoning":
            return _social(composition)
        if question.module == "robot_motion":
            return self._motion(composition, fields)
        return self._program(composition, fields)

    def _learned(self) -> dict[str, str]:
        if self.library is None:
            return {}
        given = self.library.summaries()
        return dict(given.items() if isinstance(given, Mapping) else given)

    def _compose(self, fields: Mapping[str, Any]) -> Composition:
        forbidden = frozenset(fields.get("forbidden", ()))
        return compose(str(fields["instruction"]), self.description, forbidden, self._learned())

    def _motion(self, composition: Composition, fields: Mapping[str, Any]) -> RobotMotion:
        plan = composition.plan
        reasoning = f"The robot is {self.description.body.about}."
        if change := str(fields.get("change") or ""):
            plan = read_steps(tuple(fields.get("previous_steps") or ())) or plan
            plan, told = self._changed(plan, change, fields)
            reasoning += f" {told}"
        if composition.refusal and not plan:
            reasoning += f" {composition.refusal}"
        return RobotMotion(reasoning[:4000], steps(plan or _nothing_to_do()))

    def _changed(self, plan: Plan, change: str, fields: Mapping[str, Any]) -> tuple[Plan, str]:
        """The plan after a change and without what is forbidden, and what was and wasn't done about it."""
        forbidden = frozenset(fields.get("forbidden", ())) | forbidden_in(change)
        new, notes = revised(plan, change, self.description, forbidden)
        new = permitted(new, self.description, forbidden)
        told = f"Changed as asked: {change}." if new != plan else "Nothing was changed."
        return new, f"{told} {notes}".strip()

    def _program(self, composition: Composition, fields: Mapping[str, Any]) -> ProgramDraft:
        plan = read_steps(tuple(fields.get("steps") or ())) or composition.plan or _nothing_to_do()
        taken = frozenset(self.description.skills) | frozenset(self._learned()) | BUILTINS
        written = code(plan, taken)
        reasoning = "Each step is a call, a loop or a condition of its own."
        change, complaint = str(fields.get("change") or ""), str(fields.get("complaint") or "")
        if change and not complaint and written == str(fields.get("previous_code") or "").rstrip("\n") + "\n":
            # the steps are still those of the program that is to be changed
            plan, told = self._changed(plan, change, fields)
            written, reasoning = code(plan or _nothing_to_do(), taken), f"{reasoning} {told}"
        if complaint:
            reasoning += " The complaint names nothing that these rules could do otherwise."
        return ProgramDraft(reasoning[:4000], self._name(composition), _summary(plan), written)

    def _name(self, composition: Composition) -> str:
        """A name that no skill and no saved behaviour has."""
        words = re.sub(r"[^a-z_]+", "_", "_".join(dict.fromkeys(composition.intents)))[:30].strip("_") or "behaviour"
        taken = set(self.description.skills) | set(self._learned())
        names = (f"show_{words}{f'_{number}' if number > 1 else ''}" for number in count(1))
        return next(name for name in names if name not in taken)

    def _feedback(self, fields: Mapping[str, Any]) -> FeedbackReading:
        """What is asked to change. It enters at the robot motion whatever it is, as this model's steps hold every
        number; feedback that changes nothing raises ModelError, so that nobody is told that it did."""
        feedback = " ".join(str(fields["feedback"]).split())
        plan = read_steps(tuple(fields.get("steps") or ()))
        begun = "" if plan else " The steps are not this model's, so it begins anew from the instruction."
        plan = plan or self._compose(fields).plan
        new, told = self._changed(plan, feedback, fields)
        if not new or new == plan:
            why = told.removeprefix("Nothing was changed. ") if new else "It leaves nothing to do."
            raise ModelError(f"offline: the feedback changes nothing. {why}")
        return FeedbackReading(told[:3000] + begun, feedback[:1000], "robot_motion")


def _social(composition: Composition) -> SocialReasoning:
    if composition.refusal:
        return SocialReasoning(composition.refusal, "", "", composition.refusal[:300])
    norms: list[str] = []
    human: list[str] = []
    for intent in composition.intents:
        norm, person = CUSTOMS.get(intent, DEFAULT)
        norms.append(norm)
        human.append(person)
    return SocialReasoning(
        " ".join(dict.fromkeys(norms)), " ".join(dict.fromkeys(human))[:2000], composition.left_out[:300]
    )


def _nothing_to_do() -> Plan:
    return (do("wait", seconds=1.0),)


_SHOWN = {
    "move": "drives", "turn": "turns", "back_away": "backs away", "face_person": "faces the person", "wait": "waits",
    "approach_person": "comes to the person", "follow_person": "follows the person",
    "look_at_person": "looks at the person",
    "look_at_place": "looks at a place", "light": "sets its light", "tone": "plays a tone", "say": "speaks",
    "move_head": "moves its head", "rock": "rocks", "wiggle": "wiggles", "find_person": "looks for a person",
}  # fmt: skip


def _summary(plan: Plan) -> str:
    """One sentence of what is done, made from the calls."""
    done = list(dict.fromkeys(_SHOWN[c.skill] for c in calls(plan) if c.skill in _SHOWN))
    done += [f"does the saved {name}" for name in dict.fromkeys(learned(plan))]
    done = done or ["waits"]
    listed = done[0] if len(done) == 1 else f"{', '.join(done[:-1])} and {done[-1]}"
    return f"The robot {listed}."[:200]
