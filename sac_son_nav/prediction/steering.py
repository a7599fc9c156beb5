"""Where people turn who would walk into a wall: nobody does, so who comes to the end of a corridor turns with it.

Shapes: N people. Frame map, SI units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.arrays import pair
from sac_son_nav.maps import OccupancyMap

Floats32 = NDArray[np.float32]

TURNS = np.deg2rad([0, 15, -15, 30, -30, 50, -50, 70, -70, 95, -95], dtype=np.float32)
ROOM = 0.25  # [m] that a walker keeps from walls, centre to face
PRICE = 0.3  # of a free way's share that a radian of turning is worth
_COSINES, _SINES = np.cos(TURNS)[:, None], np.sin(TURNS)[:, None]
_PRICES = PRICE * np.abs(TURNS)[:, None]
_SHARES = (np.arange(6, dtype=np.float32) / np.float32(5.0))[:, None, None, None]  # of the way ahead, from here on


def turned(positions: Floats32, wanted: Floats32, ahead_s: Floats32 | float, walls: OccupancyMap) -> Floats32:
    """The velocity (N, 2) [m/s] that people at `positions` (N, 2) [m] who want `wanted` (N, 2) [m/s] go on with:
    turned by the least that leaves the next `ahead_s` [s], one for all or (N, 1), of their way free, as far as one of
    TURNS does.

    Of the turns the one counts most whose free share of the way, less PRICE for each radian, is greatest.
    """
    x, y = wanted[:, 0], wanted[:, 1]
    ways = pair(_COSINES * x - _SINES * y, _SINES * x + _COSINES * y)  # (A, N, 2)
    places = positions + np.asarray(ahead_s, dtype=np.float32) * _SHARES * ways  # (1 + 5, A, N, 2)
    room = np.asarray(walls.distance_at(places))
    # Who is at a wall already may walk along it.
    clear = room[1:] > np.minimum(room[0], ROOM) - 0.05
    free = np.logical_and.accumulate(clear, axis=0).sum(axis=0) / (len(_SHARES) - 1)  # (A, N)
    best = np.argmax(free - _PRICES, axis=0)
    return ways[best, np.arange(len(positions))]
