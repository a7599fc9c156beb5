"""Known answers of the laws of walking: how a lone person gains speed, how near people pass each other by ORCA, and
with which power of the time to a collision the power law pushes.

SI units throughout; each function says the answer it should find.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sac_son_nav.crowds import orca, power_law
from sac_son_nav.simulation.laws import Law
from sac_son_nav.states import Floats

ARRIVAL = 0.6  # [s]: nearing their goal people walk at the distance left divided by this
EVADING_SPEED = 1.3  # [m/s]
FAR_M = 1e6  # [m], [s] and so on: no limit


def speeds_from_rest(law: Law, wanted: float, step: float, steps: int) -> Floats:
    """Speed (steps,) [m/s] of somebody alone after each of some steps [s] from rest. Known: wanted (1 - exp(-t / tau))
    with the law's relaxation time tau as steps get shorter, and the wanted speed at once where there is none."""
    position, velocity, desired = np.zeros((1, 2)), np.zeros((1, 2)), np.array([[wanted, 0.0]])
    speeds = []
    for _ in range(steps):
        position, velocity = law.step(position, velocity, desired, np.array([0.25]), step, law.config)
        speeds.append(float(velocity[0, 0]))
    return np.array(speeds)


def relaxation(law: Law, wanted: float, time: float) -> float:
    """The speed [m/s] known for somebody alone, a time [s] after they set out."""
    return wanted * (1.0 - float(np.exp(-time / law.relaxation_time)) if law.relaxation_time else 1.0)


def least_gaps_across_a_circle(
    config: orca.OrcaConfig,
    people: int,
    step: float,
    worlds: int,
    random: np.random.Generator,
    circle: float = 5.0,
    radius: float = 0.25,
    duration: float = 25.0,
) -> Floats:
    """The least gap (W,) [m] between any two of people who change places across a circle [m] by ORCA, in steps [s];
    less than zero if they overlap. Known: never, as long as everybody's program has a solution. They start within a
    few centimetres of the corners of a polygon: nobody stands in exact symmetry."""
    angle = 2.0 * np.pi * np.arange(people) / people
    corners = circle * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    positions = corners + random.normal(0.0, 0.02, (worlds, people, 2))
    goals, velocities, radii = -positions, np.zeros_like(positions), np.full(people, radius)
    first, second = np.triu_indices(people, 1)
    least = np.full(worlds, np.inf)
    for _ in range(round(duration / step)):
        offset = goals - positions
        distance = np.maximum(np.linalg.norm(offset, axis=-1, keepdims=True), 1e-9)
        desired = offset / distance * np.minimum(EVADING_SPEED, distance / ARRIVAL)
        positions, velocities = orca.step(positions, velocities, desired, radii, step, config)
        apart = np.linalg.norm(positions[:, first] - positions[:, second], axis=-1)
        least = np.minimum(least, apart.min(axis=-1) - 2.0 * radius)
    return least


def head_on(
    config: power_law.PowerLawConfig, speed: float = 1.0, gap: float = 10.0, step: float = 0.002
) -> tuple[Floats, Floats]:
    """Gaps [m] and closing speeds [m/s] of two who come at each other from `gap` [m] at `speed` [m/s] each and would
    keep whatever velocity they have, until they are 1 m apart or have all but stopped."""
    law = replace(config, horizon=FAR_M, sight=FAR_M, force_limit=FAR_M, longest_step=step)
    radius = 0.25
    positions = np.array([[0.0, 0.0], [gap + 2.0 * radius, 0.0]])
    velocities, radii = np.array([[speed, 0.0], [-speed, 0.0]]), np.full(2, radius)
    gaps, closing = [gap], [2.0 * speed]
    while gaps[-1] > 1.0 and closing[-1] > 0.05 * speed:
        positions, velocities = power_law.step(positions, velocities, velocities, radii, step, law)
        gaps.append(float(positions[1, 0] - positions[0, 0]) - 2.0 * radius)
        closing.append(float(velocities[0, 0] - velocities[1, 0]))
    return np.array(gaps), np.array(closing)


def energy_of_time(gaps: Floats, closing: Floats) -> tuple[float, float]:
    """Exponent p and strength k [m^2] of the energy k / tau^p by which two who came head-on slowed each other down.

    With tau = gap / closing they lose closing speed at the rate 2 p k / tau^(p + 1) / closing, so
    d ln(closing) / d gap = 2 p k closing^(p - 2) / gap^(p + 1): for p = 2 a power of the gap alone, found by a line
    through logarithms.
    Known: the law's own, p = 2 and k = 1.5 (Karamouzas, Skinner, Guy 2014).
    """
    middle = 0.5 * (gaps[1:] + gaps[:-1])
    slope = np.diff(np.log(closing)) / np.diff(gaps)
    near = middle < 0.5 * gaps[0]  # farther off what is lost in a step drowns in rounding
    power, constant = np.polyfit(np.log(middle[near]), np.log(slope[near]), 1)
    exponent = -float(power) - 1.0
    return exponent, float(np.exp(constant)) / (2.0 * exponent)
