"""`sac-son evaluate predictor --huron`: PedNet with the robot in sight, on recordings of a robot among people.

Weights are judged on the floor (or the session) that they never saw. Beside each figure stands constant velocity's.
Whether the robot's future does anything is asked in two ways: the same windows with the future of another window's
robot, and with a robot that stands from now on, which is SACSoN's counterfactual. A network that looks at the person
alone errs by as much each time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.checkpoint import Model, load_model
from sac_son_nav.config import build, make_folder
from sac_son_nav.datasets.huron import HuronConfig, HuronFolder, read_folder
from sac_son_nav.datasets.steps import (
    ALL,
    FUTURE,
    STEP,
    RobotWindows,
    StepFold,
    WindowConfig,
    robot_windows,
    step_folds,
)
from sac_son_nav.datasets.windows import displacement_errors
from sac_son_nav.errors import CheckpointError, ConfigError
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.provenance import git_state, versions
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.tables import Item, Table, text
from sac_son_nav.evaluation.window_forecasts import pednet_weights
from sac_son_nav.prediction import pednet
from sac_son_nav.prediction.layers import Parameters
from sac_son_nav.states import Floats

KIND = "pednet_robot"  # of a model's folder
MODELS = ("constant_velocity", "pednet")
RANGES = (0.0, 1.5, 3.0, 6.0, 10.0)  # [m] from the robot now


def by_pednet_with_robot(
    parameters: Parameters, made: RobotWindows, conditioned: bool = True, futures: Floats | None = None
) -> Floats:
    """Where people go (S, 8, 2) [m] in the robot's frame. `futures` (S, 8, 2): of the robot, None: what it did;
    `conditioned` False: as of a network that was taught without the robot."""
    person, robot = made.person.astype(np.float32), made.robot.astype(np.float32)
    future = (made.robot_future if futures is None else futures).astype(np.float32)
    if not conditioned:
        robot, future = np.zeros_like(robot), np.zeros_like(future)
    code = pednet.encode(parameters, person, robot)
    return np.asarray(pednet.respond(parameters, code, person[:, -1], future), dtype=np.float64)


def by_constant_velocity(made: RobotWindows) -> Floats:
    """The last step over and over, (S, 8, 2) [m]."""
    step = made.person[:, -1] - made.person[:, -2]
    return np.asarray(made.person[:, -1:] + step[:, None] * np.arange(1, FUTURE + 1)[:, None])


def errors(told: Floats, made: RobotWindows, rows: NDArray[np.bool_] | None = None) -> dict[str, Any]:
    """Average and final displacement error [m] over the steps that were seen, up to 2.67 s."""
    rows = np.ones(len(made), dtype=bool) if rows is None else rows
    ade, fde = displacement_errors(told[rows], made.person_future[rows])
    return {"windows": int(rows.sum()), "ade_m": float(ade.mean()), "fde_m": float(fde.mean())}


def conditioning(parameters: Parameters, made: RobotWindows, seed: int = 0) -> dict[str, float]:
    """What the robot's future is worth to a conditioned network: errors [m] with its own, with another window's and
    with none, how far [m] the answer moves by that, and the share of windows that another's future makes worse."""
    order = np.random.default_rng(seed).permutation(len(made))
    swapped = made.robot_future[order[np.argsort(np.roll(order, 1))]]  # nobody keeps their own
    own = by_pednet_with_robot(parameters, made)
    others = by_pednet_with_robot(parameters, made, futures=swapped)
    stands = by_pednet_with_robot(parameters, made, futures=np.zeros_like(swapped))
    ade, _ = displacement_errors(own, made.person_future)
    ade_swapped, _ = displacement_errors(others, made.person_future)
    return {
        "ade_m": float(ade.mean()),
        "ade_swapped_m": float(ade_swapped.mean()),
        "ade_standing_m": float(displacement_errors(stands, made.person_future)[0].mean()),
        "moved_by_swap_m": float(np.linalg.norm(others - own, axis=-1).mean()),
        "moved_by_standing_m": float(np.linalg.norm(stands - own, axis=-1).mean()),
        "worse_when_swapped": float((ade_swapped > ade).mean()),
    }


