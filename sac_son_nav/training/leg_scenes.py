"""Scans of rooms that never were, with people whose places are known: walls in pieces with recesses and doors, chairs,
tables, bins, boxes, rows of seats, and people who stand or walk alone and together, seen by lasers of many kinds.

Recordings say what a person looks like at an office's laser; these say it at others, near and far, so that a fit to
both does not take one laser's habits for a person's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sac_son_nav.states import Floats, Scan

_STEPS = np.radians([0.25, 0.3516, 0.3516, 0.5, 0.5, 1.0])  # between beams
_VIEWS = np.array([0.5 * np.pi, 1.5 * np.pi, 2.0 * np.pi])  # [rad] of a laser
_REACHES = np.array([5.6, 8.0, 11.0, 12.0, 20.0])  # [m]


@dataclass
class _Scene:
    """Circles (x, y, radius), walls (x1, y1, x2, y2) and the people's places [m]; the laser is at the origin."""

    circles: list[tuple[float, float, float]] = field(default_factory=list)
    walls: list[tuple[float, float, float, float]] = field(default_factory=list)
    people: list[Floats] = field(default_factory=list)

    def wall(self, one: Floats, other: Floats) -> None:
        self.walls.append((float(one[0]), float(one[1]), float(other[0]), float(other[1])))

    def circle(self, place: Floats, radius: float) -> None:
        self.circles.append((float(place[0]), float(place[1]), float(radius)))

    def box(self, place: Floats, size: Floats, turn: Floats) -> None:
        corners = _corners(size) @ turn.T + place
        for k in range(4):
            self.wall(corners[k], corners[(k + 1) % 4])


def _corners(size: Floats) -> Floats:
    return 0.5 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * size


def _turn(angle: float) -> Floats:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def made_scan(random: np.random.Generator) -> tuple[Scan, Floats]:
    """One scan, and the places (P, 2) [m] of the people around, hidden or not."""
    scene = _made_scene(random)
    step, view, reach = (random.choice(choices) for choices in (_STEPS, _VIEWS, _REACHES))
    beams, first = int(view / step), -0.5 * view
    ranges = _cast(first + step * np.arange(beams), scene)
    ranges = ranges + random.normal(0.0, random.uniform(0.004, 0.02), beams)
    ranges = np.where(ranges > reach, np.inf, ranges)
    if random.random() < 0.4:  # dark cloth and glass
        lost = random.random(beams) < random.uniform(0.0, 0.08)
        ranges = np.where(lost, np.nan if random.random() < 0.5 else np.inf, ranges)
    if random.random() < 0.25:  # sun
        ranges = np.where(random.random(beams) < random.uniform(0.0, 0.03), random.uniform(0.3, reach, beams), ranges)
    return Scan(0.0, ranges, float(first), float(step), 0.05, float(reach)), np.array(scene.people).reshape(-1, 2)


def _cast(angles: Floats, scene: _Scene) -> Floats:
    towards = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    ranges = np.full(len(angles), np.inf)
    for x, y, radius in scene.circles:
        along, aside = towards @ [x, y], towards @ [-y, x]
        met = (np.abs(aside) < radius) & (along > 0.0)
        near = along - np.sqrt(np.maximum(radius**2 - aside**2, 0.0))
        ranges = np.where(met, np.minimum(ranges, near), ranges)
    for x1, y1, x2, y2 in scene.walls:
        dx, dy = x2 - x1, y2 - y1  # t * towards = a + s * (b - a), Cramer's rule
        determinant = -towards[:, 0] * dy + towards[:, 1] * dx
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (-x1 * dy + y1 * dx) / determinant
            s = (towards[:, 0] * y1 - towards[:, 1] * x1) / determinant
        met = (t > 0.0) & (s >= 0.0) & (s <= 1.0)
        ranges = np.where(met, np.minimum(ranges, t), ranges)
    return ranges


