"""Pictures and summaries of runs: what the robot did, and what it changed for each person."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sac_son_nav.config import write_atomically
from sac_son_nav.maps import FREE, UNKNOWN, OccupancyMap
from sac_son_nav.simulation.counterfactual import AFFECTED, displacements
from sac_son_nav.simulation.history import History
from sac_son_nav.states import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette without its black and its yellow, which white paper swallows; then darker mixtures.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7A5195", "#6B8E23", "#A65628")
_REFERENCES = {
    "absent": "without the robot",
    "parked": "with the robot parked",
    "walker": "with a walker in the robot's place",
}
_INK, _GREY, _WALL, _FLOOR, _UNSEEN = "#22262B", "#5B6470", "#DFE3E8", "#FFFFFF", "#F3F4F6"
_TICK_S = 5.0  # [s] between the times written along the robot's path
_RUNG_S = 0.4  # [s] between the lines that join a person's two paths


def draw_run(
    path: Path | str,
    floor: OccupancyMap,
    history: History,
    twin: History | None = None,
    *,
    goal: Floats | None = None,
    robot_radius: float = 0.22,
    title: str = "",
    reference: str = "absent",
    notes: Sequence[tuple[float, str]] = (),
) -> None:
    """Draw a run as a PNG, PDF or SVG (by the suffix of `path`), seen from above.

    Solid lines are paths with the robot, dashed ones those of `twin`, the same world under the `reference`
    behaviour of the robot; where the two are more than AFFECTED apart, rungs join the same moments. `goal` (2,) or
    (3,) [m] and `robot_radius` [m] mark the errand. The title's second line states the key numbers. `notes`:
    moments [s], and what to write beside the robot there.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

    x0, x1, y0, y1 = shown(floor)
    width = 11.0
    height = float(np.clip((width - 0.8) * (y1 - y0) / (x1 - x0) + 1.95, 3.4, 12.0))
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((0.055, 0.9 / height, 0.93, 1.0 - 1.9 / height))
    draw_floor(axes, floor)
    apart = None if twin is None else displacements(history, twin)
    for i in range(history.people.shape[1]):
        _draw_person(axes, i, history, twin, apart)
    _draw_robot(axes, history, goal, robot_radius)
    _draw_notes(axes, history, notes)
    axes.set(xlim=(x0, x1), ylim=(y0, y1), xlabel="x [m]", ylabel="y [m]", aspect="equal")
    axes.xaxis.set_major_locator(MultipleLocator(2.0))
    axes.yaxis.set_major_locator(MultipleLocator(2.0))
    axes.tick_params(length=2, labelsize=8, colors=_GREY)
    axes.xaxis.label.set(size=8, color=_GREY)
    axes.yaxis.label.set(size=8, color=_GREY)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.text(0.055, 1.0 - 0.32 / height, title or "Run", size=13, weight="bold", color=_INK, va="center")
    for line, text in enumerate(_key_numbers(history, apart, reference)):
        figure.text(0.055, 1.0 - (0.58 + 0.22 * line) / height, text, size=9.5, color=_INK, va="center")
    figure.legend(
        handles=_legend(history, twin, reference),
        loc="lower center",
        ncols=7,
        frameon=False,
        fontsize=8.5,
        handlelength=2.4,
        columnspacing=1.6,
        labelcolor=_INK,
    )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _draw_notes(axes: Axes, history: History, notes: Sequence[tuple[float, str]]) -> None:
    """What happened where, in words beside the robot's way, below and above it in turn."""
    for number, (moment, text) in enumerate(notes):
        x, y, _ = history.robot_poses[int(np.argmin(np.abs(history.times - moment)))].tolist()
        side = -1.0 if number % 2 == 0 else 1.0
        axes.annotate(
            text,
            (x, y),
            xytext=(0.0, side * 55.0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7.5,
            color=_INK,
            zorder=9,
            arrowprops={"arrowstyle": "-", "color": _GREY, "linewidth": 0.7},
            bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": _GREY, "linewidth": 0.6},
        )


def write_summary(path: Path | str, values: Mapping[str, Any]) -> None:
    """Write values as JSON: keys sorted, NumPy numbers and arrays as plain ones, NaN and infinity as null; a reader
    sees the whole file or none of it."""
    write_atomically(path, json.dumps(plain(values), indent=2, sort_keys=True, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """The value as JSON can say it: NumPy's numbers and arrays as plain ones, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def shown(floor: OccupancyMap, margin: float = 0.25) -> tuple[float, float, float, float]:
    """x_min, x_max, y_min, y_max [m] of the part with open floor, and a little around it."""
    cells = np.argwhere(floor.cells == FREE)
    if len(cells) == 0:
        return floor.extent
    (y0, x0), (y1, x1) = floor.centre_of(cells.min(axis=0))[::-1], floor.centre_of(cells.max(axis=0))[::-1]
    return x0 - margin, x1 + margin, y0 - margin, y1 + margin


def draw_floor(
    axes: Axes,
    floor: OccupancyMap,
    colours: tuple[str, str, str, str] = (_FLOOR, _WALL, _UNSEEN, _GREY),
    line: float = 1.2,
) -> None:
    """The plan: open floor, walls, what nobody has seen, and a line of `line` points along the walls, in that order of
    colours."""
    from matplotlib.colors import to_rgb

    picture = np.empty((*floor.cells.shape, 3))
    picture[:] = to_rgb(colours[0])
    picture[floor.occupied], picture[floor.cells == UNKNOWN] = to_rgb(colours[1]), to_rgb(colours[2])
    axes.imshow(picture, origin="lower", extent=floor.extent, interpolation="nearest", zorder=0)
    if floor.occupied.any() and min(floor.cells.shape) > 1:
        x0, x1, y0, y1 = floor.extent
        half = 0.5 * floor.resolution
        x = np.linspace(x0 + half, x1 - half, floor.cells.shape[1])
        y = np.linspace(y0 + half, y1 - half, floor.cells.shape[0])
        axes.contour(x, y, floor.occupied.astype(float), levels=[0.5], colors=colours[3], linewidths=line, zorder=1)


def _draw_person(axes: Axes, i: int, history: History, twin: History | None, apart: Floats | None) -> None:
    from matplotlib.collections import LineCollection

    colour, line = PALETTE[i % len(PALETTE)], history.people[:, i]
    if twin is not None and apart is not None:
        other, moments = twin.people[: len(apart), i], len(apart)
        moved = apart[:, i] > AFFECTED
        axes.plot(*other.T, color=colour, lw=1.1, ls=(0, (3.5, 2.0)), alpha=0.9, zorder=3)
        stretch = np.where(moved[:, None], line[:moments], np.nan)
        axes.plot(*stretch.T, color=colour, lw=6.0, alpha=0.22, solid_capstyle="round", zorder=2)
        every = max(1, round(_RUNG_S / float(history.times[1] - history.times[0]))) if len(history) > 1 else 1
        rungs = np.flatnonzero(moved)[::every]
        joined = np.stack([line[rungs], other[rungs]], axis=1)
        axes.add_collection(LineCollection(list(joined), colors=colour, linewidths=0.6, alpha=0.6, zorder=2))
    axes.plot(*line.T, color=colour, lw=1.5, solid_capstyle="round", zorder=4)
    axes.plot(*line[0], "o", color=colour, ms=4.5, mec="white", mew=0.6, zorder=6)
    _draw_number(axes, line, i, colour)


def _draw_number(axes: Axes, line: Floats, number: int, colour: str) -> None:
    """The person's number in a disc at the end of their path."""
    axes.text(
        float(line[-1, 0]),
        float(line[-1, 1]),
        str(number),
        size=7,
        color="white",
        weight="bold",
        ha="center",
        va="center",
        zorder=7,
        bbox={"boxstyle": "circle,pad=0.22", "fc": colour, "ec": "white", "lw": 0.7},
    )


def _draw_robot(axes: Axes, history: History, goal: Floats | None, radius: float) -> None:
    from matplotlib.patches import Circle

    poses = history.robot_poses
    if goal is not None:
        axes.plot(goal[0], goal[1], marker="*", ms=15, color="white", mec=_INK, mew=1.2, zorder=8)
    if not np.isfinite(poses).all():
        return
    axes.plot(*poses[:, :2].T, color=_INK, lw=2.4, solid_capstyle="round", zorder=5)
    for pose, face in ((poses[0], "white"), (poses[-1], _INK)):
        axes.add_patch(Circle(tuple(pose[:2]), radius, fc=face, ec=_INK, lw=1.4, zorder=8))
    nose = poses[-1, :2] + radius * np.array([np.cos(poses[-1, 2]), np.sin(poses[-1, 2])])
    axes.plot(*np.stack([poses[-1, :2], nose]).T, color="white", lw=1.4, zorder=9)
    for time_s in np.arange(_TICK_S, history.times[-1], _TICK_S):
        k = int(np.searchsorted(history.times, time_s - 1e-9))
        axes.plot(*poses[k, :2], "o", ms=5, color="white", mec=_INK, mew=1.3, zorder=8)
        axes.annotate(
            f"{time_s:.0f} s",
            (float(poses[k, 0]), float(poses[k, 1])),
            xytext=(0, 7),
            textcoords="offset points",
            size=7.5,
            color=_INK,
            ha="center",
            zorder=9,
            bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.8},
        )


def _key_numbers(history: History, apart: Floats | None, reference: str) -> list[str]:
    """Two lines: what the robot did, and what it did to people."""
    driven = [f"{history.times[-1]:.1f} s"]
    if np.isfinite(history.robot_poses).all():
        steps = np.linalg.norm(np.diff(history.robot_poses[:, :2], axis=0), axis=-1)
        driven.append(f"{steps.sum():.1f} m driven")
        if history.people.shape[1]:
            gaps = np.linalg.norm(history.people - history.robot_poses[:, None, :2], axis=-1)
            driven.append(f"nearest person {gaps.min():.2f} m away, centre to centre")
    lines = ["  ·  ".join(driven)]
    if apart is not None and apart.shape[1]:
        largest = apart.max(axis=0)
        lines.append(
            f"{int((largest > AFFECTED).sum())} of {len(largest)} people displaced by more than {AFFECTED:g} m "
            f"from where they would be {_REFERENCES.get(reference, reference)}: "
            f"mean {apart.mean():.2f} m, largest {largest.max():.2f} m"
        )
    return lines


def _legend(history: History, twin: History | None, reference: str) -> list[Any]:
    from matplotlib.lines import Line2D

    handles = []
    if np.isfinite(history.robot_poses).all():
        handles.append(Line2D([], [], color=_INK, lw=2.4, marker="o", mfc="white", ms=5, label="robot, every 5 s"))
    if history.people.shape[1]:
        label = "person, from dot to number"
        handles.append(Line2D([], [], color=_GREY, lw=1.5, marker="o", markevery=[0], ms=4, label=label))
        if twin is not None:
            label = f"the same {_REFERENCES.get(reference, reference)}"
            handles.append(Line2D([], [], color=_GREY, lw=1.1, ls=(0, (3.5, 2.0)), label=label))
            handles.append(
                Line2D([], [], color=_GREY, lw=6, alpha=0.3, label=f"displaced by more than {AFFECTED:g} m")
            )
    handles.append(Line2D([], [], ls="", marker="*", ms=11, mfc="white", mec=_INK, label="goal"))
    return handles
