"""Checks of a program against one robot: which skills it calls, with what, and whether it may.

A program is what module 3 of the chain writes: Python that calls skills. Nothing here runs it; see
:mod:`expressive_motion.programs.sandbox` for that.
"""

from __future__ import annotations

import ast
import difflib
import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from expressive_motion.errors import ProgramError
from expressive_motion.programs.grammar import (
    BUILTINS,
    Complaint,
    check_grammar,
    grammar_complaints,
    literal,
    parse,
    refusal,
)
from expressive_motion.robot import MODALITIES, Description, Skill

__all__ = ["called", "check_calls", "check_grammar", "complaints", "reached", "wind"]

DOES = {"base": "moves the base", "head": "moves the head", "light": "uses the light", "sound": "makes a sound"}
DOES["speech"] = "speaks"


def check_calls(
    tree: ast.Module,
    description: Description,
    learned: Mapping[str, str] | None = None,
    forbidden: frozenset[str] = frozenset(),
) -> None:
    """Names, arguments and bans of a program whose grammar has been checked.

    `learned` maps saved behaviours to their code, `forbidden` holds keys of MODALITIES. ProgramError tells all that is
    wrong: a name nobody has given, a skill used as a value or given another meaning, an argument out of its range as
    far as it is written out, a forbidden modality, be it through a saved behaviour.
    """
    if found := call_complaints(tree, description, learned or {}, forbidden):
        raise refusal(found)


def complaints(
    code: str, description: Description, learned: Mapping[str, str], forbidden: frozenset[str]
) -> tuple[list[Complaint], bool]:
    """Everything that can be said about a program without running it, and whether its grammar is sound."""
    tree = parse(code)
    grammar = list(grammar_complaints(code, tree))
    return grammar + call_complaints(tree, description, learned, forbidden), not grammar


def reached(tree: ast.AST, learned: Mapping[str, str]) -> dict[str, ast.Module]:
    """The saved behaviours that a program calls, directly or through one another, in the order they need.

    ProgramError where one can't be read, or calls itself in the end.
    """
    order: dict[str, ast.Module] = {}

    def visit(node: ast.AST, path: tuple[str, ...]) -> None:
        for name in sorted(called(node) & set(learned)):
            if name in path:
                circle = " calls ".join((*path[path.index(name) :], name))
                raise ProgramError(f"the learned behaviour {name!r} would never end: {circle}")
            if name not in order:
                try:
                    tree = parse(learned[name])
                except ProgramError as error:
                    raise ProgramError(f"the learned behaviour {name!r}: {error}") from None
                visit(tree, (*path, name))
                order[name] = tree

    visit(tree, ())
    return order


def wind(trees: Mapping[str, ast.Module]) -> str:
    """Saved behaviours as functions without arguments, to be put in front of a program.

    The text ends with a line's end. It is made from the trees, as indenting the code would change texts that go over
    several lines.
    """
    parts = []
    for name, tree in trees.items():
        function = ast.parse(f"def {name}() -> None:\n    pass").body[0]
        assert isinstance(function, ast.FunctionDef)
        function.body = tree.body
        parts.append(ast.unparse(ast.fix_missing_locations(function)) + "\n")
    return "".join(parts)


# ------------------------------------------------------------------------------------------------------- checks


@dataclass(frozen=True)
class _Names:
    """Every name a program can mean something by."""

    skills: Mapping[str, Skill]
    learned: Mapping[str, str]
    helpers: frozenset[str]
    variables: frozenset[str]

    @property
    def functions(self) -> set[str]:
        return set(self.skills) | set(self.learned) | self.helpers


