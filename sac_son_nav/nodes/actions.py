"""Goals by action, where Nav2's messages are installed: NavigateToPose, or FollowPath behind a Nav2 planner.

`nav2_msgs` is imported late; without it goals come by `goal_pose` and `plan` alone. The fields that differ between
Humble and Lyrical (why a goal failed, how well a path is followed) are set where they exist.

A goal's result is answered when it is known, from whichever callback learns it. An execute callback that awaits
the end would be taken up anew at every turn of the executor, which keeps an entry of each; one that blocks would
hold a thread.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from rclpy.node import Node

from sac_son_nav.errors import MessageError
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.navigation.route import Route
from sac_son_nav.nodes import conversions
from sac_son_nav.states import Floats, RobotState

KINDS = ("navigate_to_pose", "follow_path", "none")
UNKNOWN_ERROR = 1  # where the result names no code for it; any but zero means failure to Nav2's behaviour trees


class Silent:
    """Stands in where no action is served."""

    def report(self, plan: Plan, robot: RobotState, route: Route | None) -> None:
        """Nobody to tell."""

    def cancelling(self) -> bool:
        """Nobody to ask for it."""
        return False

    def finish(self, succeeded: bool, sentence: str = "") -> bool:
        """Nobody to tell."""
        return False


class GoalAction:
    """One action server; a new goal preempts the one before.

    All methods expect `lock` to be held by their caller, so that a goal never ends by what another one did.
    accept: takes the goal pose (3,) or the path (M, 3). ready: whether goals are taken now.
    """

    def __init__(
        self,
        node: Node,
        kind: str,
        types: Any,
        lock: AbstractContextManager[Any],
        accept: Callable[[Any], None],
        ready: Callable[[], bool],
    ) -> None:
        from rclpy.action import ActionServer, CancelResponse, GoalResponse

        self._node, self._kind, self._lock, self._accept, self._ready = node, kind, lock, accept, ready
        self._type = types.NavigateToPose if kind == "navigate_to_pose" else types.FollowPath
        self._handle: Any = None
        self._began = 0.0
        self._server = ActionServer(
            node,
            self._type,
            kind,
            lambda _: self._type.Result(),  # never used: `_end` brings the result
            goal_callback=lambda _: GoalResponse.ACCEPT if ready() else GoalResponse.REJECT,
            handle_accepted_callback=self._take_over,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def _take_over(self, handle: Any) -> None:
        """Drive to a goal that was just accepted, unless it makes no sense; then the one in hand goes on."""
        from rclpy.action.server import GoalEvent

        with self._lock:
            handle._update_state(GoalEvent.EXECUTE)  # `execute` would want the result at once
            try:
                target = self._target(handle.request)
            except MessageError as error:
                self._end(handle, False, str(error))
                return
            if not self._ready():  # since `goal_callback` asked
                self._end(handle, False, "not active")
                return
            self.finish(False, "preempted by a newer goal")
            self._handle, self._began = handle, self._now()
            self._accept(target)

    def report(self, plan: Plan, robot: RobotState, route: Route | None) -> None:
        """Feedback after a control step; ends the goal when it is reached."""
        if self._handle is None:
            return
        if plan.status == "arrived":
            self.finish(True)
            return
        left = float(route.remaining(robot.pose[:2])) if route is not None else 0.0
        here = conversions.to_pose_stamped(robot.pose, conversions.to_stamp(plan.stamp_s), "map")
        speed = float(plan.command.linear)
        feedback = self._type.Feedback()
        if self._kind == "navigate_to_pose":
            feedback.current_pose, feedback.distance_remaining = here, left
            feedback.navigation_time = _duration(max(0.0, self._now() - self._began))
            if speed > 0.05:  # standing, nobody can tell
                feedback.estimated_time_remaining = _duration(left / speed)
        else:
            following = getattr(feedback, "tracking_feedback", feedback)  # Lyrical moved it into a message
            following.distance_to_goal, following.speed = left, speed
            if following is not feedback:
                following.header, following.robot_pose, following.remaining_path_length = here.header, here, left
        self._handle.publish_feedback(feedback)

    def cancelling(self) -> bool:
        """Whether the client has asked to cancel the goal in hand."""
        return self._handle is not None and bool(self._handle.is_cancel_requested)

    def finish(self, succeeded: bool, sentence: str = "") -> bool:
        """End the goal in hand, saying why if it failed; whether there was one."""
        handle, self._handle = self._handle, None
        if handle is None:
            return False
        self._end(handle, succeeded, sentence)
        return True

    def _end(self, handle: Any, succeeded: bool, sentence: str) -> None:
        """Set the goal's last state and have the executor answer its client."""
        result = self._type.Result()
        if succeeded:
            handle.succeed()
        elif handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
            if hasattr(result, "error_code"):
                result.error_code = getattr(self._type.Result, "UNKNOWN", UNKNOWN_ERROR)
            if hasattr(result, "error_msg"):
                result.error_msg = sentence
        self._server.notify_execute(handle, lambda _: result)

    def _target(self, request: Any) -> Floats:
        """The goal pose (3,) or the path (M, 3)."""
        if self._kind == "navigate_to_pose":
            return conversions.from_stamped_pose(request.pose, self._kind, "map")[0]
        poses, _ = conversions.from_path(request.path, self._kind, "map")
        if len(poses) == 0:
            raise MessageError(f"{self._kind}: expected a path with poses, got an empty one")
        return np.asarray(poses)

    def _now(self) -> float:
        return float(self._node.get_clock().now().nanoseconds) * 1e-9


def _duration(seconds: float) -> Any:
    from builtin_interfaces.msg import Duration

    fraction, whole = math.modf(seconds)
    return Duration(sec=int(whole), nanosec=int(fraction * 1e9))


def serve(
    node: Node,
    kind: str,
    lock: AbstractContextManager[Any],
    set_goal: Callable[[Any], None],
    set_path: Callable[[Any], None],
    ready: Callable[[], bool],
) -> GoalAction | Silent:
    """The action server of the wanted kind, or a silent stand-in where nav2_msgs is not installed."""
    if kind == "none":
        return Silent()
    try:
        types = importlib.import_module("nav2_msgs.action")
    except ImportError:
        return Silent()
    return GoalAction(node, kind, types, lock, set_goal if kind == "navigate_to_pose" else set_path, ready)
