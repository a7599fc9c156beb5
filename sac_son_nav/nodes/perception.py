"""The perception node: laser scans and odometry in, people out.

Subscribes `scan` and `odom`, the map and the place in it (`mapped.py`), and a camera's pictures if told to
(`seeing.py`); publishes `people`, `people_markers`
and `diagnostics`, and people_msgs and ROS4HRI where they are installed (`person_messages.py`). Every scan gives just
one `people` message with the scan's own stamp, in the odometry's frame. A scan that can't be used, because the message
makes no sense or because odometry is missing where it is needed, gives none: silence tells the navigator that nobody
looked, where an empty message would say that nobody is there. `diagnostics` says why.

Run it with OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 (`sac-son bringup` and `sac-son replay` do): its matrices
are small, and threads that wait for each other cost more than they bring.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import LaserScan, PointCloud2
from visualization_msgs.msg import MarkerArray

from sac_son_nav.errors import ConfigError, MessageError
from sac_son_nav.geometry import compose, inverse
from sac_son_nav.kinematics import unicycle_step
from sac_son_nav.nodes.conversions import from_laser_scan, from_odometry, to_people
from sac_son_nav.nodes.diagnostics import ERROR, OK, WARN, Diagnostics
from sac_son_nav.nodes.mapped import MapEars
from sac_son_nav.nodes.markers import group_markers, people_markers
from sac_son_nav.nodes.person_messages import PersonMessages
from sac_son_nav.nodes.runtime import (
    RELIABLE,
    SENSOR,
    declare,
    declare_robot,
    declare_settings,
    refuse_unknown_parameters,
    run,
)
from sac_son_nav.nodes.seeing import CameraConfig, Sight
from sac_son_nav.nodes.transforms import LaserPlace, make_transforms
from sac_son_nav.perception.groups import Groups, GroupTracker
from sac_son_nav.perception.map_place import MapConfig
from sac_son_nav.perception.people import PeopleConfig, PeopleTracker
from sac_son_nav.pose_buffer import PoseBuffer
from sac_son_nav.states import Floats, Scan, Tracks


@dataclass(frozen=True)
class PerceptionNodeConfig:
    """What the node itself needs to know; detector and tracker have settings of their own."""

    use_odometry: str = (
        "auto"  # auto: if anybody publishes it; true: always; false: never, people in the laser's frame
    )
    odometry_timeout: float = 0.3  # [s] between a scan and the nearest odometry; the motion is continued that long
    reliable_scans: bool = False  # ask for every scan; hears nothing from drivers that only offer best effort
    scan_timeout: float = 1.0  # [s] without a scan, after which diagnostics says so

    def __post_init__(self) -> None:
        if self.use_odometry not in ("auto", "true", "false"):
            raise ConfigError(f"use_odometry: expected auto, true or false, got {self.use_odometry!r}")
        for name in ("odometry_timeout", "scan_timeout"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected seconds above zero, got {getattr(self, name)}")


def nearest_in_words(stamp_s: float, odometry: PoseBuffer, forgotten_s: float) -> str:
    """How far the nearest odometry is from a scan; `forgotten_s`: the newest stamp [s] of what was forgotten."""
    if len(odometry) == 0:
        return f"the newest {forgotten_s - stamp_s:.2f} s after it"
    if stamp_s < odometry.oldest_s:
        return f"the oldest {odometry.oldest_s - stamp_s:.2f} s after it"
    return f"the newest {stamp_s - odometry.newest_s:.2f} s before it"


def _deep(quality: QoSProfile, depth: int) -> QoSProfile:
    return QoSProfile(
        history=quality.history, depth=depth, reliability=quality.reliability, durability=quality.durability
    )


class PerceptionNode(Node):
    """Scans and odometry to people."""

    def __init__(self) -> None:
        super().__init__("perception")
        self.robot = declare_robot(self)
        # YAML reads a bare `true` as a boolean, so this one is taken in both spellings.
        use = declare(self, "use_odometry", PerceptionNodeConfig.use_odometry)
        use = str(use).lower() if isinstance(use, bool) else use
        self.config = declare_settings(self, PerceptionNodeConfig(use_odometry=use), skip=("use_odometry",))
        self.people_config = declare_settings(self, PeopleConfig())
        map_config = declare_settings(self, MapConfig())
        self.camera_config = declare_settings(self, CameraConfig(), "camera.")
        refuse_unknown_parameters(self)
        laser = self.robot.laser
        transforms = make_transforms(self)
        self._laser = LaserPlace(self, self.robot, transforms)
        self._map = MapEars(self, map_config, transforms)
        self._odometry = PoseBuffer(reset_after=self.people_config.tracker.reset_after)
        self._odometry_frame: str | None = None
        self._forgotten_s = float("-inf")  # stamp of the newest odometry when it was last forgotten
        # The tracker forgets everybody by itself when the frame changes or the clock is set back.
        self._tracker, self._frame = PeopleTracker(self.people_config), ""
        self._last_stamp_s = float("-inf")
        self._shown: set[int] = set()
        self._groups, self._others = GroupTracker(), PersonMessages(self)
        self._sight = Sight(self, self.camera_config, self.robot.base_frame)

        self._people = self.create_publisher(PointCloud2, "people", RELIABLE)
        self._markers = self.create_publisher(MarkerArray, "people_markers", RELIABLE)
        self._diagnostics = Diagnostics(self, self._watch)
        self._latencies: deque[float] = deque(maxlen=1000)  # [s]
        self._scans = self._refused = 0
        self._heard = time.monotonic()
        self._odometry_topic = self.resolve_topic_name("odom")
        self._scan_topic = self.resolve_topic_name(laser.topic)
        # Odometry is always taken at best effort: a lost one is interpolated over, where a reliable reader would hold
        # back all that follow until it has come again, and scans would be refused meanwhile.
        self._odometry_in = self.create_subscription(Odometry, "odom", self._on_odometry, _deep(SENSOR, 200))
        scans = RELIABLE if self.config.reliable_scans else SENSOR
        self.create_subscription(LaserScan, laser.topic, self._on_scan, scans)
        self._diagnostics.set(WARN, f"waiting for the first scan on {self._scan_topic}")

    def _on_odometry(self, message: Odometry) -> None:
        try:
            state = from_odometry(message, self._odometry_topic)
        except MessageError as error:
            self._diagnostics.set(WARN, str(error))
            return
        if self._odometry_frame not in (None, state.frame):
            self._map.place.forget()
        self._odometry_frame = state.frame
        self._odometry.add(state.stamp_s, state.pose, state.velocity)

    def _hear_waiting_odometry(self) -> None:
        """Odometry that has come before the scan is to be known to it.

        An executor takes one message of each topic in turn, so ten odometries that wait with a scan would be
        handled after it; they are taken here as the executor would take them.
        """
        waiting = self._odometry_in.handle
        with waiting:
            while (taken := waiting.take_message(Odometry, False)) is not None:
                self._on_odometry(taken[0])

    def _on_scan(self, message: LaserScan) -> None:
        began = time.perf_counter()
        self._heard = time.monotonic()
        self._hear_waiting_odometry()
        try:
            scan = self._laser.take(from_laser_scan(message, self._scan_topic))
            tracks = self._follow(scan)
        except MessageError as error:
            self._refused += 1
            self._diagnostics.set(ERROR, str(error), scans_refused=self._refused)
            return
        self._people.publish(to_people(tracks, message.header.stamp))
        groups = self._groups.update(tracks)
        self._others.publish(tracks, groups, message.header.stamp)
        self._latencies.append(time.perf_counter() - began)
        self._scans += 1
        self._diagnostics.set(*self._verdict(scan, tracks))
        self._show(tracks, groups, message)

    def _follow(self, scan: Scan) -> Tracks:
        """One step of the tracker; a scan that can't be used raises MessageError."""
        reset_after = self.people_config.tracker.reset_after
        if self._last_stamp_s - reset_after <= scan.stamp_s <= self._last_stamp_s:
            raise MessageError(
                f"{self._scan_topic}: expected a stamp after {self._last_stamp_s:.6f} s, got {scan.stamp_s:.6f} s"
            )
        if scan.stamp_s < self._last_stamp_s and self._odometry.newest_s > scan.stamp_s + reset_after:
            self._forgotten_s = self._odometry.newest_s
            self._odometry.clear()  # of the time before the clock was set back
        if scan.stamp_s < self._last_stamp_s:
            self._map.place.forget()
        fixed_from_laser, self._frame = self._laser_pose(scan)
        self._last_stamp_s = scan.stamp_s
        base = self._base_pose(scan.stamp_s) if self._frame == self._odometry_frame else None
        self._tracker.static_map = (
            None if base is None else self._map.static_map(scan.stamp_s, base, self._base_pose, self._frame)
        )
        tracks = self._tracker.step(scan, fixed_from_laser, self._frame)
        for seen in self._sight.take():
            fixed = self._frame == self._odometry_frame
            there = self._base_pose(seen.stamp_s) if fixed else np.asarray(inverse(self._laser.pose))
            if there is not None:
                tracks = self._tracker.hear(seen, there, self._frame)
        return tracks

    def destroy_node(self) -> None:
        """Ends the camera's thread as well."""
        sight = getattr(self, "_sight", None)  # a parameter that makes no sense ends the node half made
        if sight is not None:
            sight.close()
        super().destroy_node()

    def _laser_pose(self, scan: Scan) -> tuple[Floats, str]:
        """Where the laser was (3,) when it looked, and in which frame."""
        wanted = self.config.use_odometry
        if wanted == "false" or (wanted == "auto" and self._odometry_frame is None and not self._odometry_announced()):
            return np.zeros(3), scan.frame
        if self._odometry_frame is None:
            raise MessageError(f"{self._odometry_topic}: expected odometry for the scan, got none so far")
        base = self._base_pose(scan.stamp_s)
        if base is None:
            raise MessageError(
                f"{self._odometry_topic}: expected odometry within {self.config.odometry_timeout} s of the scan, "
                f"got {nearest_in_words(scan.stamp_s, self._odometry, self._forgotten_s)}"
            )
        return compose(base, self._laser.pose), self._odometry_frame

    def _odometry_announced(self) -> bool:
        return self.count_publishers(self._odometry_topic) > 0

    def _base_pose(self, stamp_s: float) -> Floats | None:
        """The base (3,) in the odometry's frame: between two messages, or the last motion continued."""
        known = self._odometry.at(min(stamp_s, self._odometry.newest_s))
        ahead = stamp_s - self._odometry.newest_s
        if known is None or ahead > self.config.odometry_timeout:
            return None
        return unicycle_step(*known, ahead) if ahead > 0.0 else known[0]

    def _verdict(self, scan: Scan, tracks: Tracks) -> tuple[int, str]:
        if self._sight.complaint:
            return WARN, f"following people by the laser alone: {self._sight.complaint}"
        if self._frame == self._odometry_frame:
            if scan.frame != self.robot.laser.frame and not self._laser.by_transform:
                profile = f"the profile {self.robot.name!r} knows {self.robot.laser.frame!r} and its place is used"
                return WARN, f"following people in {self._frame}; the scan's frame is {scan.frame!r}, {profile}"
            return OK, f"following people in {self._frame}"
        return OK, f"no odometry: following people in the laser's frame {self._frame}"

    def _show(self, tracks: Tracks, groups: Groups, message: LaserScan) -> None:
        ids = set(tracks.ids.tolist())
        if self._markers.get_subscription_count() > 0:
            self._markers.publish(people_markers(tracks, message.header.stamp, self._shown - ids))
            self._markers.publish(group_markers(tracks, groups, message.header.stamp))
        self._shown = ids

    def _watch(self) -> None:
        """Before each regular diagnostics: what has not come, and how long the work takes."""
        silent = time.monotonic() - self._heard
        level, sentence = self._diagnostics.status.level, self._diagnostics.status.message
        if silent > self.config.scan_timeout and self._scans + self._refused > 0:
            level, sentence = ERROR, f"no scan on {self._scan_topic} for more than {self.config.scan_timeout:g} s"
        values: dict[str, Any] = {"scans": self._scans, "scans_refused": self._refused, "people": len(self._shown)}
        if self.camera_config.use:
            values["pictures"] = self._sight.looked
        if self._latencies:
            milliseconds = 1e3 * np.array(self._latencies)
            values["latency_ms_p50"], values["latency_ms_p99"] = np.percentile(milliseconds, [50, 99])
        values["map_asked"] = "yes" if self._tracker.static_map is not None else "no"
        self._diagnostics.set(level, sentence, **values, seconds_without_scan=silent)


def main() -> None:
    """The executable `perception_node`."""
    sys.exit(run(PerceptionNode))


if __name__ == "__main__":
    main()
