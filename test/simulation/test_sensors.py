from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sac_son_nav.config import LaserConfig, RobotProfile
from sac_son_nav.datasets.bags import Bag
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap
from sac_son_nav.simulation.scenarios import PersonGroup
from sac_son_nav.simulation.sensors import (
    NoiseConfig,
    Odometry,
    RayCaster,
    beam_angles,
    circle_ranges,
    localise,
    measure,
)
from sac_son_nav.simulation.simulator import Simulator
from test.simulation.worlds import room, world

EXACT = LaserConfig(noise=0.0)


def test_ray_to_a_wall_three_metres_away() -> None:
    caster = RayCaster(room(8.0, 6.0))
    origin = np.array([5.0, 3.0])
    # Walls at x = 8, y = 6, x = 0, y = 0: 3 m ahead, 3 m to the left, 5 m behind, 3 m to the right.
    ranges = caster.cast(origin, np.array([0.0, np.pi / 2, np.pi, -np.pi / 2]), 20.0)
    np.testing.assert_allclose(ranges, [3.0, 3.0, 5.0, 3.0], atol=1e-6)


@pytest.mark.parametrize("degrees", [10.0, 30.0, 44.0, 61.0, 89.0, 135.5, 200.0, 359.0])
def test_slanting_rays_meet_the_walls_where_trigonometry_says(degrees: float) -> None:
    origin, angle = np.array([2.0, 1.0]), np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    expected = min((8.0 - 2.0 if c > 0 else -2.0) / c, (6.0 - 1.0 if s > 0 else -1.0) / s)
    assert RayCaster(room(8.0, 6.0)).cast(origin, np.array([angle]), 20.0)[0] == pytest.approx(expected, abs=1e-9)


def test_a_pillar_hides_what_is_behind_it_and_nothing_else() -> None:
    caster = RayCaster(room(8.0, 6.0, (4.0, 2.9, 4.2, 3.1)))
    # The pillar's near corners are at atan(0.1 / 2) = 2.86 degrees from (2, 3); its face is 2 m ahead.
    angles = np.radians([0.0, 2.8, 2.95, -2.8, -2.95])
    expected = [
        2.0,
        2.0 / np.cos(angles[1]),
        6.0 / np.cos(angles[2]),
        2.0 / np.cos(angles[3]),
        6.0 / np.cos(angles[4]),
    ]
    np.testing.assert_allclose(caster.cast(np.array([2.0, 3.0]), angles, 20.0), expected, atol=1e-9)


def test_rays_end_at_the_reach_inside_walls_and_beyond_the_plan() -> None:
    floor = room(8.0, 6.0)
    ahead = np.zeros(1)
    assert np.isinf(RayCaster(floor).cast(np.array([5.0, 3.0]), ahead, 2.9)[0])
    assert RayCaster(floor).cast(np.array([5.0, 3.0]), ahead, 3.1)[0] == pytest.approx(3.0)
    assert RayCaster(floor).cast(np.array([8.2, 3.0]), ahead, 9.0)[0] == 0.0
    assert np.isinf(RayCaster(floor).cast(np.array([99.0, 3.0]), ahead, 9.0)[0])
    unwalled = OccupancyMap(np.full((20, 20), UNKNOWN, dtype=np.int8), 0.1)
    assert np.isinf(RayCaster(unwalled).cast(np.array([1.0, 1.0]), np.arange(7.0), 99.0)).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), density=st.floats(0.0, 0.2))
def test_rays_agree_with_asking_every_wall(seed: int, density: float) -> None:
    """Against the slab method (Kay and Kajiya 1986) on each wall's square."""
    random = np.random.default_rng(seed)
    cells = np.where(random.random((20, 30)) < density, OCCUPIED, FREE).astype(np.int8)
    cells[3, 4] = OCCUPIED
    start, angles = random.uniform((0.0, 0.0), (3.0, 2.0)), random.uniform(-7.0, 7.0, 40)
    direction = np.stack([np.cos(angles), np.sin(angles)], axis=-1)[:, None]
    low = 0.1 * np.argwhere(cells == OCCUPIED)[:, ::-1]
    one, other = (low - start) / direction, (low + 0.1 - start) / direction  # (B, walls, 2)
    enter, leave = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
    expected = np.where((enter <= leave) & (leave >= 0.0), np.maximum(enter, 0.0), np.inf).min(axis=1)
    np.testing.assert_allclose(RayCaster(OccupancyMap(cells, 0.1)).cast(start, angles, 9.0), expected, atol=1e-9)


def test_circles_by_hand() -> None:
    origin, radius = np.array([1.0, 1.0]), np.array([0.065])
    # 2 m ahead: the near side is at 1.935 m; a beam 0.06 m beside the middle meets it sqrt(0.065^2 - 0.06^2) = 0.025
    # m before the foot of its perpendicular; one 0.07 m beside it misses.
    beside = np.arcsin(np.array([0.0, 0.06 / 2.0, 0.07 / 2.0]))
    ranges = circle_ranges(origin, beside, np.array([[3.0, 1.0]]), radius)
    assert ranges[0] == pytest.approx(1.935)
    assert ranges[1] == pytest.approx(np.sqrt(4.0 - 0.06**2) - 0.025, abs=1e-9)
    assert np.isinf(ranges[2])
    assert np.isinf(circle_ranges(origin, np.array([np.pi]), np.array([[3.0, 1.0]]), radius)[0])
    assert circle_ranges(origin, np.array([1.0]), np.array([[1.01, 1.0]]), radius)[0] == 0.0
    assert np.isinf(circle_ranges(origin, np.zeros(3), np.zeros((0, 2)), np.zeros(0))).all()


