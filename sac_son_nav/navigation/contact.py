"""What touches the base, and which motions would push on: the last gate before the base, after the shield.

A bumper sees what the laser's plane misses, and a cliff sensor what no laser sees. Whatever is pressed or missing
lies in a direction; the base may drive away from it and turn on the spot, but not drive towards it. A wheel that
hangs in the air ends every motion.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sac_son_nav.states import STOP, Command, Floats

KINDS = ("bumper", "cliff", "stall", "wheel_drop", "reverse_limit")
TOWARDS = math.cos(math.radians(80.0))
"""A direction nearer than 80 degrees to the way of the base lies ahead of it: a round base that drives past its side's
middle slides along."""

_WORDS = {
    "bumper": "bumper pressed",
    "cliff": "no floor",
    "stall": "wheels stalled",
    "wheel_drop": "a wheel hangs in the air",
    "reverse_limit": "the base refuses to back up further",
}


@dataclass(frozen=True)
class Touch:
    """One sensor that is pressed or misses the floor: one of KINDS, at `direction` [rad] in the base's frame, None:
    all round."""

    kind: str
    direction: float | None = None

    def towards(self, linear: float) -> bool:
        """Whether driving at `linear` [m/s] goes towards it."""
        if linear == 0.0:
            return False
        if self.direction is None:
            return True
        return math.cos(self.direction) * math.copysign(1.0, linear) > TOWARDS

    def place(self, pose: Floats, radius: float) -> Floats | None:
        """Where it is (2,) [m] when a base of that radius [m] stands at pose (3,), in the pose's frame."""
        if self.direction is None:
            return None
        turned = float(pose[2]) + self.direction
        return np.asarray(pose[:2]) + radius * np.array([math.cos(turned), math.sin(turned)])

    def sentence(self) -> str:
        """In words, such as "bumper pressed at the front left"."""
        where = "" if self.direction is None or self.kind in ("stall", "wheel_drop", "reverse_limit") else self._side()
        return _WORDS[self.kind] + where

    def _side(self) -> str:
        assert self.direction is not None
        along, across = math.cos(self.direction), math.sin(self.direction)
        words = ["front" if along > 0.0 else "rear"] if abs(along) > math.sin(math.radians(22.5)) else []
        words += ["left" if across > 0.0 else "right"] if abs(across) > math.sin(math.radians(22.5)) else []
        return " at the " + " ".join(words)


def allow(command: Command, touches: Iterable[Touch]) -> tuple[Command, str]:
    """What is left of a command, and why not all of it; the sentence is empty where all of it is."""
    for touch in touches:
        if touch.kind == "wheel_drop":
            return STOP, touch.sentence()
    for touch in touches:
        if touch.towards(command.linear):
            return Command(0.0, command.angular), touch.sentence()
    return command, ""
