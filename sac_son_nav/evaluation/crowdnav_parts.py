"""Cases of the CrowdNav test in parts, each left as a file when it is done: long work says how far it has come, and
what was broken off goes on from there. For robots in whom no case depends on another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.errors import ResultsError
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.provenance import code_fingerprint, fingerprint
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.workers import Workers
from sac_son_nav.states import Floats

PART = 25  # cases
CODE = "sac_son_nav.evaluation.crowdnav"

Columns = dict[str, Floats]
"""How some cases went: the fields of `crowdnav.Episodes`, each (C,)."""


def in_parts(
    run: Callable[[Any, Sequence[int], int], Columns],
    made_with: Any,
    trial: Any,
    cases: Sequence[int],
    seed: int,
    folder: Path,
    workers: int = 1,
) -> Columns:
    """What `run` (trial, cases, seed) finds of all the cases, PART of them at a time and `workers` parts at once.
    Parts found in `folder` that are of the same code, `made_with` (what settings say, for one), trial and seed are not
    run again. Raises ResultsError for a file there that is none of ours."""
    key = fingerprint({"code": code_fingerprint(CODE), "with": made_with, "trial": trial, "seed": seed})
    parts = [tuple(cases[k : k + PART]) for k in range(0, len(cases), PART)]
    files = {part: folder / f"{key}-{fingerprint(part)[:8]}.json" for part in parts}
    done = {part: _read(file) for part, file in files.items() if file.exists()}
    left = [part for part in parts if part not in done]
    said = Progress(every=30.0)
    for part, found in Workers(workers).each(_one, ((run, trial, part, seed) for part in left)):
        write_summary(files[part], found)
        done[part] = found
        said(f"{sum(map(len, done))} of {len(cases)} cases")
    if left:
        said.end()
    return {name: np.concatenate([done[part][name] for part in parts]) for name in done[parts[0]]}


def _one(
    run: Callable[[Any, Sequence[int], int], Columns], trial: Any, part: tuple[int, ...], seed: int
) -> tuple[tuple[int, ...], Columns]:
    """The part, as they come back in any order, and what is found of it."""
    return part, run(trial, part, seed)


def _read(file: Path) -> Columns:
    try:
        return {name: np.array(values, dtype=np.float64) for name, values in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ResultsError(f"{file}: expected a part of this test's results, got: {error}; remove it") from None
