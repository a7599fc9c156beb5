from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.crowds.social_force import RobotBody, SocialForceConfig
from sac_son_nav.simulation.laws import LAWS
from sac_son_nav.simulation.people import People, PeopleConfig
from sac_son_nav.simulation.scenarios import PersonGroup, Stop, load_scenario
from test.simulation.worlds import room, world

DT = 0.05
STEADY = PeopleConfig(unsteadiness=0.0, veer=0.0, veer_spread=0.0)


def walker(*places: tuple[float, float], speed: float = 1.25, **rest: object) -> PersonGroup:
    """Somebody at the first place who goes to the others in turn."""
    errand = tuple(Stop(place) for place in places[1:])
    return PersonGroup(start=places[0], errand=errand, speed=speed, speed_spread=0.0, **rest)  # type: ignore[arg-type]


def test_a_lone_person_gains_speed_exponentially() -> None:
    people = People(world(room(20.0, 10.0), walker((2.0, 5.0), (18.0, 5.0))), seed=1, config=STEADY)
    tau = SocialForceConfig().relaxation_time
    for k in range(1, 61):
        people.step(DT)
        # Semi-implicit Euler loses a share dt / tau of what is missing in each step: v0 (1 - (1 - dt / tau)^k). The
        # walls 5 m to the sides and 2 m behind add less than 1e-7.
        assert people.velocities[0, 0] == pytest.approx(1.25 * (1.0 - (1.0 - DT / tau) ** k), abs=1e-6)
        assert people.velocities[0, 0] == pytest.approx(1.25 * (1.0 - np.exp(-k * DT / tau)), abs=0.025)
    assert people.positions[0, 1] == pytest.approx(5.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_two_people_meeting_head_on_pass_without_contact(seed: int) -> None:
    scenario = world(room(14.0, 6.0), walker((3.0, 3.0), (12.0, 3.0)), walker((11.0, 3.0), (2.0, 3.0)))
    people, nearest = People(scenario, seed), np.inf
    for _ in range(160):  # 8 s: 9 m at 1.25 m/s, and some
        people.step(DT)
        nearest = min(nearest, float(np.linalg.norm(people.positions[0] - people.positions[1])))
    assert nearest > 2 * 0.25
    np.testing.assert_allclose(people.positions, [[12.0, 3.0], [2.0, 3.0]], atol=0.35)


def test_people_keep_off_the_walls_of_a_corridor() -> None:
    scenario = load_scenario("corridor")
    for seed in range(3):
        people, least = People(scenario, seed), np.inf
        for _ in range(600):
            people.step(DT)
            least = min(least, float(np.min(scenario.floor.distance_at(people.positions))))
        assert least > 0.15  # [m]; shoulders (0.25 m) may brush a door frame, nobody walks in the wall


def test_people_find_their_way_round_a_wall() -> None:
    # A wall from y = 0 to y = 5 stands between start and stop; the gap is at its top.
    scenario = world(room(8.0, 6.5, (3.9, 0.0, 4.1, 5.0)), walker((2.0, 1.0), (6.0, 1.0)))
    people, path = People(scenario, seed=2), []
    for _ in range(300):
        people.step(DT)
        path.append(people.positions[0])
    crossing = next(point for point in path if point[0] > 4.0)
    assert 5.2 < crossing[1] < 6.3
    np.testing.assert_allclose(path[-1], [6.0, 1.0], atol=0.3)
    # By (4, 5.65), where a wall is no longer felt, and down again it is 2 sqrt(2^2 + 4.65^2) = 10.1 m; people round
    # the corner off rather than turn on it.
    assert np.linalg.norm(np.diff(path, axis=0), axis=-1).sum() < 1.1 * 10.1


def test_errands_are_run_in_order_with_their_waits() -> None:
    errand = (Stop((4.0, 2.0), wait=2.0), Stop((4.0, 4.0)))
    group = PersonGroup(start=(2.0, 2.0), errand=errand, delay=1.0, speed=1.0, speed_spread=0.0)
    people, speeds, places = People(world(room(8.0, 6.0), group), seed=1, config=STEADY), [], []
    for _ in range(240):
        people.step(DT)
        speeds.append(float(np.linalg.norm(people.velocities[0])))
        places.append(people.positions[0].copy())
    assert max(speeds[:19]) == 0.0  # the first second's delay
    assert speeds[30] > 0.3
    near = np.linalg.norm(np.array(places) - [4.0, 2.0], axis=-1) < 0.3
    assert 2.0 <= near.sum() * DT < 4.0
    np.testing.assert_allclose(places[-1], [4.0, 4.0], atol=0.3)
    assert speeds[-1] == 0.0


def test_a_repeated_errand_begins_again() -> None:
    group = replace(walker((2.0, 3.0), (5.0, 3.0), (2.0, 3.0)), repeat=True)
    people, x = People(world(room(8.0, 6.0), group), seed=1, config=STEADY), []
    for _ in range(400):
        people.step(DT)
        x.append(people.positions[0, 0])
    turns = np.flatnonzero(np.diff(np.sign(np.diff(x))) != 0)
    assert len(turns) >= 5  # 3 m there or back take about 3 s


def test_somebody_standing_stands_and_their_feet_too() -> None:
    people = People(world(room(8.0, 6.0), PersonGroup(start=(4.0, 3.0))), seed=5)
    legs = people.legs()
    for _ in range(200):
        people.step(DT)
    np.testing.assert_array_equal(people.positions, [[4.0, 3.0]])
    np.testing.assert_array_equal(people.legs(), legs)
    assert np.linalg.norm(legs[0, 0] - legs[0, 1]) == pytest.approx(0.2)


def test_legs_swing_at_the_pace_of_the_walk_ratio() -> None:
    people = People(world(room(40.0, 6.0), walker((1.0, 3.0), (39.0, 3.0), speed=1.3)), seed=1, config=STEADY)
    lead = []
    for k in range(400):
        people.step(DT)
        legs = people.legs()[0] - people.positions[0]
        if k >= 100:
            lead.append(legs[0, 0] - legs[1, 0])
        assert legs[0, 1] - legs[1, 1] == pytest.approx(0.2, abs=0.01)  # the left leg stays on the left
    # Walk ratio 0.39 m s, less the 0.1 m/s of shuffling: steps of sqrt(0.39 * 1.2) = 0.684 m, at 1.3 m/s 1.9 a
    # second; in 15 s the lead changes 28.5 times. Shins are four fifths of a step apart at most.
    changes = np.count_nonzero(np.diff(np.sign(lead)))
    assert 27 <= changes <= 30
    assert max(lead) == pytest.approx(0.8 * 0.684, rel=0.03)


def test_nobody_s_luck_depends_on_anybody_else() -> None:
    floor = room(30.0, 30.0)
    first = PersonGroup(start=(2.0, 2.0, 6.0, 6.0), errand=(Stop((2.0, 8.0, 6.0, 10.0)),))
    far = PersonGroup(start=(24.0, 24.0, 28.0, 28.0), errand=(Stop((24.0, 20.0, 28.0, 22.0)),))
    # Without forces between bodies, luck is all that could tell the two worlds apart.
    ghosts = replace(LAWS["social_force"], config=SocialForceConfig(strength=0.0))
    alone = People(world(floor, first, start=(15.0, 15.0, 0.0)), seed=4, law=ghosts)
    together = People(world(floor, first, far, far, start=(15.0, 15.0, 0.0)), seed=4, law=ghosts)
    robot = RobotBody(np.array([15.0, 15.0]), np.zeros(2), 0.22)
    for k in range(1100):  # beyond two blocks of luck
        np.testing.assert_array_equal(alone.positions[0], together.positions[0])
        alone.step(DT)
        together.step(DT, robot if k % 2 else None)


def test_who_does_not_mind_the_robot_walks_as_if_it_were_not_there() -> None:
    scenario = world(room(10.0, 6.0), walker((2.0, 3.0), (8.0, 3.0), robot_weight=0.0))
    robot = RobotBody(np.array([5.0, 3.6]), np.array([-0.5, 0.0]), 0.22)
    blind, alone = People(scenario, seed=1), People(scenario, seed=1)
    for _ in range(100):
        blind.step(DT, robot)
        alone.step(DT)
    np.testing.assert_array_equal(blind.positions, alone.positions)


def test_a_wary_person_keeps_further_from_the_robot() -> None:
    nearest = []
    for weight in (0.5, 1.0, 3.0):
        scenario = world(room(10.0, 8.0), walker((2.0, 4.0), (8.0, 4.0), robot_weight=weight))
        robot, people, least = RobotBody(np.array([5.0, 3.9]), np.zeros(2), 0.22), People(scenario, 1, STEADY), np.inf
        for _ in range(120):
            people.step(DT, robot)
            least = min(least, float(np.linalg.norm(people.positions[0] - robot.position)))
        nearest.append(least)
    assert nearest[0] < nearest[1] < nearest[2]
    assert nearest[1] > 0.22 + 0.25


def test_nobody_is_nobody() -> None:
    people = People(world(room(4.0, 4.0)), seed=0)
    people.step(DT, RobotBody(np.array([1.0, 1.0]), np.zeros(2), 0.22))
    assert len(people) == 0
    assert people.legs().shape == (0, 2, 2)


def test_nobody_is_thrown_into_a_wall() -> None:
    people = People(world(room(8.0, 6.0), walker((0.5, 3.0), (7.0, 3.0), speed=2.0)), seed=1, config=STEADY)
    people.step(DT)
    people.positions, people.velocities = np.array([[0.2, 3.0]]), np.array([[-9.0, 0.0]])
    people.step(DT)
    # At no more than 1.3 * 2 m/s they would come within 0.07 m of the wall's face, less than half their radius.
    np.testing.assert_array_equal(people.positions, [[0.2, 3.0]])
    np.testing.assert_array_equal(people.velocities, [[0.0, 0.0]])
    people.step(DT)
    assert people.velocities[0, 0] > 0.0
