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
| contact | 1 | the chance that a person is touched, soon or less soon | ours |
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from sac_son_nav.arrays import Array, clip, namespace, norm, norm_of
from sac_son_nav.errors import ConfigError

STANDING = 0.15  # [m/s] at which somebody who stands may set out
COMMON_RATE = 4.0  # [Hz] at which `smoothness` counts changes, so that its weight does not depend on the step


@dataclass(frozen=True)
class Weights:
    """Cost per unit of each term."""

    goal_distance: float = 1.0
    obstacle: float = 40.0
    personal_space: float = 20.0
    counterfactual_perturbation: float = 12.0
    smoothness: float = 0.5
    contact: float = 20.0

    def __post_init__(self) -> None:
        for f in fields(self):
            if getattr(self, f.name) < 0.0:
                raise ConfigError(f"weight of {f.name}: expected zero or more, got {getattr(self, f.name)}")


@dataclass(frozen=True)
class ObjectiveConfig:
    """Distances the terms speak of, and their weights."""

    wall_margin: float = 0.25  # [m] between the robot's side and a wall, under which it counts as close
    personal_distance: float = 0.5  # [m] between the robot's side and a person's centre; SACSoN's figure
    turn: float = 0.3  # [m/rad] that turning to the way counts, as way still to go
    body: float = 0.3  # [m] from a person's centre to where they can be touched
    uncertainty: float = 0.03  # [m] of where people are now, standard deviation of a logistic spread
    growth: float = 0.06  # per metre that they walk meanwhile, by which it grows
    foresight: float = 2.5  # [s] ahead at which a contact counts 1/e: there is time to think again
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
    apart = xp.minimum(nearest(people_with - robot[:, None]), nearest(people_without - robot[:, None]))  # (K, N, T)
    intrusion = clip(distance - apart, 0.0)
    return xp.sum(xp.mean(intrusion * intrusion, axis=-1), axis=-1)


def nearest(offset: Array) -> Array:
    """Least distance (..., T) [m] during the step that ends at each of the offsets (..., T, 2) [m], on the straight
    line from the one before; of the first, the distance at its end."""
    xp = namespace(offset)
    x, y = offset[..., 0], offset[..., 1]
    dx, dy = x[..., 1:] - x[..., :-1], y[..., 1:] - y[..., :-1]
    back = clip((x[..., 1:] * dx + y[..., 1:] * dy) / (dx * dx + dy * dy + 1e-12), 0.0, 1.0)
    between = norm_of(x[..., 1:] - back * dx, y[..., 1:] - back * dy)
    return xp.concat([norm_of(x[..., :1], y[..., :1]), between], axis=-1)


def contact(
    robot: Array, people_with: Array, people_without: Array, reach: float, spread: Array, count: Array
) -> Array:
    """The chance (K,) that anybody is touched: within `reach` [m] of the robot's centre, if the distance foreseen
    strays by a logistic distribution of scale `spread` (N, T) [m]; a moment counts as `count` (T,) says. One person's
    chance is the mean of the greatest over time and of the mean over time; people are independent.

    Robot (K, T, 2) and people (K or 1, N, T, 2) [m]; the nearer counts of where a person would be with the robot and
    without it, as nobody need step aside.
    """
    xp = namespace(robot, people_with)
    if people_with.shape[1] == 0:
        return xp.zeros_like(robot[:, 0, 0])
    apart = xp.minimum(nearest(people_with - robot[:, None]), nearest(people_without - robot[:, None]))  # (K, N, T)
    chance = count / (1.0 + xp.exp(clip((apart - reach) / spread, -30.0, 30.0)))
    each = 0.5 * (xp.max(chance, axis=-1) + xp.mean(chance, axis=-1))
    return 1.0 - xp.prod(1.0 - each, axis=-1)


def spread_of(people_without: Array, ahead_s: Array, config: ObjectiveConfig) -> Array:
    """How far people (K or 1, N, T, 2) [m] may be from where they are foreseen at the moments ahead (T,) [s], (K or 1,
    N, T) [m]: `uncertainty` and, growing, `growth` of the way they walk; who stands counts as walking at STANDING."""
    way = norm(people_without[:, :, -1] - people_without[:, :, 0]) / (ahead_s[-1] - ahead_s[0] + 1e-9)  # [m/s]
    return config.uncertainty + config.growth * clip(way, STANDING)[..., None] * ahead_s


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
    ahead = step_s * (1.0 + namespace(robot).arange(robot.shape[1]))  # (T,) [s]
    return {
        "goal_distance": goal_distance(remaining),
        "obstacle": obstacle(clearance, config.wall_margin),
        "personal_space": personal_space(robot, people_with, people_without, robot_radius + config.personal_distance),
        "counterfactual_perturbation": counterfactual_perturbation(people_with, people_without),
        "smoothness": smoothness(velocities, step_s),
        "contact": contact(
            robot,
            people_with,
            people_without,
            robot_radius + config.body,
            spread_of(people_without, ahead, config),
            namespace(robot).exp(-ahead / config.foresight),
        ),
    }


def total(terms: dict[str, Array], weights: Weights) -> Array:
    """The weighted sum of the terms, (K,)."""
    return sum(getattr(weights, name) * value for name, value in terms.items())
