"""Results as files: written, read again, and refused in one sentence when they are wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sac_son_nav.errors import ResultsError
from sac_son_nav.evaluation.results import Results, read_results, short_name, write_results


def row(planner: str = "a", scenario: str = "s", humans: str = "h", seed: int = 0, **values: Any) -> dict[str, Any]:
    metrics = {"success": True, "time_s": 10.0, "perturbation_absent_m": 0.25}
    return {"planner": planner, "scenario": scenario, "humans": humans, "seed": seed, **metrics, **values}


def test_rows_come_back_as_they_were_in_order(tmp_path: Path) -> None:
    rows = [row("b", seed=1, time_s=0.1 + 0.2), row("b", seed=0, people=3), row("a", "t", seed=0, time_s=None)]
    write_results(Results.of({"note": "x"}, 0.0, rows), tmp_path)
    found = read_results(tmp_path)
    assert [(r["planner"], r["scenario"], r["seed"]) for r in found.episodes] == [
        ("a", "t", 0),
        ("b", "s", 0),
        ("b", "s", 1),
    ]
    assert found.episodes[2]["time_s"] == 0.1 + 0.2  # to the last bit
    assert found.meta == {"note": "x"}
    assert found.noise_floor_m == 0.0
    assert read_results(tmp_path / "results.json").episodes == found.episodes


def test_the_order_of_rows_leaves_no_trace(tmp_path: Path) -> None:
    rows = [row(planner, seed=seed) for planner in "ba" for seed in (2, 0, 1)]
    for name, order in (("one", rows), ("other", rows[::-1])):
        (tmp_path / name).mkdir()
        write_results(Results.of({}, None, order), tmp_path / name)
    for file in ("results.json", "episodes.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_the_csv_has_the_same_rows(tmp_path: Path) -> None:
    write_results(Results.of({}, 0.0, [row(seed=1, success=False, extra_m=None), row(extra_m=1e-17)]), tmp_path)
    with (tmp_path / "episodes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("planner", "scenario", "humans", "seed", "success", "time_s", "perturbation_absent_m", "extra_m")
    ]
    assert rows[0]["extra_m"] == "1e-17"
    assert (rows[1]["seed"], rows[1]["success"], rows[1]["extra_m"]) == ("1", "false", "")


def test_a_cube_has_a_place_for_every_episode() -> None:
    rows = [row("a", seed=3, time_s=1.0), row("b", seed=3, time_s=2.0), row("b", "t", seed=5, time_s=None)]
    results = Results.of({}, 0.0, rows)
    assert results.planners == ("a", "b")
    assert results.cells == (("s", "h"), ("t", "h"))
    assert results.seeds == (3, 5)
    nan = np.nan
    np.testing.assert_array_equal(results.cube("time_s"), [[[1.0, nan], [nan, nan]], [[2.0, nan], [nan, nan]]])
    np.testing.assert_array_equal(results.cube("success")[1], [[1.0, nan], [nan, 1.0]])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected JSON, got an empty file"),
        ("{", "expected JSON, got .* in line 1"),
        ("[1]", r"expected an object with meta, noise_floor_m and episodes, got \[1\]"),
        ("{}", "expected the key 'meta', got none"),
        ('{"meta": {}, "episodes": []}', "expected the key 'noise_floor_m', got meta, episodes"),
        ('{"meta": 3, "noise_floor_m": 0, "episodes": []}', "meta: expected an object, got 3"),
        ('{"meta": {}, "noise_floor_m": "0", "episodes": []}', "noise_floor_m: expected metres or null"),
        ('{"meta": {}, "noise_floor_m": NaN, "episodes": []}', "expected finite numbers or null, got NaN"),
        (
            '{"meta": {}, "noise_floor_m": 0, "episodes": []}',
            r"episodes: expected a list of one row or more, got \[\]",
        ),
        ('{"meta": {}, "noise_floor_m": 0, "episodes": [7]}', r"episodes\[0\]: expected an object, got 7"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ResultsError, match=complaint) as caught:
        read_results(tmp_path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"seed": None}, r"episodes\[1\]: expected the key 'seed', got planner, "),
        ({"time_s": None}, r"episodes\[1\]: expected the key 'time_s', got "),
        ({"seed": "0"}, r"episodes\[1\].seed: expected a whole number, got \"0\""),
        ({"seed": True}, r"episodes\[1\].seed: expected a whole number, got true"),
        ({"planner": 4}, r"episodes\[1\].planner: expected a string, got 4"),
        ({"time_s": "fast"}, r"episodes\[1\].time_s: expected a number, true, false or null, got \"fast\""),
        ({"jerk": [1]}, r"episodes\[1\].jerk: expected a number"),
        ({"success": 0.5}, r"episodes\[1\].success: expected true or false, got 0.5"),
        ({"seed": 0}, r"episodes\[1\]: expected every episode once, got a, s, h, 0 again"),
    ],
)
def test_a_bad_row_is_refused_in_a_sentence(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    second = {**row(seed=1), **change}
    for name, value in change.items():
        if value is None:
            del second[name]
    whole = {"meta": {}, "noise_floor_m": 0.0, "episodes": [row(), second]}
    (tmp_path / "results.json").write_text(json.dumps(whole))
    with pytest.raises(ResultsError, match=complaint):
        read_results(tmp_path)


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no such file"):
        read_results(tmp_path)
    (tmp_path / "results.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ResultsError, match="can't be read"):
        read_results(tmp_path)


def test_a_scenario_in_a_file_has_a_short_name_too() -> None:
    names = {"corridor": "corridor", "/some/where/mine.yaml": "mine", "socnavbench_t_ETH1": "socnavbench_t_ETH1"}
    assert {name: short_name(name) for name in names} == names
