"""A floor plan as an occupancy grid, and how far every place in it is from the nearest wall.

Frame `map`, metres. Cell (row, column) covers the square whose lower-left corner is origin + resolution *
(column, row): row 0 is the lowest y, as in nav_msgs/OccupancyGrid. The grid is axis-aligned.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sac_son_nav.arrays import Array, clip, components_first, components_last, device, namespace
from sac_son_nav.errors import MapError

FREE, OCCUPIED, UNKNOWN = 0, 100, -1


@dataclass(frozen=True, eq=False)
class OccupancyMap:
    """Cells (rows, columns), int8: FREE, OCCUPIED or UNKNOWN; `origin` (2,) [m]: the lower-left corner. A map equals
    itself alone, so that what was worked out for it can be kept."""

    cells: NDArray[np.int8]
    resolution: float
    origin: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.cells.ndim != 2 or self.cells.size == 0:
            raise MapError(f"map: expected a grid of rows and columns, got shape {self.cells.shape}")
        if not np.all(np.isfinite(self.origin)):
            raise MapError(f"map origin: expected finite metres, got {self.origin}")
        if not 0.0 < self.resolution < np.inf:
            raise MapError(f"map resolution: expected metres per cell above zero, got {self.resolution}")

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """x_min, x_max, y_min, y_max [m]."""
        rows, columns = self.cells.shape
        x, y = self.origin
        return x, x + columns * self.resolution, y, y + rows * self.resolution

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """Where walls are, (rows, columns)."""
        return self.cells == OCCUPIED

    @cached_property
    def walled(self) -> bool:
        """Whether there is any wall."""
        return bool(self.occupied.any())

    @cached_property
    def wall_distance(self) -> NDArray[np.float64]:
        """From each cell's centre to the nearest wall's face, (rows, columns) [m]; negative inside walls.

        The face of a wall is taken half a cell before the centre of its outermost cell. A plan without walls
        is everywhere as far from one as the plan is large.
        """
        walls = self.occupied
        if not walls.any():
            return np.full(walls.shape, float(np.hypot(*walls.shape)) * self.resolution)
        outside = ndimage.distance_transform_edt(~walls)
        inside = ndimage.distance_transform_edt(walls) if _has_core(walls) else 1.0
        return np.where(walls, 0.5 - inside, outside - 0.5) * self.resolution

    @cached_property
    def _wall_gradient(self) -> NDArray[np.float64]:
        """Derivative of `wall_distance` along x and y, (rows, columns, 2), without unit."""
        if min(self.cells.shape) < 2:
            return np.zeros((*self.cells.shape, 2))
        dy, dx = np.gradient(self.wall_distance, self.resolution)
        return np.stack([dx, dy], axis=-1)

    def cell_at(self, points: NDArray[np.float64]) -> NDArray[np.intp]:
        """Row and column (..., 2) of the cell under each point (..., 2) [m]; may lie outside the grid."""
        cells = np.floor((np.asarray(points) - np.asarray(self.origin)) / self.resolution)
        return cells.astype(np.intp)[..., ::-1]

    def centre_of(self, cells: NDArray[np.intp]) -> NDArray[np.float64]:
        """The centre (..., 2) [m] of each cell (..., 2) given as row and column."""
        return np.asarray(self.origin) + (np.asarray(cells)[..., ::-1] + 0.5) * self.resolution

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each point (..., 2) [m] lies on the grid, (...)."""
        cells = self.cell_at(points)
        inside: NDArray[np.bool_] = np.all((cells >= 0) & (cells < self.cells.shape), axis=-1)
        return inside

    def distance_at(self, points: Array) -> Array:
        """Distance to the nearest wall (...) [m] at points (..., 2) [m], bilinear between cell centres; points
        beyond the plan take the value at its edge."""
        return self._sample(points, 1)[0]

    def distance_and_direction_at(self, points: Array) -> tuple[Array, Array]:
        """`distance_at` points (..., 2) [m], and the direction (..., 2), about unit length, in which it grows."""
        found = self._sample(points, 3)
        return found[0], components_last(found[1:])

    @cached_property
    def _fields(self) -> dict[tuple[object, object, int], tuple[Array, ...]]:
        """What sampling needs by type, device and number of fields: asked for thousands of times, converted once."""
        return {}

    def _field(self, like: Array, count: int) -> tuple[Array, ...]:
        """The first `count` of distance and its derivatives along x and y, (count, cells); along x and y, each (2, 1),
        the origin [m], the last cell and the last that has another after it; and the way in the flattened plan from a
        cell to itself, right, up, and up and right, (4, 1). In the type and on the device of `like`."""
        key = (like.dtype, device(like), count)
        if key not in self._fields:
            rows, columns = self.cells.shape
            values = [self.wall_distance, *(np.moveaxis(self._wall_gradient, -1, 0) if count > 1 else ())]
            size, (right, up) = np.array([[columns], [rows]]), (int(columns > 1), columns * (rows > 1))
            made = (
                np.stack([v.reshape(-1) for v in values[:count]]),
                np.reshape(self.origin, (2, 1)),
                *(size - 1, np.maximum(size - 2, 0)),
            )
            xp, where = namespace(like), device(like)
            steps = xp.asarray([[0], [right], [up], [up + right]], dtype=xp.int64, device=where)
            self._fields[key] = (*(xp.asarray(a, dtype=like.dtype, device=where) for a in made), steps)
        return self._fields[key]

    def _sample(self, points: Array, count: int) -> Array:
        """The first `count` channels (count, ...) at points (..., 2) [m], bilinear between cell centres."""
        xp, (channels, origin, last, last_low, steps) = namespace(points), self._field(points, count)
        flat = xp.reshape(components_first(points), (2, -1))
        cells = xp.minimum(clip((flat - origin) / self.resolution - 0.5, 0.0), last)
        low = xp.minimum(xp.floor(cells), last_low)
        share = cells - low
        # Counted as integers: single precision can't tell cells of a large plan apart.
        low = xp.astype(low, xp.int64)
        corners = xp.reshape(low[1] * self.cells.shape[1] + low[0] + steps, (-1,))
        found = xp.reshape(xp.take(channels, corners, axis=1), (count, 2, 2, -1))
        lower_upper = found[:, :, 0] + (found[:, :, 1] - found[:, :, 0]) * share[0]
        values = lower_upper[:, 0] + (lower_upper[:, 1] - lower_upper[:, 0]) * share[1]
        return xp.reshape(values, (count, *points.shape[:-1]))


def _has_core(walls: NDArray[np.bool_]) -> bool:
    """Whether any wall (rows, columns) is more than a cell thick: has a cell without free floor beside it."""
    closed = np.pad(walls, 1, constant_values=True)
    beside = closed[:-2, 1:-1] & closed[2:, 1:-1] & closed[1:-1, :-2] & closed[1:-1, 2:]
    return bool((walls & beside).any())


def points_as_map(
    points: NDArray[np.float64], centre: NDArray[np.float64], reach: float, resolution: float = 0.08
) -> OccupancyMap:
    """The returns (M, 2) within `reach` [m] of centre (2,) as a small map."""
    side = int(np.ceil(2.0 * reach / resolution))
    origin = centre - reach
    cells = np.full((side, side), FREE, dtype=np.int8)
    local = OccupancyMap(cells, resolution, (float(origin[0]), float(origin[1])))
    rows, columns = np.moveaxis(local.cell_at(points[local.contains(points)]), -1, 0)
    cells[rows, columns] = OCCUPIED
    return local
