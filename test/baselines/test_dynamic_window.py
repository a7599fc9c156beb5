from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.baselines.dynamic_window import DynamicWindow, DynamicWindowConfig, TurningTrend, arcs, window
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits, limit_velocity, unicycle_step
from sac_son_nav.states import Command, Observation, RobotState, Tracks
from test.simulation.worlds import room

LIMITS, CONFIG, RADIUS = BaseLimits(), DynamicWindowConfig(), 0.22
FLOOR, GOAL = room(10.0, 6.0), np.array([9.0, 3.0, 0.0])


def seen(pose: np.ndarray, velocity: np.ndarray, *people: tuple[float, float]) -> Observation:
    at, count = np.array(people, dtype=np.float64).reshape(-1, 2), len(people)
    tracks = Tracks(0.0, "map", np.arange(count), at, np.zeros_like(at), np.zeros((count, 4, 4)), np.ones(count))
    return Observation(0.0, RobotState(0.0, pose, velocity), tracks)


def planner(config: DynamicWindowConfig = CONFIG) -> DynamicWindow:
    made = DynamicWindow(config, RADIUS, LIMITS)
    made.set_map(FLOOR)
    made.set_goal(GOAL)
    return made


def test_the_window_is_what_the_base_reaches_in_the_time_looked_ahead() -> None:
    config = replace(CONFIG, sim_time=0.1)
    v, w = window(np.array([0.3, 1.3]), LIMITS, config)
    # 0.8 m/s^2 up, 2.5 m/s^2 down and 4 rad/s^2 either way for 0.1 s; no base turns faster than 1.5 rad/s.
    assert (v[0], v[-1]) == pytest.approx((0.05, 0.38))
    assert (w.min(), w.max()) == pytest.approx((0.9, 1.5))
    v, w = window(np.array([0.3, 1.3]), LIMITS, CONFIG)
    assert (v[0], v[-1]) == pytest.approx((0.0, 0.6))
    assert (w.min(), w.max()) == pytest.approx((-1.5, 1.5))
    assert len(v) == 20
    assert 0.0 in w


def test_arcs_are_what_the_base_does_when_it_is_told_a_velocity() -> None:
    pose, velocity = np.array([2.0, 1.0, 0.7]), np.array([0.2, -0.4])
    v, w = np.array([0.0, 0.6], dtype=np.float32), np.array([-1.5, 0.0, 1.0], dtype=np.float32)
    x, y, yaw = arcs(pose, velocity, v, w, LIMITS, CONFIG)
    assert x.shape == (21, 2, 3)  # 0.6 m/s for 1.7 s in steps of 0.05 m at most
    for i in range(2):
        for j in range(3):
            place, now = pose, velocity
            for _ in range(1700):
                now = np.asarray(limit_velocity(np.array([v[i], w[j]], dtype=np.float64), now, LIMITS, 0.001))
                place = np.asarray(unicycle_step(place, now, 0.001))
            np.testing.assert_allclose([x[-1, i, j], y[-1, i, j]], place[:2], atol=0.01)
            assert np.cos(yaw[-1, 0, j] - place[2]) > 0.9999


def test_on_a_free_way_it_takes_the_greatest_speed_straight_on() -> None:
    plan = planner().step(seen(np.array([3.0, 3.0, 0.0]), np.array([0.6, 0.0])))
    assert plan.status == "driving"
    assert plan.command.linear == pytest.approx(0.6)
    assert plan.command.angular == pytest.approx(0.0, abs=0.16)  # one sample of the window at most


def test_it_turns_towards_the_way_from_either_side_alike() -> None:
    turns = []
    for y in (3.6, 2.4):
        made = planner()
        made.step(seen(np.array([1.0, 3.0, 0.0]), np.zeros(2)))  # from here the way leads
        turns.append(made.step(seen(np.array([3.0, y, 0.0]), np.array([0.4, 0.0]))).command)
    assert turns[0].angular < -0.3
    assert turns[0].angular == pytest.approx(-turns[1].angular, abs=1e-6)
    assert turns[0].linear == pytest.approx(turns[1].linear)


