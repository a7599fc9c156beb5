from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.crowds.bodies import RobotBody
from sac_son_nav.crowds.power_law import PowerLawConfig, acceleration, energy, step
from sac_son_nav.errors import ConfigError
from test.simulation.worlds import room

LAW = PowerLawConfig()
UNLIMITED = replace(LAW, force_limit=1e9)


def crowd(seed: int, people: int, worlds: tuple[int, ...] = ()) -> tuple[np.ndarray, ...]:
    """Positions, velocities and wanted velocities (..., N, 2) of people in a room of 8 m x 6 m, and radii (N,)."""
    random = np.random.default_rng(seed)
    positions = random.uniform((0.5, 0.5), (7.5, 5.5), (*worlds, people, 2))
    velocities, desired = random.normal(0.0, 0.8, (2, *worlds, people, 2))
    return positions, velocities, desired, random.uniform(0.2, 0.3, people)


def test_two_who_meet_head_on_by_hand() -> None:
    """3 m apart, 0.5 m of it bodies, each walking at 1 m/s: tau = 2.5 / 2 = 1.25 s. Energy 1.5 / 1.25^2 exp(-1.25/3)
    = 0.6329; force 0.6329 (2 / 1.25 + 1 / 3) / 2 = 0.6118 m/s^2: tau grows by half a second for every metre."""
    positions, velocities = np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([[1.0, 0.0], [-1.0, 0.0]])
    radii = np.full(2, 0.25)
    assert energy(positions, velocities, radii, LAW) == pytest.approx(0.6329, abs=1e-4)
    force = acceleration(positions, velocities, velocities, radii, LAW)
    np.testing.assert_allclose(force, [[-0.6118, 0.0], [0.6118, 0.0]], atol=1e-4)


@pytest.mark.parametrize(
    ("apart", "velocity"),
    [
        ((3.0, 0.0), (-1.0, 0.0)),  # walking away
        ((3.0, 0.6), (1.0, 0.0)),  # would pass 0.1 m beside
        ((3.0, 0.0), (0.0, 0.0)),  # at rest
        ((10.1, 0.0), (5.0, 0.0)),  # out of sight
    ],
)
def test_no_collision_ahead_no_force(apart: tuple[float, float], velocity: tuple[float, float]) -> None:
    positions, velocities = np.array([[0.0, 0.0], apart]), np.array([velocity, [0.0, 0.0]])
    assert energy(positions, velocities, np.full(2, 0.25), LAW) == 0.0
    np.testing.assert_array_equal(acceleration(positions, velocities, velocities, np.full(2, 0.25), LAW), 0.0)


@pytest.mark.parametrize("seed", range(12))
def test_the_force_is_the_gradient_of_the_energy(seed: int) -> None:
    random, step_size = np.random.default_rng(seed), 1e-6
    # In rows that walk at each other, so that most of them meet and none overlaps.
    positions = np.stack([np.repeat([0.0, 4.0], 4), np.tile(np.arange(4.0), 2)], axis=-1) + random.normal(
        0, 0.1, (8, 2)
    )
    velocities = np.repeat([[1.0, 0.0], [-1.0, 0.0]], 4, axis=0) + random.normal(0.0, 0.1, (8, 2))
    radii = random.uniform(0.2, 0.3, 8)
    force = acceleration(positions, velocities, velocities, radii, UNLIMITED)
    assert np.abs(force).max() > 0.1
    for person, axis in np.ndindex(8, 2):
        nudge = np.zeros((8, 2))
        nudge[person, axis] = step_size
        ahead, behind = (energy(positions + s * nudge, velocities, radii, UNLIMITED) for s in (1.0, -1.0))
        assert force[person, axis] == pytest.approx(-(ahead - behind) / (2 * step_size), rel=1e-4, abs=1e-6)


def test_people_act_and_react() -> None:
    positions, velocities, _, radii = crowd(2, 9)
    force = acceleration(positions, velocities, velocities, radii, UNLIMITED)
    assert np.abs(force).max() > 0.1
    np.testing.assert_allclose(force.sum(axis=0), 0.0, atol=1e-9)


def test_who_meets_off_centre_is_turned_aside() -> None:
    """The other is 0.2 m to the left of the way, so both are pushed to their right, and slowed."""
    positions, velocities = np.array([[0.0, 0.0], [3.0, 0.2]]), np.array([[1.0, 0.0], [-1.0, 0.0]])
    force = acceleration(positions, velocities, velocities, np.full(2, 0.25), LAW)
    assert force[0, 0] < 0.0
    assert force[0, 1] < 0.0
    np.testing.assert_allclose(force[1], -force[0])


def test_a_lone_person_relaxes_to_the_wanted_velocity() -> None:
    force = acceleration(np.zeros((1, 2)), np.zeros((1, 2)), np.array([[1.2, -0.5]]), np.array([0.25]), LAW)
    np.testing.assert_allclose(force, np.array([[1.2, -0.5]]) / 0.54)


