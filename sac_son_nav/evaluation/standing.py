"""How well people are told in the embedded world, where the truth is known: those who stand, and who is not there.

`sac-son evaluate standing SCENARIO ...` drives the shipped navigator, which is told where people truly are so that the
way driven is the same whatever is perceived (`--parked`: the robot stays at its start instead), and lets perception
look on from the true pose, once without the floor plan and once with it.

A *sighting* is a person in one scan who is within `REACH` of the robot, has been in plain sight for `SETTLED`
(:func:`in_sight`), and stands: never farther than `STOOD` from where they were first in sight; or walks: faster than
`SLOW` now. It is told when a track lies within `GATE`, one to one. A track is false when nobody at all, in sight or
not, is within `GATE` of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.baselines.planners import shipped_settings
from sac_son_nav.config import load_robot
from sac_son_nav.evaluation.closed_loop import drive
from sac_son_nav.evaluation.tracking import match
from sac_son_nav.geometry import compose
from sac_son_nav.navigation.navigator import Navigator
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.perception.people import PeopleTracker
from sac_son_nav.perception.static_map import StaticMap
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import STOP, Floats, Observation

Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]

REACH = 8.0  # [m]
SETTLED = 1.0  # [s]
GATE = 0.5  # [m] as for the recordings
STOOD = 0.2  # [m]
SLOW = 0.3  # [m/s]
ASIDE = 0.2  # [m] from the line of sight, within which a wall or another person may hide somebody


@dataclass
class Told:
    """Counts over all scans: sightings of people who stand and who walk, and how many of each were told."""

    scans: int = 0
    standing: int = 0
    standing_told: int = 0
    walking: int = 0
    walking_told: int = 0
    false: int = 0

    def add(self, places: Floats, standing: Bools, walking: Bools, tracks: Floats) -> None:
        """One scan: people's places (P, 2) [m], which of them are sighted standing and which walking (P,); tracks
        (T, 2)."""
        self.scans += 1
        found = {row for row, _, _ in match(places, tracks, GATE)}
        told = np.isin(np.arange(len(places)), list(found))
        self.standing += int(np.count_nonzero(standing))
        self.standing_told += int(np.count_nonzero(standing & told))
        self.walking += int(np.count_nonzero(walking))
        self.walking_told += int(np.count_nonzero(walking & told))
        if len(tracks):
            apart = np.linalg.norm(tracks[:, None] - places[None], axis=-1).min(axis=1, initial=np.inf)
            self.false += int(np.count_nonzero(apart > GATE))


class _Looks:
    """Perception that looks on while somebody else drives, and is scored."""

    def __init__(self, world: Simulator, eyes: Sequence[PeopleTracker]) -> None:
        self.world, self.eyes = world, eyes
        self.told = [Told() for _ in eyes]
        laser = world.profile.laser
        self._base_from_laser = np.array([laser.x, laser.y, laser.yaw])
        self._since = np.full(len(world.crowd), np.inf)  # [s] since when each is in sight
        self._first = np.full((len(world.crowd), 2), np.nan)  # [m] where each was first in sight
        self._stood = np.ones(len(world.crowd), dtype=np.bool_)

    def __call__(self, observation: Observation, plan: Plan) -> None:
        """One more scan."""
        world, pose = self.world, np.asarray(compose(observation.robot.pose, self._base_from_laser))
        scan, people = world.scan(), world.people()
        seen = np.zeros(len(self._since), dtype=np.bool_)
        seen[people.ids[in_sight(world, pose[:2], people.positions)]] = True
        self._since = np.where(seen, np.minimum(self._since, world.time_s), np.inf)
        places = np.full((len(seen), 2), np.nan)
        places[people.ids] = people.positions
        new = seen & np.isnan(self._first[:, 0])
        self._first[new] = places[new]
        with np.errstate(invalid="ignore"):
            self._stood &= ~(np.linalg.norm(places - self._first, axis=-1) > STOOD)
        settled = (seen & (world.time_s - self._since >= SETTLED))[people.ids]
        standing = settled & self._stood[people.ids]
        walking = settled & (np.linalg.norm(people.velocities, axis=-1) > SLOW)
        for eyes, told in zip(self.eyes, self.told, strict=True):
            tracks = eyes.step(scan, pose, "map")
            told.add(people.positions, standing, walking, tracks.positions)


def in_sight(world: Simulator, here: Floats, people: Floats) -> Rows:
    """Rows of the people (P, 2) [m] who are within reach of the laser at (2,) and have nothing within `ASIDE` of the
    line of sight: no wall up to 0.5 m before them, no other person."""
    rows = []
    for i, place in enumerate(people):
        offset = place - here
        distance = float(np.linalg.norm(offset))
        if not 0.3 < distance < REACH:
            continue
        ahead = offset / distance
        way = here + np.linspace(0.0, max(distance - 0.5, 0.0), 60)[:, None] * ahead
        others = np.delete(people, i, axis=0) - here
        along, aside = others @ ahead, np.abs(others @ np.array([-ahead[1], ahead[0]]))
        hidden = np.any((along > 0.0) & (along < distance) & (aside < ASIDE))
        if not hidden and float(np.min(world.scenario.floor.distance_at(way))) > 0.0:
            rows.append(i)
    return np.array(rows, dtype=np.intp)


class _Parked:
    """Steers nowhere."""

    def step(self, observation: Observation) -> Plan:
        """Stand."""
        return Plan(observation.stamp_s, STOP, "idle")


def look_on(
    scenario_name: str,
    seed: int = 0,
    robot: str = "simulated",
    parked: bool = False,
    seconds: float = float("inf"),
    off: float = 0.0,
) -> list[Told]:
    """Of the first `seconds` of one drive, what perception told without the floor plan and with it; `off` [m]: so far
    the plan is out of its place along both axes, as a localiser says that it may be."""
    scenario, profile = load_scenario(scenario_name), load_robot(robot)
    world = Simulator(replace(scenario, time_limit=min(scenario.time_limit, seconds)), profile, seed)
    navigator = Navigator(shipped_settings(), profile.radius, profile.limits)
    navigator.set_map(scenario.floor)
    navigator.set_goal(scenario.robot_goal)
    plan = StaticMap(scenario.floor, np.array([off, off, 0.0]), off)
    looks = _Looks(world, [PeopleTracker(), PeopleTracker(static_map=plan)])
    drive(world, _Parked() if parked else navigator, each=looks)
    return looks.told


def count_standing(scenarios: Sequence[str], seed: int, parked: bool, off: float) -> int:
    """`sac-son evaluate standing`: print what :func:`look_on` counts in each scenario."""
    print(f"{'scenario':18}{'map':>5}{'standing told':>18}{'walking told':>18}{'false a scan':>14}{'scans':>7}")
    for name in scenarios:
        for word, told in zip(("no", "yes"), look_on(name, seed, parked=parked, off=off), strict=True):
            standing = f"{told.standing_told} of {told.standing}"
            walking = f"{told.walking_told} of {told.walking}"
            false = told.false / max(told.scans, 1)
            print(f"{name:18}{word:>5}{standing:>18}{walking:>18}{false:>14.3f}{told.scans:>7}", flush=True)
    return 0
