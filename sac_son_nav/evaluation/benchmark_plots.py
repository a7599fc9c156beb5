"""Pictures of a benchmark: what quickness costs people, and planners scenario by scenario.

Planners are told apart by labels, not by colours: ours stands out, the oracle is the limit, all others are baselines.
Every picture is drawn in a light and a dark theme.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.evaluation.labels import place_labels
from sac_son_nav.evaluation.results import short_name
from sac_son_nav.evaluation.statistics import Estimate
from sac_son_nav.evaluation.summary import PERTURBATION, SUCCESS, TIME, Summary
from sac_son_nav.states import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, ORACLE = "sac_son", "oracle"
DPI = 150
COLOURS = 255  # of a picture's palette; nobody sees more, and the file is a third as large
SIZE = 8.5  # [points] of a label


@dataclass(frozen=True)
class Theme:
    """Colours of a picture. The accents are Okabe and Ito's, lightened for the dark: everybody can tell them apart."""

    ink: str
    grey: str
    faint: str
    wall: str
    paper: str
    ours: str
    limit: str
    person: str


LIGHT = Theme("#22262B", "#5B6470", "#D5DAE0", "#EDF0F3", "#FFFFFF", "#0072B2", "#D55E00", "#009E73")
DARK = Theme("#E8EAED", "#A3ABB5", "#3C424A", "#262B31", "#16191D", "#56B4E9", "#F08A3C", "#2FBF94")


def png(figure: Figure) -> bytes:
    """The picture as a PNG file; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    # The method that keeps colours which are rare: those are what matters here.
    few = picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, format="PNG", optimize=True)
    return small.getvalue()


def new_figure(width: float, height: float, theme: Theme, title: str, line: str) -> Figure:
    """An empty figure [in] with a title and a line under it."""
    from matplotlib.figure import Figure

    width, height = (round(v * DPI) / DPI for v in (width, height))  # whole pixels, or the last row is half of one
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=theme.paper)
    figure.text(0.2 / width, 1.0 - 0.3 / height, title, size=13, weight="bold", color=theme.ink, va="center")
    figure.text(0.2 / width, 1.0 - 0.58 / height, line, size=9, color=theme.grey, va="center")
    return figure


def add_axes(figure: Figure, box: tuple[float, float, float, float], theme: Theme) -> Axes:
    """Bare axes at left, top, width, height [in], counted from the figure's upper left corner."""
    width, height = figure.get_size_inches()
    left, top, wide, tall = box
    axes = figure.add_axes((left / width, 1.0 - (top + tall) / height, wide / width, tall / height))
    axes.set_facecolor(theme.paper)
    axes.tick_params(length=0, labelsize=SIZE, colors=theme.grey)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def is_ours(planner: str) -> bool:
    """Whether it is a planner of this package's own, which a picture shows off."""
    return planner.startswith(OURS)


def is_oracle(planner: str) -> bool:
    """Whether it is the oracle with some weight."""
    return planner.partition(":")[0] == ORACLE


def colour_of(planner: str, theme: Theme, other: str) -> str:
    """Of a planner's marks; `other` of the baselines'."""
    return theme.limit if is_oracle(planner) else theme.ours if is_ours(planner) else other


# -- the frontier -----------------------------------------------------------------------------------------------


def draw_frontier(summary: Summary, theme: Theme = LIGHT) -> Figure:
    """Time against perturbation, a point with its intervals for each planner, filled as far as it succeeds; the
    oracle's weights are joined to a curve."""
    planners = summary.results.planners
    time, moved, success = (summary.overall(summary.column(name)) for name in (TIME, PERTURBATION, SUCCESS))
    line = "Lower left is better. Discs are filled by the share of episodes that succeed; lines are 95 % intervals."
    figure = new_figure(8.2, 5.5, theme, "What being quick costs people", line)
    axes = add_axes(figure, (0.75, 0.9, 7.2, 3.95), theme)
    axes.grid(color=theme.faint, lw=0.5)
    axes.set_axisbelow(True)
    axes.set(xlim=_range(time, 0.16, 0.16), ylim=_range(moved, 0.08, 0.08, floor=0.0))
    axes.set_xlabel("time [s], failures at the time limit", size=9, color=theme.grey, labelpad=6)
    axes.set_ylabel("perturbation of people [m], robot absent", size=9, color=theme.grey, labelpad=6)
    curve = _curve(planners)
    axes.plot(time.mean[curve], moved.mean[curve], color=theme.limit, lw=1.4, alpha=0.8, zorder=2)
    drawn = np.flatnonzero(np.isfinite(time.mean + moved.mean))
    for p in drawn:
        x, y, colour = float(time.mean[p]), float(moved.mean[p]), colour_of(planners[p], theme, theme.grey)
        axes.plot([time.low[p], time.high[p]], [y, y], color=colour, lw=0.9, alpha=0.5, zorder=3)
        axes.plot([x, x], [moved.low[p], moved.high[p]], color=colour, lw=0.9, alpha=0.5, zorder=3)
        _draw_disc(axes, x, y, float(success.mean[p]), colour, theme)
    names = [f"{planners[p].replace(':', ' ')}  {100.0 * success.mean[p]:.0f} %" for p in drawn]
    places = np.stack([time.mean, moved.mean], axis=-1)[drawn]
    strokes = _strokes(time, moved, drawn, places, np.stack([time.mean, moved.mean], axis=-1)[curve])
    weights = ["bold" if is_ours(planners[p]) else "normal" for p in drawn]
    _write_labels(
        axes, names, places, strokes, [colour_of(planners[p], theme, theme.ink) for p in drawn], weights, theme
    )
    return figure


