"""Does a language model judge what robots do as people do? Three studies, rated by a model and held against people.

Protocol of Wachowiak et al. (IROS 2024): one question a call, temperature 0, seed 42, Spearman's rank correlation for
each act or dimension, and their mean. A model whose ratings do not vary correlates with nothing and counts as 0.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from expressive_motion.errors import ModelError, Refused
from expressive_motion.evaluation.intuition_data import ACTS, DIMENSIONS, Study, Term, load_people, load_studies
from expressive_motion.language.language_model import Message
from expressive_motion.language.openai_client import OpenAIModel
from expressive_motion.models import make_server_model
from sac_son_nav.config import make_folder, write_atomically
from sac_son_nav.errors import ConfigError

SEED = 42
GATES = ((0.65, "as good a judge as one average person"), (0.80, "on a par with GPT-4"))
"""Mean rank correlation in the first study, and what it means: one person against all others reached 0.65."""
MOST_REFUSALS = 0.1
"""The share of questions that may stay unanswered for a gate to count."""
_NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?![\w])")
Rate = Callable[[Term], float | None]


@dataclass(frozen=True)
class Group:
    """One act or dimension: how ratings go together, and how far they lie apart, model minus people."""

    name: str
    rank_correlation: float
    mean_absolute_error: float
    bias: float
    rated: int
    refused: int


@dataclass(frozen=True)
class Score:
    """A study's outcome."""

    study: str
    title: str
    mean_rank_correlation: float
    groups: tuple[Group, ...]

    @property
    def refused(self) -> float:
        """The share of items without a usable rating."""
        counts = [(g.refused, g.refused + g.rated) for g in self.groups]
        return sum(c[0] for c in counts) / max(1, sum(c[1] for c in counts))


def read_rating(text: str, low: float, high: float) -> float | None:
    """The rating that a reply gives: its only number, or the one it begins with; None where it is unclear or off the
    scale."""
    found = [float(number.replace("−", "-")) for number in _NUMBER.findall(text)]
    begins = _NUMBER.match(text.strip().lstrip("*'\"( "))
    if not found or (len(set(found)) > 1 and not begins):
        return None
    return found[0] if low <= found[0] <= high else None


def score(study: Study, rate: Rate) -> Score:
    """A study's figures with each of its questions rated by `rate`; None is a refusal, and its item is left out."""
    groups = []
    for name, items in study.groups.items():
        rated: list[float | None] = []
        for item in items:
            parts = [(term.sign, rate(term)) for term in item.terms]
            sums = [sign * rating for sign, rating in parts if rating is not None]
            rated.append(math.fsum(sums) if len(sums) == len(parts) else None)
        pairs = [(model, item.human) for model, item in zip(rated, items, strict=True) if model is not None]
        groups.append(_group(name, pairs, len(items) - len(pairs)))
    mean = math.fsum(g.rank_correlation for g in groups) / len(groups)
    return Score(study.name, study.title, mean, tuple(groups))


def _group(name: str, pairs: Sequence[tuple[float, float]], refused: int) -> Group:
    model, human = [p[0] for p in pairs], [p[1] for p in pairs]
    correlation = 0.0
    if len(set(model)) > 1 and len(set(human)) > 1:
        from scipy.stats import spearmanr

        correlation = float(spearmanr(model, human)[0])
    differences = [m - h for m, h in pairs]
    count = max(1, len(pairs))
    error = math.fsum(abs(d) for d in differences) / count
    return Group(name, correlation, error, math.fsum(differences) / count, len(pairs), refused)


