"""Answers on file: found by what was asked, refused where nothing like it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from expressive_motion.errors import ModelError
from expressive_motion.language.language_model import Answer, Message, Question, never
from expressive_motion.language.recorded_model import RecordedModel, Recorder, key_of

SOCIAL = {"reasoning": "r", "human_motion": "They nod.", "left_out": "", "refusal": ""}
MOTION = {"reasoning": "r", "steps": ["Nod."]}
EMPTY = '{"module": "robot_motion", "fields": {}, "content": {"reasoning": "", "steps": []}}'
FIELDS = {"instruction": "Nod.", "situation": "", "forbidden": frozenset({"speech", "base"})}


class Speaker:
    """Says what it is told to, and counts."""

    name = "speaker"

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        content = self.answers.pop(0)
        return Answer(content, json.dumps(content), 3, None)


def test_what_was_recorded_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "answers.json"
    recorder = Recorder(Speaker(SOCIAL, MOTION), path)
    said = recorder.ask(Question("social_reasoning", FIELDS, (Message("user", "Nod."),)))
    recorder.ask(Question("robot_motion", {"instruction": "Nod."}))
    replayed = RecordedModel(path)
    assert replayed.name == "speaker"
    # another prompt, another order, another spelling of the same values: the same question
    fields = {"forbidden": ("base", "speech"), "situation": None, "instruction": "Nod."}
    assert replayed.ask(Question("social_reasoning", fields, (Message("user", "Now nod!"),)), seed=4) == said
    assert replayed.ask(Question("robot_motion", {"instruction": "Nod."})).content == MOTION
    assert [p.name for p in path.parent.iterdir()] == ["answers.json"]


@pytest.mark.parametrize(
    ("module", "fields"),
    [
        ("social_reasoning", {**FIELDS, "instruction": "Nod!"}),
        ("social_reasoning", {**FIELDS, "forbidden": ()}),
        ("social_reasoning", {**FIELDS, "extra": "x"}),
        ("robot_motion", FIELDS),
    ],
)
def test_another_question_is_refused_by_name(tmp_path: Path, module: Any, fields: dict[str, Any]) -> None:
    path = tmp_path / "answers.json"
    Recorder(Speaker(SOCIAL), path).ask(Question("social_reasoning", FIELDS))
    with pytest.raises(ModelError, match=f"no answer to this {module} question, about 'Nod.'; it holds 1"):
        RecordedModel(path).ask(Question(module, fields))


def test_a_recording_grows_answer_by_answer_and_the_later_one_stands(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    later = {**SOCIAL, "human_motion": "They smile."}
    for content in (SOCIAL, later):
        Recorder(Speaker(content), path).ask(Question("social_reasoning", FIELDS))
    recorder = Recorder(Speaker(MOTION), path)
    recorder.ask(Question("robot_motion", {"instruction": "Nod."}))
    with pytest.raises(IndexError):  # the model's own failure passes, and the file keeps what it has
        recorder.ask(Question("feedback", {}))
    replayed = RecordedModel(path)
    assert replayed.ask(Question("social_reasoning", FIELDS)).content == later
    assert len(json.loads(path.read_text())["answers"]) == 2


def test_a_recording_written_by_hand_needs_no_more_than_question_and_content(tmp_path: Path) -> None:
    path = tmp_path / "hand.json"
    entry = {"module": "robot_motion", "fields": {"instruction": "Nod."}, "content": MOTION}
    path.write_text(json.dumps({"version": 1, "answers": [entry]}))
    answer = RecordedModel(path).ask(Question("robot_motion", {"instruction": "Nod."}))
    assert (answer.content, json.loads(answer.text), answer.tokens_in) == (MOTION, MOTION, None)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("{", "expected JSON"),
        ("[]", "version 1"),
        ('{"version": 2}', "version 1"),
        ('{"version": 1}', "expected a list of answers"),
        ('{"version": 1, "answers": [{"module": "x"}]}', r"answers\[0\]: expected a module"),
        ('{"version": 1, "answers": [{"module": "feedback"}]}', "the question's fields"),
        ('{"version": 1, "answers": [{"module": "feedback", "fields": {}, "content": 3}]}', "got 3"),
        (f'{{"version": 1, "answers": [{EMPTY}]}}', "expected 1 to 30 items"),
    ],
)
def test_a_broken_recording_is_refused_in_a_sentence(tmp_path: Path, document: str, told: str) -> None:
    path = tmp_path / "answers.json"
    path.write_text(document)
    with pytest.raises(ModelError, match=told):
        RecordedModel(path)
    with pytest.raises(ModelError, match=told):
        Recorder(Speaker(), path)  # rather than overwriting it


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.json: no such file"):
        RecordedModel(tmp_path / "nothing.json")


def test_cancelled_gives_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    question = Question("social_reasoning", FIELDS)
    Recorder(Speaker(SOCIAL), path).ask(question)
    with pytest.raises(ModelError, match="cancelled"):
        RecordedModel(path).ask(question, cancelled=lambda: True)


def test_a_key_names_its_module_and_hashes_the_fields() -> None:
    assert key_of("program", {}).startswith("program:44136fa355b3678a")  # SHA-256 of {}
    assert key_of("program", {"a": ("x",)}) == key_of("program", {"b": (), "a": ["x"]})
    assert key_of("program", {"a": ("x", "y")}) != key_of("program", {"a": ("y", "x")})
