"""The layers that learned models are made of, as functions over a dict of parameters.

One spelling for NumPy, which drives the robot, and torch, which takes gradients through the same lines. A model's
parameters are one flat dict of arrays with dotted names, as they stand in its weights file: a linear layer `name` has
``name.weight`` (out, in) and ``name.bias`` (out,), torch's own layout. Everything broadcasts over leading dimensions,
and nothing converts: parameters and inputs are of one library and one float type.

The `make_` functions draw initial parameters, NumPy float32; torch takes them with ``torch.from_numpy``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import Array, clip, namespace

Parameters: TypeAlias = Mapping[str, Array]
Initial: TypeAlias = dict[str, NDArray[np.float32]]


def linear(parameters: Parameters, name: str, x: Array) -> Array:
    """x (..., in) -> (..., out)."""
    weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
    if x.ndim == 2:
        return x @ weight.T + bias
    flat = namespace(x).reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))  # one large product instead of many small
    return namespace(x).reshape(flat @ weight.T + bias, (*x.shape[:-1], weight.shape[0]))


def relu(x: Array) -> Array:
    """The positive part, any shape."""
    return clip(x, 0.0)


def layer_norm(parameters: Parameters, name: str, x: Array, floor: float = 1e-5) -> Array:
    """x (..., C) brought to mean 0 and variance 1 over its last axis, then scaled and moved (Ba et al. 2016)."""
    xp = namespace(x)
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return centred / xp.sqrt(variance + floor) * parameters[f"{name}.weight"] + parameters[f"{name}.bias"]


def mlp(parameters: Parameters, name: str, x: Array) -> Array:
    """Linear layers ``name.0``, ``name.1``, ... as many as there are, with a ReLU between each two."""
    depth = 0
    while f"{name}.{depth}.weight" in parameters:
        x = linear(parameters, f"{name}.{depth}", relu(x) if depth else x)
        depth += 1
    if not depth:
        raise KeyError(f"{name}.0.weight")
    return x


def softmax(scores: Array, mask: Array | None = None) -> Array:
    """Weights over the last axis of scores (..., M) that sum to 1; where `mask` (..., M) is False they are 0, and all
    are 0 where nothing is left."""
    xp = namespace(scores)
    if mask is not None:
        scores = xp.where(mask, scores, xp.full_like(scores, -1e9))
    weights = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
    if mask is not None:
        weights = xp.where(mask, weights, xp.zeros_like(weights))
    return weights / clip(xp.sum(weights, axis=-1, keepdims=True), 1e-12)


def log_softmax(scores: Array) -> Array:
    """Logarithms of the weights that :func:`softmax` gives scores (..., M)."""
    xp = namespace(scores)
    centred = scores - xp.max(scores, axis=-1, keepdims=True)
    return centred - xp.log(xp.sum(xp.exp(centred), axis=-1, keepdims=True))


def attention(
    parameters: Parameters, name: str, queries: Array, values: Array, heads: int, mask: Array | None = None
) -> Array:
    """Each of the queries (..., Q, C) looks at the values (..., M, D) that are its own (Vaswani et al. 2017):
    (..., Q, C). Where `mask` (..., Q, M) is False it does not look; with nothing to look at it gets zeros, through the
    output layer. Layers ``name.query``, ``name.key``, ``name.value``, ``name.out``; `heads` divides their width."""
    xp = namespace(queries)

    def split(x: Array) -> Array:  # (..., L, heads * d) -> (..., heads, L, d)
        return xp.moveaxis(xp.reshape(x, (*x.shape[:-1], heads, x.shape[-1] // heads)), -2, -3)

    q, k, v = (
        split(linear(parameters, f"{name}.{part}", x))
        for part, x in (("query", queries), ("key", values), ("value", values))
    )
    scores = (q @ xp.moveaxis(k, -1, -2)) * (1.0 / math.sqrt(q.shape[-1]))
    weights = softmax(scores, None if mask is None else mask[..., None, :, :])
    seen = xp.moveaxis(weights @ v, -3, -2)
    return linear(parameters, f"{name}.out", xp.reshape(seen, (*seen.shape[:-2], seen.shape[-2] * seen.shape[-1])))


def make_linear(random: np.random.Generator, name: str, inputs: int, outputs: int, scale: float = 1.0) -> Initial:
    """A linear layer whose outputs vary as its inputs do, times `scale`; the root of 2 before a ReLU, which halves
    them (He et al. 2015). Biases 0."""
    bound = scale * math.sqrt(3.0 / inputs)
    weight = random.uniform(-bound, bound, (outputs, inputs)).astype(np.float32)
    return {f"{name}.weight": weight, f"{name}.bias": np.zeros(outputs, np.float32)}


def make_layer_norm(name: str, width: int) -> Initial:
    """A layer norm that does nothing yet but normalise."""
    return {f"{name}.weight": np.ones(width, np.float32), f"{name}.bias": np.zeros(width, np.float32)}


def make_mlp(random: np.random.Generator, name: str, widths: Sequence[int], last_scale: float = 1.0) -> Initial:
    """An MLP from widths[0] inputs to widths[-1] outputs; the last layer's weights times `last_scale`."""
    made: Initial = {}
    for k, (inputs, outputs) in enumerate(pairwise(widths)):
        last = k == len(widths) - 2
        made |= make_linear(random, f"{name}.{k}", inputs, outputs, last_scale if last else math.sqrt(2.0))
    return made


def make_attention(random: np.random.Generator, name: str, queries: int, values: int, width: int) -> Initial:
    """An attention of `width` for queries (..., queries) and values (..., values)."""
    return {
        **make_linear(random, f"{name}.query", queries, width),
        **make_linear(random, f"{name}.key", values, width),
        **make_linear(random, f"{name}.value", values, width),
        **make_linear(random, f"{name}.out", width, queries),
    }
