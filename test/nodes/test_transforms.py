"""Where the laser sits and where the map lies, from real `/tf` messages; tf2_msgs is made here where it is missing."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("rclpy")

from .graph import Graph
from .interfaces import provide
from .test_faults import NODES, Witness

pytestmark = [pytest.mark.graph, pytest.mark.alone]


@pytest.fixture
def tf2_msgs(monkeypatch: pytest.MonkeyPatch) -> None:
    """tf2_msgs for this process and those it starts: ROS's own, or made."""
    provide(monkeypatch, "tf2_msgs")


def test_transforms_place_laser_and_robot_and_their_loss_stops_it(graph: Graph, tf2_msgs: None) -> None:
    """The profile's laser is put a metre off and turned, nobody hears amcl_pose: only by transforms can it drive."""
    from tf2_msgs.msg import TFMessage

    witness = Witness(graph)
    wrong = ("laser.x:=1.0", "laser.yaw:=1.5", "robot:=simulated")
    silent: list[bool] = []  # while there is something in it
    relay = graph.node.create_publisher(TFMessage, "/tf", 100)

    def pass_on(message: TFMessage) -> None:
        localisation = any(t.child_frame_id == "odom" for t in message.transforms)
        if not (silent and localisation):
            relay.publish(message)

    graph.node.create_subscription(TFMessage, "/tf_from_the_world", pass_on, 100)
    graph.start(*NODES["simulation"], remaps=("/tf:=/tf_from_the_world",))
    graph.start(*NODES["perception"], *wrong)
    navigation = graph.start(*NODES["navigation"], *wrong, remaps=("amcl_pose:=nobody",))
    witness.expect_heard("/navigation", "waiting for a goal")
    witness.send_goal()
    witness.expect_moving()
    assert "the laser sits at x 0.000, y 0.000, yaw 0.000 by the transforms" in navigation.said()
    fault = time.monotonic()
    silent.append(True)
    witness.expect_heard("/navigation", "standing: no transform from map to odom for", fault)
    graph.expect(lambda: witness.motions[-1].still, "the robot to stand")
    silent.clear()
    witness.expect_moving()
