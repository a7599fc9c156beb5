"""Draws the floor plans in config/maps: ``python -m sac_son_nav.simulation.floor_plans config/maps``.

A plan is a rectangle of wall with rectangles of open floor cut out of it and, if need be, pillars put back.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import write_atomically

RESOLUTION = 0.05  # [m]
_WHITE, _BLACK = 254, 0  # map_server's grey of free floor and of walls

Box = tuple[float, float, float, float]  # x_min, y_min, x_max, y_max [m]


@dataclass(frozen=True)
class FloorPlan:
    """`bounds` of the picture, `floors` that are open, `walls` that stand on them."""

    bounds: Box
    floors: tuple[Box, ...]
    walls: tuple[Box, ...] = ()

    def grey(self) -> NDArray[np.uint8]:
        """The picture (rows, columns), top row first as in an image file."""
        x0, y0, x1, y1 = self.bounds
        cells = np.full((round((y1 - y0) / RESOLUTION), round((x1 - x0) / RESOLUTION)), _BLACK, dtype=np.uint8)
        for boxes, shade in ((self.floors, _WHITE), (self.walls, _BLACK)):
            for left, bottom, right, top in boxes:
                rows = slice(round((bottom - y0) / RESOLUTION), round((top - y0) / RESOLUTION))
                columns = slice(round((left - x0) / RESOLUTION), round((right - x0) / RESOLUTION))
                cells[rows, columns] = shade
        return cells[::-1]


PLANS = {
    # A corridor of 18 m x 4 m; three rooms open into it by doors 1.2 m wide, and two niches let people stand aside.
    "corridor": FloorPlan(
        bounds=(-0.4, -3.0, 18.4, 7.0),
        floors=(
            (0.0, 0.0, 18.0, 4.0),
            (3.4, 4.0, 4.6, 4.2),
            (2.0, 4.2, 6.0, 6.6),
            (10.4, 4.0, 11.6, 4.2),
            (9.0, 4.2, 13.0, 6.6),
            (7.4, -0.2, 8.6, 0.0),
            (6.0, -2.6, 10.0, -0.2),
            (14.0, 4.0, 16.0, 4.6),
            (2.0, -0.6, 4.0, 0.0),
        ),
    ),
    # A hall of 16 m x 12 m with four pillars.
    "hall": FloorPlan(
        bounds=(-0.4, -0.4, 16.4, 12.4),
        floors=((0.0, 0.0, 16.0, 12.0),),
        walls=((4.8, 2.8, 5.2, 3.2), (10.8, 2.8, 11.2, 3.2), (4.8, 8.8, 5.2, 9.2), (10.8, 8.8, 11.2, 9.2)),
    ),
    # Two rooms of 6 m x 6 m joined by a door 1.4 m wide.
    "doorway": FloorPlan(
        bounds=(-0.4, -0.4, 12.6, 6.4),
        floors=((0.0, 0.0, 6.0, 6.0), (6.2, 0.0, 12.2, 6.0), (6.0, 2.3, 6.2, 3.7)),
    ),
}


def write(folder: Path) -> None:
    """Write every plan as ``<name>.pgm`` and ``<name>.yaml`` in map_server's form."""
    for name, plan in PLANS.items():
        grey = plan.grey()
        rows, columns = grey.shape
        write_atomically(folder / f"{name}.pgm", f"P5\n{columns} {rows}\n255\n".encode() + grey.tobytes())
        write_atomically(
            folder / f"{name}.yaml",
            f"image: {name}.pgm\nmode: trinary\nresolution: {RESOLUTION}\n"
            f"origin: [{plan.bounds[0]}, {plan.bounds[1]}, 0.0]\n"
            "negate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.25\n",
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m sac_son_nav.simulation.floor_plans FOLDER")
    write(Path(sys.argv[1]))
