"""Figures of a benchmark's tables by hand: means, times with failures, shares of one, and paired comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sac_son_nav.errors import ResultsError
from sac_son_nav.evaluation.results import Results
from sac_son_nav.evaluation.summary import COLUMNS, Summary, compare

META = {"scenarios": {"s": {"time_limit_s": 50.0}, "t": {"time_limit_s": 80.0}}}


def row(
    planner: str, scenario: str, seed: int, success: bool, time: float, moved: float, **more: Any
) -> dict[str, Any]:
    identity = {"planner": planner, "scenario": scenario, "humans": "h", "seed": seed}
    return {**identity, "success": success, "time_s": time, "perturbation_absent_m": moved, **more}


def summary(*rows: dict[str, Any], meta: dict[str, Any] = META) -> Summary:
    return Summary(Results.of(meta, 0.0, rows))


def test_a_failure_costs_the_scenarios_whole_time() -> None:
    told = summary(
        row("a", "s", 0, True, 20.0, 0.1), row("a", "s", 1, False, 12.0, 0.3), row("a", "t", 0, False, 80.0, 0.2)
    )
    whole = told.overall(told.column("time_all_s"))
    assert whole.mean == pytest.approx([(20.0 + 50.0 + 80.0) / 3.0])
    assert told.by_cell(told.column("time_all_s")).mean == pytest.approx(np.array([[35.0, 80.0]]))
    assert told.overall(told.column("time_success_s")).mean == pytest.approx([20.0])
    assert told.overall(told.column("success")).mean == pytest.approx([1.0 / 3.0])
    assert np.isnan(told.by_cell(told.column("time_success_s")).mean[0, 1])
    assert told.failures() == [("a", "s", "h", [1]), ("a", "t", "h", [0])]


def test_a_column_that_nobody_can_fill_is_left_out() -> None:
    told = summary(row("a", "s", 0, False, 20.0, 0.1, closest_approach_m=None))
    assert [column.name for column in told.columns] == ["success", "time_all_s", "perturbation_absent_m"]
    with pytest.raises(ResultsError, match="expected the metric 'time_success_s', got success, "):
        told.column("time_success_s")


@pytest.mark.parametrize("meta", [{}, {"scenarios": {}}, {"scenarios": {"s": 3}}])
def test_results_that_do_not_say_how_long_a_scenario_is_are_refused(meta: dict[str, Any]) -> None:
    with pytest.raises(ResultsError, match="expected time_limit_s of 's', got none"):
        summary(row("a", "s", 0, True, 20.0, 0.1), meta=meta)


def test_success_in_every_episode_is_not_certain() -> None:
    """Wilson for 20 of 20: 20 / (20 + 1.96^2) = 0.8389."""
    told = summary(*(row("a", "s", k, True, 20.0, 0.1 * k) for k in range(20)))
    found = told.overall(told.column("success"))
    assert (float(found.mean[0]), float(found.high[0])) == (1.0, 1.0)
    assert float(found.low[0]) == pytest.approx(20.0 / (20.0 + 1.959964**2), abs=1e-6)


def test_planners_stand_in_the_order_of_what_they_do_to_people() -> None:
    told = summary(*(row(name, "s", 0, True, 20.0, moved) for name, moved in (("a", 0.3), ("b", 0.1), ("c", 0.2))))
    assert [told.results.planners[p] for p in told.ranked] == ["b", "c", "a"]


def both(a: list[float], b: list[float]) -> Summary:
    """Planners a and b with these perturbations, seed by seed; all else is the same."""
    rows = [row("a", "s", k, True, 20.0, moved) for k, moved in enumerate(a)]
    return summary(*rows, *(row("b", "s", k, True, 20.0, moved) for k, moved in enumerate(b)))


def find(told: Summary, name: str, a: str = "a", b: str = "b") -> Any:
    return next(d for d in compare(told, a, b) if d.column.name == name)


def test_a_difference_smaller_than_the_spread_of_seeds_is_found_in_pairs() -> None:
    """Seeds differ by metres, the planners by a centimetre: only pairs can tell."""
    luck = np.linspace(0.0, 3.0, 12)
    told = both(list(luck), list(luck + 0.01 + 0.001 * (-1.0) ** np.arange(12)))
    found = find(told, "perturbation_absent_m")
    assert found.mean == pytest.approx(-0.01)
    assert found.low < -0.01 < found.high < 0.0
    assert found.p == 2 / 2**12
    assert found.corrected == pytest.approx(4 * 2 / 2**12)  # four figures are compared
    assert found.verdict("a", "b") == "real: a is better"
    assert (found.a, found.b, found.episodes) == (pytest.approx(1.5), pytest.approx(1.51), 12)
    same = find(told, "time_all_s")
    assert (same.mean, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    assert same.verdict("a", "b") == "not told apart"
    assert find(told, "perturbation_absent_m", "b", "a").verdict("b", "a") == "real: a is better"


def test_chance_is_not_taken_for_a_difference() -> None:
    random = np.random.default_rng(1)
    found = find(both(list(random.random(20)), list(random.random(20))), "perturbation_absent_m")
    assert found.low < 0.0 < found.high
    assert found.verdict("a", "b") == "not told apart"


def test_only_episodes_that_both_have_are_compared() -> None:
    rows = [row("a", "s", k, k > 0, 20.0, 0.1) for k in range(4)]
    rows += [row("b", "s", k, k < 3, 22.0, 0.1) for k in range(1, 5)]
    told = summary(*rows)
    assert find(told, "perturbation_absent_m").episodes == 3
    times = find(told, "time_success_s")
    assert (times.episodes, times.mean) == (2, -2.0)  # seeds 1 and 2


@pytest.mark.parametrize(
    ("a", "b", "complaint"),
    [("a", "c", "expected one of a, b, got 'c'"), ("a", "a", "expected two planners, got 'a' twice")],
)
def test_a_pair_that_can_not_be_compared_is_refused(a: str, b: str, complaint: str) -> None:
    with pytest.raises(ResultsError, match=complaint):
        compare(both([0.1, 0.2], [0.1, 0.3]), a, b)


def test_planners_without_a_common_episode_are_refused() -> None:
    told = summary(row("a", "s", 0, True, 20.0, 0.1), row("b", "s", 1, True, 20.0, 0.1))
    with pytest.raises(ResultsError, match="expected episodes that both a and b have run, got none"):
        compare(told, "a", "b")


def test_figures_are_said_with_their_digits_and_signs() -> None:
    share = next(c for c in COLUMNS if c.name == "success")
    metres = next(c for c in COLUMNS if c.name == "perturbation_absent_m")
    assert (share.heading, share.say(0.95)) == ("success [%]", "95.0")
    assert (metres.say(0.07449), metres.say(-0.0121, True), metres.say(np.nan)) == ("0.074", "−0.012", "–")
    assert metres.say(-1e-9, True) == "0.000"  # zero has no sign
