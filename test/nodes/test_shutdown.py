"""A signal in the middle of the work: callbacks of a pool of threads under way, a goal in hand."""

from __future__ import annotations

import signal
import time

import pytest

pytest.importorskip("rclpy")

from .graph import PATIENCE, Graph
from .test_faults import NODES, Witness

pytestmark = [pytest.mark.graph, pytest.mark.alone]
AT_ONCE = 1.0  # [s]


def test_a_busy_node_ends_at_once_and_quietly(graph: Graph) -> None:
    """Several times, at moments that differ: what ends too early does so now and then."""
    witness = Witness(graph)
    for name in ("simulation", "perception"):
        graph.start(*NODES[name])
    witness.send_goal()
    for attempt, number in enumerate([signal.SIGINT, signal.SIGTERM] * 4):
        graph.turn(0.3)  # the last words of the one before
        process, since = graph.start(*NODES["navigation"]), time.monotonic()
        graph.expect(lambda since=since: any(at > since and v > 0.1 for at, v, _ in witness.commands), "a command")
        graph.turn(0.3 + 0.023 * attempt)
        asked = time.monotonic()
        process.signal(number)
        waited = graph.observe(PATIENCE, over=lambda process=process: process.handle.poll() is not None)
        took = time.monotonic() - asked
        assert (process.stop(), process.said()) == (0, "")
        assert took - waited < AT_ONCE  # what it was kept waiting for a processor is not its fault
