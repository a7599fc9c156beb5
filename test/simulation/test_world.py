"""Many worlds at once are the same worlds."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError, MessageError
from sac_son_nav.simulation.laws import LAWS
from sac_son_nav.simulation.person_groups import Circle, PersonGroup, Stop
from sac_son_nav.simulation.scenarios import Scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.simulation.world import World
from sac_son_nav.states import Command
from test.simulation.worlds import room, world

ROBOT = load_robot("simulated")
SEEDS = (3, 11, 4, 7, 8, 0, 21)


@cache
def busy() -> Scenario:
    """A room with a pillar, two who cross the robot's way and back, one who stands in it, two who go together."""
    stops = (Stop((7.0, 0.6, 9.0, 1.4), wait=1.0), Stop((1.0, 4.6, 3.0, 5.4)))
    return world(
        room(10.0, 6.0, (4.5, 3.8, 5.5, 4.4)),
        PersonGroup(start=(4.0, 4.6, 8.0, 5.4), errand=stops, count=2, repeat=True),
        PersonGroup(start=(5.0, 3.0)),
        PersonGroup(start=(8.0, 2.0, 9.0, 4.0), errand=(Stop((1.0, 1.0, 2.0, 2.0)),), count=2, speed=1.0),
        start=(1.0, 3.0, 0.0),
        goal=(9.0, 3.0, 0.0),
    )


def commands(step: int, seeds: tuple[int, ...]) -> np.ndarray:
    """What the robot of each seed is told, (W, 2): not the same for any two."""
    return np.array([[0.6, 0.4 * np.sin(0.1 * step + seed)] for seed in seeds])


def run(seeds: tuple[int, ...], steps: int = 160, **options: object) -> tuple[np.ndarray, np.ndarray, World]:
    batch = World(busy(), ROBOT, seeds, **options)  # type: ignore[arg-type]
    people, poses = [], []
    for k in range(steps):
        batch.step(commands(k, seeds) if k % 2 == 0 else None)
        people.append(batch.crowd.positions)
        poses.append(batch.poses)
    return np.stack(people, axis=1), np.stack(poses, axis=1), batch


@pytest.mark.parametrize("humans", LAWS)
def test_a_world_is_the_same_to_the_bit_whatever_batch_it_stands_in(humans: str) -> None:
    people, poses, batch = run(SEEDS, humans=humans)
    assert sum(map(len, batch.contacts)) > 0  # the test would be poor without touches
    for some in ((4,), (0, 5), (6, 2, 1)):
        seeds = tuple(SEEDS[i] for i in some)
        fewer_people, fewer_poses, fewer = run(seeds, humans=humans)
        np.testing.assert_array_equal(people[list(some)], fewer_people)
        np.testing.assert_array_equal(poses[list(some)], fewer_poses)
        assert [batch.contacts[i] for i in some] == fewer.contacts
    single = Simulator(busy(), ROBOT, SEEDS[1], humans=humans)
    for k in range(160):
        single.step(Command(*commands(k, (SEEDS[1],))[0]) if k % 2 == 0 else None)
    np.testing.assert_array_equal(single.history.people[1:], people[1])
    np.testing.assert_array_equal(single.history.robot_poses[1:], poses[1])
    assert single.contacts == batch.contacts[1]


def test_single_precision_is_the_same_in_every_batch_too() -> None:
    like = np.zeros(0, dtype=np.float32)
    people, _, batch = run(SEEDS, like=like)
    assert batch.crowd.positions.dtype == np.float32
    np.testing.assert_array_equal(people[2:4], run(SEEDS[2:4], like=like)[0])


@pytest.mark.parametrize("humans", LAWS)
def test_worlds_without_the_robot_in_a_batch_with_it_are_worlds_without_it(humans: str) -> None:
    present = np.arange(len(SEEDS)) % 2 == 0
    mixed, poses, batch = run(SEEDS, humans=humans, present=present)
    absent, _, _ = run(SEEDS, humans=humans, present=False)
    there, _, _ = run(SEEDS, humans=humans)
    np.testing.assert_array_equal(mixed[~present], absent[~present])
    np.testing.assert_array_equal(mixed[present], there[present])
    assert (poses[~present] == busy().robot_start).all()
    assert not any(contacts for contacts, here in zip(batch.contacts, present, strict=True) if not here)
    assert np.abs(there - absent).max() > 0.3  # and a robot makes a difference


