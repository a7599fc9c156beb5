"""What the robot performs at this moment, and how it goes over to the next thing. Time and views are arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from expressive_motion.robot import Description
from expressive_motion.skills.embodiment import LIGHT_OFF, LightState, Outputs, View
from expressive_motion.skills.performance import Performance, Session
from sac_son_nav.states import STOP, Floats

HEAD_RATE = 3.0  # [rad/s] at which the head is led over from one performance to the next, at most
FILLER, PAUSE = "filler", "pause"  # kinds of piece


@dataclass
class Piece:
    """One performance, and what is known of it."""

    name: str
    kind: str  # instruction, event or filler
    rank: int
    performance: Performance

    @property
    def running(self) -> bool:
        """Whether its program goes on."""
        return self.performance.state == "running"


class Stage:
    """Holds at most one performance. One thread calls it."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self.piece: Piece | None = None
        self.ended: Piece | None = None  # the last whose program has ended, until somebody takes it
        self._head: Floats | None = None
        self._time_s: float | None = None

    @property
    def rank(self) -> int | None:
        """Of what is performed now; None when nothing is."""
        return self.piece.rank if self.piece is not None and self.piece.running else None

    def perform(
        self,
        session: Session,
        name: str,
        kind: str,
        rank: int,
        person: int | None = None,
        forbidden: frozenset[str] = frozenset(),
    ) -> Performance:
        """Begin at the next step; what was being performed is cancelled."""
        self.cancel(f"{name} comes first")
        performance = Performance(session, self._description, person, forbidden)
        self.piece = Piece(name, kind, rank, performance)
        return performance

    def cancel(self, reason: str) -> None:
        """Give up what is being performed; the next outputs stop the base."""
        if self.piece is not None and self.piece.running:
            self.piece.performance.cancel(reason)
            self.ended = self.piece

    def step(self, view: View) -> Outputs | None:
        """What the body is to do from this view on; None when nothing is performed and everything is settled."""
        piece = self.piece
        if piece is None:
            return None
        was_running = piece.running
        outputs = piece.performance.step(view)
        if was_running and not piece.running:
            self.ended = piece
        head = self._led_over(outputs.head, view.time_s)
        if piece.performance.settled and (head is None or outputs.head is None or np.allclose(head, outputs.head)):
            self.piece = None
        return Outputs(outputs.command if piece.running else STOP, head, outputs.light, outputs.utterances)

    def _led_over(self, wanted: Floats | None, time_s: float) -> Floats | None:
        """The head's angles, which go on from where the last performance left them."""
        dt = 0.0 if self._time_s is None else min(max(time_s - self._time_s, 0.0), 0.2)
        self._time_s = time_s
        if wanted is None:
            return None
        before = np.zeros(2) if self._head is None else self._head
        self._head = before + np.clip(wanted - before, -HEAD_RATE * dt, HEAD_RATE * dt)
        return self._head


def shade(light: LightState, time_s: float) -> float:
    """How bright a light is at a moment, 0 to 1."""
    phase = (time_s / light.period_s) % 1.0 if light.period_s > 0.0 else 0.0
    if light.pattern == "blink":
        return light.brightness if phase < 0.5 else 0.0
    if light.pattern == "pulse":
        return light.brightness * (0.55 - 0.45 * math.cos(2.0 * math.pi * phase))
    return light.brightness


def given_back(light: LightState) -> bool:
    """Whether a light is left to whatever it showed before."""
    return light == LIGHT_OFF or light.brightness <= 0.0
