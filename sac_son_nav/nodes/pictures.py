"""The door for pictures: between Image, CompressedImage and CameraInfo messages and arrays; nothing else.

Bytes are looked at where they are (`np.frombuffer`): a list of a picture's bytes costs a hundred times more. The rows
of an Image may be longer than the picture (`step`), and its numbers may be big-endian. Writers take a `stamp` copied
from another message or made by :func:`.conversions.to_stamp`, and the camera's `frame`.
"""

from __future__ import annotations

from array import array
from typing import Any

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import Header

from sac_son_nav.errors import MessageError
from sac_son_nav.perception.camera_people import Camera
from sac_son_nav.states import Floats

Picture = NDArray[np.uint8]  # (H, W, 3), blue first
_COLOURS = {"bgr8": (3, None), "rgb8": (3, cv2.COLOR_RGB2BGR), "mono8": (1, cv2.COLOR_GRAY2BGR)}
_COLOURS |= {"bgra8": (4, cv2.COLOR_BGRA2BGR), "rgba8": (4, cv2.COLOR_RGBA2BGR)}
_DEPTHS = {"16UC1": ("u2", 1e-3), "mono16": ("u2", 1e-3), "32FC1": ("f4", 1.0)}  # type, metres per unit (REP-118)


def to_compressed_image(picture: Picture, quality: int, stamp: Time, frame: str) -> CompressedImage:
    """A picture (H, W, 3), blue first, as a JPEG of `quality` [%]."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    header = Header(stamp=stamp, frame_id=frame)
    return CompressedImage(header=header, format="jpeg", data=array("B", data.tobytes()))


def from_compressed_image(message: Any, topic: str) -> Picture:
    """A JPEG or PNG as (H, W, 3), blue first."""
    data = np.frombuffer(message.data, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if picture is None:
        raise MessageError(
            f"{topic}: expected a JPEG or PNG, got {len(data)} bytes of {message.format!r} that are none"
        )
    return np.asarray(picture, dtype=np.uint8)


def from_image(message: Any, topic: str) -> Picture:
    """An Image in one of the usual 8-bit encodings as (H, W, 3), blue first."""
    if message.encoding not in _COLOURS:
        known = ", ".join(_COLOURS)
        raise MessageError(f"{topic}: expected a picture in one of {known}, got {message.encoding!r}")
    channels, change = _COLOURS[message.encoding]
    rows = _rows(message, topic, np.dtype(np.uint8), channels)
    picture = rows.reshape(message.height, message.width, channels)
    return np.asarray(picture if change is None else cv2.cvtColor(picture, change), dtype=np.uint8)


def from_depth_image(message: Any, topic: str) -> Floats:
    """An Image of depths as (H, W) [m]; 0 and NaN where unknown."""
    if message.encoding not in _DEPTHS:
        raise MessageError(f"{topic}: expected depths as {', '.join(_DEPTHS)}, got {message.encoding!r}")
    kind, unit = _DEPTHS[message.encoding]
    order = ">" if message.is_bigendian else "<"
    return np.asarray(_rows(message, topic, np.dtype(order + kind), 1) * unit, dtype=np.float64)


def _rows(message: Any, topic: str, kind: np.dtype[Any], channels: int) -> NDArray[Any]:
    """(H, W * channels) of the type, without what pads the rows."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, np.uint8)
    used = width * channels * kind.itemsize
    if height * width == 0 or step < used or len(data) < height * step:
        got = f"{len(data)} bytes in rows of {step} for {width} x {height} of {message.encoding}"
        raise MessageError(f"{topic}: expected rows of at least {used} bytes, got {got}")
    rows = np.ascontiguousarray(data[: height * step].reshape(height, step)[:, :used])
    return rows.view(kind)


def to_camera_info(camera: Camera, width: int, height: int, stamp: Time, frame: str) -> CameraInfo:
    """What a pinhole camera without distortion tells of itself, for pictures of `width` x `height` [px]; its place on
    the base is for transforms to tell."""
    info = CameraInfo(header=Header(stamp=stamp, frame_id=frame), width=width, height=height)
    (fx, fy), (cx, cy) = camera.focal, camera.centre
    info.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    return info


def from_camera_info(message: Any, topic: str, place: tuple[float, float, float], pitch: float, yaw: float) -> Camera:
    """The pinhole camera of a CameraInfo, mounted at `place` (3,) [m], `pitch` [rad] downwards, `yaw` [rad] to the
    left."""
    k = [float(value) for value in message.k]
    if not (len(k) == 9 and np.isfinite(k).all() and min(k[0], k[4]) > 0.0):
        raise MessageError(f"{topic}: expected a calibrated camera, got the matrix {k}")
    return Camera((k[0], k[4]), (k[2], k[5]), place, pitch, yaw)
