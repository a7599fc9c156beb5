"""Training the response: what a robot future changes in where people go, from exact twins.

The run's folder holds the twins it was trained with, as made by :mod:`sac_son_nav.evaluation.twin_data`, and what
:mod:`.run` leaves. The loss is a pseudo-Huber one of the mean displacement and of its length: squared for errors well
below `bend`, linear beyond. Squared errors alone would learn those few who are pushed to another way altogether, and
displacements longer than `longest` count as that long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sac_son_nav.arrays import Array, namespace
from sac_son_nav.checkpoint import Model, save_model
from sac_son_nav.config import build, read_yaml, resource
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.provenance import git_state
from sac_son_nav.evaluation.response_samples import EXACT, Samples, TrackNoise, samples
from sac_son_nav.evaluation.twin_data import TwinBatch, TwinConfig, batches, make_training_set
from sac_son_nav.prediction import response
from sac_son_nav.prediction.response import Features, ResponseConfig
from sac_son_nav.training.run import Batch, RunConfig, train

VALIDATION_EVERY = 8  # every so-manieth batch of twins is kept apart to validate with


@dataclass(frozen=True)
class ResponseTraining:
    """A training of the response; config/train/response.yaml fills it in."""

    model: ResponseConfig = field(default_factory=ResponseConfig)
    twins: TwinConfig = field(default_factory=TwinConfig)
    run: RunConfig = field(default_factory=RunConfig)
    noise: TrackNoise = field(default_factory=lambda: TrackNoise(short=0.3))  # of half of the batches of twins
    laws: tuple[str, ...] = ("social_force", "orca")  # that are learned from
    orca_weight: float = 0.25  # of a person who walks by ORCA: their displacements are several times as large
    bend: float = 0.07  # [m]
    longest: float = 2.0  # [m]

    def __post_init__(self) -> None:
        if not set(self.laws) <= {"social_force", "orca"} or not self.laws:
            raise ConfigError(f"laws: expected social_force, orca or both, got {', '.join(self.laws) or 'none'}")


class ResponseTask:
    """Twins, drawn by lot; see :class:`.run.Task`."""

    def __init__(
        self, config: ResponseTraining, learned: Samples, weights: NDArray[np.float32], kept: Samples
    ) -> None:
        self.config, self.learned, self.weights, self.kept = config, learned, weights, kept

    def initial(self, random: np.random.Generator) -> Mapping[str, NDArray[np.float32]]:
        """See :func:`.response.initial`."""
        return response.initial(self.config.model, random)

    def batch(self, random: np.random.Generator, size: int, step: int) -> Mapping[str, NDArray[Any]]:
        """So many people, each with all futures of their robot."""
        rows = random.integers(0, len(self.learned), size)
        drawn = self.learned.of(rows)
        arrays = {f.name: getattr(drawn, f.name) for f in fields(Samples) if f.name != "features"}
        arrays |= {f.name: getattr(drawn.features, f.name) for f in fields(Features)}
        return arrays | {"weight": self.weights[rows]}

    def loss(
        self, parameters: Mapping[str, torch.Tensor], batch: Batch, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | float]:
        """See the module."""
        chosen = Features(**{f.name: batch[f.name] for f in fields(Features)})
        mean, length = answers(parameters, chosen, batch, self.config.model)
        moved = batch["shifts"].swapaxes(0, 1)  # (F, M, T, 2)
        far = torch.linalg.vector_norm(moved, dim=-1)
        kept = torch.clamp(self.config.longest / torch.clamp(far, min=1e-6), max=1.0)
        moved, far = moved * kept[..., None], far * kept
        wrong = self._bent(((mean - moved) ** 2).sum(-1)) + self._bent((length - far) ** 2)
        return (wrong.mean(dim=(0, 2)) * batch["weight"]).sum(), batch["weight"].sum()

    def _bent(self, squared: torch.Tensor) -> torch.Tensor:
        """The pseudo-Huber loss of squared errors, any shape [m^2]."""
        scale = self.config.bend**2
        return 2.0 * scale * (torch.sqrt(1.0 + squared / scale) - 1.0)

    def validate(self, parameters: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
        """One minus the correlation of predicted with exact perturbation, and the bias, on twins kept apart."""
        found, exact = perturbations(parameters, self.kept, self.config.model)
        return {
            "uncorrelated": 1.0 - float(np.corrcoef(found.ravel(), exact.ravel())[0, 1]),
            "bias_m": float(found.mean() - exact.mean()),
        }


def answers(
    parameters: Mapping[str, Array], chosen: Features, arrays: Mapping[str, Array], config: ResponseConfig
) -> tuple[Array, Array]:
    """Mean displacement (F, M, T, 2) and expected length (F, M, T) [m] of M people under the futures of each."""
    context = response.encode(parameters, chosen, arrays["start"], arrays["forecast"])
    futures = arrays["futures"].swapaxes(0, 1)
    xp = namespace(futures)
    present = xp.ones(futures.shape[0], dtype=xp.bool)
    return response.respond(parameters, context, arrays["robot"], futures, present, config)


def perturbations(
    parameters: Mapping[str, NDArray[np.float32]], chosen: Samples, config: ResponseConfig, at_once: int = 4096
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Predicted and exact perturbation (F, M) [m]: the displacement's length, mean over the horizon."""
    found, exact = [], []
    for first in range(0, len(chosen), at_once):
        part = chosen.of(np.arange(first, min(first + at_once, len(chosen))))
        arrays = {f.name: getattr(part, f.name) for f in fields(Samples) if f.name != "features"}
        found.append(answers(parameters, part.features, arrays, config)[1].mean(axis=-1))
        exact.append(np.linalg.norm(part.shifts, axis=-1).mean(axis=-1).T)
    return np.concatenate(found, axis=1), np.concatenate(exact, axis=1)


