"""The one objective: what a plan costs, term by term.

Each term is a small, unweighted function, batched over K plans and differentiable where a gradient makes sense.
The planner ranks candidates with their weighted sum, training takes its gradient, evaluation logs every term.

Shapes: K plans, T steps, N people. Positions [m] in one frame; the weight of each term turns its unit into cost.

| term | unit | what it charges | source |
|---|---|---|---|
| goal_distance | m | way still to go, over the plan and at its end | ours |
| goal_pose_final, goal_pose_all | m^2 | a sub-goal's pose, at the end and along the way | SACSoN, ExAug: J_pose |
| obstacle | m^2 | closeness to walls and unrecognised things | squared hinge, as ExAug's collision term |
| geometric | m^4 | laser returns under the robot, by the area each stands for | ExAug: J_geo |
| personal_space | m^2 | closeness to people | SACSoN's J_ps |
| counterfactual_perturbation | m^2 | people going elsewhere than without the robot | SACSoN's J_cp, all people |
| smoothness | (m/s)^2 | change of speed and turn from step to step | SACSoN's J_smooth |
| contact | 1 | the chance that a person is touched, soon or less soon | ours |
| risk | 1 | nearness of the nearest person | Cancelli et al. 2023 |
| compass | 1 | nearness of people in eight sectors round the robot | Cancelli et al. 2023 |
| intrusion | 1 | being where somebody is or soon will be | as the reward of Liu et al. 2023 |
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from sac_son_nav.arrays import Array, clip, device, namespace, norm, norm_of
from sac_son_nav.errors import ConfigError

POSITION_SCALE = 2.0  # SACSoN's weight of metres against entries of a rotation
GEOMETRIC_SCALE = 2000.0  # ExAug's
WALKING = 0.4  # [m/s] from which on people walk
STANDING = 0.15  # share of a walker's uncertainty that is left of somebody who stands
UNMINDED = 0.9  # share by which somebody counts less who stands and has been asked for long enough
DARES = 0.75  # the same of the chance to touch them
JOINS = 0.9  # share by which anybody counts less to a robot that has waited for very long, but to touch who walks
BY_THEN = 0.8  # [s] ahead from which on who stands and is asked may have stepped aside
COMMON_RATE = 4.0  # [Hz] at which `smoothness` counts changes, so that its weight does not depend on the step


@dataclass(frozen=True)
class Weights:
    """Cost per unit of each term."""

    goal_distance: float = 1.0
    obstacle: float = 40.0
    personal_space: float = 20.0
    counterfactual_perturbation: float = 12.0
    smoothness: float = 0.5
    contact: float = 40.0
    goal_pose_final: float = 0.0
    goal_pose_all: float = 0.0
    geometric: float = 0.0
    risk: float = 0.0
    compass: float = 0.0
    intrusion: float = 0.0

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
    body: float = 0.26  # [m] from a person's centre to where they can be touched
    sway: float = 0.12  # [m] more if they walk
    uncertainty: float = 0.03  # [m] of where people are now, standard deviation of a logistic spread
    growth: float = 0.06  # [m/s] at which it grows for walkers
    steps_aside: float = 0.3  # [m] that somebody who stands is expected to, who has been asked for long enough
    foresight: float = 2.5  # [s] ahead at which a contact counts 1/e: there is time to think again
    way_ahead: float = 1.25  # [s] of people's way that `intrusion` leaves to them; as Liu et al. do
    berth: float = 0.0  # [m] beside it that is theirs, too
    weights: Weights = field(default_factory=Weights)


def goal_distance(remaining: Array) -> Array:
    """Mean of the way still to go (K, T) [m], the last step counting as much as all before it; (K,) [m]."""
    xp = namespace(remaining)
    return 0.5 * (xp.mean(remaining, axis=-1) + remaining[..., -1])


def goal_pose(poses: Array, goal: Array) -> Array:
    """How far poses (..., 3) are from goal (3,), (...) [m^2]: the mean squared difference of the nine entries of their
    SE(2) matrices, metres counted double, as SACSoN's J_pose has it."""
    xp = namespace(poses)
    x, y = poses[..., 0] - goal[0], poses[..., 1] - goal[1]
    c, s = xp.cos(poses[..., 2]) - xp.cos(goal[2]), xp.sin(poses[..., 2]) - xp.sin(goal[2])
    return (2.0 * (c * c + s * s) + POSITION_SCALE**2 * (x * x + y * y)) / 9.0


