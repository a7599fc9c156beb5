from __future__ import annotations

import json
from pathlib import Path

import pytest

from sac_son_nav.cli import main
from test.evaluation.test_log import folder, odometry


def test_a_meeting_on_a_recording_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For 10 s the robot drives along x at 0.5 m/s, somebody comes the other way at 0.5 m/s, 0.9 m to its left: they
    meet at 6 s (the odometry says where it is, and 0 for its speed), with 0.9 - 0.22 - 0.25 m between them."""
    times = [1.0 + 0.1 * k for k in range(101)]
    rows = "".join(f"{t:.9f},7,{6.0 - 0.5 * (t - 1.0):.6f},0.9,-0.5,0,0.9\n" for t in times)
    driven = [odometry(t, 0.5 * (t - 1.0), 0.0, 0.0) for t in times]
    replay = folder(tmp_path / "r", rows, {"frame": "odom", "laser_on_base": [0.0, 0.0, 0.0]}, driven)
    out = tmp_path / "run.json"
    assert main(["evaluate", "run", str(replay), "--out", str(out), "--goal", "5.0", "0.0"]) == 0
    told = json.loads(out.read_text())
    assert told["metrics"]["closest_surface_m"] == pytest.approx(0.9 - 0.22 - 0.25, abs=1e-3)
    assert told["metrics"]["reached_goal"] == 1.0
    frontal = told["encounters"]["frontal"]
    assert frontal["count"] == 1
    assert frontal["esr"] == 1.0
    assert frontal["alv_mps"] == 0.0
    assert told["encounters"]["following"] == {"count": 0, "esr": None, "alv_mps": None, "ad_m": None}
    printed = capsys.readouterr().out
    assert "closest_surface_m" in printed
    assert "frontal 1 1.00 0.00" in " ".join(printed.split())


def test_a_folder_that_is_no_replay_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "run", str(tmp_path)]) == 2
    assert "summary.json: expected a replay's summary" in capsys.readouterr().err
