#!/usr/bin/env python3
"""Other trainings of the response on the same twins, and what each is worth.

With the settings of the table in docs/results/response.md, which another driver made, of all eight at once.

    python tools/response_variants.py --out out/variants [--jobs N] [--device cuda] [--only NAME ...]

The twins of the config are made once; each variant is trained in a folder of its own, goes on where it was, and is
judged by the correlation of predicted with exact perturbation, tracks exact: on the eleven cards that are learned
from, as they stand, by which the shipped one was chosen, and on the held-out ones. `told` is no model but a ceiling:
where each person would go without the robot is given away.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.predictor_twins import ATTENDED, HELD_OUT_SET, correlation
from sac_son_nav.evaluation.response_samples import EXACT, Samples, samples
from sac_son_nav.evaluation.twin_data import CARDS, HELD_OUT, LAWS_LEARNED, held_out_batch, make_training_set
from sac_son_nav.simulation.laws import LAWS
from sac_son_nav.training.run import train
from sac_son_nav.training.train_response import (
    ResponseTask,
    ResponseTraining,
    load_training,
    perturbations,
    read_twins,
)

VARIANTS: dict[str, dict[str, Any]] = {
    "huber": {"squares": 0.0},
    "squares": {"squares": 1.0},
    "decay": {"squares": 1.0, "run": {"weight_decay": 0.1}},
    "wide": {"squares": 1.0, "model": {"hidden": 64, "context": 128}},
    "big": {"squares": 1.0, "model": {"hidden": 160, "context": 256}},
    "no_orca": {"squares": 1.0, "laws": ("social_force",)},
    "pure": {"squares": 1.0, "bend": 1.0},
    "told": {"squares": 1.0},
}
CARDS_SET = replace(HELD_OUT_SET, seed=8)


def variant(config: ResponseTraining, name: str) -> ResponseTraining:
    """The training with what this variant changes."""
    changes = dict(VARIANTS[name])
    parts = {part: replace(getattr(config, part), **changes.pop(part, {})) for part in ("run", "model")}
    return replace(config, **parts, **changes)


def told(task: ResponseTask) -> ResponseTask:
    """The task with where people go without the robot in the place of their straight ways."""
    task.arrays["way"] = task.arrays["absent"]
    task.kept = {law: replace(kept, way=kept.absent) for law, kept in task.kept.items()}
    return task


def judged(cards: Sequence[str], law: str, config: ResponseTraining) -> Iterator[Samples]:
    """People within ATTENDED of the robot on the cards as they stand."""
    for card in cards:
        try:
            batch = held_out_batch(card, law, HELD_OUT_SET if card in HELD_OUT else CARDS_SET)
        except ConfigError:  # nobody comes near the robot there
            continue
        chosen = samples(batch, EXACT, np.random.default_rng(0), config.model)
        yield chosen.of(np.linalg.norm(chosen.robot - chosen.start, axis=-1) < ATTENDED)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path("response"))
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="+", choices=tuple(VARIANTS), default=tuple(VARIANTS))
    options = parser.parse_args()
    base = load_training(options.config)
    base = replace(base, run=replace(base.run, device=options.device))
    make_training_set(base.twins, options.out / "twins", jobs=options.jobs)
    places = [("cards", CARDS, law) for law in LAWS_LEARNED] + [("held-out", HELD_OUT, law) for law in LAWS]
    asked = [Samples.joined(list(judged(cards, law, base))) for _, cards, law in places]
    print(" | ".join(["training", *(f"{word}, {law}" for word, _, law in places)]))
    for name in options.only:
        config = variant(base, name)
        task = read_twins(config, options.out / "twins", options.jobs)
        weights, _ = train(
            told(task) if name == "told" else task, config.run, options.out / name, asdict(config), name
        )
        row = []
        for people in asked:
            given = replace(people, way=people.absent) if name == "told" else people
            found, exact = (a.astype(np.float64) for a in perturbations(weights, given, config.model))
            row.append(f"{correlation(found, exact):.3f}")
        print(" | ".join([name, *row]), flush=True)


if __name__ == "__main__":
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    main()
