"""`sac-son train predictor`: the forecaster or PedNet, for each place left out and for use on a robot.

Each fold is a run of its own (`run.py`) in a folder of its own, so that what was killed goes on where it was. When all
that were asked for are done, the model's folder is written: the weights of fold `all` for the robot, and those of each
place left out, with which alone that place may be judged, under ``folds``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.checkpoint import Model, save_model
from sac_son_nav.config import build, make_folder, read_yaml, resource
from sac_son_nav.datasets.pedestrians import PedestrianRecording
from sac_son_nav.datasets.windows import PLACES, Windows, cut_for_choosing, folds, read_benchmark, windows
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.window_forecasts import by_forecaster, by_pednet
from sac_son_nav.prediction.calibration import quantiles, scores
from sac_son_nav.prediction.forecaster import Forecast, ForecasterConfig
from sac_son_nav.training.forecaster_task import ForecasterLearning, ForecasterTask
from sac_son_nav.training.pednet_task import PedNetLearning, PedNetTask
from sac_son_nav.training.run import RunConfig, processes, train
from sac_son_nav.training.train_huron import HuronTraining, train_huron

ALL = "all"
LEVEL = 0.9  # of the discs that a model states
Made = tuple[dict[str, Any], Callable[[Windows], Forecast], dict[str, Any]]


@dataclass(frozen=True)
class PredictorTraining:
    """A file in config/train."""

    kind: str  # forecaster or pednet
    folds: tuple[str, ...] = (*PLACES, ALL)
    run: RunConfig = field(default_factory=RunConfig)
    network: ForecasterConfig = field(default_factory=ForecasterConfig)
    forecaster: ForecasterLearning = field(default_factory=ForecasterLearning)
    pednet: PedNetLearning = field(default_factory=PedNetLearning)
    huron: HuronTraining = field(default_factory=HuronTraining)  # of PedNet, with --huron alone

    def __post_init__(self) -> None:
        if self.kind not in ("forecaster", "pednet"):
            raise ConfigError(f"kind: expected forecaster or pednet, got {self.kind!r}")
        for name in self.folds:
            if name not in (*PLACES, ALL):
                raise ConfigError(f"folds: expected some of {', '.join((*PLACES, ALL))}, got {name!r}")


def train_predictor(
    config: Path, data: Path | None, out: Path, only: list[str] | None = None, huron: Path | None = None
) -> int:
    """Train the folds of a config (or `only` some) on the benchmark's files in `data`, or PedNet with the robot on the
    bags in `huron`; runs and model go to `out`."""
    settings = load_training(config)
    if huron is not None:
        if settings.kind != "pednet":
            raise ConfigError(f"{config}: expected kind pednet for recordings of a robot, got {settings.kind}")
        return train_huron(settings.huron, settings.run, settings.pednet.moments, huron, out, only)
    if data is None:
        raise ConfigError("train predictor: expected --data DIR or --huron DIR, got neither")
    if only:
        settings = replace(settings, folds=tuple(only))
    recordings = read_benchmark(data / "eth-ucy-loo" if (data / "eth-ucy-loo").is_dir() else data)
    with processes() as first:
        if first:
            make_folder(out)
        for fold in settings.folds:
            train_fold(settings, recordings, fold, out, first)
        if first:
            print(f"model: {out / 'model'}")
    return 0


def load_training(config: Path) -> PredictorTraining:
    """A config by its path, or by the name of a file in config/train."""
    path = config if config.exists() else resource("config", f"train/{config.stem}.yaml", what="training config")
    return build(PredictorTraining, read_yaml(path), str(path))


def train_fold(
    settings: PredictorTraining,
    recordings: Mapping[str, PedestrianRecording],
    fold: str,
    out: Path,
    writes: bool = True,
) -> None:
    """One run, and its place in the model's folder, which one process `writes`."""
    if fold == ALL:
        parts = [cut_for_choosing(recording) for recording in recordings.values()]
        learn, choose = tuple(part[0] for part in parts), tuple(part[1] for part in parts)
    else:
        learn, choose = folds(recordings)[fold].learn, folds(recordings)[fold].choose
    make = _forecaster if settings.kind == "forecaster" else _pednet
    weights, forecast, report = make(settings, learn, choose, fold, out)
    if not writes:
        return
    held = windows(choose, "social_gan")
    made = forecast(held)
    errors = np.linalg.norm(made.best - held.futures[held.scored], axis=-1)
    factors = quantiles(scores(errors, made.spread), LEVEL)
    told: dict[str, Any] = {"factors": [round(float(f), 4) for f in factors]}
    if settings.kind == "forecaster":
        told["network"] = asdict(settings.network)
    validation = {name: round(points[-1][1], 4) for name, points in report["curves"].items() if points}
    document = {
        "left_out": list(PLACES.get(fold, ())),
        "learned_from": [recording.name for recording in learn],
        "training": _plain(_plainly(settings)),
        "seconds": report["seconds"],
        "validation": validation,
    }
    folder = out / "model" if fold == ALL else out / "model" / "folds" / fold
    save_model(folder, Model(settings.kind, told, weights, document), _card(settings, fold, report))


def _forecaster(
    settings: PredictorTraining,
    learn: tuple[PedestrianRecording, ...],
    choose: tuple[PedestrianRecording, ...],
    fold: str,
    out: Path,
) -> Made:
    task = ForecasterTask(learn, choose, settings.network, settings.forecaster, settings.run.steps)
    weights, report = train(task, settings.run, out / fold, _told(settings, fold), f"{settings.kind} {fold}")
    return weights, lambda made: by_forecaster(weights, settings.network, made), report


def _pednet(
    settings: PredictorTraining,
    learn: tuple[PedestrianRecording, ...],
    choose: tuple[PedestrianRecording, ...],
    fold: str,
    out: Path,
) -> Made:
    task = PedNetTask(learn, choose, settings.pednet)
    trained, report = train(task, settings.run, out / fold, _told(settings, fold), f"{settings.kind} {fold}")
    weights = task.finished(trained)
    return weights, lambda made: by_pednet(weights, made), report


def _told(settings: PredictorTraining, fold: str) -> dict[str, Any]:
    return {**_plainly(settings), "folds": fold}


def _plainly(settings: PredictorTraining) -> dict[str, Any]:
    """What these runs depend on."""
    return {name: value for name, value in asdict(settings).items() if name != "huron"}


def _plain(value: Any) -> Any:
    """Tuples as lists, as YAML has them."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _card(settings: PredictorTraining, fold: str, report: Mapping[str, Any]) -> str:
    whom = "all recordings" if fold == ALL else f"all recordings but those of the place `{fold}`"
    return f"""# {settings.kind}, trained on {whom}

- **For**: {"use on a robot" if fold == ALL else f"judging forecasts at `{fold}`, which these weights never saw"}.
- **Data**: the ETH and UCY recordings of pedestrians (Pellegrini et al. 2009, Lerner et al. 2007) in the files of the
  leave-one-out benchmark. The data are not part of this package.
- **Made by**: `sac-son train predictor`, {report["steps"]} steps in {report["seconds"]:.0f} s; settings, commit and
  the figures on the part kept for choosing are in `config.yaml`.
- **Figures**: docs/results/predictor.md, by place and protocol.
- **Limits**: people on open floor who walk, seen from above; no walls, no robot. See docs/human_model.md.
"""
