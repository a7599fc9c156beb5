"""Bumpers and cliffs over DDS in the bases' own messages, made here from the fields of their public definitions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("rclpy")

from std_msgs.msg import Header

from sac_son_nav.config import load_robot
from sac_son_nav.navigation.contact import Touch
from sac_son_nav.nodes import runtime
from sac_son_nav.nodes.contacts import Contacts

from .interfaces import provide

if TYPE_CHECKING:
    from .graph import Graph

pytestmark = pytest.mark.graph
PACKAGES = ("kobuki_ros_interfaces", "irobot_create_msgs", "turtlebot3_msgs")


def bumper(degrees: float) -> Touch:
    return Touch("bumper", math.radians(degrees))


def told(graph: Graph, robot: str) -> tuple[Contacts, list[tuple[Touch, ...]]]:
    """What a robot's contacts tell, in a graph in which its base speaks."""
    heard: list[tuple[Touch, ...]] = []
    return Contacts(graph.node, load_robot(robot), heard.append), heard


def test_what_touches_each_base_is_heard_in_its_own_messages(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, *PACKAGES)
    import irobot_create_msgs.msg as create
    import kobuki_ros_interfaces.msg as kobuki
    import turtlebot3_msgs.msg as turtlebot3

    def say(topic: str, heard: list[Any], quality: Any, *steps: tuple[Any, tuple[Touch, ...]]) -> None:
        publisher = graph.publisher(type(steps[0][0]), topic, quality=quality)
        for message, touches in steps:
            count = len(heard)
            publisher.publish(message)
            graph.expect(lambda count=count: len(heard) > count, f"touches on {topic}")
            assert heard[-1] == touches

    contacts, heard = told(graph, "turtlebot2")
    assert contacts.missing == ""
    kinds = kobuki.BumperEvent
    say(
        "events/bumper",
        heard,
        runtime.RELIABLE,
        (kinds(bumper=kinds.LEFT, state=kinds.PRESSED), (bumper(45.0),)),
        (kinds(bumper=kinds.CENTER, state=kinds.PRESSED), (bumper(45.0), bumper(0.0))),
        (kinds(bumper=kinds.LEFT, state=kinds.RELEASED), (bumper(0.0),)),
        (kinds(bumper=kinds.CENTER, state=kinds.RELEASED), ()),
    )
    edge, wheel = kobuki.CliffEvent, kobuki.WheelDropEvent
    right = Touch("cliff", math.radians(-45.0))
    say("events/cliff", heard, runtime.RELIABLE, (edge(sensor=edge.RIGHT, state=edge.CLIFF, bottom=7), (right,)))
    hanging = wheel(wheel=wheel.RIGHT, state=wheel.DROPPED)
    say("events/wheel_drop", heard, runtime.RELIABLE, (hanging, (right, Touch("wheel_drop", None))))

    contacts, heard = told(graph, "turtlebot4")
    assert contacts.missing == ""
    hazard, vector = create.HazardDetection, create.HazardDetectionVector
    both = [
        hazard(header=Header(frame_id="bump_front_left"), type=hazard.BUMP),
        hazard(header=Header(frame_id="base_link"), type=hazard.BACKUP_LIMIT),
        hazard(header=Header(frame_id="ir_omni"), type=hazard.OBJECT_PROXIMITY),
    ]
    said = (bumper(35.0), Touch("reverse_limit", math.pi))
    say("hazard_detection", heard, runtime.SENSOR, (vector(detections=both), said), (vector(), ()))

    contacts, heard = told(graph, "turtlebot3_waffle")
    assert contacts.missing == ""
    state = turtlebot3.SensorState
    pressed = state(bumper=state.BUMPER_FORWARD | state.BUMPER_BACKWARD)
    say("sensor_state", heard, runtime.SENSOR, (pressed, (bumper(0.0), bumper(180.0))), (state(), ()))
