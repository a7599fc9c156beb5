"""How far it still is to a goal, from everywhere on a floor plan: the shortest ways of a round robot round corners.

Where the goal is in sight, the way is the straight line, exactly. In the shadows of walls its length u solves the
eikonal equation |grad u| = 1 with Godunov's upwind scheme (Rouy and Tourin, "A viscosity solutions approach to
shape-from-shading", SIAM J. Numer. Anal. 29(3), 1992), which unlike a search over the grid prefers no direction.

Frame map, SI units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.states import Floats

MOST_CELLS = 200_000  # of the grid; a larger plan gets a coarser one
SIGHT_RAYS = 2880  # directions in which it is checked how far the goal can be seen


class GoalField:
    """Ways to `goal` (2,) [m] for the centre of a robot of `radius` [m]."""

    def __init__(self, floor: OccupancyMap, goal: Floats, radius: float) -> None:
        stride = max(1, int(np.ceil(np.sqrt(floor.cells.size / MOST_CELLS))))
        self.size = stride * floor.resolution
        rows, columns = (-(-count // stride) for count in floor.cells.shape)
        self._first = np.asarray(floor.origin) + 0.5 * self.size  # centre of the first cell
        y, x = np.mgrid[0:rows, 0:columns]
        centres = self._first + self.size * np.stack([x, y], axis=-1)
        room = np.asarray(floor.distance_at(centres))
        known = floor.cells[
            tuple(np.moveaxis(np.minimum(floor.cell_at(centres), np.array(floor.cells.shape) - 1), -1, 0))
        ]
        # A cell is open where some place in it has room enough.
        open_cells = (room >= radius - np.sqrt(0.5) * self.size) & (known != UNKNOWN)
        seen = open_cells & self._in_sight(floor, centres, goal, radius)
        straight = np.linalg.norm(goal - centres, axis=-1)
        lengths = _solve(np.where(seen, straight, np.inf), open_cells & ~seen, self.size)
        reached = np.isfinite(lengths)
        if not reached.any():
            raise ConfigError(
                f"goal ({goal[0]:g}, {goal[1]:g}): expected room for a radius of {radius:g} m, got a wall"
            )
        nearest = ndimage.distance_transform_edt(~reached, return_distances=False, return_indices=True)
        self._reached, self.lengths = reached, lengths[tuple(nearest)]  # against a wall it is as far as beside it
        down_y, down_x = np.gradient(-self.lengths)
        directions = np.where(seen[..., None], goal - centres, np.stack([down_x, down_y], axis=-1))
        self._directions = _unit(directions)

    @staticmethod
    def _in_sight(floor: OccupancyMap, centres: Floats, goal: Floats, radius: float) -> NDArray[np.bool_]:
        """From which of the centres (..., 2) the robot gets to the goal in a straight line."""
        grown = np.where(floor.wall_distance < radius - np.sqrt(0.5) * floor.resolution, OCCUPIED, FREE)
        turns = np.arange(SIGHT_RAYS) * (2.0 * np.pi / SIGHT_RAYS)
        caster = RayCaster(OccupancyMap(grown.astype(np.int8), floor.resolution, floor.origin))
        ranges = np.minimum(caster.cast(goal, turns, 1e4), 1e4)
        ranges = np.minimum(ranges, np.roll(ranges, -1))
        offset = centres - goal
        turn = np.arctan2(offset[..., 1], offset[..., 0]) % (2.0 * np.pi) * (SIGHT_RAYS / (2.0 * np.pi))
        seen: NDArray[np.bool_] = np.linalg.norm(offset, axis=-1) < ranges[turn.astype(np.intp) % SIGHT_RAYS]
        return seen

    def leads_from(self, point: Floats) -> bool:
        """Whether there is a way from the point (2,) [m] at all."""
        column, row = np.floor((point - self._first) / self.size + 0.5).astype(np.intp)
        rows, columns = self._reached.shape
        return 0 <= row < rows and 0 <= column < columns and bool(self._reached[row, column])

    def at(self, points: Floats) -> tuple[Floats, Floats]:
        """Length (...) [m] of the way from each of the points (..., 2) [m], and the direction (..., 2) in which it
        leaves, a unit vector; bilinear between cells."""
        column, row = np.moveaxis((points - self._first) / self.size, -1, 0)
        channels = (self.lengths, self._directions[..., 0], self._directions[..., 1])
        length, x, y = (ndimage.map_coordinates(c, (row, column), order=1, mode="nearest") for c in channels)
        return np.asarray(length, dtype=np.float64), _unit(np.stack([x, y], axis=-1))


def _solve(lengths: Floats, unknown: NDArray[np.bool_], size: float) -> Floats:
    """`lengths` (rows, columns) [m] with those of the `unknown` cells found from their neighbours; inf where no way
    leads. Every cell is looked at again until nothing changes."""
    lengths = np.pad(lengths, 1, constant_values=np.inf)
    inner = lengths[1:-1, 1:-1]
    while True:
        along = np.minimum(lengths[1:-1, :-2], lengths[1:-1, 2:])
        across = np.minimum(lengths[:-2, 1:-1], lengths[2:, 1:-1])
        least = np.minimum(along, across)
        with np.errstate(invalid="ignore"):
            apart = np.where(np.isfinite(least), np.abs(along - across), np.inf)
            both = 0.5 * (along + across + np.sqrt(np.maximum(2.0 * size**2 - apart**2, 0.0)))
        better = np.where(apart < size, both, least + size)
        shorter = unknown & (better < inner - 1e-9)
        if not shorter.any():
            return np.array(inner)
        inner[shorter] = better[shorter]


def _unit(vectors: Floats) -> Floats:
    """The vectors (..., 2) at length 1; (1, 0) for none."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Floats = np.where(length > 1e-9, vectors / np.maximum(length, 1e-9), np.array([1.0, 0.0]))
    return unit
