"""People who belong together walk together and wait for each other.

M. Moussaïd, N. Perozo, S. Garnier, D. Helbing, G. Theraulaz, "The walking behaviour of pedestrian social groups and
its impact on crowd dynamics", PLoS ONE 5(4) (2010), with its strengths: everybody is drawn to the middle of the group
when further from it than half a metre for each of the others, and who would have to turn round to see it slows down.
The repulsion within the group is that of the law of walking.

Shapes: any leading batch dimensions, N people. SI units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sac_son_nav.arrays import Array, clip, namespace, norm, put
from sac_son_nav.states import Floats

ATTRACTION = 3.0  # beta_2 [m/s^2]
WAITING = 4.0  # beta_1 [1/s per radian]
ROOM = 0.5  # [m] from the middle of the group for each of the others
SIGHT = 0.5 * np.pi  # [rad] to each side, within which the group is seen without turning


@dataclass(frozen=True)
class Company:
    """Who belongs together: row i of `shares` (..., N, N) weighs everybody for the middle of person i's group, and
    `others` (..., N) counts who is with them, 0 for who is alone."""

    shares: Array
    others: Array

    @staticmethod
    def of(
        numbers: Sequence[Sequence[int]], shape: tuple[int, ...], real: Callable[[Floats], Array]
    ) -> Company | None:
        """From each person's number of a group, below 0 for none, of each world; None where all are alone. `shape`
        (..., N) of the result, `real` its library and type."""
        groups = np.asarray(numbers, dtype=np.int64)
        mates = (groups[:, :, None] == groups[:, None, :]) & (groups >= 0)[:, :, None]
        if not mates.any():
            return None
        mates = mates | np.eye(groups.shape[1], dtype=bool)
        sizes = mates.sum(axis=-1)
        shares = mates / sizes[:, :, None]
        return Company(real(shares.reshape(*shape, shape[-1])), real((sizes - 1.0).reshape(shape)))

    def take(self, worlds: Array) -> Company:
        """That of the chosen worlds."""
        xp = namespace(self.shares)
        return Company(xp.take(self.shares, worlds, axis=0), xp.take(self.others, worlds, axis=0))

    def put(self, worlds: Array, other: Company) -> Company:
        """The same, but world number `worlds[k]` is number k of `other`."""
        return Company(put(self.shares, other.shares, worlds), put(self.others, other.others, worlds))

    def cohesion(self, positions: Array, velocities: Array, desired: Array) -> Array:
        """What keeps people together, (..., N, 2) [m/s^2], at `positions` (..., N, 2) [m] moving at `velocities` and
        wanting `desired` (..., N, 2) [m/s]."""
        xp = namespace(positions)
        offset = xp.matmul(self.shares, positions) - positions
        distance = norm(offset)
        outside = xp.astype((distance > ROOM * self.others) & (self.others > 0.0), positions.dtype)
        draw = (ATTRACTION * outside / distance)[..., None] * offset
        cosine = xp.sum(offset * desired, axis=-1) / (distance * norm(desired))
        behind = clip(xp.acos(clip(cosine, -1.0 + 1e-6, 1.0 - 1e-6)) - SIGHT, 0.0, None)
        alone = xp.astype(self.others == 0.0, positions.dtype)
        return draw - (WAITING * behind * (1.0 - alone))[..., None] * velocities
