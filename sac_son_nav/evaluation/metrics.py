"""The table of all metrics of a run, and those of the robot's errand and of its motion.

Every metric is one function of a :class:`RunLog`, its unit in its name, NaN where the log does not say enough; what
ends in `_share` is between 0 and 1. :data:`METRICS` is the table, :func:`measure` computes it. The sources are

- Francis et al., "Principles and guidelines for evaluating social robot navigation algorithms", arXiv 2306.16740;
- HuNav: Pérez-Higueras et al., "HuNavSim: a ROS 2 human navigation simulator", RA-L 2023, and its evaluator;
- Anderson et al., "On evaluation of embodied navigation agents", arXiv 1807.06757 (SPL).

Not in the table: Francis' aggregated time of all agents, as nobody logs when people arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError, RouteError
from sac_son_nav.evaluation import perturbation, social_metrics
from sac_son_nav.evaluation.log import LONGEST_GAP, Metric, RunLog
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.states import Floats

TOUCH = 0.02  # [m] of gap below which two bodies count as touching (HuNav's evaluator)
RELEASE = 0.05  # [m] of gap after which the next touch is a new one
STALLED_SPEED = 0.02  # [m/s] and
STALLED_TURN = 0.05  # [rad/s] below which the robot stands
PROGRESS = 0.1  # [m] by which the robot must come nearer to its goal
PROGRESS_WITHIN = 5.0  # [s] within which it must


@dataclass(frozen=True)
class Collision:
    """One touch: when [s]; the id of the person, or None for a wall; who ran into whom, by the speed at which each of
    them closed the gap: ``robot`` (also when both were equally fast), ``person`` or ``unknown``."""

    time_s: float
    person: int | None
    by: str = "robot"


def measure(log: RunLog, names: Iterable[str] | None = None) -> dict[str, float]:
    """Every metric of the table, or those named, by name. Raises ConfigError for a name that is not in the table."""
    chosen = list(METRICS if names is None else names)
    for name in chosen:
        if name not in METRICS:
            raise ConfigError(f"metric: expected one of {', '.join(METRICS)}, got {name!r}")
    return {name: float(METRICS[name](log)) for name in chosen}


def describe() -> dict[str, str]:
    """What each metric of the table is, by name, in one paragraph."""
    return {name: " ".join((metric.__doc__ or "").split()) for name, metric in METRICS.items()}


# -- the errand -------------------------------------------------------------------------------------------------


def reached_goal(log: RunLog) -> float:
    """1 if the robot was ever nearer to its goal than the errand's tolerance, else 0 (Francis: S)."""
    if log.goal is None or log.frame_moves or not log.robot_known.any():
        return np.nan
    return float(np.isfinite(time_to_goal_s(log)))


def success(log: RunLog) -> float:
    """1 if the robot reached its goal before its time was over and touched nobody and nothing, else 0. Stricter than
    Francis' S; the share of runs that got there at all is `reached_goal`."""
    if np.isnan(reached_goal(log)):
        return np.nan
    in_time = log.time_limit is None or time_to_goal_s(log) < log.time_limit
    return float(in_time and np.isfinite(time_to_goal_s(log)) and not collisions(log))


def timeout(log: RunLog) -> float:
    """1 if the time limit was over before the goal was reached, else 0 (Francis: TO)."""
    if log.time_limit is None or np.isnan(reached_goal(log)):
        return np.nan
    return float(not time_to_goal_s(log) < log.time_limit and time_s(log) >= log.time_limit - 1e-6)


def time_s(log: RunLog) -> float:
    """From the first to the last moment of the log [s]."""
    return float(log.times[-1] - log.times[0])


def time_to_goal_s(log: RunLog) -> float:
    """Until the robot is first within the tolerance of its goal [s]; NaN if it never is (Francis: T)."""
    if log.goal is None or log.frame_moves:
        return np.nan
    there = np.flatnonzero(np.linalg.norm(log.robot_poses[:, :2] - log.goal[:2], axis=-1) < log.goal_tolerance)
    return float(log.times[there[0]] - log.times[0]) if len(there) else np.nan


