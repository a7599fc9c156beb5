"""`sac-son evaluate predictor`: forecasts of recorded people, place by place left out, in both protocols.

The figures of a fold are of weights that never saw its place; the stated discs are from people of other places. "Best
of 20" picks with the answer in hand, as the literature does: the least average error of the twenty, and the least
final error, each by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import make_folder
from sac_son_nav.datasets.pedestrians import STEP, PedestrianRecording
from sac_son_nav.datasets.windows import (
    FUTURE,
    PROTOCOLS,
    Fold,
    Protocol,
    Windows,
    displacement_errors,
    folds,
    read_benchmark,
    read_true_eth,
    windows,
)
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.provenance import git_state, versions
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.tables import Item, Table, text
from sac_son_nav.evaluation.window_forecasts import Forecaster, load, moments
from sac_son_nav.prediction.calibration import Bubbles, quantiles, scores
from sac_son_nav.prediction.forecaster import Forecast
from sac_son_nav.states import Floats

LEVEL = 0.9  # of the discs
TOUCH = 0.2  # [m] between two people's forecasts that means a collision
AROUND = 5.0  # [m] within which people count for density
BINS: dict[str, tuple[float, ...]] = {
    "people_within_5_m": (0.0, 1.0, 3.0, 6.0, 11.0, np.inf),
    "nearest_other_m": (0.0, 0.75, 1.5, 3.0, 6.0, np.inf),
    "pace_m_s": (0.0, 0.3, 0.8, 1.2, 1.6, np.inf),
}
"""Bounds of the classes in which errors are told, the upper one out."""


@dataclass(frozen=True)
class Judged:
    """Forecasts (M, ...) of the scored people of windows, and what came."""

    made: Windows
    told: Forecast
    future: Floats
    away: Floats  # (M, 12) [m] of the best path, NaN where nobody knows


def evaluate_predictor(data: Path, model: str, out: Path, weights: Path | None = None) -> int:
    """Judge a model on the files in `data` and print what came of it; all of it is left in predictor.json."""
    began = time.monotonic()
    make_folder(out, "predictor.json")
    recordings = read_benchmark(data / "eth-ucy-loo" if (data / "eth-ucy-loo").is_dir() else data)
    true_eth = data / "eth-ucy-original" / "seq_eth"
    progress = Progress()
    found: dict[str, Any] = {"model": model, "protocols": {}}
    for protocol in PROTOCOLS:
        by_fold = {}
        for name, fold in folds(recordings).items():
            progress(f"{model}: {protocol} windows of {name}")
            by_fold[name] = judge_fold(load(model, name, weights), fold, protocol)
        found["protocols"][protocol] = {**_means(by_fold), "folds": by_fold}
    found |= {name: found["protocols"]["social_gan"][name] for name in ("mean_ade_m", "mean_fde_m")}
    if true_eth.is_dir():
        recording = read_true_eth(true_eth.parent)
        fold = folds(recordings)["eth"]
        found["eth_at_true_clock"] = {
            protocol: judge_fold(load(model, "eth", weights), fold, protocol, (recording,)) for protocol in PROTOCOLS
        }
    progress.end()
    found |= {"seconds": round(time.monotonic() - began, 1), "git": git_state(), "versions": versions()}
    write_summary(out / "predictor.json", found)
    _print(found)
    return 0


def judge_fold(
    model: Forecaster, fold: Fold, protocol: Protocol, test: tuple[PedestrianRecording, ...] | None = None
) -> dict[str, Any]:
    """Every figure of one fold, on its own test recordings or on others of the same place."""
    factors = model.factors
    if factors is None:
        held = judge(model.forecast, windows(fold.choose, "social_gan"))
        factors = quantiles(scores(held.away, held.told.spread), LEVEL)
    judged = judge(model.forecast, windows(test or fold.test, protocol))
    return {**errors(judged), **collisions(judged), **coverage(judged, factors), "by": by_class(judged)}


def judge(forecast: Callable[[Windows], Forecast], made: Windows) -> Judged:
    """Have the scored people of windows foretold."""
    told, future = forecast(made), made.futures[made.scored]
    return Judged(made, told, future, np.linalg.norm(told.best - future, axis=-1))


def errors(judged: Judged) -> dict[str, Any]:
    """Average and final error [m] of the best path, of the most probable of several, and of the best of them."""
    ade, fde = displacement_errors(judged.told.best, judged.future)
    known = np.isfinite(judged.away)
    found = {
        "forecasts": len(ade),
        "ade_m": float(ade.mean()),
        "fde_m": float(fde.mean()),
        "error_by_step_m": [float(judged.away[known[:, t], t].mean()) for t in range(FUTURE)],
    }
    modes = judged.told.modes
    if modes.shape[1] > 1:
        each = [displacement_errors(modes[:, k], judged.future) for k in range(modes.shape[1])]
        ades, fdes = (np.stack(part, axis=1) for part in zip(*each, strict=True))
        first = np.argmax(judged.told.probabilities, axis=1)
        rows = np.arange(len(first))
        found |= {
            "best_of_20_ade_m": float(ades.min(axis=1).mean()),
            "best_of_20_fde_m": float(fdes.min(axis=1).mean()),
            "most_probable_ade_m": float(ades[rows, first].mean()),
            "most_probable_fde_m": float(fdes[rows, first].mean()),
        }
    return found


def collisions(judged: Judged) -> dict[str, float]:
    """Share of the forecasts that come within TOUCH of somebody else's at the same time, and the same of what people
    did. Between two steps people go straight."""
    now = judged.made.pasts[judged.made.scored][:, -1:]
    told, did = (np.concatenate([now, paths], axis=1) for paths in (judged.told.best, judged.future))
    told = np.where(np.isfinite(did), told, np.nan)
    moment = judged.made.moments[judged.made.scored]
    starts = np.flatnonzero(np.diff(moment, prepend=-1))
    hits = [0, 0]
    for start, end in zip(starts, [*starts[1:], len(moment)], strict=True):
        for k, paths in enumerate((told[start:end], did[start:end])):
            hits[k] += int(np.count_nonzero(_least_distance(paths).min(axis=1, initial=np.inf) < TOUCH))
    return {"collision_rate": hits[0] / len(moment), "collision_rate_recorded": hits[1] / len(moment)}


def _least_distance(paths: Floats) -> Floats:
    """How near people (N) come to each other (N, N) [m] along paths (N, T, 2); inf to themselves."""
    between = paths[:, None] - paths[None]  # (N, N, T, 2)
    start, go = between[:, :, :-1], between[:, :, 1:] - between[:, :, :-1]
    length = np.maximum((go * go).sum(axis=-1), 1e-12)
    at = np.clip(-(start * go).sum(axis=-1) / length, 0.0, 1.0)
    away = np.linalg.norm(start + go * at[..., None], axis=-1)
    least = np.where(np.isfinite(away), away, np.inf).min(axis=-1)
    np.fill_diagonal(least, np.inf)
    return np.asarray(least)


def coverage(judged: Judged, factors: Floats) -> dict[str, Any]:
    """How many people the discs of LEVEL held: as stated beforehand, and steered by what came of earlier forecasts of
    the same recording, once they are due."""
    stated = judged.away <= Bubbles(factors).radii(judged.told.spread)
    steered, radii = np.zeros_like(stated), np.zeros_like(judged.away)
    scored = judged.made.scored
    recording, frame, moment = (getattr(judged.made, n)[scored] for n in ("recording", "frames", "moments"))
    for number in np.unique(recording):
        rows = np.flatnonzero(recording == number)
        starts = np.flatnonzero(np.diff(moment[rows], prepend=-1))
        groups = np.split(rows, starts[1:])
        _steer(judged, factors, groups, frame, steered, radii)
    known = np.isfinite(judged.away)
    return {
        "coverage": float(stated[known].mean()),
        "coverage_by_step": [float(stated[known[:, t], t].mean()) for t in range(FUTURE)],
        "coverage_adaptive": float(steered[known].mean()),
        "coverage_adaptive_by_step": [float(steered[known[:, t], t].mean()) for t in range(FUTURE)],
        "radius_by_step_m": [float(r) for r in Bubbles(factors).radii(judged.told.spread).mean(axis=0)],
        "radius_adaptive_by_step_m": [float(r) for r in radii.mean(axis=0)],
    }


def _steer(
    judged: Judged,
    factors: Floats,
    groups: list[NDArray[np.intp]],
    frame: NDArray[np.int64],
    held: NDArray[np.bool_],
    radii: Floats,
) -> None:
    """Go through the moments of one recording in time; writes who was held and the radii."""
    bubbles = Bubbles(factors.copy(), LEVEL)
    times = np.array([frame[rows[0]] for rows in groups])
    step = int(np.diff(times).min()) if len(times) > 1 else 1
    due = [0] * FUTURE  # the first moment whose forecast for each step has not come due
    for rows, now in zip(groups, times, strict=True):
        for t in range(FUTURE):
            while times[due[t]] + (t + 1) * step <= now:
                old = groups[due[t]]
                old = old[np.isfinite(judged.away[old, t])]
                bubbles.learn(1.0 - held[old, t], t)
                due[t] += 1
        radii[rows] = bubbles.radii(judged.told.spread[rows])
        held[rows] = judged.away[rows] <= radii[rows]


def by_class(judged: Judged) -> dict[str, list[dict[str, float | None]]]:
    """Errors [m] of the best path by how many people are around, how near the nearest is, and the person's pace."""
    pasts, scored = judged.made.pasts, judged.made.scored
    around, nearest = np.zeros(len(pasts)), np.full(len(pasts), np.inf)
    for rows in moments(judged.made):
        now = pasts[rows, -1]
        away = np.linalg.norm(now[:, None] - now[None], axis=-1)
        np.fill_diagonal(away, np.inf)
        around[rows], nearest[rows] = (away < AROUND).sum(axis=1), away.min(axis=1, initial=np.inf)
    pace = np.linalg.norm(pasts[:, -1] - pasts[:, -2], axis=-1) / STEP
    ade, fde = displacement_errors(judged.told.best, judged.future)
    found: dict[str, list[dict[str, float | None]]] = {}
    for (name, bounds), values in zip(BINS.items(), (around[scored], nearest[scored], pace[scored]), strict=True):
        found[name] = []
        for low, high in pairwise(bounds):
            inside = (values >= low) & ((values < high) | (high == np.inf))
            if inside.any():
                row = {"forecasts": int(inside.sum()), "ade_m": float(ade[inside].mean())}
                end = None if high == np.inf else high
                found[name].append({"from": low, "to": end, **row, "fde_m": float(fde[inside].mean())})
    return found


