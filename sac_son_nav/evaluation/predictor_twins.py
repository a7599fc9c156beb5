"""What a predictor says the robot changes, against what it does change: exact twins of held-out cards.

Every state of a held-out set is told to the predictor as the navigator would tell it, with each future of the robot
and with none; the difference of its two answers is held against the exact displacement. A person's perturbation under
a future is the displacement's length, mean over the horizon of 4.8 s.

The figures, for each law that people walk by: the correlation of predicted with exact perturbation over all people
within ATTENDED of the robot and all futures; the same over those within NEAR; `ranking`, the correlation of what is
left when each state's mean over futures is taken away, which is what a planner chooses by; bias; and calibration, the
exact mean in classes of the predicted. The exact figure has a heavy tail, so beside them stand `tail`, the share of
its variance that the largest 1 % of pairs hold, and the correlation of both figures cut off at CUT and of their
logarithms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import make_folder
from sac_son_nav.evaluation.pednet_response import shipped
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.response_samples import EXACT, TrackNoise
from sac_son_nav.evaluation.twin_data import HELD_OUT, TwinBatch, TwinConfig, held_out_batch
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.prediction.learned import Learned
from sac_son_nav.prediction.predictor import ConstantVelocity, Predictor, RobotFutures, SocialForce
from sac_son_nav.prediction.response import load_response
from sac_son_nav.simulation.branches import FUTURE, STEP
from sac_son_nav.simulation.laws import LAWS
from sac_son_nav.states import Floats, Tracks

ATTENDED, NEAR = 8.0, 3.0  # [m] between person and robot now
CLASSES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, np.inf)  # [m] of predicted perturbation, for calibration
CUT, LEAST = 0.3, 0.02  # [m] beyond which a figure is cut off; added to both before their logarithms are taken
FINE = 2  # steps of a predictor in one of the twins'
HELD_OUT_SET = TwinConfig(seed=7, worlds=30, moments=3, states=12)


@dataclass(frozen=True)
class Told:
    """Predicted and exact perturbation (M, F) [m] of M people under F futures, how far the robot is from each now,
    (M,) [m], and to which state each belongs, (M,)."""

    predicted: Floats
    exact: Floats
    apart: Floats
    state: NDArray[np.intp]


def ask(predictor: Predictor, batch: TwinBatch, noise: TrackNoise = EXACT, seed: int = 0) -> Told:
    """What the predictor says about every state of a batch, told of people with a tracker's errors."""
    random, twins = np.random.default_rng([seed, 3]), batch.twins
    parts: list[tuple[Floats, Floats, Floats, int]] = []
    exact = np.linalg.norm(twins.shifts.astype(np.float64), axis=-1).mean(axis=-1)  # (S, F, N)
    for s in range(len(twins)):
        people = _tracks(twins.pasts[s], twins.velocities[s], noise, random)
        robot = _futures(twins.robot_poses[s], twins.futures[s], twins.robot_pasts[s], batch.radius)
        apart = np.linalg.norm(twins.pasts[s, :, -1] - twins.robot_poses[s, :2], axis=-1)
        near = apart < ATTENDED
        predicted = perturbed(predictor, people, robot, batch.floor)[:, near]
        parts.append((predicted.T, exact[s][:, near].T, apart[near], s))
    return Told(
        np.concatenate([p[0] for p in parts]),
        np.concatenate([p[1] for p in parts]),
        np.concatenate([p[2] for p in parts]),
        np.concatenate([np.full(len(p[0]), p[3], dtype=np.intp) for p in parts]),
    )


def perturbed(predictor: Predictor, people: Tracks, robot: RobotFutures, floor: OccupancyMap | None) -> Floats:
    """Predicted perturbation (F, N) [m]: of all futures but the last, in which the robot is absent, against that."""
    answers = predictor.predict(people, robot, STEP / FINE, floor)[:, :, FINE - 1 :: FINE].astype(np.float64)
    moved: Floats = np.linalg.norm(answers[:-1] - answers[-1:], axis=-1).mean(axis=-1)
    return moved


def _tracks(pasts: NDArray[Any], velocities: NDArray[Any], noise: TrackNoise, random: np.random.Generator) -> Tracks:
    count = len(pasts)
    off, jitter = random.normal(size=(count, 1, 2)), random.normal(size=pasts.shape)
    shaken = pasts + noise.position * off + noise.jitter * jitter
    paces = velocities + noise.velocity * random.normal(size=velocities.shape)
    known = np.ones(pasts.shape[:2], dtype=np.bool_)
    ids = np.arange(count, dtype=np.int64)
    return Tracks(
        0.0, "map", ids, shaken[:, -1], paces, np.zeros((count, 4, 4)), np.ones(count), pasts=shaken, known=known
    )


def _futures(pose: NDArray[Any], futures: NDArray[Any], past: NDArray[Any], radius: float) -> RobotFutures:
    """All futures (F, T, 3) in steps of a predictor, and absence as the last."""
    whole = np.concatenate([np.broadcast_to(pose, (len(futures), 1, 3)), futures], axis=1).astype(np.float64)
    share = np.arange(1, FUTURE * FINE + 1) / FINE
    left = np.minimum(share.astype(np.intp), FUTURE - 1)
    fine = whole[:, left] + (share - left)[:, None] * (whole[:, left + 1] - whole[:, left])
    poses = np.concatenate([fine, np.broadcast_to(pose, (1, *fine.shape[1:]))])
    present = np.append(np.ones(len(futures), dtype=np.bool_), False)
    return RobotFutures(pose.astype(np.float64), poses, present, radius, past.astype(np.float64))


