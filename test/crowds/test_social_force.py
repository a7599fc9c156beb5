from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sac_son_nav.crowds.social_force import RobotBody, SocialForceConfig, acceleration, step
from test.simulation.worlds import room

LAW = SocialForceConfig()


def crowd(seed: int, people: int, worlds: tuple[int, ...] = ()) -> tuple[np.ndarray, ...]:
    """Positions, velocities and wanted velocities (..., N, 2) of people in a room of 8 m x 6 m, and radii (N,)."""
    random = np.random.default_rng(seed)
    positions = random.uniform((0.5, 0.5), (7.5, 5.5), (*worlds, people, 2))
    velocities, desired = random.normal(0.0, 0.8, (2, *worlds, people, 2))
    return positions, velocities, desired, random.uniform(0.2, 0.3, people)


def test_a_lone_person_relaxes_to_the_wanted_velocity() -> None:
    position, wanted, radius = np.zeros((1, 2)), np.array([[1.2, -0.5]]), np.array([0.25])
    force = acceleration(position, np.zeros((1, 2)), wanted, radius, LAW)
    np.testing.assert_allclose(force, wanted / 0.54)
    velocity = np.zeros((1, 2))
    for _ in range(540):
        position, velocity = step(position, velocity, wanted, radius, 0.001, LAW)
    # After one relaxation time 1 - 1/e = 63.2 % of the wanted velocity.
    np.testing.assert_allclose(velocity, 0.632 * wanted, rtol=2e-3)


def test_the_interaction_by_hand() -> None:
    """Two bodies of the reference radius at rest, 1 m apart: D = e, so |D| = 1, theta = 0, B = 0.35; the push is
    4.5 exp(-1 / 0.35) = 0.25845 m/s^2, straight apart, and there is nothing to turn aside from."""
    positions, still = np.array([[0.0, 0.0], [1.0, 0.0]]), np.zeros((2, 2))
    force = acceleration(positions, still, still, np.full(2, 0.3), LAW)
    np.testing.assert_allclose(force, [[-0.25845, 0.0], [0.25845, 0.0]], atol=1e-5)


def test_the_interaction_of_two_who_meet_by_hand() -> None:
    """Person 0 walks along x at 1 m/s towards somebody who stands 2 m ahead and 0.5 m to the left.

    e = (2, 0.5) / 2.0616 = (0.9701, 0.2425); D = 2 (1, 0) + e = (2.9701, 0.2425), |D| = 2.9800, B = 1.0430;
    t = (0.9967, 0.0814); theta = 0.2450 - 0.0815 = 0.1635;
    A exp(-d/B) = 4.5 exp(-1.9766) = 0.6234; slowing exp(-(3 * 1.043 * 0.1635)^2) = exp(-0.2617) = 0.7697;
    turning exp(-(2 * 1.043 * 0.1635)^2) = exp(-0.1163) = 0.8902. The other is to the left, so the push is to the
    right, along (0.0814, -0.9967): f = 0.6234 (-0.7697 t + 0.8902 (0.0814, -0.9967)) = (-0.433, -0.592).
    """
    positions, velocities = np.array([[0.0, 0.0], [2.0, 0.5]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    force = acceleration(positions, velocities, velocities, np.full(2, 0.3), LAW)
    np.testing.assert_allclose(force[0], [-0.433, -0.592], atol=2e-3)
    np.testing.assert_allclose(force[1], -force[0])


def test_smaller_bodies_push_from_a_shorter_way() -> None:
    """Middles 0.9 m apart, radii 0.2 and 0.3: sides 0.4 m apart as with two of 0.3 m at 1 m."""
    still = np.zeros((2, 2))
    near = acceleration(np.array([[0.0, 0.0], [0.9, 0.0]]), still, still, np.array([0.2, 0.3]), LAW)
    far = acceleration(np.array([[0.0, 0.0], [1.0, 0.0]]), still, still, np.array([0.3, 0.3]), LAW)
    np.testing.assert_allclose(near, far, rtol=1e-9)


def test_overlapping_bodies_are_pushed_apart() -> None:
    positions, still = np.array([[0.0, 0.0], [0.4, 0.0]]), np.zeros((2, 2))
    radii = np.full(2, 0.25)
    soft = acceleration(positions, still, still, radii, replace(LAW, contact_stiffness=0.0))
    hard = acceleration(positions, still, still, radii, LAW)
    # 0.1 m of overlap at 40 per second squared.
    np.testing.assert_allclose(hard - soft, [[-4.0, 0.0], [4.0, 0.0]], atol=1e-6)


def test_a_wall_by_hand() -> None:
    """0.35 m from the wall on the left of the room, a body of 0.25 m has 0.1 m to spare: 3 exp(-1) = 1.104 m/s^2."""
    floor, still = room(8.0, 6.0), np.zeros((1, 2))
    # On a cell's centre, so that nothing is interpolated.
    force = acceleration(np.array([[0.375, 3.025]]), still, still, np.array([0.275]), LAW, floor)
    np.testing.assert_allclose(force, [[3.0 * np.exp(-1.0), 0.0]], atol=0.02)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_people_act_and_react(seed: int, people: int) -> None:
    """Without goals and walls nothing moves the crowd's middle."""
    positions, velocities, _, radii = crowd(seed, people)
    force = acceleration(positions, velocities, velocities, radii, LAW)
    np.testing.assert_allclose(force.sum(axis=0), 0.0, atol=1e-8 * max(1.0, float(np.abs(force).max())))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-4.0, 4.0))
