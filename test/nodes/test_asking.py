"""`sac-son express --execute`: what was rehearsed on the terminal, done by the running expression node."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("pydantic_monty")

from diagnostic_msgs.msg import DiagnosticArray
from std_msgs.msg import String

from .graph import Graph, Process

pytestmark = pytest.mark.graph
RUN = "from sac_son_nav.cli import main; raise SystemExit(main())"


def test_it_is_asked_approved_and_waited_for(graph: Graph, tmp_path: Path) -> None:
    status = graph.listen(DiagnosticArray, "expression/status")
    said = graph.listen(String, "expression/speech")
    graph.start("expressive_motion.nodes.expression", "voice:=topic")
    graph.expect(lambda: bool(status), "the expression node")
    asked = ["express", "Say 'nice to meet you'", "--execute", "--out", str(tmp_path)]
    terminal = Process([sys.executable, "-c", RUN, *asked, "--library", str(tmp_path)], graph.domain)
    graph.expect(lambda: terminal.handle.poll() is not None, "the command to end")
    assert terminal.wait() == 0, terminal.said()
    told = [line.split()[0] for line in terminal.said().splitlines() if line.strip()]
    assert [stage for stage in ("rehearsed", "performing", "finished") if stage not in told] == []
    graph.expect(lambda: bool(said), "the sentence")
    assert [message.data for message in said] == ["nice to meet you"]


def test_what_the_robot_refuses_is_not_asked_of_it(graph: Graph, tmp_path: Path) -> None:
    heard = graph.listen(String, "expression/instruction")
    asked = ["express", "Push him aside", "--execute", "--out", str(tmp_path), "--library", str(tmp_path)]
    assert Process([sys.executable, "-c", RUN, *asked], graph.domain).wait() == 1
    assert heard == []
