"""What PedNet learns from where there is a robot: a person's past, the robot's past and its next steps.

In the robot's frame of the moment, three times a second, as SACSoN's network is asked (Hirose et al. 2024). The loss
is the squared distance at every step that was seen, in metres; the paper states none. Half of the examples are
mirrored, the person and the robot alike. After training, zeros for the robot's next steps mean a robot that stands
where it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from sac_son_nav.datasets.steps import RobotWindows
from sac_son_nav.evaluation.huron_forecasts import by_pednet_with_robot, errors
from sac_son_nav.prediction import pednet
from sac_son_nav.prediction.layers import Initial, Parameters
from sac_son_nav.training.run import Batch

Arrays = dict[str, NDArray[np.float32]]


class PedNetRobotTask:
    """See :class:`sac_son_nav.training.run.Task`. `choose` may be None. `conditioned` False: the robot is not shown,
    for comparison. `moments`: examples that the layers' moments are taken over."""

    def __init__(
        self, learn: RobotWindows, choose: RobotWindows | None, conditioned: bool = True, moments: int = 8192
    ) -> None:
        self.choose, self.conditioned, self.moments = choose, conditioned, moments
        shown = np.float32(1.0 if conditioned else 0.0)
        self.arrays: Arrays = {
            "person": learn.person.astype(np.float32),
            "robot": learn.robot.astype(np.float32) * shown,
            "robot_future": learn.robot_future.astype(np.float32) * shown,
            "future": np.nan_to_num(learn.person_future).astype(np.float32),
            "known": np.isfinite(learn.person_future[..., 0]).astype(np.float32),
        }

    def initial(self, random: np.random.Generator) -> Initial:
        """See Task."""
        return pednet.initial(random)

    def batch(self, random: np.random.Generator, size: int, step: int) -> Arrays:
        """See Task: windows drawn by lot, mirrored by lot."""
        rows = random.choice(len(self.arrays["person"]), size)
        side = np.ones((size, 1, 2), np.float32)
        side[:, 0, 1] = random.choice(np.array([-1.0, 1.0], np.float32), size)
        drawn = {name: array[rows] for name, array in self.arrays.items()}
        return {name: array * side if array.ndim == 3 else array for name, array in drawn.items()}

    def loss(self, parameters: Mapping[str, torch.Tensor], batch: Batch, step: int) -> tuple[torch.Tensor, float]:
        """See Task."""
        person = batch["person"]
        code = pednet.encode(parameters, person, batch["robot"], pednet.by_batch)
        told = pednet.respond(parameters, code, person[:, -1], batch["robot_future"], pednet.by_batch)
        wrong = ((told - batch["future"]) ** 2).sum(dim=-1) * batch["known"]
        return wrong.sum() / pednet.STEPS, float(len(person))

    def finished(self, parameters: Parameters) -> dict[str, NDArray[np.float32]]:
        """The parameters with the layers' moments over examples, ready for use."""
        drawn = self.batch(np.random.default_rng(0), self.moments, 0)
        return dict(pednet.with_moments(parameters, drawn["person"], drawn["robot"], drawn["robot_future"]))

    def validate(self, parameters: Parameters) -> dict[str, float]:
        """See Task: errors [m] on the recordings kept to choose by."""
        if self.choose is None:
            return {}
        made = errors(by_pednet_with_robot(self.finished(parameters), self.choose, self.conditioned), self.choose)
        return {"ade_m": made["ade_m"], "fde_m": made["fde_m"]}
