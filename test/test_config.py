import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from sac_son_nav import config
from sac_son_nav.config import RobotProfile, build, flatten, load_robot, read_parameters, resource, unflatten
from sac_son_nav.errors import ConfigError, SacSonError
from sac_son_nav.kinematics import BaseLimits


@dataclass(frozen=True)
class Inner:
    width: float = 1.0
    depth: int = 2

    def __post_init__(self) -> None:
        if self.width <= 0.0:
            raise ConfigError(f"width: expected a positive number, got {self.width}")


@dataclass(frozen=True)
class Outer:
    name: str
    on: bool = True
    inner: Inner = field(default_factory=Inner)
    pair: tuple[float, float] = (0.0, 0.0)
    many: tuple[Inner, ...] = ()


def test_settings_are_built_from_plain_values() -> None:
    made = build(Outer, {"name": "a", "inner": {"width": 3}, "pair": [1, 2.5], "many": [{"depth": 5}, {}]}, "here")
    assert made == Outer("a", True, Inner(3.0, 2), (1.0, 2.5), (Inner(1.0, 5), Inner()))
    assert isinstance(made.inner.width, float)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": "a", "nmae": 1}, "here: unknown setting 'nmae'; known are inner, many, name, on, pair"),
        ({"name": 3}, "here.name: expected str, got 3"),
        ({"name": "a", "on": 1}, "here.on: expected bool, got 1"),
        ({"name": "a", "inner": {"depth": 2.5}}, "here.inner.depth: expected int, got 2.5"),
        ({"name": "a", "inner": {"width": True}}, "here.inner.width: expected float, got True"),
        ({"name": "a", "inner": {"width": float("nan")}}, "here.inner.width: expected float, got nan"),
        ({"name": "a", "inner": {"width": 0}}, "here.inner: width: expected a positive number, got 0.0"),
        ({"name": "a", "inner": 3}, "here.inner: expected a mapping of settings, got 3"),
        ({"name": "a", "pair": [1]}, "here.pair: expected 2 values, got 1"),
        ({"name": "a", "pair": 1}, "here.pair: expected a list, got 1"),
        ({"name": "a", "many": [{}, {"width": -1}]}, "here.many[1]: width: expected a positive number, got -1.0"),
        ([1, 2], "here: expected a mapping of settings, got [1, 2]"),
        ({}, "here: expected the setting 'name', got none"),
        ({"on": False, "pair": [0, 0]}, "here: expected the setting 'name', got on, pair"),
    ],
)
def test_wrong_settings_get_one_sentence(values: object, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Outer, values, "here")  # type: ignore[arg-type]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_flat_names_go_there_and_back() -> None:
    profile = RobotProfile(name="mine", limits=BaseLimits(vx_max=0.31))
    flat = flatten(profile)
    assert flat["limits.vx_max"] == 0.31
    assert flat["laser.beams"] == 720
    assert build(RobotProfile, unflatten(flat), "flat") == profile


def test_a_parameter_file_gives_a_node_its_own_over_everybody_s(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    document = {
        "/**": {"ros__parameters": {"a": 1, "b": 1}},
        "mine": {"ros__parameters": {"b": 2}},
        "other": {"ros__parameters": {"a": 9}},
    }
    path.write_text(yaml.safe_dump(document))
    assert read_parameters(path, "mine") == {"a": 1, "b": 2}
    path.write_text("mine: {a: 1}\n")
    with pytest.raises(ConfigError, match="expected 'ros__parameters' under 'mine'"):
        read_parameters(path, "mine")
    path.write_text("[]\n")
    with pytest.raises(ConfigError, match=r"expected a ROS parameter file, got \[\]"):
        read_parameters(path, "mine")


@pytest.mark.parametrize(
    ("content", "says"), [(b"a: [1\n", "expected YAML"), (b"\xff\xfe\x00", "p.yaml: "), (None, "no such file")]
)
def test_files_that_are_no_yaml_are_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "p.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.read_yaml(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_shipped_robot_loads() -> None:
    robots = sorted(path.stem for path in resource("config", "robots").glob("*.yaml"))
    assert "simulated" in robots
    for name in robots:
        profile = load_robot(name)
        assert 0.05 < profile.radius < 1.0
        assert profile.limits.vx_max <= 3.0
    with pytest.raises(ConfigError, match=r"robot profile 'r2d2': not found; known are .*simulated"):
        load_robot("r2d2")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"radius": -1.0}, "robot radius: expected metres above zero, got -1.0"),
        ({"command_timeout": 0.0}, "robot command_timeout: expected seconds above zero"),
        ({"limits": {"acceleration": 0.0}}, "limits: acceleration: expected a positive number, got 0.0"),
    ],
)
def test_robots_that_make_no_sense_are_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    path = tmp_path / "robot.yaml"
    path.write_text(yaml.safe_dump({"name": "odd"} | change))
    with pytest.raises(ConfigError) as caught:
        load_robot(str(path))
    assert says in str(caught.value)


def test_resources_are_found_in_the_ament_index_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = resource("config", "robots/simulated.yaml")
    installed = tmp_path / "share" / "sac_son" / "config" / "robots" / "simulated.yaml"
    installed.parent.mkdir(parents=True)
    installed.write_text(shipped.read_text())
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere{os.pathsep}{tmp_path}")
    assert resource("config", "robots/simulated.yaml") == installed
    assert resource("config", str(shipped)) == shipped
    with pytest.raises(ConfigError, match="no such file"):
        resource("config", str(tmp_path / "nothing.yaml"))


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "result.json"
    config.write_atomically(path, "old")
    assert path.read_text() == "old"

    def full(_descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        config.write_atomically(path, b"new")
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]


def test_every_error_is_one_of_ours() -> None:
    from sac_son_nav import errors

    raised = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(raised) > 5
    assert all(issubclass(value, SacSonError) for value in raised)


def test_a_folder_for_results_is_emptied_of_earlier_ones_only(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    config.make_folder(tmp_path, "old.json")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_place_where_nothing_can_be_written_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="expected a folder to write to"):
        config.make_folder(Path("/proc/results"))
