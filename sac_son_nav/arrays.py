"""One spelling of the mathematics for NumPy (on the robot) and torch (in training).

The laws of walking, the roll-out and the objective are written once against the Python array API standard
(2023.12); :func:`namespace` hands out the library their arguments come from. So the robot needs no torch to
drive, and training takes gradients through the very code that drives it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace, device

Array: TypeAlias = Any
"""A ``numpy.ndarray`` or ``torch.Tensor``; docstrings state its shape, unit and frame."""

__all__ = ["Array", "clip", "device", "fixed", "minimum_at", "namespace", "norm", "norm_of", "pair", "put"]

_NAMESPACES: dict[type, Any] = {}


def namespace(*arrays: Array) -> Any:
    """The array API namespace of the arguments. Looked up by type: a control step asks hundreds of times."""
    for array in arrays:
        kind = type(array)
        if kind in _NAMESPACES:
            return _NAMESPACES[kind]
        if kind not in (int, float):
            found = _NAMESPACES[kind] = array_namespace(array)
            return found
    raise TypeError(f"expected at least one array, got {[type(a).__name__ for a in arrays]}")


def clip(array: Array, low: float | None = None, high: float | None = None) -> Array:
    """`array` with each element brought to at least `low` and at most `high`; any shape.

    The standard's own clip allows array bounds and checks for them, which on small arrays costs more than the
    clipping.
    """
    if isinstance(array, np.ndarray | np.generic):
        if low is not None:
            array = np.maximum(array, low)
        return array if high is None else np.minimum(array, high)
    return namespace(array).clip(array, low, high)


def norm(vectors: Array, floor: float = 1e-9) -> Array:
    """Length of each plane vector, shape (..., 2) -> (...); never below `floor`, so it can be divided by and its
    gradient at zero is zero instead of NaN."""
    return norm_of(vectors[..., 0], vectors[..., 1], floor)


def norm_of(x: Array, y: Array, floor: float = 1e-9) -> Array:
    """The same of vectors whose components x, y (...) come apart."""
    return namespace(x).sqrt(x * x + y * y + floor * floor)


def pair(x: Array, y: Array) -> Array:
    """Vectors (..., 2) of components x, y (...), each of which stays in one piece of memory: taken apart again, they
    keep a processor twice as busy as rows of two numbers."""
    if isinstance(x, np.ndarray):
        made = np.empty((2, *x.shape), dtype=x.dtype)
        made[0], made[1] = x, y
        return np.moveaxis(made, 0, -1)
    return namespace(x).stack([x, y], axis=-1)


def fixed(array: Array) -> Array:
    """The same numbers, through which no gradient goes."""
    return array if isinstance(array, np.ndarray | np.generic) else array.detach()


def put(array: Array, rows: Array, index: Array) -> Array:
    """A copy of `array` (W, ...) in which `rows` (K, ...) stand at `index` (K,) of the first axis."""
    copied = namespace(array).concat([array])  # a copy that gradients go through
    copied[index] = rows
    return copied


def minimum_at(array: Array, index: Array, values: Array) -> Array:
    """`array` (A,) with each element brought to at most those of the `values` (K,) whose `index` (K,) is its own. The
    standard knows no such scattering; `array` is the caller's no longer."""
    if isinstance(array, np.ndarray):
        np.minimum.at(array, index, values)
        return array
    return array.scatter_reduce(0, index, values, "amin")
