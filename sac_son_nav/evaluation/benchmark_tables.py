"""What a benchmark's report tells, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sac_son_nav.evaluation.results import Results
from sac_son_nav.evaluation.statistics import LEVEL, RESAMPLES, Estimate
from sac_son_nav.evaluation.summary import PERTURBATION, SUCCESS, TIME, Column, Difference, Summary, compare
from sac_son_nav.evaluation.tables import Item, Table, markdown

BRIEF = (SUCCESS, TIME, PERTURBATION, "people_affected_share", "closest_approach_m")  # what a terminal has room for


@dataclass(frozen=True)
class Report:
    """Everything that is told of results."""

    results: Results
    overall: Table
    by_law: Table  # without rows where all people walk by one
    by_cell: Table
    metrics: Table
    failures: Table
    notes: tuple[tuple[str, str], ...]
    comparison: Table | None = None
    compared: tuple[str, str] | None = None


def tell(summary: Summary, compared: tuple[str, str] | None = None) -> Report:
    """All tables."""
    differences = compare(summary, *compared) if compared else []
    return Report(
        summary.results,
        _overall(summary, summary.columns),
        _by_law(summary),
        _by_cell(summary),
        _all_metrics(summary.results),
        _failures(summary),
        tuple((column.heading, column.note) for column in summary.columns),
        _comparison(differences, *compared) if compared else None,
        compared,
    )


def brief(summary: Summary) -> Table:
    """The overall table as far as a terminal has room."""
    return _overall(summary, [column for column in summary.columns if column.name in BRIEF])


# -- tables -----------------------------------------------------------------------------------------------------


def _said(column: Column, values: Estimate, index: int | tuple[int, int]) -> Item:
    """A mean with its interval."""
    mean, low, high = (float(v[index]) for v in (values.mean, values.low, values.high))
    bounds = f"[{column.say(low)}, {column.say(high)}]" if np.isfinite(low + high) else ""
    return Item(column.say(mean), mean, bounds)


def _overall(summary: Summary, columns: Sequence[Column]) -> Table:
    rows = [
        [Item(summary.results.planners[p]), *(_said(column, summary.overall(column), p) for column in columns)]
        for p in summary.ranked
    ]
    return Table(("planner", *(column.heading for column in columns)), rows)


def _by_law(summary: Summary) -> Table:
    """The overall table once more among each kind of people, in the order that they have there."""
    results, rows = summary.results, []
    laws = sorted({humans for _, humans in results.cells})
    for law in laws if len(laws) > 1 else ():
        theirs = [row for row in results.episodes if row["humans"] == law]
        part = Summary(Results.of(results.meta, results.noise_floor_m, theirs))
        for p in part.ranked:
            figures = [_said(column, part.overall(column), p) for column in summary.columns]
            rows.append([Item(law), Item(part.results.planners[p]), *figures])
    return Table(("humans", "planner", *(column.heading for column in summary.columns)), rows)


def _by_cell(summary: Summary) -> Table:
    rows = []
    for c, (scenario, humans) in enumerate(summary.results.cells):
        for p in summary.ranked:
            figures = [_said(column, summary.by_cell(column), (p, c)) for column in summary.columns]
            rows.append([Item(scenario), Item(humans), Item(summary.results.planners[p]), *figures])
    return Table(("scenario", "humans", "planner", *(column.heading for column in summary.columns)), rows)


def _all_metrics(results: Results) -> Table:
    """The mean of every metric for every planner, over the episodes that have it."""
    rows = []
    for name in results.metrics:
        values = results.cube(name)
        known = np.isfinite(values)
        counts = known.sum(axis=(1, 2))
        totals = np.where(known, values, 0.0).sum(axis=(1, 2))
        means = [total / count if count else np.nan for total, count in zip(totals, counts, strict=True)]
        rows.append([Item(name), *(Item("–" if np.isnan(m) else f"{m:.4g}", float(m)) for m in means)])
    return Table(("mean of", *results.planners), rows)


def _failures(summary: Summary) -> Table:
    rows = [
        [
            Item(planner),
            Item(scenario),
            Item(humans),
            Item(str(len(seeds)), len(seeds)),
            Item(", ".join(map(str, seeds))),
        ]
        for planner, scenario, humans, seeds in summary.failures()
    ]
    return Table(("planner", "scenario", "humans", "failed", "seeds"), rows)


def _comparison(differences: Sequence[Difference], a: str, b: str) -> Table:
    rows = []
    for d in differences:
        column = d.column
        bounds = f"[{column.say(d.low, True)}, {column.say(d.high, True)}]" if np.isfinite(d.low + d.high) else ""
        rows.append(
            [
                Item(column.heading),
                Item(column.say(d.a), d.a),
                Item(column.say(d.b), d.b),
                Item(column.say(d.mean, True), d.mean, bounds),
                Item(_say_p(d.p), d.p),
                Item(_say_p(d.corrected), d.corrected),
                Item(d.verdict(a, b)),
                Item(str(d.episodes), d.episodes),
            ]
        )
    return Table(("figure", a, b, f"{a} − {b}", "p", "p, corrected", "verdict", "pairs"), rows)


def _say_p(p: float) -> str:
    return f"{p:.4f}" if p >= 1e-4 else "< 0.0001"


# -- words ------------------------------------------------------------------------------------------------------

COMPARED = (
    "Differences between the same episodes: the same scenario, law of walking and seed. Intervals are 95 % bootstrap "
    f"(BCa) over seeds; p is of a sign-flip test over seeds, corrected after Holm for all rows at once. Real means "
    f"corrected p < {LEVEL:g}."
)


def headline(results: Results) -> str:
    """What was run, in a sentence."""
    scenarios, laws = ({cell[k] for cell in results.cells} for k in (0, 1))
    parts = (
        (len(results.planners), "planner"),
        (len(scenarios), "scenario"),
        (len(laws), "law of walking", "laws of walking"),
        (len(results.seeds), "seed"),
    )
    said = [f"{n} {words[0] if n == 1 else words[-1] if len(words) > 1 else words[0] + 's'}" for n, *words in parts]
    return f"{', '.join(said)}; {len(results.episodes)} episodes."


def method(results: Results) -> list[str]:
    """How the figures came about, in sentences."""
    noise = results.noise_floor_m
    floor = "was not measured" if noise is None else f"is {noise:g} m"
    sure = (
        f"Means over episodes, with 95 % bootstrap intervals (BCa, {RESAMPLES} resamples of whole seeds). A success "
        "rate of 0 or 100 %, which no resample can move, has Wilson's interval, with a trial for each episode."
    )
    return [
        sure,
        "All planners meet the same people with the same luck. They stand in the order of their perturbation.",
        f"The noise floor, the largest displacement of anybody between two runs without the robot, {floor}.",
    ]


def whole_markdown(report: Report) -> Iterator[str]:
    """The parts of ``table.md``."""
    yield f"# Benchmark\n\n{headline(report.results)}"
    yield "\n".join(method(report.results))
    yield f"## Overall\n\n{markdown(report.overall)}"
    yield "\n".join(f"- *{heading}*: {note}" for heading, note in report.notes)
    if report.by_law.rows:
        yield f"## Among each kind of people\n\n{markdown(report.by_law)}"
    yield f"## Scenario by scenario\n\n{markdown(report.by_cell)}"
    if report.failures.rows:
        yield f"## Failures\n\n{markdown(report.failures)}"
