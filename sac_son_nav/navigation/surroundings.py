"""What the laser sees now, as a map and by its area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.geometry import inverse, rotate, transform_points
from sac_son_nav.maps import OCCUPIED, OccupancyMap
from sac_son_nav.states import Floats, Observation

MOST_AREA = 0.01  # [m^2] that one of the laser's returns stands for, as ExAug has it
ROUND = 16  # places on the outline of a body
_OUTLINE = np.stack([f(2.0 * np.pi * np.arange(ROUND) / ROUND) for f in (np.cos, np.sin)], axis=-1)


@dataclass(frozen=True)
class Seen:
    """The laser's returns of an observation, and whose they are: `nearest` (M,) the number of the person who is
    nearest to each, `theirs` (M,) whether it is near enough to be the person's."""

    observation: Observation
    nearest: NDArray[np.intp]
    theirs: NDArray[np.bool_]

    @staticmethod
    def of(observation: Observation, person_radius: float) -> Seen:
        """A return is the nearest person's within `person_radius` [m] of where they are tracked."""
        points, people = observation.obstacle_points, observation.tracks.positions
        if len(points) == 0 or len(people) == 0:
            return Seen(observation, np.zeros(len(points), dtype=np.intp), np.zeros(len(points), dtype=bool))
        x, y = (points[:, None, d] - people[None, :, d] for d in (0, 1))
        squared = x * x + y * y
        nearest = np.argmin(squared, axis=1)
        return Seen(observation, nearest, squared[np.arange(len(points)), nearest] <= person_radius**2)

    @cached_property
    def unexplained(self) -> Floats:
        """The returns (U, 2) [m] that belong to no tracked person."""
        return self.observation.obstacle_points[~self.theirs]

    def room(self, radius: float) -> float:
        """How far [m] what is nobody's is from the side of a robot of that radius [m]."""
        apart = np.hypot(*(self.unexplained - self.observation.robot.pose[:2]).T)
        return float(np.min(apart, initial=np.inf)) - radius

    def from_robot(self, reach: float, body: float = 0.0) -> tuple[Floats, Floats]:
        """What is within `reach` [m] of the robot, places (R, 2) [m], and how they move, (R, 2) [m/s]: the laser's
        returns, as their people, and, as it sees no more of those than their legs, the outlines of tracked people's
        bodies, of radius `body` [m], none where that is zero. Both in the robot's frame, forward x."""
        pose, points, people = self.observation.robot.pose, self.observation.obstacle_points, self.observation.tracks
        near = np.hypot(*(points - pose[:2]).T) < reach
        velocities = np.zeros((int(near.sum()), 2))
        theirs = self.theirs[near]
        velocities[theirs] = people.velocities[self.nearest[near][theirs]]
        points = points[near]
        if body > 0.0 and len(people):
            close = np.linalg.norm(people.positions - pose[:2], axis=-1) < reach + body
            outlines = people.positions[close, None] + body * _OUTLINE
            points = np.concatenate([points, outlines.reshape(-1, 2)])
            velocities = np.concatenate([velocities, np.repeat(people.velocities[close], ROUND, axis=0)])
        base_from_map = np.asarray(inverse(pose))
        return (
            np.asarray(transform_points(base_from_map, points)),
            np.asarray(rotate(velocities, base_from_map[2])),
        )


def with_returns(floor: OccupancyMap, points: Floats) -> OccupancyMap:
    """The floor plan with the returns (M, 2) [m] on it as walls."""
    cells = floor.cells.copy()
    rows, columns = np.moveaxis(floor.cell_at(points[floor.contains(points)]), -1, 0)
    cells[rows, columns] = OCCUPIED
    return OccupancyMap(cells, floor.resolution, floor.origin)


def areas_of(points: Floats) -> Floats:
    """What each of the returns (M, 2) [m], in the order of the sweep, stands for, (M,) [m^2]: the square of the way to
    the next, at most MOST_AREA."""
    x, y = np.diff(points, axis=0, append=points[:1]).T
    return np.minimum(x * x + y * y, MOST_AREA)
