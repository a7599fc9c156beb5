"""A training run can be killed and goes on to the same weights; several processes have the gradients of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sac_son_nav.checkpoint import read_tensors  # noqa: E402
from sac_son_nav.errors import ConfigError  # noqa: E402
from sac_son_nav.prediction import layers  # noqa: E402
from sac_son_nav.training.run import RunConfig, _Run, train  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = RunConfig(steps=40, batch=10, warmup=5, validate_every=10, average=0.9, weight_decay=0.01, keep="best")


class Sine:
    """Learns a sine. Of each example some count and some do not, so that processes' shares count differently."""

    pause = 0.0  # [s] in every batch

    def initial(self, random: np.random.Generator) -> layers.Initial:
        return layers.make_mlp(random, "m", (1, 32, 1))

    def batch(self, random: np.random.Generator, size: int, step: int) -> dict[str, Any]:
        time.sleep(self.pause)
        x = random.uniform(-3.0, 3.0, (size, 1)).astype(np.float32)
        return {"x": x, "y": np.sin(x), "counts": random.random(size) < 0.6}

    def loss(self, parameters: Mapping[str, Any], batch: Mapping[str, Any], step: int) -> tuple[Any, Any]:
        error = (layers.mlp(parameters, "m", batch["x"]) - batch["y"])[:, 0] ** 2
        return torch.where(batch["counts"], error, 0.0).sum(), batch["counts"].sum()

    def validate(self, parameters: Mapping[str, Any]) -> dict[str, float]:
        x = np.linspace(-3.0, 3.0, 50, dtype=np.float32)[:, None]
        return {"error": float(np.abs(layers.mlp(parameters, "m", x) - np.sin(x)).mean())}


def test_it_learns_and_leaves_settings_state_and_curves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, report = train(Sine(), RunConfig(steps=300, batch=64, rate=3e-2, validate_every=100), tmp_path, {"a": 1})
    errors = [value for _, value in report["curves"]["error"]]
    assert len(errors) == 3
    assert errors[-1] < 0.15 < 0.4 < Sine().validate(Sine().initial(np.random.default_rng(0)))["error"]
    assert Sine().validate(weights)["error"] == errors[-1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curves.png", "run.yaml", "state.safetensors"]
    settings = (tmp_path / "run.yaml").read_text()
    assert "commit:" in settings
    assert "rate: 0.03" in settings
    assert "training: 300 steps in " in capsys.readouterr().out


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, _ = train(Sine(), SETTINGS, tmp_path / "whole")
    words = [sys.executable, "-m", "test.training.test_run", str(tmp_path / "killed")]
    child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60.0
    while not (tmp_path / "killed/state.safetensors").is_file():
        assert time.monotonic() < until
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait(10.0)
    _, told = read_tensors(tmp_path / "killed/state.safetensors")
    assert 0 < told["step"] < SETTINGS.steps
    again, report = train(Sine(), SETTINGS, tmp_path / "killed")
    assert all(np.array_equal(again[name], array) for name, array in whole.items())
    assert [step for step, _ in report["curves"]["loss"]] == [10, 20, 30, 40]
    finished, _ = train(Sine(), SETTINGS, tmp_path / "killed")  # nothing is left to do
    assert all(np.array_equal(finished[name], array) for name, array in whole.items())


def test_a_run_is_ended_by_time_with_its_rate_fallen(tmp_path: Path) -> None:
    slow = Sine()
    slow.pause = 0.01
    settings = RunConfig(steps=100_000, batch=4, seconds=0.3, warmup=0, validate_every=100_000)
    run = _Run(slow, settings, tmp_path, {}, "training")
    _, report = run.go()
    assert 3 < report["steps"] < 60
    assert len(report["curves"]["error"]) == 1  # it was validated, and its state is kept
    assert run.optimiser.param_groups[0]["lr"] < 0.1 * settings.rate
    assert read_tensors(tmp_path / "state.safetensors")[1]["step"] == report["steps"]


def test_another_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    settings = RunConfig(steps=2, batch=4)
    train(Sine(), settings, tmp_path, {"fold": "eth"})
    with pytest.raises(ConfigError, match="expected a run with the same settings"):
        train(Sine(), settings, tmp_path, {"fold": "univ"})


def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    settings = RunConfig(steps=1, batch=11, warmup=0, validate_every=1, average=0.0, clip=1e9)
    train(Sine(), settings, tmp_path / "one")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = [*torchrun, "-m", "test.training.test_run", str(tmp_path / "two"), "one step"]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    one, two = (read_tensors(tmp_path / n / "state.safetensors")[0] for n in ("one", "two"))
    moments = [name for name in one if name.startswith("exp_avg/")]  # after one step a tenth of the gradient
    assert len(moments) == 4
    for name in moments:
        assert np.abs(one[name]).max() > 1e-5
        np.testing.assert_allclose(two[name], one[name], rtol=1e-5, atol=1e-8)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        Sine.pause = 0.05
        train(Sine(), SETTINGS, Path(sys.argv[1]))
    else:
        one_step = RunConfig(steps=1, batch=11, warmup=0, validate_every=1, average=0.0, clip=1e9)
        train(Sine(), one_step, Path(sys.argv[1]))
