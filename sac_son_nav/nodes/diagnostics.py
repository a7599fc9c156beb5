"""How a node is and why the robot stands, on the topic `diagnostics`: once a second, and at once on a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Header

from sac_son_nav.errors import MessageError
from sac_son_nav.nodes.conversions import to_seconds, to_stamp
from sac_son_nav.states import EVENT_KINDS, SocialEvent

OK, WARN, ERROR, STALE = 0, 1, 2, 3


@dataclass(frozen=True)
class Status:
    """How one part of a node is: a level (OK, WARN, ERROR, STALE), one sentence, and named values."""

    name: str
    level: int = OK
    message: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def to_diagnostics(statuses: Sequence[Status], stamp: Time) -> DiagnosticArray:
    """How the parts of a node are; floats are written with six digits."""
    message = DiagnosticArray(header=Header(stamp=stamp))
    for status in statuses:
        pairs = [KeyValue(key=str(key), value=_text(value)) for key, value in status.values.items()]
        message.status.append(
            DiagnosticStatus(level=bytes([status.level]), name=status.name, message=status.message, values=pairs)
        )
    return message


def from_diagnostics(message: DiagnosticArray) -> list[Status]:
    """How the parts of a node are; values come back as text."""
    return [
        Status(status.name, status.level[0], status.message, {pair.key: pair.value for pair in status.values})
        for status in message.status
    ]


EVENT_PREFIX = "social_event: "


def to_social_events(events: Sequence[SocialEvent]) -> DiagnosticArray:
    """Events, one status each, all of one moment; what is not known of one is left out."""
    statuses = []
    for event in events:
        values: dict[str, Any] = {"frame": event.frame, "detail": event.detail}
        if event.person is not None:
            values["person"] = event.person
        if event.position is not None:
            values["x"], values["y"] = float(event.position[0]), float(event.position[1])
        statuses.append(Status(EVENT_PREFIX + event.kind, OK, event.detail, values))
    return to_diagnostics(statuses, to_stamp(events[0].stamp_s if events else 0.0))


def from_social_events(message: DiagnosticArray, topic: str = "social_events") -> list[SocialEvent]:
    """The events of a message. Statuses of another name are passed over; an unknown kind, or a number that is none,
    raises MessageError."""
    events = []
    for status in from_diagnostics(message):
        if not status.name.startswith(EVENT_PREFIX):
            continue
        kind, values = status.name.removeprefix(EVENT_PREFIX), status.values
        if kind not in EVENT_KINDS:
            raise MessageError(f"{topic}: expected one of {', '.join(EVENT_KINDS)}, got {kind!r}")
        try:
            person = int(values["person"]) if "person" in values else None
            place = np.array([float(values["x"]), float(values["y"])]) if "x" in values and "y" in values else None
        except ValueError as error:
            raise MessageError(f"{topic}: expected numbers for person, x and y: {error}") from None
        if place is not None and not np.isfinite(place).all():
            raise MessageError(f"{topic}: expected a place in finite metres, got {place.tolist()}")
        stamp_s = to_seconds(message.header.stamp)
        detail = str(values.get("detail", status.message))
        events.append(SocialEvent(stamp_s, kind, person, place, str(values.get("frame", "map")), detail))
    return events


def _text(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    return str(value)


class Diagnostics:
    """A node's status, said once a second and at once when its level or its sentence changes.

    The second is a second of a clock that always runs, so a node says that it waits even while simulated time
    stands still. `refresh` is called before each regular publication, to notice what did not come.
    """

    def __init__(self, node: Node, refresh: Any = None, period_s: float = 1.0) -> None:
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, "diagnostics", 10)
        self._refresh = refresh
        self._status = Status(node.get_fully_qualified_name(), OK, "starting")
        # rclpy's timers follow the node's clock unless told otherwise.
        self._timer = node.create_timer(period_s, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    @property
    def status(self) -> Status:
        """What was said last."""
        return self._status

    def set(self, level: int, message: str, **values: Any) -> None:
        """Say how the node is; values given now replace those of the same name and stay until replaced."""
        before = self._status
        self._status = Status(before.name, level, message, {**before.values, **values})
        if (level, message) != (before.level, before.message):
            self.publish()

    def publish(self) -> None:
        """Say it now."""
        self._publisher.publish(to_diagnostics([self._status], self._node.get_clock().now().to_msg()))

    def _tick(self) -> None:
        if self._refresh is not None:
            self._refresh()
        self.publish()
