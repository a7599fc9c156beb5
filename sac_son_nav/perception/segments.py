"""A scan cut into segments at range jumps, and what each segment looks like. Vectorised: no loop over beams.

A segment is a run of neighbouring returns that may belong to one surface. A jump between two returns that both lie
on the straight line drawn through the other's side is none: that is how a wall seen at a grazing angle looks, where
a fixed threshold would cut it into splinters the size of a leg (compare the adaptive break point of Borges and
Aldon, "Line extraction in 2D range images", 2004, which bounds the same angle).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.states import Floats, Scan

Bools = NDArray[np.bool_]
Integers = NDArray[np.intp]


@dataclass(frozen=True)
class Segments:
    """S segments in beam order; lengths in metres, positions in the laser's frame.

    counts (S,) returns; centres (S, 2) their mean; ranges (S,) mean range; spacings (S,) between neighbouring beams
    at that range; chords (S,) from first to last return; depths (S,) largest minus smallest range; thicknesses (S,)
    root mean square distance from the best line; bulges (S,) mean distance of the returns from the chord, positive
    towards the laser (a leg is convex); free_edges (S, 2) for the first and last return 1 where what lies beside it
    is farther away, 0 where it is nearer and so hides a part, 0.5 where that is unknown.
    """

    counts: Integers
    centres: Floats
    ranges: Floats
    spacings: Floats
    chords: Floats
    depths: Floats
    thicknesses: Floats
    bulges: Floats
    free_edges: Floats

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True)
class _Returns:
    """The M valid beams, rolled so that the first starts a segment where the scan goes all round; the gap after
    each return leads to the next one, the last one's to the first."""

    points: Floats
    ranges: Floats
    skipped: Integers  # beams between this return and the next
    open_: Bools  # whether one of them saw that there is nothing
    closes: bool  # whether the gap after the last return is a gap like any other
    increment: float


def segment(scan: Scan, jump: float, jump_growth: float, largest_gap: int) -> Segments:
    """Cut the scan where neighbouring returns are more than `jump` + `jump_growth` * range [m] apart, where more than
    `largest_gap` broken beams lie between them, or where a beam between them saw nothing.

    A scan without returns has no segments. All-round scans are cut as the circle they are.
    """
    returns = _returns(scan)
    count = len(returns.ranges)
    if count == 0:
        none = np.zeros(0)
        return Segments(np.zeros(0, np.intp), np.zeros((0, 2)), none, none, none, none, none, none, np.zeros((0, 2)))
    breaks = _breaks(returns, jump, jump_growth, largest_gap)
    if returns.closes and breaks.any():
        returns, breaks = _rolled(returns, int(np.flatnonzero(breaks)[-1]) + 1, breaks)
    else:
        breaks[-1] = True
    ends = np.flatnonzero(breaks)
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.intp)
    return _described(returns, starts, ends, _free_edges(returns, starts, ends))


def _returns(scan: Scan) -> _Returns:
    valid = np.flatnonzero(scan.valid)
    ranges, angles = scan.ranges[valid], scan.angles[valid]
    points = np.stack([ranges * np.cos(angles), ranges * np.sin(angles)], axis=-1)
    beams = len(scan.ranges)
    step = abs(scan.angle_increment)
    # A scan whose two ends are one beam apart, or overlap by one, is a circle.
    closes = bool(beams * step > 2.0 * np.pi - 1.5 * step) and len(valid) > 1
    nothing = np.cumsum(np.isposinf(scan.ranges) | (np.isfinite(scan.ranges) & (scan.ranges > scan.range_max)))
    if len(valid) == 0:
        return _Returns(points, ranges, np.zeros(0, np.intp), np.zeros(0, np.bool_), False, step)
    after = np.concatenate([valid[1:], [valid[0] + beams]])
    seen_by = np.concatenate([nothing[valid[1:]], [nothing[valid[0]] + nothing[-1]]])
    return _Returns(points, ranges, after - valid - 1, seen_by > nothing[valid], closes, step)


def _breaks(returns: _Returns, jump: float, jump_growth: float, largest_gap: int) -> Bools:
    """Whether a segment ends with each return, (M,)."""
    here, ahead = returns.ranges, np.roll(returns.ranges, -1)
    apart = np.linalg.norm(np.roll(returns.points, -1, axis=0) - returns.points, axis=-1)
    threshold = jump + jump_growth * np.minimum(here, ahead)
    # Between two legs there is often one beam only: nothing seen in it is enough, if the gap is no pinhole.
    through = returns.open_ & (apart > 0.5 * jump)
    apart_for_sure = through | (returns.skipped > largest_gap)
    apart_for_sure[-1] |= not returns.closes
    return ((apart > threshold) & ~_on_one_line(returns, apart_for_sure)) | apart_for_sure


