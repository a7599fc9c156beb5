"""Intervals and tests against hand arithmetic, published examples, SciPy's own bootstrap, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sac_son_nav.evaluation.statistics import (
    EXACT_UP_TO,
    estimate,
    holm,
    resampled,
    seed_sums,
    share_bounds,
    sign_flip_p,
)


def interval(values: np.ndarray, seed: int = 0, resamples: int = 10_000) -> tuple[float, float, float]:
    """Of plain values, one for each seed."""
    draws = resampled(len(values), np.random.default_rng(seed), resamples)
    found = estimate(values, np.ones(len(values)), draws)
    return float(found.mean), float(found.low), float(found.high)


def test_sums_leave_out_what_is_missing() -> None:
    values = np.array([[[1.0, np.nan, 3.0], [4.0, np.nan, np.nan]]])  # one planner, two cells, three seeds
    totals, counts = seed_sums(values)
    assert totals.tolist() == [[5.0, 0.0, 3.0]]
    assert counts.tolist() == [[2.0, 0.0, 1.0]]


def test_each_resample_draws_as_many_seeds_as_there_are() -> None:
    draws = resampled(7, np.random.default_rng(0), 500)
    assert draws.shape == (500, 7)
    assert (draws.sum(axis=1) == 7.0).all()
    assert draws.mean() == 1.0
    assert np.array_equal(draws, resampled(7, np.random.default_rng(0), 500))


def test_the_mean_is_over_episodes_not_over_seeds() -> None:
    totals, counts = np.array([6.0, 1.0]), np.array([3.0, 1.0])
    assert estimate(totals, counts, resampled(2, np.random.default_rng(0))).mean == 7.0 / 4.0


def test_what_never_varies_has_no_width() -> None:
    assert interval(np.full(20, 0.3)) == pytest.approx((0.3, 0.3, 0.3), abs=1e-12)


def test_one_seed_has_a_mean_and_no_bounds() -> None:
    mean, low, high = interval(np.array([2.0]))
    assert mean == 2.0
    assert np.isnan([low, high]).all()


def test_nothing_known_is_nan() -> None:
    found = estimate(np.zeros(4), np.zeros(4), resampled(4, np.random.default_rng(0)))
    assert np.isnan([found.mean, found.low, found.high]).all()


def test_normal_values_give_the_usual_interval() -> None:
    values = stats.norm.ppf((np.arange(100) + 0.5) / 100)  # as even as a normal sample of 100 can be
    _, low, high = interval(values)
    half = 1.96 * values.std() / 10.0
    assert (low, high) == pytest.approx((-half, half), abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_skewed_values_agree_with_scipys_bca(seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(sigma=1.0, size=30)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    mean, low, high = interval(values)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((theirs.low, theirs.high), rel=0.03)
    assert high - mean > mean - low  # and it leans the way the sample does


def test_a_ratio_of_sums_agrees_with_scipys_bca() -> None:
    """Some seeds have two episodes, some one: a mean over episodes is a ratio of two sums."""
    random = np.random.default_rng(5)
    counts = random.integers(1, 3, size=40).astype(np.float64)
    totals = counts * random.gamma(2.0, size=40)

    def ratio(total: np.ndarray, count: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.sum(total, axis=axis) / np.sum(count, axis=axis)

    theirs = stats.bootstrap(
        (totals, counts), ratio, n_resamples=10_000, method="BCa", paired=True, vectorized=True, rng=random
    ).confidence_interval
    found = estimate(totals, counts, resampled(40, np.random.default_rng(0)))
    assert (float(found.low), float(found.high)) == pytest.approx((theirs.low, theirs.high), rel=0.03)


def test_the_truth_is_inside_about_as_often_as_promised() -> None:
    """400 samples of 25 skewed values: BCa covers a little less than it says, never far less."""
    random = np.random.default_rng(3)
    samples = random.gamma(3.0, size=(400, 25))
    found = estimate(samples, np.ones_like(samples), resampled(25, random, 2000))
    inside = np.mean((found.low <= 3.0) & (found.high >= 3.0))
    assert 0.89 <= inside <= 0.98


def test_figures_do_not_depend_on_what_they_are_computed_with() -> None:
    random = np.random.default_rng(0)
    values, draws = random.random((3, 4, 12)), resampled(12, random)
    together = estimate(values, np.ones_like(values), draws)
    alone = estimate(values[1, 2], np.ones(12), draws)
    assert together.mean.shape == (3, 4)
    assert (together.low[1, 2], together.high[1, 2]) == pytest.approx((float(alone.low), float(alone.high)), rel=1e-12)


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I: 81 of 263, 15 of 148, 0 of
    20, 1 of 29; and the mirror image of the third."""
    cases = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
    for hits, trials, low, high in cases:
        found = share_bounds(np.array(hits / trials), np.array(float(trials)))
        assert [float(v) for v in found] == pytest.approx([low, high], abs=5e-5)
        mirrored = share_bounds(np.array(1.0 - hits / trials), np.array(float(trials)))
        assert [float(v) for v in mirrored] == pytest.approx([1.0 - high, 1.0 - low], abs=5e-5)


def test_few_seeds_are_flipped_in_every_way() -> None:
    """1 + 2 + 3: of eight flips only +++ and --- sum as far from zero; 1 + 2 - 3: all do."""
    random = np.random.default_rng(0)
    p = sign_flip_p(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, -3.0], [-1.0, -1.0, -1.0], [0.0, 0.0, 0.0]]), random)
    assert p.tolist() == [2 / 8, 8 / 8, 2 / 8, 1.0]


def test_fishers_own_example() -> None:
    """Darwin's fifteen pairs of maize in eighths of an inch: Fisher ("The design of experiments", 1935, section 21)
    counts 1726 of the 32768 sums to be as far from zero as 314."""
    heights = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=np.float64)
    assert len(heights) > EXACT_UP_TO
    p = sign_flip_p(heights, np.random.default_rng(0), resamples=40_000)
    assert p == pytest.approx(1726 / 32768, abs=0.004)


def test_a_p_is_never_zero_and_is_reproducible() -> None:
    totals = np.full(30, 1.0)
    p = sign_flip_p(totals, np.random.default_rng(0), resamples=999)
    assert p == 1 / 1000
    assert p == sign_flip_p(totals, np.random.default_rng(0), resamples=999)


def test_false_alarms_are_as_rare_as_promised() -> None:
    random = np.random.default_rng(9)
    p = sign_flip_p(random.normal(size=(1000, 18)), random, resamples=2000)
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.02)


def test_holm_by_hand() -> None:
    """0.01, 0.02, 0.03, 0.04 by hand: 4 * 0.01, 3 * 0.02, then 2 * 0.03, and 1 * 0.04 may not be less than that."""
    corrected = holm(np.array([0.04, 0.01, np.nan, 0.03, 0.02]))
    assert corrected[[1, 4, 3, 0]] == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert np.isnan(corrected[2])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.zeros(0)).shape == (0,)
