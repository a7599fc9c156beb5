"""How sure a benchmark's figures are: bootstrap intervals, and paired tests of one planner against another.

The unit of chance is the seed. All episodes of one seed, over scenarios, laws of walking and planners, share their
luck, so a seed is drawn, or flipped, with all it brings (Cameron, Gelbach, Miller, "Bootstrap-based improvements for
inference with clustered errors", 2008). Scenarios and laws are what was chosen, not a sample of anything.

Shapes: K seeds, R resamples, and any leading dimensions (...) of planners, cells or metrics. A figure is a mean over
episodes, total(K) / count(K) with values that are missing (NaN) left out; every figure of a benchmark is computed
from the same resamples, in one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from sac_son_nav.states import Floats

RESAMPLES = 10_000
EXACT_UP_TO = 13  # seeds: 2^13 sign flips are as many as would be drawn otherwise
CONFIDENCE = 0.95
LEVEL = 0.05  # of a test, after Holm's correction


@dataclass(frozen=True)
class Estimate:
    """Means and their intervals, all (...); NaN where there is nothing to average, bounds NaN with fewer than two
    seeds that say something."""

    mean: Floats
    low: Floats
    high: Floats


def seed_sums(values: Floats) -> tuple[Floats, Floats]:
    """Totals and counts (..., K) of values (..., C, K) over the C cells; NaN counts for nothing."""
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=-2), known.sum(axis=-2).astype(np.float64)


def resampled(seeds: int, random: np.random.Generator, resamples: int = RESAMPLES) -> Floats:
    """How often each of K seeds is drawn in each of R resamples, (R, K)."""
    drawn: Floats = random.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=resamples).astype(np.float64)
    return drawn


def estimate(totals: Floats, counts: Floats, draws: Floats, confidence: float = CONFIDENCE) -> Estimate:
    """The means of totals (..., K) over counts (..., K), with BCa intervals (Efron, "Better bootstrap confidence
    intervals", 1987) from `draws` (R, K). The bounds of what never varies are the mean itself."""
    shape, seeds = totals.shape[:-1], totals.shape[-1]
    total, count = totals.reshape(-1, seeds), counts.reshape(-1, seeds)
    all_total, all_count = total.sum(axis=-1, keepdims=True), count.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = all_total / all_count  # (M, 1)
        replicates = (total @ draws.T) / (count @ draws.T)  # (M, R)
        without_one = (all_total - total) / (all_count - count)  # (M, K)
    low, high = (np.full(len(mean), np.nan) for _ in range(2))
    tails = np.array([0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence])
    for m in np.flatnonzero((count > 0.0).sum(axis=-1) >= 2):
        known = replicates[m][np.isfinite(replicates[m])]
        low[m], high[m] = _bca(float(mean[m, 0]), known, without_one[m], tails)
    return Estimate(*(v.reshape(shape) for v in (mean[:, 0], low, high)))


def _bca(mean: float, replicates: Floats, without_one: Floats, tails: Floats) -> Floats:
    """Bounds (2,) at the tails; those of the percentile method where the skewness can't be told."""
    tiny = 1e-12 * max(1.0, abs(mean))
    below = float(np.mean(replicates < mean - tiny)) + 0.5 * float(np.mean(np.abs(replicates - mean) <= tiny))
    bias = float(ndtri(np.clip(below, 1e-6, 1.0 - 1e-6)))
    slopes = without_one[np.isfinite(without_one)]
    slopes = slopes.mean() - slopes
    size = float(np.sum(slopes**2)) ** 1.5
    skew = float(np.sum(slopes**3)) / (6.0 * size) if size > 0.0 else 0.0
    shifted = bias + ndtri(tails)
    return np.quantile(replicates, ndtr(bias + shifted / (1.0 - skew * shifted)))


def share_bounds(mean: Floats, trials: Floats, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Wilson's interval of a share that came out `mean` (...) in that many `trials` (...).

    For yes-or-no outcomes that were the same in every episode: no resample of those can tell how sure that is.
    """
    z = float(ndtri(0.5 + 0.5 * confidence))
    middle = (mean + z**2 / (2.0 * trials)) / (1.0 + z**2 / trials)
    half = z * np.sqrt(mean * (1.0 - mean) / trials + z**2 / (4.0 * trials**2)) / (1.0 + z**2 / trials)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def sign_flip_p(totals: Floats, random: np.random.Generator, resamples: int = RESAMPLES) -> Floats:
    """Two-sided p (...) of paired differences summed by seed, totals (..., K): how often their overall sum would be
    as far from zero if for each seed it were chance which of the two planners is which (Fisher's randomisation test).

    Up to EXACT_UP_TO seeds all flips are counted, beyond that `resamples` of them, and the data themselves as one
    more (Phipson, Smyth, "Permutation p-values should never be zero", 2010).
    """
    seeds = totals.shape[-1]
    if seeds <= EXACT_UP_TO:
        signs = 1.0 - 2.0 * ((np.arange(2**seeds)[:, None] >> np.arange(seeds)) & 1)
        extra = 0
    else:
        signs = 1.0 - 2.0 * random.integers(0, 2, size=(resamples, seeds)).astype(np.float64)
        extra = 1
    flipped = np.abs(totals @ signs.T)  # (..., R)
    observed = np.abs(totals.sum(axis=-1))[..., None]
    as_far = (flipped >= observed - 1e-12 * np.abs(totals).sum(axis=-1)[..., None]).sum(axis=-1)
    p: Floats = (as_far + extra) / (len(signs) + extra)
    return p


def holm(p: Floats) -> Floats:
    """p values (M,) corrected for being M at once: the chance of even one false alarm among them stays below the
    level (Holm, "A simple sequentially rejective multiple test procedure", 1979). NaN is no test."""
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    corrected = np.full(len(p), np.nan)
    steps = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected
