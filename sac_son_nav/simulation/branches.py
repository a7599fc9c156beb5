"""One moment, several futures of the robot: exact twins of the same people in the same state with the same luck.

A batch of worlds is rolled to moments at which its robots have done something plausible. There each chosen world is
copied: once without the robot, and once for each of F futures of it. What the people do differently is what that
future of the robot changes, to the last bit.

Shapes: S states, F futures, N people, P past and T future steps of STEP seconds. Frame map, SI units, float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.driving import MANNERS, Manners, commands, draw_manners
from sac_son_nav.simulation.goal_field import GoalField
from sac_son_nav.simulation.world import DT, World
from sac_son_nav.states import Floats

STEP = 0.4  # [s] between two moments of a past or future, as in the recordings of pedestrians
PAST, FUTURE = 8, 12  # moments, the present one the last of the past
EVERY = round(STEP / DT)
CONTROL = 2  # steps of the world for which a command is held
FUTURES = ("hold", "stop", "swerve_left", "swerve_right", "approach", "route", "wander", "cross", "leave")
PASTS = {"route": 0.4, "wander": 0.2, "stop": 0.12, "approach": 0.14, "cross": 0.14}  # share of each
NEAR = 6.0  # [m] from its robot, within which somebody makes a state worth a look
FAR_SHARE = 0.1  # of the other states that are kept
RENEWED = 2.4  # [s] after which a robot may take to another manner

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Twins:
    """What came of it.

    pasts (S, N, P, 2) and velocities (S, N, 2) of the people; absent (S, N, T, 2): where they go without the robot;
    shifts (S, F, N, T, 2), float16: from there to where they go with each of its futures; robot_pasts (S, P, 2) and
    robot_poses (S, 3) of the robot, futures (S, F, T, 3) its poses; manner (S, F): which of MANNERS each was.
    """

    pasts: Floats32
    velocities: Floats32
    absent: Floats32
    shifts: NDArray[np.float16]
    robot_pasts: Floats32
    robot_poses: Floats32
    futures: Floats32
    manner: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.pasts)

    @staticmethod
    def joined(parts: Sequence[Twins]) -> Twins:
        """All states of several, with as many people and futures each."""
        names = [f.name for f in fields(Twins)]
        return Twins(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def collect(
    world: World,
    field: GoalField | None,
    random: np.random.Generator,
    moments: int = 8,
    between: float = 2.4,
    most: int = 24,
) -> Twins:
    """Roll the world on with robots of random manners, and branch `moments` times, `between` [s] apart, up to `most`
    of its worlds each time. Raises ConfigError where nobody is in the world."""
    if len(world.crowd) == 0:
        raise ConfigError(f"scenario {world.scenario.name}: expected somebody to be disturbed, got nobody")
    count = world.batch[0]
    manners = _pasts(world, random)
    people: list[Floats] = [np.array(world.crowd.positions)]
    robots: list[Floats] = [np.array(world.poses)]
    found: list[Twins] = []
    apart = max(1, round(between / STEP))
    for tick in range(1, PAST + apart * (moments - 1)):
        since = (tick - 1) * STEP % RENEWED
        if since < 1e-6:
            manners = _pasts(world, random)
        for k in range(EVERY):
            world.step(commands(world, manners, since + k * DT, field) if k % CONTROL == 0 else None)
        people, robots = [*people[1 - PAST :], np.array(world.crowd.positions)], [*robots[1 - PAST :], world.poses]
        if tick >= PAST - 1 and (tick - PAST + 1) % apart == 0:
            chosen = _worth_a_look(world, most, random) if count > 1 else np.zeros(1, dtype=np.intp)
            if len(chosen):
                pasts = np.stack(people, axis=2)[chosen], np.stack(robots, axis=1)[chosen]
                found.append(branch(world.take(chosen.tolist()), *pasts, field, random))
    if not found:
        raise ConfigError(
            f"scenario {world.scenario.name}: expected people near the robot, got none in {count} worlds"
        )
    return Twins.joined(found)


def branch(
    world: World, pasts: Floats, robot_pasts: Floats, field: GoalField | None, random: np.random.Generator
) -> Twins:
    """Every world of the batch (S of them) goes on without its robot and with each of its FUTURES. `pasts`
    (S, N, P, 2), `robot_pasts` (S, P, 3): what has been until now."""
    states, count = len(pasts), len(FUTURES)
    with_robot = world.take(np.repeat(np.arange(states), count).tolist(), present=True)
    manner = np.tile([MANNERS.index(name) for name in FUTURES], states)
    manners = draw_manners(manner, with_robot, FUTURE * STEP, random)
    without = world.take(list(range(states)), present=False)
    absent, moved, driven = [], [], []
    for tick in range(FUTURE):
        for k in range(EVERY):
            told = commands(with_robot, manners, tick * STEP + k * DT, field) if k % CONTROL == 0 else None
            with_robot.step(told)
            without.step()
        absent.append(np.asarray(without.crowd.positions))
        moved.append(np.asarray(with_robot.crowd.positions))
        driven.append(np.asarray(with_robot.poses))
    alone = np.stack(absent, axis=2)  # (S, N, T, 2)
    shape = (states, count, *alone.shape[1:])
    shifts = np.stack(moved, axis=2).reshape(shape) - alone[:, None]
    return Twins(
        pasts.astype(np.float32),
        np.asarray(world.crowd.velocities, dtype=np.float32),
        alone.astype(np.float32),
        shifts.astype(np.float16),
        robot_pasts[..., :2].astype(np.float32),
        np.asarray(world.poses, dtype=np.float32),
        np.stack(driven, axis=1).reshape(states, count, FUTURE, 3).astype(np.float32),
        manner.reshape(states, count).astype(np.int8),
    )


def _pasts(world: World, random: np.random.Generator) -> Manners:
    names = list(PASTS)
    drawn = random.choice(len(names), world.batch[0], p=list(PASTS.values()))
    return draw_manners(np.array([MANNERS.index(n) for n in names])[drawn], world, RENEWED, random)


def _worth_a_look(world: World, most: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Which worlds to branch: mostly those in which somebody is near the robot."""
    apart = np.linalg.norm(np.asarray(world.crowd.positions) - np.asarray(world.poses)[:, None, :2], axis=-1)
    near = apart.min(axis=1) < NEAR
    rows = np.flatnonzero(near | (random.random(len(near)) < FAR_SHARE))
    return np.sort(random.permutation(rows)[:most])
