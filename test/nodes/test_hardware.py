"""Lights and tones of robots we know, with stand-ins for the messages that only their own packages bring."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy")

from expressive_motion.nodes.hardware import (
    KOBUKI_TONES,
    NOTES,
    TURTLEBOT3_TONES,
    kobuki_colour,
    make_light,
    make_tones,
)
from expressive_motion.nodes.outlets import COLOURS


class Node:
    """Takes down what is published and called."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def create_publisher(self, kind: Any, topic: str, quality: Any) -> Any:
        return SimpleNamespace(publish=lambda message: self.sent.append((topic, message)))

    def create_client(self, kind: Any, name: str) -> Any:
        call = lambda request: self.sent.append((name, request))  # noqa: E731
        return SimpleNamespace(service_is_ready=lambda: True, call_async=call)


@pytest.fixture
def kobuki(monkeypatch: pytest.MonkeyPatch) -> None:
    """kobuki_ros_interfaces' Led and Sound by their field, `value`."""
    made = ModuleType("kobuki_ros_interfaces.msg")
    made.Led = made.Sound = SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kobuki_ros_interfaces", ModuleType("kobuki_ros_interfaces"))
    monkeypatch.setitem(sys.modules, "kobuki_ros_interfaces.msg", made)


def test_a_kobuki_shows_the_nearest_of_its_three_colours():
    values = {name: kobuki_colour(colour, 1.0) for name, colour in COLOURS.items()}
    assert values["green"] == 1
    assert values["orange"] == values["yellow"] == values["white"] == 2
    assert values["red"] == values["purple"] == 3
    assert kobuki_colour(COLOURS["red"], 0.4) == 0


def test_a_kobukis_leds_change_only_when_the_value_does(kobuki: None) -> None:
    node = Node()
    show = make_light(node, "kobuki")
    for brightness in (0.6, 0.8, 1.0, 0.3, 0.2):
        show(COLOURS["green"], brightness, True)
    show(COLOURS["green"], 1.0, False)
    assert [(topic, m.value) for topic, m in node.sent] == [
        *(("commands/led1", 1), ("commands/led2", 1)),
        *(("commands/led1", 0), ("commands/led2", 0)),
    ]


def test_a_kobuki_plays_a_tone_of_its_own(kobuki: None) -> None:
    node = Node()
    make_tones(node, "kobuki")("alert")
    assert [(topic, m.value) for topic, m in node.sent] == [("commands/sound", 4)]


def test_a_turtlebot3_is_asked_for_a_tone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("turtlebot3_msgs.srv")
    made.Sound = SimpleNamespace(Request=SimpleNamespace)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "turtlebot3_msgs", ModuleType("turtlebot3_msgs"))
    monkeypatch.setitem(sys.modules, "turtlebot3_msgs.srv", made)
    node = Node()
    make_tones(node, "turtlebot3")("rising")
    assert [(name, request.value) for name, request in node.sent] == [("sound", 1)]
    assert make_light(node, "turtlebot3") is None


def test_every_tone_has_its_like_on_every_robot():
    assert set(NOTES) == set(KOBUKI_TONES) == set(TURTLEBOT3_TONES)


@pytest.mark.parametrize("hardware", ["create3", "kobuki", "turtlebot3", "standard"])
def test_without_its_messages_a_robot_is_silent_and_dark(monkeypatch: pytest.MonkeyPatch, hardware: str) -> None:
    for package in ("irobot_create_msgs", "kobuki_ros_interfaces", "turtlebot3_msgs"):
        for module in (package, f"{package}.msg", f"{package}.srv"):
            monkeypatch.setitem(sys.modules, module, None)  # imports raise ImportError
    assert make_light(Node(), hardware) is None
    assert make_tones(Node(), hardware) is None
