"""What is looked at in a rehearsal: safety and manners of a program, each finding a sentence with its numbers.

A finding of severity `stop` makes a program unfit; a `remark` is for the author and for whoever approves it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from expressive_motion.rehearsals.trace import STANDING, Trace
from expressive_motion.robot import Description
from expressive_motion.skills.embodiment import TICK, LightState
from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Floats


@dataclass(frozen=True)
class Finding:
    """One thing that was found; the same sentence in two scenes is the same finding."""

    severity: Literal["stop", "remark"]
    text: str


@dataclass(frozen=True)
class RehearsalLimits:
    """What a behaviour may do at most; distances are between the bodies' centres unless said."""

    duration_s: float = 60.0  # [s]
    overrun_m: float = 0.15  # [m] beyond the reach, in which a base that is stopped there may come to rest
    path_m: float = 12.0  # [m]
    turns: float = 4.0  # whole turns of the base, back and forth added up
    near_m: float = 1.2  # [m] where a person is near, Hall's personal distance
    near_speed: float = 0.4  # [m/s] towards somebody near
    approach_m: float = 0.75  # [m] the nearest the robot may come to anybody by driving itself
    aim_m: float = 0.15  # [m] between the bodies, the nearest that a way may be aimed past somebody
    pushed_s: float = 1.0  # [s] that the shield may have to hold the robot back
    sentences: int = 8
    tones: int = 12
    loud: float = 0.8  # volume above which a tone is loud
    loud_tones: int = 3
    flashes_hz: float = 3.0  # [Hz] fewer than would bring on seizures; WCAG 2.2, success criterion 2.3.1
    idle_s: float = 10.0  # [s] without anything that can be seen or heard, worth a remark
    calls: int = 120
    head_home_deg: float = 3.0  # [degrees] off the middle that count as home

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"rehearsal limits: {name}: expected more than 0, got {value}")


def check_trace(trace: Trace, description: Description, limits: RehearsalLimits) -> tuple[Finding, ...]:
    """All findings of one scene."""
    found: list[Finding] = []
    for severity, checks in (("stop", _STOPS), ("remark", _REMARKS)):
        for check in checks:
            found += [Finding(severity, text) for text in check(trace, description, limits)]  # type: ignore[arg-type]
    return tuple(dict.fromkeys(found))


Found = Iterator[str]

# -- reasons to stop ------------------------------------------------------------------------------------------------


