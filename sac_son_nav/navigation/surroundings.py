"""What the laser sees now, as a map and by its area."""

from __future__ import annotations

import numpy as np

from sac_son_nav.maps import OCCUPIED, OccupancyMap
from sac_son_nav.states import Floats

MOST_AREA = 0.01  # [m^2] that one of the laser's returns stands for, as ExAug has it


def with_returns(floor: OccupancyMap, points: Floats) -> OccupancyMap:
    """The floor plan with the returns (M, 2) [m] on it as walls."""
    cells = floor.cells.copy()
    rows, columns = np.moveaxis(floor.cell_at(points[floor.contains(points)]), -1, 0)
    cells[rows, columns] = OCCUPIED
    return OccupancyMap(cells, floor.resolution, floor.origin)


def areas_of(points: Floats) -> Floats:
    """What each of the returns (M, 2) [m], in the order of the sweep, stands for, (M,) [m^2]: the square of the way to
    the next, at most MOST_AREA."""
    spacing = np.linalg.norm(np.diff(points, axis=0, append=points[:1]), axis=-1)
    return np.minimum(spacing**2, MOST_AREA)