def _curve(planners: Sequence[str]) -> list[int]:
    """Numbers of the oracle's planners in the order of their weights."""
    weights = {p: _weight(planner) for p, planner in enumerate(planners)}
    return sorted((p for p, weight in weights.items() if np.isfinite(weight)), key=lambda p: weights[p])


def _weight(planner: str) -> float:
    """The oracle's weight; NaN for another planner, and for the oracle with the weight it comes with."""
    try:
        return float(planner.partition(":")[2]) if is_oracle(planner) else np.nan
    except ValueError:
        return np.nan


def _range(values: Estimate, below: float, above: float, floor: float | None = None) -> tuple[float, float]:
    """Limits that hold all intervals, and some of their span on either side; a near floor is included."""
    known = np.concatenate([values.mean, values.low, values.high])
    known = known[np.isfinite(known)]
    if not len(known):
        return 0.0, 1.0
    least, most = float(known.min()), float(known.max())
    span = max(most - least, 0.05 * abs(most), 1e-3)
    low = least - below * span
    if floor is not None and least < floor + 0.5 * span:
        low = floor
    return low, most + above * span


def _draw_disc(axes: Axes, x: float, y: float, share: float, colour: str, theme: Theme) -> None:
    """A ring whose inner disc is filled by the share, clockwise from the top."""
    from matplotlib.path import Path

    axes.plot(x, y, "o", ms=11, mfc=theme.paper, mec=colour, mew=1.3, zorder=5)
    if share >= 0.9995:
        axes.plot(x, y, "o", ms=7.5, mfc=colour, mec="none", zorder=6)
    elif share > 0.0:
        wedge = Path.wedge(90.0 - 360.0 * share, 90.0)
        reach = float(np.abs(wedge.vertices).max())  # a marker is scaled by its farthest coordinate
        axes.plot(x, y, marker=wedge, ms=7.5 * reach, mfc=colour, mec="none", ls="", zorder=6)


def _strokes(x: Estimate, y: Estimate, drawn: NDArray[np.intp], places: Floats, curve: Floats) -> Floats:
    """Places (B, 2) along all lines of the frontier, in the axes' units."""
    part = np.linspace(0.0, 1.0, 60)[:, None]
    ends = [(np.array([x.low[p], q[1]]), np.array([x.high[p], q[1]])) for p, q in zip(drawn, places, strict=True)]
    ends += [(np.array([q[0], y.low[p]]), np.array([q[0], y.high[p]])) for p, q in zip(drawn, places, strict=True)]
    ends += list(pairwise(curve))
    found = np.concatenate([start + part * (end - start) for start, end in ends] or [np.zeros((0, 2))])
    return np.asarray(found[np.isfinite(found).all(axis=-1)])


