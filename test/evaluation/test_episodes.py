"""One planner, one scenario, many seeds: the numbers of the benchmark, against those worked out the long way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.baselines.planners import make_planner
from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation import episodes, metrics
from sac_son_nav.evaluation.closed_loop import drive
from sac_son_nav.evaluation.encounters import find_encounters, score
from sac_son_nav.evaluation.log import from_simulator
from sac_son_nav.evaluation.perturbation import with_reference
from sac_son_nav.perception.people import PeopleTracker
from sac_son_nav.simulation.laser import Laser
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.simulation.world import World

CARD = "frontal_approach"
ROBOT = load_robot("simulated")


@pytest.fixture(scope="module")
def three() -> list[episodes.Episode]:
    return episodes.run("orca", CARD, "social_force", [4, 0, 2], drawn=1)


def test_a_seed_comes_to_the_same_whatever_it_is_run_with(three: list[episodes.Episode]) -> None:
    assert [e.seed for e in three] == [4, 0, 2]
    alone = episodes.run("orca", CARD, "social_force", [2], drawn=0)[0]
    assert alone.values == three[2].values
    assert len({e.values["perturbation_absent_m"] for e in three}) == 3


def test_it_is_what_one_simulator_and_its_twins_come_to(three: list[episodes.Episode]) -> None:
    """The same run in the simulator of one world, driven by the loop of the demo, ended at the goal."""
    scenario = load_scenario(CARD)
    world = Simulator(scenario, ROBOT, 0)
    planner = make_planner("orca", ROBOT, scenario.floor, scenario.robot_goal, 0)

    class AtGoal:
        """The planner with true odometry, as the batch has it, until the robot is there."""

        def step(self, observation):  # type: ignore[no-untyped-def]
            true = replace(observation, robot=replace(observation.robot, velocity=world.velocity.copy()))
            plan = planner.step(replace(true, obstacle_points=np.zeros((0, 2))))
            return replace(plan, status="arrived") if world.reached_goal else plan

    drive(world, AtGoal())
    log = from_simulator(world)
    moments = int(np.argmax(np.linalg.norm(log.robot_poses[:, :2] - scenario.robot_goal[:2], axis=-1) < 0.3)) + 1
    cut = {name: getattr(log, name)[:moments] for name in ("times", "robot_poses", "robot_velocities", "people")}
    log = replace(log, **cut, people_velocities=log.people_velocities[:moments])
    values = three[1].values
    assert values["time_s"] == pytest.approx(log.times[-1])
    absent = with_reference(log, scenario, ROBOT, 0)
    for name in ("perturbation_final_m", "perturbation_direct_m", "perturbation_indirect_m", "added_time_s", "spl"):
        assert values[name] == pytest.approx(metrics.measure(absent, [name])[name], abs=1e-12), name
    parked = with_reference(log, scenario, ROBOT, 0, "parked")
    for reference, log_there in (("absent", absent), ("parked", parked)):
        mean = metrics.measure(log_there, ["perturbation_mean_m"])["perturbation_mean_m"]
        assert values[f"perturbation_{reference}_m"] == pytest.approx(mean, abs=1e-12)
    met = score(find_encounters(log))
    assert sum(row.count for row in met.values()) > 0
    for kind, row in met.items():
        assert values[f"encounters_{kind}"] == row.count
        if row.count:
            assert values[f"encounters_{kind}_distance_m"] == pytest.approx(row.ad_m)
    assert values["people"] == len(log.ids)
    assert values["people_affected"] == round(values["people_affected_share"] * len(log.ids))  # type: ignore[operator]


def test_ways_are_kept_of_the_first_seeds_only(three: list[episodes.Episode]) -> None:
    assert [e.paths is not None for e in three] == [False, True, False]
    paths = three[1].paths
    assert paths is not None
    assert paths.robot.dtype == np.float32
    assert len(paths.robot) == len(paths.people) == len(paths.without) == int(three[1].values["time_s"] / 0.2) + 1  # type: ignore[operator]
    np.testing.assert_array_equal(paths.people[0], paths.without[0])
    assert np.abs(paths.people - paths.without).max() > 0.01


@pytest.mark.parametrize("humans", ["social_force", "orca"])
def test_without_a_robot_the_same_world_is_the_same_world(humans: str) -> None:
    assert episodes.noise_floor("crossing", humans, [0, 1]) == 0.0


def test_conversations_are_known_to_the_metrics() -> None:
    episode = episodes.run("straight", "standing_group", "social_force", [0], drawn=0)[0]
    assert episode.values["o_space_intrusion_s"] > 0.0  # type: ignore[operator]


def test_wrong_names_are_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match="planner: expected one of straight"):
        episodes.run("teleport", CARD, "social_force", [0])
    with pytest.raises(ConfigError, match="planner: expected oracle or oracle:WEIGHT with a number, got 'oracle:x'"):
        episodes.run("oracle:x", CARD, "social_force", [0])
    with pytest.raises(ConfigError, match="humans: expected one of social_force, orca, power_law"):
        episodes.run("straight", CARD, "robots", [0])
    with pytest.raises(ConfigError, match="scenario"):
        episodes.run("straight", "no_such_place", "social_force", [0])


def test_people_of_a_recording_are_not_perturbed(shared_data: Path) -> None:
    """They walk as they did, whatever the robot does: perturbation is 0, and says so, while touches count."""
    episode = episodes.run("straight", "socnavbench_t_hotel_follow_diag", "social_force", [0], data=shared_data)[0]
    assert episode.values["perturbation_absent_m"] == 0.0
    assert episode.values["people_affected"] == 0
    assert episode.values["people"] > 5  # type: ignore[operator]


def test_who_perceives_is_told_of_those_whom_the_laser_finds() -> None:
    place = load_scenario("standing_group")
    world = World(place, ROBOT, [0])
    laser, eyes = Laser(ROBOT.laser, RayCaster(place.floor)), [PeopleTracker()]
    for _ in range(80):  # 8 s towards them
        world.step(np.array([[0.5, 0.0]]))
        world.step()
        seen = episodes._observe(world, 0, episodes._sweeps(laser, world), eyes)
    true = episodes._observe(world, 0, episodes._sweeps(laser, world)).tracks
    apart = np.linalg.norm(seen.tracks.positions[:, None] - true.positions, axis=-1)
    near = np.linalg.norm(true.positions - world.poses[0, :2], axis=-1) < 6.0
    assert near.any()
    assert np.median(apart.min(axis=0)[near]) < 0.05  # of those in sight
    assert apart.min() > 0.0  # found, not told
