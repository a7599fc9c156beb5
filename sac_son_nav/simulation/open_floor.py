"""Which parts of a floor plan hang together, for somebody who walks. Frame map, SI units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sac_son_nav.simulation.walking import WalkingGraph
from sac_son_nav.states import Floats


class OpenFloor:
    """Which parts of a floor plan hang together, for somebody who walks."""

    def __init__(self, graph: WalkingGraph) -> None:
        self._graph = graph
        parts, self._count = ndimage.label(graph.open, structure=np.ones((3, 3)))
        # Who stands where nobody can walk starts from the nearest place where they can.
        rows, columns = ndimage.distance_transform_edt(~graph.open, return_distances=False, return_indices=True)
        self._parts: NDArray[np.intp] = parts[rows, columns]

    def part_of(self, points: Floats) -> NDArray[np.intp]:
        """The number (...) of the part that points (..., 2) [m] belong to; a way leads from one to another if it is
        the same."""
        rows, columns = np.moveaxis(self._graph.cell_at(points), -1, 0)
        return np.asarray(self._parts[rows, columns])

    def joined(self, points: Floats, place: Floats) -> NDArray[np.bool_]:
        """To which of the points (..., 2) a way leads from the place, (2,) or (..., 2) [m]: (...)."""
        if self._count == 1:
            return np.ones(points.shape[:-1], dtype=bool)
        return np.asarray(self.part_of(points) == self.part_of(place))

    def narrowed(self, ok: NDArray[np.bool_], points: Floats, places: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
        """Those of the points (K, 2) which are ok (K,) and from which a way leads to each of the `places` or, if there
        are none, all that are ok."""
        if self._count == 1 or not places:
            return ok
        here = self.part_of(points)
        reaching = ok & np.all([np.isin(here, self._parts_in(place)) for place in places], axis=0)
        return reaching if reaching.any() else ok

    def _parts_in(self, place: Sequence[float]) -> NDArray[np.intp]:
        """The numbers of the parts that a place has open floor of."""
        points = points_of(place, self._graph.size)
        rows, columns = np.moveaxis(self._graph.cell_at(points), -1, 0)
        return np.unique(self.part_of(points[self._graph.open[rows, columns]] if len(place) == 4 else points))


def points_of(place: Sequence[float], step: float) -> Floats:
    """Points (M, 2) [m] all over a region, `step` [m] apart, or the point itself."""
    if len(place) == 2:
        return np.array([place], dtype=np.float64)
    x, y = np.arange(place[0], place[2], step), np.arange(place[1], place[3], step)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
