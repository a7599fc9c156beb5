"""Skills of the base end where they say, within their speed, and before whatever stands in the way."""

import math

import numpy as np
import pytest

from expressive_motion.errors import ProgramError
from expressive_motion.robot import describe, make_description
from sac_son_nav.config import RobotProfile
from test.expressive_motion.stage import ROBOT, Stage, standing, wall

ROBOTS = ["simulated", "turtlebot2", "turtlebot3_waffle", "turtlebot4"]


@pytest.mark.parametrize("robot", ROBOTS)
def test_move_ends_within_a_centimetre_on_its_line(robot: str) -> None:
    for distance in (0.5, -0.2):
        stage = Stage(describe(robot))
        stage.pose = np.array([1.0, -2.0, 0.7])
        assert stage.perform(("move", {"distance_m": distance})).state == "finished"
        expected = np.array([1.0, -2.0]) + distance * np.array([math.cos(0.7), math.sin(0.7)])
        assert np.abs(stage.pose[:2] - expected).max() < 0.01
        calm = stage.description.body.base.calm_speed
        assert np.abs(stage.commands[:, 0]).max() <= calm + 1e-9
        assert np.all(stage.commands[-20:] == 0.0)


def test_move_speeds_up_and_slows_down_gently() -> None:
    stage = Stage()
    stage.perform(("move", {"distance_m": 1.0, "speed": 2.0}))
    limits = stage.description.profile.limits
    change = np.diff(np.array(stage.velocities)[:, 0]) / 0.05
    assert change.max() <= 0.7 * limits.acceleration + 1e-6
    assert change.min() >= -0.8 - 1e-6
    assert np.array(stage.velocities)[:, 0].max() == pytest.approx(0.5, abs=1e-6)


def test_a_push_aside_is_corrected() -> None:
    stage = Stage()
    clean = Stage()
    pushed = False

    def push() -> None:
        stage.pose = stage.pose + np.array([0.0, 0.04, 0.15])

    from expressive_motion.skills.performance import Performance
    from test.expressive_motion.stage import Written

    performance = Performance(Written(ROBOT, [("move", {"distance_m": 1.5})]), ROBOT)
    while performance.state == "running":
        stage.step(performance)
        if not pushed and stage.time_s > 1.0:
            push()
            pushed = True
    clean.perform(("move", {"distance_m": 1.5}))
    assert abs(stage.pose[1]) < 0.02
    assert stage.pose[0] == pytest.approx(clean.pose[0], abs=0.01)


@pytest.mark.parametrize("angle", [90.0, -45.0, 200.0, -360.0])
def test_turn_ends_within_a_degree_by_the_turns_it_was_told(angle: float) -> None:
    stage = Stage()
    stage.perform(("turn", {"angle_deg": angle}))
    turned = math.degrees(float(np.unwrap(np.concatenate([[0.0], stage.path[:, 2]]))[-1]))
    assert turned == pytest.approx(angle, abs=1.0)
    assert np.hypot(*stage.pose[:2]) < 1e-9
    assert np.abs(stage.commands[:, 1]).max() <= 1.0 + 1e-9


@pytest.mark.parametrize("robot", ROBOTS)
def test_rock_and_wiggle_go_both_ways_and_end_where_they_began(robot: str) -> None:
    stage = Stage(describe(robot))
    stage.perform(("rock", {"amplitude_m": 0.06, "times": 3.0}))
    assert np.abs(stage.pose[:2]).max() < 0.005
    assert 0.048 < stage.path[:, 0].max() < 0.07
    assert -0.07 < stage.path[:, 0].min() < -0.048
    stage = Stage(describe(robot))
    stage.perform(("wiggle", {"amplitude_deg": 15.0}))
    yaw = np.degrees(stage.path[:, 2])
    assert abs(yaw[-1]) < 0.5
    assert 13.0 < yaw.max() < 17.0
    assert -17.0 < yaw.min() < -13.0
    assert int((np.diff(np.sign(yaw[np.abs(yaw) > 5.0])) != 0).sum()) == 3  # left, right, left, right


def test_a_bow_is_one_swing_held() -> None:
    stage = Stage()
    stage.perform(("rock", {"amplitude_m": 0.08, "times": 1.0, "hold_s": 1.0}))
    assert stage.path[:, 0].min() > -0.005
    assert (stage.path[:, 0] > 0.07).sum() * 0.05 >= 1.0
    assert abs(stage.pose[0]) < 0.005


def test_a_long_rock_is_home_when_its_time_is_over() -> None:
    stage = Stage()
    performance = stage.perform(("rock", {"amplitude_m": 0.08, "times": 6.0, "speed": 0.3, "hold_s": 5.0}))
    assert performance.log[0].ended_s <= 30.0 + 0.05
    assert abs(stage.pose[0]) < 0.005


@pytest.mark.parametrize("robot", ROBOTS)
def test_walls_ahead_and_behind_stop_it(robot: str) -> None:
    walls = np.concatenate([wall(0.9, -1, 0.9, 1), wall(-0.5, -1, -0.5, 1)])
    description = describe(robot)
    for call in (("move", {"distance_m": 1.5, "speed": 2.0}), ("back_away", {"distance_m": 0.3, "speed": 2.0})):
        stage = Stage(description, walls=walls)
        performance = stage.perform(call)
        assert performance.state == "finished"
        assert stage.nearest_wall() >= description.profile.radius + 0.05
        assert abs(stage.pose[0]) > 0.1, "it went as far as it could"
        assert performance.log[0].ended_s < 12.0


def test_it_stops_before_people_and_moves_on_when_they_go() -> None:
    stage = Stage(people=[standing(1.5, 0.1)])
    stage.perform(("move", {"distance_m": 2.0, "speed": 2.0}))
    assert stage.nearest_person().min() == pytest.approx(0.6 + 0.22, abs=0.03)
    stage = Stage(people=[lambda t: (1.2, 0.0 if t < 3.0 else 1.5 * (t - 3.0))])
    stage.perform(("move", {"distance_m": 1.5}))
    assert stage.pose[0] == pytest.approx(1.5, abs=0.01)


def test_someone_too_near_may_be_left_but_not_come_nearer_to() -> None:
    stage = Stage(people=[standing(0.6, 0.0)])
    stage.perform(("move", {"distance_m": 0.3}))
    assert stage.pose[0] < 0.005
    stage = Stage(people=[standing(0.6, 0.0)])
    stage.perform(("back_away", {"distance_m": 0.3}))
    assert stage.pose[0] == pytest.approx(-0.3, abs=0.01)


def test_a_base_that_cannot_reverse_has_no_skill_that_needs_it() -> None:
    from dataclasses import replace

    profile = RobotProfile()
    forward = make_description(replace(profile, limits=profile.limits.forward_only()), {}, "forward")
    assert "back_away" not in forward.skills
    assert "rock" not in forward.skills
    with pytest.raises(ProgramError, match="expected 0 to 2"):
        forward.check("move", (-0.1,))
    assert {"back_away", "rock"} <= set(ROBOT.skills)
