"""A picture of a rehearsal: from above, and along time what base, head, light, sound and skills do.

One column for each scene. Everything is told apart by place and label, never by colour alone.

    python -m expressive_motion.rehearsals.timeline PROGRAM PICTURE.png [--robot NAME] [--scene NAME ...]
"""

from __future__ import annotations

import argparse
import io
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.checks import describe_run
from expressive_motion.rehearsals.imagined import PERSON_RADIUS
from expressive_motion.rehearsals.rehearsal import Rehearsal, Run, rehearse
from expressive_motion.rehearsals.trace import Trace
from expressive_motion.robot import Description, describe
from expressive_motion.skills.embodiment import TICK, LightState
from sac_son_nav.config import write_atomically
from sac_son_nav.errors import SacSonError
from sac_son_nav.states import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI, WIDTH = 100, 12.0  # [in] of the picture
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
LEFT, BETWEEN, ABOVE, GAP = 1.35, 0.45, 2.4, 0.16  # [in] margin, between columns, height of the view from above, gap
LETTERS = 12.5  # per inch of a label
LONGEST_TITLE = 105  # letters that fit above the picture
LANES = 4  # of skills
QUESTIONS = frozenset({"person_is_here", "distance_to_person", "person_speed", "find_person"})
SHOWN = 5.5  # [m] round the robot, from above


@dataclass(frozen=True)
class _Row:
    """One row of a column: its name, height [in], what draws it, and what its lines mean, each in its colour. `draw`
    takes axes, a trace, and how many letters go into the axes' width."""

    name: str
    height: float
    draw: Callable[[Any, Trace, int], None]
    legend: tuple[tuple[str, str], ...] = ()


def draw(
    rehearsal: Rehearsal, description: Description, path: Path | str, scenes: Sequence[str] = (), title: str = ""
) -> None:
    """Write the picture of a rehearsal as PNG. `scenes`: those to show, the first if none is named."""
    runs = [rehearsal.run(name) for name in scenes] or [rehearsal.runs[0]]
    write_atomically(path, png(figure(runs, description, title)))


def png(picture: Figure) -> bytes:
    """A figure as a PNG file; the same figure gives the same bytes. A letter that the font lacks is an empty box."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    file = io.BytesIO()
    canvas: Any = FigureCanvasAgg(picture)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()


def figure(runs: Sequence[Run], description: Description, title: str = "") -> Figure:
    """The runs side by side."""
    from matplotlib.figure import Figure

    rows = _rows(description)
    top = 1.05 if title else 0.75
    tops = [top, top + ABOVE + 0.3]
    for row in rows:
        tops.append(tops[-1] + row.height + GAP)
    height = tops[-1] + 0.3
    picture = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=PAPER)
    if title:
        title = _verbatim(title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}\u2026")
        picture.text(0.15 / WIDTH, 1.0 - 0.25 / height, title, size=13, weight="bold", color=INK, va="center")
    wide = (WIDTH - LEFT - 0.2 - BETWEEN * (len(runs) - 1)) / len(runs)
    for number, run in enumerate(runs):
        x = LEFT + number * (wide + BETWEEN)
        words = f"{run.scene.name}, {run.verdict}: {describe_run(run.trace)}"
        words = fill(words, int(wide * LETTERS), max_lines=3, placeholder=" \u2026")
        picture.text(x / WIDTH, 1.0 - (top - 0.08) / height, words, size=9, color=INK, va="bottom", weight="bold")
        _draw_above(_axes(picture, x, tops[0], wide, ABOVE), run.trace, wide / ABOVE)
        for row, y in zip(rows, tops[1:], strict=False):
            strip = _axes(picture, x, y, wide, row.height)
            strip.set_xlim(0.0, run.trace.duration_s)
            row.draw(strip, run.trace, int(wide * LETTERS))
            strip.tick_params(labelbottom=row is rows[-1])
        strip.set_xlabel("time [s]", size=SIZE, color=GREY, labelpad=2)
    above = _Row(
        "from above", ABOVE, _draw_base, (("metres", GREY), ("filled: at first", GREY), ("hollow: at last", GREY))
    )
    for row, y in zip([above, *rows], tops, strict=False):
        _name(picture, row, y)
    return picture


def _axes(picture: Figure, x: float, y: float, wide: float, tall: float) -> Axes:
    """Bare axes at x, y [in], counted from the upper left corner."""
    width, height = picture.get_size_inches()
    axes = picture.add_axes((x / width, 1.0 - (y + tall) / height, wide / width, tall / height))
    axes.set_facecolor(PAPER)
    axes.tick_params(length=0, labelsize=SIZE - 1, colors=GREY)
    axes.grid(color=FAINT, lw=0.5)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def _name(picture: Figure, row: _Row, y: float) -> None:
    """A row's name and what its lines mean, in the left margin."""
    width, height = picture.get_size_inches()
    lines = [(row.name, INK, SIZE + 0.5), *((words, colour, SIZE - 1.5) for words, colour in row.legend)]
    middle = y + 0.5 * row.height - 0.075 * (len(lines) - 1)
    for number, (words, colour, size) in enumerate(lines):
        at = 1.0 - (middle + 0.15 * number) / height
        picture.text(0.15 / width, at, words, size=size, color=colour, va="center")


