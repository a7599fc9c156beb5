"""One hostile program."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Hostile:
    name: str
    stopped: str
    code: str
    says: str = ""
    alone: str = "refuses"
    learned: dict[str, str] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()


SECRET = "/tmp/expressive-motion-secret"  # replaced by a file of the test's own; no program may tell what is in it
