"""PedNet asked what a robot changes: the released form of SACSoN's human model behind the predictor's interface.

It sees one person at a time, 1/3 s apart and in the person's own frame, as it was trained
(:func:`.window_forecasts.pednet_frame`), and the robot's past and future in the same frame; zeros stand for a robot
that is not there. It tells 2.67 s and goes on with its last step. Shapes as in
:mod:`sac_son_nav.prediction.predictor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.checkpoint import load_model
from sac_son_nav.evaluation.window_forecasts import pednet_frame, pednet_weights
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.prediction import pednet
from sac_son_nav.prediction.layers import Parameters
from sac_son_nav.prediction.learned import resampling
from sac_son_nav.prediction.predictor import Floats32, RobotFutures
from sac_son_nav.states import Tracks

PAST_S = 0.4  # [s] between the places of a past


@dataclass(frozen=True)
class PedNet:
    """Its weights, moments among them."""

    parameters: Parameters
    needs_past: int = 3

    def predict(self, people: Tracks, robot: RobotFutures, step_s: float, walls: OccupancyMap | None) -> Floats32:
        """See :meth:`sac_son_nav.prediction.predictor.Predictor.predict`; walls are nothing to it."""
        count, steps = robot.poses.shape[:2]
        assert people.pasts is not None
        pasts = people.pasts.astype(np.float64)
        seen, turn, origin = pednet_frame(pasts, PAST_S)
        stood = np.tile(robot.start[:2], (pasts.shape[1], 1)) if robot.past is None else robot.past
        back = np.arange(1.0 - pednet.STEPS, 1.0) * pednet.STEP
        rows = [np.interp(back, PAST_S * np.arange(1.0 - len(stood), 1.0), stood[:, d]) for d in (0, 1)]
        planned, own = step_s * np.arange(1, steps + 1), pednet.STEP * np.arange(1, pednet.STEPS + 1)
        to_own = resampling(planned, own)
        start = np.broadcast_to(robot.start[:2], (count, 1, 2))
        futures = to_own @ np.concatenate([start, robot.poses[..., :2]], axis=1).astype(np.float32)  # (K, 8, 2)
        met = _owned(np.stack(rows, axis=-1)[None], turn, origin)[0]  # (N, 8, 2)
        ahead = _owned(futures, turn, origin)  # (K, N, 8, 2)
        answer = np.empty((count, len(pasts), steps, 2), dtype=np.float32)
        later = np.concatenate([own, pednet.STEP * np.arange(pednet.STEPS + 1, int(planned[-1] / pednet.STEP) + 2)])
        forth = resampling(later, planned)
        for k in range(count):
            there = bool(robot.present[k])
            code = pednet.encode(self.parameters, seen, met if there else np.zeros_like(met))
            told = pednet.respond(self.parameters, code, seen[:, -1], ahead[k] if there else np.zeros_like(ahead[k]))
            more = (told[:, -1:] - told[:, -2:-1]) * np.arange(1, len(later) - len(own) + 1)[:, None]
            path = np.concatenate([np.zeros_like(told[:, :1]), told, told[:, -1:] + more], axis=1)
            answer[k] = _turned(forth @ path, turn) + origin[:, None]
        return answer


def shipped() -> PedNet:
    """The weights that are shipped. Raises CheckpointError where they are missing or damaged."""
    return PedNet(pednet_weights(load_model("pednet", "pednet"), "models/pednet"))


def _owned(places: NDArray[Any], turn: NDArray[Any], origin: NDArray[Any]) -> Floats32:
    """Places (K, T, 2) in the frames of N people, (K, N, T, 2)."""
    away = places[:, None] - origin[:, None]
    c, s = turn[:, :1], turn[:, 1:]
    x, y = c * away[..., 0] + s * away[..., 1], c * away[..., 1] - s * away[..., 0]
    return np.stack([x, y], axis=-1).astype(np.float32)


def _turned(paths: NDArray[Any], turn: NDArray[Any]) -> NDArray[Any]:
    """Paths (N, T, 2) of people's own frames in the frame of the map, from where they stand."""
    c, s = turn[:, :1], turn[:, 1:]
    return np.stack([c * paths[..., 0] - s * paths[..., 1], s * paths[..., 0] + c * paths[..., 1]], axis=-1)
