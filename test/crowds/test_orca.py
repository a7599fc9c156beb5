from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from sac_son_nav.crowds.bodies import RobotBody
from sac_son_nav.crowds.orca import OrcaConfig, best_velocities, step
from sac_son_nav.errors import ConfigError
from test.simulation.worlds import room

LAW = OrcaConfig()
BARE = OrcaConfig(margin=0.0)  # the law as published


def crowd(seed: int, people: int, worlds: tuple[int, ...] = ()) -> tuple[np.ndarray, ...]:
    """Positions, velocities and wanted velocities (..., N, 2) of people in a room of 8 m x 6 m, and radii (N,)."""
    random = np.random.default_rng(seed)
    positions = random.uniform((0.5, 0.5), (7.5, 5.5), (*worlds, people, 2))
    velocities, desired = random.normal(0.0, 0.8, (2, *worlds, people, 2))
    return positions, velocities, desired, random.uniform(0.2, 0.3, people)


def apart(random: np.random.Generator, side: float, radii: np.ndarray) -> np.ndarray:
    """Places (N, 2) on a square floor where nobody touches anybody."""
    places: list[np.ndarray] = []
    while len(places) < len(radii):
        place, n = random.uniform(0.0, side, 2), len(places)
        if all(np.linalg.norm(place - p) > radii[n] + r + 0.1 for p, r in zip(places, radii, strict=False)):
            places.append(place)
    return np.array(places)


def least_gap(positions: np.ndarray, radii: np.ndarray) -> float:
    """[m] between the two bodies nearest to each other in any world; less than zero if they overlap."""
    i, j = np.triu_indices(len(radii), 1)
    return float((np.linalg.norm(positions[..., i, :] - positions[..., j, :], axis=-1) - radii[i] - radii[j]).min())


def towards(goals: np.ndarray, positions: np.ndarray, speed: float = 1.3) -> np.ndarray:
    """The wanted velocity of people who slow down where they mean to stay."""
    offset = goals - positions
    distance = np.linalg.norm(offset, axis=-1, keepdims=True)
    return offset / np.maximum(distance, 1e-9) * np.minimum(speed, distance / 0.6)


# -- geometry by hand -------------------------------------------------------------------------------------------


def test_two_who_meet_head_on_share_the_evasion_and_pass_on_their_right() -> None:
    """4 m apart, 1 m/s each, bodies 0.6 m, horizon 4 s: the disc's middle is at 1 m/s and the relative velocity 2 m/s,
    beyond it, so the way out is over a leg, at sin = 0.6 / 4 = 0.15 from the line between them: n = (-0.15, -0.98869)
    and 0.15 * 2 = 0.3 m/s away. Half of it each: n . v >= -0.15 + 0.15 = 0, and nearest to (1, 0) on that edge is
    0.98869 (0.98869, -0.15) = (0.97750, -0.14830). The other does the same the other way round."""
    positions, velocities = np.array([[0.0, 0.0], [4.0, 0.0]]), np.array([[1.0, 0.0], [-1.0, 0.0]])
    _, after = step(positions, velocities, velocities, np.full(2, 0.3), 0.1, BARE)
    np.testing.assert_allclose(after, [[0.97750, -0.14830], [-0.97750, 0.14830]], atol=1e-5)


def test_two_who_would_meet_at_the_end_of_the_horizon_slow_down() -> None:
    """The same two at 0.45 m/s each: 0.9 m/s is 0.1 from the disc's middle and 0.05 inside it; each gives 0.025."""
    positions, velocities = np.array([[0.0, 0.0], [4.0, 0.0]]), np.array([[0.45, 0.0], [-0.45, 0.0]])
    _, after = step(positions, velocities, velocities, np.full(2, 0.3), 0.1, BARE)
    np.testing.assert_allclose(after, [[0.425, 0.0], [-0.425, 0.0]], atol=1e-5)


def test_the_shares_say_who_gives_way() -> None:
    """Of the 0.05 m/s above, all is given by the first, or a fifth."""
    positions, velocities = np.array([[0.0, 0.0], [4.0, 0.0]]), np.array([[0.45, 0.0], [-0.45, 0.0]])
    for mine in (1.0, 0.2):
        shares = np.array([mine, 1.0 - mine])
        _, after = step(positions, velocities, velocities, np.full(2, 0.3), 0.1, BARE, shares=shares)
        np.testing.assert_allclose(after, [[0.45 - 0.05 * mine, 0.0], [-0.4 - 0.05 * mine, 0.0]], atol=1e-5)


