"""Metrics of a run among people: how near, how soon, how hard, how well seen. Sources as in :mod:`.metrics`.

Two distances are in use and are always named: `centre`, between the centres of robot and person, and `surface`,
between their bodies (centre less both radii). HuNav's proxemic shares use a third: the person's centre to the
robot's surface. A moment at which nobody is seen counts as one with everybody far away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.crowds.social_force import RobotBody, SocialForceConfig, acceleration
from sac_son_nav.evaluation.log import LONGEST_GAP, Metric, RunLog
from sac_son_nav.states import Floats

INTIMATE, PERSONAL, SOCIAL = 0.45, 1.2, 3.6  # [m], Hall's zones as HuNav's evaluator has them
_LAW = SocialForceConfig()


# -- distance ---------------------------------------------------------------------------------------------------


def closest_approach_m(log: RunLog) -> float:
    """Least distance from the robot's centre to a person's centre [m]; infinite when nobody is ever seen (Francis:
    DH)."""
    return _least(log.nearest(log.distances))


def closest_surface_m(log: RunLog) -> float:
    """Least distance between the robot's and a person's body [m], negative where they overlap; infinite when nobody is
    ever seen."""
    return _least(log.nearest(log.gaps))


def mean_nearest_surface_m(log: RunLog) -> float:
    """Mean distance from the robot's body to the nearest person's, over the time somebody is seen [m] (HuNav: average
    closest person)."""
    near = log.nearest(log.gaps)
    seen = np.isfinite(near)
    return _mean(near[seen], log.weights[seen])


def space_compliance_0_5m_centre_share(log: RunLog) -> float:
    """Share of the time in which the nearest person's centre is farther than 0.5 m from the robot's (Francis: SC, with
    their default radius)."""
    return _share(log, log.nearest(log.distances), 0.5, np.inf)


def space_compliance_0_5m_surface_share(log: RunLog) -> float:
    """Share of the time in which more than 0.5 m are left between the robot's body and the nearest person's (SC as
    those read it who measure from body to body)."""
    return _share(log, log.nearest(log.gaps), 0.5, np.inf)


def space_compliance_1_0m_centre_share(log: RunLog) -> float:
    """Share of the time in which the nearest person's centre is farther than 1.0 m from the robot's (PSC of the
    Social-HM3D benchmark, arXiv 2409.13244, whose metre holds both bodies)."""
    return _share(log, log.nearest(log.distances), 1.0, np.inf)


def space_compliance_1_0m_surface_share(log: RunLog) -> float:
    """Share of the time in which more than 1.0 m are left between the robot's body and the nearest person's."""
    return _share(log, log.nearest(log.gaps), 1.0, np.inf)


def intimate_time_share(log: RunLog) -> float:
    """Share of the time in which the nearest person's centre is less than 0.45 m from the robot's surface (HuNav)."""
    return _share(log, log.nearest(log.distances - log.robot_radius), -np.inf, INTIMATE)


def personal_time_share(log: RunLog) -> float:
    """Share of the time in which it is from 0.45 to 1.2 m (HuNav)."""
    return _share(log, log.nearest(log.distances - log.robot_radius), INTIMATE, PERSONAL)


def social_time_share(log: RunLog) -> float:
    """Share of the time in which it is from 1.2 to 3.6 m (HuNav)."""
    return _share(log, log.nearest(log.distances - log.robot_radius), PERSONAL, SOCIAL)


def _share(log: RunLog, values: Floats, low: float, high: float) -> float:
    """Share of the known time in which values (T,) lie in [low, high); an open end at infinity holds infinity, and a
    bound of compliance must be exceeded."""
    known = ~np.isnan(values)
    inside = values > low if high == np.inf else (values >= low) & (values < high)
    return _mean(inside[known].astype(np.float64), log.weights[known])


def _least(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.min()) if len(known) else np.nan


def _mean(values: Floats, weights: Floats) -> float:
    return float(np.average(values, weights=weights)) if len(values) and weights.sum() > 0.0 else np.nan


# -- time to collision ------------------------------------------------------------------------------------------


def times_to_collision(log: RunLog) -> Floats:
    """When robot and person would touch if both kept their velocity, (T, N) [s]; 0 where they touch, infinite where
    they never would, NaN where something is unknown."""
    yaw = log.robot_poses[:, 2]
    own = log.robot_velocities[:, :1] * np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    place, pace = log.people - log.robot_poses[:, None, :2], log.people_velocities - own[:, None]
    closing = -np.sum(place * pace, axis=-1)
    room = np.sum(place**2, axis=-1) - (log.radii + log.robot_radius) ** 2
    root = closing**2 - np.sum(pace**2, axis=-1) * room
    meets = (closing > 0.0) & (root >= 0.0)
    # The smaller root of |place + pace t| = radii, in the form that does not cancel.
    time = np.where(meets, room / np.where(meets, closing + np.sqrt(np.maximum(root, 0.0)), 1.0), np.inf)
    time = np.where(room <= 0.0, 0.0, time)
    return np.where(np.isnan(closing + room), np.nan, time)


def min_time_to_collision_s(log: RunLog) -> float:
    """Least time, over the run and all people, in which robot and person would touch if both kept their velocity [s];
    infinite when they never would (Francis: TTC)."""
    if not np.isfinite(log.robot_velocities[:, 0]).any():
        return np.nan
    times = times_to_collision(log)
    known = times[~np.isnan(times)]
    return float(known.min(initial=np.inf))


# -- groups -----------------------------------------------------------------------------------------------------


def _intruding(log: RunLog) -> Floats:
    """1 while the robot's body reaches into an o-space of the log's groups, else 0, (T,)."""
    inside = np.zeros(len(log), dtype=bool)
    for group in log.groups:
        now = (log.times >= group.from_s) & (log.times <= group.to_s)
        apart = np.linalg.norm(log.robot_poses[:, :2] - np.asarray(group.centre), axis=-1)
        inside |= now & (apart < group.radius + log.robot_radius)
    return inside.astype(np.float64)


def o_space_intrusion_s(log: RunLog) -> float:
    """Time in which the robot's body reaches into the o-space of a group that stands talking [s] (HuNav: group space
    intrusions, theirs by zones round the group's centre); 0 without groups."""
    if not log.robot_known.any():
        return np.nan
    return float((log.weights * _intruding(log)).sum()) if len(log) > 1 else 0.0


