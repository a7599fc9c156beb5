import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from sac_son_nav.crowds import orca, power_law, social_force
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation import crowds
from sac_son_nav.evaluation.known_answers import (
    energy_of_time,
    head_on,
    least_gaps_across_a_circle,
    relaxation,
    speeds_from_rest,
)
from sac_son_nav.evaluation.pedestrian_flow import (
    FlowConfig,
    corridor_flow,
    places_on_grid,
    ring_flow,
    single_file_speed,
    weidmann_speed,
    with_images,
)
from sac_son_nav.simulation.laws import LAWS

SHORT = FlowConfig(settling=8.0, measured=8.0)
RANDOM = np.random.default_rng


# -- alone ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["social_force", "power_law"])
def test_alone_speed_comes_with_the_relaxation_time(name: str) -> None:
    """Semi-implicit Euler multiplies what is missing by 1 - dt / tau in each step, and that tends to exp(-t / tau):
    with half the step the distance to it is half as large."""
    law, fine = LAWS[name], 0.01  # the power law goes longer steps in such ones
    np.testing.assert_allclose(
        speeds_from_rest(law, 1.34, fine, 54), 1.34 * (1.0 - (1.0 - fine / 0.54) ** np.arange(1, 55))
    )
    off = [speeds_from_rest(law, 1.34, 0.54 / n, n)[-1] - relaxation(law, 1.34, 0.54) for n in (54, 108)]
    assert relaxation(law, 1.34, 0.54) == pytest.approx(1.34 * 0.63212, abs=1e-5)
    assert 0.0 < off[0] < 0.01
    assert off[1] == pytest.approx(0.5 * off[0], rel=0.02)


def test_alone_orca_has_the_wanted_speed_at_once() -> None:
    np.testing.assert_allclose(speeds_from_rest(LAWS["orca"], 1.34, 0.05, 3), 1.34)
    assert relaxation(LAWS["orca"], 1.34, 0.05) == 1.34


# -- published curves and images --------------------------------------------------------------------------------


def test_the_published_curves_by_hand() -> None:
    """1.34 (1 - exp(-1.913 (1 / 1 - 1 / 5.4))) = 1.34 (1 - exp(-1.55874)) = 1.34 * 0.78960; none at 5.4 /m^2."""
    np.testing.assert_allclose(weidmann_speed(np.array([0.1, 1.0, 5.4])), [1.34, 1.05806, 0.0], atol=1e-4)
    np.testing.assert_allclose(single_file_speed(np.array([0.3, 0.36, 0.89, 1.42, 9.0])), [0.0, 0.0, 0.5, 1.0, 1.24])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 16.0))
def test_nobody_can_tell_where_the_seam_is(seed: int, shift: float) -> None:
    """Moving everybody along the corridor changes nothing: as far as a law reaches, everybody is where they were."""
    random, length, people = RANDOM(seed), 16.0, 12
    positions = np.concatenate([random.uniform(0.0, length, (1, people, 1)), random.uniform(0, 3, (1, people, 1))], -1)
    velocities = random.normal(0.0, 0.5, (1, people, 2))
    radii, twice = np.full(2 * people, 0.1), np.concatenate([velocities, velocities], axis=1)
    moved = positions.copy()
    moved[..., 0] = (moved[..., 0] + shift) % length
    law = replace(power_law.PowerLawConfig(), sight=0.5 * length)
    here, there = (
        power_law.acceleration(with_images(p, length), twice, twice, radii, law)[:, :people]
        for p in (positions, moved)
    )
    np.testing.assert_allclose(here, there, atol=1e-6)


def test_images_are_a_length_away_and_nearest_across_the_seam() -> None:
    bodies = with_images(np.array([[[1.0, 0.5], [11.0, 0.5]]]), 12.0)
    np.testing.assert_array_equal(bodies, [[[1.0, 0.5], [11.0, 0.5], [13.0, 0.5], [-1.0, 0.5]]])


@pytest.mark.parametrize("people", [1, 2, 15, 60, 100])
def test_a_flow_starts_with_nobody_touching_anybody(people: int) -> None:
    places = places_on_grid(people, FlowConfig(), RANDOM(people))
    bodies = with_images(places[None], 12.0)[0]
    apart = np.linalg.norm(bodies[:, None] - bodies[None], axis=-1) + 9.0 * np.eye(len(bodies))
    assert apart.min() >= 0.5
    assert places.min() >= 0.25
    assert places[:, 1].max() <= 2.25
    with pytest.raises(ConfigError, match="expected room for 300 people"):
        places_on_grid(300, FlowConfig(), RANDOM(0))


