from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sac_son_nav.baselines.as_a_person import Bodies, by_orca, by_social_force
from sac_son_nav.baselines.costmap import Costmap
from sac_son_nav.baselines.detour import bent
from sac_son_nav.baselines.following import Follower, heading_error, pursue, track
from sac_son_nav.baselines.planners import PLANNERS, make_planner, paper_settings, perceives
from sac_son_nav.baselines.true_people import TruePeople
from sac_son_nav.config import load_robot
from sac_son_nav.crowds.orca import OrcaConfig
from sac_son_nav.crowds.social_force import SocialForceConfig
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import limit_velocity, unicycle_step
from sac_son_nav.navigation.navigator import Navigator
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.navigation.route import Route
from sac_son_nav.prediction.predictor import ConstantVelocity
from sac_son_nav.states import Command, Observation, RobotState, Tracks
from test.simulation.worlds import room

ROBOT = load_robot("simulated")
PLAIN = [name for name in PLANNERS if name not in ("sac_son", "paper")]  # the navigator has its own tests
Person = tuple[float, float, float, float]  # x, y [m], vx, vy [m/s]


def tracks(now: float, *people: Person) -> Tracks:
    rows = np.array(people, dtype=np.float64).reshape(-1, 4)
    count = len(rows)
    return Tracks(now, "map", np.arange(count), rows[:, :2], rows[:, 2:], np.zeros((count, 4, 4)), np.ones(count))


def drive(
    name: str,
    people: Callable[[float], tuple[Person, ...]] = lambda now: (),
    walls: tuple[tuple[float, float, float, float], ...] = (),
    seconds: float = 40.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, list[Plan]]:
    """From (1, 3) to (9, 3) in a room of 10 x 6 m: poses (T, 3), velocities (T, 2) and plans every 0.1 s."""
    planner = make_planner(name, ROBOT, room(10.0, 6.0, *walls), np.array([9.0, 3.0, 0.0]), seed)
    pose, velocity = np.array([1.0, 3.0, 0.0]), np.zeros(2)
    poses, velocities, plans = [pose], [velocity], []
    for k in range(round(seconds / 0.1)):
        now = 0.1 * k
        plan = planner.step(Observation(now, RobotState(now, pose, velocity), tracks(now, *people(now))))
        plans.append(plan)
        if plan.status == "arrived":
            break
        velocity = np.asarray(limit_velocity(plan.command.as_array(), velocity, ROBOT.limits, 0.1))
        pose = np.asarray(unicycle_step(pose, velocity, 0.1))
        poses.append(pose)
        velocities.append(velocity)
    return np.array(poses), np.array(velocities), plans


@pytest.mark.parametrize("name", PLAIN)
def test_alone_it_arrives_about_as_fast_as_the_base_can(name: str) -> None:
    poses, _, plans = drive(name)
    assert plans[-1].status == "arrived"
    # 8 m less the tolerance of 0.2 m at 0.6 m/s, and half of the 0.75 s that speeding up takes.
    least = 7.8 / 0.6 + 0.375
    assert least - 0.2 <= 0.1 * (len(plans) - 1) <= 1.2 * least
    assert np.abs(poses[:, 1] - 3.0).max() < 0.3


@pytest.mark.parametrize("name", PLAIN)
def test_the_same_seed_gives_the_same_plans_and_no_command_breaks_a_limit(name: str) -> None:
    def people(now: float) -> tuple[Person, ...]:
        return ((6.0 - 0.8 * now, 3.1, -0.8, 0.0), (5.0, 1.0 + 0.5 * now, 0.0, 0.5))

    poses, _, plans = drive(name, people, seconds=8.0, seed=3)
    np.testing.assert_array_equal(poses, drive(name, people, seconds=8.0, seed=3)[0])
    for plan in plans:
        assert ROBOT.limits.vx_min <= plan.command.linear <= ROBOT.limits.vx_max + 1e-9
        assert abs(plan.command.angular) <= ROBOT.limits.wz_max + 1e-9


