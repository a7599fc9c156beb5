"""Where to write labels beside points so that they cover neither each other nor what is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sac_son_nav.states import Floats

_TURNS = np.deg2rad([0.0, 180.0, 40.0, -40.0, 140.0, -140.0, 90.0, -90.0])  # where to look round a point, best first
_REACHES = (1.0, 1.8, 3.0, 4.5)  # gaps from the point
_SWEEPS = 8


def place_labels(
    points: Floats,
    widths: Sequence[float],
    height: float,
    gap: float,
    box: tuple[float, float, float, float],
    busy: Floats | None = None,
) -> Floats:
    """Left middles (L, 2) of labels of the given widths and height for points (L, 2), each `gap` or a few from its
    point and inside the `box` (x0, y0, x1, y1), all in one unit. `busy` (B, 2) are places that had better stay free.

    Labels are moved one by one to where they are least in the way, a few times over; the first choice is right of
    the point. No chance is involved.
    """
    choices = [_choices(point, width, height, gap) for point, width in zip(points, widths, strict=True)]
    busy = np.zeros((0, 2)) if busy is None else busy
    fixed = [_fixed_costs(options, points, busy, gap, box) for options in choices]
    taken = [int(np.argmin(costs)) for costs in fixed]
    for _ in range(_SWEEPS):
        before = list(taken)
        for k, options in enumerate(choices):
            others = np.array([choices[j][taken[j]] for j in range(len(choices)) if j != k]).reshape(-1, 4)
            taken[k] = int(np.argmin(fixed[k] + 4.0 * _overlaps(options, others).sum(axis=-1)))
        if taken == before:
            break
    return np.array([[o[t, 0], 0.5 * (o[t, 1] + o[t, 3])] for o, t in zip(choices, taken, strict=True)]).reshape(-1, 2)


def _choices(point: Floats, width: float, height: float, gap: float) -> Floats:
    """Rectangles (O, 4) as x0, y0, x1, y1 round the point, the nearer ones first."""
    found = []
    for reach in _REACHES:
        for turn in _TURNS:
            across, up = np.round(gap * reach * np.array([np.cos(turn), np.sin(turn)]), 9)
            left = point[0] + across - width * (0.5 - 0.5 * np.sign(across))
            middle = point[1] + up + 0.3 * height * np.sign(up)
            found.append([left, middle - 0.5 * height, left + width, middle + 0.5 * height])
    return np.array(found)


def _fixed_costs(options: Floats, points: Floats, busy: Floats, gap: float, box: tuple[float, ...]) -> Floats:
    """What does not depend on other labels, (O,): cover points, cover busy places, leave the box, be far off."""
    discs = np.concatenate([points - 0.8 * gap, points + 0.8 * gap], axis=-1)
    strokes = np.concatenate([busy - 0.15 * gap, busy + 0.15 * gap], axis=-1)
    low, high = np.array(box[:2]), np.array(box[2:])
    outside = np.maximum(low - options[:, :2], 0.0).sum(axis=-1) + np.maximum(options[:, 2:] - high, 0.0).sum(axis=-1)
    covered = 4.0 * _overlaps(options, discs).sum(axis=-1) + 2.0 * _overlaps(options, strokes).sum(axis=-1)
    return covered + 100.0 * gap * outside + 0.12 * gap**2 * np.arange(len(options))


def _overlaps(a: Floats, b: Floats) -> Floats:
    """Areas (A, B) of what rectangles (A, 4) and (B, 4) share."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.asarray(np.prod(np.maximum(high - low, 0.0), axis=-1))
