"""One scan, known answers: people are found where their legs are, walls and broken beams are nobody."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.scan_people import DetectorConfig, detect_people
from sac_son_nav.perception.segments import segment
from test.perception.rays import LASERS, LEG, broken, cast, legs

CONFIG = DetectorConfig()
ROUND = "720 beams all round"
CORRIDOR = [(-9.0, 1.5, 9.0, 1.5), (-9.0, -1.5, 9.0, -1.5)]


@pytest.mark.parametrize("laser", LASERS)
@pytest.mark.parametrize("distance", [0.8, 1.5, 2.5, 4.0, 5.0])
@pytest.mark.parametrize("heading", [0.5 * np.pi, 0.9, 2.2])
def test_two_legs_are_one_person_between_them(laser: str, distance: float, heading: float) -> None:
    for seed in range(5):
        scan = cast(laser, legs(distance, 0.3, heading=heading), seed=seed)
        found = detect_people(scan, CONFIG)
        assert len(found) == 1
        assert np.linalg.norm(found.positions[0] - [distance, 0.3]) < 0.12
        assert found.frame == "laser"


def test_place_is_exact_for_legs_seen_whole() -> None:
    """Legs 0.3 m apart across the line of sight: the middle is their axes' middle, to the noise of 1 cm."""
    found = detect_people(cast(ROUND, legs(2.0, 0.0, 0.3, 0.5 * np.pi)), CONFIG)
    np.testing.assert_allclose(found.positions, [[2.0, 0.0]], atol=0.03)


def test_person_behind_is_whole_across_the_seam() -> None:
    """The last and the first beam of an all-round scan are neighbours: one leg straight behind, cut by the seam."""
    scan = cast(ROUND, [(-2.0, 0.0, LEG), (-2.0, 0.3, LEG)])
    segments = segment(scan, CONFIG.jump, CONFIG.jump_growth, CONFIG.largest_gap)
    assert len(segments) == 2
    # spacing at 1.95 m is 0.017 m and the leg 0.13 m wide: 7 beams
    assert sorted(segments.counts.tolist()) in ([7, 7], [7, 8], [8, 8])
    found = detect_people(scan, CONFIG)
    np.testing.assert_allclose(found.positions, [[-2.0, 0.15]], atol=0.04)


def test_turning_the_scene_turns_the_answer() -> None:
    turned = 0.5 * np.pi
    ahead = detect_people(cast(ROUND, legs(2.0, 0.0, 0.3, turned), noise=0.0), CONFIG)
    left = detect_people(cast(ROUND, legs(0.0, 2.0, 0.3, 0.0), noise=0.0), CONFIG)
    np.testing.assert_allclose(left.positions, [[-ahead.positions[0, 1], ahead.positions[0, 0]]], atol=1e-6)


def test_two_people_are_two() -> None:
    found = detect_people(cast(ROUND, legs(2.0, 0.5, heading=1.57) + legs(2.0, -0.5, heading=1.57)), CONFIG)
    assert sorted(np.round(found.positions[:, 1], 1).tolist()) == [-0.5, 0.5]


def test_lone_leg_is_believed_less_and_placed_less_surely() -> None:
    pair = detect_people(cast(ROUND, legs(2.0, 0.0, 0.3, 1.57)), CONFIG)
    lone = detect_people(cast(ROUND, [(2.0, 0.0, LEG)]), CONFIG)
    assert len(pair) == len(lone) == 1
    assert 0.0 < lone.confidences[0] < pair.confidences[0]
    assert lone.covariances[0, 0, 0] > 4.0 * pair.covariances[0, 0, 0]


