"""What PedNet learns from: the same people, annotated three times a second, without a robot.

Each person alone, in their own frame (`evaluation/window_forecasts.py`): there is no robot whose frame it could be.
The loss is the squared distance at every step, in metres; the paper says none. Normalisation is by the batch, under
``torchrun`` by each process's share of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sac_son_nav.datasets.pedestrians import PedestrianRecording
from sac_son_nav.datasets.windows import displacement_errors, retimed, windows
from sac_son_nav.evaluation.window_forecasts import by_pednet, pednet_frame
from sac_son_nav.prediction import pednet
from sac_son_nav.prediction.layers import Initial, Parameters
from sac_son_nav.training.run import Batch


@dataclass(frozen=True)
class PedNetLearning:
    """How the examples are varied."""

    paces: tuple[float, ...] = (1.0,)  # at which recorded people go by
    scale: float = 0.0  # standard deviation of the logarithm by which everything in an example is stretched
    moments: int = 8192  # examples that the layers' moments are taken over


class PedNetTask:
    """See :class:`sac_son_nav.training.run.Task`. `learn` and `choose` are recordings."""

    def __init__(
        self,
        learn: Sequence[PedestrianRecording],
        choose: Sequence[PedestrianRecording],
        learning: PedNetLearning,
    ) -> None:
        self.learning = learning
        self.choose = windows(choose, "social_gan") if choose else None
        people, futures = [], []
        for pace in learning.paces:
            made = windows([retimed(r, pace, pednet.STEP) for r in learn], step_s=pednet.STEP)
            known = np.isfinite(made.pasts[..., 0]).all(axis=1) & made.scored
            seen, turn, origin = pednet_frame(made.pasts[known], pednet.STEP)
            away = made.futures[known][:, : pednet.STEPS] - origin[:, None]
            c, s = turn[:, :1], turn[:, 1:]
            own = np.stack([c * away[..., 0] + s * away[..., 1], c * away[..., 1] - s * away[..., 0]], axis=-1)
            people.append(seen)
            futures.append(own.astype(np.float32))
        self.people, self.futures = np.concatenate(people), np.concatenate(futures)

    def initial(self, random: np.random.Generator) -> Initial:
        """See Task."""
        return pednet.initial(random)

    def batch(self, random: np.random.Generator, size: int, step: int) -> dict[str, NDArray[np.generic]]:
        """See Task: people drawn by lot, mirrored by lot."""
        rows = random.choice(len(self.people), size)
        change = np.exp(random.normal(0.0, self.learning.scale, (size, 1, 1))).astype(np.float32)
        side = random.choice(np.array([-1.0, 1.0], np.float32), (size, 1, 1))
        change = np.concatenate([change, change * side], axis=-1)
        future = self.futures[rows] * change
        known = np.isfinite(future[..., 0])
        return {"person": self.people[rows] * change, "future": np.nan_to_num(future), "known": known}

    def loss(self, parameters: Mapping[str, torch.Tensor], batch: Batch, step: int) -> tuple[torch.Tensor, float]:
        """See Task."""
        person, known = batch["person"], batch["known"].float()
        nobody = torch.zeros_like(person)
        code = pednet.encode(parameters, person, nobody, pednet.by_batch)
        told = pednet.respond(parameters, code, person[:, -1], nobody, pednet.by_batch)
        return (((told - batch["future"]) ** 2).sum(dim=-1) * known).sum() / pednet.STEPS, float(len(person))

    def finished(self, parameters: Parameters) -> dict[str, NDArray[np.float32]]:
        """The parameters with the layers' moments over examples, ready for use."""
        person = self.batch(np.random.default_rng(0), self.learning.moments, 0)["person"].astype(np.float32)
        return dict(pednet.with_moments(parameters, person, np.zeros_like(person), np.zeros_like(person)))

    def validate(self, parameters: Parameters) -> dict[str, float]:
        """See Task: errors [m] on Social-GAN windows of the part to choose by."""
        if self.choose is None:
            return {}
        made = by_pednet(self.finished(parameters), self.choose)
        ade, fde = displacement_errors(made.best, self.choose.futures[self.choose.scored])
        return {"ade_m": float(ade.mean()), "fde_m": float(fde.mean())}
