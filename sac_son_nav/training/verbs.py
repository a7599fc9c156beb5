"""The verbs of the response model for `sac-son`; what they need is imported when they are called."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_training(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`sac-son train response`."""
    verb = what.add_parser("response", help="what a robot changes in where people go, from exact twins (needs torch)")
    verb.add_argument("--config", type=Path, required=True, help="file, or name of a file in config/train")
    verb.add_argument("--out", type=Path, required=True, help="folder for twins, run and model; goes on where it was")

    verb.add_argument("--jobs", type=int, metavar="N", help="processes that make twins (default: one for each core)")
    verb.add_argument("--device", help="where to train, as torch names it: cpu, cuda (default: the config's)")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.training.needs import torch_needed

        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        with torch_needed():
            from sac_son_nav.training.train_response import train_and_save
        jobs = options.jobs or len(os.sched_getaffinity(0))
        return train_and_save(options.config, options.out, jobs, options.device)

    verb.set_defaults(run=run)


def add_evaluation(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`sac-son evaluate twins`."""
    verb = what.add_parser("twins", help="what predictors say a robot changes, against exact twins of held-out cards")
    verb.add_argument("--model", default="response", help="name in models, or a folder (default: response)")
    verb.add_argument("--out", type=Path, default=Path("out/twins"), help="folder for twins.json")
    verb.add_argument("--jobs", type=int, metavar="N", help="processes (default: one for each core)")

    def run(options: argparse.Namespace) -> int:
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        from sac_son_nav.evaluation.predictor_twins import evaluate_model

        jobs = options.jobs or len(os.sched_getaffinity(0))
        return evaluate_model(options.model, options.out, jobs)

    verb.set_defaults(run=run)
