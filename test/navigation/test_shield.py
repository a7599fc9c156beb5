import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sac_son_nav.geometry import inverse, transform_points
from sac_son_nav.kinematics import BaseLimits, limit_velocity, unicycle_step
from sac_son_nav.navigation.shield import ShieldConfig, sees_behind, shield
from sac_son_nav.states import Command, Scan

LIMITS, RADIUS, DT, CONFIG = BaseLimits(), 0.22, 0.1, ShieldConfig()


def ask(command, velocity, points, point_velocities=None):
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    moving = np.zeros_like(points) if point_velocities is None else np.asarray(point_velocities, dtype=float)
    return shield(Command(*command), np.asarray(velocity, dtype=float), points, moving, RADIUS, LIMITS, DT, CONFIG)


def test_with_nothing_near_the_command_passes():
    verdict = ask((0.55, 0.3), (0.5, 0.2), [[3.0, 0.0]])
    assert verdict.command == Command(pytest.approx(0.55), pytest.approx(0.3))
    assert verdict.reason == ""


def test_acceleration_is_limited_even_in_the_open():
    # 0.8 m/s^2 for 0.1 s from 0.1 m/s
    assert ask((0.6, 0.0), (0.1, 0.0), np.zeros((0, 2))).command.linear == pytest.approx(0.18)


def test_a_wall_within_stopping_distance_brakes():
    # 0.6 m/s: 0.25 s reaction and braking at 2.5 m/s^2 take 0.15 + 0.072 = 0.222 m; 0.27 m belong to body and margin.
    assert ask((0.6, 0.0), (0.6, 0.0), [[0.48, 0.0]]).command.linear < 0.6
    assert ask((0.6, 0.0), (0.6, 0.0), [[0.51, 0.0]]).command.linear == pytest.approx(0.6)
    close = ask((0.6, 0.0), (0.6, 0.0), [[0.30, 0.0]])
    assert close.command.linear == pytest.approx(0.35)  # 2.5 m/s^2 for 0.1 s
    assert close.reason == "braking for something 0.08 m away"


def test_a_wall_beside_does_not_matter():
    assert ask((0.6, 0.0), (0.6, 0.0), [[0.0, 0.3], [0.2, -0.3]]).reason == ""


def test_somebody_walking_up_counts_before_somebody_standing():
    standing = ask((0.4, 0.0), (0.4, 0.0), [[0.75, 0.0]])
    approaching = ask((0.4, 0.0), (0.4, 0.0), [[0.75, 0.0]], [[-1.3, 0.0]])
    assert standing.reason == ""
    assert approaching.command.linear < 0.4


def test_somebody_catching_up_from_behind_is_no_reason_to_stop_in_front_of_them():
    behind = ask((0.5, 0.0), (0.5, 0.0), [[-0.6, 0.0]], [[1.4, 0.0]])
    assert behind.command.linear == pytest.approx(0.5)
    assert behind.reason == ""


def test_turning_on_the_spot_is_always_allowed():
    assert ask((0.0, 0.4), (0.0, 0.3), [[0.23, 0.0]]).command == Command(0.0, pytest.approx(0.4))


