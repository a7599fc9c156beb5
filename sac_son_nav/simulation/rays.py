"""How far one sees across a floor plan: single rays, or millions at once.

What comes out for a ray depends on that ray alone, to the last bit. Shapes: any leading dimensions. NumPy or torch, in
single or double precision; frame map, SI units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import Array, clip, namespace
from sac_son_nav.arrays import device as device_of
from sac_son_nav.maps import OccupancyMap

LARGEST = 127  # [cells] sides of the rectangles that are crossed at once: two of them fit into 16 bits
_WALL, _BEYOND = 0, -1
_SLOWEST = 1e-9  # [cells] per cell of way: along an axis, rays never stand quite still


class RayCaster:
    """How far one sees across a floor plan.

    Exact for the plan's square cells: a ray goes from cell to cell (Amanatides and Woo, "A fast voxel traversal
    algorithm", 1987), but crosses at once the largest empty rectangle that has its cell in the corner it comes from
    (Devillers, "The macro-regions: an efficient space subdivision structure for ray tracing", 1989); two or three
    such leaps take it through a room. Each quadrant of directions has rectangles of its own, on a plan turned so that
    all its rays run to higher rows and columns. Cells of unknown content are seen through; beyond the plan there is
    nothing to hit.
    """

    def __init__(self, floor: OccupancyMap) -> None:
        walls = np.pad(floor.occupied, 1)
        beyond = np.pad(np.zeros(floor.cells.shape, dtype=bool), 1, constant_values=True)
        leaps = [_leaps(walls[::y, ::x], beyond[::y, ::x]) for y in (1, -1) for x in (1, -1)]
        self._leaps = np.stack(leaps).reshape(-1)
        self._rows, self._columns = walls.shape
        self._resolution = floor.resolution
        self._corner = tuple(at - floor.resolution for at in floor.origin)
        self._copies: dict[tuple[str, str], Array] = {}

    def cast(self, origins: Array, angles: Array, reach: float) -> Array:
        """Distance (..., B) [m] from origins (..., 2) [m] to the first wall in each direction (..., B) [rad], frame
        `map`; inf where there is none within `reach` [m], 0 everywhere when the origin is inside a wall."""
        xp, cells = namespace(angles), self._rows * self._columns
        x, y = ((origins[..., k, None] - at) / self._resolution for k, at in enumerate(self._corner))
        column, u, speed_u = _turned(x, xp.cos(angles), self._columns, 1, cells)
        row, v, speed_v = _turned(y, xp.sin(angles), self._rows, self._columns, 2 * cells)
        rays = [xp.reshape(a, (-1,)) for a in (column + row, u, v, speed_u, speed_v)]
        return xp.reshape(self._follow(rays, reach / self._resolution), angles.shape) * self._resolution

    def _follow(self, rays: list[Array], reach: float) -> Array:
        """The ways (A,) [cells] of rays to a wall: each from a cell of the turned plans, by number, from u, v in it,
        at speeds along u and v, all (A,)."""
        start, u, v, speed_u, speed_v = rays
        xp, leaps = namespace(u), self._leaps_for(u)
        ways, ray = xp.full_like(u, np.inf), xp.arange(u.shape[0], device=device_of(u))
        per_u, per_v, way = 1.0 / speed_u, 1.0 / speed_v, xp.zeros_like(u)
        column = row = xp.zeros_like(start)  # crossed so far
        while True:
            leap = xp.take(leaps, start + (row * self._columns + column), axis=0)
            within = way <= reach
            on = xp.nonzero((leap > 0) & within)[0]
            if on.shape[0] < way.shape[0]:
                hit = xp.nonzero((leap == _WALL) & within)[0]
                ways[xp.take(ray, hit, axis=0)] = xp.take(way, hit, axis=0)
                all_rays = (ray, start, u, v, speed_u, speed_v, per_u, per_v, column, row, leap)
                ray, start, u, v, speed_u, speed_v, per_u, per_v, column, row, leap = (
                    xp.take(a, on, axis=0) for a in all_rays
                )
            if on.shape[0] == 0:
                return ways
            end_column, end_row = column + (leap >> 8), row + (leap & 255)  # the first ones behind the rectangle
            way_u = (xp.astype(end_column, u.dtype) - u) * per_u
            way_v = (xp.astype(end_row, u.dtype) - v) * per_v
            way, by_u = xp.minimum(way_u, way_v), way_u <= way_v
            # A ray leaves by one side only, and never goes back, whatever rounding says.
            column = _between(xp.astype(way * speed_u + u, xp.int32), column, end_column - 1) + by_u
            row = _between(xp.astype(way * speed_v + v, xp.int32), row, end_row - 1) + ~by_u

    def _leaps_for(self, like: Array) -> Array:
        """The rectangles of all cells, where `like` is."""
        key = (type(like).__module__, str(device_of(like)))
        if key not in self._copies:
            self._copies[key] = namespace(like).asarray(self._leaps, device=device_of(like))
        return self._copies[key]


def _turned(start: Array, speed: Array, count: int, stride: int, plan: int) -> tuple[Array, Array, Array]:
    """One axis of rays, counted in the sense they run: which of the `count` cells they start in, times `stride`, and
    plus `plan` for those that run backwards; where in it, 0 to 1; and how fast they run. Of `start` (..., 1) [cells]
    and `speed` (..., B). Who starts on a boundary starts in the cell ahead."""
    xp, backwards = namespace(speed), speed < 0.0
    forth, back = clip(start, 0.0, count - 0.5), clip(count - start, 0.0, count - 0.5)
    cell_forth, cell_back = xp.floor(forth), xp.floor(back)
    within = xp.where(backwards, back - cell_back, forth - cell_forth)
    # Counted as whole numbers: single precision can't tell the cells of a large plan apart.
    numbers = xp.astype(cell_back, xp.int32) * stride + plan, xp.astype(cell_forth, xp.int32) * stride
    return xp.where(backwards, *numbers), within, clip(xp.abs(speed), _SLOWEST, None)


def _between(numbers: Array, low: Array, high: Array) -> Array:
    xp = namespace(numbers)
    return xp.minimum(xp.maximum(numbers, low), high)


def _leaps(walls: NDArray[np.bool_], beyond: NDArray[np.bool_]) -> NDArray[np.int16]:
    """For each cell (rows, columns) the largest empty rectangle towards higher rows and columns that it is the first
    cell of: 256 times its columns plus its rows; _WALL in walls and _BEYOND on the rim.

    Of heights that are powers of two the one with the largest area is taken; then it grows while it fits.
    """
    blocked = walls | beyond
    rows, columns = blocked.shape
    number = np.arange(columns, dtype=np.int32)
    ahead = np.minimum.accumulate(np.where(blocked, number, columns)[:, ::-1], axis=1)[:, ::-1]
    widths = [np.minimum(ahead - number, LARGEST).astype(np.uint8)]  # the widest of height 1, 2, 4, ...
    width, height = widths[0], np.minimum(widths[0], 1)
    while 2 ** len(widths) <= min(rows, LARGEST):
        lower, half, tall = widths[-1], 2 ** (len(widths) - 1), np.uint8(2 ** len(widths))
        taller = np.zeros_like(lower)
        taller[:-half] = np.minimum(lower[:-half], lower[half:])
        larger = taller * np.int16(tall) > width.astype(np.int16) * height
        width, height = np.where(larger, taller, width), np.where(larger, tall, height)
        widths.append(taller)
    cell = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    for k in range(len(widths) - 2, -1, -1):
        above = np.minimum(cell + height.astype(np.int32) * columns, rows * columns - 1)
        fits = (np.take(widths[k], above) >= width) & (width > 0) & (height <= LARGEST - 2**k)
        height = height + fits * np.uint8(2**k)
    return np.where(beyond, np.int16(_BEYOND), width.astype(np.int16) * 256 + height)