def test_who_overlap_part_within_one_step() -> None:
    """0.1 m of overlap and 0.1 s to part in: 1 m/s, half of it each."""
    positions, still = np.array([[0.0, 0.0], [0.5, 0.0]]), np.zeros((2, 2))
    after, velocities = step(positions, still, still, np.full(2, 0.3), 0.1, BARE)
    np.testing.assert_allclose(velocities, [[-0.5, 0.0], [0.5, 0.0]], atol=1e-5)
    np.testing.assert_allclose(after, [[-0.05, 0.0], [0.55, 0.0]], atol=1e-6)


def test_two_in_one_place_part_too() -> None:
    after, _ = step(np.ones((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)), np.full(2, 0.3), 0.1, BARE)
    assert np.linalg.norm(after[1] - after[0]) == pytest.approx(0.2, abs=1e-3)  # 1 m/s each is all they can


def test_nobody_near_everybody_does_what_they_want() -> None:
    positions, _, desired, radii = crowd(0, 5)
    after, velocities = step(100.0 * positions, desired, desired, radii, 0.1, LAW)
    np.testing.assert_allclose(velocities, desired)
    np.testing.assert_allclose(after, 100.0 * positions + 0.1 * desired)
    _, alone = step(positions[:1], desired[:1], desired[:1], radii[:1], 0.1, LAW)
    np.testing.assert_allclose(alone, desired[:1])


@pytest.mark.parametrize("kind", ["map", "segments"])
def test_a_wall_is_approached_ever_more_slowly_and_passed_freely(kind: str) -> None:
    """A wall 0.35 m off a body of 0.25 m: 0.1 m within 0.5 s leaves 0.2 m/s towards it, and all along it."""
    walls = room(8.0, 6.0) if kind == "map" else np.array([[[0.0, -0.5], [0.0, 6.5]]])
    position, radius = np.array([[0.375, 3.025]]), np.array([0.275])
    _, velocity = step(position, np.zeros((1, 2)), np.array([[-1.0, 0.5]]), radius, 0.1, LAW, walls)
    np.testing.assert_allclose(velocity, [[-0.2, 0.5]], atol=2e-3)
    _, velocity = step(position, np.zeros((1, 2)), np.array([[1.0, 0.5]]), radius, 0.1, LAW, walls)
    np.testing.assert_allclose(velocity, [[1.0, 0.5]], atol=1e-6)


def test_the_end_of_a_wall_is_a_point() -> None:
    """From the wall's end the body is 0.5 - 0.3 = 0.2 m off, along (-0.6, 0.8): 0.4 m/s towards it at most."""
    walls = np.array([[[0.3, 0.0], [5.0, 0.0]]])
    _, velocity = step(
        np.array([[0.0, 0.4]]), np.zeros((1, 2)), np.array([[0.6, -0.8]]), np.array([0.3]), 0.1, LAW, walls
    )
    np.testing.assert_allclose(velocity, [[0.24, -0.32]], atol=1e-5)


def test_who_stands_in_a_wall_comes_out() -> None:
    position, still, floor = np.array([[0.125, 3.025]]), np.zeros((1, 2)), room(8.0, 6.0)
    for _ in range(30):
        position, _ = step(position, still, still, np.array([0.25]), 0.1, LAW, floor)
    assert floor.distance_at(position)[0] == pytest.approx(0.25, abs=0.01)


# -- the robot --------------------------------------------------------------------------------------------------


def test_a_robot_of_full_weight_is_met_like_a_person() -> None:
    positions, velocities, desired, radii = crowd(3, 6)
    everybody = step(positions, velocities, desired, radii, 0.1, LAW)
    robot = RobotBody(positions[5], velocities[5], float(radii[5]))
    rest = step(positions[:5], velocities[:5], desired[:5], radii[:5], 0.1, LAW, robot=robot)
    np.testing.assert_allclose(rest[1], everybody[1][:5], atol=1e-9)


