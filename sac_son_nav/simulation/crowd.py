"""People as a world needs them, whoever makes them walk: laws of walking, or what somebody once recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sac_son_nav.arrays import Array
from sac_son_nav.crowds.bodies import RobotBody


class Crowd(Protocol):
    """People as a world needs them; shapes as in :class:`.people.People`."""

    positions: Array
    velocities: Array
    radii: Array
    robot_weights: Array

    def __len__(self) -> int:
        """How many people there are in each world."""
        ...  # pragma: no cover

    def step(self, dt: float, robot: RobotBody | None = None) -> None:
        """Everybody goes on for dt [s]."""
        ...  # pragma: no cover

    def make_way(self, position: Array, radius: float, present: Array | bool = True) -> Array:
        """Who overlaps the robot, (..., N), and, where people can be moved, out of its way with them."""
        ...  # pragma: no cover

    def legs(self) -> Array:
        """Where the shins are, (..., N, 2, 2) [m]."""
        ...  # pragma: no cover

    def take(self, worlds: Sequence[int]) -> Crowd:
        """Copies of the chosen worlds."""
        ...  # pragma: no cover


class Recorded(Protocol):
    """People who walk as they once did, of any number of worlds."""

    def crowd(self, batch: tuple[int, ...], like: Array) -> Crowd:
        """Everybody at time 0, in worlds of these batch dimensions, as arrays like `like`."""
        ...  # pragma: no cover
