"""tools/make-venv: says what is missing, repairs what is half made, leaves alone what is whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("bash", "cat", "cmp", "cut", "dirname", "env", "grep", "head", "rm", "sha256sum", "uname")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the script reads, and a folder `bin` with the system's tools but no Python."""
    place = tmp_path / "a project"
    for name in ("setup.py", "sac_son_nav/__init__.py", "tools/make-venv", "requirements/dev.txt"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    (place / "requirements/none.txt").write_text("# nothing\n")
    (place / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (place / "bin" / tool).symlink_to(found)
    return place


def program(place: Path, name: str, body: str) -> None:
    """A program of the project's own `bin`, written in bash."""
    path = place / "bin" / name
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


def make_venv(place: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["tools/make-venv", ".venv", "requirements/none.txt", *more]
    surroundings = {"PATH": str(place / "bin"), "HOME": str(place)}
    return subprocess.run(words, cwd=place, env=surroundings, capture_output=True, text=True, timeout=60)


# A Python that works, except that `pip install` only notes what it was asked for.
NOTING = f"""
case "$*" in
  *"pip install"*) echo "$@" >> "$(dirname "$0")/../../noted" ;;
  "-m venv "*) mkdir -p "$3/bin"; {shutil.which("cp")} "$0" "$3/bin/python" ;;
  *) exec {sys.executable} "$@" ;;
esac
"""


def test_without_a_python_it_says_what_to_install(project: Path) -> None:
    done = make_venv(project)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "No Python from 3.10 to 3.13 is on the PATH: sudo apt install python3 python3-venv\n"


def test_an_old_python_is_none(project: Path) -> None:
    program(project, "python3", "echo 3.9")
    assert make_venv(project).stderr.startswith("No Python from 3.10 to 3.13")


def test_a_python_without_venv_is_told_apart(project: Path) -> None:
    program(project, "python3", '[[ "$*" == *ensurepip* ]] && exit 1; echo 3.12')
    done = make_venv(project)
    assert done.returncode == 1
    assert done.stderr == "Python 3.12 is here but can't make virtual environments: sudo apt install python3-venv\n"


def test_another_machine_is_told_what_to_do(project: Path) -> None:
    (project / "bin/uname").unlink()
    program(project, "uname", '[ "$1" = -m ] && echo aarch64 || echo Linux')
    done = make_venv(project)
    assert done.returncode == 1
    assert "for Linux on x86-64 only, and this is Linux on aarch64" in done.stderr


@pytest.fixture
def noting(project: Path) -> Path:
    (project / "bin/mkdir").symlink_to(str(shutil.which("mkdir")))
    program(project, "python3", NOTING)
    return project


def installations(place: Path) -> int:
    noted = place / "noted"
    return noted.read_text().count("--editable") if noted.exists() else 0


def test_it_installs_once_and_again_when_requirements_change(noting: Path) -> None:
    assert make_venv(noting).returncode == 0
    assert installations(noting) == 1
    again = make_venv(noting)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert installations(noting) == 1
    kept = noting / ".venv/kept"
    kept.touch()
    (noting / "requirements/none.txt").write_text("# still nothing\n")
    assert make_venv(noting).returncode == 0
    assert installations(noting) == 2
    assert kept.exists()  # brought up to date, not made again


def test_a_half_made_environment_is_made_again(noting: Path) -> None:
    rest = noting / ".venv/lib/half"
    rest.mkdir(parents=True)
    done = make_venv(noting)
    assert done.returncode == 0, done.stderr
    assert ".venv is not whole: making it again" in done.stdout
    assert not rest.exists()


def test_a_failed_installation_does_not_count(noting: Path) -> None:
    program(noting, "python3", NOTING.replace('*"pip install"*)', '*"pip install"*) exit 1 ;;\n  never)'))
    done = make_venv(noting)
    assert done.returncode == 1
    assert "pip could not install into .venv, see above; the next make tries again" in done.stderr
    program(noting, "python3", NOTING)
    assert make_venv(noting).returncode == 0
    assert installations(noting) == 1


def test_an_environment_only_grows(noting: Path) -> None:
    """The demonstration needs less than the tests do, and must not undo what they have installed."""
    (noting / "requirements/more.txt").write_text("# nothing\n")
    assert make_venv(noting).returncode == 0
    assert make_venv(noting, "requirements/more.txt").returncode == 0
    assert installations(noting) == 2
    assert make_venv(noting).stdout == ""  # what is asked for is there
    (noting / "requirements/none.txt").write_text("# still nothing\n")
    assert make_venv(noting).returncode == 0
    assert installations(noting) == 3
    lines = [line for line in (noting / "noted").read_text().splitlines() if "--requirement" in line]
    both = "--requirement=requirements/none.txt --requirement=requirements/more.txt"
    assert [line.partition("version-check ")[2] for line in lines] == [both.split()[0], both, both]
    (noting / "requirements/more.txt").unlink()  # a later version of the project may do without
    assert make_venv(noting).returncode == 0


def test_what_is_only_tried_may_fail_and_nothing_else(noting: Path) -> None:
    refusing = (
        """*"--requirement=requirements/rare.txt"*) echo looking; echo "ERROR: no such wheel" >&2; exit 1 ;;\n  """
    )
    program(noting, "python3", NOTING.replace('*"pip install"*)', refusing + '*"pip install"*)'))
    (noting / "requirements/rare.txt").write_text("rare\n")
    done = make_venv(noting, "requirements/rare.txt?")
    assert done.returncode == 0, done.stderr
    assert "going without requirements/rare.txt: ERROR: no such wheel\n" in done.stdout
    assert make_venv(noting, "requirements/rare.txt?").stdout == ""  # and it isn't tried at every make
    assert make_venv(noting, "requirements/rare.txt").returncode == 1


def test_an_environment_that_moved_is_made_again(noting: Path) -> None:
    assert make_venv(noting).returncode == 0
    moved = noting.with_name("elsewhere")
    noting.rename(moved)
    done = make_venv(moved)
    assert "making it again" in done.stdout
    assert installations(moved) == 2


def test_make_shields_its_environments_from_inherited_ros_settings() -> None:
    """The wheels' bootstrap trusts its own mark; inherited without the library path, rclpy could not be imported."""
    inherited = {**os.environ, "_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1", "PYTHONPATH": "/opt/ros/x"}
    inherited.pop("MAKEFLAGS", None)
    rule = "include Makefile\nprobe:\n\t@env\n"
    words = ["make", "--no-print-directory", "-f", "-", "probe"]
    done = subprocess.run(words, input=rule, cwd=ROOT, env=inherited, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert "PATH" in names
    assert names.isdisjoint({"_ROS_WHEELS_BOOTSTRAP_COMPLETE", "LD_LIBRARY_PATH", "PYTHONPATH", "AMENT_PREFIX_PATH"})


def test_the_tests_that_start_graphs_are_where_make_looks_for_them() -> None:
    line = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("GRAPHS := "))
    marked = "pytest.mark." + "graph"
    found = [path for path in (ROOT / "test").rglob("*.py") if marked in path.read_text()]
    assert len(found) > 10
    for path in found:
        assert any(path.is_relative_to(ROOT / place) for place in line.split()[2:]), path
