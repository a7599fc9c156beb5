"""`sac-son measure env`: how many of the robot's steps a second the batched environment takes on one core.

Every robot drives along its way at full speed without minding anybody, so runs end as those of an untrained robot do,
at the goal or at somebody's feet, and the worlds that begin anew are part of the time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import make_folder
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.states import Floats

WORLDS = (1, 64, 512)
KINDS: dict[str, dict[str, Any]] = {
    "tracks, no twins": {"observation": "tracks", "twin": False},
    "tracks": {"observation": "tracks"},
    "laser": {"observation": "laser"},
}
WARM = 250  # steps of the batch before the clock starts, in which its worlds, all new at first, come to differ in age
FEWEST, ENOUGH = 250, 5_000  # steps of the batch, and of all robots together, that are timed at least


def measure_env(scenario: str, seed: int, robot: str, out: Path) -> int:
    """Time each kind of environment with each number of worlds and print what came of it; also left as env.json."""
    rows = [_time(scenario, seed, robot, kind, worlds) for kind in KINDS for worlds in WORLDS]
    make_folder(out, "env.json")
    write_summary(out / "env.json", {"scenario": scenario, "seed": seed, "rows": rows})
    print(f"{scenario}, seed {seed}, {rows[0]['people']} people, one core")
    print(f"  {'':<20}{'worlds':>8}{'steps/s':>10}{'runs/s':>8}")
    for row in rows:
        print(f"  {row['kind']:<20}{row['worlds']:8d}{row['steps_per_s']:10.0f}{row['runs_per_s']:8.1f}")
    return 0


def _time(scenario: str, seed: int, robot: str, kind: str, worlds: int) -> dict[str, Any]:
    try:
        from sac_son_nav.simulation.env import SocialNavVectorEnv
    except ModuleNotFoundError:
        raise ConfigError(
            "environments: expected gymnasium, got none installed (pip install 'sac_son[train]')"
        ) from None
    envs = SocialNavVectorEnv(worlds, scenario, robot, autoreset_mode="SameStep", **KINDS[kind])
    told, _ = envs.reset(seed=seed)
    steps, ended, began = max(FEWEST, ENOUGH // worlds), 0, 0.0
    for k in range(-WARM, steps):
        if k == 0:
            ended, began = 0, time.process_time()
        told, _, terminated, truncated, _ = envs.step(_along(told["way"]))
        ended += int(np.count_nonzero(terminated | truncated))
    took = time.process_time() - began
    return {
        "kind": kind,
        "worlds": worlds,
        "people": envs.task.displacement.shape[1],
        "steps_per_s": steps * worlds / took,
        "runs_per_s": ended / took,
    }


def _along(way: Floats) -> Floats:
    """Full speed ahead, turning towards where the ways (W, 3) leave: actions (W, 2)."""
    turn = np.arctan2(way[:, 2], way[:, 1])
    return np.stack([np.ones(len(way)), np.clip(2.0 * turn, -1.0, 1.0)], axis=-1)
