"""Goals by action, with Nav2's own types: real processes, a real client; skipped where `nav2_msgs` is missing."""

from __future__ import annotations

import signal
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("nav2_msgs.action")

from action_msgs.msg import GoalStatus, GoalStatusArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nav2_msgs import action as types
from nav_msgs.msg import Odometry, Path
from rclpy.action import ActionClient
from rclpy.qos import qos_profile_action_status_default

from sac_son_nav.nodes import conversions, runtime

from .graph import PATIENCE, Graph, Process
from .test_faults import STILL_WITHIN, Witness, still_moving

pytestmark = [pytest.mark.graph, pytest.mark.alone]

NEAR, FAR = (4.2, 2.0, 0.0), (16.8, 2.0, 0.0)  # 3 m and 15.6 m ahead of the start (1.2, 2.0), down the corridor
SUCCEEDED, ABORTED, CANCELED = GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_ABORTED, GoalStatus.STATUS_CANCELED
ENDED = {SUCCEEDED, ABORTED, CANCELED}
RESULT_TELLS = hasattr(types.NavigateToPose.Result(), "error_code")  # Humble's result has no fields to tell why


class Errand:
    """One goal, as its client sees it: accepted or not, its feedback with times of arrival, its result."""

    def __init__(self, mission: Mission, goal: Any) -> None:
        self._graph, self.feedback = mission.graph, []
        self._sent = mission.client.send_goal_async(goal, self._hear)

    def _hear(self, message: Any) -> None:
        self.feedback.append((time.monotonic(), message.feedback))

    @property
    def handle(self) -> Any:
        """The goal handle, once the server has answered."""
        self._graph.expect(self._sent.done, "an answer to the goal")
        return self._sent.result()

    def accepted(self) -> Errand:
        assert self.handle.accepted
        self._result = self.handle.get_result_async()
        return self

    def ended(self) -> bool:
        return bool(self._result.done())

    def result(self) -> tuple[int, Any]:
        self._graph.expect(self.ended, "the goal's result", PATIENCE)
        answer = self._result.result()
        return answer.status, answer.result

    def ends(self, status: int, words: str = "") -> None:
        """It ends so; where the result has room to tell why, in these words and with an error's code."""
        got, result = self.result()
        assert got == status
        if RESULT_TELLS:
            assert words in result.error_msg
            assert (result.error_code != 0) == (status == ABORTED)


class Mission:
    """Simulation, perception and navigation with an action served, and its client."""

    def __init__(self, graph: Graph, kind: str = "navigate_to_pose") -> None:
        self.graph, self.witness = graph, Witness(graph)
        self.places: list[tuple[float, float]] = []
        graph.node.create_subscription(Odometry, "ground_truth/odom", self._truth, runtime.SENSOR)
        self.statuses: list[GoalStatusArray] = graph.listen(
            GoalStatusArray, f"{kind}/_action/status", qos_profile_action_status_default
        )
        self.type = types.NavigateToPose if kind == "navigate_to_pose" else types.FollowPath
        self.client = ActionClient(graph.node, self.type, kind)
        self.processes: dict[str, Process] = {
            "simulation": graph.start("sac_son_nav.nodes.simulation", "scenario:=empty", "seed:=1"),
            "perception": graph.start("sac_son_nav.nodes.perception", "use_sim_time:=true"),
            "navigation": graph.start("sac_son_nav.nodes.navigation", "use_sim_time:=true", f"action:={kind}"),
        }
        graph.expect(self.client.server_is_ready, "the action server")
        self.witness.expect_heard("/navigation", "waiting for a goal")
        graph.expect(lambda: bool(self.places and self.witness.motions), "the base")

    def _truth(self, message: Odometry) -> None:
        self.places.append((message.pose.pose.position.x, message.pose.pose.position.y))

    def go(self, pose: Any, frame: str = "map") -> Errand:
        stamp = self.graph.node.get_clock().now().to_msg()
        return Errand(self, self.type.Goal(pose=conversions.to_pose_stamped(np.asarray(pose), stamp, frame)))

    def follow(self, points: Any) -> Errand:
        stamp = self.graph.node.get_clock().now().to_msg()
        return Errand(self, self.type.Goal(path=conversions.to_path(np.asarray(points), stamp, "map")))

    def set_off(self, pose: Any = FAR) -> Errand:
        errand = self.go(pose).accepted()
        self.witness.expect_moving()
        return errand

    def stood_since(self, when: float) -> None:
        """At rest from STILL_WITHIN after `when` on, and to 1.5 s after it at least."""
        stop = self.witness.world_at(when)
        self.graph.expect(lambda: self.witness.motions[-1].world > stop + 1.5, "1.5 s of the world")
        wrong = still_moving(self.witness, stop)
        assert not wrong, wrong

    def stands(self) -> None:
        """At rest from now on, after all that is still on its way."""
        self.graph.turn(1.0)
        self.stood_since(time.monotonic() - STILL_WITHIN)

    def pace(self, since: float) -> float:
        """Median speed [m/s] over two seconds; on a busy machine a plan may come late once, and the base stands for a
        moment."""
        return float(np.median([m.speed for m in self.witness.expect_motions(40, since)]))

    def off(self, pose: Any) -> float:
        """Metres between the robot and a place."""
        return float(np.linalg.norm(np.asarray(self.places[-1]) - np.asarray(pose)[:2]))


