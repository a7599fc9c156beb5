"""Results of a benchmark as files: what was run, the noise floor, and one row of figures for each episode.

``results.json`` is one object:

    meta            object: versions, settings, the scenarios' time limits; says how the rows came about
    noise_floor_m   number or null: the largest displacement [m] of anybody between two runs without the robot
    episodes        list of flat objects: planner, scenario, humans, seed, and every metric by its name with unit,
                    null where it has no value

``episodes.csv`` holds the same rows. Rows are sorted by planner, scenario, humans and seed; nothing in either file
depends on when, where, in which order or by how many processes the episodes were run.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import write_atomically
from sac_son_nav.errors import ResultsError
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.states import Floats

Row = Mapping[str, Any]
Cell = tuple[str, str]  # a scenario, and the law by which its people walk

IDENTITY: dict[str, type] = {"planner": str, "scenario": str, "humans": str, "seed": int}
NEEDED = ("success", "time_s", "perturbation_absent_m")  # metrics without which there is nothing to tell


@dataclass(frozen=True)
class Results:
    """Everything a benchmark found. Each row of `episodes` is a mapping as in ``results.json``."""

    meta: Mapping[str, Any]
    noise_floor_m: float | None
    episodes: tuple[Row, ...]

    @staticmethod
    def of(
        meta: Mapping[str, Any], noise_floor_m: float | None, episodes: Iterable[Row], where: str = "results"
    ) -> Results:
        """Results with their rows in order; raises ResultsError, which names `where`, when a row can't be one."""
        rows = list(episodes)
        _check_rows(rows, where)
        return Results(meta, noise_floor_m, tuple(sorted(rows, key=lambda row: [row[name] for name in IDENTITY])))

    @cached_property
    def planners(self) -> tuple[str, ...]:
        """P names, sorted."""
        return tuple(sorted({row["planner"] for row in self.episodes}))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The C pairs of scenario and humans, sorted."""
        return tuple(sorted({(row["scenario"], row["humans"]) for row in self.episodes}))

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """K numbers, rising."""
        return tuple(sorted({row["seed"] for row in self.episodes}))

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Names of everything that some row has a value for, the needed ones first."""
        names = {name for row in self.episodes for name, value in row.items() if value is not None}
        return (*NEEDED, *sorted(names - set(IDENTITY) - set(NEEDED)))

    @cached_property
    def _places(self) -> tuple[list[int], list[int], list[int]]:
        """Where each row stands in a cube."""
        planner = {name: k for k, name in enumerate(self.planners)}
        cell = {name: k for k, name in enumerate(self.cells)}
        seed = {name: k for k, name in enumerate(self.seeds)}
        rows = self.episodes
        return (
            [planner[row["planner"]] for row in rows],
            [cell[row["scenario"], row["humans"]] for row in rows],
            [seed[row["seed"]] for row in rows],
        )

    def cube(self, metric: str) -> Floats:
        """The metric's values (P, C, K), NaN where an episode is missing or has none."""
        values = np.full((len(self.planners), len(self.cells), len(self.seeds)), np.nan)
        values[self._places] = [np.nan if row.get(metric) is None else float(row[metric]) for row in self.episodes]
        return values


def short_name(scenario: str) -> str:
    """A scenario's name, also of one that was given as a file."""
    return Path(scenario).stem if scenario.endswith((".yaml", ".yml")) else scenario


def write_results(results: Results, folder: Path) -> None:
    """Leave ``results.json`` and ``episodes.csv`` in the folder."""
    whole = {"meta": results.meta, "noise_floor_m": results.noise_floor_m, "episodes": results.episodes}
    write_summary(folder / "results.json", whole)
    text = io.StringIO()
    columns = (*IDENTITY, *results.metrics)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in results.episodes:
        writer.writerow([_csv_value(row.get(name)) for name in columns])
    write_atomically(folder / "episodes.csv", text.getvalue())


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def read_results(path: Path | str) -> Results:
    """The results in a file, or in the ``results.json`` of a folder. Raises ResultsError with one sentence when the
    file is missing, is no JSON, or is not what the top of this module says."""
    path = Path(path)
    path = path / "results.json" if path.is_dir() else path
    document = read_json(path)
    if not isinstance(document, dict):
        raise ResultsError(f"{path}: expected an object with meta, noise_floor_m and episodes, got {_say(document)}")
    for name in ("meta", "noise_floor_m", "episodes"):
        if name not in document:
            raise ResultsError(f"{path}: expected the key {name!r}, got {', '.join(document) or 'none'}")
    meta, noise, rows = document["meta"], document["noise_floor_m"], document["episodes"]
    if not isinstance(meta, dict):
        raise ResultsError(f"{path}: meta: expected an object, got {_say(meta)}")
    if noise is not None and not _is_number(noise):
        raise ResultsError(f"{path}: noise_floor_m: expected metres or null, got {_say(noise)}")
    if not isinstance(rows, list) or not rows:
        raise ResultsError(f"{path}: episodes: expected a list of one row or more, got {_say(rows)}")
    return Results.of(meta, noise, rows, str(path))


def read_json(path: Path) -> Any:
    """What a JSON file says; a file that is missing, empty or no JSON raises ResultsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ResultsError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path}: can't be read: {error}") from None
    if not text.strip():
        raise ResultsError(f"{path}: expected JSON, got an empty file")

    def refuse(name: str) -> None:
        raise ResultsError(f"{path}: expected finite numbers or null, got {name}")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ResultsError(f"{path}: expected JSON, got {error.msg} in line {error.lineno}") from None


def _check_rows(rows: Iterable[Any], where: str) -> None:
    """Raise ResultsError for the first row that is none, and for an episode told twice."""
    told: set[tuple[Any, ...]] = set()
    for k, row in enumerate(rows):
        at = f"{where}: episodes[{k}]"
        if not isinstance(row, Mapping):
            raise ResultsError(f"{at}: expected an object, got {_say(row)}")
        for name in (*IDENTITY, *NEEDED):
            if name not in row:
                raise ResultsError(f"{at}: expected the key {name!r}, got {', '.join(row) or 'none'}")
        for name, value in row.items():
            kind = IDENTITY.get(name)
            if kind is not None and type(value) is not kind:
                raise ResultsError(f"{at}.{name}: expected {_KINDS[kind]}, got {_say(value)}")
            if kind is None and not (value is None or isinstance(value, bool) or _is_number(value)):
                raise ResultsError(f"{at}.{name}: expected a number, true, false or null, got {_say(value)}")
        if row["success"] not in (True, False):
            raise ResultsError(f"{at}.success: expected true or false, got {_say(row['success'])}")
        identity = tuple(row[name] for name in IDENTITY)
        if identity in told:
            raise ResultsError(f"{at}: expected every episode once, got {', '.join(map(str, identity))} again")
        told.add(identity)


_KINDS = {str: "a string", int: "a whole number"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _say(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:37] + "..."