def _rows(description: Description) -> list[_Row]:
    body = description.body
    rows = [
        _Row("base", 1.0, _draw_base, (("m/s", ROBOT), ("turn, rad/s / 4", TURN), ("shade: shield", TURN))),
        _Row("person", 0.7, _draw_person, (("m, centres", PERSON), ("dots: touching", GREY))),
    ]
    if body.head is not None:
        rows.append(_Row("head", 0.9, _draw_head, (("pan, degrees", ROBOT), ("tilt, dashed", TURN))))
    if body.light is not None:
        rows.append(_Row("light", 0.28, _draw_light))
    if body.sound is not None or body.voice is not None:
        rows.append(_Row("sound", 0.5, _draw_sound, (("speech", ROBOT), ("tones", TURN))))
    rows.append(_Row("skills", 0.8, _draw_skills))
    return rows


# -- from above -----------------------------------------------------------------------------------------------------


def _draw_above(axes: Axes, trace: Trace, shape: float) -> None:
    """Paths of robot and people; discs where they are at first, filled, and at last, hollow. `shape`: width to height
    of the axes."""
    from matplotlib.patches import Circle
    from matplotlib.ticker import MultipleLocator

    places = np.concatenate([trace.poses[:, :2], trace.people.reshape(-1, 2)])
    places = places[np.isfinite(places).all(axis=-1)]
    middle, tall = _frame(places, shape)
    axes.set_xlim(middle[0] - 0.5 * tall * shape, middle[0] + 0.5 * tall * shape)
    axes.set_ylim(middle[1] - 0.5 * tall, middle[1] + 0.5 * tall)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(0.5 if tall < 2.5 and shape < 3.0 else 1.0))
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


def _frame(places: Floats, shape: float) -> tuple[Floats, float]:
    """Middle and height [m] of what is shown: everything within SHOWN of where the robot began, and some room."""
    near = places[np.linalg.norm(places - places[0], axis=-1) < SHOWN]
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


def _draw_base(axes: Axes, trace: Trace, letters: int) -> None:
    speed, turn = trace.velocities.T
    most = max(0.3, float(np.abs(speed).max()) * 1.15, float(np.abs(turn).max()) * 1.15 / 4.0)
    for held in trace.held:
        axes.axvspan(held.time_s, held.time_s + TICK, color=SHIELD, lw=0)
    axes.plot(trace.times, speed, color=ROBOT, lw=1.4)
    axes.plot(trace.times, turn / 4.0, color=TURN, lw=1.2, ls=(0, (4, 1.5)))
    axes.set_ylim(-most, most)
    axes.set_yticks([-_round(most), 0.0, _round(most)])


def _draw_person(axes: Axes, trace: Trace, letters: int) -> None:
    apart = np.where(np.isfinite(trace.to_person), trace.to_person, np.nan)
    if not np.isfinite(apart).any():
        axes.text(0.5, 0.5, "nobody", transform=axes.transAxes, size=SIZE, color=GREY, ha="center", va="center")
        axes.set_yticks([])
        return
    axes.plot(trace.times, apart, color=PERSON, lw=1.4)
    axes.set_ylim(0.0, max(2.0, float(np.nanmax(apart)) * 1.15))
    axes.axhline(trace.contact_gap, color=GREY, lw=0.8, ls=":")


def _draw_head(axes: Axes, trace: Trace, letters: int) -> None:
    pan, tilt = np.degrees(trace.heads).T
    axes.plot(trace.times, pan, color=ROBOT, lw=1.4)
    axes.plot(trace.times, tilt, color=TURN, lw=1.2, ls=(0, (4, 1.5)))
    most = max(15.0, float(np.abs(trace.heads).max()) * 180.0 / math.pi * 1.25)
    axes.set_ylim(-most, most)
    axes.set_yticks([-_round(most), 0.0, _round(most)])


