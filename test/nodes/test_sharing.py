"""Who moves the base: navigation, and expression while navigation stands. Real processes, real DDS."""

from __future__ import annotations

import signal
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, Twist
from nav_msgs.msg import Odometry
from std_msgs.msg import Bool

from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.diagnostics import from_diagnostics, from_social_events
from sac_son_nav.states import Command

from .graph import Graph

pytestmark = [pytest.mark.graph, pytest.mark.alone]

NODES = {
    "simulation": ("sac_son_nav.nodes.simulation", "scenario:=empty", "seed:=1"),
    "perception": ("sac_son_nav.nodes.perception", "use_sim_time:=true"),
    "navigation": ("sac_son_nav.nodes.navigation", "use_sim_time:=true"),
}
BACK, AHEAD, TURN = Command(-0.15, 0.0), Command(0.2, 0.0), Command(0.0, 0.5)


class Expression:
    """What an expression node would see and say, from the test's own process."""

    def __init__(self, graph: Graph, **changed: str) -> None:
        self.graph = graph
        self.processes = {name: graph.start(*words) for name, words in NODES.items()}
        self.free = graph.listen(Bool, "base_free", runtime.LATCHED)
        self.commands = graph.listen(Twist, "cmd_vel")
        self.truth = graph.listen(Odometry, "ground_truth/odom", runtime.SENSOR)
        self.events = graph.listen(DiagnosticArray, "social_events")
        self.goals = graph.node.create_publisher(PoseStamped, "goal_pose", runtime.LATCHED)
        self.publisher = graph.publisher(Twist, "cmd_vel_expression", quality=runtime.RELIABLE)
        self.graph.expect(lambda: bool(self.truth), "the base")
        self.expect_free(True)

    def expect_free(self, value: bool) -> None:
        self.graph.expect(lambda: bool(self.free) and self.free[-1].data == value, f"base_free to be {value}")

    def ask_until(self, command: Command, happened, what: str) -> None:
        """Ask for a velocity 20 times a second until something happened."""
        message, sent = conversions.to_twist(command), [0.0]

        def go_on() -> bool:
            if time.monotonic() - sent[0] > 0.05:
                sent[0] = time.monotonic()
                self.publisher.publish(message)
            return happened()

        self.graph.expect(go_on, what)

    @property
    def velocity(self) -> tuple[float, float]:
        twist = self.truth[-1].twist.twist
        return twist.linear.x, twist.angular.z

    def still(self) -> bool:
        return max(map(abs, self.velocity)) < 1e-3


@pytest.fixture
def expression(graph: Graph) -> Expression:
    return Expression(graph)


def test_without_a_goal_expression_moves_the_base_and_its_silence_stops_it(expression: Expression) -> None:
    for command, moving in (
        (TURN, lambda: expression.velocity[1] > 0.3),
        (BACK, lambda: expression.velocity[0] < -0.1),
        (AHEAD, lambda: expression.velocity[0] > 0.1),
    ):
        expression.ask_until(command, moving, f"the base to follow {command}")
        expression.graph.expect(expression.still, "the base to stand when expression is silent")
    last = [conversions.from_twist(message, "cmd_vel") for message in expression.commands][-1]
    assert last == Command(0.0, 0.0)


def test_navigation_under_way_is_not_disturbed_and_gives_the_base_back_at_the_goal(expression: Expression) -> None:
    graph = expression.graph
    start = conversions.from_odometry(expression.truth[-1], "ground_truth/odom").pose
    goal = start + np.array([1.2 * np.cos(start[2]), 1.2 * np.sin(start[2]), 0.0])
    stamp = graph.node.get_clock().now().to_msg()
    expression.goals.publish(conversions.to_pose_stamped(goal, stamp, "map"))
    expression.expect_free(False)
    seen = len(expression.truth)
    arrived = lambda: any("arrived" in s.name for m in expression.events for s in from_diagnostics(m))  # noqa: E731
    expression.ask_until(BACK, arrived, "the robot to arrive, whatever expression asks for")
    assert min(message.twist.twist.linear.x for message in expression.truth[seen:]) > -1e-3
    (event,) = [event for message in expression.events for event in from_social_events(message)]
    assert (event.kind, event.person) == ("arrived", None)
    expression.expect_free(True)
    expression.ask_until(BACK, lambda: expression.velocity[0] < -0.05, "expression to have the base again")


def test_nobody_moves_a_base_that_no_longer_sees_people(expression: Expression) -> None:
    moving = lambda: expression.velocity[1] > 0.3  # noqa: E731
    expression.ask_until(TURN, moving, "the base to turn")
    expression.processes["perception"].signal(signal.SIGSTOP)  # people are silent now
    expression.expect_free(False)
    expression.ask_until(TURN, expression.still, "the base to stand")
    expression.processes["perception"].signal(signal.SIGCONT)
    expression.expect_free(True)
    expression.ask_until(TURN, moving, "the base to turn again")


def test_who_asks_to_stand_stands_at_the_next_command(expression: Expression) -> None:
    expression.ask_until(TURN, lambda: expression.velocity[1] > 0.3, "the base to turn")
    expression.publisher.publish(conversions.to_twist(Command(0.0, 0.0)))  # one zero, and nothing after it
    told = [conversions.from_twist(message, "cmd_vel") for message in expression.commands]
    expression.graph.expect(expression.still, "the base to stand")
    after = [conversions.from_twist(message, "cmd_vel") for message in expression.commands][len(told) :]
    moving = [command for command in after if command != Command(0.0, 0.0)]
    assert all(command.angular == pytest.approx(TURN.angular, abs=0.01) for command in moving)  # sent before; no ramp