def figures(told: Sequence[Told]) -> dict[str, Any]:
    """The figures of the module's head, over several batches."""
    predicted, exact = (np.concatenate([getattr(t, name) for t in told]) for name in ("predicted", "exact"))
    near = np.concatenate([t.apart for t in told]) < NEAR
    ranked = [np.concatenate([_of_states(getattr(t, name), t.state) for t in told]) for name in ("predicted", "exact")]
    within = [r - r.mean(axis=1, keepdims=True) for r in ranked]
    classes = np.digitize(predicted.ravel(), CLASSES) - 1
    calibration = [
        {
            "from_m": CLASSES[k],
            "count": int((classes == k).sum()),
            "predicted_m": float(predicted.ravel()[classes == k].mean()),
            "exact_m": float(exact.ravel()[classes == k].mean()),
        }
        for k in range(len(CLASSES) - 1)
        if (classes == k).any()
    ]
    return {
        "people": len(predicted),
        "pairs": int(predicted.size),
        "exact_mean_m": float(exact.mean()),
        "correlation": correlation(predicted, exact),
        "correlation_near": correlation(predicted[near], exact[near]),
        "correlation_cut_off": correlation(np.minimum(predicted, CUT), np.minimum(exact, CUT)),
        "correlation_of_logarithms": correlation(np.log(predicted + LEAST), np.log(exact + LEAST)),
        "tail": tail(exact),
        "ranking": correlation(*within),
        "bias_m": float(predicted.mean() - exact.mean()),
        "error_m": float(np.abs(predicted - exact).mean()),
        "calibration": calibration,
    }


def _of_states(values: Floats, state: NDArray[np.intp]) -> Floats:
    """Summed over the people of each state, (S, F): what a plan costs."""
    summed = np.zeros((int(state.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(summed, state, values)
    return summed[np.unique(state)]


def tail(values: Floats) -> float:
    """The share of their variance that the largest 1 % of the values, rounded up, hold."""
    squares = np.sort(((values - values.mean()) ** 2).ravel())
    return float(squares[(-squares.size) // 100 :].sum() / max(float(squares.sum()), 1e-12))


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's, of all elements; 0 where either is constant, for it says nothing then."""
    if one.size < 2 or one.std() < 1e-12 or other.std() < 1e-12:
        return 0.0
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


Asked = Mapping[tuple[str, str], Told]  # by predictor, and how it was told


def ask_all(predictors: Mapping[str, Predictor], batch: TwinBatch, noise: TrackNoise) -> Asked:
    """What each predictor says about a batch, told exactly and with the noise of a tracker."""
    words = {"exact tracks": EXACT, "noisy tracks": noise}
    return {
        (name, word): ask(predictor, batch, given)
        for name, predictor in predictors.items()
        for word, given in words.items()
    }


def judge(asked: Sequence[tuple[str, Asked]]) -> dict[str, Any]:
    """The figures of each predictor for each law, of what was asked about batches of the laws."""
    laws = list(dict.fromkeys(law for law, _ in asked))
    found: dict[str, Any] = {}
    for name, word in asked[0][1]:
        for law in laws:
            told = [answers[name, word] for of, answers in asked if of == law]
            found.setdefault(name, {}).setdefault(word, {})[law] = figures(told)
    return found


def _ask_about(predictors: Mapping[str, Predictor], noise: TrackNoise, law: str, card: str) -> tuple[str, Asked]:
    return law, ask_all(predictors, held_out_batch(card, law, HELD_OUT_SET), noise)


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """The figures as lines of a Markdown table."""
    yield "| predictor | tracks | people walk by | correlation | within 3 m | ranking | bias m | exact mean m |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, by_word in found.items():
        for word, by_law in by_word.items():
            for law, f in by_law.items():
                yield (
                    f"| {name} | {word} | {law} | {f['correlation']:.3f} | {f['correlation_near']:.3f} | "
                    f"{f['ranking']:.3f} | {f['bias_m']:+.3f} | {f['exact_mean_m']:.3f} |"
                )


def evaluate_twins(
    predictors: Mapping[str, Predictor], out: Path, noise: TrackNoise | None = None, jobs: int = 1
) -> dict[str, Any]:
    """Judge predictors on the held-out twins of every card and law, in so many processes, print the table and leave
    twins.json."""
    make_folder(out, "twins.json")
    one = partial(_ask_about, predictors, noise or TrackNoise())
    laws, cards = zip(*((law, card) for law in LAWS for card in HELD_OUT), strict=True)
    progress, asked = Progress(), []
    with ProcessPoolExecutor(jobs, get_context("spawn")) if jobs > 1 else nullcontext() as pool:
        for done in (pool.map if pool else map)(one, laws, cards):
            asked.append(done)
            progress(f"twins: {len(asked)} of {len(cards)} held-out batches")
    progress.end()
    found = judge(asked)
    for line in table(found):
        print(line)
    write_summary(out / "twins.json", {"held_out": list(HELD_OUT), "predictors": found})
    return found


def evaluate_model(model: str, out: Path, jobs: int = 1) -> int:
    """A response, with the expected and with the mean displacement, beside the social force law, PedNet and constant
    velocity."""
    learned = load_response(model)
    predictors: dict[str, Predictor] = {
        "learned": Learned(learned),
        "learned, mean": Learned(learned, expected_length=False),
        "social force": SocialForce(),
        "PedNet": shipped(),
        "constant velocity": ConstantVelocity(),
    }
    evaluate_twins(predictors, out, jobs=jobs)
    return 0