@pytest.fixture
def mission(graph: Graph) -> Mission:
    return Mission(graph)


def test_a_goal_is_reached_with_falling_distances_and_succeeds(mission):
    errand = mission.go(NEAR).accepted()
    errand.ends(SUCCEEDED)
    assert mission.off(NEAR) < 0.3
    left = np.array([feedback.distance_remaining for _, feedback in errand.feedback])
    assert len(left) > 20
    assert left[0] == pytest.approx(3.0, abs=0.3)
    assert left[-1] < 0.35
    assert np.all(np.diff(left) < 0.15)  # a localiser's noise, no more
    first, last = errand.feedback[0][1], errand.feedback[-1][1]
    assert first.current_pose.header.frame_id == "map"
    assert first.current_pose.pose.position.x == pytest.approx(1.2, abs=0.3)
    assert last.current_pose.pose.position.x == pytest.approx(4.2, abs=0.4)
    took = conversions.to_seconds(last.navigation_time) - conversions.to_seconds(first.navigation_time)
    assert took > 3.0 / 0.6 - 1.0  # 3 m at no more than 0.6 m/s, the last 0.2 m left out
    mission.stands()


def test_a_cancelled_goal_stops_the_robot_and_the_next_one_is_driven(mission):
    errand = mission.set_off()
    assert mission.statuses[-1].status_list[-1].status == GoalStatus.STATUS_EXECUTING
    when = time.monotonic()
    errand.handle.cancel_goal_async()
    errand.ends(CANCELED)
    mission.stood_since(when)
    mission.go((mission.places[-1][0] + 1.0, 2.0, 0.0)).accepted().ends(SUCCEEDED)


def test_a_goal_is_cancelled_while_people_are_missing(mission):
    """Nothing but the watchdog runs then."""
    errand = mission.set_off()
    mission.processes["perception"].signal(signal.SIGSTOP)
    mission.graph.turn(1.0)
    errand.handle.cancel_goal_async()
    errand.ends(CANCELED)
    mission.processes["perception"].signal(signal.SIGCONT)
    mission.stands()


def test_a_goal_in_a_wall_is_aborted_in_a_sentence_and_a_good_one_then_driven(mission):
    mission.go((8.0, 4.1, 0.0)).accepted().ends(ABORTED, "of room for the robot")
    mission.witness.expect_motions(20, since=time.monotonic())
    assert all(m.speed == 0.0 for m in mission.witness.motions)
    mission.set_off()


def test_a_newer_goal_takes_over_on_the_way(mission):
    first = mission.set_off((12.0, 2.0, 0.0))
    mission.graph.turn(2.0)  # up to speed
    when = time.monotonic()
    second = mission.go(FAR).accepted()
    first.ends(ABORTED, "newer goal")
    assert mission.pace(when) > 0.3
    assert not second.ended()
    since = time.monotonic()
    mission.graph.expect(lambda: bool(second.feedback) and second.feedback[-1][0] > since, "feedback")
    assert second.feedback[-1][1].distance_remaining == pytest.approx(mission.off(FAR), abs=0.5)


def test_of_many_goals_at_once_the_last_one_counts(mission):
    """Eight, since DDS keeps ten requests of a service that is busy."""
    errands = [mission.go((3.0 + 0.5 * k, 2.0, 0.0)) for k in range(8)]
    errands = [errand.accepted() for errand in errands]
    for errand in errands[:-1]:
        errand.ends(ABORTED, "newer goal")
    mission.graph.expect(lambda: len(errands[-1].feedback) > 5, "feedback of the last goal")
    x, _ = mission.places[-1]
    assert errands[-1].feedback[-1][1].distance_remaining == pytest.approx(6.5 - x, abs=0.5)
    errands[-1].handle.cancel_goal_async()
    errands[-1].ends(CANCELED)


def test_a_goal_without_people_heard_waits_and_is_driven_when_they_are(mission):
    mission.processes["perception"].signal(signal.SIGSTOP)
    mission.graph.turn(1.0)
    when = time.monotonic()
    errand = mission.go(NEAR).accepted()
    mission.witness.expect_heard("/navigation", "standing: no people for", when)
    mission.witness.expect_motions(40, since=time.monotonic())
    assert not errand.ended()
    assert all(m.speed == 0.0 for m in mission.witness.motions)
    mission.processes["perception"].signal(signal.SIGCONT)
    errand.ends(SUCCEEDED)


