"""The benchmark command: the same bytes however it is run, stopped and taken up again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sac_son_nav.cli import main
from sac_son_nav.errors import ConfigError, ResultsError
from sac_son_nav.evaluation import benchmark as module
from sac_son_nav.evaluation import benchmark_report, episodes
from sac_son_nav.evaluation.benchmark import Benchmark, benchmark, chosen, made_with, planner_settings, report, run_all
from sac_son_nav.evaluation.jobs import FOLDER, Runs
from sac_son_nav.evaluation.results import read_results, write_results
from sac_son_nav.evaluation.workers import Workers
from test.evaluation.stand_in import StandIn

ROOT = Path(__file__).resolve().parents[2]
WANTED = Benchmark(("straight", "orca"), ("crossing", "corridor"), ("social_force",), 27)
SAME = ("results.json", "episodes.csv")


def finish(out: Path, workers: int = 1, wanted: Benchmark = WANTED, runs: Runs | None = None) -> None:
    """All of the benchmark but its report."""
    out.mkdir(exist_ok=True)
    write_results(run_all(wanted, made_with(wanted), out, Workers(workers), runs or StandIn()), out)


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in SAME}


@pytest.fixture(scope="module", autouse=True)
def a_commit_of_its_own() -> Iterator[None]:
    """Results name the commit they were made at, and somebody may commit while these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "git_state", lambda: {"commit": "c0ffee", "dirty": False})
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmark in one process and one go, with a comparison."""
    out = tmp_path_factory.mktemp("benchmark") / "whole"
    assert benchmark(WANTED, out, Workers(1), ("straight", "orca"), StandIn()) == 0
    return out


def test_everything_is_left(whole: Path) -> None:
    pictures = {"frontier.png", "scenarios.png", "ways-corridor.png", "ways-crossing.png"}
    files = {"results.json", "episodes.csv", "timing.json", "table.md", "comparison.md", "report.html", *pictures}
    assert {path.name for path in whole.iterdir()} == {*files, FOLDER}
    assert all((whole / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    results = read_results(whole)
    assert len(results.episodes) == 2 * 2 * 27
    assert results.noise_floor_m == 0.0
    assert results.meta["noise_floors_m"] == {"corridor, social_force": 0.0, "crossing, social_force": 0.0}
    assert results.meta["command"] == (
        "sac-son benchmark --planner orca straight --scenario corridor crossing --humans social_force --seeds 27 "
        "--robot simulated"
    )
    assert results.meta["scenarios"]["corridor"]["time_limit_s"] == 75.0
    assert results.meta["git"] == {"commit": "c0ffee", "dirty": False}
    assert results.meta["robot"]["limits.vx_max"] > 0.0
    assert set(results.meta["planners"]) == {"orca", "straight"}
    timing = json.loads((whole / "timing.json").read_text())
    assert timing["jobs_run_now"] == len(timing["jobs_s"]) == 2 * 2 * 3


def test_the_command_in_the_results_is_one_that_is_understood(whole: Path) -> None:
    from sac_son_nav.cli import parser

    words = read_results(whole).meta["command"].split()[1:]
    options = parser().parse_args(words)
    assert chosen(options.planner, options.scenario, options.humans, options.seeds, options.robot) == WANTED


def test_two_processes_and_another_order_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    turned = Benchmark(("orca", "straight", "orca"), ("corridor", "crossing"), ("social_force",), 27)
    finish(tmp_path, 2, turned, StandIn(pause=0.01))
    assert contents(tmp_path) == contents(whole)


PROGRAM = """
import sys
from pathlib import Path
from test.evaluation.test_benchmark import StandIn, finish
finish(Path(sys.argv[1]), 2, runs=StandIn(pause=0.3))
"""


def start(out: Path) -> subprocess.Popen[str]:
    """The benchmark in a process group of its own, until some of its jobs, and not all, are finished."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Who starts tests in the background of a script has them, and all that they start, ignore this signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60.0
    while not 2 <= len(list((out / FOLDER).glob("*.json"))) <= 5:  # so that a signal comes before the last
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def all_leave(group: int) -> None:
    """Wait until no process of the group is left."""
    deadline = time.monotonic() + 30.0
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < deadline, f"processes of group {group} are still there"
        time.sleep(0.05)