@pytest.mark.parametrize("name", PLAIN)
def test_round_a_wall_it_goes_round_the_wall(name: str) -> None:
    wall = (4.5, 0.0, 5.0, 4.2)
    poses, _, plans = drive(name, walls=(wall,))
    assert plans[-1].status == "arrived"
    clearance = np.asarray(room(10.0, 6.0, wall).distance_at(poses[:, :2]))
    assert clearance.min() > ROBOT.radius - 0.05
    assert poses[:, 1].max() > 4.2


@pytest.mark.parametrize("name", [name for name in PLAIN if name not in ("straight", "stop_and_wait")])
def test_round_somebody_who_stands_in_the_way_it_goes_round(name: str) -> None:
    poses, _, plans = drive(name, lambda now: ((5.0, 2.9, 0.0, 0.0),))
    # Sampled arcs may graze a body by what lies between two of their points.
    assert np.linalg.norm(poses[:, :2] - [5.0, 2.9], axis=-1).min() > ROBOT.radius + 0.25 - 0.01
    assert plans[-1].status == "arrived"


def test_straight_on_knows_nobody() -> None:
    np.testing.assert_array_equal(drive("straight", lambda now: ((5.0, 3.0, 0.0, 0.0),))[0], drive("straight")[0])


def test_stop_and_wait_stands_before_somebody_and_goes_on_when_they_have_left() -> None:
    def people(now: float) -> tuple[Person, ...]:
        return ((5.0, 3.0, 0.0, 0.0),) if now < 15.0 else ()

    poses, velocities, plans = drive("stop_and_wait", people)
    # It sees them when they are 1.2 m before the sum of the radii, 1.67 m, and rolls 0.6^2 / (2 * 2.5) m more.
    assert poses[140, 0] == pytest.approx(5.0 - 1.67 + 0.07, abs=0.1)
    assert np.abs(velocities[120:150]).max() == 0.0
    assert {plan.status for plan in plans[120:149]} == {"yielding"}
    assert plans[-1].status == "arrived"


def test_stop_and_wait_lets_somebody_cross_who_is_not_in_its_way_yet() -> None:
    poses, _, plans = drive("stop_and_wait", lambda now: ((4.0, 0.8 + 0.5 * now, 0.0, 0.5),))
    assert "yielding" in {plan.status for plan in plans}
    gaps = [np.hypot(x - 4.0, y - (0.8 + 0.05 * k)) for k, (x, y, _) in enumerate(poses)]
    assert min(gaps) > ROBOT.radius + 0.25 + 0.2


def test_two_robots_by_orca_pass_as_each_other_s_mirror_image() -> None:
    """They come towards each other with 0.2 m between their lines; what one does the other does turned by pi."""
    config, size = OrcaConfig(least_speed=0.05, speed_tolerance=1.0), np.array([0.3, 0.3])
    places, paces = np.array([[0.0, 0.0], [4.0, 0.2]]), np.zeros((2, 2))
    wanted, nearest = np.array([[0.8, 0.0], [-0.8, 0.0]]), np.inf
    for _ in range(60):
        orders = ([0, 1], [1, 0])
        told = [by_orca(Bodies(places[o], paces[o], size), wanted[o[0]], config, None, 0.1) for o in orders]
        np.testing.assert_allclose(told[0], -told[1], atol=1e-9)
        paces = np.array(told)
        places = places + 0.1 * paces
        nearest = min(nearest, float(np.linalg.norm(places[0] - places[1])))
    assert nearest > 0.6
    assert places[0, 0] > 3.9


