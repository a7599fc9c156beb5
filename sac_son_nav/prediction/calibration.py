"""How far off a forecast may be: discs around the best path that hold people as often as they say.

A forecaster states an error of its own making, its spread. What it is worth is found out on people it did not learn
from: the *score* of a forecast is how far off it was, in units of the spread, and the disc of level p at each step has
the radius of the p-quantile of these scores, times the spread (split conformal prediction, as in Lei et al. 2018).
That holds for people like those. Among others the disc is steered: each time somebody is found outside it grows, each
time inside it shrinks a little, by amounts that balance at level p (quantile tracking: Gibbs and Candès 2021;
Angelopoulos, Candès and Tibshirani 2023; with steps that shorten, Angelopoulos, Barber and Bates 2024; here on the
logarithm of the radius).

All arrays are by step of the forecast, T in all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Floats


def scores(errors: Floats, spread: Floats) -> Floats:
    """How far off forecasts were (M, T) [m], in units of their spread (M, T) [m]; NaN where nobody knows."""
    return np.asarray(errors / spread)


def quantiles(scored: Floats, level: float) -> Floats:
    """The least (T,) that at least `level` of the scores (M, T) keep below, counting one unknown more, so that a new
    one keeps below with that probability; the largest where there are too few. NaN is left out. Raises ConfigError for
    a level outside (0, 1) and for a step without scores."""
    if not 0.0 < level < 1.0:
        raise ConfigError(f"level: expected between 0 and 1, got {level}")
    found = []
    for t, column in enumerate(scored.T):
        known = np.sort(column[np.isfinite(column)])
        if len(known) == 0:
            raise ConfigError(f"scores: expected some at every step, got none at step {t + 1}")
        found.append(known[min(int(np.ceil(level * (len(known) + 1))), len(known)) - 1])
    return np.array(found)


_MOST = 0.5  # of the logarithm at once


@dataclass
class Bubbles:
    """Discs of one `level` that are steered as people are met. `factors` (T,): radius over spread, by step. A person
    moves the logarithm of the radius by `first` over the root of how many came before, but by `settled` at least; and
    the radii of later steps, of which less is known as yet, by a share of that, `later`."""

    factors: Floats
    level: float = 0.9
    first: float = 0.2
    settled: float = 0.02
    later: float = 0.2

    def __post_init__(self) -> None:
        self.met = np.zeros(len(self.factors))  # people, by step

    def radii(self, spread: Floats) -> Floats:
        """Of the discs (..., T) [m] around forecasts of that spread (..., T) [m]."""
        return np.asarray(spread * self.factors)

    def learn(self, outside: Floats, step: int) -> None:
        """What came of forecasts for `step` (0: the first) that have come due: who was outside (M,), 0 or 1."""
        if len(outside) == 0:
            return
        rate = max(self.settled, self.first / float(np.sqrt(1.0 + self.met[step])))
        grow = rate * float(np.sum(outside - (1.0 - self.level)))
        self.factors[step] *= np.exp(np.clip(grow, -_MOST, _MOST))
        self.factors[step + 1 :] *= np.exp(np.clip(self.later * grow, -_MOST, _MOST))
        self.met[step] += len(outside)
