"""Robots that do something plausible, many at once: what futures and pasts of a robot are made of to learn from.

Each of W robots has a `manner` of driving, its `speed`, and numbers of its own drawn beforehand. What it does depends
on those and on its world, so two robots of one manner in two copies of a world do the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import norm
from sac_son_nav.simulation.goal_field import GoalField
from sac_son_nav.simulation.world import World
from sac_son_nav.states import Floats

MANNERS = ("hold", "stop", "swerve_left", "swerve_right", "wander", "route", "approach", "cross", "leave")
"""hold: the command it has. stop. swerve: a turn to one side and back. wander: smooth and at random. route: the
shortest way to its goal. approach: to the nearest person. cross: to where they will be. leave: away from them."""
KNOT = 0.8  # [s] between two of the commands that a wanderer goes through
TURN_GAIN = 2.5  # [1/s]
SWERVE = 1.2  # [s] to one side, as long back


@dataclass(frozen=True)
class Manners:
    """How W robots drive from a moment on: manner (W,), a number in MANNERS; speed (W,) [m/s]; held (W, 2) [m/s,
    rad/s], the command when it began; turn (W,) [rad/s] of a swerve; lead (W,) [s] by which who crosses aims ahead;
    knots (W, M, 2) [m/s, rad/s] that a wanderer's commands go through."""

    manner: NDArray[np.intp]
    speed: Floats
    held: Floats
    turn: Floats
    lead: Floats
    knots: Floats

    def of(self, rows: NDArray[np.intp]) -> Manners:
        """Those of some."""
        return Manners(
            self.manner[rows], self.speed[rows], self.held[rows], self.turn[rows], self.lead[rows], self.knots[rows]
        )


def draw_manners(manner: NDArray[np.intp], world: World, horizon: float, random: np.random.Generator) -> Manners:
    """Numbers for robots of these manners (W,) in the world's batch, for `horizon` [s]."""
    count, limits = len(manner), world.profile.limits
    knots = np.stack(
        [
            limits.vx_max * np.clip(random.normal(0.6, 0.5, (count, int(horizon / KNOT) + 2)), 0.0, 1.0),
            random.normal(0.0, 0.6, (count, int(horizon / KNOT) + 2)),
        ],
        axis=-1,
    )
    held = np.array(world.velocities, dtype=np.float64)
    knots[:, 0] = held
    speed = limits.vx_max * random.choice([1.0, 0.75, 0.5], count, p=[0.6, 0.2, 0.2])
    return Manners(manner, speed, held, random.uniform(0.35, 0.9, count), random.uniform(0.5, 3.0, count), knots)


def commands(world: World, manners: Manners, time_s: float, field: GoalField | None) -> Floats:
    """What to tell each robot (W, 2) [m/s, rad/s], `time_s` [s] after its manner began; `field`: the way to the goal,
    None: straight to it."""
    poses = np.asarray(world.poses, dtype=np.float64)
    told = _open_loop(manners, time_s)
    aims = _aims(world, manners, poses, field)
    seeks = np.isin(manners.manner, [MANNERS.index(m) for m in ("route", "approach", "cross", "leave")])
    wrong = np.arctan2(aims[:, 1], aims[:, 0]) - poses[:, 2]
    wrong = np.arctan2(np.sin(wrong), np.cos(wrong))
    forward = manners.speed * np.clip(np.cos(wrong), 0.0, 1.0)
    limit = world.profile.limits.wz_max
    steered = np.stack([forward, np.clip(TURN_GAIN * wrong, -limit, limit)], axis=-1)
    return np.where(seeks[:, None], steered, told)


def _open_loop(manners: Manners, time_s: float) -> Floats:
    """What those do who look at nothing, (W, 2)."""
    told = manners.held.copy()
    told[manners.manner == MANNERS.index("stop")] = 0.0
    there, back = time_s < SWERVE, SWERVE <= time_s < 2.0 * SWERVE
    for name, side in (("swerve_left", 1.0), ("swerve_right", -1.0)):
        rows = manners.manner == MANNERS.index(name)
        told[rows, 0] = manners.speed[rows]
        told[rows, 1] = side * (there - 1.0 * back) * manners.turn[rows]
    rows = manners.manner == MANNERS.index("wander")
    place = min(time_s / KNOT, manners.knots.shape[1] - 1.001)
    k, share = int(place), place - int(place)
    told[rows] = (1.0 - share) * manners.knots[rows, k] + share * manners.knots[rows, k + 1]
    return told


def _aims(world: World, manners: Manners, poses: Floats, field: GoalField | None) -> Floats:
    """In which direction (W, 2) those want to go who want to go somewhere."""
    here = poses[:, :2]
    aims = np.tile(np.array([1.0, 0.0]), (len(here), 1))
    people = np.asarray(world.crowd.positions, dtype=np.float64)
    if people.shape[1]:
        apart = np.asarray(norm(people - here[:, None]))
        nearest, rows = np.argmin(apart, axis=1), np.arange(len(here))
        to_them = people[rows, nearest] - here
        pace = np.asarray(world.crowd.velocities, dtype=np.float64)[rows, nearest]
        crosses = manners.manner == MANNERS.index("cross")
        leaves = manners.manner == MANNERS.index("leave")
        aims = np.where(crosses[:, None], to_them + manners.lead[:, None] * pace, to_them)
        aims = np.where(leaves[:, None], -aims, aims)
    route = manners.manner == MANNERS.index("route")
    goal = np.asarray(world.scenario.robot_goal[:2]) - here if field is None else field.at(here)[1]
    return np.where(route[:, None], goal, aims)
