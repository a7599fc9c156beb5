"""The Python a program may be written in: an allow-list over `ast`, small enough to be told on a page.

Calls of skills by name, helper functions at the top, `if`, `while`, `for`, variables, arithmetic, comparisons, lists
and plain f-strings. Whatever isn't listed here is refused, so a node that a later Python adds is refused as well. The
list is the first layer only: a program that gets past it still runs in a process that has nothing to reach for.
"""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from expressive_motion.errors import ProgramError

CODE_LENGTH = 8000  # characters; the longest gesture of the twelve behaviours takes a few hundred
DEPTH = 40  # syntax nodes within one another; keeps every reader of the tree far from the end of its stack
LARGEST = 1e6  # of a number written out; no skill takes one above 400
COMPLAINTS = 40  # told at once; who makes more mistakes than that had better begin anew
BUILTINS = frozenset(
    {"abs", "bool", "enumerate", "float", "int", "len", "list", "max", "min", "range", "reversed", "round", "sorted"}
    | {"str", "sum", "tuple", "zip"}
)
ANNOTATIONS = frozenset({"float", "int", "str", "bool"})


class Complaint(NamedTuple):
    """What is wrong in one line, counted from 1 as the author counts."""

    line: int
    sentence: str


def refusal(complaints: Iterable[Complaint], where: str = "") -> ProgramError:
    """One error of all complaints in the order of their lines, a line of text each."""
    lines = list(
        dict.fromkeys(f"{where}line {c.line}: {c.sentence}" for c in sorted(complaints, key=lambda c: c.line))
    )
    if len(lines) > COMPLAINTS:
        lines = [*lines[:COMPLAINTS], f"and {len(lines) - COMPLAINTS} more"]
    return ProgramError("\n".join(lines))


def check_grammar(code: str) -> ast.Module:
    """The tree of a program that keeps to the allow-list; ProgramError with every complaint where it doesn't."""
    tree = parse(code)
    if complaints := list(grammar_complaints(code, tree)):
        raise refusal(complaints)
    return tree


def parse(code: str) -> ast.Module:
    """The tree of a text that is Python, not too long and not too deep; ProgramError otherwise."""
    if len(code) > CODE_LENGTH:
        raise ProgramError(f"the program: expected at most {CODE_LENGTH} characters, got {len(code)}")
    for number, line in enumerate(code.split("\n"), 1):
        odd = next((c for c in line if c != "\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")), None)
        if odd is not None:  # invisible, or a line's end to some readers only: what is seen would not be what is run
            raise refusal([Complaint(number, f"expected visible text, got the control character U+{ord(odd):04X}")])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd literals: a stranger's text mustn't speak on our standard error
            tree = ast.parse(code)
    except SyntaxError as error:
        raise refusal([Complaint(error.lineno or 1, f"not Python: {error.msg}")]) from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise ProgramError(f"the program: can't be read as Python ({type(error).__name__})") from None
    deep = _too_deep(tree)
    if deep is not None:
        raise refusal([Complaint(deep, f"nested too deeply; expected at most {DEPTH} levels")])
    return tree


def grammar_complaints(code: str, tree: ast.Module) -> Iterator[Complaint]:
    """Everything in a parsed program that isn't in the allow-list."""
    if not any(not _is_text(statement) for statement in tree.body):
        yield Complaint(1, "the program is empty; expected at least one call of a skill")
    yield from _odd_names(code)
    for statement in tree.body:
        yield from _statement(statement, in_function=False, in_loop=False, top=True)


# ---------------------------------------------------------------------------------------------------- statements

_Statement = Iterator[Complaint]

_REFUSED: dict[str, str] = {
    "Import": "nothing can be imported; all that a program can use is there already",
    "ImportFrom": "nothing can be imported; all that a program can use is there already",
    "Try": "no try: a program can't catch errors or being stopped",
    "TryStar": "no try: a program can't catch errors or being stopped",
    "Raise": "no raise; end the program by letting it run out",
    "Assert": "no assert; use if",
    "ClassDef": "no classes; use functions",
    "AsyncFunctionDef": "no async; skills are called one after another",
    "AsyncFor": "no async; skills are called one after another",
    "AsyncWith": "no async; skills are called one after another",
    "Await": "no await; skills are called one after another",
    "With": "no with",
    "Delete": "no del",
    "Global": "no global; pass arguments and return values",
    "Nonlocal": "no nonlocal; pass arguments and return values",
    "Match": "no match; use if and elif",
    "TypeAlias": "no type aliases",
    "Attribute": "no attributes or methods (a dot after a value); only names are called",
    "Lambda": "no lambda; write a function with def",
    "ListComp": "no comprehensions; write a for loop",
    "SetComp": "no comprehensions; write a for loop",
    "DictComp": "no comprehensions; write a for loop",
    "GeneratorExp": "no generators; write a for loop",
    "Yield": "no generators; write a for loop",
    "YieldFrom": "no generators; write a for loop",
    "NamedExpr": "no := within an expression; assign on a line of its own",
    "Starred": "no * in front of a value; write each argument out",
    "Dict": "no dictionaries; use if and elif",
    "Set": "no sets; use a list",
    "Slice": "no slices",
    "TemplateStr": "no template strings; use an f-string",
}


