"""How near people are, in the two forms that a policy learns to foretell: risk and the proximity compass.

E. Cancelli, T. Campari, L. Serafini, A. X. Chang, L. Ballan, "Exploiting Proximity-Aware Tasks for Embodied Social
Navigation" (ICCV 2023). Both are targets for training, never inputs. There the distance of the risk is that on foot;
here both are straight lines, so that a person behind a wall counts as near too.

Shapes: any leading batch dimensions, N people; NumPy or torch. Frame: the robot's, x forward, y left.
"""

from __future__ import annotations

import numpy as np

from sac_son_nav.arrays import Array, clip, namespace, norm

RISK_RANGE = 3.0  # [m] from which on a person is no risk; D_r
COMPASS_RANGE = 6.0  # [m] from which on a person does not show on the compass; D_c
SECTORS = 8


def risk(people: Array) -> Array:
    """max(0, 1 - d / D_r) of the nearest of the people (..., N, 2) [m], (...): 1 at the robot's centre, 0 from
    RISK_RANGE on and where there is nobody."""
    return namespace(people).max(_nearness(people, RISK_RANGE), axis=-1)


def compass(people: Array) -> Array:
    """The same within COMPASS_RANGE for each of SECTORS directions, (..., SECTORS): the first sector is centred on
    the robot's heading, the others follow counter-clockwise. People (..., N, 2) [m]; NaN is nobody."""
    xp, near = namespace(people), _nearness(people, COMPASS_RANGE)
    bearing = xp.atan2(people[..., 1], people[..., 0])
    sector = xp.round(bearing * (0.5 * SECTORS / np.pi)) % SECTORS
    sector = xp.concat([sector, xp.zeros_like(near[..., :1])], axis=-1)
    there = [xp.max(xp.where(sector == number, near, 0.0), axis=-1) for number in range(SECTORS)]
    return xp.stack(there, axis=-1)


def _nearness(people: Array, reach: float) -> Array:
    """(..., N + 1): that of each person, and a last 0 for nobody."""
    xp = namespace(people)
    near = clip(1.0 - norm(people) / reach, 0.0, None)
    near = xp.where(near == near, near, xp.zeros_like(near))  # who is not there is not near
    return xp.concat([near, xp.zeros((*near.shape[:-1], 1), dtype=near.dtype)], axis=-1)
