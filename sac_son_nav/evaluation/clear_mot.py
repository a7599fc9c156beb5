"""Tracks scored as Leigh et al. scored theirs ("Person tracking and following with 2D laser scanners", ICRA 2015), so
that their table can stand beside ours.

These are the CLEAR MOT metrics of Bernardin and Stiefelhagen (2008): a match that holds from scan to scan is kept, the
rest is matched anew by least distance within 0.75 m. Every scan counts. In the recordings of "general multi-person
tracking" a camera that saw a sector of the laser's view told who is a person, so marks and tracks outside it are left
out; in those of "tracking for following" one person is marked, and false positives say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Floats

GATE = 0.75  # [m]
_NEVER = 1e6


@dataclass(frozen=True)
class Sector:
    """Directions from `least` to `most` [rad] in the laser's frame."""

    least: float
    most: float

    def __post_init__(self) -> None:
        if not -math.pi <= self.least < self.most <= math.pi:
            raise ConfigError(f"sector: expected two rising angles within a half turn, got {self.least}, {self.most}")

    @staticmethod
    def degrees(least: float, most: float) -> Sector:
        """From two angles in degrees."""
        return Sector(math.radians(least), math.radians(most))

    def holds(self, places: Floats) -> NDArray[np.bool_]:
        """Which places (N, 2) lie in it, (N,)."""
        direction = np.arctan2(places[:, 1], places[:, 0])
        inside: NDArray[np.bool_] = (direction >= self.least) & (direction <= self.most)
        return inside


@dataclass
class ClearMot:
    """Counts over all scans: of marks, valid matches, identity switches, misses and false positives; distances [m] of
    the matches."""

    marks: int = 0
    valid: int = 0
    switches: int = 0
    misses: int = 0
    false_positives: int = 0
    distances: list[float] = field(default_factory=list)
    _person_of: dict[int, str] = field(default_factory=dict)

    def add(
        self, people: list[str], marked: Floats, found: Floats, ids: Iterable[int], sector: Sector | None = None
    ) -> None:
        """One scan: marked (M, 2) of these M people, found (N, 2) [m] in the laser's frame, and N ids."""
        numbers = [int(i) for i in ids]
        if sector is not None:
            inside, there = sector.holds(marked), sector.holds(found)
            people = [person for person, kept in zip(people, inside, strict=True) if kept]
            numbers = [number for number, kept in zip(numbers, there, strict=True) if kept]
            marked, found = marked[inside], found[there]
        distance = np.linalg.norm(found[:, None] - marked[None], axis=-1)  # (N, M)
        matches = self._held(people, numbers, distance)
        free_rows = [row for row in range(len(numbers)) if row not in matches]
        free_columns = [column for column in range(len(people)) if column not in matches.values()]
        if free_rows and free_columns:
            costs = distance[np.ix_(free_rows, free_columns)]
            for row, column in zip(*linear_sum_assignment(np.where(costs < GATE, costs, _NEVER)), strict=True):
                if costs[row, column] < GATE:
                    matches[free_rows[row]] = free_columns[column]
        self.marks += len(people)
        self.misses += len(people) - len(matches)
        self.false_positives += len(numbers) - len(matches)
        self.distances += [float(distance[row, column]) for row, column in matches.items()]
        self._count({numbers[row]: people[column] for row, column in matches.items()})

    def _held(self, people: list[str], numbers: list[int], distance: Floats) -> dict[int, int]:
        """Rows and columns of the matches that still hold."""
        return {
            numbers.index(number): people.index(person)
            for number, person in self._person_of.items()
            if number in numbers and person in people and distance[numbers.index(number), people.index(person)] < GATE
        }

    def _count(self, matches: dict[int, str]) -> None:
        known = set(self._person_of.values())
        for number, person in matches.items():
            before = self._person_of.get(number)
            switched = before != person if before is not None else person in known
            self.switches += switched
            self.valid += not switched
        taken = set(matches.values())
        kept = {n: p for n, p in self._person_of.items() if n not in matches and p not in taken}
        self._person_of = {**kept, **matches}

    @property
    def recall(self) -> float:
        """Share of the marks that were found; NaN without marks."""
        return (self.valid + self.switches) / self.marks if self.marks else float("nan")

    @property
    def mota(self) -> float:
        """Multiple object tracking accuracy, at most 1; NaN without marks."""
        wrong = self.switches + self.misses + self.false_positives
        return 1.0 - wrong / self.marks if self.marks else float("nan")

    @property
    def motp(self) -> float:
        """Mean distance of a match [m]; NaN without matches."""
        return float(np.mean(self.distances)) if self.distances else float("nan")

    def __str__(self) -> str:
        return (
            f"as Leigh et al. score, all scans, within {GATE} m: {self.valid} valid, {self.switches} id switches, "
            f"{self.misses} misses, {self.false_positives} false positives; recall {self.recall:.3f}, "
            f"MOTA {self.mota:.3f}, MOTP {self.motp:.3f} m"
        )
