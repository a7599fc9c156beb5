import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import MessageError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.simulation.scenarios import PersonGroup, Stop, load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command
from test.simulation.worlds import room, world

ROBOT = RobotProfile()  # radius 0.22 m, 0.8 m/s^2 up, 2.5 m/s^2 down, time-out 0.25 s
AHEAD = Command(0.6, 0.0)


def drive(simulator: Simulator, command: Command | None, steps: int) -> list[float]:
    """Give the command at every step; the speed after each."""
    speeds = []
    for _ in range(steps):
        simulator.step(command)
        speeds.append(float(simulator.velocity[0]))
    return speeds


def test_the_base_speeds_up_and_brakes_at_its_limits() -> None:
    simulator = Simulator(world(room(20.0, 6.0), start=(1.0, 3.0, 0.0)), ROBOT, seed=0)
    # 0.8 m/s^2 in steps of 0.05 s: 0.04 m/s more each, 0.6 m/s after 15.
    np.testing.assert_allclose(drive(simulator, AHEAD, 16), [*(0.04 * np.arange(1, 16)), 0.6])
    # 2.5 m/s^2: 0.125 m/s less each, standing after 5 (0.24 s, rounded up to whole steps).
    np.testing.assert_allclose(drive(simulator, Command(), 5), [0.475, 0.35, 0.225, 0.1, 0.0], atol=1e-12)


def test_the_base_stops_by_itself_when_commands_cease() -> None:
    simulator = Simulator(world(room(20.0, 6.0), start=(1.0, 3.0, 0.0)), ROBOT, seed=0)
    drive(simulator, AHEAD, 20)
    # The last command counts for 0.25 s from when it was given: its own step and four more. Then 0.6 m/s at
    # 2.5 m/s^2 take 0.24 s: five steps.
    np.testing.assert_allclose(drive(simulator, None, 9), [0.6] * 4 + [0.475, 0.35, 0.225, 0.1, 0.0], atol=1e-12)
    place = simulator.robot.pose
    drive(simulator, None, 20)
    np.testing.assert_array_equal(simulator.robot.pose, place)


def test_one_command_sets_off_and_no_more_than_the_time_out() -> None:
    simulator = Simulator(world(room(20.0, 6.0), start=(1.0, 3.0, 0.0)), ROBOT, seed=0)
    assert drive(simulator, None, 3) == [0.0, 0.0, 0.0]
    speeds = drive(simulator, AHEAD, 1) + drive(simulator, None, 9)
    np.testing.assert_allclose(speeds, [0.04, 0.08, 0.12, 0.16, 0.2, 0.075, 0.0, 0.0, 0.0, 0.0], atol=1e-12)


def test_commands_beyond_the_limits_are_cut_and_no_numbers_are_refused() -> None:
    simulator = Simulator(world(room(20.0, 6.0), start=(10.0, 3.0, 0.0)), ROBOT, seed=0)
    drive(simulator, Command(5.0, 9.0), 60)
    np.testing.assert_allclose(simulator.velocity, [0.6, 1.5])
    drive(simulator, Command(-5.0, 0.0), 60)
    np.testing.assert_allclose(simulator.velocity, [0.0, 0.0])
    with pytest.raises(MessageError, match="expected finite speeds, got nan"):
        simulator.step(Command(float("nan"), 0.0))


def test_a_wall_stops_the_base_and_counts_once() -> None:
    simulator = Simulator(world(room(8.0, 6.0), start=(5.0, 3.0, 0.0)), ROBOT, seed=0)
    drive(simulator, AHEAD, 150)
    # The wall's face is at x = 8 m, the base 0.22 m wide to each side, a step at full speed 0.03 m.
    assert 8.0 - 0.22 - 0.035 <= simulator.robot.pose[0] <= 8.0 - 0.22 + 1e-6
    assert simulator.velocity[0] == 0.0
    assert [contact.what for contact in simulator.contacts] == ["wall"]
    assert simulator.contacts[0].robot_speed == pytest.approx(0.6)
    # It can turn on the spot and drive away; coming back counts anew.
    drive(simulator, Command(0.0, 1.5), 44)
    assert abs(simulator.robot.pose[2]) > 2.8
    drive(simulator, AHEAD, 60)
    assert simulator.robot.pose[0] < 6.8
    assert len(simulator.contacts) == 1
    drive(simulator, Command(0.0, 1.5), 43)
    drive(simulator, AHEAD, 150)
    assert [contact.what for contact in simulator.contacts] == ["wall", "wall"]


