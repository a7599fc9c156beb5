"""`sac-son replay` and the executable `replay_node`: a recorded bag through the processes that run on the robot.

Leaves in its folder `tracks.csv`, `summary.json` (which names the tracks' frame and counts what was lost),
`tracks.png`, the MCAP `recording`, and what the processes printed. Whatever ends a replay early, what was done so
far is there and `summary.json` says `complete: false` and why.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from nav_msgs.msg import Path as PathMessage
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

from sac_son_nav.config import RobotProfile, load_robot, make_folder
from sac_son_nav.datasets.source import BagSource, Played, header_nanoseconds, mounted_laser
from sac_son_nav.errors import ConfigError, GraphError, SacSonError
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.report_tracks import draw_tracks
from sac_son_nav.nodes import conversions as convert
from sac_son_nav.nodes.bag_writing import BagWriter, TransformWriter, remove_recording
from sac_son_nav.nodes.bringup import NodeSpec, Supervisor, replay_specs
from sac_son_nav.nodes.diagnostics import from_diagnostics
from sac_son_nav.nodes.playing import Player
from sac_son_nav.nodes.recorded_way import RecordedWay
from sac_son_nav.nodes.runtime import declare, refuse_unknown_parameters, start_ros
from sac_son_nav.nodes.supervisor import private_graph, signals

START_WITHIN = 30.0  # [s] for the processes to find each other on a busy machine
COLUMNS = "stamp_s,id,x_m,y_m,vx_mps,vy_mps,confidence"
SAVE_PERIOD = 2.0  # [s] between two savings of what was done so far
OUTPUTS: dict[str, type] = {
    "people_markers": MarkerArray,
    "predicted_people": MarkerArray,
    "local_plan": PathMessage,
    "route": PathMessage,
    "diagnostics": DiagnosticArray,
    "objective": DiagnosticArray,
}
"""What is recorded beside `people` and the played messages themselves."""


def replay_bag(options: argparse.Namespace) -> int:
    """The verb `replay`: start perception and navigation, play the bag through them, leave the folder.

    0: played to its end and every scan answered; 1: something was lost, or it was interrupted.
    """
    rate = parse_rate(options.rate)
    robot = load_robot(options.robot)
    private_graph()  # nobody's robot shall hear a recording
    with BagSource(options.bag, options.scan_topic, options.odom_topic, options.map_topic) as source:
        mounted = mounted_laser(source, robot)
        out = prepare_folder(options.out)
        nodes = replay_processes(options.robot, mounted, source)
        with signals() as got, (out / "log.txt").open("w") as log, Supervisor(nodes, output=log) as processes:
            replay = Replay(source, mounted, out, rate, lambda: processes.failed)
            with replay:
                replay.run(lambda: bool(got))
    return report(replay.summary, out)


def parse_rate(text: str) -> float | None:
    """Times real time; None for `max`."""
    if text == "max":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = float("nan")
    if not (np.isfinite(rate) and rate > 0.0):
        raise ConfigError(f"rate: expected max or a number above zero, got {text!r}")
    return rate


def prepare_folder(out: Path) -> Path:
    """The folder of the results; an earlier replay's results are removed, anything else in it is left alone."""
    make_folder(out, "tracks.csv", "summary.json", "tracks.png", "log.txt")
    remove_recording(out / "recording")
    return out


def replay_processes(name: str, mounted: RobotProfile, source: BagSource) -> list[NodeSpec]:
    """Perception, and navigation where the bag has the odometry that it needs.

    A recording seldom knows where the robot was in its map, so navigation takes the odometry's frame for the map
    and follows the recorded way instead of a route over it.
    """
    laser = mounted.laser
    place = {"laser.frame": laser.frame, "laser.x": laser.x, "laser.y": laser.y, "laser.yaw": laser.yaw}
    has_odometry = source.topics["odom"] is not None
    heard = {"use_odometry": "true" if has_odometry else "false", "reliable_scans": True}
    made = []
    for spec in replay_specs("", name)[1:]:
        extra = heard if spec.name == "perception" else {}
        if has_odometry or spec.name == "perception":
            made.append(dataclasses.replace(spec, parameters={**spec.parameters, **place, **extra}))
    return made


