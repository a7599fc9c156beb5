"""Logs whose numbers can be worked out by hand, and ways to move one about."""

from dataclasses import replace

import numpy as np

from sac_son_nav.evaluation.log import OSpace, RunLog
from sac_son_nav.geometry import transform_points
from sac_son_nav.maps import OccupancyMap

ROBOT, PERSON = 0.22, 0.25  # [m] radii


def made(times, robot, people=(), velocities=None, **rest) -> RunLog:
    """A log of a robot at (T, 2) or (T, 3) and of people, each (T, 2) [m]; velocities are differences unless given."""
    times, robot = np.asarray(times, dtype=float), np.asarray(robot, dtype=float)
    if robot.shape[1] == 2:
        robot = np.concatenate([robot, np.zeros((len(robot), 1))], axis=1)
    people = np.stack(people, axis=1).astype(float) if len(people) else np.zeros((len(times), 0, 2))
    if velocities is None:
        heading = np.stack([np.cos(robot[:, 2]), np.sin(robot[:, 2])], axis=-1)
        velocities = np.stack([(slopes(robot[:, :2], times) * heading).sum(-1), np.zeros(len(times))], axis=-1)
    given = {
        "people_velocities": slopes(people, times),
        "ids": np.arange(people.shape[1], dtype=np.int64),
        "radii": np.full(people.shape[1], PERSON),
        "robot_radius": ROBOT,
    }
    return RunLog(
        times=times, robot_poses=robot, robot_velocities=np.asarray(velocities), people=people, **{**given, **rest}
    )


def slopes(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Each sample's way to the next; the last moves as the one before."""
    if len(times) == 1:
        return np.zeros_like(values)
    steps = np.diff(values, axis=0) / np.diff(times).reshape(-1, *[1] * (values.ndim - 1))
    return np.concatenate([steps, steps[-1:]])


def line(times, start, velocity) -> np.ndarray:
    """Places (T, 2) of something that starts at a point and keeps its velocity."""
    return np.asarray(start) + np.asarray(times)[:, None] * np.asarray(velocity)


def wandering(seed: int = 0, people: int = 4, moments: int = 200) -> RunLog:
    """A robot and people on smooth crooked ways that come near each other; with everything but a plan."""
    random = np.random.default_rng(seed)
    times = 0.1 * np.arange(moments)

    def way() -> np.ndarray:
        phase, rate = random.uniform(0.0, 6.0, (2, 2)), random.uniform(0.2, 0.6, 2)
        return 2.0 * np.sin(rate * times[:, None] + phase[0]) + 0.5 * np.sin(3.0 * rate * times[:, None] + phase[1])

    robot = way()
    step = slopes(robot, times)
    poses = np.concatenate([robot, np.arctan2(step[:, 1], step[:, 0])[:, None]], axis=1)
    turn = np.gradient(np.unwrap(poses[:, 2]), times)
    ways = [way() for _ in range(people)]
    nudge = [0.05 * way() for _ in range(2 * people)]
    ways[0] = np.where((times > 5.0)[:, None] & (times < 7.0)[:, None], np.nan, ways[0])
    without = np.stack([w + n for w, n in zip(ways, nudge[:people], strict=True)], axis=1)
    return made(
        times,
        poses,
        ways,
        np.stack([np.linalg.norm(step, axis=-1), turn], axis=-1),
        goal=robot[-1] + 0.1,
        time_limit=30.0,
        groups=(OSpace((0.3, 0.2), 0.6),),
        without=without,
        deaf=without + np.stack(nudge[people:], axis=1),
    )


def moved(log: RunLog, pose) -> RunLog:
    """The same run seen from another frame, in which the old one is at `pose` (3,); logs without a plan."""
    pose = np.asarray(pose, dtype=float)
    turn = np.array([0.0, 0.0, pose[2]])

    def at(points):
        return None if points is None else np.asarray(transform_points(pose, points))

    yaw = log.robot_poses[:, 2:] + pose[2]
    return replace(
        log,
        robot_poses=np.concatenate([at(log.robot_poses[:, :2]), yaw], axis=1),
        people=at(log.people),
        people_velocities=np.asarray(transform_points(turn, log.people_velocities)),
        goal=None if log.goal is None else at(log.goal[:2]),
        groups=tuple(replace(g, centre=tuple(at(np.array(g.centre)))) for g in log.groups),
        without=at(log.without),
        deaf=at(log.deaf),
    )


def mirrored(log: RunLog) -> RunLog:
    """The same run in a mirror along the x axis, the plan too."""
    flip = np.array([1.0, -1.0])
    floor = log.floor
    if floor is not None:
        x0, _, _, y1 = floor.extent
        floor = OccupancyMap(np.ascontiguousarray(floor.cells[::-1]), floor.resolution, (x0, -y1))
    return replace(
        log,
        robot_poses=log.robot_poses * np.array([1.0, -1.0, -1.0]),
        robot_velocities=log.robot_velocities * flip,
        people=log.people * flip,
        people_velocities=log.people_velocities * flip,
        goal=None if log.goal is None else log.goal[:2] * flip,
        groups=tuple(replace(g, centre=(g.centre[0], -g.centre[1])) for g in log.groups),
        without=None if log.without is None else log.without * flip,
        deaf=None if log.deaf is None else log.deaf * flip,
        floor=floor,
    )