def read_twins(config: ResponseTraining, all_batches: Sequence[TwinBatch]) -> ResponseTask:
    """The task of these twins: every VALIDATION_EVERY-th batch is kept apart, half of the others get a tracker's
    errors."""
    random = np.random.default_rng([config.run.seed, 2])
    learned, weights, kept = [], [], []
    for number, batch in enumerate(all_batches):
        if batch.law not in config.laws:
            continue
        if number % VALIDATION_EVERY == 0:
            if batch.law == "social_force":
                kept.append(samples(batch, EXACT, random, config.model))
            continue
        noise = config.noise if number % 2 else replace(EXACT, short=config.noise.short)
        learned.append(samples(batch, noise, random, config.model))
        weight = config.orca_weight if batch.law == "orca" else 1.0
        weights.append(np.full(len(learned[-1]), weight, dtype=np.float32))
    if not learned or not kept:
        raise ConfigError("twins: expected at least two batches to learn from and one to validate with, got fewer")
    return ResponseTask(config, Samples.joined(learned), np.concatenate(weights), Samples.joined(kept))


def train_response(config: ResponseTraining, folder: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Make the twins that the folder does not hold yet, then train; the weights and the run's report."""
    progress = Progress()
    make_training_set(config.twins, folder / "twins", lambda done, of: progress(f"twins: {done} of {of} batches"))
    progress.end()
    task = read_twins(config, list(batches(folder / "twins"))[: config.twins.batches])
    return train(task, config.run, folder, asdict(config), "response")


def load_training(path: Path) -> ResponseTraining:
    """A file in config/train, by name or path. Raises ConfigError with one sentence for a wrong one."""
    if not path.is_file():
        path = resource("config", f"train/{path.name}.yaml", what="training")
    return build(ResponseTraining, read_yaml(path), str(path))


def train_and_save(config: Path, out: Path) -> int:
    """`sac-son train response`: run and model in the folder `out`, twins, weights and card."""
    settings = load_training(config)
    weights, report = train_response(settings, out)
    made = {
        "command": f"sac-son train response --config {config} --out {out}",
        "git": git_state(),
        "twins": asdict(settings.twins),
        "laws": list(settings.laws),
        "run": asdict(settings.run),
        "seconds": report["seconds"],
    }
    save_model(out / "model", Model("response", asdict(settings.model), weights, made), model_card())
    print(f"model: {out / 'model'}")
    return 0


def model_card() -> str:
    """What stands beside the weights for people to read; figures are in docs/results/response.md."""
    return resource("config", "train/response_card.md", what="model card").read_text(encoding="utf-8")
