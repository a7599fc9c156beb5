"""What the offline model plans: a tree of calls, loops and conditions, from which both prose and program are written.

The prose is a controlled language that names every argument, so that it can be read back: `read_steps(steps(plan))`
is the plan. Steps and program of one plan therefore never say different things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from expressive_motion.offline.script_prose import read_call, write_call
from expressive_motion.programs.grammar import BUILTINS
from expressive_motion.robot import Value

INDENT = "– "
TESTS = {
    "far": ("If the person is more than {:g} m away:", "distance_to_person() > {:g}"),
    "near": ("If the person is within {:g} m:", "distance_to_person() <= {:g}"),
}
NOBODY_M = 90.0  # [m] distance_to_person says 99 when nobody is in sight
_NOBODY = {"far": "If nobody is in sight:", "near": "If somebody is in sight:"}


@dataclass(frozen=True)
class Do:
    """One call of a skill."""

    skill: str
    arguments: tuple[tuple[str, Value], ...] = ()

    def get(self, name: str) -> Value | None:
        """An argument, None where it isn't written out."""
        return dict(self.arguments).get(name)

    def having(self, **changed: Value) -> Do:
        """The same call with some arguments set."""
        return Do(self.skill, tuple((dict(self.arguments) | changed).items()))


@dataclass(frozen=True)
class Learned:
    """A saved behaviour, by its name."""

    name: str


@dataclass(frozen=True)
class Gesture:
    """Several calls that mean one thing, such as a nod; `label` is an English verb phrase in lower case."""

    label: str
    body: Plan


@dataclass(frozen=True)
class Repeat:
    """Something a number of times."""

    times: int
    body: Plan


@dataclass(frozen=True)
class WhileHere:
    """Something again and again while the person is within a distance [m], for a bounded time [s]."""

    body: Plan
    within_m: float = 4.0
    at_most_s: float = 15.0


@dataclass(frozen=True)
class If:
    """Something if the person is further away ("far") or nearer ("near") than a distance [m]; NOBODY_M: in sight."""

    test: str
    metres: float
    body: Plan
    otherwise: Plan = ()


@dataclass(frozen=True)
class Until:
    """Waiting until the person is further away or nearer than a distance [m], for a bounded time [s]."""

    test: str
    metres: float
    at_most_s: float


Node: TypeAlias = "Do | Learned | Gesture | Repeat | WhileHere | If | Until"
Plan: TypeAlias = "tuple[Node, ...]"


def do(skill: str, **arguments: Value) -> Do:
    """A call with arguments by name."""
    return Do(skill, tuple((k, float(v) if type(v) is int else v) for k, v in arguments.items()))


def changed(plan: Plan, change: Callable[[Node], Plan]) -> Plan:
    """The plan with each node replaced by what `change` makes of it, innermost first."""
    result: list[Node] = []
    for node in plan:
        if isinstance(node, (Gesture, Repeat, WhileHere)):
            body = changed(node.body, change)
            if body:
                result += change(replace(node, body=body))
        elif isinstance(node, If):
            body, otherwise = changed(node.body, change), changed(node.otherwise, change)
            if body:
                result += change(replace(node, body=body, otherwise=otherwise))
            elif otherwise:
                result += change(If("near" if node.test == "far" else "far", node.metres, otherwise))
        else:
            result += change(node)
    return tuple(result)


def calls(plan: Plan) -> list[Do]:
    """Every call in it, in order of the text."""
    found: list[Do] = []

    def note(node: Node) -> Plan:
        if isinstance(node, Do):
            found.append(node)
        return (node,)

    changed(plan, note)
    return found


def learned(plan: Plan) -> list[str]:
    """The saved behaviours in it, in order of the text."""
    found: list[str] = []

    def note(node: Node) -> Plan:
        if isinstance(node, Learned):
            found.append(node.name)
        return (node,)

    changed(plan, note)
    return found


# --------------------------------------------------------------------------------------------------------- prose


def steps(plan: Plan) -> tuple[str, ...]:
    """The plan as sentences; what belongs to a gesture, loop or condition follows it, set in by dashes."""
    return tuple(_lines(plan, "", {}))


def _lines(plan: Plan, indent: str, known: dict[str, Plan]) -> list[str]:
    lines: list[str] = []
    for node in plan:
        if isinstance(node, Do):
            lines.append(indent + write_call(node.skill, dict(node.arguments)))
        elif isinstance(node, Learned):
            lines.append(f"{indent}Do the learned behaviour {node.name}.")
        elif isinstance(node, Until):
            lines.append(indent + _until(node))
        elif isinstance(node, Gesture) and known.get(node.label) == node.body:
            lines.append(f"{indent}{node.label.capitalize()} again.")
        else:
            if isinstance(node, Gesture):
                known[node.label] = node.body
            lines.append(indent + _header(node))
            lines += _lines(node.body, indent + INDENT, known)
            if isinstance(node, If) and node.otherwise:
                lines.append(f"{indent}Otherwise:")
                lines += _lines(node.otherwise, indent + INDENT, known)
    return lines


def _until(node: Until) -> str:
    """A condition's words after "Wait until"."""
    test = _NOBODY[node.test] if node.metres >= NOBODY_M else TESTS[node.test][0].format(node.metres)
    return f"Wait until {test[len('If ') : -1]}, for at most {node.at_most_s:g} s."


