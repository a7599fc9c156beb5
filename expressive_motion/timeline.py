"""A picture of a rehearsal: from above, and along time what base, head, light, sound and skills do.

One column for each scene. Everything is told apart by place and label, never by colour alone.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from expressive_motion.checks import describe_run
from expressive_motion.embodiment import TICK, LightState
from expressive_motion.imagined import PERSON_RADIUS
from expressive_motion.rehearsal import Rehearsal, Run
from expressive_motion.robot import Description
from expressive_motion.trace import Trace
from sac_son_nav.config import write_atomically
from sac_son_nav.states import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
WIDTH = 12.0  # [in] of the picture
INK, GREY, FAINT, PAPER = "#22262B", "#5B6470", "#D5DAE0", "#FFFFFF"
ROBOT, PERSON, TURN, SHIELD = "#0072B2", "#009E73", "#D55E00", "#F3C9AE"  # accents of Okabe and Ito
SIZE = 8.5  # [points]
LIGHTS = {
    "white": "#E9E4D4",
    "red": "#D7352B",
    "green": "#2E9E57",
    "blue": "#2B6CD4",
    "orange": "#F08A1D",
    "yellow": "#F2CF1F",
    "purple": "#8A4FBF",
}
_FINE = 0.01  # [s] per column of a light's bar
_SHORTEST = 0.02  # share of the axis below which a span has no room for its label inside


@dataclass(frozen=True)
class _Row:
    """One row of a column: its name, height [in], and what draws it."""

    name: str
    height: float
    draw: Callable[[Any, Trace, Description], None]


def draw(
    rehearsal: Rehearsal, description: Description, path: Path | str, scenes: Sequence[str] = (), title: str = ""
) -> None:
    """Write the picture of a rehearsal as PNG. `scenes`: those to show, the first if none is named."""
    runs = [rehearsal.run(name) for name in scenes] or [rehearsal.runs[0]]
    write_atomically(path, png(figure(runs, description, title)))


def png(picture: Figure) -> bytes:
    """A figure as a PNG file; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    file = io.BytesIO()
    canvas: Any = FigureCanvasAgg(picture)
    canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()


def figure(runs: Sequence[Run], description: Description, title: str = "") -> Figure:
    """The runs side by side."""
    from matplotlib.figure import Figure

    rows = _rows(description)
    top, head, foot, gap = 2.4, 0.85 if title else 0.5, 0.45, 0.16
    height = head + top + 0.3 + sum(row.height + gap for row in rows) + foot
    picture = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=PAPER)
    if title:
        picture.text(0.15 / WIDTH, 1.0 - 0.25 / height, title, size=13, weight="bold", color=INK, va="center")
    left, between = 0.95, 0.4
    wide = (WIDTH - left - 0.2 - between * (len(runs) - 1)) / len(runs)
    for column, run in enumerate(runs):
        x = left + column * (wide + between)

        def axes(y: float, tall: float, x: float = x) -> Axes:
            return picture.add_axes((x / WIDTH, 1.0 - (y + tall) / height, wide / WIDTH, tall / height))

        letters = int(wide * 13)
        words = shorten(f"{run.scene.name}: {describe_run(run.trace)}; {run.verdict}", letters, placeholder=" ...")
        picture.text(x / WIDTH, 1.0 - (head - 0.15) / height, words, size=9.5, color=INK, va="center", weight="bold")
        _bare(axes_above := axes(head, top))
        _draw_above(axes_above, run.trace, wide / top)
        y = head + top + 0.3
        for number, row in enumerate(rows):
            strip = axes(y, row.height)
            _bare(strip)
            strip.set_xlim(0.0, run.trace.duration_s)
            row.draw(strip, run.trace, description)
            if column == 0:
                strip.text(-0.85 / wide, 0.5, row.name, transform=strip.transAxes, size=SIZE, color=INK, va="center")
            strip.tick_params(labelbottom=number == len(rows) - 1)
            y += row.height + gap
        strip.set_xlabel("time [s]", size=SIZE, color=GREY, labelpad=2)
    return picture


def _rows(description: Description) -> list[_Row]:
    body = description.body
    rows = [_Row("base", 1.0, _draw_base), _Row("person", 0.7, _draw_person)]
    if body.head is not None:
        rows.append(_Row("head", 0.9, _draw_head))
    if body.light is not None:
        rows.append(_Row("light", 0.28, _draw_light))
    if body.sound is not None or body.voice is not None:
        rows.append(_Row("sound", 0.42, _draw_sound))
    rows.append(_Row("skills", 0.8, _draw_skills))
    return rows


def _bare(axes: Axes) -> None:
    axes.set_facecolor(PAPER)
    axes.tick_params(length=0, labelsize=SIZE - 1, colors=GREY)
    axes.grid(color=FAINT, lw=0.5)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


# -- from above -----------------------------------------------------------------------------------------------------


