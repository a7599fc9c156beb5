"""The way a recorded robot took, handed to the navigator as a path: what would ours have done there, among these
people? It plans in every recorded situation, though the recorded robot drives as it drove."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from nav_msgs.msg import Odometry
from nav_msgs.msg import Path as PathMessage
from rclpy.node import Node

from sac_son_nav.errors import MessageError
from sac_son_nav.nodes import conversions
from sac_son_nav.nodes.runtime import RELIABLE
from sac_son_nav.states import Floats

AHEAD = 10.0  # [s] of the recorded way that are given at a time
SPACING = 0.2  # [m] between its points
RENEWED = 1.0  # [s] after which it is given anew


class RecordedWay:
    """Publishes the recorded way ahead on `plan`, once a second of the recording; an empty path where the robot
    hardly moved. The navigator takes the odometry's frame for the map."""

    def __init__(self, node: Node, odometry: Iterable[Odometry]) -> None:
        self._publisher = node.create_publisher(PathMessage, "plan", RELIABLE)
        known = []
        for message in odometry:
            try:
                state = conversions.from_odometry(message, "odom")
            except MessageError:
                continue  # perception refuses it too, in words
            known.append((state.stamp_s, *state.pose))
        rows = np.array(known).reshape(-1, 4)
        self._stamps, self._poses = rows[:, 0], rows[:, 1:]
        self._given_s = float("-inf")

    def moved_to(self, stamp_s: float) -> None:
        """The recording has come to this moment [s]."""
        if abs(stamp_s - self._given_s) < RENEWED:
            return
        self._given_s = stamp_s
        self._publisher.publish(conversions.to_path(self.ahead(stamp_s), conversions.to_stamp(stamp_s), "map"))

    def ahead(self, stamp_s: float) -> Floats:
        """Poses (M, 3) [m, m, rad] of the next AHEAD seconds, at least SPACING apart; (0, 3) when the robot leaves
        its place by less than two of them."""
        first, last = np.searchsorted(self._stamps, [stamp_s, stamp_s + AHEAD])
        kept: list[Floats] = []
        for pose in self._poses[first:last]:
            if not kept or np.linalg.norm(pose[:2] - kept[-1][:2]) >= SPACING:
                kept.append(pose)
        return np.array(kept) if len(kept) > 2 else np.zeros((0, 3))