def _refused(node: ast.AST, line: int | None = None) -> Complaint:
    kind = type(node).__name__
    return Complaint(
        line or int(getattr(node, "lineno", 1)), _REFUSED.get(kind, f"{kind} isn't part of the language here")
    )


def _statement(node: ast.stmt, *, in_function: bool, in_loop: bool, top: bool = False) -> _Statement:
    """Complaints about a statement and what is in it."""
    if isinstance(node, ast.Expr):
        if not isinstance(node.value, ast.Call) and not _is_text(node):
            yield Complaint(node.lineno, "this does nothing; expected a call or an assignment")
        yield from _expression(node.value)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _target(target)
        yield from _expression(node.value)
    elif isinstance(node, ast.AugAssign):
        yield from _target(node.target)
        yield from _operator(node.op, node.lineno)
        yield from _expression(node.value)
    elif isinstance(node, ast.AnnAssign):
        yield from _target(node.target)
        yield from _annotation(node.annotation)
        if node.value is not None:
            yield from _expression(node.value)
    elif isinstance(node, ast.Return):
        if not in_function:
            yield Complaint(node.lineno, "return outside a function")
        if node.value is not None:
            yield from _expression(node.value)
    elif isinstance(node, (ast.Break, ast.Continue)):
        if not in_loop:
            yield Complaint(node.lineno, f"{type(node).__name__.lower()} outside a loop")
    elif isinstance(node, ast.FunctionDef):
        yield from _function(node, top)
    elif isinstance(node, (ast.If, ast.While, ast.For)):
        yield from _block(node, in_function, in_loop)
    elif not isinstance(node, ast.Pass):
        yield _refused(node)


def _block(node: ast.If | ast.While | ast.For, in_function: bool, in_loop: bool) -> _Statement:
    """A statement with a body."""
    if isinstance(node, ast.For):
        yield from _target(node.target)
        yield from _expression(node.iter)
    else:
        yield from _expression(node.test)
    if (
        isinstance(node, ast.While)
        and isinstance(node.test, ast.Constant)
        and node.test.value
        and not _left(node.body)
    ):
        yield Complaint(node.lineno, "this loop never ends; give it a condition or a break")
    loop = in_loop or not isinstance(node, ast.If)
    for statement in node.body:
        yield from _statement(statement, in_function=in_function, in_loop=loop)
    for statement in node.orelse:
        yield from _statement(statement, in_function=in_function, in_loop=in_loop)


def _left(body: Iterable[ast.stmt]) -> bool:
    """Whether a loop with this body can be left from within: by return, or by a break that isn't an inner loop's."""
    for node in body:
        if isinstance(node, (ast.Break, ast.Return)):
            return True
        if isinstance(node, ast.If) and (_left(node.body) or _left(node.orelse)):
            return True
        if isinstance(node, (ast.While, ast.For)) and (
            _left(node.orelse) or any(isinstance(inner, ast.Return) for inner in ast.walk(node))
        ):
            return True
    return False


def _function(node: ast.FunctionDef, top: bool) -> _Statement:
    """A helper: plain arguments, defaults written out, nothing round it."""
    if not top:
        yield Complaint(node.lineno, f"the function {node.name!r} is inside something; write it at the top level")
    if node.decorator_list:
        yield Complaint(node.decorator_list[0].lineno, "no decorators")
    if getattr(node, "type_params", ()):
        yield Complaint(node.lineno, "no type parameters")
    given = node.args
    if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs:
        yield Complaint(node.lineno, f"{node.name}: expected plain arguments, without * or /")
    for argument in given.args:
        if argument.annotation is not None:
            yield from _annotation(argument.annotation)
    for default in given.defaults:
        if not isinstance(literal(default), (int, float, str)):
            yield Complaint(default.lineno, f"{node.name}: expected a number, a text or a flag as default")
        else:
            yield from _expression(default)
    if node.returns is not None:
        yield from _annotation(node.returns)
    for statement in node.body:
        yield from _statement(statement, in_function=True, in_loop=False)


def _target(node: ast.expr) -> _Statement:
    """What is assigned to: names, or names in a row."""
    if isinstance(node, (ast.Tuple, ast.List)):
        for element in node.elts:
            yield from _target(element)
    elif not isinstance(node, ast.Name):
        yield Complaint(node.lineno, "expected a plain name to assign to")