def test_killed_in_the_middle_it_goes_on_to_the_same_bytes(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start(tmp_path)
    process.kill()
    process.wait(timeout=30)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / FOLDER).glob("*.json")}
    assert not (tmp_path / "results.json").exists()
    finish(tmp_path)
    assert contents(tmp_path) == contents(whole)
    assert f"{len(kept)} of 12 jobs are finished already" in capsys.readouterr().out
    assert all((tmp_path / FOLDER / name).stat().st_mtime_ns == at for name, at in kept.items())  # not done twice
    all_leave(process.pid)  # its workers find it gone


def test_stopped_by_hand_it_says_how_far_it_is(tmp_path: Path) -> None:
    process = start(tmp_path)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, error = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "of 12 jobs are finished; the same command goes on from there" in out
    assert "cancelled" not in error
    all_leave(process.pid)


def test_other_settings_are_told_and_only_their_jobs_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = Benchmark(("orca",), ("corridor", "crossing"), ("social_force",), 3)
    finish(tmp_path, 1, wanted)
    real = module.settings_fingerprint
    monkeypatch.setattr(module, "settings_fingerprint", lambda s, r: "other" if s.name == "crossing" else real(s, r))
    capsys.readouterr()
    finish(tmp_path, 1, wanted)
    told = capsys.readouterr()
    assert "2 finished jobs were made with settings" in told.err
    assert "now it is other; run again" in told.err
    assert "2 of 4 jobs are finished already" in told.out


