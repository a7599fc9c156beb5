"""Every planner of the benchmark by its name, each behind the navigator's interface: a plan for an observation.

The oracle is not among them, as an observation is not enough for it: see :mod:`.oracle`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Protocol

import yaml

from sac_son_nav.baselines.as_a_person import OrcaRobot, SocialForceRobot
from sac_son_nav.baselines.ds_rnn import DsRnn, load_network, named_weights
from sac_son_nav.baselines.dynamic_window import DynamicWindow, DynamicWindowConfig
from sac_son_nav.baselines.mppi import Mppi, MppiConfig
from sac_son_nav.baselines.straight import StopAndWait, Straight
from sac_son_nav.baselines.true_people import TruePeople
from sac_son_nav.config import RobotProfile, build, flatten, read_parameters, resource, unflatten
from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.navigation.navigator import NavigationConfig, Navigator
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.navigation.policy import LearnedPolicy, load
from sac_son_nav.prediction.predictor import Predictor
from sac_son_nav.states import Floats, Observation


class Planner(Protocol):
    """What answers an observation with a plan; `needs_scan`, where it says so, that it wants the laser's returns."""

    def set_map(self, floor: OccupancyMap) -> None:
        """Use this floor plan."""
        ...  # pragma: no cover

    def set_goal(self, pose: Floats | None) -> None:
        """Go to pose (3,) [m, m, rad], frame map."""
        ...  # pragma: no cover

    def step(self, observation: Observation) -> Plan:
        """What to do in the next control period."""
        ...  # pragma: no cover


def make_navigator(
    changes: Sequence[str], robot: RobotProfile, seed: int, model: Predictor | None = None
) -> Navigator:
    """This project's navigator with its shipped settings, some of them changed, with another human `model` than they
    name, if one is given, and with the shipped policy where its mode asks for one. Raises CheckpointError where that
    is missing: a comparison must not measure something else."""
    settings = changed_settings(changes)
    policy = None if settings.mode == "planner" else _shipped_policy()
    return Navigator(settings, robot.radius, robot.limits, model, seed, policy)


@cache
def _shipped_policy() -> LearnedPolicy:
    return load()


def shipped_settings() -> NavigationConfig:
    """What config/navigation.yaml says, without what only the node knows."""
    return changed_settings(())


def paper_settings() -> NavigationConfig:
    """The same with config/paper.yaml on top: the published objective."""
    return changed_settings(as_changes(read_parameters(resource("config", "paper.yaml"), "navigation")))


def as_changes(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Settings within settings as ``name=value`` with dotted names, for :func:`changed_settings`."""
    changes, left = [], [("", settings)]
    while left:
        prefix, values = left.pop()
        for name, value in values.items():
            if isinstance(value, Mapping):
                left.append((f"{prefix}{name}.", value))
            else:
                changes.append(f"{prefix}{name}={value}")
    return tuple(changes)


def changed_settings(changes: Sequence[str]) -> NavigationConfig:
    """The shipped settings with some changed, each ``name=value`` as a ROS parameter: dotted name, YAML value."""
    path = resource("config", "navigation.yaml")
    known = NavigationConfig.__dataclass_fields__
    values = {name: value for name, value in read_parameters(path, "navigation").items() if name in known}
    flat = flatten(build(NavigationConfig, values, str(path)))
    for change in changes:
        name, given, value = change.partition("=")
        if not given or name not in flat:
            raise ConfigError(f"setting {change!r}: expected name=value with one of {', '.join(flat)}")
        flat[name] = yaml.safe_load(value)
    return build(NavigationConfig, unflatten(flat), "settings")


PLANNERS: Mapping[str, Callable[[RobotProfile, int], Planner]] = {
    "straight": lambda robot, seed: Straight(robot.radius, robot.limits),
    "stop_and_wait": lambda robot, seed: StopAndWait(robot.radius, robot.limits),
    "dynamic_window": lambda robot, seed: DynamicWindow(DynamicWindowConfig(), robot.radius, robot.limits, seed),
    "mppi": lambda robot, seed: Mppi(MppiConfig(), robot.radius, robot.limits, seed),
    "social_force": lambda robot, seed: SocialForceRobot(robot.radius, robot.limits),
    "orca": lambda robot, seed: OrcaRobot(robot.radius, robot.limits),
    "sac_son": lambda robot, seed: make_navigator((), robot, seed),
}

VARIANTS: Mapping[str, Callable[[RobotProfile, int], Planner]] = {
    **{f"sac_son_{mode}": partial(make_navigator, (f"mode={mode}",)) for mode in ("planner", "policy", "both")},
    "paper": lambda robot, seed: Navigator(paper_settings(), robot.radius, robot.limits, seed=seed),
}
"""The navigator in its other modes, and with the published objective: by name only, not where all are meant."""

NAMED = {**PLANNERS, **VARIANTS}

BY_ARGUMENT = ("ds_rnn:PATH", "oracle:WEIGHT", "sac_son:WORD:...", "NAME:perceived")
"""Those that are named with something of the user's."""

PERCEIVED, ORACLE = "perceived", "oracle"


def perceives(name: str) -> bool:
    """Whether the planner of that name is told of the people that the tracker finds in the laser's sweeps, instead of
    where they truly are: it says so by the word ``perceived`` after its own."""
    return PERCEIVED in name.split(":")[1:]


def named_maker(name: str) -> Callable[[RobotProfile, int], Planner]:
    """What makes the planner of that name: one of NAMED, or ``sac_son`` and words after colons, each of which changes
    one thing: one of the predictors that config/navigation.yaml may name; ``oracle``, people as they truly will go; a
    number, what a square metre of perturbation is worth; or ``setting=value``. What a planner is told of people is
    not made here, see :func:`perceives`. Raises ConfigError, naming those that there are, for another name."""
    plain, *given = (word for k, word in enumerate(name.split(":")) if k == 0 or word != PERCEIVED)
    if given and plain == "sac_son":
        changes = tuple(_change(word) for word in given if word != ORACLE)
        changed_settings(changes)  # what nobody knows is refused before anything runs
        if ORACLE in given and perceives(name):
            raise ConfigError(f"planner {name}: expected oracle or perceived: found people have no true errands")
        if ORACLE in given:
            return lambda robot, seed: make_navigator(changes, robot, seed, TruePeople())
        return partial(make_navigator, changes)
    if given or plain not in NAMED:
        raise ConfigError(f"planner: expected one of {', '.join([*NAMED, *BY_ARGUMENT])}, got {name!r}")
    return NAMED[plain]


def _change(word: str) -> str:
    """The setting that a word after ``sac_son:`` changes: a number is a weight, anything else a predictor, unless it
    says which setting it is."""
    if "=" in word:
        return word
    try:
        return f"objective.weights.counterfactual_perturbation={float(word)!r}"
    except ValueError:
        return f"predictor={word}"


def make_planner(name: str, robot: RobotProfile, floor: OccupancyMap | None, goal: Floats, seed: int) -> Planner:
    """The planner of that name, bound for goal (3,) [m, m, rad] on this floor; the same `seed`, the same plans.

    Raises ConfigError, naming those that there are, for another name.
    """
    weights = named_weights(name)
    planner: Planner
    if weights is not None:
        planner = DsRnn(robot.radius, robot.limits, load_network(weights))
    else:
        planner = named_maker(name)(robot, seed)
    if floor is not None:
        planner.set_map(floor)
    planner.set_goal(goal)
    return planner
