"""What a body tells a performance at each moment, and what the performance asks of the body until the next.

A robot, the embedded world and an imagined world all speak these types, so that what was rehearsed is what is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sac_son_nav.states import STOP, Command, Floats, RobotState, Tracks

TICK = 0.05  # [s] between two steps of a performance
FAR = 99.0  # [m] to a person whom nobody sees


@dataclass(frozen=True)
class View:
    """The robot's surroundings at one moment; robot, tracks and points share one frame.

    `obstacle_points` (M, 2) [m]: what the laser returned. `base_free`: False while something of higher rank, such as
    navigation under way, moves the base. `stale`: why what is seen is too old to move by; empty while it is fresh.
    """

    time_s: float
    robot: RobotState
    tracks: Tracks
    obstacle_points: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    base_free: bool = True
    stale: str = ""


@dataclass(frozen=True)
class LightState:
    """What a light shows; brightness 0: it is given back to whatever it showed before."""

    colour: str = "white"
    pattern: str = "steady"
    period_s: float = 1.0
    brightness: float = 0.0


LIGHT_OFF = LightState()


@dataclass(frozen=True)
class Utterance:
    """A sound or a sentence that begins now. `kind` tone: `content` names it; speech: it is the sentence."""

    kind: Literal["tone", "speech"]
    content: str
    volume: float = 0.5
    duration_s: float = 0.5  # how long it takes, as far as can be told beforehand


@dataclass(frozen=True)
class Outputs:
    """What the body is to do until the next step.

    command: wanted of the base, before any shield. head: pan, tilt (2,) [rad], left and up positive, where the head
    should now be; None on a robot without one. light: what it shows from now on. utterances: those that begin now.
    """

    command: Command = STOP
    head: Floats | None = None
    light: LightState = LIGHT_OFF
    utterances: tuple[Utterance, ...] = ()
