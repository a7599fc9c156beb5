"""The navigator in the embedded world: what it does to people, told by the exact counterfactual."""

import numpy as np
import pytest

from sac_son_nav.baselines.planners import paper_settings, shipped_settings
from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError, RouteError
from sac_son_nav.evaluation.closed_loop import drive
from sac_son_nav.kinematics import unicycle_step
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.navigation.navigator import NavigationConfig, Navigator
from sac_son_nav.navigation.objective import ObjectiveConfig, Weights
from sac_son_nav.simulation.counterfactual import perturbation, twin
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Observation, RobotState, Tracks

ROBOT = load_robot("simulated")


def hall(extra: tuple[slice, slice] | None = None) -> OccupancyMap:
    cells = np.full((120, 240), FREE, np.int8)  # 6 m by 12 m
    cells[[0, -1]] = OCCUPIED
    cells[:, [0, -1]] = OCCUPIED
    if extra is not None:
        cells[extra] = OCCUPIED
    return OccupancyMap(cells, 0.05)


def navigator(goal=(10.0, 3.0, 0.0), **settings) -> Navigator:
    made = Navigator(NavigationConfig(**settings), ROBOT.radius, ROBOT.limits)
    made.set_map(hall())
    made.set_goal(np.array(goal))
    return made


def seeing(pose=(2.0, 3.0, 0.0), velocity=(0.0, 0.0), people=(), walking=(), points=(), stamp=0.0) -> Observation:
    n = len(people)
    tracks = Tracks(
        stamp,
        "map",
        np.arange(n),
        np.reshape(np.array(people, float), (n, 2)),
        np.reshape(np.array(walking, float), (n, 2)),
        np.zeros((n, 4, 4)),
        np.ones(n),
    )
    robot = RobotState(stamp, np.array(pose), np.array(velocity))
    return Observation(stamp, robot, tracks, np.reshape(np.array(points, float), (-1, 2)))


def run(scenario_name: str, seed: int, weights: Weights | None = None):
    scenario = load_scenario(scenario_name)
    world = Simulator(scenario, ROBOT, seed)
    config = NavigationConfig(objective=ObjectiveConfig(weights=weights or Weights()))
    driver = Navigator(config, ROBOT.radius, ROBOT.limits)
    driver.set_map(scenario.floor)
    driver.set_goal(scenario.robot_goal)
    drive(world, driver)
    return world, perturbation(world.history, twin(scenario, ROBOT, seed, world.steps))


def test_without_a_goal_it_is_idle():
    made = navigator()
    made.set_goal(None)
    plan = made.step(seeing())
    assert plan.status == "idle"
    assert plan.command.linear == 0.0


def test_in_the_open_it_drives_straight_and_speeds_up():
    plan = navigator().step(seeing())
    assert plan.status == "driving"
    assert plan.command.linear == pytest.approx(0.08)  # 0.8 m/s^2 for 0.1 s
    assert abs(plan.poses[-1, 1] - 3.0) < 0.1
    assert plan.poses[-1, 0] > 4.4  # 0.6 m/s for 5 s less 0.225 m of speeding up


def test_the_same_seed_and_observations_give_the_same_plans():
    def plans():
        made = navigator()
        crowd = {"people": [(6.0, 3.1)], "walking": [(-1.2, 0.0)]}
        return [made.step(seeing(pose=(2.0 + 0.05 * t, 3.0, 0.0), stamp=0.1 * t, **crowd)) for t in range(5)]

    for one, other in zip(plans(), plans(), strict=True):
        np.testing.assert_array_equal(one.velocities, other.velocities)


def test_somebody_head_on_is_given_room_early():
    plan = navigator().step(seeing(velocity=(0.5, 0.0), people=[(7.0, 3.0)], walking=[(-1.2, 0.0)]))
    aside = np.abs(plan.poses[:, 1] - 3.0).max()
    assert aside > 0.3 or plan.poses[-1, 0] < 4.0


def test_a_plan_carries_what_it_looked_at():
    plan = navigator().step(seeing(people=[(8.0, 3.0), (4.0, 5.0)], walking=[(-1.0, 0.0), (0.0, 0.0)]))
    assert set(plan.terms) == set(Weights.__dataclass_fields__)
    assert plan.people_with.shape == plan.people_without.shape == (2, 12, 2)
    assert sorted(plan.ids) == [0, 1]
    assert plan.considered.shape[1:] == (12, 3)
    # Without the robot the first goes on: 4.8 m at 1 m/s in 4.8 s.
    assert plan.people_without[list(plan.ids).index(0), -1, 0] == pytest.approx(3.2, abs=0.15)


