"""Where light, sound and speech go: topics and markers for everybody, and what this very robot has.

Lights and tones of a robot's own want its maker's messages (`hardware.py`), speech wants espeak-ng; each is used where
it is there. The topics and markers show all of it in any case.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Vector3
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import ColorRGBA, Header, String
from visualization_msgs.msg import Marker, MarkerArray

from expressive_motion.nodes.hardware import make_light, make_tones
from expressive_motion.nodes.stage import given_back, shade
from expressive_motion.robot import Description
from expressive_motion.skills.embodiment import LightState, Utterance
from sac_son_nav.nodes import runtime
from sac_son_nav.states import Floats

COLOURS = {
    "white": (1.0, 1.0, 1.0),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.1, 1.0),
    "orange": (1.0, 0.45, 0.0),
    "yellow": (1.0, 0.85, 0.0),
    "purple": (0.6, 0.0, 0.9),
}
SHOWN_FOR = 3.0  # [s] that a sentence stands over the robot at least


class Outlets:
    """Publishes what a performance puts out. One thread calls it."""

    def __init__(self, node: Node, description: Description, voice: str) -> None:
        """`voice`: auto, where espeak-ng is installed; or topic, without any voice of its own."""
        self._node, self._description = node, description
        make = node.create_publisher
        self._speech = make(String, "expression/speech", runtime.RELIABLE)
        self._sound = make(String, "expression/sound", runtime.RELIABLE)
        self._light = make(ColorRGBA, "expression/light", runtime.RELIABLE)
        self._markers = make(MarkerArray, "expression/markers", runtime.RELIABLE)
        head = description.body.head
        self._head = make(JointState, head.topic, runtime.RELIABLE) if head is not None else None
        self._shown: tuple[float, ...] | None = None
        self._said, self._said_until = "", 0.0
        self._program = shutil.which("espeak-ng") if voice == "auto" else None
        self._speaking: subprocess.Popen[bytes] | None = None
        self._ring = make_light(node, description.profile.hardware)
        self._notes = make_tones(node, description.profile.hardware)

    def utter(self, utterance: Utterance, time_s: float) -> None:
        """A sentence or a tone that begins now."""
        if utterance.kind == "tone":
            self._sound.publish(String(data=utterance.content))
            if self._notes is not None:
                self._notes(utterance.content)
            return
        self._said, self._said_until = utterance.content, time_s + max(SHOWN_FOR, utterance.duration_s)
        self._speech.publish(String(data=utterance.content))
        self._node.get_logger().info(f"says: {utterance.content}")
        if self._program is not None:
            self._speak(utterance)

    def turn_head(self, angles: Floats, stamp: Any) -> None:
        """The head to pan, tilt (2,) [rad], left and up positive."""
        head = self._description.body.head
        if self._head is not None and head is not None:
            message = JointState(header=Header(stamp=stamp), name=list(head.joints))
            message.position = [float(angles[0]), float(angles[1])]
            self._head.publish(message)

    def show_light(self, light: LightState, time_s: float) -> None:
        """The light as it is at this moment; published when it changes."""
        red, green, blue = COLOURS[light.colour]
        alpha = 0.0 if given_back(light) else round(shade(light, time_s), 2)
        shown = (red, green, blue, alpha)
        if shown != self._shown:
            before, self._shown = self._shown, shown
            if before is None and given_back(light):
                return  # nothing was shown and nothing is
            self._light.publish(ColorRGBA(r=red, g=green, b=blue, a=alpha))
            if self._ring is not None:
                self._ring((red, green, blue), alpha, not given_back(light))

    def picture(self, light: LightState, sentence: str, time_s: float, stamp: Any) -> None:
        """For rviz and Foxglove: the light as a ring of its colour, what is said, and what is being performed."""
        if self._markers.get_subscription_count() == 0:
            return
        profile = self._description.profile
        header = Header(stamp=stamp, frame_id=profile.base_frame)

        def marker(number: int, kind: int, height: float, scale: Vector3, colour: ColorRGBA, text: str = "") -> Marker:
            made = Marker(header=header, ns="expression", id=number, type=kind, action=Marker.ADD, scale=scale)
            made.pose.position.z, made.pose.orientation.w = height, 1.0
            made.color, made.text, made.lifetime = colour, text, Duration(sec=1)
            return made

        red, green, blue = COLOURS[light.colour]
        wide = 2.0 * profile.radius
        ring = ColorRGBA(r=red, g=green, b=blue, a=0.0 if given_back(light) else shade(light, time_s))
        said = self._said if time_s < self._said_until else ""
        white, grey = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0), ColorRGBA(r=0.7, g=0.7, b=0.7, a=1.0)
        self._markers.publish(
            MarkerArray(
                markers=[
                    marker(0, Marker.CYLINDER, 0.32, Vector3(x=wide, y=wide, z=0.03), ring),
                    marker(1, Marker.TEXT_VIEW_FACING, 0.8, Vector3(z=0.18), white, said or " "),
                    marker(2, Marker.TEXT_VIEW_FACING, 0.55, Vector3(z=0.1), grey, sentence or " "),
                ]
            )
        )

    def silence(self) -> None:
        """Stop speaking."""
        if self._speaking is not None and self._speaking.poll() is None:
            self._speaking.kill()
            self._speaking.wait()
        self._speaking = None

    def _speak(self, utterance: Utterance) -> None:
        """Aloud, by a process of its own; the text is one argument, never part of a command line."""
        assert self._program is not None
        self.silence()
        words = (self._description.body.voice.words_per_minute if self._description.body.voice else 150.0) * 1.0
        loud = str(round(200 * utterance.volume))
        try:
            self._speaking = subprocess.Popen(
                [self._program, "-s", str(round(words)), "-a", loud, "--", utterance.content],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            self._node.get_logger().warning(f"espeak-ng can't be started: {error}")
            self._program = None
