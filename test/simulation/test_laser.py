"""What lasers measure among walls and people, one or thousands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sac_son_nav.config import LaserConfig, RobotProfile
from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation import laser as laser_module
from sac_son_nav.simulation.laser import Laser, beam_angles
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenarios import PersonGroup, Scenario, Stop
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.simulation.world import World
from test.simulation.worlds import room, world

EXACT = LaserConfig(noise=0.0)
ROOM = RayCaster(room(8.0, 6.0))
NOBODY = (np.zeros((0, 2)), np.zeros(0))
KEY = np.array(17, dtype=np.int64)


def aimed(*angles: float, **settings: float) -> Laser:
    """A laser without noise whose first and last beam point there [rad], with two beams or one."""
    return Laser(
        LaserConfig(noise=0.0, angle_min=angles[0], angle_max=angles[-1], beams=len(angles), **settings), ROOM
    )


def nearest_circle(origin: np.ndarray, angles: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Distance (B,) to the nearest of the circles along each angle, inf for none: every circle, every beam; where a
    beam meets a circle solves |t (cos, sin) - offset| = radius, a quadratic equation for t."""
    offset = centres - origin
    b = np.cos(angles)[:, None] * offset[:, 0] + np.sin(angles)[:, None] * offset[:, 1]
    discriminant = b**2 - (offset**2).sum(axis=-1) + radii**2
    root = np.sqrt(np.maximum(discriminant, 0.0))
    met = (discriminant > 0.0) & (b + root > 0.0)
    return np.where(met, np.maximum(b - root, 0.0), np.inf).min(axis=1, initial=np.inf)


# -- circles ----------------------------------------------------------------------------------------------------


def test_circles_by_hand() -> None:
    pose, radius = np.array([1.0, 1.0, 0.0]), np.array([0.065])
    # 2 m ahead: the near side is at 1.935 m; a beam 0.06 m beside the middle meets it sqrt(0.065^2 - 0.06^2) = 0.025
    # m before the foot of its perpendicular; one 0.07 m beside it misses, and goes on to the wall.
    hit, miss = np.arcsin(0.06 / 2.0), np.arcsin(0.07 / 2.0)
    assert aimed(0.0).ranges(pose, np.array([[3.0, 1.0]]), radius)[0] == pytest.approx(1.935)
    ranges = aimed(-miss, hit).ranges(pose, np.array([[3.0, 1.0]]), radius)
    assert ranges[1] == pytest.approx(np.sqrt(4.0 - 0.06**2) - 0.025, abs=1e-9)
    assert ranges[0] == pytest.approx(7.0 / np.cos(miss))
    assert aimed(np.pi).ranges(pose, np.array([[3.0, 1.0]]), radius)[0] == pytest.approx(1.0)  # the wall behind
    assert aimed(1.0).ranges(pose, np.array([[1.01, 1.0]]), radius)[0] == 0.0  # it stands around the laser
    assert aimed(0.0).ranges(pose, np.array([[np.nan, 1.0]]), radius)[0] == pytest.approx(7.0)  # it is not there


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    start=st.floats(-7.0, 7.0),
    span=st.floats(-2.0 * np.pi, 2.0 * np.pi).filter(lambda span: abs(span) > 0.01),
    beams=st.integers(1, 200),
    count=st.integers(0, 12),
)
def test_circles_agree_with_asking_every_one(seed: int, start: float, span: float, beams: int, count: int) -> None:
    """Lasers that look any way, in either sense of rotation, across the seam of the angles or not; circles near and
    far, also around the laser."""
    random = np.random.default_rng(seed)
    laser = Laser(LaserConfig(noise=0.0, angle_min=start, angle_max=start + span, beams=beams), ROOM)
    pose = np.array([*random.uniform((1.0, 1.0), (7.0, 5.0)), random.uniform(-9.0, 9.0)])
    centres = pose[:2] + random.normal(size=(count, 2)) * random.choice([0.1, 1.0, 3.0], (count, 1))
    radii = random.uniform(0.02, 0.5, count)
    directions = laser.angles + pose[2]
    expected = np.minimum(ROOM.cast(pose[:2], directions, 13.0), nearest_circle(pose[:2], directions, centres, radii))
    # A beam along a tangent meets the circle or not by rounding.
    away, aside = np.linalg.norm(centres - pose[:2], axis=-1), directions[:, None]
    turned = aside - np.arctan2(centres[:, 1] - pose[1], centres[:, 0] - pose[0])
    tangent = (np.abs(np.abs(away * np.sin(turned)) - radii) < 1e-7).any(axis=1)
    np.testing.assert_allclose(
        laser.ranges(pose, centres, radii)[~tangent], expected[~tangent], atol=1e-7, err_msg=f"{laser.config}"
    )


