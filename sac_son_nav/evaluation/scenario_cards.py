"""Scenario cards: every ready-made scenario as a picture, and whether a robot meets anybody in it.

Both are taken with a robot that isn't there: at full speed along the shortest way of its errand, heeding nobody and
heeded by nobody. So they show the encounter the scenario sets up, not how somebody resolves it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sac_son_nav.config import RobotProfile, load_robot, make_folder, resource, write_atomically
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.report import PALETTE, draw_floor, shown
from sac_son_nav.simulation.scenarios import (
    PersonGroup,
    Scenario,
    cast_people,
    load_scenario,
    standing_groups,
    streams,
)
from sac_son_nav.simulation.world import DT, World
from sac_son_nav.states import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEAR = 1.2  # [m] between two people, within which Hall ("The Hidden Dimension", 1966) speaks of personal space
PAPER = (0.5, 7.4)  # inches for a metre of floor, and for a whole picture's longer side at the most
DPI = 110
COLOURS = 64  # of a picture
EVE = 1.5  # [s] before the robot would be nearest to somebody: when people are shown
_INK, _GREY = "#22262B", "#5B6470"


@dataclass(frozen=True)
class Meetings:
    """How near the robot that isn't there comes to people, for each of S seeds: `closest` (S,) [m], centre to centre,
    `when` (S,) [s], and to how many it comes nearer than NEAR, `met` (S,)."""

    closest: Floats
    when: Floats
    met: Floats


def straight_way(scenario: Scenario, robot: RobotProfile) -> Floats:
    """Where the robot would be if nobody were there, (T, 2) [m] every DT from the start until it has arrived or its
    time is over: at full speed along the way a person would take."""
    at, goal, way = scenario.robot_start[:2], scenario.robot_goal[:2], scenario.walking.way_to(scenario.robot_goal[:2])
    places = [at]
    for _ in range(round(scenario.time_limit / DT)):
        row, column = scenario.walking.cell_at(at)
        ahead = goal - at if way.in_sight[row, column] else way.directions[row, column]
        at = at + robot.limits.vx_max * DT * ahead / np.linalg.norm(ahead)
        places.append(at)
        if np.linalg.norm(goal - at) < scenario.robot.tolerance:
            break
    return np.array(places)


def walks(
    scenario: Scenario, robot: RobotProfile, seeds: Sequence[int], moments: int, gait: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Where people are while no robot is there, (T, S, N, 2) [m] every DT, of each seed; where they look, (T, S, N)
    [rad], which is kept up with the `gait` only; and how wide they are, (S, N) [m]."""
    world = World(scenario, robot, seeds, present=False, gait=gait)
    crowd: Any = world.crowd  # of whatever kind, it has headings
    places, headings = [np.array(crowd.positions)], [np.array(crowd.headings)]
    for _ in range(moments - 1):
        world.step()
        places.append(np.array(crowd.positions))
        headings.append(np.array(crowd.headings))
    return np.stack(places), np.stack(headings), np.asarray(crowd.radii)


def meetings(scenario: Scenario, robot: RobotProfile, seeds: Sequence[int]) -> Meetings:
    """Whom the robot would meet if it went straight on, of each seed. The scenario has people."""
    way = straight_way(scenario, robot)
    places, _, _ = walks(scenario, robot, seeds, len(way))
    apart = np.linalg.norm(places - way[:, None, None], axis=-1)  # (T, S, N)
    nearest = apart.min(axis=-1)
    met = np.count_nonzero(apart.min(axis=0) < NEAR, axis=-1).astype(np.float64)
    return Meetings(nearest.min(axis=0), nearest.argmin(axis=0) * DT, met)


def shipped_names() -> list[str]:
    """The scenarios in config/scenarios, in order of name."""
    return sorted(path.stem for path in resource("config", "scenarios").glob("*.yaml"))


