"""Twins to learn from and to be judged by: which worlds, which laws, which seeds, and the folder they are kept in.

Two sets that share nothing: for training, made-up rooms and some of the cards with varied people and varied laws; to
be judged by, the cards of HELD_OUT as they are. The anticipatory power law is for judging alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import RobotProfile, load_robot, make_folder
from sac_son_nav.errors import ConfigError, ResultsError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.simulation.branches import Twins, collect
from sac_son_nav.simulation.goal_field import GoalField
from sac_son_nav.simulation.laws import LAWS, Law
from sac_son_nav.simulation.random_rooms import random_room, varied
from sac_son_nav.simulation.scenarios import Scenario, load_scenario
from sac_son_nav.simulation.world import World

HELD_OUT = (
    "perpendicular_crossing",
    "corridor_counter_flow",
    "narrow_doorway",
    "frontal_approach",
    "circular_crossing",
)
CARDS = (
    *("being_overtaken", "blind_corner", "corridor", "crossing", "doorway", "following_a_person"),
    *("leaving_elevator", "overtaking", "pedestrian_obstruction", "queue", "standing_group"),
)
TRAINING_SEEDS = 1_000_000  # people of training worlds have seeds from here on; benchmarks use small ones
LAWS_LEARNED = ("social_force", "orca")
FILE = "{:05d}.npz"


@dataclass(frozen=True)
class TwinConfig:
    """How many twins to make, and of what."""

    seed: int = 0
    batches: int = 112  # places, each with a law and a robot of its own
    worlds: int = 64  # in each batch
    moments: int = 4  # at which each batch is branched
    states: int = 40  # that are kept at each
    social_force_share: float = 0.65  # of the batches; the others walk by ORCA
    rooms_share: float = 0.6  # of the batches in made-up rooms; the others on the cards

    def __post_init__(self) -> None:
        for name in ("batches", "worlds", "moments", "states"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: expected one or more, got {getattr(self, name)}")
        for name in ("social_force_share", "rooms_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name}: expected a share from 0 to 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class TwinBatch:
    """The twins of one place, its floor, the law people walk by, and the robot's radius [m]."""

    scenario: str
    law: str
    radius: float
    floor: OccupancyMap
    twins: Twins


def training_batch(config: TwinConfig, number: int) -> TwinBatch:
    """Batch number `number` of the training set: the same for the same config, whatever was made before it."""
    random = np.random.default_rng([config.seed, number])
    law = _varied_law("social_force" if random.random() < config.social_force_share else "orca", random)
    while True:
        robot = _varied_robot(random)
        try:
            if random.random() < config.rooms_share:
                place = random_room(random)
            else:
                place = varied(load_scenario(CARDS[random.integers(len(CARDS))]), random)
            seeds = TRAINING_SEEDS + 1000 * number + np.arange(config.worlds)
            return _batch(place, law, robot, seeds.tolist(), config, random)
        except ConfigError:  # a robot too wide for the place, or people too many
            continue


def held_out_batch(
    scenario: str,
    law: str,
    config: TwinConfig,
    robot: str = "simulated",
    people: Callable[[Scenario], Scenario] | None = None,
) -> TwinBatch:
    """Twins of a card as it stands, among people of one of LAWS, with small seeds."""
    place = load_scenario(scenario)
    random = np.random.default_rng([config.seed, len(scenario), *scenario.encode()])
    place = people(place) if people else place
    return _batch(place, law, load_robot(robot), list(range(config.worlds)), config, random)


def _batch(
    place: Scenario,
    law: Law | str,
    robot: RobotProfile,
    seeds: list[int],
    config: TwinConfig,
    random: np.random.Generator,
) -> TwinBatch:
    world = World(place, robot, seeds, humans=law, like=np.zeros(0, dtype=np.float32), gait=False)
    _put_some_elsewhere(world, random)
    field = _field(place.floor, *place.robot.goal[:2], robot.radius)
    twins = collect(world, field, random, config.moments, most=config.states)
    name = law if isinstance(law, str) else next(k for k, v in LAWS.items() if v.step is law.step)
    return TwinBatch(place.name, name, robot.radius, place.floor, twins)


