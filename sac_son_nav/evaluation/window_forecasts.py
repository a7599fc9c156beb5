"""Forecasts of recorded windows, by each model that can make them, as it is asked on the robot: moment by moment, of
all who are there, with all of them in sight.

A model that was trained on recordings has weights for each fold that never saw its place; what was trained on all of
them is not for judging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.checkpoint import Model, expect, load_model
from sac_son_nav.config import build, resource
from sac_son_nav.datasets.pedestrians import STEP
from sac_son_nav.datasets.windows import FUTURE, Windows
from sac_son_nav.errors import ConfigError
from sac_son_nav.prediction import forecaster, pednet
from sac_son_nav.prediction.forecaster import Forecast, ForecasterConfig
from sac_son_nav.prediction.layers import Parameters
from sac_son_nav.states import Floats

NAMES = ("constant_velocity", "pednet", "sac_son")
SHIPPED = {"pednet": "pednet", "sac_son": "forecaster"}  # the folder in models/ of each that has weights
ANGLE = np.deg2rad(25.0)  # of the noise that makes twenty forecasts of constant velocity (Schoeller et al. 2020)


@dataclass(frozen=True)
class Forecaster:
    """A model for one fold. `forecast` tells the future of the scored people of windows; `factors` (12,): radius of
    the 90 % disc over the spread, from people whom the model did not learn from; None where it is to be found out."""

    forecast: Callable[[Windows], Forecast]
    factors: Floats | None = None
    horizon: int = FUTURE  # steps it was made to foretell; those beyond are its last step, repeated


def moments(made: Windows) -> Iterator[slice]:
    """The rows of each moment."""
    starts = np.flatnonzero(np.diff(made.moments, prepend=-1))
    yield from (slice(a, b) for a, b in zip(starts.tolist(), [*starts[1:].tolist(), len(made)], strict=True))


def constant_velocity(made: Windows) -> Forecast:
    """The last step over and over. Twenty forecasts: the same turned by 25 degrees of noise, the noise of each person
    and moment from a seed."""
    pasts = made.pasts[made.scored]
    step = pasts[:, -1] - pasts[:, -2]
    angles = np.random.default_rng(0).normal(0.0, ANGLE, (len(pasts), forecaster.MODES))
    c, s = np.cos(angles), np.sin(angles)
    turned = np.stack([c * step[:, :1] - s * step[:, 1:], s * step[:, :1] + c * step[:, 1:]], axis=-1)
    times = np.arange(1, FUTURE + 1)[:, None]
    return Forecast(
        pasts[:, -1:] + step[:, None] * times,
        np.broadcast_to(np.arange(1.0, FUTURE + 1.0) * STEP, (len(pasts), FUTURE)),  # as if in proportion to the time
        pasts[:, None, -1:] + turned[:, :, None] * times,
        np.full((len(pasts), forecaster.MODES), 1.0 / forecaster.MODES),
    )


def by_forecaster(parameters: Parameters, network: ForecasterConfig, made: Windows) -> Forecast:
    """Our model's forecasts."""
    parts = []
    for rows in moments(made):
        pasts, scored = made.pasts[rows], made.scored[rows]
        told = forecaster.forecast(parameters, pasts.astype(np.float32), np.isfinite(pasts[..., 0]), network)
        parts.append([np.asarray(getattr(told, f.name))[scored] for f in fields(Forecast)])
    return Forecast(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def by_pednet(parameters: Parameters, made: Windows) -> Forecast:
    """PedNet's, of each person alone and without a robot, in the person's own frame. It sees 8 places 1/3 s apart and
    tells as many, up to 2.67 s; what is beyond goes on with its last step. One path only."""
    pasts = made.pasts[made.scored]
    seen, turn, origin = pednet_frame(pasts)
    nobody = np.zeros_like(seen)
    told = pednet.respond(parameters, pednet.encode(parameters, seen, nobody), seen[:, -1], nobody).astype(np.float64)
    last = told[:, -1:] + (told[:, -1:] - told[:, -2:-1]) * np.arange(1, FUTURE)[:, None]
    path = np.concatenate([np.zeros_like(told[:, :1]), told, last], axis=1)  # from now on, every 1/3 s
    best = _between(path, np.arange(1.0, FUTURE + 1.0) * (STEP / pednet.STEP))
    best = np.stack(
        [
            best[..., 0] * turn[:, :1] - best[..., 1] * turn[:, 1:],
            best[..., 0] * turn[:, 1:] + best[..., 1] * turn[:, :1],
        ],
        axis=-1,
    )
    spread = np.broadcast_to(np.arange(1.0, FUTURE + 1.0) * STEP, best.shape[:2])
    best = best + origin[:, None]
    return Forecast(best, spread, best[:, None], np.ones((len(best), 1)))


def pednet_frame(pasts: Floats, step_s: float = STEP) -> tuple[NDArray[np.float32], Floats, Floats]:
    """What PedNet sees of tracks (B, 8, 2) [m] `step_s` apart: their last 8 places 1/3 s apart (B, 8, 2), where the
    person stands now at the origin and walks along x; cosine and sine of the heading (B, 2), and the origin (B, 2)."""
    back: Floats = np.arange(1.0 - pednet.STEPS, 1.0) * (pednet.STEP / step_s) + (pasts.shape[1] - 1)
    places = _between(pasts, np.maximum(back, 0.0))
    places = np.where(np.isfinite(places), places, 0.0)
    origin = pasts[:, -1]
    heading = pasts[:, -1] - pasts[:, -2]
    length = np.linalg.norm(heading, axis=-1, keepdims=True)
    turn = np.where(length > 1e-6, heading / np.maximum(length, 1e-6), np.array([1.0, 0.0]))
    away = places - origin[:, None]
    c, s = turn[:, :1], turn[:, 1:]
    own = np.stack([c * away[..., 0] + s * away[..., 1], c * away[..., 1] - s * away[..., 0]], axis=-1)
    return own.astype(np.float32), turn, origin


def _between(paths: Floats, at: Floats) -> Floats:
    """Places (B, K, 2) of paths (B, L, 2) at (K,) steps from their first, linear between two."""
    low = np.clip(np.floor(at + 1e-9).astype(np.intp), 0, paths.shape[1] - 2)
    weight = (at - low)[:, None]
    return np.asarray(paths[:, low] * (1.0 - weight) + paths[:, low + 1] * weight)


def load(name: str, fold: str, folder: Path | None = None) -> Forecaster:
    """One of NAMES for a fold. `folder`: of a trained model (default: the one that is shipped). Raises CheckpointError
    for weights that are not whole, ConfigError for a name that is none."""
    if name not in NAMES:
        raise ConfigError(f"model {name!r}: expected one of {', '.join(NAMES)}")
    if name == "constant_velocity":
        return Forecaster(constant_velocity)
    model_folder = (folder or resource("models", SHIPPED[name], what="model")) / "folds" / fold
    model = load_model(model_folder, SHIPPED[name])
    factors = np.array(model.settings["factors"], dtype=np.float64)
    if name == "pednet":
        weights = pednet_weights(model, str(model_folder))
        return Forecaster(
            lambda made: by_pednet(weights, made), factors, int(pednet.STEPS * pednet.STEP / STEP + 1e-6)
        )
    parameters, network = forecaster_weights(model, str(model_folder))
    return Forecaster(lambda made: by_forecaster(parameters, network, made), factors)


def forecaster_weights(model: Model, where: str) -> tuple[dict[str, Any], ForecasterConfig]:
    """Parameters and sizes of a forecaster, checked."""
    network = build(ForecasterConfig, model.settings.get("network", {}), f"{where}: network")
    expect(model.weights, forecaster.initial(np.random.default_rng(0), network), where)
    return model.weights, network


def pednet_weights(model: Model, where: str) -> dict[str, Any]:
    """Parameters and moments of a PedNet, checked."""
    zeros = np.zeros((2, pednet.STEPS, 2), np.float32)
    expect(model.weights, pednet.with_moments(pednet.initial(np.random.default_rng(0)), zeros, zeros, zeros), where)
    return model.weights
