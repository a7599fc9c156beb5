"""From a language model's text to a module's result: what may pass, and the complaint about what may not.

A reply is data from outside. It is one JSON object with exactly the fields of its module, each of the right type, no
longer than its cap, without control characters. The complaint is written for the model, which gets it back once.
"""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from expressive_motion.chain import RESULTS, Module, schema
from expressive_motion.errors import ModelError
from sac_son_nav.config import build
from sac_son_nav.errors import ConfigError

LENGTHS = {
    "reasoning": 4000,
    "human_motion": 2000,
    "left_out": 300,
    "refusal": 300,
    "steps": 400,
    "name": 40,
    "summary": 200,
    "code": 8000,
    "change": 1000,
    "target": 20,
}
"""The most characters of each field, of each item where it is a list."""
MOST_STEPS = 30
NEEDED = {"steps", "name", "summary", "code", "change", "target"}
"""Fields that say nothing when they are empty."""
LINES = {"reasoning", "human_motion", "code"}
"""Fields that may run over several lines."""
_FENCE = re.compile(r"```[ \t]*(?:json|JSON)?[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


def read_reply(text: str, module: Module) -> dict[str, Any]:
    """The fields of a reply, in plain JSON types, fit for the module's result; ModelError says what is wrong.

    Looked for in this order: the whole text as JSON, a fenced block in it, the one object that stands in prose. What a
    model thought aloud between <think> tags before it answered is left out.
    """
    text = _THOUGHT.sub("", text, count=1).strip()
    if not text:
        raise ModelError(f"{module}: expected a JSON object, got an empty reply")
    return take(_json(text, module), module)


def take(values: Any, module: Module) -> dict[str, Any]:
    """The same from values that are parsed already."""
    if not isinstance(values, Mapping):
        raise ModelError(f"{module}: expected a JSON object, got {_shown(values)}")
    fields = RESULTS[module].__annotations__
    unknown = [key for key in values if key not in fields]
    if unknown:
        raise ModelError(f"{module}: unknown field {_shown(unknown[0])}; the fields are {', '.join(fields)}")
    missing = [key for key in schema(module)["required"] if key not in values]
    if missing:
        raise ModelError(f"{module}: expected the field {missing[0]!r}; the fields are {', '.join(fields)}")
    try:
        build(RESULTS[module], values, module)
    except ConfigError as error:
        raise ModelError(str(error)) from None
    taken = {key: list(values[key]) if isinstance(values[key], (list, tuple)) else values[key] for key in fields}
    for key, value in taken.items():
        _check_field(key, value, f"{module}.{key}")
    return taken


def _check_field(key: str, value: str | Sequence[str], where: str) -> None:
    if not isinstance(value, str):
        if not 1 <= len(value) <= MOST_STEPS:
            raise ModelError(f"{where}: expected 1 to {MOST_STEPS} items, got {len(value)}")
        for number, item in enumerate(value):
            _check_text(key, item, f"{where}[{number}]")
        return
    _check_text(key, value, where)
    if key == "name" and (not value.isidentifier() or not value.isascii() or keyword.iskeyword(value)):
        raise ModelError(f"{where}: expected a Python identifier, got {_shown(value)}")


def _check_text(key: str, value: str, where: str) -> None:
    if len(value) > LENGTHS[key]:
        raise ModelError(f"{where}: expected at most {LENGTHS[key]} characters, got {len(value)}")
    if key in NEEDED and not value.strip():
        raise ModelError(f"{where}: expected a text, got an empty one")
    allowed = "\n\t" if key in LINES else ""
    for character in value:
        if unicodedata.category(character).startswith("C") and character not in allowed:
            raise ModelError(f"{where}: expected plain text, got the control character U+{ord(character):04X}")


def _json(text: str, module: Module) -> Any:
    try:
        return _loads(text)
    except ValueError as error:
        first = error
    blocks = _FENCE.findall(text)
    if len(blocks) > 1:
        raise ModelError(f"{module}: expected one fenced block of JSON, got {len(blocks)}")
    inner = blocks[0] if blocks else text[text.find("{") : text.rfind("}") + 1]
    if not inner.strip() and not text.startswith("{"):
        raise ModelError(f"{module}: expected a JSON object, got prose: {_shown(text)}")
    try:
        return _loads(inner)
    except ValueError as error:
        told = first if text.startswith("{") else error
        raise ModelError(f"{module}: expected JSON, got {_shown(text)}: {told}") from None


def _loads(text: str) -> Any:
    """JSON, strictly: no name twice, no NaN. Raises ValueError only."""

    def pairs(given: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(given)
        if len(made) != len(given):
            names = [name for name, _ in given]
            raise ValueError(f"the name {next(n for n in names if names.count(n) > 1)!r} stands there twice")
        return made

    def constant(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _shown(value: Any) -> str:
    """A value in a message, on one line, never long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