def geometric(robot: Array, points: Array, areas: Array, radius: float) -> Array:
    """ExAug's collision term of plans (K, T, 2) [m] among returns `points` (M, 2) [m] that stand for `areas` (M,)
    [m^2] each: GEOMETRIC_SCALE sum_i area_i (radius - rho_i)^2 over the returns nearer than `radius` [m], divided by
    their number, over all steps; (K,) [m^4]."""
    xp = namespace(robot)
    rho = norm(points - robot[..., None, :])  # (K, T, M)
    depth = clip(radius - rho, 0.0)
    under = xp.sum(xp.astype(depth > 0.0, robot.dtype), axis=(-2, -1))
    return GEOMETRIC_SCALE * xp.sum(areas * depth * depth, axis=(-2, -1)) / clip(under, 1.0)


def risk(robot: Array, people_with: Array, reach: float = 3.0) -> Array:
    """max(0, 1 - d / reach) of the nearest person, mean over time, (K,). Robot (K, T, 2), people (K, N, T, 2) [m]."""
    xp = namespace(robot)
    return xp.mean(xp.max(clip(1.0 - norm(people_with - robot[:, None]) / reach, 0.0), axis=1), axis=-1)


def compass(poses: Array, people_with: Array, reach: float = 6.0) -> Array:
    """max(0, 1 - d / reach) of the nearest person in each of eight sectors of 45 degrees round the robot's heading,
    mean over sectors and time, (K,). Poses (K, T, 3) [m, m, rad], people (K, N, T, 2) [m]."""
    xp = namespace(poses)
    offset = people_with - poses[:, None, :, :2]
    near = clip(1.0 - norm(offset) / reach, 0.0)  # (K, N, T)
    bearing = xp.atan2(offset[..., 1], offset[..., 0]) - poses[:, None, :, 2]
    sector = xp.floor((bearing / (2.0 * math.pi) % 1.0) * 8.0)
    each = [xp.max(xp.where(sector == k, near, 0.0), axis=1) for k in range(8)]
    return xp.mean(sum(each) / 8.0, axis=-1)


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


def personal_space(apart: Array, distance: float, minded: Array | float = 1.0) -> Array:
    """Squared intrusion within `distance` [m] of people's centres, mean over time, sum over people; (K,) [m^2]; from
    the distances `apart` (K, N, T) [m]. Each counts as much as they are `minded` (K or 1, N, 1).

    SACSoN: J_ps = mean_i (R - clamp(d_i, 0, R))^2, with the people who answer the robot, so that pushing them away
    makes room. Here the nearer counts of where a person would be with the robot and without it: nobody's space is made
    free by taking it.
    """
    xp = namespace(apart)
    intrusion = clip(distance - apart, 0.0)
    return xp.sum(xp.mean(minded * intrusion * intrusion, axis=-1), axis=-1)


def distances(robot: Array, people: Array) -> Array:
    """The least from the robot (K, T, 2) to people (K or 1, N, T, 2) [m] during each step, (K, N, T) [m]."""
    return nearest(people - robot[:, None])


def nearest(offset: Array) -> Array:
    """Least distance (..., T) [m] during the step that ends at each of the offsets (..., T, 2) [m], on the straight
    line from the one before; of the first, the distance at its end."""
    xp = namespace(offset)
    x, y = offset[..., 0], offset[..., 1]
    dx, dy = x[..., 1:] - x[..., :-1], y[..., 1:] - y[..., :-1]
    back = clip((x[..., 1:] * dx + y[..., 1:] * dy) / (dx * dx + dy * dy + 1e-12), 0.0, 1.0)
    between = norm_of(x[..., 1:] - back * dx, y[..., 1:] - back * dy)
    return xp.concat([norm_of(x[..., :1], y[..., :1]), between], axis=-1)


def contact(apart: Array, reach: Array, spread: Array, count: Array, minded: Array | float = 1.0) -> Array:
    """The chance (K,) that anybody is touched: nearer than `reach` (K or 1, N, 1) [m] to the robot's centre, if the
    distances foreseen, `apart` (K, N, T) [m], stray by a logistic distribution of scale `spread` (K or 1, N, T) [m]; a
    moment counts as `count` (T,) or (K or 1, N, T) says. One person's chance is the mean of the greatest over time and
    of the mean over time, as much as they are `minded` (K or 1, N, 1); people are independent."""
    xp = namespace(apart)
    if apart.shape[1] == 0:
        return xp.zeros(apart.shape[:1], dtype=apart.dtype, device=device(apart))
    chance = count / (1.0 + xp.exp(clip((apart - reach) / spread, -30.0, 30.0)))
    each = 0.5 * (xp.max(minded * chance, axis=-1) + xp.mean(minded * chance, axis=-1))
    return 1.0 - xp.prod(1.0 - each, axis=-1)


