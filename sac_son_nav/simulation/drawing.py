"""A world seen from above as a picture: floor plan, robot, goal, people, and where they would be without the robot.

Pictures are (height, width, 3) uint8, RGB, x to the right and y up. Positions [m], frame map.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from sac_son_nav.maps import FREE, UNKNOWN, OccupancyMap
from sac_son_nav.simulation.counterfactual import AFFECTED
from sac_son_nav.states import Floats

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

LONG_SIDE = 960  # [pixels] about
STRIP = 28  # [pixels] height of the caption
MARGIN = 0.25  # [m] round the open floor
AHEAD = 0.5  # [s] of a person's walk that is drawn before them
_SHIFT = 4  # binary places of a pixel that are told OpenCV, so that nothing jumps from pixel to pixel
_FLOOR, _WALL, _UNSEEN, _EDGE = (255, 255, 255), (223, 227, 232), (243, 244, 246), (91, 100, 112)
_INK, _PERSON, _MOVED, _GOAL = (34, 38, 43), (0, 114, 178), (213, 94, 0), (0, 158, 115)


class Drawing:
    """The floor plan, drawn once, and what happens on it."""

    def __init__(self, floor: OccupancyMap) -> None:
        cells = np.argwhere(floor.cells == FREE)
        if len(cells):
            low, high = (floor.centre_of(corner) for corner in (cells.min(axis=0), cells.max(axis=0)))
        else:
            low, high = np.array(floor.extent[::2]), np.array(floor.extent[1::2])
        self._low, extent = low - MARGIN, high - low + 2.0 * MARGIN
        self._scale = LONG_SIDE / float(extent.max())  # [pixels / m]
        width, height = (2 * round(0.5 * self._scale * side) for side in extent)  # even, as films want it
        self._height = height
        self._plan = self._draw_plan(floor, width, height)

    def _draw_plan(self, floor: OccupancyMap, width: int, height: int) -> Picture:
        x, y = np.arange(width) + 0.5, height - np.arange(height) - 0.5
        centres = self._low + np.stack(np.meshgrid(x, y), axis=-1) / self._scale
        rows, columns = np.moveaxis(np.clip(floor.cell_at(centres), 0, np.array(floor.cells.shape) - 1), -1, 0)
        cells = floor.cells[rows, columns]
        plan = np.full((height, width, 3), _FLOOR, dtype=np.uint8)
        plan[cells == UNKNOWN], wall = _UNSEEN, floor.occupied[rows, columns]
        plan[wall] = _WALL
        edges, _ = cv2.findContours((~wall).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(plan, edges, -1, _EDGE, 1, cv2.LINE_AA)
        return plan

    def draw(
        self,
        robot: tuple[Floats, float],
        goal: tuple[Floats, float],
        people: tuple[Floats, Floats, Floats],
        without: Floats | None = None,
        caption: str = "",
    ) -> Picture:
        """A moment. `robot`: pose (3,) [m, m, rad] and radius [m]. `goal`: place (2,) and the tolerance [m] within
        which it counts as reached. `people`: positions (N, 2) [m], velocities (N, 2) [m/s] and radii (N,) [m], NaN
        for who is not there. `without`: where they would be, (N, 2): rings, joined to whoever is moved by more than
        AFFECTED. The `caption` stands below."""
        picture = self._plan.copy()
        self._disc(picture, goal[0], goal[1], _GOAL, 2)
        self._disc(picture, goal[0], 0.06, _GOAL)
        positions, paces, radii = people
        there = np.isfinite(positions).all(axis=-1)
        apart = np.zeros(len(positions)) if without is None else np.linalg.norm(positions - without, axis=-1)
        for i in np.flatnonzero(there):
            colour = _MOVED if apart[i] > AFFECTED else _PERSON
            if without is not None and apart[i] > AFFECTED:
                self._line(picture, positions[i], without[i], colour, 1)
                self._disc(picture, without[i], radii[i], colour, 1)
        for i in np.flatnonzero(there):
            colour = _MOVED if apart[i] > AFFECTED else _PERSON
            self._line(picture, positions[i], positions[i] + AHEAD * paces[i], colour, 2)
            self._disc(picture, positions[i], radii[i], colour)
        pose, radius = robot
        self._disc(picture, pose[:2], radius, _INK)
        nose = pose[:2] + 0.8 * radius * np.array([np.cos(pose[2]), np.sin(pose[2])])
        self._line(picture, pose[:2], nose, _FLOOR, 2)
        strip = np.full((STRIP, picture.shape[1], 3), _FLOOR, dtype=np.uint8)
        cv2.putText(strip, caption, (10, STRIP - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
        return np.concatenate([picture, strip])

    def _pixel(self, point: Floats) -> tuple[int, int]:
        x, y = self._scale * (point - self._low)
        return round(float(x) * 2**_SHIFT), round((self._height - float(y)) * 2**_SHIFT)

    def _disc(self, picture: Picture, centre: Floats, radius: float, colour: Colour, line: int = -1) -> None:
        size = round(radius * self._scale * 2**_SHIFT)
        cv2.circle(picture, self._pixel(centre), size, colour, line, cv2.LINE_AA, _SHIFT)

    def _line(self, picture: Picture, start: Floats, end: Floats, colour: Colour, width: int) -> None:
        cv2.line(picture, self._pixel(start), self._pixel(end), colour, width, cv2.LINE_AA, _SHIFT)
