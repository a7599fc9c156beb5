"""The way to the goal, as a line through free space: the cheapest over the grid, pulled straight, resampled.

Cost is length, made dearer near walls, so that the line keeps to the middle of a corridor where there is room
and still fits through a door where there is not. Shortest paths are SciPy's Dijkstra on the eight-connected grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from sac_son_nav.arrays import Array, clip, components_first, namespace
from sac_son_nav.errors import RouteError
from sac_son_nav.grid_graph import grid_graph
from sac_son_nav.maps import UNKNOWN, OccupancyMap
from sac_son_nav.states import Floats

AT_ONCE = 1024  # points projected at once: as many as a processor's cache holds with all pieces of a stretch


@dataclass(frozen=True)
class RouteConfig:
    """How routes are searched."""

    clearance: float = 0.03  # [m] kept beside the robot's own radius, at least
    comfort: float = 0.6  # [m] from walls within which a step costs more
    wall_cost: float = 3.0  # how much more, right at the wall
    most_cells: int = 400_000  # of the search grid; a larger map is searched on a coarser grid
    spacing: float = 0.3  # [m] between the points of the finished line
    snap: float = 0.5  # [m] the start may be moved by, to get out of a wall's margin


@dataclass(frozen=True)
class Route:
    """A line to follow: points (M, 2) [m], M >= 2, in frame `map`."""

    points: Floats
    beyond: float = 0.0  # [m] of way after its end, where it is a stretch of a longer one

    @cached_property
    def arc(self) -> Floats:
        """Length along the line up to each point (M,) [m]."""
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=-1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def yaws(self) -> Floats:
        """Direction of each piece (M - 1,) [rad]."""
        steps = np.diff(self.points, axis=0)
        return np.arctan2(steps[:, 1], steps[:, 0])

    @cached_property
    def _pieces(self) -> tuple[Floats, ...]:
        """Of each piece (M - 1, 1): where it begins, x and y, its way dx and dy, that squared, the arc length before
        it and its own."""
        x, y = self.points[:-1].T[..., None]
        dx, dy = np.diff(self.points, axis=0).T[..., None]
        squared = np.maximum(dx * dx + dy * dy, 1e-12)
        return x, y, dx, dy, squared, self.arc[:-1, None], np.diff(self.arc)[:, None]

    @cached_property
    def _directions(self) -> Floats:
        """The unit direction of each piece (M - 1, 2)."""
        steps = np.diff(self.points, axis=0)
        directions: Floats = steps / np.maximum(np.linalg.norm(steps, axis=-1, keepdims=True), 1e-9)
        return directions

    @property
    def length(self) -> float:
        """Length of the whole line [m]."""
        return float(self.arc[-1])

    def project(self, points: Array) -> tuple[Array, Array]:
        """For points (..., 2) [m]: arc length (...) [m] of the nearest place on the line, and how far off it is
        (...) [m]."""
        xp, shape = namespace(points), points.shape[:-1]
        flat = xp.reshape(components_first(points), (2, -1))
        found = [self._nearest(flat[:, k : k + AT_ONCE]) for k in range(0, max(1, flat.shape[1]), AT_ONCE)]
        place, aside = found[0] if len(found) == 1 else (xp.concat(parts) for parts in zip(*found, strict=True))
        return xp.reshape(place, shape), xp.reshape(aside, shape)

    def _nearest(self, points: Array) -> tuple[Array, Array]:
        """The same for points (2, n): (n,) each."""
        xp, (px, py) = namespace(points), points
        x, y, dx, dy, squared, arc, lengths = (xp.asarray(a, dtype=points.dtype) for a in self._pieces)  # (M-1, 1)
        # Rows of points and not of pieces: the longer a row, the quicker.
        ox, oy = px - x, py - y  # (M-1, n)
        along = clip((ox * dx + oy * dy) / squared, 0.0, 1.0)
        gx, gy = ox - along * dx, oy - along * dy
        distance = gx * gx + gy * gy
        nearest = xp.argmin(distance, axis=0)
        flat = nearest * px.shape[0] + xp.arange(px.shape[0])
        aside, share = (xp.take(xp.reshape(a, (-1,)), flat, axis=0) for a in (distance, along))
        place = xp.take(arc[:, 0], nearest, axis=0) + share * xp.take(lengths[:, 0], nearest, axis=0)
        return place, xp.sqrt(aside + 1e-18)  # with a gradient on the line

    def remaining(self, points: Array) -> Array:
        """Metres still to go from points (..., 2): back to the line and along it, (...)."""
        place, aside = self.project(points)
        xp = namespace(points)
        left = self.length - place
        # Aside of the line the way slants towards it; at the end it is the plain distance.
        return xp.sqrt(left * left + aside * aside)

    def to_go(self, poses: Array, per_radian: float) -> Array:
        """The same for poses (..., 3), with `per_radian` [m/rad] for turning to the way, (...) [m]."""
        xp = namespace(poses)
        place, aside = self.project(poses[..., :2])
        left, yaws = self.length - place, xp.asarray(self.yaws, dtype=poses.dtype)
        segment = xp.astype(clip(xp.floor(place / self.length * len(self.yaws)), 0, len(self.yaws) - 1), xp.int64)
        wrong = xp.reshape(xp.take(yaws, xp.reshape(segment, (-1,)), axis=0), place.shape) - poses[..., 2]
        wrong = xp.abs(wrong - 2.0 * np.pi * xp.round(wrong / (2.0 * np.pi)))
        return self.beyond + xp.sqrt(left * left + aside * aside) + per_radian * wrong * clip(left, None, 1.0)

    def ahead(self, position: Floats, distance: float, end: Floats) -> Floats:
        """The pose (3,) `distance` [m] further on than position (2,), facing along the line; `end` (3,) where the
        whole way ends before that."""
        place = float(self.project(position)[0]) + distance
        if self.beyond == 0.0 and place >= self.length:
            return end
        point, along = self.at(np.asarray(min(place, self.length)))
        return np.array([*point, np.arctan2(along[1], along[0])])

    def stretch(self, around: float, before: float, after: float) -> Route:
        """The part of the line from `before` to `after` [m] around an arc length, up to its end; what is far off
        need not be searched for every candidate."""
        first = max(0, int(np.searchsorted(self.arc, around - before)) - 1)
        last = min(len(self.arc) - 1, int(np.searchsorted(self.arc, around + after)) + 1)
        last = max(last, first + 1)
        return Route(self.points[first : last + 1], self.beyond + self.length - float(self.arc[last]))

    def at(self, place: Floats) -> tuple[Floats, Floats]:
        """Points (..., 2) [m] and unit directions (..., 2) of the line at arc lengths (...) [m]; beyond its end the
        line goes straight on."""
        place = np.asarray(place)
        index = clip(np.searchsorted(self.arc, place, side="right") - 1, 0, len(self.arc) - 2)
        direction = np.take(self._directions, index, axis=0)
        return np.take(self.points, index, axis=0) + (place - self.arc[index])[..., None] * direction, direction

    @staticmethod
    def along(points: Floats, spacing: float) -> Route:
        """A route through given points (M, 2), resampled; repeated points are dropped."""
        points = np.asarray(points, dtype=np.float64)
        moved = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=-1) > 1e-6])
        points = points[moved]
        if len(points) < 2:
            points = points[:1] + np.array([[0.0, 0.0], [1e-3, 0.0]])
        arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=-1))])
        places = np.linspace(0.0, arc[-1], max(2, int(np.ceil(arc[-1] / spacing)) + 1))
        return Route(np.stack([np.interp(places, arc, points[:, d]) for d in (0, 1)], axis=-1))


@dataclass(frozen=True)
class WayLeft:
    """How far it is to one goal from everywhere on a floor plan, round its walls; of a search grid with eight
    neighbours, and lowered by as much as that can exceed the true way: 1 / cos(pi / 8)."""

    lengths: Floats  # (rows, columns) [m]
    cell: float  # [m]
    origin: tuple[float, float]

    def at(self, points: Floats) -> Floats:
        """At points (..., 2) [m], (...) [m]; beyond the plan as at its edge."""
        rows, columns = self.lengths.shape
        column = np.clip((points[..., 0] - self.origin[0]) / self.cell, 0, columns - 1).astype(np.intp)
        row = np.clip((points[..., 1] - self.origin[1]) / self.cell, 0, rows - 1).astype(np.intp)
        return self.lengths[row, column]


class RoutePlanner:
    """Routes over one map for one robot; the grid's graph is built once, a search takes milliseconds."""

    def __init__(self, floor: OccupancyMap, robot_radius: float, config: RouteConfig | None = None) -> None:
        self.config = config or RouteConfig()
        self.floor = floor
        self.needed = robot_radius + self.config.clearance
        self.stride = max(1, int(np.ceil(np.sqrt(floor.cells.size / self.config.most_cells))))
        self.clearance = self._clearance()
        self.open = self.clearance >= self.needed
        self.graph = self._graph(self.config.wall_cost)

    def plan(self, start: Floats, goal: Floats) -> Route:
        """The route from start (2,) to goal (2,) [m].

        Raises RouteError when either lies off the map or in a wall, or no way joins them.
        """
        for name, point in (("start", start), ("goal", goal)):
            if not np.all(np.isfinite(point)):
                raise RouteError(f"{name}: expected finite coordinates, got {point}")
            if not self.floor.contains(point):
                x0, x1, y0, y1 = self.floor.extent
                raise RouteError(
                    f"{name} ({point[0]:.2f}, {point[1]:.2f}) m: expected a place on the map "
                    f"(x {x0:.1f} to {x1:.1f}, y {y0:.1f} to {y1:.1f}), got one beyond it"
                )
        room = float(self.floor.distance_at(np.asarray(goal)))
        if room < self.needed:
            raise RouteError(
                f"goal ({goal[0]:.2f}, {goal[1]:.2f}) m: expected {self.needed:.2f} m of room for the robot, "
                f"got {max(room, 0.0):.2f} m from the nearest wall"
            )
        first, last = self._open_cell(start, "start"), self._open_cell(goal, "goal")
        costs, previous = csgraph.dijkstra(self.graph, indices=first, return_predecessors=True)
        if not np.isfinite(costs[last]):
            raise RouteError(
                f"goal ({goal[0]:.2f}, {goal[1]:.2f}) m: no way for a robot of {self.needed:.2f} m radius leads there"
            )
        cells = [last]
        while cells[-1] != first:
            cells.append(int(previous[cells[-1]]))
        points = self._centre(np.array(cells[::-1]))
        points = np.concatenate([[start], points[1:-1], [goal]])
        return Route.along(self._pull_straight(points), self.config.spacing)

    def _clearance(self) -> Floats:
        """Distance to walls (rows, columns) [m] at the centres of the search grid's cells; -1 on unknown floor."""
        rows, columns = (-(-n // self.stride) for n in self.floor.cells.shape)
        row, column = np.mgrid[:rows, :columns]
        centres = self._centre_of(row, column)
        cells = np.minimum(self.floor.cell_at(centres), np.array(self.floor.cells.shape) - 1)
        unknown = self.floor.cells[cells[..., 0], cells[..., 1]] == UNKNOWN
        return np.where(unknown, -1.0, np.asarray(self.floor.distance_at(centres)))

    def way_left(self, goal: Floats) -> WayLeft:
        """How far it is to the goal (2,) [m] from everywhere. Raises RouteError when it lies off the open floor."""
        last = self._open_cell(goal, "goal")
        lengths = csgraph.dijkstra(self._graph(0.0), indices=last).reshape(self.open.shape)
        known = np.isfinite(lengths)
        # From a place within a wall's margin it is as far as from the open floor beside it.
        rows, columns = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
        size = self.stride * self.floor.resolution
        return WayLeft(np.cos(np.pi / 8.0) * lengths[rows, columns], size, self.floor.origin)

    def _graph(self, wall_cost: float) -> sparse.csr_matrix:
        """Symmetric graph of open cells: edge cost is length times one plus the nearness to walls."""
        nearness = np.clip(1.0 - (self.clearance - self.needed) / self.config.comfort, 0.0, 1.0)
        return grid_graph(self.open, 1.0 + wall_cost * nearness, self.stride * self.floor.resolution)

    def _open_cell(self, point: Floats, name: str) -> int:
        """The number of the open cell nearest to a point, within `snap`."""
        cells = np.argwhere(self.open)
        if len(cells):
            centres = self._centre(cells[:, 0] * self.open.shape[1] + cells[:, 1])
            distance = np.linalg.norm(centres - point, axis=-1)
            best = int(np.argmin(distance))
            if distance[best] <= self.config.snap:
                return int(cells[best, 0] * self.open.shape[1] + cells[best, 1])
        raise RouteError(
            f"{name} ({point[0]:.2f}, {point[1]:.2f}) m: expected open floor within {self.config.snap} m, found none"
        )

    def _centre(self, numbers: NDArray[np.intp]) -> Floats:
        return self._centre_of(*np.divmod(numbers, self.open.shape[1]))

    def _centre_of(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
        size = self.stride * self.floor.resolution
        return np.asarray(self.floor.origin) + (np.stack([columns, rows], axis=-1) + 0.5) * size

    def _pull_straight(self, points: Floats) -> Floats:
        """Drop corners whose shortcut keeps as clear of walls as the stretch it replaces."""
        room = np.asarray(self.floor.distance_at(points))
        enough = np.minimum(room, self.needed + self.config.comfort)
        kept, here = [0], 0
        while here < len(points) - 1:
            there = len(points) - 1
            while there > here + 1:
                floor_needed = max(self.needed, float(enough[here : there + 1].min()) - 0.05)
                if self._clear(points[here], points[there], floor_needed):
                    break
                there = here + max(1, (there - here) // 2) if there - here > 16 else there - 1
            kept.append(there)
            here = there
        return points[kept]

    def _clear(self, a: Floats, b: Floats, needed: float) -> bool:
        count = max(2, int(np.ceil(np.linalg.norm(b - a) / self.floor.resolution)))
        on_the_way = a + np.linspace(0.0, 1.0, count)[:, None] * (b - a)
        return bool(np.all(np.asarray(self.floor.distance_at(on_the_way)) >= needed - 1e-9))