def _draw_light(axes: Axes, trace: Trace, letters: int) -> None:
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
        room = (end - begin) / trace.duration_s * letters
        words = light.colour if light.pattern == "steady" else f"{light.colour}, {light.pattern}"
        if len(words) + 2 < room:
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


def _draw_sound(axes: Axes, trace: Trace, letters: int) -> None:
    """Sentences above tones, each with what is to be heard."""
    axes.set_ylim(0.0, 2.0)
    axes.set_yticks([])
    length = trace.duration_s
    for kind, y, colour in (("speech", 1.5, ROBOT), ("tone", 0.5, TURN)):
        free = length  # before which a label has to end
        for said in reversed([said for said in trace.said if said.utterance.kind == kind]):
            axes.barh(y, said.utterance.duration_s, 0.75, left=said.time_s, color=colour, alpha=0.3, lw=0)
            content = said.utterance.content
            words = f"\u201c{content}\u201d" if kind == "speech" else content
            room = int((free - said.time_s) / length * letters)
            late = free == length and len(words) > room  # the last one may stand before it
            if not late and len(words) > room:
                words = f"{words[: room - 2]}\u2026" if room > 3 else ""
            at, side = (length, "right") if late else (said.time_s + 0.004 * length, "left")
            axes.text(at, y, _verbatim(words), size=7.5, color=INK, va="center", ha=side)
            free = length * (1.0 - len(words) / letters) if late else said.time_s


def _verbatim(words: str) -> str:
    """Somebody's words as they stand: between two dollars Matplotlib would look for mathematics."""
    return words.replace("$", r"\$")


def _draw_skills(axes: Axes, trace: Trace, letters: int) -> None:
    """A bar for each call, in lanes, so that labels do not meet; where all lanes are taken a bar goes without. What
    takes no time and is neither seen nor heard, a question, is left out."""
    lanes = [0.0] * LANES
    length = trace.duration_s
    for performed in trace.performed:
        begin, took = performed.began_s, performed.ended_s - performed.began_s
        name = performed.call.skill
        if took < TICK and name in QUESTIONS:
            continue
        room = (len(name) + 1.5) / letters * length
        last = begin + room > length  # its label stands before it
        needed = begin - room if last else begin
        free = next((k for k, until in enumerate(lanes) if until <= needed + 1e-9), None)
        lane = int(np.argmin(lanes)) if free is None else free
        lanes[lane] = max(lanes[lane], begin + (took if free is None else max(took, room)))
        y = LANES - 0.5 - lane
        axes.barh(y, max(took, TICK), 0.7, left=begin, color=ROBOT, alpha=0.25, lw=0)
        axes.plot([begin, begin], [y - 0.35, y + 0.35], color=ROBOT, lw=1.0)
        at = begin - 0.004 * length if last else begin + 0.004 * length
        if free is not None:
            axes.text(at, y, name, size=7.5, color=INK, va="center", ha="right" if last else "left")
    axes.set_ylim(0.0, LANES)
    axes.set_yticks([])


def _round(most: float) -> float:
    """A round number a little below."""
    step = 10.0 ** math.floor(math.log10(most))
    return float(max(s * step for s in (1.0, 2.0, 5.0) if s * step <= most))


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse a program from a file, `-` for standard input; tell what came of it, and draw it."""
    parser = argparse.ArgumentParser(prog="python -m expressive_motion.rehearsals.timeline", description=main.__doc__)
    parser.add_argument("program", help="file, or - for standard input")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    parser.add_argument("--robot", default="simulated", help="name in config/robots, or a file (default: simulated)")
    parser.add_argument("--scene", action="append", default=[], help="to draw; may be given again (default: standing)")
    parser.add_argument("--title", default="")
    options = parser.parse_args(arguments)
    try:
        code = sys.stdin.read() if options.program == "-" else Path(options.program).read_text(encoding="utf-8")
        description = describe(options.robot)
        with Sandbox() as sandbox:
            sandbox.check(code, description)
            rehearsal = rehearse(code, description, sandbox)
        draw(rehearsal, description, options.picture, options.scene, options.title)
    except (SacSonError, OSError, UnicodeDecodeError) as error:
        print(error, file=sys.stderr)
        return 2
    print(rehearsal.summary(), *rehearsal.findings, sep="\n")
    return 0 if rehearsal.verdict == "fit" else 1


if __name__ == "__main__":
    sys.exit(main())
