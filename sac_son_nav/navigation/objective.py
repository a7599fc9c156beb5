"""The one objective: what a plan costs, term by term.

Each term is a small, unweighted function, batched over K plans and differentiable where a gradient makes sense.
The planner ranks candidates with their weighted sum, training takes its gradient, evaluation logs every term.

Shapes: K plans, T steps, N people. Positions [m] in one frame; the weight of each term turns its unit into cost.

| term | unit | what it charges | source |
|---|---|---|---|
| goal_distance | m | way still to go, over the plan and at its end | SACSoN's goal pose "final and along the way" |
| obstacle | m^2 | closeness to walls and unrecognised things | squared hinge, as ExAug's collision term |
| personal_space | m^2 | closeness to people | SACSoN's J_ps |
| counterfactual_perturbation | m^2 | people going elsewhere than without the robot | SACSoN's J_cp, all people |
| smoothness | (m/s)^2 | change of speed and turn from step to step | SACSoN's J_smooth |
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from sac_son_nav.arrays import Array, clip, namespace, norm
from sac_son_nav.errors import ConfigError

COMMON_RATE = 4.0  # [Hz] at which `smoothness` counts changes, so that its weight does not depend on the step


@dataclass(frozen=True)
class Weights:
    """Cost per unit of each term."""

    goal_distance: float = 1.0
    obstacle: float = 40.0
    personal_space: float = 20.0
    counterfactual_perturbation: float = 12.0
    smoothness: float = 0.5

    def __post_init__(self) -> None:
        for f in fields(self):
            if getattr(self, f.name) < 0.0:
                raise ConfigError(f"weight of {f.name}: expected zero or more, got {getattr(self, f.name)}")


@dataclass(frozen=True)
class ObjectiveConfig:
    """Distances the terms speak of, and their weights."""

    wall_margin: float = 0.25  # [m] between the robot's side and a wall, under which it counts as close
    personal_distance: float = 0.5  # [m] between the robot's side and a person's centre; SACSoN's figure
    weights: Weights = field(default_factory=Weights)


def goal_distance(remaining: Array) -> Array:
    """Mean of the way still to go (K, T) [m], the last step counting as much as all before it; (K,) [m]."""
    xp = namespace(remaining)
    return 0.5 * (xp.mean(remaining, axis=-1) + remaining[..., -1])


def obstacle(clearance: Array, margin: float) -> Array:
    """Mean squared shortfall (K,) [m^2] of the clearance (K, T) [m] between the robot's side and the nearest
    obstacle, below `margin` [m]. Nothing drives through a wall: from the first contact on, its depth counts at every
    later step, so that a plan can't pay for a short crossing with what it gains behind it."""
    xp = namespace(clearance)
    shortfall = clip(margin - clearance, 0.0)
    deepest = xp.zeros_like(shortfall[..., 0])  # of the contacts so far
    total = deepest
    for t in range(clearance.shape[-1]):
        now = shortfall[..., t]
        deepest = xp.where(now > margin, xp.maximum(deepest, now), deepest)
        total = total + xp.maximum(now, deepest) ** 2
    return total / clearance.shape[-1]


def personal_space(robot: Array, people_with: Array, people_without: Array, distance: float) -> Array:
    """Squared intrusion within `distance` [m] of people's centres, mean over time, sum over people; (K,) [m^2].

    Robot (K, T, 2) and people (K or 1, N, T, 2) [m]. SACSoN: J_ps = mean_i (R - clamp(d_i, 0, R))^2, with the people
    who answer the robot, so that pushing them away makes room. Here the nearer counts of where a person would be
    with the robot and without it: nobody's space is made free by taking it.
    """
    xp = namespace(robot, people_with)
    apart = xp.minimum(norm(people_with - robot[:, None]), norm(people_without - robot[:, None]))  # (K, N, T)
    intrusion = clip(distance - apart, 0.0)
    return xp.sum(xp.mean(intrusion * intrusion, axis=-1), axis=-1)


def counterfactual_perturbation(people_with: Array, people_without: Array) -> Array:
    """Squared distance between where people go with the robot (K, N, T, 2) and under the reference
    (1 or K, N, T, 2) [m], mean over time, sum over people; (K,) [m^2].

    SACSoN: J_cp = 1/N_s sum_i || h_i - h_cf_i ||^2, there for the nearest person only.
    """
    xp = namespace(people_with, people_without)
    difference = people_with - people_without
    return xp.sum(xp.mean(xp.sum(difference * difference, axis=-1), axis=-1), axis=-1)


def smoothness(velocities: Array, step_s: float) -> Array:
    """Mean squared change of v [m/s] and w [rad/s] from step to step of (K, T, 2), as at 4 Hz; (K,)."""
    xp = namespace(velocities)
    change = (velocities[:, 1:] - velocities[:, :-1]) / (step_s * COMMON_RATE)
    return xp.mean(xp.sum(change * change, axis=-1), axis=-1)


def evaluate(
    remaining: Array,
    clearance: Array,
    robot: Array,
    velocities: Array,
    people_with: Array,
    people_without: Array,
    step_s: float,
    robot_radius: float,
    config: ObjectiveConfig,
) -> dict[str, Array]:
    """Every term of K plans, unweighted, by name; each (K,). See the terms for shapes and units."""
    return {
        "goal_distance": goal_distance(remaining),
        "obstacle": obstacle(clearance, config.wall_margin),
        "personal_space": personal_space(robot, people_with, people_without, robot_radius + config.personal_distance),
        "counterfactual_perturbation": counterfactual_perturbation(people_with, people_without),
        "smoothness": smoothness(velocities, step_s),
    }


def total(terms: dict[str, Array], weights: Weights) -> Array:
    """The weighted sum of the terms, (K,)."""
    return sum(getattr(weights, name) * value for name, value in terms.items())
