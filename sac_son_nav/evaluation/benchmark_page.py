"""A benchmark's report as one HTML file that needs nothing else: no network, pictures inside, light and dark."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sac_son_nav.evaluation.benchmark_tables import COMPARED, Report, headline, method
from sac_son_nav.evaluation.metrics import describe
from sac_son_nav.evaluation.tables import html

WAYS = "ways-"  # how names of pictures of ways begin


@dataclass(frozen=True)
class Picture:
    """A PNG for light and one for dark rooms, its file's name without suffix, and what it shows in words."""

    name: str
    words: str
    light: bytes
    dark: bytes


_STYLE = """
:root { color-scheme: light dark; --ink: #22262b; --grey: #5b6470; --faint: #e3e7eb; --paper: #fff; --row: #f6f8fa;
  --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --grey: #a3abb5; --faint: #333940; --paper: #16191d;
  --row: #1d2126; --accent: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { max-width: 46rem; margin: .5rem 0; } .quiet, dd, small { color: var(--grey); }
code, pre { font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { overflow-x: auto; background: var(--row); padding: .75rem; border-radius: 6px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
figure { margin: 1rem 0; overflow-x: auto; } figure img { display: block; max-width: 100%; height: auto; }
.table { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; text-align: left; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid var(--faint); }
.number { text-align: right; } td small { display: block; font-size: 11px; }
tbody tr:hover > * { background: var(--row); }
tbody th, thead th:first-child { position: sticky; left: 0; background: var(--paper); font-weight: 600; }
thead th { vertical-align: bottom; border-bottom-color: var(--grey); }
thead button { all: unset; cursor: pointer; font-weight: 600; font-size: 12px; white-space: normal;
  display: inline-block; line-height: 1.25; max-width: 6.5rem; }
thead button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th[aria-sort] button { color: var(--accent); }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
details { margin: 1rem 0; } summary { cursor: pointer; font-weight: 600; }
dt { font-weight: 600; margin-top: .4rem; } dd { margin: 0; max-width: 46rem; }
@media (max-width: 700px) { figure img { max-width: none; width: 36rem; } body { padding: 1.25rem .9rem 3rem; } }
@media print { details > * { display: block; } }
"""

_SCRIPT = """
for (const button of document.querySelectorAll("thead button")) button.addEventListener("click", () => {
  const head = button.parentElement, body = head.closest("table").tBodies[0], column = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const order = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === "");
    const step = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
    return down ? -step : step;
  };
  body.append(...[...body.rows].sort(order));
});
"""


def page(report: Report, pictures: Sequence[Picture]) -> str:
    """The whole report."""
    results = report.results
    by_name = {picture.name: picture for picture in pictures}
    ways = [picture for picture in pictures if picture.name.startswith(WAYS)]
    sections = [
        f"<h1>Benchmark</h1><p>{escape(headline(results))}</p>",
        f"<p class=quiet><code>{escape(str(results.meta.get('command', '')))}</code></p>",
        _picture(by_name.get("frontier")),
        f"<h2>Overall</h2>{html(report.overall)}",
        "".join(f"<p class=quiet>{escape(sentence)}</p>" for sentence in method(results)),
        _details("What the columns say", _list(report.notes)),
        f"<h2>Among each kind of people</h2>{html(report.by_law)}" if report.by_law.rows else "",
    ]
    if report.comparison is not None and report.compared is not None:
        a, b = report.compared
        sections.append(f"<h2>{escape(a)} against {escape(b)}</h2>{html(report.comparison)}")
        sections.append(f"<p class=quiet>{escape(COMPARED)}</p>")
    sections += [
        f"<h2>Scenarios</h2>{_picture(by_name.get('scenarios'))}",
        _details("As a table", html(report.by_cell)),
        "<h2>Ways taken</h2>" if ways else "",
        *(_picture(picture) for picture in ways[:1]),
        *(_details(picture.name.removeprefix(WAYS), _picture(picture)) for picture in ways[1:]),
        "<h2>More</h2>",
        _details("Failures", html(report.failures)) if report.failures.rows else "<p>No episode failed.</p>",
        _details("Every metric", html(report.metrics) + _list(list(describe().items()))),
        _details("What it was made with", f"<pre>{escape(json.dumps(results.meta, indent=2, sort_keys=True))}</pre>"),
    ]
    body = "\n".join(section for section in sections if section)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
        f"<title>Benchmark</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _picture(picture: Picture | None) -> str:
    if picture is None:
        return ""
    light, dark = (f"data:image/png;base64,{b64encode(raw).decode()}" for raw in (picture.light, picture.dark))
    return (
        f'<figure><picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{escape(picture.words)}"></picture></figure>'
    )


def _details(title: str, inside: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{inside}</details>"


def _list(told: Sequence[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(words)}</dd>' for name, words in told)}</dl>"
