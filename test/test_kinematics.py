import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import (
    BaseLimits,
    limit_one_velocity,
    limit_velocity,
    one_unicycle_step,
    rollout,
    unicycle_step,
)

LIMITS = BaseLimits(vx_max=0.6, vx_min=-0.3, wz_max=1.5, acceleration=0.8, deceleration=2.5, angular_acceleration=4.0)
pose = st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(-3, 3)).map(np.array)
velocity = st.tuples(st.floats(-0.3, 0.6), st.floats(-1.5, 1.5)).map(np.array)
wanted = st.tuples(st.floats(-5, 5), st.floats(-9, 9)).map(np.array)


def test_straight_ahead_and_on_the_spot() -> None:
    np.testing.assert_allclose(unicycle_step(np.array([1.0, 2.0, 0.0]), np.array([0.5, 0.0]), 2.0), [2.0, 2.0, 0.0])
    turned = unicycle_step(np.array([1.0, 2.0, 0.0]), np.array([0.0, 1.0]), 0.5)
    np.testing.assert_allclose(turned, [1.0, 2.0, 0.5])


def test_a_quarter_circle_by_hand() -> None:
    # 1 m/s and 1 rad/s draw a circle of 1 m radius: a quarter of it ends 1 m ahead and 1 m to the left.
    end = unicycle_step(np.zeros(3), np.array([1.0, 1.0]), np.pi / 2)
    np.testing.assert_allclose(end, [1.0, 1.0, np.pi / 2], atol=1e-12)
    # Backwards and turning left: 1 m behind, 1 m to the right.
    end = unicycle_step(np.zeros(3), np.array([-1.0, 1.0]), np.pi / 2)
    np.testing.assert_allclose(end, [-1.0, -1.0, np.pi / 2], atol=1e-12)


@given(pose, velocity)
def test_arcs_may_be_cut_anywhere(start: np.ndarray, held: np.ndarray) -> None:
    once = unicycle_step(start, held, 0.7)
    twice = unicycle_step(unicycle_step(start, held, 0.3), held, 0.4)
    np.testing.assert_allclose(once[:2], twice[:2], atol=1e-9)
    assert np.cos(once[2] - twice[2]) == pytest.approx(1.0)


def test_a_rollout_is_one_step_after_another() -> None:
    random = np.random.default_rng(0)
    start, velocities = random.normal(size=(5, 3)), random.normal(size=(5, 4, 2))
    poses = rollout(start, velocities, 0.4)
    assert poses.shape == (5, 4, 3)
    here = start
    for t in range(4):
        here = unicycle_step(here, velocities[:, t], 0.4)
        np.testing.assert_allclose(poses[:, t], here)


@pytest.mark.parametrize(
    ("wish", "now", "gets"),
    [
        ((0.6, 0.0), (0.0, 0.0), (0.08, 0.0)),  # speeding up: 0.8 m/s^2 for 0.1 s
        ((0.0, 0.0), (0.6, 0.0), (0.35, 0.0)),  # braking: 2.5 m/s^2
        ((0.3, 0.0), (0.35, 0.0), (0.3, 0.0)),  # a small wish is granted
        ((-0.3, 0.0), (0.1, 0.0), (0.0, 0.0)),  # to zero first
        ((-0.3, 0.0), (0.0, 0.0), (-0.08, 0.0)),  # then backwards
        ((0.6, 0.0), (-0.3, 0.0), (-0.05, 0.0)),  # braking while backing
        ((0.6, 0.0), (-0.2, 0.0), (0.0, 0.0)),
        ((9.0, 9.0), (0.6, 1.5), (0.6, 1.5)),  # no faster than the base can
        ((0.0, 1.5), (0.0, 0.0), (0.0, 0.4)),  # 4 rad/s^2
        ((0.0, -1.5), (0.0, 0.2), (0.0, -0.2)),
    ],
)
def test_limits_by_hand(wish: tuple[float, float], now: tuple[float, float], gets: tuple[float, float]) -> None:
    np.testing.assert_allclose(limit_velocity(np.array(wish), np.array(now), LIMITS, 0.1), gets, atol=1e-12)


