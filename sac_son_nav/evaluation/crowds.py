"""`sac-son evaluate crowds`: the laws of walking against their known answers and published curves.

Prints tables and leaves them as crowds.json, with the curves as crowds.png. docs/crowds.md says what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sac_son_nav.config import make_folder
from sac_son_nav.crowds.orca import OrcaConfig
from sac_son_nav.crowds.power_law import PowerLawConfig
from sac_son_nav.evaluation.known_answers import (
    energy_of_time,
    head_on,
    least_gaps_across_a_circle,
    relaxation,
    speeds_from_rest,
)
from sac_son_nav.evaluation.pedestrian_flow import (
    FlowConfig,
    corridor_flow,
    ring_flow,
    single_file_speed,
    weidmann_speed,
)
from sac_son_nav.evaluation.report import PALETTE, write_summary
from sac_son_nav.simulation.laws import LAWS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Figures = dict[str, Any]
SEED = 0
RING = (10, 15, 20, 25, 30, 34)  # people in it; Seyfried et al. had 15 to 34
DENSITIES = (0.25, 0.5, 1.0, 1.5, 2.0)  # [1/m^2]
WORLDS = {"one way": (1, 1, 1, 1, 1), "two ways": (4, 4, 4, 4, 2)}  # one-way flows differ little between worlds
STEPS = (0.05, 0.1, 0.25)  # [s]: the world's, a prediction's and the CrowdNav test's
CIRCLES = (5, 10, 15, 20)  # people on it
GAP_WORLDS = 10
_NAMES = {"social_force": "social force", "orca": "ORCA", "power_law": "power law"}


def measure_crowds(out: Path, config: FlowConfig | None = None) -> int:
    """Measure everything, print it and leave it in `out`."""
    config = config or FlowConfig()
    make_folder(out, "crowds.json", "crowds.png")
    figures: Figures = {"config": asdict(config), "seed": SEED}
    for name, table in (
        ("free_speed", free_speed_table(config)),
        ("power_law_pair", pair_table()),
        ("orca_gaps", gap_table()),
        ("ring", ring_table(config)),
        ("corridor", corridor_table(config)),
    ):
        figures[name] = []
        for line, row in table:
            print(line, flush=True)
            if row:
                figures[name].append(row)
        print()
    write_summary(out / "crowds.json", figures)
    draw(out / "crowds.png", figures, config)
    print(f"{out}/crowds.png  {out}/crowds.json")
    return 0


Table = Iterator[tuple[str, Mapping[str, Any]]]
"""Lines as they become known, with the figures in them; headings have none."""


def free_speed_table(config: FlowConfig) -> Table:
    """How fast somebody alone is after one relaxation time, or one step."""
    yield "alone, from rest, 1.34 m/s wanted: speed after one relaxation time, or one step [m/s]", {}
    for name, law in LAWS.items():
        steps = max(1, round((law.relaxation_time or 0.0) / config.step))
        found = float(speeds_from_rest(law, 1.34, config.step, steps)[-1])
        known = relaxation(law, 1.34, steps * config.step)
        row = {"law": name, "time_s": steps * config.step, "speed": found, "known": known}
        yield f"  {_NAMES[name]:<14}{row['time_s']:5.2f} s   {found:.3f}   known {known:.3f}", row


def pair_table() -> Table:
    """The power of the power law, from two who come head-on."""
    law = PowerLawConfig()
    exponent, strength = energy_of_time(*head_on(law))
    row = {"exponent": exponent, "strength": strength, "known_exponent": 2.0, "known_strength": law.strength}
    yield "power law, two who come head-on: energy k / tau^p that slows them", {}
    yield f"  p {exponent:.3f}, known 2   k {strength:.3f} m^2, known {law.strength:g}", row


def gap_table() -> Table:
    """The least gaps by ORCA, with the margin it is used with and with none, as in the paper."""
    yield (
        f"ORCA, changing places across a circle of 10 m, {GAP_WORLDS} worlds: least gap [m] (share with an overlap)",
        {},
    )
    yield "  margin   step   " + "".join(f"{n:>10} people" for n in CIRCLES), {}
    for config in (OrcaConfig(), replace(OrcaConfig(), margin=0.0)):
        for step in STEPS:
            cells, rows = [], []
            for people in CIRCLES:
                random = np.random.default_rng([SEED, people])
                gaps = least_gaps_across_a_circle(config, people, step, GAP_WORLDS, random)
                share = float(np.mean(gaps < -1e-4))
                rows.append({"people": people, "least_gap": float(gaps.min()), "overlapping": share})
                cells.append(f"{gaps.min():10.4f} ({share:.1f})")
            row = {"margin": config.margin, "step": step, "circles": rows}
            yield f"  {config.margin:.2f} m   {step:.2f} s " + " ".join(cells), row


def ring_table(config: FlowConfig) -> Table:
    """Speed in single file against headway."""
    yield f"single file, a ring of {config.ring:g} m, {config.ring_speed:g} m/s wanted: speed [m/s]", {}
    yield "  headway [m]" + "".join(f"{_NAMES[name]:>14}" for name in LAWS) + "     published", {}
    for people in RING:
        headway = config.ring / people
        found = {
            name: ring_flow(law, people, config, np.random.default_rng([SEED, people])) for name, law in LAWS.items()
        }
        published = float(single_file_speed(np.array(headway), config.ring_speed))
        line = f"  {headway:11.2f}" + "".join(f"{found[name]:14.2f}" for name in LAWS) + f"{published:14.2f}"
        yield line, {"headway": headway, "speeds": found, "published": published}


def corridor_table(config: FlowConfig) -> Table:
    """Speed in a corridor against density: mean and range over worlds."""
    yield (
        f"corridor {config.width:g} m wide, steps of {config.step:g} s: mean speed [m/s] (lowest to highest world)",
        {},
    )
    yield "  flow     [1/m^2]" + "".join(f"  {_NAMES[name]:<18}" for name in LAWS) + " published", {}
    area = config.length * config.width
    for flow, worlds in WORLDS.items():
        off = dict.fromkeys(LAWS, 0.0)
        for density, count in zip(DENSITIES, worlds, strict=True):
            people = 2 * round(0.5 * density * area)
            published = float(weidmann_speed(np.array(people / area)))
            found, cells = {}, []
            for name, law in LAWS.items():
                random = np.random.default_rng([SEED, people])
                speeds = corridor_flow(law, people, flow == "two ways", config, count, random)
                found[name] = [float(v) for v in speeds]
                spread = f"({speeds.min():.2f} to {speeds.max():.2f})" if count > 1 else ""
                cells.append(f"{speeds.mean():5.2f} {spread:<14}")
                off[name] = max(off[name], abs(float(speeds.mean()) - published))
            row = {"flow": flow, "density": people / area, "speeds": found, "published": published}
            yield f"  {flow:<9}{people / area:7.2f}" + "".join(cells) + f"{published:10.2f}", row
        yield "  farthest from it" + "".join(f"{off[name]:5.2f}{'':<15}" for name in LAWS), {}


# -- the picture ------------------------------------------------------------------------------------------------


def draw(path: Path, figures: Figures, config: FlowConfig) -> None:
    """The three fundamental diagrams, measured and published, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.0), facecolor="white", layout="constrained")
    ring, *corridors = figure.subplots(1, 3, sharey=True)
    headway = np.linspace(0.36, 1.9, 200)
    ring.plot(headway, single_file_speed(headway, config.ring_speed), color="#22262B", label="published")
    ring.set(xlabel="headway [m]", ylabel="mean speed [m/s]", title="single file, Seyfried et al. 2005")
    for k, name in enumerate(LAWS):
        colour = PALETTE[k]
        rows, width = figures["ring"], 6.0 - 2.0 * k  # so that curves in one place are all seen
        ring.plot([r["headway"] for r in rows], [r["speeds"][name] for r in rows], color=colour, linewidth=width)
        for axes, flow in zip(corridors, WORLDS, strict=True):
            _draw_flow(axes, [r for r in figures["corridor"] if r["flow"] == flow], name, colour)
    density = np.linspace(0.1, 2.2, 200)
    for axes, flow in zip(corridors, WORLDS, strict=True):
        axes.plot(density, weidmann_speed(density), color="#22262B", label="published")
        axes.set(xlabel="density [1/m²]", title=f"corridor, {flow}, Weidmann 1993")
    corridors[-1].legend(frameon=False, fontsize=8)
    for axes in (ring, *corridors):
        axes.set_ylim(0.0, 1.5)
        axes.title.set_size(9)
        axes.tick_params(length=2, labelsize=8)
        axes.grid(visible=True, color="#E9ECF0", linewidth=0.6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=130)


def _draw_flow(axes: Axes, rows: list[Figures], name: str, colour: str) -> None:
    density = np.array([r["density"] for r in rows])
    speeds = [np.array(r["speeds"][name]) for r in rows]
    means = [v.mean() for v in speeds]
    axes.plot(density, means, "o-", color=colour, markersize=4, label=_NAMES[name])
    axes.fill_between(density, [v.min() for v in speeds], [v.max() for v in speeds], color=colour, alpha=0.15, lw=0)
