"""What the laws of walking share: the robot as people meet it, and who is whose neighbour."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import Array, clip, device, namespace, norm

AT_LEAST = 0.3  # [m/s]
CACHED = 16384  # pairs worked out at once: as many as a processor's cache holds


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


def of_pairs(positions: Array, velocities: Array, radii: Array) -> list[Array]:
    """Of every two people, at `positions` and `velocities` (..., N, 2) with `radii` (..., N), the first's place and
    velocity (..., P, 2) and radius (..., P), then the second's."""
    xp = namespace(positions, velocities)
    both = (xp.asarray(k, device=device(positions)) for k in pairs(positions.shape[-2])[:2])
    given = ((positions, -2), (velocities, -2), (radii, -1))
    return [xp.take(values, k, axis=axis) for k in both for values, axis in given]


def between_people(force: Callable[..., Array], positions: Array, velocities: Array, radii: Array) -> Array:
    """What people do to each other, (..., N, 2), by a law of action and reaction: given :func:`of_pairs`, `force` is
    what the second of each pair does to the first, (..., P, 2), and the opposite of what the first does to the
    second. So each pair is worked out once, and a signed incidence matrix sums them up."""
    xp, where, count = namespace(positions, velocities), device(positions), positions.shape[-2]
    signs = pairs(count)[2]
    incidence = xp.asarray(signs, dtype=positions.dtype, device=where)
    alike = positions.shape == velocities.shape  # as they are in most calls, and looking is dear for small arrays
    shape = tuple(positions.shape) if alike else np.broadcast_shapes(positions.shape, velocities.shape)
    at_once = max(1, CACHED // signs.shape[1])
    if math.prod(shape[:-2]) <= at_once or str(where) != "cpu":
        return xp.matmul(incidence, _in_rows(force(*of_pairs(positions, velocities, radii))))
    worlds = [xp.reshape(xp.broadcast_to(a, shape), (-1, count, 2)) for a in (positions, velocities)]
    worlds.append(xp.reshape(xp.broadcast_to(radii, shape[:-1]), (-1, count)))
    starts = range(0, worlds[0].shape[0], at_once)
    blocks = [xp.matmul(incidence, _in_rows(force(*of_pairs(*(a[k : k + at_once] for a in worlds))))) for k in starts]
    return xp.reshape(xp.concat(blocks, axis=0), shape)


def _in_rows(vectors: Array) -> Array:
    """The same with the components of each side by side, for a product's sum to be taken in one order always."""
    return np.ascontiguousarray(vectors) if isinstance(vectors, np.ndarray) else vectors


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