def _ends(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    if trace.state == "running":
        yield f"did not end within {limits.duration_s:g} s"
    elif trace.state == "failed" and not _went_after_somebody(trace):
        yield f"failed: {trace.reason}"
    elif trace.state == "cancelled" and not trace.scene.disturbed:
        yield f"was broken off: {trace.reason}"


def _stays_in_reach(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    reach = description.body.base.reach_m
    if trace.offsets.max() > reach + limits.overrun_m:
        yield f"drove {trace.offsets.max():.2f} m from where it began; at most {reach:g} m is allowed"
    if trace.path_m > limits.path_m:
        yield f"drove {trace.path_m:.1f} m in all; at most {limits.path_m:g} m is allowed"
    turns = float(np.abs(np.diff(trace.yaw)).sum()) / (2.0 * math.pi)
    if turns > limits.turns:
        yield f"turned {turns:.1f} times round; at most {limits.turns:g} times are allowed"


def _leaves_people_room(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    for touch in trace.touches:
        if touch.robot_speed > STANDING:
            yield f"drove into {_what(touch.what)} at {touch.robot_speed:.2f} m/s"
    if trace.approach_m < limits.approach_m:
        yield (
            f"drove up to {trace.approach_m:.2f} m of a person (bodies {trace.approach_m - trace.contact_gap:.2f} m "
            f"apart); at least {limits.approach_m:g} m is asked for"
        )
    close = trace.distances < limits.near_m
    fastest = float(trace.closing.max(initial=0.0, where=close))
    if fastest > limits.near_speed:
        yield (
            f"drove at {fastest:.2f} m/s towards a person less than {limits.near_m:g} m away; "
            f"at most {limits.near_speed:g} m/s is allowed"
        )


def _spares_whom_it_sees(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    """A way that would have led into somebody who stood there in sight, had nothing stopped the robot."""
    for performed in trace.calls("move", "back_away"):
        k = min(int(performed.began_s / TICK + 0.5), len(trace) - 1)
        distance = float(performed.call.arguments["distance_m"])
        x, y, yaw = trace.poses[k]
        way = math.copysign(1.0, distance) * (1.0 if performed.call.skill == "move" else -1.0)
        ahead = way * np.array([math.cos(yaw), math.sin(yaw)])
        offset = trace.people[k, trace.seen[k]] - (x, y)  # (S, 2)
        along = np.clip(offset @ ahead, 0.0, abs(distance))
        passes = np.linalg.norm(offset - along[:, None] * ahead, axis=-1)
        towards = (along > 0.0) & (passes < trace.contact_gap + limits.aim_m)
        if towards.any():
            yield f"drives at a person: {performed.call} was aimed at somebody who stood in sight"


def _heeds_the_shield(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    pushed = len(trace.held) * TICK
    if pushed > limits.pushed_s:
        yield f"had to be held back by the shield for {pushed:.1f} s ({trace.held[-1].reason})"


def _is_bearable(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    sentences = [said for said in trace.said if said.utterance.kind == "speech"]
    tones = [said.utterance for said in trace.said if said.utterance.kind == "tone"]
    if len(sentences) > limits.sentences:
        yield f"spoke {len(sentences)} times; at most {limits.sentences} times are allowed"
    if len(tones) > limits.tones:
        yield f"played {len(tones)} tones; at most {limits.tones} are allowed"
    loud = sum(tone.volume > limits.loud for tone in tones)
    if loud > limits.loud_tones:
        yield f"played {loud} tones louder than {limits.loud:g}; at most {limits.loud_tones} are allowed"
    interrupted = sum(
        after.time_s < before.time_s + before.utterance.duration_s - TICK for before, after in pairwise(sentences)
    )
    if interrupted:
        yield f"began to speak {interrupted} times before the sentence before was over"
    flashes = _flashes(trace)
    if flashes > limits.flashes_hz:
        yield f"changed its light {flashes:.0f} times a second; at most {limits.flashes_hz:g} are allowed"
    if len(trace.performed) > limits.calls:
        yield f"called skills {len(trace.performed)} times; at most {limits.calls} are allowed"


_STOPS = (_ends, _stays_in_reach, _leaves_people_room, _spares_whom_it_sees, _heeds_the_shield, _is_bearable)

# -- remarks --------------------------------------------------------------------------------------------------------


def _was_held(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    pushed = len(trace.held) * TICK
    if 0.0 < pushed <= limits.pushed_s:
        yield f"the shield held it back for {pushed:.2f} s ({trace.held[-1].reason})"
    for touch in trace.touches:
        if touch.robot_speed <= STANDING:
            yield f"{_what(touch.what)} touched the robot, which stood"


def _was_broken_off(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    if trace.state == "failed" and _went_after_somebody(trace):
        yield f"was ended while it went after somebody: {trace.reason}"
    if trace.state == "cancelled" and trace.scene.disturbed:
        yield f"was broken off: {trace.reason}"


def _ran_out_of_time(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    for performed in trace.performed:
        longest = description.skills[performed.call.skill].at_most_s
        if performed.ended_s - performed.began_s > longest - TICK / 2.0:
            yield f"{performed.call} ran out of its {longest:g} s"


def _was_stopped_short(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    for performed in trace.calls("move", "back_away"):
        begin, end = (min(int(t / TICK + 0.5), len(trace) - 1) for t in (performed.began_s, performed.ended_s))
        went = float(np.linalg.norm(trace.poses[end, :2] - trace.poses[begin, :2]))
        asked = abs(float(performed.call.arguments["distance_m"]))
        if went < asked - 0.05:
            yield f"{performed.call} got {went:.2f} of {asked:.2f} m"


def _leaves_things(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    named = [performed.call.skill for performed in trace.performed]
    lights = [skill for skill in named if skill in ("light", "light_off")]
    if lights and lights[-1] == "light":
        yield "leaves the light on; it is given back at the end all the same"
    off = math.degrees(float(np.abs(trace.heads[-1]).max())) if trace.has_head else 0.0
    if off > limits.head_home_deg:
        yield f"leaves the head {off:.0f} degrees off the middle"


def _repeats_itself(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    sentences = Counter(said.utterance.content for said in trace.said if said.utterance.kind == "speech")
    for sentence, count in sentences.items():
        if count > 3:
            yield f"said {sentence!r} {count} times"


def _idles(trace: Trace, description: Description, limits: RehearsalLimits) -> Found:
    idle = longest_idle_s(trace)
    if idle > limits.idle_s:
        yield f"showed nothing for {idle:.1f} s"


_REMARKS = (_was_held, _was_broken_off, _ran_out_of_time, _was_stopped_short, _leaves_things, _repeats_itself, _idles)

# -- measures -------------------------------------------------------------------------------------------------------


def longest_idle_s(trace: Trace) -> float:
    """The longest time [s] without motion, light, or anything said."""
    shows = trace.lit | (np.abs(trace.velocities).max(axis=-1) > STANDING)
    if trace.has_head:
        shows |= np.abs(trace.heads).max(axis=-1) > math.radians(3.0)  # held up, down or aside, it tells something
    for said in trace.said:
        shows |= (trace.times >= said.time_s) & (trace.times < said.time_s + said.utterance.duration_s)
    longest = run = 0
    for shown in shows:
        run = 0 if shown else run + 1
        longest = max(longest, run)
    return longest * TICK


def swings(signal: Floats, least: float) -> int:
    """How many times a signal (T,) goes up or down by at least `least`; a nod and back are two."""
    count, direction = 0, 0.0
    low = high = extreme = float(signal[0]) if len(signal) else 0.0
    for value in signal.tolist():
        if direction == 0.0:
            low, high = min(low, value), max(high, value)
            if high - low >= least:
                count, direction, extreme = 1, 1.0 if value == high else -1.0, value
        elif direction * (value - extreme) > 0.0:
            extreme = value
        elif direction * (extreme - value) >= least:
            count, direction, extreme = count + 1, -direction, value
    return count


def describe_run(trace: Trace) -> str:
    """What happened, in a few words with numbers."""
    words = [f"{trace.duration_s:.1f} s", f"{trace.offsets[-1]:.2f} m"]
    if np.isfinite(trace.nearest).any():
        words.append(f"nearest {trace.nearest.min():.2f} m")
    turned = math.degrees(float(trace.yaw[-1]))
    if abs(turned) >= 1.0:
        words.append(f"turned {turned:.0f} degrees")
    if trace.has_head:
        moves = max(swings(trace.heads[:, axis], math.radians(4.0)) for axis in (0, 1))
        words += [f"{moves} head move{'s' * (moves != 1)}"] * (moves > 0)
    colours = dict.fromkeys(light.colour for light in trace.lights if light.brightness > 0.0)
    words += [f"{' and '.join(colours)} light"] * bool(colours)
    for kind, name in (("tone", "tone"), ("speech", "sentence")):
        count = sum(said.utterance.kind == kind for said in trace.said)
        words += [f"{count} {name}{'s' * (count != 1)}"] * (count > 0)
    return ", ".join(words)


def _flashes(trace: Trace) -> float:
    """The most changes of colour or brightness within a second that the program itself makes, two to a flash."""

    def seen(light: LightState) -> tuple[str, float]:
        return (light.colour, light.brightness) if light.brightness > 0.0 else ("", 0.0)

    shown = [seen(light) for light in trace.lights]
    changes = [0, *(int(a != b) for a, b in pairwise(shown))]
    window = round(1.0 / TICK)
    return max((sum(changes[k : k + window]) for k in range(len(changes))), default=0) / 2.0


def _went_after_somebody(trace: Trace) -> bool:
    """Whether it was the bound of its reach that ended a program while it went to a person, which is as it should be:
    how far they walk isn't the program's to know."""
    last = trace.performed[-1].call.skill if trace.performed else ""
    return last in ("approach_person", "follow_person") and "stay within" in trace.reason


def _what(what: str) -> str:
    return "a wall" if what == "wall" else "a person"
