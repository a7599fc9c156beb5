"""What the expression node sees: scan, people, odometry, localisation, and whether the base is lent to it."""

from __future__ import annotations

import time

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import LaserScan, PointCloud2
from std_msgs.msg import Bool

from expressive_motion.skills.embodiment import View
from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import MessageError
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.observing import FreshnessConfig, Observer
from sac_son_nav.nodes.transforms import LaserPlace, make_transforms
from sac_son_nav.states import RobotState, Tracks

MAP = "map"


class Senses:
    """Subscribes, and puts together one view at a time. Motions are small and odometry does not leap, so views are in
    the odometry's frame unless `localisation` is amcl_pose."""

    def __init__(self, node: Node, robot: RobotProfile, freshness: FreshnessConfig) -> None:
        self._node, self._robot = node, robot
        self.observer = Observer(freshness, robot.laser)
        self._laser = LaserPlace(node, robot, make_transforms(node))
        self._base_free = False
        newest, sensor, reliable = runtime.NEWEST, runtime.SENSOR, runtime.RELIABLE
        make = node.create_subscription
        make(LaserScan, robot.laser.topic, self._on_scan, newest)
        make(Odometry, "odom", self._on_odometry, sensor)
        make(PoseWithCovarianceStamped, "amcl_pose", self._on_localisation, reliable)
        make(PointCloud2, "people", self._on_people, newest)
        make(Bool, "base_free", self._on_base_free, runtime.LATCHED)

    def view(self) -> View:
        """The surroundings at this moment; where too little is known, one in which the base has to stand."""
        now = float(self._node.get_clock().now().nanoseconds * 1e-9)
        stale = self.observer.problem(time.monotonic(), now if now > 0.0 else None)
        robot, observation = self.observer.latest_robot(), self.observer.observation()
        if robot is None:
            robot = RobotState(now, np.zeros(3), np.zeros(2))
            return View(now, robot, Tracks.empty(now, MAP), base_free=False, stale=stale or "no odometry yet")
        if observation is None:
            return View(now, robot, Tracks.empty(now, MAP), base_free=False, stale=stale or "nothing seen yet")
        return View(now, robot, observation.tracks, observation.obstacle_points, self._base_free, stale)

    def _on_scan(self, message: LaserScan) -> None:
        try:
            scan = self._laser.take(conversions.from_laser_scan(message, self._robot.laser.topic))
        except MessageError as error:
            return self.observer.refuse("scan", str(error))
        self.observer.place_laser(self._laser.pose)
        return self.observer.hear_scan(scan, time.monotonic())

    def _on_odometry(self, message: Odometry) -> None:
        try:
            state = conversions.from_odometry(message, "odom")
        except MessageError as error:
            return self.observer.refuse("odometry", str(error))
        return self.observer.hear_odometry(state, time.monotonic())

    def _on_localisation(self, message: PoseWithCovarianceStamped) -> None:
        try:
            pose, _ = conversions.from_stamped_pose(message, "amcl_pose", MAP)
        except MessageError as error:
            return self._node.get_logger().warning(str(error))
        return self.observer.hear_localisation(conversions.to_seconds(message.header.stamp), pose, time.monotonic())

    def _on_people(self, message: PointCloud2) -> None:
        try:
            people = conversions.from_people(message, "people")
            if people.frame == MAP and self.observer.config.localisation == "odometry":
                raise MessageError("people: expected the odometry's frame, got map; set localisation to amcl_pose")
        except MessageError as error:
            return self.observer.refuse("people", str(error))
        return self.observer.hear_people(people, time.monotonic())

    def _on_base_free(self, message: Bool) -> None:
        self._base_free = message.data