@given(wanted, velocity)
def test_what_is_granted_is_within_limits_and_between_now_and_the_wish(wish: np.ndarray, now: np.ndarray) -> None:
    got = limit_velocity(wish, now, LIMITS, 0.05)
    aim = np.clip(wish, [-0.3, -1.5], [0.6, 1.5])
    low, high = np.minimum(now, aim), np.maximum(now, aim)
    assert (got >= low - 1e-12).all()
    assert (got <= high + 1e-12).all()
    assert abs(got[1] - now[1]) <= 4.0 * 0.05 + 1e-12
    assert abs(got[0] - now[0]) <= 2.5 * 0.05 + 1e-12
    if abs(got[0]) > abs(now[0]):
        assert abs(got[0] - now[0]) <= 0.8 * 0.05 + 1e-12


@given(wanted, velocity)
def test_the_wish_is_reached_in_the_end(wish: np.ndarray, now: np.ndarray) -> None:
    for _ in range(60):  # 3 s; from -0.3 m/s to 0.6 m/s takes 0.9
        now = limit_velocity(wish, now, LIMITS, 0.05)
    np.testing.assert_allclose(now, np.clip(wish, [-0.3, -1.5], [0.6, 1.5]), atol=1e-12)


@pytest.mark.parametrize("setting", ["vx_max", "wz_max", "acceleration", "deceleration", "angular_acceleration"])
def test_limits_are_positive(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting}: expected a positive number, got 0.0"):
        BaseLimits(**{setting: 0.0})
    with pytest.raises(ConfigError, match=setting):
        BaseLimits(**{setting: float("nan")})


def test_the_lowest_speed_is_not_above_zero() -> None:
    with pytest.raises(ConfigError, match=r"vx_min: expected zero or less, got 0.1"):
        BaseLimits(vx_min=0.1)


def test_torch_says_the_same_and_has_gradients() -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(2)
    start, velocities = random.normal(size=(5, 3)), random.uniform(-0.3, 0.6, (5, 6, 2))
    velocities[0, :, 1] = 0.0  # straight ahead, where sin(a) / a needs its series
    expected = rollout(start, velocities, 0.4)
    tensors = [torch.tensor(x, requires_grad=True) for x in (start, velocities)]
    poses = rollout(*tensors, 0.4)
    np.testing.assert_allclose(poses.detach().numpy(), expected, atol=1e-12)
    poses.square().sum().backward()
    for tensor in tensors:
        assert torch.isfinite(tensor.grad).all()
    assert (tensors[1].grad[0, :-1, 1].abs() > 0.0).all()  # turning matters even from straight ahead
    limited = limit_velocity(torch.tensor([[0.6, 1.0]]), torch.tensor([[0.0, 0.0]]), LIMITS, 0.1)
    np.testing.assert_allclose(limited.numpy(), [[0.08, 0.4]], atol=1e-6)


near_zero = st.sampled_from([0.0, -0.0, 1e-4, -1e-4, 0.02, -0.02])
speeds = st.tuples(st.floats(-0.3, 0.6) | near_zero, st.floats(-1.5, 1.5) | near_zero)
heading = st.floats(-9, 9)


@given(st.tuples(heading, heading, heading), speeds, st.sampled_from([0.01, 0.05, 0.1, 1.0]))
def test_one_step_in_floats_is_the_same_to_the_last_bit(
    start: tuple[float, float, float], held: tuple[float, float], dt: float
) -> None:
    assert np.array_equal(one_unicycle_step(start, held, dt), unicycle_step(np.array(start), np.array(held), dt))


@given(
    st.tuples(st.floats(-5, 5) | near_zero, st.floats(-9, 9) | near_zero), speeds, st.sampled_from([0.0, 0.05, 0.1])
)
def test_one_limit_in_floats_is_the_same_to_the_last_bit(
    wish: tuple[float, float], now: tuple[float, float], dt: float
) -> None:
    expected = limit_velocity(np.array(wish), np.array(now), LIMITS, dt)
    assert np.array_equal(limit_one_velocity(wish, now, LIMITS, dt), expected)
