"""Leave what is told of a benchmark's results: ``table.md``, ``comparison.md``, PNGs and ``report.html``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sac_son_nav.config import write_atomically
from sac_son_nav.errors import SacSonError
from sac_son_nav.evaluation.benchmark_page import WAYS, Picture, page
from sac_son_nav.evaluation.benchmark_plots import DARK, LIGHT, draw_frontier, draw_scenarios, png
from sac_son_nav.evaluation.benchmark_tables import COMPARED, brief, tell, whole_markdown
from sac_son_nav.evaluation.benchmark_ways import draw_ways
from sac_son_nav.evaluation.jobs import FOLDER, Job, paths_of
from sac_son_nav.evaluation.results import Results, Row, short_name
from sac_son_nav.evaluation.summary import Summary
from sac_son_nav.evaluation.tables import markdown, text
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.states import Floats

DRAWN_SEED = 0  # whose ways are shown


def write_report(
    out: Path, results: Results, compared: tuple[str, str] | None = None, data: Path | None = None
) -> Iterator[str]:
    """Leave tables, pictures and report in the folder; yields lines for the terminal. Raises ResultsError when the two
    planners to be compared are not in the results."""
    summary = Summary(results)
    report = tell(summary, compared)
    yield text(brief(summary))
    if results.noise_floor_m:
        yield f"the noise floor is {results.noise_floor_m:g} m and should be 0: trust no perturbation near or below it"
    write_atomically(out / "table.md", "\n\n".join(whole_markdown(report)) + "\n")
    if report.comparison is not None and compared is not None:
        title = f"{compared[0]} against {compared[1]}"
        write_atomically(out / "comparison.md", f"# {title}\n\n{COMPARED}\n\n{markdown(report.comparison)}\n")
        yield f"\n{title}, on the same episodes\n{text(report.comparison)}"
    else:
        (out / "comparison.md").unlink(missing_ok=True)
    yield "\ndrawing the report"
    pictures = []
    for drawn in _pictures(summary, out / FOLDER, data):
        if isinstance(drawn, str):
            yield drawn
            continue
        pictures.append(drawn)
        write_atomically(out / f"{drawn.name}.png", drawn.light)
    write_atomically(out / "report.html", page(report, pictures))
    yield f"{out / 'report.html'}  {out / 'table.md'}  {out / 'results.json'}"


# -- pictures ---------------------------------------------------------------------------------------------------


def _pictures(summary: Summary, jobs: Path, data: Path | None) -> Iterator[Picture | str]:
    """Every picture in both themes; a sentence where one can't be drawn."""
    for name, draw, words in (
        ("frontier", draw_frontier, "Time, perturbation of people and success of every planner"),
        ("scenarios", draw_scenarios, "Perturbation, success and time of every planner in every scenario"),
    ):
        light, dark = (png(draw(summary, theme)) for theme in (LIGHT, DARK))
        yield Picture(name, words, light, dark)
    yield from _ways(summary, jobs, data)


def _ways(summary: Summary, jobs: Path, data: Path | None) -> Iterator[Picture | str]:
    """For each scenario the ways taken, among the first kind of people."""
    results = summary.results
    for scenario in sorted({scenario for scenario, _ in results.cells}):
        humans = min(law for name, law in results.cells if name == scenario)
        runs = _runs(summary, jobs, scenario, humans)
        if not runs:
            continue
        try:
            place = load_scenario(scenario, data)
        except SacSonError as error:
            yield f"no picture of {scenario}: {error}"
            continue
        short = short_name(scenario)
        title = f"{short}, {humans}, seed {DRAWN_SEED}"
        told = {row["planner"]: _told(row) for row in results.episodes if _is_drawn(row, scenario, humans)}
        light, dark = (
            png(draw_ways(place.floor, runs, told, title, place.robot_goal, theme)) for theme in (LIGHT, DARK)
        )
        yield Picture(f"{WAYS}{short}", f"Ways of robot and people in {title}, planner by planner", light, dark)


def _is_drawn(row: Row, scenario: str, humans: str) -> bool:
    return (row["scenario"], row["humans"], row["seed"]) == (scenario, humans, DRAWN_SEED)


def _told(row: Row) -> str:
    return f"{row['time_s']:.1f} s, {row['perturbation_absent_m']:.3f} m" + ("" if row["success"] else ", failed")


def _runs(summary: Summary, jobs: Path, scenario: str, humans: str) -> dict[str, dict[str, Floats]]:
    """Paths by planner, in the order of the tables, of those who have left them."""
    found = {}
    for p in summary.ranked:
        planner = summary.results.planners[p]
        paths = paths_of(
            jobs, Job.holding(planner, scenario, humans, DRAWN_SEED, len(summary.results.seeds)), DRAWN_SEED
        )
        if paths is not None:
            found[planner] = paths
    return found
