"""Who is held by a door's post backs off and comes again, instead of wanting through it for ever."""

import numpy as np

from sac_son_nav.baselines.planners import shipped_settings
from sac_son_nav.config import load_robot
from sac_son_nav.kinematics import unicycle_step
from sac_son_nav.maps import OCCUPIED
from sac_son_nav.navigation.navigator import Navigator
from sac_son_nav.navigation.planner import Candidates
from sac_son_nav.navigation.shield import ShieldConfig, passing, shield
from sac_son_nav.navigation.wedged import CAREFUL_FOR, FREES_FOR, HELD_FOR, Wedged, free
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.states import Command, Observation, RobotState, Tracks

ROBOT = load_robot("simulated")


def test_beside_a_door_it_gets_free_and_out():
    """Nobody is there; its plan passed the post nearer than the shield lets anything come, for ever."""
    place = load_scenario("leaving_elevator")
    rows, columns = np.nonzero(place.floor.cells == OCCUPIED)
    walls = place.floor.origin + (np.stack([columns, rows], axis=-1) + 0.5) * place.floor.resolution
    made = Navigator(shipped_settings(), ROBOT.radius, ROBOT.limits)
    made.set_map(place.floor)
    made.set_goal(place.robot_goal)
    pose, velocity, held, rooms = np.array([1.86, 2.75, 1.03]), np.zeros(2), 0, []
    for t in range(60):
        near = walls[np.hypot(*(walls - pose[:2]).T) < 1.5]
        robot = RobotState(0.1 * t, pose, velocity)
        plan = made.step(Observation(0.1 * t, robot, Tracks.empty(0.1 * t, "map"), near))
        held += bool(plan.reason)
        velocity = plan.command.as_array()
        pose = np.asarray(unicycle_step(pose, velocity, 0.1))
        rooms.append(float(place.floor.distance_at(pose[:2])) - ROBOT.radius)
    assert held > 0
    assert pose[0] > 2.2  # in the door, where it had stood at 1.97 m
    assert min(rooms) > 0.0


def test_it_is_wedged_only_by_what_is_near_and_after_a_while():
    near, far, moving = Wedged(), Wedged(), Wedged()
    for t in np.arange(0.0, HELD_FOR + 0.05, 0.1):
        assert not near.frees(t)
        near.held(t, 0.3, 0.0, 0.01)
        far.held(t, 0.3, 0.0, 0.4)
        moving.held(t, 0.3, 0.2, 0.01)
    assert near.frees(HELD_FOR + 0.1)
    assert not far.frees(HELD_FOR + 0.1)
    assert not moving.frees(HELD_FOR + 0.1)
    over = HELD_FOR + FREES_FOR + 0.1
    assert not near.frees(over)
    assert near.keeps(over, 0.05) > 0.05
    assert near.keeps(over + CAREFUL_FOR, 0.05) == 0.0


def test_creeping_and_backing_off_a_little_is_being_held_all_the_same():
    cycle = ((0.35, 0.0, 0.01), (-0.18, -0.18, 0.0), (0.4, 0.1, 0.02), (0.0, 0.0, 0.03))  # wanted, allowed, room
    creeping, away = Wedged(), Wedged()
    for t in range(12):
        wanted, allowed, room = cycle[t % 4]
        creeping.held(0.1 * t, wanted, allowed, room)
        away.held(0.1 * t, wanted, allowed, room if t % 4 else 0.2)
    assert creeping.frees(1.2)
    assert not away.frees(1.2)


def test_only_plans_that_gain_room_at_once_and_pass_are_left():
    velocities = np.zeros((4, 3, 2))
    velocities[:, :, 0] = np.array([0.0, 0.3, -0.2, -0.1])[:, None]
    room = np.array([[0.04, 0.04, 0.2], [0.03, 0.02, 0.2], [0.05, 0.1, 0.2], [0.05, 0.09, 0.2]])
    options = Candidates(velocities, np.zeros((4, 3, 3)))
    assert free(options, room, 0.04, 0.4, lambda wanted: np.ones(len(wanted), bool)).tolist() == [2, 3]
    assert free(options, room, 0.04, 0.4, lambda wanted: wanted[:, 0] > -0.15).tolist() == [3]
    assert free(options, room, 0.04, 0.4, lambda wanted: np.zeros(len(wanted), bool)).tolist() == [0, 1, 2, 3]


def test_what_passes_is_what_the_shield_lets_through():
    random, some = np.random.default_rng(3), 0
    for _ in range(200):
        points, walking = random.uniform(-0.6, 0.6, (6, 2)), random.normal(0.0, 0.3, (6, 2))
        wanted, velocity = random.uniform(-0.5, 0.5, 2), random.choice([0.0, 0.2], 2)
        rest = (velocity, points, walking, ROBOT.radius, ROBOT.limits, 0.1, ShieldConfig())
        through = not shield(Command(*map(float, wanted)), *rest).reason
        assert bool(passing(wanted[None], *rest)[0]) == through
        some += through
    assert 20 < some < 180
