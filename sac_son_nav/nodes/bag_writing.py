"""Writing rosbag2 MCAP files: serialized messages as they came, and the transforms that a 3D view needs."""

from __future__ import annotations

import queue
import shutil
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.errors import WriterError
from rosbags.typesys import Stores, get_typestore

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import BagError, MessageError
from sac_son_nav.geometry import compose, inverse
from sac_son_nav.nodes import conversions as convert
from sac_son_nav.pose_buffer import PoseBuffer
from sac_son_nav.states import Floats

TYPES = get_typestore(Stores.ROS2_JAZZY)
"""Definitions of the standard messages; they are the same in Humble, Jazzy and Kilted."""

TRANSFORMS = "tf2_msgs/msg/TFMessage"


class BagWriter:
    """A rosbag2 MCAP that is written in a thread of its own, so that a slow disk delays nobody.

    Up to `pending` messages wait for the disk; what comes on top is `lost` and counted.
    """

    def __init__(self, folder: Path | str, compress: bool = True, pending: int = 20_000) -> None:
        """Make the bag's folder; one that exists already raises BagError."""
        self.folder = Path(folder)
        try:
            self._writer = Writer(self.folder, version=9, storage_plugin=StoragePlugin.MCAP)
            if compress:
                self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
            self._writer.open()
        except (WriterError, OSError) as error:
            raise BagError(f"recording {self.folder}: expected a folder that can be made, got: {error}") from None
        self.counts: dict[str, int] = {}
        self.lost = 0
        self._connections: dict[str, Any] = {}
        self._failure: OSError | None = None
        self._queue: queue.Queue[tuple[str, str, int, bytes] | None] = queue.Queue(pending)
        self._thread = threading.Thread(target=self._work, name="recording")
        self._thread.start()

    def write(self, topic: str, kind: str, stamp_ns: int, data: bytes) -> None:
        """Have one serialized message of type `kind` written; raises BagError when the disk has failed."""
        if self._failure is not None:
            raise BagError(f"recording {self.folder}: expected to write, got: {self._failure}")
        try:
            self._queue.put_nowait((topic, kind, stamp_ns, data))
        except queue.Full:
            self.lost += 1

    def write_object(self, topic: str, message: Any, stamp_ns: int) -> None:
        """Have a message of the rosbags typestore written."""
        kind = message.__msgtype__
        self.write(topic, kind, stamp_ns, bytes(TYPES.serialize_cdr(message, kind)))

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._failure is not None:
                continue
            topic, kind, stamp_ns, data = item
            try:
                if topic not in self._connections:
                    self._connections[topic] = self._writer.add_connection(topic, kind, typestore=TYPES)
                self._writer.write(self._connections[topic], stamp_ns, data)
            except OSError as error:
                self._failure = error
            else:
                self.counts[topic] = self.counts.get(topic, 0) + 1

    def close(self) -> None:
        """Write what waits, the index and metadata.yaml; raises BagError when the disk has failed."""
        if not self._thread.is_alive():
            return
        self._queue.put(None)
        self._thread.join()
        try:
            self._writer.close()
        except OSError as error:
            self._failure = self._failure or error
        if self._failure is not None:
            raise BagError(f"recording {self.folder}: expected to write, got: {self._failure}")

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


class TransformWriter:
    """Transforms from odometry and a localiser's poses, for recordings of a graph without `/tf`.

    map -> odom is what takes the base's place in `odom` at the time of the localiser's answer to the place it was
    found at; odom -> base is each odometry; base -> laser is the profile's and is written once.
    """

    def __init__(self, bag: BagWriter, robot: RobotProfile) -> None:
        self._bag, self._robot = bag, robot
        self._odometry = PoseBuffer()
        self._odometry_frame = robot.odom_frame
        self._fixed_written = False

    def odometry(self, message: Odometry, stamp_ns: int) -> None:
        """The base moved; one that makes no sense is left out."""
        try:
            state = convert.from_odometry(message, "odom")
        except MessageError:
            return  # the raw message is in the bag for whoever wants to know
        child = message.child_frame_id.lstrip("/")
        if not self._fixed_written:
            laser = self._robot.laser
            self._write("/tf_static", np.array([laser.x, laser.y, laser.yaw]), child, laser.frame,
                        message.header.stamp, stamp_ns, laser.height)  # fmt: skip
            self._fixed_written = True
        self._odometry_frame = state.frame
        self._odometry.add(state.stamp_s, state.pose, state.velocity)
        self._write("/tf", state.pose, state.frame, child, message.header.stamp, stamp_ns)

    def localised(self, message: PoseWithCovarianceStamped, stamp_ns: int) -> None:
        """The base was found in the map."""
        try:
            pose, frame = convert.from_stamped_pose(message, "amcl_pose")
        except MessageError:
            return
        known = self._odometry.at(convert.to_seconds(message.header.stamp))
        if known is not None:
            map_from_odom = np.asarray(compose(pose, inverse(known[0])))
            self._write("/tf", map_from_odom, frame, self._odometry_frame, message.header.stamp, stamp_ns)

    def _write(
        self, topic: str, pose: Floats, parent: str, child: str, stamp: Any, stamp_ns: int, height: float = 0.0
    ) -> None:
        self._bag.write_object(topic, transform_message(pose, parent, child, stamp, height), stamp_ns)


def transform_message(pose: Floats, parent: str, child: str, stamp: Any, height: float = 0.0) -> Any:
    """A tf2_msgs/TFMessage of the rosbags typestore, for pose (3,) of `child` in `parent`: tf2_msgs itself may not
    be installed."""
    t = TYPES.types
    turn = convert.to_quaternion(float(pose[2]))
    return t[TRANSFORMS](
        transforms=[
            t["geometry_msgs/msg/TransformStamped"](
                header=t["std_msgs/msg/Header"](
                    stamp=t["builtin_interfaces/msg/Time"](sec=stamp.sec, nanosec=stamp.nanosec), frame_id=parent
                ),
                child_frame_id=child,
                transform=t["geometry_msgs/msg/Transform"](
                    translation=t["geometry_msgs/msg/Vector3"](x=float(pose[0]), y=float(pose[1]), z=height),
                    rotation=t["geometry_msgs/msg/Quaternion"](x=turn.x, y=turn.y, z=turn.z, w=turn.w),
                ),
            )
        ]
    )


def remove_recording(folder: Path | str) -> None:
    """Make room for a recording: an earlier one is removed; a folder with anything else in it raises BagError."""
    folder = Path(folder)
    if not folder.exists():
        return
    strange = [p.name for p in folder.iterdir() if p.name != "metadata.yaml" and p.suffix != ".mcap"]
    if strange:
        raise BagError(f"recording {folder}: expected a folder that holds a recording or nothing, found {strange[0]}")
    shutil.rmtree(folder)