def test_parked_reference_does_not_charge_for_standing():
    crowd = {"people": [(3.2, 3.1)], "walking": [(-1.2, 0.0)]}
    absent = navigator(reference="absent").step(seeing(**crowd))
    parked = navigator(reference="parked").step(seeing(**crowd))
    assert parked.terms["counterfactual_perturbation"] < absent.terms["counterfactual_perturbation"]


def test_in_a_doorway_it_makes_way_where_the_parked_reference_stands():
    """Who is charged for what people do more than if the robot stopped here is never charged for stopping here, be it
    in the only way there is; who is charged against not being there gets out of it."""
    wall = hall((slice(0, 120), slice(119, 122)))
    wall.cells[51:69, 119:122] = FREE  # a door 0.9 m wide at x 6 m
    weights = Weights(counterfactual_perturbation=200.0, personal_space=0.0, contact=0.0)
    moved = {}
    for reference in ("absent", "parked"):
        made = Navigator(
            NavigationConfig(reference=reference, objective=ObjectiveConfig(weights=weights)),
            ROBOT.radius,
            ROBOT.limits,
        )
        made.set_map(OccupancyMap(wall.cells, 0.05))
        made.set_goal(np.array([10.0, 3.0, 0.0]))
        pose, velocity = np.array([6.0, 3.0, 0.0]), np.zeros(2)
        for t in range(15):
            person = {"people": [(8.6 - 0.1 * t, 3.02)], "walking": [(-1.0, 0.0)]}
            plan = made.step(seeing(pose=pose, velocity=velocity, stamp=0.1 * t, **person))
            velocity = plan.command.as_array()
            pose = np.asarray(unicycle_step(pose, velocity, 0.1))
        moved[reference] = float(np.linalg.norm(pose[:2] - [6.0, 3.0]))
    assert moved["absent"] > 0.3
    assert moved["parked"] < 0.05


def test_in_a_doorway_the_published_objective_drives_on_at_somebody_and_ours_makes_way():
    """The benchmark's planner `paper`, settings and all, and ours: somebody comes up to the door in which the robot
    stands, and stops before it."""
    wall = hall((slice(0, 120), slice(119, 122)))
    wall.cells[51:69, 119:122] = FREE
    closest = {}
    for name, settings in (("paper", paper_settings()), ("ours", shipped_settings())):
        made = Navigator(settings, ROBOT.radius, ROBOT.limits)
        made.set_map(OccupancyMap(wall.cells, 0.05))
        made.set_goal(np.array([10.0, 3.0, 0.0]))
        pose, velocity, closest[name] = np.array([6.0, 3.0, 0.0]), np.zeros(2), np.inf
        for t in range(25):
            x = max(8.6 - 0.1 * t, 6.75)
            plan = made.step(
                seeing(pose, velocity, [(x, 3.02)], [(-1.0 if x > 6.75 else 0.0, 0.0)], stamp=0.1 * t),
            )
            velocity = plan.command.as_array()
            pose = np.asarray(unicycle_step(pose, velocity, 0.1))
            closest[name] = min(closest[name], float(np.hypot(x - pose[0], 3.02 - pose[1])))
    assert closest["paper"] < ROBOT.radius + 0.25  # it is where they stand
    assert closest["ours"] > ROBOT.radius + 0.3


def test_something_unmapped_in_the_way_is_driven_round():
    wall = [(4.0, y) for y in np.arange(2.6, 3.4, 0.03)]
    made, pose, velocity, closest = navigator(), np.array([2.0, 3.0, 0.0]), np.zeros(2), np.inf
    for t in range(120):
        plan = made.step(seeing(pose=pose, velocity=velocity, points=wall, stamp=0.1 * t))
        velocity = plan.command.as_array()
        pose = np.asarray(unicycle_step(pose, velocity, 0.1))
        closest = min(closest, np.linalg.norm(np.array(wall) - pose[:2], axis=-1).min())
    assert pose[0] > 5.0
    assert closest > ROBOT.radius


def test_who_stands_for_good_in_the_only_way_is_asked_after_a_while():
    """Two stand in a passage 1.7 m wide, their bodies 0.35 m apart; the robot is 0.44 m wide."""
    walls = hall((slice(0, 43), slice(90, 150)))
    walls.cells[77:, 90:150] = OCCUPIED
    onward = {}
    for patience in (0.0, 3.0):
        made = navigator(patience=patience)
        made.set_map(OccupancyMap(walls.cells, 0.05))
        for t in range(9):  # seconds
            plan = made.step(
                seeing(
                    pose=(4.6, 3.0, 0.0), people=[(5.6, 2.57), (5.6, 3.43)], walking=np.zeros((2, 2)), stamp=float(t)
                )
            )
        onward[patience] = plan.poses[-1, 0]
    assert onward[0.0] < 5.0
    assert onward[3.0] > onward[0.0] + 0.3