def intrusion(robot: Array, people_without: Array, reach: Array, spread: Array, count: Array, steps: int) -> Array:
    """How surely the robot (K, T, 2) is where somebody is or will be within some `steps`, (K,): nearer than `reach`
    (1, N, 1) [m] to the straight line from where a person is, `people_without` (1, N, T, 2) [m], to where they are so
    many steps later, or at the end of what is foreseen; if that strays by a logistic distribution of scale `spread`
    (1, N, T) [m]. Of everybody the surest, a moment counting as `count` (T,) says, mean over time. The way that is
    left to people is the one they would go without the robot.

    S. Liu et al., "Intention aware robot crowd navigation with attention-based interaction graph" (ICRA 2023) punish
    the worst intrusion into the circle round anybody's next five places, less the later; it is one or none there.
    """
    xp = namespace(robot, people_without)
    if people_without.shape[1] == 0:
        return xp.zeros_like(robot[:, 0, 0])
    x, y, count_of_steps = people_without[..., 0], people_without[..., 1], people_without.shape[2]
    later = xp.asarray([min(t + steps, count_of_steps - 1) for t in range(count_of_steps)], device=device(x))
    way_x, way_y = xp.take(x, later, axis=2) - x, xp.take(y, later, axis=2) - y
    off_x, off_y = robot[:, None, :, 0] - x, robot[:, None, :, 1] - y  # (K, N, T)
    along = clip((off_x * way_x + off_y * way_y) / (way_x * way_x + way_y * way_y + 1e-12), 0.0, 1.0)
    apart = norm_of(off_x - along * way_x, off_y - along * way_y)
    chance = 1.0 / (1.0 + xp.exp(clip((apart - reach) / spread, -30.0, 30.0)))
    return xp.mean(count * xp.max(chance, axis=1), axis=-1)


def walking(people_without: Array, ahead_s: Array) -> Array:
    """How much people (K or 1, N, T, 2) [m], foreseen at the moments ahead (T,) [s], walk rather than stand:
    (K or 1, N, 1), 1 from WALKING on."""
    way = norm(people_without[:, :, -1] - people_without[:, :, 0]) / (ahead_s[-1] - ahead_s[0] + 1e-9)  # [m/s]
    return clip(way / WALKING, 0.0, 1.0)[..., None]


def heed(walks: Array, urgency: float, eagerness: float) -> Array:
    """How much people are minded who walk as much as `walks` (K or 1, N, 1) says; see :func:`of_people`."""
    return (1.0 - UNMINDED * urgency * (1.0 - walks)) * (1.0 - JOINS * eagerness)


def counterfactual_perturbation(people_with: Array, people_without: Array, minded: Array | float = 1.0) -> Array:
    """Squared distance between where people go with the robot (K, N, T, 2) and under the reference
    (1 or K, N, T, 2) [m], mean over time, sum over people, each as much as they are `minded`; (K,) [m^2].

    SACSoN: J_cp = 1/N_s sum_i || h_i - h_cf_i ||^2, there for the nearest person only.
    """
    xp = namespace(people_with, people_without)
    difference = people_with - people_without
    return xp.sum(xp.mean(minded * xp.sum(difference * difference, axis=-1), axis=-1), axis=-1)


def smoothness(velocities: Array, step_s: float) -> Array:
    """Mean squared change of v [m/s] and w [rad/s] from step to step of (K, T, 2), as at 4 Hz; (K,)."""
    xp = namespace(velocities)
    change = (velocities[:, 1:] - velocities[:, :-1]) / (step_s * COMMON_RATE)
    return xp.mean(xp.sum(change * change, axis=-1), axis=-1)


@dataclass(frozen=True)
class Published:
    """What the published terms want to know besides: sub_goal (3,) [m, m, rad]; points (M, 2) [m] and areas (M,) [m^2]
    of the laser's returns that are nobody's."""

    sub_goal: Array
    points: Array
    areas: Array


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
    """Every term of ours of K plans, unweighted, by name; each (K,). See the terms for shapes and units."""
    apart = distances(robot, people_without)
    return of_the_way(remaining, clearance, velocities, step_s, config) | of_people(
        robot, people_with, people_without, apart, step_s, robot_radius, config
    )


