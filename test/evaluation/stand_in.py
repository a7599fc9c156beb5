"""What jobs are done by where no world is needed: episodes whose figures follow from their names and seeds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.episodes import Episode, Paths


class StandIn:
    """Takes `pause` [s] for each job, and refuses the planner `refused`."""

    def __init__(self, pause: float = 0.0, refused: str = "") -> None:
        self.pause, self.refused = pause, refused

    def noise_floor(self, scenario: str, humans: str, seeds: Sequence[int], robot: str, data: Path | None) -> float:
        return 0.0

    def run(
        self, planner: str, scenario: str, humans: str, seeds: Sequence[int], robot: str, data: Path | None
    ) -> list[Episode]:
        time.sleep(self.pause)
        if planner == self.refused:
            raise ConfigError(f"planner {planner}: expected patience, got none")
        return [self.episode(planner, scenario, humans, seed) for seed in seeds]

    @staticmethod
    def episode(planner: str, scenario: str, humans: str, seed: int) -> Episode:
        random = np.random.default_rng([crc32(f"{planner} {scenario} {humans}".encode()), seed])
        success = bool(random.random() < 0.8)
        values = {
            "success": success,
            "time_s": float(20.0 + random.random()),
            "perturbation_absent_m": float(0.1 * random.random()),
            "perturbation_parked_m": float(0.1 * random.random()),
            "people_affected_share": float(random.random()),
            "min_time_to_collision_s": None,
        }
        if seed >= 2:
            return Episode(planner, scenario, humans, seed, values)
        moments, people = 30, random.normal(size=(1, 3, 2))
        way = np.stack([np.linspace(1.2, 16.0, moments), np.full(moments, 2.0), np.zeros(moments)], axis=-1)
        walked = people + np.linspace(0.0, 5.0, moments)[:, None, None] + 5.0
        walked[:5, 2] = np.nan  # comes in later
        aside = walked + 0.3 * np.sin(np.linspace(0.0, np.pi, moments))[:, None, None]
        paths = Paths(*(v.astype(np.float32) for v in (way, aside, walked)))
        return Episode(planner, scenario, humans, seed, values, paths)
