"""From boxes around people in a picture to where they stand: by the ground under their feet, or by a depth image.

A pinhole camera without distortion (rectified pictures), its optical frame z ahead, x right, y down (REP-103). Where
it is on the base is known. Pixels are (u right, v down) from the picture's upper left corner.

Shapes: N boxes. The answers are in the base's frame on the ground plane, SI units, with covariances that come from the
pixels' and the depth's uncertainty (first order, as in Hartley and Zisserman, "Multiple view geometry", 2004, 5.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.scan_people import Detections
from sac_son_nav.states import Floats

_STEP = 0.5  # [px] of the numerical derivative
_FEET = 0.12  # [m] by which a person's middle is behind what a depth image sees of them
_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # body axes from optical axes


@dataclass(frozen=True)
class Camera:
    """focal (2,) and centre (2,) [px]; place (3,) [m] of the camera on the base, pitch [rad] downwards, yaw [rad]
    counter-clockwise."""

    focal: tuple[float, float]
    centre: tuple[float, float]
    place: tuple[float, float, float]
    pitch: float = 0.0
    yaw: float = 0.0

    def __post_init__(self) -> None:
        if not (min(self.focal) > 0.0 and self.place[2] > 0.0):
            raise ConfigError(
                f"camera: expected focal lengths and a height above zero, got {self.focal}, {self.place}"
            )

    def rays(self, pixels: Floats) -> Floats:
        """Directions (..., 3) in the base's frame, 1 long along the optical axis, of pixels (..., 2)."""
        ahead = (np.asarray(pixels, dtype=np.float64) - self.centre) / self.focal
        optical = np.concatenate([ahead, np.ones((*ahead.shape[:-1], 1))], axis=-1)
        return np.asarray(optical @ (self._turn() @ _OPTICAL).T)

    def pixels(self, points: Floats) -> Floats:
        """Where points (..., 3) [m] in the base's frame are seen, (..., 2) [px]; NaN behind the camera."""
        local = (np.asarray(points, dtype=np.float64) - self.place) @ (self._turn() @ _OPTICAL)
        depth = np.where(local[..., 2:] > 1e-6, local[..., 2:], np.nan)
        return np.asarray(local[..., :2] / depth * self.focal + self.centre)

    def on_ground(self, pixels: Floats) -> Floats:
        """Where the rays of pixels (..., 2) meet the ground (..., 2) [m]; NaN for those that never do."""
        rays = self.rays(pixels)
        down = np.where(rays[..., 2:] < -1e-6, rays[..., 2:], np.nan)
        return np.asarray(np.array(self.place[:2]) - rays[..., :2] * (self.place[2] / down))

    def _turn(self) -> Floats:
        """The base's axes from the camera body's."""
        cp, sp, cy, sy = math.cos(self.pitch), math.sin(self.pitch), math.cos(self.yaw), math.sin(self.yaw)
        return np.array([[cy * cp, -sy, cy * sp], [sy * cp, cy, sy * sp], [-sp, 0.0, cp]])


@dataclass(frozen=True)
class Boxes:
    """People in a picture: edges (N, 4) left, top, right, bottom [px], and confidences (N,) in [0, 1]."""

    edges: Floats
    confidences: Floats

    def __len__(self) -> int:
        return len(self.edges)


@dataclass(frozen=True)
class ProjectionConfig:
    """How exact boxes and depths are."""

    feet_deviation: float = 6.0  # [px] of the bottom edge from the feet; detectors are no surveyors
    side_deviation: float = 4.0  # [px] of the middle from the person's
    depth_deviation: float = 0.02  # [m/m] of a depth
    body_deviation: float = 0.10  # [m] of a person's middle from what is seen of them
    max_range: float = 8.0  # [m] beyond which a picture says nothing of places
    max_deviation: float = 1.0  # [m] beyond which a place is no place


def project(
    boxes: Boxes, camera: Camera, stamp_s: float, frame: str, config: ProjectionConfig, depth: Floats | None = None
) -> Detections:
    """Where the people of these boxes stand, in the base's frame `frame`.

    With `depth` (H, W) [m along the optical axis; NaN or 0 where unknown], the median of the box's middle third tells
    how far off each is; without it, or where it knows nothing, the bottom edge does. Boxes whose feet are above the
    horizon or too far off are left out.
    """
    places, covariances, rows = [], [], []
    for row, edges in enumerate(boxes.edges):
        found = None if depth is None else _by_depth(edges, camera, depth, config)
        if found is None:
            found = _by_feet(edges, camera, config)
        if found is not None and np.hypot(*(found[0] - camera.place[:2])) <= config.max_range:
            places.append(found[0])
            covariances.append(found[1])
            rows.append(row)
    return Detections(
        stamp_s,
        frame,
        np.array(places).reshape(-1, 2),
        np.array(covariances).reshape(-1, 2, 2),
        boxes.confidences[rows].astype(np.float64),
    )


def _by_feet(edges: Floats, camera: Camera, config: ProjectionConfig) -> tuple[Floats, Floats] | None:
    feet = np.array([0.5 * (edges[0] + edges[2]), edges[3]])
    around = camera.on_ground(feet + _STEP * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]))
    slope = np.stack([around[1] - around[2], around[3] - around[4]], axis=-1) / (2.0 * _STEP)
    pixels = np.diag([config.side_deviation**2, config.feet_deviation**2])
    covariance = slope @ pixels @ slope.T + config.body_deviation**2 * np.eye(2)
    if not np.isfinite(covariance).all() or np.linalg.eigvalsh(covariance)[1] > config.max_deviation**2:
        return None
    return around[0], covariance


def _by_depth(edges: Floats, camera: Camera, depth: Floats, config: ProjectionConfig) -> tuple[Floats, Floats] | None:
    height, width = depth.shape
    thirds = edges[:2] + (edges[2:] - edges[:2]) * np.array([[1.0], [2.0]]) / 3.0
    low = np.clip(np.floor(thirds[0]), 0, [width - 1, height - 1]).astype(np.intp)
    high = np.clip(np.ceil(thirds[1]), low + 1, [width, height]).astype(np.intp)
    seen = depth[low[1] : high[1], low[0] : high[0]]
    seen = seen[np.isfinite(seen) & (seen > 0.0)]
    if len(seen) == 0:
        return None
    far = float(np.median(seen))
    ray = camera.rays(0.5 * (edges[:2] + edges[2:]))
    along = ray[:2] / max(float(np.hypot(*ray[:2])), 1e-9)
    place = np.array(camera.place[:2]) + far * ray[:2] + _FEET * along
    across = np.array([-along[1], along[0]])
    deviations = (config.depth_deviation * far, config.side_deviation / camera.focal[0] * far)
    covariance = sum(d**2 * np.outer(a, a) for d, a in zip(deviations, (along, across), strict=True))
    return place, covariance + config.body_deviation**2 * np.eye(2)
