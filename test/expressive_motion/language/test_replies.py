"""Which replies of a model become results, module by module."""

from __future__ import annotations

import json
from typing import Any

import pytest

from expressive_motion.chain import RESULTS, Module
from expressive_motion.errors import ModelError
from expressive_motion.language.replies import LENGTHS, MOST_STEPS, read_reply, take
from sac_son_nav.config import build

GOOD: dict[Module, dict[str, Any]] = {
    "social_reasoning": {"reasoning": "a\n\tb", "human_motion": "c", "left_out": "", "refusal": ""},
    "robot_motion": {"reasoning": "", "steps": ["Look.", "Nod."]},
    "program": {"reasoning": "", "name": "nod_twice", "summary": "It nods.", "code": "nod()\nnod()\n"},
    "feedback": {"reasoning": "", "change": "Nod slower.", "target": "program"},
}


@pytest.mark.parametrize("module", list(GOOD))
def test_a_good_reply_builds_its_result(module: Module) -> None:
    fields = read_reply(json.dumps(GOOD[module]), module)
    assert fields == GOOD[module]
    build(RESULTS[module], fields, module)
    assert set(fields) <= set(LENGTHS)


@pytest.mark.parametrize(
    ("module", "change", "told"),
    [
        ("robot_motion", {"steps": []}, "expected 1 to 30 items, got 0"),
        ("robot_motion", {"steps": ["x"] * (MOST_STEPS + 1)}, "got 31"),
        ("robot_motion", {"steps": ["x" * 401]}, r"steps\[0\]: expected at most 400 characters"),
        ("robot_motion", {"steps": ["Look.", " "]}, r"steps\[1\]: expected a text"),
        ("robot_motion", {"steps": ["Look.", 3]}, r"steps\[1\]: expected str, got 3"),
        ("robot_motion", {"steps": "Look."}, "expected a list, got 'Look.'"),
        ("robot_motion", {"steps": ["a\nb"]}, r"steps\[0\]: .*U\+000A"),
        ("program", {"name": "nod twice"}, "expected a Python identifier"),
        ("program", {"name": "while"}, "expected a Python identifier"),
        ("program", {"name": "nöd"}, "expected a Python identifier"),
        ("program", {"name": 4}, "expected str, got 4"),
        ("program", {"code": ""}, "program.code: expected a text"),
        ("program", {"code": "x" * 8001}, "at most 8000"),
        ("program", {"code": "nod()\x00"}, r"U\+0000"),
        ("program", {"summary": "a\u202eb"}, r"U\+202E"),
        ("program", {"summary": "a\ud800"}, r"U\+D800"),
        ("feedback", {"target": "social_reasoning"}, "expected robot_motion or program"),
        ("feedback", {"change": ""}, "feedback.change: expected a text"),
    ],
)
def test_what_does_not_fit_is_told_by_field(module: Module, change: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        read_reply(json.dumps({**GOOD[module], **change}), module)


def test_nan_and_two_fenced_blocks_are_refused() -> None:
    with pytest.raises(ModelError, match="NaN is no JSON"):
        read_reply('{"reasoning": NaN}', "feedback")
    block = f"```json\n{json.dumps(GOOD['feedback'])}\n```\n"
    with pytest.raises(ModelError, match="one fenced block of JSON, got 2"):
        read_reply(f"Either\n{block}or\n{block}", "feedback")


def test_tuples_become_lists_and_the_order_is_the_schemas() -> None:
    taken = take({"steps": ("Look.",), "reasoning": ""}, "robot_motion")
    assert list(taken.items()) == [("reasoning", ""), ("steps", ["Look."])]
