"""Pictures as cameras send them, byte by byte."""

from __future__ import annotations

from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time

from sac_son_nav.errors import MessageError
from sac_son_nav.nodes.pictures import (
    from_camera_info,
    from_compressed_image,
    from_depth_image,
    from_image,
    to_camera_info,
    to_compressed_image,
)
from sac_son_nav.perception.camera_people import Camera

STAMP = Time(sec=7, nanosec=5)


def image(rows: np.ndarray, encoding: str, width: int, padding: int = 0, big: bool = False) -> SimpleNamespace:
    raw = np.pad(rows.view(np.uint8).reshape(len(rows), -1), ((0, 0), (0, padding)), constant_values=77)
    data = array("B", raw.tobytes())
    return SimpleNamespace(
        height=len(rows), width=width, encoding=encoding, step=raw.shape[1], data=data, is_bigendian=int(big)
    )


def test_red_first_becomes_blue_first_and_padding_goes() -> None:
    red_first = np.array([[1, 2, 3, 4, 5, 6]], dtype=np.uint8)
    np.testing.assert_array_equal(from_image(image(red_first, "rgb8", 2, padding=5), "p"), [[[3, 2, 1], [6, 5, 4]]])
    np.testing.assert_array_equal(from_image(image(red_first, "bgr8", 2), "p"), [[[1, 2, 3], [4, 5, 6]]])


def test_depths_of_both_kinds_and_orders() -> None:
    """1500 mm are 1.5 m whichever byte comes first."""
    np.testing.assert_allclose(from_depth_image(image(np.array([[1500]], "<u2"), "16UC1", 1, 6), "d"), [[1.5]])
    np.testing.assert_allclose(from_depth_image(image(np.array([[1500]], ">u2"), "16UC1", 1, big=True), "d"), [[1.5]])
    np.testing.assert_allclose(from_depth_image(image(np.array([[2.5]], "<f4"), "32FC1", 1), "d"), [[2.5]])


def test_jpeg() -> None:
    picture = np.full((16, 16, 3), (200, 30, 30), dtype=np.uint8)
    data = array("B", cv2.imencode(".jpg", picture)[1].tobytes())
    seen = from_compressed_image(SimpleNamespace(data=data, format="jpeg"), "p")
    np.testing.assert_allclose(seen.mean(axis=(0, 1)), [200, 30, 30], atol=4)


def test_a_picture_goes_and_comes_back() -> None:
    """Left half blue, right half red; a worse JPEG of it has fewer bytes."""
    picture = np.zeros((32, 48, 3), dtype=np.uint8)
    picture[:, :24, 0], picture[:, 24:, 2] = 200, 150
    message = to_compressed_image(picture, 95, STAMP, "camera")
    assert (message.header.stamp, message.header.frame_id, message.format) == (STAMP, "camera", "jpeg")
    assert bytes(message.data[:2]) == b"\xff\xd8"  # as every JPEG begins
    seen = from_compressed_image(message, "p")
    assert seen.shape == (32, 48, 3)
    np.testing.assert_allclose(seen[:, :16].mean(axis=(0, 1)), [200, 0, 0], atol=4)
    np.testing.assert_allclose(seen[:, 32:].mean(axis=(0, 1)), [0, 0, 150], atol=4)
    assert len(to_compressed_image(picture, 10, STAMP, "camera").data) < len(message.data)


def test_a_camera_tells_its_focal_lengths_and_centre() -> None:
    camera = Camera((400.0, 410.0), (320.0, 238.0), (0.1, 0.0, 1.2), 0.2, 0.3)
    info = to_camera_info(camera, 640, 480, STAMP, "camera")
    assert (info.header.stamp, info.header.frame_id, info.width, info.height) == (STAMP, "camera", 640, 480)
    assert list(info.k) == [400.0, 0.0, 320.0, 0.0, 410.0, 238.0, 0.0, 0.0, 1.0]  # sensor_msgs/CameraInfo, row by row
    assert from_camera_info(info, "i", (0.1, 0.0, 1.2), 0.2, 0.3) == camera


def test_what_makes_no_sense_is_refused() -> None:
    short = image(np.zeros((2, 6), dtype=np.uint8), "bgr8", 2)
    short.data = short.data[:7]
    with pytest.raises(MessageError, match="p: expected rows of at least 6 bytes, got 7 bytes"):
        from_image(short, "p")
    with pytest.raises(MessageError, match="got 'yuv422'"):
        from_image(image(np.zeros((2, 6), dtype=np.uint8), "yuv422", 2), "p")
    with pytest.raises(MessageError, match="expected depths"):
        from_depth_image(image(np.zeros((2, 6), dtype=np.uint8), "bgr8", 2), "p")
    for data in (b"", b"no jpeg"):
        with pytest.raises(MessageError, match="JPEG or PNG"):
            from_compressed_image(SimpleNamespace(data=array("B", data), format="jpeg"), "p")
    with pytest.raises(MessageError, match="calibrated"):
        from_camera_info(SimpleNamespace(k=[0.0] * 9), "i", (0.0, 0.0, 1.0), 0.0, 0.0)
