import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits, rollout
from sac_son_nav.navigation import planner
from sac_son_nav.navigation.planner import PlannerConfig
from sac_son_nav.navigation.route import Route

LIMITS = BaseLimits()
AHEAD = Route.along(np.array([[0.0, 0.0], [8.0, 0.0]]), 0.3)


def options(pose=(0.0, 0.0, 0.0), velocity=(0.3, 0.0), last=None, seed=0, route=AHEAD):
    config = PlannerConfig()
    random = np.random.default_rng(seed)
    return planner.candidates(np.array(pose), np.array(velocity), route, last, LIMITS, config, random)


@pytest.mark.parametrize("velocity", [(0.0, 0.0), (0.6, 0.0), (0.3, -1.2)])
def test_every_candidate_keeps_the_base_limits(velocity):
    made = options(velocity=velocity, last=np.tile([0.5, 0.2], (12, 1)))
    v = np.concatenate([np.broadcast_to(velocity, (len(made.velocities), 1, 2)), made.velocities], axis=1)
    change = np.diff(v, axis=1)
    step = PlannerConfig().step
    assert v[..., 0].min() >= LIMITS.vx_min - 1e-12
    assert v[..., 0].max() <= LIMITS.vx_max + 1e-12
    assert np.abs(v[..., 1]).max() <= LIMITS.wz_max + 1e-12
    assert change[..., 0].max() <= LIMITS.acceleration * step + 1e-9
    assert change[..., 0].min() >= -LIMITS.deceleration * step - 1e-9
    assert np.abs(change[..., 1]).max() <= LIMITS.angular_acceleration * step + 1e-9


def test_poses_are_what_the_velocities_lead_to():
    made = options(last=np.tile([0.5, 0.2], (12, 1)))
    start = np.broadcast_to(np.zeros(3), (len(made.poses), 3))
    np.testing.assert_allclose(made.poses, rollout(start, made.velocities, PlannerConfig().step), atol=1e-9)


def test_among_them_are_going_on_at_full_speed_and_standing():
    made = options()
    ends = made.poses[:, -1]
    # From 0.3 m/s at 0.8 m/s^2: full speed after 0.375 s, some 2.9 m in 5 s.
    assert ends[:, 0].max() > 2.7
    stopped = np.abs(made.velocities[:, 4:, 0]).max(axis=-1) == 0.0
    assert stopped.any()


def test_followers_go_to_both_sides():
    sides = options().poses[:, 8:, 1]
    assert sides.max() > 0.5
    assert sides.min() < -0.5


def test_facing_away_it_turns_on_the_spot():
    made = options(pose=(0.0, 0.0, np.pi - 0.2), velocity=(0.0, 0.0))
    best = np.argmax(made.poses[:, -1, 0])
    assert made.poses[best, -1, 0] > 0.5


def test_the_last_plan_itself_is_a_candidate():
    last = np.tile([0.3, 0.1], (12, 1))
    made = options(velocity=(0.3, 0.1), last=last)
    assert np.any(np.all(np.isclose(made.velocities, last), axis=(1, 2)))


def test_the_same_seed_gives_the_same_candidates():
    last = np.tile([0.3, 0.1], (12, 1))
    np.testing.assert_array_equal(options(last=last, seed=4).poses, options(last=last, seed=4).poses)
    assert not np.array_equal(options(last=last, seed=4).poses, options(last=last, seed=5).poses)


def test_near_the_goal_nobody_overshoots_far():
    made = options(pose=(7.6, 0.0, 0.0), velocity=(0.6, 0.0))
    followers = made.poses[: len(PlannerConfig().offsets) * 7]
    assert followers[..., 0].max() < 8.15


def test_shifting_a_plan_by_a_step_drops_the_first_row():
    plan = np.stack([np.arange(5.0), np.zeros(5)], axis=-1)
    np.testing.assert_allclose(planner.shift(plan, 0.25, 0.25)[:, 0], [1, 2, 3, 4, 4])
    np.testing.assert_allclose(planner.shift(plan, 0.125, 0.25)[:3, 0], [0.5, 1.5, 2.5])


def test_a_step_longer_than_the_horizon_is_refused():
    with pytest.raises(ConfigError, match="step"):
        PlannerConfig(horizon=0.2, step=0.25)
