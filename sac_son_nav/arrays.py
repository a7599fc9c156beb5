"""One spelling of the mathematics for NumPy (on the robot) and torch (in training).

The laws of walking, the roll-out and the objective are written once against the Python array API standard
(2023.12); :func:`namespace` hands out the library their arguments come from. So the robot needs no torch to
drive, and training takes gradients through the very code that drives it.

NumPy speaks the standard by itself from 2.1 on; a control step makes thousands of small calls, each of which a layer
in between would cost as much again. For the older ones of robots there is the layer.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import array_api_compat
import numpy as np

Array: TypeAlias = Any
"""A ``numpy.ndarray`` or ``torch.Tensor``; docstrings state its shape, unit and frame."""

__all__ = [
    "Array",
    "clip",
    "components_first",
    "components_last",
    "device",
    "fixed",
    "minimum_at",
    "namespace",
    "norm",
    "norm_of",
    "pair",
    "put",
]

_OF_NUMPY = (np.ndarray, np.generic)
_NUMPY: Any = np if hasattr(np, "astype") else array_api_compat.array_namespace(np.zeros(0))  # robots have older ones
_NAMESPACES: dict[type, Any] = {np.ndarray: _NUMPY}


def namespace(*arrays: Array) -> Any:
    """The array API namespace of the arguments. Looked up by type: a control step asks hundreds of times."""
    for array in arrays:
        kind = type(array)
        if kind in _NAMESPACES:
            return _NAMESPACES[kind]
        if kind not in (int, float):
            numpy = isinstance(array, _OF_NUMPY)
            found = _NAMESPACES[kind] = _NUMPY if numpy else array_api_compat.array_namespace(array)
            return found
    raise TypeError(f"expected at least one array, got {[type(a).__name__ for a in arrays]}")


def device(array: Array) -> Any:
    """Where an array is; a NumPy one is on the "cpu"."""
    return "cpu" if isinstance(array, _OF_NUMPY) else array_api_compat.device(array)


def clip(array: Array, low: float | None = None, high: float | None = None) -> Array:
    """`array` with each element brought to at least `low` and at most `high`; any shape.

    The standard's own clip allows array bounds and checks for them, which on small arrays costs more than the
    clipping.
    """
    if isinstance(array, _OF_NUMPY):
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


def pair(*components: Array) -> Array:
    """Vectors (..., 2) of components x, y (...), or of more, each of which stays in one piece of memory: taken apart
    again, they keep a processor twice as busy as rows of two numbers."""
    first = components[0]
    if isinstance(first, np.ndarray):
        made = np.empty((len(components), *first.shape), dtype=first.dtype)
        for k, component in enumerate(components):
            made[k] = component
        return components_last(made)
    return namespace(first).stack(components, axis=-1)


def components_first(vectors: Array) -> Array:
    """The components (C, ...) of vectors (..., C), each in one piece of memory."""
    if isinstance(vectors, np.ndarray):
        return np.ascontiguousarray(vectors.transpose(-1, *range(vectors.ndim - 1)))
    return namespace(vectors).moveaxis(vectors, -1, 0)


def components_last(components: Array) -> Array:
    """Vectors (..., C) of components (C, ...), each of which stays where it is in memory."""
    if isinstance(components, np.ndarray):
        return components.transpose(*range(1, components.ndim), 0)
    return namespace(components).moveaxis(components, 0, -1)


def fixed(array: Array) -> Array:
    """The same numbers, through which no gradient goes."""
    return array if isinstance(array, _OF_NUMPY) else array.detach()


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