def test_backing_off_a_wall_is_no_collision() -> None:
    robot = RobotProfile(limits=BaseLimits(vx_min=-0.3))
    simulator = Simulator(world(room(8.0, 6.0), start=(7.78, 3.0, 0.0), goal=(4.0, 3.0, 0.0)), robot, seed=0)
    drive(simulator, Command(-0.3, 0.0), 40)
    assert simulator.contacts == []
    assert simulator.robot.pose[0] < 7.3


def test_the_edge_of_a_plan_without_walls_is_a_wall() -> None:
    floor = room(8.0, 6.0)
    floor.cells[:] = 0
    simulator = Simulator(world(floor, start=(7.0, 3.0, 0.0)), ROBOT, seed=0)
    drive(simulator, AHEAD, 100)
    assert [contact.what for contact in simulator.contacts] == ["wall"]
    assert 8.5 - 0.22 - 0.035 <= simulator.robot.pose[0] <= 8.5 - 0.22 + 1e-6


def test_a_person_who_does_not_budge_stops_the_base_and_is_named() -> None:
    somewhere, here = PersonGroup(start=(2.0, 5.0)), PersonGroup(start=(5.0, 3.0), robot_weight=0.0)
    simulator = Simulator(world(room(8.0, 6.0), somewhere, here, start=(3.0, 3.0, 0.0)), ROBOT, seed=0)
    drive(simulator, AHEAD, 100)
    assert [contact.what for contact in simulator.contacts] == ["person 1"]
    assert simulator.contacts[0].robot_speed == pytest.approx(0.6)
    gap = np.linalg.norm(simulator.crowd.positions[1] - simulator.robot.pose[:2]) - 0.22 - 0.25
    assert -1e-9 <= gap < 0.031  # a step at full speed is 0.03 m
    np.testing.assert_array_equal(simulator.crowd.positions[1], [5.0, 3.0])


def test_somebody_who_walks_into_a_standing_robot_is_stopped_by_it() -> None:
    heedless = PersonGroup(start=(6.0, 3.0), errand=(Stop((1.0, 3.0)),), speed=1.2, speed_spread=0.0, robot_weight=0.0)
    simulator = Simulator(world(room(8.0, 6.0), heedless, start=(3.0, 3.0, 0.0)), ROBOT, seed=0)
    nearest = np.inf
    for _ in range(160):
        simulator.step(None)
        nearest = min(nearest, float(np.linalg.norm(simulator.crowd.positions[0] - simulator.robot.pose[:2])))
    assert nearest >= 0.22 + 0.25 - 1e-9
    assert simulator.contacts[0].what == "person 0"
    assert simulator.contacts[0].robot_speed == 0.0
    np.testing.assert_array_equal(simulator.robot.pose, [3.0, 3.0, 0.0])


def test_people_give_way_to_a_robot_they_mind() -> None:
    minding = PersonGroup(start=(6.0, 3.05), errand=(Stop((1.0, 3.05)),), speed=1.2, speed_spread=0.0)
    simulator = Simulator(world(room(8.0, 6.0), minding, start=(1.5, 3.0, 0.0)), ROBOT, seed=0)
    drive(simulator, AHEAD, 100)
    assert simulator.contacts == []
    assert np.abs(simulator.history.people[:, 0, 1] - 3.05).max() > 0.3


def test_reaching_the_goal_is_noticed_and_kept() -> None:
    simulator = Simulator(world(room(8.0, 6.0), start=(2.0, 3.0, 0.0), goal=(3.0, 3.0, 0.0)), ROBOT, seed=0)
    while not simulator.reached_goal:
        assert simulator.robot.pose[0] < 2.7 + 1e-9  # within 0.3 m of the goal
        simulator.step(AHEAD)
    drive(simulator, AHEAD, 60)
    assert simulator.reached_goal


def test_time_and_history_grow_step_by_step() -> None:
    simulator = Simulator(load_scenario("crossing"), ROBOT, seed=3)
    early = None
    for k in range(200):
        simulator.step(AHEAD)
        if k == 49:
            early = simulator.history
    history = simulator.history
    np.testing.assert_allclose(history.times, 0.05 * np.arange(201))
    assert simulator.time_s == pytest.approx(10.0)
    assert history.people.shape == (201, 5, 2)
    np.testing.assert_array_equal(history.people[-1], simulator.people().positions)
    np.testing.assert_array_equal(history.robot_poses[-1], simulator.robot.pose)
    assert early is not None
    np.testing.assert_array_equal(early.people, history.people[:51])
    with pytest.raises(ValueError, match="read-only"):
        history.people[0] = 0.0