def o_space_intrusion_share(log: RunLog) -> float:
    """The same as a share of the time."""
    return _mean(_intruding(log)[log.robot_known], log.weights[log.robot_known])


# -- who is seen ------------------------------------------------------------------------------------------------


def _lost_and_seen(log: RunLog) -> tuple[float, float]:
    """Time [s], summed over people, in which somebody was not seen between two sightings, and in which they were."""
    steps = np.diff(log.times)[:, None]
    seen = np.asarray(np.isfinite(log.people).all(axis=-1))  # (T, N)
    before = np.maximum.accumulate(seen, axis=0)
    after = np.maximum.accumulate(seen[::-1], axis=0)[::-1]
    span = before[:-1] & after[1:]
    both = seen[:-1] & seen[1:] & (steps <= LONGEST_GAP + 1e-9)
    return float((steps * (span & ~both)).sum()), float((steps * both).sum())


def people_lost_s(log: RunLog) -> float:
    """Time, summed over people, between two sightings of the same id that are not neighbouring samples [s]. A person
    who comes back under a new id is not known to be the same, so this is a lower bound; 0 with perfect sight."""
    return _lost_and_seen(log)[0]


def people_lost_share(log: RunLog) -> float:
    """The same as a share of the time between everybody's first and last sighting."""
    lost, seen = _lost_and_seen(log)
    return lost / (lost + seen) if lost + seen > 0.0 else np.nan


def people_speed_mean_mps(log: RunLog) -> float:
    """Mean speed of the people seen [m/s] (HuNav: average pedestrian velocity)."""
    speed = np.linalg.norm(log.people_velocities, axis=-1)
    weights = np.broadcast_to(log.weights[:, None], speed.shape)
    known = np.isfinite(speed)
    return np.nan if log.frame_moves else _mean(speed[known], weights[known])


# -- social force -----------------------------------------------------------------------------------------------


