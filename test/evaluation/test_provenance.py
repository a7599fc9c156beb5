"""Fingerprints change with what matters and with nothing else."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav import checkpoint
from sac_son_nav.config import load_robot
from sac_son_nav.evaluation import provenance
from sac_son_nav.evaluation.provenance import code_fingerprint, fingerprint, git_state, settings_fingerprint, versions
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.simulation.scenarios import load_scenario


@dataclass(frozen=True)
class Thing:
    name: str
    values: object


def test_equal_content_equal_fingerprint() -> None:
    one = Thing("a", {"x": np.arange(3.0), "y": [1, (2.5, None)]})
    other = Thing("a", {"y": [1, (2.5, None)], "x": np.arange(3.0)})
    assert fingerprint(one) == fingerprint(other)
    assert len(fingerprint(one)) == 16


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        ("1", 1),
        (["ab", "c"], ["a", "bc"]),
        ([["a"], "b"], [["a", "b"]]),
        ({"a": 1}, ["a", 1]),
        (np.zeros(2), np.zeros(2, dtype=np.float32)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array([0.0, 1.0]), np.array([0.0, np.nextafter(1.0, 2.0)])),
        (Thing("a", 1), {"name": "a", "values": 1}),
        (b"None", None),
    ],
)
def test_different_content_different_fingerprint(one: object, other: object) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_what_has_no_content_has_no_fingerprint() -> None:
    with pytest.raises(TypeError, match="expected plain values, got object"):
        fingerprint([object()])


def test_settings_change_with_the_scenario_its_plan_and_the_robot() -> None:
    scenario, robot = load_scenario("corridor"), load_robot("simulated")
    same = settings_fingerprint(load_scenario("corridor"), load_robot("simulated"))
    assert settings_fingerprint(scenario, robot) == same
    assert settings_fingerprint(replace(scenario, description="other words"), robot) == same
    cells = scenario.floor.cells.copy()
    cells[10, 10] += 1
    floor = OccupancyMap(cells, scenario.floor.resolution, scenario.floor.origin)
    others = [
        settings_fingerprint(replace(scenario, floor=floor), robot),
        settings_fingerprint(replace(scenario, time_limit=scenario.time_limit + 1.0), robot),
        settings_fingerprint(replace(scenario, people=scenario.people[1:]), robot),
        settings_fingerprint(scenario, replace(robot, radius=0.3)),
    ]
    assert len({same, *others}) == 5


def package(folder: Path, **sources: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, source in {"__init__": "", **sources}.items():
        (folder / f"{name}.py").write_text(source)


def test_code_is_what_the_episodes_import_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "walk"
    monkeypatch.setattr(provenance, "PACKAGE", folder)

    def now(**sources: str) -> str:
        package(folder, **sources)
        code_fingerprint.cache_clear()
        return code_fingerprint("walk.start")

    first = now(
        start="import numpy\nfrom walk import direct", direct="def f():\n    from walk.late import g", late="g = 1"
    )
    assert now(report="colour = 'blue'") == first
    assert now(late="g = 2") != first
    assert now(late="g = 1") == first
    assert now(__init__="version = 2") != first
    code_fingerprint.cache_clear()


def test_reports_are_no_part_of_the_code_of_episodes() -> None:
    """A new colour must not make anybody run a night's work again."""
    found, waiting = set(), [provenance.EPISODES]
    while waiting:
        name = waiting.pop()
        file = provenance._source_of(name)
        if file is not None and name not in found:
            found.add(name)
            waiting += provenance._imported(__import__("ast").parse(file.read_text()))
    assert {"sac_son_nav.simulation.world", "sac_son_nav.evaluation.metrics", "sac_son_nav.crowds.orca"} <= found
    assert not [
        n for n in found if "benchmark" in n or n.rpartition(".")[2] in ("report", "summary", "statistics", "jobs")
    ]


def test_git_is_asked_only_where_it_keeps_this_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=x", "-c", "user.email=x@x")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    package(tmp_path / "sac_son_nav")
    monkeypatch.setattr(checkpoint, "PACKAGE", tmp_path / "sac_son_nav")
    assert git_state() is None
    git("init")
    git("add", ".")
    git("commit", "-m", "x")
    state = git_state()
    assert state is not None
    assert len(state["commit"]) == 40
    assert state["dirty"] is False
    (tmp_path / "notes.txt").write_text("no part of it")
    assert git_state() == state
    (tmp_path / "sac_son_nav" / "new.py").write_text("")
    assert git_state() == {**state, "dirty": True}
    monkeypatch.setattr(checkpoint, "PACKAGE", tmp_path / "elsewhere" / "sac_son_nav")
    assert git_state() is None


def test_versions_are_told() -> None:
    assert set(versions()) == {"sac_son", "python", "numpy", "scipy"}
    assert versions()["numpy"] == np.__version__
