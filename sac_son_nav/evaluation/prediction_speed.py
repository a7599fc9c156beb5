"""`sac-son measure prediction`: what it costs to ask each predictor about many futures of the robot, on one core.

20 people, 256 futures and their absence, 12 steps of 0.4 s. Each is asked CALLS times; beside the time that passes
stands the process's own, since on a busy machine the first tells of the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import make_folder
from sac_son_nav.errors import CheckpointError
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.kinematics import rollout
from sac_son_nav.prediction import pednet, response
from sac_son_nav.prediction.learned import MODEL, Learned
from sac_son_nav.prediction.predictor import ConstantVelocity, Predictor, RobotFutures, SocialForce
from sac_son_nav.states import Tracks

PEOPLE, FUTURES, STEPS, STEP_S = 20, 256, 12, 0.4
CALLS = 200


def crowd(random: np.random.Generator) -> Tracks:
    """People who walk about within 4 m of the origin, with their pasts."""
    places, paces = random.uniform(-4.0, 4.0, (PEOPLE, 2)), random.normal(0.0, 0.8, (PEOPLE, 2))
    pasts = places[:, None] - paces[:, None] * STEP_S * np.arange(7, -1, -1)[:, None]
    known = np.ones(pasts.shape[:2], dtype=np.bool_)
    ids, more = np.arange(PEOPLE, dtype=np.int64), (np.zeros((PEOPLE, 4, 4)), np.ones(PEOPLE))
    return Tracks(0.0, "map", ids, places, paces, *more, pasts=pasts, known=known)


def futures(random: np.random.Generator) -> RobotFutures:
    """As many drives from the origin, the last of them none."""
    start = np.zeros(3)
    velocities = np.stack([random.uniform(0.0, 0.6, FUTURES + 1), random.normal(0.0, 0.5, FUTURES + 1)], axis=-1)
    held = np.repeat(velocities[:, None], STEPS, axis=1)
    poses = np.asarray(rollout(np.zeros((FUTURES + 1, 3)), held, STEP_S))
    present = np.arange(FUTURES + 1) < FUTURES
    return RobotFutures(start, poses, present, 0.22, np.zeros((8, 2)))


def pednet_calls(people: Tracks, robot: RobotFutures) -> Callable[[], object]:
    """PedNet, as it was made: eight steps of 1/3 s, one person and one future at a time, here all of them in a batch;
    of untrained weights, which cost the same."""
    random = np.random.default_rng(0)
    pasts = (
        people.positions[:, None] - people.velocities[:, None] * pednet.STEP * np.arange(7, -1, -1)[:, None]
    ).astype(np.float32)
    stood = np.zeros_like(pasts)
    ahead = robot.poses[:, : pednet.STEPS, :2].astype(np.float32)
    parameters = pednet.with_moments(pednet.initial(random), pasts, stood, np.repeat(ahead[:1], PEOPLE, axis=0))
    count = len(ahead)

    def ask() -> object:
        code = pednet.encode(parameters, pasts, stood)
        return pednet.respond(
            parameters,
            np.tile(code, (count, 1)),
            np.tile(pasts[:, -1], (count, 1)),
            np.repeat(ahead, PEOPLE, axis=0),
        )

    return ask


def measure_prediction(out: Path, calls: int = CALLS) -> int:
    """Time every predictor, print a table and leave prediction.json."""
    random = np.random.default_rng(0)
    people, robot = crowd(random), futures(random)
    asked: dict[str, Callable[[], object]] = {}

    def add(name: str, predictor: Predictor) -> None:
        asked[name] = lambda: predictor.predict(people, robot, STEP_S, None)

    add("constant velocity", ConstantVelocity())
    try:
        model = response.load_response(MODEL)
    except CheckpointError as error:
        print(f"learned: weights drawn by lot, for {error}")
        config = response.ResponseConfig()
        model = response.ResponseModel(config, response.initial(config, random))
    add("learned", Learned(model))
    asked["PedNet (8 steps of 1/3 s)"] = pednet_calls(people, robot)
    add("social force", SocialForce())
    print(f"{PEOPLE} people, {FUTURES} futures, {STEPS} steps, one core [ms]")
    print(f"{'':<28}{'p50':>8}{'p99':>8}{'own p50':>10}{'own p99':>10}")
    rows: dict[str, Any] = {}
    for name, call in asked.items():
        row = _timed(call, calls if name != "social force" else max(1, calls // 4))
        rows[name] = row
        print(f"{name:<28}" + "".join(f"{v:{w}.2f}" for v, w in zip(row.values(), (8, 8, 10, 10), strict=True)))
    make_folder(out, "prediction.json")
    write_summary(
        out / "prediction.json", {"people": PEOPLE, "futures": FUTURES, "steps": STEPS, "calls": calls, "ms": rows}
    )
    return 0


def _timed(call: Callable[[], object], calls: int) -> dict[str, float]:
    """Percentiles [ms] by the clock on the wall and by that of the process."""
    for _ in range(5):
        call()
    wall, own = [], []
    for _ in range(calls):
        began, spent = time.perf_counter(), time.process_time()
        call()
        wall.append(1e3 * (time.perf_counter() - began))
        own.append(1e3 * (time.process_time() - spent))
    return {**spread("", wall), **spread("own_", own)}


def spread(name: str, durations: list[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    return {f"{name}p{p}_ms": float(np.percentile(durations, p)) for p in (50, 99)}
