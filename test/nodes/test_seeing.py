"""From a camera's messages to people, with the real detector on a drawn figure; and people in others' messages."""

from __future__ import annotations

import time
from array import array
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, CompressedImage

from sac_son_nav.nodes.person_messages import find_messages, to_hri_groups, to_ids_list, to_people_msgs
from sac_son_nav.nodes.seeing import CameraConfig, Sight
from sac_son_nav.states import Tracks
from test.nodes.test_image_people import figure


class Wires:
    """Takes the place of the node: keeps what was subscribed to."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Any] = {}

    def create_subscription(self, kind: Any, topic: str, callback: Any, quality: Any) -> None:
        self.callbacks[topic] = callback


def test_figure_in_a_picture_stands_where_its_feet_say() -> None:
    """Feet at row 420, 180 px below the horizon of a camera 1 m up with 600 px of focal length: 600 / 180 = 3.33 m
    ahead; the detector's box may be off by 40 px, which is 2.7 to 4.3 m. A broken picture before it does no harm."""
    wires = Wires()
    sight = Sight(wires, CameraConfig(use=True, topic="p", info_topic="i", z=1.0, scale=1.0), "base_link")  # type: ignore[arg-type]
    try:
        wires.callbacks["i"](CameraInfo(k=[600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]))
        wires.callbacks["p"](CompressedImage(format="jpeg", data=array("B", b"broken")))
        deadline = time.monotonic() + 20.0
        while not sight.complaint and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "JPEG" in sight.complaint
        message = CompressedImage(format="jpeg", data=array("B", cv2.imencode(".jpg", figure())[1].tobytes()))
        message.header.stamp = Time(sec=7, nanosec=500_000_000)
        wires.callbacks["p"](message)
        seen: list[Any] = []
        while not seen and time.monotonic() < deadline:
            time.sleep(0.01)
            seen = sight.take()
    finally:
        sight.close()
    (found,) = seen
    assert (found.stamp_s, found.frame) == (7.5, "base_link")
    best = found.positions[np.argmax(found.confidences)]
    assert 2.7 < best[0] < 4.3
    assert abs(best[1]) < 0.3


def test_no_camera_no_thread() -> None:
    sight = Sight(Wires(), CameraConfig(), "base_link")  # type: ignore[arg-type]
    assert sight.take() == []
    sight.close()


def plain(**fields: Any) -> SimpleNamespace:
    return SimpleNamespace(**fields)


def test_people_in_the_messages_of_others() -> None:
    """The packages are not installed where this runs, so their messages are plain namespaces: a fake of the wire."""
    fake = SimpleNamespace(Person=plain, People=plain, IdsList=plain, Group=plain)
    ids, places = np.array([3, 8]), np.array([[1.0, 2.0], [3.0, 4.0]])
    velocities = np.array([[0.5, 0.0], [0.0, -0.5]])
    tracks = Tracks(1.0, "odom", ids, places, velocities, np.zeros((2, 4, 4)), np.array([0.9, 0.4]))
    message = to_people_msgs(tracks, np.array([5, -1]), Time(sec=1), fake)
    assert message.header.frame_id == "odom"
    assert [p.name for p in message.people] == ["person_3", "person_8"]
    assert (message.people[1].position.x, message.people[1].velocity.y) == (3.0, -0.5)
    assert message.people[0].tags == ["5"]
    assert not hasattr(message.people[1], "tags")
    assert to_ids_list(tracks, Time(sec=1), fake).ids == ["person_3", "person_8"]
    (group,) = to_hri_groups(tracks, np.array([5, 5]), Time(sec=1), fake)
    assert (group.group_id, group.members) == ("group_5", ["person_3", "person_8"])


def test_packages_that_are_not_there_are_none() -> None:
    assert find_messages("no_such_msgs") is None
