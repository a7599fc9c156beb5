"""The learned human model, online: where people go without the robot, and what each of its futures changes.

Two halves. Where people go without the robot comes from the :mod:`.forecaster`, if its weights are there, and is
constant velocity for whoever has been seen too shortly; what a future of the robot changes comes from the
:mod:`.response`, learned from exact twins. Both speak in steps of the models' own, and are brought to and from the
planner's by straight lines. Shapes as in :mod:`.predictor`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.checkpoint import expect, load_model
from sac_son_nav.config import build
from sac_son_nav.errors import CheckpointError, ConfigError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.prediction import forecaster, response
from sac_son_nav.prediction.forecaster import ForecasterConfig
from sac_son_nav.prediction.history import long_enough
from sac_son_nav.prediction.layers import Parameters
from sac_son_nav.prediction.predictor import (
    ConstantVelocity,
    Floats32,
    Predictor,
    RobotFutures,
    SocialForce,
    SocialForceConfig,
)
from sac_son_nav.prediction.response import Context, ResponseModel
from sac_son_nav.prediction.response_features import Situation, axes, clearance, features, room
from sac_son_nav.states import Tracks

PREDICTORS = ("learned", "social_force", "constant_velocity")
MODEL, FORECASTER = "response", "forecaster"  # folders in models
LEAST_KNOWN = 3  # moments of a past, with fewer of which constant velocity stands in for what was not seen
AT_ONCE = 128  # futures: as many pairs with people as a processor's cache holds
KEPT = 24_000_000  # [bytes]
NO_DIRECTION = 0.02  # [m] of a mean displacement, under which its direction means little

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learned:
    """People go their way, and the response says what the robot changes of it.

    A displacement has the direction of its mean and the length that is expected of it. The mean alone would nearly
    cancel where somebody may give way to either side, and a plan at somebody would seem to disturb nobody.
    """

    model: ResponseModel
    expected_length: bool = True  # False: the mean displacement as it is
    needs_past: int = LEAST_KNOWN
    alone: tuple[Parameters, ForecasterConfig] | None = None  # the forecaster; None: constant velocity for all

    def __post_init__(self) -> None:
        # What a call needs for a moment is freed at its end, and glibc would hand blocks of that size back to the
        # system each time and get them again page by page, a fifth of all time. It keeps blocks up to the size of the
        # largest that was ever freed (mallopt(3), M_MMAP_THRESHOLD).
        np.empty(KEPT, dtype=np.uint8)

    def predict(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> Floats32:
        """See :meth:`.predictor.Predictor.predict`; `people.pasts` and `robot.past` at the model's own moments."""
        candidates, steps = robot.poses.shape[:2]
        if len(people) == 0:
            return np.zeros((candidates, 0, steps, 2), dtype=np.float32)
        config = self.model.config
        own, planned = config.step_s * np.arange(1, config.steps + 1), step_s * np.arange(1, steps + 1)
        to_own, back = resampling(planned, own), resampling(own, planned)[:, 1:]
        context = self._encode(people, robot, walls)
        without = self._without(people, robot, step_s, back)
        start = robot.start[:2].astype(np.float32)
        path = np.concatenate(
            [np.broadcast_to(start, (candidates, 1, 2)), robot.poses[..., :2].astype(np.float32)], axis=1
        )
        futures = (to_own @ path)[:, None]  # (K, 1, T of the model, 2)
        driven = np.concatenate([np.broadcast_to(start, (candidates, 1, 1, 2)), futures], axis=2)
        clear = clearance(walls, driven).astype(np.float32)
        answer = np.empty((candidates, len(people), steps, 2), dtype=np.float32)
        cosine, sine = context.axis[:, :1], context.axis[:, 1:]
        parts = np.linspace(0, candidates, max(1, round(candidates / AT_ONCE)) + 1).astype(int)
        for part in map(slice, parts[:-1], parts[1:]):
            x, y, length = response.displaced(
                self.model.parameters, context, start, futures[part], clear[part], robot.present[part], config
            )
            if self.expected_length:
                x, y = expected(x, y, length)
            # One product over all pairs: time in rows, everything else in columns.
            x, y = (np.reshape(back @ a.reshape(config.steps, -1), (steps, *a.shape[1:])) for a in (x, y))
            answer[part, :, :, 0] = (cosine * x - sine * y).T
            answer[part, :, :, 1] = (sine * x + cosine * y).T
        answer += without
        return answer

    def _without(self, people: Tracks, robot: RobotFutures, step_s: float, back: Floats32) -> Floats32:
        """Where people go without the robot, (1, N, T, 2), in the planner's steps; straight on, whoever is known too
        shortly. The response reads the straight way of everybody, as it has learned to."""
        once = replace(robot, poses=robot.poses[:1], present=robot.present[:1])
        straight = ConstantVelocity().predict(people, once, step_s, None)
        if self.alone is None or people.pasts is None or people.known is None:
            return straight
        enough, here = (
            long_enough(people, self.needs_past)[:, None, None],
            people.positions.astype(np.float32)[:, None],
        )
        known = people.known.copy()
        known[:, -2] = True  # the forecaster wants the last two; whoever has only one goes straight on
        best = forecaster.forecast(self.alone[0], people.pasts.astype(np.float32), known, self.alone[1]).best
        return np.where(enough, here + back @ (best - here), straight[0]).astype(np.float32)[None]

    def _encode(self, people: Tracks, robot: RobotFutures, walls: OccupancyMap | None) -> Context:
        """Everybody, read once for all futures."""
        config, single = self.model.config, np.float32
        here, velocities = people.positions.astype(single), people.velocities.astype(single)
        ages = (config.step_s * np.arange(config.past - 1, -1, -1)).astype(single)[:, None]
        straight = here[:, None] - velocities[:, None] * ages
        pasts = straight if people.pasts is None else people.pasts.astype(single)
        stood = np.tile(robot.start[:2], (config.past, 1)) if robot.past is None else robot.past
        ahead = (config.step_s * np.arange(1, config.steps + 1)).astype(single)[:, None]
        way = here[:, None] + velocities[:, None] * ahead
        met = stood.astype(single)
        told = room(walls, here, axes(velocities, here, met[-1]), way).astype(single)
        situation = Situation(pasts, velocities, met, float(robot.radius), told)
        read = features(situation, config.neighbours, config.sight)
        return response.encode(self.model.parameters, read, here, way, config)