def test_tracks_are_the_plain_truth() -> None:
    simulator = Simulator(load_scenario("crossing"), ROBOT, seed=3)
    drive(simulator, None, 40)
    tracks, history = simulator.people(), simulator.history
    assert tracks.frame == "map"
    assert tracks.stamp_s == pytest.approx(2.0)
    np.testing.assert_array_equal(tracks.ids, np.arange(5))
    moved = (history.people[-1] - history.people[-2]) / 0.05
    np.testing.assert_allclose(tracks.velocities, moved, atol=1e-9)
    assert not tracks.covariances.any()
    assert (tracks.confidences == 1.0).all()


def test_an_absent_robot_is_nowhere() -> None:
    simulator = Simulator(load_scenario("crossing"), ROBOT, seed=3, robot_present=False)
    drive(simulator, AHEAD, 10)
    assert np.isnan(simulator.history.robot_poses).all()
    assert not simulator.reached_goal
    assert simulator.contacts == []


def test_looking_changes_nothing_and_sees_the_same_twice() -> None:
    blind, watched = (Simulator(load_scenario("corridor"), ROBOT, seed=5) for _ in range(2))
    for _ in range(60):
        blind.step(AHEAD)
        watched.step(AHEAD)
        first, second = watched.scan(), watched.scan()
        np.testing.assert_array_equal(first.ranges, second.ranges)
        np.testing.assert_array_equal(watched.localisation(), watched.localisation())
    np.testing.assert_array_equal(blind.history.people, watched.history.people)
    np.testing.assert_array_equal(blind.odometry.pose, watched.odometry.pose)
    np.testing.assert_array_equal(blind.scan().ranges, watched.scan().ranges)
    assert not np.array_equal(watched.scan().ranges, Simulator(load_scenario("corridor"), ROBOT, 6).scan().ranges)


def test_odometry_starts_at_its_own_origin_and_keeps_near_the_truth() -> None:
    simulator = Simulator(load_scenario("empty"), ROBOT, seed=1)
    np.testing.assert_array_equal(simulator.odometry.pose, np.zeros(3))
    drive(simulator, AHEAD, 300)
    way = simulator.robot.pose - simulator.scenario.robot_start
    assert simulator.odometry.frame == "odom"
    error = np.linalg.norm(simulator.odometry.pose[:2] - way[:2])
    assert 0.0 < error < 0.06 * way[0]


commands = st.lists(
    st.one_of(st.none(), st.builds(Command, st.floats(-2.0, 2.0), st.floats(-4.0, 4.0))), min_size=1, max_size=12
)


@settings(max_examples=25, deadline=None)
@given(commands, st.integers(0, 1000))
def test_whatever_it_is_told_the_base_stays_out_of_walls_and_people(told: list[Command | None], seed: int) -> None:
    """Four people who do not mind it, in a room of 3 m x 3 m."""
    heedless = PersonGroup(
        start=(0.4, 1.5, 2.6, 2.6),
        errand=(Stop((0.4, 0.4, 2.6, 2.6)), Stop((0.4, 0.4, 2.6, 2.6))),
        count=4,
        repeat=True,
        robot_weight=0.0,
        radius=0.2,
    )
    scenario = world(room(3.0, 3.0), heedless, start=(1.5, 0.4, 1.5), goal=(1.5, 1.5, 0.0))
    robot = RobotProfile(limits=BaseLimits(vx_min=-0.6))
    simulator = Simulator(scenario, robot, seed)
    for command in told * 4:
        for _ in range(5):
            simulator.step(command)
            pose = simulator.robot.pose
            assert np.isfinite(pose).all()
            assert 0.22 - 1e-6 <= pose[0] <= 3.0 - 0.22 + 1e-6
            assert 0.22 - 1e-6 <= pose[1] <= 3.0 - 0.22 + 1e-6
            apart = np.linalg.norm(simulator.crowd.positions - pose[:2], axis=-1)
            assert apart.min() >= 0.22 + 0.2 - 1e-9
            assert (np.asarray(scenario.floor.distance_at(simulator.crowd.positions)) > 0.0).all()


RUN = """
import hashlib, sys
from sac_son_nav.config import load_robot
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command
simulator = Simulator(load_scenario("corridor"), load_robot("simulated"), seed=7)
for k in range(200):
    simulator.step(Command(0.6, 0.2 if k % 40 < 20 else -0.2))
digest = hashlib.sha256()
for array in (simulator.history.people, simulator.history.robot_poses, simulator.scan().ranges,
              simulator.odometry.pose, simulator.localisation()):
    digest.update(array.tobytes())
sys.stdout.write(digest.hexdigest())
"""


def test_two_processes_agree_to_the_last_bit() -> None:
    root = Path(__file__).resolve().parents[2]
    digests = []
    for hash_seed in ("0", "12345"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-c", RUN], env=environment, cwd=root, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        digests.append(done.stdout)
    assert len(digests[0]) == len(hashlib.sha256().hexdigest())
    assert digests[0] == digests[1]
