"""What a robot future changes in where people go: a small network, exact zero where no robot is or far from it.

A person has a frame of their own: they stand at its origin and its x axis points where they walk. In it the network
reads once what is known of them, their past, their neighbours, the walls around them and the robot's past, and then,
for each of K robot futures, where that future is relative to the way they would go without the robot. It answers by
how much they are displaced at each step: the mean, which nearly cancels where somebody may give way to either side,
and beside it the expected length, which does not.

Left and right are told apart by nothing but sign: every quantity is either even or odd under a mirror along the x
axis, odd ones enter even ones by their size alone, and even ones multiply odd ones. So the answer to a mirrored
situation is the mirrored answer, by construction; and turning or moving the world turns or moves it.

Written once for NumPy on the robot and torch in training. Letters: N people, K futures, P past and T future steps of
`step_s`, J neighbours; features stand in rows, so that each is one stretch of memory. SI units, float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import Array, clip, namespace, norm
from sac_son_nav.checkpoint import expect, load_model
from sac_son_nav.config import build
from sac_son_nav.errors import CheckpointError, ConfigError
from sac_son_nav.maps import OccupancyMap

Parameters = Mapping[str, Array]

PAST_MOMENTS = (0, 2, 4, 6, 7)  # of a past of eight, at which the robot's place relative to a person is read
FORECAST_MOMENTS = (2, 5, 8, 11)  # of a forecast of twelve
ROOM_AHEAD = ((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.5, 0.0))  # [m] places in a person's frame
ROOM_BESIDE = ((0.0, 0.6), (1.0, 0.6), (2.0, 0.6), (1.0, 1.2))  # [m] each with its mirror image
MOST_ROOM = 1.5  # [m] from a wall, beyond which it makes no difference
STANDING = 0.15  # [m/s] below which a person's x axis leans to where the robot is
REACH = 4.0  # [m] in which the robot's place relative to a person's way is told, up to twice that
SOFTEST = 1e-4  # [m^2]: how sharply an expected length bends at zero


@dataclass(frozen=True)
class ResponseConfig:
    """Sizes, and where the robot is too far to matter."""

    step_s: float = 0.4  # [s]
    past: int = 8
    steps: int = 12
    near: float = 4.0  # [m] from a person's way, up to which a robot counts in full
    far: float = 7.0  # [m] from which on it changes exactly nothing
    neighbours: int = 6  # the nearest that are looked at
    sight: float = 5.0  # [m] beyond which a neighbour is not
    hidden: int = 64  # even features between two layers; half as many odd ones
    context: int = 32

    def __post_init__(self) -> None:
        if not 0.0 < self.near < self.far:
            raise ConfigError(f"near and far: expected 0 < near < far, got {self.near} and {self.far} m")
        if (self.past, self.steps) != (8, 12):
            raise ConfigError(f"past and steps: expected 8 and 12, got {self.past} and {self.steps}")


@dataclass(frozen=True)
class Situation:
    """What is known of N people and one robot at one moment; any leading dimensions.

    pasts (..., N, P, 2): where people were, now last; velocities (..., N, 2); forecast (..., N, T, 2): where they go
    without the robot; robot_past (..., P, 2); radius (...) or a number: of the robot; room (..., N, R): distance to
    the walls at the places of :func:`room_places`.
    """

    pasts: Array
    velocities: Array
    forecast: Array
    robot_past: Array
    radius: Array | float
    room: Array


@dataclass(frozen=True)
class Features:
    """A situation in people's own frames: axis (..., N, 2), the x axis; even (..., N, E) and odd (..., N, O); of each
    neighbour near_even (..., N, J, 4), near_odd (..., N, J, 3), and how much it counts, near (..., N, J)."""

    axis: Array
    even: Array
    odd: Array
    near_even: Array
    near_odd: Array
    near: Array


@dataclass(frozen=True)
class Context:
    """People, read once: axis (N, 2), start (N, 2) and forecast (N, T, 2); even (H, N) and odd (H/2, N): what they add
    to the first layer of each pair of person and future."""

    axis: Array
    start: Array
    forecast: Array
    even: Array
    odd: Array


# -- a situation in people's own frames -----------------------------------------------------------------------------


def axes(velocities: Array, positions: Array, robot: Array) -> Array:
    """People's x axes (..., N, 2): along their velocities (..., N, 2), leaning to the robot (..., 2) as they stand."""
    offset = robot[..., None, :] - positions
    heading = velocities + STANDING * offset / norm(offset, 1e-3)[..., None]
    return heading / norm(heading, 1e-3)[..., None]


