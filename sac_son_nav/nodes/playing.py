"""Playing a bag into a graph: serialized messages untouched, in the bag's order, as fast as nothing is lost.

`Player` publishes what a `datasets.source.BagSource` reads; it lets at most a few scans be unanswered by a `people`
message of the same stamp, so that at any rate nobody's queue runs over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from sac_son_nav.datasets.source import GRID, ODOMETRY, SCAN, BagSource, Played, header_nanoseconds
from sac_son_nav.errors import GraphError
from sac_son_nav.nodes import conversions as convert
from sac_son_nav.nodes.recording import message_class
from sac_son_nav.nodes.runtime import LATCHED

DEEP = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=200,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)
"""To publish what is played: a burst of odometry must not push out what was not sent yet."""


@dataclass
class Counts:
    """How the playing goes."""

    played: int = 0  # scans sent
    answered: int = 0  # of them, by a people message of the same stamp
    lost: list[int] = field(default_factory=list)  # stamps [ns] of those that were not
    late: int = 0  # of the answered, after they had been given up
    delays: list[float] = field(default_factory=list)  # [s] from sending a scan to its answer
    bag_s: float = 0.0  # how far into the bag
    wall_s: float = 0.0


class Player:
    """Publishes a bag's messages under the names a robot uses, and `/clock`.

    `rate` is times real time, or None for as fast as answers come. At most `window` scans are unanswered at any
    moment; one that stays so for `patience` [s], or whose successor is answered first, is lost. When `give_up`
    scans in a row are lost for want of time, the perception is taken for dead and GraphError is raised.
    """

    def __init__(
        self,
        node: Node,
        executor: Executor,
        source: BagSource,
        scan_topic: str = "scan",
        rate: float | None = None,
        window: int = 3,
        patience: float = 2.0,
        give_up: int = 5,
    ) -> None:
        self.counts = Counts()
        self.now_ns = 0  # what /clock says
        self.on_message: Callable[[Played], None] = lambda played: None
        self._executor, self._source, self._rate = executor, source, rate
        self._window, self._patience, self._give_up = window, patience, give_up
        self._offset = source.clock_offset_ns()
        self._sent: set[int] = set()  # stamps [ns] of all scans sent
        self._answered: set[int] = set()
        self._waiting: dict[int, float] = {}  # stamp [ns] of an unanswered scan, and when it was sent
        self._timeouts = 0
        self._clock = node.create_publisher(Clock, "/clock", DEEP)
        self.publishers = {
            role: node.create_publisher(message_class(kind), name, quality)
            for role, kind, name, quality in (
                ("scan", SCAN, scan_topic, DEEP),
                ("odom", ODOMETRY, "odom", DEEP),
                ("map", GRID, "map", LATCHED),
            )
            if source.topics[role] is not None
        }

    def answer(self, stamp_ns: int) -> None:
        """The scan of this stamp was answered; so earlier ones are not expected to be any more.

        An answer to a scan that was never sent, or a second one, comes from somebody else's perception: then no
        count means anything, and GraphError is raised.
        """
        if stamp_ns not in self._sent or stamp_ns in self._answered:
            which = "a second time" if stamp_ns in self._answered else "to a scan that was not played"
            raise GraphError(
                f"people: expected one answer to each scan, got one {which}; another perception is on this "
                "ROS_DOMAIN_ID, choose another"
            )
        self._answered.add(stamp_ns)
        self.counts.answered += 1
        self._timeouts = 0
        sent = self._waiting.pop(stamp_ns, None)
        if sent is None:
            self.counts.lost.remove(stamp_ns)
            self.counts.late += 1
            return
        self.counts.delays.append(time.monotonic() - sent)
        for earlier in [s for s, when in self._waiting.items() if when < sent]:
            del self._waiting[earlier]
            self.counts.lost.append(earlier)

    def play(self, stopped: Callable[[], bool]) -> None:
        """Everything to the end of the bag, or until `stopped`; then wait for the last answers."""
        began = time.monotonic()
        for played in self._source.messages():
            if stopped():
                break
            self.counts.bag_s = 1e-9 * (played.recorded_ns - self._source.start_ns)
            self._pace(began, stopped)
            if played.role == "scan":
                self._make_room(self._window - 1)
            self._send(played)
            self.counts.wall_s = time.monotonic() - began
        self._make_room(0)
        self.counts.wall_s = time.monotonic() - began

    def _pace(self, began: float, stopped: Callable[[], bool]) -> None:
        due = began + self.counts.bag_s / self._rate if self._rate else 0.0
        while True:
            left = due - time.monotonic()
            self._executor.spin_once(timeout_sec=min(max(left, 0.0), 0.1))
            if left <= 0.0 or stopped():
                return

    def _send(self, played: Played) -> None:
        now = played.recorded_ns + self._offset
        # A clock of 50 Hz is fine enough; with each scan it is exact.
        if played.role == "scan" or now - self.now_ns > 20_000_000:
            self.now_ns = max(now, self.now_ns)
            self._clock.publish(convert.to_clock(convert.stamp_from_nanoseconds(self.now_ns)))
        if played.role == "scan":
            stamp = header_nanoseconds(played.data)
            self._waiting[stamp] = time.monotonic()
            self._sent.add(stamp)
            self.counts.played += 1
        self.publishers[played.role].publish(played.data)
        self.on_message(played)

    def _make_room(self, most: int) -> None:
        """Wait until at most this many scans are unanswered; bounded."""
        while len(self._waiting) > most:
            self._executor.spin_once(timeout_sec=0.05)
            now = time.monotonic()
            for stamp in [s for s, sent in self._waiting.items() if now - sent > self._patience]:
                del self._waiting[stamp]
                self.counts.lost.append(stamp)
                self._timeouts += 1
            if self._timeouts >= self._give_up:
                raise GraphError(f"perception: expected an answer to each scan, got none to the last {self._timeouts}")
