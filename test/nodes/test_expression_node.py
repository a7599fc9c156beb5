"""The robot says what it means: the expression node in the running graph. Real processes, real DDS."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("pydantic_monty")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, ColorRGBA, String
from std_srvs.srv import Trigger

from expressive_motion.behaviour import Behaviour
from expressive_motion.chain import ProgramDraft
from expressive_motion.library import Library
from sac_son_nav.nodes import runtime
from sac_son_nav.nodes.diagnostics import from_diagnostics, to_social_events
from sac_son_nav.states import SocialEvent

from .graph import ROOT, Graph

pytestmark = pytest.mark.graph

WORLD = {
    "simulation": ("sac_son_nav.nodes.simulation", "scenario:=empty", "seed:=1"),
    "perception": ("sac_son_nav.nodes.perception", "use_sim_time:=true"),
    "navigation": ("sac_son_nav.nodes.navigation", "use_sim_time:=true"),
}
NODE = "expressive_motion.nodes.expression"
# One that moves everything there is, and goes on until it is stopped.
PROGRAM = """
light("blue", "steady")
say("Here I go.", wait=False)
move_head(30.0, 0.0)
for _ in range(4):
    turn(90.0)
    turn(-90.0)
"""


class Robot:
    """The expression node, with or without a world, and what it puts out."""

    def __init__(self, graph: Graph, *parameters: str, world: bool = True) -> None:
        self.graph = graph
        self.world = {name: graph.start(*words) for name, words in WORLD.items()} if world else {}
        self.node = graph.start(NODE, *(("use_sim_time:=true",) if world else ()), "voice:=topic", *parameters)
        self.status = graph.listen(DiagnosticArray, "expression/status")
        self.speech = graph.listen(String, "expression/speech")
        self.lights = graph.listen(ColorRGBA, "expression/light")
        self.heads = graph.listen(JointState, "head_command")
        self.commands = graph.listen(Twist, "cmd_vel_expression")
        self.truth = graph.listen(Odometry, "ground_truth/odom", runtime.SENSOR)
        self.free = graph.listen(Bool, "base_free", runtime.LATCHED)
        self.instruct = graph.publisher(String, "expression/instruction")
        self.events = graph.publisher(DiagnosticArray, "social_events")
        graph.expect(lambda: "idle" in self.stages(), "the expression node to be idle")
        if world:
            graph.expect(lambda: bool(self.free) and self.free[-1].data and bool(self.truth), "a base to move")

    def stages(self) -> list[str]:
        return [s.values["stage"] for m in self.status for s in from_diagnostics(m)]

    def performing(self) -> str:
        return from_diagnostics(self.status[-1])[0].values["performing"]

    def expect_stage(self, stage: str) -> None:
        self.graph.expect(lambda: stage in self.stages(), f"the stage {stage}, heard {self.stages()[-3:]}")

    def turning(self) -> bool:
        return bool(self.truth) and abs(self.truth[-1].twist.twist.angular.z) > 0.2

    def still(self) -> bool:
        twist = self.truth[-1].twist.twist
        return max(abs(twist.linear.x), abs(twist.angular.z)) < 1e-3

    def tell(self, kind: str, person: int | None = 3) -> None:
        """A social event."""
        self.events.publish(to_social_events([SocialEvent(time.time(), kind, person)]))

    def ask(self, service: str) -> Trigger.Response:
        return self.graph.ask(Trigger, service, Trigger.Request())


@pytest.mark.parametrize(
    ("kind", "words"), [("blocked", "Excuse me, may I come through, please?"), ("made_way", "Thank you!")]
)
def test_an_event_is_answered_without_a_world_or_a_model(graph: Graph, kind: str, words: str) -> None:
    robot = Robot(graph, world=False)
    robot.tell(kind)
    graph.expect(lambda: bool(robot.speech), "a sentence")
    assert robot.speech[0].data == words
    robot.tell(kind)  # the same again, of the same person: answered already
    robot.expect_stage("finished")
    assert [message.data for message in robot.speech] == [words]
    assert robot.lights[0].a > 0.0
    graph.expect(lambda: robot.lights[-1].a == 0.0, "the light to be given back")
    assert robot.heads[0].name == ["head_pan_joint", "head_tilt_joint"]
    assert robot.commands == []  # it stays where it is


@pytest.mark.alone
def test_a_higher_event_interrupts_a_lower_one_and_not_the_other_way_round(graph: Graph, tmp_path: Path) -> None:
    """The lower one's answer takes longer than any machine keeps the others waiting."""
    program = ProgramDraft("", "ask_to_pass", "Asks for long.", "for _ in range(3):\n    wait(10.0)\n")
    Library(tmp_path).save(Behaviour("ask_to_pass", "Asks.", "Ask to pass.", "simulated", "fit", program=program))
    robot = Robot(graph, f"library:={tmp_path}", world=False)
    robot.tell("blocked")
    graph.expect(lambda: robot.performing() == "ask_to_pass", "the answer to being blocked")
    robot.tell("passing", person=4)
    robot.tell("bumped")
    graph.expect(lambda: robot.performing() == "apologise", "the answer to a bump")
    robot.expect_stage("finished")
    graph.expect(lambda: robot.speech[-1].data == "Oh, sorry!", "an apology")  # on another topic than the stages
    told = [s.values["performing"] for m in robot.status for s in from_diagnostics(m)]
    assert "acknowledge" not in told


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A library with one behaviour that moves all the robot has."""
    program = ProgramDraft("", "look_round", "Looks round.", PROGRAM)
    words = "Look round once."
    Library(tmp_path).save(Behaviour("look_round", "Looks round.", words, "simulated", "fit", program=program))
    return tmp_path


def test_a_saved_behaviour_moves_the_robot_until_it_is_stopped(graph: Graph, saved: Path) -> None:
    robot = Robot(graph, f"library:={saved}")
    robot.instruct.publish(String(data="look_round"))
    graph.expect(robot.turning, "the base to turn")
    assert [message.data for message in robot.speech] == ["Here I go."]
    assert robot.lights[-1].b == 1.0
    assert max(message.position[0] for message in robot.heads) > 0.5
    response = robot.ask("expression/stop")
    assert response.success
    assert (robot.commands[-1].linear.x, robot.commands[-1].angular.z) == (0.0, 0.0)
    graph.expect(robot.still, "the base to stand")
    count = len(robot.commands)
    graph.turn(0.5)
    assert len(robot.commands) == count  # not a word more to the base
    assert robot.stages()[-1] == "idle"


def test_a_robot_that_no_longer_sees_stands_and_goes_on_when_it_sees_again(graph: Graph, saved: Path) -> None:
    robot = Robot(graph, f"library:={saved}")
    robot.instruct.publish(String(data="look_round"))
    graph.expect(robot.turning, "the base to turn")
    robot.world["perception"].signal(signal.SIGSTOP)
    graph.expect(robot.still, "the base to stand without people")
    graph.turn(0.5)
    assert robot.still()
    robot.world["perception"].signal(signal.SIGCONT)
    graph.expect(robot.turning, "the base to turn again")


def test_a_base_whose_expression_node_was_killed_stands(graph: Graph, saved: Path) -> None:
    robot = Robot(graph, f"library:={saved}")
    robot.instruct.publish(String(data="look_round"))
    graph.expect(robot.turning, "the base to turn")
    robot.node.signal(signal.SIGKILL)
    graph.expect(robot.still, "the base to stand")
    graph.turn(0.5)
    assert robot.still()


def test_an_instruction_goes_through_its_stages_and_waits_for_approval(graph: Graph) -> None:
    robot = Robot(graph)
    robot.instruct.publish(String(data="Nod."))
    graph.expect(lambda: any(light.a > 0.0 for light in robot.lights), "a sign that it was heard")
    robot.expect_stage("rehearsed")
    assert "performing" not in robot.stages()
    tilts = len(robot.heads)
    response = robot.ask("expression/approve")
    assert response.success, response.message
    robot.expect_stage("finished")
    stages = robot.stages()
    assert stages.index("thinking") < stages.index("rehearsed") < stages.index("performing") < stages.index("finished")
    assert min(message.position[1] for message in robot.heads[tilts:]) < -0.05  # nodded
    assert not robot.ask("expression/approve").success  # once is enough


def test_an_empty_instruction_is_refused_in_a_sentence(graph: Graph) -> None:
    robot = Robot(graph, world=False)
    robot.instruct.publish(String(data="   "))
    robot.expect_stage("refused")
    assert "expected 1 to 500 characters, got 0" in from_diagnostics(robot.status[-1])[0].message


def test_the_shipped_settings_are_the_defaults(graph: Graph) -> None:
    process = graph.start(NODE, arguments=["--ros-args", "--params-file", str(ROOT / "config/expression.yaml")])
    heard = graph.listen(DiagnosticArray, "expression/status")
    graph.expect(lambda: bool(heard), "the node to speak")
    assert process.stop() == 0, process.said()


def test_a_bad_parameter_is_one_sentence_and_status_2(graph: Graph) -> None:
    process = graph.start(NODE, "reactions.blocked.pause:=-1.0")
    assert process.wait() == 2
    assert "expected seconds of zero or more, got -1.0" in process.said()