def test_social_force_alone_regains_its_speed_and_turns_aside_for_somebody() -> None:
    config, wanted = SocialForceConfig(), np.array([0.6, 0.0])
    alone = Bodies(np.zeros((1, 2)), np.zeros((1, 2)), np.array([0.22]))
    np.testing.assert_allclose(by_social_force(alone, wanted, config, None, 0.1), wanted * 0.1 / 0.54)
    places, paces = np.array([[0.0, 0.0], [1.5, 0.1]]), np.array([[0.6, 0.0], [0.0, 0.0]])
    velocity = by_social_force(Bodies(places, paces, np.array([0.22, 0.25])), wanted, config, None, 0.1)
    assert velocity[0] < 0.6
    assert velocity[1] < 0.0  # they stand a little to the left


def test_pursuit_by_hand() -> None:
    """At (0, 0.6) facing along the way, the point 0.8 m ahead is (0.8, 0), 1 m off: the arc through it has the
    curvature 2 * (-0.6) / 1^2."""
    route = Route.along(np.array([[0.0, 0.0], [10.0, 0.0]]), 0.3)
    poses = np.array([[0.0, 0.6, 0.0]])
    told = pursue(poses, route, np.array([0.5]), np.zeros(1), ROBOT.limits, 0.8)[0]
    forward = 0.5 * 0.8  # it slows by the cosine of the error
    np.testing.assert_allclose(told, [forward, forward * 2.0 * -0.6], rtol=1e-9)
    error, distance = heading_error(np.array([0.0, 0.0, 3.0]), np.array([-1.0, -1.0]))
    assert error == pytest.approx(-3.0 * np.pi / 4.0 - 3.0 + 2.0 * np.pi)
    assert distance == pytest.approx(np.sqrt(2.0))


def test_tracking_a_velocity_behind_one_turns_first() -> None:
    told = track(np.zeros(3), np.array([-0.5, 0.1]), ROBOT.limits.forward_only())
    assert told.linear == 0.0
    assert told.angular == ROBOT.limits.wz_max
    assert track(np.zeros(3), np.array([0.01, 0.0]), ROBOT.limits) == Command(0.0, 0.0)


def test_a_way_is_bent_round_who_stands_in_it_to_the_side_where_there_is_room() -> None:
    floor = room(10.0, 4.0, (4.0, 2.5, 6.0, 4.0))  # on the left of the way there is a wall, 0.5 m off
    route = Route.along(np.array([[1.0, 2.0], [9.0, 2.0]]), 0.3)
    costs = Costmap(floor, 0.22)
    way = bent(route, np.array([[5.0, 1.9]]), 0.0, costs)
    gap = np.linalg.norm(way.points - [5.0, 1.9], axis=-1).min()
    # Half a metre to the left would be less of a detour, but for the wall.
    assert gap == pytest.approx(0.22 + 0.25 + 0.15, abs=0.02)
    assert way.points[:, 1].min() == pytest.approx(1.9 - 0.62, abs=0.01)
    np.testing.assert_allclose(way.points[[0, -1]], route.points[[0, -1]], atol=1e-9)
    assert bent(route, np.array([[5.0, 3.9]]), 0.0, costs) is route
    assert bent(route, np.array([[5.0, 1.9]]), 6.0, costs) is route  # behind the robot


def test_costs_are_those_of_the_inflation_layer() -> None:
    costs = Costmap(room(10.0, 4.0), 0.22)
    x, y = np.float32([5.0, 5.0, 5.0]), np.float32([2.0, 0.4, 0.1])
    room_there = costs.room(x, y, np.array([[6.0, 2.0]]))
    # The person's side is 0.75 m off; the walls are half a cell further than their nearest cell's centre.
    np.testing.assert_allclose(room_there, [0.75, 0.4, 0.1], atol=0.03)
    cost = costs.cost(np.array([0.75, 0.42, 0.22, 0.21]))
    np.testing.assert_allclose(cost, [0.0, 253.0 * np.exp(-0.6), 253.0, 254.0], rtol=1e-6)


