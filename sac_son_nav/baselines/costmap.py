"""What a costmap knows: how dear a place is by its distance to the nearest wall or person, where they are now.

The cost is that of Nav2's inflation layer: lethal where the robot's body would touch, below that

    INSCRIBED * exp(-scaling * (distance to the nearest surface - radius of the robot))

as far as the inflation reaches, nothing beyond it. Distances are taken from the plan's cells and people's discs, so
nothing is drawn into a grid, moved or cleared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.baselines.following import PERSON_RADIUS
from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.states import Floats

LETHAL = 254.0
INSCRIBED = 253.0


@dataclass(frozen=True)
class InflationConfig:
    """Names and defaults as in Nav2's inflation layer."""

    inflation_radius: float = 0.7  # [m] from the surface of an obstacle
    cost_scaling_factor: float = 3.0  # [1/m]

    def __post_init__(self) -> None:
        if not (self.inflation_radius > 0.0 and self.cost_scaling_factor > 0.0):
            raise ConfigError(
                f"inflation: expected numbers above zero, got {self.inflation_radius} and {self.cost_scaling_factor}"
            )


class Costmap:
    """Costs round one robot of `radius` [m]; single precision."""

    def __init__(self, floor: OccupancyMap | None, radius: float, config: InflationConfig | None = None) -> None:
        self.radius, self.config = radius, config or InflationConfig()
        self._distance: np.ndarray | None = None
        if floor is not None and floor.occupied.any():
            self._distance = np.ascontiguousarray(floor.wall_distance, dtype=np.float32).reshape(-1)
            self._shape, self._origin, self._cell = floor.cells.shape, floor.origin, floor.resolution

    def room(self, x: np.ndarray, y: np.ndarray, people: Floats) -> np.ndarray:
        """Distance (...) [m] from places x, y (...) to the nearest surface of a wall or of the `people` (N, 2) [m],
        at most as far as the inflation reaches and a little more."""
        room = np.full(x.shape, self.config.inflation_radius + self.radius + 1.0, dtype=np.float32)
        if self._distance is not None:
            rows, columns = self._shape
            column = np.clip(((x - self._origin[0]) / self._cell).astype(np.int32), 0, columns - 1)
            row = np.clip(((y - self._origin[1]) / self._cell).astype(np.int32), 0, rows - 1)
            room = np.minimum(room, self._distance[row * columns + column])
        for px, py in people.astype(np.float32):
            room = np.minimum(room, np.sqrt((x - px) ** 2 + (y - py) ** 2) - np.float32(PERSON_RADIUS))
        return room

    def cost(self, room: np.ndarray) -> np.ndarray:
        """The cost (...) of places whose distance (...) [m] to the nearest surface is `room`."""
        cost = INSCRIBED * np.exp(-self.config.cost_scaling_factor * (room - self.radius))
        cost = np.where(room > self.config.inflation_radius, 0.0, np.minimum(cost, INSCRIBED))
        return np.where(room < self.radius, LETHAL, cost)

    def near(self, people: Floats, place: Floats, reach: float) -> Floats:
        """Those of the people (N, 2) whose cost can be felt within `reach` [m] of a place (2,)."""
        if len(people) == 0:
            return people
        apart = np.hypot(people[:, 0] - place[0], people[:, 1] - place[1])
        return people[apart < reach + self.radius + PERSON_RADIUS + self.config.inflation_radius]
