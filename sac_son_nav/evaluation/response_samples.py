"""Twins as the response model reads them: what is known of each person, each future of the robot, and what it did.

M people of all states of a set, each with the F futures of their robot. Frame of the batch, SI units, float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.evaluation.twin_data import TwinBatch
from sac_son_nav.prediction.response import ResponseConfig
from sac_son_nav.prediction.response_features import Features, Situation, axes, clearance, features, room
from sac_son_nav.simulation.branches import PAST, STEP, Twins

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class TrackNoise:
    """How a tracker's word differs from the truth [standard deviations]."""

    position: float = 0.04  # [m] of where somebody is and was, all moments alike
    jitter: float = 0.02  # [m] of each moment
    velocity: float = 0.1  # [m/s] along x and y each
    short: float = 0.0  # share of people of whom only a last part of the past is known


EXACT = TrackNoise(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Samples:
    """features: of :class:`Features`, M people in a row; start (M, 2), way (M, T, 2): straight on, robot (M, 2),
    futures (M, F, T, 2), walls (M, F, T + 1): how far those are from the walls, now first; shifts (M, F, T, 2): how
    far each person is displaced, absent (M, T, 2): where they go without the robot."""

    features: Features
    start: Floats32
    way: Floats32
    robot: Floats32
    futures: Floats32
    walls: Floats32
    shifts: Floats32
    absent: Floats32

    def __len__(self) -> int:
        return len(self.start)

    def of(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Samples:
        """Those of some people."""
        chosen = Features(**{f.name: getattr(self.features, f.name)[rows] for f in fields(Features)})
        rest = {f.name: getattr(self, f.name)[rows] for f in fields(Samples) if f.name != "features"}
        return Samples(chosen, **rest)

    @staticmethod
    def joined(parts: Sequence[Samples]) -> Samples:
        """All of several."""
        both = [p.features for p in parts]
        chosen = Features(**{f.name: np.concatenate([getattr(b, f.name) for b in both]) for f in fields(Features)})
        names = [f.name for f in fields(Samples) if f.name != "features"]
        return Samples(chosen, **{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def straight(positions: Floats32, velocities: Floats32, steps: int) -> Floats32:
    """People who go on as they go, (..., T, 2), steps of STEP."""
    times = STEP * np.arange(1, steps + 1, dtype=np.float32)
    return positions[..., None, :] + velocities[..., None, :] * times[:, None]


def situation(
    batch: TwinBatch, noise: TrackNoise, random: np.random.Generator, config: ResponseConfig
) -> tuple[Situation, Floats32]:
    """What a tracker that errs by `noise` would tell of all states of a batch, and the straight ways that follow."""
    t = batch.twins
    shape = t.pasts.shape
    pasts = t.pasts + noise.position * random.normal(size=(*shape[:2], 1, 2)).astype(np.float32)
    pasts = pasts + noise.jitter * random.normal(size=shape).astype(np.float32)
    velocities = t.velocities + noise.velocity * random.normal(size=t.velocities.shape).astype(np.float32)
    pasts = _shortened(pasts, velocities, noise.short, random)
    here = pasts[..., -1, :]
    way = straight(here, velocities, config.steps)
    walls = room(batch.floor, here, axes(velocities, here, t.robot_pasts[..., -1, :]), way)
    assert pasts.shape[-2] == PAST
    return Situation(pasts, velocities, t.robot_pasts, batch.radius, walls), way


def _shortened(pasts: Floats32, velocities: Floats32, share: float, random: np.random.Generator) -> Floats32:
    """Pasts (S, N, P, 2) of which, for a share of the people, the first moments are made up by constant velocity."""
    moments = pasts.shape[2]
    first = np.where(random.random(pasts.shape[:2]) < share, random.integers(0, moments, pasts.shape[:2]), 0)
    ages = STEP * (first[..., None] - np.arange(moments))  # [s] before the first known moment
    oldest = np.take_along_axis(pasts, first[..., None, None], axis=2)
    made_up = oldest - velocities[:, :, None, :] * ages[..., None].astype(np.float32)
    return np.where((ages > 0)[..., None], made_up, pasts).astype(np.float32)


def samples(batch: TwinBatch, noise: TrackNoise, random: np.random.Generator, config: ResponseConfig) -> Samples:
    """Every person of a batch who is ever within `far` of one of their robot's futures or of the robot now."""
    told, way = situation(batch, noise, random, config)
    read = features(told, config.neighbours, config.sight)
    t = batch.twins
    states, people = t.velocities.shape[:2]
    driven = _driven(t)
    clear = clearance(batch.floor, driven)
    futures, walls = (np.broadcast_to(a[:, None], (states, people, *a.shape[1:])) for a in (driven[:, :, 1:], clear))
    shifts = np.swapaxes(t.shifts, 1, 2).astype(np.float32)  # (S, N, F, T, 2)
    robot = np.broadcast_to(t.robot_poses[:, None, :2], (states, people, 2))
    flat = {f.name: _flat(getattr(read, f.name)) for f in fields(Features)}
    made = Samples(
        Features(**flat),
        *(_flat(a) for a in (told.pasts[..., -1, :], way, robot, futures, walls, shifts, t.absent)),
    )
    apart = np.linalg.norm(made.futures - made.way[:, None], axis=-1).min(axis=(1, 2))
    now = np.linalg.norm(made.robot - made.start, axis=-1)
    return made.of(np.minimum(apart, now) < config.far)


def _driven(twins: Twins) -> Floats32:
    """Where each future of the robot leads, (S, F, T + 1, 2): now first."""
    count = twins.futures.shape[1]
    now = np.repeat(twins.robot_poses[:, None, None, :2], count, axis=1)
    return np.concatenate([now, twins.futures[..., :2]], axis=2)


def _flat(values: NDArray[np.float32]) -> Floats32:
    return np.ascontiguousarray(values.reshape(-1, *values.shape[2:]), dtype=np.float32)