def test_without_a_goal_it_is_idle_and_without_a_way_it_stands_and_says_why() -> None:
    planner = make_planner("straight", ROBOT, room(10.0, 6.0, (4.5, 0.0, 5.0, 6.0)), np.array([9.0, 3.0, 0.0]), 0)
    seen = Observation(0.0, RobotState(0.0, np.array([1.0, 3.0, 0.0]), np.zeros(2)), tracks(0.0))
    plan = planner.step(seen)
    assert plan.status == "blocked"
    assert plan.command == Command(0.0, 0.0)
    assert plan.reason
    planner.set_goal(None)
    assert planner.step(seen).status == "idle"


def test_who_strays_gets_a_new_way() -> None:
    planner = make_planner("straight", ROBOT, room(10.0, 6.0), np.array([9.0, 3.0, 0.0]), 0)
    assert isinstance(planner, Follower)
    for place in ((1.0, 3.0, 0.0), (5.0, 5.0, 0.0)):
        planner.step(Observation(0.0, RobotState(0.0, np.array(place), np.zeros(2)), tracks(0.0)))
    assert planner.route is not None
    np.testing.assert_allclose(planner.route.points[0], [5.0, 5.0], atol=0.1)


def test_a_name_that_nobody_has_is_refused_with_those_there_are() -> None:
    more = "sac_son_both, paper, ds_rnn:PATH, oracle:WEIGHT, sac_son:WORD:..., NAME:perceived"
    expected = rf"planner: expected one of straight, .*, sac_son, .*{more}, got 'telepathy'"
    with pytest.raises(ConfigError, match=expected):
        make_planner("telepathy", ROBOT, None, np.zeros(3), 0)


def test_the_navigator_with_another_predictor_by_name():
    planner = make_planner("sac_son:constant_velocity", ROBOT, None, np.zeros(3), 0)
    assert isinstance(planner, Navigator)
    assert isinstance(planner.predictor, ConstantVelocity)
    with pytest.raises(ConfigError, match="predictor: expected one of learned, social_force"):
        make_planner("sac_son:psychic", ROBOT, None, np.zeros(3), 0)
    with pytest.raises(ConfigError, match=r"planner: expected one of .*NAME:perceived, got 'orca:x'"):
        make_planner("orca:x", ROBOT, None, np.zeros(3), 0)


def test_a_weight_in_the_name_is_the_weight_of_perturbation() -> None:
    light = make_planner("sac_son:3.5", ROBOT, None, np.zeros(3), 0)
    both = make_planner("sac_son:constant_velocity:3.5", ROBOT, None, np.zeros(3), 0)
    for planner in (light, both):
        assert isinstance(planner, Navigator)
        assert planner.config.objective.weights.counterfactual_perturbation == 3.5
    assert isinstance(both, Navigator)
    assert isinstance(both.predictor, ConstantVelocity)


def test_words_after_sac_son_change_one_thing_each():
    made = make_planner("sac_son:reference=parked:planner.horizon=6.4:2:perceived", ROBOT, None, np.zeros(3), 0)
    assert made.config.reference == "parked"
    assert made.config.planner.horizon == 6.4
    assert made.config.objective.weights.counterfactual_perturbation == 2.0
    assert perceives("sac_son:2:perceived")
    assert perceives("orca:perceived")
    assert not perceives("sac_son:learned")
    assert isinstance(make_planner("sac_son:oracle", ROBOT, None, np.zeros(3), 0).predictor, TruePeople)
    with pytest.raises(ConfigError, match="expected name=value with one of"):
        make_planner("sac_son:patient=3", ROBOT, None, np.zeros(3), 0)
    with pytest.raises(ConfigError, match="oracle or perceived"):
        make_planner("sac_son:oracle:perceived", ROBOT, None, np.zeros(3), 0)


def test_the_paper_parks_for_its_reference_and_sees_one_person() -> None:
    paper = paper_settings()
    assert (paper.reference, paper.people_considered) == ("parked", 1)
    weights = paper.objective.weights
    assert (weights.goal_pose_final, weights.goal_pose_all, weights.geometric) == (4.0, 0.4, 10.0)
    assert (weights.goal_distance, weights.obstacle, weights.contact) == (0.0, 0.0, 0.0)