def test_a_wall_by_hand() -> None:
    """1.5 m from the wall on the left, of which 0.25 m is body, towards it at 1 m/s: tau = 1.25 s, force 0.6329
    (2 / 1.25 + 1 / 3) = 1.2236 m/s^2. Along it or away from it: none."""
    floor, position, radius = room(8.0, 6.0), np.array([[1.525, 3.025]]), np.array([0.275])
    for velocity, expected in (((-1.0, 0.0), 1.2236), ((0.0, 1.0), 0.0), ((1.0, 0.0), 0.0)):
        moving = np.array([velocity])
        force = acceleration(position, moving, moving, radius, LAW, floor)
        np.testing.assert_allclose(force, [[expected, 0.0]], atol=2e-3)


def test_the_push_is_limited_and_overlapping_bodies_part() -> None:
    positions, velocities = np.array([[0.0, 0.0], [0.51, 0.0]]), np.array([[1.0, 0.0], [-1.0, 0.0]])
    force = acceleration(positions, velocities, velocities, np.full(2, 0.25), LAW)
    np.testing.assert_allclose(force, [[-20.0, 0.0], [20.0, 0.0]], atol=0.5)
    # 0.1 m of overlap at 40 per second squared.
    still = np.zeros((2, 2))
    force = acceleration(np.array([[0.0, 0.0], [0.4, 0.0]]), still, still, np.full(2, 0.25), LAW)
    np.testing.assert_allclose(force, [[-4.0, 0.0], [4.0, 0.0]], atol=1e-6)


def test_a_robot_of_full_weight_is_met_like_a_person_and_one_of_none_not_at_all() -> None:
    positions, velocities, desired, radii = crowd(3, 6)
    everybody = acceleration(positions, velocities, desired, radii, UNLIMITED)
    alone = acceleration(positions[:5], velocities[:5], desired[:5], radii[:5], UNLIMITED)
    bodies = [RobotBody(positions[5], velocities[5], float(radii[5]), weight) for weight in (0.0, 1.0)]
    ignored, met = (
        acceleration(positions[:5], velocities[:5], desired[:5], radii[:5], UNLIMITED, robot=body) for body in bodies
    )
    np.testing.assert_allclose(met, everybody[:5], rtol=1e-9)
    np.testing.assert_array_equal(ignored, alone)
    assert np.abs(met - ignored).max() > 1e-3


def test_people_who_cross_pass_without_a_touch() -> None:
    """Six from each side through each other, in the fine steps that the law needs."""
    random, n = np.random.default_rng(0), 12
    side = np.repeat([-1.0, 1.0], 6)
    positions = np.stack([5.0 * side, np.tile(np.arange(6.0), 2)], axis=-1) + random.normal(0.0, 0.1, (n, 2))
    desired, radii = np.stack([-1.3 * side, np.zeros(n)], axis=-1), np.full(n, 0.25)
    velocities, least = desired, np.inf
    for _ in range(1000):
        positions, velocities = step(positions, velocities, desired, radii, 0.01, LAW)
        gaps = np.linalg.norm(positions[:, None] - positions[None], axis=-1) + 9.0 * np.eye(n)
        least = min(least, gaps.min() - 0.5)
    assert (positions[:, 0] * side < -4.0).all()
    assert least > 0.0


def test_a_long_step_is_gone_in_short_ones() -> None:
    """0.05 s in five of 0.01 s, in which the robot walks on."""
    positions, velocities, desired, radii = crowd(4, 6)
    at, moving = np.array([4.0, 3.0]), np.array([0.5, -0.2])
    extra = np.random.default_rng(0).normal(0.0, 1.0, (6, 2))
    long = step(positions, velocities, desired, radii, 0.05, LAW, robot=RobotBody(at, moving, 0.22), extra=extra)
    for k in range(5):
        robot = RobotBody(at + 0.01 * k * moving, moving, 0.22)
        positions, velocities = step(positions, velocities, desired, radii, 0.01, LAW, robot=robot, extra=extra)
    np.testing.assert_allclose(long[0], positions, rtol=1e-12)
    np.testing.assert_allclose(long[1], velocities, rtol=1e-12)


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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_says_the_same_and_has_gradients(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    floor = room(8.0, 6.0)
    arrays = [a.astype(dtype) for a in crowd(11, 6, (4,))]
    at, moving = np.array([4.0, 3.0], dtype), np.array([0.5, 0.1], dtype)
    expected = step(*arrays, 0.1, LAW, floor, RobotBody(at, moving, 0.22))
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    found = step(*tensors, 0.1, LAW, floor, RobotBody(torch.tensor(at), torch.tensor(moving), 0.22))
    tolerance = 1e-3 if dtype == "float32" else 1e-9
    for ours, theirs in zip(expected, found, strict=True):
        assert str(theirs.dtype) == f"torch.{dtype}"
        np.testing.assert_allclose(theirs.detach().numpy(), ours, rtol=tolerance, atol=tolerance)
    found[0].square().sum().backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in tensors)


def test_a_senseless_setting_is_refused() -> None:
    with pytest.raises(ConfigError, match="horizon: expected a number above zero, got -1"):
        PowerLawConfig(horizon=-1.0)
