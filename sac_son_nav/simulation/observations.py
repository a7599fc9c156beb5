"""What a learning robot is told: where the goal is, how fast it goes, who is near, and what its laser sees.

Shapes: W worlds, K people at most, B beams; frame: the robot's, x forward, y left. Everything is clipped to bounds and
in single precision, as networks want it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import RobotProfile
from sac_son_nav.geometry import rotate
from sac_son_nav.simulation.goal_field import GoalField
from sac_son_nav.simulation.laser import Laser
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenario import Scenario
from sac_son_nav.simulation.world import World
from sac_son_nav.states import Floats

FASTEST = 5.0  # [m/s] at which told velocities end
LARGEST = 1.0  # [m] at which told radii end

Bounds = dict[str, tuple[NDArray[Any], NDArray[Any]]]


class Observer:
    """Tells every robot of a batch what it may know.

    `goal` (3,): distance [m] and cosine and sine of the bearing, as the crow flies. `way` (3,): the same of the
    shortest way, its length [m] and the direction in which it leaves. `velocity` (2,): [m/s, rad/s]. `people` (K, 5):
    x, y [m], velocity over ground [m/s] and radius [m] of the nearest first, true and whether in sight or not, zeros
    where there are fewer; `people_mask` (K,): 1 for a person. `laser` (B,): ranges as shares of its reach, 0 for too
    near and 1 for nothing.
    """

    def __init__(
        self,
        scenario: Scenario,
        robot: RobotProfile,
        field: GoalField,
        people: int | None,
        reach: float,
        beams: int | None,
    ) -> None:
        """At most so many `people`, within `reach` [m]; so many `beams`. None: not told at all."""
        self._goal, self._robot = scenario.robot_goal[:2], robot
        self.most, self.reach = people, reach
        self.laser: Laser | None = None
        if beams is not None:
            self.laser = Laser(replace(robot.laser, beams=beams), RayCaster(scenario.floor))
        x0, x1, y0, y1 = scenario.floor.extent
        self.bounds = self._bounds(float(np.hypot(x1 - x0, y1 - y0)), float(field.lengths.max()))

    def _bounds(self, furthest: float, longest: float) -> Bounds:
        """Lowest and highest value of everything told, by name."""
        limits, most = self._robot.limits, self.most
        fastest = np.array([max(limits.vx_max, -limits.vx_min), limits.wz_max])
        least = np.array([0.0, -1.0, -1.0])
        found: Bounds = {
            "goal": (least, np.array([furthest, 1.0, 1.0])),
            "way": (least, np.array([longest, 1.0, 1.0])),
            "velocity": (-fastest, fastest),
        }
        if most is not None:
            high = np.array([self.reach, self.reach, FASTEST, FASTEST, LARGEST])
            found["people"] = (np.tile(high * [-1.0, -1.0, -1.0, -1.0, 0.0], (most, 1)), np.tile(high, (most, 1)))
        if self.laser is not None:
            found["laser"] = (np.zeros(self.laser.config.beams), np.ones(self.laser.config.beams))
        return {name: (low.astype(np.float32), high.astype(np.float32)) for name, (low, high) in found.items()}

    def observe(self, world: World, count: int, way: tuple[Floats, Floats]) -> dict[str, NDArray[Any]]:
        """What the first `count` robots of a batch are told, everything (W, ...). `way`: length (W,) [m] and direction
        (W, 2) in the frame map of the ways they have to go."""
        poses, velocities = np.asarray(world.poses[:count]), np.asarray(world.velocities[:count])
        yaw = poses[:, 2]
        straight = rotate(self._goal - poses[:, :2], -yaw)
        distance = np.linalg.norm(straight, axis=-1, keepdims=True)
        towards = np.where(distance > 0.0, straight / np.maximum(distance, 1e-9), np.array([1.0, 0.0]))
        told: dict[str, NDArray[Any]] = {
            "goal": np.concatenate([distance, towards], axis=-1),
            "way": np.concatenate([way[0][:, None], rotate(way[1], -yaw)], axis=-1),
            "velocity": velocities,
        }
        if self.most is not None:
            told["people"], mask = self._people(world, poses)
        if self.laser is not None:
            ranges = np.asarray(self.laser.scan(world))[:count]
            told["laser"] = ranges / self.laser.config.range_max
        told = {name: np.clip(value, *self.bounds[name]).astype(np.float32) for name, value in told.items()}
        return told if self.most is None else {**told, "people_mask": mask}

    def _people(self, world: World, poses: Floats) -> tuple[Floats, NDArray[np.int8]]:
        """(W, K, 5) and the mask (W, K) of whom each robot is told."""
        assert self.most is not None
        count, most = len(poses), self.most
        positions, paces = (np.asarray(a)[:count] for a in (world.crowd.positions, world.crowd.velocities))
        offset = positions - poses[:, None, :2]
        distance = np.linalg.norm(offset, axis=-1)
        near = distance <= self.reach  # not so for NaN, who is not there
        order = np.argsort(np.where(near, distance, np.inf), axis=-1, kind="stable")[:, :most]
        yaw = -poses[:, 2][:, None]
        values = [rotate(offset, yaw), rotate(paces, yaw), np.asarray(world.crowd.radii)[:count, :, None]]
        chosen = np.take_along_axis(np.concatenate(values, axis=-1), order[..., None], axis=1)
        mask = np.take_along_axis(near, order, axis=1)
        told, shown = np.zeros((count, most, 5)), order.shape[1]
        told[:, :shown] = np.where(mask[..., None], chosen, 0.0)
        filled = np.zeros((count, most), dtype=np.int8)
        filled[:, :shown] = mask
        return told, filled
