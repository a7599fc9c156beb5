"""How a head turns: one minimum-jerk motion after another, each from wherever the last one has got to.

Source: Flash and Hogan, "The coordination of arm movements", Journal of Neuroscience 5(7), 1985: a movement of least
jerk is a polynomial of fifth degree; at rest at both ends its peak speed is 15/8 of the mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from expressive_motion.robot import Head
from sac_son_nav.states import Floats

PEAK = 1.875
ACCELERATION = 5.7735  # peak acceleration of a minimum-jerk motion over distance / duration^2
CALM_ACCELERATION = 6.0  # [rad/s^2]
SHORTEST = 0.2  # [s] over which what is left is always spread
NEW_GOAL = 0.05  # [rad] by which a goal must leap to count as another one
ARRIVED = 0.01  # [rad]


@dataclass(frozen=True)
class HeadGoal:
    """Where the head is to look: angles (2,) pan, tilt [rad], how they change (2,) [rad/s], and the peak speed
    [rad/s] at which it may turn there."""

    angles: Floats
    speed: float
    rates: Floats = field(default_factory=lambda: np.zeros(2))


class HeadMotion:
    """A head under way. `angles`, `rates`, `accelerations` (2,) [rad, s]."""

    def __init__(self, head: Head) -> None:
        low, high = np.radians(np.array([head.pan_deg, head.tilt_deg]).T)
        self.low, self.high, self.calm_speed = low, high, head.calm_speed
        self.angles = np.clip(np.zeros(2), low, high)
        self.rates = np.zeros(2)
        self.accelerations = np.zeros(2)
        self.goal = HeadGoal(self.angles, head.calm_speed)
        self._left_s = 0.0

    @property
    def home(self) -> HeadGoal:
        """The middle, at calm speed."""
        return HeadGoal(np.clip(np.zeros(2), self.low, self.high), self.calm_speed)

    @property
    def arrived(self) -> bool:
        """Whether it looks where it should."""
        return bool((np.abs(self.goal.angles - self.angles) < ARRIVED).all())

    def aim(self, goal: HeadGoal, dt: float) -> None:
        """A goal, `dt` [s] after the last; one that leaps away from where the last was going begins a new motion.
        What lies out of the head's range is taken as the nearest within; a goal that isn't finite is no goal."""
        if not (np.isfinite(goal.angles).all() and np.isfinite(goal.rates).all()):
            return
        angles = np.clip(goal.angles, self.low, self.high)
        rates = np.where(angles == goal.angles, goal.rates, 0.0)
        leap = float(np.abs(angles - (self.goal.angles + self.goal.rates * dt)).max())
        if leap > NEW_GOAL or goal.speed != self.goal.speed:
            way = float(np.abs(angles - self.angles).max())
            self._left_s = max(PEAK * way / goal.speed, (ACCELERATION * way / CALM_ACCELERATION) ** 0.5)
        self.goal = HeadGoal(angles, goal.speed, rates)

    def advance(self, dt: float) -> Floats:
        """The angles (2,) [rad] dt [s] later: along the fifth-degree polynomial from the present state to where the
        goal will be when the motion ends, never faster than the goal allows."""
        left = max(self._left_s, SHORTEST, 2.0 * dt)
        self._left_s = max(0.0, self._left_s - dt)
        if self._at_rest():
            return self.angles
        # Axis by axis in plain floats: two numbers are too few for arrays to pay, and rehearsals do this a lot.
        axes = [self._axis(i, left, dt) for i in range(2)]
        self.angles, self.rates, self.accelerations = (np.array(part) for part in zip(*axes, strict=True))
        return self.angles

    def _at_rest(self) -> bool:
        moving = self.rates.any() or self.accelerations.any() or self.goal.rates.any()
        return not moving and bool((self.angles == self.goal.angles).all())

    def _axis(self, i: int, left: float, dt: float) -> tuple[float, float, float]:
        """Angle, rate and acceleration of one axis dt [s] later."""
        here, goal, rate = float(self.angles[i]), float(self.goal.angles[i]), float(self.goal.rates[i])
        now = (here, float(self.rates[i]), float(self.accelerations[i]))
        position, speed, acceleration = _quintic(*now, goal + rate * left, rate, left, dt)
        fastest = self.goal.speed * dt
        step = min(max(position - here, -fastest), fastest)
        angle = min(max(here + step, float(self.low[i])), float(self.high[i]))
        if abs(angle - position) < 1e-9:
            return angle, speed, acceleration
        return angle, (angle - here) / dt if dt > 0.0 else 0.0, 0.0


def _quintic(
    x: float, v: float, a: float, end: float, end_v: float, duration: float, t: float
) -> tuple[float, float, float]:
    """Position, speed and acceleration after t [s] of the fifth-degree polynomial that joins (x, v, a) to
    (end, end_v, 0) in `duration` [s]."""
    s, T = t / duration, duration
    way = end - x - v * T - 0.5 * a * T * T
    speed = (end_v - v - a * T) * T
    bend = -a * T * T
    c3, c4, c5 = 10 * way - 4 * speed + 0.5 * bend, -15 * way + 7 * speed - bend, 6 * way - 3 * speed + 0.5 * bend
    position = x + v * t + 0.5 * a * t * t + c3 * s**3 + c4 * s**4 + c5 * s**5
    rate = v + a * t + (3 * c3 * s**2 + 4 * c4 * s**3 + 5 * c5 * s**4) / T
    acceleration = a + (6 * c3 * s + 12 * c4 * s**2 + 20 * c5 * s**3) / (T * T)
    return position, rate, acceleration
