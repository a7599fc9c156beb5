"""The golden behaviours of behaviours.yaml: what is asked for, where it is judged, and what it has to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from expressive_motion.evaluation.norms import NORMS
from expressive_motion.rehearsals.imagined import scene_named
from expressive_motion.rehearsals.trace import Trace
from expressive_motion.robot import Description
from sac_son_nav.config import build
from sac_son_nav.errors import ConfigError


@dataclass(frozen=True)
class Golden:
    """One behaviour: its instruction, the scene by which it is judged, and its norms' names, keys of NORMS."""

    name: str
    instruction: str
    scene: str
    norms: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.instruction.strip():
            raise ConfigError("instruction: expected a text")
        scene_named(self.scene)
        unknown = [norm for norm in self.norms if norm not in NORMS]
        if unknown or not self.norms:
            raise ConfigError(f"norms: expected some of {', '.join(NORMS)}, got {', '.join(unknown) or 'none'}")

    def broken(self, trace: Trace, description: Description) -> tuple[str, ...]:
        """The norms a trace does not keep, each with its reason."""
        reasons = ((norm, NORMS[norm](trace, description)) for norm in self.norms)
        return tuple(f"{norm}: {reason}" for norm, reason in reasons if reason)


def load_behaviours(path: Path | None = None) -> Mapping[str, Golden]:
    """The behaviours of a file, ours if None, by name and in its order; ConfigError with one sentence where it is
    wrong."""
    where = str(path or "behaviours.yaml")
    source = path or files("expressive_motion.evaluation").joinpath("behaviours.yaml")
    try:
        document = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{where}: can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(document, Mapping) or not document:
        raise ConfigError(f"{where}: expected behaviours by name, got {document!r}")
    made: dict[str, Golden] = {}
    for name, entry in document.items():
        if not isinstance(entry, Mapping) or "name" in entry:
            raise ConfigError(f"{where}: {name}: expected instruction, scene and norms, got {entry!r}")
        made[name] = build(Golden, {"name": name, **entry}, f"{where}: {name}")
    return made