def goal_distance_final_m(log: RunLog) -> float:
    """Straight distance from the robot's last known place to its goal [m] (HuNav)."""
    if log.goal is None or log.frame_moves or not log.robot_known.any():
        return np.nan
    return float(np.linalg.norm(log.robot_poses[log.robot_known][-1, :2] - log.goal[:2]))


def path_length_m(log: RunLog) -> float:
    """Length of the robot's way [m] (Francis: PL); where its place is unknown for a while, the straight line."""
    if log.frame_moves or not log.robot_known.any():
        return np.nan
    return float(np.linalg.norm(np.diff(log.robot_poses[log.robot_known, :2], axis=0), axis=-1).sum())


def shortest_path_m(log: RunLog) -> float:
    """Shortest way of the robot's body from its first known place to its goal [m], round the walls of the plan if
    there is one, else straight; NaN when no way leads there."""
    if log.goal is None or log.frame_moves or not log.robot_known.any():
        return np.nan
    start, goal = log.robot_poses[log.robot_known][0, :2], log.goal[:2]
    if log.ways is None:
        return float(np.linalg.norm(goal - start))
    try:
        return log.ways.length(start, goal)
    except RouteError:
        return np.nan


def spl(log: RunLog) -> float:
    """Success weighted by path length, no unit: success times (shortest way / the longer of the way taken and the
    shortest). The shortest way leads to where the tolerance begins (Anderson et al., equation 1)."""
    if np.isnan(success(log)):
        return np.nan
    if success(log) == 0.0:
        return 0.0
    shortest = max(shortest_path_m(log) - log.goal_tolerance, 0.0)
    arrived = log.times - log.times[0] <= time_to_goal_s(log) + 1e-9
    taken = np.linalg.norm(np.diff(log.robot_poses[arrived & log.robot_known, :2], axis=0), axis=-1).sum()
    longer = max(float(taken), shortest)
    return shortest / longer if longer > 0.0 else 1.0


def failures_to_progress(log: RunLog) -> float:
    """How often the robot, on its way, did not come PROGRESS nearer to its goal within PROGRESS_WITHIN, by the way
    round the walls if there is a plan (Francis: FP)."""
    if log.goal is None or log.frame_moves or not log.robot_known.any():
        return np.nan
    places = log.robot_poses[:, :2]
    left = (
        np.linalg.norm(places - log.goal[:2], axis=-1) if log.ways is None else log.ways.field(log.goal[:2]).at(places)
    )
    count, best, since = 0, np.inf, log.times[0]
    for now, metres in zip(log.times, left, strict=True):
        if metres < log.goal_tolerance:
            break
        if metres <= best - PROGRESS:
            best, since = metres, now
        elif now - since >= PROGRESS_WITHIN - 1e-9:
            count, since = count + 1, now
    return float(count)


def stalled_time_s(log: RunLog) -> float:
    """Time in which the robot stood: slower than STALLED_SPEED and STALLED_TURN [s] (Francis: ST)."""
    speed, turn = np.abs(log.robot_velocities).T
    if len(log) == 1 or not np.isfinite(speed).any():
        return np.nan
    return float(log.weights[(speed < STALLED_SPEED) & (turn < STALLED_TURN)].sum())


# -- collisions -------------------------------------------------------------------------------------------------


def collisions(log: RunLog) -> list[Collision]:
    """All touches, in order: the log's contacts if they are known, else each time a gap falls below TOUCH after it
    was wider than RELEASE; with walls only where there is a plan."""
    found: list[Collision] = []
    if log.contacts is not None:
        for contact in log.contacts:
            who = int(contact.what.split()[1]) if contact.what.startswith("person") else None
            row = None if who is None else log.row_of(who)
            found.append(Collision(contact.time_s, who, _who_ran(log, row, contact.time_s, contact.robot_speed)))
        return found
    for row, who in enumerate(log.ids.tolist()):
        for k in _touches(log.gaps[:, row]):
            time = float(log.times[k])
            found.append(Collision(time, who, _who_ran(log, row, time, None)))
    if log.floor is not None and log.robot_known.any():
        found += [Collision(float(log.times[k]), None) for k in _touches(_clearances(log))]
    return sorted(found, key=lambda collision: collision.time_s)