def test_a_full_turn_is_not_closed_and_a_half_turn_is() -> None:
    angles, increment = beam_angles(LaserConfig(beams=720))
    assert increment == pytest.approx(np.radians(0.5))
    assert angles[-1] == pytest.approx(np.pi - np.radians(0.5))
    angles, increment = beam_angles(LaserConfig(angle_min=-np.pi / 2, angle_max=np.pi / 2, beams=181))
    assert increment == pytest.approx(np.radians(1.0))
    assert angles[-1] == pytest.approx(np.pi / 2)
    angles, increment = beam_angles(LaserConfig(angle_min=np.pi, angle_max=-np.pi, beams=4))
    np.testing.assert_allclose(angles, [np.pi, np.pi / 2, 0.0, -np.pi / 2])
    assert increment == pytest.approx(-np.pi / 2)


def test_beams_that_all_point_the_same_way_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"laser: expected 3 beams side by side, got all at 0.5"):
        aimed(0.5, 0.5, 0.5)


# -- noise and limits -------------------------------------------------------------------------------------------


def test_too_near_reads_minus_infinity_and_too_far_infinity() -> None:
    laser = Laser(LaserConfig(noise=0.0, beams=4, range_min=0.3, range_max=3.5), ROOM)
    # From (0.2, 3) in a room of 8 m x 6 m: beams at -180, -90, 0, 90 degrees meet walls at 0.2, 3, 7.8 and 3 m.
    ranges = laser.sweep(np.array([0.2, 3.0, 0.0]), *NOBODY, KEY, 0)
    np.testing.assert_allclose(ranges, [-np.inf, 3.0, np.inf, 3.0], atol=1e-6)
    scan = laser.as_scan(ranges, 1.5)
    np.testing.assert_array_equal(scan.valid, [False, True, False, True])
    assert (scan.stamp_s, scan.angle_min, scan.angle_increment) == (1.5, -np.pi, pytest.approx(np.pi / 2))


def test_noise_has_the_stated_spread_and_differs_from_beam_to_beam_step_to_step_and_key_to_key() -> None:
    settings, pose = LaserConfig(noise=0.02, beams=4001), np.array([4.0, 3.0, 0.0])
    noisy, clean = Laser(settings, ROOM), Laser(replace(settings, noise=0.0), ROOM).ranges(pose, *NOBODY)
    first, later, other = (
        (noisy.sweep(pose, *NOBODY, np.array(key), step) - clean) / 0.02 for key, step in ((17, 0), (17, 1), (18, 0))
    )
    assert np.std(first) == pytest.approx(1.0, rel=0.05)
    assert abs(np.mean(first)) < 0.08  # 5 standard errors of 1 / sqrt(4001)
    for one, another in ((first, later), (first, other), (first[1:], first[:-1]), (first[2001:], first[:2000])):
        assert abs(np.corrcoef(one, another)[0, 1]) < 0.08
    np.testing.assert_array_equal(noisy.sweep(pose, *NOBODY, KEY, 0), noisy.sweep(pose, *NOBODY, KEY, 0))


def test_a_low_laser_sees_two_legs_and_a_high_one_a_trunk() -> None:
    person = PersonGroup(start=(4.0, 3.0), radius=0.25)
    scenario = world(room(8.0, 6.0), person, start=(2.0, 3.0, 0.0))
    low, high = (RobotProfile(laser=replace(EXACT, height=height)) for height in (0.2, 1.0))
    legs = Simulator(scenario, low, seed=1)
    returns = legs.scan().points()
    on_legs = returns[np.linalg.norm(returns - [2.0, 0.0], axis=-1) < 0.3]
    shins = legs.crowd.legs()[0] - np.array([2.0, 3.0])
    assert np.linalg.norm(shins[0] - shins[1]) == pytest.approx(0.2)
    from_shins = np.linalg.norm(on_legs[:, None] - shins, axis=-1).min(axis=1)
    np.testing.assert_allclose(from_shins, 0.065, atol=1e-6)

    # The trunk's near side is 2 - 0.25 m ahead; it covers 2 asin(0.25 / 2) = 14.36 degrees, 29 beams of half a degree.
    scan = Simulator(scenario, high, seed=1).scan()
    assert scan.ranges[360] == pytest.approx(1.75)
    assert np.count_nonzero(scan.ranges[300:420] < 2.0) == 29


