"""The one way to the base: navigation's commands, and those of whoever may move it meanwhile, out on `cmd_vel`.

`cmd_vel_expression` is heard while navigation has no goal or stands; what it asks for goes through navigation's shield
with the newest scan, odometry and people. `base_free` (latched) says whether it would be heard now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from geometry_msgs.msg import Twist, TwistStamped
from rclpy.node import Node
from std_msgs.msg import Bool

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import MessageError
from sac_son_nav.navigation.mux import CommandMux, MuxConfig
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.states import STOP, Command

NAVIGATION, EXPRESSION = "navigation", "expression"
TOPIC = "cmd_vel_expression"
LONGEST = 0.1  # [s] that a base may take up a command within, however long ago the last one was

Judge = Callable[[Command, float], Command | None]
"""What is left of somebody's command, `period` [s] after the last one, when all that is seen has been looked at; None:
nothing may be sent at all."""


class SharedBase:
    """Publishes `cmd_vel` and `base_free`, hears `cmd_vel_expression`. Who calls its methods holds `lock`."""

    def __init__(
        self, node: Node, robot: RobotProfile, config: MuxConfig, lock: threading.RLock, judge: Judge
    ) -> None:
        self._node, self._robot, self._lock, self._judge = node, robot, lock, judge
        self.mux = CommandMux(config)
        self.sent = STOP
        self._driver, self._heard = NAVIGATION, float("-inf")
        self._free: bool | None = None  # as told last
        kind = TwistStamped if robot.enable_stamped_cmd_vel else Twist
        self._command = node.create_publisher(kind, "cmd_vel", runtime.RELIABLE)
        self._base_free = node.create_publisher(Bool, "base_free", runtime.LATCHED)
        node.create_subscription(kind, TOPIC, self._on_expression, runtime.NEWEST)

    def stop(self) -> None:
        """Stand, whoever drove."""
        self.mux.hear(NAVIGATION, STOP, time.monotonic())
        self._send(NAVIGATION, STOP)

    def navigate(self, command: Command) -> None:
        """Navigation's command, shielded already."""
        now = time.monotonic()
        self.mux.hear(NAVIGATION, command, now)
        if self.mux.owner(now) in (NAVIGATION, None):
            self._send(NAVIGATION, command)

    def release(self) -> None:
        """Navigation has nothing to do: one zero if it drove, then silence."""
        if self._driver == NAVIGATION and self.sent != STOP:
            self._send(NAVIGATION, STOP)
        self.mux.release(NAVIGATION)

    def watch(self, may_move: bool) -> None:
        """Stop for a source that fell silent, and tell who may move the base. Navigation watches over itself."""
        now = time.monotonic()
        if self._driver != NAVIGATION and self.sent != STOP and self.mux.command(now) == STOP:
            self._send(self._driver, STOP)
        free = may_move and self.mux.free_for(EXPRESSION, now)
        if free != self._free:
            self._free = free
            self._base_free.publish(Bool(data=free))

    def _on_expression(self, message: Twist | TwistStamped) -> None:
        try:
            command = conversions.from_twist(message, TOPIC)
        except MessageError as error:
            self._node.get_logger().warning(f"{error}; standing")
            command = STOP
        with self._lock:
            now = time.monotonic()
            period, self._heard = min(now - self._heard, LONGEST), now
            self.mux.hear(EXPRESSION, command, now)
            if self.mux.owner(now) != EXPRESSION:
                return
            allowed = self._judge(command, period)
            if allowed is not None:  # who wants to stand stands at once: no ramp, for no second zero may come
                self._send(EXPRESSION, STOP if command == STOP else allowed)

    def _send(self, driver: str, command: Command) -> None:
        self._driver, self.sent = driver, command
        if self._robot.enable_stamped_cmd_vel:
            stamp = self._node.get_clock().now().to_msg()
            self._command.publish(conversions.to_twist_stamped(command, stamp, self._robot.base_frame))
        else:
            self._command.publish(conversions.to_twist(command))