def _write_labels(
    axes: Axes,
    texts: Sequence[str],
    places: Floats,
    strokes: Floats,
    colours: Sequence[str],
    weights: Sequence[str],
    theme: Theme,
) -> None:
    """Write the texts beside their places where they cover little."""
    from matplotlib.patheffects import withStroke

    figure = axes.get_figure()
    assert figure is not None
    point = 72.0 / figure.dpi  # of a pixel
    pixels = axes.transData.transform(np.concatenate([places, strokes]))
    box = np.asarray(axes.get_window_extent().extents) * point
    widths = [
        SIZE * (0.58 if weight == "bold" else 0.53) * len(text) for text, weight in zip(texts, weights, strict=True)
    ]
    spots = place_labels(
        pixels[: len(places)] * point,
        widths,
        1.2 * SIZE,
        9.0,
        (box[0], box[1], box[2], box[3]),
        pixels[len(places) :] * point,
    )
    halo = [withStroke(linewidth=2.5, foreground=theme.paper)]
    for text, spot, colour, weight in zip(texts, spots, colours, weights, strict=True):
        x, y = axes.transData.inverted().transform(spot / point)
        axes.text(x, y, text, size=SIZE, color=colour, weight=weight, va="center", path_effects=halo, zorder=9)


# -- scenario by scenario ---------------------------------------------------------------------------------------


def draw_scenarios(summary: Summary, theme: Theme = LIGHT) -> Figure:
    """Bars of the perturbation for each planner in each cell, with intervals, and success and time beside them."""
    results = summary.results
    across = min(3, len(results.cells))
    row, bars, wide, top = 0.2, 2.05, 3.35, 1.05  # [in]
    left = 0.35 + 0.078 * max(map(len, results.planners))
    tall = row * len(results.planners) + 0.55
    size = (max(left + wide * across + 0.05, 6.2), top + tall * -(-len(results.cells) // across) + 0.1)
    line = "Bars: perturbation of people [m], robot absent, with 95 % intervals."
    figure = new_figure(*size, theme, "Scenario by scenario", line)
    moved = summary.by_cell(summary.column(PERTURBATION))
    most = np.where(np.isfinite(moved.high), moved.high, moved.mean)
    for c in range(len(results.cells)):
        i, j = divmod(c, across)
        box = (left + wide * j, top + tall * i + 0.2, bars, row * len(results.planners))
        axes = add_axes(figure, box, theme)
        axes.set(xlim=(0.0, 1.05 * float(np.max(most[np.isfinite(most)], initial=1e-3))))
        _draw_cell(axes, summary, c, theme, named=j == 0)
        if i == 0:
            _write_beside(axes, -2.0, "success", "time", theme)
    return figure


def _draw_cell(axes: Axes, summary: Summary, c: int, theme: Theme, named: bool) -> None:
    """One panel; `named`: with the planners' names at its left."""
    results = summary.results
    moved, success, time = (summary.by_cell(summary.column(name)) for name in (PERTURBATION, SUCCESS, TIME))
    axes.set_ylim(len(summary.ranked) - 0.4, -0.6)
    axes.xaxis.set_major_locator(_few_ticks())
    axes.grid(axis="x", color=theme.faint, lw=0.5)
    axes.set_axisbelow(True)
    axes.set_title(_cell_name(results.cells, c), size=9.5, color=theme.ink, loc="left", pad=5, weight="bold")
    names = [results.planners[p] if named else "" for p in summary.ranked]
    axes.set_yticks(range(len(names)), names)
    for tick, name in zip(axes.get_yticklabels(), names, strict=True):
        tick.set(color=theme.ours if is_ours(name) else theme.ink, weight="bold" if is_ours(name) else "normal")
    for k, p in enumerate(summary.ranked):
        mean, low, high = (float(v[p, c]) for v in (moved.mean, moved.low, moved.high))
        colour = colour_of(results.planners[p], theme, theme.grey)
        axes.barh(
            k, np.nan_to_num(mean), height=0.62, color=colour, alpha=0.95 if colour == theme.ours else 0.45, lw=0
        )
        if np.isfinite(low + high):
            axes.plot([low, high], [k, k], color=theme.ink, lw=0.9, solid_capstyle="butt")
        _write_beside(axes, k, f"{100.0 * success.mean[p, c]:.0f} %", f"{time.mean[p, c]:.1f} s", theme)


def _write_beside(axes: Axes, row: float, success: str, time: str, theme: Theme) -> None:
    """Two figures at the right of a bar."""
    for place, text in ((1.24, success), (1.46, time)):
        text = "–" if text.startswith("nan") else text
        axes.text(
            place, row, text, transform=axes.get_yaxis_transform(), size=7.5, color=theme.grey, va="center", ha="right"
        )


def _cell_name(cells: Sequence[tuple[str, str]], c: int) -> str:
    """The scenario, and the law of walking where there are several."""
    name = short_name(cells[c][0])
    return name if len({law for _, law in cells}) == 1 else f"{name}, {cells[c][1]}"


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=3, steps=[1, 2, 5, 10])