@lru_cache(maxsize=4)
def _field(floor: OccupancyMap, x: float, y: float, radius: float) -> GoalField:
    return GoalField(floor, np.array([x, y]), radius)


def _put_some_elsewhere(world: World, random: np.random.Generator) -> None:
    """Every second robot starts somewhere else than where the scenario says, clear of walls and people."""
    x0, x1, y0, y1 = world.scenario.floor.extent
    starts = np.asarray(world.crowd.positions, dtype=np.float64)
    poses = np.array(world.poses)
    for k in range(0, world.batch[0], 2):
        for _ in range(30):
            place = random.uniform((x0, y0), (x1, y1))
            clear = float(world.scenario.floor.distance_at(place)) > world.profile.radius + 0.1
            if clear and np.min(np.linalg.norm(starts[k] - place, axis=-1), initial=np.inf) > 1.0:
                poses[k] = [*place, random.uniform(-np.pi, np.pi)]
                break
    world.poses = poses


def _varied_robot(random: np.random.Generator) -> RobotProfile:
    robot = load_robot("simulated")
    limits = replace(robot.limits, vx_max=float(random.uniform(0.3, 1.0)))
    return replace(robot, radius=float(random.uniform(0.17, 0.35)), limits=limits)


def _varied_law(name: str, random: np.random.Generator) -> Law:
    """One of LAWS_LEARNED with parameters around its own."""
    law = LAWS[name]
    ranges: dict[str, tuple[float, float]] = {
        "social_force": {
            "relaxation_time": (0.4, 0.8),
            "strength": (3.0, 6.5),
            "reach": (0.25, 0.45),
            "relative_velocity_weight": (1.4, 2.6),
            "slowing_width": (2.0, 4.0),
            "turning_width": (1.5, 3.0),
        },
        "orca": {"horizon": (2.0, 6.0), "robot_share": (0.0, 0.7), "margin": (0.05, 0.25), "least_speed": (0.5, 1.2)},
    }[name]
    drawn = {key: float(random.uniform(*between)) for key, between in ranges.items()}
    return replace(law, config=replace(law.config, **drawn), relaxation_time=drawn.get("relaxation_time"))


# -- the folder ---------------------------------------------------------------------------------------------------


def make_training_set(
    config: TwinConfig,
    folder: Path,
    told: Callable[[int, int], None] = lambda done, of: None,
    jobs: int = 1,
) -> None:
    """Every batch of the training set that the folder does not hold yet, in so many processes: the same files, however
    many."""
    make_folder(folder)
    missing = [n for n in range(config.batches) if not (folder / FILE.format(n)).is_file()]
    made = config.batches - len(missing)
    if jobs <= 1:
        for number in missing:
            _make_one(config, folder, number)
            told(made := made + 1, config.batches)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        waiting = [pool.submit(_make_one, config, folder, number) for number in missing]
        try:
            for done in as_completed(waiting):
                done.result()
                told(made := made + 1, config.batches)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _make_one(config: TwinConfig, folder: Path, number: int) -> None:
    save(folder / FILE.format(number), training_batch(config, number))


def save(path: Path, batch: TwinBatch) -> None:
    """One file, complete or not there at all."""
    arrays: dict[str, Any] = {f.name: getattr(batch.twins, f.name) for f in fields(Twins)}
    arrays |= {"cells": batch.floor.cells, "grid": np.array([batch.floor.resolution, *batch.floor.origin])}
    arrays |= {"radius": batch.radius, "scenario": batch.scenario, "law": batch.law}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays)
    partial.replace(path)


def load(path: Path) -> TwinBatch:
    """The twins of a file. Raises ResultsError when it is none."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            twins = Twins(**{f.name: arrays[f.name] for f in fields(Twins)})
            resolution, x, y = (float(v) for v in arrays["grid"])
            floor = OccupancyMap(arrays["cells"], resolution, (x, y))
            return TwinBatch(str(arrays["scenario"]), str(arrays["law"]), float(arrays["radius"]), floor, twins)
    except (OSError, ValueError, KeyError) as error:
        raise ResultsError(f"twins {path}: expected a file of twins, got {error}") from None
