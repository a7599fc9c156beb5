"""What the laws of walking share: the robot as people meet it, and who is whose neighbour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import Array, clip, norm

AT_LEAST = 0.3  # [m/s]


@dataclass(frozen=True)
class RobotBody:
    """The robot as people meet it: position (..., 2) [m], velocity (..., 2) [m/s], radius [m], and how strongly
    each person minds it, `weight` (N,) or a number: 0 not at all, 1 as a person, more is wary."""

    position: Array
    velocity: Array
    radius: float
    weight: Array | float = 1.0


def advance(
    positions: Array, velocities: Array, acceleration: Array, desired: Array, dt: float, tolerance: float
) -> tuple[Array, Array]:
    """Positions and velocities (..., N, 2) dt [s] later under accelerations (..., N, 2) [m/s^2], semi-implicit Euler.
    Nobody gets faster than `tolerance` times the speed they want, `desired` (..., N, 2) [m/s], and whoever wants to
    stand can still be pushed aside at AT_LEAST."""
    velocities = velocities + dt * acceleration
    cap = clip(norm(desired) * tolerance, AT_LEAST, None)
    velocities = velocities * clip(cap / norm(velocities), None, 1.0)[..., None]
    return positions + dt * velocities, velocities


@lru_cache(maxsize=64)
def pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Every two of `count` bodies once: the first and the second of each pair, (P,) with P = N (N - 1) / 2, and
    their incidence (N, P), 1 for the first and -1 for the second, which sums up what they do to each other."""
    first, second = np.triu_indices(count, 1)
    incidence = np.zeros((count, len(first)))
    incidence[first, np.arange(len(first))] = 1.0
    incidence[second, np.arange(len(first))] = -1.0
    return first, second, incidence


@lru_cache(maxsize=64)
def neighbours(count: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each body the pairs (N - 1, N) it makes with the others, and 1 where it is the first of them, else -1."""
    first, second, _ = pairs(count)
    pair = np.zeros((count, count), dtype=np.intp)
    pair[first, second] = pair[second, first] = np.arange(len(first))
    others = ~np.eye(count, dtype=bool)
    sign = np.where(np.triu(others), 1.0, -1.0)
    return pair[others].reshape(count, -1).T, sign[others].reshape(count, -1).T