def test_next_to_a_wall_driving_away_is_allowed():
    verdict = ask((0.08, 0.0), (0.0, 0.0), [[-0.24, 0.0]])
    assert verdict.command.linear == pytest.approx(0.08)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_command_that_is_no_number_stops(bad):
    verdict = ask((bad, 0.0), (0.3, 0.0), np.zeros((0, 2)))
    assert verdict.command == Command()
    assert "not a number" in verdict.reason


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    v=st.floats(0.0, 0.6),
    w=st.floats(-1.5, 1.5),
    wanted_v=st.floats(0.0, 0.6),
    wanted_w=st.floats(-1.5, 1.5),
)
def test_standing_things_are_never_hit_when_braking_would_have_avoided_it(seed, v, w, wanted_v, wanted_w):
    """Drive one period as the shield says, then brake: no deeper in a point's margin than braking at once goes."""
    points = np.random.default_rng(seed).uniform(-1.5, 1.5, (12, 2))
    points = points[np.linalg.norm(points, axis=-1) > RADIUS + CONFIG.margin + 1e-3]

    def least_gap(first):
        pose, velocity, least = np.zeros(3), np.array([v, w]), np.inf
        for k in range(60):
            target = first if k < 5 else np.zeros(2)
            velocity = limit_velocity(np.asarray(target), velocity, LIMITS, 0.02)
            pose = unicycle_step(pose, velocity, 0.02)
            if len(points):
                least = min(least, np.min(np.linalg.norm(points - pose[:2], axis=-1)) - RADIUS)
        return least

    said = ask((wanted_v, wanted_w), (v, w), points).command
    assert least_gap(said.as_array()) > min(0.0, least_gap(np.zeros(2))) - 0.02


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_is_wanted_for_as_long_as_it_likes_nothing_standing_is_touched(seed):
    """Twenty seconds of wild commands among standing things, forward and backward; it starts clear of them all."""
    random, limits = np.random.default_rng(seed), BaseLimits(vx_min=-0.2)
    points = random.uniform(-2.5, 2.5, (30, 2))
    points = points[np.linalg.norm(points, axis=-1) > RADIUS + CONFIG.margin + 0.02]
    pose, velocity, wanted = np.zeros(3), np.zeros(2), np.zeros(2)
    for k in range(200):
        if k % 7 == 0:
            wanted = random.uniform([-0.3, -1.5], [0.7, 1.5])
        seen = np.asarray(transform_points(np.asarray(inverse(pose)), points))
        still = np.zeros_like(seen)
        said = shield(Command(*wanted), velocity, seen, still, RADIUS, limits, DT, CONFIG).command.as_array()
        velocity = limit_velocity(said, velocity, limits, DT)
        pose = np.asarray(unicycle_step(pose, velocity, DT))
        assert np.min(np.linalg.norm(points - pose[:2], axis=-1), initial=np.inf) > RADIUS


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), v=st.floats(0.0, 0.6), w=st.floats(-1.5, 1.5))
def test_among_people_who_walk_it_never_brings_them_nearer_than_braking_would(seed, v, w):
    """One second, finely: what it says, held until it may react and then braked, against braking at once."""
    random = np.random.default_rng(seed)
    points, walks = random.uniform(-2.0, 2.0, (10, 2)), random.uniform(-1.5, 1.5, (10, 2))
    points = points[np.linalg.norm(points, axis=-1) > RADIUS + CONFIG.margin]
    walks = walks[: len(points)]
    lasting = CONFIG.reaction + 0.6 / LIMITS.deceleration

    def least_gap(first):
        pose, velocity, least, fine = np.zeros(3), np.array([v, w]), np.inf, 0.01
        for k in range(round(lasting / fine)):
            target = first if k * fine < CONFIG.reaction else np.zeros(2)
            velocity = limit_velocity(np.asarray(target), velocity, LIMITS, fine)
            pose = unicycle_step(pose, velocity, fine)
            apart = np.linalg.norm(points + walks * fine * (k + 1) - pose[:2], axis=-1)
            least = min(least, float(np.min(apart, initial=np.inf)))
        return least - RADIUS

    wanted = Command(float(random.uniform(0.0, 0.6)), float(random.uniform(-1.5, 1.5)))
    said = shield(wanted, np.array([v, w]), points, walks, RADIUS, LIMITS, DT, CONFIG).command
    assert least_gap(said.as_array()) > min(0.0, least_gap(np.zeros(2))) - 0.05


@settings(max_examples=100, deadline=None)
@given(v=st.floats(0.0, 0.6), wanted=st.floats(-1.0, 2.0), x=st.floats(0.3, 2.0), y=st.floats(-1.0, 1.0))
def test_it_never_goes_faster_than_asked_or_than_the_base_can(v, wanted, x, y):
    said = ask((wanted, 0.0), (v, 0.0), [[x, y]]).command.linear
    free = float(limit_velocity(np.array([wanted, 0.0]), np.array([v, 0.0]), LIMITS, DT)[0])
    assert said <= free + 1e-9
    assert said >= v - LIMITS.deceleration * DT - 1e-9


# -- backward -----------------------------------------------------------------------------------------------------

BOTH_WAYS = BaseLimits(vx_min=-0.3)


def back(command, velocity, points, point_velocities=None, limits=BOTH_WAYS):
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    moving = np.zeros_like(points) if point_velocities is None else np.asarray(point_velocities, dtype=float)
    return shield(Command(*command), np.asarray(velocity, dtype=float), points, moving, RADIUS, limits, DT, CONFIG)


