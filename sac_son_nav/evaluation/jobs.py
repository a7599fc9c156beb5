"""The unit of work of a benchmark: one planner in one scenario among one kind of people, over some seeds.

A finished job is one file, written whole or not at all, so a benchmark that is stopped at any moment goes on where it
was. The file says what it was made with; one that was made with something else, or is damaged, is not used again.
"""

from __future__ import annotations

import json
import re
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sac_son_nav.config import write_atomically
from sac_son_nav.errors import ResultsError, SacSonError
from sac_son_nav.evaluation.provenance import code_fingerprint, fingerprint
from sac_son_nav.evaluation.report import plain
from sac_son_nav.evaluation.results import read_json
from sac_son_nav.states import Floats

if TYPE_CHECKING:
    from sac_son_nav.evaluation.episodes import Episode

CHUNK = 25  # seeds of a job; the same whatever is run, so that more seeds later leave finished jobs as they are
FOLDER = "jobs"
NOISE = ""  # the planner of a job that measures the noise floor

Done = dict[str, Any]  # what a finished job's file holds: see `_finished`


class Runs(Protocol):
    """What jobs are done by: :mod:`.episodes`, or a stand-in for it."""

    def run(
        self, planner: str, scenario: str, humans: str, seeds: Sequence[int], robot: str, data: Path | None
    ) -> Sequence[Episode]:
        """One episode for each seed."""
        ...  # pragma: no cover

    def noise_floor(self, scenario: str, humans: str, seeds: Sequence[int], robot: str, data: Path | None) -> float:
        """The largest displacement [m] of anybody between two runs without the robot."""
        ...  # pragma: no cover


@dataclass(frozen=True)
class Job:
    """What to run; `planner` NOISE measures the noise floor of scenario and humans."""

    planner: str
    scenario: str
    humans: str
    seeds: tuple[int, ...]

    @staticmethod
    def holding(planner: str, scenario: str, humans: str, seed: int, seeds: int) -> Job:
        """The job that holds the seed, of a benchmark of that many seeds."""
        first = seed - seed % CHUNK
        return Job(planner, scenario, humans, tuple(range(first, min(first + CHUNK, seeds))))

    def __str__(self) -> str:
        what = self.planner or "noise floor"
        return f"{what}, {self.scenario}, {self.humans}, seeds {self.seeds[0]} to {self.seeds[-1]}"

    @property
    def file(self) -> str:
        """Name of its file: readable, and different for different jobs."""
        words = [self.planner or "noise", self.scenario, self.humans, *(str(self.seeds[k]) for k in (0, -1))]
        name = "-".join(re.sub(r"[^\w.]+", "_", word) for word in words)
        return f"{name}-{fingerprint(words)[:6]}.json"


@dataclass(frozen=True)
class MadeWith:
    """Everything an episode depends on beside its job, as fingerprints and versions."""

    code: str
    settings: str  # of the scenario, the robot, config and models
    python: str
    numpy: str
    scipy: str


def planned(planners: Sequence[str], cells: Sequence[tuple[str, str]], seeds: int) -> Iterator[Job]:
    """All jobs: for each cell (scenario, humans) the noise floor and every planner."""
    for first in range(0, seeds, CHUNK):
        for scenario, humans in cells:
            for planner in (NOISE, *planners):
                yield Job.holding(planner, scenario, humans, first, seeds)


# -- in a worker ------------------------------------------------------------------------------------------------


def work(job: Job, code: str, robot: str, data: Path | None, runs: Runs | None = None) -> tuple[Job, Done | str]:
    """Do the job; a sentence instead of an outcome when it fails, since not every cluster hands exceptions back.

    `code` is the fingerprint the results are to be filed under: a worker with other sources refuses.
    """
    here = code_fingerprint()
    if here != code:
        return job, f"{job}: expected a worker with the code {code}, got {here} on {socket.gethostname()}"
    try:
        if runs is None:
            from sac_son_nav.evaluation import episodes

            runs = episodes
        return job, _finished(job, runs, robot, data)
    except SacSonError as error:
        return job, f"{job}: {error}"
    except Exception:
        return job, f"{job}: failed\n{traceback.format_exc()}"