def own(vectors: Array, axis: Array) -> tuple[Array, Array]:
    """The components (...) along and to the left of the axes (..., 2) of vectors (..., 2)."""
    x, y = vectors[..., 0], vectors[..., 1]
    cosine, sine = axis[..., 0], axis[..., 1]
    return cosine * x + sine * y, cosine * y - sine * x


def room_places(positions: Array, axis: Array) -> Array:
    """Where the walls' distance is asked for, (..., N, R, 2) [m]: ahead, then to the left, then to the right."""
    xp = namespace(positions)
    left = [(x, y) for x, y in ROOM_BESIDE]
    places = [*ROOM_AHEAD, *left, *((x, -y) for x, y in left)]
    x, y = (xp.asarray(np.array([p[d] for p in places]), dtype=positions.dtype) for d in (0, 1))
    cosine, sine = axis[..., :1], axis[..., 1:]
    offset = xp.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
    return positions[..., None, :] + offset


def room(floor: OccupancyMap | None, positions: Array, axis: Array) -> Array:
    """Distance to the walls (..., N, R) [m], at most MOST_ROOM, as it is without a map."""
    places = room_places(positions, axis)
    if floor is None or not floor.occupied.any():
        return namespace(places).full_like(places[..., 0], MOST_ROOM)
    return clip(floor.distance_at(places), 0.0, MOST_ROOM)


def features(situation: Situation, config: ResponseConfig) -> Features:
    """A situation as the network reads it."""
    s = situation
    xp = namespace(s.pasts)
    here, robot = s.pasts[..., -1, :], s.robot_past[..., -1, :]
    axis = axes(s.velocities, here, robot)
    lined = axis[..., None, :]  # for vectors (..., N, P, 2)
    past_x, past_y = own(s.pasts[..., :-1, :] - here[..., None, :], lined)
    pace_x, pace_y = own(s.velocities, axis)
    ahead = xp.stack([s.forecast[..., t, :] for t in FORECAST_MOMENTS], axis=-2) - here[..., None, :]
    ahead_x, ahead_y = own(ahead, lined)
    met = xp.stack([s.robot_past[..., None, t, :] - s.pasts[..., t, :] for t in PAST_MOMENTS], axis=-2)
    met_x, met_y, closeness = _squashed(*own(met, lined))
    count = len(ROOM_BESIDE)
    before, left, right = s.room[..., : len(ROOM_AHEAD)], s.room[..., -2 * count : -count], s.room[..., -count:]
    radius = xp.ones_like(pace_x) * (s.radius if isinstance(s.radius, float) else s.radius[..., None])
    even = [0.5 * past_x, pace_x[..., None], 0.25 * ahead_x, met_x, closeness, before, 0.5 * (left + right)]
    odd = [0.5 * past_y, pace_y[..., None], 0.25 * ahead_y, met_y, 0.5 * (left - right)]
    near = _neighbours(here, s.velocities, axis, config)
    return Features(axis, xp.concat([*even, radius[..., None]], axis=-1), xp.concat(odd, axis=-1), *near)


def _squashed(x: Array, y: Array, scale: float = 0.6) -> tuple[Array, Array, Array]:
    """Places that may be far, kept within a unit circle, and how close they are, from 0 to 1 / scale."""
    closeness = 1.0 / (scale + namespace(x).sqrt(x * x + y * y + 1e-12))
    return x * closeness, y * closeness, closeness