def test_shut_in_it_says_blocked_and_stands():
    ring = [(2.0 + 0.5 * np.cos(a), 3.0 + 0.5 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 80)]
    made = navigator()
    for t in range(10):
        plan = made.step(seeing(points=ring, stamp=0.1 * t))
    assert plan.status == "blocked"
    assert plan.command.linear < 0.1


def test_arrived_it_turns_to_the_goals_yaw_and_then_rests():
    made = navigator(goal=(10.0, 3.0, 1.5))
    plan = made.step(seeing(pose=(9.95, 3.0, 0.0)))
    assert plan.status == "turning"
    assert plan.command.angular > 0.0
    assert plan.command.linear == 0.0
    assert made.step(seeing(pose=(9.95, 3.0, 1.45))).status == "arrived"


def test_a_given_route_is_followed_instead_of_its_own():
    made = navigator()
    made.set_route(np.array([[2.0, 3.0], [4.0, 5.0], [10.0, 5.0]]))
    plan = made.step(seeing(pose=(2.0, 3.0, np.pi / 4)))
    assert plan.poses[-1, 1] > 4.0
    np.testing.assert_allclose(made.goal, [10.0, 5.0, 0.0])


def test_a_goal_in_a_wall_is_one_sentence():
    with pytest.raises(RouteError, match="room for the robot"):
        navigator(goal=(11.99, 3.0, 0.0)).step(seeing())


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="reference"):
        NavigationConfig(reference="elsewhere")
    with pytest.raises(ConfigError, match="people_considered"):
        NavigationConfig(people_considered=0)


def test_it_arrives_and_disturbs_people_less_than_one_who_does_not_care():
    """Same worlds, same objective but for the three terms about people; measured by the twin, not predicted."""
    careless = Weights(counterfactual_perturbation=0.0, personal_space=0.0, contact=0.0)
    ours, theirs = [], []
    for scenario, seed in (("corridor", 1), ("crossing", 3), ("frontal_approach", 3), ("perpendicular_crossing", 1)):
        world, moved = run(scenario, seed)
        assert world.reached_goal
        assert not [c for c in world.contacts if c.robot_speed > 0.05]
        ours.append(moved.mean.mean())
        theirs.append(run(scenario, seed, careless)[1].mean.mean())
    assert np.mean(ours) < 0.6 * np.mean(theirs)


def test_alone_the_way_takes_little_longer_than_its_length():
    world, _ = run("empty", 0)
    way = np.linalg.norm(world.scenario.robot_goal[:2] - world.scenario.robot_start[:2])
    assert world.reached_goal
    assert world.time_s < way / ROBOT.limits.vx_max + 4.0


def test_a_learned_model_is_told_pasts_and_says_whose_are_short():
    """Somebody is told of every 0.1 s; constant velocity stands in for their past until it is long enough."""
    asked = []

    class Asks:
        needs_past = 3

        def predict(self, people, robot, step_s, walls):
            asked.append((people, robot))
            return np.zeros((len(robot.poses), len(people), robot.poses.shape[1], 2), dtype=np.float32)

    made = Navigator(NavigationConfig(), ROBOT.radius, ROBOT.limits, Asks())
    made.set_goal(np.array([10.0, 3.0, 0.0]))
    short = [
        made.step(seeing(people=[[5.0, 3.0 + t]], walking=[[0.0, 1.0]], stamp=t)).short_tracks.size
        for t in np.arange(0.0, 1.05, 0.1)
    ]
    assert short == [1] * 8 + [0] * 3  # from 0.8 s on, within the tolerance of a moment
    people, robot = asked[-1]
    np.testing.assert_array_equal(people.known[0], [False] * 5 + [True] * 3)
    np.testing.assert_allclose(people.pasts[0, -3:, 1], [3.2, 3.6, 4.0], atol=1e-9)
    np.testing.assert_allclose(robot.past, np.tile([2.0, 3.0], (8, 1)))
    unasked = navigator().step(seeing(people=[[5.0, 3.0]], walking=[[0.0, 1.0]]))
    assert unasked.short_tracks.size == 0  # the social force reads no pasts


def test_predictors_are_checked():
    with pytest.raises(ConfigError, match="predictor: expected one of learned, social_force, constant_velocity"):
        NavigationConfig(predictor="psychic")