def _on_one_line(returns: _Returns, ends: Bools) -> Bools:
    """Whether each return and the next are on one straight line with their outer neighbours, (M,).

    A line is linear in 1/range for small angles, so two returns foretell the third. Both sides must foretell, save
    where a single return is left at the line's end (`ends` (M,): whether nothing follows for sure).
    """
    near = 1.0 / returns.ranges
    gaps = (returns.skipped + 1).astype(np.float64)
    slope = (np.roll(near, -1) - near) / gaps  # per beam, from each return to the next
    change = np.roll(near, -1) - near
    foretold_ahead = np.roll(slope, 1) * gaps
    foretold_back = np.roll(slope, -1) * gaps
    # An error of 1/r is one of r by r^2. 6 cm is what 1 cm of noise makes of an extrapolation over one beam, and at
    # a grazing angle the beams' own direction adds a share of the jump.
    r_ahead, r_here = np.roll(returns.ranges, -1), returns.ranges
    allowed = 0.06 + 0.2 * np.abs(r_ahead - r_here)
    fits_ahead = np.abs(foretold_ahead - change) * r_ahead * r_ahead < allowed
    fits_back = np.abs(foretold_back - change) * r_here * r_here < allowed
    lone: Bools = returns.skipped > 2
    ends_ahead, ends_back = np.roll(ends, -1) & ~np.roll(ends, 1), np.roll(ends, 1) & ~np.roll(ends, -1)
    ahead, back = fits_ahead & ~np.roll(lone, 1), fits_back & ~np.roll(lone, -1)
    return ((ahead & back) | (ahead & ends_ahead) | (back & ends_back)) & ~lone


def _rolled(returns: _Returns, first: int, breaks: Bools) -> tuple[_Returns, Bools]:
    """The circle of returns, begun at return `first` (which starts a segment)."""
    turn = -first
    rolled = _Returns(
        np.roll(returns.points, turn, axis=0),
        np.roll(returns.ranges, turn),
        np.roll(returns.skipped, turn),
        np.roll(returns.open_, turn),
        True,
        returns.increment,
    )
    return rolled, np.roll(breaks, turn)


def _free_edges(returns: _Returns, starts: Integers, ends: Integers) -> Floats:
    """(S, 2): see :class:`Segments`."""
    count = len(returns.ranges)

    def beside(edge: Integers, other: Integers, gap: Integers) -> Floats:
        farther = returns.ranges[other % count] > returns.ranges[edge]
        free = np.where(returns.open_[gap] | farther, 1.0, 0.0)
        return np.where(~returns.open_[gap] & (returns.skipped[gap] > 5), 0.5, free)

    before = beside(starts, starts - 1, (starts - 1) % count)
    after = beside(ends, ends + 1, ends)
    if not returns.closes:
        before[0] = after[-1] = 0.5
    return np.stack([before, after], axis=-1)


def _described(returns: _Returns, starts: Integers, ends: Integers, free_edges: Floats) -> Segments:
    counts = (ends - starts + 1).astype(np.intp)
    number = np.repeat(np.arange(len(starts)), counts)
    points, ranges = returns.points, returns.ranges
    centres = np.add.reduceat(points, starts, axis=0) / counts[:, None]
    mean_ranges = np.add.reduceat(ranges, starts) / counts
    chord = points[ends] - points[starts]
    lengths = np.linalg.norm(chord, axis=-1)
    offset = points - centres[number]
    xx, yy, xy = (
        np.add.reduceat(
            np.stack([offset[:, 0] ** 2, offset[:, 1] ** 2, offset[:, 0] * offset[:, 1]], axis=-1), starts, axis=0
        ).T
        / counts
    )
    smaller = 0.5 * (xx + yy) - np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
    # Beams run counter-clockwise, so the laser lies to the right of the chord... seen from its first return: left
    # is away from the laser.
    away = np.stack([chord[:, 1], -chord[:, 0]], axis=-1) / np.maximum(lengths, 1e-9)[:, None]
    turned = np.sum(away * centres, axis=-1) < 0.0
    away = np.where(turned[:, None], -away, away)
    deviation = -np.sum((points - points[starts][number]) * away[number], axis=-1)
    return Segments(
        counts,
        centres,
        mean_ranges,
        mean_ranges * returns.increment,
        lengths,
        np.maximum.reduceat(ranges, starts) - np.minimum.reduceat(ranges, starts),
        np.sqrt(np.maximum(smaller, 0.0)),
        np.add.reduceat(deviation, starts) / counts,
        free_edges,
    )
