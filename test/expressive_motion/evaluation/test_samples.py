"""How far programs get, and the table of a model's samples, through the real pipeline and the real rehearsal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pydantic_monty")

from expressive_motion.errors import ModelError, Unreachable
from expressive_motion.evaluation.behaviours import Golden, load_behaviours
from expressive_motion.evaluation.samples import STAGES, judge, report, sample_all, summary, try_once
from expressive_motion.language.language_model import Answer, Question, never
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.robot import describe
from sac_son_nav.errors import ConfigError

ROBOT = describe("simulated")
GOLDEN = load_behaviours()
NOD = "move_head(tilt_deg=-15.0)\nmove_head(tilt_deg=5.0)\nmove_head(tilt_deg=-15.0)\nlook_ahead()\n"
SHAKE = "move_head(pan_deg=25.0)\nmove_head(pan_deg=-25.0)\nmove_head(pan_deg=25.0)\nlook_ahead()\n"
FOLLOW = 'tone("rising")\nfollow_person(at_most_s=20.0)\n'
CHATTER = 'for i in range(10):\n    say("Hello.")\n'


class Writer:
    """Writes the program it is told to, whatever the instruction; an exception among them is raised."""

    name = "writer"

    def __init__(self, *codes: str | Exception, refusal: str = "", tokens: int | None = 10) -> None:
        self.codes, self.refusal, self.tokens = list(codes), refusal, tokens
        self.asked: list[tuple[str, int]] = []

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        self.asked.append((question.module, seed))
        content: dict[str, Any] = {"reasoning": "r"}
        if question.module == "social_reasoning":
            content.update(human_motion="They nod.", left_out="", refusal=self.refusal)
        elif question.module == "robot_motion":
            content.update(steps=["Nod."])
        else:
            code = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
            if isinstance(code, Exception):
                raise code
            content.update(name="gesture", summary="A gesture.", code=code)
        return Answer(content, json.dumps(content), self.tokens, self.tokens)


@pytest.mark.parametrize(
    ("name", "code", "reached", "told"),
    [
        ("nod", "", "", "no program"),
        ("nod", "move_head(", "written", "line 1"),
        ("nod", "import os", "written", "nothing can be imported"),
        ("nod", "nod()", "parses", "'nod'"),
        ("nod", "move_head(tilt_deg=400.0)", "parses", "tilt_deg"),
        ("acknowledge_walking", 'say("Hello.")', "parses", "forbidden"),
        ("nod", "for i in range(50):\n    wait(2.0)\n", "type_checks", "did not end within 60 s"),
        ("nod", "for i in range(3):\n    wait(1.0 / (2.0 - i))\n", "type_checks", "failed"),
        ("nod", CHATTER, "runs", "spoke 10 times"),
        ("nod", SHAKE, "in_limits", "says_yes: no nod"),
        ("shake", SHAKE, "keeps_norms", ""),
        ("nod", NOD, "keeps_norms", ""),
        # whoever follows may be ended at the bound of their reach, which is a remark and no failure
        ("follow", FOLLOW, "keeps_norms", ""),
    ],
)
def test_how_far_a_program_gets(sandbox: Sandbox, name: str, code: str, reached: str, told: str) -> None:
    stage, why = judge(GOLDEN[name], code, ROBOT, sandbox)
    assert stage == reached
    assert told in " ".join(why)
    assert bool(why) == (stage != STAGES[-1])


def test_a_sample_of_a_good_model(sandbox: Sandbox) -> None:
    writer = Writer(NOD)
    sample = try_once(GOLDEN["nod"], 2, writer, ROBOT, sandbox)
    assert (sample.reached, sample.why, sample.code) == ("keeps_norms", (), NOD)
    assert (sample.questions, sample.tokens_in, sample.tokens_out, sample.first_try) == (3, 30, 30, True)
    assert [module for module, _ in writer.asked] == ["social_reasoning", "robot_motion", "program"]
    assert {seed for _, seed in writer.asked} == {2}
    assert all(sample.passes(stage) for stage in STAGES)


def test_a_sample_that_is_repaired_counts_as_repaired(sandbox: Sandbox) -> None:
    sample = try_once(GOLDEN["nod"], 0, Writer("nod()", NOD, tokens=None), ROBOT, sandbox)
    assert (sample.reached, sample.code, sample.first_try) == ("keeps_norms", NOD, False)
    assert sample.questions > 3
    assert sample.tokens_out is None


def test_a_program_that_the_pipeline_gives_up_is_judged_too(sandbox: Sandbox) -> None:
    sample = try_once(GOLDEN["nod"], 0, Writer("nod()"), ROBOT, sandbox)
    assert (sample.reached, sample.code, sample.first_try) == ("parses", "nod()", False)
    assert not sample.passes("type_checks")
    assert "'nod'" in sample.why[0]


def test_a_refusal_is_no_program(sandbox: Sandbox) -> None:
    sample = try_once(GOLDEN["nod"], 0, Writer(NOD, refusal="I'd rather not."), ROBOT, sandbox)
    assert (sample.reached, sample.refusal, sample.questions) == ("", "I'd rather not.", 1)
    assert not any(sample.passes(stage) for stage in STAGES)


def test_a_models_fault_is_a_sample_and_a_servers_is_not(sandbox: Sandbox) -> None:
    sample = try_once(GOLDEN["nod"], 0, Writer(ModelError("unusable reply")), ROBOT, sandbox)
    assert sample.reached == ""
    assert "unusable reply" in " ".join(sample.why)
    with pytest.raises(Unreachable, match="out of reach"):
        try_once(GOLDEN["nod"], 0, Writer(Unreachable("out of reach")), ROBOT, sandbox)


def test_samples_go_on_where_they_stopped(tmp_path: Path) -> None:
    cases = [GOLDEN["nod"], GOLDEN["shake"]]
    with pytest.raises(ModelError, match="line is cut; the same command goes on from here"):
        sample_all(cases, 2, Writer(NOD, NOD, NOD, Unreachable("line is cut")), ROBOT, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["nod-0.json", "nod-1.json", "shake-0.json"]
    writer = Writer(SHAKE)
    made = sample_all(cases, 2, writer, ROBOT, tmp_path)
    assert [(s.case, s.number, s.reached) for s in made] == [
        ("nod", 0, "keeps_norms"),
        ("nod", 1, "keeps_norms"),
        ("shake", 0, "in_limits"),
        ("shake", 1, "keeps_norms"),
    ]
    assert len(writer.asked) == 3
    assert sample_all(cases, 2, Writer(ModelError("nobody asks")), ROBOT, tmp_path) == made

    everything = summary(made)
    assert [everything[stage] for stage in STAGES] == [4, 4, 4, 4, 4, 3]
    text = report("writer", "simulated", made)
    assert "| shake | 2/2 | 2/2 | 2/2 | 2/2 | 2/2 | 1/2 | 2/2 |" in text
    assert "| **all** | 4/4 | 4/4 | 4/4 | 4/4 | 4/4 | 3/4 | 4/4 |" in text
    assert "- shake 0: says_no: no shake" in text


@pytest.mark.parametrize("change", ["model", "robot", "instruction", "broken"])
def test_samples_of_something_else_are_not_taken(tmp_path: Path, change: str) -> None:
    case = GOLDEN["nod"]
    sample_all([case], 1, Writer(NOD), ROBOT, tmp_path)
    path = tmp_path / "nod-0.json"
    document = json.loads(path.read_text())
    path.write_text("{" if change == "broken" else json.dumps({**document, change: "other"}))
    with pytest.raises(ConfigError, match=r"nod-0\.json: expected"):
        sample_all([case], 1, Writer(NOD), ROBOT, tmp_path)


def test_a_case_by_hand_is_judged_in_its_scene(sandbox: Sandbox) -> None:
    come = Golden("come", "Come here.", "distant", ("comes_near",))
    assert judge(come, "approach_person()\n", ROBOT, sandbox) == ("keeps_norms", ())
    assert judge(come, NOD, ROBOT, sandbox)[0] == "in_limits"
