"""What the navigation node knows, and whether it is fresh enough to move on. No ROS in here, so it can be tested
second by second.

Two clocks: *stamps* [s] are the world's time, in which things are put together; *now* [s] is a clock that always
runs, in which silence is counted. A message whose stamp does not advance is no message: a frozen sensor falls
silent too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from sac_son_nav.config import LaserConfig
from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import compose, inverse, rotate, transform_points
from sac_son_nav.navigation.shield import sees_behind
from sac_son_nav.pose_buffer import PoseBuffer
from sac_son_nav.states import Floats, Observation, RobotState, Scan, Tracks

T = TypeVar("T")
SWEEPS = 2.5  # of the laser, that may pass without a scan, or without a plan


_WAYS = {
    "auto": "a transform from map to odom, or a pose in the map on amcl_pose",
    "tf": "a transform from map to odom",
    "amcl_pose": "a pose in the map on amcl_pose",
    "odometry": "odometry",
}


@dataclass(frozen=True)
class FreshnessConfig:
    """How long each input may be silent before the robot stops."""

    scan_timeout: float = 0.0  # [s]; 0: two and a half sweeps of the profile's laser
    people_timeout: float = 0.0  # [s]; likewise
    odom_timeout: float = 0.25  # [s]
    localisation_timeout: float = 0.0  # [s]; 0: any age, as AMCL is silent while the robot stands
    lost_deviation: float = (
        0.6  # [m] of the localiser's position, above which the robot is lost, until below half of it
    )
    latest_age: float = 0.5  # [s] of world's time a stamp may lie behind the clock
    transform_timeout: float = 1.0  # [s] since the transform from map to odom was last renewed
    localisation: str = "auto"  # where the robot is in the map: tf, amcl_pose, auto (tf once it tells), or odometry

    def __post_init__(self) -> None:
        for name in ("odom_timeout", "latest_age", "transform_timeout", "lost_deviation"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected a number above zero, got {getattr(self, name)}")
        for name in ("scan_timeout", "people_timeout"):
            if getattr(self, name) < 0.0:
                raise ConfigError(f"{name}: expected zero or more seconds, got {getattr(self, name)}")
        if self.localisation not in ("auto", "tf", "amcl_pose", "odometry"):
            raise ConfigError(f"localisation: expected auto, tf, amcl_pose or odometry, got {self.localisation!r}")


def _alone(method: Callable[..., T]) -> Callable[..., T]:
    """One caller at a time."""

    @wraps(method)
    def locked(self: Observer, *arguments: Any, **named: Any) -> T:
        with self._lock:
            return method(self, *arguments, **named)

    return locked


class Observer:
    """Puts scan, people, odometry and localisation together into one `Observation` in frame `map`.

    Its methods may be called from any thread.
    """

    def __init__(self, config: FreshnessConfig, laser: LaserConfig) -> None:
        self.config, self.laser = config, laser
        sweeps = SWEEPS / laser.rate
        self._timeouts = {
            "odometry": config.odom_timeout,
            "scan": config.scan_timeout or sweeps,
            "people": config.people_timeout or sweeps,
        }
        self._lock = threading.RLock()  # messages come in one thread, questions in others
        self._base_from_laser = np.array([laser.x, laser.y, laser.yaw])
        self.reset()

    @_alone
    def reset(self) -> None:
        """Know nothing: at the start, and when the world's clock was set back."""
        self._odometry = PoseBuffer()
        self._map_from_odom: Floats | None = np.zeros(3) if self.config.localisation == "odometry" else None
        self._scan: Scan | None = None
        self._people: Tracks | None = None
        self._heard = {"scan": float("-inf"), "people": float("-inf"), "odometry": float("-inf")}
        self._localised = float("-inf")
        self._transform_s, self._transformed = float("-inf"), float("-inf")  # its stamp, and when that last advanced
        self._pending: tuple[float, Floats] | None = None
        self._refusals: dict[str, str] = {}
        self._odometry_frame = ""
        self._deviation, self._lost = 0.0, False

    @_alone
    def refuse(self, what: str, sentence: str) -> None:
        """Remember why the last message of `what` (scan, people, odometry) could not be used."""
        self._refusals[what] = sentence

    @_alone
    def hear_odometry(self, robot: RobotState, now: float) -> None:
        """Where the base says it is, in its odometry's frame."""
        if robot.stamp_s < self._odometry.newest_s - self._odometry.reset_after:
            self.reset()  # the clock was set back: nothing heard before belongs to this world
        if self._odometry_frame not in ("", robot.frame):
            return self.refuse("odometry", f"expected frame {self._odometry_frame!r} as before, got {robot.frame!r}")
        self._odometry_frame = robot.frame
        if self._odometry.add(robot.stamp_s, robot.pose, robot.velocity):
            self._mark("odometry", now)
        if self._pending is not None:
            self._localise(*self._pending)
        return None

    @_alone
    def hear_localisation(self, stamp_s: float, pose: Floats, now: float, deviation: float = 0.0) -> None:
        """Where the robot is in the map, (3,), known to a standard deviation [m]: this says where the odometry's frame
        is."""
        self._deviation = deviation
        self._lost = deviation > self.config.lost_deviation * (0.5 if self._lost else 1.0)
        if self.config.localisation == "amcl_pose" or (self.config.localisation == "auto" and not self.by_transform):
            self._localised = now
            self._localise(stamp_s, pose)

    @property
    def by_transform(self) -> bool:
        """Whether the transforms say where the robot is in the map."""
        return self._transform_s > float("-inf")

    @_alone
    def hear_transform(self, stamp_s: float, map_from_odom: Floats, now: float) -> None:
        """Where the odometry's frame (3,) is in the map, straight from the transforms; from the first one on they are
        waited for, and a pose on a topic is not heard any more."""
        renewed = stamp_s != self._transform_s or np.isinf(stamp_s)
        if self.config.localisation in ("auto", "tf") and renewed:
            self._transform_s, self._transformed, self._localised = stamp_s, now, now
            self._map_from_odom = np.asarray(map_from_odom)

    @_alone
    def place_laser(self, base_from_laser: Floats) -> None:
        """Where the laser sits on the base (3,), when somebody knows better than the profile."""
        self._base_from_laser = np.asarray(base_from_laser)

    @_alone
    def hear_scan(self, scan: Scan, now: float) -> None:
        """What the laser sees now."""
        if self._from_the_future("scan", scan.stamp_s):
            return
        if self._scan is None or scan.stamp_s > self._scan.stamp_s:
            self._scan = scan
            self._mark("scan", now)

    @_alone
    def hear_people(self, people: Tracks, now: float) -> None:
        """Who is there, in the odometry's frame or in the map's."""
        if self._from_the_future("people", people.stamp_s):
            return
        if self._people is None or people.stamp_s > self._people.stamp_s:
            self._people = people
            self._mark("people", now)

    @_alone
    def problem(self, now: float, world_s: float | None = None, localised: bool = True) -> str:
        """Why the robot must not move, in one sentence; empty when it may. `world_s`: the world's clock [s];
        `localised` False: for motions that need no place in the map."""
        silent = [what for what, limit in self._timeouts.items() if now - self._heard[what] > limit]
        for what in silent:  # a message that came and could not be used says more than silence
            if what in self._refusals:
                return f"{what} refused: {self._refusals[what]}"
        for what in silent:
            age = now - self._heard[what]
            return f"no {what} yet" if np.isinf(age) else f"no {what} for {age:.1f} s"
        if localised and self._map_from_odom is None:
            return f"no localisation yet: expected {_WAYS[self.config.localisation]}"
        if localised and self.by_transform and now - self._transformed > self.config.transform_timeout:
            return f"no transform from map to odom for {now - self._transformed:.1f} s"
        if localised and 0.0 < self.config.localisation_timeout < now - self._localised:
            return f"no localisation for {now - self._localised:.1f} s"
        if localised and self._lost:
            known = f"the position is known to {self._deviation:.1f} m only"
            return f"lost: {known}; give it a pose (rviz: 2D Pose Estimate), or drive it by hand"
        if world_s is not None and self._people is not None:
            age = world_s - self._people.stamp_s
            if age > self.config.latest_age:
                return f"people are {age:.1f} s old by their stamp"
        return ""

    @_alone
    def sees_behind(self, radius: float) -> bool:
        """Whether the last sweep covers what a base of that radius [m] would back into."""
        return self._scan is not None and sees_behind(self._scan, self._base_from_laser, radius)

    @_alone
    def robot(self, stamp_s: float) -> RobotState | None:
        """The robot in the map at a moment [s]; None while that is not known."""
        found = self._odometry.at(stamp_s)
        if found is None or self._map_from_odom is None:
            return None
        pose, velocity = found
        return RobotState(stamp_s, np.asarray(compose(self._map_from_odom, pose)), velocity, "map")

    @_alone
    def latest_robot(self) -> RobotState | None:
        """The robot in the map by the newest odometry; None while that is not known."""
        return self.robot(self._odometry.newest_s) if len(self._odometry) else None

    @_alone
    def observation(self, localised: bool = True) -> Observation | None:
        """The world at the stamp of the last people; None while the parts do not meet in time.

        `localised` False: where the place in the map is not known, the world is as seen from wherever odometry began;
        enough to keep clear of things by.
        """
        if not localised and self._map_from_odom is None:
            return self._unlocalised()
        people, scan = self._people, self._scan
        if people is None or scan is None:
            return None
        robot, seen_from = self.robot(people.stamp_s), self.robot(scan.stamp_s)
        if robot is None or seen_from is None or self._map_from_odom is None:
            return None
        map_from_laser = compose(seen_from.pose, self._base_from_laser)
        points = np.asarray(transform_points(map_from_laser, scan.points()))
        return Observation(people.stamp_s, robot, self._in_map(people), points)

    def _unlocalised(self) -> Observation | None:
        """The same with the odometry's frame in the map's place; people in a map that is not known are left out."""
        before, people = self._map_from_odom, self._people
        self._map_from_odom = np.zeros(3)
        try:
            if people is not None and people.frame == "map":
                self._people = Tracks.empty(people.stamp_s, "map")
            return self.observation()
        finally:
            self._map_from_odom, self._people = before, people

    def _in_map(self, people: Tracks) -> Tracks:
        if people.frame == "map":
            return people
        assert self._map_from_odom is not None
        pose = self._map_from_odom
        turn = np.asarray(rotate(np.eye(2), pose[2])).T
        both = np.kron(np.eye(2), turn)
        return Tracks(
            people.stamp_s,
            "map",
            people.ids,
            np.asarray(transform_points(pose, people.positions)),
            np.asarray(rotate(people.velocities, pose[2])),
            both @ people.covariances @ both.T,
            people.confidences,
        )

    def _localise(self, stamp_s: float, pose: Floats) -> None:
        found = self._odometry.at(stamp_s)
        self._pending = None if found is not None else (stamp_s, pose)
        if found is not None:
            self._map_from_odom = np.asarray(compose(pose, inverse(found[0])))

    def _from_the_future(self, what: str, stamp_s: float) -> bool:
        """Refuse a stamp far ahead of the odometry: kept, it would make all that follow look old."""
        ahead = stamp_s - self._odometry.newest_s
        if not self._odometry.reset_after < ahead < float("inf"):
            return False
        self.refuse(what, f"its stamp is {ahead:.1f} s ahead of the odometry's")
        return True

    def _mark(self, what: str, now: float) -> None:
        self._heard[what] = now
        self._refusals.pop(what, None)