def test_covariance_is_the_settings() -> None:
    """(0.05 m + 0.008 m/m * distance)^2, about 2 m away: 0.066^2 = 0.00436."""
    found = detect_people(cast(ROUND, legs(2.0, 0.0, 0.3, 1.57), noise=0.0), CONFIG)
    np.testing.assert_allclose(found.covariances[0], 0.00436 * np.eye(2), rtol=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_walls_are_nobody(seed: int) -> None:
    """A corridor 3 m wide, seen until the walls graze: at 9 m neighbouring beams meet them 0.5 m apart."""
    assert len(detect_people(cast(ROUND, walls=CORRIDOR, seed=seed), CONFIG)) == 0


def test_wall_seen_at_a_grazing_angle_is_no_row_of_legs() -> None:
    """Up to 5 m away along the wall no beam's return stands alone, though they lie up to 0.15 m apart."""
    scan = cast(ROUND, walls=[(-5.0, 1.5, 5.0, 1.5)], noise=0.005)
    assert len(segment(scan, 0.05, 0.0, 2)) == 1


@pytest.mark.parametrize("width", [1.0, 2.0])
def test_boards_are_nobody(width: float) -> None:
    assert len(detect_people(cast(ROUND, walls=[(2.0, -0.5 * width, 2.0, 0.5 * width)]), CONFIG)) == 0


def test_what_shows_through_a_gap_is_nobody() -> None:
    """A strip of far wall, as wide as a leg, between two near walls: both its sides are hidden, not free."""
    near = [(2.0, 0.06, 2.0, 3.0), (2.0, -3.0, 2.0, -0.06)]
    assert len(detect_people(cast(ROUND, walls=[*near, (3.0, -3.0, 3.0, 3.0)]), CONFIG)) == 0


def test_person_before_a_wall_is_found() -> None:
    found = detect_people(cast(ROUND, legs(3.0, 1.0, 0.25, 0.0), CORRIDOR), CONFIG)
    assert np.linalg.norm(found.positions - [3.0, 1.0], axis=-1).min() < 0.12


def test_trunk_is_one_person() -> None:
    """A laser at the hips sees a circle of 0.25 m."""
    found = detect_people(cast(ROUND, [(2.5, 0.4, 0.2)]), CONFIG)
    assert len(found) == 1
    assert np.linalg.norm(found.positions[0] - [2.5, 0.4]) < 0.2


def test_beyond_the_range_is_nobody() -> None:
    scan = cast(ROUND, legs(4.0, 0.0, heading=1.57))
    assert len(detect_people(scan, dataclasses.replace(CONFIG, max_range=3.0))) == 0


def test_nan_beam_within_a_leg_does_no_harm() -> None:
    scan = cast("768 beams", legs(1.5, 0.0, 0.3, 1.57))
    ranges = scan.ranges.copy()
    ranges[np.flatnonzero(np.isfinite(ranges))[4]] = np.nan
    found = detect_people(broken(scan, ranges), CONFIG)
    np.testing.assert_allclose(found.positions, [[1.5, 0.0]], atol=0.05)


@pytest.mark.parametrize("beams", [0, 1, 2, 720])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e9])
def test_scans_without_returns_are_nobody(beams: int, value: float) -> None:
    scan = broken(cast(ROUND), np.full(beams, value))
    found = detect_people(scan, CONFIG)
    assert found.positions.shape == (0, 2)
    assert found.covariances.shape == (0, 2, 2)
    assert found.confidences.shape == (0,)


def test_noise_of_every_kind_never_raises_and_gives_finite_people() -> None:
    random = np.random.default_rng(0)
    values = np.array([np.nan, np.inf, -np.inf, 0.0, 0.5, 1.0, 1.02, 2.0, 50.0])
    for beams in (1, 2, 3, 5, 50, 720):
        for _ in range(30):
            found = detect_people(broken(cast(ROUND), random.choice(values, beams)), CONFIG)
            assert np.isfinite(found.positions).all()
            assert np.isfinite(found.covariances).all()
            assert ((found.confidences > 0.0) & (found.confidences <= 1.0)).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("leg_width", 0.0), ("leg_width", 0.7), ("min_confidence", 1.5), ("together", 0.9), ("jump", -1)],
)
def test_settings_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        DetectorConfig(**{name: value})
