"""Small worlds whose geometry can be worked out by hand."""

from pathlib import Path

import numpy as np

from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.simulation.scenarios import PersonGroup, RobotErrand, Scenario

RESOLUTION = 0.05


def room(width: float, height: float, *walls: tuple[float, float, float, float]) -> OccupancyMap:
    """An open floor from (0, 0) to (width, height) m with half a metre of wall around it, and boxes of wall
    (x_min, y_min, x_max, y_max) on it."""
    border = 0.5
    rows, columns = (round((side + 2 * border) / RESOLUTION) for side in (height, width))
    cells = np.full((rows, columns), OCCUPIED, dtype=np.int8)
    edge = round(border / RESOLUTION)
    cells[edge:-edge, edge:-edge] = FREE
    for x0, y0, x1, y1 in walls:
        left, bottom, right, top = (round((value + border) / RESOLUTION) for value in (x0, y0, x1, y1))
        cells[bottom:top, left:right] = OCCUPIED
    return OccupancyMap(cells, RESOLUTION, (-border, -border))


def world(
    floor: OccupancyMap,
    *people: PersonGroup,
    start: tuple[float, float, float] = (1.0, 1.0, 0.0),
    goal: tuple[float, float, float] = (1.0, 1.0, 0.0),
) -> Scenario:
    """A scenario on `floor` with the people given."""
    return Scenario("test", "", Path("none.yaml"), floor, RobotErrand(start, goal), 60.0, people)
