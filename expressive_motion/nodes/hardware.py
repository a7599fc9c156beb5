"""Lights and tones of the robots we know, by their own messages: Create 3, Kobuki, TurtleBot 3.

Which robot it is, the profile says (`hardware`); its messages are imported late, and where they are missing nothing is
driven. A Kobuki has two LEDs of three colours and seven fixed tones, a TurtleBot 3 five; the nearest in meaning is
taken.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Duration
from rclpy.node import Node
from std_msgs.msg import Header

from sac_son_nav.nodes import runtime

Colour = tuple[float, float, float]
Light = Callable[[Colour, float, bool], None]
"""Shows a colour (red, green, blue, 0 to 1) at a brightness (0 to 1); the last says whether the light is ours."""
Tones = Callable[[str], None]

NOTES: dict[str, tuple[tuple[int, float], ...]] = {  # [Hz, s]
    "rising": ((523, 0.12), (659, 0.12), (784, 0.16)),
    "falling": ((784, 0.12), (659, 0.12), (523, 0.18)),
    "chime": ((880, 0.15), (1109, 0.25)),
    "soft": ((440, 0.25),),
    "alert": ((988, 0.1), (988, 0.1), (988, 0.1)),
}
RING = 6  # lights of a Create 3
KOBUKI_TONES = {"rising": 0, "falling": 1, "chime": 5, "soft": 3, "alert": 4}  # ON, OFF, CLEANINGSTART, BUTTON, ERROR
TURTLEBOT3_TONES = {"rising": 1, "falling": 0, "chime": 5, "soft": 4, "alert": 3}  # ON, OFF, BUTTON2, BUTTON1, ERROR
KOBUKI_OFF, KOBUKI_GREEN, KOBUKI_ORANGE, KOBUKI_RED = 0, 1, 2, 3


def make_light(node: Node, hardware: str) -> Light | None:
    """Drives the robot's light; None where it has none, or nobody here speaks its messages."""
    if hardware == "create3" and (messages := _import("irobot_create_msgs.msg")):
        return _create3_light(node, messages)
    if hardware == "kobuki" and (messages := _import("kobuki_ros_interfaces.msg")):
        return _kobuki_light(node, messages)
    return None


def make_tones(node: Node, hardware: str) -> Tones | None:
    """Plays tones by their names; None where the robot has no buzzer, or nobody here speaks its messages."""
    if hardware == "create3" and (messages := _import("irobot_create_msgs.msg")):
        return _create3_tones(node, messages)
    if hardware == "kobuki" and (messages := _import("kobuki_ros_interfaces.msg")):
        return _kobuki_tones(node, messages)
    if hardware == "turtlebot3" and (services := _import("turtlebot3_msgs.srv")):
        return _turtlebot3_tones(node, services)
    return None


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def _create3_light(node: Node, messages: Any) -> Light:
    publisher = node.create_publisher(messages.LightringLeds, "cmd_lightring", runtime.RELIABLE)

    def show(colour: Colour, brightness: float, ours: bool) -> None:
        led = messages.LedColor(
            **{k: round(255 * v * brightness) for k, v in zip(("red", "green", "blue"), colour, strict=True)}
        )
        header = Header(stamp=node.get_clock().now().to_msg())
        publisher.publish(messages.LightringLeds(header=header, leds=[led] * RING, override_system=ours))

    return show


def _create3_tones(node: Node, messages: Any) -> Tones:
    publisher = node.create_publisher(messages.AudioNoteVector, "cmd_audio", runtime.RELIABLE)

    def play(tone: str) -> None:
        notes = [
            messages.AudioNote(frequency=frequency, max_runtime=Duration(sec=0, nanosec=round(seconds * 1e9)))
            for frequency, seconds in NOTES[tone]
        ]
        header = Header(stamp=node.get_clock().now().to_msg())
        publisher.publish(messages.AudioNoteVector(header=header, notes=notes, append=False))

    return play


def kobuki_colour(colour: Colour, brightness: float) -> int:
    """The value of a Kobuki's LED that is nearest to a colour; off below half of the brightness."""
    red, green, _ = colour
    if brightness < 0.5 or max(red, green) == 0.0:
        return KOBUKI_OFF
    if red > 2.5 * green:
        return KOBUKI_RED
    return KOBUKI_ORANGE if red > 0.5 * green else KOBUKI_GREEN


def _kobuki_light(node: Node, messages: Any) -> Light:
    leds = [node.create_publisher(messages.Led, f"commands/led{n}", runtime.RELIABLE) for n in (1, 2)]
    last = [-1]

    def show(colour: Colour, brightness: float, ours: bool) -> None:
        value = kobuki_colour(colour, brightness) if ours else KOBUKI_OFF
        if value != last[0]:  # a pulse has many shades, an LED two
            last[0] = value
            for led in leds:
                led.publish(messages.Led(value=value))

    return show


def _kobuki_tones(node: Node, messages: Any) -> Tones:
    publisher = node.create_publisher(messages.Sound, "commands/sound", runtime.RELIABLE)
    return lambda tone: publisher.publish(messages.Sound(value=KOBUKI_TONES[tone]))


def _turtlebot3_tones(node: Node, services: Any) -> Tones:
    client = node.create_client(services.Sound, "sound")

    def play(tone: str) -> None:
        if client.service_is_ready():  # a tone that comes late is none
            client.call_async(services.Sound.Request(value=TURTLEBOT3_TONES[tone]))

    return play