def _draw_above(axes: Axes, trace: Trace, shape: float) -> None:
    """Paths of robot and people; discs where they are at first, filled, and at last, hollow. `shape`: width to height
    of the axes."""
    from matplotlib.patches import Circle

    places = np.concatenate([trace.poses[:, :2], trace.people.reshape(-1, 2)])
    places = places[np.isfinite(places).all(axis=-1)]
    middle, tall = _frame(places, shape)
    axes.set_xlim(middle[0] - 0.5 * tall * shape, middle[0] + 0.5 * tall * shape)
    axes.set_ylim(middle[1] - 0.5 * tall, middle[1] + 0.5 * tall)
    axes.set_aspect("equal")
    for x0, y0, x1, y1 in trace.scene.walls:
        axes.plot([x0, x1], [y0, y1], color=INK, lw=3, solid_capstyle="butt")
    for k in range(trace.people.shape[1]):
        path = trace.people[np.isfinite(trace.people[:, k, 0]), k]
        if not len(path):
            continue
        axes.plot(path[:, 0], path[:, 1], color=PERSON, lw=1.2)
        axes.add_patch(Circle((path[0, 0], path[0, 1]), PERSON_RADIUS, color=PERSON, alpha=0.35, lw=0))
        axes.add_patch(Circle((path[-1, 0], path[-1, 1]), PERSON_RADIUS, fill=False, ec=PERSON, lw=1.2))
        _label(axes, path[0], "person", PERSON)
    axes.plot(trace.poses[:, 0], trace.poses[:, 1], color=ROBOT, lw=1.5)
    first, last = trace.poses[0], trace.poses[-1]
    axes.add_patch(Circle((first[0], first[1]), trace.radius, color=ROBOT, alpha=0.25, lw=0))
    axes.add_patch(Circle((last[0], last[1]), trace.radius, fill=False, ec=ROBOT, lw=1.5))
    nose = last[:2] + trace.radius * np.array([math.cos(last[2]), math.sin(last[2])])
    axes.plot([last[0], nose[0]], [last[1], nose[1]], color=ROBOT, lw=1.5)
    _label(axes, first, "robot", ROBOT)
    axes.text(
        0.995,
        0.03,
        "metres; filled: at first, hollow: at last",
        transform=axes.transAxes,
        size=7.5,
        color=GREY,
        ha="right",
    )


def _frame(places: Floats, shape: float) -> tuple[Floats, float]:
    """Middle and height [m] of what is shown: everything within 4 m of where the robot began, and some room."""
    near = places[np.linalg.norm(places - places[0], axis=-1) < 4.0]
    low, high = near.min(axis=0) - 0.5, near.max(axis=0) + 0.5
    wide, tall = high - low
    return np.asarray(0.5 * (low + high)), float(max(tall, wide / shape, 1.6))


def _label(axes: Axes, place: Floats, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (place[0], place[1]),
        (0, -22),
        textcoords="offset points",
        size=SIZE,
        color=colour,
        ha="center",
        va="center",
        annotation_clip=True,
    )


# -- along time -----------------------------------------------------------------------------------------------------


def _draw_base(axes: Axes, trace: Trace, description: Description) -> None:
    speed, turn = trace.velocities.T
    most = max(0.3, float(np.abs(speed).max()) * 1.15, float(np.abs(turn).max()) * 1.15 / 4.0)
    for held in trace.held:
        axes.axvspan(held.time_s, held.time_s + TICK, color=SHIELD, lw=0)
    axes.plot(trace.times, speed, color=ROBOT, lw=1.4)
    axes.plot(trace.times, turn / 4.0, color=TURN, lw=1.2, ls=(0, (4, 1.5)))
    axes.set_ylim(-most, most)
    axes.set_yticks([-_round(most), 0.0, _round(most)])
    axes.text(0.004, 0.95, "m/s", transform=axes.transAxes, size=7.5, color=ROBOT, va="top")
    axes.text(0.045, 0.95, "dashed: turn, rad/s / 4", transform=axes.transAxes, size=7.5, color=TURN, va="top")
    if trace.held:
        axes.text(
            0.996,
            0.95,
            "shaded: held back by the shield",
            transform=axes.transAxes,
            size=7.5,
            color=TURN,
            ha="right",
            va="top",
        )


def _draw_person(axes: Axes, trace: Trace, description: Description) -> None:
    apart = np.where(np.isfinite(trace.to_person), trace.to_person, np.nan)
    if not np.isfinite(apart).any():
        axes.text(0.5, 0.5, "nobody", transform=axes.transAxes, size=SIZE, color=GREY, ha="center", va="center")
        axes.set_yticks([])
        return
    axes.plot(trace.times, apart, color=PERSON, lw=1.4)
    axes.set_ylim(0.0, max(2.0, float(np.nanmax(apart)) * 1.15))
    axes.axhline(trace.contact_gap, color=GREY, lw=0.8, ls=":")
    axes.text(
        0.004, 0.93, "m between centres; dotted: touching", transform=axes.transAxes, size=7.5, color=PERSON, va="top"
    )


