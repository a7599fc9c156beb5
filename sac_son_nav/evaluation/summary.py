"""From a benchmark's episodes to the figures of its tables: means with intervals, and one planner against another.

Planners are compared on the same episodes: the same scenario, law of walking and seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ResultsError
from sac_son_nav.evaluation.results import Results
from sac_son_nav.evaluation.statistics import (
    LEVEL,
    Estimate,
    estimate,
    holm,
    resampled,
    seed_sums,
    share_bounds,
    sign_flip_p,
)
from sac_son_nav.states import Floats

SEED = 20231  # of the resamples; any number would do, as long as it stays the same


@dataclass(frozen=True)
class Column:
    """One figure of a table. `better`: 1 if more of it is better, -1 if less, 0 if nobody can say."""

    name: str
    title: str
    unit: str  # empty: none; %: a share, told in hundredths
    better: int
    digits: int
    note: str
    of: Callable[[Results], Floats] | None = None  # (P, C, K), NaN where it says nothing; None: the metric itself

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    @property
    def factor(self) -> float:
        """From the metric to what is shown."""
        return 100.0 if self.unit == "%" else 1.0

    def say(self, value: float, sign: bool = False) -> str:
        """The value as it is shown; a dash for NaN."""
        if not np.isfinite(value):
            return "–"
        text = f"{value * self.factor:{'+' if sign else ''}.{self.digits}f}"
        return text.replace("-", "−") if float(text) else f"{0.0:.{self.digits}f}"


def _time_of_successes(results: Results) -> Floats:
    return np.where(results.cube(SUCCESS) == 1.0, results.cube("time_s"), np.nan)


def _time_of_all(results: Results) -> Floats:
    """Failures count as the scenario's whole time."""
    limits = [_time_limit(results, scenario) for scenario, _ in results.cells]
    success = results.cube(SUCCESS)
    time = np.where(success == 1.0, results.cube("time_s"), np.array(limits)[:, None])
    return np.where(np.isnan(success), np.nan, time)


def _time_limit(results: Results, scenario: str) -> float:
    try:
        return float(results.meta["scenarios"][scenario]["time_limit_s"])
    except (KeyError, TypeError, ValueError):
        raise ResultsError(f"results: meta.scenarios: expected time_limit_s of {scenario!r}, got none") from None


# The three figures that only together say how good a planner is.
SUCCESS, TIME, PERTURBATION = "success", "time_all_s", "perturbation_absent_m"
COLUMNS = (
    Column(SUCCESS, "success", "%", 1, 1, "arrived in time and touched nobody and nothing"),
    Column(TIME, "time, all", "s", -1, 1, "every episode; one that failed counts as the time limit", _time_of_all),
    Column("time_success_s", "time, successes", "s", -1, 1, "only episodes that succeeded", _time_of_successes),
    Column(
        *(PERTURBATION, "perturbation, absent", "m", -1, 3),
        "how far people are from where they would be without the robot, mean over time and people",
    ),
    Column(
        *("perturbation_parked_m", "perturbation, parked", "m", -1, 3),
        "the same against a robot that stays at its start, under which never to move is perfect",
    ),
    Column(
        *("people_affected_share", "people affected", "%", -1, 1),
        "share of the people who were ever more than 0.1 m from where they would be without the robot",
    ),
    Column(
        *("perturbation_largest_m", "largest displacement", "m", -1, 2),
        "of anybody at any time from where they would be without the robot",
    ),
    Column("added_time_s", "delay of people", "s", -1, 2, "how much later people were where they went"),
    Column("closest_approach_m", "closest approach", "m", 1, 2, "least distance to a person, centre to centre"),
    Column("intimate_time_share", "intimate space", "%", -1, 1, "share of the time with a person within 0.45 m"),
    Column("collisions_human", "touched people", "", -1, 2, "touches of a person, per episode"),
    Column(
        *("collisions_robot_into_person", "ran into people", "", -1, 2),
        "of these touches, those in which the robot came nearer faster than the person did",
    ),
    Column("path_length_m", "way", "m", 0, 1, "length of the robot's way"),
)