def _neighbours(here: Array, velocities: Array, axis: Array, config: ResponseConfig) -> tuple[Array, Array, Array]:
    """The nearest `neighbours` of each person: even and odd features, and how much each counts; nobody counts 0."""
    xp = namespace(here)
    offset = here[..., None, :, :] - here[..., :, None, :]  # (..., N, N, 2)
    relative = velocities[..., None, :, :] - velocities[..., :, None, :]
    apart = norm(offset)
    x, y, closeness = _squashed(*own(offset, axis[..., None, :]))
    pace_x, pace_y = own(relative, axis[..., None, :])
    count = here.shape[-2]
    self_too = xp.asarray(np.eye(count), dtype=here.dtype)
    counts = clip(1.0 - apart / config.sight, 0.0) * (1.0 - self_too)
    order = xp.argsort(-counts, axis=-1)[..., : config.neighbours]
    even = xp.stack([x, closeness, pace_x, pace_x * closeness], axis=-1)
    odd = xp.stack([y, pace_y, pace_y * closeness], axis=-1)
    chosen = [xp.take_along_axis(values, order[..., None], axis=-2) for values in (even, odd)]
    counts = xp.take_along_axis(counts, order, axis=-1)
    missing = config.neighbours - order.shape[-1]
    if missing > 0:
        chosen = [_padded(values, missing, -2) for values in chosen]
        counts = _padded(counts, missing, -1)
    return chosen[0], chosen[1], counts


def _padded(values: Array, more: int, axis: int) -> Array:
    xp, shape = namespace(values), list(values.shape)
    shape[axis] = more
    return xp.concat([values, xp.zeros(tuple(shape), dtype=values.dtype)], axis=axis)


# -- the network ----------------------------------------------------------------------------------------------------


