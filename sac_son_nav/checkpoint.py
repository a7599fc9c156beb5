"""Weights on disk: one file of named arrays (safetensors), and a model's folder around it.

A model is a folder ``models/<name>`` with `weights.safetensors`, `config.yaml` (what kind of model it is, its
settings, how it was made, the weights' SHA-256) and `card.md` for people. Reading is strict: the hash, every name,
shape and type must be as expected, or one CheckpointError says what is not. A safetensors file holds numbers only, so
reading one runs no code. Each file is written so that a crash leaves the old one or the new one.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import yaml
from numpy.typing import NDArray
from safetensors.numpy import save

import sac_son_nav
from sac_son_nav.config import read_yaml, resource, write_atomically
from sac_son_nav.errors import CheckpointError, ConfigError

Tensors = dict[str, NDArray[Any]]
WEIGHTS, CONFIG, CARD = "weights.safetensors", "config.yaml", "card.md"
PACKAGE = Path(sac_son_nav.__file__).resolve().parent
NO_GIT = "none: the code that made this stood in no git checkout"
_KEYS = ("kind", "settings", "made", "weights_sha256")


@dataclass(frozen=True)
class Model:
    """What a model's folder says. `kind`: which code it is for, such as "forecaster"; `settings`: as that code's
    settings dataclass takes them; `made`: data, command, figures, and under `git` the commit; `weights`: arrays by
    dotted name."""

    kind: str
    settings: dict[str, Any]
    weights: Tensors
    made: dict[str, Any] = field(default_factory=dict)


def write_tensors(path: Path | str, tensors: Mapping[str, NDArray[Any]], told: Mapping[str, Any] | None = None) -> str:
    """Write arrays by name, and with them the plain values `told`, atomically; the SHA-256 of the file."""
    plain = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    data: bytes = save(plain, {"told": json.dumps(told or {}, sort_keys=True)})
    write_atomically(path, data)
    return hashlib.sha256(data).hexdigest()


def read_tensors(path: Path | str, sha256: str | None = None) -> tuple[Tensors, dict[str, Any]]:
    """What :func:`write_tensors` wrote. Raises CheckpointError for a file that is missing, damaged, or not the one
    whose `sha256` is given."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"weights {path}: no such file") from None
    except OSError as error:
        raise CheckpointError(f"weights {path}: can't be read: {error.strerror}") from None
    if sha256 is not None and (got := hashlib.sha256(data).hexdigest()) != sha256:
        raise CheckpointError(
            f"weights {path}: expected the file whose SHA-256 begins {sha256[:12]}, got {len(data)} bytes with "
            f"{got[:12]}: it is damaged or belongs to another config.yaml"
        )
    try:
        tensors = dict(safetensors.deserialize(data))  # type: ignore[no-untyped-call]
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        told = json.loads(header.get("__metadata__", {}).get("told", "{}"))
        made = {name: _array(part) for name, part in tensors.items()}
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"weights {path}: expected a safetensors file, got {len(data)} bytes: {error}") from None
    return made, told


def _array(part: Mapping[str, Any]) -> NDArray[Any]:
    kind = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}[part["dtype"]]
    return np.frombuffer(part["data"], dtype=kind).reshape(part["shape"]).copy()


def save_model(folder: Path | str, model: Model, card: str) -> str:
    """Write a model's three files; the SHA-256 of its weights. What made it also says at which commit, or in words
    that there is none."""
    folder = Path(folder)
    sha256 = write_tensors(folder / WEIGHTS, model.weights, {"kind": model.kind})
    made = {**model.made, "git": model.made.get("git") or git_state() or NO_GIT}
    document = {"kind": model.kind, "settings": model.settings, "made": made, "weights_sha256": sha256}
    write_atomically(folder / CONFIG, yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    write_atomically(folder / CARD, card)
    return sha256


def git_state() -> dict[str, Any] | None:
    """The commit that is checked out, and whether the package or its settings differ from it; None outside git."""
    root = PACKAGE.parent
    if _git(root, "rev-parse", "--show-toplevel") != str(root):
        return None
    commit, changed = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain", "sac_son_nav", "config")
    return None if commit is None or changed is None else {"commit": commit, "dirty": changed != ""}


def _git(where: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(where), *words], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def load_model(name_or_folder: Path | str, kind: str) -> Model:
    """The model ``models/<name>``, or that of a folder. Raises CheckpointError unless it is whole and of this `kind`;
    the code it is for checks names and shapes with :func:`expect`."""
    folder = _folder(name_or_folder)
    try:
        document = read_yaml(folder / CONFIG)
    except ConfigError as error:
        raise CheckpointError(f"model {error}") from None
    if not isinstance(document, Mapping) or set(document) != set(_KEYS):
        got = ", ".join(map(str, document)) if isinstance(document, Mapping) else repr(document)[:60]
        raise CheckpointError(f"model {folder / CONFIG}: expected the keys {', '.join(_KEYS)}, got {got}")
    if document["kind"] != kind:
        raise CheckpointError(f"model {folder}: expected a {kind}, got a {document['kind']}")
    weights, _ = read_tensors(folder / WEIGHTS, str(document["weights_sha256"]))
    return Model(kind, document["settings"] or {}, weights, document["made"] or {})


def _folder(name_or_folder: Path | str) -> Path:
    given = Path(name_or_folder)
    if given.is_dir():
        return given
    if given.parent != Path("."):
        raise CheckpointError(f"model {given}: no such folder")
    try:
        return resource("models", given.name, what="model")
    except ConfigError as error:
        raise CheckpointError(str(error)) from None


def expect(weights: Mapping[str, NDArray[Any]], like: Mapping[str, NDArray[Any]], what: str) -> None:
    """Raise CheckpointError unless `weights` have the names, shapes and types of `like`, and are finite numbers."""
    missing, unknown = sorted(set(like) - set(weights)), sorted(set(weights) - set(like))
    if missing or unknown:
        wrong = f"it lacks {missing[0]!r}" if missing else f"it also has {unknown[0]!r}"
        raise CheckpointError(f"{what}: expected {len(like)} arrays, got {len(weights)}: {wrong}")
    for name, array in weights.items():
        if array.shape != like[name].shape or array.dtype != like[name].dtype:
            raise CheckpointError(
                f"{what}: {name}: expected {like[name].dtype} {like[name].shape}, got {array.dtype} {array.shape}"
            )
        if not np.isfinite(array).all():
            raise CheckpointError(f"{what}: {name}: expected finite numbers, got some that are not")
