"""What the expression node says of itself, and what it sees, in words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from expressive_motion.skills.attention import people_of
from expressive_motion.skills.embodiment import View
from sac_son_nav.geometry import inverse, transform_points
from sac_son_nav.nodes import runtime
from sac_son_nav.nodes.diagnostics import OK, Diagnostics, Status, to_diagnostics

SPOKEN_OF = 3  # people at most in a situation


class Teller:
    """`expression/status`: the stage (idle, thinking, rehearsed, performing, finished, cancelled, failed, refused,
    unfit, inactive), the behaviour and the call in hand; on every change and once a second. The same level and
    sentence go to `diagnostics`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, "expression/status", runtime.RELIABLE)
        self._diagnostics = Diagnostics(node)
        self._status = Status(node.get_fully_qualified_name(), OK, "starting", {"stage": "inactive"})
        self._performing, self._call = "", ""
        self._timer = node.create_timer(1.0, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def name(self) -> str:
        """Of the stage."""
        return str(self._status.values["stage"])

    @property
    def sentence(self) -> str:
        """For a picture: the stage, and the call in hand."""
        return self._call or self.name

    def stage(self, name: str, sentence: str, level: int = OK, **values: Any) -> None:
        """A new stage, and what belongs to it."""
        self._status = Status(self._status.name, level, sentence, {"stage": name, **values})
        self._diagnostics.set(level, f"{name}: {sentence}")
        self._publish()

    def call(self, performing: str, call: str) -> None:
        """What is being performed now, and the skill in hand; empty for nothing."""
        if (performing, call) != (self._performing, self._call):
            self._performing, self._call = performing, call
            self._publish()

    def _publish(self) -> None:
        values = {**self._status.values, "performing": self._performing, "call": self._call}
        status = Status(self._status.name, self._status.level, self._status.message, values)
        self._publisher.publish(to_diagnostics([status], self._node.get_clock().now().to_msg()))


def situation(view: View) -> str:
    """Who is there, in plain words for a language model; empty where nothing is known."""
    if view.stale:
        return ""
    people = people_of(view.tracks)
    if not len(people.ids):
        return "Nobody is in sight."
    seen = np.asarray(transform_points(np.asarray(inverse(view.robot.pose)), people.positions))
    told = []
    for row in np.argsort(np.linalg.norm(seen, axis=-1))[:SPOKEN_OF]:
        distance, bearing = float(np.linalg.norm(seen[row])), math.degrees(math.atan2(seen[row, 1], seen[row, 0]))
        side = "ahead" if abs(bearing) < 30.0 else "behind" if abs(bearing) > 150.0 else "on the left"
        side = "on the right" if side == "on the left" and bearing < 0.0 else side
        speed = float(np.linalg.norm(people.velocities[row]))
        does = f"walks at {speed:.1f} m/s" if speed > 0.3 else "stands"
        told.append(f"A person {does} {distance:.1f} m away, {side}.")
    return " ".join(told)
