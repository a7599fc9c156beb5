"""A language model's answers to instructions that nobody tuned for, through the whole pipeline, and how many of them
are as they should be (judging.py)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from expressive_motion.bans import forbidden_in
from expressive_motion.evaluation.behaviours import Golden
from expressive_motion.evaluation.judging import (
    CATEGORIES,
    EXPECTATIONS,
    Expectation,
    Judgement,
    Reply,
    expectations,
    judge,
    shares,
)
from expressive_motion.evaluation.samples import Sample, sample_all
from expressive_motion.models import make_model
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.imagined import scene_named
from expressive_motion.rehearsals.rehearsal import rehearse
from expressive_motion.robot import Description, describe
from sac_son_nav.config import make_folder, read_yaml, write_atomically

Judged = tuple[Expectation, Judgement]


def as_case(expected: Expectation) -> Golden:
    """An expectation as a case to sample; a case wants a norm, and to show something is the least."""
    return Golden(expected.id, expected.instruction, expected.scene, expected.norms or ("shows_life",))


def judge_sample(expected: Expectation, sample: Sample, description: Description, sandbox: Sandbox) -> Judgement:
    """How an answer does. A program that is not fit is none: nobody would have performed it."""
    if sample.refusal or not sample.passes("in_limits"):
        gave_up = "" if sample.refusal else "; ".join(sample.why)
        return judge(expected, Reply(sample.refusal, sample.left_out, gave_up), None, description)
    scenes = (scene_named(expected.scene),)
    banned = forbidden_in(expected.instruction)
    trace = rehearse(sample.code, description, sandbox, forbidden=banned, scenes=scenes).runs[0].trace
    return judge(expected, Reply(left_out=sample.left_out), trace, description)


def report(model: str, robot: str, judged: Sequence[Judged]) -> str:
    """The shares as Markdown, and below what is not as it should be."""
    table = shares(judged)
    lines = [f"# Instructions set aside, answered by {model} for {robot}", ""]
    lines += ["| | " + " | ".join((*EXPECTATIONS, "all")) + " |", "|---|" + "---|" * (len(EXPECTATIONS) + 1)]
    for row in (*CATEGORIES, "good"):
        counts = [f"{table[name][row]}/{table[name]['of']}" for name in (*EXPECTATIONS, "all")]
        lines.append(f"| {'**as it should be**' if row == 'good' else row} | {' | '.join(counts)} |")
    off = [(expected, found) for expected, found in judged if found.category not in expected.good]
    if off:
        lines += ["", "## Not as it should be", ""]
    for expected, found in off:
        told = " ".join("; ".join(found.reasons).split())
        lines.append(f"- {expected.id} ({' '.join(expected.instruction.split())}): {found.category}: {told}")
    return "\n".join(lines) + "\n"


def evaluate_set_aside(path: Path, model: str, robot: str, out: Path) -> int:
    """`sac-son evaluate expression --set-aside FILE`: the table, as set_aside.md and set_aside.json."""
    expected = expectations(read_yaml(path), str(path))
    description = describe(robot)
    spoken = make_model(model, description)
    make_folder(out / "set_aside")
    samples = sample_all([as_case(e) for e in expected], 1, spoken, description, out / "set_aside")
    with Sandbox() as sandbox:
        judged = [
            (e, judge_sample(e, sample, description, sandbox)) for e, sample in zip(expected, samples, strict=True)
        ]
    text = report(spoken.name, description.profile.name, judged)
    outcomes = {e.id: {"category": found.category, "reasons": found.reasons} for e, found in judged}
    document = {
        "model": spoken.name,
        "robot": description.profile.name,
        "shares": shares(judged),
        "outcomes": outcomes,
    }
    write_atomically(out / "set_aside.md", text)
    write_atomically(out / "set_aside.json", json.dumps(document, indent=1) + "\n")
    print(text, end="")
    return 0
