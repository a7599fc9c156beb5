"""Where people turn who would walk into a wall: nobody does, so who comes to the end of a corridor turns with it.

Shapes: N people. Frame map, SI units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.maps import OccupancyMap

Floats32 = NDArray[np.float32]

TURNS = np.deg2rad([0, 15, -15, 30, -30, 50, -50, 70, -70, 95, -95], dtype=np.float32)
ROOM = 0.25  # [m] that a walker keeps from walls, centre to face
PRICE = 0.3  # of a free way's share that a radian of turning is worth


def turned(positions: Floats32, wanted: Floats32, ahead_s: float, walls: OccupancyMap) -> Floats32:
    """The velocity (N, 2) [m/s] that people at `positions` (N, 2) [m] who want `wanted` (N, 2) [m/s] go on with:
    turned by the least that leaves the next `ahead_s` [s] of their way free, as far as one of TURNS does.

    Of the turns the one counts most whose free share of the way, less PRICE for each radian, is greatest.
    """
    cosine, sine = np.cos(TURNS)[:, None], np.sin(TURNS)[:, None]
    x, y = wanted[:, 0], wanted[:, 1]
    ways = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)  # (A, N, 2)
    shares = np.arange(1, 6, dtype=np.float32) / np.float32(5.0)
    places = positions + np.float32(ahead_s) * shares[:, None, None, None] * ways  # (5, A, N, 2)
    # Who is at a wall already may walk along it.
    here = np.minimum(np.asarray(walls.distance_at(positions)), ROOM) - 0.05
    clear = np.asarray(walls.distance_at(places)) > here
    free = np.cumprod(clear, axis=0).sum(axis=0) / len(shares)  # (A, N)
    best = np.argmax(free - PRICE * np.abs(TURNS)[:, None], axis=0)
    return ways[best, np.arange(len(positions))]