def evaluate_huron(folder: Path, model: str, out: Path, weights: Path | None = None) -> int:
    """Judge on a folder of HuRoN-format bags and print what came of it; all of it is left in huron.json."""
    began, progress = time.monotonic(), Progress()
    if model not in MODELS:
        raise ConfigError(f"model {model!r}: expected {' or '.join(MODELS)} with --huron")
    if model == "pednet" and weights is None:
        raise ConfigError(
            "pednet on HuRoN: expected --weights DIR, the model of `sac-son train predictor --config pednet --huron "
            "DIR`, got none: no weights of it are shipped"
        )
    settings = _any_model(weights).settings if weights is not None else {}
    reading = build(HuronConfig, settings.get("reading", {}), f"{weights}: reading")
    taken = build(WindowConfig, settings.get("windows", {}), f"{weights}: windows")
    make_folder(out, "huron.json")
    data = read_folder(folder, reading, told=lambda done, of: progress(f"bags: {done} of {of}"))
    found: dict[str, Any] = {"model": model, "folder": inventory(data), "folds": {}}
    for name, fold in step_folds(data.recordings).items():
        if name == ALL:
            continue
        progress(f"{model}: {name} left out")
        found["folds"][name] = judge_fold(name, fold, taken, weights if model == "pednet" else None)
    progress.end()
    if not found["folds"]:
        raise ConfigError(
            f"HuRoN {folder}: expected at least two floors or sessions, got one: nothing can be left out"
        )
    total = sum(f["all"]["windows"] for f in found["folds"].values())
    for key in ("ade_m", "fde_m"):
        found[f"mean_{key}"] = float(np.mean([f["all"][key] for f in found["folds"].values()]))
    found |= {"windows": total, "seconds": round(time.monotonic() - began, 1)}
    found |= {"git": git_state(), "versions": versions()}
    write_summary(out / "huron.json", found)
    print_left_out(data)
    _print(found)
    return 0


def judge_fold(name: str, fold: StepFold, config: WindowConfig, weights: Path | None) -> dict[str, Any]:
    """Every figure on the recordings left out; `weights` None: of constant velocity alone."""
    made = robot_windows(fold.test, config)
    straight = by_constant_velocity(made)
    told, conditioned, parameters = straight, False, None
    if weights is not None:
        where = weights / "folds" / name
        model = load_model(where, KIND)
        seen = set(model.made.get("learned_from", ())) & {r.name for r in fold.test}
        if seen:
            raise CheckpointError(f"model {where}: expected weights that never saw {name}, but they saw {min(seen)}")
        parameters, conditioned = pednet_weights(model, str(where)), bool(model.settings.get("robot", True))
        told = by_pednet_with_robot(parameters, made, conditioned)
    away = np.linalg.norm(made.person[:, -1], axis=-1)
    seeking = np.array([r.seeking for r in fold.test])[made.recording]
    classes = {f"{low:g} to {high:g} m": (away >= low) & (away < high) for low, high in pairwise(RANGES)}
    classes |= {"intloss": seeking, "standard": ~seeking}
    found: dict[str, Any] = {"all": _both(told, straight, made, np.ones(len(made), dtype=bool))}
    found["by"] = {label: _both(told, straight, made, rows) for label, rows in classes.items() if rows.any()}
    found["bags"], found["too_short"] = [r.name for r in fold.test], made.too_short
    if parameters is not None and conditioned and len(made) > 1:
        found["conditioning"] = conditioning(parameters, made)
    return found


def inventory(data: HuronFolder) -> dict[str, Any]:
    """What a folder holds, as plain values."""
    return {
        "recordings": len(data.recordings),
        "sessions": len({r.session for r in data.recordings}),
        "steps": sum(len(r) for r in data.recordings),
        "left_out": list(data.left_out),
        "notes": [f"{r.name}: {note}" for r in data.recordings for note in r.notes],
    }


def print_left_out(data: HuronFolder) -> None:
    """One line for each bag that is not used, and for what was passed over in the others."""
    for sentence in data.left_out:
        print(f"left out: {sentence}")
    for recording in data.recordings:
        for note in recording.notes:
            print(f"note: {recording.name}: {note}")


def _any_model(weights: Path) -> Model:
    folders = [weights, *sorted((weights / "folds").glob("*"))]
    return load_model(next((f for f in folders if (f / "config.yaml").is_file()), weights), KIND)


def _both(told: Floats, straight: Floats, made: RobotWindows, rows: NDArray[np.bool_]) -> dict[str, Any]:
    return {**errors(told, made, rows), "constant_velocity": errors(straight, made, rows)}


def _print(found: Mapping[str, Any]) -> None:
    rows = []
    for name, fold in found["folds"].items():
        for label, part in {"all": fold["all"], **fold["by"]}.items():
            straight = part["constant_velocity"]
            rows.append(
                [
                    Item(f"{name}, {label}"),
                    Item(str(part["windows"])),
                    Item(f"{part['ade_m']:.3f}/{part['fde_m']:.3f}", part["ade_m"]),
                    Item(f"{straight['ade_m']:.3f}/{straight['fde_m']:.3f}", straight["ade_m"]),
                ]
            )
    horizon = FUTURE * STEP
    print(text(Table(("left out", "windows", f"ADE/FDE [m], {horizon:.2f} s", "constant velocity"), rows)))
    for name, fold in found["folds"].items():
        if "conditioning" in fold:
            c = fold["conditioning"]
            print(
                f"{name}: with the robot's own future {c['ade_m']:.3f} m, with another's {c['ade_swapped_m']:.3f} m, "
                f"standing {c['ade_standing_m']:.3f} m; another's moves the answer by {c['moved_by_swap_m']:.3f} m "
                f"and makes it worse in {c['worse_when_swapped']:.0%} of the windows"
            )
