"""What a robot future changes in where people go: a small network, exact zero where no robot is or far from it.

A person has a frame of their own: they stand at its origin and its x axis points where they walk. In it the network
reads once what is known of them (:mod:`.response_features`) and says where they would go without the robot: how far
from straight on. Then, for each of K robot futures, it reads where that future is relative to the way they would go,
and how close to walls it comes, and answers by how much they are displaced at each step: the mean, which nearly
cancels where somebody may give way to either side, and beside it the expected length, which does not.

Left and right are told apart by nothing but sign: every quantity is either even or odd under a mirror along the x
axis, odd ones enter even ones by their size alone, and even ones multiply odd ones. So the answer to a mirrored
situation is the mirrored answer, by construction; and turning or moving the world turns or moves it.

Written once for NumPy on the robot and torch in training. Letters: N people, K futures, P past and T future steps of
`step_s`, J neighbours, M moments of a future that are read; features stand in rows, so that each is one stretch of
memory. SI units, float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import Array, clip, namespace
from sac_son_nav.checkpoint import expect, load_model
from sac_son_nav.config import build
from sac_son_nav.errors import CheckpointError, ConfigError
from sac_son_nav.prediction.response_features import Features, squashed, widths

Parameters = Mapping[str, Array]

MOMENTS = (0, 1, 2, 3, 4, 6, 8, 10, 12)  # now and steps of a future, at which the robot's place is read
REACH = 4.0  # [m] in which the robot's place relative to a person's way is told, up to twice that
SOFTEST = 1e-4  # [m^2]: how sharply an expected length bends at zero


@dataclass(frozen=True)
class ResponseConfig:
    """Sizes, and where the robot is too far to matter."""

    step_s: float = 0.4  # [s]
    past: int = 8
    steps: int = 12
    near: float = 4.0  # [m] from a person's straight way, up to which a robot counts in full
    far: float = 7.0  # [m] from which on it changes exactly nothing
    neighbours: int = 6  # the nearest that are looked at
    sight: float = 5.0  # [m] beyond which a neighbour is not
    hidden: int = 48  # even features of a pair of person and future between two layers; half as many odd ones
    context: int = 96  # even features of a person; half as many odd ones

    def __post_init__(self) -> None:
        if not 0.0 < self.near < self.far:
            raise ConfigError(f"near and far: expected 0 < near < far, got {self.near} and {self.far} m")
        if (self.past, self.steps) != (8, 12):
            raise ConfigError(f"past and steps: expected 8 and 12, got {self.past} and {self.steps}")
        for name in ("hidden", "context"):
            if getattr(self, name) < 4 or getattr(self, name) % 4:
                raise ConfigError(f"{name}: expected a multiple of four, got {getattr(self, name)}")


@dataclass(frozen=True)
class Context:
    """People, read once: axis (N, 2), start (N, 2) and straight way (N, T, 2); stray_x, stray_y (T, N): how far from
    that they would go without the robot, in their frames [m]; even (H, N) and odd (H/2, N): what they add to the first
    layer of each pair of person and future, and again (H, N): to the second."""

    axis: Array
    start: Array
    way: Array
    stray_x: Array
    stray_y: Array
    even: Array
    odd: Array
    again: Array


def shapes(config: ResponseConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter by name and shape."""
    even, odd = widths(config.past)
    c, h, t, m = config.context, config.hidden, config.steps, len(MOMENTS)
    found: dict[str, tuple[int, ...]] = {}

    def layer(name: str, even_in: int, odd_in: int, out: int) -> None:
        found[f"{name}.even"] = (out, even_in + odd_in)
        found[f"{name}.bias"] = (out,)
        found[f"{name}.odd"] = (out // 2, odd_in)

    layer("near", 4, 3, c // 2)
    layer("person", even + c // 2, odd + c // 4, c)
    layer("context", c, c // 2, c)
    found |= {"stray_x": (t, c + c // 2), "stray_y": (t, c // 2)}
    layer("pair", 3 * m, 2 * m, h)
    found |= {"pair.walls": (h, m), "pair.person": (h, c + c // 2), "pair.person_odd": (h // 2, c // 2)}
    layer("again", h, h // 2, h)
    found |= {"again.person": (h, c + c // 2)}
    found |= {"answer": (2 * t, h + h // 2), "answer.bias": (2 * t,), "answer_y": (t, h // 2)}
    return found


def initial(config: ResponseConfig, random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Parameters to begin training with: He's normal for what passes a rectifier, zero for biases and answers."""
    found: dict[str, NDArray[np.float32]] = {}
    for name, shape in shapes(config).items():
        scale = 0.0 if len(shape) == 1 else np.sqrt((1.0 if "odd" in name else 2.0) / shape[1])
        scale *= 0.1 if name in ("stray_x", "stray_y", "answer", "answer_y", "again.person") else 1.0
        found[name] = (scale * random.normal(size=shape)).astype(np.float32)
    return found


def encode(parameters: Parameters, features: Features, start: Array, way: Array, config: ResponseConfig) -> Context:
    """People, read once, for any number of futures; features of N people without leading dimensions, their places
    `start` (N, 2) and their straight `way` (N, T, 2)."""
    xp = namespace(features.even)
    near = [xp.moveaxis(a, -1, 0) for a in (features.near_even, features.near_odd)]  # (F, N, J)
    near_even, near_odd = _layer(parameters, "near", *(xp.reshape(a, (a.shape[0], -1)) for a in near))
    people, count = features.near.shape
    weight = xp.reshape(features.near, (-1,))
    by_neighbour = (xp.reshape(a * weight, (a.shape[0], people, count)) for a in (near_even, near_odd))
    summed_even, summed_odd = (xp.sum(a, axis=-1) for a in by_neighbour)
    even, odd = xp.concat([features.even.T, summed_even]), xp.concat([features.odd.T, summed_odd])
    even, odd = _layer(parameters, "person", even, odd)
    even, odd = _layer(parameters, "context", even, odd)
    both = xp.concat([even, xp.abs(odd)])
    return Context(
        features.axis,
        start,
        way,
        _growing(parameters["stray_x"] @ both, config.step_s),
        _growing(parameters["stray_y"] @ odd, config.step_s),
        parameters["pair.person"] @ both + parameters["pair.bias"][:, None],
        parameters["pair.person_odd"] @ odd,
        parameters["again.person"] @ both + parameters["again.bias"][:, None],
    )


def _growing(paces: Array, step_s: float) -> Array:
    """How far such mean paces (T, N) [m/s] come by each step, (T, N) [m]."""
    return namespace(paces).stack([paces[t] * (step_s * (t + 1)) for t in range(paces.shape[0])])


def respond(
    parameters: Parameters,
    context: Context,
    robot: Array,
    futures: Array,
    walls: Array,
    present: Array,
    config: ResponseConfig,
) -> tuple[Array, Array]:
    """How far people are displaced by each future of the robot.

    robot (2,) or (N, 2): where it is now; futures (K, 1 or N, T, 2): where it goes; walls (K, 1 or N, T + 1): the
    :func:`.response_features.clearance` of where it is now and then; present (K,). The mean displacement
    (K, N, T, 2) [m] in the frame of the situation, and the expected length (K, N, T) [m]; both exactly zero where the
    robot is absent, and for people from whose straight way it keeps `far`.
    """
    x, y, length = displaced(parameters, context, robot, futures, walls, present, config)
    xp = namespace(x)
    cosine, sine = context.axis[:, :1], context.axis[:, 1:]
    mean = xp.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)  # (T, N, K, 2)
    return xp.permute_dims(mean, (2, 1, 0, 3)), xp.permute_dims(length, (2, 1, 0))


def displaced(
    parameters: Parameters,
    context: Context,
    robot: Array,
    futures: Array,
    walls: Array,
    present: Array,
    config: ResponseConfig,
) -> tuple[Array, Array, Array]:
    """The same in people's own frames and time in rows: along their axes, to the left of them, and the expected
    length, (T, N, K) each [m]. Futures stand innermost, for there are more of them than people."""
    xp = namespace(futures)
    x, y, apart = _relative(context, robot, futures)  # (M, N, K)
    people, count = x.shape[1:]
    near_x, near_y, closeness = squashed(x, y)
    x, y = (clip(a * (1.0 / REACH), -2.0, 2.0) for a in (x, y))
    odd = xp.reshape(xp.concat([y, near_y]), (-1, people * count))
    even = xp.concat([xp.reshape(a, (-1, people * count)) for a in (x, near_x, closeness)] + [xp.abs(odd)])
    even = xp.reshape(parameters["pair.even"] @ even, (-1, people, count))
    read = xp.stack([walls[..., t].T for t in MOMENTS])  # (M, 1 or N, K)
    even += xp.reshape(parameters["pair.walls"] @ xp.reshape(read, (len(MOMENTS), -1)), (-1, *read.shape[1:]))
    even += context.even[:, :, None]
    even = _rectified(even)
    odd = xp.reshape(parameters["pair.odd"] @ odd, (-1, people, count))
    odd += context.odd[:, :, None]
    odd = xp.reshape(odd * even[: odd.shape[0]], (odd.shape[0], -1))
    even = xp.concat([xp.reshape(even, (even.shape[0], -1)), xp.abs(odd)])
    even = xp.reshape(parameters["again.even"] @ even, (-1, people, count))
    even += context.again[:, :, None]
    even = xp.reshape(_rectified(even), (even.shape[0], -1))
    odd = parameters["again.odd"] @ odd
    odd = odd * even[: odd.shape[0]]
    return _answer(parameters, even, odd, _fade(apart, present, config))


def _answer(parameters: Parameters, even: Array, odd: Array, fade: Array) -> tuple[Array, Array, Array]:
    xp = namespace(even)
    steps = fade.shape[0]
    both = parameters["answer"] @ xp.concat([even, xp.abs(odd)])
    both += parameters["answer.bias"][:, None]
    raw = both[steps:]
    length = 0.5 * (raw + xp.sqrt(raw * raw + SOFTEST))
    given = (both[:steps], parameters["answer_y"] @ odd, length)
    x, y, length = (xp.reshape(a, fade.shape) * fade for a in given)
    return x, y, length


def _relative(context: Context, robot: Array, futures: Array) -> tuple[Array, Array, Array]:
    """Where the robot is relative to where people would be, in their frames, at MOMENTS: x and y (M, N, K); and its
    squared distance from their straight ways now and at each step, (T + 1, N, K)."""
    xp = namespace(futures)
    now = robot[None] if robot.ndim == 1 else robot  # (1 or N, 2)
    moved = xp.permute_dims(futures - now[None, :, None, :], (2, 1, 0, 3))  # (T, 1 or N, K, 2)
    moved = xp.concat([xp.zeros_like(moved[:1]), moved])
    way = xp.concat([context.start[:, None, :], context.way], axis=1) - now[:, None, :]
    way = xp.moveaxis(way, 1, 0)[:, :, None]
    x, y = (moved[..., d] - way[..., d] for d in (0, 1))  # (T + 1, N, K)
    apart = x * x + y * y
    x, y = (xp.stack([a[t] for t in MOMENTS]) for a in (x, y))
    none = xp.zeros_like(context.stray_x[0])
    stray_x, stray_y = (
        xp.stack([a[t - 1] if t else none for t in MOMENTS])[..., None] for a in (context.stray_x, context.stray_y)
    )
    cosine, sine = context.axis[:, :1], context.axis[:, 1:]
    return cosine * x + sine * y - stray_x, cosine * y - sine * x - stray_y, apart


def _fade(apart: Array, present: Array, config: ResponseConfig) -> Array:
    """How much the robot counts (T, N, K), of its squared distances `apart` (T + 1, N, K): 1 where it has come within
    `near` of a person's way by then, smoothly down to exactly 0 where it has kept `far`, or is absent."""
    xp = namespace(apart)
    nearest, least = [], apart[0]
    for t in range(1, apart.shape[0]):
        least = xp.minimum(least, apart[t])
        nearest.append(least)
    share = clip((config.far - xp.sqrt(xp.stack(nearest))) * (1.0 / (config.far - config.near)), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share) * xp.astype(present, apart.dtype)


def _rectified(values: Array) -> Array:
    """The values, negative ones 0; an array of NumPy's is changed itself."""
    return np.maximum(values, 0.0, out=values) if isinstance(values, np.ndarray) else clip(values, 0.0)


def _layer(parameters: Parameters, name: str, even: Array, odd: Array) -> tuple[Array, Array]:
    """One layer on even (E, M) and odd (O, M) features, mirror in, mirror out: odd ones count in even ones by their
    size, and even ones open and close the way of odd ones."""
    xp = namespace(even)
    mixed = parameters[f"{name}.even"] @ xp.concat([even, xp.abs(odd)]) + parameters[f"{name}.bias"][:, None]
    mixed = clip(mixed, 0.0)
    passed = parameters[f"{name}.odd"] @ odd
    return mixed, passed * mixed[: passed.shape[0]]


# -- weights ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ResponseModel:
    """A trained response."""

    config: ResponseConfig
    parameters: Parameters


def load_response(name_or_folder: str) -> ResponseModel:
    """The response ``models/<name>``, or that of a folder. Raises CheckpointError for what is none."""
    model = load_model(name_or_folder, "response")
    try:
        config = build(ResponseConfig, model.settings, f"model {name_or_folder}")
    except ConfigError as error:
        raise CheckpointError(str(error)) from None
    expect(model.weights, {n: np.zeros(s, np.float32) for n, s in shapes(config).items()}, f"model {name_or_folder}")
    return ResponseModel(config, model.weights)
