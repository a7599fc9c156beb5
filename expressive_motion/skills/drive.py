"""What becomes of a wish for the base: slower or faster only gently, never into something, never beyond its limits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from expressive_motion.skills.attention import People
from expressive_motion.skills.embodiment import View
from expressive_motion.skills.guard import SPARE, allowed_speed, free_way, nothing_near, stopping_way
from sac_son_nav.config import RobotProfile
from sac_son_nav.kinematics import limit_one_velocity
from sac_son_nav.states import STOP, Command

GENTLE = 0.7  # share of what the base can do that a calm motion uses, speeding up, turning and braking
CAREFUL = 0.6  # share of the braking that the guard counts on
CALMEST_BRAKE = 0.8  # [m/s^2] calm braking is never harder
STANDS = 0.02  # [m/s] below which the base stands


class Drive:
    """The base of a performance. `blocked_s`: for how long the guard has held it where it wants to go on."""

    def __init__(self, profile: RobotProfile) -> None:
        limits = profile.limits
        self._profile = profile
        self.acceleration = GENTLE * limits.acceleration
        self.deceleration = min(GENTLE * limits.deceleration, CALMEST_BRAKE)
        self.turning = GENTLE * limits.angular_acceleration
        self._gentle = replace(
            limits,
            acceleration=self.acceleration,
            deceleration=self.deceleration,
            angular_acceleration=self.turning,
        )
        self.blocked_s = 0.0
        self.last = STOP

    def stop(self) -> Command:
        """Stand still now."""
        self.last, self.blocked_s = STOP, 0.0
        return STOP

    def resume(self, view: View) -> None:
        """Nothing was heard for a while: go on from how the base moves now."""
        moving = np.nan_to_num(np.asarray(view.robot.velocity, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        self.last = self._clipped(float(moving[0]), float(moving[1]))

    def step(self, linear: float, angular: float, view: View, people: People, dt: float) -> Command:
        """The command for a wish [m/s, rad/s], `dt` [s] after the last one."""
        if not (math.isfinite(linear) and math.isfinite(angular)):
            return self.stop()
        if linear == 0.0 and angular == 0.0 and self.last == STOP:
            return self.stop()
        v, w = limit_one_velocity((linear, angular), (self.last.linear, self.last.angular), self._gentle, dt)
        top = self._guarded(v, w, view, people) if v != 0.0 else math.inf
        held = top < STANDS and abs(linear) >= STANDS
        v = math.copysign(min(abs(v), top), v)
        self.blocked_s = self.blocked_s + dt if held else 0.0
        self.last = self._clipped(v, w)
        return self.last

    def _guarded(self, v: float, w: float, view: View, people: People) -> float:
        """The highest speed [m/s] that the guard allows on this arc; inf where it surely allows the one asked for."""
        braking, radius = CAREFUL * self._profile.limits.deceleration, self._profile.radius
        enough = stopping_way(max(abs(v), STANDS), braking) + SPARE
        if nothing_near(view.robot.pose, enough, abs(v), radius, view.obstacle_points, people):
            return math.inf
        points = view.obstacle_points[np.isfinite(view.obstacle_points).all(axis=-1)]
        return allowed_speed(free_way(view.robot.pose, v, w, radius, points, people), braking)

    def _clipped(self, v: float, w: float) -> Command:
        limits = self._profile.limits
        return Command(min(max(v, limits.vx_min), limits.vx_max), min(max(w, -limits.wz_max), limits.wz_max))
