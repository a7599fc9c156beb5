"""Start and stop of nodes: parameters from every side, signals, and what must not end a process."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.parameter import Parameter

from sac_son_nav.nodes.diagnostics import from_diagnostics

from .graph import Process

if TYPE_CHECKING:
    from .graph import Graph

pytestmark = pytest.mark.graph
SIMULATION, PERCEPTION = "sac_son_nav.nodes.simulation", "sac_son_nav.nodes.perception"


def test_profile_file_and_command_line_in_this_order(graph: Graph, tmp_path: Path) -> None:
    """The profile says radius 0.22 and a laser of 720 beams; a file and the command line have the later words."""
    parameters = tmp_path / "mine.yaml"
    parameters.write_text("/**:\n  ros__parameters:\n    radius: 0.3\n    laser: {beams: 360, range_max: 8}\n")
    ros = ["--ros-args", "--params-file", str(parameters), "-p", "laser.beams:=180", "-p", "scenario:=empty"]
    graph.start(SIMULATION, arguments=ros)
    names = ["radius", "laser.beams", "laser.range_max", "limits.vx_max"]
    answer = graph.ask(GetParameters, "/simulation/get_parameters", GetParameters.Request(names=names))
    radius, beams, reach, speed = answer.values
    assert (radius.double_value, beams.integer_value) == (0.3, 180)
    assert 8 in (reach.integer_value, reach.double_value)  # written without a point, and no harm done
    assert speed.double_value == 0.6


def test_parameters_are_read_once(graph: Graph) -> None:
    graph.start(PERCEPTION)
    wanted = Parameter("tracker.reach", value=2.0).to_parameter_msg()
    answer = graph.ask(SetParameters, "/perception/set_parameters", SetParameters.Request(parameters=[wanted]))
    assert answer.results[0].successful is False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_node_quietly(graph: Graph, number: signal.Signals) -> None:
    diagnostics = graph.listen(DiagnosticArray, "diagnostics")
    process = graph.start(PERCEPTION)
    graph.expect(lambda: bool(diagnostics), "the node")
    assert process.stop(number) == 0
    assert process.said() == ""


def test_a_signal_during_the_start_ends_it_too(graph: Graph) -> None:
    process = graph.start(SIMULATION, "scenario:=crossing")
    graph.turn(0.6)  # somewhere between Python's start and the first step
    status = process.stop(signal.SIGTERM)
    assert status in (0, -signal.SIGTERM)  # before our handler stands it is the system's
    assert "Traceback" not in process.said()


def test_ros_arguments_that_make_no_sense_are_one_sentence(graph: Graph) -> None:
    process = graph.start(PERCEPTION, arguments=["--ros-args", "-p", "tracker.reach"])
    assert process.wait() == 2
    assert "Traceback" not in process.said()
    assert "tracker.reach" in process.said()


def test_namespace_and_name_move_everything(graph: Graph) -> None:
    diagnostics = graph.listen(DiagnosticArray, "/tb4/diagnostics")
    graph.start(
        PERCEPTION, arguments=["--ros-args", "-r", "__ns:=/tb4", "-r", "__node:=eyes", "-r", "scan:=front/scan"]
    )
    graph.expect(lambda: bool(diagnostics), "diagnostics in the namespace")
    (status,) = from_diagnostics(diagnostics[0])
    assert status.name == "/tb4/eyes"
    assert status.message == "waiting for the first scan on /tb4/front/scan"


QUEUES = """
import json
from sac_son_nav.nodes import navigation, runtime
runtime.start_ros([])
node = navigation.NavigationNode()
print(json.dumps({taken.topic_name: taken.qos_profile.depth for taken in node.subscriptions}))
"""


def test_navigation_keeps_the_newest_of_what_it_sees(domain: int) -> None:
    """With a queue of them, a navigator that falls behind would go on driving by what was seen before a fault."""
    process = Process([sys.executable, "-c", QUEUES], domain)
    assert process.wait() == 0, process.said()
    queues = json.loads(process.said())
    assert queues["/scan"] == queues["/people"] == 1
    assert queues["/odom"] > 1  # a history, in which the pose at a scan's moment is found


def test_a_transition_that_the_state_lacks_does_not_end_a_lifecycle_node(graph: Graph) -> None:
    """Jazzy's rclpy raises out of the executor where Kilted's answers; the robot's driver must survive both."""
    process = graph.start("sac_son_nav.nodes.navigation")
    change = graph.node.create_client(ChangeState, "/navigation/change_state")
    graph.expect(change.service_is_ready, "the lifecycle service")
    wrong = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))  # it is active already
    future = change.call_async(wrong)
    refused = "lifecycle transition refused"
    graph.expect(lambda: future.done() or refused in process.said(), "an answer, or with Jazzy a word")
    assert not future.done() or future.result().success is False
    assert process.handle.poll() is None, process.said()
    state = graph.ask(GetState, "/navigation/get_state", GetState.Request())
    assert state.current_state.id == State.PRIMARY_STATE_ACTIVE
    assert process.stop() == 0


HANGING = """
import sys, threading
from rclpy.node import Node
from sac_son_nav.nodes import runtime
runtime.LAST_RESORT = 0.5
class Hanging(Node):
    def __init__(self):
        super().__init__("hanging")
        print("ready", flush=True)
    def close(self):
        threading.Event().wait()
sys.exit(runtime.run(Hanging))
"""


def test_what_hangs_while_it_is_closed_ends_all_the_same(graph: Graph) -> None:
    process = Process([sys.executable, "-c", HANGING], graph.domain)
    process.may_end = True
    graph.expect(lambda: "ready" in process.said(), "the node")
    process.signal(signal.SIGTERM)
    assert process.wait() == 1
    assert process.said().splitlines()[-1] == "sac-son: not closed 0.5 s after a signal; ending without it"
