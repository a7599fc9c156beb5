"""Fit what a person looks like to a laser (:mod:`sac_son_nav.perception.appearance`) to recordings with marked people.

A candidate within `NEAR` of a mark is a person. One farther than `FAR` from all marks is none; in between nobody
knows. Where people were only marked in a sector of the laser's view, candidates outside it are left out. In each
recording people and others get the same weight, and each recording gets the same weight as the others.

The fit is a logistic regression with a little ridge, solved by Newton's method (Hastie, Tibshirani and Friedman, "The
Elements of Statistical Learning", 2009, section 4.4.1): no randomness, the same numbers on every machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.datasets.scans import read_scans
from sac_son_nav.errors import BagError, SacSonError
from sac_son_nav.evaluation.clear_mot import Sector
from sac_son_nav.evaluation.tracking import by_scan, read_marks
from sac_son_nav.perception.appearance import FEATURES, Appearance
from sac_son_nav.perception.scan_people import DetectorConfig, find_candidates
from sac_son_nav.states import Floats
from sac_son_nav.training.leg_scenes import made_scan

NEAR, FAR = 0.35, 0.75  # [m]
MADE_NEAR, MADE_FAR = 0.3, 0.6  # [m] where places are known exactly
ROOMS_WEIGHT = 0.3  # of made scans, where a recording weighs 1
RIDGE = 1e-3  # of standardised weights, where the data weigh 1 in all
_ROUNDS = 30
_LEAST_SCALE = 1e-3


@dataclass(frozen=True)
class Samples:
    """Candidates of one recording that are known to be people or others: features (N, F), is_person (N,)."""

    features: Floats
    is_person: NDArray[np.bool_]
    weight: float = 1.0  # of all of them together

    def __post_init__(self) -> None:
        if not (self.is_person.any() and not self.is_person.all()):
            raise BagError(f"expected people and others among the candidates, got {len(self.is_person)} of one kind")


def read_samples(
    bag: Path | str, marks_file: Path | str, sector: Sector | None = None, topic: str | None = None
) -> Samples:
    """The candidates of all scans of a recording. Raises BagError for a bad recording or marks file."""
    scans = list(read_scans(bag, topic))
    marks = by_scan(read_marks(marks_file), [time for time, _ in scans], f"marks {marks_file}")
    features, is_person = [np.zeros((0, len(FEATURES)))], [np.zeros(0, dtype=np.bool_)]
    for number, (_, scan) in enumerate(scans):
        candidates = find_candidates(scan, DetectorConfig())
        marked = np.array([mark.position for mark in marks.get(number, [])]).reshape(-1, 2)
        apart = np.linalg.norm(candidates.places[:, None] - marked[None], axis=-1)
        nearest = apart.min(axis=1, initial=np.inf)
        inside = np.ones(len(nearest), dtype=np.bool_) if sector is None else sector.holds(candidates.places)
        known = (nearest < NEAR) | ((nearest > FAR) & inside)
        features.append(candidates.features[known])
        is_person.append(nearest[known] < NEAR)
    return Samples(np.concatenate(features), np.concatenate(is_person))


def made_samples(count: int, random: np.random.Generator) -> Samples:
    """The candidates of so many scans, each of a room of its own."""
    features, is_person = [], []
    for _ in range(count):
        scan, people = made_scan(random)
        candidates = find_candidates(scan, DetectorConfig())
        nearest = np.linalg.norm(candidates.places[:, None] - people[None], axis=-1).min(axis=1, initial=np.inf)
        known = (nearest < MADE_NEAR) | (nearest > MADE_FAR)
        features.append(candidates.features[known])
        is_person.append(nearest[known] < MADE_NEAR)
    return Samples(np.concatenate(features), np.concatenate(is_person))


def fit(recordings: Sequence[Samples], ridge: float = RIDGE) -> Appearance:
    """The regression that fits all of them together."""
    features = np.concatenate([samples.features for samples in recordings])
    is_person = np.concatenate([samples.is_person for samples in recordings])
    weights = np.concatenate([samples.weight * _balanced(samples.is_person) for samples in recordings])
    weights /= weights.sum()
    means, scales = features.mean(axis=0), features.std(axis=0) + _LEAST_SCALE
    inputs = np.concatenate([(features - means) / scales, np.ones((len(features), 1))], axis=1)
    penalty = ridge * np.diag([*np.ones(len(FEATURES)), 0.0])
    solution = np.zeros(inputs.shape[1])
    for _ in range(_ROUNDS):
        likely = 1.0 / (1.0 + np.exp(-inputs @ solution))
        curvature = (inputs * (weights * likely * (1.0 - likely))[:, None]).T @ inputs + penalty
        slope = inputs.T @ (weights * (is_person - likely)) - penalty @ solution
        solution = solution + np.linalg.solve(curvature, slope)
    return Appearance(
        tuple(means.tolist()), tuple(scales.tolist()), tuple(solution[:-1].tolist()), float(solution[-1])
    )


def _balanced(is_person: NDArray[np.bool_]) -> Floats:
    share = float(is_person.mean())
    return np.where(is_person, 0.5 / share, 0.5 / (1.0 - share)) / len(is_person)


def separation(appearance: Appearance, samples: Samples) -> float:
    """How often a person of these looks more like one than another candidate does, in [0, 1]: the area under the
    curve of the receiver's operating characteristic (Hanley and McNeil 1982)."""
    likely = appearance.probabilities(samples.features)
    ranks = np.empty(len(likely))
    ranks[np.argsort(likely, kind="stable")] = np.arange(1, len(likely) + 1)
    people = int(samples.is_person.sum())
    others = len(likely) - people
    return float((ranks[samples.is_person].sum() - 0.5 * people * (people + 1)) / (people * others))


