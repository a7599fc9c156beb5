"""A robot's errand among people as a learning task, in many worlds at once, each beside its twin without the robot.

Every world has a seed, and is the :class:`.world.World` of that seed to the last bit. Half of the batch are the twins:
the same people with the same luck, who never meet the robot, so that what it does to people is known exactly while it
happens. This is what stands behind the environments of :mod:`.env`, and it knows nothing of them.

Shapes: W worlds, N people. Frame map, SI units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import rotate
from sac_son_nav.simulation import proximity, rewards
from sac_son_nav.simulation.goal_field import GoalField
from sac_son_nav.simulation.laser import sees_legs
from sac_son_nav.simulation.laws import law_named
from sac_son_nav.simulation.observations import Observer
from sac_son_nav.simulation.rewards import RewardConfig
from sac_son_nav.simulation.scenario import Scenario
from sac_son_nav.simulation.world import DT, World
from sac_son_nav.states import Floats

STEPS = 2  # of the world for each of the robot's
PERIOD = STEPS * DT  # [s]

Observation = Literal["tracks", "laser", "both"]


@dataclass(frozen=True)
class TaskConfig:
    """The task beyond scenario and robot."""

    humans: str = "social_force"  # the law people walk by
    observation: str = "tracks"  # people as they truly are, the robot's laser, or both
    people: int = 10  # most that a robot is told of
    reach: float = 8.0  # [m] within which it is told of them
    beams: int = 180  # of the laser, all round or as far as the robot's sees
    twin: bool = True  # run each world without the robot too; needed to measure displacement, costs half the speed
    twin_renewed: float = 0.0  # [s] after which the twin is made from the world as it is then; 0: never
    proximity: bool = False  # risk and compass among what is measured
    ends_on_contact: bool = True  # whether touching a person ends the run; touching a wall never does
    reverse: bool = False  # actions reach down to the base's lowest speed, else to standing
    reward: RewardConfig = field(default_factory=RewardConfig)

    def __post_init__(self) -> None:
        if self.observation not in get_args(Observation):
            expected = ", ".join(get_args(Observation))
            raise ConfigError(f"observation: expected one of {expected}, got {self.observation!r}")
        law_named(self.humans)
        for name in ("people", "beams"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: expected one or more, got {getattr(self, name)}")
        if not self.reach > 0.0:
            raise ConfigError(f"reach: expected metres above zero, got {self.reach}")
        if self.twin_renewed < 0.0:
            raise ConfigError(f"twin_renewed: expected seconds of zero or more, got {self.twin_renewed}")
        if not self.twin and (self.reward.perturbation or self.twin_renewed):
            raise ConfigError(
                "twin: expected true, for the reward of perturbation and twin_renewed need it, got false"
            )


@dataclass(frozen=True)
class Outcome:
    """What a step brought, each (W,): the reward, its `terms` unweighted by name, and how the run ended, if it did."""

    reward: Floats
    terms: dict[str, Floats]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]


class NavigationTask:
    """W robots, each on the same errand in a world of its own. Worlds are numbered, and any can begin anew.

    `displacement` (W, N) [m]: how far each person is from where they would be without the robot, NaN for who is not
    there; 0 without twins. `seeds` (W,); `world`: the batch, the W worlds first and then their twins.
    """

    def __init__(self, scenario: Scenario, robot: RobotProfile, config: TaskConfig, seeds: Sequence[int]) -> None:
        """The worlds of the `seeds` at their first moment. Raises ConfigError when a seed is negative or the robot
        does not fit."""
        self.scenario, self.robot, self.config = scenario, robot, config
        self._limits = robot.limits if config.reverse else robot.limits.forward_only()
        self.field = GoalField(scenario.floor, scenario.robot_goal[:2], robot.radius)
        if not self.field.leads_from(scenario.robot_start[:2]):
            raise ConfigError(f"scenario {scenario.name}: no way to the goal is wide enough for robot {robot.name}")
        told, seen = config.observation != "laser", config.observation != "tracks"
        people, beams = config.people if told else None, config.beams if seen else None
        self._observer = Observer(scenario, robot, self.field, people, config.reach, beams)
        self.bounds = self._observer.bounds
        self._gait = seen and sees_legs(robot.laser)
        self.restart(seeds)

    def restart(self, seeds: Sequence[int]) -> None:
        """All worlds anew, one for each of the seeds."""
        count = len(seeds)
        self.world = self._worlds(seeds)
        self.seeds = np.array(seeds, dtype=np.int64)
        self._way = self.field.at(np.asarray(self.world.poses[:count, :2]))
        self._noted, self._collided = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
        self._ticks, self._perturbed = np.zeros(count, dtype=np.int64), np.zeros(count)
        self._terms = {name: np.zeros(count) for name in rewards.TERMS}
        self.displacement = np.zeros((count, len(self.world.crowd)))

    def begin(self, worlds: NDArray[np.intp], seeds: Sequence[int]) -> None:
        """World number `worlds[k]` begins anew with the seed number k; the others do not notice. Raises ConfigError
        where recorded people share one clock, unless all worlds begin."""
        count = len(self)
        if len(worlds) == count:
            self.restart([seeds[k] for k in np.argsort(worlds)])
            return
        slots = np.concatenate([worlds, worlds + count]) if self.config.twin else worlds
        self.world.put(slots.tolist(), self._worlds(seeds))
        self.seeds[worlds] = seeds
        self._noted[worlds], self._collided[worlds] = 0, False
        self._ticks[worlds], self._perturbed[worlds], self.displacement[worlds] = 0, 0.0, 0.0
        for values in self._terms.values():
            values[worlds] = 0.0
        self._look_at_way()

    def _worlds(self, seeds: Sequence[int]) -> World:
        count, settings = len(seeds), {"humans": self.config.humans, "gait": self._gait}
        if not self.config.twin:
            return World(self.scenario, self.robot, list(seeds), **settings)  # type: ignore[arg-type]
        present = np.arange(2 * count) < count
        return World(self.scenario, self.robot, [*seeds, *seeds], present, **settings)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.seeds)

    # -- time goes on -------------------------------------------------------------------------------------------

    def velocities_for(self, actions: Floats) -> Floats:
        """The velocities (..., 2) [m/s, rad/s] that actions (..., 2) from -1 to 1 stand for: from the lowest to the
        highest speed, and from its fastest turn to the right to that to the left."""
        limits, actions = self._limits, np.clip(np.asarray(actions, dtype=np.float64), -1.0, 1.0)
        speed = limits.vx_min + 0.5 * (actions[..., 0] + 1.0) * (limits.vx_max - limits.vx_min)
        return np.stack([speed, limits.wz_max * actions[..., 1]], axis=-1)

    def actions_for(self, velocities: Floats) -> Floats:
        """The inverse of :meth:`velocities_for`, clipped to what the base can do."""
        limits, velocities = self._limits, np.asarray(velocities, dtype=np.float64)
        forward = 2.0 * (velocities[..., 0] - limits.vx_min) / (limits.vx_max - limits.vx_min) - 1.0
        return np.clip(np.stack([forward, velocities[..., 1] / limits.wz_max], axis=-1), -1.0, 1.0)

    def step(self, actions: Floats) -> Outcome:
        """The next PERIOD. `actions` (W, 2) from -1 to 1, see :meth:`velocities_for`. Raises MessageError for one that
        is no number."""
        commands, count = self.velocities_for(actions), len(self)
        if self.config.twin:
            commands = np.concatenate([commands, commands])  # who is not there does not obey
        before, reached = self._way[0], np.array(self.world.reached[:count])
        self.world.step(commands)
        for _ in range(STEPS - 1):
            self.world.step()
        self._ticks += 1
        self._look_at_way()
        success = np.asarray(self.world.reached[:count]) & ~reached
        touched, walls = self._new_contacts()
        self._collided |= touched > 0.0
        displaced = np.zeros(count)
        if self.config.twin:
            self.displacement = self._displacement()
            displaced = np.sum(np.nan_to_num(self.displacement), axis=-1)
            self._perturbed += displaced
            self._renew_twins()
        reach = self.robot.radius + self.config.reward.personal_distance
        apart = np.linalg.norm(self._people - self._poses[:, None, :2], axis=-1)
        values = (
            *(before - self._way[0], success, touched, walls, np.full(count, PERIOD)),
            *(PERIOD * rewards.intrusion(apart, reach), PERIOD * displaced),
        )
        self._terms = {name: np.asarray(v, dtype=np.float64) for name, v in zip(rewards.TERMS, values, strict=True)}
        terminated = success | self._collided if self.config.ends_on_contact else success
        truncated = ~terminated & (self._ticks * PERIOD >= self.scenario.time_limit - 1e-9)
        terms = {name: values.copy() for name, values in self._terms.items()}
        return Outcome(rewards.total(terms, self.config.reward), terms, terminated, truncated)

    def _look_at_way(self) -> None:
        self._way = self.field.at(self._poses[:, :2])

    def _new_contacts(self) -> tuple[Floats, Floats]:
        """How many people and walls (W,) each robot touched since this was last asked."""
        found = np.zeros((2, len(self)))
        for k, contacts in enumerate(self.world.contacts[: len(self)]):
            for contact in contacts[self._noted[k] :]:
                found[int(contact.what == "wall"), k] += 1.0
            self._noted[k] = len(contacts)
        return found[0], found[1]

    def _renew_twins(self) -> None:
        """Twins whose time has come are made from their worlds as they are now, less the robot."""
        if self.config.twin_renewed > 0.0:
            due = np.flatnonzero(self._ticks % max(1, round(self.config.twin_renewed / PERIOD)) == 0)
            if len(due):
                self.world.put((due + len(self)).tolist(), self.world.take(due.tolist(), present=False))

    # -- what there is to know ----------------------------------------------------------------------------------

    @property
    def _poses(self) -> Floats:
        return np.asarray(self.world.poses[: len(self)])

    @property
    def _people(self) -> Floats:
        return np.asarray(self.world.crowd.positions[: len(self)])

    def _displacement(self) -> Floats:
        apart: Floats = np.linalg.norm(self._people - np.asarray(self.world.crowd.positions[len(self) :]), axis=-1)
        return apart

    def observe(self) -> dict[str, NDArray[Any]]:
        """What the robots are told now, see :class:`.observations.Observer`."""
        return self._observer.observe(self.world, len(self), self._way)

    def measure(self) -> dict[str, Any]:
        """What is true now, everything (W, ...), with the `terms` of the last step: for logs and losses, not for the
        robots."""
        count = len(self.world.crowd)
        found: dict[str, Any] = {
            "seed": self.seeds.copy(),
            "time": self._ticks * PERIOD,
            "way": self._way[0].copy(),
            "success": np.array(self.world.reached[: len(self)]),
            "collision": self._collided.copy(),
            "terms": {name: values.copy() for name, values in self._terms.items()},
        }
        if self.config.twin:
            found["displacement"] = self.displacement.copy()
            found["perturbation"] = self._perturbed / np.maximum(self._ticks * max(count, 1), 1)
        if self.config.proximity:
            poses = self._poses
            people = rotate(self._people - poses[:, None, :2], -poses[:, 2][:, None])
            found["risk"], found["compass"] = proximity.risk(people), proximity.compass(people)
        return found
