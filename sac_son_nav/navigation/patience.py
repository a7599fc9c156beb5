"""How long the robot has waited, and so how urgently it asks those who stand in its way to step aside.

Nobody need step aside for a robot; but where people stand for good, in an elevator or at its goal, waiting for ever
helps nobody. So who has waited for a while asks, as people do: by coming closer, slowly. Only those who stand are
asked; who walks is on their way, and will be gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ASKS_FOR = 4.0  # [s] from when the robot begins to ask until it asks as urgently as it ever does
SLOWEST = 0.15  # [m/s] of getting on, at which what it has waited becomes neither more nor less
ELSEWHERE = 2.0  # [m] further to go than ever, from which on it is another way


@dataclass
class Patience:
    """What is left of it: the least way that there has been to go [m], and the time waited [s]."""

    least: float = np.inf
    waited: float = 0.0
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
        return float(np.clip((self.waited - patience_s) / ASKS_FOR, 0.0, 1.0)) if patience_s > 0.0 else 0.0
