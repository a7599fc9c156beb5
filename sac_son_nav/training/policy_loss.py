"""What a proposal is charged with in training: the navigator's own objective, of what the plan would really do or of
what is foretold of it; and the gradients that bend proposals towards less of it.

Every proposal is bent, the better ones more, so that each becomes the best of its neighbourhood, and the scores learn
which of them is best. Gradients through many steps of a crowd can be very large where a person nearly went the other
way round something; those of each plan are cut to a length, lest one plan speaks for a whole batch.

Shapes: W worlds, M proposals, T steps. Torch, float32, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from sac_son_nav.errors import ConfigError
from sac_son_nav.navigation import objective
from sac_son_nav.navigation.objective import ObjectiveConfig
from sac_son_nav.navigation.policy import FORESEEN, Proposals
from sac_son_nav.training.policy_scenes import Scene
from sac_son_nav.training.policy_worlds import Futures

RISK_REACH, COMPASS_REACH = 3.0, 6.0  # [m]


@dataclass(frozen=True)
class LossConfig:
    """How costs become gradients."""

    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    gradient_length: float = 5.0  # of a plan's cost with respect to its velocities, at most
    all_alike: float = 0.4  # share of the gradient that all proposals get alike; the rest goes to the better ones
    temperature: float = 0.5  # of cost, within which proposals count as about as good
    score_weight: float = 2.0
    regret_weight: float = (
        0.5  # of what the scores' choice is expected to cost more than the best, in the scores' loss
    )
    regret_cap: float = 20.0  # of cost: beyond it a plan is just bad
    foreseen_weight: float = 20.0  # of the mean squared error of risk and compass, where the policy foresees them

    def __post_init__(self) -> None:
        if not 0.0 <= self.all_alike <= 1.0:
            raise ConfigError(f"all_alike: expected a share from 0 to 1, got {self.all_alike}")
        if not (self.gradient_length > 0.0 and self.temperature > 0.0):
            raise ConfigError("loss: expected a gradient_length and a temperature above zero")


def costs(scene: Scene, velocities: torch.Tensor, futures: Futures, config: LossConfig) -> dict[str, torch.Tensor]:
    """Every term of the objective, unweighted, and their weighted `total`, each (W, M), of plans velocities
    (W, M, T + 1, 2): first the velocity that the robot has, then those of the plan."""
    places = futures.poses[..., :2]
    terms = objective.evaluate(
        remaining=scene.route.to_go(futures.poses, config.objective.turn),
        clearance=scene.scenario.floor.distance_at(places) - scene.robot.radius,
        robot=places,
        velocities=velocities.flatten(0, 1),
        people_with=futures.people_with,
        people_without=futures.people_without,
        step_s=futures.step,
        robot_radius=scene.robot.radius,
        config=config.objective,
    )
    terms["total"] = objective.total(terms, config.objective.weights)
    return {name: value.reshape(velocities.shape[:2]) for name, value in terms.items()}


def descend(
    proposals: Proposals,
    total: torch.Tensor,
    slope: torch.Tensor,
    config: LossConfig,
    came: torch.Tensor | None = None,
) -> torch.Tensor:
    """A number whose gradient bends the proposals towards less cost, and their scores towards which of them costs
    least: of costs total (W, M) and their gradients slope (W, M, T, 2). Its value is what the policy's choice is
    expected to cost, summed over worlds. `came` (W, M, T, 9): the :func:`proximity` that there was of what they
    foresee."""
    total, slope = total.detach(), torch.nan_to_num(slope.detach())
    length = slope.flatten(2).norm(dim=-1)[..., None, None]
    slope = slope * (config.gradient_length / length.clamp(min=config.gradient_length))
    better = torch.softmax(-total / config.temperature, dim=-1)
    share = config.all_alike / total.shape[1] + (1.0 - config.all_alike) * better
    bend = torch.sum(share[..., None, None] * slope * proposals.velocities)
    chosen = -torch.sum(better * torch.log_softmax(proposals.scores, dim=-1))
    regret = (total - total.min(dim=-1, keepdim=True).values).clamp(max=config.regret_cap)
    chosen = chosen + config.regret_weight * torch.sum(torch.softmax(proposals.scores, dim=-1) * regret)
    pull = bend + config.score_weight * chosen
    if proposals.foreseen is not None and came is not None:
        error = (proposals.foreseen - came.detach()) ** 2
        pull = pull + config.foreseen_weight * error.sum() / error[0].numel()
    expected = torch.sum(torch.softmax(proposals.scores, dim=-1).detach() * total)
    return expected + pull - pull.detach()


def proximity(poses: torch.Tensor, people: torch.Tensor) -> torch.Tensor:
    """How near people (K, N, T, 2) are to robots at poses (K, T, 3) [m, m, rad], (K, T, 9) from 0 to 1: max(0, 1 - d /
    3 m) of the nearest person, the risk, and max(0, 1 - d / 6 m) of the nearest in each eighth of a turn from the
    heading on, counter-clockwise, the proximity compass (Cancelli et al., ICCV 2023). Distances are straight ones."""
    if people.shape[1] == 0:
        return poses.new_zeros((*poses.shape[:2], FORESEEN))
    offset = people - poses[:, None, :, :2]
    distance = torch.linalg.vector_norm(offset, dim=-1)  # (K, N, T)
    risk = (1.0 - distance / RISK_REACH).clamp(min=0.0).amax(dim=1)
    near = (1.0 - distance / COMPASS_REACH).clamp(min=0.0)
    bearing = torch.atan2(offset[..., 1], offset[..., 0]) - poses[:, None, :, 2]
    sector = torch.floor(torch.remainder(bearing / (2.0 * torch.pi), 1.0) * 8.0).clamp(max=7.0)
    each = [torch.where(sector == k, near, 0.0).amax(dim=1) for k in range(8)]
    return torch.stack([risk, *each], dim=-1)
