"""Social force: how a person's step answers goal, neighbours, robot and walls.

The interaction law is that of Moussaïd, Helbing, Garnier, Johansson, Combe, Theraulaz, "Experimental study of the
behavioural mechanisms underlying self-organization in human crowds", Proc. R. Soc. B 276 (2009), with its fitted
parameters. Two additions, both ours: bodies have radii, so a small robot repels from a shorter distance than a
person; and bodies that touch push each other apart.

Shapes: N people, any leading batch dimensions (worlds, candidate plans) which broadcast. SI units, one frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sac_son_nav.arrays import Array, clip, namespace, norm, norm_of, pair
from sac_son_nav.crowds.bodies import RobotBody, advance, between_people
from sac_son_nav.maps import OccupancyMap

__all__ = ["RobotBody", "SocialForceConfig", "acceleration", "step"]

REFERENCE_RADIUS = 0.3  # [m] of the bodies in the experiments behind the fitted law
STRAIGHT = 1e-3  # [rad] within which the side to turn to is not yet clear: rounding must not choose it


@dataclass(frozen=True)
class SocialForceConfig:
    """Parameters of the law; names as in the paper where it has one."""

    relaxation_time: float = 0.54  # tau [s], in which a person regains the wanted velocity
    strength: float = 4.5  # A [m/s^2]
    reach: float = 0.35  # gamma [m]: range of the interaction per length of D
    relative_velocity_weight: float = 2.0  # lambda [s/m]
    slowing_width: float = 3.0  # n' [1/rad]: how far ahead a neighbour must be to slow a person
    turning_width: float = 2.0  # n [1/rad]: the same for turning aside
    wall_strength: float = 3.0  # a [m/s^2] at the body's surface
    wall_reach: float = 0.1  # b [m]
    contact_stiffness: float = 40.0  # [1/s^2] per metre of overlap
    speed_tolerance: float = 1.3  # a person hurries to at most this multiple of the wanted speed


def acceleration(
    positions: Array,
    velocities: Array,
    desired: Array,
    radii: Array,
    config: SocialForceConfig,
    walls: OccupancyMap | None = None,
    robot: RobotBody | None = None,
    neighbours: bool = True,
) -> Array:
    """Acceleration (..., N, 2) [m/s^2] of people at `positions` moving at `velocities` and wanting `desired`, all
    (..., N, 2); `radii` (N,) [m]. Without `neighbours`, what they do to each other is left out."""
    xp = namespace(positions, velocities)
    total = (desired - velocities) / config.relaxation_time
    if neighbours and positions.shape[-2] > 1:
        total = total + between(positions, velocities, radii, config)
    if robot is not None:
        push = interaction(
            positions,
            velocities,
            radii,
            robot.position[..., None, :],
            robot.velocity[..., None, :],
            robot.radius,
            config,
        )
        weight = xp.asarray(robot.weight, dtype=positions.dtype)
        total = total + push * (weight[..., None] if weight.ndim else weight)
    return total if walls is None else total + of_walls(positions, radii, config, walls)


def of_walls(positions: Array, radii: Array | float, config: SocialForceConfig, walls: OccupancyMap) -> Array:
    """What walls do to people at `positions` (..., 2) of `radii` (...) [m], (..., 2) [m/s^2]."""
    gap, away = walls.distance_and_direction_at(positions)
    gap = gap - radii
    push_back = config.wall_strength * namespace(gap).exp(-clip(gap, 0.0, None) / config.wall_reach)
    push_back = push_back + config.contact_stiffness * clip(-gap, 0.0, None)
    return push_back[..., None] * away


def between(positions: Array, velocities: Array, radii: Array, config: SocialForceConfig) -> Array:
    """What people at `positions` moving at `velocities` (..., N, 2) do to each other, (..., N, 2) [m/s^2]."""
    return between_people(partial(interaction, config=config), positions, velocities, radii)


def step(
    positions: Array,
    velocities: Array,
    desired: Array,
    radii: Array,
    dt: float,
    config: SocialForceConfig,
    walls: OccupancyMap | None = None,
    robot: RobotBody | None = None,
    extra: Array | float = 0.0,
) -> tuple[Array, Array]:
    """Positions and velocities dt [s] later (semi-implicit Euler); `extra` (..., N, 2) [m/s^2] is added to the
    acceleration, for whoever wants unsteady walkers. Speed is capped at `speed_tolerance` times the wanted one
    (at least 0.3 m/s, so that somebody who stands can still be pushed aside)."""
    push = acceleration(positions, velocities, desired, radii, config, walls, robot) + extra
    return advance(positions, velocities, push, desired, dt, config.speed_tolerance)


def interaction(
    own_position: Array,
    own_velocity: Array,
    own_radius: Array,
    position: Array,
    velocity: Array,
    radius: Array | float,
    config: SocialForceConfig,
) -> Array:
    """What one body does to another, (..., 2) [m/s^2]; all arguments broadcast.

    Paper, equations 2 and 3: D = lambda (v_i - v_j) + e_ij; B = gamma |D|; theta is the angle from D to e_ij;
    f = -A exp(-d/B) [ exp(-(n' B theta)^2) t + sign(theta) exp(-(n B theta)^2) n ] with t along D and n to its
    left, so that a body to the left of where one is heading pushes to the right. Swapping two bodies turns D, e and
    with them t and n round and leaves theta and B as they are: action and reaction.
    """
    xp = namespace(own_position, position)
    offset, relative = position - own_position, config.relative_velocity_weight * (own_velocity - velocity)
    # By components: rows of pairs instead of rows of two numbers keep a processor twice as busy.
    distance = norm(offset)
    towards_x, towards_y = offset[..., 0] / distance, offset[..., 1] / distance
    heading_x, heading_y = relative[..., 0] + towards_x, relative[..., 1] + towards_y
    length = norm_of(heading_x, heading_y)
    along_x, along_y = heading_x / length, heading_y / length
    theta = xp.atan2(along_x * towards_y - along_y * towards_x, along_x * towards_x + along_y * towards_y)
    bodies = own_radius + radius
    reach = config.reach * length
    apart = clip(distance - bodies + 2.0 * REFERENCE_RADIUS, 0.0, None)
    strength = config.strength * xp.exp(-apart / reach)
    slow = strength * xp.exp(-((config.slowing_width * reach * theta) ** 2))
    turn = strength * clip(theta / STRAIGHT, -1.0, 1.0) * xp.exp(-((config.turning_width * reach * theta) ** 2))
    contact = config.contact_stiffness * clip(bodies - distance, 0.0, None)
    return pair(
        -slow * along_x + turn * along_y - contact * towards_x,
        -slow * along_y - turn * along_x - contact * towards_y,
    )
