"""Fixtures of the tests that run real nodes."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def _free_domain() -> Iterator[int]:
    """A DDS domain of the test's own: locked against test runs beside this one, which would hear each other.

    SAC_SON_TEST_DOMAIN sets the first of the six that are tried; else any of 40 to 99 serves.
    """
    given = os.environ.get("SAC_SON_TEST_DOMAIN")
    for number in range(int(given), int(given) + 6) if given else range(40, 100):
        with (Path(tempfile.gettempdir()) / f"sac_son_test_domain_{number}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return
    pytest.fail("expected a free DDS domain for the test, found all of them locked by other test runs")


@pytest.fixture
def domain() -> Iterator[int]:
    """See `_free_domain`."""
    with _free_domain() as number:
        yield number


@pytest.fixture
def graph(domain: int) -> Iterator[object]:
    """An own domain to start nodes on; everything ends with the test."""
    yield from _graph(domain)


@pytest.fixture(scope="module")
def shared_graph() -> Iterator[object]:
    """The same for all tests of a module, which leave it as they found it: starting a graph takes seconds."""
    with _free_domain() as number:
        yield from _graph(number)


def _graph(number: int) -> Iterator[object]:
    pytest.importorskip("rclpy")
    from .graph import Graph

    graph = Graph(number)
    yield graph
    graph.close()
