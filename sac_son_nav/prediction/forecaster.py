"""Where people go with nobody but people about: all of them at once, several futures with their probabilities.

    forecast(parameters, pasts (N, 8, 2), mask (N, 8), settings) -> Forecast

* N people; pasts [m] in any one frame, oldest first, one step of 0.4 s between two, the last is now; mask False where
  a person was not yet seen (what pasts hold there is never read). The last two of each person must be seen; who was
  seen only once is not a matter for this model: constant velocity stands in, at its door.
* Pure: NumPy or torch by what comes in, float32. Turning, moving, mirroring the frame does the same to the answer;
  the order of people changes nothing but the order of the answer.

Each person is looked at in a frame of their own, in which they stand at the origin and walk along x, and their own
track in units of their own pace. An MLP reads the track; the tracks of the nearest others are read by one and the same
MLP and pooled by attention (Vaswani et al. 2017), which asks with the first; a second MLP then says what is added to
walking straight on: one best path with its expected error, and twenty paths of which one is to come near. Best path
and error are the mean of those for the people and for their mirror image; the twenty are those of one of the two
images, which depends on how the person's own track bends.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from sac_son_nav.arrays import Array, clip, namespace, norm
from sac_son_nav.errors import ConfigError
from sac_son_nav.prediction.layers import (
    Initial,
    Parameters,
    attention,
    layer_norm,
    linear,
    make_attention,
    make_layer_norm,
    make_linear,
    make_mlp,
    mlp,
    relu,
    softmax,
)

PAST, FUTURE, MODES = 8, 12, 20
STEP = 0.4  # [s]
OWN, PAIR = PAST * 2 + (PAST - 1) * 2 + PAST + 2, PAST * 2 + PAST + 9
"""How many features a person has, and a pair of people."""
MIRROR = (1.0, -1.0)
_NOW = PAST * 3  # where the place of the other stands among the features of a pair
_OWN_SIGNS = (*MIRROR * (2 * PAST - 1), *(1.0,) * (PAST + 2))
_PAIR_SIGNS = (*MIRROR * PAST, *(1.0,) * PAST, *MIRROR * 2, 1.0, 1.0, 1.0, *MIRROR)


@dataclass(frozen=True)
class ForecasterConfig:
    """Sizes of the network."""

    width: int = 128
    pair_width: int = 64
    heads: int = 4
    others: int = 10  # nearest people that are looked at
    slowest: float = 0.15  # [m] a step; the pace of a person who stands is taken for this
    unsteady: bool = True  # whether the network is told how unsteady a track is
    mirrored: bool = True  # the mean with the mirror image; without, half the work and no exact mirroring

    def __post_init__(self) -> None:
        if self.width % self.heads or self.pair_width % self.heads:
            raise ConfigError(f"heads: expected a divisor of both widths, got {self.heads}")


@dataclass(frozen=True)
class Forecast:
    """Of N people. best (N, 12, 2) [m]: the single best path at 0.4, 0.8, ... 4.8 s, in the frame of the pasts.
    spread (N, 12) [m]: how far from it they are to be expected. modes (N, 20, 12, 2) [m] and their probabilities
    (N, 20), which sum to 1."""

    best: Array
    spread: Array
    modes: Array
    probabilities: Array


@dataclass(frozen=True)
class Seen:
    """What the network reads of B people. own (B, OWN), pairs (B, M, PAIR) with near (B, M): which are people.
    straight (B, 2) [m]: their last step, in their own frame; turn (B, 2): cosine and sine of its heading; pace (B,)
    [m]."""

    own: Array
    pairs: Array
    near: Array
    straight: Array
    turn: Array
    pace: Array


def initial(random: np.random.Generator, settings: ForecasterConfig) -> Initial:
    """Parameters to begin training with."""
    width, pair = settings.width, settings.pair_width
    return {
        **make_mlp(random, "own", (OWN - (not settings.unsteady), width, width)),
        **make_mlp(random, "pair", (PAIR, pair, pair)),
        **make_attention(random, "others", width, pair, pair),
        **make_layer_norm("norm", width),
        **make_mlp(random, "trunk", (width, 2 * width, width)),
        **make_linear(random, "best", width, FUTURE * 2, 0.1),
        **make_linear(random, "spread", width, FUTURE, 0.1),
        **make_linear(random, "modes", width, MODES * FUTURE * 2, 0.1),
        **make_linear(random, "choice", width, MODES, 0.1),
    }


def forecast(parameters: Parameters, pasts: Array, mask: Array, settings: ForecasterConfig) -> Forecast:
    """See the head of this file."""
    origin = pasts[:, -1]
    others, near = nearest(pasts, mask, settings.others)
    relative = pasts - origin[:, None]
    theirs = pasts[others] - origin[:, None, None]
    their_mask = mask[others]
    seen = look(relative, mask, theirs, their_mask & near[..., None], settings)
    best, spread, modes, scores = answer_mirrored(parameters, seen, settings)
    return Forecast(
        place(best, seen) + origin[:, None],
        spread * seen.pace[:, None],
        place(modes, seen) + origin[:, None, None],
        softmax(scores),
    )


def answer_mirrored(
    parameters: Parameters, seen: Seen, settings: ForecasterConfig
) -> tuple[Array, Array, Array, Array]:
    """:func:`answer`, from the people and from their mirror image."""
    if not settings.mirrored:
        return answer(parameters, seen, settings)
    xp, people = namespace(seen.own), len(seen.own)
    image = mirror(seen)
    both = Seen(*(xp.concat([getattr(seen, f.name), getattr(image, f.name)], axis=0) for f in fields(Seen)))
    best, spread, modes, scores = answer(parameters, both, settings)
    flip = xp.asarray(MIRROR, dtype=best.dtype)
    own = xp.reshape(seen.own[:, : 2 * PAST], (people, PAST, 2))
    bend = xp.sum(own[..., 1], axis=1) + 1e-3 * xp.sum(seen.pairs[..., _NOW + 1], axis=1)
    left = xp.astype(bend > 0.0, best.dtype)  # a product, for a choice by `where` costs more on the large array
    plain, turned = modes[:people], modes[people:] * flip
    w = left[:, None, None, None]
    return (
        0.5 * (best[:people] + best[people:] * flip),
        0.5 * (spread[:people] + spread[people:]),
        plain * w + turned * (1.0 - w),
        scores[:people] * left[:, None] + scores[people:] * (1.0 - left[:, None]),
    )


def mirror(seen: Seen) -> Seen:
    """The same people in a mirror along the heading of each."""
    xp = namespace(seen.own)
    flip = xp.asarray(MIRROR, dtype=seen.own.dtype)
    own = seen.own * xp.asarray(_OWN_SIGNS[: seen.own.shape[1]], dtype=seen.own.dtype)
    pairs = seen.pairs * xp.asarray(_PAIR_SIGNS, dtype=seen.own.dtype)
    return Seen(own, pairs, seen.near, seen.straight * flip, seen.turn, seen.pace)


def nearest(pasts: Array, mask: Array, count: int) -> tuple[Array, Array]:
    """For each of N people the rows (N, M) of the `count` others nearest now, or as many as there are, and which of
    them are there, (N, M): not those unseen now or a step before."""
    xp = namespace(pasts)
    people = len(pasts)
    now = pasts[:, -1]
    away = norm(now[:, None] - now[None])
    there = mask[:, -1] & mask[:, -2]
    away = xp.where(there[None, :] & ~xp.eye(people, dtype=xp.bool), away, xp.full_like(away, 1e6))
    order = xp.argsort(away, axis=1, stable=True)[:, : min(count, max(people - 1, 0))]
    return order, xp.take_along_axis(away, order, axis=1) < 1e5


def look(own: Array, own_seen: Array, others: Array, others_seen: Array, settings: ForecasterConfig) -> Seen:
    """What B people see. own (B, 8, 2), others (B, M, 8, 2) [m]: tracks, the person's own last place at the origin;
    own_seen (B, 8), others_seen (B, M, 8)."""
    xp = namespace(own)
    own = xp.where(own_seen[..., None], own, xp.zeros_like(own))
    steps = xp.where(
        (own_seen[:, 1:] & own_seen[:, :-1])[..., None], own[:, 1:] - own[:, :-1], xp.zeros_like(own[:, 1:])
    )
    made = xp.astype(own_seen[:, 1:] & own_seen[:, :-1], own.dtype)
    pace = xp.sum(norm(steps) * made, axis=1) / clip(xp.sum(made, axis=1), 1.0)
    pace = xp.sqrt(pace * pace + settings.slowest**2)
    heading = steps[:, -1] + 0.5 * steps[:, -2] + 1e-3 * xp.sum(steps, axis=1)  # of late, or of before if they stand
    length = norm(heading, 1e-6)
    standing = xp.astype(length < 2e-6, own.dtype)
    turn = (heading / length[:, None]) * (1.0 - standing[:, None])
    turn = xp.stack([turn[:, 0] + standing, turn[:, 1]], axis=-1)
    own, steps = into(own, turn), into(steps, turn)
    unit = pace[:, None, None]
    features = [xp.reshape(own / unit, (len(own), 2 * PAST)), xp.reshape(steps / unit, (len(own), 2 * PAST - 2))]
    features += [xp.astype(own_seen, own.dtype), xp.log(pace)[:, None]]
    features += [_jerk(steps, made)[:, None]] if settings.unsteady else []
    pairs, near = _pairs(into(others, turn), others_seen, steps[:, -1])
    return Seen(xp.concat(features, axis=1), pairs, near, steps[:, -1], turn, pace)


def _jerk(steps: Array, made: Array) -> Array:
    """How unsteady a track is (B,): the logarithm of its mean third difference [m], from its steps (B, 7, 2) and which
    of them were made (B, 7). It tells tracks that were smoothed from those that were not, and how far to trust the
    last step."""
    xp = namespace(steps)
    change = steps[:, 2:] - 2.0 * steps[:, 1:-1] + steps[:, :-2]
    known = made[:, 2:] * made[:, 1:-1] * made[:, :-2]
    mean = xp.sum(norm(change) * known, axis=1) / clip(xp.sum(known, axis=1), 1.0)
    return xp.log(mean + 0.003)


def _pairs(others: Array, seen: Array, step: Array) -> tuple[Array, Array]:
    """Features of the others (B, M, 8, 2), already in the frame of a person whose last step is (B, 2)."""
    xp = namespace(others)
    near = seen[..., -1] & seen[..., -2]
    others = xp.where((seen & near[..., None])[..., None], others, xp.zeros_like(others))
    now, velocity = others[..., -1, :], others[..., -1, :] - others[..., -2, :]
    closing = velocity - step[:, None]
    distance = norm(now)
    until = -xp.sum(now * closing, axis=-1) / (xp.sum(closing * closing, axis=-1) + 1e-2)  # steps to the closest
    until = clip(until, 0.0, float(FUTURE))
    closest = now + closing * until[..., None]
    features = [
        xp.reshape(others - now[..., None, :], (*near.shape, 2 * PAST)),
        xp.astype(seen, others.dtype),
        now * 0.3,
        velocity,
        xp.stack([distance * 0.3, 1.0 / (distance + 0.5), until / FUTURE], axis=-1),
        closest * 0.3,
    ]
    return xp.concat(features, axis=-1), near


def answer(parameters: Parameters, seen: Seen, settings: ForecasterConfig) -> tuple[Array, Array, Array, Array]:
    """What the network says, in each person's own frame and units of their pace: best (B, 12, 2), spread (B, 12),
    modes (B, 20, 12, 2), scores (B, 20). Without the mirror image; :func:`forecast` is with it."""
    xp, people = namespace(seen.own), len(seen.own)
    person = mlp(parameters, "own", seen.own)
    if seen.pairs.shape[1]:
        pair = relu(mlp(parameters, "pair", seen.pairs))
        person = (
            person + attention(parameters, "others", person[:, None], pair, settings.heads, seen.near[:, None])[:, 0]
        )
    hidden = relu(mlp(parameters, "trunk", relu(layer_norm(parameters, "norm", person))))
    times = xp.reshape(xp.arange(1, FUTURE + 1, dtype=seen.own.dtype), (1, FUTURE, 1))
    straight = (seen.straight / seen.pace[:, None])[:, None] * times
    best = xp.reshape(linear(parameters, "best", hidden), (people, FUTURE, 2)) + straight
    modes = xp.reshape(linear(parameters, "modes", hidden), (people, MODES, FUTURE, 2)) + straight[:, None]
    raw = linear(parameters, "spread", hidden)
    spread = xp.exp(clip(raw, -6.0, 4.0))
    return best, spread, modes, linear(parameters, "choice", hidden)


def into(vectors: Array, turn: Array) -> Array:
    """Vectors (B, ..., 2) in the frames of B people whose headings have the cosine and sine `turn` (B, 2)."""
    xp = namespace(vectors)
    shape = (len(turn), *(1,) * (vectors.ndim - 2))
    c, s = xp.reshape(turn[:, 0], shape), xp.reshape(turn[:, 1], shape)
    x, y = vectors[..., 0], vectors[..., 1]
    return xp.stack([c * x + s * y, c * y - s * x], axis=-1)


def place(paths: Array, seen: Seen) -> Array:
    """Paths (B, ..., 2) from each person's own frame and units to metres in the common frame, from their places."""
    xp = namespace(paths)
    back = xp.stack([seen.turn[:, 0], -seen.turn[:, 1]], axis=-1)
    return into(paths * xp.reshape(seen.pace, (len(paths), *(1,) * (paths.ndim - 1))), back)
