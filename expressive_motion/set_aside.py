"""Instructions that nobody tuned for, each with what is expected: how many are answered sensibly, refused honestly, or
answered wrongly.

A file maps names to entries: `instruction`; `expect`, behaviour or refusal; and of a behaviour `scene`, the `norms` it
keeps there, and the modalities it `uses`, all of them, and `avoids`. Sensible is a program that is fit and does all of
that; honest is a refusal where one is expected. A refusal of what could have been done is told apart from an answer
that is wrong.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from expressive_motion.bans import forbidden_in
from expressive_motion.behaviours import Golden
from expressive_motion.evaluation import STAGES, Sample, sample_all
from expressive_motion.imagined import scene_named
from expressive_motion.models import make_model
from expressive_motion.norms import NORMS
from expressive_motion.rehearsal import rehearse
from expressive_motion.robot import MODALITIES, Description, describe
from expressive_motion.sandbox import Sandbox
from sac_son_nav.config import build, make_folder, read_yaml, write_atomically
from sac_son_nav.errors import ConfigError

VERDICTS = ("sensible", "honest refusal", "refused needlessly", "wrong")


@dataclass(frozen=True)
class Expectation:
    """An instruction and what a good answer to it does."""

    name: str
    instruction: str
    expect: str = "behaviour"
    scene: str = "standing"
    norms: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.expect not in ("behaviour", "refusal"):
            raise ConfigError(f"expect: expected behaviour or refusal, got {self.expect!r}")
        if not self.name.isidentifier() or not self.instruction.strip():
            raise ConfigError(f"expected an identifier and an instruction, got {self.name!r}, {self.instruction!r}")
        scene_named(self.scene)
        for what, given, known in (
            ("norms", self.norms, NORMS),
            ("uses", self.uses, MODALITIES),
            ("avoids", self.avoids, MODALITIES),
        ):
            unknown = [name for name in given if name not in known]
            if unknown:
                raise ConfigError(f"{what}: expected some of {', '.join(known)}, got {unknown[0]!r}")

    @property
    def golden(self) -> Golden:
        """As a case of the evaluation, which wants a norm: to show something is the least."""
        return Golden(self.name, self.instruction, self.scene, self.norms or ("shows_life",))


def load_expectations(path: Path) -> list[Expectation]:
    """The entries of a file; ConfigError with one sentence where it is wrong."""
    document = read_yaml(path)
    if not isinstance(document, Mapping) or not document:
        raise ConfigError(f"{path}: expected instructions by name, got {type(document).__name__}")
    made = []
    for name, entry in document.items():
        if not isinstance(entry, Mapping) or "name" in entry:
            raise ConfigError(f"{path}: {name}: expected an instruction and what is expected of it, got {entry!r}")
        made.append(build(Expectation, {"name": name, **entry}, f"{path}: {name}"))
    return made


def verdict(wanted: Expectation, sample: Sample, description: Description, sandbox: Sandbox) -> tuple[str, str]:
    """One of VERDICTS, and why it is not better."""
    if sample.refusal:
        return ("honest refusal", "") if wanted.expect == "refusal" else ("refused needlessly", sample.refusal)
    if wanted.expect == "refusal":
        return "wrong", "a refusal was expected"
    if not sample.passes(STAGES[-1]):
        return "wrong", " ".join(sample.why)
    used = modalities(sample.code, wanted, description, sandbox)
    missing = [part for part in wanted.uses if part not in used]
    excess = [part for part in wanted.avoids if part in used]
    if missing or excess:
        told = [f"does not use {', '.join(missing)}"] * bool(missing) + [f"uses {', '.join(excess)}"] * bool(excess)
        return "wrong", "; ".join(told)
    return "sensible", ""


def modalities(code: str, wanted: Expectation, description: Description, sandbox: Sandbox) -> frozenset[str]:
    """What a program expresses itself with, in its scene."""
    banned = forbidden_in(wanted.instruction)
    scenes = (scene_named(wanted.scene),)
    calls = rehearse(code, description, sandbox, forbidden=banned, scenes=scenes).runs[0].trace.performed
    effects = {effect for performed in calls for effect in description.skills[performed.call.skill].effects}
    return frozenset(part for part, effect in MODALITIES.items() if effect in effects)


def report(model: str, robot: str, judged: Sequence[tuple[Expectation, str, str]]) -> str:
    """The shares as Markdown, and below what was not as expected."""
    counts = Counter(outcome for _, outcome, _ in judged)
    lines = [f"# Instructions set aside, answered by {model} for {robot}", "", "| | of | share |", "|---|---|---|"]
    lines += [f"| {v} | {counts[v]}/{len(judged)} | {counts[v] / len(judged):.0%} |" for v in VERDICTS]
    off = [(wanted, outcome, why) for wanted, outcome, why in judged if outcome in VERDICTS[2:]]
    if off:
        lines += ["", "## Not as expected", ""]
        lines += [f"- {w.name} ({w.instruction.strip()}): {outcome}: {why}" for w, outcome, why in off]
    return "\n".join(lines) + "\n"


def evaluate_set_aside(path: Path, model: str, robot: str, out: Path) -> int:
    """`sac-son evaluate expression --set-aside FILE`: the table, as set_aside.md and set_aside.json."""
    expectations = load_expectations(path)
    description = describe(robot)
    spoken = make_model(model, description)
    make_folder(out / "set_aside")
    samples = sample_all([e.golden for e in expectations], 1, spoken, description, out / "set_aside")
    with Sandbox() as sandbox:
        judged = [
            (e, *verdict(e, sample, description, sandbox)) for e, sample in zip(expectations, samples, strict=True)
        ]
    text = report(spoken.name, description.profile.name, judged)
    outcomes = {e.name: {"verdict": outcome, "why": why} for e, outcome, why in judged}
    document = {"model": spoken.name, "robot": description.profile.name, "outcomes": outcomes}
    write_atomically(out / "set_aside.md", text)
    write_atomically(out / "set_aside.json", json.dumps(document, indent=1) + "\n")
    print(text, end="")
    return 0
