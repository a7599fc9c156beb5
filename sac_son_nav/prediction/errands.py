"""Where people may be going, as far as the floor plan tells: nobody's errand is known, but walls leave few.

Errands are places spread over the open floor. Whoever walks may be bound for each of them, the more so the better the
shortest way there begins as they walk. How the mean direction of these ways turns along the way ahead is how they are
foreseen to turn: with a corridor, through a door, round a corner near its inner side, as those do who take the
shortest way. It is the turning that counts, not the direction itself: in the open people go on as they go.

That people are foreseen by how well the ways to possible goals fit theirs is Ziebart et al. (IROS 2009).
Shapes: N people, G errands. Frame map, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csgraph

from sac_son_nav.arrays import pair
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.grid_graph import further, grid_graph, nearest_open
from sac_son_nav.maps import FREE, OccupancyMap
from sac_son_nav.states import Floats

Floats32 = NDArray[np.float32]

CELL = 0.2  # [m] of the grid on which ways are searched
REACH, STRIDE = 10.0, 4.0  # [m] round whom errands are on a larger plan, and how far they go until they are made anew
CLEARANCE, COMFORT, WALL_PRICE = 0.25, 0.4, 1.0  # [m], [m]: people keep off walls; and how much dearer they are
MOST = 48  # errands
AIM = 5  # cells along the way that people aim at
SHARPNESS = 6.0  # how much less likely an errand is, the way to which begins elsewhere
ARRIVED = 1.2  # [m] from an errand, at which it is no reason to turn
AGREED = 0.5  # length of the mean of the directions of all errands, below which it says nothing
MOST_TURN = np.deg2rad(115.0)  # [rad] beyond which it would be turning back, of which walls say nothing
LEFT = 0.1  # of what was likely, below which so much has been passed that the rest says nothing


class Errands:
    """The ways to errands over one floor plan, or over the part of it that is within REACH of a place."""

    def __init__(self, floor: OccupancyMap, place: tuple[float, float] | None = None) -> None:
        """`place` [m] or, if None, the whole plan. Where no floor is open there are no errands."""
        stride = max(1, round(CELL / floor.resolution))
        first, last = np.zeros(2, dtype=int), np.array(floor.cells.shape)
        if place is not None:
            middle, reach = floor.cell_at(np.asarray(place)), round(REACH / floor.resolution)
            first, last = (np.clip(middle + side, 0, last) for side in (-reach, reach))
        part = tuple(slice(start, stop, stride) for start, stop in zip(first, last, strict=True))
        clearance = np.where(floor.cells[part] == FREE, floor.wall_distance[part], -1.0)
        is_open = clearance >= CLEARANCE
        self.size, self.shape = stride * floor.resolution, is_open.shape
        self.origin = (np.asarray(floor.origin) + floor.resolution * first[::-1]).astype(np.float32)
        self.directions = np.zeros((0, 2, max(1, is_open.size)), np.float32)  # (G, 2, cells)
        self.costs = np.zeros((0, max(1, is_open.size)), np.float32)  # (G, cells) [m, dearer near walls]
        if is_open.any():
            price = 1.0 + WALL_PRICE * np.clip(1.0 - (clearance - CLEARANCE) / COMFORT, 0.0, 1.0)
            self.directions, self.costs = _ways(is_open, price, self.size)

    def of(self, positions: Floats32, velocities: Floats32) -> Bound:
        """Where people at positions (N, 2) [m] who walk at velocities (N, 2) [m/s] may be bound for."""
        speed = np.hypot(velocities[:, 0], velocities[:, 1])
        heading = velocities / np.maximum(speed, 1e-6)[:, None]
        directions, costs = self._at(positions)  # (G, 2, N), (G, N)
        fits = directions[:, 0] * heading[:, 0] + directions[:, 1] * heading[:, 1]
        likely = np.where(np.isfinite(costs), np.exp(SHARPNESS * (fits - 1.0)), 0.0).astype(np.float32)
        return Bound(self, likely, positions, velocities)

    def _at(self, positions: Floats32) -> tuple[Floats32, Floats32]:
        columns, rows = ((positions[:, d] - self.origin[d]) / self.size for d in (0, 1))
        column = np.clip(columns, 0, max(0, self.shape[1] - 1)).astype(np.intp)
        row = np.clip(rows, 0, max(0, self.shape[0] - 1)).astype(np.intp)
        cell = row * self.shape[1] + column
        return self.directions[:, :, cell], self.costs[:, cell]


@dataclass(frozen=True)
class Bound:
    """How `likely` (G, N) each errand is for each of the people, who walked at `velocities` (N, 2) [m/s] when they
    were at `start` (N, 2) [m]."""

    errands: Errands
    likely: Floats32
    start: Floats32
    velocities: Floats32

    @cached_property
    def _begun(self) -> Floats32:
        return self.mean_angle(self.start)

    def onward(self, positions: Floats32, before: Floats32) -> tuple[Floats32, NDArray[np.bool_]]:
        """The velocity (N, 2) [m/s] that people want who have come to positions (N, 2) [m], as they walked at first,
        turned by as much as their ways have turned since; `before` (N, 2) where the ways say nothing; and of whom they
        do, (N,)."""
        angle = np.asarray(wrap_angle(self.mean_angle(positions) - self._begun))
        known = np.abs(angle) < MOST_TURN  # not so where it is NaN
        cosine, sine = np.cos(angle), np.sin(angle)
        x, y = self.velocities[:, 0], self.velocities[:, 1]
        wanted = pair(cosine * x - sine * y, sine * x + cosine * y)
        return np.where(known[:, None], wanted, before).astype(np.float32), known

    def mean_angle(self, positions: Floats32) -> Floats32:
        """Of the ways at positions (N, 2) [m], (N,) [rad]; NaN where they lead everywhere."""
        directions, costs = self.errands._at(positions)
        weights = np.where(costs > ARRIVED, self.likely, np.float32(0.0))
        total = weights.sum(axis=0)
        x, y = ((weights * directions[:, d]).sum(axis=0) for d in (0, 1))
        agreed = np.hypot(x, y) > AGREED * total
        agreed &= total > LEFT * self.likely.sum(axis=0)
        return np.where(agreed, np.arctan2(y, x), np.nan).astype(np.float32)


def is_small(floor: OccupancyMap) -> bool:
    """Whether a plan's errands are spread over all of it."""
    return bool(max(floor.cells.shape) * floor.resolution <= 2.0 * REACH)


