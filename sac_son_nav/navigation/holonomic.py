"""Driving a base that goes in any direction at once, in the open: the same objective and the same models of people as
:mod:`navigator`, with candidates of its own.

No robot of ours is such a base; published simulators have them, and a planner that drives and turns there is compared
with robots that step aside. There are neither walls nor a laser, so there is no route and no shield.

*Ways* go on in one of some directions, at a share of the full speed, or stand, for a while; then they make for the
goal or stop. The last plan is among them. *Variations* shake the best few, round by round and ever less.

Shapes: K plans, T steps, N people. Frame map, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.navigation import objective
from sac_son_nav.navigation.navigator import NavigationConfig
from sac_son_nav.navigation.patience import Patience
from sac_son_nav.navigation.planner import shift, slowly
from sac_son_nav.prediction.learned import named_predictor
from sac_son_nav.prediction.predictor import Floats32, Predictor, RobotFutures, foresee
from sac_son_nav.states import Floats, Tracks

NOBODY = np.zeros(0, dtype=bool)  # no futures of the robot: people do not depend on them
KNOTS = 5  # moments of the horizon at which a variation's noise is drawn


@dataclass(frozen=True)
class HolonomicConfig:
    """How densely a base that goes in any direction looks."""

    directions: int = 24  # all round, the goal's among them
    shares: tuple[float, ...] = (1.0, 0.5)  # of the full speed
    holds: tuple[float, ...] = (0.5, 1.0, 2.0)  # [s] after which a way makes for the goal or stops
    rounds: int = 2  # of variations of the best
    best: int = 4  # how many plans are varied in a round
    variations: int = 96  # in a round
    hurry: float = 2.0  # how much more the way still to go counts to who is late, see `Patience.eagerness`
    spread: float = 0.4  # [m/s] of them in the first round, standard deviation; the k-th has a k-th of it

    def __post_init__(self) -> None:
        if min(self.directions, len(self.shares), len(self.holds), self.best, self.variations) < 1 or self.rounds < 0:
            raise ConfigError(f"holonomic: expected at least one of all but rounds, and 0 of those, got {self}")


@dataclass(frozen=True)
class HolonomicPlan:
    """What to do next: velocity (2,) [m/s]; and why: the velocities (T, 2) [m/s] of the whole plan, the places (T, 2)
    [m] they lead to, and its terms, unweighted."""

    velocity: Floats
    velocities: Floats
    places: Floats
    terms: dict[str, float]


def ways(here: Floats, goal: Floats, fastest: float, steps: int, step_s: float, config: HolonomicConfig) -> Floats:
    """Velocities (K, T, 2) [m/s] of the ways to go on from `here` (2,) to `goal` (2,) [m], at most `fastest` [m/s]."""
    towards = goal - here
    angles = np.arctan2(towards[1], towards[0]) + 2.0 * np.pi * np.arange(config.directions) / config.directions
    round_about = fastest * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    first = np.concatenate([*(share * round_about for share in config.shares), np.zeros((1, 2))])  # (F, 2)
    made = [np.repeat(first[:, None], steps, axis=1)]
    for hold in config.holds:
        held = min(max(1, round(hold / step_s)), steps)
        left = towards - held * step_s * first
        length = np.maximum(np.hypot(*left.T), 1e-6)[:, None]
        after = np.clip(length - fastest * step_s * np.arange(steps - held), 0.0, fastest * step_s) / step_s  # (F, A)
        onward = left[:, None] / length[..., None] * after[..., None]
        for then in (onward, np.zeros_like(onward)):
            made.append(np.concatenate([made[0][:, :held], then], axis=1))
    return np.concatenate(made)


def variations(plans: Floats, fastest: float, spread: float, count: int, random: np.random.Generator) -> Floats:
    """Noisy versions of plans (B, T, 2) [m/s], (count, T, 2), at most `fastest` [m/s]. The noise, of standard
    deviation `spread` [m/s], changes slowly."""
    noise = spread * random.standard_normal((count, KNOTS, 2))
    varied = plans[np.arange(count) % len(plans)] + slowly(noise, plans.shape[1])
    slower: Floats = varied / np.maximum(np.hypot(varied[..., :1], varied[..., 1:]) / fastest, 1.0)
    return slower


@dataclass
class HolonomicNavigator:
    """Drives one base of that radius [m] and greatest speed [m/s] to `goal` (2,) [m], in any direction, among people
    who do not see it: they are foreseen once, without it. Deterministic: the same people and seed, the same plans."""

    config: NavigationConfig
    ways: HolonomicConfig
    radius: float
    fastest: float
    goal: Floats
    seed: int = 0
    _predictor: Predictor = field(init=False)
    _random: np.random.Generator = field(init=False)
    _patience: Patience = field(default_factory=Patience)
    _plan: Floats | None = None
    _stamp_s: float = 0.0

    def __post_init__(self) -> None:
        self._predictor = named_predictor(self.config.predictor, self.config.human_model)
        if getattr(self._predictor, "needs_past", 0):
            raise ConfigError("holonomic: expected a predictor that reads no pasts, got the learned one")
        self._random = np.random.default_rng(self.seed)

    def step(self, here: Floats, velocity: Floats, people: Tracks) -> HolonomicPlan:
        """The plan from `here` (2,) [m] at `velocity` (2,) [m/s], among people."""
        planner, config = self.config.planner, self.ways
        people = people.nearest(here, self.config.people_considered, self.config.attention_range)
        robot = RobotFutures(np.array([*here, 0.0]), np.zeros((0, planner.steps, 3)), NOBODY, self.radius)
        without = foresee(self._predictor, people, robot, planner.step, None).without - here.astype(np.float32)
        plans = ways(here, self.goal, self.fastest, planner.steps, planner.step, config)
        if self._plan is not None:
            last = shift(self._plan, people.stamp_s - self._stamp_s, planner.step)
            plans = np.concatenate([plans, last[None]])
        self._patience.urgency(people.stamp_s, float(np.linalg.norm(self.goal - here)), self.config.patience)
        costs, terms = self._costs(plans, here, velocity, without[None], people.radii)
        for k in range(config.rounds):
            best = plans[np.argsort(costs, kind="stable")[: config.best]]
            more = variations(best, self.fastest, config.spread / (k + 1), config.variations, self._random)
            found, told = self._costs(more, here, velocity, without[None], people.radii)
            plans, costs = np.concatenate([plans, more]), np.concatenate([costs, found])
            terms = {name: np.concatenate([values, told[name]]) for name, values in terms.items()}
        k = int(np.argmin(costs))
        self._plan, self._stamp_s = plans[k], people.stamp_s
        places = here + planner.step * np.cumsum(plans[k], axis=0)
        return HolonomicPlan(plans[k, 0], plans[k], places, {name: float(values[k]) for name, values in terms.items()})

    def _costs(
        self, plans: Floats, here: Floats, velocity: Floats, people: Floats32, bodies: Floats | None
    ) -> tuple[Floats, dict[str, Floats]]:
        """What the plans (K, T, 2) cost, (K,), and their terms; people (1, N, T, 2) [m] as seen from here."""
        planner, config = self.config.planner, self.config.objective
        plans = plans.astype(np.float32)
        places = np.float32(planner.step) * np.cumsum(plans, axis=1)
        begun = np.broadcast_to(velocity.astype(np.float32), (len(plans), 1, 2))
        left = (self.goal - here).astype(np.float32) - places
        terms = objective.of_the_way(
            np.hypot(left[..., 0], left[..., 1]),
            np.full(places.shape[:2], np.inf, dtype=np.float32),
            np.concatenate([begun, plans], axis=1),
            planner.step,
            config,
        )
        apart, told = objective.distances(places, people), None if bodies is None else bodies.astype(np.float32)
        late = self._patience.eagerness(self.config.patience)
        terms |= objective.of_people(places, None, people, apart, planner.step, self.radius, config, 0.0, told, late)
        # Who is late wants on more, whomever it disturbs and nearly whatever it dares.
        wants = config.weights.goal_distance * (1.0 + self.ways.hurry * late)
        return objective.total(terms, replace(config.weights, goal_distance=wants)), terms
