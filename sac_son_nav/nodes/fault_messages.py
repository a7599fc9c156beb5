"""What becomes of messages in a fault: each function here takes one, and returns what comes out instead."""

from __future__ import annotations

from typing import Any

import numpy as np

from sac_son_nav.nodes import conversions
from sac_son_nav.nodes.fault_rig import Break, Rig


def nothing(message: Any) -> list[Any]:
    """Silence."""
    return []


def scan_of_nan(message: Any) -> list[Any]:
    """A laser that measures nothing."""
    message.ranges = [float("nan")] * len(message.ranges)
    return [message]


def empty_scan(message: Any) -> list[Any]:
    """No ranges."""
    message.ranges = []
    return [message]


def half_a_scan(message: Any) -> list[Any]:
    """Fewer ranges than the angles say."""
    message.ranges = message.ranges[: len(message.ranges) // 2]
    return [message]


def dated(seconds: float) -> Break:
    """Stamps that are off by so much."""

    def change(message: Any) -> list[Any]:
        stamp = conversions.to_seconds(message.header.stamp) + seconds
        message.header.stamp = conversions.to_stamp(max(0.0, stamp))
        return [message]

    return change


def frozen(rig: Rig) -> Break:
    """The same message over and over."""
    kept: list[Any] = []

    def change(message: Any) -> list[Any]:
        kept.append(message)
        return kept[:1]

    return change


def out_of_order(rig: Rig) -> Break:
    """Each two messages in the other order."""
    kept: list[Any] = []

    def change(message: Any) -> list[Any]:
        kept.append(message)
        if len(kept) % 2:
            return []
        return [kept[-1], kept[-2]]

    return change


def jumping(rig: Rig) -> Break:
    """A clock that jumps to and fro by half a minute."""
    count = [0]

    def change(message: Any) -> list[Any]:
        count[0] += 1
        return list(dated(30.0)(message)) if count[0] % 2 else [message]

    return change


def in_frame(frame: str) -> Break:
    """Another frame."""

    def change(message: Any) -> list[Any]:
        message.header.frame_id = frame
        return [message]

    return change


def ten_times(message: Any) -> list[Any]:
    """A flood."""
    return [message] * 10


def odometry_of_nan(message: Any) -> list[Any]:
    """A pose that is none."""
    message.pose.pose.position.x = float("nan")
    return [message]


def pose_of_nan(message: Any) -> list[Any]:
    """A localiser's pose that is none."""
    message.pose.pose.position.y = float("nan")
    return [message]


def very_uncertain(message: Any) -> list[Any]:
    """A localiser that says that it is lost: 2 m."""
    covariance = np.array(message.pose.covariance)
    covariance[[0, 7]] = 4.0
    message.pose.covariance = covariance
    return [message]


def unlocalised(message: Any) -> list[Any]:
    """Transforms without the one that places the odometry in the map."""
    message.transforms = [one for one in message.transforms if one.child_frame_id != "odom"]
    return [message] if message.transforms else []


def people_of_nan(message: Any) -> list[Any]:
    """A cloud whose bytes are no numbers: one person of NaN in it."""
    message.width, message.row_step = 1, message.point_step
    message.data = np.full(message.point_step // 4, np.nan, np.float32).tobytes()
    return [message]


def clock_off(seconds: float) -> Break:
    """A clock that was set."""

    def change(message: Any) -> list[Any]:
        return [conversions.to_clock(conversions.to_stamp(max(0.0, conversions.to_seconds(message.clock) + seconds)))]

    return change