def as_source(appearance: Appearance, name: str = "LEARNED") -> str:
    """The fit as it stands in :mod:`.perception.appearance`, to six digits."""

    def numbers(values: Sequence[float]) -> str:
        return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"

    return "\n".join(
        [
            f"{name} = Appearance(",
            *(f"    {part}={numbers(getattr(appearance, part))}," for part in ("means", "scales", "weights")),
            f"    bias={appearance.bias:.6g},",
            ")",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """``sac-son train people BAG MARKS [MIN MAX] ...``; the exit status."""
    parser = argparse.ArgumentParser(description="Fit what a person looks like to a laser.")
    parser.add_argument(
        "--recording",
        nargs="+",
        action="append",
        required=True,
        metavar="PATH",
        help="BAG MARKS, and for marks in a sector only its two angles [deg]; give it once for each recording",
    )
    parser.add_argument("--rooms", type=int, default=4000, help="made scans that are added (default: 4000)")
    options = parser.parse_args(arguments)
    try:
        samples = []
        for given in options.recording:
            if len(given) not in (2, 4):
                raise BagError(f"--recording: expected BAG MARKS or BAG MARKS MIN MAX, got {' '.join(given)}")
            sector = Sector.degrees(float(given[2]), float(given[3])) if len(given) == 4 else None
            samples.append(read_samples(given[0], given[1], sector))
            print(
                f"{given[0]}: {int(samples[-1].is_person.sum())} people, {int((~samples[-1].is_person).sum())} others"
            )
        rooms = made_samples(options.rooms, np.random.default_rng(0)) if options.rooms else None
        made = [] if rooms is None else [replace(rooms, weight=ROOMS_WEIGHT)]
        for number, held_out in enumerate(samples if len(samples) > 1 else []):
            without = fit([*(s for k, s in enumerate(samples) if k != number), *made])
            print(f"separation on recording {number + 1}, left out: {separation(without, held_out):.3f}")
            print(as_source(without, f"WITHOUT_{number + 1}"))
        print(as_source(fit([*samples, *made])))
    except (SacSonError, ValueError) as error:
        print(f"sac-son: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
