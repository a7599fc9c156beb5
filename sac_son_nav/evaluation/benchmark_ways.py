"""The ways that planners and people took in one world, planner by planner, beside those people would have gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sac_son_nav.evaluation.benchmark_plots import LIGHT, Theme, add_axes, is_ours, new_figure
from sac_son_nav.evaluation.report import draw_floor, shown
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.simulation.counterfactual import AFFECTED
from sac_son_nav.states import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, TOP, GAP, HEAD = 11.0, 0.85, 0.2, 0.34  # [in]


def draw_ways(
    floor: OccupancyMap,
    runs: Mapping[str, Mapping[str, Floats]],
    told: Mapping[str, str],
    title: str,
    goal: Floats | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """One panel for each planner. `runs` are paths by planner: robot (T, 3), people and without (T, N, 2) [m], NaN for
    who is not there; `told` is a line for each planner."""
    x0, x1, y0, y1 = shown(floor)
    aspect = (y1 - y0) / (x1 - x0)
    across = min(len(runs), 3 if aspect < 0.75 else 4)
    columns = 3 if across < 3 else across  # a few panels are no larger than many
    wide = (WIDTH - 0.2 - GAP * columns) / columns
    tall = wide * aspect
    line = "Heavy: the robot. Solid: people, to the dot. Dashed: the same people without it."
    line += f" Hatched: over {AFFECTED:g} m apart."
    height = TOP + (tall + HEAD) * -(-len(runs) // across) + 0.1
    figure = new_figure(WIDTH, height, theme, title, line)
    for k, (planner, paths) in enumerate(runs.items()):
        i, j = divmod(k, across)
        axes = add_axes(figure, (0.2 + (wide + GAP) * j, TOP + (tall + HEAD) * i + HEAD - 0.08, wide, tall), theme)
        draw_floor(axes, floor, (theme.paper, theme.wall, theme.wall, theme.grey), line=0.6)
        _draw_people(axes, paths["people"], paths["without"], theme)
        colour = theme.ours if is_ours(planner) else theme.ink
        _draw_robot(axes, paths["robot"], goal, colour, theme)
        axes.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal", xticks=[], yticks=[])
        where: dict[str, Any] = {"transform": axes.transAxes, "va": "bottom"}
        axes.text(0.0, 1.02, planner, size=9.0, color=colour, weight="bold", **where)
        axes.text(1.0, 1.02, told.get(planner, ""), size=7.5, color=theme.grey, ha="right", **where)
    return figure


def _draw_people(axes: Axes, people: Floats, without: Floats, theme: Theme) -> None:
    from matplotlib.collections import LineCollection

    apart = np.nan_to_num(np.linalg.norm(people - without, axis=-1))
    for i in range(people.shape[1]):
        moved = np.flatnonzero(apart[:, i] > AFFECTED)
        rungs = np.stack([people[moved, i], without[moved, i]], axis=1)
        axes.add_collection(LineCollection(list(rungs), colors=theme.limit, linewidths=0.8, alpha=0.6, zorder=2))
        axes.plot(*without[:, i].T, color=theme.ink, lw=0.8, ls=(0, (2.0, 2.0)), zorder=3)
        axes.plot(*people[:, i].T, color=theme.person, lw=1.2, solid_capstyle="round", zorder=4)
        seen = np.flatnonzero(np.isfinite(people[:, i]).all(axis=-1))
        if len(seen):
            axes.plot(*people[seen[-1], i], "o", ms=3.8, color=theme.person, mec=theme.paper, mew=0.5, zorder=5)


def _draw_robot(axes: Axes, poses: Floats, goal: Floats | None, colour: str, theme: Theme) -> None:
    axes.plot(*poses[:, :2].T, color=colour, lw=2.2, solid_capstyle="round", zorder=6)
    if goal is not None:
        axes.plot(goal[0], goal[1], "*", ms=9.0, mfc=theme.paper, mec=colour, mew=1.0, zorder=7)
    axes.plot(*poses[0, :2], "o", ms=5.0, mfc=theme.paper, mec=colour, mew=1.3, zorder=8)
    axes.plot(*poses[-1, :2], "o", ms=6.5, mfc=colour, mec=theme.paper, mew=0.8, zorder=9)
