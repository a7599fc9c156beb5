"""The questions and people's ratings of three studies on social intuitions about robots, read from a user's copy.

Source: Wachowiak et al., "Are Large Language Models Aligned with People's Social Intuitions for Human-Robot
Interactions?", IROS 2024, repository lwachowiak/LLMs-for-Social-Robotics, which carries no licence. So none of its
texts stands here: scenarios, questions and instructions come from its notebooks, ratings from its tables.
"""

from __future__ import annotations

import ast
import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sac_son_nav.errors import ConfigError

ACTS = ("Apology", "Why-Explanation", "What-Explanation", "Next-Action", "Ask-for-Help", "Continue")
"""What a robot may do after an event, in the order in which the survey's columns are numbered from 1."""
ACT_NAMES = ("apology_item", "why_items", "what_item", "next_action_item", "ask_for_help_item", "continue_item")
DIMENSIONS = {"Intentionality": (-5.0, 5.0), "Surprisingness": (1.0, 7.0), "Desirability": (-5.0, 5.0)}
DIMENSION_NAMES = ("intentionality_item", "surprisingness_item", "desirability_item")
AGREEMENT = (1.0, 5.0)
CHECK = "_7"  # a survey question that only tells whether one reads, numbered behind the acts


@dataclass(frozen=True)
class Term:
    """One question to a model, and the cell of a table of completions where its rating stands."""

    column: str
    row: int
    system: str
    prompt: str
    low: float
    high: float
    most_tokens: int
    sign: int = 1


@dataclass(frozen=True)
class Item:
    """What people rated: one thing, or the difference between two. The model's rating is the signed sum."""

    terms: tuple[Term, ...]
    human: float


@dataclass(frozen=True)
class Study:
    """Items by act or dimension; every group has its items in the same order."""

    name: str
    title: str
    groups: Mapping[str, tuple[Item, ...]]
    folder: str  # of the completions that the repository keeps
    rows: int  # of a table of completions that answers it

    @property
    def terms(self) -> list[Term]:
        """Every question once."""
        return [term for items in self.groups.values() for item in items for term in item.terms]


def load_studies(data: Path) -> tuple[Study, ...]:
    """The studies in a copy of the repository; ConfigError names a file that is missing or of another form."""
    said = _literals(data / "code/Experiment_2/generation_exp2.ipynb")
    judged, again = data / "data/deGraaf_and_Malle.csv", data / "data/deGraaf_and_Malle_Rewritten.csv"
    rows, reworded = _table(judged), _table(again)
    title, folder = "judging what robots and people did", "code/Experiment_2"
    return (
        _communication(data),
        Study("behaviour", title, _judged(rows, said, str(judged)), folder, len(rows)),
        Study("reworded", f"{title}, in other words", _judged(reworded, said, str(again)), folder, len(reworded)),
        Study("difference", "judging people and robots apart", _apart(rows, said, str(judged)), folder, len(rows)),
    )


def _communication(data: Path) -> Study:
    path = data / "code/Experiment_1/generation_exp1.ipynb"
    said = _literals(path)
    labels, scenarios = said.list_of("scenario_labels"), said.list_of("scenarios")
    if len(labels) != len(scenarios):
        raise ConfigError(f"{path}: expected as many scenarios as labels, got {len(scenarios)} and {len(labels)}")
    people = _attentive(_table(data / "data/wachowiak_et_al.csv")[2:])  # two more rows of headings
    where = str(data / "data/wachowiak_et_al.csv")
    groups: dict[str, tuple[Item, ...]] = {}
    for number, (act, name) in enumerate(zip(ACTS, ACT_NAMES, strict=True), start=1):
        questions = said.list_of(name) if name.endswith("s") else [said.text(name)] * len(scenarios)
        items = []
        for row, (label, scenario, question) in enumerate(zip(labels, scenarios, questions, strict=True)):
            prompt = f"{scenario} {said.text('prompt_inst')}'{question}'{said.text('prompt_ending')}"
            term = Term(act, row, said.text("system_message"), prompt, *AGREEMENT, most_tokens=5)
            items.append(Item((term,), _mean(people, f"ResponsePref_{label}_{number}", where)))
        groups[act] = tuple(items)
    return Study("communication", "what a robot should say", groups, "code/Experiment_1", len(scenarios))


def load_people(data: Path) -> list[dict[str, list[float]]]:
    """What each attentive person of the first study rated, by act, scenarios in the study's order; those alone who
    rated everything."""
    labels = _literals(data / "code/Experiment_1/generation_exp1.ipynb").list_of("scenario_labels")
    path = data / "data/wachowiak_et_al.csv"
    people = []
    for person in _attentive(_table(path)[2:]):
        columns = {act: [f"ResponsePref_{label}_{k}" for label in labels] for k, act in enumerate(ACTS, start=1)}
        if all(person.get(name) for names in columns.values() for name in names):
            people.append({a: [_mean([person], name, str(path)) for name in names] for a, names in columns.items()})
    return people