def test_the_law_knows_no_direction(seed: int, angle: float) -> None:
    """Turning the world turns the forces; so does moving it leave them."""
    positions, velocities, desired, radii = crowd(seed, 5)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    plain = acceleration(positions, velocities, desired, radii, LAW)
    turned = acceleration(positions @ turn + [3.0, -7.0], velocities @ turn, desired @ turn, radii, LAW)
    np.testing.assert_allclose(turned, plain @ turn, atol=1e-6)


def test_a_robot_of_full_weight_is_met_like_a_person() -> None:
    positions, velocities, desired, radii = crowd(3, 6)
    everybody = acceleration(positions, velocities, desired, radii, LAW)
    robot = RobotBody(positions[5], velocities[5], float(radii[5]))
    rest = acceleration(positions[:5], velocities[:5], desired[:5], radii[:5], LAW, robot=robot)
    np.testing.assert_allclose(rest, everybody[:5], rtol=1e-9)


def test_a_robot_s_weight_scales_its_push_for_each_person() -> None:
    positions, velocities, desired, radii = crowd(3, 4)
    at, moving = np.array([4.0, 3.0]), np.array([0.4, 0.1])
    none, plain = (
        acceleration(positions, velocities, desired, radii, LAW, robot=body)
        for body in (None, RobotBody(at, moving, 0.22))
    )
    weights = np.array([0.0, 0.5, 1.0, 2.0])
    weighed = acceleration(positions, velocities, desired, radii, LAW, robot=RobotBody(at, moving, 0.22, weights))
    np.testing.assert_allclose(weighed, none + weights[:, None] * (plain - none), rtol=1e-9)


def test_a_batch_of_worlds_is_each_of_them() -> None:
    positions, velocities, desired, radii = crowd(5, 4, (3, 2))
    floor, random = room(8.0, 6.0), np.random.default_rng(0)
    at, moving = random.uniform(1.0, 5.0, (3, 2, 2)), random.normal(size=(3, 2, 2))
    batch = step(positions, velocities, desired, radii, 0.1, LAW, floor, RobotBody(at, moving, 0.22))
    for k in np.ndindex(3, 2):
        robot = RobotBody(at[k], moving[k], 0.22)
        one = step(positions[k], velocities[k], desired[k], radii, 0.1, LAW, floor, robot)
        for together, alone in zip(batch, one, strict=True):
            np.testing.assert_allclose(together[k], alone, rtol=1e-9, atol=1e-12)


def test_nobody_runs_and_the_standing_can_be_pushed_but_slowly() -> None:
    positions, radii = np.array([[0.0, 0.0], [0.3, 0.0]]), np.full(2, 0.25)
    velocities = np.array([[9.0, 0.0], [0.0, 0.0]])
    _, after = step(positions, velocities, np.array([[1.0, 0.0], [0.0, 0.0]]), radii, 0.1, LAW)
    # 1.3 times the wanted 1 m/s; 0.3 m/s for somebody who wants to stay.
    assert np.linalg.norm(after[0]) == pytest.approx(1.3)
    assert np.linalg.norm(after[1]) == pytest.approx(0.3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_says_the_same_and_has_gradients(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    floor = room(8.0, 6.0)
    arrays = [a.astype(dtype) for a in crowd(11, 6, (4,))]
    at, moving = np.array([4.0, 3.0], dtype), np.array([0.5, 0.1], dtype)
    expected = step(*arrays, 0.1, LAW, floor, RobotBody(at, moving, 0.22))
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    place = torch.tensor(at, requires_grad=True)
    found = step(*tensors, 0.1, LAW, floor, RobotBody(place, torch.tensor(moving), 0.22))
    tolerance = 1e-4 if dtype == "float32" else 1e-9
    for ours, theirs in zip(expected, found, strict=True):
        assert str(theirs.dtype) == f"torch.{dtype}"
        np.testing.assert_allclose(theirs.detach().numpy(), ours, rtol=tolerance, atol=tolerance)
    found[0].square().sum().backward()
    for tensor in (*tensors, place):
        assert torch.isfinite(tensor.grad).all()
    assert place.grad.abs().max() > 0.0  # people answer to where the robot is


def test_torch_gradients_are_finite_in_the_corners_of_the_law() -> None:
    """Two in one place, two at rest head to head, one whose relative motion cancels the direction to the other."""
    torch = pytest.importorskip("torch")
    positions = torch.tensor([[1.0, 1.0], [1.0, 1.0], [4.0, 3.0], [5.0, 3.0], [3.0, 5.0], [4.0, 5.0]])
    velocities = torch.zeros(6, 2)
    velocities[4, 0] = -0.5  # lambda (v_i - v_j) = (-1, 0) = -e
    positions.requires_grad_(True)
    velocities.requires_grad_(True)
    places, _ = step(positions, velocities, torch.zeros(6, 2), torch.full((6,), 0.25), 0.1, LAW)
    places.square().sum().backward()
    assert torch.isfinite(positions.grad).all()
    assert torch.isfinite(velocities.grad).all()
