"""Samples of a model, judged by what was expected of each instruction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pydantic_monty")

from expressive_motion.evaluation.judging import Expectation, Judgement, expectations
from expressive_motion.evaluation.samples import Sample
from expressive_motion.evaluation.samples import judge as judge_program
from expressive_motion.evaluation.set_aside import as_case, judge_sample, report
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.robot import describe
from sac_son_nav.config import read_yaml

ROBOT = describe("simulated")
NOD = "move_head(tilt_deg=-15.0)\nmove_head(tilt_deg=5.0)\nmove_head(tilt_deg=-15.0)\nlook_ahead()\n"
GREEN = 'light("green")\nwait(1.0)\n'
CHATTER = 'for i in range(10):\n    say("Hello.")\n'


@pytest.mark.parametrize(
    ("given", "said", "category", "told"),
    [
        ({"norms": ("says_yes",), "forbid": ("speech",)}, {"code": NOD}, "sensible", ""),
        ({"norms": ("says_no",)}, {"code": NOD}, "wrong", "says_no"),
        ({"forbid": ("light",)}, {"code": GREEN}, "wrong", "light"),
        ({}, {"code": "nod()"}, "gave up", "'nod'"),
        ({}, {"code": CHATTER}, "gave up", "spoke 10 times"),
        ({}, {"code": ""}, "gave up", "no program"),
        ({}, {"code": "", "refusal": "I'd rather not."}, "declined", "I'd rather not."),
        ({"expectation": "partial"}, {"code": NOD, "left_out": "No hug."}, "partial", ""),
        ({"expectation": "partial"}, {"code": NOD}, "wrong", "leaves out"),
        ({"expectation": "refuse"}, {"code": "", "refusal": "I have no arms."}, "refused", ""),
        ({"expectation": "refuse"}, {"code": NOD}, "wrong", "refusal was expected"),
    ],
)
def test_samples_are_judged(sandbox: Sandbox, given: dict[str, Any], said: Any, category: str, told: str) -> None:
    expected = Expectation(**{"id": "x", "instruction": "Say yes.", "expectation": "answer", "why": "", **given})
    reached, why = judge_program(as_case(expected), said["code"], ROBOT, sandbox)
    answer = {"refusal": "", "left_out": "", **said}
    sample = Sample(
        "x", 0, reached, why, **answer, seconds=0.1, questions=3, tokens_in=1, tokens_out=1, first_try=True
    )
    found = judge_sample(expected, sample, ROBOT, sandbox)
    assert found.category == category
    assert told in " ".join(found.reasons)


def test_every_instruction_of_our_list_can_be_sampled() -> None:
    path = Path(__file__).parents[1] / "set_aside.yaml"
    for expected in expectations(read_yaml(path), str(path)):
        case = as_case(expected)
        assert (case.name, case.instruction, case.scene) == (expected.id, expected.instruction, expected.scene)


def test_the_report_counts_and_names() -> None:
    nod = Expectation("x", "Nod.", "answer", "")
    fly = Expectation("y", "Fly.", "refuse", "")
    judged = [
        (nod, Judgement("sensible")),
        (nod, Judgement("wrong", ("it moved", "it spoke"))),
        (fly, Judgement("refused")),
    ]
    text = report("m", "r", judged)
    assert "| sensible | 1/2 | 0/0 | 0/1 | 1/3 |" in text
    assert "| refused | 0/2 | 0/0 | 1/1 | 1/3 |" in text
    assert "| **as it should be** | 1/2 | 0/0 | 1/1 | 2/3 |" in text
    assert text.endswith("- x (Nod.): wrong: it moved; it spoke\n")
