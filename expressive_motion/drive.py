"""What becomes of a wish for the base: slower or faster only gently, never into something, never beyond its limits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from expressive_motion.attention import People
from expressive_motion.embodiment import View
from expressive_motion.guard import allowed_speed, free_way
from sac_son_nav.config import RobotProfile
from sac_son_nav.kinematics import limit_velocity
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
        wanted = np.array([linear, angular])
        speeds = limit_velocity(wanted, self.last.as_array(), self._gentle, dt)
        v, w = float(speeds[0]), float(speeds[1])
        if v != 0.0:
            points = view.obstacle_points[np.isfinite(view.obstacle_points).all(axis=-1)]
            free = free_way(view.robot.pose, v, w, self._profile.radius, points, people)
            top = allowed_speed(free, CAREFUL * self._profile.limits.deceleration)
            held = top < STANDS and abs(linear) >= STANDS
            v = math.copysign(min(abs(v), top), v)
        else:
            held = False
        self.blocked_s = self.blocked_s + dt if held else 0.0
        self.last = self._clipped(v, w)
        return self.last

    def _clipped(self, v: float, w: float) -> Command:
        limits = self._profile.limits
        return Command(min(max(v, limits.vx_min), limits.vx_max), min(max(w, -limits.wz_max), limits.wz_max))
