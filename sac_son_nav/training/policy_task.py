"""What the policy learns, as a task of :mod:`.run`: its own proposals, tried and bent.

In rounds. At the beginning of each, fleets drive by the policy as it is then, and moments of it are kept; then each
step takes robots from a moment of several fleets at once, asks the policy for their proposals, tries them in the world
itself or by forecast, and bends them. The first process writes down with which parameters a round began, so that a run
that was stopped or killed goes on with the same moments, and ends with the same weights.

Each fleet has luck of its own and drives when it is first learned from. So processes whose number divides that of the
fleets of a step each drive fleets that no other drives, and moments kept apart are shared out likewise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from sac_son_nav.checkpoint import read_tensors, write_tensors
from sac_son_nav.errors import ConfigError
from sac_son_nav.navigation import policy
from sac_son_nav.navigation.policy import PolicyConfig
from sac_son_nav.prediction.predictor import SocialForceConfig
from sac_son_nav.training.policy_loss import LossConfig, costs, descend, proximity
from sac_son_nav.training.policy_recorded import RecordedPlaces
from sac_son_nav.training.policy_scenes import draw
from sac_son_nav.training.policy_worlds import Fleet, Futures, Moment, foretell, try_in_world
from sac_son_nav.training.run import Batch

ROUND = "round.safetensors"
_VALIDATION = 1_000_003  # what the generator of the moments kept apart begins with
DRIVEN = 0.8  # [s] between two moments of a fleet
CHEAP = 50.0  # cost above which one plan is as bad as another, lest one crowd decides a mean


@dataclass(frozen=True)
class PolicyTask:
    """What the policy learns from."""

    answer: str = "world"  # what proposals are tried in: the `world` itself, or a `forecast`
    recorded: tuple[str, ...] = ()  # places whose recorded people are learned from, instead of simulated ones
    cards: tuple[str, ...] = ()  # scenarios whose maps and people are used beside drawn rooms
    humans: tuple[str, ...] = ("social_force", "social_force", "orca")  # laws of walking, by lot
    orca_people: int = 8  # at most, where people walk by ORCA
    fleets: int = 12
    together: int = 1  # of the fleets from which robots come into each step
    worlds: int = 64  # of a fleet
    moments: int = 4  # of a fleet in each round
    uses: int = 2  # of each moment
    wandering: float = 0.2  # share of plans that are driven by lot instead of by score
    tracking_noise: float = 0.03  # [m], and twice as much in [m/s]
    validation_fleets: int = 12
    validation_moments: int = 1
    validation_worlds: int = 16
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    human_model: SocialForceConfig = field(default_factory=SocialForceConfig)  # of a forecast; never trained

    def __post_init__(self) -> None:
        if self.answer not in ("world", "forecast"):
            raise ConfigError(f"answer: expected world or forecast, got {self.answer!r}")
        if "power_law" in self.humans:
            raise ConfigError("humans: expected laws other than power_law, which is kept to test with")
        if self.recorded and self.answer != "forecast":
            raise ConfigError("recorded: expected answer forecast, for recorded people answer nobody")
        if min(self.together, self.fleets) < 1 or self.fleets % self.together:
            raise ConfigError(f"fleets: expected a multiple of together, {self.together}, got {self.fleets}")

    @property
    def steps(self) -> int:
        """Of a round."""
        return self.fleets // self.together * self.moments * self.uses


class LearnPolicy:
    """The task as :func:`.run.train` takes it. `folder`: where the parameters are kept with which a round began;
    `data`: of recordings."""

    def __init__(
        self, config: PolicyTask, folder: Path, seed: int, writes: bool = True, data: Path | None = None
    ) -> None:
        self.config, self.folder, self.seed, self.writes = config, folder, seed, writes
        self._places = RecordedPlaces.read(data, config.recorded) if config.recorded else None
        self._began: Mapping[str, NDArray[Any]] = {}
        self._moments: dict[int, list[Moment]] = {}
        self._round = -1
        self._apart: dict[int, list[Moment]] = {}

    def initial(self, random: np.random.Generator) -> Mapping[str, NDArray[np.float32]]:
        """See :class:`.run.Task`."""
        return policy.initial(self.config.policy, random)

    def batch(self, random: np.random.Generator, size: int, step: int) -> Mapping[str, NDArray[Any]]:
        """Which fleets and moment of them, and numbers by which worlds are drawn from it; see :class:`.run.Task`."""
        config, turn = self.config, step % self.config.steps
        order = np.random.default_rng([self.seed, 5, step // config.steps]).permutation(config.steps)
        group, moment = divmod(int(order[turn]) // config.uses, config.moments)
        fleets = group * config.together + np.arange(size) % config.together
        return {"fleet": fleets, "moment": np.full(size, moment), "luck": random.random(size)}

    def loss(
        self, parameters: Mapping[str, torch.Tensor], batch: Batch, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | float]:
        """See :class:`.run.Task`."""
        self._begin_round(parameters, step // self.config.steps)
        loss = torch.zeros(())
        for fleet in sorted(set(batch["fleet"].tolist())):
            rows = batch["fleet"] == fleet
            moment = self._driven(fleet)[int(batch["moment"][0])]
            worlds = np.searchsorted(np.cumsum(moment.chances)[:-1], batch["luck"][rows].numpy())
            loss = loss + self._loss_of(parameters, moment.take(worlds))
        return loss, float(len(batch["fleet"]))

    def _loss_of(self, parameters: Mapping[str, torch.Tensor], moment: Moment) -> torch.Tensor:
        """Summed over the robots of a moment."""
        proposals = policy.propose(parameters, moment.told, moment.limits, self.config.policy)
        tried = proposals.velocities.detach().requires_grad_()
        futures = self.futures(moment, tried, self.config.answer)
        total = self._terms(moment, tried, futures)["total"]
        (slope,) = torch.autograd.grad(total.sum(), tried)
        came = None
        if proposals.foreseen is not None:
            came = proximity(futures.poses, futures.people_with).reshape(proposals.foreseen.shape)
        return descend(proposals, total, slope, self.config.loss, came)

    def futures(self, moment: Moment, velocities: torch.Tensor, answer: str) -> Futures:
        """What plans (W, M, T, 2) come to, as the world or a forecast has it."""
        step = self.config.policy.step
        if answer == "world":
            return try_in_world(moment.world, velocities, step)
        return foretell(moment, velocities, step, self.config.human_model)

    def cost(self, moment: Moment, velocities: torch.Tensor, answer: str) -> dict[str, torch.Tensor]:
        """What they cost, (W, M), by term and in `total`."""
        return self._terms(moment, velocities, self.futures(moment, velocities, answer))

    def _terms(self, moment: Moment, velocities: torch.Tensor, futures: Futures) -> dict[str, torch.Tensor]:
        now = moment.world.velocities[:, None, None].expand(*velocities.shape[:2], 1, 2)
        return costs(moment.scene, torch.cat([now, velocities], dim=2), futures, self.config.loss)

    def validate(self, parameters: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
        """What truly comes, at moments kept apart: of the proposal that a forecast ranks first, as on the robot, of
        the one that the scores favour, of the best and the average one, how far the first moves people [m^2], and how
        often the favourite costs at most one more than the best. Of each robot's costs the dearest tenth is left out,
        lest one crowd decides; `whole` are the plain means. The work is shared out to all processes."""
        rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        known = {name: torch.from_numpy(np.asarray(values)) for name, values in parameters.items()}
        numbers = range(self.config.validation_fleets)[rank::processes]
        with torch.no_grad():
            parts = [self._figures(known, moment) for k in numbers for moment in self.apart(k)]
        if processes > 1:
            gathered: list[Any] = [None] * processes
            dist.all_gather_object(gathered, parts)
            parts = [part for k in range(processes) for part in gathered[k]]
        rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        near = rows["favourite_cost"] <= rows["best_cost"] + 1.0
        found = {name: _trimmed(values) for name, values in rows.items()}
        whole = {f"whole_{name}": float(rows[name].mean()) for name in ("ranked_cost", "favourite_cost", "best_cost")}
        return {**found, "favourite_good": float(near.mean()), **whole}

    def _figures(self, known: Mapping[str, torch.Tensor], moment: Moment) -> dict[str, NDArray[Any]]:
        """The figures of each robot of a moment, (W,)."""
        proposals = policy.propose(known, moment.told, moment.limits, self.config.policy)
        futures = self.futures(moment, proposals.velocities, "world")
        terms = self._terms(moment, proposals.velocities, futures)
        total = terms["total"].clamp(max=CHEAP)
        first = self.cost(moment, proposals.velocities, "forecast")["total"].argmin(dim=1, keepdim=True)
        favourite = proposals.scores.argmax(dim=1, keepdim=True)
        found = {
            "favourite_cost": total.gather(1, favourite)[:, 0],
            "ranked_cost": total.gather(1, first)[:, 0],
            "best_cost": total.min(dim=1).values,
            "mean_cost": total.mean(dim=1),
            "ranked_moves_m2": terms["counterfactual_perturbation"].clamp(max=4.0).gather(1, first)[:, 0],
        }
        if proposals.foreseen is not None:
            came = proximity(futures.poses, futures.people_with).reshape(proposals.foreseen.shape)
            error = (proposals.foreseen - came).abs()
            found |= {
                "risk_error": error[..., 0].mean(dim=(1, 2)),
                "compass_error": error[..., 1:].mean(dim=(1, 2, 3)),
            }
        return {name: values.numpy() for name, values in found.items()}

    def apart(self, fleet: int) -> list[Moment]:
        """The moments kept apart of one of the fleets that are, in scenes and with seeds of their own; an untrained
        policy has come to them."""
        if fleet not in self._apart:
            config, random = self.config, np.random.default_rng([self.seed, _VALIDATION, fleet])
            untrained = policy.initial(config.policy, np.random.default_rng([self.seed, _VALIDATION]))
            drawn = self._drive(untrained, random, self._fleet(random), config.validation_moments)
            size = config.validation_worlds
            self._apart[fleet] = [m.take(random.choice(len(m.chances), size, p=m.chances)) for m in drawn]
        return self._apart[fleet]

    # -- rounds -------------------------------------------------------------------------------------------------

    def _begin_round(self, parameters: Mapping[str, torch.Tensor], number: int) -> None:
        if number == self._round:
            return
        began: Mapping[str, NDArray[Any]] = {name: p.detach().cpu().numpy().copy() for name, p in parameters.items()}
        kept = self.folder / ROUND
        if kept.is_file():
            tensors, told = read_tensors(kept)
            began = tensors if told["round"] == number else began
        if self.writes:
            write_tensors(kept, dict(began), {"round": number})
        self._began, self._moments, self._round = began, {}, number

    def _driven(self, fleet: int) -> list[Moment]:
        """The moments of one fleet of the round."""
        if fleet not in self._moments:
            random = np.random.default_rng([self.seed, 3, self._round, fleet])
            driven = self._recorded_fleet(random) if self._places else self._fleet(random)
            self._moments[fleet] = self._drive(self._began, random, driven, self.config.moments)
        return self._moments[fleet]

    def _drive(
        self, parameters: Mapping[str, NDArray[np.float32]], random: np.random.Generator, fleet: Fleet, moments: int
    ) -> list[Moment]:
        """Moments of a fleet that drives by a policy, and now and then by lot."""
        config, kept = self.config, []
        known = {name: torch.from_numpy(np.asarray(values)) for name, values in parameters.items()}
        before = int(random.integers(0, 4))
        for k in range(before + moments):
            moment = fleet.look()
            with torch.no_grad():
                proposals = policy.propose(known, moment.told, fleet.limits, config.policy)
            chosen = proposals.scores.argmax(dim=1).numpy()
            astray = random.random(len(fleet)) < config.wandering
            chosen = np.where(astray, random.integers(0, config.policy.proposals, len(fleet)), chosen)
            plans = proposals.velocities[torch.arange(len(fleet)), torch.from_numpy(chosen)]
            if k >= before:
                kept.append(moment)
            fleet.advance(plans, round(DRIVEN / config.policy.step), config.policy.step)
        return kept

    def _fleet(self, random: np.random.Generator) -> Fleet:
        config = self.config
        while True:
            scene = draw(random, config.cards, config.humans, config.orca_people)
            try:
                return Fleet(scene, config.worlds, random, config.tracking_noise)
            except ConfigError:
                continue  # somebody of the scene finds no place: another one

    def _recorded_fleet(self, random: np.random.Generator) -> Fleet:
        assert self._places is not None
        return Fleet(self._places.draw(random), self.config.worlds, random, self.config.tracking_noise)


def _trimmed(values: NDArray[Any]) -> float:
    """Mean (N,) without the largest tenth."""
    return float(np.sort(values)[: max(1, round(0.9 * len(values)))].mean())