class Answers:
    """A model's replies on file, found by what was asked; a run that was interrupted goes on where it stopped.

    Questions stand there as hashes, so that the file holds none of the studies' text.
    """

    def __init__(self, path: Path, model: str) -> None:
        self._path, self._model = path, model
        self._replies: dict[str, str | None] = {}
        if path.exists():
            try:
                document = json.loads(path.read_text(encoding="utf-8"))
                self._replies = dict(document["replies"])
                of = document["model"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise ConfigError(f"{path}: expected earlier replies, got: {error}") from None
            if of != model:
                raise ConfigError(f"{path}: expected replies of {model}, got those of {of}; choose another --out")

    def get(self, term: Term, ask: Callable[[Term], str | None]) -> str | None:
        """The reply to a question, asked for where it is new; None: the model declined."""
        asked = f"{term.system}\n{term.prompt}\n{term.most_tokens}"
        key = hashlib.sha256(asked.encode()).hexdigest()
        if key not in self._replies:
            self._replies[key] = ask(term)
            document = {"model": self._model, "replies": self._replies}
            write_atomically(self._path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        return self._replies[key]


def ask_model(model: OpenAIModel, term: Term) -> str | None:
    """One question by the protocol; None where the model declines. ModelError where the server fails."""
    messages = (Message("system", term.system), Message("user", term.prompt))
    try:
        return model.complete(messages, term.most_tokens, seed=SEED)
    except Refused:
        return None


def stored_scores(data: Path, studies: Sequence[Study]) -> dict[str, list[Score]]:
    """The same figures for the completions that the repository keeps, by file: what was published can be checked."""
    found: dict[str, list[Score]] = {}
    for study in studies:
        columns = set(ACTS if study.name == "communication" else DIMENSIONS)
        for path in sorted((data / study.folder / "model_completions").glob("*.csv")):
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
            reworded = path.stem.endswith("rewritten")
            if len(rows) != study.rows or set(rows[0]) != columns or reworded != (study.name == "reworded"):
                continue

            def rate(term: Term, rows: Sequence[dict[str, str]] = rows) -> float | None:
                return read_rating(rows[term.row][term.column], term.low, term.high)

            found.setdefault(path.stem, []).append(score(study, rate))
    return found


def one_against_the_others(people: Sequence[Mapping[str, Sequence[float]]]) -> list[float]:
    """For each person, the mean rank correlation of their ratings with the others' means: what a gate is."""
    found = []
    totals = {act: [math.fsum(p[act][i] for p in people) for i in range(len(people[0][act]))] for act in people[0]}
    for person in people:
        groups = []
        for act, ratings in person.items():
            others = [(t - r) / (len(people) - 1) for t, r in zip(totals[act], ratings, strict=True)]
            groups.append(_group(act, list(zip(ratings, others, strict=True)), 0))
        found.append(math.fsum(g.rank_correlation for g in groups) / len(groups))
    return found


def passed_gates(first: Score) -> list[str]:
    """What a model may be called after the first study."""
    if first.refused > MOST_REFUSALS:
        return []
    return [meaning for gate, meaning in GATES if first.mean_rank_correlation >= gate]


def report(model: str, scores: Sequence[Score]) -> str:
    """The figures as Markdown."""
    lines = [f"# Social intuitions of {model}", "", "| study | mean r_s | MAE | refused |", "|---|---|---|---|"]
    for s in scores:
        error = math.fsum(g.mean_absolute_error for g in s.groups) / len(s.groups)
        lines.append(f"| {s.title} | {s.mean_rank_correlation:.3f} | {error:.2f} | {s.refused:.1%} |")
    for s in scores:
        lines += ["", f"## {s.title.capitalize()}", "", "| | r_s | MAE | bias | rated | refused |"]
        lines.append("|---|---|---|---|---|---|")
        for g in s.groups:
            figures = f"{g.rank_correlation:.3f} | {g.mean_absolute_error:.2f} | {g.bias:+.2f}"
            lines.append(f"| {g.name} | {figures} | {g.rated} | {g.refused} |")
    passed = passed_gates(scores[0])
    lines += ["", f"Gates on the first study: {'; '.join(passed) if passed else 'none passed'}."]
    return "\n".join(lines) + "\n"


def evaluate_intuition(data: Path, model: str, out: Path) -> int:
    """`sac-son evaluate intuition`: 0 where the model judges as well as one average person, else 1."""
    studies = load_studies(data)
    client = make_server_model(model)
    make_folder(out)
    answers = Answers(out / "answers.json", client.name)
    scores = []
    for study in studies:
        terms = study.terms
        for number, term in enumerate(terms, start=1):
            print(f"\r{study.name}: {number} of {len(terms)}", end="", file=sys.stderr, flush=True)
            try:
                answers.get(term, lambda term: ask_model(client, term))
            except ModelError as error:
                print(file=sys.stderr)
                raise ModelError(f"{error}; the same command goes on from here") from None
        print(file=sys.stderr)
        scores.append(score(study, lambda term: _rating(answers, term)))
    write_report(client.name, scores, out)
    return 0 if passed_gates(scores[0]) else 1


def _rating(answers: Answers, term: Term) -> float | None:
    text = answers.get(term, lambda _: None)
    return None if text is None else read_rating(text, term.low, term.high)


def write_report(model: str, scores: Sequence[Score], out: Path) -> None:
    """intuition.md and intuition.json, and the first on the screen."""
    text = report(model, scores)
    document = {
        "model": model,
        "gates": passed_gates(scores[0]),
        "studies": [asdict(s) for s in scores],
    }
    write_atomically(out / "intuition.md", text)
    write_atomically(out / "intuition.json", json.dumps(document, indent=1) + "\n")
    print(text, end="")


def show_stored(data: Path) -> int:
    """`sac-son evaluate intuition --stored`: the repository's own completions, scored by this code."""
    found = stored_scores(data, load_studies(data))
    print("| completions | study | mean r_s | refused |\n|---|---|---|---|")
    for name, scores in found.items():
        for s in scores:
            print(f"| {name} | {s.study} | {s.mean_rank_correlation:.3f} | {s.refused:.1%} |")
    people = one_against_the_others(load_people(data))
    print(f"\nOne person against the others, {len(people)} people: mean {math.fsum(people) / len(people):.3f}")
    return 0