def _means(by_fold: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Over the folds, each counting the same, as the literature has it."""
    names = [
        "ade_m",
        "fde_m",
        "best_of_20_ade_m",
        "best_of_20_fde_m",
        "collision_rate",
        "coverage",
        "coverage_adaptive",
    ]
    return {
        f"mean_{name}": float(np.mean([fold[name] for fold in by_fold.values()]))
        for name in names
        if all(name in fold for fold in by_fold.values())
    }


def _print(found: Mapping[str, Any]) -> None:
    rows = []
    for protocol, part in found["protocols"].items():
        for name, fold in {**part["folds"], "mean": {k.removeprefix("mean_"): v for k, v in part.items()}}.items():
            rows.append(_row(f"{protocol} {name}", fold))
    rows += [_row(f"{p} eth, true clock", part) for p, part in found.get("eth_at_true_clock", {}).items()]
    headings = ("windows", "forecasts", "ADE/FDE [m]", "best of 20", "collisions", "90 % holds", "adaptive")
    print(text(Table(headings, rows)))


def _row(name: str, fold: Mapping[str, Any]) -> list[Item]:
    pair = "-"
    if "best_of_20_ade_m" in fold:
        pair = f"{fold['best_of_20_ade_m']:.3f}/{fold['best_of_20_fde_m']:.3f}"
    return [
        Item(name),
        Item(str(fold.get("forecasts", ""))),
        Item(f"{fold['ade_m']:.3f}/{fold['fde_m']:.3f}", fold["ade_m"]),
        Item(pair),
        Item(f"{fold['collision_rate']:.1%}", fold["collision_rate"]),
        Item(f"{fold['coverage']:.1%}", fold["coverage"]),
        Item(f"{fold['coverage_adaptive']:.1%}", fold["coverage_adaptive"]),
    ]
