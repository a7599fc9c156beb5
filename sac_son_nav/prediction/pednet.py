"""PedNet, the human model of SACSoN (Hirose et al., RA-L 2024), as a reference: what its released network computes.

One person at a time, in the robot's present frame, three times a second: eight places of the person and of the robot,
newest first, go through a trunk of three layers; what it says and the robot's next eight places go through a head of
three more, which says the person's next eight steps. Zeros stand for a robot that is not there. Each layer but the
last is followed by batch normalisation and a ReLU; the last by tanh, which caps a step at 0.333 s times 1.5 m/s along
each axis. 14,608 parameters. The robot enters the head alone, so many futures cost one trunk.

Pure, NumPy or torch by what comes in. Positions are metres; the network sees tenths of them, within 10 m.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sac_son_nav.arrays import Array, clip, namespace
from sac_son_nav.prediction.layers import Initial, Parameters, linear, make_linear, relu

STEPS = 8  # seen and foretold
STEP = 1.0 / 3.0  # [s]
CAP = 0.333 * 1.5  # [m] a step, along each axis
_SCALE, _REACH = 0.1, 10.0
_TRUNK = {"trunk.0": (32, 64), "trunk.1": (64, 64), "trunk.2": (64, 32)}
_HEAD = {"head.0": (48, 64), "head.1": (64, 32)}
_LAST = {"head.2": (32, 16)}
Normalise = Callable[[str, Array], Array]


def initial(random: np.random.Generator) -> Initial:
    """Parameters to begin training with; moments of the layers (``.mean``, ``.variance``) are no parameters and come
    from :func:`with_moments`."""
    made: Initial = {}
    for name, (inputs, outputs) in {**_TRUNK, **_HEAD, **_LAST}.items():
        made |= make_linear(random, name, inputs, outputs, 1.0 if name in _LAST else 2.0**0.5)
        if name not in _LAST:
            made |= {f"{name}.scale": np.ones(outputs, np.float32), f"{name}.shift": np.zeros(outputs, np.float32)}
    return made


def with_moments(parameters: Parameters, person: Array, robot: Array, futures: Array) -> dict[str, Array]:
    """`parameters` with the mean and variance of every layer over examples: person, robot, futures (B, 8, 2)."""
    xp, found = namespace(person), dict(parameters)

    def note(name: str, x: Array) -> Array:
        found[f"{name}.mean"], found[f"{name}.variance"] = xp.mean(x, axis=0), xp.var(x, axis=0)
        return by_moments(found)(name, x)

    respond(parameters, encode(parameters, person, robot, note), person[:, -1], futures, note)
    return found


def by_moments(parameters: Parameters) -> Normalise:
    """Normalisation by the moments that stand among the parameters: how a trained network is used."""

    def normalise(name: str, x: Array) -> Array:
        spread = namespace(x).sqrt(parameters[f"{name}.variance"] + 1e-5)
        return (x - parameters[f"{name}.mean"]) / spread

    return normalise


def by_batch(name: str, x: Array) -> Array:
    """Normalisation by the batch itself (Ioffe and Szegedy 2015): how a network is trained."""
    xp = namespace(x)
    centred = x - xp.mean(x, axis=0)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=0) + 1e-5)


def encode(parameters: Parameters, person: Array, robot: Array, normalise: Normalise | None = None) -> Array:
    """What the trunk says (B, 32) of people and robot, (B, 8, 2) [m] each, oldest first, the last is now."""
    xp = namespace(person)
    x = xp.concat([_seen(xp.flip(person, axis=1)), _seen(xp.flip(robot, axis=1))], axis=1)
    return _layers(parameters, tuple(_TRUNK), x, normalise)


def respond(
    parameters: Parameters, code: Array, now: Array, futures: Array, normalise: Normalise | None = None
) -> Array:
    """Where people go, (B, 8, 2) [m] at the end of each step, from what the trunk says (B, 32), where they are now
    (B, 2), and the robot's next places (B, 8, 2), zeros where it is not there."""
    xp = namespace(code)
    x = _layers(parameters, tuple(_HEAD), xp.concat([code, _seen(futures)], axis=1), normalise)
    steps = xp.reshape(xp.tanh(linear(parameters, "head.2", x)), (-1, STEPS, 2)) * CAP
    return clip(now, -_REACH, _REACH)[:, None] + xp.cumulative_sum(steps, axis=1)


def _layers(parameters: Parameters, names: tuple[str, ...], x: Array, normalise: Normalise | None) -> Array:
    normalise = normalise or by_moments(parameters)
    for name in names:
        normal = normalise(name, linear(parameters, name, x))
        x = relu(normal * parameters[f"{name}.scale"] + parameters[f"{name}.shift"])
    return x


def _seen(places: Array) -> Array:
    """Places (B, 8, 2) [m] as the network reads them, (B, 16)."""
    return namespace(places).reshape(clip(places, -_REACH, _REACH) * _SCALE, (-1, 2 * STEPS))