def of_the_way(
    remaining: Array, clearance: Array, velocities: Array, step_s: float, config: ObjectiveConfig
) -> dict[str, Array]:
    """The terms of ours that do not depend on people."""
    return {
        "goal_distance": goal_distance(remaining),
        "obstacle": obstacle(clearance, config.wall_margin),
        "smoothness": smoothness(velocities, step_s),
    }


def of_people(
    robot: Array,
    people_with: Array | None,
    people_without: Array,
    apart: Array,
    step_s: float,
    robot_radius: float,
    config: ObjectiveConfig,
    urgency: float = 0.0,
    bodies: Array | None = None,
    eagerness: float = 0.0,
) -> dict[str, Array]:
    """The terms of ours that depend on people, `apart` (K, N, T) [m] from the robot where they go without it. As long
    as nobody knows where they go with it, `people_with` None, the least that the terms can be. The greater `urgency`,
    0 to 1, the more those who stand are expected to step aside, and the less they are minded. The greater `eagerness`,
    0 to 1, the less anybody is minded, but for touching who walks. `bodies` (N,) [m]: how large people are, where that
    is known."""
    xp = namespace(robot)
    ahead = step_s * xp.arange(1, robot.shape[1] + 1, dtype=robot.dtype, device=device(robot))  # (T,) [s]
    walks = walking(people_without, ahead)
    asked = urgency * (1.0 - walks)  # (1, N, 1)
    minded = heed(walks, urgency, eagerness)
    later = clip(ahead / BY_THEN, 0.0, 1.0)  # now they stand where they stand
    dreaded = (1.0 - DARES * asked) * (1.0 - JOINS * eagerness * (1.0 - walks) * later)
    apart = apart + config.steps_aside * asked * later
    reach = robot_radius + (config.body if bodies is None else bodies[:, None]) + config.sway * walks
    spread = config.uncertainty + config.growth * clip(walks, STANDING) * ahead
    moved = intruded = xp.zeros_like(robot[:, 0, 0])
    if people_with is not None:
        apart = xp.minimum(distances(robot, people_with), apart)
        moved = counterfactual_perturbation(people_with, people_without, minded)
    if config.weights.intrusion:
        steps, soon = round(config.way_ahead / step_s), (1.0 - JOINS * eagerness) * xp.exp(-ahead / config.foresight)
        intruded = intrusion(robot, people_without, reach + config.berth, spread, soon, steps)
    return {
        "personal_space": personal_space(apart, robot_radius + config.personal_distance, minded),
        "counterfactual_perturbation": moved,
        # Who stands will still stand there later: there is nothing to wait for.
        "contact": contact(apart, reach, spread, xp.exp(-ahead * (1.0 - asked) / config.foresight), dreaded),
        "intrusion": intruded,
    }


def of_others_way(poses: Array, given: Published, radius: float, weights: Weights) -> dict[str, Array]:
    """The published terms that do not depend on people, of poses (K, T, 3) [m, m, rad] of a robot of that radius [m];
    the costlier one without a weight is left at zero."""
    pose = goal_pose(poses, given.sub_goal)
    nothing = 0.0 * pose[:, -1]
    return {
        "goal_pose_final": pose[:, -1],
        "goal_pose_all": namespace(pose).mean(pose, axis=-1),
        "geometric": geometric(poses[..., :2], given.points, given.areas, radius) if weights.geometric else nothing,
    }


def of_others_people(poses: Array, people_with: Array, weights: Weights) -> dict[str, Array]:
    """The published terms that do, people where they go with the robot (K, N, T, 2) [m]; without a weight zero."""
    nothing, somebody = 0.0 * poses[:, -1, 0], people_with.shape[1] > 0
    return {
        "risk": risk(poses[..., :2], people_with) if weights.risk and somebody else nothing,
        "compass": compass(poses, people_with) if weights.compass and somebody else nothing,
    }


ABOUT_PEOPLE = ("personal_space", "counterfactual_perturbation", "contact", "risk", "compass", "intrusion")
"""The terms that are zero where nobody is."""


def total(terms: dict[str, Array], weights: Weights) -> Array:
    """The weighted sum of the terms, (K,)."""
    return sum(getattr(weights, name) * value for name, value in terms.items())
