"""Many independent calls at once: on the cores of this machine, or on a Dask or Ray cluster, all through joblib."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sac_son_nav.errors import ConfigError

T = TypeVar("T")

BACKENDS = ("loky", "dask", "ray")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
JOBLIB = "1.4"  # the first that hands out results as they are ready
WAVE = 4  # calls for each worker at once, where results come back only together


@dataclass(frozen=True)
class Workers:
    """Where calls are made: in `count` processes of this machine (loky; None: one for each core), or on the cluster
    whose scheduler listens at the address `scheduler` (None: one that is started here for the purpose)."""

    count: int | None = None
    backend: str = "loky"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ConfigError(f"backend: expected one of {', '.join(BACKENDS)}, got {self.backend!r}")
        if self.count is not None and self.count < 1:
            raise ConfigError(f"jobs: expected one or more, got {self.count}")
        if self.scheduler is not None and self.backend == "loky":
            raise ConfigError("scheduler: expected --backend dask or ray with it, got loky, which needs none")

    def each(self, function: Callable[..., T], calls: Iterable[tuple[Any, ...]]) -> Generator[T, None, None]:
        """What the function returns for each tuple of arguments, in the order in which they are ready.

        Closing the iterator, or an exception where it is used, stops the rest. Raises ConfigError when a package is
        missing or the cluster can't be reached.
        """
        joblib = _package("joblib", f"joblib>={JOBLIB}")
        if tuple(map(int, joblib.__version__.split(".")[:2])) < tuple(map(int, JOBLIB.split("."))):
            raise ConfigError(
                f"joblib: expected {JOBLIB} or newer (pip install 'joblib>={JOBLIB}'), got {joblib.__version__}"
            )
        # Who stops knows that work is left, and needs no advice on that.
        warnings.filterwarnings("ignore", ".* have been cancelled", UserWarning)
        with ExitStack() as stack:
            wanted = self._enter(joblib, stack)
            started = (joblib.delayed(_as_a_child)(os.getpid(), function, *call) for call in calls)
            if self.backend == "ray":  # hands out nothing before all of it is done
                with joblib.Parallel(n_jobs=wanted, batch_size=1) as parallel:
                    while wave := list(islice(started, WAVE * joblib.effective_n_jobs(wanted))):
                        yield from parallel(wave)
                return
            results = joblib.Parallel(n_jobs=wanted, batch_size=1, return_as="generator_unordered")(started)
            stack.callback(results.close)
            yield from results

    def _enter(self, joblib: Any, stack: ExitStack) -> int:
        """Make joblib use these workers; how many to ask it for."""
        if self.backend == "loky":
            # Workers read this as they start; each gets one core, and its matrices are small.
            stack.enter_context(joblib.parallel_config("loky", inner_max_num_threads=1))
            return self.count or os.cpu_count() or 1
        if self.backend == "dask":
            stack.enter_context(joblib.parallel_config("dask", client=self._dask(stack)))
        else:
            ray = _package("ray", "ray")
            _package("ray.util.joblib", "ray").register_ray()
            if not ray.is_initialized():
                ray.init(self.scheduler, log_to_driver=False, **({} if self.scheduler else {"num_cpus": self.count}))
                stack.callback(ray.shutdown)
            stack.enter_context(joblib.parallel_config("ray"))
        return self.count or -1

    def _dask(self, stack: ExitStack) -> Any:
        distributed = _package("distributed", "distributed")
        where = self.scheduler
        if where is None:
            where = distributed.LocalCluster(n_workers=self.count, threads_per_worker=1, dashboard_address=None)
            stack.enter_context(where)
        try:
            return stack.enter_context(distributed.Client(where, timeout=10))
        except (OSError, ValueError) as error:
            raise ConfigError(f"scheduler {where}: expected a Dask scheduler there, got {error}") from None


def _as_a_child(parent: int, function: Callable[..., T], *words: Any) -> T:
    """Call the function; in a child process of `parent`, leave when that is gone, and leave stopping by hand to it."""
    if os.getppid() == parent:
        _watch(parent)
    return function(*words)


@cache
def _watch(parent: int) -> None:
    """Once in a process: end it within a second of the parent's end, which nobody may have had time to announce."""

    def leave() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _package(name: str, requirement: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigError(f"{name}: expected it to be installed (pip install '{requirement}'), got none") from None
