"""What the embedded robot measures of its own motion: odometry that drifts, and a localiser's pose.

All noise comes from a Generator that is passed in. Frames and units as in :mod:`sac_son_nav.states`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.geometry import wrap_angle
from sac_son_nav.kinematics import unicycle_step
from sac_son_nav.states import Floats


@dataclass(frozen=True)
class NoiseConfig:
    """How wrong the robot's idea of its own motion is. Odometry of small wheeled robots is off by one or two percent
    of the distance, mostly by errors that stay (wheel size, wheel base) and so grow with the way."""

    speed_scale: float = 0.01  # standard deviation of a run's constant error of the measured speed, relative
    turn_scale: float = 0.01  # the same for the turning rate
    drift: float = 0.003  # [rad/m] standard deviation of a run's constant veering
    slip: float = 0.02  # standard deviation of the momentary errors, relative; recordings jitter by 1.7 % of the speed
    localiser_position: float = 0.02  # [m] standard deviation of the localiser's x and y
    localiser_yaw: float = 0.0087  # [rad] (half a degree) of its yaw


class Odometry:
    """Pose (3,) [m, m, rad] in frame `odom`, which starts where the robot does, and the measured velocity (2,)."""

    def __init__(self, noise: NoiseConfig, random: np.random.Generator) -> None:
        self._noise, self._random = noise, random
        speed, turn, drift = random.normal(size=3)
        self._scale = 1.0 + np.array([noise.speed_scale * speed, noise.turn_scale * turn])
        self._drift = noise.drift * drift
        self._luck = np.zeros((0, 2))
        self.pose: Floats = np.zeros(3)
        self.velocity: Floats = np.zeros(2)

    def step(self, velocity: Floats, dt: float) -> None:
        """The base moved at velocity (2,) [m/s, rad/s] for dt [s]; standing is noticed without error."""
        if len(self._luck) == 0:
            self._luck = self._random.normal(size=(512, 2))
        luck, self._luck = self._luck[0], self._luck[1:]
        measured = velocity * (self._scale + self._noise.slip * luck)
        measured[1] += self._drift * velocity[0]
        self.velocity = measured
        self.pose = np.asarray(unicycle_step(self.pose, measured, dt))


def localise(pose: Floats, noise: NoiseConfig, random: np.random.Generator) -> Floats:
    """The pose (3,) that a localiser would report for the true `pose` (3,) [m, m, rad] in `map`: errors do not add
    up."""
    spread = np.array([noise.localiser_position, noise.localiser_position, noise.localiser_yaw])
    reported = pose + spread * random.normal(size=3)
    reported[2] = wrap_angle(reported[2])
    return reported