def expected(x: Floats32, y: Floats32, length: Floats32) -> tuple[Floats32, Floats32]:
    """The components (...) [m] of displacements of the expected `length` (...), in the direction of the mean (`x`,
    `y`), (...) each; where that is near zero they are shorter, for then it has no direction."""
    size = np.sqrt(x * x + y * y + np.float32(NO_DIRECTION**2))
    scale = (length / size).astype(np.float32, copy=False)
    return x * scale, y * scale


def resampling(given: NDArray[Any], wanted: NDArray[Any]) -> Floats32:
    """The weights (W, 1 + G) with which values at time 0 and at the rising times `given` (G,) make values at the times
    `wanted` (W,): straight lines in between, one step more of the last line beyond, then no change."""
    times = np.concatenate([[0.0], given])
    latest = times[-1] + (times[-1] - times[-2])
    moments = np.minimum(wanted, latest)
    left = np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 2)
    share = (moments - times[left]) / (times[left + 1] - times[left])
    weights = np.zeros((len(wanted), len(times)), dtype=np.float32)
    rows = np.arange(len(wanted))
    weights[rows, left], weights[rows, left + 1] = 1.0 - share, share
    return weights


def named_predictor(name: str, human_model: SocialForceConfig) -> Predictor:
    """One of PREDICTORS. Where the learned one has no weights, or damaged ones, the social force stands in, and one
    line in the log says so. Raises ConfigError for another name."""
    if name not in PREDICTORS:
        raise ConfigError(f"predictor: expected one of {', '.join(PREDICTORS)}, got {name!r}")
    if name == "constant_velocity":
        return ConstantVelocity()
    if name == "learned":
        model = _shipped()
        if model is not None:
            return Learned(model, alone=_shipped_forecaster())
    return SocialForce(human_model)


@lru_cache(maxsize=1)
def _shipped() -> ResponseModel | None:
    try:
        return response.load_response(MODEL)
    except CheckpointError as error:
        _log.warning("predictor learned: %s; the social force model stands in", error)
        return None


@lru_cache(maxsize=1)
def _shipped_forecaster() -> tuple[Parameters, ForecasterConfig] | None:
    """The forecaster's weights; None, and a line in the log, where there are none."""
    try:
        model = load_model(FORECASTER, FORECASTER)
        settings = build(ForecasterConfig, model.settings.get("network", {}), f"model {FORECASTER}")
        expect(model.weights, forecaster.initial(np.random.default_rng(0), settings), f"model {FORECASTER}")
    except (CheckpointError, ConfigError) as error:
        _log.warning("predictor learned: %s; without the robot people go on at constant velocity", error)
        return None
    return model.weights, settings
