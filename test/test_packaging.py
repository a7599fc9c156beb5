"""What an installation brings: the wheel's files, its entry points, and where resources are found afterwards."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

from sac_son_nav import __version__
from sac_son_nav.config import resource
from sac_son_nav.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
EXECUTABLES = {
    *("sac-son", "perception_node", "navigation_node", "simulation_node", "replay_node", "expression_node"),
}
RESOURCE_FOLDERS = ("launch", "config", "models")


def run(*words: str | Path, **more: object) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package built from what git would hand out, in a folder of its own."""
    if not (ROOT / ".git").exists():
        pytest.skip("the sources to build from are listed by git, and this is no checkout")
    pytest.importorskip("setuptools")
    place = tmp_path_factory.mktemp("build")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).split("\0")
    for name in (n for n in listed if n and (ROOT / n).is_file()):
        copy = place / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
        copy.chmod((ROOT / name).stat().st_mode)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet")
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", place, place / "source")
    (made,) = place.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix of a fresh environment that holds nothing but the wheel."""
    prefix = tmp_path_factory.mktemp("installed") / "env"
    run(sys.executable, "-m", "venv", "--without-pip", prefix)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", prefix / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel)
    return prefix


def shipped(folder: str) -> set[str]:
    """The files below a folder of the sources that an installation must bring."""
    files = (p for p in (ROOT / folder).rglob("*") if p.is_file())
    return {str(p.relative_to(ROOT)) for p in files if "__pycache__" not in p.parts and not p.name.startswith(".")}


def test_the_wheel_holds_all_resources_and_all_modules(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    share = f"sac_son-{__version__}.data/data/share/"
    for folder in RESOURCE_FOLDERS:
        assert shipped(folder)
        assert {f"{share}sac_son/{name}" for name in shipped(folder)} <= names
    assert {f"{share}sac_son/package.xml", f"{share}ament_index/resource_index/packages/sac_son"} <= names
    packages = {
        str(p.relative_to(ROOT)) for d in ("sac_son_nav", "expressive_motion") for p in (ROOT / d).rglob("*.py")
    }
    assert packages <= names
    assert not [n for n in names if n.startswith(("test/", "scripts/", "build/"))]


def test_every_node_has_an_entry_point_and_a_script_for_ros2_run(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"sac_son-{__version__}.dist-info/entry_points.txt").decode()
        scripts = {i.filename: i.external_attr >> 16 for i in archive.infolist() if "/data/lib/sac_son/" in i.filename}
    parsed = configparser.ConfigParser(delimiters=("=",))
    parsed.read_string(text)
    targets = dict(parsed["console_scripts"])
    assert set(targets) == EXECUTABLES
    assert {Path(name).name for name in scripts} == EXECUTABLES
    assert all(mode & 0o111 for mode in scripts.values())  # executable
    for name, target in targets.items():
        module, _, function = target.partition(":")
        source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text()
        assert re.search(rf"^def {function}\(", source, re.MULTILINE), f"{name}: no {target}"
        assert '__name__ == "__main__"' in source, f"{module} can't be run by python -m, as the supervisor does"
        assert f"from {module} import {function}" in (ROOT / "scripts" / name).read_text()


def test_an_installation_finds_its_resources_without_the_sources(installed: Path, tmp_path: Path) -> None:
    code = "from sac_son_nav.config import resource; print(resource('config', 'robots/simulated.yaml'))"
    # what it needs from others comes from this environment, behind its own
    bare = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "AMENT_PREFIX_PATH")}
    others = [p for p in sys.path if p.endswith("-packages")]
    found = run(
        installed / "bin" / "python",
        *("-c", f"import sys; sys.path += {others!r}; {code}"),
        cwd=tmp_path,
        env=bare,
    )
    assert Path(found.strip()) == installed / "share/sac_son/config/robots/simulated.yaml"
    assert (installed / "bin/sac-son").is_file()
    assert os.access(installed / "lib/sac_son/navigation_node", os.X_OK)


def test_the_sources_are_a_place_for_resources_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert resource("config", "robots/simulated.yaml") == ROOT / "config/robots/simulated.yaml"


def test_resources_come_from_the_given_path_then_ament_then_prefix_then_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def place(prefix: Path) -> Path:
        file = prefix / "share/sac_son/config/robots/simulated.yaml"
        file.parent.mkdir(parents=True)
        file.touch()
        return file

    in_ament, in_prefix = place(tmp_path / "overlay"), place(tmp_path / "prefix")
    given = tmp_path / "mine.yaml"
    given.touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path / 'no_such_underlay'}:{tmp_path / 'overlay'}")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    assert resource("config", str(given)) == given
    assert resource("config", "robots/simulated.yaml") == in_ament
    in_ament.unlink()
    assert resource("config", "robots/simulated.yaml") == in_prefix
    in_prefix.unlink()
    assert resource("config", "robots/simulated.yaml") == ROOT / "config/robots/simulated.yaml"
    with pytest.raises(ConfigError, match=r"'pioneer': not found; known are .*simulated"):
        resource("config", "robots/pioneer.yaml", what="robot profile")


def test_package_xml_and_setup_agree() -> None:
    root = ET.parse(ROOT / "package.xml").getroot()
    assert root.get("format") == "3"
    assert (root.findtext("name"), root.findtext("version")) == ("sac_son", __version__)
    assert root.findtext("license") == "Apache-2.0"
    assert root.findtext("export/build_type") == "ament_python"
    setup = (ROOT / "setup.py").read_text()
    depends = {str(e.text) for e in root.iter("exec_depend")}
    # one name at rosdep, another on PyPI
    for rosdep, pypi in (
        *(("python3-opencv", "opencv-python-headless"), ("python3-numpy", "numpy"), ("python3-yaml", "pyyaml")),
        *(("python3-scipy", "scipy"), ("python3-rosbags-pip", "rosbags"), ("python3-matplotlib", "matplotlib")),
        ("python3-joblib", "joblib"),
    ):
        assert rosdep in depends
        assert re.search(rf'"{pypi}[">]', setup)


def test_every_message_package_in_use_is_declared_and_pinned() -> None:
    used = set()
    for path in (ROOT / "sac_son_nav").rglob("*.py"):
        used |= set(
            re.findall(r"^\s*from (\w+_(?:msgs|interfaces))\.(?:msg|srv|action) import", path.read_text(), re.M)
        )
    used -= {"nav2_msgs", "tf2_msgs", "launch_msgs"}  # optional: imported where they exist
    assert {"sensor_msgs", "geometry_msgs"} <= used
    declared = {str(e.text) for e in ET.parse(ROOT / "package.xml").getroot().iter("exec_depend")}
    assert used <= declared
    for distribution in ("kilted", "jazzy"):
        pinned = re.findall(
            r"^ros-([\w-]+?)(?:\[\w+\])?==", (ROOT / f"requirements/{distribution}.txt").read_text(), re.M
        )
        assert {name.replace("_", "-") for name in used} <= set(pinned)


def test_one_version_everywhere_and_no_project_table() -> None:
    """colcon fails on a [project] table beside two packages at the root."""
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert "[project]" not in pyproject
    assert re.search(r'requires = \["setuptools>=\d+,<80"', pyproject)  # 80 broke colcon's --symlink-install