def pushes(log: RunLog) -> Floats:
    """What the robot does to each person by the law of :mod:`sac_son_nav.crowds.social_force`, minded as a person is,
    (T, N, 2) [m/s^2]; NaN where something is unknown."""
    yaw = log.robot_poses[:, 2]
    own = log.robot_velocities[:, :1] * np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    body = RobotBody(log.robot_poses[:, :2], own, log.robot_radius)
    pushed = np.full(log.people.shape, np.nan)
    for i in range(len(log.ids)):
        place, pace = log.people[:, i : i + 1], log.people_velocities[:, i : i + 1]
        # Who has the velocity they want feels nothing but the robot.
        pushed[:, i] = acceleration(place, pace, pace, log.radii[i : i + 1], _LAW, robot=body)[:, 0]
    return pushed


def _force_on_people(log: RunLog) -> Floats:
    """Sum of the sizes of the robot's pushes, (T,) [m/s^2]; who is not seen adds nothing."""
    return np.nansum(np.linalg.norm(pushes(log), axis=-1), axis=1)


def _force_on_robot(log: RunLog) -> Floats:
    """Size of the sum of people's pushes on the robot, (T,) [m/s^2]: the law is action and reaction."""
    return np.asarray(np.linalg.norm(np.nansum(pushes(log), axis=1), axis=-1))


def _obstacle_force(log: RunLog) -> Floats:
    """Size of the walls' push on a body like the robot's, (T,) [m/s^2]; 0 without a plan."""
    if log.floor is None:
        return np.zeros(len(log))
    places = np.where(log.robot_known[:, None], log.robot_poses[:, :2], 0.0)[:, None]
    still = np.zeros_like(places)
    push = acceleration(places, still, still, np.array([log.robot_radius]), _LAW, walls=log.floor)
    return np.where(log.robot_known, np.linalg.norm(push[:, 0], axis=-1), np.nan)


def _known(log: RunLog) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = log.robot_known & np.isfinite(log.robot_velocities[:, 0])
    return known


def social_force_on_people_mps2(log: RunLog) -> float:
    """What the robot does to people, sizes summed over people, mean over time [m/s^2] (HuNav: social force on agents,
    theirs summed over samples, with lightsfm's strength and bodies without radius: compare within one tool only)."""
    known = _known(log)
    return _mean(_force_on_people(log)[known], log.weights[known])


def social_force_on_robot_mps2(log: RunLog) -> float:
    """What people do to the robot, size of the sum, mean over time [m/s^2] (HuNav: social force on robot)."""
    known = _known(log)
    return _mean(_force_on_robot(log)[known], log.weights[known])


def obstacle_force_on_robot_mps2(log: RunLog) -> float:
    """What the plan's walls would do to a person with the robot's body, mean over time [m/s^2] (HuNav); NaN without a
    plan."""
    force = _obstacle_force(log)
    known = np.isfinite(force)
    return np.nan if log.floor is None else _mean(force[known], log.weights[known])


def social_work_mps(log: RunLog) -> float:
    """Social force on people, social force on the robot and, where there is a plan, walls' force on the robot, added
    up over the run [m/s] (HuNav: social work, which adds samples where this integrates over time)."""
    known = _known(log)
    if len(log) == 1 or not known.any():
        return np.nan
    total = _force_on_people(log) + _force_on_robot(log) + _obstacle_force(log)
    return float((log.weights * total)[known].sum())


METRICS: tuple[Metric, ...] = (
    closest_approach_m,
    closest_surface_m,
    mean_nearest_surface_m,
    space_compliance_0_5m_centre_share,
    space_compliance_0_5m_surface_share,
    space_compliance_1_0m_centre_share,
    space_compliance_1_0m_surface_share,
    intimate_time_share,
    personal_time_share,
    social_time_share,
    min_time_to_collision_s,
    o_space_intrusion_s,
    o_space_intrusion_share,
    people_lost_s,
    people_lost_share,
    people_speed_mean_mps,
    social_force_on_people_mps2,
    social_force_on_robot_mps2,
    obstacle_force_on_robot_mps2,
    social_work_mps,
)