def test_a_robot_s_weight_and_share_say_how_much_people_give() -> None:
    """As with two who slow down above: 0.05 m/s to give. None is left to a robot with no share; a weight of zero
    doesn't see it, half a weight gives half, and no weight more than all."""
    position, velocity, radius = np.zeros((1, 2)), np.array([[0.45, 0.0]]), np.array([0.3])
    for robot_share, weight, part in (
        (0.5, 1.0, 0.5),
        (0.0, 1.0, 1.0),
        (0.0, 0.5, 0.5),
        (0.5, 9.0, 1.0),
        (0.0, 0.0, 0.0),
    ):
        law = replace(BARE, robot_share=robot_share)
        robot = RobotBody(np.array([4.0, 0.0]), np.array([-0.45, 0.0]), 0.3, np.array([weight]))
        _, after = step(position, velocity, velocity, radius, 0.1, law, robot=robot)
        np.testing.assert_allclose(after, [[0.45 - 0.05 * part, 0.0]], atol=1e-5)


# -- the linear programs, against general solvers ---------------------------------------------------------------


def random_planes(seed: int, count: int, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Half planes (3, M, 1, 1) with edges up to `depth` beyond or before velocity zero, and a goal (2, 1, 1)."""
    random = np.random.default_rng(seed)
    angle = random.uniform(-np.pi, np.pi, count)
    planes = np.stack([np.cos(angle), np.sin(angle), random.uniform(-1.0, depth, count)])
    return planes[:, :, None, None], random.normal(0.0, 1.0, (2, 1, 1))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_the_velocity_is_the_nearest_in_all_half_planes(seed: int, count: int) -> None:
    planes, goal = random_planes(seed, count, depth=-0.05)  # standing is allowed, so there is one
    (x,), (y,) = best_velocities([planes], 0, goal, np.full((1, 1), 1.2))[:, 0]
    normal, c, wanted = planes[:2, :, 0, 0], planes[2, :, 0, 0], goal[:, 0, 0]
    assert (normal[0] * x + normal[1] * y >= c - 1e-4).all()
    assert np.hypot(x, y) <= 1.2 + 1e-6
    limits = [
        {"type": "ineq", "fun": lambda v: v @ normal - c},
        {"type": "ineq", "fun": lambda v: 1.44 - v @ v},
    ]
    peer = minimize(lambda v: ((v - wanted) ** 2).sum(), np.zeros(2), constraints=limits, options={"ftol": 1e-12})
    np.testing.assert_allclose([x, y], peer.x, atol=2e-3)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 12), st.integers(0, 2))
def test_where_there_is_none_it_is_the_least_deep(seed: int, count: int, hard: int) -> None:
    """Peer: the smallest depth d with n . v + d >= c, without the d for walls; the disc as 720 half planes."""
    planes, goal = random_planes(seed, count, depth=1.5)
    planes[2, :hard] = -np.abs(planes[2, :hard])
    x, y = best_velocities([planes], hard, goal, np.full((1, 1), 1.2))[:, 0, 0]
    normal, c = planes[:2, :, 0, 0], planes[2, :, 0, 0]
    angle = np.linspace(0.0, 2.0 * np.pi, 720, endpoint=False)
    soft = (np.arange(count) >= hard).astype(float)
    rows = np.vstack([np.column_stack([-normal.T, -soft]), np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])])
    peer = linprog([0, 0, 1], rows, np.concatenate([-c, np.full(720, 1.2)]), bounds=[(None, None)] * 2 + [(0, None)])
    depth = c - normal[0] * x - normal[1] * y
    assert depth[:hard].max(initial=-1.0) < 1e-4
    assert max(0.0, depth.max()) == pytest.approx(peer.x[2], abs=2e-4)


# -- crowds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 0.25])
@pytest.mark.parametrize("people", [5, 20, 50])
def test_nobody_ever_overlaps_on_open_floor(people: int, dt: float) -> None:
    """Everybody goes from place to place for a minute, five square metres for each, in four worlds."""
    random, worlds = np.random.default_rng(people), 4
    side, radii = np.sqrt(5.0 * people), random.uniform(0.2, 0.3, people)
    positions = np.stack([apart(random, side, radii) for _ in range(worlds)])
    goals, velocities, arrivals, least = random.uniform(0.0, side, positions.shape), 0.0 * positions, 0, np.inf
    for _ in range(round(60.0 / dt)):
        there = np.linalg.norm(goals - positions, axis=-1) < 0.4
        arrivals += int(there.sum())
        goals[there] = random.uniform(0.0, side, (int(there.sum()), 2))
        positions, velocities = step(positions, velocities, towards(goals, positions), radii, dt, LAW)
        least = min(least, least_gap(positions, radii))
    assert least > 0.0
    assert arrivals > 2 * people * worlds  # they got somewhere


@pytest.mark.parametrize(("dt", "overlap"), [(0.1, 0.0), (0.25, 0.1)])
def test_twenty_change_places_across_a_circle(dt: float, overlap: float) -> None:
    """All meet in the middle, where not everybody has a way out; long steps then cost more than the margin."""
    random, angle, radii = np.random.default_rng(1), np.arange(20) * np.pi / 10.0, np.full(20, 0.3)
    positions = 6.0 * np.stack([np.cos(angle), np.sin(angle)], axis=-1) + random.normal(0.0, 0.01, (20, 2))
    goals, velocities, least = -positions, np.zeros((20, 2)), np.inf
    for _ in range(round(40.0 / dt)):
        positions, velocities = step(positions, velocities, towards(goals, positions), radii, dt, LAW)
        least = min(least, least_gap(positions, radii))
    np.testing.assert_allclose(positions, goals, atol=0.3)
    assert least > -overlap


def test_a_crowd_without_a_way_out_stays_sane() -> None:
    """Forty thrown onto nine square metres, all wanting its middle: they come apart as far as they have to."""
    random, radii = np.random.default_rng(0), np.full(40, 0.25)
    positions, velocities = random.uniform(0.0, 3.0, (40, 2)), np.zeros((40, 2))
    assert least_gap(positions, radii) < -0.3
    for _ in range(200):
        before = positions
        positions, velocities = step(positions, velocities, towards(np.full(2, 1.5), positions), radii, 0.1, LAW)
        assert np.isfinite(positions).all()
        assert np.linalg.norm(positions - before, axis=-1).max() <= 0.1 * 1.3 * 1.3 + 1e-6
    assert least_gap(positions, radii) > -0.05
    assert np.linalg.norm(positions - 1.5, axis=-1).max() < 5.0


def test_walls_hold_and_doors_are_passed() -> None:
    """Six people for a minute in two rooms with a door of 1 m between them, wanting places also beyond the walls,
    which takes them into every corner. The field of distances is good to a fraction of its cells of 5 cm."""
    floor, random, radii = room(6.0, 5.0, (2.9, 0.0, 3.1, 2.0), (2.9, 3.0, 3.1, 5.0)), np.random.default_rng(3), 0.25
    positions = np.stack([random.uniform(0.4, 2.4, (8, 6)), np.tile(np.linspace(0.4, 4.6, 6), (8, 1))], axis=-1)
    velocities, least, passed = 0.0 * positions, np.inf, np.zeros((8, 6), dtype=bool)
    for k in range(600):
        if k % 60 == 0:
            goals = random.uniform(-1.0, 7.0, positions.shape)
        door = np.where((goals[..., :1] > 3.0) == (positions[..., :1] > 3.0), goals, [3.0, 2.5] + 0.1 * (goals - 3.0))
        wanted = towards(door, positions)
        positions, velocities = step(positions, velocities, wanted, np.full(6, radii), 0.1, LAW, floor)
        least = min(least, float((floor.distance_at(positions) - radii).min()))
        passed |= positions[..., 0] > 3.4
    assert least > -0.03
    assert passed.mean() > 0.3


def test_what_unsettles_people_makes_nobody_collide() -> None:
    random, radii = np.random.default_rng(4), np.full(8, 0.25)
    positions = apart(random, 6.0, radii)
    velocities, least = np.zeros((8, 2)), np.inf
    for _ in range(300):
        extra = random.normal(0.0, 5.0, (8, 2))
        positions, velocities = step(positions, velocities, 3.0 - positions, radii, 0.1, LAW, extra=extra)
        least = min(least, least_gap(positions, radii))
    assert least > 0.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-4.0, 4.0))
def test_the_law_knows_no_direction(seed: int, angle: float) -> None:
    """Turning the world turns the velocities. Only where a program has a solution: the deepest of several equally
    deep ones is a matter of rounding."""
    positions, velocities, desired, radii = crowd(seed, 4)
    positions = 2.0 * positions
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    _, plain = step(positions, velocities, desired, radii, 0.1, LAW)
    _, turned = step(positions @ turn + [3.0, -7.0], velocities @ turn, desired @ turn, radii, 0.1, LAW)
    np.testing.assert_allclose(turned, plain @ turn, atol=1e-3)


# -- batches, torch, settings -----------------------------------------------------------------------------------


def test_a_batch_of_worlds_is_each_of_them() -> None:
    positions, velocities, desired, radii = crowd(5, 6, (3, 50))
    floor, random = room(8.0, 6.0), np.random.default_rng(0)
    at, moving = random.uniform(1.0, 5.0, (3, 50, 2)), random.normal(size=(3, 50, 2))
    weights = random.choice([0.0, 1.0, 2.0], (3, 50, 6))
    batch = step(positions, velocities, desired, radii, 0.1, LAW, floor, RobotBody(at, moving, 0.22, weights))
    for k in np.ndindex(3, 50):
        robot = RobotBody(at[k], moving[k], 0.22, weights[k])
        one = step(positions[k], velocities[k], desired[k], radii, 0.1, LAW, floor, robot)
        for together, alone in zip(batch, one, strict=True):
            np.testing.assert_allclose(together[k], alone, rtol=1e-9, atol=1e-9)


def test_more_worlds_than_are_worked_out_at_once() -> None:
    positions, velocities, desired, radii = crowd(6, 20, (300,))
    _, batch = step(positions, velocities, desired, radii, 0.1, LAW)
    for k in (0, 85, 86, 299):
        _, alone = step(positions[k], velocities[k], desired[k], radii, 0.1, LAW)
        np.testing.assert_allclose(batch[k], alone, atol=1e-9)


def test_candidate_robots_broadcast_over_one_crowd() -> None:
    positions, velocities, desired, radii = crowd(7, 5)
    at, moving = np.array([[2.0, 2.0], [6.0, 4.0], [4.0, 3.0]]), np.zeros((3, 2))
    _, batch = step(positions, velocities, desired, radii, 0.1, LAW, robot=RobotBody(at, moving, 0.22))
    assert batch.shape == (3, 5, 2)
    for k in range(3):
        _, alone = step(positions, velocities, desired, radii, 0.1, LAW, robot=RobotBody(at[k], moving[k], 0.22))
        np.testing.assert_allclose(batch[k], alone, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_says_the_same_and_has_gradients(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    floor = room(8.0, 6.0)
    arrays = [a.astype(dtype) for a in crowd(11, 8, (20,))]
    at, moving = np.array([4.0, 3.0], dtype), np.array([0.5, 0.1], dtype)
    expected = step(*arrays, 0.1, LAW, floor, RobotBody(at, moving, 0.22))
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    place = torch.tensor(at, requires_grad=True)
    found = step(*tensors, 0.1, LAW, floor, RobotBody(place, torch.tensor(moving), 0.22))
    for ours, theirs in zip(expected, found, strict=True):
        assert str(theirs.dtype) == f"torch.{dtype}"
        np.testing.assert_allclose(theirs.detach().numpy(), ours, atol=1e-4 if dtype == "float32" else 1e-9)
    found[0].square().sum().backward()
    for tensor in (*tensors, place):
        assert torch.isfinite(tensor.grad).all()
    assert place.grad.abs().max() > 0.0  # people answer to where the robot is


def test_the_gradient_is_that_of_the_velocity() -> None:
    """By small differences, for people who evade each other and a wall."""
    torch = pytest.importorskip("torch")
    walls = torch.tensor([[[0.0, -0.6], [4.0, -0.6]]], dtype=torch.float64)
    velocities = torch.tensor([[1.0, 0.05], [-1.0, 0.0], [0.9, -0.3]], dtype=torch.float64)
    radii = torch.full((3,), 0.3, dtype=torch.float64)

    def after(positions):  # type: ignore[no-untyped-def]
        return step(positions, velocities, velocities, radii, 0.1, LAW, walls)[1]

    places = torch.tensor([[0.0, 0.0], [3.0, 0.1], [1.0, 0.9]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(after, (places,), eps=1e-7, atol=1e-4)


@pytest.mark.parametrize(
    "wrong", [{"horizon": 0.0}, {"wall_horizon": -1.0}, {"share": 1.5}, {"robot_share": -0.1}, {"margin": -0.1}]
)
def test_a_senseless_setting_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(wrong.values()))}"):
        OrcaConfig(**wrong)
