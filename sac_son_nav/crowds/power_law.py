"""The anticipatory power law: people push each other apart by when they would collide, not by how far they are.

I. Karamouzas, B. Skinner, S. J. Guy, "Universal power law governing pedestrian interactions", Phys. Rev. Lett. 113,
238701 (2014), with its published parameters. The law was measured in recorded crowds; how fast it bends people is not
of our choosing. Nothing may ever be trained or tuned on it: it is kept as the crowd that no predictor, policy or
weight has seen, to tell what was learned about people from what was learned about a simulator.

Ours: where bodies touch there is no time to a collision left, so they push each other apart as in the social force
law; and a wall is met by the same energy, at the time in which the body would reach it.

Shapes: N people, any leading batch dimensions (worlds, candidate plans) which broadcast. SI units, one frame; energies
and forces are per unit of mass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from sac_son_nav.arrays import Array, clip, device, namespace, norm
from sac_son_nav.crowds.bodies import RobotBody, advance, between_people, of_pairs
from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import OccupancyMap

TINY = 1e-9  # what is nearer to zero is not divided by
SOONEST = 1e-3  # [s]: collisions sooner than that are no sooner


@dataclass(frozen=True)
class PowerLawConfig:
    """Parameters of the law; names as in the paper where it has one."""

    strength: float = 1.5  # k [m^2]: what sets the unit of energy
    horizon: float = 3.0  # tau_0 [s] beyond which collisions are screened
    relaxation_time: float = 0.54  # xi [s], in which a person regains the wanted velocity
    sight: float = 10.0  # [m] beyond which nobody is minded
    force_limit: float = 20.0  # [m/s^2] on what others and walls do to a person: the energy has no upper bound
    contact_stiffness: float = 40.0  # [1/s^2] per metre of overlap
    speed_tolerance: float = 1.3  # a person hurries to at most this multiple of the wanted speed
    longest_step: float = 0.01  # [s]; in steps of 0.05 s people who meet in numbers jam who would not in finer ones

    def __post_init__(self) -> None:
        for name in ("strength", "horizon", "relaxation_time", "sight", "force_limit", "longest_step"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"power law {name}: expected a number above zero, got {getattr(self, name)}")


def energy(positions: Array, velocities: Array, radii: Array, config: PowerLawConfig) -> Array:
    """Interaction energy (...) [m^2/s^2] of all pairs of people at `positions` and `velocities` (..., N, 2); `radii`
    (N,) [m]. Equation 2: E = k / tau^2 exp(-tau / tau_0) for two who would collide in tau, else 0."""
    time, coming, _ = _collision(*_between(*of_pairs(positions, velocities, radii)), config)
    xp = namespace(positions)
    return xp.sum(coming * config.strength / time**2 * xp.exp(-time / config.horizon), axis=-1)


def acceleration(
    positions: Array,
    velocities: Array,
    desired: Array,
    radii: Array,
    config: PowerLawConfig,
    walls: OccupancyMap | None = None,
    robot: RobotBody | None = None,
) -> Array:
    """Acceleration (..., N, 2) [m/s^2] of people at `positions` moving at `velocities` and wanting `desired`, all
    (..., N, 2); `radii` (N,) [m]."""
    xp = namespace(positions, velocities)
    push = 0.0 * positions
    if positions.shape[-2] > 1:

        def force(*both: Array) -> Array:
            return _interaction(*_between(*both), config)

        push = push + between_people(force, positions, velocities, radii)
    if robot is not None:
        apart = robot.position[..., None, :] - positions
        relative = robot.velocity[..., None, :] - velocities
        weight = xp.asarray(robot.weight, dtype=positions.dtype, device=device(positions))
        force = _interaction(apart, relative, radii + robot.radius, config)
        push = push + force * (weight[..., None] if weight.ndim else weight)
    if walls is not None:
        push = push + _from_walls(positions, velocities, radii, walls, config)
    push = push * clip(config.force_limit / norm(push), None, 1.0)[..., None]
    return (desired - velocities) / config.relaxation_time + push


def step(
    positions: Array,
    velocities: Array,
    desired: Array,
    radii: Array,
    dt: float,
    config: PowerLawConfig,
    walls: OccupancyMap | None = None,
    robot: RobotBody | None = None,
    extra: Array | float = 0.0,
) -> tuple[Array, Array]:
    """Positions and velocities dt [s] later (semi-implicit Euler); `extra` (..., N, 2) [m/s^2] is added to the
    acceleration. Speed is capped at `speed_tolerance` times the wanted one, though at no less than 0.3 m/s. The law
    is stiff, so dt is gone in equal parts of at most `longest_step`, in which the robot keeps its velocity."""
    parts = max(1, ceil(dt / config.longest_step - 1e-9))
    for k in range(parts):
        body = None if robot is None else replace(robot, position=robot.position + k * dt / parts * robot.velocity)
        push = acceleration(positions, velocities, desired, radii, config, walls, body) + extra
        positions, velocities = advance(positions, velocities, push, desired, dt / parts, config.speed_tolerance)
    return positions, velocities


def _between(
    place: Array, velocity: Array, radius: Array, other_place: Array, other_velocity: Array, other_radius: Array
) -> tuple[Array, Array, Array]:
    """From one to the other, how the other moves past the one, both (..., 2), and the sum of their radii (...)."""
    return other_place - place, other_velocity - velocity, radius + other_radius


def _collision(apart: Array, relative: Array, bodies: Array, config: PowerLawConfig) -> tuple[Array, Array, Array]:
    """When two bodies touch first, tau (...) [s]; 1 where they do at all, else 0; and the root of the discriminant.

    |apart + relative t| = bodies has the roots (-b -+ root) / a with a = relative^2, b = apart . relative and
    c = apart^2 - bodies^2; the first one is also c / (root - b), which holds for a small a, too.
    """
    xp = namespace(apart)
    x, y, u, v = apart[..., 0], apart[..., 1], relative[..., 0], relative[..., 1]
    square, towards, distance2 = u * u + v * v, x * u + y * v, x * x + y * y
    gap = distance2 - bodies**2
    discriminant = towards * towards - square * gap
    coming = (gap > 0.0) & (towards < 0.0) & (discriminant > 0.0) & (distance2 < config.sight**2)
    root = xp.sqrt(clip(discriminant, TINY, None))
    time = clip(gap / clip(root - towards, TINY, None), SOONEST, None)
    return time, xp.astype(coming, apart.dtype), root


def _steepness(time: Array, config: PowerLawConfig) -> Array:
    """-dE/dtau of equation 2 [m^2/s^3]."""
    xp = namespace(time)
    fall = 2.0 / time + 1.0 / config.horizon
    return config.strength / time**2 * xp.exp(-time / config.horizon) * fall


def _interaction(apart: Array, relative: Array, bodies: Array, config: PowerLawConfig) -> Array:
    """What the body `apart` (..., 2) [m] away, moving at `relative` (..., 2) [m/s], does to one, (..., 2) [m/s^2].

    Paper, equation 3: minus the gradient of E. By differentiating |apart + relative tau| = bodies, tau grows
    with the one's position along the line between the two where they touch, divided by the root above.
    """
    xp = namespace(apart)
    time, coming, root = _collision(apart, relative, bodies, config)
    touching = apart + relative * time[..., None]
    distance = norm(apart)
    overlap = config.contact_stiffness * clip(bodies - distance, 0.0, None) / distance
    # Two who would only just graze have no gradient: more than the limit comes to the limit.
    pull = xp.minimum(coming * _steepness(time, config) / root, config.force_limit / bodies)
    return -pull[..., None] * touching - overlap[..., None] * apart


def _from_walls(
    positions: Array, velocities: Array, radii: Array, walls: OccupancyMap, config: PowerLawConfig
) -> Array:
    """What the nearest wall does to each person, (..., N, 2) [m/s^2]: a wall is reached in gap / approach."""
    xp = namespace(positions)
    distance, away = walls.distance_and_direction_at(positions)
    gap = distance - radii
    approach = -(velocities[..., 0] * away[..., 0] + velocities[..., 1] * away[..., 1])
    coming = xp.astype((approach > 0.0) & (gap > 0.0), positions.dtype)
    speed = clip(approach, SOONEST, None)
    time = clip(gap / speed, SOONEST, None)
    push = clip(coming * _steepness(time, config) / speed, None, config.force_limit)
    return (push + config.contact_stiffness * clip(-gap, 0.0, None))[..., None] * away