def _finished(job: Job, runs: Runs, robot: str, data: Path | None) -> Done:
    """``episodes``: rows as in results.json; ``paths``: by seed, in metres; ``noise_floor_m``; ``took_s``."""
    began = time.perf_counter()
    done: Done = {"noise_floor_m": None, "episodes": [], "paths": {}}
    if job.planner == NOISE:
        done["noise_floor_m"] = runs.noise_floor(job.scenario, job.humans, job.seeds, robot, data)
    else:
        episodes = runs.run(job.planner, job.scenario, job.humans, job.seeds, robot, data)
        told = tuple(episode.seed for episode in episodes)
        if told != job.seeds:
            raise ResultsError(f"expected one episode for each of the seeds {job.seeds}, got {told}")
        named = {"planner": job.planner, "scenario": job.scenario, "humans": job.humans}
        done["episodes"] = [{**named, "seed": e.seed, **e.values} for e in episodes]
        done["paths"] = {
            str(e.seed): {f.name: _rounded(getattr(e.paths, f.name)) for f in fields(e.paths)}
            for e in episodes
            if e.paths is not None
        }
    done["took_s"] = time.perf_counter() - began
    return dict(plain(done))


def _rounded(values: np.ndarray) -> Floats:
    """To millimetres, which is finer than any picture."""
    return np.asarray(np.round(np.asarray(values, dtype=np.float64), 3))


# -- its file ---------------------------------------------------------------------------------------------------


def write_done(folder: Path, job: Job, made: MadeWith, done: Done) -> None:
    """Leave a finished job's file in the folder of jobs."""
    body = {"job": asdict(job), "made_with": asdict(made), **done}
    text = json.dumps(plain(body), sort_keys=True, allow_nan=False)
    write_atomically(folder / job.file, f'{{"sha256": "{_sum(text)}", "content": {text}}}\n')


def read_done(folder: Path, job: Job) -> tuple[Done, dict[str, str]] | None:
    """What the job's file holds, and what it was made with; None without one. Raises ResultsError for a file that is
    damaged or of another job."""
    path = folder / job.file
    if not path.exists():
        return None
    whole = read_json(path)
    try:
        body, expected = whole["content"], whole["sha256"]
        if _sum(json.dumps(body, sort_keys=True)) != expected:
            raise ResultsError(f"{path}: expected the content that its checksum is of, got another")
        told = Job(**{**body["job"], "seeds": tuple(body["job"]["seeds"])})
        made, done = body["made_with"], {k: v for k, v in body.items() if k not in ("job", "made_with")}
    except (KeyError, TypeError) as error:
        raise ResultsError(f"{path}: expected a finished job, got something else ({error!r})") from None
    if told != job:
        raise ResultsError(f"{path}: expected the job {job}, got {told}")
    return done, made


def _sum(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def resume(
    folder: Path, jobs: Sequence[Job], made: Mapping[str, MadeWith], say: Callable[[str], None]
) -> dict[Job, Done]:
    """The jobs that are finished already and were made with what `made` says for their scenario. `say` is told, in a
    sentence each, of damaged files and of what the others were made with."""
    finished: dict[Job, Done] = {}
    others: dict[tuple[str, str, str], int] = {}
    for job in jobs:
        try:
            found = read_done(folder, job)
        except ResultsError as error:
            say(f"{error}; this job is run again")
            continue
        if found is None:
            continue
        now = asdict(made[job.scenario])
        differing = [name for name in now if now[name] != found[1].get(name)]
        if not differing:
            finished[job] = found[0]
        for name in differing:
            key = (name, str(found[1].get(name)), now[name])
            others[key] = others.get(key, 0) + 1
    for (name, before, after), count in others.items():
        whose = "job was" if count == 1 else "jobs were"
        say(f"{count} finished {whose} made with {name} {before}, now it is {after}; run again")
    return finished


def paths_of(folder: Path, job: Job, seed: int) -> dict[str, Floats] | None:
    """The paths of one episode of a finished job, arrays [m] with NaN for what is unknown; None without them."""
    found = read_done(folder, job)
    if found is None or str(seed) not in found[0]["paths"]:
        return None
    told = found[0]["paths"][str(seed)]
    return {name: np.array(values, dtype=np.float64) for name, values in told.items()}
