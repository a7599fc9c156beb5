"""How far it is on foot: lengths of shortest ways over open floor, and who can see whom.

Ways are those of the route planner's eight-connected grid without its dearer steps near walls. Such a way is never
shorter than the true one and longer by at most 8 % (a way at 22.5 degrees to the grid).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csgraph

from sac_son_nav.errors import MapError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.route import RouteConfig, RoutePlanner
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.states import Floats

KEPT = 8  # fields that are not worked out again


@dataclass(frozen=True)
class Field:
    """Lengths [m] of the ways from one point (2,) [m] to everywhere; inf where none leads."""

    ways: Ways
    source: Floats
    lengths: Floats  # (cells,) [m]

    def at(self, points: Floats) -> Floats:
        """Length (...) [m] of the way to each point (..., 2) [m], never less than the straight distance; NaN for a
        point that is not finite."""
        known = np.asarray(np.isfinite(points).all(axis=-1))
        places = np.where(known[..., None], points, self.source)
        straight = np.linalg.norm(places - self.source, axis=-1)
        return np.where(known, np.maximum(straight, self.lengths[self.ways.cell_of(places)]), np.nan)


class Ways:
    """Shortest ways of a body of radius `clearance` [m] over a floor plan. Raises MapError when it fits nowhere."""

    def __init__(self, floor: OccupancyMap, clearance: float) -> None:
        self.floor = floor
        # Length alone: no price on nearness to walls, no wish to keep off them.
        self._planner = RoutePlanner(floor, clearance, RouteConfig(clearance=0.0, comfort=1e-6, wall_cost=0.0))
        if not self._planner.open.any():
            raise MapError(f"map: expected open floor {2.0 * clearance:.2f} m wide somewhere, found none")
        self._fields: dict[tuple[float, ...], Field] = {}
        self._lengths: dict[tuple[float, ...], float] = {}  # many runs begin and end at the same places

    def length(self, start: Floats, goal: Floats) -> float:
        """Length [m] of the way from start to goal (2,), pulled straight; raises RouteError when there is none."""
        key = (*map(float, start), *map(float, goal))
        if key not in self._lengths:
            self._lengths[key] = self._planner.plan(start, goal).length
        return self._lengths[key]

    def field(self, source: Floats, within: float = np.inf) -> Field:
        """All ways from a point (2,) [m] that are not longer than `within` [m]; the others count as inf."""
        key = (*map(float, source), within)
        if key not in self._fields:
            lengths = csgraph.dijkstra(self._planner.graph, indices=int(self.cell_of(source)), limit=within)
            if len(self._fields) >= KEPT:
                self._fields.pop(next(iter(self._fields)))
            self._fields[key] = Field(self, np.asarray(source, dtype=np.float64), lengths)
        return self._fields[key]

    def cell_of(self, points: Floats) -> NDArray[np.intp]:
        """Number (...) of the open cell nearest to each point (..., 2) [m]."""
        shape = self._planner.open.shape
        scaled = (points - np.asarray(self.floor.origin)) / (self.floor.resolution * self._planner.stride)
        cells = np.clip(np.floor(scaled).astype(np.intp)[..., ::-1], 0, np.array(shape) - 1)
        return self._nearest_open[cells[..., 0], cells[..., 1]]

    def joined(self, a: Floats, points: Floats) -> NDArray[np.bool_]:
        """Whether any way, however long, leads from a (2,) to each point (..., 2), (...)."""
        parts = self._parts
        return np.asarray(parts[self.cell_of(points)] == parts[int(self.cell_of(a))])

    @cached_property
    def _parts(self) -> NDArray[np.intp]:
        return np.asarray(csgraph.connected_components(self._planner.graph, directed=False)[1])

    @cached_property
    def _nearest_open(self) -> NDArray[np.intp]:
        found = ndimage.distance_transform_edt(~self._planner.open, return_distances=False, return_indices=True)
        return np.asarray(found[0] * self._planner.open.shape[1] + found[1], dtype=np.intp)

    @cached_property
    def _rays(self) -> RayCaster:
        return RayCaster(self.floor)

    def in_sight(self, origin: Floats, points: Floats, radii: Floats) -> NDArray[np.bool_]:
        """Whether no wall stands between origin (2,) and each disc (N, 2), (N,) [m], on the line to its centre;
        (N,)."""
        offset = points - origin
        apart = np.linalg.norm(offset, axis=-1)
        free = self._rays.cast(origin, np.arctan2(offset[..., 1], offset[..., 0]), float(np.max(apart, initial=0.0)))
        seen: NDArray[np.bool_] = free >= apart - radii
        return seen