def test_the_laser_stands_where_the_profile_says() -> None:
    laser = replace(EXACT, x=-0.1, y=0.05, yaw=np.pi / 2, beams=4)
    scenario = world(room(8.0, 6.0), start=(2.0, 3.0, np.pi / 2))
    scan = Simulator(scenario, RobotProfile(laser=laser), seed=1).scan()
    # The robot looks up the map, so the laser is at (2 - 0.05, 3 - 0.1) and its beam 0 (-180 degrees) points to +x.
    np.testing.assert_allclose(scan.ranges, [8.0 - 1.95, 6.0 - 2.9, 1.95, 2.9], atol=1e-6)


# -- many worlds ------------------------------------------------------------------------------------------------

SEEDS = (3, 11, 4, 7, 8, 0, 21)
ROBOT = RobotProfile(laser=LaserConfig(beams=90, x=0.1))


def busy() -> Scenario:
    """A room with a pillar, three who walk to and fro and one who stands near the robot."""
    stops = (Stop((7.0, 0.6, 7.5, 5.4)), Stop((1.0, 0.6, 1.5, 5.4)))
    people = (PersonGroup((2.0, 0.6, 7.5, 5.4), stops, count=3, repeat=True), PersonGroup((2.4, 3.2)))
    return world(room(8.0, 6.0, (4.0, 3.8, 4.6, 4.4)), *people, start=(1.5, 3.0, 0.5), goal=(7.0, 3.0, 0.0))


def scans(seeds: tuple[int, ...] | int, robot: RobotProfile = ROBOT, **options: object) -> np.ndarray:
    """The scans of 12 steps, (12, ..., B)."""
    batch, laser = World(busy(), robot, seeds, **options), Laser(robot.laser, RayCaster(busy().floor))  # type: ignore[arg-type]
    measured = []
    for _ in range(12):
        batch.step(np.full((*batch.batch, 2), 0.4))
        measured.append(np.asarray(laser.scan(batch)))
    return np.stack(measured)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("height", [0.2, 1.0])
def test_a_scan_is_the_same_to_the_bit_whatever_batch_its_world_stands_in(
    dtype: type, height: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot, like = replace(ROBOT, laser=replace(ROBOT.laser, height=height)), np.zeros(0, dtype=dtype)
    together = scans(SEEDS, robot, like=like)
    assert together.dtype == dtype
    assert (np.ptp(together[:, :, 44:46], axis=1) > 0.0).all()  # no two are alike
    for some in ((4,), (0, 5), (6, 2, 1)):
        np.testing.assert_array_equal(scans(tuple(SEEDS[k] for k in some), robot, like=like), together[:, list(some)])
    np.testing.assert_array_equal(scans(SEEDS[1], robot, like=like), together[:, 1])
    monkeypatch.setattr(laser_module, "CACHED", 200)  # two worlds at once
    np.testing.assert_array_equal(scans(SEEDS, robot, like=like), together)


def test_where_there_is_no_robot_there_is_no_scan() -> None:
    present = np.arange(len(SEEDS)) % 2 == 0
    mixed = scans(SEEDS, present=present)
    np.testing.assert_array_equal(mixed[:, present], scans(SEEDS)[:, present])
    assert np.isnan(mixed[:, ~present]).all()
    assert np.isnan(scans(3, present=False)).all()


def test_a_simulator_s_scan_is_that_of_its_world_in_a_batch() -> None:
    single = Simulator(busy(), ROBOT, SEEDS[2])
    batch, laser = World(busy(), ROBOT, SEEDS), Laser(ROBOT.laser, RayCaster(busy().floor))
    for _ in range(12):
        single.step()
        batch.step()
    np.testing.assert_array_equal(single.scan().ranges, laser.scan(batch)[2])


def test_luck_stays_with_a_world_that_is_copied_or_put_into_a_batch() -> None:
    scenario = busy()
    batch, laser = World(scenario, ROBOT, SEEDS), Laser(ROBOT.laser, RayCaster(scenario.floor))
    for _ in range(5):
        batch.step()
    copied, fresh = batch.take([2]), World(scenario, ROBOT, (99,))
    np.testing.assert_array_equal(laser.scan(copied)[0], laser.scan(batch)[2])
    batch.put([4], fresh)
    for _ in range(6):
        batch.step(np.zeros((len(SEEDS), 2)))
        fresh.step(np.zeros((1, 2)))
    np.testing.assert_array_equal(laser.scan(batch)[4], laser.scan(fresh)[0])


def test_torch_measures_what_numpy_measures() -> None:
    torch = pytest.importorskip("torch")
    like = torch.zeros(0, dtype=torch.float64)
    laser = Laser(ROBOT.laser, RayCaster(busy().floor))
    present = np.array([True, False, True])
    with_numpy, with_torch = (World(busy(), ROBOT, SEEDS[:3], present, like=kind) for kind in (np.zeros(0), like))
    np.testing.assert_allclose(laser.scan(with_torch).numpy(), laser.scan(with_numpy), atol=1e-7)
