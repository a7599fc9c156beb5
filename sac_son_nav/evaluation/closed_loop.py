"""The navigator in the embedded world without ROS: the same core in one process, bit-identical from a seed.

What a node graph does over DDS happens here in a loop, so planners can be compared and tests can know the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from sac_son_nav.geometry import compose, transform_points
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Observation, RobotState, Scan, Tracks


class Steers(Protocol):
    """Anything that answers an observation with a plan."""

    def step(self, observation: Observation) -> Plan:
        """The plan for the next control period."""
        ...  # pragma: no cover


class Sees(Protocol):
    """Anything that finds people in a scan, given where the laser was."""

    def step(self, scan: Scan, fixed_from_laser: np.ndarray, fixed_frame: str) -> Tracks:
        """People in the fixed frame."""
        ...  # pragma: no cover


def drive(
    world: Simulator,
    navigator: Steers,
    eyes: Sees | None = None,
    period: float = 0.1,
    each: Callable[[Observation, Plan], None] | None = None,
) -> Simulator:
    """Run the world until the navigator has arrived or the scenario's time is over.

    `eyes` finds the people in the scan; None hands out where they truly are. `each` is shown every control step.
    The robot is given its true pose, so what is measured is the navigator (and the eyes), not a localiser.
    """
    laser = world.profile.laser
    base_from_laser = np.array([laser.x, laser.y, laser.yaw])
    steps = max(1, round(period / world.dt))
    while not world.timed_out:
        scan, robot = world.scan(), world.robot
        map_from_laser = np.asarray(compose(robot.pose, base_from_laser))
        people = world.people() if eyes is None else eyes.step(scan, map_from_laser, "map")
        points = np.asarray(transform_points(map_from_laser, scan.points()))
        state = RobotState(world.time_s, robot.pose, world.odometry.velocity, "map")
        observation = Observation(world.time_s, state, people, points)
        plan = navigator.step(observation)
        if each is not None:
            each(observation, plan)
        if plan.status == "arrived":
            break
        world.step(plan.command)
        for _ in range(steps - 1):
            world.step(None)
    return world