def _made_scene(random: np.random.Generator) -> _Scene:
    scene, turn = _Scene(), _turn(random.uniform(0.0, np.pi))
    half = random.uniform(1.0, 6.0, 2)
    for side, far in zip((-1.0, 1.0), half, strict=True):
        if random.random() < 0.85:
            _broken_wall(scene, side, float(far), turn, random)
    for side in (-1.0, 1.0):  # a wall across: corners
        if random.random() < 0.4:
            x = side * random.uniform(1.0, 10.0)
            scene.wall(turn @ [x, -half[0]], turn @ [x, half[1]])

    def spot() -> Floats:
        for _ in range(20):
            place = turn @ np.array([random.uniform(-9.0, 9.0), random.uniform(0.15 - half[0], half[1] - 0.15)])
            if np.hypot(*place) > 0.7:
                return np.asarray(place)
        return np.array([2.0, 0.0])

    for _ in range(random.poisson(3)):
        _furniture(scene, spot(), random)
    for _ in range(random.poisson(2)):
        place = spot()
        for k in range(1 if random.random() < 0.7 else int(random.integers(2, 4))):
            _person(scene, place + (random.normal(0.0, 0.6, 2) if k else 0.0), random)
    return scene


def _broken_wall(scene: _Scene, side: float, far: float, turn: Floats, random: np.random.Generator) -> None:
    end = random.uniform(6.0, 15.0)
    x, y = -end, side * far
    while x < end:
        length = random.uniform(0.15, 4.0) if random.random() < 0.7 else random.uniform(0.1, 0.6)
        recess = 0.0 if random.random() < 0.65 else side * random.uniform(-0.15, 0.5)
        if random.random() < 0.9:
            scene.wall(turn @ [x, y + recess], turn @ [x + length, y + recess])
            if recess:
                scene.wall(turn @ [x, y], turn @ [x, y + recess])
        x += length if random.random() < 0.75 else length + random.uniform(0.05, 1.2)


def _furniture(scene: _Scene, place: Floats, random: np.random.Generator) -> None:
    kind, turn = int(random.integers(6)), _turn(random.uniform(0.0, np.pi))
    if kind < 2:  # a chair's legs, a table's
        size, radius = random.uniform(0.35, 0.55, 2) if kind == 0 else random.uniform(0.6, 1.6, 2), 0.0
        radius = random.uniform(0.012, 0.035)
        for corner in _corners(size) @ turn.T + place:
            scene.circle(corner, radius)
    elif kind == 2:  # a bin
        scene.circle(place, random.uniform(0.1, 0.35))
    elif kind == 3:  # a pole
        scene.circle(place, random.uniform(0.015, 0.05))
    elif kind == 4:
        scene.box(place, random.uniform((0.1, 0.1), (0.9, 0.6)), turn)
    else:  # a row of posts or seats
        step = turn @ np.array([random.uniform(0.4, 1.2), 0.0])
        for k in range(int(random.integers(2, 6))):
            if random.random() < 0.5:
                scene.circle(place + k * step, random.uniform(0.02, 0.12))
            else:
                scene.box(place + k * step, random.uniform((0.1, 0.05), (0.5, 0.4)), turn)


def _person(scene: _Scene, place: Floats, random: np.random.Generator) -> None:
    if np.hypot(*place) < 0.5 or any(np.hypot(*(place - other)) < 0.4 for other in scene.people):
        return
    scene.people.append(place)
    turn, radius = _turn(random.uniform(0.0, 2.0 * np.pi)), random.uniform(0.045, 0.09)
    if random.random() < 0.85:
        stride = random.uniform(0.0, 0.35) if random.random() < 0.6 else random.uniform(0.0, 0.1)
        leg = turn @ np.array([stride, 0.5 * random.uniform(0.12, 0.28)])
        scene.circle(place + leg, radius)
        scene.circle(place - leg, radius)
    else:  # a coat, a skirt
        for aside in (-1.0, 0.0, 1.0):
            scene.circle(place + turn @ np.array([0.0, aside * random.uniform(0.05, 0.12)]), random.uniform(0.1, 0.16))
