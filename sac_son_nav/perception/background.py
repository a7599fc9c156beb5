"""What past scans say of a place: that it was seen empty, or that something stood there.

A person walks onto floor that was seen empty a moment ago, or leaves empty floor behind; a table leg never does, nor
a corner, nor a wall's edge that comes into view as the robot drives on. So a few past scans are kept, in the fixed
frame, and each place in question is looked up in all of them at once: no grid, no ray casting.

It rests on the fixed frame being fixed. From a moving base without odometry everything seems to walk; how well the
past agrees with the present tells (:meth:`Background.agreement`).

Shapes: K kept scans, N places, B beams.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.geometry import inverse, transform_points
from sac_son_nav.states import Floats, Scan

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class BackgroundConfig:
    """Which past scans are kept, and what counts as empty."""

    interval: float = 0.5  # [s] between two kept scans
    keep: int = 24  # of them: 12 s, over which odometry drifts by less than `margin`
    margin: float = 0.25  # [m] by which a beam must go past a place to show that it is empty
    margin_growth: float = 0.02  # [m/m] its growth with range: the odometry's yaw is not exact
    half_width: float = 0.12  # [m] to both sides of the place that must be empty too
    broken_share: float = 0.6  # of the laser's reach up to which a beam that says NaN is taken for seeing nothing
    probes: int = 80  # returns of a scan that are compared with the past to see whether the frame is fixed
    memory: float = 2.0  # [s] time constant of that comparison
    fixed_odometry: float = 0.45  # share that must agree for a frame that odometry gives; less means it has failed
    fixed_laser: float = 0.85  # the same for the laser's own frame, which is fixed only while the base stands

    def __post_init__(self) -> None:
        for name in ("interval", "margin", "half_width", "memory"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected a number above zero, got {getattr(self, name)}")
        if not 0.0 <= self.broken_share <= 1.0:
            raise ConfigError(f"broken_share: expected a number between 0 and 1, got {self.broken_share}")
        for name in ("fixed_odometry", "fixed_laser"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name}: expected a number between 0 and 1, got {getattr(self, name)}")
        for name in ("keep", "probes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: expected one or more, got {getattr(self, name)}")
        if self.margin_growth < 0.0:
            raise ConfigError(f"margin_growth: expected zero or more, got {self.margin_growth}")


class Background:
    """The last few scans and where they were taken."""

    def __init__(self, config: BackgroundConfig) -> None:
        self.config = config
        self.clear()

    def clear(self) -> None:
        """Forget everything: the clock or the frame has jumped."""
        self._geometry: tuple[float, ...] = ()
        self._stamps: list[float] = []
        self._poses: list[Floats] = []  # laser_from_fixed (3,)
        self._reaches: list[Floats] = []  # (B,) [m] how far each beam saw that there is nothing; NaN: unknown
        self._agreement = 1.0

    def __len__(self) -> int:
        return len(self._stamps)

    def add(self, scan: Scan, fixed_from_laser: Floats) -> None:
        """Keep this scan, taken at pose (3,) in the fixed frame, if the last kept one is old enough."""
        geometry = _geometry(scan)
        if geometry != self._geometry or scan.angle_increment == 0.0:
            self.clear()
            self._geometry = geometry
        if len(scan.ranges) == 0 or scan.angle_increment == 0.0:
            return
        if self._stamps and scan.stamp_s < self._stamps[-1] + self.config.interval:
            return
        self._stamps.append(scan.stamp_s)
        self._poses.append(np.asarray(inverse(fixed_from_laser)))
        self._reaches.append(self._reach(scan))
        for kept in (self._stamps, self._poses, self._reaches):
            del kept[: -self.config.keep]

    def look_up(self, places: Floats) -> tuple[Floats, Floats]:
        """For places (N, 2) [m] in the fixed frame: how surely each was seen empty, and how surely something stood
        there all the time; both (N,) in [0, 1].

        The first is full once two scans saw it empty. The second is the share of scans with something there among
        those that saw the place, scaled down where fewer than four did.
        """
        if len(places) == 0 or not self._stamps:
            return np.zeros(len(places)), np.zeros(len(places))
        seen_empty, seen_filled = self._views(places, np.stack(self._poses), np.stack(self._reaches))
        empty, filled = seen_empty.sum(axis=0), seen_filled.sum(axis=0)
        return np.minimum(0.5 * empty, 1.0), filled / np.maximum(empty + filled, 4.0)

    def agreement(self, scan: Scan, fixed_from_laser: Floats, elapsed: float) -> float:
        """Share in [0, 1] of this scan's returns that stand where something stood in the scan kept last but one, of
        those in its view, averaged over time. Near 1 where the frame is fixed; 1 while nothing speaks against it.
        A return counts by its range, as a far one stands for more surface. `elapsed` [s] since the last call."""
        points = scan.points()
        if len(self._stamps) < 2 or len(points) == 0:
            return self._agreement
        probes = points[:: max(1, len(points) // self.config.probes)]
        places = np.asarray(transform_points(fixed_from_laser, probes))
        empty, filled = self._views(places, self._poses[-2][None], self._reaches[-2][None])
        weights = np.hypot(probes[:, 0], probes[:, 1])
        seen, same = float(weights @ (empty | filled)[0]), float(weights @ filled[0])
        if np.count_nonzero(empty | filled) >= 8:
            share = 1.0 - float(np.exp(-max(elapsed, 0.0) / self.config.memory))
            self._agreement += share * (same / seen - self._agreement)
        return self._agreement

    def empty_now(self, places: Floats, scan: Scan, fixed_from_laser: Floats) -> Bools:
        """Which places (N, 2) [m] in the fixed frame this scan sees to be empty, (N,)."""
        if len(places) == 0 or len(scan.ranges) == 0 or self._geometry != _geometry(scan):
            return np.zeros(len(places), dtype=np.bool_)
        pose = np.asarray(inverse(np.asarray(fixed_from_laser, dtype=np.float64)))
        return self._views(places, pose[None], self._reach(scan)[None])[0][0]

    def _reach(self, scan: Scan) -> Floats:
        """How far each beam saw that there is nothing (B,) [m]; NaN where it says nothing about that.

        Short of the laser's reach, no return means that nothing is there. Real lasers also say NaN where too little
        light came back: mostly nothing, but less surely so.
        """
        nothing = np.isposinf(scan.ranges) | (scan.ranges > scan.range_max)
        reach = np.where(nothing, scan.range_max, np.where(scan.valid, scan.ranges, np.nan))
        return np.where(np.isnan(scan.ranges), self.config.broken_share * scan.range_max, reach)

    def _views(self, places: Floats, poses: Floats, reaches: Floats) -> tuple[Bools, Bools]:
        """Whether each scan saw each place empty, and whether it saw something there, both (K, N); poses (K, 3) of the
        fixed frame in the laser's, reaches (K, B)."""
        beams, first, step = int(self._geometry[0]), self._geometry[1], self._geometry[2]
        local = np.asarray(transform_points(poses[:, None], places[None]))  # (K, N, 2)
        distance = np.maximum(np.hypot(local[..., 0], local[..., 1]), 1e-6)
        # Five beams across the place, whatever the beam spacing.
        aside = np.arctan2(self.config.half_width, distance)[..., None] * np.linspace(-1.0, 1.0, 5)
        bearing = np.arctan2(local[..., 1], local[..., 0])[..., None] + aside
        turn = 2.0 * np.pi / abs(step)
        number = np.round(((bearing - first) / step) % turn).astype(np.intp)  # (K, N, 5)
        number = np.where(number >= round(turn), 0, number)
        inside = number < beams
        scans = np.arange(len(poses))[:, None, None]
        reach = np.where(inside, reaches[scans, np.minimum(number, beams - 1)], np.nan)
        margin = (self.config.margin + self.config.margin_growth * distance)[..., None]
        past = reach - distance[..., None]
        empty = (past > margin).all(axis=-1)  # NaN is neither
        filled = (np.abs(past) <= margin).any(axis=-1)
        return empty, filled & ~empty


def _geometry(scan: Scan) -> tuple[float, ...]:
    return (len(scan.ranges), scan.angle_min, scan.angle_increment)