def test_a_full_turn_is_not_closed_and_a_half_turn_is() -> None:
    angles, increment = beam_angles(LaserConfig(beams=720))
    assert increment == pytest.approx(np.radians(0.5))
    assert angles[-1] == pytest.approx(np.pi - np.radians(0.5))
    angles, increment = beam_angles(LaserConfig(angle_min=-np.pi / 2, angle_max=np.pi / 2, beams=181))
    assert increment == pytest.approx(np.radians(1.0))
    assert angles[-1] == pytest.approx(np.pi / 2)


def test_too_near_reads_minus_infinity_and_too_far_infinity() -> None:
    laser = LaserConfig(noise=0.0, beams=4, range_min=0.3, range_max=3.5)
    # From (0.2, 3) in a room of 8 m x 6 m: beams at -180, -90, 0, 90 degrees meet walls at 0.2, 3, 7.8 and 3 m.
    pose = np.array([0.2, 3.0, 0.0])
    random = np.random.default_rng(0)
    scan = measure(RayCaster(room(8.0, 6.0)), laser, pose, np.zeros((0, 2)), np.zeros(0), 1.5, random)
    np.testing.assert_allclose(scan.ranges, [-np.inf, 3.0, np.inf, 3.0], atol=1e-6)
    np.testing.assert_array_equal(scan.valid, [False, True, False, True])
    assert scan.stamp_s == 1.5


def test_noise_has_the_stated_spread() -> None:
    laser = LaserConfig(noise=0.02, beams=4000)
    caster, pose = RayCaster(room(8.0, 6.0)), np.array([4.0, 3.0, 0.0])
    nobody = (np.zeros((0, 2)), np.zeros(0))
    noisy = measure(caster, laser, pose, *nobody, 0.0, np.random.default_rng(1)).ranges
    clean = measure(caster, replace(laser, noise=0.0), pose, *nobody, 0.0, np.random.default_rng(1)).ranges
    assert np.std(noisy - clean) == pytest.approx(0.02, rel=0.05)
    assert abs(np.mean(noisy - clean)) < 0.002  # 6 standard errors of 0.02 / sqrt(4000)


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


def test_odometry_drifts_by_about_one_to_two_percent_of_the_way() -> None:
    errors = []
    for seed in range(60):
        odometry = Odometry(NoiseConfig(), np.random.default_rng(seed))
        for _ in range(400):  # 20 s at 0.5 m/s: 10 m straight ahead
            odometry.step(np.array([0.5, 0.0]), 0.05)
        errors.append(np.linalg.norm(odometry.pose[:2] - [10.0, 0.0]))
    assert 0.01 < np.sqrt(np.mean(np.square(errors))) / 10.0 < 0.03


@pytest.mark.parametrize("recording", ["husky_outdoor", "jackal_imu_odom"])
def test_the_measured_speed_jitters_as_that_of_real_robots(shared_data: Path, recording: str) -> None:
    """From one message to the next a recorded speed differs by its noise and by what the robot did in between, so
    the recordings bound the noise from above: 1.7 % of the speed for both robots."""
    with Bag(shared_data / "robot-odom-bags" / recording) as bag:
        topic = bag.topic_of_type("nav_msgs/msg/Odometry").name
        recorded = np.array([message.twist.twist.linear.x for _, _, message in bag.messages([topic])])
    moving = recorded[np.abs(recorded) > 0.1]
    real = np.std(np.diff(moving)) / np.sqrt(2.0) / np.mean(np.abs(moving))

    odometry, ours = Odometry(NoiseConfig(), np.random.default_rng(0)), []
    for _ in range(2000):
        odometry.step(np.array([0.5, 0.0]), 0.05)
        ours.append(odometry.velocity[0])
    simulated = np.std(np.diff(ours)) / np.sqrt(2.0) / 0.5
    assert simulated == pytest.approx(0.02, rel=0.1)
    assert 0.5 * real < simulated < 1.5 * real


def test_odometry_of_a_standing_robot_stands() -> None:
    odometry = Odometry(NoiseConfig(), np.random.default_rng(0))
    for _ in range(1000):
        odometry.step(np.zeros(2), 0.05)
    np.testing.assert_array_equal(odometry.pose, np.zeros(3))
    np.testing.assert_array_equal(odometry.velocity, np.zeros(2))


def test_the_localiser_errs_by_two_centimetres_and_half_a_degree_without_drifting() -> None:
    random, pose = np.random.default_rng(3), np.array([1.0, 2.0, np.pi - 1e-3])
    reported = np.array([localise(pose, NoiseConfig(), random) for _ in range(4000)])
    assert (np.abs(reported[:, 2]) <= np.pi).all()
    error = reported - pose
    error[:, 2] = (error[:, 2] + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(error.std(axis=0), [0.02, 0.02, np.radians(0.5)], rtol=0.06)
    assert (np.abs(error.mean(axis=0)) < 5 * error.std(axis=0) / np.sqrt(4000)).all()
