"""What the forecaster learns from: recorded people, at several paces, forwards and backwards.

Legend: B examples (people at a moment), M others near each, 20 modes, 12 steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import log_softmax, softmax

from sac_son_nav.datasets.pedestrians import PedestrianRecording
from sac_son_nav.datasets.windows import FUTURE, Windows, displacement_errors, retimed, windows
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.window_forecasts import by_forecaster
from sac_son_nav.prediction import forecaster
from sac_son_nav.prediction.forecaster import ForecasterConfig
from sac_son_nav.prediction.layers import Initial, Parameters
from sac_son_nav.training.run import Batch

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ForecasterLearning:
    """How the examples are varied, and what errors count."""

    paces: tuple[float, ...] = (1.0, 1.6667, -1.0)  # at which recorded people go by; the first is drawn twice as often
    scale: float = 0.3  # standard deviation of the logarithm by which everything in an example is stretched
    jitter: float = 0.0  # [m] standard deviation of that of the annotation's error, one for each second example
    final: float = 0.5  # weight of the last step's error beside the mean error of the mode that comes nearest
    relaxed: float = 0.3  # share of the other modes in that error, at first; none after `settled` of the steps
    settled: float = 0.6
    spread: float = 0.02  # weight of the likelihood of the error (Laplace)
    choice: float = 0.02  # weight of the modes' probabilities (cross entropy)
    near: float = 0.1  # [m] of difference in error that makes one mode e times as right as another

    def __post_init__(self) -> None:
        if not self.paces or 0.0 in self.paces:
            raise ConfigError(f"paces: expected one or more that are not 0, got {list(self.paces)}")


class Examples:
    """Windows as arrays for the network: everybody's track, and the rows of the others near."""

    def __init__(self, made: Windows, others: int) -> None:
        self.pasts, self.futures = made.pasts.astype(np.float32), made.futures.astype(np.float32)
        self.rows = np.flatnonzero(made.scored)
        self.others = np.full((len(made), others), -1, dtype=np.int64)
        starts = np.flatnonzero(np.diff(made.moments, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(made)], strict=True):
            pasts = self.pasts[start:end]
            order, there = forecaster.nearest(pasts, np.isfinite(pasts[..., 0]), others)
            self.others[start:end, : order.shape[1]] = np.where(there, order + start, -1)

    def take(self, rows: NDArray[np.intp]) -> Arrays:
        """Examples (B,): tracks [m] with each person's last place at the origin, and what of them is known."""
        origin, others = self.pasts[rows, -1], self.others[rows]
        own, theirs = self.pasts[rows] - origin[:, None], self.pasts[others] - origin[:, None, None]
        future = self.futures[rows] - origin[:, None]
        return {
            "own": np.nan_to_num(own),
            "own_seen": np.isfinite(own[..., 0]),
            "others": np.nan_to_num(theirs),
            "others_seen": np.isfinite(theirs[..., 0]) & (others >= 0)[..., None],
            "future": np.nan_to_num(future),
            "future_seen": np.isfinite(future[..., 0]),
        }


