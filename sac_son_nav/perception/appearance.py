"""How much a candidate looks like a person: a logistic regression over what it and its surroundings are like.

The bounds of :mod:`.scan_people` say what may be a person at all; this says how likely it is, which no hand did well:
joints of a wall, table legs and seats pass the bounds too. What tells most of them apart is that they stand in line
with what is beside them (`in_line`), where people stand free.

The weights were fitted by `sac-son train people` (:mod:`sac_son_nav.training.people`) to the scans of two recordings
of Leigh et al. (ICRA 2015) in which people were marked by hand; `docs/people.md` says on what, and what it reaches on
the recording that was left out.

Shapes: N candidates, F features. Lengths in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Floats

FEATURES = (
    "bounds",  # logarithm of how well the bounds are kept
    "pair",  # 1 for two legs, else 0
    "body",  # 1 for one wide thing, else 0
    "lone",  # 1 for one leg alone, else 0
    "width_least",  # [m] of the narrower leg
    "width_most",  # [m] of the wider leg
    "apart",  # [m] between the axes of two legs, 0 for others
    "depth",  # [m] largest minus smallest range, of the deeper one
    "round_least",  # mean distance of the returns from the chord over the width: pi/8 for a half circle
    "round_most",
    "thickness",  # [m] root mean square distance from the best line, of the thicker one
    "angle_least",  # logarithm of the angle [rad] under which it is seen: whatever the laser, less says less
    "angle_most",
    "free_least",  # 2 where what lies on both sides is farther away, 0 where it is nearer
    "free_most",
    "in_line",  # [m] of surface around, at most 1.2 m off, that lies on one line with the candidate
)
_LARGEST = 8.0  # log odds beyond which nothing is believed
_RING = (0.3, 1.2)  # [m] around a candidate in which surface is looked for
_LINE = 0.07  # [m] half the width of a line
_DIRECTIONS = np.pi * np.arange(18) / 18.0
_NORMALS = np.stack([-np.sin(_DIRECTIONS), np.cos(_DIRECTIONS)])  # (2, 18)
_MOST_IN_LINE = 1.5  # [m]


@dataclass(frozen=True)
class Appearance:
    """A fitted regression: means (F,), scales (F,) and weights (F,) in the order of FEATURES, and the log odds of a
    candidate that is average in everything. People and others are given the same prior odds."""

    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def __post_init__(self) -> None:
        for name in ("means", "scales", "weights"):
            if len(getattr(self, name)) != len(FEATURES):
                raise ConfigError(f"{name}: expected {len(FEATURES)} numbers, got {len(getattr(self, name))}")
        if not min(self.scales) > 0.0:
            raise ConfigError(f"scales: expected numbers above zero, got {min(self.scales)}")

    def probabilities(self, features: Floats) -> Floats:
        """Of being a person (N,) in (0, 1), for features (N, F)."""
        standard = (features - np.array(self.means)) / np.array(self.scales)
        odds = np.clip(standard @ np.array(self.weights) + self.bias, -_LARGEST, _LARGEST)
        return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def in_line(places: Floats, points: Floats, increment: float) -> Floats:
    """How much surface (N,) [m] around places (N, 2) lies on one line with each: the most over all directions.

    points (M, 2) are all returns of a laser at the origin with beams `increment` [rad] apart; each stands for as much
    surface as there is between two beams at the place's range.
    """
    most = np.zeros(len(places))
    if len(places) == 0 or len(points) == 0:
        return most
    offset = points[None] - places[:, None]  # (N, M, 2)
    squared = np.einsum("nmi,nmi->nm", offset, offset)
    place, point = np.nonzero((squared > _RING[0] ** 2) & (squared < _RING[1] ** 2))
    if len(place) == 0:
        return most
    on_line = np.abs(offset[place, point] @ _NORMALS) < _LINE  # (K, 18)
    rows, starts = np.unique(place, return_index=True)
    most[rows] = np.add.reduceat(on_line.astype(np.float64), starts, axis=0).max(axis=1)
    spacing = np.hypot(places[:, 0], places[:, 1]) * abs(increment)
    return np.minimum(most * spacing, _MOST_IN_LINE)


LEARNED = Appearance(
    means=(
        -0.833671,
        0.331269,
        0.0875445,
        0.581186,
        0.128221,
        0.140806,
        0.120198,
        0.0498585,
        0.0263855,
        0.0446955,
        0.00792997,
        -3.77397,
        -3.67086,
        1.62051,
        1.74744,
        0.145657,
    ),
    scales=(
        0.63883,
        0.47167,
        0.283631,
        0.494365,
        0.126879,
        0.127104,
        0.196987,
        0.0791497,
        0.0775655,
        0.100156,
        0.014076,
        0.821374,
        0.835049,
        0.474746,
        0.418842,
        0.22521,
    ),
    weights=(
        0.452276,
        0.656942,
        -0.519532,
        -0.328713,
        -0.59525,
        -1.75816,
        -0.376419,
        0.429758,
        -0.0885767,
        0.0476996,
        0.45002,
        0.812912,
        1.51258,
        0.37799,
        0.168068,
        -1.3196,
    ),
    bias=-1.56156,
)
