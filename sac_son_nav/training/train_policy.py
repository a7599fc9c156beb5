"""`sac-son train policy`: the run, its pictures, and the model's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sac_son_nav.checkpoint import NO_GIT, Model, save_model
from sac_son_nav.config import build, make_folder, read_yaml, resource
from sac_son_nav.evaluation.provenance import git_state
from sac_son_nav.navigation import policy
from sac_son_nav.training.policy_task import LearnPolicy, PolicyTask
from sac_son_nav.training.run import RunConfig, processes, train

ROLLOUTS = "rollouts.png"
DRAWN = 6  # moments of the picture


@dataclass(frozen=True)
class PolicyTraining:
    """A file in config/train."""

    run: RunConfig = field(default_factory=RunConfig)
    task: PolicyTask = field(default_factory=PolicyTask)


def train_policy(config: Path, out: Path, data: Path | None = None) -> int:
    """Train as a config says, or go on with what `out` holds; the model is written to ``out/model``.
    `data`: the folder of recordings, where the config learns from recorded people."""
    path = config if config.is_file() else resource("config", f"train/{config}", what="training config")
    settings = build(PolicyTraining, read_yaml(path), str(path))
    with processes() as first:
        if first:
            make_folder(out)
        task = LearnPolicy(settings.task, out / "run", settings.run.seed, first, data)
        weights, report = train(task, settings.run, out / "run", asdict(settings.task), "policy")
        if first:
            draw_rollouts(task, weights, out / ROLLOUTS)
            _write(settings, weights, report, path, out / "model")
            print(f"model: {out / 'model'}")
    return 0


def _write(
    settings: PolicyTraining, weights: Mapping[str, NDArray[Any]], report: dict[str, Any], config: Path, folder: Path
) -> None:
    last = {name: round(points[-1][1], 4) for name, points in report["curves"].items() if points}
    command = _command(config.name, bool(settings.task.recorded))
    git = git_state()
    made = {"command": command, "git": git or NO_GIT, "steps": report["steps"], "seconds": report["seconds"]}
    made["figures"] = last
    task = settings.task
    commit = f"at commit {str(git['commit'])[:12]}" if git else "outside of a git checkout"
    people = f"people of {', '.join(sorted(set(task.humans)))}; rooms drawn by lot and the maps of {len(task.cards)}"
    people += " scenarios, with\n  seeds from 1 000 000 on. No recording of anybody was used."
    if task.recorded:
        people = f"robots among recorded people of\n  {', '.join(task.recorded)} (ETH and UCY)."
        people += " Moments kept apart are simulated."
    card = f"""# Policy

Proposes {task.policy.proposals} plans of {task.policy.steps} steps of {task.policy.step:g} s for a round base with
differential drive among people (docs/policy.md).

- **Input**: the route ahead, the robot's size and limits, the laser's returns, tracks of people.
- **Output**: velocities that the base can have, one after the other, and a score for each plan.
- **Learned from**: the embedded worlds, by gradients of the navigator's objective through `{task.answer}`;
  {people}
- **Made** by `{command}`, {report["steps"]} steps in {report["seconds"]:.0f} s, {commit}.
- **Figures** at moments kept apart, in the training's own units: {", ".join(f"{k} {v:g}" for k, v in last.items())}.
- **Limits**: it has seen simulated people only, and walls only as far as the laser sees them. It never proposes to
  reverse. Nothing it proposes is safe by itself: the objective ranks it, and the shield has the last word.
- **Licence**: as the package.
"""
    save_model(folder, Model("policy", asdict(task.policy), dict(weights), made), card)


def _command(config: str, recorded: bool) -> str:
    """As it was given, with as many processes."""
    together = int(os.environ.get("WORLD_SIZE", "1"))
    words = "sac-son" if together == 1 else f"torchrun --nproc_per_node {together} -m sac_son_nav.cli"
    return f"{words} train policy --config config/train/{config}{' --data DIR' if recorded else ''} --out DIR"


def draw_rollouts(task: LearnPolicy, weights: Mapping[str, NDArray[Any]], file: Path) -> None:
    """A strip of moments kept apart: the proposals of one robot in each, the one that truly costs least in colour, and
    the people then, as they would have been and as they are."""
    known = {name: torch.from_numpy(np.asarray(values)) for name, values in weights.items()}
    moments = [task.apart(k)[0] for k in range(min(DRAWN, task.config.validation_fleets))]
    figure = Figure(figsize=(4.0 * len(moments), 4.2), layout="constrained")
    for axis, moment in zip(np.atleast_1d(figure.subplots(1, len(moments))), moments, strict=True):
        one = moment.take(np.array([int(np.argmax(moment.chances))]))
        with torch.no_grad():
            plans = policy.propose(known, one.told, one.limits, task.config.policy).velocities
            best = int(task.cost(one, plans, "world")["total"].argmin())
            futures = task.futures(one, plans, "world")
        floor, (x, y) = one.scene.scenario.floor, one.world.poses[0, :2].tolist()
        x0, x1, y0, y1 = floor.extent
        axis.imshow(floor.occupied, extent=(x0, x1, y0, y1), origin="lower", cmap="Greys", alpha=0.5)
        axis.plot(*one.scene.route.points.T, color="0.7", linestyle=":")
        for k, path in enumerate(futures.poses[..., :2].numpy()):
            whole = np.concatenate([[[x, y]], path])
            axis.plot(*whole.T, color="tab:blue" if k == best else "tab:cyan", linewidth=2.5 if k == best else 0.8)
        for there, without in zip(
            futures.people_with[best].numpy(), futures.people_without[best].numpy(), strict=True
        ):
            axis.plot(*without.T, color="0.5", linestyle="--")
            axis.plot(*there.T, color="tab:red")
            axis.plot(*there[-1], "o", color="tab:red", markersize=4)
        axis.add_patch(_disc(x, y, one.scene.robot.radius))
        axis.set(xlim=(x - 5, x + 5), ylim=(y - 5, y + 5), title=f"{one.scene.scenario.name}, {one.scene.humans}")
        axis.set_aspect("equal")
    temporary = file.with_name(f".{file.name}")
    figure.savefig(temporary, format="png", dpi=70)
    temporary.replace(file)


def _disc(x: float, y: float, radius: float) -> Any:
    from matplotlib.patches import Circle

    return Circle((x, y), radius, color="tab:blue")