class ForecasterTask:
    """See :class:`sac_son_nav.training.run.Task`. `learn` and `choose` are recordings; `steps` is how long the run is,
    for the modes are let loose along it."""

    def __init__(
        self,
        learn: Sequence[PedestrianRecording],
        choose: Sequence[PedestrianRecording],
        network: ForecasterConfig,
        learning: ForecasterLearning,
        steps: int,
    ) -> None:
        self.network, self.learning, self.steps = network, learning, steps
        at_pace = ([r if pace == 1.0 else retimed(r, pace) for r in learn] for pace in learning.paces)
        self.examples = [Examples(windows(recordings), network.others) for recordings in at_pace]
        self.shares = np.array([2.0, *(1.0 for _ in self.examples[1:])])
        self.choose = windows(choose, "social_gan") if choose else None

    def initial(self, random: np.random.Generator) -> Initial:
        """See Task."""
        return forecaster.initial(random, self.network)

    def batch(self, random: np.random.Generator, size: int, step: int) -> Arrays:
        """See Task: people drawn by lot at one of the paces, stretched and mirrored by lot."""
        source = self.examples[random.choice(len(self.examples), p=self.shares / self.shares.sum())]
        drawn = source.take(random.choice(source.rows, size))
        stretch = np.exp(random.normal(0.0, self.learning.scale, size)).astype(np.float32)
        change = np.stack([stretch, stretch * random.choice(np.array([-1.0, 1.0], np.float32), size)], axis=-1)
        for name in ("own", "others", "future"):
            drawn[name] = drawn[name] * change.reshape(size, *(1,) * (drawn[name].ndim - 2), 2)
        if self.learning.jitter:
            _jitter(drawn, random, self.learning.jitter)
        return {**drawn, "stretch": stretch}

    def loss(self, parameters: Mapping[str, torch.Tensor], batch: Batch, step: int) -> tuple[torch.Tensor, float]:
        """See Task."""
        settings, known = self.learning, batch["future_seen"].float()
        seen = forecaster.look(batch["own"], batch["own_seen"], batch["others"], batch["others_seen"], self.network)
        best, spread, modes, scores = forecaster.answer(parameters, seen, self.network)
        future = forecaster.into(batch["future"], seen.turn) / seen.pace[:, None, None]
        metres = seen.pace / batch["stretch"]  # a unit of the network, in the recording
        error = _away(best, future) * known  # (B, 12)
        likelihood = (torch.log(spread) + error.detach() / spread) * known
        each = _away(modes, future[:, None]) * known[:, None]  # (B, 20, 12)
        mean, final = each.sum(dim=2) / FUTURE, each[:, :, -1]
        relaxed = settings.relaxed * max(0.0, 1.0 - step / (settings.settled * self.steps))
        nearest = _nearest(mean, relaxed) + settings.final * _nearest(final, relaxed)
        right = softmax(-(mean + settings.final * final).detach() * metres[:, None] / settings.near, dim=-1)
        choice = -(right * log_softmax(scores, dim=-1)).sum(dim=1)
        total = metres * (error.sum(dim=1) / FUTURE + nearest)
        total = total + settings.spread * likelihood.sum(dim=1) / FUTURE + settings.choice * choice
        return total.sum(), float(len(total))

    def validate(self, parameters: Parameters) -> dict[str, float]:
        """See Task: errors [m] on Social-GAN windows of the part to choose by."""
        if self.choose is None:
            return {}
        made = by_forecaster(parameters, self.network, self.choose)
        future = self.choose.futures[self.choose.scored]
        (ade, fde), (ades, fdes) = (
            displacement_errors(made.best, future),
            displacement_errors(made.modes, future[:, None]),
        )
        return {
            "ade_m": float(ade.mean()),
            "fde_m": float(fde.mean()),
            "best_of_20_ade_m": float(ades.min(axis=1).mean()),
            "best_of_20_fde_m": float(fdes.min(axis=1).mean()),
        }


def _jitter(drawn: Arrays, random: np.random.Generator, jitter: float) -> None:
    """Shake every second example's tracks as if they were annotated by hand, one example more than the other. Some
    recordings are smooth curves through few annotated places, and others not; who learned from the former alone takes
    every jerk of the latter for a turn."""
    amount = np.abs(random.normal(0.0, jitter, (len(drawn["own"]), 1, 1)))
    amount[::2] = 0.0
    own = drawn["own"] + (amount * random.normal(size=drawn["own"].shape)).astype(np.float32)
    others = drawn["others"] + (amount[..., None] * random.normal(size=drawn["others"].shape)).astype(np.float32)
    origin = own[:, -1:]
    drawn["own"], drawn["others"], drawn["future"] = own - origin, others - origin[:, None], drawn["future"] - origin


def _away(paths: torch.Tensor, future: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(((paths - future) ** 2).sum(dim=-1) + 1e-6)  # without a kink, for its gradient


def _nearest(errors: torch.Tensor, relaxed: float) -> torch.Tensor:
    """Of the errors (B, 20) of the modes the least, with a share of all (Rupprecht et al. 2017)."""
    return (1.0 - relaxed) * errors.min(dim=1).values + relaxed * errors.mean(dim=1)
