"""`sac-son benchmark`: planners in scenarios among people over many seeds, and what they did to them.

The command plans jobs, does those that are not finished yet, and makes results, tables, pictures and a report of all.
The results are the same to the last byte however the work was spread, stopped and taken up again.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sac_son_nav.config import RobotProfile, flatten, load_robot, make_folder
from sac_son_nav.errors import ConfigError, ResultsError
from sac_son_nav.evaluation.jobs import (
    FOLDER,
    NOISE,
    Done,
    Job,
    MadeWith,
    Runs,
    planned,
    resume,
    work,
    write_done,
)
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.provenance import code_fingerprint, git_state, settings_fingerprint, versions
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.results import Results, read_results, write_results
from sac_son_nav.evaluation.workers import Workers
from sac_son_nav.simulation.laws import law_named
from sac_son_nav.simulation.scenarios import Scenario, load_scenario


@dataclass(frozen=True)
class Benchmark:
    """What is compared: each planner in each scenario among each kind of people, seeds 0 to `seeds` - 1."""

    planners: tuple[str, ...]
    scenarios: tuple[str, ...]
    humans: tuple[str, ...]
    seeds: int
    robot: str = "simulated"
    data: Path | None = None

    def __post_init__(self) -> None:
        for what in ("planners", "scenarios", "humans"):
            if not getattr(self, what):
                raise ConfigError(f"benchmark: expected one of the {what} or more, got none")
            object.__setattr__(self, what, tuple(sorted(set(getattr(self, what)))))
        if self.seeds < 1:
            raise ConfigError(f"seeds: expected one or more, got {self.seeds}")
        for law in self.humans:
            law_named(law)
        for planner in self.planners:
            planner_settings(planner)

    @property
    def command(self) -> str:
        """The words that would run it, without those that say where and how."""
        words = ["sac-son", "benchmark"]
        for option in ("planner", "scenario", "humans"):
            words += [f"--{option}", *getattr(self, option if option == "humans" else f"{option}s")]
        return shlex.join([*words, "--seeds", str(self.seeds), "--robot", self.robot])

    @cached_property
    def profile(self) -> RobotProfile:
        """The robot."""
        return load_robot(self.robot)

    @cached_property
    def places(self) -> dict[str, Scenario]:
        """The scenarios by name."""
        return {name: load_scenario(name, self.data) for name in self.scenarios}

    @property
    def cells(self) -> list[tuple[str, str]]:
        """Every scenario with every kind of people."""
        return [(scenario, law) for scenario in self.scenarios for law in self.humans]


def chosen(
    planners: Sequence[str] | None,
    scenarios: Sequence[str] | None,
    humans: Sequence[str] | None,
    seeds: int | None,
    robot: str = "simulated",
    data: Path | None = None,
) -> Benchmark:
    """What is given, else all planners but the oracle, all shipped scenarios in which there is anybody, people by the
    social force law, 20 seeds."""
    if planners is None:
        from sac_son_nav.baselines.planners import PLANNERS

        planners = tuple(PLANNERS)
    if scenarios is None:
        from sac_son_nav.evaluation.scenario_cards import shipped_names

        scenarios = [name for name in shipped_names() if load_scenario(name, data).people]
    humans = humans or ("social_force",)
    return Benchmark(tuple(planners), tuple(scenarios), tuple(humans), 20 if seeds is None else seeds, robot, data)


def planner_settings(name: str) -> dict[str, Any]:
    """What the planner of that name is set to. Raises ConfigError for a name that nobody knows."""
    from sac_son_nav.baselines.ds_rnn import load_network, named_weights, weights_hash
    from sac_son_nav.baselines.oracle import named_config
    from sac_son_nav.baselines.planners import named_maker

    weights = named_weights(name)
    if weights is not None:
        load_network(weights)  # what can't be used is refused before anything runs
        return {"weights_sha256": weights_hash(weights)}
    settings: Any = named_config(name)
    if settings is None:
        planner = named_maker(name)(RobotProfile(), 0)
        settings, policy = getattr(planner, "config", None), getattr(planner, "policy", None)
        learned = {} if policy is None else {"policy_sha256": policy.fingerprint}
        return {**(flatten(settings) if is_dataclass(settings) else {}), **learned}
    return flatten(settings)


def benchmark(
    wanted: Benchmark,
    out: Path,
    workers: Workers | None = None,
    compare: tuple[str, str] | None = None,
    runs: Runs | None = None,
) -> int:
    """Run what is not finished, and leave results and report in the folder. `runs`: a stand-in for the episodes."""
    made = made_with(wanted)  # refuses a misspelt name before anything is started
    make_folder(out)
    results = run_all(wanted, made, out, workers or Workers(), runs)
    write_results(results, out)
    return report(out, compare, wanted.data)


def report(out: Path, compare: tuple[str, str] | None = None, data: Path | None = None) -> int:
    """Tables, pictures and report of the results in the folder, and the comparison of two planners."""
    from sac_son_nav.evaluation.benchmark_report import write_report

    for line in write_report(out, read_results(out), compare, data):
        print(line)
    return 0


def made_with(wanted: Benchmark) -> dict[str, MadeWith]:
    """What episodes depend on, by scenario."""
    code, versions_now = code_fingerprint(), versions()
    used = {name: versions_now[name] for name in ("python", "numpy", "scipy")}
    settings = {name: settings_fingerprint(place, wanted.profile) for name, place in wanted.places.items()}
    return {name: MadeWith(code, settings[name], **used) for name in wanted.scenarios}


def run_all(
    wanted: Benchmark, made: dict[str, MadeWith], out: Path, workers: Workers, runs: Runs | None = None
) -> Results:
    """All jobs' results, from their files where they are finished. Raises ResultsError when jobs have failed, after
    all others are done."""
    folder, all_jobs = out / FOLDER, list(planned(wanted.planners, wanted.cells, wanted.seeds))
    folder.mkdir(exist_ok=True)
    finished = resume(folder, all_jobs, made, lambda sentence: print(f"sac-son: {sentence}", file=sys.stderr))
    todo = [job for job in all_jobs if job not in finished]
    if finished:
        print(f"{len(finished)} of {len(all_jobs)} jobs are finished already")
    began, failed, watch = time.monotonic(), [], _Watch(len(todo))
    calls = ((job, made[job.scenario].code, wanted.robot, wanted.data, runs) for job in todo)
    stream = workers.each(work, calls)
    try:
        for job, done in stream if todo else ():
            if isinstance(done, str):
                failed.append(done)
            else:
                write_done(folder, job, made[job.scenario], done)
                finished[job] = done
            watch(job)
    except KeyboardInterrupt:
        print(f"\n{len(finished)} of {len(all_jobs)} jobs are finished; the same command goes on from there")
        raise
    finally:
        stream.close()
        watch.end()
    if failed:
        kept = "the others are finished, and the same command tries again"
        raise ResultsError(f"{len(failed)} of {len(all_jobs)} jobs failed ({kept}); the first: {failed[0]}")
    _write_timing(out, all_jobs, finished, time.monotonic() - began, len(todo), workers)
    return collect(wanted, made, finished)


class _Watch:
    """Says how far it is: jobs, episodes per second, time left."""

    def __init__(self, jobs: int) -> None:
        self._jobs, self._done, self._episodes = jobs, 0, 0
        self._began, self._progress = time.monotonic(), Progress(every=5.0)

    def __call__(self, job: Job) -> None:
        self._done += 1
        self._episodes += len(job.seeds) if job.planner != NOISE else 0
        passed = max(time.monotonic() - self._began, 1e-9)
        left = passed / self._done * (self._jobs - self._done)
        part = self._done / self._jobs
        bar = ("█" * round(20 * part)).ljust(20, "·")
        self._progress(
            f"{bar} {self._done} of {self._jobs} jobs  {self._episodes / passed:.1f} episodes/s  {_clock(left)} left"
        )

    def end(self) -> None:
        """Leave the line, and say what came of it."""
        if self._done:
            self._progress.end()
            passed = time.monotonic() - self._began
            print(f"{self._done} of {self._jobs} jobs in {_clock(passed)}, {self._episodes / passed:.1f} episodes/s")


def _clock(seconds: float) -> str:
    minutes, hours = round(seconds) // 60, round(seconds) // 3600
    return f"{hours} h {minutes % 60:02d} min" if hours else f"{minutes} min {round(seconds) % 60:02d} s"


def collect(wanted: Benchmark, made: dict[str, MadeWith], finished: dict[Job, Done]) -> Results:
    """One table of all jobs; nothing in it depends on how or when they were done."""
    all_jobs = list(planned(wanted.planners, wanted.cells, wanted.seeds))
    floors: dict[str, float] = {}
    for job in all_jobs:
        if job.planner == NOISE:
            name = f"{job.scenario}, {job.humans}"
            floors[name] = max(floors.get(name, 0.0), finished[job]["noise_floor_m"])
    meta: dict[str, Any] = {
        "command": wanted.command,
        "versions": versions(),
        "git": git_state(),
        "code": next(iter(made.values())).code,
        "robot": flatten(wanted.profile),
        "scenarios": {
            name: {"time_limit_s": place.time_limit, "settings": made[name].settings}
            for name, place in wanted.places.items()
        },
        "planners": {name: planner_settings(name) for name in wanted.planners},
        "noise_floors_m": floors,
    }
    return Results.of(meta, max(floors.values()), [row for job in all_jobs for row in finished[job]["episodes"]])


def _write_timing(
    out: Path, all_jobs: Sequence[Job], finished: dict[Job, Done], passed: float, ran: int, workers: Workers
) -> None:
    """How long it took, apart from the results: that differs from run to run."""
    took = {str(job): round(finished[job]["took_s"], 3) for job in all_jobs}
    write_summary(
        out / "timing.json",
        {
            "cores": os.cpu_count(),
            "workers": asdict(workers),
            "jobs_run_now": ran,
            "wall_s": round(passed, 3),
            "work_s": round(sum(took.values()), 3),
            "jobs_s": took,
        },
    )
