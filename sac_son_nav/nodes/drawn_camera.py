"""A camera in the embedded world: JPEGs of drawn figures where people stand, as a robot's driver publishes them.

For measurements: what looking at pictures costs depends on their size and rate and on what the detector finds in
them, and figures are found (`test_image_people.py`). How well people are found in photographs is another question.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from nav_msgs.msg import Odometry
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2

from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import inverse, transform_points
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.pictures import Picture, to_camera_info, to_compressed_image
from sac_son_nav.perception.camera_people import Camera
from sac_son_nav.states import Floats

FRAME = "camera"
PERSON = 1.7  # [m]
NEAR, FAR = 0.8, 15.0  # [m] between which people are drawn


@dataclass(frozen=True)
class DrawnCameraConfig:
    """The camera and its place on the base."""

    rate: float = 30.0  # [Hz] of the wall clock
    width: int = 640  # [px]
    height: int = 480
    focal: float = 400.0  # [px]
    z: float = 1.0  # [m] over the ground
    quality: int = 80  # of the JPEG, in percent

    def __post_init__(self) -> None:
        if not (min(self.rate, self.width, self.height, self.focal, self.z) > 0 and 0 < self.quality <= 100):
            raise ConfigError(f"camera: expected numbers above zero and a quality up to 100, got {self}")


class DrawnCamera(Node):
    """The truth in, `camera/image_raw/compressed` and `camera/camera_info` out."""

    def __init__(self) -> None:
        super().__init__("camera")
        self.config = runtime.declare_settings(self, DrawnCameraConfig())
        runtime.refuse_unknown_parameters(self)
        c = self.config
        self._camera = Camera((c.focal, c.focal), (c.width / 2.0, c.height / 2.0), (0.0, 0.0, c.z))
        self._people: Floats = np.zeros((0, 2))
        self._pose: Floats | None = None
        self._stamp: Any = None
        self._pictures = self.create_publisher(CompressedImage, "camera/image_raw/compressed", runtime.SENSOR)
        self._info = self.create_publisher(CameraInfo, "camera/camera_info", runtime.SENSOR)
        self.create_subscription(PointCloud2, "ground_truth/people", self._on_people, runtime.NEWEST)
        self.create_subscription(Odometry, "ground_truth/odom", self._on_truth, runtime.NEWEST)
        self._timer = self.create_timer(1.0 / c.rate, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_people(self, message: PointCloud2) -> None:
        self._people = conversions.from_people(message, "ground_truth/people").positions

    def _on_truth(self, message: Odometry) -> None:
        self._pose = conversions.from_odometry(message, "ground_truth/odom").pose
        self._stamp = message.header.stamp

    def _tick(self) -> None:
        if self._pose is None:
            return
        c = self.config
        people = np.asarray(transform_points(np.asarray(inverse(self._pose)), self._people))
        picture = draw_people(people, self._camera, c.width, c.height)
        self._info.publish(to_camera_info(self._camera, c.width, c.height, self._stamp, FRAME))
        self._pictures.publish(to_compressed_image(picture, c.quality, self._stamp, FRAME))


def draw_people(people: Floats, camera: Camera, width: int, height: int) -> Picture:
    """The picture (height, width, 3) of people (N, 2) [m] in the base's frame, the nearer ones before the others."""
    picture = np.full((height, width, 3), 200, dtype=np.uint8)
    picture[height // 2 :] = 170
    seen = people[(people[:, 0] > NEAR) & (people[:, 0] < FAR)]
    for place in seen[np.argsort(-seen[:, 0])]:
        feet, head = camera.pixels(np.array([[*place, 0.0], [*place, PERSON]]))
        draw_figure(picture, float(feet[1] - head[1]), (round(feet[0]), round(feet[1])))
    return np.asarray(cv2.GaussianBlur(picture, (5, 5), 1.2), dtype=np.uint8)


def draw_figure(picture: Picture, height: float, at: tuple[int, int]) -> None:
    """A dark figure of `height` [px], its feet at `at`: head, trunk, arms and two legs."""
    x, y = at
    u = height / 8.0  # a head

    def limb(x1: float, y1: float, x2: float, y2: float, width: float) -> None:
        ends = [(round(x + u * a), round(y - u * b)) for a, b in ((x1, y1), (x2, y2))]
        cv2.line(picture, ends[0], ends[1], (40, 40, 40), max(1, round(u * width)))

    cv2.ellipse(picture, (x, round(y - 7.4 * u)), (round(0.42 * u), round(0.58 * u)), 0, 0, 360, (60, 60, 60), -1)
    limb(0.0, 6.3, 0.0, 4.2, 1.5)
    limb(-0.95, 6.2, -1.1, 3.8, 0.45)
    limb(0.95, 6.2, 1.1, 3.8, 0.45)
    limb(-0.4, 4.2, -0.5, 0.2, 0.7)
    limb(0.4, 4.2, 0.5, 0.2, 0.7)


def main() -> None:
    """Run by `sac-son measure graph --camera`."""
    sys.exit(runtime.run(DrawnCamera))


if __name__ == "__main__":
    main()
