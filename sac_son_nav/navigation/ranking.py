"""Which of many plans costs least, without working out what each of them does to people.

Every term is zero or more, and nobody's space and nobody's safety costs less than where people go without the robot
says: the nearer counts. So the way's terms with the least of the people's are a bound that no plan costs less than,
and a plan whose bound is above what another one costs can't win. People are foreseen for the FIRST plans in the order
of their bounds, and then for those that could still win. What these move people takes little to work out and is
charged first; only those that could win nevertheless are asked for the rest. What is chosen is what looking at all of
them would choose.

Arrays of many plans have the plans side by side in memory: sums over time and people then run along them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.navigation import objective
from sac_son_nav.navigation.objective import ObjectiveConfig, Published
from sac_son_nav.navigation.planner import Candidates
from sac_son_nav.prediction.predictor import Floats32, Foresight
from sac_son_nav.states import Floats

FIRST = 24  # plans
ROUNDING = 1e-3  # of cost, by which a bound may seem to be above what it bounds


@dataclass(frozen=True)
class Choice:
    """The plan that costs least, by its number among the candidates, and its terms, unweighted; people (N, T, 2) [m]
    with it and under the reference. `alone`: the one that would cost least if people did not count. `foreseen`: for
    how many plans people were foreseen."""

    best: int
    alone: int
    terms: dict[str, float]
    people_with: Floats
    people_without: Floats
    foreseen: int


@dataclass(frozen=True)
class Ranking:
    """What plans of steps of `step_s` [s] of a robot of that radius [m] are ranked by; `published` for the terms of
    others; `urgency`, 0 to 1, with which those who stand are asked to step aside; `bodies` (N,) [m], how large people
    are, where that is known. `first`: for how many plans people are foreseen whatever their bounds are. `eagerness`, 0
    to 1: how little whom it disturbs is minded."""

    config: ObjectiveConfig
    step_s: float
    radius: float
    published: Published
    urgency: float = 0.0
    bodies: Floats | None = None
    first: int = FIRST
    eagerness: float = 0.0

    def choose(
        self,
        options: Candidates,
        start: Floats,
        remaining: Floats,
        clearance: Floats,
        foresight: Foresight,
        reference: Floats | None = None,
    ) -> Choice:
        """The best of K options for a robot that moves at `start` (2,) [m/s, rad/s], with `remaining` way and
        `clearance` (K, T) [m]. The reference is the world without the robot, or the robot's poses (T, 3) under it."""
        weights = self.config.weights
        # A single plan has nobody to win against: it is foreseen at once with the world without the robot.
        known = foresight.under(options.poses) if len(options.poses) == 1 else None
        without = foresight.without if reference is None else foresight.under(reference[None])[0]
        here = options.poses[0, 0, :2]  # people's terms are worked out in single precision, which is finest near zero
        robot = _side_by_side((options.poses[..., :2] - here).astype(np.float32))
        alone_there = _near(without[None], here)
        begun = np.broadcast_to(start, (len(robot), 1, 2))
        way = objective.of_the_way(
            remaining, clearance, np.concatenate([begun, options.velocities], axis=1), self.step_s, self.config
        )
        way |= objective.of_others_way(options.poses, self.published, self.radius, weights)
        apart = objective.distances(robot, alone_there)
        alone = objective.total(way, weights)
        least = self._terms(robot, None, alone_there, apart) if known is None else {}
        bound = alone + objective.total(least, weights)
        order, done = np.argsort(bound, kind="stable"), 0
        best, cost, terms, people = -1, np.inf, {}, without
        while done < len(order) and bound[order[done]] <= cost + ROUNDING:
            batch = order[done:] if done else order[: self.first]
            batch = batch[bound[batch] <= cost + ROUNDING]
            done += len(batch)
            ways = foresight.under(options.poses[batch]) if known is None else known
            if np.isfinite(cost):
                left = np.flatnonzero(bound[batch] + self._moved(_near(ways, here), alone_there) <= cost + ROUNDING)
                batch, ways = batch[left], _some(ways, left)
            if len(batch) == 0:
                break
            found = self._terms(_some(robot, batch), _near(ways, here), alone_there, _some(apart, batch))
            found |= objective.of_others_people(options.poses[batch], ways, weights)
            costs = alone[batch] + objective.total(found, weights)
            k = _first_least(costs, batch)
            if (costs[k], batch[k]) < (cost, best):
                best, cost, people = int(batch[k]), float(costs[k]), ways[k]
                terms = {name: float(values[best]) for name, values in way.items()}
                terms |= {name: float(values[k]) for name, values in found.items()}
        with_robot, without_robot = people.astype(np.float64), without.astype(np.float64)
        return Choice(best, int(np.argmin(alone)), terms, with_robot, without_robot, done)

    def _terms(
        self, robot: Floats32, people: Floats32 | None, without: Floats32, apart: Floats32
    ) -> dict[str, Floats32]:
        return objective.of_people(
            robot,
            people,
            without,
            apart,
            self.step_s,
            self.radius,
            self.config,
            self.urgency,
            self.bodies,
            self.eagerness,
        )

    def _moved(self, people: Floats32, without: Floats32) -> Floats32:
        """What plans cost (K,) for moving `people` (K, N, T, 2) from where they go `without` (1, N, T, 2)."""
        walks = objective.walking(without, self.step_s * np.arange(1, people.shape[2] + 1, dtype=np.float32))
        minded = objective.heed(walks, self.urgency, self.eagerness)
        moved: Floats32 = objective.counterfactual_perturbation(people, without, minded)
        return np.float32(self.config.weights.counterfactual_perturbation) * moved


def _near(people: Floats32, here: Floats) -> Floats32:
    """Places (K, N, T, 2) as seen from `here` (2,)."""
    return _side_by_side(people - here.astype(np.float32))


def _side_by_side(plans: Floats32) -> Floats32:
    """Arrays (K, ..., 2) as they are, in memory (2, ..., K)."""
    return np.ascontiguousarray(plans.swapaxes(0, -1)).swapaxes(0, -1)


def _some(plans: Floats32, numbers: NDArray[np.intp]) -> Floats32:
    """Of arrays (K, ...) that have the plans side by side in memory, those of these numbers (B,), likewise."""
    return np.moveaxis(np.take(np.moveaxis(plans, 0, -1), numbers, axis=-1), -1, 0)


def _first_least(costs: Floats, numbers: NDArray[np.intp]) -> int:
    """Where the least cost stands, of equal ones that of the least number."""
    return int(np.lexsort((numbers, costs))[0])