def _judged(rows: Sequence[Mapping[str, str]], said: _Literals, where: str) -> dict[str, tuple[Item, ...]]:
    groups: dict[str, tuple[Item, ...]] = {}
    for agent in ("Robot", "Human"):
        chosen = [i for i, row in enumerate(rows) if row.get("Experiment") == f"{agent} (sim)"]
        for dimension in DIMENSIONS:
            items = [Item((_term(rows, i, dimension, said),), _number(rows[i], dimension, where)) for i in chosen]
            groups[f"{dimension} {agent}"] = tuple(items)
    return _full(groups, where)


def _apart(rows: Sequence[Mapping[str, str]], said: _Literals, where: str) -> dict[str, tuple[Item, ...]]:
    robots = [i for i, row in enumerate(rows) if row.get("Experiment") == "Robot (dif)"]
    humans = [i for i, row in enumerate(rows) if row.get("Experiment") == "Human (dif)"]
    if len(robots) != len(humans):
        raise ConfigError(f"{where}: expected as many rows on people as on robots in the pairs")
    groups: dict[str, tuple[Item, ...]] = {}
    for dimension in DIMENSIONS:
        items = []
        for robot, human in zip(robots, humans, strict=True):
            terms = _term(rows, human, dimension, said), _term(rows, robot, dimension, said, sign=-1)
            items.append(Item(terms, _number(rows[robot], f"Dif {dimension}", where)))
        groups[dimension] = tuple(items)
    return _full(groups, where)


def _term(rows: Sequence[Mapping[str, str]], row: int, dimension: str, said: _Literals, sign: int = 1) -> Term:
    question = said.text(DIMENSION_NAMES[list(DIMENSIONS).index(dimension)])
    prompt = f"{rows[row]['Stimulus']} {question}{said.text('prompt_ending')}"
    return Term(dimension, row, said.text("system_message"), prompt, *DIMENSIONS[dimension], most_tokens=20, sign=sign)


def _full(groups: dict[str, tuple[Item, ...]], where: str) -> dict[str, tuple[Item, ...]]:
    empty = [name for name, items in groups.items() if len(items) < 3]
    if empty:
        raise ConfigError(f"{where}: expected three items or more of {empty[0]}, got {len(groups[empty[0]])}")
    return groups


def _attentive(people: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those who passed every attention check. The right answer to a check is the one that most people gave."""
    columns = [c for c in people[0] if c.startswith("Attention") or (c.startswith("Resp") and c.endswith(CHECK))]
    for column in columns:
        given = [person[column] for person in people]
        right = max(sorted(set(given)), key=given.count)
        people = [person for person in people if person[column] == right]
    return people


def _mean(people: Sequence[Mapping[str, str]], column: str, where: str) -> float:
    """The mean of ratings such as `4` and `5 (some words)`."""
    ratings = [_number({column: p[column].partition(" ")[0]}, column, where) for p in people if p.get(column)]
    if not ratings:
        raise ConfigError(f"{where}: expected ratings in the column {column!r}, got none")
    return math.fsum(ratings) / len(ratings)


def _number(row: Mapping[str, str], column: str, where: str) -> float:
    try:
        return float(row[column])
    except (KeyError, ValueError, TypeError):
        raise ConfigError(f"{where}: expected a number in the column {column!r}, got {row.get(column)!r}") from None


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: expected a table of the study, got: {error}") from None
    if len(rows) < 3:
        raise ConfigError(f"{path}: expected a table of the study, got {len(rows)} rows")
    return rows


@dataclass(frozen=True)
class _Literals:
    """Names to which a notebook gives plain values, each with the first it is given."""

    where: str
    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        return str(self._get(name, str))

    def list_of(self, name: str) -> list[str]:
        return [str(value) for value in self._get(name, list)]

    def _get(self, name: str, kind: type) -> Any:
        value = self.values.get(name)
        if not isinstance(value, kind):
            raise ConfigError(f"{self.where}: expected a {kind.__name__} called {name}, got {type(value).__name__}")
        return value


def _literals(path: Path) -> _Literals:
    """Read, never run: assignments and keyword arguments whose value is written out, in the notebook's order."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: expected a notebook of the study, got: {error}") from None
    values: dict[str, Any] = {}
    for source in sources:
        plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
        try:
            tree = ast.parse(plain)
        except (SyntaxError, ValueError, RecursionError):
            continue  # a cell for a shell
        found: list[tuple[int, str, ast.expr]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.append((node.lineno, node.targets[0].id, node.value))
            elif isinstance(node, ast.keyword) and node.arg:
                found.append((node.lineno, node.arg, node.value))
        for _, name, value in sorted(found, key=lambda f: f[0]):
            if isinstance(value, (ast.Constant, ast.List)):
                try:
                    values.setdefault(name, ast.literal_eval(value))
                except ValueError:
                    continue  # a list of something computed
    return _Literals(str(path), values)
