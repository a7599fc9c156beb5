"""How long the robot has waited, and so how urgently it asks those who stand in its way to step aside, and how much it
minds whom it disturbs.

Nobody need step aside for a robot; but where people stand for good, in an elevator or at its goal, waiting for ever
helps nobody. So who has waited for a while asks, as people do: by coming closer, slowly. Only those who stand are
asked; who walks is on their way, and will be gone. Where more and more of them come, who has waited for long joins
them, as people do: it minds less that somebody goes round it, and to touch those who walk no less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ASKS_FOR = 4.0  # [s] from when the robot begins to ask until it asks as urgently as it ever does
EXPECTED = 0.3  # [m/s] of getting on, at which it becomes neither later nor less late
SLOWEST = 0.15  # [m/s] of getting on, at which what it has waited becomes neither more nor less
JOINS_AFTER = 2.0  # of the patience, from which on it minds less whom it disturbs
JOINS_FOR = 15.0  # [s] from then until it minds as little as it ever does
ELSEWHERE = 2.0  # [m] further to go than ever, from which on it is another way


@dataclass
class Patience:
    """What is left of it: the least way that there has been to go [m], the time waited [s], and how late it is [s]."""

    least: float = np.inf
    waited: float = 0.0
    late: float = 0.0
    stamp_s: float | None = None

    def urgency(self, stamp_s: float, to_go: float, patience_s: float) -> float:
        """From 0 to 1, now that `to_go` [m] are left; it begins after `patience_s` [s] of waiting, never where that is
        zero. Getting on takes back what was waited."""
        elapsed = 0.0 if self.stamp_s is None else float(np.clip(stamp_s - self.stamp_s, 0.0, 1.0))
        if to_go > self.least + ELSEWHERE or self.stamp_s is None:
            self.least = to_go
        gained = max(0.0, self.least - to_go)
        self.least, self.stamp_s = self.least - gained, stamp_s
        self.waited = float(np.clip(self.waited + elapsed - gained / SLOWEST, 0.0, patience_s + ASKS_FOR))
        most = JOINS_AFTER * patience_s + JOINS_FOR
        self.late = float(np.clip(self.late + elapsed - gained / EXPECTED, 0.0, most))
        return float(np.clip((self.waited - patience_s) / ASKS_FOR, 0.0, 1.0)) if patience_s > 0.0 else 0.0

    def eagerness(self, patience_s: float) -> float:
        """From 0 to 1, how little whom it disturbs is minded by a robot that is as late as it was at the last
        `urgency`; never where `patience_s` [s] is zero."""
        beyond = self.late - JOINS_AFTER * patience_s
        return float(np.clip(beyond / JOINS_FOR, 0.0, 1.0)) if patience_s > 0.0 else 0.0
