"""The perception node's camera: pictures are looked through in a thread of their own, the newest first, and what was
seen is handed over with the picture's stamp when the next scan is worked on.

A detector takes a tenth of a second or more, a scan must not wait for it; and the tracker takes what comes late.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage

from sac_son_nav.errors import ConfigError, MessageError
from sac_son_nav.nodes.conversions import to_seconds
from sac_son_nav.nodes.runtime import SENSOR
from sac_son_nav.perception.camera_people import Camera, ProjectionConfig, project
from sac_son_nav.perception.scan_people import Detections

if TYPE_CHECKING:
    from sac_son_nav.nodes.image_people import ImagePeople


@dataclass(frozen=True)
class CameraConfig:
    """A camera, if there is one; its place is on the base, x forward, y left, z up."""

    use: bool = False
    topic: str = "camera/image_raw/compressed"  # sensor_msgs/CompressedImage
    info_topic: str = "camera/camera_info"
    x: float = 0.0  # [m]
    y: float = 0.0
    z: float = 0.3
    pitch: float = 0.0  # [rad] downwards
    yaw: float = 0.0
    detector: str = "hog"  # or the path of an ONNX network
    scale: float = 0.6  # of the picture that the built-in detector looks at
    rate: float = 10.0  # [Hz] of the pictures that are looked at, at most; the tracker takes them scan by scan

    def __post_init__(self) -> None:
        if not (self.z > 0.0 and 0.0 < self.scale <= 1.0):
            raise ConfigError(f"camera: expected z > 0 and a scale up to 1, got z {self.z} and scale {self.scale}")
        if not self.rate > 0.0:
            raise ConfigError(f"camera.rate: expected a number above zero, got {self.rate}")


class Sight:
    """Pictures in, detections in the base's frame out."""

    def __init__(self, node: Node, config: CameraConfig, base_frame: str) -> None:
        self.config, self._base_frame = config, base_frame
        self._camera: Camera | None = None
        self.complaint, self.looked = "", 0  # and how many pictures were looked at
        self._seen: list[Detections] = []
        self._newest: CompressedImage | None = None
        self._changed, self._stopped = threading.Condition(), False
        self._thread: threading.Thread | None = None
        if not config.use:
            return
        # OpenCV costs memory, so a node without a camera does without.
        import cv2

        from sac_son_nav.nodes.image_people import HogPeople, OnnxPeople

        cv2.setNumThreads(1)  # its threads would take all cores from the scans, and one is quick enough

        self._detector: ImagePeople = (
            HogPeople(config.scale) if config.detector == "hog" else OnnxPeople(config.detector)
        )
        node.create_subscription(CameraInfo, config.info_topic, self._on_info, SENSOR)
        node.create_subscription(CompressedImage, config.topic, self._on_picture, SENSOR)
        self._thread = threading.Thread(target=self._look, name="camera", daemon=True)
        self._thread.start()

    def take(self) -> list[Detections]:
        """What was seen since the last call, oldest first, in the base's frame."""
        with self._changed:
            seen, self._seen = self._seen, []
        return seen

    def close(self) -> None:
        """End the thread; a picture that is being looked at is waited for."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def _on_info(self, message: Any) -> None:
        from sac_son_nav.nodes.pictures import from_camera_info

        place = (self.config.x, self.config.y, self.config.z)
        try:
            self._camera = from_camera_info(message, self.config.info_topic, place, self.config.pitch, self.config.yaw)
        except MessageError as error:
            self.complaint = str(error)

    def _on_picture(self, message: Any) -> None:
        with self._changed:
            self._newest = message
            self._changed.notify()

    def _look(self) -> None:
        from sac_son_nav.nodes.pictures import from_compressed_image

        due = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped, timeout=max(0.0, due - time.monotonic()))
                self._changed.wait_for(lambda: self._stopped or self._newest is not None)
                if self._stopped:
                    return
                message, self._newest = self._newest, None
                due = time.monotonic() + 1.0 / self.config.rate
            if self._camera is None or message is None:
                continue
            try:
                picture = from_compressed_image(message, self.config.topic)
                boxes, stamp = self._detector.find(picture), to_seconds(message.header.stamp)
                found = project(boxes, self._camera, stamp, self._base_frame, ProjectionConfig())
                self.complaint = ""
                self.looked += 1
            except Exception as error:  # whatever a picture does to a detector, scans go on
                self.complaint = f"{self.config.topic}: {' '.join(str(error).split())}"
                continue
            if np.isfinite(found.positions).all():
                with self._changed:
                    self._seen = [*self._seen[-9:], found]