def scenario_cards(names: Sequence[str], draw: Path | None, runs: int, seed: int, robot: str) -> int:
    """What `sac-son scenarios` does: list the scenarios by name (none: all that are shipped), draw each as
    ``<name>.png`` in the folder `draw`, or print whom a robot would meet in seeds `seed` to `seed + runs - 1`."""
    if runs < 0:
        raise ConfigError(f"--meet: expected a number of seeds, got {runs}")
    profile = load_robot(robot)
    scenarios = [load_scenario(name) for name in names or shipped_names()]
    width = max(len(scenario.name) for scenario in scenarios)
    if runs:
        print(f"{'':{width}}            closest [m]        people   at [s]")
        print(f"{'':{width}}  people   10 %   50 %   90 %     met     50 %")
    folder = None if draw is None else make_folder(draw)
    for scenario in scenarios:
        people = sum(group.count for group in scenario.people)  # those of a recording come and go
        if folder is not None:
            draw_card(folder / f"{scenario.name}.png", scenario, profile, seed)
        if runs and people:
            found = meetings(scenario, profile, range(seed, seed + runs))
            low, middle, high = np.quantile(found.closest, [0.1, 0.5, 0.9])
            shares = f"{low:7.2f}{middle:7.2f}{high:7.2f}{np.mean(found.met):8.1f}{np.median(found.when):9.1f}"
            print(f"{scenario.name:{width}}{people:8d}{shares}", flush=True)
        elif not runs:
            print(f"{scenario.name:{width}}  {_first_sentence(scenario.description)}")
    return 0


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].rstrip(".")


# -- pictures -------------------------------------------------------------------------------------------------------


