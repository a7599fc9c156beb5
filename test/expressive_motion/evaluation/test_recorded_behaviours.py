"""The twelve behaviours through the whole pipeline, with replies that a language model wrote, and with feedback.

The replies (recorded/<robot>.json) are questions and answers word for word; what they say of themselves stands in
their heads. A question whose fields change, a complaint's wording included, is no longer found, and is to be answered
anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pytest

pytest.importorskip("pydantic_monty")

from expressive_motion.behaviour import Behaviour
from expressive_motion.evaluation.behaviours import load_behaviours
from expressive_motion.evaluation.judging import used
from expressive_motion.language.language_model import Answer, Question, never
from expressive_motion.language.recorded_model import RecordedModel, key_of
from expressive_motion.pipeline import Pipeline
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.rehearsal import Rehearsal
from expressive_motion.robot import describe

FOLDER = Path(__file__).parents[1] / "recorded"
ROBOTS = ("simulated", "turtlebot4", "turtlebot3_waffle")
SAME_BODY = {"turtlebot2": "turtlebot3_waffle"}  # wheels and a buzzer, so what was written for the one suits the other
EVERY_ROBOT = (*ROBOTS, *SAME_BODY)
GOLDEN = load_behaviours()
CHAIN = ["social_reasoning", "robot_motion", "program"]
REPAIRED = {
    ("simulated", "shake"): "unknown argument 'pan'",
    ("turtlebot4", "unrecoverable"): "back_away(distance_m): expected 0.05 to 0.3 [m], got 0.03",
    ("turtlebot4", "teach"): "no skill or function is called 'nod'",
    ("turtlebot4", "attention"): "in rehearsal: ",
}
FEEDBACK = {
    ("simulated", "nod"): ["Too hasty. Nod more slowly."],
    ("simulated", "excuse"): [
        "The tone at the beginning is annoying. Use the light to be noticed, and nod before you speak."
    ],
    ("simulated", "unrecoverable"): [
        "Leave out the head shake, it looks theatrical.",
        "Good. Make the red a bit brighter.",
    ],
    ("turtlebot4", "acknowledge_walking"): ["Use green instead of blue."],
    ("turtlebot4", "attention"): ["Stop rocking, it makes me nervous. Just look, and let the light breathe."],
    ("turtlebot3_waffle", "nod"): ["I can hardly see it. Bigger, and three times."],
}


@dataclass
class Listened:
    """A recording, and what it was asked."""

    model: RecordedModel
    name: str = "recorded"
    questions: list[Question] = field(default_factory=list)

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        self.questions.append(question)
        return self.model.ask(question, seed, cancelled)


@dataclass
class Revision:
    """One round of feedback, and the modules that were asked."""

    said: str
    before: Behaviour
    after: Behaviour
    rehearsal: Rehearsal
    modules: Sequence[str]


@dataclass
class Robot:
    """A robot, its recording, and what was made of it so far; each behaviour is made once."""

    name: str
    sandbox: Sandbox

    def __post_init__(self) -> None:
        self.description = describe(self.name)
        self.model = Listened(RecordedModel(FOLDER / f"{SAME_BODY.get(self.name, self.name)}.json"))
        self.pipeline = Pipeline(self.model, self.description, self.sandbox)
        self.made, self.revised = lru_cache(self._made), lru_cache(self._revised)

    def _made(self, behaviour: str) -> tuple[Behaviour, Rehearsal, list[Question]]:
        begun = len(self.model.questions)
        made = self.pipeline.express(GOLDEN[behaviour].instruction)
        assert self.pipeline.rehearsal is not None
        return made, self.pipeline.rehearsal, self.model.questions[begun:]

    def _revised(self, behaviour: str) -> list[Revision]:
        revisions, made = [], self.made(behaviour)[0]
        for said in FEEDBACK.get((self.name, behaviour), []):
            before, begun = made, len(self.model.questions)
            made = self.pipeline.revise(before, said)
            assert self.pipeline.rehearsal is not None
            modules = [question.module for question in self.model.questions[begun:]]
            revisions.append(Revision(said, before, made, self.pipeline.rehearsal, modules))
        return revisions

    def broken(self, behaviour: str, rehearsal: Rehearsal) -> tuple[str, ...]:
        golden = GOLDEN[behaviour]
        return golden.broken(rehearsal.run(golden.scene).trace, self.description)


@pytest.fixture(scope="module")
def robots() -> Iterator[dict[str, Robot]]:
    with Sandbox() as sandbox:
        yield {name: Robot(name, sandbox) for name in EVERY_ROBOT}


def test_no_profile_is_left_out() -> None:
    profiles = {path.stem for path in (Path(__file__).parents[3] / "config/robots").glob("*.yaml")}
    assert profiles == set(EVERY_ROBOT)


@pytest.mark.parametrize("behaviour", GOLDEN)
@pytest.mark.parametrize("robot", EVERY_ROBOT)
def test_each_behaviour_is_fit_and_keeps_its_norms(robots: dict[str, Robot], robot: str, behaviour: str) -> None:
    made, rehearsal, _ = robots[robot].made(behaviour)
    assert (made.verdict, made.refusal, made.robot) == ("fit", "", robot)
    assert robots[robot].broken(behaviour, rehearsal) == ()
    assert ("speech" in made.forbidden) == ("speak" in GOLDEN[behaviour].instruction)
    for run in rehearsal.runs:
        assert not used(run.trace).intersection(made.forbidden), run.scene.name
    assert made.program is not None
    assert json.loads(made.replies[-1].text)["code"] == made.code
    assert [reply.module for reply in made.replies[:3]] == CHAIN


@pytest.mark.parametrize("robot", ROBOTS)
def test_only_the_drafts_that_are_wrong_are_repaired(robots: dict[str, Robot], robot: str) -> None:
    repaired = {behaviour for behaviour in GOLDEN if len(robots[robot].made(behaviour)[0].replies) > 3}
    assert repaired == {behaviour for name, behaviour in REPAIRED if name == robot}


@pytest.mark.parametrize(("robot", "behaviour"), REPAIRED)
def test_a_wrong_draft_comes_back_with_its_complaint(robots: dict[str, Robot], robot: str, behaviour: str) -> None:
    made, _, questions = robots[robot].made(behaviour)
    assert [question.module for question in questions] == [*CHAIN, "program"]
    draft = json.loads(made.replies[2].text)["code"]
    told = questions[-1].fields
    assert told["previous_code"] == draft != made.code
    assert REPAIRED[robot, behaviour] in told["complaint"]
    if told["complaint"].startswith("in rehearsal: "):
        assert "did not end within 60 s" in told["complaint"]


@pytest.mark.parametrize(("robot", "behaviour"), FEEDBACK)
def test_feedback_changes_what_it_asks_for(robots: dict[str, Robot], robot: str, behaviour: str) -> None:
    revisions = robots[robot].revised(behaviour)
    assert len(revisions) == len(FEEDBACK[robot, behaviour])
    for number, revision in enumerate(revisions, start=1):
        before, after = revision.before, revision.after
        assert after.verdict == "fit"
        assert robots[robot].broken(behaviour, revision.rehearsal) == ()
        assert after.code != before.code
        assert (len(after.rounds), after.rounds[-1].feedback) == (number, revision.said)
        assert after.forbidden == before.forbidden
        if after.rounds[-1].target == "program":  # the steps stand, and only the program is written anew
            assert [*revision.modules] == ["feedback", "program"]
            assert after.motion == before.motion
        else:
            assert [*revision.modules] == ["feedback", "robot_motion", "program"]
            assert after.motion != before.motion


def test_both_ways_of_feedback_are_recorded() -> None:
    targets = []
    for robot in ROBOTS:
        answers = json.loads((FOLDER / f"{robot}.json").read_text(encoding="utf-8"))["answers"]
        targets += [a["content"]["target"] for a in answers if a["module"] == "feedback"]
    assert len(targets) == sum(map(len, FEEDBACK.values()))
    assert set(targets) == {"robot_motion", "program"}


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_recording_tells_where_it_comes_from_and_holds_nothing_unused(robots: dict[str, Robot], robot: str) -> None:
    document = json.loads((FOLDER / f"{robot}.json").read_text(encoding="utf-8"))
    assert "by hand" in document["model"]
    assert len(bytes.fromhex(document["prompts"])) == 32
    held = {key_of(answer["module"], answer["fields"]) for answer in document["answers"]}
    for behaviour in GOLDEN:
        robots[robot].made(behaviour)
        robots[robot].revised(behaviour)
    asked = {key_of(question.module, question.fields) for question in robots[robot].model.questions}
    assert asked == held
