"""The one way to the base: everybody's commands in, one on `cmd_vel` out.

    navigation ─────────────────────────┐
    cmd_vel_teleop ──┐                  │
    cmd_vel_recovery ├─► mux ─► shield ─┴─► stop, bumpers ─► cmd_vel
    cmd_vel_expression ┘

The mux ranks them; who has the base has it until it stands or falls silent. Navigation's own commands have passed the
shield already, all others pass it here, with the newest scan, odometry and people. After that nothing is left to
decide but the software stop and what touches the base. `base_free` (latched) says whether expression would be heard
now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from geometry_msgs.msg import Twist, TwistStamped
from rclpy.node import Node
from std_msgs.msg import Bool

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import ConfigError, MessageError
from sac_son_nav.navigation import contact
from sac_son_nav.navigation.contact import Touch
from sac_son_nav.navigation.mux import TELEOPERATION, CommandMux, MuxConfig
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.stopping import SoftwareStop
from sac_son_nav.states import STOP, Command

NAVIGATION, RECOVERY, EXPRESSION = "navigation", "recovery", "expression"
TOPICS = {TELEOPERATION: "cmd_vel_teleop", RECOVERY: "cmd_vel_recovery", EXPRESSION: "cmd_vel_expression"}
DELIBERATE = (TELEOPERATION, RECOVERY)
"""Those who know what they do: they need no place in the map, and may back up where the laser does not see."""
LONGEST = 0.1  # [s] that a base may take up a command within, however long ago the last one was

Judge = Callable[[str, Command, float], Command | None]
"""What is left of a source's command, `period` [s] after its last one, when all that is seen has been looked at; None:
nothing may be sent at all."""
Blind = Callable[[str], str]
"""Why a source must not move the base now; empty when it may."""


class SharedBase:
    """Publishes `cmd_vel` and `base_free`, hears the topics of all sources. Who calls its methods holds `lock`."""

    def __init__(
        self,
        node: Node,
        robot: RobotProfile,
        config: MuxConfig,
        lock: threading.RLock,
        judge: Judge,
        blind: Blind,
        stop_file: str = "",
    ) -> None:
        self._node, self._robot, self._lock, self._judge, self._blind = node, robot, lock, judge, blind
        unknown = [name for name in config.order if name not in (NAVIGATION, *TOPICS)]
        if unknown or NAVIGATION not in config.order:
            raise ConfigError(
                f"mux.order: expected {NAVIGATION} and any of {', '.join(TOPICS)}, got {', '.join(config.order)}"
            )
        self.mux = CommandMux(config)
        self.sent, self._active = STOP, False
        self.held = ""  # why less was sent than was asked for: the stop, or what touches the base
        self.touches: tuple[Touch, ...] = ()
        self._driver, self._heard = NAVIGATION, dict.fromkeys(config.order, float("-inf"))
        self._free: bool | None = None  # as told last
        kind = TwistStamped if robot.enable_stamped_cmd_vel else Twist
        self._command = node.create_publisher(kind, "cmd_vel", runtime.RELIABLE)
        self._base_free = node.create_publisher(Bool, "base_free", runtime.LATCHED)
        for name in config.order:
            if name != NAVIGATION:
                node.create_subscription(kind, TOPICS[name], self._hearer(name), runtime.NEWEST)
        self.stop = SoftwareStop(node, stop_file, self._on_stop)

    @property
    def driver(self) -> str:
        """Who sent the last command."""
        return self._driver

    def halt(self) -> None:
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

    def touch(self, touches: tuple[Touch, ...]) -> None:
        """What touches the base from now on; a motion towards it ends here and now."""
        self.touches = touches
        if contact.allow(self.sent, touches)[0] != self.sent:
            self._send(self._driver, self.sent)
        elif not self.stop.engaged:
            self.held = ""

    def watch(self, active: bool) -> None:
        """Stop for a source that fell silent or sees nothing any more, and tell who may move the base. Navigation
        watches over itself."""
        self._active, now = active, time.monotonic()
        if active and self.stop.engaged:
            self._send(self._driver, STOP)  # again and again: a base that hears others too shall hear this
        elif self._driver != NAVIGATION and self.sent != STOP and not self._may_go_on(now):
            self._send(self._driver, STOP)
        may_move = active and not self.stop.engaged and not self._blind(EXPRESSION)
        free = may_move and EXPRESSION in self.mux.config.order and self.mux.free_for(EXPRESSION, now)
        if free != self._free:
            self._free = free
            self._base_free.publish(Bool(data=free))

    def _may_go_on(self, now: float) -> bool:
        """Whether whoever drives still asks for it and still sees."""
        return self.mux.command(now) != STOP and not self._blind(self._driver)

    def _hearer(self, name: str) -> Callable[[Twist | TwistStamped], None]:
        return lambda message: self._on_source(name, message)

    def _on_source(self, name: str, message: Twist | TwistStamped) -> None:
        try:
            command = conversions.from_twist(message, TOPICS[name])
        except MessageError as error:
            self._node.get_logger().warning(f"{error}; standing")
            command = STOP
        with self._lock:
            now = time.monotonic()
            period, self._heard[name] = min(now - self._heard[name], LONGEST), now
            self.mux.hear(name, command, now)
            if self.mux.owner(now) != name:
                return
            allowed = self._judge(name, command, period)
            if allowed is not None:  # who wants to stand stands at once: no ramp, for no second zero may come
                self._send(name, STOP if command == STOP else allowed)

    def _on_stop(self) -> None:
        with self._lock:
            if not self.stop.engaged:
                self.held = ""
            elif self._active:
                self.halt()

    def _send(self, driver: str, command: Command) -> None:
        """The last gate: whatever asks for motion, the stop and what touches the base have the last word."""
        if self.stop.engaged:
            command, self.held = STOP, self.stop.reason
        else:
            command, self.held = contact.allow(command, self.touches)
        self._driver, self.sent = driver, command
        if self._robot.enable_stamped_cmd_vel:
            stamp = self._node.get_clock().now().to_msg()
            self._command.publish(conversions.to_twist_stamped(command, stamp, self._robot.base_frame))
        else:
            self._command.publish(conversions.to_twist(command))
