"""Training the response: what a robot future changes in where people go, from exact twins.

The run's folder holds the twins it was trained with, as made by :mod:`sac_son_nav.evaluation.twin_data`, and what
:mod:`.run` leaves. The loss has four parts. A pseudo-Huber one of the mean displacement and of its length: squared for
errors well below `bend`, linear beyond; displacements longer than `longest` count as that long. The squared error of
a person's perturbation, the length's mean over the horizon, which is what planners and judges read (`squares`). And
where people go without the robot, as far as it can be told (`alone`).

All examples are held as tensors on the run's device, so a step on a GPU copies nothing to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from multiprocessing import get_context
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
from sac_son_nav.evaluation.twin_data import FILE, TwinConfig, load, make_training_set
from sac_son_nav.prediction import response
from sac_son_nav.prediction.response import Context, ResponseConfig
from sac_son_nav.prediction.response_features import Features, own
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
    longest: float = 4.0  # [m]
    squares: float = 1.0  # how much the squared error of the perturbation counts
    alone: float = 0.05  # how much it counts where people go without the robot
    alone_bend: float = 0.2  # [m]: as `bend`, of that

    def __post_init__(self) -> None:
        if not set(self.laws) <= {"social_force", "orca"} or not self.laws:
            raise ConfigError(f"laws: expected social_force, orca or both, got {', '.join(self.laws) or 'none'}")


class ResponseTask:
    """Twins, drawn by lot; see :class:`.run.Task`. `kept`: by law, to validate with."""

    def __init__(
        self, config: ResponseTraining, learned: Samples, weights: NDArray[np.float32], kept: Mapping[str, Samples]
    ) -> None:
        self.config, self.kept = config, kept
        self.arrays = {
            n: torch.from_numpy(a).to(config.run.device) for n, a in (_arrays(learned) | {"weight": weights}).items()
        }

    def __len__(self) -> int:
        return len(self.arrays["weight"])

    def initial(self, random: np.random.Generator) -> Mapping[str, NDArray[np.float32]]:
        """See :func:`.response.initial`."""
        return response.initial(self.config.model, random)

    def batch(self, random: np.random.Generator, size: int, step: int) -> Mapping[str, Any]:
        """So many people, each with all futures of their robot."""
        rows = torch.from_numpy(random.integers(0, len(self), size)).to(self.config.run.device)
        return {name: array[rows] for name, array in self.arrays.items()}

    def loss(
        self, parameters: Mapping[str, torch.Tensor], batch: Batch, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | float]:
        """See the module."""
        chosen = Features(**{f.name: batch[f.name] for f in fields(Features)})
        context, mean, length = answers(parameters, chosen, batch, self.config.model)
        moved = batch["shifts"].swapaxes(0, 1)  # (F, M, T, 2)
        far = torch.linalg.vector_norm(moved, dim=-1)
        kept = torch.clamp(self.config.longest / torch.clamp(far, min=1e-6), max=1.0)
        moved, far = moved * kept[..., None], far * kept
        wrong = self._bent(((mean - moved) ** 2).sum(-1)) + self._bent((length - far) ** 2)
        whole = (length.mean(-1) - far.mean(-1)) ** 2
        astray = self._bent(_astray(context, batch["absent"]), self.config.alone_bend).mean(-1)
        each = (wrong.mean(-1) + self.config.squares * whole).mean(0) + self.config.alone * astray
        return (each * batch["weight"]).sum(), batch["weight"].sum()

    def _bent(self, squared: torch.Tensor, bend: float | None = None) -> torch.Tensor:
        """The pseudo-Huber loss of squared errors, any shape [m^2]."""
        scale = (bend or self.config.bend) ** 2
        return 2.0 * scale * (torch.sqrt(1.0 + squared / scale) - 1.0)

    def validate(self, parameters: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
        """One minus the correlation of predicted with exact perturbation, mean over laws; of each law it and the bias,
        on twins kept apart."""
        found: dict[str, float] = {}
        for law, kept in self.kept.items():
            predicted, exact = perturbations(parameters, kept, self.config.model)
            found[f"uncorrelated_{law}"] = 1.0 - float(np.corrcoef(predicted.ravel(), exact.ravel())[0, 1])
            found[f"bias_{law}_m"] = float(predicted.mean() - exact.mean())
        of_laws = [value for name, value in found.items() if name.startswith("uncorrelated")]
        return {"uncorrelated": float(np.mean(of_laws)), **found}


def _arrays(chosen: Samples) -> dict[str, NDArray[np.float32]]:
    """All arrays of samples by name, features among them."""
    named = {f.name: getattr(chosen, f.name) for f in fields(Samples) if f.name != "features"}
    return named | {f.name: getattr(chosen.features, f.name) for f in fields(Features)}


def _astray(context: Context, absent: Array) -> Array:
    """Squared errors (M, T) [m^2] of where M people would go without the robot, `absent` (M, T, 2) in truth."""
    x, y = own(absent - context.way, context.axis[:, None, :])
    return (x - context.stray_x.T) ** 2 + (y - context.stray_y.T) ** 2


def answers(
    parameters: Mapping[str, Array], chosen: Features, arrays: Mapping[str, Array], config: ResponseConfig
) -> tuple[Context, Array, Array]:
    """What is known of M people, and their mean displacement (F, M, T, 2) and expected length (F, M, T) [m] under the
    futures of each."""
    context = response.encode(parameters, chosen, arrays["start"], arrays["way"], config)
    futures, walls = arrays["futures"].swapaxes(0, 1), arrays["walls"].swapaxes(0, 1)
    xp = namespace(futures)
    present = xp.ones_like(futures[:, 0, 0, 0], dtype=xp.bool)
    return context, *response.respond(parameters, context, arrays["robot"], futures, walls, present, config)


def perturbations(
    parameters: Mapping[str, NDArray[np.float32]], chosen: Samples, config: ResponseConfig, at_once: int = 4096
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Predicted and exact perturbation (F, M) [m]: the displacement's length, mean over the horizon."""
    found, exact = [], []
    for first in range(0, len(chosen), at_once):
        part = chosen.of(np.arange(first, min(first + at_once, len(chosen))))
        found.append(answers(parameters, part.features, _arrays(part), config)[2].mean(axis=-1))
        exact.append(np.linalg.norm(part.shifts, axis=-1).mean(axis=-1).T)
    return np.concatenate(found, axis=1), np.concatenate(exact, axis=1)