def test_a_copy_taken_in_the_middle_goes_on_as_the_world_it_was_taken_from() -> None:
    batch = World(busy(), ROBOT, SEEDS)
    for k in range(60):
        batch.step(commands(k, SEEDS))
    copies = batch.take([5, 2, 5])
    before = batch.crowd.positions.copy()
    for k in range(60, 100):
        copies.step(commands(k, (SEEDS[5], SEEDS[2], 1000)))
    np.testing.assert_array_equal(batch.crowd.positions, before)  # nothing happened to the original
    for k in range(60, 100):
        batch.step(commands(k, SEEDS))
    np.testing.assert_array_equal(copies.crowd.positions[:2], batch.crowd.positions[[5, 2]])
    np.testing.assert_array_equal(copies.poses[:2], batch.poses[[5, 2]])
    assert copies.contacts[:2] == [batch.contacts[5], batch.contacts[2]]
    assert not np.array_equal(copies.poses[2], copies.poses[0])  # another future of world 5


@pytest.mark.parametrize("humans", LAWS)
def test_worlds_put_into_a_batch_go_on_as_before_and_the_rest_does_not_notice(humans: str) -> None:
    """The batch is at step 60 then, the worlds put into it at step 25, so neither clocks nor luck may be mixed up."""
    batch, other = World(busy(), ROBOT, SEEDS, humans=humans), World(busy(), ROBOT, (30, 31), humans=humans)
    for k in range(60):
        batch.step(commands(k, SEEDS))
    for k in range(25):
        other.step(commands(k, (30, 31)))
    left_alone, seen = batch.take(range(len(SEEDS))), batch.crowd.positions
    before = seen.copy()
    batch.put([5, 2], other)
    batch.put([0], other.take([1], present=False))
    np.testing.assert_array_equal(seen, before)  # what was handed out is no longer the world's
    np.testing.assert_allclose(batch.ages_s, [1.25, 3.0, 1.25, 3.0, 3.0, 1.25, 3.0])
    absent = other.take([1], present=False)
    for k in range(60, 220):
        told = commands(k, SEEDS)
        told[[5, 2, 0], 1] = 0.0  # straight into the one who stands
        batch.step(told)
        left_alone.step(told)
        other.step(told[[5, 2]])
        absent.step(told[[0]])
    for here, there, same in ((5, 0, other), (2, 1, other), (0, 0, absent)):
        np.testing.assert_array_equal(batch.crowd.positions[here], same.crowd.positions[there])
        np.testing.assert_array_equal(batch.crowd.legs()[here], same.crowd.legs()[there])
        np.testing.assert_array_equal(batch.poses[here], same.poses[there])
        assert batch.contacts[here] == same.contacts[there]
    rest = [1, 3, 4, 6]
    np.testing.assert_array_equal(batch.crowd.positions[rest], left_alone.crowd.positions[rest])
    assert [batch.contacts[k] for k in rest] == [left_alone.contacts[k] for k in rest]
    assert any(contact.time_s > 3.0 for k in (5, 2) for contact in batch.contacts[k])  # and their clock goes on


