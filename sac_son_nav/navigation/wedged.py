"""A robot that wants on and that the shield holds where it is, by a wall or by a thing that is nobody.

The plan may pass a door's post nearer than the shield lets anything come. Such a plan is a plan to stand there for
ever, and so is one that waits a little and then drives just as near. So whoever has been held for a while chooses, for
a second, among the plans alone that gain room at once and that the shield does not hold, and keeps further off for a
while when it comes again. Somebody in the way is no such thing: they are asked, see :mod:`patience`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.navigation.planner import Candidates
from sac_son_nav.states import Floats

HELD_FOR = 0.5  # [s] of being held, all of them beside the same thing together, after which it frees itself
HELD = 0.5  # share of what a plan wants, below which what the shield allows is being held
FREES_FOR = 1.0  # [s] for which it does
CAREFUL_FOR = 5.0  # [s] after it, in which it keeps as far off walls as the shield wants, and a little more
GAINS, SOON = 0.03, 0.8  # [m] of room that a plan has to gain, in how many seconds
CLOSE = 0.05  # [m] beyond what the shield keeps, in which something may be what holds it
MORE = 0.02  # [m] more than the shield keeps
STANDS = 0.02  # [m/s] below which it stands
LONGEST = 0.3  # [s] between two commands that a moment of being held may count


@dataclass
class Wedged:
    """For how long it has been held beside what it is at, when that was told last, and until when it frees itself [s].

    It may creep, back off a little and come again, between two moments of being held: so they count together, until it
    has got away."""

    held_for: float = 0.0
    last: float | None = None
    until: float = -np.inf

    def held(self, stamp_s: float, wanted: float, allowed: float, room: float) -> None:
        """What the plan wanted and the shield allowed [m/s], and the `room` [m] to what is nobody beyond that which
        the shield keeps."""
        elapsed = 0.0 if self.last is None else min(stamp_s - self.last, LONGEST)
        self.last = stamp_s
        if room > CLOSE:
            self.held_for = 0.0
        elif abs(wanted) >= STANDS and abs(allowed) < HELD * abs(wanted):
            self.held_for += elapsed
        if self.held_for >= HELD_FOR - 1e-9:
            self.held_for, self.until = 0.0, stamp_s + FREES_FOR

    def frees(self, stamp_s: float) -> bool:
        """Whether it frees itself now."""
        return stamp_s <= self.until

    def keeps(self, stamp_s: float, margin: float) -> float:
        """How much less room [m] there is to plans than there is, the shield keeping `margin` [m]."""
        return margin + MORE if self.until < stamp_s <= self.until + CAREFUL_FOR else 0.0


def free(
    options: Candidates, room: Floats, now: float, step_s: float, passing: Callable[[Floats], NDArray[np.bool_]]
) -> NDArray[np.intp]:
    """Which of K options move at once, soon have more `room` (K, T) [m] than there is `now` [m], and begin with a
    command that passes the shield, as `passing` says of some (M, 2) [m/s, rad/s]; all of them where none does."""
    soon = min(room.shape[1], max(1, round(SOON / step_s))) - 1
    away = np.flatnonzero((room[:, soon] >= now + GAINS) & (np.abs(options.velocities[:, 0, 0]) >= STANDS))
    left = away[passing(options.velocities[away, 0])]
    return left if len(left) else np.arange(len(room))
