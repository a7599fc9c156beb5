"""One control step in each mode, timed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sac_son_nav.evaluation import navigation_speed


def test_every_mode_is_timed_and_both_try_more_than_the_planner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(navigation_speed, "CALLS", 2)
    monkeypatch.setattr(navigation_speed, "FIRST", 1)
    navigation_speed.measure_navigation(tmp_path)
    found = json.loads((tmp_path / "navigation.json").read_text())["ms"]
    assert set(found) == {"planner", "policy", "both", "both, more"}
    assert found["policy"]["candidates"] == 1
    assert found["both"]["candidates"] == found["planner"]["candidates"] + 18  # six, and two variations of each
    assert found["both, more"]["candidates"] == found["both"]["candidates"] + 104
    assert all(0.0 < row["least"] <= row["p50"] <= row["p99"] for row in found.values())
    assert "20 people" in capsys.readouterr().out
