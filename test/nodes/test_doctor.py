"""`sac-son doctor` at a real graph: well, and then broken in several ways at once."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped, Twist
from sensor_msgs.msg import LaserScan, PointCloud2

from sac_son_nav.nodes import runtime

from .graph import Graph
from .test_faults import NODES, Witness

pytestmark = pytest.mark.graph


def examine(graph: Graph, *words: str) -> tuple[int, list[dict[str, str]]]:
    """The doctor's status and findings, the load of a machine that runs tests apart."""
    process = graph.start("sac_son_nav.cli", arguments=["doctor", "--json", "--seconds", "2", *words])
    process.may_end = True
    graph.expect(lambda: process.handle.poll() is not None, "the doctor to be done")
    told = json.loads(process.said())["findings"]
    by_load = ("this machine", "gap of", "times a second")
    return process.wait(), [f for f in told if not any(words in f["where"] + f["what"] for words in by_load)]


def test_a_well_graph_and_a_broken_one(graph: Graph) -> None:
    witness = Witness(graph)
    for what in NODES.values():
        graph.start(*what)
    people = graph.listen(PointCloud2, "people", runtime.SENSOR)
    witness.expect_heard("/navigation", "waiting for a goal")
    graph.expect(lambda: len(people) > 5, "perception at work")
    status, findings = examine(graph)
    assert [(f["level"], f["where"]) for f in findings] == [("note", "expression")], findings  # it was not started
    assert status == 0

    # A second driver, a base of the other kind, a goal in a frame that nobody knows, a listener that hears nothing.
    graph.publisher(Twist, "cmd_vel")
    wanted = PoseStamped()
    wanted.header.frame_id = "nowhere"
    goals = graph.publisher(PoseStamped, "goal_pose")
    graph.node.create_timer(0.2, lambda: goals.publish(wanted))
    graph.node.create_subscription(LaserScan, "odom", lambda _: None, 10)
    graph.node.create_publisher(LaserScan, "odom", 10)
    status, findings = examine(graph, "--robot", "turtlebot4")
    told = {(f["level"], f["where"]): f["what"] for f in findings}
    assert status == 1
    assert "/test publishes it beside /navigation" in told["fault", "cmd_vel"] or any(
        "beside /navigation" in f["what"] for f in findings
    )
    assert any("/simulation takes geometry_msgs/msg/Twist, but the profile" in f["what"] for f in findings)
    assert told["fault", "goal_pose"] == "its frame is 'nowhere', expected 'map'"
    assert any(f["where"] == "odom" and "publishes sensor_msgs/msg/LaserScan" in f["what"] for f in findings)
    assert "expected frame 'map', got 'nowhere'" in told["fault", "navigation"]


def test_an_empty_domain_is_told_in_words(graph: Graph) -> None:
    status, findings = examine(graph, "--namespace", "tb1")
    assert status == 1
    scans = [f for f in findings if f["where"] == "scan"]
    assert len(scans) == 1, findings
    assert scans[0]["what"] == "nobody publishes it"
