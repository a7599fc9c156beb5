"""Scans with a known answer: circles for legs, straight walls, cast beam by beam."""

from __future__ import annotations

import numpy as np

from sac_son_nav.states import Floats, Scan

LASERS = {
    # name: beams, first angle, increment [rad], reach [m]
    "245 beams ahead": (245, -0.6013, 0.0061359, 5.6),
    "768 beams": (768, -2.3562, 0.0061359, 11.0),
    "720 beams all round": (720, -np.pi, 2.0 * np.pi / 720, 12.0),
}
LEG = 0.065  # [m] radius


def cast(
    laser: str,
    circles: list[tuple[float, float, float]] = (),  # type: ignore[assignment]
    walls: list[tuple[float, float, float, float]] = (),  # type: ignore[assignment]
    noise: float = 0.01,
    seed: int = 0,
    stamp_s: float = 0.0,
) -> Scan:
    """A scan from the origin among circles (x, y, radius) and walls (x1, y1, x2, y2) [m]."""
    beams, first, step, reach = LASERS[laser]
    angles = first + step * np.arange(beams)
    towards = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    ranges = np.full(beams, np.inf)
    for x, y, radius in circles:
        along, aside = towards @ [x, y], towards @ [-y, x]
        met = (np.abs(aside) < radius) & (along > 0.0)
        ranges = np.where(met, np.minimum(ranges, along - np.sqrt(np.maximum(radius**2 - aside**2, 0.0))), ranges)
    for x1, y1, x2, y2 in walls:
        # t * towards = a + s * (b - a), Cramer's rule
        dx, dy = x2 - x1, y2 - y1
        determinant = -towards[:, 0] * dy + towards[:, 1] * dx
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (-x1 * dy + y1 * dx) / determinant
            s = (towards[:, 0] * y1 - towards[:, 1] * x1) / determinant
        met = (t > 0.0) & (s >= 0.0) & (s <= 1.0)
        ranges = np.where(met, np.minimum(ranges, t), ranges)
    ranges = ranges + np.random.default_rng(seed).normal(0.0, noise, beams)
    ranges = np.where(ranges > reach, np.inf, ranges)
    return Scan(stamp_s, ranges, float(first), float(step), 0.05, reach, "laser")


def legs(x: float, y: float, apart: float = 0.22, heading: float = 0.0) -> list[tuple[float, float, float]]:
    """Two legs of a person at (x, y), `apart` [m] along the direction `heading` [rad]."""
    step = 0.5 * apart * np.array([np.cos(heading), np.sin(heading)])
    return [(x + step[0], y + step[1], LEG), (x - step[0], y - step[1], LEG)]


def broken(scan: Scan, ranges: Floats) -> Scan:
    """The same scan with other ranges."""
    return Scan(scan.stamp_s, ranges, scan.angle_min, scan.angle_increment, scan.range_min, scan.range_max, scan.frame)
