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
    resolution: float = RESOLUTION  # [m] per cell

    def grey(self) -> NDArray[np.uint8]:
        """The picture (rows, columns), top row first as in an image file."""
        x0, y0, x1, y1 = self.bounds
        size = self.resolution
        cells = np.full((round((y1 - y0) / size), round((x1 - x0) / size)), _BLACK, dtype=np.uint8)
        for boxes, shade in ((self.floors, _WHITE), (self.walls, _BLACK)):
            for left, bottom, right, top in boxes:
                rows = slice(round((bottom - y0) / size), round((top - y0) / size))
                columns = slice(round((left - x0) / size), round((right - x0) / size))
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
    # Two rooms of 5 m x 5 m joined by a door 0.9 m wide, through which only one can pass at a time.
    "narrow_door": FloorPlan(
        bounds=(-0.4, -0.4, 10.6, 5.4),
        floors=((0.0, 0.0, 5.0, 5.0), (5.2, 0.0, 10.2, 5.0), (5.0, 2.05, 5.2, 2.95)),
    ),
    # A corridor of 16 m x 2.4 m without doors.
    "passage": FloorPlan(bounds=(-0.4, -0.4, 16.4, 2.8), floors=((0.0, 0.0, 16.0, 2.4),)),
    # Two corridors 2.4 m wide and 9 m long that meet at a right angle.
    "corner": FloorPlan(bounds=(-0.4, -0.4, 9.4, 9.4), floors=((0.0, 0.0, 9.0, 2.4), (6.6, 0.0, 9.0, 9.0))),
    # A hall of 14 m x 9 m with a counter at its upper wall.
    "lobby": FloorPlan(
        bounds=(-0.4, -0.4, 14.4, 9.4),
        floors=((0.0, 0.0, 14.0, 9.0),),
        walls=((5.4, 8.2, 8.6, 9.0),),
    ),
    # An elevator's cabin of 2.2 m x 2 m with a door 1.1 m wide, and the landing of 9 m x 6.8 m before it.
    "elevator": FloorPlan(
        bounds=(-0.4, -0.4, 11.8, 7.2),
        floors=((0.0, 2.4, 2.2, 4.4), (2.2, 2.85, 2.4, 3.95), (2.4, 0.0, 11.4, 6.8)),
    ),
    # A square of 20 m x 20 m with nothing on it, not even walls.
    "square": FloorPlan(
        bounds=(-10.0, -10.0, 10.0, 10.0), floors=((-10.0, -10.0, 10.0, 10.0),), resolution=2 * RESOLUTION
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
            f"image: {name}.pgm\nmode: trinary\nresolution: {plan.resolution}\n"
            f"origin: [{plan.bounds[0]}, {plan.bounds[1]}, 0.0]\n"
            "negate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.25\n",
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m sac_son_nav.simulation.floor_plans FOLDER")
    write(Path(sys.argv[1]))
