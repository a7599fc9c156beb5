"""What a map of the place says of a spot: open floor, on which whatever stands came later, or a mapped wall.

What stands on floor that the map calls free, well away from all that is mapped, is a person or was moved there, so
having stood there all the time says little against a person. What stands at a mapped wall is most likely that wall.

It rests on knowing where the map is. The margins therefore grow with what the localiser says of its own deviation,
by :data:`SIGMAS` of it, and with its yaw's the more the farther a spot is from the robot: a badly known pose has no
open floor left, rather than walls that seem to stand in the open. And where most of what the laser sees is not on the
map (:meth:`StaticMap.fit`), the place or the map is a wrong one, whatever the localiser says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import transform_points
from sac_son_nav.maps import FREE, OccupancyMap
from sac_son_nav.states import Floats

OPEN = (0.3, 0.4)  # [m] from the nearest mapped wall's face, between which floor becomes open
AT_WALL = (0.1, 0.2)  # [m] between which something ceases to be the wall
SIGMAS = 2.0
FITS = 0.3  # [m] from a mapped wall, within which a return may be of it
PROBES = 80  # returns that are compared with the map


@dataclass(frozen=True)
class StaticMap:
    """A floor plan and where the tracker's fixed frame lies in it.

    `map_from_fixed` (3,) [m, m, rad]; `deviation` [m] and `turn_deviation` [rad] are one standard deviation of the
    robot's position and yaw in the map, `robot` (2,) [m] is where it is in the fixed frame: from there on the yaw's
    error grows. Deviations that are negative or no numbers raise ConfigError.
    """

    floor: OccupancyMap
    map_from_fixed: Floats = field(default_factory=lambda: np.zeros(3))
    deviation: float = 0.0
    turn_deviation: float = 0.0
    robot: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for name in ("deviation", "turn_deviation"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ConfigError(f"map pose: expected a {name} of zero or more, got {getattr(self, name)}")
        if not np.isfinite(self.map_from_fixed).all():
            raise ConfigError(f"map pose: expected finite numbers, got {self.map_from_fixed}")

    def ground(self, places: Floats) -> Floats:
        """For places (N, 2) [m] in the fixed frame, (N,) in [-1, 1]: 1 on open floor, -1 at a mapped wall, 0 where the
        map says neither, as beyond its edge, where it is unknown, and everywhere on a plan without any wall."""
        if len(places) == 0 or not self.floor.walled:
            return np.zeros(len(places))
        on_map = np.asarray(transform_points(self.map_from_fixed, places))
        distance = np.asarray(self.floor.distance_at(on_map))
        is_open = np.clip((distance - self._doubt(places) - OPEN[0]) / (OPEN[1] - OPEN[0]), 0.0, 1.0)
        wall = np.clip((AT_WALL[1] - distance) / (AT_WALL[1] - AT_WALL[0]), 0.0, 1.0)
        inside = self.floor.contains(on_map)
        row, column = self.floor.cell_at(on_map[inside]).T
        free = np.zeros(len(places), dtype=np.bool_)
        free[inside] = self.floor.cells[row, column] == FREE
        found: Floats = np.where(free, is_open, 0.0) - np.where(inside, wall, 0.0)
        return found

    def fit(self, points: Floats) -> float | None:
        """The share in [0, 1] of a scan's returns (M, 2) [m] in the fixed frame that may be of mapped walls; a far one
        counts for more, as it stands for more surface. None where the map covers too few of them to tell."""
        probes = points[:: max(1, len(points) // PROBES)]
        on_map = np.asarray(transform_points(self.map_from_fixed, probes))
        covered = self.floor.contains(on_map)
        if not self.floor.walled or np.count_nonzero(covered) < 8:
            return None
        near = np.asarray(self.floor.distance_at(on_map)) < FITS + self._doubt(probes)
        weights = np.hypot(*(probes - np.asarray(self.robot)).T)
        return float(weights @ (near & covered)) / float(weights.sum())

    def _doubt(self, places: Floats) -> Floats:
        """How far off (N,) [m] the map may be at places (N, 2) [m]."""
        lever = np.hypot(*(np.asarray(places) - np.asarray(self.robot)).T)
        return np.asarray(SIGMAS * np.hypot(self.deviation, self.turn_deviation * lever))
