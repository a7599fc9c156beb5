"""A behaviour and everything it came from, as one versioned record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from expressive_motion.chain import RECORD_VERSION, ProgramDraft, RobotMotion, SocialReasoning
from expressive_motion.errors import LibraryError
from expressive_motion.robot import MODALITIES
from sac_son_nav.config import build
from sac_son_nav.errors import SacSonError

VERDICTS = ("fit", "unfit", "refused")


@dataclass(frozen=True)
class Round:
    """One round of feedback: what was said, what it asks to change, and where the chain was entered again."""

    feedback: str
    change: str
    target: str


@dataclass(frozen=True)
class Reply:
    """What a model answered to one question, word for word."""

    module: str
    text: str


@dataclass(frozen=True)
class Behaviour:
    """A behaviour that was made, or refused.

    verdict: fit or unfit, by its rehearsal; refused, then `refusal` says why, and there is no program. findings: of
    the rehearsal, in words. rounds: the feedback it went through. model, seed, prompts_hash, replies: what it can be
    traced back to.
    """

    name: str
    summary: str
    instruction: str
    robot: str
    verdict: str
    situation: str = ""
    forbidden: tuple[str, ...] = ()
    social: SocialReasoning | None = None
    motion: RobotMotion | None = None
    program: ProgramDraft | None = None
    findings: tuple[str, ...] = ()
    rounds: tuple[Round, ...] = ()
    refusal: str = ""
    model: str = ""
    seed: int = 0
    prompts_hash: str = ""
    replies: tuple[Reply, ...] = ()
    version: int = RECORD_VERSION

    @property
    def code(self) -> str:
        """Its program; empty without one."""
        return self.program.code if self.program is not None else ""

    def record(self) -> dict[str, Any]:
        """As plain values, in a fixed order."""
        return _plain(asdict(self))

    @staticmethod
    def of(record: Any, where: str) -> Behaviour:
        """The behaviour of a record. LibraryError where it is none, or of another version."""
        if not isinstance(record, Mapping):
            raise LibraryError(f"{where}: expected the record of a behaviour, got {type(record).__name__}")
        if record.get("version") != RECORD_VERSION:
            raise LibraryError(
                f"{where}: expected a record of version {RECORD_VERSION}, got {record.get('version')!r}"
            )
        try:
            made = build(Behaviour, record, where)
        except SacSonError as error:
            raise LibraryError(str(error)) from None
        if made.verdict not in VERDICTS:
            raise LibraryError(f"{where}: verdict: expected one of {', '.join(VERDICTS)}, got {made.verdict[:60]!r}")
        if (made.program is None) != (made.verdict == "refused"):
            raise LibraryError(f"{where}: program: expected one unless the verdict is refused")
        if unknown := set(made.forbidden) - set(MODALITIES):
            raise LibraryError(f"{where}: forbidden: expected some of {', '.join(MODALITIES)}, got {min(unknown)!r}")
        return made


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