def shapes(config: ResponseConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter by name and shape."""
    room_even, room_odd = len(ROOM_AHEAD) + len(ROOM_BESIDE), len(ROOM_BESIDE)
    even = config.past - 1 + 1 + len(FORECAST_MOMENTS) + 2 * len(PAST_MOMENTS) + room_even + 1
    odd = config.past - 1 + 1 + len(FORECAST_MOMENTS) + len(PAST_MOMENTS) + room_odd
    c, h, t = config.context, config.hidden, config.steps
    found: dict[str, tuple[int, ...]] = {}

    def layer(name: str, even_in: int, odd_in: int, out: int) -> None:
        found[f"{name}.even"] = (out, even_in + odd_in)
        found[f"{name}.bias"] = (out,)
        found[f"{name}.odd"] = (out // 2, odd_in)

    layer("near", 4, 3, c // 2)
    layer("person", even + c // 2, odd + c // 4, 2 * c)
    layer("context", 2 * c, c, c)
    layer("pair", 3 * (t + 1) + c, 2 * (t + 1) + c // 2, h)
    layer("again", h, h // 2, h)
    found |= {"mean_x": (t, h + h // 2), "mean_x.bias": (t,), "mean_y": (t, h // 2)}
    found |= {"length": (t, h + h // 2), "length.bias": (t,)}
    return found


def initial(config: ResponseConfig, random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Parameters to begin training with: He's normal for what passes a rectifier, zero for biases and answers."""
    found: dict[str, NDArray[np.float32]] = {}
    for name, shape in shapes(config).items():
        scale = 0.0 if len(shape) == 1 else np.sqrt((1.0 if name.endswith(".odd") else 2.0) / shape[1])
        scale *= 0.1 if name in ("mean_x", "mean_y", "length") else 1.0
        found[name] = (scale * random.normal(size=shape)).astype(np.float32)
    return found


def encode(parameters: Parameters, features: Features, start: Array, forecast: Array) -> Context:
    """People, read once, for any number of futures; features of N people without leading dimensions."""
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
    width_even = even.shape[0]
    weights, odd_weights = parameters["pair.even"], parameters["pair.odd"]
    moments = forecast.shape[-2] + 1
    # The rows of the first layer of a pair are [even of the pair, even of the person, |odd| of both].
    own_even, own_odd = 3 * moments, 2 * moments
    folded = own_even + width_even
    add_even = weights[:, own_even:folded] @ even + weights[:, folded + own_odd :] @ xp.abs(odd)
    add_odd = odd_weights[:, own_odd:] @ odd
    return Context(features.axis, start, forecast, add_even + parameters["pair.bias"][:, None], add_odd)


def respond(
    parameters: Parameters, context: Context, robot: Array, futures: Array, present: Array, config: ResponseConfig
) -> tuple[Array, Array]:
    """How far people are displaced by each future of the robot.

    robot (2,) or (N, 2): where it is now; futures (K, 1 or N, T, 2): where it goes; present (K,). The mean
    displacement (K, N, T, 2) [m] in the frame of the situation, and the expected length (K, N, T) [m]; both exactly
    zero where the robot is absent, and for people from whose way it keeps `far`.
    """
    xp = namespace(futures)
    x, y = _relative(context, robot, futures)  # (T + 1, K, N)
    count, people = x.shape[1:]
    near_x, near_y, closeness = _squashed(x, y)
    fade = _fade(1.0 / closeness - 0.6, present, config)
    x, y = (clip(a * (1.0 / REACH), -2.0, 2.0) for a in (x, y))
    even, odd = (xp.reshape(xp.concat(a), (-1, count * people)) for a in ((x, near_x, closeness), (y, near_y)))
    width = parameters["pair.odd"].shape[1] - odd.shape[0]
    weights, fold = parameters["pair.even"], parameters["pair.even"].shape[1] - odd.shape[0] - width
    mixed = xp.concat([weights[:, : even.shape[0]], weights[:, fold : fold + odd.shape[0]]], axis=1)
    hidden = mixed.shape[0]
    even = xp.reshape(mixed @ xp.concat([even, xp.abs(odd)]), (hidden, count, people))
    even = clip(even + context.even[:, None, :], 0.0)
    odd = xp.reshape(parameters["pair.odd"][:, : odd.shape[0]] @ odd, (hidden // 2, count, people))
    odd = (odd + context.odd[:, None, :]) * even[: hidden // 2]
    even, odd = (xp.reshape(a, (a.shape[0], -1)) for a in (even, odd))
    even, odd = _layer(parameters, "again", even, odd)
    return _answer(parameters, even, odd, fade, context.axis)


def _answer(parameters: Parameters, even: Array, odd: Array, fade: Array, axis: Array) -> tuple[Array, Array]:
    xp = namespace(even)
    both, shape = xp.concat([even, xp.abs(odd)]), fade.shape
    x = xp.reshape(parameters["mean_x"] @ both + parameters["mean_x.bias"][:, None], shape) * fade
    y = xp.reshape(parameters["mean_y"] @ odd, shape) * fade
    raw = xp.reshape(parameters["length"] @ both + parameters["length.bias"][:, None], shape)
    length = 0.5 * (raw + xp.sqrt(raw * raw + SOFTEST)) * fade
    cosine, sine = axis[:, 0], axis[:, 1]
    mean = xp.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)  # (T, K, N, 2)
    return xp.moveaxis(mean, 0, 2), xp.moveaxis(length, 0, 2)


def _relative(context: Context, robot: Array, futures: Array) -> tuple[Array, Array]:
    """Where the robot is relative to people's ways, in their frames, now and at each step: x and y (T + 1, K, N)."""
    xp = namespace(futures)
    now = xp.broadcast_to(robot, (*futures.shape[1:2], 2)) if robot.ndim == 1 else robot
    now = xp.broadcast_to(now[None, :, None, :], (*futures.shape[:2], 1, 2))
    whole = xp.moveaxis(xp.concat([now, futures], axis=2), 2, 0)  # (T + 1, K, 1 or N, 2)
    way = xp.moveaxis(xp.concat([context.start[:, None, :], context.forecast], axis=1), 1, 0)[:, None]
    x, y = (whole[..., d] - way[..., d] for d in (0, 1))
    cosine, sine = context.axis[:, 0], context.axis[:, 1]
    both = (cosine * x + sine * y, cosine * y - sine * x)
    # In rows, whatever order the futures came in: all that follows reads them over and over.
    ahead, beside = (xp.reshape(xp.reshape(a, (-1,)), a.shape) for a in both)
    return ahead, beside


def _fade(apart: Array, present: Array, config: ResponseConfig) -> Array:
    """How much the robot counts (T, K, N): 1 where it has come within `near` of a person's way by then, smoothly down
    to exactly 0 where it has kept `far`, or is absent."""
    xp = namespace(apart)
    nearest, least = [], apart[0]
    for t in range(1, apart.shape[0]):
        least = xp.minimum(least, apart[t])
        nearest.append(least)
    share = clip((config.far - xp.stack(nearest)) * (1.0 / (config.far - config.near)), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share) * xp.astype(present, apart.dtype)[None, :, None]


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
