"""What a robot is rewarded for: named terms, each measured once and unweighted, and what each is worth.

Rates are taken over time, so an episode's sum does not depend on how often the robot is commanded. Shapes: W worlds,
N people. SI units.

| term | unit | what it measures over a step |
|---|---|---|
| progress | m | by how much the way to the goal became shorter |
| success | 1 | the goal was reached |
| collision | 1 | people the robot newly touched, whoever moved |
| wall | 1 | walls it newly touched |
| time | s | how long it took |
| personal_space | m^2 s | squared intrusion into people's space, sum over people |
| perturbation | m s | how far people are from where they would be without the robot, sum over people |

The intrusion is that of :func:`sac_son_nav.navigation.objective.personal_space` (SACSoN's J_ps), where people are now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Floats

TERMS = ("progress", "success", "collision", "wall", "time", "personal_space", "perturbation")


@dataclass(frozen=True)
class RewardConfig:
    """Reward per unit of each term; what is unwanted has a minus."""

    progress: float = 1.0
    success: float = 10.0
    collision: float = -10.0
    wall: float = -1.0
    time: float = -0.1
    personal_space: float = -4.0
    perturbation: float = 0.0  # the displacement needs the world without the robot, see `TaskConfig.twin`
    personal_distance: float = 0.5  # [m] between the robot's side and a person's centre; SACSoN's figure

    def __post_init__(self) -> None:
        if not self.personal_distance > 0.0:
            raise ConfigError(f"personal_distance: expected metres above zero, got {self.personal_distance}")


def intrusion(distances: Floats, reach: float) -> Floats:
    """Sum over people (W,) [m^2] of the squared shortfall of their distances (W, N) [m] below `reach` [m]; NaN is
    nobody."""
    short = np.nan_to_num(np.maximum(reach - distances, 0.0), nan=0.0)
    return np.asarray(np.sum(short * short, axis=-1))


def total(terms: Mapping[str, Floats], config: RewardConfig) -> Floats:
    """The weighted sum of the terms, (W,)."""
    weighted = [getattr(config, name) * terms[name] for name in TERMS]
    return np.asarray(sum(weighted[1:], weighted[0]))