def test_it_keeps_speeds_below_what_would_touch_somebody_and_knows_no_velocities() -> None:
    """Whatever it picks, driven on for as long as it looked ahead, touches nobody."""
    random = np.random.default_rng(4)
    drove, made, other = 0, planner(), planner()
    for _ in range(60):
        made.set_goal(GOAL)
        other.set_goal(GOAL)
        person = np.array([3.0, 3.0]) + random.uniform(-1.0, 1.0, 2) + [0.9, 0.0]
        pose, velocity = np.array([3.0, 3.0, random.uniform(-1.0, 1.0)]), np.array([random.uniform(0.0, 0.6), 0.0])
        observation = seen(pose, velocity, (person[0], person[1]))
        plan = made.step(observation)
        moving = replace(observation.tracks, velocities=np.array([[-1.0, 0.3]]))
        assert other.step(replace(observation, tracks=moving)).command == plan.command
        if plan.status == "blocked":
            assert plan.command == Command()
            continue
        drove += 1
        for _ in range(17):
            velocity = np.asarray(limit_velocity(plan.command.as_array(), velocity, LIMITS, 0.1))
            pose = np.asarray(unicycle_step(pose, velocity, 0.1))
            assert np.hypot(*(pose[:2] - person)) > RADIUS + 0.25 - 0.01
    assert drove > 30


def test_walled_in_it_stands_and_says_so() -> None:
    around = [(5.0 + 0.5 * np.cos(a), 3.0 + 0.5 * np.sin(a)) for a in np.linspace(0.0, 2.0 * np.pi, 9)[:-1]]
    plan = planner().step(seen(np.array([5.0, 3.0, 0.0]), np.array([0.6, 0.0]), *around))
    assert plan.command.linear == 0.0
    tight = [(5.0 + 0.4 * np.cos(a), 3.0 + 0.4 * np.sin(a)) for a in np.linspace(0.0, 2.0 * np.pi, 9)[:-1]]
    plan = planner().step(seen(np.array([5.0, 3.0, 0.0]), np.array([0.6, 0.0]), *tight))
    assert (plan.status, plan.command) == ("blocked", Command())


def test_who_turned_back_may_not_turn_back_again_before_it_has_moved_or_turned() -> None:
    trend, pose = TurningTrend(), np.array([1.0, 1.0, 3.1])
    trend.note(Command(0.0, 0.5), pose, CONFIG)
    assert trend.only == 0
    trend.note(Command(0.0, -0.5), pose, CONFIG)
    assert trend.only == -1
    trend.note(Command(0.0, -0.5), pose + np.array([0.03, 0.0, -0.1]), CONFIG)
    assert trend.only == -1
    trend.note(Command(0.0, -0.5), pose + np.array([0.0, 0.0, 0.21 - 2.0 * np.pi]), CONFIG)  # past pi, 0.21 rad on
    assert trend.only == 0
    trend.note(Command(0.0, 0.5), pose, CONFIG)
    trend.note(Command(0.0, -0.5), pose, CONFIG)
    trend.note(Command(0.3, 0.5), pose + np.array([0.06, 0.0, 0.0]), CONFIG)
    assert trend.only == 0
    trend.note(Command(0.3, 0.5), pose, CONFIG)  # driving, it may turn as it likes
    trend.note(Command(0.3, -0.5), pose, CONFIG)
    assert trend.only == 0


def test_a_config_that_cannot_be_searched_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected 2 samples of each velocity at least, got 1 and 20"):
        DynamicWindowConfig(vx_samples=1)
    with pytest.raises(ConfigError, match="expected a time and a granularity above zero"):
        DynamicWindowConfig(sim_time=0.0)