def call_complaints(
    tree: ast.Module, description: Description, learned: Mapping[str, str], forbidden: frozenset[str]
) -> list[Complaint]:
    """See :func:`check_calls`."""
    unknown = forbidden - set(MODALITIES)
    if unknown:
        raise ProgramError(f"forbidden: expected some of {', '.join(MODALITIES)}, got {sorted(unknown)[0]!r}")
    helpers = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names = _Names(description.skills, learned, frozenset(h.name for h in helpers), frozenset(_bound(tree)))
    found = [*_shadowed(tree, names), *_circles(helpers), *_uses(tree, description, names)]
    found += _bans(tree, description, forbidden)
    for name, inner in reached(tree, learned).items():
        line = next(call.lineno for call in _calls(tree) if name in reached(call, learned))
        found += _saved(name, line, inner, description, learned, forbidden)
    known = set(names.skills) | set(names.learned)
    if not found and not any(_name_of(call) in known for call in _calls(tree)):
        found.append(Complaint(1, "the program calls no skill"))
    return found


def _saved(
    name: str,
    line: int,
    tree: ast.Module,
    description: Description,
    learned: Mapping[str, str],
    forbidden: frozenset[str],
) -> Iterator[Complaint]:
    """Complaints about a saved behaviour: it may have been made for another robot, or under no ban."""
    if not name.isidentifier() or keyword.iskeyword(name) or name in description.skills or name in BUILTINS:
        yield Complaint(line, f"{name}: this name can't be given to a learned behaviour")
    inside = list(grammar_complaints(learned[name], tree))
    own = frozenset(_functions(tree))  # which it had before others were saved under such names, and goes on to mean
    others = {other: code for other, code in learned.items() if other not in own}
    names = _Names(description.skills, others, own, frozenset(_bound(tree)))
    inside += _circles([node for node in tree.body if isinstance(node, ast.FunctionDef)])
    inside += [*_shadowed(tree, names), *_uses(tree, description, names), *_bans(tree, description, forbidden)]
    for complaint in inside:
        yield Complaint(line, f"the learned behaviour {name!r}, its line {complaint.line}: {complaint.sentence}")


def _shadowed(tree: ast.Module, names: _Names) -> Iterator[Complaint]:
    """Names that already mean something, given another meaning; and names that look like machinery."""
    taken = dict.fromkeys(names.skills, "a skill") | dict.fromkeys(names.learned, "a learned behaviour")
    taken |= dict.fromkeys(BUILTINS, "built in")
    seen: set[str] = set()
    for name, line, is_function in _bindings(tree):
        if name in taken:
            yield Complaint(line, f"{name!r} is {taken[name]}, so it can't be given another meaning")
        elif name != "_" and (name.startswith("_") or "__" in name):
            yield Complaint(line, f"expected a name without leading or double underscores, got {name!r}")
        elif is_function and name in seen:
            yield Complaint(line, f"the function {name!r} is defined twice")
        elif not is_function and name in names.helpers:
            yield Complaint(line, f"{name!r} is a function, so it can't be given another meaning")
        if is_function:
            seen.add(name)


def _circles(helpers: list[ast.FunctionDef]) -> Iterator[Complaint]:
    """Functions that call themselves, directly or through others."""
    calls = {helper.name: {_name_of(call) for call in _calls(helper)} for helper in helpers}
    for helper in helpers:
        reach: set[str] = set()
        new = set(calls[helper.name])
        while new:
            reach |= new
            new = {inner for name in new for inner in calls.get(name, ())} - reach
        if helper.name in reach:
            yield Complaint(helper.lineno, f"the function {helper.name!r} calls itself; use a loop")


def _uses(tree: ast.Module, description: Description, names: _Names) -> Iterator[Complaint]:
    """Every name that is read, and every call of a skill."""
    called = {id(call.func) for call in _calls(tree)}
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    annotations = {id(node) for node in _annotated(tree)}
    listed = False  # the skills, which fill a line or two
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in annotations:
            if id(node) in called:
                if node.id not in names.functions | BUILTINS:
                    yield Complaint(node.lineno, _unknown(node.id, names, listed))
                    listed = True
            elif node.id in names.functions | BUILTINS:
                yield Complaint(node.lineno, f"{node.id!r} can only be called, as in {node.id}(...)")
            elif node.id not in names.variables:
                yield Complaint(node.lineno, f"the name {node.id!r} has no value")
        if isinstance(node, ast.Call) and (name := _name_of(node)) in description.skills:
            skill = description.skills[name]
            yield from _arguments(node, skill)
            if skill.returns == "nothing" and id(node) not in alone:
                yield Complaint(node.lineno, f"{name} returns nothing, so it has to stand on a line of its own")
        elif isinstance(node, ast.Call) and (name := _name_of(node)) in names.learned:
            if node.args or node.keywords:
                yield Complaint(node.lineno, f"{name}: a learned behaviour takes no arguments")
            if id(node) not in alone:
                yield Complaint(node.lineno, f"{name} returns nothing, so it has to stand on a line of its own")


