"""What the type checker says of a program, in short sentences with the author's line numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from expressive_motion.programs.grammar import Complaint

BEFORE = "begin__program"  # a function the checked text calls first; its grammar gives no program a name like it
STUB = f"def {BEFORE}() -> None: ...\n"

# What the check of calls says better, with ranges and the nearest name; one sentence for one mistake is enough.
SAID_BEFORE = frozenset(
    {
        "missing-argument",
        "unknown-argument",
        "too-many-positional-arguments",
        "parameter-already-assigned",
        "unresolved-reference",
        "invalid-argument-type",
        "unsupported-operator",
    }
)
_INCORRECT = re.compile(r"Argument to function `(\w+)` is incorrect: Expected `(.*)`, found `(.*)`", re.DOTALL)
_OPERATOR = re.compile(r"Operator `(.+)` is not supported between objects of type `(.*)` and `(.*)`", re.DOTALL)
_RETURN = re.compile(r"Return type does not match returned value: expected `(.*)`, found `(.*)`", re.DOTALL)
_ASSIGNED = re.compile(r"Object of type `(.*)` is not assignable to `(.*)`", re.DOTALL)
_UNDEFINED = re.compile(r"Name `(.*)` used when not defined")
_PLAIN = {"float": "a number", "int": "a whole number", "str": "a text", "bool": "True or False", "None": "nothing"}


def type_complaints(display: str, offset: int, told: frozenset[int]) -> Iterator[Complaint]:
    """The checker's findings, given as its JSON, for a text whose first `offset` lines aren't the author's.

    `told`: lines of which the check of calls has spoken already.
    """
    for finding in json.loads(display):
        line = int(finding["location"]["row"]) - offset
        incorrect = _INCORRECT.fullmatch(finding["message"])
        if incorrect and incorrect[2].startswith("Literal[") and incorrect[3] == "str":
            continue  # some text, perhaps of a list or an argument: which one, only the run can tell, and does
        if line in told and finding["code"] in SAID_BEFORE:
            continue
        if line < 1:
            yield Complaint(1, f"in a learned behaviour: {sentence(finding['message'])}")
        else:
            yield Complaint(line, sentence(finding["message"]))


def sentence(message: str) -> str:
    """One finding in our words; one that no pattern knows keeps its own."""
    if found := _INCORRECT.fullmatch(message):
        return f"{found[1]}: expected {_plain(found[2])}, got {_plain(found[3])}"
    if found := _OPERATOR.fullmatch(message):
        return f"{found[1]} doesn't work between {_plain(found[2])} and {_plain(found[3])}"
    if found := _RETURN.fullmatch(message):
        return f"expected the function to return {_plain(found[1])}, got {_plain(found[2])}"
    if found := _ASSIGNED.fullmatch(message):
        return f"expected {_plain(found[2])}, got {_plain(found[1])}"
    if found := _UNDEFINED.fullmatch(message):
        return f"the name {found[1]!r} has no value here"
    return message.replace("`", "'")


def _plain(kind: str) -> str:
    """A type as a reader says it."""
    if kind.startswith("Literal[") and kind.endswith("]"):
        inner = kind[len("Literal[") : -1]
        return f"one of {inner}" if "," in inner else inner
    return " or ".join(_PLAIN.get(part, part) for part in kind.split(" | "))
