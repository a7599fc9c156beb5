"""What a planner answers an observation with: a command, and everything that was looked at for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.states import Command, Floats


@dataclass(frozen=True)
class Plan:
    """What the robot does next, and why; all in frame `map`.

    command: after the shield. status: idle, driving, turning, yielding, blocked or arrived. velocities (T, 2)
    [m/s, rad/s] and poses (T, 3): the chosen plan, one row every `step_s`. people_with, people_without (N, T, 2)
    [m]: the people of `ids` under the plan and under the reference. terms: the unweighted value of each term of
    the objective. considered (K, T, 3): the poses of every candidate. short_tracks: ids of those whom a learned human
    model has seen too shortly, and for whose past constant velocity stood in.
    """

    stamp_s: float
    command: Command
    status: str
    reason: str = ""
    step_s: float = 0.25
    velocities: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    poses: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    people_with: Floats = field(default_factory=lambda: np.zeros((0, 0, 2)))
    people_without: Floats = field(default_factory=lambda: np.zeros((0, 0, 2)))
    terms: dict[str, float] = field(default_factory=dict)
    considered: Floats = field(default_factory=lambda: np.zeros((0, 0, 3)))
    short_tracks: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
