"""The software stop on disk: it outlives whoever keeps it, and doubt means stopped."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("rclpy")

from sac_son_nav.nodes.stopping import StopFile, stop_path


def test_a_stop_outlives_the_node_and_ends_when_it_is_released(tmp_path):
    path = tmp_path / "deep" / "stop.json"
    first = StopFile(path)
    assert first.since is None
    first.set()
    since = first.since
    first.set()  # asked twice, it has stood since the first time
    assert first.since == since
    second = StopFile(path)
    assert second.since == since
    second.release()
    assert second.since is None
    assert StopFile(path).since is None
    second.release()  # once more does no harm


@pytest.mark.parametrize("text", ["", "{", "[]", '{"until": 3}', '{"since": "noon"}'])
def test_a_file_that_makes_no_sense_is_a_stop(tmp_path, text):
    path = tmp_path / "stop.json"
    path.write_text(text)
    file = StopFile(path)
    assert file.since is not None
    assert str(path) in file.complaint
    file.release()
    assert StopFile(path).since is None


def test_a_disk_that_fails_does_not_undo_the_stop(tmp_path):
    (tmp_path / "file").write_text("")
    file = StopFile(tmp_path / "file" / "stop.json")  # no folder there, and none to be had
    file.set()
    assert file.since is not None
    assert "it ends with this process" in file.complaint


def test_each_robot_has_a_stop_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    assert stop_path("", "/tb1/navigation", "7") == tmp_path / "sac_son" / "stop-7-tb1-navigation.json"
    assert stop_path("", "/tb2/navigation", "7") != stop_path("", "/tb1/navigation", "7")
    assert stop_path("", "/navigation", "8") != stop_path("", "/navigation", "7")
    monkeypatch.setenv("ROS_DOMAIN_ID", "9")
    assert stop_path("", "/navigation").name == "stop-9-navigation.json"
    assert stop_path("/run/stop", "/navigation").as_posix() == "/run/stop"


def test_what_is_written_is_json_of_one_line(tmp_path):
    file = StopFile(tmp_path / "stop.json")
    file.set()
    assert json.loads((tmp_path / "stop.json").read_text()) == {"since": file.since}
