"""Fixtures of the tests that run real nodes."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def domain() -> Iterator[int]:
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
def graph(domain: int) -> Iterator[object]:
    """An own domain to start nodes on; everything ends with the test."""
    pytest.importorskip("rclpy")
    from .graph import Graph

    graph = Graph(domain)
    yield graph
    graph.close()
