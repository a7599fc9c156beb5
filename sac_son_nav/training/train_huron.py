"""`sac-son train predictor --huron`: PedNet with the robot, from recordings of a robot among people.

One run for each floor (or session) left out and one of them all, each in a folder of its own, as for the recordings
of pedestrians (:mod:`.train_predictor`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sac_son_nav.checkpoint import Model, save_model
from sac_son_nav.config import make_folder
from sac_son_nav.datasets.huron import HuronConfig, read_folder
from sac_son_nav.datasets.steps import ALL, StepFold, StepRecording, WindowConfig, robot_windows, step_folds
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.huron_forecasts import KIND, inventory, print_left_out
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.training.pednet_robot_task import PedNetRobotTask
from sac_son_nav.training.run import RunConfig, processes, train


@dataclass(frozen=True)
class HuronTraining:
    """How recordings of a robot are read and learned from: the section `huron` of a file in config/train."""

    robot: bool = True  # shown to the network; false: zeros instead, to see what it is worth
    reading: HuronConfig = field(default_factory=HuronConfig)
    windows: WindowConfig = field(default_factory=WindowConfig)


def train_huron(
    settings: HuronTraining, run: RunConfig, moments: int, folder: Path, out: Path, only: Sequence[str] | None = None
) -> int:
    """Train every fold of the folder (or `only` some); runs and model go to `out`."""
    with processes() as first:
        if first:
            make_folder(out)
        progress = Progress()
        data = read_folder(
            folder, settings.reading, told=lambda done, of: progress(f"bags: {done} of {of}") if first else None
        )
        progress.end()
        if first:
            print_left_out(data)
        folds = step_folds(data.recordings)
        for name in only or folds:
            if name not in folds:
                raise ConfigError(f"fold {name!r}: expected some of {', '.join(folds)}")
        held = {"folder": inventory(data)}
        for name in only or folds:
            _train_fold(settings, run, moments, folds[name], out, held, first)
        if first:
            print(f"model: {out / 'model'}")
    return 0


def _train_fold(
    settings: HuronTraining,
    run: RunConfig,
    moments: int,
    fold: StepFold,
    out: Path,
    held: Mapping[str, Any],
    writes: bool,
) -> None:
    """One run, and its place in the model's folder, which one process `writes`."""
    learn = robot_windows(fold.learn, settings.windows)
    choose = robot_windows(fold.choose, settings.windows) if fold.choose else None
    task = PedNetRobotTask(learn, choose, settings.robot, moments)
    told = {"huron": asdict(settings), "fold": fold.name, "learned_from": _names(fold.learn), "windows": len(learn)}
    trained, report = train(task, run, out / fold.name, told, f"pednet {fold.name}")
    if not writes:
        return
    folder = out / "model" if fold.name == ALL else out / "model" / "folds" / fold.name
    plain = asdict(settings)
    plain["reading"]["laser"] = list(settings.reading.laser)
    made = {
        "left_out": _names(fold.test) if fold.name != ALL else [],
        "learned_from": _names(fold.learn),
        "chosen_by": _names(fold.choose),
        "windows": len(learn),
        "training": asdict(run),
        "seconds": report["seconds"],
        "validation": {name: round(points[-1][1], 4) for name, points in report["curves"].items() if points},
        **held,
    }
    save_model(folder, Model(KIND, plain, task.finished(trained), made), _card(settings, fold, len(learn), report))


def _names(recordings: Sequence[StepRecording]) -> list[str]:
    return [recording.name for recording in recordings]


def _card(settings: HuronTraining, fold: StepFold, windows: int, report: Mapping[str, Any]) -> str:
    whom = "all sessions" if fold.name == ALL else f"all sessions but those of `{fold.name}`"
    shown = "with the robot's past and next steps" if settings.robot else "without the robot, for comparison"
    return f"""# PedNet, trained {shown}, on {whom}

- **For**: {"use" if fold.name == ALL else f"judging forecasts at `{fold.name}`, which these weights never saw"}.
- **Data**: {windows} windows of recordings in the format of HuRoN (Hirose et al. 2024). They are not part of this
  package.
- **Made by**: `sac-son train predictor --huron`, {report["steps"]} steps in {report["seconds"]:.0f} s; settings, bags,
  commit and the figures on the part kept for choosing are in `config.yaml`.
- **Asked**: in the robot's frame, three times a second; zeros for its next steps mean that it stands.
- **Limits**: one person at a time, no walls. See docs/huron.md.
"""
