"""Calls spread over processes and clusters: all results come back, each once, and a missing package is a sentence."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from types import ModuleType

import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.workers import Workers


def square(value: int, pause: float = 0.0) -> tuple[int, int, str | None]:
    time.sleep(pause)
    return value**2, os.getpid(), os.environ.get("OPENBLAS_NUM_THREADS")


def test_one_worker_is_this_process() -> None:
    found = list(Workers(1).each(square, [(k,) for k in range(4)]))
    assert [value for value, _, _ in found] == [0, 1, 4, 9]
    assert {process for _, process, _ in found} == {os.getpid()}


def test_two_workers_are_two_processes_of_one_thread_each() -> None:
    found = list(Workers(2).each(square, [(k, 0.05) for k in range(10)]))
    assert sorted(value for value, _, _ in found) == [k**2 for k in range(10)]
    assert len({process for _, process, _ in found} - {os.getpid()}) == 2
    assert {threads for _, _, threads in found} == {"1"}


def test_results_come_as_they_are_ready_and_the_rest_can_be_left() -> None:
    """The first call takes much longer than this test: nobody waits for it."""
    stream = Workers(2).each(square, [(9, 60.0), (2,), (3,)])
    began = time.monotonic()
    assert {next(stream)[0], next(stream)[0]} == {4, 9}
    stream.close()
    assert time.monotonic() - began < 30.0


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if neither Dask nor Ray were installed."""
    for name in ("distributed", "ray"):
        monkeypatch.setitem(sys.modules, name, None)
    return


@pytest.mark.parametrize(("backend", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_package_is_one_sentence(backend: str, package: str, without: None) -> None:
    with pytest.raises(ConfigError, match=f"{package}: expected it to be installed .*, got none"):
        list(Workers(2, backend).each(square, [(1,)]))


def test_an_old_joblib_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("joblib")
    old.__version__ = "1.3.2"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "joblib", old)
    with pytest.raises(ConfigError, match=r"joblib: expected 1\.4 or newer .*, got 1\.3\.2"):
        list(Workers(2).each(square, [(1,)]))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"count": 0}, "jobs: expected one or more, got 0"),
        ({"backend": "threads"}, "backend: expected one of loky, dask, ray, got 'threads'"),
        ({"scheduler": "tcp://there:8786"}, "scheduler: expected --backend dask or ray with it"),
    ],
)
def test_workers_that_can_not_be_are_refused(words: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Workers(**words)  # type: ignore[arg-type]


def test_two_workers_of_a_dask_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        workers = Workers(backend="dask", scheduler=cluster.scheduler_address)
        found = list(workers.each(square, [(k, 0.05) for k in range(10)]))
    assert sorted(value for value, _, _ in found) == [k**2 for k in range(10)]
    assert len({process for _, process, _ in found} - {os.getpid()}) == 2


def test_a_scheduler_that_is_not_there_is_one_sentence() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ConfigError, match=r"scheduler tcp://127\.0\.0\.1:9: expected a Dask scheduler there"):
        list(Workers(backend="dask", scheduler="tcp://127.0.0.1:9").each(square, [(1,)]))


def test_two_workers_of_ray() -> None:
    pytest.importorskip("ray")
    found = list(Workers(2, "ray").each(square, [(k, 0.05) for k in range(10)]))
    assert sorted(value for value, _, _ in found) == [k**2 for k in range(10)]
    assert len({process for _, process, _ in found} - {os.getpid()}) == 2