def _annotation(node: ast.expr) -> _Statement:
    plain = isinstance(node, ast.Name) and node.id in ANNOTATIONS
    if not plain and not (isinstance(node, ast.Constant) and node.value is None):
        yield Complaint(node.lineno, f"expected one of the types {', '.join(sorted(ANNOTATIONS))} or None")


# --------------------------------------------------------------------------------------------------- expressions

_BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_UNARY = (ast.Not, ast.USub, ast.UAdd)


def _expression(node: ast.expr) -> _Statement:
    """Complaints about an expression and what is in it."""
    if isinstance(node, ast.Constant):
        yield from _constant(node)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.JoinedStr):
        yield from _formatted(node)
    elif isinstance(node, ast.BinOp):
        yield from _operator(node.op, node.lineno)
        if isinstance(node.op, (ast.Mod, ast.Mult)) and (_textual(node.left) or _textual(node.right)):
            yield Complaint(node.lineno, "no % or * with a text; use an f-string")
        yield from _expression(node.left)
        yield from _expression(node.right)
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, _UNARY):
            yield _refused(node.op, node.lineno)
        yield from _expression(node.operand)
    elif isinstance(node, (ast.BoolOp, ast.Compare, ast.IfExp, ast.List, ast.Tuple, ast.Subscript)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from _expression(child)
    elif not isinstance(node, ast.Name):
        yield _refused(node)


def _operator(op: ast.operator, line: int) -> _Statement:
    if not isinstance(op, _BINARY):
        yield Complaint(line, "expected one of the operators + - * / // %")


def _call(node: ast.Call) -> _Statement:
    if not isinstance(node.func, ast.Name):
        if isinstance(node.func, ast.Attribute):
            yield _refused(node.func)
        else:
            yield Complaint(node.lineno, "expected a name in front of the brackets of a call")
    for argument in node.args:
        yield from _expression(argument)
    for keyword in node.keywords:
        if keyword.arg is None:
            yield Complaint(node.lineno, "no ** in front of a value; write each argument out")
        else:
            yield from _expression(keyword.value)


def _constant(node: ast.Constant) -> _Statement:
    value = node.value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value) or abs(value) > LARGEST:
            yield Complaint(node.lineno, f"expected a number up to {LARGEST:g}")
    elif value is not None and not isinstance(value, (bool, str)):
        yield Complaint(node.lineno, f"expected a number, a text or a flag, got {type(value).__name__}")


_SPEC = re.compile(r"[<>^]?\d{0,2}(\.\d{1,2})?[dfg]?")


def _formatted(node: ast.JoinedStr) -> _Statement:
    """An f-string: values, with at most a short width and precision."""
    for part in node.values:
        if not isinstance(part, ast.FormattedValue):
            continue
        if part.conversion != -1:
            yield Complaint(node.lineno, "no conversion such as !r in an f-string")
        if part.format_spec is not None:
            spec = part.format_spec.values if isinstance(part.format_spec, ast.JoinedStr) else []
            text = "".join(str(s.value) if isinstance(s, ast.Constant) else "{" for s in spec)
            if not _SPEC.fullmatch(text):
                yield Complaint(node.lineno, f"expected a short format such as .1f in an f-string, got {text[:20]!r}")
        yield from _expression(part.value)


# ------------------------------------------------------------------------------------------------------- helpers


def literal(node: ast.expr) -> int | float | str | bool | None:
    """The value of an expression of constants, as far as one can be told without running it; else None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _number(node.operand)
        return None if inner is None else -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        left, right = _number(node.left), _number(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div) and right:
            return left / right
    return None


def _number(node: ast.expr) -> float | None:
    """The same as a float, so that nothing here grows beyond one; None for texts, flags and what overflows."""
    value = literal(node)
    if value is None or isinstance(value, (bool, str)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _textual(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring or a text in its place."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _too_deep(tree: ast.Module) -> int | None:
    """The line in which the tree first goes deeper than DEPTH; None where it doesn't. Walks without recursion."""
    level: list[tuple[ast.AST, int]] = [(tree, 1)]
    for _ in range(DEPTH):
        level = [
            (child, getattr(child, "lineno", line)) for node, line in level for child in ast.iter_child_nodes(node)
        ]
        if not level:
            return None
    return min(line for _, line in level)


def _odd_names(code: str) -> _Statement:
    """Names that Python reads as other letters than are seen: it takes a full-width m for an m."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return  # the parser has read it, so nothing is lost: such a text is refused by what its tree holds
    for token in tokens:
        if token.type == tokenize.NAME and not token.string.isascii():
            yield Complaint(token.start[0], f"expected names of plain letters, got {token.string!r}")
