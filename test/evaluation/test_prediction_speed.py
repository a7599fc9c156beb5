"""Timing the predictors: that all are asked about the same, and what is written down. No duration is asserted."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from sac_son_nav.evaluation.prediction_speed import FUTURES, PEOPLE, crowd, futures, measure_prediction, spread


def test_every_predictor_is_timed_on_the_same_question(tmp_path, capsys):
    people, robot = crowd(np.random.default_rng(0)), futures(np.random.default_rng(0))
    assert (len(people), robot.present.sum(), len(robot.poses)) == (PEOPLE, FUTURES, FUTURES + 1)
    assert measure_prediction(tmp_path, calls=2) == 0
    told = json.loads((tmp_path / "prediction.json").read_text())
    assert set(told["ms"]) == {"constant velocity", "learned", "PedNet (8 steps of 1/3 s)", "social force"}
    assert all(value > 0.0 for row in told["ms"].values() for value in row.values())
    assert "20 people, 256 futures, 12 steps" in capsys.readouterr().out


def test_percentiles_by_hand():
    row = spread("own_", [1.0, 2.0, 3.0])
    assert row == {"own_p50_ms": pytest.approx(2.0), "own_p99_ms": pytest.approx(2.98)}


def test_one_core_is_one_core():
    """NumPy reads how many threads it may have when it is imported, which the verbs' options do."""
    told = (
        "import os, sys, sac_son_nav.cli as cli\n"
        "assert 'numpy' not in sys.modules\n"
        "try:\n    cli.main(['--version'])\nexcept SystemExit:\n    pass\n"
        "assert 'numpy' in sys.modules\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    env = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", told], env=env, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) == 1
