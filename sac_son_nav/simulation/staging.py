"""The floor of a scenario while people are cast: what is open, what is taken, and where the next can be.

Points are drawn by lot, ATTEMPTS at a time, and the first that will do is taken; so a person draws the same amount
whatever comes out. Frame map, SI units.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import UNKNOWN
from sac_son_nav.simulation.person_groups import PersonGroup
from sac_son_nav.simulation.scenario import Person, Scenario
from sac_son_nav.states import Floats

ATTEMPTS = 64  # places drawn for each start or stop; always all of them, so that one person's luck is their own
ELBOW_ROOM = 0.9  # [m] between the stops of two people
ABREAST = 0.75  # [m] between those who walk side by side
MATES = 0.6  # [m] between their stops at the least
STRAY = 1.5  # [m] from their place beside the others, up to which they look for a free one
ROBOT_ROOM = 1.0  # [m] from the robot's start in which nobody starts
SIGHT_STEP = 0.15  # [m] between the points at which it is checked that no wall is in between


class Stage:
    """The people so far, and what they take up of the floor."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.people: list[Person] = []
        robot = scenario.robot
        self.stays = [np.asarray(robot.start[:2]), np.asarray(robot.goal[:2])]  # where somebody means to stop
        self.kept_free: list[tuple[Floats, float]] = []  # the middles of conversations

    def add(self, person: Person, stops: Sequence[Floats] = ()) -> None:
        """One more person, who means to stop at `stops`."""
        self.people.append(person)
        self.stays += list(stops)

    def bodies(self, radius: float) -> tuple[Floats, Floats]:
        """Places (M, 2) and how far [m] (M,) a body of `radius` has to start from each."""
        places = [self.scenario.robot.start[:2], *(p.start for p in self.people), *(at for at, _ in self.kept_free)]
        apart = [ROBOT_ROOM, *(p.radius + radius for p in self.people), *(r + radius for _, r in self.kept_free)]
        return np.array(places), np.array(apart)

    def open_at(self, points: Floats, radius: float) -> NDArray[np.bool_]:
        """Where a body of `radius` [m] can stand, (...) of points (..., 2) [m]."""
        floor = self.scenario.floor
        on_plan = floor.contains(points)
        if self.scenario.walking.plain:
            return on_plan
        rows, columns = np.moveaxis(np.clip(floor.cell_at(points), 0, np.array(floor.cells.shape) - 1), -1, 0)
        return on_plan & (floor.cells[rows, columns] != UNKNOWN) & (floor.distance_at(points) >= radius)

    def in_view(self, points: Floats, place: Floats) -> NDArray[np.bool_]:
        """From which of the points (..., 2) [m] no wall hides the `place`, (2,) or (..., 2) [m]."""
        offset = np.broadcast_to(place, points.shape) - points
        steps = int(np.ceil(float(np.max(np.linalg.norm(offset, axis=-1), initial=0.0)) / SIGHT_STEP))
        share = np.arange(1, max(steps, 2)) / max(steps, 2)
        between = points[..., None, :] + share[:, None] * offset[..., None, :]
        # A wall in between, however thin, is within half a step of one of the points.
        return np.asarray(np.all(self.scenario.floor.distance_at(between) > 0.5 * SIGHT_STEP, axis=-1))

    def draw_start(self, group: PersonGroup, radius: float, random: np.random.Generator) -> Floats:
        """A point (2,) of the group's start that is free of walls and bodies."""
        points = drawn(group.start, random.random((ATTEMPTS, 2)))
        ok = self.open_at(points, radius)
        ok = self.scenario.open_floor.narrowed(ok, points, [stop.to for stop in group.errand])
        if len(group.start) == 4:  # where a scenario names a point, the point it is
            ok = ok & (room_left(points, *self.bodies(radius)) >= 0.0)
        if ok.any():
            return np.array(points[np.argmax(ok)])
        raise self.no_place(f"person {len(self.people)}'s start", group.start)

    def draw_stops(
        self, group: PersonGroup, start: Floats, radius: float, random: np.random.Generator
    ) -> list[Floats]:
        """A point (2,) of each stop of the group's errand that a way leads to from the start."""
        if not group.errand:
            return []
        lucks = random.random((len(group.errand), ATTEMPTS, 2))
        points = np.stack([drawn(stop.to, luck) for stop, luck in zip(group.errand, lucks, strict=True)])
        standing = self.open_at(points, radius)
        reached = standing & self.scenario.open_floor.joined(points, start)
        stops = []
        for stop, places, free, ok in zip(group.errand, points, standing, reached, strict=True):
            if not free.any():
                raise self.no_place(f"person {len(self.people)}'s stop", stop.to)
            if not ok.any():
                to = places[np.argmax(free)]
                raise ConfigError(f"scenario {self.scenario.name}: no way leads from {say(start)} to {say(to)}")
            taken = np.array(self.stays)
            spare = room_left(places, taken, np.full(len(taken), ELBOW_ROOM))
            stops.append(first_free(places, ok, np.zeros(ATTEMPTS) if len(stop.to) == 2 else spare))
        return stops

    def draw_beside(
        self,
        place: Floats,
        ahead: Floats,
        number: int,
        radius: float,
        random: np.random.Generator,
        taken: tuple[Floats, Floats],
    ) -> Floats:
        """A point (2,) for number 1, 2, ... of those who are at `place` side by side, looking `ahead` (2,); as near to
        it as is free of walls and of what is taken."""
        stray = np.linspace(0.05, STRAY, ATTEMPTS)[:, None] * (2.0 * random.random((ATTEMPTS, 2)) - 1.0)
        aside = ABREAST * ((number + 1) // 2) * (-1) ** number  # to the left and to the right in turn
        points = place + aside * np.array([ahead[1], -ahead[0]]) + stray
        ok = self.open_at(points, radius) & self.in_view(points, place)
        ok &= self.scenario.open_floor.joined(points, place)
        if not ok.any():
            raise self.no_place(f"person {len(self.people)}", tuple(float(v) for v in place), "beside the others at")
        return first_free(points, ok, room_left(points, *taken))

    def no_place(self, what: str, place: Sequence[float], where: str = "in") -> ConfigError:
        """That nothing is free there."""
        shown = [round(float(v), 2) for v in place]
        return ConfigError(f"scenario {self.scenario.name}: found no free place for {what} {where} {shown}")


def drawn(place: Sequence[float], luck: Floats) -> Floats:
    """Points (..., 2) of a place, by luck (..., 2) between 0 and 1."""
    low = np.array(place[:2])
    points: Floats = np.broadcast_to(low, luck.shape) if len(place) == 2 else low + luck * (np.array(place[2:]) - low)
    return np.array(points)


def room_left(points: Floats, taken: Floats, apart: Floats) -> Floats:
    """How much further from all of `taken` (M, 2) [m] each of the points (..., 2) is than it has to be, `apart` (M,)
    [m]: (...)."""
    return np.asarray(np.min(np.linalg.norm(points[..., None, :] - taken, axis=-1) - apart, axis=-1, initial=np.inf))


def first_free(points: Floats, ok: NDArray[np.bool_], spare: Floats) -> Floats:
    """Of the points (K, 2) that are ok (K,) the first with room to spare, (2,); if there is none, the one that has
    most."""
    free = ok & (spare >= 0.0)
    return np.array(points[np.argmax(free) if free.any() else np.argmax(np.where(ok, spare, -np.inf))])


def unit(angle: Floats) -> Floats:
    """Unit vectors (..., 2) along angles (...) [rad]."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def direction(offset: Floats) -> Floats:
    """The unit vector (2,) along an offset (2,); that of the x axis for none."""
    length = float(np.linalg.norm(offset))
    return offset / length if length > 1e-9 else np.array([1.0, 0.0])


def say(point: Floats) -> str:
    """A point (2,) [m] for a message."""
    return f"({point[0]:.2f}, {point[1]:.2f})"
