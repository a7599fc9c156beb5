"""Chance that can be asked for instead of drawn: a person's luck at a step is a function of the two.

A stream of random numbers has to be drawn in order; a function does not. So a person's luck is the same however many
worlds are run together, whoever else is in them and whatever the robot does, a world can be copied in the middle of
a run, and nothing has to be stored. The function is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
number generators", OOPSLA 2014), each person with a start of their own, and Box and Muller's transform.
"""

from __future__ import annotations

import numpy as np

from sac_son_nav.arrays import Array, namespace

_STEP = -0x61C8864680B583EB  # 0x9E3779B97F4A7C15, the golden ratio's, as a signed number
_FIRST, _SECOND = -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15  # the multipliers of SplitMix64, too
_UNIT = 2.0**-24


def key(random: np.random.Generator) -> int:
    """Where somebody's luck starts, a signed number of 64 bits."""
    return int(random.integers(-(2**63), 2**63 - 1, dtype=np.int64, endpoint=True))


def keys(seeds: Array) -> Array:
    """Where luck starts for each of the seeds (W,) int64, (W,) int64: far apart even for seeds that are not."""
    return _mixed(seeds + _STEP)


def normals(keys: Array, step: int, dtype: object) -> tuple[Array, Array]:
    """Two independent standard normal numbers for each of the `keys` (...) int64, at one step: (...) and (...)."""
    xp = namespace(keys)
    bits = _mixed(keys + _signed((step + 1) * _STEP))
    first, second = (xp.astype((bits >> shift) & 0xFFFFFF, dtype) for shift in (40, 16))
    # Between 2^-25 and 1: never 0, whose logarithm is nothing to go on with.
    size = xp.sqrt(-2.0 * xp.log((first + 0.5) * _UNIT))
    turn = (2.0 * np.pi * _UNIT) * second
    return size * xp.cos(turn), size * xp.sin(turn)


def moved(keys: Array, steps: int) -> Array:
    """The keys (...) int64 whose luck at any step is that of `keys` so many `steps` later."""
    return keys + _signed(steps * _STEP)


def _mixed(bits: Array) -> Array:
    bits = (bits ^ _shift(bits, 30)) * _FIRST
    bits = (bits ^ _shift(bits, 27)) * _SECOND
    return bits ^ _shift(bits, 31)


def _shift(bits: Array, by: int) -> Array:
    """To the right, with zeros coming in from the left."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _signed(number: int) -> int:
    """The number's last 64 bits as a signed number."""
    return (number + 2**63) % 2**64 - 2**63
