"""What is told of a benchmark: a page that needs nothing else and pictures that hold everybody."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from PIL import Image

from sac_son_nav.evaluation.benchmark_page import Picture, page
from sac_son_nav.evaluation.benchmark_plots import DARK, LIGHT, Theme, draw_frontier, draw_scenarios, png
from sac_son_nav.evaluation.benchmark_report import write_report
from sac_son_nav.evaluation.benchmark_tables import tell, whole_markdown
from sac_son_nav.evaluation.benchmark_ways import draw_ways
from sac_son_nav.evaluation.results import Results
from sac_son_nav.evaluation.summary import Summary
from sac_son_nav.simulation.scenarios import load_scenario

HOSTILE = "<script>alert('x')</script>"


def results(planners: Sequence[str], seeds: int = 4, success: bool | None = None, scenario: str = "s") -> Results:
    random = np.random.default_rng(len(planners))
    rows: list[dict[str, Any]] = []
    for k, planner in enumerate(planners):
        for seed in range(seeds):
            lucky = bool(random.random() < 0.7) if success is None else success
            moved = 0.05 * (k + 1) + 0.01 * random.random()
            identity = {"planner": planner, "scenario": scenario, "humans": "h", "seed": seed}
            rows.append({**identity, "success": lucky, "time_s": 20.0 + k + seed, "perturbation_absent_m": moved})
    return Results.of({"command": HOSTILE, "scenarios": {scenario: {"time_limit_s": 60.0}}}, 0.0, rows)


def share_of(raw: bytes, colour: str) -> float:
    """Share of the picture's pixels that are close to the colour #rrggbb."""
    picture = np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"), dtype=np.int64)
    wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return float((np.abs(picture - wanted).max(axis=-1) <= 6).mean())


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_frontier_shows_ours_and_the_limit(theme: Theme) -> None:
    everybody = png(draw_frontier(Summary(results(["orca", "sac_son", "oracle:2", "oracle:20"])), theme))
    others = png(draw_frontier(Summary(results(["orca", "mppi"])), theme))
    for colour in (theme.ours, theme.limit):
        assert share_of(everybody, colour) > 3e-4
        assert share_of(others, colour) == 0.0
    assert share_of(everybody, theme.paper) > 0.7


def test_the_oracles_weights_are_joined_in_their_order() -> None:
    """By number and not by name, and without the oracle whose weight nobody said."""
    planners = ["oracle", "oracle:100", "oracle:20", "oracle:3", "orca"]
    told = Summary(results(planners))
    axes = draw_frontier(told).axes[0]
    curve = next(line for line in axes.lines if line.get_color() == LIGHT.limit and len(line.get_xdata()) == 3)
    times = told.overall(told.column("time_all_s")).mean
    assert list(curve.get_xdata()) == [times[told.results.planners.index(f"oracle:{w}")] for w in (3, 20, 100)]


def test_the_disc_is_filled_as_far_as_a_planner_succeeds() -> None:
    shares = [
        share_of(png(draw_frontier(Summary(results(["sac_son"], 4, success)))), LIGHT.ours)
        for success in (False, True)
    ]
    assert shares[1] > shares[0] + 1e-4


@pytest.mark.parametrize(
    "told",
    [
        results(["a"], 1),
        results(["a", "b"], 3, False),
        results([f"a_planner_with_a_long_name_{k}" for k in range(14)], 2),
    ],
    ids=["one run", "all failed", "many"],
)
def test_sparse_and_crowded_results_can_be_drawn(told: Results) -> None:
    for draw in (draw_frontier, draw_scenarios):
        assert png(draw(Summary(told))).startswith(b"\x89PNG")


def test_the_same_results_give_the_same_picture() -> None:
    told = results(["orca", "sac_son"])
    assert png(draw_frontier(Summary(told))) == png(draw_frontier(Summary(told)))


def test_labels_of_the_frontier_do_not_cover_each_other() -> None:
    figure = draw_frontier(Summary(results([f"planner_{k}" for k in range(10)], 6)))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 10
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_ways_show_robot_people_and_where_they_would_be() -> None:
    place = load_scenario("crossing")
    moments = np.linspace(0.0, 1.0, 40)
    robot = np.stack([2.0 + 8.0 * moments, np.full(40, 4.0), np.zeros(40)], axis=-1)
    without = np.stack([np.full(40, 6.0), 2.0 + 4.0 * moments], axis=-1)[:, None]
    aside = without + np.stack([np.sin(np.pi * moments), np.zeros(40)], axis=-1)[:, None]

    runs = {"sac_son": {"robot": robot, "people": aside, "without": without}}
    figure = draw_ways(place.floor, runs, {"sac_son": "13.0 s"}, "title", place.robot_goal)
    (axes,) = figure.axes
    drawn = {line.get_color(): np.asarray(line.get_xydata()) for line in axes.lines if len(line.get_xydata()) == 40}
    np.testing.assert_array_equal(drawn[LIGHT.ours], robot[:, :2])
    np.testing.assert_array_equal(drawn[LIGHT.person], aside[:, 0])
    np.testing.assert_array_equal(drawn[LIGHT.ink], without[:, 0])
    rungs = next(c for c in axes.collections if isinstance(c, LineCollection) and len(c.get_segments()[0]) == 2)
    assert len(rungs.get_segments()) == int((np.sin(np.pi * moments) > 0.1).sum())
    assert {text.get_text() for text in axes.texts} == {"sac_son", "13.0 s"}
    raw = png(figure)
    assert share_of(raw, LIGHT.ours) > 1e-3
    assert share_of(raw, LIGHT.person) > 1e-4


