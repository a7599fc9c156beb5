"""Bumpers and cliffs from the messages of the robots we know.

Messages that only a robot's own packages bring are made here by their field names (from the packages' .msg files);
contact_points is the real message.
"""

from __future__ import annotations

import math
from array import array
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from sac_son_nav.errors import MessageError
from sac_son_nav.navigation.contact import Touch
from sac_son_nav.nodes.contacts import from_contact_points, from_hazards, from_kobuki_event, from_turtlebot3_state


def hazard(kind: int, frame: str) -> SimpleNamespace:
    return SimpleNamespace(type=kind, header=SimpleNamespace(frame_id=frame))


def hazards(*detections: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(detections=list(detections))


def degrees(touch: Touch) -> float | None:
    return None if touch.direction is None else round(math.degrees(touch.direction), 6)


def test_a_create3_tells_all_its_hazards_at_once():
    found = from_hazards(
        hazards(
            hazard(1, "bump_front_center"),
            hazard(1, "bump_left"),
            hazard(2, "cliff_side_right"),
            hazard(4, "wheel_drop_left"),
            hazard(0, "base_link"),
            hazard(5, "ir_omni"),  # something is near: the laser's business
            hazard(3, "base_link"),
        )
    )
    kinds = ["bumper", "bumper", "cliff", "wheel_drop", "reverse_limit", "stall"]
    assert [touch.kind for touch in found] == kinds
    assert [degrees(touch) for touch in found] == [0.0, 65.0, -65.0, 65.0, 180.0, None]
    assert from_hazards(hazards()) == ()


def test_a_zone_without_a_known_name_is_a_touch_all_round():
    assert from_hazards(hazards(hazard(1, "bump_somewhere"))) == (Touch("bumper", None),)


@pytest.mark.parametrize(
    ("fields", "which", "touch"),
    [
        ({"bumper": 0}, ("bumper", 0), Touch("bumper", math.radians(45))),
        ({"bumper": 1}, ("bumper", 1), Touch("bumper", 0.0)),
        ({"bumper": 2}, ("bumper", 2), Touch("bumper", math.radians(-45))),
        ({"sensor": 2}, ("cliff", 2), Touch("cliff", math.radians(-45))),
        ({"wheel": 1}, ("wheel_drop", 1), Touch("wheel_drop")),
    ],
)
def test_kobuki_tells_each_sensor_when_it_changes(fields, which, touch):
    assert from_kobuki_event(SimpleNamespace(state=1, **fields)) == (which, touch)
    assert from_kobuki_event(SimpleNamespace(state=0, **fields)) == (which, None)


@pytest.mark.parametrize(("bits", "directions"), [(0, []), (1, [0.0]), (2, [180.0]), (3, [0.0, 180.0])])
def test_turtlebot3_tells_two_bumpers_in_bits(bits, directions):
    assert [degrees(t) for t in from_turtlebot3_state(SimpleNamespace(bumper=bits, cliff=0.0))] == directions


def cloud(points: list[tuple[float, float]], frame: str = "base_link", names: str = "xyz") -> PointCloud2:
    data = np.array([(*p, 0.1) for p in points], np.float32)
    message = PointCloud2(header=Header(frame_id=frame), height=1, width=len(points), point_step=12)
    message.fields = [PointField(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate(names)]
    message.data = array("B", data.tobytes())
    return message


def test_points_of_contact_are_touches_in_their_directions():
    found = from_contact_points(cloud([(0.2, 0.0), (0.0, -0.2), (0.0, 0.0), (math.nan, 0.1)]), "t", "base_link")
    assert [degrees(touch) for touch in found] == [0.0, -90.0, None, None]
    assert from_contact_points(cloud([]), "t", "base_link") == ()
    assert from_contact_points(PointCloud2(header=Header(frame_id="base_link")), "t", "base_link") == ()


def test_points_in_another_frame_or_without_places_are_refused():
    with pytest.raises(MessageError, match="t: expected frame 'base_link', got 'odom'"):
        from_contact_points(cloud([(0.2, 0.0)], "odom"), "t", "base_link")
    with pytest.raises(MessageError, match="t: expected fields x and y in the cloud, got a, b, c"):
        from_contact_points(cloud([(0.2, 0.0)], names="abc"), "t", "base_link")