def test_a_damaged_job_is_told_and_done_again(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finish(tmp_path)
    victim = sorted((tmp_path / FOLDER).iterdir())[3]
    victim.write_bytes(victim.read_bytes()[:-100])
    capsys.readouterr()
    finish(tmp_path)
    assert f"{victim}: expected JSON" in capsys.readouterr().err
    assert contents(tmp_path) == contents(whole)


def test_a_job_that_fails_leaves_the_others_finished(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"4 of 12 jobs failed .*; the first: orca, .*expected patience") as caught:
        finish(tmp_path, runs=StandIn(refused="orca"))
    assert "\n" not in str(caught.value)
    assert len(list((tmp_path / FOLDER).iterdir())) == 8
    assert not (tmp_path / "results.json").exists()


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only words matter."""
    monkeypatch.setattr(benchmark_report, "_pictures", lambda *_: iter(()))


def test_two_planners_are_compared_without_a_run(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], no_pictures: None
) -> None:
    (tmp_path / "results.json").write_bytes((whole / "results.json").read_bytes())
    assert main(["benchmark", "--out", str(tmp_path), "--compare", "straight", "orca"]) == 0
    assert "straight against orca, on the same episodes" in capsys.readouterr().out
    assert (tmp_path / "comparison.md").read_bytes() == (whole / "comparison.md").read_bytes()
    assert not (tmp_path / FOLDER).exists()
    assert main(["benchmark", "--out", str(tmp_path), "--compare", "straight", "mppi"]) == 2
    assert "compare: expected one of orca, straight, got 'mppi'" in capsys.readouterr().err
    assert main(["benchmark", "--out", str(tmp_path / "nothing"), "--compare", "straight", "orca"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_comparison_goes_when_nobody_asks_for_it(whole: Path, tmp_path: Path, no_pictures: None) -> None:
    (tmp_path / "results.json").write_bytes((whole / "results.json").read_bytes())
    report(tmp_path, ("orca", "straight"))
    assert "orca against straight" in (tmp_path / "report.html").read_text()
    report(tmp_path)
    assert not (tmp_path / "comparison.md").exists()
    assert "orca against straight" not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--planner", "orcas"], "planner: expected one of straight, .*oracle:WEIGHT, .*got 'orcas'"),
        (["--planner", "oracle:much"], "expected oracle or oracle:WEIGHT with a number, got 'oracle:much'"),
        (["--planner", "orca", "--scenario", "coridor"], "scenario 'coridor': not found; known are .*corridor"),
        (["--planner", "orca", "--humans", "sheep"], "humans: expected one of social_force, .*, got 'sheep'"),
        (["--planner", "orca", "--seeds", "0"], "seeds: expected one or more, got 0"),
        (["--planner", "orca", "--jobs", "0"], "jobs: expected one or more, got 0"),
        (["--planner", "orca", "--robot", "ox"], "robot profile 'ox': not found"),
    ],
)
def test_a_wrong_word_is_one_sentence(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    assert main(["benchmark", "--out", str(tmp_path), *words]) == 2
    said = capsys.readouterr().err
    assert re.search(complaint, said)
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_words_all_planners_meet_all_who_walk() -> None:
    everything = chosen(None, None, None, None)
    assert "oracle" not in everything.planners
    assert {"sac_son", "straight", "orca"} <= set(everything.planners)
    assert {"corridor", "crossing", "doorway"} <= set(everything.scenarios)
    assert "empty" not in everything.scenarios
    assert (everything.humans, everything.seeds) == (("social_force",), 20)


def test_names_can_be_given_together_or_one_by_one() -> None:
    from sac_son_nav.cli import parser

    words = ["benchmark", "--planner", "orca", "straight", "--planner", "mppi", "--humans", "orca"]
    assert parser().parse_args(words).planner == ["orca", "straight", "mppi"]


def test_what_planners_are_set_to_is_told() -> None:
    assert planner_settings("sac_son")["objective.weights.counterfactual_perturbation"] > 0.0
    assert planner_settings("oracle:7.5")["weight"] == 7.5
    with pytest.raises(ConfigError, match="got 'oracles'"):
        planner_settings("oracles")


SCENARIO = """
name: short
description: A few steps past somebody who comes the other way.
map: {map}
time_limit: 5.0
robot: {{start: [2.0, 4.0, 0.0], goal: [3.2, 4.0, 0.0]}}
people:
  - {{start: [5.0, 3.6, 6.0, 4.4], errand: [{{to: [1.0, 3.8, 1.2, 4.2]}}]}}
"""


def test_real_episodes_in_one_process_and_in_two(tmp_path: Path) -> None:
    """The whole command with nothing stood in for, and a result that can be told by hand: 0.9 m at 0.6 m/s at best."""
    scenario = tmp_path / "short.yaml"
    scenario.write_text(SCENARIO.format(map=ROOT / "config/maps/hall.yaml"))
    words = ["benchmark", "--planner", "straight", "--scenario", str(scenario), "--seeds", "26", "--jobs", "1"]
    assert main([*words, "--out", str(tmp_path / "one")]) == 0
    finish(tmp_path / "two", 2, Benchmark(("straight",), (str(scenario),), ("social_force",), 26), episodes)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    results = read_results(tmp_path / "one")
    assert len(results.episodes) == 26
    assert results.noise_floor_m == 0.0
    for row in results.episodes:
        assert row["people"] == 1
        assert row["perturbation_absent_m"] >= 0.0
        assert row["success"] is False or 1.5 <= row["time_s"] < 5.0
    assert any(row["success"] for row in results.episodes)
    assert any(row["perturbation_absent_m"] > 0.0 for row in results.episodes)
    assert (tmp_path / "one" / "ways-short.png").is_file()


def test_two_workers_of_a_dask_cluster_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        tmp_path.mkdir(exist_ok=True)
        workers = Workers(backend="dask", scheduler=cluster.scheduler_address)
        results = run_all(WANTED, made_with(WANTED), tmp_path, workers, StandIn(pause=0.05))
    write_results(results, tmp_path)
    assert contents(tmp_path) == contents(whole)
