"""How people find their way: for each place they may want to reach, which way to walk from everywhere else.

Shortest ways are SciPy's Dijkstra from the goal over the eight-connected grid of open floor, with steps near walls
made dearer. Where the goal is in plain sight people walk straight at it; elsewhere they aim at a place a little
further along the shortest way, so that nobody walks in the grid's eight directions only.

Thousands of worlds have thousands of goals, and a search for each would take minutes. So the ways of a crowd lead to
landmarks, places half a metre apart: whoever sees the landmark of their goal walks straight at the goal itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from sac_son_nav.errors import RouteError
from sac_son_nav.grid_graph import further, grid_graph, nearest_open
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.states import Floats

CELL = 0.1  # [m] grid of the search; finer maps are coarsened to it
CLEARANCE = 0.25  # [m] from walls that a walking person needs
COMFORT = 0.4  # [m] beyond it, within which a step costs more
WALL_PRICE = 2.0  # how much more, right at the clearance
LOOK_AHEAD = 6  # cells along the shortest way that people aim at
LANDMARKS = 0.5  # [m] from one to the next: no wall that people have to walk round fits in between
SIGHT_RAYS = 1440  # directions in which it is checked how far a goal can be seen


@dataclass(frozen=True)
class Way:
    """The way to one goal (2,) [m] from every coarse cell: unit `directions` (rows, columns, 2), whether the goal is
    `in_sight` (rows, columns), and the `cost` (rows, columns) [m, dearer near walls], inf where no way leads there."""

    goal: Floats
    directions: Floats
    in_sight: NDArray[np.bool_]
    cost: Floats


class WalkingGraph:
    """Ways over one floor plan; the graph is built once, each goal's way once."""

    def __init__(self, floor: OccupancyMap) -> None:
        self.floor = floor
        self.stride = max(1, round(CELL / floor.resolution))
        self.size = self.stride * floor.resolution
        clearance = np.where(floor.cells == UNKNOWN, -1.0, floor.wall_distance)
        self.clearance = _block_mean(clearance, self.stride)
        self.open: NDArray[np.bool_] = self.clearance >= CLEARANCE
        if not self.open.any():
            raise RouteError(f"floor plan: expected open floor {2 * CLEARANCE:.2f} m wide somewhere, found none")
        # Somebody pushed against a wall walks as the nearest open cell would have them walk.
        self._nearest_open = nearest_open(self.open)
        self._ways: dict[tuple[float, float], Way] = {}
        self._landmarks: dict[tuple[float, float], int] = {}
        self._guide = np.zeros((0, self.open.size, 3))

    def cell_at(self, points: Floats) -> NDArray[np.intp]:
        """Row and column (..., 2) of the coarse cell under points (..., 2) [m], clipped to the plan."""
        cells = np.floor((points - np.asarray(self.floor.origin)) / self.size)[..., ::-1].astype(np.intp)
        return np.clip(cells, 0, np.array(self.open.shape) - 1)

    def way_to(self, goal: Floats) -> Way:
        """The way to goal (2,) [m], worked out at the first call."""
        key = (float(goal[0]), float(goal[1]))
        if key not in self._ways:
            self._ways[key] = self._search(np.array(key))
        return self._ways[key]

    @cached_property
    def plain(self) -> bool:
        """Whether there is nothing to walk round at all."""
        return bool((self.floor.cells == FREE).all())

    def landmarks(self, goals: Floats) -> NDArray[np.intp]:
        """The number (M,) of the landmark of each of the goals (M, 2) [m]."""
        corner = np.asarray(self.floor.origin)
        places = corner + (np.floor((goals - corner) / LANDMARKS) + 0.5) * LANDMARKS
        rows, columns = np.moveaxis(self.cell_at(places), -1, 0)
        inside = (np.floor((places - corner) / self.size) == np.stack([columns, rows], axis=-1)).all(axis=-1)
        # Near a wall, where no landmark can be, a goal is its own.
        places = np.where((inside & self.open[rows, columns])[:, None], places, goals)
        numbers = [self._landmarks.setdefault((x, y), len(self._landmarks)) for x, y in places.tolist()]
        return np.array(numbers, dtype=np.intp)

    @property
    def guide(self) -> Floats:
        """For each landmark and coarse cell (L, rows * columns, 3): the direction to walk in, and 1 where the landmark
        is in sight, else 0. It grows with the landmarks."""
        if len(self._guide) < len(self._landmarks):
            new = []
            for place in list(self._landmarks)[len(self._guide) :]:
                way = self._search(np.array(place))
                new.append(np.concatenate([way.directions, way.in_sight[..., None]], axis=-1).reshape(-1, 3))
            self._guide = np.concatenate([self._guide, np.stack(new)])
        return self._guide

    def _search(self, goal: Floats) -> Way:
        row, column = self.cell_at(goal)
        source = int(self._nearest_open[row, column])
        costs, towards = csgraph.dijkstra(self._graph, indices=source, return_predecessors=True)
        ahead = further(towards, LOOK_AHEAD)
        centres = self._centres.reshape(-1, 2)
        aims = centres[ahead][self._nearest_open]  # (rows, columns, 2)
        aims = np.where((ahead == source)[self._nearest_open][..., None], goal, aims)
        offset = aims - self._centres
        directions = offset / np.maximum(np.linalg.norm(offset, axis=-1, keepdims=True), 1e-9)
        return Way(goal, directions, self._in_sight_of(goal), costs[self._nearest_open])

    def _in_sight_of(self, goal: Floats) -> NDArray[np.bool_]:
        """From which cells one can walk straight to the goal: what a laser there would see with walls grown."""
        turns = np.arange(SIGHT_RAYS, dtype=np.float64) * (2.0 * np.pi / SIGHT_RAYS)
        ranges = self._grown.cast(goal, turns, 1e3)
        ranges = np.minimum(ranges, np.roll(ranges, -1))
        offset = self._centres - goal
        bins = np.floor(np.arctan2(offset[..., 1], offset[..., 0]) % (2.0 * np.pi) * (SIGHT_RAYS / (2.0 * np.pi)))
        seen: NDArray[np.bool_] = np.linalg.norm(offset, axis=-1) < ranges[bins.astype(np.intp) % SIGHT_RAYS]
        return seen

    @cached_property
    def _grown(self) -> RayCaster:
        grown = np.where(self.floor.wall_distance < CLEARANCE, OCCUPIED, FREE).astype(np.int8)
        return RayCaster(OccupancyMap(grown, self.floor.resolution, self.floor.origin))

    @cached_property
    def _centres(self) -> Floats:
        rows, columns = self.open.shape
        y, x = np.mgrid[0:rows, 0:columns]
        return np.asarray(self.floor.origin) + (np.stack([x, y], axis=-1) + 0.5) * self.size

    @cached_property
    def _graph(self) -> sparse.csr_matrix:
        """Symmetric graph of open cells: an edge costs its length, dearer near walls."""
        price = 1.0 + WALL_PRICE * np.clip(1.0 - (self.clearance - CLEARANCE) / COMFORT, 0.0, 1.0)
        return grid_graph(self.open, price, self.size)


def _block_mean(values: Floats, stride: int) -> Floats:
    """Mean over blocks of stride x stride cells; what is missing at the upper edges repeats the last cell."""
    rows, columns = (-(-n // stride) * stride for n in values.shape)
    padded = np.pad(values, ((0, rows - values.shape[0]), (0, columns - values.shape[1])), mode="edge")
    blocks: Floats = padded.reshape(rows // stride, stride, columns // stride, stride).mean(axis=(1, 3))
    return blocks