def _header(node: Gesture | Repeat | WhileHere | If) -> str:
    if isinstance(node, Gesture):
        return f"{node.label.capitalize()}:"
    if isinstance(node, Repeat):
        return f"Repeat {node.times} times:"
    if isinstance(node, WhileHere):
        return f"As long as the person is within {node.within_m:g} m, for at most {node.at_most_s:g} s:"
    if node.metres >= NOBODY_M:
        return _NOBODY[node.test]
    return TESTS[node.test][0].format(node.metres)


def read_steps(given: Sequence[str]) -> Plan | None:
    """The plan that `steps` wrote; None where a sentence is somebody else's."""
    known: dict[str, Plan] = {}
    try:
        plan, rest = _read([str(line) for line in given], "", known)
    except ValueError:
        return None
    return plan if plan and not rest else None


def _read(lines: list[str], indent: str, known: dict[str, Plan]) -> tuple[Plan, list[str]]:
    plan: list[Node] = []
    while lines and lines[0].startswith(indent):
        line = lines[0][len(indent) :]
        if line.startswith(INDENT) or line == "Otherwise:":
            break
        lines = lines[1:]
        if not line.endswith(":"):
            plan.append(_read_line(line, known))
            continue
        body, lines = _read(lines, indent + INDENT, known)
        otherwise: Plan = ()
        if lines and lines[0] == f"{indent}Otherwise:":
            otherwise, lines = _read(lines[1:], indent + INDENT, known)
        node = _read_header(line, body, otherwise)
        if isinstance(node, Gesture):
            known[node.label] = node.body
        plan.append(node)
    return tuple(plan), lines


def _read_line(line: str, known: Mapping[str, Plan]) -> Node:
    call = read_call(line)
    if call is not None:
        return Do(call[0], tuple(call[1].items()))
    if line.startswith("Do the learned behaviour ") and line.endswith("."):
        return Learned(line[len("Do the learned behaviour ") : -1])
    if line.startswith("Wait until "):
        words, _, most = line[len("Wait until ") :].partition(", for at most ")
        test = _read_header(f"If {words}:", (do("wait"),), ())
        if isinstance(test, If) and most.endswith(" s."):
            return Until(test.test, test.metres, float(most[: -len(" s.")]))
    label = line[: -len(" again.")].lower()
    if line.endswith(" again.") and label in known:
        return Gesture(label, known[label])
    raise ValueError(line)


def _read_header(line: str, body: Plan, otherwise: Plan) -> Node:
    if not body:
        raise ValueError(line)
    words = line[:-1].split()
    if line.startswith("Repeat ") and words[-1] == "times":
        return Repeat(int(words[1]), body)
    if line.startswith("As long as"):
        return WhileHere(body, float(words[7]), float(words[12]))
    for test, header in _NOBODY.items():
        if line == header:
            return If(test, NOBODY_M, body, otherwise)
    if line.startswith("If the person is more than"):
        return If("far", float(words[6]), body, otherwise)
    if line.startswith("If the person is within"):
        return If("near", float(words[5]), body, otherwise)
    return Gesture(line[:-1].lower(), body)


# ------------------------------------------------------------------------------------------------------- program


def code(plan: Plan, taken: frozenset[str] = frozenset()) -> str:
    """The plan as a program; `taken` holds names its helper functions must not have."""
    helpers: dict[tuple[str, Plan], str] = {}
    blocks: list[str] = []

    def lines(part: Plan, indent: str) -> list[str]:
        written: list[str] = []
        for node in part:
            if isinstance(node, Do):
                written.append(f"{indent}{_call(node)}")
            elif isinstance(node, Learned):
                written.append(f"{indent}{node.name}()")
            elif isinstance(node, Gesture):
                written.append(f"{indent}{helper(node)}()")
            elif isinstance(node, Until):
                written += [
                    f"{indent}for _ in range({max(1, round(node.at_most_s))}):",
                    f"{indent}    if {TESTS[node.test][1].format(node.metres)}:",
                    f"{indent}        break",
                    f"{indent}    wait(seconds=1)",
                ]
            else:
                written.append(f"{indent}{_head(node)}")
                written += lines(node.body, indent + "    ")
                if isinstance(node, If) and node.otherwise:
                    written += [f"{indent}else:", *lines(node.otherwise, indent + "    ")]
        return written

    def helper(node: Gesture) -> str:
        key = (node.label, node.body)
        if key not in helpers:
            body = lines(node.body, "    ")
            helpers[key] = _free(node.label, taken | set(helpers.values()))
            blocks.append("\n".join([f"def {helpers[key]}():", *body]))
        return helpers[key]

    main = "\n".join(lines(plan, ""))
    return "\n\n\n".join([*blocks, main]) + "\n"


def _free(label: str, taken: frozenset[str] | set[str]) -> str:
    name = "_".join("".join(c if c.isalnum() else " " for c in label).split())
    tries = [name, *(f"{name}_{number}" for number in range(2, 99))]
    return next(t for t in tries if t not in taken and t not in BUILTINS)


def _head(node: Repeat | WhileHere | If) -> str:
    if isinstance(node, Repeat):
        return f"for _ in range({node.times}):"
    if isinstance(node, WhileHere):
        return f"while person_is_here(within_m={node.within_m:g}, at_most_s={node.at_most_s:g}):"
    return f"if {TESTS[node.test][1].format(node.metres)}:"


def _call(node: Do) -> str:
    shown = ", ".join(f"{k}={f'{v:g}' if isinstance(v, float) else repr(v)}" for k, v in node.arguments)
    return f"{node.skill}({shown})"
