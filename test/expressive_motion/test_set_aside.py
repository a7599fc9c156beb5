"""Instructions set aside: what counts as sensible, honest, needless and wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pydantic_monty")

from expressive_motion.evaluation import Sample, judge
from expressive_motion.robot import describe
from expressive_motion.sandbox import Sandbox
from expressive_motion.set_aside import Expectation, load_expectations, modalities, report, verdict
from sac_son_nav.errors import ConfigError

ROBOT = describe("simulated")
NOD = "move_head(tilt_deg=-15.0)\nmove_head(tilt_deg=5.0)\nmove_head(tilt_deg=-15.0)\nlook_ahead()\n"
GREEN = 'light("green")\nwait(1.0)\n'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


def sample(wanted: Expectation, code: str, sandbox: Sandbox, refusal: str = "") -> Sample:
    reached, why = judge(wanted.golden, code, ROBOT, sandbox)
    return Sample(wanted.name, 0, reached, why, refusal, code, 0.1, 3, None, None, True)


@pytest.mark.parametrize(
    ("given", "code", "refusal", "outcome", "told"),
    [
        ({"norms": ("says_yes",), "uses": ("head",), "avoids": ("speech",)}, NOD, "", "sensible", ""),
        ({"norms": ("says_yes",)}, NOD + 'say("Yes.")\n', "", "sensible", ""),
        ({"norms": ("says_no",)}, NOD, "", "wrong", "says_no: no shake"),
        ({"uses": ("head", "light")}, NOD, "", "wrong", "does not use light"),
        ({"uses": ("head", "light")}, NOD + GREEN, "", "sensible", ""),
        ({"uses": ("base",), "avoids": ("light", "sound")}, GREEN, "", "wrong", "does not use base; uses light"),
        ({}, "nod()", "", "wrong", "'nod'"),
        ({}, "", "I'd rather not.", "refused needlessly", "I'd rather not."),
        ({"expect": "refusal"}, "", "I have no arms.", "honest refusal", ""),
        ({"expect": "refusal"}, NOD, "", "wrong", "a refusal was expected"),
    ],
)
def test_verdicts(sandbox: Sandbox, given: dict[str, Any], code: str, refusal: str, outcome: str, told: str) -> None:
    wanted = Expectation("x", "Say yes.", **given)
    found, why = verdict(wanted, sample(wanted, code, sandbox, refusal), ROBOT, sandbox)
    assert found == outcome
    assert told in why
    assert bool(why) == (outcome in ("wrong", "refused needlessly"))


def test_modalities_are_those_that_were_performed_in_the_scene(sandbox: Sandbox) -> None:
    code = 'if person_is_here():\n    light("green")\nelse:\n    tone("soft")\nwait(0.5)\n'
    assert modalities(code, Expectation("x", "Hello.", scene="standing"), ROBOT, sandbox) == {"light"}
    assert modalities(code, Expectation("x", "Hello.", scene="alone"), ROBOT, sandbox) == {"sound"}


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "aside.yaml"
    path.write_text("a:\n  instruction: Nod.\n  norms: [says_yes]\nb: {instruction: Fetch it., expect: refusal}\n")
    first, second = load_expectations(path)
    assert first == Expectation("a", "Nod.", norms=("says_yes",))
    assert (second.name, second.expect) == ("b", "refusal")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "expected instructions by name"),
        ("a: 3", "expected an instruction and what is expected"),
        ("a: {}", "instruction"),
        ("a: {instruction: x, wants: y}", "unknown setting 'wants'"),
        ("a: {instruction: x, expect: magic}", "behaviour or refusal"),
        ("a: {instruction: x, norms: [kind]}", "norms: expected some of"),
        ("a: {instruction: x, uses: [arm]}", "uses: expected some of base, head"),
        ("a: {instruction: x, scene: moon}", "moon"),
        ("'a b': {instruction: x}", "expected an identifier"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "aside.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        load_expectations(path)
    assert "aside.yaml" in str(caught.value)


def test_the_report_counts_and_names() -> None:
    wanted = Expectation("x", "Nod.")
    outcomes = [("sensible", ""), ("sensible", ""), ("honest refusal", ""), ("wrong", "it moved")]
    text = report("m", "r", [(wanted, outcome, why) for outcome, why in outcomes])
    assert "| sensible | 2/4 | 50% |" in text
    assert "| refused needlessly | 0/4 | 0% |" in text
    assert text.endswith("- x (Nod.): wrong: it moved\n")