def _touches(gaps: Floats) -> list[int]:
    """Where a gap (T,) [m] falls below TOUCH for the first time since it was wider than RELEASE."""
    found, touching = [], False
    for k, gap in enumerate(gaps):
        if gap < TOUCH and not touching:
            found.append(k)
            touching = True
        elif gap > RELEASE:
            touching = False
    return found


def _who_ran(log: RunLog, row: int | None, time_s: float, robot_speed: float | None) -> str:
    """Who closed the gap faster just before: velocities of the last sample before the touch, which itself stops both.
    A contact's own robot speed is the better word, as it is the speed of that moment."""
    if row is None:
        return "robot"
    k = max(int(np.searchsorted(log.times, time_s - 1e-6)) - 1, 0)
    offset = log.people[k, row] - log.robot_poses[k, :2]
    towards = offset / max(float(np.linalg.norm(offset)), 1e-9)
    yaw = log.robot_poses[k, 2]
    speed = log.robot_velocities[k, 0] if robot_speed is None else robot_speed
    by_robot = float(speed * (np.cos(yaw) * towards[0] + np.sin(yaw) * towards[1]))
    by_person = float(-log.people_velocities[k, row] @ towards)
    if np.isnan(by_person - by_robot):
        return "unknown"
    return "person" if by_person > by_robot else "robot"


def collisions_human(log: RunLog) -> float:
    """How often the robot and a person touched (Francis: HC)."""
    return float(sum(collision.person is not None for collision in collisions(log)))


def collisions_robot_into_person(log: RunLog) -> float:
    """Of these, how often the robot ran into the person (HuNav, SEAN: robot on person; theirs go by angles, too)."""
    return float(sum(c.person is not None and c.by == "robot" for c in collisions(log)))


def collisions_person_into_robot(log: RunLog) -> float:
    """Of these, how often the person ran into the robot (HuNav, SEAN: person on robot)."""
    return float(sum(c.person is not None and c.by == "person" for c in collisions(log)))


def collisions_wall(log: RunLog) -> float:
    """How often the robot touched a wall (Francis: WC)."""
    if log.contacts is None and log.floor is None:
        return np.nan
    return float(sum(collision.person is None for collision in collisions(log)))


# -- motion -----------------------------------------------------------------------------------------------------


def _derivative(values: Floats, times: Floats) -> tuple[Floats, Floats]:
    """Slopes of values (K,) between samples at most LONGEST_GAP apart, and the times half-way between these."""
    steps = np.diff(times)
    near = steps <= LONGEST_GAP + 1e-9
    return np.diff(values)[near] / steps[near], 0.5 * (times[1:] + times[:-1])[near]


def _forward(log: RunLog, order: int) -> Floats:
    """Forward velocity [m/s], or its first or second derivative, at all moments where it is known."""
    known = np.isfinite(log.robot_velocities[:, 0])
    values, times = log.robot_velocities[known, 0], log.times[known]
    for _ in range(order):
        values, times = _derivative(values, times)
    return values


def _of(values: Floats, how: str) -> float:
    if len(values) == 0:
        return np.nan
    return float(values.min() if how == "min" else values.max() if how == "max" else values.mean())


def speed_min_mps(log: RunLog) -> float:
    """Least speed, forward or backward [m/s] (Francis: V min)."""
    return _of(np.abs(_forward(log, 0)), "min")


