"""Who may move the base, and who may not any more: a person's hand, the software stop, bumpers. Real processes."""

from __future__ import annotations

import signal
from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import Twist
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Bool, Header
from std_srvs.srv import SetBool

from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.states import Command

from .graph import Graph
from .test_faults import GOAL, NODES, Witness, comes_to_rest

pytestmark = [pytest.mark.graph, pytest.mark.alone]
DRIVING = Command(0.0, 0.6)


def touching(*points: tuple[float, float]) -> PointCloud2:
    message = PointCloud2(header=Header(frame_id="base_link"), height=1, width=len(points), point_step=8)
    message.fields = [PointField(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate("xy")]
    message.data = array("B", np.array(points, np.float32).tobytes())
    return message


def test_a_hand_a_stop_and_a_bumper_each_take_the_base_from_navigation(graph: Graph) -> None:
    witness = Witness(graph)
    processes = {name: graph.start(*what) for name, what in NODES.items()}
    hand = graph.publisher(Twist, "cmd_vel_teleop", quality=runtime.RELIABLE)
    bumpers = graph.publisher(PointCloud2, "contact_points", quality=runtime.RELIABLE)
    stopped = graph.listen(Bool, "stopped", runtime.LATCHED)
    witness.expect_heard("/navigation", "waiting for a goal")
    witness.send_goal(GOAL)
    witness.expect_moving()

    # A person turns the robot on the spot, against navigation; a moment after the hand is gone navigation goes on.
    def turned() -> bool:
        hand.publish(conversions.to_twist(DRIVING))
        return witness.motions[-1].turning > 0.5 and witness.motions[-1].speed < 0.05

    graph.expect(turned, "the base to follow the hand")
    witness.expect_moving()

    # A bumper at the front: it stands and says why; nothing else is in its way.
    fault = witness.now().at
    comes_to_rest(witness, lambda: bumpers.publish(touching((0.22, 0.0))))
    witness.expect_heard("/navigation", "bumper pressed at the front", fault)
    assert all(v <= 0.0 for at, v, _ in witness.commands if at > fault + 0.5)
    bumpers.publish(touching())
    witness.expect_moving()

    # The stop: it holds over the death of the node that keeps it, and against a hand.
    assert graph.ask(SetBool, "stop", SetBool.Request(data=True)).success
    graph.expect(lambda: witness.motions[-1].still, "the robot to stand")
    assert stopped[-1].data is True
    processes["navigation"].signal(signal.SIGKILL)
    died = witness.now().at
    graph.start(*NODES["navigation"])
    witness.expect_heard("/navigation", "standing: stopped on request", died)
    for _ in range(20):
        hand.publish(conversions.to_twist(DRIVING))
        graph.turn(0.05)
    assert all(v == 0.0 and w == 0.0 for at, v, w in witness.commands if at > died)
    assert witness.motions[-1].still
    assert graph.ask(SetBool, "stop", SetBool.Request(data=False)).success
    witness.expect_moving()  # to the goal that it had
