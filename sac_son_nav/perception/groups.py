"""Who belongs together: people who walk side by side, and people who stand around a shared space.

Walking: for each two people the mean distance, the mean difference of their velocities, how long both have been in
sight, how long before the other the first of them came, and the mean cosine between the ways they go (Moussaid et al.,
"The walking behaviour of pedestrian social groups", PLoS ONE 2010, on how near and how alike companions walk). A
logistic regression of these tells companions from strangers; whoever is joined by a chain of companions is one group.
Standing: an F-formation, people whose o-spaces, the places right before them, coincide (Kendon 1990; by votes as
Cristani et al., "Social interaction discovery by statistical analysis of F-formations", BMVC 2011).

Shapes: N people. Frame fixed, SI units.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Floats, Tracks

Groups = NDArray[np.int64]
NOBODY = -1  # the group of who is in none
_LARGEST = 8.0  # [m], [m/s], [s] that a feature counts at most
_HEADING_SPEED = 0.3  # [m/s] above which a walker's direction is known


@dataclass(frozen=True)
class GroupConfig:
    """What makes companions; the weights were fitted by ``sac-son evaluate groups --fit`` to five recorded places.

    Log odds = bias + distance * mean distance [m] + velocity * mean velocity difference [m/s] + time * log(common
    time [s]) + arrival * difference of their arrivals [s] + alignment * mean cosine between their directions while
    both walk.
    """

    bias: float = -2.455
    distance: float = -1.105
    velocity: float = -1.479
    time: float = 1.241
    arrival: float = -0.279
    alignment: float = 1.557
    least_odds: float = -0.3  # log odds from which two are companions
    farthest: float = 4.0  # [m] between companions right now
    least_time: float = 2.0  # [s] for which two must have been seen
    forget: float = 2.0  # [s] after which somebody out of sight is forgotten
    standing_speed: float = 0.2  # [m/s] up to which somebody stands
    o_space: float = 0.6  # [m] from a person to the middle of the space before them
    o_spread: float = 0.5  # [m] between two such middles that are one space

    def __post_init__(self) -> None:
        for name in ("farthest", "least_time", "forget", "o_space", "o_spread"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected a number above zero, got {getattr(self, name)}")


@dataclass
class PairHistory:
    """What two people have done in sight of each other: sums over so many moments, and the seconds."""

    moments: int = 0
    distance: float = 0.0  # sum [m]
    velocity: float = 0.0  # sum of the velocities' difference [m/s]
    first_s: float = 0.0
    last_s: float = 0.0
    arrival: float = 0.0  # [s] between the arrivals of the two
    alignment: float = 0.0  # sum of the cosines between their directions
    walking: int = 0  # moments in which both walked

    def features(self) -> tuple[float, float, float, float, float]:
        """Mean distance [m], mean velocity difference [m/s], log of the common time [s], arrivals' difference [s],
        mean cosine between their directions, 0 where they never walked."""
        count, time = max(self.moments, 1), max(self.last_s - self.first_s, 0.4)
        return (
            min(self.distance / count, _LARGEST),
            min(self.velocity / count, _LARGEST),
            math.log(time),
            min(self.arrival, _LARGEST),
            self.alignment / max(self.walking, 1),
        )


def odds(history: PairHistory, config: GroupConfig) -> float:
    """Log odds that two people are companions."""
    weights = (config.distance, config.velocity, config.time, config.arrival, config.alignment)
    return config.bias + sum(w * f for w, f in zip(weights, history.features(), strict=True))


class GroupTracker:
    """Keeps what each two people have done, and names groups so that a group keeps its number while a member stays."""

    def __init__(self, config: GroupConfig | None = None) -> None:
        self.config = config or GroupConfig()
        self.pairs: dict[tuple[int, int], PairHistory] = {}
        self._arrived: dict[int, float] = {}
        self._seen: dict[int, float] = {}
        self._headings: dict[int, float] = {}
        self._group_of: dict[int, int] = {}
        self._next = 1
        self._stamp_s, self._frame = float("-inf"), ""

    def update(self, tracks: Tracks) -> Groups:
        """The group (N,) of each person of `tracks`, NOBODY for who is alone. A clock set back or another frame starts
        anew; group numbers are never used again."""
        if tracks.stamp_s < self._stamp_s or tracks.frame != self._frame:
            self.pairs, self._arrived, self._seen, self._headings, self._group_of = {}, {}, {}, {}, {}
        self._stamp_s, self._frame = tracks.stamp_s, tracks.frame
        ids = [int(i) for i in tracks.ids]
        self._remember(ids, tracks)
        apart = np.linalg.norm(tracks.positions[:, None] - tracks.positions[None], axis=-1)
        differing = np.linalg.norm(tracks.velocities[:, None] - tracks.velocities[None], axis=-1)
        speeds = np.linalg.norm(tracks.velocities, axis=-1)
        together = []
        for i, j in zip(*np.nonzero(np.triu(apart < 2.0 * self.config.farthest, 1)), strict=True):
            pair = self._meet(ids[i], ids[j], float(apart[i, j]), float(differing[i, j]))
            if min(speeds[i], speeds[j]) > _HEADING_SPEED:
                pair.walking += 1
                pair.alignment += float(tracks.velocities[i] @ tracks.velocities[j] / (speeds[i] * speeds[j]))
            known = pair.last_s - pair.first_s >= self.config.least_time
            if known and apart[i, j] < self.config.farthest and odds(pair, self.config) > self.config.least_odds:
                together.append((int(i), int(j)))
        standing = speeds <= self.config.standing_speed
        headings = np.array([self._headings.get(i, np.nan) for i in ids])
        rows = np.flatnonzero(standing & np.isfinite(headings))
        formations = f_formations(tracks.positions[rows], headings[rows], self.config)
        together += [(int(rows[a]), int(rows[b])) for a, b in _neighbours(formations)]
        return self._named(ids, components(len(ids), together))

    def _remember(self, ids: list[int], tracks: Tracks) -> None:
        for number, velocity in zip(ids, tracks.velocities, strict=True):
            self._arrived.setdefault(number, tracks.stamp_s)
            self._seen[number] = tracks.stamp_s
            if math.hypot(*velocity) > _HEADING_SPEED:
                self._headings[number] = math.atan2(velocity[1], velocity[0])
        gone = {n for n, seen in self._seen.items() if tracks.stamp_s - seen > self.config.forget}
        if gone:
            for kept in (self._arrived, self._seen, self._headings, self._group_of):
                for number in gone & kept.keys():
                    del kept[number]
            self.pairs = {pair: history for pair, history in self.pairs.items() if not gone & set(pair)}

    def _meet(self, one: int, other: int, distance: float, velocity: float) -> PairHistory:
        key = (min(one, other), max(one, other))
        pair = self.pairs.get(key)
        if pair is None:
            arrival = abs(self._arrived[one] - self._arrived[other])
            pair = self.pairs[key] = PairHistory(first_s=self._stamp_s, arrival=arrival)
        pair.moments += 1
        pair.distance += distance
        pair.velocity += velocity
        pair.last_s = self._stamp_s
        return pair

    def _named(self, ids: list[int], labels: Groups) -> Groups:
        """Each component by the number most of its members had, larger components first."""
        named, taken = np.full(len(ids), NOBODY, dtype=np.int64), set()
        sizes = {label: int(np.count_nonzero(labels == label)) for label in set(labels.tolist()) - {NOBODY}}
        for label in sorted(sizes, key=lambda k: (-sizes[k], k)):
            rows = np.flatnonzero(labels == label)
            before = [self._group_of[ids[r]] for r in rows if ids[r] in self._group_of]
            free = [number for number in before if number not in taken]
            number = max(set(free), key=lambda n: (free.count(n), -n)) if free else self._next
            self._next = max(self._next, number + 1)
            taken.add(number)
            named[rows] = number
        self._group_of = {number: int(group) for number, group in zip(ids, named, strict=True) if group != NOBODY}
        return named


def f_formations(positions: Floats, headings: Floats, config: GroupConfig) -> Groups:
    """The formation (N,) of each standing person at positions (N, 2) facing headings (N,) [rad], NOBODY for none.

    Two share an o-space if the places `o_space` before them are at most `o_spread` apart and nobody else stands
    nearer to its middle than both of them.
    """
    count = len(positions)
    ahead = positions + config.o_space * np.stack([np.cos(headings), np.sin(headings)], axis=-1)
    apart = np.linalg.norm(ahead[:, None] - ahead[None], axis=-1)
    together = []
    for i, j in zip(*np.nonzero(np.triu(apart <= config.o_spread, 1)), strict=True):
        middle = 0.5 * (ahead[i] + ahead[j])
        reach = np.linalg.norm(positions - middle, axis=-1)
        nearest = min(reach[i], reach[j])
        within = [k for k in range(count) if k not in (i, j) and reach[k] < 0.5 * nearest]
        if not within:
            together.append((int(i), int(j)))
    return components(count, together)


def components(count: int, links: Iterable[tuple[int, int]]) -> Groups:
    """Who is joined by a chain of links: a number for each of `count`, NOBODY for who has no link."""
    root = list(range(count))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, j in links:
        root[find(i)] = find(j)
    roots = [find(i) for i in range(count)]
    return np.array([r if roots.count(r) > 1 else NOBODY for r in roots], dtype=np.int64)


def _neighbours(labels: Groups) -> list[tuple[int, int]]:
    """Links that make the same groups again."""
    links: list[tuple[int, int]] = []
    for label in set(labels.tolist()) - {NOBODY}:
        rows: Sequence[int] = np.flatnonzero(labels == label).tolist()
        links += list(pairwise(rows))
    return links