def test_backward_something_behind_brakes_as_something_ahead_does_forward():
    # 0.3 m/s: 0.25 s reaction and braking at 2.5 m/s^2 take 0.075 + 0.018 = 0.093 m; 0.27 m belong to body and margin.
    assert back((-0.3, 0.0), (-0.3, 0.0), [[-0.37, 0.0]]).command.linear == pytest.approx(-0.3)
    near = back((-0.3, 0.0), (-0.3, 0.0), [[-0.35, 0.0]])
    assert -0.3 < near.command.linear <= 0.0
    assert near.reason.endswith("for something 0.13 m away")
    close = back((-0.3, 0.0), (-0.3, 0.0), [[-0.28, 0.0]])
    assert close.command.linear == pytest.approx(-0.05)  # 2.5 m/s^2 for 0.1 s
    assert close.reason == "braking for something 0.06 m away"


def test_backward_something_ahead_does_not_matter():
    assert back((-0.3, 0.0), (-0.3, 0.0), [[0.28, 0.0]]).reason == ""


def test_backward_somebody_walking_up_from_behind_counts_before_somebody_standing():
    assert back((-0.2, 0.0), (-0.2, 0.0), [[-0.6, 0.0]]).reason == ""
    assert back((-0.2, 0.0), (-0.2, 0.0), [[-0.6, 0.0]], [[1.3, 0.0]]).command.linear > -0.2


@settings(max_examples=12, deadline=None)
@given(
    distance=st.floats(0.2, 0.6),
    bearing=st.floats(-3.1, 3.1),
    wanted_v=st.floats(0.0, 0.3),
    wanted_w=st.floats(-1.5, 1.5),
)
def test_the_world_seen_backward_is_judged_as_the_world_seen_forward(distance, bearing, wanted_v, wanted_w):
    same = BaseLimits(vx_max=0.3, vx_min=-0.3, acceleration=0.8)
    point = distance * np.array([np.cos(bearing), np.sin(bearing)])
    forth = back((wanted_v, wanted_w), (wanted_v, wanted_w), [point], limits=same)
    # Mirrored front to back, an arc forward to the left becomes one backward that turns the other way.
    behind = back((-wanted_v, -wanted_w), (-wanted_v, -wanted_w), [point * [-1.0, 1.0]], limits=same)
    assert behind.command.linear == pytest.approx(-forth.command.linear, abs=1e-9)
    assert behind.command.angular == pytest.approx(-forth.command.angular, abs=1e-9)
    assert behind.reason == forth.reason


def test_a_base_that_may_not_reverse_stays():
    assert back((-0.3, 0.0), (0.0, 0.0), [[2.0, 0.0]], limits=BOTH_WAYS.forward_only()).command.linear == 0.0


def sweep(first, last, beams, broken=()):
    ranges = np.full(beams, np.inf)
    ranges[list(broken)] = np.nan
    return Scan(0.0, ranges, first, (last - first) / (beams - 1), 0.12, 12.0)


@pytest.mark.parametrize(
    ("scan", "laser", "seen"),
    [
        (sweep(-np.pi, np.pi, 720), (0.0, 0.0, 0.0), True),
        (sweep(0.0, 2.0 * np.pi, 360), (0.0, 0.0, 0.0), True),
        (sweep(-np.pi, np.pi, 640), (-0.04, 0.0, np.pi / 2.0), True),  # turned in its mount
        (sweep(-2.0, 2.0, 400), (0.1, 0.0, 0.0), False),  # looks ahead and aside
        (sweep(-2.0, 2.0, 400), (0.1, 0.0, np.pi), True),  # looks back
        (sweep(-np.pi, np.pi, 720, broken=range(340, 380)), (0.0, 0.0, 0.0), True),  # broken ahead
        (sweep(-np.pi, np.pi, 720, broken=range(30)), (0.0, 0.0, 0.0), False),  # broken behind
    ],
)
def test_whether_the_laser_sees_behind(scan, laser, seen):
    assert sees_behind(scan, np.array(laser), RADIUS) == seen


def test_what_it_leaves_out_for_being_far_decides_nothing(monkeypatch):
    random = np.random.default_rng(0)

    def verdicts():
        chance = np.random.default_rng(1)
        return [
            ask(
                chance.uniform(-0.2, 0.6, 2),
                chance.uniform(-0.2, 0.6, 2),
                points,
                chance.normal(0.0, 1.0, points.shape),
            )
            for points in clouds
        ]

    clouds = [random.uniform(-2.0, 2.0, (random.integers(1, 30), 2)) for _ in range(200)]
    spared = verdicts()
    monkeypatch.setattr(
        "sac_son_nav.navigation.shield._within_reach", lambda *given: np.ones(len(given[1]), dtype=bool)
    )
    assert verdicts() == spared
    assert sum(bool(v.reason) for v in spared) > 20
