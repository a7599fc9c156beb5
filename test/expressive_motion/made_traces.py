"""Traces made by hand, so that what a check or norm must say of them is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from expressive_motion.rehearsals.imagined import SCENES, Scene, Staged, scene_named
from expressive_motion.rehearsals.trace import Held, Said, Touch, Trace
from expressive_motion.robot import Call
from expressive_motion.skills.embodiment import LIGHT_OFF, TICK, LightState, Utterance
from expressive_motion.skills.performance import Performed
from sac_son_nav.states import Floats

Curve = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Shown:
    """What a made trace shows; each curve takes times (T,) and tells values (T,)."""

    duration_s: float = 4.0
    ahead: Curve | None = None  # [m]
    yaw: Curve | None = None  # [rad]
    pan: Curve | None = None  # [degrees]
    tilt: Curve | None = None  # [degrees]
    lights: Sequence[tuple[float, float, LightState]] = ()  # from, to [s]
    said: Sequence[tuple[float, Utterance]] = ()
    calls: Sequence[tuple[float, float, Call]] = ()  # from, to [s]
    held_s: float = 0.0
    touches: tuple[Touch, ...] = ()
    head: bool = True
    state: str = "finished"
    reason: str = ""


def made(scene: Scene | str, shown: Shown, radius: float = 0.22) -> Trace:
    """The trace of a robot that does what is shown."""
    scene = scene_named(scene) if isinstance(scene, str) else scene
    assert SCENES
    count = round(shown.duration_s / TICK)
    staged = Staged(scene, count)
    times = staged.times

    def curve(given: Curve | None) -> Floats:
        return np.zeros(count) if given is None else np.asarray(given(times), dtype=np.float64)

    ahead, yaw = curve(shown.ahead), curve(shown.yaw)
    speed = np.diff(ahead, append=ahead[-1:]) / TICK
    turn = np.diff(yaw, append=yaw[-1:]) / TICK
    heads = np.radians(np.stack([curve(shown.pan), curve(shown.tilt)], axis=-1))
    lights = [LIGHT_OFF] * count
    for begin, end, light in shown.lights:
        for k in range(round(begin / TICK), min(count, round(end / TICK))):
            lights[k] = light
    velocities = np.stack([speed, turn], axis=-1)
    return Trace(
        scene,
        times,
        np.stack([ahead, np.zeros(count), yaw], axis=-1),
        velocities,
        heads if shown.head else np.full((count, 2), np.nan),
        tuple(lights),
        velocities,
        velocities,
        staged.people,
        staged.seen,
        np.full(count, -1),
        tuple(Said(time_s, utterance) for time_s, utterance in shown.said),
        tuple(Performed(call, begin, end, None) for begin, end, call in shown.calls),
        tuple(Held(k * TICK, "braking for something 0.10 m away") for k in range(round(shown.held_s / TICK))),
        shown.touches,
        shown.state,
        shown.reason,
        radius,
    )


def bumps(size: float, times: int, period_s: float = 1.0, begin_s: float = 0.5) -> Curve:
    """To `size` and back, `times` times."""

    def curve(t: Floats) -> Floats:
        phase = (t - begin_s) / period_s
        there = (phase >= 0.0) & (phase < times)
        return np.where(there, 0.5 * size * (1.0 - np.cos(2.0 * np.pi * phase)), 0.0)

    return curve


def sways(size: float, times: int, period_s: float = 1.0, begin_s: float = 0.5) -> Curve:
    """To `size`, to the other side and back, `times` times."""

    def curve(t: Floats) -> Floats:
        phase = (t - begin_s) / period_s
        return np.where((phase >= 0.0) & (phase < times), size * np.sin(2.0 * np.pi * phase), 0.0)

    return curve


def goes(distance: float, speed: float, begin_s: float = 0.5) -> Curve:
    """Straight to a distance [m] at a speed [m/s]."""
    return lambda t: np.clip((t - begin_s) * speed, 0.0, distance)


def call(skill: str, **arguments: float | str | bool) -> Call:
    """A call, its arguments as given."""
    return Call(skill, arguments)


def tone(name: str, volume: float = 0.4) -> Utterance:
    return Utterance("tone", name, volume, 0.5)


def speech(text: str, duration_s: float = 1.0) -> Utterance:
    return Utterance("speech", text, 0.7, duration_s)