def test_worlds_with_longer_errands_and_with_company_can_be_put_among_others() -> None:
    """How often somebody on a circle turns is a matter of luck, and so is the length of their errand."""
    turning = PersonGroup(start=(5.0, 5.0), count=3, circle=Circle(4.0, change_every=2.0))
    couple = PersonGroup(start=(4.0, 2.0, 6.0, 3.0), errand=(Stop((4.0, 7.0, 6.0, 8.0)),), count=2, together=True)
    scenario = world(room(10.0, 10.0), turning, couple, start=(2.0, 5.0, 0.0), goal=(8.0, 5.0, 0.0))
    worlds = {seed: World(scenario, ROBOT, (seed,)) for seed in range(3)}
    stops = {seed: one.crowd._stops.shape[-2] for seed, one in worlds.items()}  # type: ignore[attr-defined]
    few, many = min(stops, key=stops.__getitem__), max(stops, key=stops.__getitem__)
    assert stops[few] < stops[many]
    longer_put, shorter_put = World(scenario, ROBOT, (few, few)), World(scenario, ROBOT, (many, many))
    longer_put.put([1], worlds[many])
    shorter_put.put([0], worlds[few])
    for k in range(120):
        told = commands(k, (1, 2))
        longer_put.step(told)
        shorter_put.step(told)
        worlds[few].step(told[:1])
        worlds[many].step(told[1:])
    for batch in (longer_put, shorter_put):
        np.testing.assert_array_equal(batch.crowd.positions[0], worlds[few].crowd.positions[0])
        np.testing.assert_array_equal(batch.crowd.positions[1], worlds[many].crowd.positions[0])


def test_only_worlds_of_the_same_scenario_can_be_put_into_a_batch() -> None:
    with pytest.raises(ConfigError, match=r"scenario test: expected worlds of the same scenario, robot and step"):
        World(busy(), ROBOT, (1, 2)).put([0], World(world(room(10.0, 6.0)), ROBOT, (3,)))


def test_wrong_seeds_and_commands_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"seed: expected zero or more, got -2"):
        World(busy(), ROBOT, (1, -2))
    with pytest.raises(ConfigError, match=r"humans: expected one of social_force, orca, power_law, got 'zombies'"):
        World(busy(), ROBOT, 1, humans="zombies")
    batch = World(busy(), ROBOT, (1, 2))
    with pytest.raises(MessageError, match=r"finite"):
        batch.step(np.array([[0.1, 0.0], [np.nan, 0.0]]))


def test_torch_walks_as_numpy_does_and_gradients_reach_people_from_the_robot() -> None:
    torch = pytest.importorskip("torch")
    like = torch.zeros(0, dtype=torch.float64)
    for humans in LAWS:
        with_numpy, with_torch = World(busy(), ROBOT, SEEDS[:3], humans=humans), None
        with_torch = World(busy(), ROBOT, SEEDS[:3], humans=humans, like=like)
        # The power law's force ends where two just graze each other: from such edges on rounding grows fast.
        for k in range(12 if humans == "power_law" else 40):
            told = commands(k, SEEDS[:3])
            with_numpy.step(told)
            with_torch.step(torch.asarray(told))
        np.testing.assert_allclose(with_torch.crowd.positions.numpy(), with_numpy.crowd.positions, atol=1e-6)
        np.testing.assert_allclose(with_torch.poses.numpy(), with_numpy.poses, atol=1e-9)
        for batch, told in ((with_numpy, np.zeros((3, 2))), (with_torch, torch.zeros((3, 2)))):
            batch.put([2], batch.take([0], present=False))
            batch.step(told)
        np.testing.assert_allclose(with_torch.crowd.positions.numpy(), with_numpy.crowd.positions, atol=1e-6)
        assert not bool(with_torch.present[2])

    speed = torch.full((3, 2), 0.3, dtype=torch.float64, requires_grad=True)
    batch = World(busy(), ROBOT, SEEDS[:3], like=like, gait=False)
    for _ in range(30):
        batch.step(speed)
    moved = batch.crowd.positions.sum()
    (gradient,) = torch.autograd.grad(moved, speed)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 1e-4
    # The same by differences: the world of seed 3, its robot a little faster.
    places = []
    for more in (-1e-5, 1e-5):
        other = World(busy(), ROBOT, SEEDS[:3], gait=False)
        faster = np.full((3, 2), 0.3)
        faster[0, 0] += more
        for _ in range(30):
            other.step(faster)
        places.append(other.crowd.positions[0].sum())
    assert gradient[0, 0] == pytest.approx((places[1] - places[0]) / 2e-5, rel=1e-3, abs=1e-6)