# -- flows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("people", [15, 30])
def test_in_single_file_no_law_slows_people_who_go_alike(name: str, people: int) -> None:
    """Who move alike are nothing to each other by ORCA and the power law, and are pushed as much from behind as from
    ahead by the social force. So from uneven starts they come to the wanted speed however near they are, where
    people slow down: 0.75 and 0.20 m/s. That is known of the laws, not of people."""
    speed = ring_flow(LAWS[name], people, replace(SHORT, settling=20.0, measured=2.0), RANDOM(0))
    assert speed == pytest.approx(1.24, abs=2e-3)
    assert single_file_speed(np.array(17.3 / people)) < 0.8


@pytest.mark.parametrize("spacing", [0.5, 0.9, 2.0])
def test_a_line_of_people_who_move_alike_feels_no_social_force(spacing: float) -> None:
    positions = np.stack([spacing * np.arange(41.0), np.zeros(41)], axis=-1)
    velocities = np.tile([1.24, 0.0], (41, 1))
    force = social_force.acceleration(positions, velocities, velocities, np.full(41, 0.2), LAWS["social_force"].config)
    np.testing.assert_allclose(force[20], 0.0, atol=1e-9)
    assert abs(force[0, 0]) > 1e-3  # the first of the line is pushed on


@pytest.mark.parametrize("name", LAWS)
def test_few_people_who_go_one_way_go_as_fast_as_they_want(name: str) -> None:
    (speed,) = corridor_flow(LAWS[name], 6, False, SHORT, 1, RANDOM(1))
    assert speed == pytest.approx(1.34, abs=0.03)


def test_social_force_in_two_ways_is_near_the_published_curve() -> None:
    speeds = corridor_flow(LAWS["social_force"], 30, True, SHORT, 4, RANDOM(2))
    assert speeds.mean() == pytest.approx(float(weidmann_speed(np.array(1.0))), abs=0.25)


def test_the_power_law_jams_in_long_steps_and_flows_in_short_ones() -> None:
    """Half a person per square metre going both ways: published 1.29 m/s."""
    law = LAWS["power_law"]
    long = replace(law, config=replace(law.config, longest_step=0.05))
    jammed, flowing = (corridor_flow(which, 16, True, SHORT, 2, RANDOM(3)).mean() for which in (long, law))
    assert flowing > 1.05
    assert jammed < 0.75 * flowing


def test_a_flow_is_the_same_again() -> None:
    once, again = (corridor_flow(LAWS["social_force"], 8, True, SHORT, 2, RANDOM(4)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    with pytest.raises(ConfigError, match="flow: expected a step and times to settle and measure, got 0"):
        FlowConfig(step=0.0)


# -- ORCA -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("people", "step"), [(5, 0.05), (12, 0.1), (20, 0.1), (9, 0.25), (14, 0.25)])
def test_orca_never_overlaps_across_a_circle(people: int, step: float) -> None:
    gaps = least_gaps_across_a_circle(orca.OrcaConfig(), people, step, 3, RANDOM(people), duration=9.0)
    assert gaps.min() >= -1e-4
    assert gaps.max() < 2.0  # they met


def test_orca_in_crowdnav_s_steps_overlaps_where_twenty_meet() -> None:
    """Known of long steps: nobody's program has a solution then, and what has moved in 0.25 s can't be taken back."""
    gaps = least_gaps_across_a_circle(orca.OrcaConfig(), 20, 0.25, 6, RANDOM(20), duration=9.0)
    assert -0.2 < gaps.min() < 0.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8), st.floats(0.05, 0.25))
def test_orca_never_overlaps_from_random_starts(seed: int, people: int, step: float) -> None:
    """Two worlds of people who start clear of each other anywhere on 6 m x 6 m and go anywhere on it."""
    random = RANDOM(seed)
    radii = random.uniform(0.2, 0.3, people)
    cells = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
    positions = np.stack([random.permutation(cells)[:people] for _ in range(2)]) + random.uniform(0, 0.3, (2, 1, 2))
    goals, velocities = random.uniform(0.0, 6.0, positions.shape), np.zeros_like(positions)
    first, second = np.triu_indices(people, 1)
    for _ in range(round(8.0 / step)):
        offset = goals - positions
        distance = np.linalg.norm(offset, axis=-1, keepdims=True)
        desired = offset / np.maximum(distance, 1e-9) * np.minimum(1.3, distance / 0.6)
        positions, velocities = orca.step(positions, velocities, desired, radii, step, orca.OrcaConfig())
        apart = np.linalg.norm(positions[:, first] - positions[:, second], axis=-1)
        assert (apart >= radii[first] + radii[second] - 1e-4).all()


