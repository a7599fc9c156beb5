"""Norms of the twelve behaviours, as predicates over what a rehearsal shows.

Each takes a trace and the robot's description, and tells in a sentence why the norm is not kept; an empty text: it is
kept. They ask for what can be seen and heard and not for a particular realisation, so that a robot without a head says
yes by rocking, and no by wiggling.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from expressive_motion.rehearsals.checks import swings
from expressive_motion.rehearsals.trace import STANDING, Said, Trace
from expressive_motion.robot import Description
from expressive_motion.skills.embodiment import TICK, LightState

Norm = Callable[[Trace, Description], str]

NOD = math.radians(6.0)  # [rad] of tilt that can be told from a tremble
SHAKE = math.radians(6.0)  # [rad] of pan
WIGGLE = math.radians(3.0)  # [rad] of the whole base, which is larger
ROCK = 0.008  # [m] of the whole base
LOWERED = math.radians(-8.0)  # [rad] of tilt
LOOKING = math.radians(15.0)  # [rad] off a person's direction that still looks like looking at them
KEEP = 0.8  # [m] between centres, with a person who has not asked for more
POLITE = ("please", "excuse", "sorry", "pardon", "thank", "may i", "could you", "would you", "mind")
SORRY = ("sorry", "apolog", "regret", "mistake", "oops", "forgive", "my fault", "pardon", "wrong")
HOPE = ("better", "again", "try", "fix", "right", "will", "now")


def says_yes(trace: Trace, description: Description) -> str:
    """A nod, or a rock of the base."""
    nods, rocks = _nods(trace), _rocks(trace)
    if nods >= 2 or rocks >= 2:
        return ""
    return f"no nod, the head went up or down {nods} times and the base forth or back {rocks} times; 2 make one"


def says_no(trace: Trace, description: Description) -> str:
    """A shake of the head, or a wiggle of the base."""
    shakes, wiggles = _shakes(trace), swings(trace.yaw, WIGGLE)
    if shakes >= 3 or wiggles >= 3:
        return ""
    return f"no shake, the head went aside {shakes} times and the base {wiggles} times; 3 make one"


def stays(trace: Trace, description: Description) -> str:
    """The robot keeps its place."""
    furthest = float(trace.offsets.max())
    return "" if furthest <= 0.25 else f"it left its place by {furthest:.2f} m; up to 0.25 m is staying"


def shows_life(trace: Trace, description: Description) -> str:
    """Something can be seen or heard soon."""
    first = _first(_shows(trace))
    if first <= 2.5:
        return ""
    how_long = "" if math.isinf(first) else f" for {first:.1f} s"
    return f"nothing could be seen or heard{how_long}"


def looks_at_person(trace: Trace, description: Description) -> str:
    """The person is looked at, on purpose: by a call that does so, not because they happen to stand ahead."""
    if not (trace.subject >= 0).any():
        return "nobody was in sight to be looked at"
    meant = trace.calls("look_at_person", "face_person", "approach_person", "follow_person")
    since = min((performed.began_s for performed in meant), default=math.inf)
    looking = (trace.off_gaze <= LOOKING) & (trace.times >= since)  # NaN, nobody in sight, is not
    longest = _longest(looking)
    if longest >= 0.5 - TICK / 2.0:
        return ""
    return f"the person was looked at for {longest:.1f} s on purpose; 0.5 s are asked for"


def brief(trace: Trace, description: Description) -> str:
    """It does not keep anybody waiting."""
    return "" if trace.duration_s <= 8.0 else f"it took {trace.duration_s:.1f} s; 8 s are brief"


def draws_attention(trace: Trace, description: Description) -> str:
    """Somebody who does not look closely notices it: a sound, a light that blinks, or a motion."""
    flashing = any(light.brightness > 0.0 and light.pattern != "steady" for light in trace.lights)
    moving = max(_nods(trace), _shakes(trace), _rocks(trace), swings(trace.yaw, WIGGLE)) >= 2
    if trace.said or flashing or moving:
        return ""
    return "it made no sound, no blinking or pulsing light and no motion to and fro"


def does_not_push(trace: Trace, description: Description) -> str:
    """The robot does not press on towards anybody."""
    if trace.approach_m < KEEP:
        return f"it drove up to {trace.approach_m:.2f} m of the person; {KEEP:g} m are asked for"
    if trace.held:
        return f"it had to be held back by the shield for {len(trace.held) * TICK:.2f} s"
    driven = float(trace.ahead.max())
    return "" if driven <= 0.6 else f"it drove {driven:.2f} m ahead towards the person; 0.6 m are no pushing"


def polite(trace: Trace, description: Description) -> str:
    """Neither harsh nor hasty; with a voice, it asks with a polite word."""
    for tone in _tones(trace):
        if tone.utterance.content == "alert" or tone.utterance.volume > 0.8:
            return f"the tone {tone.utterance.content!r} at volume {tone.utterance.volume:g} is harsh"
    if any(light.brightness > 0.0 and light.colour == "red" for light in trace.lights):
        return "a red light looks like a warning"
    words = [said.utterance.content.lower() for said in _sentences(trace)]
    if words and not _any_of(words, POLITE):
        return f"no polite word in {words[0]!r}"
    fastest = float(trace.closing.max(initial=0.0))
    return "" if fastest <= 0.4 else f"it drove at {fastest:.2f} m/s towards the person; 0.4 m/s is calm"


def shows_regret(trace: Trace, description: Description) -> str:
    """At least two signs of regret, of those the body has."""
    signs = _regret(trace)
    possible = 1 + sum(description.body.has(part) for part in ("head", "light", "sound", "voice"))
    asked = min(2, possible)
    if len(signs) >= asked:
        return ""
    told = f"only {' and '.join(signs)}" if signs else "none"
    return f"{asked} signs of regret are asked for, {told} was shown"


def ends_hopeful(trace: Trace, description: Description) -> str:
    """After the regret comes a sign that things get better."""
    regret = _regret(trace)
    since = min(regret.values(), default=0.0)
    for said in _tones(trace):
        if said.time_s > since and said.utterance.content in ("rising", "chime"):
            return ""
    for said in _sentences(trace):
        if said.time_s >= since and _any_of([said.utterance.content.lower()], HOPE):
            return ""
    late = trace.times > since
    bright = np.array([_lit_in(light, ("green", "blue", "white", "yellow")) for light in trace.lights]) & late
    if bright.any():
        return ""
    if trace.has_head:
        tilt = trace.heads[:, 1]
        low = int(tilt.argmin())
        if tilt[low] <= LOWERED and float(tilt[low:].max()) >= math.radians(3.0):
            return ""
    if regret and float(trace.ahead[-1]) >= 0.03:
        return ""
    return "no sign of hope came after the regret: no rising tone, bright light, raised head, good word or way forward"


def silent(trace: Trace, description: Description) -> str:
    """Not a word is said."""
    words = _sentences(trace)
    return "" if not words else f"it said {words[0].utterance.content!r}"


def follows(trace: Trace, description: Description) -> str:
    """The robot goes after somebody who leaves."""
    went = float(trace.offsets[-1])
    if went < 1.0:
        return f"it went {went:.2f} m after the person; 1 m is asked for"
    return "" if trace.calls("follow_person", "approach_person") else "it drove, but not after the person"


def keeps_distance(trace: Trace, description: Description) -> str:
    """The robot comes too near to nobody."""
    if trace.approach_m >= KEEP:
        return ""
    return f"it drove up to {trace.approach_m:.2f} m of a person; {KEEP:g} m are asked for"


def comes_near(trace: Trace, description: Description) -> str:
    """The robot goes to the person."""
    seen = trace.to_person[np.isfinite(trace.to_person)]
    if not len(seen):
        return "nobody was in sight"
    last, first = float(seen[-1]), float(seen[0])
    if last <= 1.8 and (first - last >= 0.5 or first <= 1.8):
        return ""
    return f"it ended {last:.2f} m from the person, who was {first:.2f} m away; 1.8 m is near"


def sustained(trace: Trace, description: Description) -> str:
    """It goes on as long as the person is there."""
    return "" if trace.duration_s >= 8.0 else f"it was over after {trace.duration_s:.1f} s; 8 s are asked for"


def does_not_interrupt(trace: Trace, description: Description) -> str:
    """Whoever talks can go on talking."""
    words, tones = _sentences(trace), _tones(trace)
    if words:
        return f"it said {words[0].utterance.content!r} while the person talked"
    if len(tones) > 2 or any(tone.utterance.volume > 0.5 for tone in tones):
        return f"it played {len(tones)} tones; two soft ones at most do not interrupt"
    return ""


NORMS: Mapping[str, Norm] = MappingProxyType(
    {
        norm.__name__: norm
        for norm in (
            says_yes,
            says_no,
            stays,
            shows_life,
            looks_at_person,
            brief,
            draws_attention,
            does_not_push,
            polite,
            shows_regret,
            ends_hopeful,
            silent,
            follows,
            keeps_distance,
            comes_near,
            sustained,
            does_not_interrupt,
        )
    }
)

# -- signs ----------------------------------------------------------------------------------------------------------


def _regret(trace: Trace) -> dict[str, float]:
    """Signs of regret, and when each began [s]."""
    signs: dict[str, float] = {}
    if trace.has_head:
        low = trace.heads[:, 1] <= LOWERED
        if _longest(low) >= 0.5:
            signs["a lowered head"] = _first(low)
    backing = trace.ahead <= trace.ahead[0] - ROCK
    slow = bool((np.abs(trace.velocities[:, 0]) <= 0.3).all())
    if backing.any() and slow:
        signs["backing away slowly"] = _first(backing)
    elif _rocks(trace) >= 2 and slow:
        signs["bowing"] = _first(trace.ahead >= ROCK)
    falling = [said.time_s for said in _tones(trace) if said.utterance.content in ("falling", "soft")]
    if falling:
        signs["a falling tone"] = falling[0]
    warm = np.array([_lit_in(light, ("red", "orange", "purple")) for light in trace.lights], dtype=bool)
    if warm.any():
        signs["a red or orange light"] = _first(warm)
    words = [s.time_s for s in _sentences(trace) if _any_of([s.utterance.content.lower()], SORRY)]
    if words:
        signs["words of regret"] = words[0]
    return signs


def _nods(trace: Trace) -> int:
    return swings(trace.heads[:, 1], NOD) if trace.has_head else 0


def _shakes(trace: Trace) -> int:
    return swings(trace.heads[:, 0], SHAKE) if trace.has_head else 0


def _rocks(trace: Trace) -> int:
    return swings(trace.ahead, ROCK)


def _sentences(trace: Trace) -> list[Said]:
    return [said for said in trace.said if said.utterance.kind == "speech"]


def _tones(trace: Trace) -> list[Said]:
    return [said for said in trace.said if said.utterance.kind == "tone"]


def _any_of(texts: list[str], words: tuple[str, ...]) -> bool:
    return any(word in text for text in texts for word in words)


def _lit_in(light: LightState, colours: tuple[str, ...]) -> bool:
    return light.brightness > 0.0 and light.colour in colours


def _shows(trace: Trace) -> NDArray[np.bool_]:
    """Whether something can be seen or heard begin or go on, (T,)."""
    shows: NDArray[np.bool_] = trace.lit | (np.abs(trace.velocities).max(axis=-1) > STANDING)
    if trace.has_head:
        shows = shows | (np.abs(trace.heads - trace.heads[0]).max(axis=-1) > math.radians(3.0))
    for said in trace.said:
        shows = shows | (np.abs(trace.times - said.time_s) < TICK / 2.0)
    return shows


def _first(when: NDArray[np.bool_]) -> float:
    """The first moment [s] of which it is so; inf where it never is."""
    return float(when.argmax()) * TICK if when.any() else math.inf


def _longest(when: NDArray[np.bool_]) -> float:
    """The longest time [s] for which it is so without a break."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], when.astype(np.int8), [0]])))
    return float((edges[1::2] - edges[::2]).max(initial=0)) * TICK