def draw_card(path: Path, scenario: Scenario, robot: RobotProfile, seed: int) -> None:
    """Draw a scenario from above, as a PNG, with the people of one seed.

    Everybody is shown EVE seconds before the robot, going straight on, would be nearest to somebody: full lines are
    where they have walked by then, dotted ones where they go until the robot would arrive. Rectangles with a full
    line are regions in which people start, with a dashed line those they go to.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    way = straight_way(scenario, robot)
    places, headings, radii = walks(scenario, robot, [seed], len(way), gait=True)
    places, headings = places[:, 0], headings[:, 0]
    moment = 0
    if places.shape[1]:
        nearest = np.nan_to_num(np.linalg.norm(places - way[:, None], axis=-1), nan=np.inf).min(axis=1)
        moment = max(0, int(nearest.argmin()) - round(EVE / DT))
    x0, x1, y0, y1 = _cut(scenario, places, way)
    scale = min(PAPER[0], PAPER[1] / max(x1 - x0, y1 - y0))
    width, height = scale * (x1 - x0), scale * (y1 - y0) + 0.22
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((0.0, 0.22 / height, 1.0, 1.0 - 0.22 / height))
    draw_floor(axes, scenario.floor)
    for standing in standing_groups(scenario, cast_people(scenario, streams(scenario, seed))):
        if standing.until_s > moment * DT:
            _draw_disc(axes, np.array(standing.centre), standing.radius, fc="#F6E9BF", ec="none", zorder=2)
    for group, colour in zip(scenario.people, PALETTE * len(scenario.people), strict=False):
        _draw_places(axes, group, colour)
    for i, colour in enumerate(_colours(scenario, places.shape[1])):
        _draw_walk(axes, places[:, i], moment, colour)
        _draw_body(axes, places[moment, i], float(headings[moment, i]), float(radii[0, i]), colour)
    _draw_robot(axes, scenario, way, moment, robot.radius)
    axes.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
    axes.axis("off")
    low = 0.11 / height
    if places.shape[1]:
        note = f"seed {seed}, after {moment * DT:.1f} s"
        figure.text(0.5, low, note, size=7.5, color=_GREY, ha="center", va="center")
    left, right = 0.12 / width, (0.12 + scale) / width
    figure.add_artist(Line2D([left, right], [low, low], color=_GREY, lw=1.2))
    figure.text(right + 0.06 / width, low, "1 m", size=7.0, color=_GREY, va="center")
    write_atomically(path, _small_png(figure))


def _colours(scenario: Scenario, count: int) -> list[str]:
    """Of each person: that of their group, or their own where there is one group or none."""
    groups = [g for g, group in enumerate(scenario.people) for _ in range(group.count)]
    return [PALETTE[(groups[i] if len(scenario.people) > 1 else i) % len(PALETTE)] for i in range(count)]


def _cut(scenario: Scenario, places: Floats, way: Floats) -> tuple[float, float, float, float]:
    """x_min, x_max, y_min, y_max [m] of what is shown: the open floor, or, where there are no walls, what happens."""
    if scenario.floor.occupied.any():
        return shown(scenario.floor)
    points = np.concatenate([places[np.isfinite(places).all(axis=-1)], way])
    for group in scenario.people:
        if group.circle:
            reach = np.array([[-1.0, -1.0], [1.0, 1.0]]) * group.circle.radius
            points = np.concatenate([points, np.array(group.start) + reach])
    (x0, y0), (x1, y1) = points.min(axis=0) - 0.6, points.max(axis=0) + 0.6
    return float(x0), float(x1), float(y0), float(y1)


def _draw_places(axes: Axes, group: PersonGroup, colour: str) -> None:
    """Where a group starts and where it goes."""
    from matplotlib.patches import Circle, Rectangle

    for place, line in ((group.start, "-"), *((stop.to, (0, (3, 2))) for stop in group.errand)):
        if len(place) == 4:
            corner, size = (place[0], place[1]), (place[2] - place[0], place[3] - place[1])
            axes.add_patch(Rectangle(corner, *size, fc=colour, alpha=0.08, lw=0.0, zorder=1))
            axes.add_patch(Rectangle(corner, *size, fc="none", ec=colour, lw=0.8, ls=line, alpha=0.55, zorder=1))
    if group.circle:
        middle, dashed = (group.start[0], group.start[1]), (0, (3, 2))
        axes.add_patch(Circle(middle, group.circle.radius, fc="none", ec=_GREY, lw=0.8, ls=dashed, alpha=0.6))


def _draw_walk(axes: Axes, walk: Floats, moment: int, colour: str) -> None:
    """The way of one person (T, 2) [m] before and after the moment."""
    before, after = walk[: moment + 1], walk[moment:]
    axes.plot(*before.T, color=colour, lw=1.1, alpha=0.65, solid_capstyle="round", zorder=4)
    axes.plot(*walk[0], "o", ms=2.6, color=colour, zorder=4)
    if not np.linalg.norm(after - after[0], axis=-1).max() > 0.5:
        return
    axes.plot(*after.T, color=colour, lw=1.1, ls=(0, (1, 1.6)), zorder=3)
    ahead = np.flatnonzero(np.linalg.norm(after - after[-1], axis=-1) > 0.15)
    style = {"arrowstyle": "-|>,head_width=0.16,head_length=0.32", "color": colour, "lw": 0.8}
    axes.annotate("", after[-1], after[ahead[-1]], arrowprops={**style, "shrinkA": 0, "shrinkB": 0}, zorder=4)


def _draw_body(axes: Axes, place: Floats, yaw: float, radius: float, colour: str) -> None:
    """A body of `radius` [m] at a place (2,) [m], and where it looks."""
    _draw_disc(axes, place, radius, fc=colour, ec="white", lw=0.8, zorder=6)
    tip = place + 0.8 * radius * np.array([np.cos(yaw), np.sin(yaw)])
    ink = "white" if colour != "white" else _INK
    axes.plot(*np.stack([place, tip]).T, color=ink, lw=1.3, solid_capstyle="round", zorder=9)


def _draw_robot(axes: Axes, scenario: Scenario, way: Floats, moment: int, radius: float) -> None:
    """The robot's errand, and where it would be at the moment."""
    axes.plot(*way.T, color=_INK, lw=1.5, ls=(0, (4, 2)), zorder=5)
    axes.plot(*scenario.robot_goal[:2], marker="*", ms=12, color="white", mec=_INK, mew=1.1, zorder=8)
    start = scenario.robot_start
    _draw_body(axes, start[:2], float(start[2]), radius, "white")
    _draw_disc(axes, start[:2], radius, fc="none", ec=_INK, lw=1.1, zorder=7)
    if moment:
        ahead = way[min(moment + 1, len(way) - 1)] - way[max(moment - 1, 0)]
        _draw_body(axes, way[moment], float(np.arctan2(ahead[1], ahead[0])), radius, _INK)


def _draw_disc(axes: Axes, centre: Floats, radius: float, **style: object) -> None:
    from matplotlib.patches import Circle

    axes.add_patch(Circle((float(centre[0]), float(centre[1])), radius, **style))


def _small_png(figure: Any) -> bytes:
    """The figure as a PNG of few colours."""
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    Image.open(drawn).convert("RGB").quantize(COLOURS, kmeans=3).save(small, format="png", optimize=True)
    return small.getvalue()
