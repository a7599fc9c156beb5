"""A picture of a replayed recording: who was followed where and when, and the way of the laser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.evaluation.report import PALETTE
from sac_son_nav.states import Floats

INK, GREY = "#22262B", "#5B6470"
COLOURED = 27  # tracks drawn in colour and with their number, the longest first; the others are pale
GAP_S = 1.0  # [s] without a place, over which no line is drawn


def draw_tracks(
    path: Path | str,
    times: Floats,
    ids: NDArray[np.int64],
    positions: Floats,
    robot: Floats | None = None,
    title: str = "",
    frame: str = "",
) -> None:
    """Draw tracks as a PNG, PDF or SVG (by the suffix of `path`): from above, and over time.

    times (R,) [s], ids (R,), positions (R, 2) [m] in `frame`: one row per person and moment, in order of time.
    `robot` (M, 2) [m]: the robot's way in the same frame, if it is known.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 8.2), facecolor="white", layout="constrained")
    above, over_time = figure.subplots(2, 1, height_ratios=[3.2, 1.0])
    followed = sorted(set(ids.tolist()), key=lambda n: -int(np.count_nonzero(ids == n)))
    began = float(times[0]) if len(times) else 0.0
    for rank, number in enumerate(followed):
        mine = ids == number
        line, when = positions[mine], times[mine] - began
        pale = rank >= COLOURED
        colour = "#CFD4DA" if pale else PALETTE[rank % len(PALETTE)]
        gap = np.flatnonzero(np.diff(when) > GAP_S) + 1
        broken = np.insert(line.astype(float), gap, np.nan, axis=0)
        above.plot(broken[:, 0], broken[:, 1], color=colour, linewidth=0.6 if pale else 1.6, zorder=1 if pale else 2)
        over_time.plot([when[0], when[-1]], [rank, rank], color=colour, linewidth=2.0, solid_capstyle="butt")
        if not pale:
            above.annotate(str(number), line[0], fontsize=7, color=colour, textcoords="offset points", xytext=(3, 3))
    if robot is not None and len(robot):
        above.plot(robot[:, 0], robot[:, 1], color=INK, linewidth=1.2, linestyle="--", label="robot", zorder=3)
        above.legend(frameon=False, fontsize=8, labelcolor=INK)
    elif robot is None:
        above.plot(0.0, 0.0, marker="^", color=INK, markersize=8, linestyle="none", label="laser")
        above.legend(frameon=False, fontsize=8, labelcolor=INK)
    above.set_aspect("equal", adjustable="datalim")
    above.set(xlabel=f"x in {frame} [m]", ylabel=f"y in {frame} [m]")
    above.set_title(title or "Tracks", loc="left", fontsize=12, fontweight="bold", color=INK)
    over_time.set(xlabel="time since the first person [s]", ylabel="track", yticks=[])
    for axes in (above, over_time):
        axes.tick_params(length=2, labelsize=8, colors=GREY)
        axes.xaxis.label.set(size=8, color=GREY)
        axes.yaxis.label.set(size=8, color=GREY)
        axes.grid(visible=True, color="#E9ECF0", linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
