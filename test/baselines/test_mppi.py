from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.baselines.mppi import Mppi, MppiConfig, roll_out, within_accelerations
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits, limit_velocity, unicycle_step
from sac_son_nav.states import Command, Observation, RobotState, Tracks
from test.simulation.worlds import room

LIMITS, CONFIG, RADIUS = BaseLimits(), MppiConfig(), 0.22
FLOOR = room(12.0, 6.0)


def seen(now: float, pose: np.ndarray, velocity: np.ndarray, *people: tuple[float, float]) -> Observation:
    at, count = np.array(people, dtype=np.float64).reshape(-1, 2), len(people)
    tracks = Tracks(now, "map", np.arange(count), at, np.zeros_like(at), np.zeros((count, 4, 4)), np.ones(count))
    return Observation(now, RobotState(now, pose, velocity), tracks)


def planner(seed: int = 0) -> Mppi:
    made = Mppi(CONFIG, RADIUS, LIMITS, seed)
    made.set_map(FLOOR)
    made.set_goal(np.array([11.0, 3.0, 0.0]))
    return made


def drive(made: Mppi, pose: np.ndarray, steps: int, *people: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Poses (T, 3) and velocities (T, 2) of a base that does as it is told, every 0.1 s."""
    velocity, poses, velocities = np.zeros(2), [pose], [np.zeros(2)]
    for k in range(steps):
        command = made.step(seen(0.1 * k, pose, velocity, *people)).command
        velocity = np.asarray(limit_velocity(command.as_array(), velocity, LIMITS, 0.1))
        pose = np.asarray(unicycle_step(pose, velocity, 0.1))
        poses.append(pose)
        velocities.append(velocity)
    return np.array(poses), np.array(velocities)


def test_a_base_follows_samples_as_far_as_its_accelerations_allow() -> None:
    random = np.random.default_rng(1)
    wanted = random.normal(0.0, 1.0, (2, 12, 7)).astype(np.float32)
    wanted[0] = np.abs(wanted[0])  # the base's own rule tells speeding up from slowing down by the sign
    start = np.array([0.4, -0.2])
    moved = within_accelerations(wanted, start, LIMITS, 0.1)
    free = replace(LIMITS, vx_max=1e3, wz_max=1e3)
    for k in range(7):
        now = start
        for t in range(12):
            now = np.asarray(limit_velocity(wanted[:, t, k].astype(np.float64), now, free, 0.1))
            np.testing.assert_allclose(moved[:, t, k], now, atol=1e-5)


def test_roll_outs_are_the_base_s_arcs() -> None:
    random = np.random.default_rng(2)
    moved = np.stack([random.uniform(0.0, 0.6, (28, 5)), random.uniform(-1.5, 1.5, (28, 5))]).astype(np.float32)
    start = np.array([3.0, -1.0, 2.0])
    x, y, yaw = roll_out(start, moved, 0.1)
    for k in range(5):
        pose = start
        for t in range(28):
            pose = np.asarray(unicycle_step(pose, moved[:, t, k].astype(np.float64), 0.1))
            np.testing.assert_allclose([x[t, k], y[t, k]], pose[:2], atol=2e-3)  # chords for arcs
            assert np.cos(yaw[t, k] - pose[2]) > 1.0 - 1e-6


def test_on_a_free_way_it_drives_at_the_greatest_speed() -> None:
    """Were samples cut off at that speed before they are averaged, their mean would stay well below it."""
    poses, velocities = drive(planner(), np.array([1.0, 3.0, 0.0]), 60)
    assert velocities[20:, 0].mean() > 0.95 * LIMITS.vx_max
    assert velocities[:, 0].max() <= LIMITS.vx_max
    assert np.abs(poses[:, 1] - 3.0).max() < 0.15


def test_a_larger_batch_finds_the_same_way() -> None:
    """With 5 times the samples it passes somebody who stands there on the same side and within a hand's breadth."""
    start, person = np.array([2.0, 3.0, 0.0]), (5.0, 2.8)
    few, _ = drive(planner(), start, 80, person)
    large = Mppi(replace(CONFIG, batch_size=5 * CONFIG.batch_size), RADIUS, LIMITS, 0)
    large.set_map(FLOOR)
    large.set_goal(np.array([11.0, 3.0, 0.0]))
    many, _ = drive(large, start, 80, person)
    assert np.abs(few - many)[:, :2].max() < 0.3
    assert np.linalg.norm(few[:, :2] - person, axis=-1).min() > RADIUS + 0.25


def test_it_turns_round_first_when_the_way_is_behind_it() -> None:
    poses, _ = drive(planner(), np.array([4.0, 3.0, np.pi]), 60)
    assert abs(np.angle(np.exp(1j * poses[-1, 2]))) < 0.5
    assert poses[:, 0].min() > 3.0  # within a metre
    assert poses[-1, 0] > 4.5


def test_the_same_seed_draws_the_same_and_another_one_differently() -> None:
    start = np.array([1.0, 3.0, 0.3])
    first, again, other = (drive(planner(seed), start, 10, (3.0, 3.0))[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_it_knows_no_velocities() -> None:
    observation = seen(0.0, np.array([3.0, 3.0, 0.0]), np.array([0.5, 0.0]), (4.5, 3.1))
    moving = replace(observation.tracks, velocities=np.array([[-1.0, 0.3]]))
    assert planner().step(replace(observation, tracks=moving)).command == planner().step(observation).command


def test_where_nothing_is_free_it_stands_says_so_and_goes_on_afterwards() -> None:
    made, pose = planner(), np.array([5.0, 3.0, 0.0])
    around = [(5.0 + 0.4 * np.cos(a), 3.0 + 0.4 * np.sin(a)) for a in np.linspace(0.0, 2.0 * np.pi, 9)[:-1]]
    plan = made.step(seen(0.0, pose, np.array([0.6, 0.0]), *around))
    assert (plan.status, plan.command) == ("blocked", Command())
    plan = made.step(seen(1.0, pose, np.zeros(2)))
    assert plan.status == "driving"
    assert plan.command.linear > 0.0


def test_a_config_that_cannot_be_drawn_from_is_refused() -> None:
    with pytest.raises(ConfigError, match="mppi: expected 2 samples and steps at least, got 1, 28"):
        MppiConfig(batch_size=1)
    with pytest.raises(ConfigError, match="above zero"):
        MppiConfig(temperature=0.0)