def speed_mean_mps(log: RunLog) -> float:
    """Mean speed [m/s], standing included (Francis: V avg)."""
    known = np.isfinite(log.robot_velocities[:, 0])
    return _time_mean(np.abs(log.robot_velocities[known, 0]), log.weights[known])


def speed_max_mps(log: RunLog) -> float:
    """Greatest speed [m/s] (Francis: V max)."""
    return _of(np.abs(_forward(log, 0)), "max")


def acceleration_min_mps2(log: RunLog) -> float:
    """Least slope of the forward velocity [m/s^2], the hardest braking when driving forward (Francis: A min)."""
    return _of(_forward(log, 1), "min")


def acceleration_mean_mps2(log: RunLog) -> float:
    """Mean size of that slope [m/s^2]; with its sign it would be about 0 for any run (Francis: A avg)."""
    return _of(np.abs(_forward(log, 1)), "mean")


def acceleration_max_mps2(log: RunLog) -> float:
    """Greatest slope of the forward velocity [m/s^2] (Francis: A max)."""
    return _of(_forward(log, 1), "max")


def jerk_min_mps3(log: RunLog) -> float:
    """Least slope of the acceleration [m/s^3] (Francis: J min). Grows with the sampling rate of noisy odometry."""
    return _of(_forward(log, 2), "min")


def jerk_mean_mps3(log: RunLog) -> float:
    """Mean size of the slope of the acceleration [m/s^3] (Francis: J avg)."""
    return _of(np.abs(_forward(log, 2)), "mean")


def jerk_max_mps3(log: RunLog) -> float:
    """Greatest slope of the acceleration [m/s^3] (Francis: J max)."""
    return _of(_forward(log, 2), "max")


def heading_change_rad(log: RunLog) -> float:
    """All turning of the base added up, left and right alike [rad] (HuNav: cumulative heading changes)."""
    if log.frame_moves or not log.robot_known.any():
        return np.nan
    return float(np.abs(wrap_angle(np.diff(log.robot_poses[log.robot_known, 2]))).sum())


def _clearances(log: RunLog) -> Floats:
    """From the robot's surface to the nearest wall, (T,) [m]; NaN without a plan."""
    if log.floor is None:
        return np.full(len(log), np.nan)
    places = np.where(log.robot_known[:, None], log.robot_poses[:, :2], 0.0)
    return np.where(log.robot_known, np.asarray(log.floor.distance_at(places)) - log.robot_radius, np.nan)


def clearance_min_m(log: RunLog) -> float:
    """Least distance from the robot's surface to a wall [m] (Francis: CD min)."""
    clearances = _clearances(log)
    return _of(clearances[np.isfinite(clearances)], "min")


def clearance_mean_m(log: RunLog) -> float:
    """Mean distance from the robot's surface to the nearest wall [m] (Francis: CD avg)."""
    clearances = _clearances(log)
    known = np.isfinite(clearances)
    return _time_mean(clearances[known], log.weights[known])


def _time_mean(values: Floats, weights: Floats) -> float:
    return float(np.average(values, weights=weights)) if len(values) and weights.sum() > 0.0 else np.nan


_OWN: tuple[Metric, ...] = (
    reached_goal,
    success,
    collisions_human,
    collisions_robot_into_person,
    collisions_person_into_robot,
    collisions_wall,
    timeout,
    failures_to_progress,
    stalled_time_s,
    time_s,
    time_to_goal_s,
    goal_distance_final_m,
    path_length_m,
    shortest_path_m,
    spl,
    speed_min_mps,
    speed_mean_mps,
    speed_max_mps,
    acceleration_min_mps2,
    acceleration_mean_mps2,
    acceleration_max_mps2,
    jerk_min_mps3,
    jerk_mean_mps3,
    jerk_max_mps3,
    heading_change_rad,
    clearance_min_m,
    clearance_mean_m,
)

METRICS: dict[str, Metric] = {
    metric.__name__: metric for metric in (*_OWN, *social_metrics.METRICS, *perturbation.METRICS)
}