class Replay:
    """One playing of a bag through a running graph, and what it leaves behind; a context manager.

    `out` None: nothing is left. `failed` tells why the processes have ended, or nothing.
    """

    def __init__(
        self,
        source: BagSource,
        robot: RobotProfile,
        out: Path | None,
        rate: float | None,
        failed: Callable[[], str] = lambda: "",
        node: Node | None = None,
    ) -> None:
        self.source, self.robot, self.out, self.rate, self._failed = source, robot, out, rate, failed
        self._context: Context | None = None
        if node is None:
            self._context = Context()
            start_ros([], self._context)
            node = Node("replay", context=self._context)
        self.node = node
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self._player = Player(node, self._executor, source, robot.laser.topic, rate)
        self._way_ahead = RecordedWay(node, source.deserialized("odom"))
        self._plans = 0
        self._perception = ""  # what it said last
        self._rows: list[tuple[float, int, float, float]] = []  # [s], id, [m], [m]
        self._way: list[tuple[float, float]] = []  # of the base [m]
        self._frames: list[str] = []
        self._complete, self._reason = False, "under way"
        self._csv: TextIO | None = None
        self._bag: BagWriter | None = None
        self._saved = self._told = time.monotonic()
        self.summary: dict[str, Any] = {}

    def __enter__(self) -> Replay:
        if self.out is not None:
            self._csv = (self.out / "tracks.csv").open("w", encoding="utf-8")
            self._csv.write(COLUMNS + "\n")
            self._bag = BagWriter(self.out / "recording")
            self._transforms = TransformWriter(self._bag, self.robot)
            self._save()
        make = self.node.create_subscription
        make(PointCloud2, "people", self._on_people, 1000, raw=True)
        for topic, kind in OUTPUTS.items():
            make(kind, topic, self._keeper(topic, kind), 1000, raw=True)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> None:
        if error is not None:
            self._reason = str(error) or type(error).__name__
        if self._bag is not None and self._csv is not None:
            self._bag.close()
            self._csv.close()
            self._draw()
        self._save()
        self._executor.shutdown()
        if self._context is not None:
            self.node.destroy_node()
            rclpy.shutdown(context=self._context)

    # -- the run ------------------------------------------------------------------------------------------------

    def run(self, interrupted: Callable[[], bool]) -> None:
        """Wait for perception, play everything. A process that ends or never comes raises GraphError."""
        self._wait_for_perception(interrupted)
        self._player.on_message = self._on_played

        def stopped() -> bool:
            if self._failed():
                raise GraphError(self._failed())
            self._now_and_then()
            return interrupted()

        try:
            self._player.play(stopped)
        except GraphError as error:
            raise GraphError(f"{error}; it says: {self._perception or 'nothing'}") from None
        self._turn(0.3)  # the markers of the last people
        self._complete = not interrupted()
        self._reason = "" if self._complete else "stopped by a signal"
        self._progress(last=True)

    def _wait_for_perception(self, interrupted: Callable[[], bool]) -> None:
        end = time.monotonic() + START_WITHIN
        scans = self._player.publishers["scan"]
        while not (scans.get_subscription_count() and self._perception) and not interrupted():
            if self._failed():
                raise GraphError(self._failed())
            if time.monotonic() > end:
                raise GraphError(f"perception: expected to hear from it within {START_WITHIN:.0f} s, got nothing")
            self._executor.spin_once(timeout_sec=0.1)
        others = self.node.count_publishers(scans.topic_name) - 1
        if others > 0:
            raise GraphError(
                f"{scans.topic_name}: expected nobody else to publish it, got {others}; choose another ROS_DOMAIN_ID"
            )
        self._turn(0.5)  # discovery works in both directions: let theirs end too

    def _turn(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.05)

    # -- what comes and goes ------------------------------------------------------------------------------------

    def _on_people(self, data: bytes) -> None:
        stamp = header_nanoseconds(data)
        self._player.answer(stamp)
        tracks = convert.from_people(deserialize_message(data, PointCloud2), "people")
        if tracks.frame not in self._frames:
            self._frames.append(tracks.frame)
        if self._bag is None or self._csv is None:
            return
        self._bag.write("/people", "sensor_msgs/msg/PointCloud2", stamp, data)
        for i, number in enumerate(tracks.ids.tolist()):
            (x, y), (vx, vy) = tracks.positions[i].tolist(), tracks.velocities[i].tolist()
            moment = f"{stamp // 10**9}.{stamp % 10**9:09d}"
            self._csv.write(f"{moment},{number},{x:.4f},{y:.4f},{vx:.4f},{vy:.4f},{tracks.confidences[i]:.3f}\n")
            self._rows.append((1e-9 * (stamp - self.source.start_ns), number, x, y))

    def _keeper(self, topic: str, kind: type) -> Callable[[bytes], None]:
        name = f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"

        def keep(data: bytes) -> None:
            self._plans += topic == "local_plan"
            if topic == "diagnostics":
                for status in from_diagnostics(deserialize_message(data, DiagnosticArray)):
                    if status.name.endswith("/perception"):
                        self._perception = status.message
            if self._bag is not None and self._player.now_ns:
                self._bag.write(f"/{topic}", name, self._player.now_ns, data)

        return keep

    def _on_played(self, played: Played) -> None:
        if played.role == "scan":
            self._way_ahead.moved_to(1e-9 * header_nanoseconds(played.data))
        if self._bag is None:
            return
        topic, kind = {
            "scan": (f"/{self.robot.laser.topic}", "sensor_msgs/msg/LaserScan"),
            "odom": ("/odom", "nav_msgs/msg/Odometry"),
            "map": ("/map", "nav_msgs/msg/OccupancyGrid"),
        }[played.role]
        self._bag.write(topic, kind, self._player.now_ns, played.data)
        if played.role == "odom":
            message = deserialize_message(played.data, Odometry)
            self._transforms.odometry(message, self._player.now_ns)
            self._way.append((message.pose.pose.position.x, message.pose.pose.position.y))

    # -- what is left behind ------------------------------------------------------------------------------------

    def _now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._saved > SAVE_PERIOD:
            self._saved = now
            self._save()
        if now - self._told > (0.5 if sys.stderr.isatty() else 5.0):
            self._told = now
            self._progress()

    def _save(self) -> None:
        """What was done so far."""
        counts = self._player.counts
        delays = 1e3 * np.array(counts.delays) if counts.delays else np.full(1, np.nan)
        self.summary = {
            "bag": str(self.source.path),
            "complete": self._complete,
            "reason": self._reason,
            "topics": self.source.topics,
            "duration_s": self.source.duration_s,
            "scans_in": self.source.count("scan"),
            "scans_played": counts.played,
            "people_messages": counts.answered,
            "lost": counts.played - counts.answered,
            "plans": self._plans,
            "late": counts.late,
            "lost_stamps_s": [1e-9 * stamp for stamp in counts.lost[:20]],
            "rate_asked": "max" if self.rate is None else self.rate,
            "rate_reached": counts.bag_s / counts.wall_s if counts.wall_s > 0.0 else float("nan"),
            "wall_s": counts.wall_s,
            "answer_ms_p50": float(np.percentile(delays, 50)),
            "answer_ms_p99": float(np.percentile(delays, 99)),
            "tracks": len({row[1] for row in self._rows}),
            "rows": len(self._rows),
            "frame": self._frames[0] if len(self._frames) == 1 else self._frames,
            "laser_on_base": [self.robot.laser.x, self.robot.laser.y, self.robot.laser.yaw],
            "perception_says": self._perception,
        }
        if self.out is not None and self._csv is not None:
            if not self._csv.closed:
                self._csv.flush()
            write_summary(self.out / "summary.json", self.summary)

    def _draw(self) -> None:
        assert self.out is not None
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 4)
        in_odometry = self.source.topics["odom"] is not None
        draw_tracks(
            self.out / "tracks.png",
            rows[:, 0],
            rows[:, 1].astype(np.int64),
            rows[:, 2:],
            robot=np.array(self._way).reshape(-1, 2) if in_odometry else None,
            title=f"{self.source.path.name}: {len(set(rows[:, 1]))} tracks",
            frame=", ".join(self._frames),
        )

    def _progress(self, last: bool = False) -> None:
        counts, duration = self._player.counts, self.source.duration_s
        rate = counts.bag_s / max(counts.wall_s, 1e-9)
        left = (duration - counts.bag_s) / max(rate, 1e-9)
        line = (
            f"{counts.bag_s:6.1f} of {duration:.1f} s, {rate:.1f} x real time, {counts.answered} of {counts.played} "
            f"scans answered, {left:.0f} s left"
        )
        if sys.stderr.isatty():
            print(f"\r{line:<100}", end="\n" if last else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


def report(summary: dict[str, Any], out: Path | None) -> int:
    """Say in a few lines how it went; the command's exit status."""
    print(f"scans: {summary['scans_played']} of {summary['scans_in']} played, {summary['people_messages']} answered")
    print(f"rate: {summary['rate_reached']:.1f} x real time, answers within {summary['answer_ms_p99']:.1f} ms (p99)")
    if out is not None:
        print(f"tracks: {summary['tracks']} in frame {summary['frame']}, in {out / 'tracks.csv'}")
    if not summary["complete"]:
        print(f"incomplete: {summary['reason']}")
    return 0 if summary["complete"] and summary["lost"] == 0 else 1


def main() -> None:
    """The executable `replay_node`: plays into a graph that is started already, as replay.launch.py does.

    Parameters: bag, robot, scan_topic, odom_topic, map_topic (empty: the bag's only one), rate (text: max, or
    times real time) and out (folder; empty: leave nothing).
    """
    start_ros()
    node = Node("replay")
    try:
        with signals() as got:
            status = _play_into_graph(node, lambda: bool(got))
    except SacSonError as error:
        print(f"sac-son: {error}", file=sys.stderr, flush=True)
        status = 2
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    sys.exit(status)


def _play_into_graph(node: Node, interrupted: Callable[[], bool]) -> int:
    names = ("bag", "robot", "scan_topic", "odom_topic", "map_topic", "rate", "out")
    defaults = {"robot": "simulated", "rate": "1.0"}
    given = {name: str(declare(node, name, defaults.get(name, ""))) for name in names}
    refuse_unknown_parameters(node)
    if not given["bag"]:
        raise ConfigError("replay.bag: expected the path of a recording, got none")
    rate, robot = parse_rate(given["rate"]), load_robot(given["robot"])
    topics = [given[name] or None for name in ("scan_topic", "odom_topic", "map_topic")]
    with BagSource(given["bag"], *topics) as source:
        out = prepare_folder(Path(given["out"])) if given["out"] else None
        replay = Replay(source, robot, out, rate, node=node)
        with replay:
            replay.run(interrupted)
    return 0 if interrupted() else report(replay.summary, out)


if __name__ == "__main__":
    main()
