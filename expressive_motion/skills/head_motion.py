"""How a head turns: one minimum-jerk motion after another, each from wherever the last one has got to.

Source: Flash and Hogan, "The coordination of arm movements", Journal of Neuroscience 5(7), 1985: a movement of least
jerk is a polynomial of fifth degree; at rest at both ends its peak speed is 15/8 of the mean.
"""

from __future__ import annotations

import math
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
_AXES = (0, 1)  # pan, tilt
_Axis = tuple[float, float, float]  # angle, rate, acceleration of one


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
        self._lowest, self._highest = low.tolist(), high.tolist()
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
        pairs = zip(self.goal.angles.tolist(), self.angles.tolist(), strict=True)
        return all(abs(goal - angle) < ARRIVED for goal, angle in pairs)

    def aim(self, goal: HeadGoal, dt: float) -> None:
        """A goal, `dt` [s] after the last; one that leaps away from where the last was going begins a new motion.
        What lies out of the head's range is taken as the nearest within; a goal that isn't finite is no goal."""
        # In plain floats, as everything that is done at each step: two numbers are too few for arrays to pay, and
        # rehearsals do this a lot.
        asked, asked_rates = goal.angles.tolist(), goal.rates.tolist()
        if not all(map(math.isfinite, asked + asked_rates)):
            return
        here, before, rates = self.angles.tolist(), self.goal.angles.tolist(), self.goal.rates.tolist()
        angles = [min(max(asked[i], self._lowest[i]), self._highest[i]) for i in _AXES]
        leap = max(abs(angles[i] - (before[i] + rates[i] * dt)) for i in _AXES)
        if leap > NEW_GOAL or goal.speed != self.goal.speed:
            way = max(abs(angles[i] - here[i]) for i in _AXES)
            self._left_s = max(PEAK * way / goal.speed, (ACCELERATION * way / CALM_ACCELERATION) ** 0.5)
        kept = [asked_rates[i] if angles[i] == asked[i] else 0.0 for i in _AXES]
        self.goal = HeadGoal(np.array(angles), goal.speed, np.array(kept))

    def advance(self, dt: float) -> Floats:
        """The angles (2,) [rad] dt [s] later: along the fifth-degree polynomial from the present state to where the
        goal will be when the motion ends, never faster than the goal allows."""
        left = max(self._left_s, SHORTEST, 2.0 * dt)
        self._left_s = max(0.0, self._left_s - dt)
        here, rates, accelerations = self.angles.tolist(), self.rates.tolist(), self.accelerations.tolist()
        goal, goal_rates = self.goal.angles.tolist(), self.goal.rates.tolist()
        if here == goal and not any(rates + accelerations + goal_rates):
            return self.angles
        axes = []
        for i in _AXES:
            end = goal[i] + goal_rates[i] * left
            planned = _quintic(here[i], rates[i], accelerations[i], end, goal_rates[i], left, dt)
            axes.append(self._bounded(i, here[i], planned, dt))
        self.angles, self.rates, self.accelerations = (np.array(part) for part in zip(*axes, strict=True))
        return self.angles

    def _bounded(self, i: int, here: float, planned: _Axis, dt: float) -> _Axis:
        """Angle, rate and acceleration of one axis dt [s] later: as planned, within its speed and its range."""
        position, speed, acceleration = planned
        fastest = self.goal.speed * dt
        step = min(max(position - here, -fastest), fastest)
        angle = min(max(here + step, self._lowest[i]), self._highest[i])
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
