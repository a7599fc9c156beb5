"""One training run: a folder that can be stopped, killed and gone on with, and ends with the same weights.

A :class:`Task` says what is learned; :func:`train` does the rest: AdamW on a warmed-up cosine, clipped gradients, a
moving average of the weights, validation, curves. What a batch holds is a function of seed and step, so nothing but
the state of the optimiser has to be kept: `state.safetensors`, written atomically. A run that was killed goes on from
there and ends with the very weights it would have had.

Under ``torchrun`` each process takes its share of every batch; gradients are summed before they are divided by what
the whole batch counts, so they are those of one process (up to the order of a sum). The first process writes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.distributed as dist
import yaml
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sac_son_nav.checkpoint import NO_GIT, Tensors, read_tensors, write_tensors
from sac_son_nav.config import make_folder, write_atomically
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.provenance import git_state, versions

STATE, RESOLVED, CURVES = "state.safetensors", "run.yaml", "curves.png"
DRAW_EVERY = 15.0  # [s]: a picture takes longer than many steps
Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class RunConfig:
    """How long and how fast. `rate` rises over `warmup` steps, then falls to 0 along a cosine.

    `seconds`: after which a run ends even if steps are left, its rate fallen to 0 by then; 0: never. What comes of a
    run that time ended depends on the machine.
    """

    steps: int = 2000
    batch: int = 512  # what one step draws, over all processes
    rate: float = 1e-3  # of AdamW, at its highest
    warmup: int = 100  # steps
    weight_decay: float = 1e-4
    clip: float = 1.0  # longest gradient
    average: float = 0.99  # of the weights that are kept: how much of the last average stays at each step
    validate_every: int = 200  # steps; the state is saved as often
    keep: str = "last"  # which weights are kept: the last, or those with the best validation
    seconds: float = 0.0
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.validate_every) < 1:
            raise ConfigError("steps, batch, validate_every: expected at least 1")
        if self.keep not in ("last", "best"):
            raise ConfigError(f"keep: expected last or best, got {self.keep!r}")
        if not 0.0 <= self.average < 1.0:
            raise ConfigError(f"average: expected from 0 to below 1, got {self.average}")


class Task(Protocol):
    """What is learned."""

    def initial(self, random: np.random.Generator) -> Mapping[str, NDArray[np.float32]]:
        """Parameters to begin with."""
        ...  # pragma: no cover

    def batch(self, random: np.random.Generator, size: int, step: int) -> Mapping[str, NDArray[Any] | torch.Tensor]:
        """Examples drawn by lot: arrays, or tensors of any device, with as many examples along the first axis as each
        other."""
        ...  # pragma: no cover

    def loss(
        self, parameters: Mapping[str, torch.Tensor], batch: Batch, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | float]:
        """The loss summed over the examples of a batch or a share of it, and what to divide the sum by."""
        ...  # pragma: no cover

    def validate(self, parameters: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
        """Figures on examples kept apart; the first is the one that "best" means, the smaller the better."""
        ...  # pragma: no cover


def train(
    task: Task, config: RunConfig, folder: Path, told: Mapping[str, Any] | None = None, title: str = "training"
) -> tuple[Tensors, dict[str, Any]]:
    """Train, or go on with what `folder` holds. The weights that are kept (averaged), and a report: steps, seconds,
    curves. `told` is written down with the run, and a folder in which another run was told is refused."""
    with processes():
        return _Run(task, config, folder, told or {}, title).go()


@contextmanager
def processes() -> Iterator[bool]:
    """Work together with the other processes that ``torchrun`` started, if any; whether this is the first, who writes.
    Within another one it changes nothing."""
    begins = int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized()
    if begins:
        dist.init_process_group("gloo")
    try:
        yield not dist.is_initialized() or dist.get_rank() == 0
    finally:
        if begins:
            dist.destroy_process_group()


class _Run:
    """The state of a run, and a step of it."""

    def __init__(self, task: Task, config: RunConfig, folder: Path, told: Mapping[str, Any], title: str) -> None:
        self.task, self.config, self.folder, self.title = task, config, folder, title
        self.rank, self.processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self.told = {"run": asdict(config), "told": _plain(told)}
        initial = task.initial(np.random.default_rng([config.seed, 0]))
        self.parameters = {
            name: torch.from_numpy(array.copy()).to(config.device).requires_grad_() for name, array in initial.items()
        }
        self.average = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.best: dict[str, torch.Tensor] = {}
        self.optimiser = torch.optim.AdamW(
            list(self.parameters.values()), lr=config.rate, weight_decay=config.weight_decay
        )
        self.step, self.seconds, self.passed = 0, 0.0, 0.0
        self.curves: dict[str, list[list[float]]] = {"loss": []}
        self.progress, self.drawn = Progress(), time.monotonic()  # a curve of one point says nothing
        if (folder / STATE).is_file():
            self._read()
        elif self.rank == 0:
            make_folder(folder)
            self._write_settings()

    def go(self) -> tuple[Tensors, dict[str, Any]]:
        began, losses = time.monotonic() - self.seconds, list[torch.Tensor]()
        try:
            while not self._over():
                self.seconds = time.monotonic() - began
                losses.append(self._step())
                self.seconds = time.monotonic() - began
                if self.step % self.config.validate_every == 0 or self._over():
                    self._note("loss", float(torch.stack(losses).double().mean()))
                    losses = []
                    self._validate()  # all processes, for a task may share this work, too
                    if self.rank == 0:
                        self._save()
                self._say()
        except KeyboardInterrupt:
            if self.rank == 0:
                self._save()
            raise
        kept = self.best if self.config.keep == "best" and self.best else self.average
        report = {"steps": self.step, "seconds": round(self.seconds, 1), "curves": self.curves}
        return {name: p.detach().cpu().numpy() for name, p in kept.items()}, report

    def _over(self) -> bool:
        return self.step >= self.config.steps or self._done() >= 1.0

    def _done(self) -> float:
        """Share of the run that is behind, by steps or by time, whichever is more; the same in all processes."""
        by_time = self.passed / self.config.seconds if self.config.seconds else 0.0
        return max(self.step / self.config.steps, by_time)

    def _step(self) -> torch.Tensor:
        """One batch, one step of the optimiser; the loss, left on the device, for to read it is to wait for it."""
        config, random = self.config, np.random.default_rng([self.config.seed, 1, self.step])
        drawn = self.task.batch(random, config.batch, self.step)
        share = {name: self._share(array) for name, array in drawn.items()}
        total, count = self.task.loss(self.parameters, share, self.step)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        loss = self._share_gradients(total.detach(), count)
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), config.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = config.rate * _schedule(self.step, self._done(), config)
        self.optimiser.step()
        self.step += 1
        keep = min(config.average, self.step / (self.step + 10.0))  # the first average is not of the first guess
        with torch.no_grad():
            for name, p in self.parameters.items():
                self.average[name].lerp_(p, 1.0 - keep)
        return loss

    def _share(self, drawn: NDArray[Any] | torch.Tensor) -> torch.Tensor:
        """This process's share of what was drawn for all, on the device; a tensor may be there already."""
        mine = drawn[self.rank :: self.processes]
        held = mine if isinstance(mine, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(mine))
        return held.to(self.config.device)

    def _share_gradients(self, total: torch.Tensor, count: torch.Tensor | float) -> torch.Tensor:
        """Sum gradients over the processes and divide by what the whole batch counts; the loss of that batch."""
        grown = list(self.parameters.values())
        for p in grown:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        more = (
            torch.as_tensor(v, dtype=total.dtype, device=total.device) for v in (count, self.seconds / self.processes)
        )
        figures = torch.stack([total, *more])
        if self.processes > 1:
            flat = torch.cat([figures, *(p.grad.reshape(-1) for p in grown if p.grad is not None)])
            dist.all_reduce(flat)
            figures, place = flat[:3], 3
            for p in grown:
                p.grad = flat[place : place + p.numel()].reshape(p.shape).clone()
                place += p.numel()
        self.passed = float(figures[2]) if self.processes > 1 else self.seconds  # to read it is to wait for a GPU
        for p in grown:
            if p.grad is not None:
                p.grad /= figures[1]
        return figures[0] / figures[1]

    # -- what is left on disk ------------------------------------------------------------------------------------

    def _validate(self) -> None:
        figures = self.task.validate({name: p.cpu().numpy() for name, p in self.average.items()})
        for name, value in figures.items():
            self._note(name, value)
        if self.config.keep == "best" and figures:
            first = next(iter(figures))
            if self.curves[first][-1][1] == min(value for _, value in self.curves[first]):
                self.best = {name: p.clone() for name, p in self.average.items()}

    def _note(self, name: str, value: float) -> None:
        self.curves.setdefault(name, []).append([self.step, value])

    def _say(self) -> None:
        if self.rank == 0:
            left = self.seconds * (1.0 / max(self._done(), 1e-6) - 1.0)
            last = ", ".join(f"{name} {points[-1][1]:.4f}" for name, points in self.curves.items() if points)
            self.progress(f"{self.title}: step {self.step}/{self.config.steps}, {left:.0f} s left; {last}")
            if self._over():
                self.progress.end()
                print(f"{self.title}: {self.step} steps in {self.seconds:.0f} s; {last}", flush=True)

    def _write_settings(self) -> None:
        document = {
            **self.told,
            "git": git_state() or NO_GIT,
            "versions": {**versions(), "torch": str(torch.__version__)},
        }
        write_atomically(self.folder / RESOLVED, yaml.safe_dump(document, sort_keys=False))

    def _save(self) -> None:
        tensors: dict[str, torch.Tensor] = {}
        states = self.optimiser.state_dict()["state"]
        for k, name in enumerate(self.parameters):
            tensors[f"parameter/{name}"] = self.parameters[name].detach()
            tensors[f"average/{name}"] = self.average[name]
            for part, value in states.get(k, {}).items():
                tensors[f"{part}/{name}"] = value
        tensors |= {f"best/{name}": p for name, p in self.best.items()}
        told = {**self.told, "step": self.step, "seconds": self.seconds, "curves": self.curves}
        write_tensors(self.folder / STATE, {name: t.cpu().numpy() for name, t in tensors.items()}, told)
        if self._over() or time.monotonic() - self.drawn > DRAW_EVERY:
            _draw(self.curves, self.title, self.folder / CURVES)
            self.drawn = time.monotonic()

    def _read(self) -> None:
        tensors, told = read_tensors(self.folder / STATE)
        if {key: told.get(key) for key in self.told} != self.told:
            raise ConfigError(
                f"{self.folder}: expected a run with the same settings to go on with, got another one; "
                f"its settings are in {RESOLVED}: choose another folder or remove it"
            )
        states: dict[int, dict[str, torch.Tensor]] = {k: {} for k in range(len(self.parameters))}
        places = {name: k for k, name in enumerate(self.parameters)}
        for key, array in tensors.items():
            part, name = key.split("/", 1)
            value = torch.from_numpy(array).to(self.config.device)
            if part == "parameter":
                with torch.no_grad():
                    self.parameters[name].copy_(value)
            elif part == "average":
                self.average[name] = value
            elif part == "best":
                self.best[name] = value
            else:
                states[places[name]][part] = value.cpu() if part == "step" else value
        if told["step"]:
            self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": states})
        self.step, self.seconds, self.curves = told["step"], told["seconds"], told["curves"]
        self.passed = self.seconds


def _schedule(step: int, done: float, config: RunConfig) -> float:
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    return warm * 0.5 * (1.0 + float(np.cos(np.pi * min(1.0, done))))


def _plain(value: Any) -> Any:
    """As it comes back from a file: tuples are lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _draw(curves: Mapping[str, list[list[float]]], title: str, file: Path) -> None:
    """Each curve in a panel of its own, for their units differ."""
    drawn = {name: np.array(points) for name, points in curves.items() if points}
    figure = Figure(figsize=(3.6 * len(drawn), 3.0))
    figure.subplots_adjust(left=0.05, right=0.99, bottom=0.16, top=0.88)  # an automatic layout takes seconds
    for axis, (name, points) in zip(np.atleast_1d(figure.subplots(1, len(drawn))), drawn.items(), strict=True):
        axis.plot(points[:, 0], points[:, 1])
        axis.set(title=name, xlabel="step")
    figure.suptitle(title, x=0.02, ha="left", fontsize="small")
    temporary = file.with_name(f".{file.name}")
    figure.savefig(temporary, format="png")
    temporary.replace(file)
