"""What the policy learns, as a task of :mod:`.run`: its own proposals, tried and bent.

In rounds. At the beginning of each, fleets drive by the policy as it is then, and moments of it are kept; then each
step takes one of the moments, asks the policy for its proposals, tries them in the world itself or by forecast, and
bends them. The first process writes down with which parameters a round began, so that a run that was stopped or killed
goes on with the same moments, and ends with the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sac_son_nav.checkpoint import read_tensors, write_tensors
from sac_son_nav.errors import ConfigError
from sac_son_nav.navigation import policy
from sac_son_nav.navigation.policy import PolicyConfig
from sac_son_nav.prediction.predictor import SocialForceConfig
from sac_son_nav.training.policy_loss import LossConfig, costs, descend
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
    cards: tuple[str, ...] = ()  # scenarios whose maps and people are used beside drawn rooms
    humans: tuple[str, ...] = ("social_force", "social_force", "orca")  # laws of walking, by lot
    orca_people: int = 8  # at most, where people walk by ORCA
    fleets: int = 12
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

    @property
    def steps(self) -> int:
        """Of a round."""
        return self.fleets * self.moments * self.uses


class LearnPolicy:
    """The task as :func:`.run.train` takes it. `folder`: where the parameters are kept with which a round began."""

    def __init__(self, config: PolicyTask, folder: Path, seed: int, writes: bool = True) -> None:
        self.config, self.folder, self.seed, self.writes = config, folder, seed, writes
        self._moments: list[Moment] = []
        self._round = -1
        self._apart: list[Moment] = []

    def initial(self, random: np.random.Generator) -> Mapping[str, NDArray[np.float32]]:
        """See :class:`.run.Task`."""
        return policy.initial(self.config.policy, random)

    def batch(self, random: np.random.Generator, size: int, step: int) -> Mapping[str, NDArray[Any]]:
        """Which moment, and numbers by which worlds are drawn from it; see :class:`.run.Task`."""
        turn = step % self.config.steps
        order = np.random.default_rng([self.seed, 5, step // self.config.steps]).permutation(self.config.steps)
        size = min(size, self.config.worlds)
        return {"moment": np.full(size, order[turn] // self.config.uses), "luck": random.random(size)}

    def loss(
        self, parameters: Mapping[str, torch.Tensor], batch: Batch, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | float]:
        """See :class:`.run.Task`."""
        self._begin_round(parameters, step // self.config.steps)
        moment = self._moments[int(batch["moment"][0])]
        moment = moment.take(np.searchsorted(np.cumsum(moment.chances)[:-1], batch["luck"].numpy()))
        proposals = policy.propose(
            parameters, moment.told, moment.scene.robot.limits.forward_only(), self.config.policy
        )
        tried = proposals.velocities.detach().requires_grad_()
        total = self.cost(moment, tried, self.config.answer)["total"]
        (slope,) = torch.autograd.grad(total.sum(), tried)
        return descend(proposals, total, slope, self.config.loss), float(len(total))

    def futures(self, moment: Moment, velocities: torch.Tensor, answer: str) -> Futures:
        """What plans (W, M, T, 2) come to, as the world or a forecast has it."""
        step = self.config.policy.step
        if answer == "world":
            return try_in_world(moment.world, velocities, step)
        return foretell(moment, velocities, step, self.config.human_model)

    def cost(self, moment: Moment, velocities: torch.Tensor, answer: str) -> dict[str, torch.Tensor]:
        """What they cost, (W, M), by term and in `total`."""
        now = moment.world.velocities[:, None, None].expand(*velocities.shape[:2], 1, 2)
        futures = self.futures(moment, velocities, answer)
        return costs(moment.scene, torch.cat([now, velocities], dim=2), futures, self.config.loss)

    def validate(self, parameters: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
        """What truly comes, at moments kept apart, of the proposal that a forecast ranks first, as on the robot; of
        the one that the scores favour, the best and the average one; and how far the first moves people [m^2]."""
        known = {name: torch.from_numpy(np.asarray(values)) for name, values in parameters.items()}
        found = []
        with torch.no_grad():
            for moment in self.apart():
                proposals = policy.propose(known, moment.told, moment.limits, self.config.policy)
                terms = self.cost(moment, proposals.velocities, "world")
                total = terms["total"].clamp(max=CHEAP)
                first = self.cost(moment, proposals.velocities, "forecast")["total"].argmin(dim=1, keepdim=True)
                favourite = proposals.scores.argmax(dim=1, keepdim=True)
                moved = terms["counterfactual_perturbation"].clamp(max=4.0)
                values = (*(total.gather(1, k) for k in (first, favourite)), total.min(dim=1).values, total)
                found.append([float(value.mean()) for value in (*values, moved.gather(1, first))])
        names = ("ranked_cost", "favourite_cost", "best_cost", "mean_cost", "ranked_moves_m2")
        return dict(zip(names, np.mean(found, axis=0).tolist(), strict=True))

    def apart(self) -> list[Moment]:
        """The moments kept apart, in scenes and with seeds of their own; an untrained policy has come to them."""
        if not self._apart:
            config, random = self.config, np.random.default_rng([self.seed, _VALIDATION])
            untrained = policy.initial(config.policy, random)
            drawn = self._drive(untrained, random, config.validation_fleets, config.validation_moments)
            size = config.validation_worlds
            self._apart = [m.take(random.choice(len(m.chances), size, p=m.chances)) for m in drawn]
        return self._apart

    # -- rounds -------------------------------------------------------------------------------------------------

    def _begin_round(self, parameters: Mapping[str, torch.Tensor], number: int) -> None:
        if number == self._round:
            return
        began = {name: p.detach().cpu().numpy() for name, p in parameters.items()}
        kept = self.folder / ROUND
        if kept.is_file():
            tensors, told = read_tensors(kept)
            began = dict(tensors) if told["round"] == number else began
        if self.writes:
            write_tensors(kept, began, {"round": number})
        random = np.random.default_rng([self.seed, 3, number])
        self._moments, self._round = self._drive(began, random, self.config.fleets, self.config.moments), number

    def _drive(
        self, parameters: Mapping[str, NDArray[np.float32]], random: np.random.Generator, fleets: int, moments: int
    ) -> list[Moment]:
        """Moments of fleets that drive by a policy, and now and then by lot."""
        config, kept = self.config, []
        known = {name: torch.from_numpy(np.asarray(values)) for name, values in parameters.items()}
        for _ in range(fleets):
            fleet = self._fleet(random)
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