def errands_near(floor: OccupancyMap, place: Floats) -> Errands:
    """The errands of people near place (2,) [m], worked out once for a plan or, if it is large, every STRIDE."""
    if is_small(floor):
        return _made(floor, None)
    x, y = (round(float(value) / STRIDE) * STRIDE for value in place)
    return _made(floor, (x, y))


@lru_cache(maxsize=8)
def _made(floor: OccupancyMap, place: tuple[float, float] | None) -> Errands:
    return Errands(floor, place)


def _ways(is_open: NDArray[np.bool_], price: Floats, size: float) -> tuple[Floats32, Floats32]:
    """From every cell to each of G errands: in which direction one walks (G, 2, cells), and what it costs (G, cells)
    [m, dearer where the `price` says], inf where no way leads there."""
    costs, towards = csgraph.dijkstra(
        grid_graph(is_open, price, size), indices=_spread(is_open), return_predecessors=True
    )
    number, columns = np.arange(is_open.size), is_open.shape[1]
    aims, nearest = further(towards, AIM), nearest_open(is_open).reshape(-1)
    offset = np.stack([aims % columns - number % columns, aims // columns - number // columns], axis=1)
    directions = offset / np.maximum(np.hypot(offset[:, 0], offset[:, 1]), 1e-6)[:, None]
    return directions[:, :, nearest].astype(np.float32), costs[:, nearest].astype(np.float32)


def _spread(is_open: NDArray[np.bool_]) -> NDArray[np.intp]:
    """At most MOST open cells, each as far as can be from those before; by their numbers."""
    cells = np.argwhere(is_open)
    chosen, apart = [0], np.full(len(cells), np.inf)
    while len(chosen) < min(MOST, len(cells)):
        apart = np.minimum(apart, np.hypot(*(cells - cells[chosen[-1]]).T))
        chosen.append(int(np.argmax(apart)))
    numbers: NDArray[np.intp] = cells[chosen, 0] * is_open.shape[1] + cells[chosen, 1]
    return numbers
