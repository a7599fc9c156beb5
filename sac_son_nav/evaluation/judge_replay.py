"""`sac-son evaluate run`: every metric and every encounter of a run that was recorded, from a replay's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sac_son_nav.config import load_map, load_robot
from sac_son_nav.evaluation import metrics
from sac_son_nav.evaluation.encounters import find_encounters, score
from sac_son_nav.evaluation.replayed import from_replay
from sac_son_nav.evaluation.report import write_summary


def judge_replay(
    folder: Path, robot: str, goal: Sequence[float] | None = None, floor: Path | None = None, out: Path | None = None
) -> int:
    """Print what the run in a folder of `sac-son replay` comes to: metrics that the recording says enough for, and
    encounters by their class; with `out`, write them there as JSON. Raises BagError for a folder that is none."""
    log = from_replay(
        folder,
        load_robot(robot),
        goal=None if goal is None else np.array(goal, dtype=np.float64),
        floor=None if floor is None else load_map(floor),
    )
    measured = {name: value for name, value in metrics.measure(log).items() if np.isfinite(value)}
    for name, value in measured.items():
        print(f"{name:<40}{value:>12.3f}")
    found = find_encounters(log)
    print(f"\n{'encounters':<16}{'count':>7}{'ESR':>8}{'mean speed [m/s]':>19}{'mean distance [m]':>20}")
    scores = score(found)
    for kind, row in scores.items():
        print(f"{kind:<16}{row.count:>7}{row.esr:>8.2f}{row.alv_mps:>19.2f}{row.ad_m:>20.2f}")
    if out is not None:
        rows = {kind: _finite(asdict(row)) for kind, row in scores.items()}
        write_summary(out, {"metrics": measured, "encounters": rows})
    return 0


def _finite(row: dict[str, float]) -> dict[str, float | None]:
    """The values that JSON has a word for; None for a mean over nothing."""
    return {name: value if np.isfinite(value) else None for name, value in row.items()}
