"""Whether the perception node may ask a map, and where the odometry's frame is in it.

Where the robot is comes from the transforms once they tell, else from `amcl_pose`, as navigation does by default. A
wrong place would turn walls into things in the open, so the map is asked only while the place is well known: stated
well enough, not stale, and not just moved by the localiser. Stamps [s] are the world's time.

A localiser may be silent while the robot stands, so a pose on a topic ages with the way driven since, at `DRIFT` of
it, and is stale after `FARTHEST`; a transform is stale when it is not renewed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import compose, inverse
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.perception.static_map import StaticMap
from sac_son_nav.states import Floats

LEAST, LEAST_TURN = 0.05, 0.01  # [m], [rad] deviations that a localiser is not believed to be better than
DRIFT, TURN_DRIFT = 0.1, 0.05  # [m/m], [rad/m] by which odometry errs on the way since the localiser's last pose
FARTHEST = 2.0  # [m] of way since then, after which a localiser that still says nothing is taken to be dead
FUTURE = 5.0  # [s] by which localisers may date a transform ahead
JUMP, TURN_JUMP = 0.3, 0.15  # [m], [rad] of the robot's place at once, that mean that it was not known before


@dataclass(frozen=True)
class MapConfig:
    """How well the place in the map must be known."""

    use_map: bool = True  # doubt what stands at a mapped wall, and less what stands in the map's open floor
    map_deviation: float = 0.3  # [m] of the localiser's position, above which the map is not asked
    map_turn_deviation: float = 0.15  # [rad] of its yaw, likewise
    map_timeout: float = 1.0  # [s] since the transform from map to odom was last renewed
    map_settling: float = 3.0  # [s] for which the map is not asked after the localiser has moved the robot at once

    def __post_init__(self) -> None:
        for name in ("map_deviation", "map_turn_deviation", "map_timeout", "map_settling"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected a number above zero, got {getattr(self, name)}")


class MapPlace:
    """The map, and the place in it, as they are heard."""

    def __init__(self, config: MapConfig) -> None:
        self.config = config
        self.floor: OccupancyMap | None = None
        self._deviation, self._turn_deviation = LEAST, LEAST_TURN
        self._pending: tuple[float, Floats] | None = None
        self.forget()

    def forget(self) -> None:
        """The clock was set back, or odometry comes in another frame: the place is not known any more."""
        self._map_from_odom: Floats | None = None
        self._pending = None
        self._transform_s: float | None = None
        self._way = 0.0  # [m] since the localiser last told the place
        self._last: Floats | None = None
        self._settled_s = float("-inf")

    def hear_pose(self, stamp_s: float, pose: Floats, deviation: float, turn_deviation: float) -> None:
        """Where the robot is in the map (3,), one standard deviation [m] of its position and [rad] of its yaw."""
        self._deviation, self._turn_deviation = max(deviation, LEAST), max(turn_deviation, LEAST_TURN)
        self._pending = (stamp_s, np.asarray(pose))

    def static_map(
        self,
        stamp_s: float,
        base: Floats,
        base_at: Callable[[float], Floats | None],
        transform: tuple[Floats, float] | None,
    ) -> StaticMap | None:
        """What may be asked at a scan's stamp; None while the place in the map is not well known.

        `base` (3,) is the robot in the odometry's frame then, `base_at` the same at other stamps; `transform`: where
        the odometry's frame is in the map by the transforms (3,), and that transform's stamp [s].
        """
        if not self.config.use_map or self.floor is None:
            return None
        if self._last is not None:
            self._way += float(np.hypot(*(base[:2] - self._last[:2])))
        self._last = base
        if transform is not None:
            self._transform_s = transform[1]
            self._place(transform[0], base, stamp_s)
        elif self._transform_s is None and self._pending is not None:
            then = base_at(self._pending[0])
            if then is not None:
                self._place(np.asarray(compose(self._pending[1], inverse(then))), base, stamp_s)
                self._pending = None
        return self._known(stamp_s, base)

    def _place(self, map_from_odom: Floats, base: Floats, stamp_s: float) -> None:
        if self._map_from_odom is not None:
            before, now = compose(self._map_from_odom, base), compose(map_from_odom, base)
            turn = abs(math.remainder(float(now[2] - before[2]), math.tau))
            if float(np.hypot(*(now[:2] - before[:2]))) > JUMP or turn > TURN_JUMP:
                self._settled_s = stamp_s + self.config.map_settling
        self._map_from_odom, self._way = np.asarray(map_from_odom), 0.0

    def _known(self, stamp_s: float, base: Floats) -> StaticMap | None:
        deviation = self._deviation + DRIFT * self._way
        turn_deviation = self._turn_deviation + TURN_DRIFT * self._way
        stale = self._way > FARTHEST
        if self._transform_s is not None:
            age = stamp_s - self._transform_s
            stale = age > self.config.map_timeout or -math.inf < age < -FUTURE
        well = deviation <= self.config.map_deviation and turn_deviation <= self.config.map_turn_deviation
        if self._map_from_odom is None or self.floor is None or stale or not well or stamp_s < self._settled_s:
            return None
        place = (float(base[0]), float(base[1]))
        return StaticMap(self.floor, self._map_from_odom, deviation, turn_deviation, place)
