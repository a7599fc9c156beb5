from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from sac_son_nav.evaluation import env_speed


def test_steps_and_runs_are_counted_and_left_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ticks = iter(range(100))
    clock = SimpleNamespace(process_time=lambda: 2.0 * next(ticks))  # every part takes two seconds
    monkeypatch.setattr(env_speed, "time", clock)
    monkeypatch.setattr(env_speed, "WORLDS", (2, 3))
    monkeypatch.setattr(env_speed, "WARM", 1)
    monkeypatch.setattr(env_speed, "FEWEST", 4)
    monkeypatch.setattr(env_speed, "ENOUGH", 10)
    assert env_speed.measure_env("frontal_approach", 3, "simulated", tmp_path) == 0
    rows = json.loads((tmp_path / "env.json").read_text())["rows"]
    # Two worlds need five steps for ten, three worlds the four that are the fewest.
    expected = {2: 2 * 5 / 2.0, 3: 3 * 4 / 2.0}
    assert [(row["worlds"], row["steps_per_s"]) for row in rows] == list(expected.items()) * 3
    assert {row["people"] for row in rows} == {1}
    assert "tracks, no twins" in capsys.readouterr().out


def test_the_robots_that_are_timed_drive_along_their_ways() -> None:
    ways = np.array([[5.0, 1.0, 0.0], [5.0, 0.0, 1.0], [5.0, np.cos(0.1), -np.sin(0.1)]])
    np.testing.assert_allclose(env_speed._along(ways), [[1.0, 0.0], [1.0, 1.0], [1.0, -0.2]])
