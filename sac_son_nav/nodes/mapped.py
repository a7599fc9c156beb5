"""The perception node's ears for the map: `map`, and where the robot is in it by transforms or `amcl_pose`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import OccupancyGrid
from rclpy.node import Node

from sac_son_nav.errors import MessageError, SacSonError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.nodes import conversions
from sac_son_nav.nodes.runtime import LATCHED, RELIABLE
from sac_son_nav.nodes.transforms import Transforms, map_from_odom
from sac_son_nav.perception.map_place import MapConfig, MapPlace
from sac_son_nav.perception.static_map import StaticMap
from sac_son_nav.states import Floats

MAP = "map"


class MapEars:
    """Hears nothing where the map is not to be used."""

    def __init__(self, node: Node, config: MapConfig, transforms: Transforms) -> None:
        self._node, self._transforms, self.place = node, transforms, MapPlace(config)
        self._config, self._maps = config, 0
        if config.use_map:
            node.create_subscription(OccupancyGrid, "map", self._on_map, LATCHED)
            node.create_subscription(PoseWithCovarianceStamped, "amcl_pose", self._on_pose, RELIABLE)

    def static_map(
        self, stamp_s: float, base: Floats, base_at: Callable[[float], Floats | None], frame: str
    ) -> StaticMap | None:
        """As :meth:`MapPlace.static_map`, in the odometry's `frame`."""
        if not self._config.use_map:
            return None
        return self.place.static_map(stamp_s, base, base_at, map_from_odom(self._transforms, MAP, frame))

    def _on_map(self, message: OccupancyGrid) -> None:
        try:
            floor = conversions.from_occupancy_grid(message, "map", MAP)
        except SacSonError as error:
            return self._node.get_logger().warning(str(error))
        self._maps += 1
        # A large map's distances take longer than scans can wait.
        threading.Thread(target=self._take, args=(floor, self._maps), name="map", daemon=True).start()
        return None

    def _take(self, floor: OccupancyMap, number: int) -> None:
        _ = floor.wall_distance  # worked out once and kept
        if number == self._maps:
            self.place.floor = floor

    def _on_pose(self, message: PoseWithCovarianceStamped) -> None:
        try:
            pose, _ = conversions.from_stamped_pose(message, "amcl_pose", MAP)
        except MessageError as error:
            return self._node.get_logger().warning(str(error))
        deviation, turn = conversions.position_deviation(message), conversions.yaw_deviation(message)
        return self.place.hear_pose(conversions.to_seconds(message.header.stamp), pose, deviation, turn)