def examples(config: ResponseTraining, path: Path, number: int) -> tuple[str, Samples]:
    """Batch `number` of the twins as it is learned from or validated with, and its law: every VALIDATION_EVERY-th is
    kept apart and exact, half of the others get a tracker's errors."""
    batch = load(path)
    noise = config.noise if number % 2 else replace(EXACT, short=config.noise.short)
    noise = EXACT if number % VALIDATION_EVERY == 0 else noise
    return batch.law, samples(batch, noise, np.random.default_rng([config.run.seed, 2, number]), config.model)


def read_twins(config: ResponseTraining, folder: Path, jobs: int = 1) -> ResponseTask:
    """The task of the first twins in a folder, as many as the config says, read in so many processes."""
    paths = [folder / FILE.format(number) for number in range(config.twins.batches)]
    given = ([config] * len(paths), paths, range(len(paths)))
    if jobs > 1:
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            read = list(pool.map(examples, *given, chunksize=4))
    else:
        read = list(map(examples, *given))
    return task_of(config, read)


def task_of(config: ResponseTraining, read: Sequence[tuple[str, Samples]]) -> ResponseTask:
    """The task of all :func:`examples` in order."""
    kept: dict[str, list[Samples]] = {}
    for law, chosen in read[::VALIDATION_EVERY]:
        kept.setdefault(law, []).append(chosen)
    learned = [
        (law, chosen) for number, (law, chosen) in enumerate(read) if number % VALIDATION_EVERY and law in config.laws
    ]
    if not learned or not kept:
        raise ConfigError("twins: expected at least two batches to learn from and one to validate with, got fewer")
    weights = [
        np.full(len(chosen), config.orca_weight if law == "orca" else 1.0, dtype=np.float32) for law, chosen in learned
    ]
    by_law = {law: Samples.joined(parts) for law, parts in sorted(kept.items())}
    return ResponseTask(config, Samples.joined([c for _, c in learned]), np.concatenate(weights), by_law)


def train_response(
    config: ResponseTraining, folder: Path, jobs: int = 1
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Make the twins that the folder does not hold yet, in so many processes, then train; the weights and the run's
    report."""
    progress = Progress()
    make_training_set(
        config.twins, folder / "twins", lambda done, of: progress(f"twins: {done} of {of} batches"), jobs
    )
    progress.end()
    task = read_twins(config, folder / "twins", jobs)
    return train(task, config.run, folder, asdict(config), "response")


def load_training(path: Path) -> ResponseTraining:
    """A file in config/train, by name or path. Raises ConfigError with one sentence for a wrong one."""
    if not path.is_file():
        path = resource("config", f"train/{path.name}.yaml", what="training")
    return build(ResponseTraining, read_yaml(path), str(path))


def train_and_save(config: Path, out: Path, jobs: int = 1, device: str | None = None) -> int:
    """`sac-son train response`: run and model in the folder `out`, twins, weights and card; `device` instead of the
    config's."""
    settings = load_training(config)
    if device:
        settings = replace(settings, run=replace(settings.run, device=device))
    weights, report = train_response(settings, out, jobs)
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
