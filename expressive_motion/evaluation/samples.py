"""How well a language model writes behaviours: the twelve of GenEM's studies, several samples each, by checks alone.

Each sample goes through the whole pipeline. Judged are the program it ends with, also where the pipeline refuses it,
and the norms of behaviours.yaml on what a rehearsal shows. A sample's seed is its number. The checks are the automatic
half of GenEM's protocol (five samples, does it run, does it break social norms); how it looks, people have to say.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from expressive_motion.bans import forbidden_in
from expressive_motion.chain import MODULES
from expressive_motion.errors import ExpressionError, ModelError, ProgramError, Unreachable
from expressive_motion.evaluation.behaviours import Golden, load_behaviours
from expressive_motion.language.language_model import Answer, LanguageModel, Question, never
from expressive_motion.models import make_model
from expressive_motion.programs.grammar import check_grammar
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.rehearsal import rehearse
from expressive_motion.robot import Description, describe
from sac_son_nav.config import make_folder, write_atomically
from sac_son_nav.errors import ConfigError

STAGES = ("written", "parses", "type_checks", "runs", "in_limits", "keeps_norms")
"""What a sample can reach, each only after those before it."""


@dataclass(frozen=True)
class Sample:
    """One try at one case. `reached`: the last of STAGES, empty where there is no program; `why`: what it fell short
    of, in words; `first_try`: whether no question had to be asked again."""

    case: str
    number: int
    reached: str
    why: tuple[str, ...]
    refusal: str
    left_out: str
    code: str
    seconds: float
    questions: int
    tokens_in: int | None
    tokens_out: int | None
    first_try: bool

    def passes(self, stage: str) -> bool:
        """Whether it got as far."""
        return bool(self.reached) and STAGES.index(self.reached) >= STAGES.index(stage)


@dataclass
class Watched:
    """A model whose questions are counted; each is asked with this seed."""

    model: LanguageModel
    seed: int
    answers: list[tuple[Question, Answer]] = field(default_factory=list)
    unreachable: Unreachable | None = None

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        """The model's answer."""
        try:
            answer = self.model.ask(question, self.seed, cancelled)
        except Unreachable as error:
            self.unreachable = error
            raise
        self.answers.append((question, answer))
        return answer

    @property
    def code(self) -> str:
        """The last program it wrote; empty where there is none."""
        programs = [answer.content["code"] for question, answer in self.answers if question.module == "program"]
        return str(programs[-1]) if programs else ""

    @property
    def left_out(self) -> str:
        """What it said it leaves undone; empty where it said nothing of the kind."""
        said = [answer.content["left_out"] for question, answer in self.answers if question.module == MODULES[0]]
        return str(said[-1]) if said else ""

    def tokens(self, which: str) -> int | None:
        """All tokens_in or tokens_out, as far as they are known."""
        known = [count for _, answer in self.answers if (count := getattr(answer, which)) is not None]
        return sum(known) if known else None


def judge(case: Golden, code: str, description: Description, sandbox: Sandbox) -> tuple[str, tuple[str, ...]]:
    """How far a program gets, and what it fell short of, in words."""
    if not code:
        return "", ("no program",)
    try:
        check_grammar(code)
    except ProgramError as error:
        return "written", (str(error),)
    forbidden = forbidden_in(case.instruction)
    try:
        sandbox.check(code, description, forbidden=forbidden)
    except ProgramError as error:
        return "parses", (str(error),)
    try:
        rehearsal = rehearse(code, description, sandbox, forbidden=forbidden)
    except ProgramError as error:
        return "type_checks", (str(error),)
    if any(run.verdict == "unfit" and run.trace.state in ("failed", "running") for run in rehearsal.runs):
        return "type_checks", rehearsal.stops
    if rehearsal.verdict != "fit":
        return "runs", rehearsal.stops
    broken = case.broken(rehearsal.run(case.scene).trace, description)
    return ("in_limits", broken) if broken else ("keeps_norms", ())


