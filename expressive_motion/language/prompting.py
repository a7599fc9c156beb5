"""The four modules' prompts: data files with rules and worked examples, filled in for one robot and one question.

What the robot has seen or heard enters the first module's question alone, as a quoted text that is cleaned and cut; no
other prompt, and no list of what can be called, depends on it.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from expressive_motion.chain import MODULES, Module, schema
from expressive_motion.errors import ExpressionError
from expressive_motion.language.language_model import Message, Question
from expressive_motion.robot import Description

LONGEST_INSTRUCTION = 500  # characters, of feedback too
LONGEST_SITUATION = 1000
ORDER = (
    *("instruction", "situation", "human_motion", "steps", "code", "feedback"),
    *("forbidden", "previous_steps", "previous_code", "change", "complaint"),
)
"""In which a question's fields are told."""
_MARK = re.compile(r"\{\{(\w+)\}\}")


def question(
    module: Module, fields: Mapping[str, Any], description: Description, learned: Sequence[tuple[str, str]] = ()
) -> Question:
    """The question of a module for this robot; `learned`: saved behaviours that it can call, as (name, summary)."""
    # A summary was written by a model, and may have been edited since: it stays on its line, too.
    told = [(name, perceived(summary)) for name, summary in learned]
    parts = {"capabilities": description.capabilities(told), "stubs": description.stubs(told).strip()}
    system = _MARK.sub(lambda mark: parts[mark[1]], prompt(module))  # in one go: what is filled in is not looked at
    unknown = set(fields) - set(ORDER)
    if unknown:
        raise ValueError(f"{module}: unknown field {sorted(unknown)[0]!r}")
    # Every value is JSON: no text, wherever it came from, can pass for another field or for a line of the prompt.
    lines = [f"{name}: {_json(fields[name])}" for name in ORDER if name in fields]
    messages = (Message("system", system), Message("user", "\n".join(lines)))
    return Question(module, dict(fields), messages, schema(module))


def _json(value: Any) -> str:
    return json.dumps(sorted(value) if isinstance(value, (set, frozenset)) else value, ensure_ascii=False)


@lru_cache(maxsize=len(MODULES))
def prompt(module: Module) -> str:
    """A module's prompt as it stands in its file."""
    return files("expressive_motion.language").joinpath(f"prompts/{module}.md").read_text(encoding="utf-8").strip()


@lru_cache(maxsize=1)
def prompts_hash() -> str:
    """SHA-256 of all four prompts: which wording made a behaviour."""
    return hashlib.sha256("\0".join(prompt(module) for module in MODULES).encode()).hexdigest()


def said_by_a_person(text: str, what: str) -> str:
    """An instruction or feedback on one line. ExpressionError where it is empty, too long or no plain text."""
    line = " ".join(text.split())
    if not 1 <= len(line) <= LONGEST_INSTRUCTION:
        raise ExpressionError(f"{what}: expected 1 to {LONGEST_INSTRUCTION} characters, got {len(line)}")
    for character in line:
        if _is_control(character):
            raise ExpressionError(f"{what}: expected plain text, got the control character U+{ord(character):04X}")
    return line


def perceived(text: str) -> str:
    """What was seen or heard, fit to be quoted: on one line, without control characters, cut."""
    plain = "".join(" " if character.isspace() else character for character in text if not _is_control(character))
    line = " ".join(plain.split())
    return line if len(line) <= LONGEST_SITUATION else line[: LONGEST_SITUATION - 1] + "…"


def _is_control(character: str) -> bool:
    return unicodedata.category(character).startswith("C") and not character.isspace()
