"""What a result was made with: fingerprints of code, settings and scenarios, versions, and the state of git.

A fingerprint is the start of a SHA-256. That of the code is of the sources that can change an episode, found by
following the imports from where episodes are run; so a new colour in a report leaves finished work valid.
"""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import sac_son_nav
from sac_son_nav.checkpoint import git_state as git_state
from sac_son_nav.config import RobotProfile, resource
from sac_son_nav.simulation.scenario import Scenario

PACKAGE = Path(sac_son_nav.__file__).resolve().parent
EPISODES = "sac_son_nav.evaluation.episodes"
LENGTH = 16  # hex digits of a fingerprint


def versions() -> dict[str, str]:
    """Of Python and of what computes episodes."""
    return {
        "sac_son": sac_son_nav.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }


@cache
def code_fingerprint(start: str = EPISODES) -> str:
    """Of the module `start` and of everything of this package that it imports, directly or not."""
    found, waiting = {}, [start]
    while waiting:
        name = waiting.pop()
        file = _source_of(name)
        if name in found or file is None:
            continue
        text = file.read_bytes()
        found[name] = text
        waiting += [*_imported(ast.parse(text)), name.rpartition(".")[0]]
    return fingerprint(found)


def _source_of(module: str) -> Path | None:
    """The file of a module of this package; None if it is none (a name in a module, or another package)."""
    top, *rest = module.split(".")
    if top != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*rest)
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def settings_fingerprint(scenario: Scenario, robot: RobotProfile) -> str:
    """Of all that is set rather than written: scenario with its plan and recorded people, robot, the settings in
    ``config`` and the weights in ``models``."""
    told = {f.name: getattr(scenario, f.name) for f in fields(scenario) if f.name not in ("description", "map_file")}
    return fingerprint({"scenario": told, "robot": robot, "files": _shipped_files()})


@cache
def _shipped_files() -> dict[str, bytes]:
    files = [(path, path.name) for path in resource("config").glob("*.yaml")]
    models = resource("models")
    files += [(p, str(p.relative_to(models))) for p in models.rglob("*") if p.is_file() and p.suffix != ".md"]
    return {name: hashlib.sha256(path.read_bytes()).digest() for path, name in files}


def fingerprint(value: Any) -> str:
    """Of plain values, arrays, and mappings, sequences and dataclasses of them: by content, not by identity."""
    digest = hashlib.sha256()
    for part in _parts(value):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:LENGTH]


def _parts(value: Any) -> Iterator[bytes]:
    if is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__.encode()
        yield from _parts({f.name: getattr(value, f.name) for f in fields(value)})
    elif isinstance(value, Mapping):
        yield b"mapping %d" % len(value)
        for key in sorted(value, key=str):
            yield str(key).encode()
            yield from _parts(value[key])
    elif isinstance(value, list | tuple):
        yield b"sequence %d" % len(value)
        for item in value:
            yield from _parts(item)
    elif isinstance(value, np.ndarray):
        yield f"array {value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, bytes):
        yield value
    elif value is None or isinstance(value, str | bool | int | float | np.generic | Path):
        yield f"{type(value).__name__} {value!r}".encode()
    else:
        raise TypeError(f"fingerprint: expected plain values, got {type(value).__name__}")