def test_killed_on_the_way_it_leaves_the_robot_standing(mission):
    mission.set_off()
    when = time.monotonic()
    mission.processes["navigation"].signal(signal.SIGKILL)
    mission.stood_since(when)


def test_a_signal_on_the_way_tells_the_client_and_leaves_the_robot_standing(mission):
    errand = mission.set_off()
    when = time.monotonic()
    process = mission.processes["navigation"]
    process.signal(signal.SIGINT)
    errand.ends(ABORTED, "navigation has ended")
    assert process.wait() == 0
    assert process.said() == ""
    mission.stood_since(when)


def test_a_goal_by_topic_takes_over(mission):
    errand = mission.set_off()
    when = time.monotonic()
    mission.witness.send_goal((8.0, 2.0, 0.0))
    errand.ends(ABORTED, "goal_pose")
    mission.graph.expect(lambda: mission.witness.moving(when + 1.0), "the robot to go on")


@pytest.mark.parametrize("by", ["action", "topic"])
def test_a_goal_in_a_frame_that_is_not_the_maps(mission, by):
    """By action its client hears why, and the goal in hand goes on; by topic nobody hears, so the robot stands."""
    errand = mission.set_off()
    when = time.monotonic()
    if by == "action":
        mission.go(NEAR, frame="odom").accepted().ends(ABORTED, "map")
        mission.graph.expect(lambda: mission.witness.moving(when + 1.0), "the robot to go on")
        assert not errand.ended()
    else:
        stamp = mission.graph.node.get_clock().now().to_msg()
        mission.witness.goals.publish(conversions.to_pose_stamped(np.asarray(NEAR), stamp, "odom"))
        errand.ends(ABORTED, "goal_pose")
        mission.stood_since(when)


def test_deactivated_it_ends_its_goal_and_takes_no_other(mission):
    errand = mission.set_off()
    change = mission.graph.node.create_client(ChangeState, "/navigation/change_state")
    mission.graph.expect(change.service_is_ready, "the lifecycle service")
    when = time.monotonic()
    change.call_async(ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE)))
    errand.ends(ABORTED, "not active")
    mission.stood_since(when)
    assert not mission.go(NEAR).handle.accepted
    change.call_async(ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVATE)))
    mission.witness.expect_heard("/navigation", "waiting for a goal", when + 1.0)
    mission.stands()  # the old goal is forgotten
    mission.set_off()


@pytest.fixture
def following(graph: Graph) -> Mission:
    return Mission(graph, "follow_path")


def test_a_path_is_followed_to_its_end(following):
    """Across the corridor and through the far room's door."""
    bent = np.array([[1.2, 2.0], [2.6, 2.6], [4.1, 3.2], [4.1, 5.2]])
    routes = following.graph.listen(Path, "route", runtime.LATCHED)
    errand = following.follow(bent).accepted()
    # The planner that made the path also publishes it; the same end is the same errand.
    plans = following.graph.publisher(Path, "plan")
    following.graph.expect(lambda: bool(errand.feedback), "feedback")
    plans.publish(conversions.to_path(bent, following.graph.node.get_clock().now().to_msg(), "map"))
    errand.ends(SUCCEEDED)
    assert following.off(bent[-1]) < 0.3
    driven = conversions.from_path(routes[-1], "route")[0][:, :2]
    for corner in bent:  # nobody made another route; on its way the robot may cut corners where there is room
        assert np.min(np.linalg.norm(driven - corner, axis=1)) < 0.31  # no farther than the route's points
    assert len(driven) == pytest.approx(5.14 / 0.3, abs=2.0)
    told = [getattr(feedback, "tracking_feedback", feedback) for _, feedback in errand.feedback]
    left = np.array([feedback.distance_to_goal for feedback in told])
    length = float(np.sum(np.linalg.norm(np.diff(bent, axis=0), axis=1)))  # 1.52 + 1.62 + 2.00 m
    assert left[0] == pytest.approx(length, abs=0.3)
    assert np.all(np.diff(left) < 0.15)
    assert max(feedback.speed for feedback in told) > 0.3


def test_an_empty_path_is_aborted_and_a_newer_path_takes_over(following):
    following.follow(np.zeros((0, 3))).accepted().ends(ABORTED, "empty")
    first = following.follow([[1.2, 2.0], [9.0, 2.0]]).accepted()
    following.witness.expect_moving()
    when = time.monotonic()
    second = following.follow([[1.2, 2.0], [9.0, 1.8]]).accepted()
    first.ends(ABORTED, "newer goal")
    assert following.pace(when) > 0.3
    plans = following.graph.publisher(Path, "plan")
    plans.publish(conversions.to_path(np.zeros((0, 3)), following.graph.node.get_clock().now().to_msg(), "map"))
    second.ends(ABORTED, "plan")
    following.stood_since(time.monotonic())
