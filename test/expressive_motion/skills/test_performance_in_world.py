"""Skills in the embedded world, among people who walk by the social force law and give way to the robot."""

import numpy as np
import pytest

from expressive_motion.robot import Value
from expressive_motion.skills.embodiment import View
from expressive_motion.skills.performance import Performance
from sac_son_nav.simulation.laser import Laser
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.world import World
from sac_son_nav.states import RobotState, Tracks
from test.expressive_motion.stage import ROBOT, Written

CALLS: list[tuple[str, dict[str, Value]]] = [
    ("find_person", {"which": "nearest"}),
    ("approach_person", {"distance_m": 1.0}),
    ("rock", {}),
    ("follow_person", {"at_most_s": 6.0}),
    ("back_away", {"distance_m": 0.3}),
    ("turn", {"angle_deg": 180.0}),
    ("move", {"distance_m": 1.5, "speed": 2.0}),
]


@pytest.mark.parametrize("scenario", ["corridor", "crossing"])
def test_the_robot_touches_nobody_and_no_wall(scenario: str) -> None:
    loaded = load_scenario(scenario)
    for seed in range(2):
        world = World(loaded, ROBOT.profile, seed)
        laser = Laser(ROBOT.profile.laser, RayCaster(loaded.floor))
        performance = Performance(Written(ROBOT, CALLS), ROBOT)
        for _ in range(800):
            positions = np.asarray(world.crowd.positions)
            here = np.flatnonzero(np.isfinite(positions).all(axis=-1))
            n = len(here)
            tracks = Tracks(
                world.time_s,
                "map",
                here.astype(np.int64),
                positions[here],
                np.asarray(world.crowd.velocities)[here],
                np.tile(np.eye(4), (n, 1, 1)),
                np.ones(n),
            )
            ranges = np.asarray(laser.scan(world)).reshape(-1)
            angles = world.poses[2] + laser.angles
            seen = np.isfinite(ranges) & (ranges < ROBOT.profile.laser.range_max)
            points = world.poses[:2] + ranges[seen, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)[seen]
            robot = RobotState(world.time_s, np.array(world.poses), np.array(world.velocities))
            out = performance.step(View(world.time_s, robot, tracks, points))
            world.step(out.command.as_array())
            if performance.state != "running":
                break
        assert performance.state != "running"
        assert np.hypot(*(world.poses[:2] - loaded.robot_start[:2])) <= ROBOT.body.base.reach_m
        # people may walk into a robot that stands; it never does so itself
        assert [c for c in world.contacts[0] if c.what == "wall" or abs(c.robot_speed) > 0.01] == []
        if scenario == "corridor":
            assert [p.call.skill for p in performance.log] == [name for name, _ in CALLS]
