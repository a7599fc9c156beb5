"""A head turns by minimum jerk, within its range and speed, and keeps up with what moves."""

import math

import numpy as np
import pytest

from expressive_motion.robot import Head
from expressive_motion.skills.head_motion import HeadGoal, HeadMotion

DT = 0.01


def moved(head: HeadMotion, goal: HeadGoal, seconds: float) -> np.ndarray:
    angles = []
    for _ in range(round(seconds / DT)):
        head.aim(goal, DT)
        angles.append(head.advance(DT).copy())
    return np.array(angles)


def test_a_motion_is_the_minimum_jerk_polynomial() -> None:
    head = HeadMotion(Head())
    pan = moved(head, HeadGoal(np.array([0.9, 0.0]), 1.2), 2.0)[:, 0]
    duration = 1.875 * 0.9 / 1.2
    s = np.minimum(np.arange(1, len(pan) + 1) * DT / duration, 1.0)
    expected = 0.9 * (10 * s**3 - 15 * s**4 + 6 * s**5)
    assert np.abs(pan - expected).max() < 0.01
    assert np.abs(np.diff(pan)).max() / DT == pytest.approx(1.2, abs=0.02)


def test_a_new_goal_in_midway_makes_no_jump_of_speed() -> None:
    head = HeadMotion(Head())
    there = moved(head, HeadGoal(np.array([1.0, 0.3]), 1.2), 0.7)
    back = moved(head, HeadGoal(np.array([-1.0, -0.3]), 1.2), 4.0)
    speed = np.diff(np.concatenate([there, back]), axis=0) / DT
    assert np.abs(np.diff(speed, axis=0)).max() / DT < 12.0  # [rad/s^2]
    assert np.abs(speed).max() <= 1.2 + 1e-9
    assert np.abs(back[-1] - [-1.0, -0.3]).max() < 0.01


def test_it_never_leaves_its_range() -> None:
    head = HeadMotion(Head(pan_deg=(-40.0, 60.0)))
    path = moved(head, HeadGoal(np.array([3.0, 3.0]), 4.0, np.array([1.0, 0.0])), 3.0)
    assert np.degrees(path.max(axis=0)) == pytest.approx([60.0, 25.0], abs=1e-6)
    path = moved(head, HeadGoal(np.array([-3.0, -3.0]), 4.0), 3.0)
    assert np.degrees(path.min(axis=0)) == pytest.approx([-40.0, -35.0], abs=1e-6)


def test_it_keeps_up_with_a_goal_that_moves() -> None:
    head = HeadMotion(Head())
    errors = []
    for k in range(400):
        t = k * DT
        goal = HeadGoal(np.array([0.8 * math.sin(t), 0.0]), 2.4, np.array([0.8 * math.cos(t), 0.0]))
        head.aim(goal, DT)
        angles = head.advance(DT)
        errors.append(abs(angles[0] - 0.8 * math.sin(t + DT)))
    assert np.degrees(max(errors[100:])) < 1.0


def test_a_goal_that_is_no_number_is_no_goal() -> None:
    head = HeadMotion(Head())
    moved(head, HeadGoal(np.array([0.5, 0.1]), 1.2), 2.0)
    after = moved(head, HeadGoal(np.array([math.nan, 0.0]), 1.2), 1.0)
    assert np.abs(after - [0.5, 0.1]).max() < 0.01
