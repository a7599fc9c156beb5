"""Waiting for work that may never end, without waiting longer than one wants."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

POLL = 0.02  # [s] between two looks at `cancelled`
T = TypeVar("T")


class Cancelled(Exception):
    """Nobody wants the result any more."""


def run_patiently(work: Callable[[], Awaitable[T]], ends: float, cancelled: Callable[[], bool]) -> T:
    """What `work` gives. TimeoutError at `ends` [s, monotonic], Cancelled once `cancelled`, each within a few POLLs;
    the work is then abandoned, which closes its connections. RuntimeError names the kind of any other exception, and
    nothing else of it, for its text and its frames may hold secrets.

    The work has a thread and an event loop of its own, so that neither a loop that the caller runs in nor a name
    server that does not answer stands in the way.
    """
    got: list[T] = []
    failed: list[str] = []
    ready, abandoned = threading.Event(), threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        running.append((asyncio.get_running_loop(), task))
        if not abandoned.is_set():  # or it was, before there was a task to cancel
            got.append(await work())

    def run() -> None:
        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            failed.append(type(error).__name__)
        finally:
            ready.set()

    if cancelled():
        raise Cancelled
    threading.Thread(target=run, name="patience", daemon=True).start()
    try:
        while not ready.wait(min(POLL, max(0.0, ends - time.monotonic()))):
            if cancelled():
                raise Cancelled
            if time.monotonic() >= ends:
                raise TimeoutError
    finally:
        abandoned.set()
        if running and not ready.is_set():
            loop, task = running[0]
            with contextlib.suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(task.cancel)
    if not got:
        raise RuntimeError(failed[0] if failed else "no result")
    return got[0]