def test_who_is_not_there_is_not_drawn() -> None:
    place, nowhere = load_scenario("crossing"), np.full((40, 1, 2), np.nan)
    runs = {"orca": {"robot": np.full((40, 3), 4.0), "people": nowhere, "without": nowhere}}
    assert share_of(png(draw_ways(place.floor, runs, {}, "")), LIGHT.person) == 0.0


class Outline(HTMLParser):
    """Checks that tags are closed in order, and collects what is linked and what is said."""

    VOID = ("meta", "img", "source")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.said = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.links += [
            value or "" for name, value in attributes if name in ("src", "href", "srcset", "action", "data")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data if not self.open or self.open[-1] not in ("script", "style") else ""


def test_the_page_needs_nothing_and_escapes_everything() -> None:
    told = Summary(results([HOSTILE, "b & c"], scenario=f'"{HOSTILE}"'))
    light, dark = b"\x89PNG light", b"\x89PNG dark"
    written = page(tell(told, (HOSTILE, "b & c")), [Picture("frontier", HOSTILE, light, dark)])
    outline = Outline()
    outline.feed(written)
    assert outline.open == []
    assert written.count("<script") == 1  # its own
    assert "http" not in re.sub(r"http-equiv", "", written)
    assert [b64decode(link.removeprefix("data:image/png;base64,")) for link in outline.links] == [dark, light]
    for words in (HOSTILE, "b & c", f"{HOSTILE} against b & c", "not told apart", "0 m", "[m]"):
        assert words in outline.said


def test_tables_are_told_in_the_order_of_perturbation_with_their_intervals() -> None:
    text = "\n\n".join(whole_markdown(tell(Summary(results(["orca", "mppi", "straight"], 6)))))
    rows = [line for line in text.partition("## Scenario")[0].splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows] == ["| planner", "| orca", "| mppi", "| straight"]
    assert all(re.search(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", row) for row in rows[1:])
    assert "6 seeds; 18 episodes" in text
    assert "is 0 m." in text


def test_each_kind_of_people_has_a_table_of_its_own_order() -> None:
    """Among some a moves people more than b, among others less; by all together nobody could tell."""
    rows: list[dict[str, Any]] = []
    for humans, moved in (("orca", {"a": 0.3, "b": 0.1}), ("power_law", {"a": 0.2, "b": 0.4})):
        for planner, far in moved.items():
            identity = {"planner": planner, "scenario": "s", "humans": humans}
            rows += [
                {**identity, "seed": k, "success": True, "time_s": 20.0, "perturbation_absent_m": far}
                for k in range(3)
            ]
    told = tell(Summary(Results.of({"command": "", "scenarios": {"s": {"time_limit_s": 60.0}}}, 0.0, rows)))
    column = told.by_law.headings.index("perturbation, absent [m]")
    found = [(row[0].said, row[1].said, row[column].said) for row in told.by_law.rows]
    assert found == [
        ("orca", "b", "0.100"),
        ("orca", "a", "0.300"),
        ("power_law", "a", "0.200"),
        ("power_law", "b", "0.400"),
    ]
    assert "Among each kind of people" in page(told, [])
    assert "Among each kind of people" not in page(tell(Summary(results(["a", "b"]))), [])


def test_a_scenario_that_is_not_there_any_more_is_told(tmp_path: Path) -> None:
    from sac_son_nav.evaluation.jobs import FOLDER, Job, MadeWith, work, write_done
    from sac_son_nav.evaluation.provenance import code_fingerprint
    from test.evaluation.stand_in import StandIn

    job = Job("orca", "gone", "h", (0, 1))
    done = work(job, code_fingerprint(), "simulated", None, StandIn())[1]
    assert isinstance(done, dict)
    (tmp_path / FOLDER).mkdir()
    write_done(tmp_path / FOLDER, job, MadeWith("", "", "", "", ""), done)
    lines = list(write_report(tmp_path, results(["orca"], 2, scenario="gone")))
    assert any(line.startswith("no picture of gone: scenario 'gone': not found") for line in lines)
    assert (tmp_path / "report.html").is_file()


def test_a_world_that_is_not_reproducible_is_told(tmp_path: Path) -> None:
    told = results(["orca"], 2)
    noisy = Results.of(told.meta, 0.004, told.episodes)
    lines = (line for line in write_report(tmp_path, noisy))
    assert "orca" in next(lines)
    assert next(lines) == "the noise floor is 0.004 m and should be 0: trust no perturbation near or below it"
