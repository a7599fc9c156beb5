"""`sac-son bringup`: the nodes as they run on a robot, under one supervisor."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray

from sac_son_nav.nodes.diagnostics import from_diagnostics

from ..processes import alive, children

if TYPE_CHECKING:
    from .graph import Graph

pytestmark = pytest.mark.graph


def test_bringup_starts_the_nodes_and_ends_them(graph: Graph) -> None:
    heard = graph.listen(DiagnosticArray, "/tb/diagnostics")
    process = graph.start("sac_son_nav.cli", arguments=["bringup", "--namespace", "tb", "--cmd-vel", "cmd_vel_nav"])

    def speaking() -> set[str]:
        return {status.name for message in heard for status in from_diagnostics(message)}

    names = {"/tb/navigation", "/tb/perception", "/tb/expression"}
    graph.expect(lambda: names <= speaking(), "the nodes to speak in the namespace")
    nodes = children(process.handle.pid)
    lines = [Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in nodes]
    modules = ["expressive_motion.nodes.expression", "sac_son_nav.nodes.navigation", "sac_son_nav.nodes.perception"]
    assert sorted(line[2] for line in lines if "--ros-args" in line) == modules
    assert all("__ns:=/tb" in line for line in lines if "--ros-args" in line)
    publishers = graph.node.get_publishers_info_by_topic
    assert [p.node_name for p in publishers("/tb/cmd_vel_nav")] == ["navigation"]
    assert publishers("/tb/cmd_vel") == []
    assert process.stop(signal.SIGINT) == 0, process.said()
    assert not any(map(alive, nodes))
    assert "starting it again" not in process.said()
