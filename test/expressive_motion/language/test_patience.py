"""Work that may never end, waited for by somebody who has better things to do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from expressive_motion.language.patience import Cancelled, run_patiently

LATER = 20.0  # [s] that no test should need


def never() -> bool:
    return False


def far() -> float:
    return time.monotonic() + LATER


def test_what_the_work_gives_is_handed_on() -> None:
    async def work() -> str:
        await asyncio.sleep(0.0)
        return "done"

    assert run_patiently(work, far(), never) == "done"


def test_an_exception_leaves_only_its_kind() -> None:
    async def work() -> None:
        raise KeyError("a secret")

    with pytest.raises(RuntimeError) as caught:
        run_patiently(work, far(), never)
    assert str(caught.value) == "KeyError"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def sleeping(closed: threading.Event) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        try:
            await asyncio.sleep(LATER)
        finally:
            closed.set()

    return work


def test_the_end_comes_in_time_and_the_work_is_abandoned() -> None:
    closed = threading.Event()
    with pytest.raises(TimeoutError):
        run_patiently(sleeping(closed), time.monotonic() + 0.1, never)
    assert closed.wait(LATER / 2)


def test_cancelling_abandons_the_work() -> None:
    closed, began = threading.Event(), time.monotonic()
    with pytest.raises(Cancelled):
        run_patiently(sleeping(closed), far(), lambda: time.monotonic() > began + 0.1)
    assert closed.wait(LATER / 2)


def test_nothing_begins_once_cancelled() -> None:
    begun = threading.Event()

    async def work() -> None:
        begun.set()

    with pytest.raises(Cancelled):
        run_patiently(work, far(), lambda: True)
    assert not begun.wait(0.05)


def test_work_that_blocks_its_own_loop_does_not_block_the_caller() -> None:
    released, began = threading.Event(), time.monotonic()

    async def work() -> None:
        released.wait(LATER)  # as a name server that does not answer

    with pytest.raises(TimeoutError):
        run_patiently(work, time.monotonic() + 0.1, never)
    assert time.monotonic() - began < LATER / 2
    released.set()


def test_what_cancelled_raises_passes_and_ends_the_work() -> None:
    closed, looks = threading.Event(), iter([False, False])

    with pytest.raises(StopIteration):
        run_patiently(sleeping(closed), far(), lambda: next(looks))
    assert closed.wait(LATER / 2)
