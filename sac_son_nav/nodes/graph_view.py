"""A running graph described, for `sac-son doctor`: who publishes and subscribes what, and what was heard. No ROS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sac_son_nav.config import RobotProfile

MOVES = "cmd_vel"


@dataclass(frozen=True)
class Endpoint:
    """A node that publishes or subscribes a topic, and how."""

    node: str
    kind: str  # such as sensor_msgs/msg/LaserScan
    reliable: bool = True
    latched: bool = False


@dataclass(frozen=True)
class Topic:
    """Who is at the two ends of a topic."""

    publishers: tuple[Endpoint, ...] = ()
    subscribers: tuple[Endpoint, ...] = ()


@dataclass(frozen=True)
class Heard:
    """What was heard on a topic while looking."""

    count: int = 0
    rate: float = 0.0  # [Hz]
    longest_gap: float = 0.0  # [s]
    stamp_age: float | None = None  # [s] the clock was ahead of the stamps, in the middle
    set_back: float = 0.0  # [s] by which stamps fell back, at most
    repeated: int = 0  # messages whose stamp did not advance
    frames: frozenset[str] = frozenset()
    complaint: str = ""  # why the last one can't be used


@dataclass(frozen=True)
class Said:
    """A node's last word in diagnostics."""

    level: int  # 0 OK, 1 WARN, 2 ERROR, 3 STALE
    message: str


@dataclass(frozen=True)
class GraphView:
    """The graph as it was seen for `seconds`; topics by their names without the namespace."""

    robot: RobotProfile
    seconds: float
    nodes: tuple[str, ...] = ()  # all, absolute
    namespace: str = ""
    topics: Mapping[str, Topic] = field(default_factory=dict)
    heard: Mapping[str, Heard] = field(default_factory=dict)
    said: Mapping[str, Said] = field(default_factory=dict)  # by node, without the namespace
    sim_time: Mapping[str, bool] = field(default_factory=dict)  # use_sim_time of our nodes, where they answered
    clock_publishers: tuple[str, ...] = ()
    clock_set_back: float = 0.0  # [s]
    stopped: bool = False
    transforms: str = "none"  # the way they are had here
    transform_problem: str = ""  # why the robot's place is not known by transforms; empty: known, or not to be had
    missing_packages: tuple[str, ...] = ()  # of messages that this robot's own topics have
    elsewhere: tuple[str, ...] = ()  # absolute names of scans in other namespaces
    command: str = MOVES  # where the velocity command goes
    load: float = 0.0  # processes per core
    domain: str = "0"
    wants_expression: bool = True