class Summary:
    """Results, and every figure that is made of them; all from the same resamples of the seeds."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.columns = tuple(c for c in COLUMNS if np.isfinite(self.cube(c)).any())
        self._estimates: dict[str, tuple[Estimate, Estimate]] = {}

    @cached_property
    def _draws(self) -> Floats:
        return resampled(len(self.results.seeds), np.random.default_rng(SEED))

    def cube(self, column: Column) -> Floats:
        """Values (P, C, K)."""
        return self.results.cube(column.name) if column.of is None else column.of(self.results)

    def column(self, name: str) -> Column:
        """One of those that these results have; raises ResultsError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise ResultsError(f"results: expected the metric {name!r}, got {', '.join(c.name for c in self.columns)}")

    def overall(self, column: Column) -> Estimate:
        """Of each planner over everything, (P,)."""
        return self._both(column)[0]

    def by_cell(self, column: Column) -> Estimate:
        """Of each planner in each cell, (P, C)."""
        return self._both(column)[1]

    def _both(self, column: Column) -> tuple[Estimate, Estimate]:
        if column.name not in self._estimates:
            values = self.cube(column)
            known = np.isfinite(values)
            whole = estimate(*seed_sums(values), self._draws)
            parts = estimate(np.where(known, values, 0.0), known.astype(np.float64), self._draws)
            if column.name == SUCCESS:
                whole, parts = _surely(whole, known.sum(axis=(1, 2))), _surely(parts, known.sum(axis=-1))
            self._estimates[column.name] = whole, parts
        return self._estimates[column.name]

    @cached_property
    def ranked(self) -> list[int]:
        """Numbers of the planners, those who leave people most alone first."""
        mean = self.overall(self.column(PERTURBATION)).mean
        return [int(p) for p in np.argsort(np.where(np.isfinite(mean), mean, np.inf), kind="stable")]

    def failures(self) -> list[tuple[str, str, str, list[int]]]:
        """Which episodes failed: planner, scenario, humans and the seeds."""
        lost = self.results.cube(SUCCESS) == 0.0
        found = []
        for p, planner in enumerate(self.results.planners):
            for c, (scenario, humans) in enumerate(self.results.cells):
                seeds = [self.results.seeds[k] for k in np.flatnonzero(lost[p, c])]
                found += [(planner, scenario, humans, seeds)] if seeds else []
        return found


def _surely(share: Estimate, trials: NDArray[np.int_]) -> Estimate:
    """Wilson's bounds for shares of 0 and 1, which no resample can move."""
    fixed = ((share.mean == 0.0) | (share.mean == 1.0)) & (trials > 0)
    low, high = share_bounds(share.mean, np.maximum(trials, 1).astype(np.float64))
    return Estimate(share.mean, np.where(fixed, low, share.low), np.where(fixed, high, share.high))


@dataclass(frozen=True)
class Difference:
    """One figure of planner a less that of planner b over the `episodes` that both have it for."""

    column: Column
    a: float
    b: float
    mean: float
    low: float
    high: float
    p: float
    corrected: float  # p after Holm's correction over all figures of the comparison
    episodes: int

    @property
    def real(self) -> bool:
        """Whether chance is ruled out, as far as LEVEL goes."""
        return bool(self.corrected < LEVEL)

    def verdict(self, a: str, b: str) -> str:
        """In words."""
        if not self.real:
            return "not told apart"
        if self.column.better == 0:
            return "real"
        return f"real: {a if self.mean * self.column.better > 0.0 else b} is better"


def compare(summary: Summary, a: str, b: str) -> list[Difference]:
    """Planner a against planner b, figure by figure. Raises ResultsError for a planner that is not in the results,
    or when the two have no episode in common."""
    results = summary.results
    for name in (a, b):
        if name not in results.planners:
            raise ResultsError(f"compare: expected one of {', '.join(results.planners)}, got {name!r}")
    if a == b:
        raise ResultsError(f"compare: expected two planners, got {a!r} twice")
    first, second = results.planners.index(a), results.planners.index(b)
    pairs = [(c, *(summary.cube(c)[k] for k in (first, second))) for c in summary.columns]
    pairs = [(c, one, other) for c, one, other in pairs if np.isfinite(one - other).any()]
    if not pairs:
        raise ResultsError(f"compare: expected episodes that both {a} and {b} have run, got none")
    sums = [seed_sums(one - other) for _, one, other in pairs]
    totals, counts = (np.stack(v) for v in zip(*sums, strict=True))  # (M, K)
    random = np.random.default_rng([SEED, 1])
    apart = estimate(totals, counts, resampled(totals.shape[-1], random))
    p = sign_flip_p(totals, random)
    corrected = holm(p)
    found = []
    for m, (column, one, other) in enumerate(pairs):
        both = np.isfinite(one - other)
        mean, low, high, chance, sure = (float(v[m]) for v in (apart.mean, apart.low, apart.high, p, corrected))
        means = float(one[both].mean()), float(other[both].mean())
        found.append(Difference(column, *means, mean, low, high, chance, sure, int(both.sum())))
    return found
