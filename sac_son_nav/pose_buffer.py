"""Where a frame was at a past moment: poses by time, interpolated.

Nodes keep odometry in one, bag readers read into one: a scan's stamp lies between two odometry messages.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

import numpy as np

from sac_son_nav.geometry import unwrap_towards
from sac_son_nav.states import Floats


class PoseBuffer:
    """The last poses (3,) [m, m, rad] and velocities (2,) [m/s, rad/s] of one frame, ordered by stamp [s].

    A stamp that does not advance is refused; one that falls back by more than `reset_after` [s] means the clock
    was set back, and everything before is forgotten. Beyond the newest pose the motion is continued for at most
    `extrapolate` [s].
    """

    def __init__(self, keep: int = 400, extrapolate: float = 0.2, reset_after: float = 1.0) -> None:
        self.extrapolate, self.reset_after = extrapolate, reset_after
        self._stamps: deque[float] = deque(maxlen=keep)
        self._poses: deque[Floats] = deque(maxlen=keep)
        self._velocities: deque[Floats] = deque(maxlen=keep)

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def newest_s(self) -> float:
        """Stamp of the newest pose [s]; minus infinity when there is none."""
        return self._stamps[-1] if self._stamps else float("-inf")

    @property
    def oldest_s(self) -> float:
        """Stamp of the oldest pose that is kept [s]; infinity when there is none."""
        return self._stamps[0] if self._stamps else float("inf")

    def add(self, stamp_s: float, pose: Floats, velocity: Floats | None = None) -> bool:
        """Keep a pose; False when its stamp does not advance."""
        if stamp_s < self.newest_s - self.reset_after:
            self.clear()
        if stamp_s <= self.newest_s:
            return False
        self._stamps.append(stamp_s)
        self._poses.append(np.asarray(pose, dtype=np.float64))
        self._velocities.append(np.zeros(2) if velocity is None else np.asarray(velocity, dtype=np.float64))
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._stamps.clear()
        self._poses.clear()
        self._velocities.clear()

    def at(self, stamp_s: float) -> tuple[Floats, Floats] | None:
        """Pose (3,) and velocity (2,) at a moment; None when it lies before the oldest or too far beyond the
        newest."""
        if not self._stamps or stamp_s < self._stamps[0] or stamp_s > self._stamps[-1] + self.extrapolate:
            return None
        after = bisect_left(self._stamps, stamp_s)
        if after < len(self._stamps) and self._stamps[after] == stamp_s:
            return self._poses[after], self._velocities[after]
        # Beyond the newest the last two poses are drawn on.
        after = min(after, len(self._stamps) - 1)
        if after == 0:
            return self._poses[0], self._velocities[0]
        t0, t1 = self._stamps[after - 1], self._stamps[after]
        share = (stamp_s - t0) / (t1 - t0)
        first, second = self._poses[after - 1], unwrap_towards(self._poses[after - 1], self._poses[after])
        pose = first + share * (second - first)
        mix = min(share, 1.0)
        return pose, (1.0 - mix) * self._velocities[after - 1] + mix * self._velocities[after]
