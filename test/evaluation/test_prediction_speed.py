"""Timing the predictors: that all are asked about the same, and what is written down. No duration is asserted."""

import json

import numpy as np
import pytest

from sac_son_nav.evaluation.prediction_speed import FUTURES, PEOPLE, _spread, crowd, futures, measure_prediction


def test_every_predictor_is_timed_on_the_same_question(tmp_path, capsys):
    people, robot = crowd(np.random.default_rng(0)), futures(np.random.default_rng(0))
    assert (len(people), robot.present.sum(), len(robot.poses)) == (PEOPLE, FUTURES, FUTURES + 1)
    assert measure_prediction(tmp_path, calls=2) == 0
    told = json.loads((tmp_path / "prediction.json").read_text())
    assert set(told["ms"]) == {"constant velocity", "learned", "PedNet (8 steps of 1/3 s)", "social force"}
    assert all(value > 0.0 for row in told["ms"].values() for value in row.values())
    assert "20 people, 256 futures, 12 steps" in capsys.readouterr().out


def test_percentiles_by_hand():
    """A hundred calls of 1 ms with a hundred of 3 ms before them: the quietest stretch is of the last."""
    row = _spread([3.0] * 100 + [1.0] * 100)
    assert row["p50_ms"] == pytest.approx(2.0)
    assert row["p99_ms"] == pytest.approx(3.0)
    assert row["quiet_p99_ms"] == pytest.approx(1.0)