def _draw_head(axes: Axes, trace: Trace, description: Description) -> None:
    pan, tilt = np.degrees(trace.heads).T
    axes.plot(trace.times, pan, color=ROBOT, lw=1.4)
    axes.plot(trace.times, tilt, color=TURN, lw=1.2, ls=(0, (4, 1.5)))
    most = max(15.0, float(np.abs(trace.heads).max()) * 180.0 / math.pi * 1.25)
    axes.set_ylim(-most, most)
    axes.set_yticks([-_round(most), 0.0, _round(most)])
    axes.text(0.004, 0.95, "degrees, pan", transform=axes.transAxes, size=7.5, color=ROBOT, va="top")
    axes.text(0.095, 0.95, "dashed: tilt", transform=axes.transAxes, size=7.5, color=TURN, va="top")


def _draw_light(axes: Axes, trace: Trace, description: Description) -> None:
    """Bars as the light looks: broken while it blinks, shaded while it pulses."""
    from matplotlib.colors import to_rgb

    moments = np.arange(0.0, trace.duration_s, _FINE)
    bar = np.ones((1, len(moments), 4))
    bar[..., 3] = 0.0
    spans = _light_spans(trace)
    for begin, end, light in spans:
        here = (moments >= begin - 1e-9) & (moments < end - 1e-9)
        bar[0, here, :3] = to_rgb(LIGHTS.get(light.colour, GREY))
        bar[0, here, 3] = _brightness(light, moments[here] - begin)
    axes.imshow(bar, extent=(0.0, trace.duration_s, 0.0, 1.0), aspect="auto", interpolation="nearest")
    axes.set_xlim(0.0, trace.duration_s)
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([])
    axes.grid(visible=False)
    for begin, end, light in spans:
        axes.plot([begin, begin, end, end, begin], [0, 1, 1, 0, 0], color=GREY, lw=0.6, clip_on=False)
        if end - begin > 5 * _SHORTEST * trace.duration_s:
            words = f"{light.colour}, {light.pattern}"
            box = {"facecolor": PAPER, "alpha": 0.8, "pad": 1, "lw": 0}
            axes.text(begin + 0.006 * trace.duration_s, 0.5, words, size=7.5, color=INK, va="center", bbox=box)


def _light_spans(trace: Trace) -> list[tuple[float, float, LightState]]:
    """What the light showed, from when to when [s]."""
    spans: list[tuple[float, float, LightState]] = []
    begin = 0
    for k in range(1, len(trace) + 1):
        if k == len(trace) or trace.lights[k] != trace.lights[begin]:
            if trace.lights[begin].brightness > 0.0:
                spans.append((begin * TICK, k * TICK, trace.lights[begin]))
            begin = k
    return spans


def _brightness(light: LightState, since: Floats) -> Floats:
    """How bright it looks (K,) at times (K,) [s] since it was set."""
    phase = since / light.period_s
    if light.pattern == "blink":
        return np.where(phase % 1.0 < 0.5, 1.0, 0.05)
    if light.pattern == "pulse":
        return np.asarray(0.55 - 0.45 * np.cos(2.0 * math.pi * phase))
    return np.ones(len(since))


def _draw_sound(axes: Axes, trace: Trace, description: Description) -> None:
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([])
    for said in trace.said:
        speech = said.utterance.kind == "speech"
        colour = ROBOT if speech else TURN
        axes.barh(0.25, said.utterance.duration_s, 0.4, left=said.time_s, color=colour, alpha=0.35, lw=0)
        words = (
            f"“{shorten(said.utterance.content, 60, placeholder=' ...')}”" if speech else f"♪ {said.utterance.content}"
        )
        late = said.time_s > 0.7 * trace.duration_s
        axes.text(said.time_s, 0.78, words, size=7.5, color=INK, va="center", ha="right" if late else "left")


def _draw_skills(axes: Axes, trace: Trace, description: Description) -> None:
    """A bar for each call, in lanes, so that labels of short ones do not meet."""
    lanes = [0.0, 0.0, 0.0, 0.0]
    length = trace.duration_s
    for performed in trace.performed:
        begin, took = performed.began_s, performed.ended_s - performed.began_s
        name = performed.call.skill
        room = max(took, len(name) * 0.0075 * length + 0.01 * length)
        lane = next((k for k, free in enumerate(lanes) if free <= begin + 1e-9), int(np.argmin(lanes)))
        lanes[lane] = begin + room
        y = 3.5 - lane
        axes.barh(y, max(took, TICK), 0.7, left=begin, color=ROBOT, alpha=0.25, lw=0)
        axes.plot([begin, begin], [y - 0.35, y + 0.35], color=ROBOT, lw=1.0)
        axes.text(begin + 0.004 * length, y, name, size=7.5, color=INK, va="center", clip_on=True)
    axes.set_ylim(0.0, 4.0)
    axes.set_yticks([])


def _round(most: float) -> float:
    """A round number a little below."""
    step = 10.0 ** math.floor(math.log10(most))
    return float(max(s * step for s in (1.0, 2.0, 5.0) if s * step <= most))
