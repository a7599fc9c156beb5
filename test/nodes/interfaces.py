"""Message packages that are not on PyPI, made from test/interfaces by the wheels' generators, once per machine."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .graph import ROOT


def provide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """These packages for this process and those it starts: ROS's own where it has them, or made ones."""
    if all(map(_there, packages)):
        return
    if not shutil.which("g++") or not (Path(sys.prefix) / "share/rosidl_generator_py/resource").is_dir():
        pytest.skip(f"no {' or '.join(packages)} here, and no compiler or generators to make them")
    made = _made(packages)
    monkeypatch.syspath_prepend(str(made))
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{made}{os.pathsep}{before}" if before else str(made))


def _there(package: str) -> bool:
    try:
        importlib.import_module(f"{package}.msg")
    except ImportError:
        return False
    return True


def _made(packages: tuple[str, ...]) -> Path:
    sources, tool = [ROOT / "test/interfaces" / package for package in packages], ROOT / "tools/build_interfaces.py"
    files = [tool, *(path for source in sources for path in sorted(source.rglob("*.msg")))]
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in files) + sys.prefix.encode()).hexdigest()[:16]
    made = Path(tempfile.gettempdir()) / f"sac_son_test_interfaces_{mark}"
    if not made.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, str(tool), *map(str, sources), folder]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=300.0)
            shutil.copytree(folder, f"{made}.{os.getpid()}")
        Path(f"{made}.{os.getpid()}").replace(made)
    return made
