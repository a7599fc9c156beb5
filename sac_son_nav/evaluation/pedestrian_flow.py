"""Speed against density: crowds by a law of walking in a ring and in a corridor without ends, and published curves.

The laws know an open plane, so what has no end is made of images: everybody has one more body, a length of the
corridor further on if they are in its first half, else a length further back. Each person then sees everybody within
half a length ahead and behind just where they are across the seam, moving as they move. Both are handed to the law,
and of what it answers only the people are kept. Within half a length a law has to have faded out for that to be exact.

Density is people per floor area (or per length of the ring), speed the space mean: over people, along the way each is
going, at each moment of a steady state. W worlds, N people; SI units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.simulation.laws import Law
from sac_son_nav.states import Floats

RESOLUTION = 0.05  # [m] of the corridor's map
BORDER = 1.0  # [m] of wall beside it


def weidmann_speed(density: Floats) -> Floats:
    """Mean speed [m/s] of pedestrians at a density [1/m^2]: U. Weidmann, "Transporttechnik der Fussgänger", IVT report
    90, ETH Zürich (1993). Kladek's formula with 1.34 m/s, 1.913 /m^2 and 5.4 /m^2."""
    rho = np.asarray(density, dtype=np.float64)
    return np.asarray(1.34 * (1.0 - np.exp(-1.913 * (1.0 / rho - 1.0 / 5.4))))


def single_file_speed(headway: Floats, fastest: float = 1.24) -> Floats:
    """Speed [m/s] of people in single file who are `headway` [m] apart, centre to centre: A. Seyfried, B. Steffen,
    W. Klingsch, M. Boltes, "The fundamental diagram of pedestrian movement revisited", J. Stat. Mech. P10002 (2005),
    d = 0.36 m + 1.06 s v, up to the speed of people who are free, `fastest` [m/s]."""
    speed: Floats = np.clip((np.asarray(headway, dtype=np.float64) - 0.36) / 1.06, 0.0, fastest)
    return speed


@dataclass(frozen=True)
class FlowConfig:
    """How flows are made and measured."""

    step: float = 0.05  # [s], that of the embedded world
    settling: float = 15.0  # [s] before anything is measured
    measured: float = 15.0  # [s]
    length: float = 12.0  # [m] after which the corridor comes again
    width: float = 2.5  # [m]
    radius: float = 0.25  # [m] of a body, as in the embedded world
    speed: float = 1.34  # [m/s] wanted in the corridor, mean and standard deviation: Weidmann
    spread: float = 0.26
    ring: float = 17.3  # [m] once round: Seyfried et al.
    ring_speed: float = 1.24  # [m/s] that everybody in the ring wants
    ring_radius: float = 0.2  # [m]: one behind the other people take less room

    def __post_init__(self) -> None:
        if not (self.step > 0.0 and self.measured >= self.step and self.settling >= 0.0):
            raise ConfigError(
                f"flow: expected a step and times to settle and measure, got {self.step}, {self.settling} and "
                f"{self.measured} s"
            )


def with_images(positions: Floats, length: float) -> Floats:
    """Bodies (W, 2 N, 2): positions (W, N, 2) with 0 <= x < length, and everybody's image."""
    shift = np.where(positions[..., 0] < 0.5 * length, length, -length)
    images = positions.copy()
    images[..., 0] += shift
    return np.concatenate([positions, images], axis=1)


def corridor_flow(
    law: Law, people: int, two_way: bool, config: FlowConfig, worlds: int, random: np.random.Generator
) -> Floats:
    """Space-mean speed (W,) [m/s] of `people` in a corridor, all going one way or every second one the other. Their
    wanted speeds are the quantiles of a normal distribution, so every world has the same ones."""
    length, radii = config.length, np.full(2 * people, config.radius)
    positions = np.stack([places_on_grid(people, config, random) for _ in range(worlds)])
    wanted = config.speed + config.spread * ndtri((np.arange(people) + 0.5) / people)
    speeds = np.stack([random.permutation(wanted) for _ in range(worlds)])
    ways = np.where(two_way & (np.arange(people) % 2 == 1), -1.0, 1.0)
    desired = np.stack([speeds * ways, np.zeros_like(speeds)], axis=-1)
    velocities, walls = 0.5 * desired, _corridor(config)
    return _space_mean(law, positions, velocities, desired, ways, radii, length, config, walls)


def ring_flow(law: Law, people: int, config: FlowConfig, random: np.random.Generator) -> float:
    """Space-mean speed [m/s] of people in single file in a ring, who start unevenly spaced, from rest, and all want
    the same speed. The ring is a line without ends, which nobody leaves: the laws give them no reason to."""
    spacing = config.ring / people
    stray = 0.4 * max(spacing - 2.0 * config.ring_radius, 0.0)
    along = np.arange(people) * spacing + random.uniform(-stray, stray, people)
    positions = np.stack([along % config.ring, np.zeros(people)], axis=-1)[None]
    desired = np.stack([np.full((1, people), config.ring_speed), np.zeros((1, people))], axis=-1)
    radii, still, ways = np.full(2 * people, config.ring_radius), np.zeros_like(desired), np.ones(people)
    return float(_space_mean(law, positions, still, desired, ways, radii, config.ring, config, None)[0])


def _space_mean(
    law: Law,
    positions: Floats,
    velocities: Floats,
    desired: Floats,
    ways: Floats,
    radii: Floats,
    length: float,
    config: FlowConfig,
    walls: OccupancyMap | None,
) -> Floats:
    people, means = positions.shape[1], []
    settling, steps = (round(t / config.step) for t in (config.settling, config.settling + config.measured))
    twice = np.concatenate([desired, desired], axis=1)
    for k in range(steps):
        positions[..., 0] %= length
        bodies, paces = with_images(positions, length), np.concatenate([velocities, velocities], axis=1)
        bodies, paces = law.step(bodies, paces, twice, radii, config.step, law.config, walls)
        positions, velocities = bodies[:, :people], paces[:, :people]
        if k >= settling:
            means.append((velocities[..., 0] * ways).mean(axis=-1))
    mean: Floats = np.mean(means, axis=0)
    return mean


def _corridor(config: FlowConfig) -> OccupancyMap:
    """Floor from y = 0 to the width between two walls, as far as images are."""
    rows, columns = (round((s + 2.0 * BORDER) / RESOLUTION) for s in (config.width, 2.0 * config.length))
    cells = np.full((rows, columns), OCCUPIED, dtype=np.int8)
    edge = round(BORDER / RESOLUTION)
    cells[edge:-edge] = FREE
    return OccupancyMap(cells, RESOLUTION, (-0.5 * config.length - BORDER, -BORDER))


def places_on_grid(people: int, config: FlowConfig, random: np.random.Generator) -> Floats:
    """Places (N, 2) [m] where nobody touches anybody: a grid with people at some of its points, shaken."""
    body = 2.0 * config.radius
    rows = max(
        1, int(min(config.width / body, round(config.width * (people / (config.length * config.width)) ** 0.5)))
    )
    columns = -(-people // rows)
    room = np.array([config.length / columns, config.width / rows])
    if room.min() < body:
        raise ConfigError(f"flow: expected room for {people} people of {body} m, got {config.length} m of corridor")
    point = random.permutation(rows * columns)[:people]
    grid = np.stack([point % columns, point // columns], axis=-1)
    shaken: Floats = (grid + 0.5) * room + random.uniform(-0.5, 0.5, (people, 2)) * (room - body)
    return shaken