def try_once(case: Golden, number: int, model: LanguageModel, description: Description, sandbox: Sandbox) -> Sample:
    """One sample. Unreachable passes, as it says nothing of the model."""
    from expressive_motion.pipeline import Pipeline

    watched = Watched(model, number)
    refusal, given_up = "", ""
    began = time.monotonic()
    try:
        refusal = Pipeline(watched, description, sandbox).express(case.instruction).refusal
    except ExpressionError as error:
        if watched.unreachable is not None:
            raise watched.unreachable from None
        given_up = str(error)
    seconds = time.monotonic() - began
    reached, why = ("", (f"refused: {refusal}",)) if refusal else judge(case, watched.code, description, sandbox)
    if given_up and given_up not in why:
        why = (*why, f"the pipeline gave up: {given_up}")
    return Sample(
        case.name,
        number,
        reached,
        why,
        refusal,
        watched.left_out,
        watched.code,
        round(seconds, 3),
        len(watched.answers),
        watched.tokens("tokens_in"),
        watched.tokens("tokens_out"),
        first_try=bool(watched.code) and len(watched.answers) == 3,
    )


def sample_all(
    cases: Sequence[Golden],
    samples: int,
    model: LanguageModel,
    description: Description,
    folder: Path,
) -> list[Sample]:
    """Every sample of every case, from the folder where it was made before, else made and written there at once."""
    made: list[Sample] = []
    with Sandbox() as sandbox:
        for case in cases:
            for number in range(samples):
                path = folder / f"{case.name}-{number}.json"
                told = {"model": model.name, "robot": description.profile.name, "instruction": case.instruction}
                sample = _read_sample(path, told)
                if sample is None:
                    try:
                        sample = try_once(case, number, model, description, sandbox)
                    except Unreachable as error:
                        raise ModelError(f"{error}; the same command goes on from here") from None
                    write_atomically(path, json.dumps({**told, "sample": asdict(sample)}, indent=1) + "\n")
                    result = sample.reached or "no program"
                    print(f"{case.name} {number}: {result}, {sample.seconds:.1f} s", file=sys.stderr)
                made.append(sample)
    return made


def _read_sample(path: Path, told: Mapping[str, str]) -> Sample | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        sample = Sample(**{**document["sample"], "why": tuple(document["sample"]["why"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: expected an earlier sample, got: {error}") from None
    for key, value in told.items():
        if document.get(key) != value:
            raise ConfigError(f"{path}: expected {key} {value!r}, got {document.get(key)!r}; choose another --out")
    return sample


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """How many of these samples reach each stage, and what they cost."""
    tokens = [s.tokens_out for s in samples if s.tokens_out is not None]
    return {
        "samples": len(samples),
        **{stage: sum(s.passes(stage) for s in samples) for stage in STAGES},
        "first_try": sum(s.first_try for s in samples),
        "seconds": statistics.median(s.seconds for s in samples),
        "tokens_out": statistics.median(tokens) if tokens else None,
    }


def report(model: str, robot: str, samples: Sequence[Sample]) -> str:
    """The table as Markdown: one row a behaviour, and what went wrong below."""
    lines = [f"# Behaviours written by {model} for {robot}", ""]
    heads = [*(stage.replace("_", " ") for stage in STAGES), "first try", "median s", "median tokens out"]
    lines += ["| behaviour | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for name in [*dict.fromkeys(s.case for s in samples), ""]:
        row = summary([s for s in samples if name in ("", s.case)])
        shares = [f"{row[stage]}/{row['samples']}" for stage in (*STAGES, "first_try")]
        tokens = "" if row["tokens_out"] is None else f"{row['tokens_out']:.0f}"
        lines.append(f"| {name or '**all**'} | {' | '.join(shares)} | {row['seconds']:.1f} | {tokens} |")
    short = [s for s in samples if not s.passes(STAGES[-1])]
    if short:
        lines += ["", "## What fell short", ""]
        lines += [f"- {s.case} {s.number}: {' '.join(' '.join(s.why).split())}" for s in short]
    return "\n".join(lines) + "\n"


def evaluate_expression(model: str, samples: int, robot: str, out: Path) -> int:
    """`sac-son evaluate expression`: the table, as expression.md and expression.json."""
    if not 1 <= samples <= 100:
        raise ConfigError(f"--samples: expected 1 to 100, got {samples}")
    description = describe(robot)
    spoken = make_model(model, description)
    make_folder(out / "samples")
    made = sample_all(list(load_behaviours().values()), samples, spoken, description, out / "samples")
    text = report(spoken.name, description.profile.name, made)
    document = {
        "model": spoken.name,
        "robot": description.profile.name,
        "all": summary(made),
        "behaviours": {name: summary([s for s in made if s.case == name]) for name in {s.case: 0 for s in made}},
    }
    write_atomically(out / "expression.md", text)
    write_atomically(out / "expression.json", json.dumps(document, indent=1) + "\n")
    print(text, end="")
    return 0
