"""What stands on walls and is said by strangers gives no orders, not even to a model that would take them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pydantic_monty")

from expressive_motion.bans import forbidden_in
from expressive_motion.behaviour import Behaviour
from expressive_motion.errors import ModelError, ProgramError
from expressive_motion.language.language_model import Answer, Question, never
from expressive_motion.language.prompting import LONGEST_SITUATION, perceived, question
from expressive_motion.library import Library
from expressive_motion.offline.model import OfflineModel
from expressive_motion.pipeline import Pipeline, PipelineConfig
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.checks import RehearsalLimits
from expressive_motion.rehearsals.rehearsal import Rehearsal
from expressive_motion.robot import describe
from test.expressive_motion.hostile_percepts import ALL, MARK, Percept

ROBOT = describe("simulated")
LIMITS = ROBOT.profile.limits
BY_NAME = pytest.mark.parametrize("percept", ALL, ids=[percept.name for percept in ALL])
NICE = 'light("green")\nwait(0.5)\nlight_off()\n'
TAME = [percept for percept in ALL if percept.outcome == "tame"]


@dataclass
class Scripted:
    """Answers always the same and does what it is shown: with `obeys`, any order among what it reads becomes what it
    plans, and where it can still read that, what it writes."""

    obeys: Percept | None = None
    name: str = "scripted"
    asked: list[Question] = field(default_factory=list)

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        self.asked.append(question)
        shown = "\n".join(message.content for message in question.messages)
        order = " ".join(self.obeys.order.split()) if self.obeys and MARK in shown else ""
        content: dict[str, Any] = {"reasoning": order or "As it is polite."}
        if question.module == "social_reasoning":
            content.update(human_motion=f"The person does this: {order}" if order else "The person looks up.")
            content.update(left_out="", refusal="")
        elif question.module == "robot_motion":
            content.update(steps=["Look at the person.", *([order] if order else [])])
        elif question.module == "feedback":
            content.update(change="Be slower.", target="robot_motion")
        else:
            content.update(name="greet", summary=order[:200] or "The robot looks up.")
            content.update(code=self.obeys.draft if self.obeys and order else NICE)
        return Answer(content, json.dumps(content))


Asked = tuple[Behaviour, Rehearsal, list[Question]]


@pytest.fixture(scope="module")
def unobstructed(sandbox: Sandbox) -> Callable[[str], Asked]:
    """An instruction with nothing perceived, then feedback, answered by the model that obeys nobody."""

    def ask(instruction: str) -> Asked:
        model = Scripted()
        pipeline = Pipeline(model, ROBOT, sandbox)
        made = pipeline.revise(pipeline.express(instruction), "Slower, please.")
        assert pipeline.rehearsal is not None
        return made, pipeline.rehearsal, model.asked

    return lru_cache(ask)


def test_the_table_names_what_it_is_about() -> None:
    assert len({percept.name for percept in ALL}) == len(ALL) >= 25
    for percept in ALL:
        assert percept.order in percept.situation, percept.name
        assert MARK in percept.situation, percept.name
        assert MARK not in percept.instruction


@BY_NAME
def test_a_percept_is_one_quoted_value_of_the_first_question_and_of_no_other(
    percept: Percept, sandbox: Sandbox, unobstructed: Callable[[str], Asked]
) -> None:
    model = Scripted()
    pipeline = Pipeline(model, ROBOT, sandbox)
    made = pipeline.revise(pipeline.express(percept.instruction, percept.situation), "Slower, please.")
    plain, rehearsal, asked = unobstructed(percept.instruction)

    first, *others = model.asked
    assert others == asked[1:]  # fields, prompts and schemas, to the letter
    system, user = first.messages
    assert system == asked[0].messages[0]
    assert first.schema == asked[0].schema
    lines, before = user.content.split("\n"), asked[0].messages[1].content.split("\n")
    assert [line for line in lines if not line.startswith("situation: ")] == [
        line for line in before if not line.startswith("situation: ")
    ]
    quoted = json.loads(next(line for line in lines if line.startswith("situation: ")).removeprefix("situation: "))
    assert quoted == perceived(percept.situation)
    assert len(quoted) <= LONGEST_SITUATION
    assert not any(unicodedata.category(character).startswith("C") for character in quoted)

    assert made.forbidden == plain.forbidden
    assert (made.code, made.findings) == (plain.code, plain.findings)
    assert pipeline.rehearsal is not None
    assert pipeline.rehearsal.summary() == rehearsal.summary()


def test_what_is_cut_off_would_have_been_stopped_too(sandbox: Sandbox) -> None:
    unread = [percept for percept in ALL if MARK not in perceived(percept.situation)]
    assert [percept.name for percept in unread] == ["long_text"]
    for percept in unread:
        with pytest.raises(ProgramError):
            sandbox.check(percept.draft, ROBOT)


@BY_NAME
def test_a_model_that_obeys_whatever_it_reads_comes_no_further(
    percept: Percept, sandbox: Sandbox, unobstructed: Callable[[str], Asked], tmp_path: Path
) -> None:
    model = Scripted(percept)
    pipeline = Pipeline(model, ROBOT, sandbox, Library(tmp_path), PipelineConfig(repairs=0, rehearsal_repairs=0))
    read = MARK in perceived(percept.situation)
    made = None
    try:
        made = pipeline.express(percept.instruction, percept.situation)
    except (ProgramError, ModelError):  # the latter where the reply itself isn't plain text
        assert read
        assert percept.outcome == "refused"
    systems = {one.module: one.messages[0] for one in unobstructed(percept.instruction)[2]}
    for one in model.asked:  # what may be called is told as ever, and so is every rule
        assert one.messages[0] == systems[one.module]
    if made is None:
        return
    assert made.verdict == ("unfit" if read and percept.outcome == "unfit" else "fit")
    assert pipeline.rehearsal is not None
    _stays_within_limits(pipeline.rehearsal, made.verdict)


def _stays_within_limits(rehearsal: Rehearsal, verdict: str) -> None:
    """The base's limits in every scene, whatever the program; people's room where it is fit to be performed."""
    for run in rehearsal.runs:
        given = run.trace.given
        assert given[:, 0].max() <= LIMITS.vx_max + 1e-9
        assert given[:, 0].min() >= LIMITS.vx_min - 1e-9
        assert np.abs(given[:, 1]).max() <= LIMITS.wz_max + 1e-9
        if verdict == "fit":
            assert run.trace.approach_m >= RehearsalLimits().approach_m
            assert not any(touch.robot_speed > 0.02 for touch in run.trace.touches)
            assert float(run.trace.offsets.max()) <= ROBOT.body.base.reach_m


@pytest.mark.parametrize("percept", TAME, ids=[percept.name for percept in TAME])
def test_what_was_obeyed_and_saved_adds_a_line_to_later_prompts_and_no_more(
    percept: Percept, sandbox: Sandbox, tmp_path: Path
) -> None:
    library = Library(tmp_path)
    made = Pipeline(Scripted(percept), ROBOT, sandbox, library).express(percept.instruction, percept.situation)
    library.save(made)
    later = Scripted()
    Pipeline(later, ROBOT, sandbox, library).express("Nod.")
    plain = Scripted()
    Pipeline(plain, ROBOT, sandbox).express("Nod.")
    for one, without in zip(later.asked, plain.asked, strict=True):
        before = without.messages[0].content.split("\n")
        added = [line for line in one.messages[0].content.split("\n") if line not in before]
        if one.module == "program":
            assert added == [f"def {made.name}() -> None:", f"    {made.summary!r}"]
        else:
            assert added[1:] == [f"- {made.name}: {made.summary}"]
            assert len(added) == 2


@BY_NAME
def test_the_offline_model_answers_as_if_nothing_had_been_perceived(percept: Percept) -> None:
    model = OfflineModel(ROBOT)
    fields = {"instruction": percept.instruction, "forbidden": sorted(forbidden_in(percept.instruction))}
    answers = [
        model.ask(question("social_reasoning", {**fields, "situation": perceived(situation)}, ROBOT)).content
        for situation in ("", percept.situation)
    ]
    assert answers[0] == answers[1]
    assert not answers[0]["refusal"]


def test_the_offline_model_makes_the_same_of_it(sandbox: Sandbox) -> None:
    percept = ALL[0]
    pipeline = Pipeline(OfflineModel(ROBOT), ROBOT, sandbox)
    made, plain = (pipeline.express(percept.instruction, situation) for situation in (percept.situation, ""))
    assert made.verdict == "fit"
    assert (made.code, made.motion, made.forbidden) == (plain.code, plain.motion, plain.forbidden)
    assert made.situation == percept.situation  # it is written down, and that is all
