"""Tables as they are told in Markdown and HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np


@dataclass(frozen=True)
class Item:
    """One place of a table: what it says, by what it is sorted (None: by what it says), and its bounds."""

    said: str
    value: float | None = None
    bounds: str = ""

    @property
    def text(self) -> str:
        """All of it in a line."""
        return f"{self.said} {self.bounds}".rstrip()


@dataclass(frozen=True)
class Table:
    """Headings, and rows as long as they are."""

    headings: tuple[str, ...]
    rows: Sequence[Sequence[Item]]


def markdown(table: Table) -> str:
    """The table in GitHub's Markdown; figures are to the right."""
    lines = [_line(table.headings)]
    lines.append("|" + "|".join("---:" if number else "---" for number in _numbers(table)) + "|")
    lines += [_line([item.text for item in row]) for row in table.rows]
    return "\n".join(lines)


def text(table: Table) -> str:
    """The table in columns, for a terminal."""
    lines = [list(table.headings), *([item.text for item in row] for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shapes = [f"{'>' if number else '<'}{width}" for number, width in zip(_numbers(table), widths, strict=True)]
    return "\n".join("  ".join(map(format, line, shapes)).rstrip() for line in lines)


def _numbers(table: Table) -> list[bool]:
    """Which columns hold figures."""
    return [any(row[k].value is not None for row in table.rows) for k in range(len(table.headings))]


def _line(cells: Sequence[str]) -> str:
    plain = [re.sub(r"[|\\]|<(?=\S)", r"\\\g<0>", " ".join(cell.split())) for cell in cells]
    return "| " + " | ".join(plain) + " |"


def html(table: Table) -> str:
    """The table in HTML, everything escaped; `data-value` is what a script sorts by."""
    head = "".join(
        f'<th scope="col"{" class=number" * number}><button type="button">{escape(heading)}</button></th>'
        for heading, number in zip(table.headings, _numbers(table), strict=True)
    )
    rows = "\n".join(f"<tr>{''.join(_cell(item, k) for k, item in enumerate(row))}</tr>" for row in table.rows)
    return f"<div class='table'><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"


def _cell(item: Item, column: int) -> str:
    bounds = f"<small>{escape(item.bounds)}</small>" if item.bounds else ""
    if item.value is None:
        kind = 'th scope="row"' if column == 0 else "td"
        return f"<{kind}>{escape(item.said)}</{kind[:2]}>"
    value = repr(float(item.value)) if np.isfinite(item.value) else ""
    return f'<td class="number" data-value="{value}">{escape(item.said)}{bounds}</td>'
