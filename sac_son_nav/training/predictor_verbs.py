"""The verbs of the predictors for `sac-son`; what they need is imported when they are called."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

BAGS = "folder of HuRoN-format bags, <session>/<8 digits>.bag, or of our own recordings (docs/huron.md)"
BENCHMARK = "folder of the ETH/UCY benchmark's files (docs/recorded_people.md)"


def add_training(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`sac-son train predictor`."""
    verb = what.add_parser("predictor", help="where people go, from recordings of people (needs torch)")
    config = "file, or name of a file in config/train: forecaster or pednet"
    verb.add_argument("--config", type=Path, required=True, help=config)
    source = verb.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="DIR", help=BENCHMARK)
    source.add_argument("--huron", type=Path, metavar="DIR", help=f"{BAGS}: pednet with the robot in sight")
    verb.add_argument("--out", type=Path, required=True, help="folder for runs and model; goes on with what it holds")
    fold = "only these: a place, floor or session left out, or all for none (default: one after the other)"
    verb.add_argument("--fold", nargs="+", metavar="NAME", help=fold)

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.training.needs import torch_needed

        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        with torch_needed():
            from sac_son_nav.training.train_predictor import train_predictor
        return train_predictor(options.config, options.data, options.out, options.fold, options.huron)

    verb.set_defaults(run=run)


def add_evaluation(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`sac-son evaluate predictor` and `sac-son evaluate huron`."""
    verb = what.add_parser("predictor", help="forecasts of recorded people, each place or floor left out")
    source = verb.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="DIR", help=f"{BENCHMARK}: in two protocols")
    source.add_argument("--huron", type=Path, metavar="DIR", help=f"{BAGS}: people beside a robot")
    verb.add_argument("--model", help="constant_velocity, pednet or sac_son (default; with --huron: pednet)")
    weights = "a trained model's folder (default: the shipped one; with --huron none is shipped)"
    verb.add_argument("--weights", type=Path, metavar="DIR", help=weights)
    out = "folder for predictor.json or huron.json (default: out/predictor)"
    verb.add_argument("--out", type=Path, default=Path("out/predictor"), help=out)

    def run(options: argparse.Namespace) -> int:
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        if options.huron is not None:
            from sac_son_nav.evaluation.huron_forecasts import evaluate_huron

            return evaluate_huron(options.huron, options.model or "pednet", options.out, options.weights)
        from sac_son_nav.evaluation.predictor import evaluate_predictor

        return evaluate_predictor(options.data, options.model or "sac_son", options.out, options.weights)

    verb.set_defaults(run=run)
    _add_huron(what)


def _add_huron(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = what.add_parser("huron", help="what a folder of HuRoN-format recordings holds, and its people's frame")
    verb.add_argument("folder", type=Path, help=f"{BAGS}, or of <session>_<bag>_<k>/traj_data.pkl")
    laser = "the laser's pose on the base that is assumed [m, m, degrees] (default: 0 0 0)"
    verb.add_argument("--laser", type=float, nargs=3, default=[0.0, 0.0, 0.0], metavar=("X", "Y", "YAW"), help=laser)
    verb.add_argument("--out", type=Path, default=Path("out/huron"), help="folder for huron_folder.json")

    def run(options: argparse.Namespace) -> int:
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        from math import radians

        from sac_son_nav.evaluation.huron_check import evaluate_folder

        x, y, yaw = options.laser
        return evaluate_folder(options.folder, options.out, (x, y, radians(yaw)))

    verb.set_defaults(run=run)
