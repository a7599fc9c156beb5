"""Recording: what the graph says, byte for byte, into a rosbag2 MCAP that Foxglove, rviz and `sac-son replay` open.

Messages are taken in serialized and written as they came. Where nobody publishes `/tf`, the transforms that a 3D
view needs are worked out from `odom` and `amcl_pose` and written beside them.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from rclpy.clock import Clock as RclClock
from rclpy.clock import ClockType
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import GraphError
from sac_son_nav.nodes.bag_writing import BagWriter, TransformWriter, remove_recording
from sac_son_nav.nodes.diagnostics import ERROR, OK, WARN, Diagnostics
from sac_son_nav.nodes.runtime import declare_robot, declare_settings, refuse_unknown_parameters, run, start_ros

DEFAULT_TOPICS = (
    "scan",
    "odom",
    "amcl_pose",
    "map",
    "people",
    "people_markers",
    "predicted_people",
    "route",
    "local_plan",
    "plan",
    "goal_pose",
    "cmd_vel",
    "diagnostics",
    "ground_truth/people",
    "ground_truth/people_markers",
    "ground_truth/odom",
)


def message_class(kind: str) -> type:
    """The Python class of a message type such as ``sensor_msgs/msg/LaserScan``; GraphError when not installed."""
    try:
        package, _, name = kind.split("/")
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError, ValueError):
        raise GraphError(f"message type {kind}: expected its package to be installed, found none") from None


class TopicRecorder:
    """Subscribes topics of a node's graph as they appear and writes what they say.

    `topics` are names as the node would resolve them. Messages are dated by the node's clock; while that waits for
    simulated time, they wait too (a latched map comes before the first tick).
    """

    def __init__(
        self,
        node: Node,
        topics: Sequence[str],
        bag: BagWriter,
        robot: RobotProfile | None = None,
        rescan_period: float = 0.2,
    ) -> None:
        self._node, self._bag = node, bag
        self._wanted = {node.resolve_topic_name(topic) for topic in topics}
        self._subscribed: dict[str, Any] = {}
        self._early: list[tuple[str, str, bytes]] = []
        self._transforms = TransformWriter(bag, robot) if robot is not None else None
        self._odometry, self._pose = node.resolve_topic_name("odom"), node.resolve_topic_name("amcl_pose")
        self.unknown: set[str] = set()  # types that are not installed
        self._look()
        self._timer = node.create_timer(rescan_period, self._look, clock=RclClock(clock_type=ClockType.STEADY_TIME))

    @property
    def subscribed(self) -> Mapping[str, Any]:
        """The topics that have appeared so far."""
        return self._subscribed

    def _look(self) -> None:
        """Subscribe what has appeared since."""
        self._flush()
        for topic, kinds in self._node.get_topic_names_and_types():
            if topic not in self._wanted or topic in self._subscribed or kinds[0] in self.unknown:
                continue
            offers = self._node.get_publishers_info_by_topic(topic)
            if not offers:
                continue
            try:
                kind = message_class(offers[0].topic_type)
            except GraphError as error:
                self.unknown.add(kinds[0])
                self._node.get_logger().warning(f"not recording {topic}: {error}")
                continue
            self._subscribed[topic] = self._node.create_subscription(
                kind, topic, self._taker(topic, offers[0].topic_type), _as_offered(offers), raw=True
            )

    def _taker(self, topic: str, kind: str) -> Any:
        return lambda data: self._take(topic, kind, data)

    def _take(self, topic: str, kind: str, data: bytes) -> None:
        if self._node.get_clock().now().nanoseconds == 0:
            self._early.append((topic, kind, data))
            return
        self._flush()
        self._write(topic, kind, data)

    def _flush(self) -> None:
        if self._early and self._node.get_clock().now().nanoseconds > 0:
            early, self._early = self._early, []
            for item in early:
                self._write(*item)

    def _write(self, topic: str, kind: str, data: bytes) -> None:
        now = self._node.get_clock().now().nanoseconds
        self._bag.write(topic, kind, now, data)
        if self._transforms is None or self._node.count_publishers("/tf") > 0:
            return
        if topic == self._odometry:
            self._transforms.odometry(deserialize_message(data, Odometry), now)
        elif topic == self._pose:
            self._transforms.localised(deserialize_message(data, PoseWithCovarianceStamped), now)

    def finish(self) -> None:
        """Write what still waits for the clock, dated by the wall's."""
        early, self._early = self._early, []
        for topic, kind, data in early:
            self._bag.write(topic, kind, time.time_ns(), data)


class Recorder:
    """Records a graph from within a program: a node of its own in a thread of its own, until `close`.

    `folder` may exist only as an earlier recording, which is replaced. Messages are dated by `/clock` when
    `use_sim_time`.
    """

    def __init__(
        self,
        folder: Path | str,
        topics: Sequence[str] = DEFAULT_TOPICS,
        robot: RobotProfile | None = None,
        use_sim_time: bool = True,
    ) -> None:
        remove_recording(folder)
        self.bag = BagWriter(folder)
        self._context = Context()
        start_ros([], self._context)
        simulated = [Parameter("use_sim_time", value=True)] if use_sim_time else []
        self._node = Node("recorder", context=self._context, parameter_overrides=simulated)
        self._topics = TopicRecorder(self._node, (*topics, "/tf", "/tf_static"), self.bag, robot or RobotProfile())
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="recorder")
        self._thread.start()

    def _work(self) -> None:
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=0.2)

    def close(self) -> None:
        """Finish the bag; raises BagError when the disk has failed."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()
        self._topics.finish()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)
        self.bag.close()


def _as_offered(offers: Sequence[Any]) -> QoSProfile:
    """What every publisher of a topic can serve: latched if one latches, reliable if all are."""
    latched = any(offer.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
    reliable = all(offer.qos_profile.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1000,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


@dataclass(frozen=True)
class RecordingConfig:
    """What to record, and where to."""

    output: str = "recording"  # folder of the bag; must not exist yet
    topics: tuple[str, ...] = DEFAULT_TOPICS  # those that exist are recorded, and those that appear later
    compress: bool = True  # zstd
    transforms: bool = True  # write /tf from odom and amcl_pose where nobody publishes it


class RecordingNode(Node):
    """The recorder as a process of its own."""

    def __init__(self) -> None:
        super().__init__("recording")
        self.robot = declare_robot(self)
        self.config = declare_settings(self, RecordingConfig())
        refuse_unknown_parameters(self)
        self.bag = BagWriter(self.config.output, self.config.compress)
        robot = self.robot if self.config.transforms else None
        topics = (*self.config.topics, "/tf", "/tf_static")
        self.recorder = TopicRecorder(self, topics, self.bag, robot)
        self.diagnostics = Diagnostics(self, self._watch)
        self.diagnostics.set(OK, f"recording to {self.config.output}")

    def _watch(self) -> None:
        level, sentence = OK, f"recording to {self.config.output}"
        if self.bag.lost:
            level, sentence = ERROR, f"{self.bag.lost} messages lost: the disk is too slow"
        elif not self.bag.counts:
            level, sentence = WARN, "nothing to record so far"
        self.diagnostics.set(level, sentence, messages=sum(self.bag.counts.values()), topics=len(self.bag.counts))

    def close(self) -> None:
        """Finish the bag."""
        self.recorder.finish()
        self.bag.close()


def main() -> None:
    """The executable `recording_node`."""
    sys.exit(run(RecordingNode))


if __name__ == "__main__":
    main()
