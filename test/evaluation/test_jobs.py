"""Jobs and their files: what is planned, kept, taken up again, and thrown away with a word why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.errors import ResultsError
from sac_son_nav.evaluation.jobs import (
    CHUNK,
    NOISE,
    Job,
    MadeWith,
    paths_of,
    planned,
    read_done,
    resume,
    work,
    write_done,
)
from sac_son_nav.evaluation.provenance import code_fingerprint
from test.evaluation.stand_in import StandIn

JOB = Job("orca", "corridor", "social_force", (0, 1, 2))
MADE = MadeWith("c0de", "5e7", "3.11.7", "2.4.6", "1.17.1")


def finished(job: Job = JOB) -> dict:
    found, done = work(job, code_fingerprint(), "simulated", None, StandIn())
    assert found == job
    assert isinstance(done, dict), done
    return done


def test_every_planner_meets_every_seed_of_every_cell_once() -> None:
    jobs = list(planned(("a", "b"), [("s", "h"), ("s", "k")], 2 * CHUNK + 5))
    assert len(jobs) == len(set(jobs)) == 3 * 2 * 3
    seeds = [(job.planner, job.scenario, job.humans, seed) for job in jobs for seed in job.seeds]
    assert sorted(seeds) == sorted(
        (p, "s", h, k) for p in (NOISE, "a", "b") for h in "hk" for k in range(2 * CHUNK + 5)
    )
    assert all(
        job == Job.holding(job.planner, "s", job.humans, seed, 2 * CHUNK + 5) for job in jobs for seed in job.seeds
    )


def test_more_seeds_leave_finished_jobs_as_they_are() -> None:
    few, many = (set(planned(("a",), [("s", "h")], seeds)) for seeds in (2 * CHUNK, 4 * CHUNK + 5))
    assert few < many


def test_every_job_has_a_file_of_its_own() -> None:
    jobs = list(planned(("a", "a/b", "a_b", "a b", "a:1"), [("s", "h"), ("/x/s.yaml", "h")], 12))
    names = {job.file for job in jobs}
    assert len(names) == len(jobs)
    assert all("/" not in name and ":" not in name for name in names)
    assert JOB.file.startswith("orca-corridor-social_force-0-2-")


def test_a_finished_job_comes_back_as_it_was(tmp_path: Path) -> None:
    done = finished()
    assert read_done(tmp_path, JOB) is None
    write_done(tmp_path, JOB, MADE, done)
    found = read_done(tmp_path, JOB)
    assert found is not None
    assert found[0] == done
    assert found[1]["code"] == "c0de"
    assert [row["seed"] for row in found[0]["episodes"]] == [0, 1, 2]
    assert found[0]["episodes"][0]["min_time_to_collision_s"] is None
    assert [p.name for p in tmp_path.iterdir()] == [JOB.file]


def test_paths_come_back_to_the_millimetre(tmp_path: Path) -> None:
    write_done(tmp_path, JOB, MADE, finished())
    paths, expected = paths_of(tmp_path, JOB, 1), StandIn.episode("orca", "corridor", "social_force", 1).paths
    assert paths is not None
    assert expected is not None
    for name, values in paths.items():
        np.testing.assert_allclose(values, getattr(expected, name), atol=6e-4)  # NaN where nobody is
    assert np.isnan(paths["people"][:5, 2]).all()
    assert paths_of(tmp_path, JOB, 2) is None  # only the first have some
    assert paths_of(tmp_path, replace(JOB, planner="other"), 1) is None


def test_the_noise_floor_is_a_job_too() -> None:
    done = finished(replace(JOB, planner=NOISE))
    assert done["noise_floor_m"] == 0.0
    assert done["episodes"] == []


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda raw: b"", "expected JSON, got an empty file"),
        (lambda raw: raw[: len(raw) // 2], "expected JSON, got"),
        (lambda raw: raw.replace(b'"seed": 1', b'"seed": 7'), "checksum"),
        (lambda raw: b'{"content": {}}', "expected a finished job"),
        (lambda raw: b"[]", "expected a finished job"),
        (lambda raw: b"\xff" + raw, "can't be read"),
    ],
)
def test_a_damaged_file_is_told_and_done_again(tmp_path: Path, damage, complaint: str) -> None:
    write_done(tmp_path, JOB, MADE, finished())
    path = tmp_path / JOB.file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResultsError, match=complaint):
        read_done(tmp_path, JOB)
    told: list[str] = []
    assert resume(tmp_path, [JOB], {"corridor": MADE}, told.append) == {}
    assert len(told) == 1
    assert told[0].endswith("; this job is run again")
    assert "\n" not in told[0]


def test_the_file_of_another_job_is_not_taken(tmp_path: Path) -> None:
    other = replace(JOB, seeds=(3, 4))
    write_done(tmp_path, other, MADE, finished(other))
    (tmp_path / other.file).rename(tmp_path / JOB.file)
    with pytest.raises(ResultsError, match=r"expected the job orca, .*, seeds 0 to 2, got orca, .*, seeds 3 to 4"):
        read_done(tmp_path, JOB)


def test_what_was_made_with_something_else_is_done_again(tmp_path: Path) -> None:
    jobs = [JOB, replace(JOB, humans="orca"), replace(JOB, scenario="doorway"), replace(JOB, planner="mppi")]
    for job in jobs[:3]:
        write_done(tmp_path, job, MADE, finished(job))
    told: list[str] = []
    now = {"corridor": replace(MADE, code="0ther", numpy="2.5.0"), "doorway": MADE}
    assert list(resume(tmp_path, jobs, now, told.append)) == [jobs[2]]
    assert told == [
        "2 finished jobs were made with code c0de, now it is 0ther; run again",
        "2 finished jobs were made with numpy 2.4.6, now it is 2.5.0; run again",
    ]
    assert list(resume(tmp_path, jobs, {"corridor": MADE, "doorway": MADE}, told.append)) == jobs[:3]
    assert len(told) == 2


def test_a_job_that_fails_is_a_sentence_not_an_exception() -> None:
    code = code_fingerprint()
    _, said = work(JOB, code, "simulated", None, StandIn(refused="orca"))
    assert said == "orca, corridor, social_force, seeds 0 to 2: planner orca: expected patience, got none"
    _, said = work(JOB, "0ther", "simulated", None, StandIn())
    assert isinstance(said, str)
    assert f"expected a worker with the code 0ther, got {code} on " in said

    class Careless(StandIn):
        def run(self, *words):  # type: ignore[no-untyped-def,override]
            return super().run(*words)[1:]

    class Broken(StandIn):
        def run(self, *words):  # type: ignore[no-untyped-def,override]
            raise ZeroDivisionError("no")

    _, said = work(JOB, code, "simulated", None, Careless())
    assert "expected one episode for each of the seeds (0, 1, 2), got (1, 2)" in said
    _, said = work(JOB, code, "simulated", None, Broken())
    assert "ZeroDivisionError: no" in said


def test_a_file_holds_no_pickle(tmp_path: Path) -> None:
    """It may come from another machine: reading it must run nothing."""
    write_done(tmp_path, JOB, MADE, finished())
    assert set(json.loads((tmp_path / JOB.file).read_text())) == {"sha256", "content"}