def _unknown(name: str, names: _Names, listed: bool) -> str:
    said = f"no skill or function is called {name!r}"
    near = difflib.get_close_matches(name, sorted(names.functions), 1)
    if near:
        return f"{said}; did you mean {near[0]}?"
    return said if listed else f"{said}; this robot's skills are {', '.join(names.skills)}"


def _arguments(call: ast.Call, skill: Skill) -> Iterator[Complaint]:
    """The arguments of a skill: as many as it takes, by names it knows, in range where they are written out."""
    plain = [a for a in call.args if not isinstance(a, ast.Starred)]
    if len(plain) > len(skill.parameters):
        yield Complaint(
            call.lineno, f"{skill.name}: expected at most {len(skill.parameters)} arguments, got {len(plain)}"
        )
    given: dict[str, ast.expr] = {p.name: node for p, node in zip(skill.parameters, plain, strict=False)}
    known = [p.name for p in skill.parameters]
    for item in call.keywords:
        if item.arg is None:
            continue
        if item.arg not in known:
            expected = f"known are {', '.join(known)}" if known else "it takes none"
            yield Complaint(call.lineno, f"{skill.name}: unknown argument {item.arg!r}; {expected}")
        elif item.arg in given:
            yield Complaint(call.lineno, f"{skill.name}: the argument {item.arg!r} is given twice")
        else:
            given[item.arg] = item.value
    written_out = len(plain) == len(call.args) and all(item.arg is not None for item in call.keywords)
    for parameter in skill.parameters:
        node = given.get(parameter.name)
        if node is None:
            if parameter.default is None and written_out:
                yield Complaint(call.lineno, f"{skill.name}: expected the argument {parameter.name!r}")
            continue
        value = literal(node)
        if value is not None:
            try:
                parameter.take(value, f"{skill.name}({parameter.name})")
            except ProgramError as error:
                yield Complaint(node.lineno, str(error))


def _bans(tree: ast.Module, description: Description, forbidden: frozenset[str]) -> Iterator[Complaint]:
    """Calls of skills that do what is forbidden."""
    for call in _calls(tree):
        skill = description.skills.get(_name_of(call))
        for modality in sorted(forbidden) if skill else ():
            if skill and MODALITIES[modality] in skill.effects:
                yield Complaint(call.lineno, f"{skill.name} {DOES[modality]}, which is forbidden here")


# ---------------------------------------------------------------------------------------------- looking at trees


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name_of(call: ast.Call) -> str:
    """The name that is called; empty where something else is."""
    return call.func.id if isinstance(call.func, ast.Name) else ""


def called(tree: ast.AST) -> set[str]:
    """Names that a program calls and does not define itself."""
    return {_name_of(call) for call in _calls(tree)} - {"", *_functions(tree)}


def _functions(tree: ast.AST) -> list[str]:
    return [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _bindings(tree: ast.AST) -> list[tuple[str, int, bool]]:
    """Each name that is given a meaning: name, line, whether it becomes a function."""
    found: list[tuple[str, int, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.append((node.name, node.lineno, True))
        elif isinstance(node, ast.arg):
            found.append((node.arg, node.lineno, False))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append((node.id, node.lineno, False))
    return sorted(found, key=lambda entry: entry[1])


def _bound(tree: ast.AST) -> set[str]:
    return {name for name, _, is_function in _bindings(tree) if not is_function}


def _annotated(tree: ast.AST) -> Iterator[ast.expr]:
    """Annotations, whose names aren't values."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.AnnAssign, ast.arg)) and node.annotation is not None:
            yield node.annotation
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.returns