# -- the power law ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.7, 1.5])
@pytest.mark.parametrize("speed", [0.8, 1.4])
def test_two_who_come_head_on_show_the_power_of_the_law(strength: float, speed: float) -> None:
    gaps, closing = head_on(replace(power_law.PowerLawConfig(), strength=strength), speed)
    assert energy_of_time(gaps, closing) == pytest.approx((2.0, strength), rel=0.01)
    # And the whole way: d ln(closing) / d gap = 4 k / gap^3, so closing_0 exp(2 k (1 / gap_0^2 - 1 / gap^2)).
    np.testing.assert_allclose(closing, 2.0 * speed * np.exp(2.0 * strength * (0.01 - 1.0 / gaps**2)), rtol=0.02)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_walking_at_each_other_costs_what_the_energy_says(seed: int) -> None:
    """As two go on at their velocities the time to the collision runs down at one second per second, so the power with
    which the forces brake them is dE / dtau = -k / tau^2 exp(-tau / tau_0) (2 / tau + 1 / tau_0). Here tau is
    found as a root, not by the law's formula."""
    random, law = RANDOM(seed), replace(power_law.PowerLawConfig(), force_limit=1e9, sight=1e3)
    angle, side = random.uniform(-np.pi, np.pi), random.uniform(-0.35, 0.35)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    positions = np.stack([np.zeros(2), random.uniform(0.8, 6.0) * along + side * across])
    drift = random.normal(0.0, 1.0, 2)
    velocities = np.stack([drift, drift - random.uniform(0.3, 3.0) * along])
    apart, relative = positions[1] - positions[0], velocities[1] - velocities[0]
    nearest = -(apart @ relative) / (relative @ relative)
    tau = brentq(lambda t: np.linalg.norm(apart + relative * t) - 0.5, 0.0, nearest, xtol=1e-12)
    force = power_law.acceleration(positions, velocities, velocities, np.full(2, 0.25), law)
    known = -1.5 / tau**2 * np.exp(-tau / 3.0) * (2.0 / tau + 1.0 / 3.0)
    assert (force * velocities).sum() == pytest.approx(known, rel=1e-6)
    np.testing.assert_allclose(force[0], -force[1], rtol=1e-9)  # so they can't gain energy by their common motion


def test_a_crowd_in_the_power_law_s_corners_stays_finite() -> None:
    """In one place, touching, grazing, at rest, and running at each other."""
    positions = np.array([[0, 0], [0, 0], [0.5, 0], [3, 0.5], [3, 0], [3.6, 0], [9, 9], [9.5001, 9]], dtype=float)
    velocities = np.array([[0, 0], [0, 0], [-1, 0], [-1, 0], [1, 0], [-1, 0], [5, 0], [-5, 0]], dtype=float)
    for _ in range(100):
        positions, velocities = power_law.step(
            positions, velocities, velocities, np.full(8, 0.25), 0.05, power_law.PowerLawConfig()
        )
    assert np.isfinite(positions).all()
    assert np.isfinite(velocities).all()


# -- the command ------------------------------------------------------------------------------------------------


def test_the_command_tells_and_leaves_what_it_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("RING", (10,)),
        ("DENSITIES", (0.25,)),
        ("WORLDS", {"one way": (1,), "two ways": (2,)}),
        ("STEPS", (0.25,)),
        ("CIRCLES", (5,)),
        ("GAP_WORLDS", 2),
    ):
        monkeypatch.setattr(crowds, name, value)
    assert crowds.measure_crowds(tmp_path / "out", FlowConfig(settling=1.0, measured=1.0)) == 0
    told = capsys.readouterr().out
    figures = json.loads((tmp_path / "out" / "crowds.json").read_text())
    assert figures["free_speed"][1]["law"] == "orca"
    assert figures["power_law_pair"][0]["exponent"] == pytest.approx(2.0, abs=0.01)
    assert [row["margin"] for row in figures["orca_gaps"]] == [0.1, 0.0]
    assert figures["ring"][0]["headway"] == pytest.approx(1.73)
    assert [row["flow"] for row in figures["corridor"]] == ["one way", "two ways"]
    assert figures["corridor"][0]["density"] == pytest.approx(8 / 30)
    two_ways = figures["corridor"][1]["speeds"]["social_force"]
    assert f"{np.mean(two_ways):5.2f} ({min(two_ways):.2f} to {max(two_ways):.2f})" in told
    assert (tmp_path / "out" / "crowds.png").stat().st_size > 10_000
