"""What the robot changed for people: how far, how late, and by whose push.

The reference is the same world and the same luck with the robot absent (or parked, or with a walker in its place;
`RunLog.reference` says which). Person i's displacement d(t) is the way from where they would be to where they are.

First and second order. Let `deaf` be a third world: the robot drives as it did and everybody minds it, but person i
alone neither notices nor can touch it. Then, exactly and for every moment,

    d = (with - deaf) + (deaf - without) = direct + indirect

where `direct` is what the robot's own push on i changed, all else as it was, and `indirect` is what reached i through
others whom the robot had pushed. These are the total direct and the natural indirect effect of Pearl, "Direct and
indirect effects" (2001). The alternative, to put a displacement down to whoever was near at the time, needs two
thresholds and is wrong for someone who walks around a queue that the robot stopped; a third world needs none and
costs one rerun without perception or planning per person. The two parts may point in opposite directions, so their
lengths need not add up to that of d.

Whoever is not there is not disturbed: without people all of these are 0. Without a reference they are NaN.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.log import Metric, RunLog
from sac_son_nav.simulation.counterfactual import AFFECTED, Reference, deaf, twin
from sac_son_nav.simulation.history import History
from sac_son_nav.simulation.scenario import Scenario
from sac_son_nav.simulation.world import DT
from sac_son_nav.states import Floats

AHEAD = 1.0  # [m] of a person's way ahead of where they were a moment before, searched for where they are now
SAME_PLACE = 0.05  # [m]: places on a way nearer than this are one
THIN = 0.02  # [m] between the points of a way among which the nearest is looked for
WINDOW = round(AHEAD / THIN) + 2  # of these points


def with_reference(
    log: RunLog,
    scenario: Scenario,
    robot: RobotProfile,
    seed: int,
    reference: Reference = "absent",
    orders: bool = True,
    humans: str = "social_force",
) -> RunLog:
    """The log of a simulated run with what people would have done under the `reference`, and, with `orders` and where
    the reference is that the robot is absent, what each would have done deaf to it (one world more per person).

    Raises ConfigError for a log that is not of every step of such a run.
    """
    if not np.allclose(log.times, DT * np.arange(len(log)), atol=1e-6):
        raise ConfigError(f"perturbation: expected every step of {DT} s from the start on, got others")
    without, unaware = twin(scenario, robot, seed, len(log) - 1, reference, humans).people, None
    if orders and reference == "absent":
        if not log.robot_known.all():
            raise ConfigError("perturbation: expected a run with the robot in it, got one without")
        run = History(log.times, log.robot_poses, log.robot_velocities, log.people, log.people_velocities)
        unaware = deaf(scenario, robot, [seed], [run], humans)[0]
    return replace(log, without=without, deaf=unaware, reference=reference)


# -- the three displacements ------------------------------------------------------------------------------------


def displacements(log: RunLog) -> Floats | None:
    """Length of d, (T, N) [m]; NaN where a person is not seen; None without a reference."""
    return None if log.without is None else np.asarray(np.linalg.norm(log.people - log.without, axis=-1))


def direct_displacements(log: RunLog) -> Floats | None:
    """Length of the direct part, (T, N) [m]; None without reruns."""
    return None if log.deaf is None else np.asarray(np.linalg.norm(log.people - log.deaf, axis=-1))


def indirect_displacements(log: RunLog) -> Floats | None:
    """Length of the indirect part, (T, N) [m]; None without reruns."""
    if log.deaf is None or log.without is None:
        return None
    return np.asarray(np.linalg.norm(log.deaf - log.without, axis=-1))


def _mean(log: RunLog, apart: Floats | None) -> float:
    """Mean over time and people."""
    if apart is None:
        return np.nan
    if apart.shape[1] == 0:
        return 0.0
    known = np.isfinite(apart)
    weights = np.broadcast_to(log.weights[:, None], apart.shape)[known]
    return float(np.average(apart[known], weights=weights)) if known.any() else np.nan


def _affected_share(apart: Floats | None) -> float:
    """Share of the people who were ever displaced by more than AFFECTED."""
    if apart is None:
        return np.nan
    return float((np.nan_to_num(apart).max(axis=0) > AFFECTED).mean()) if apart.shape[1] else 0.0


def perturbation_mean_m(log: RunLog) -> float:
    """Mean displacement over time and people [m]."""
    return _mean(log, displacements(log))


def perturbation_final_m(log: RunLog) -> float:
    """Displacement at the end of the run, mean over the people seen then [m]."""
    apart = displacements(log)
    if apart is None:
        return np.nan
    last = apart[-1][np.isfinite(apart[-1])]
    return float(last.mean()) if len(last) else (0.0 if apart.shape[1] == 0 else np.nan)


def perturbation_peak_m(log: RunLog) -> float:
    """Each person's largest displacement at any time, mean over people [m]."""
    apart = displacements(log)
    if apart is None:
        return np.nan
    peaks = np.max(apart, axis=0, where=np.isfinite(apart), initial=0.0)
    return float(peaks.mean()) if len(peaks) else 0.0


def perturbation_largest_m(log: RunLog) -> float:
    """Largest displacement of anybody at any time [m]."""
    apart = displacements(log)
    return np.nan if apart is None else float(np.max(apart[np.isfinite(apart)], initial=0.0))


def people_affected_share(log: RunLog) -> float:
    """Share of the people who were ever more than 0.1 m from where they would be."""
    return _affected_share(displacements(log))


def perturbation_direct_m(log: RunLog) -> float:
    """First order: mean over time and people of the part that the robot's own push on the person made [m]."""
    return _mean(log, direct_displacements(log))


def perturbation_indirect_m(log: RunLog) -> float:
    """Second order: mean over time and people of the part that came through others whom the robot pushed [m]."""
    return _mean(log, indirect_displacements(log))


def people_affected_directly_share(log: RunLog) -> float:
    """Share of the people in whom the direct part ever exceeded 0.1 m."""
    return _affected_share(direct_displacements(log))


def people_affected_indirectly_share(log: RunLog) -> float:
    """Share of the people in whom the indirect part ever exceeded 0.1 m."""
    return _affected_share(indirect_displacements(log))


# -- way, time and speed ----------------------------------------------------------------------------------------


def _both(log: RunLog, i: int) -> NDArray[np.bool_]:
    """At which moments it is known where person i is and would be, (T,)."""
    assert log.without is not None
    return np.asarray(np.isfinite(log.people[:, i] + log.without[:, i]).all(axis=-1))


def _steps(places: Floats) -> Floats:
    steps: Floats = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    return steps


def added_path_m(log: RunLog) -> float:
    """How much further people walked than they would have in the same time, mean over people [m]; who was held up
    counts below zero, so read it beside `added_time_s`."""
    if log.without is None:
        return np.nan
    added = [
        float(_steps(log.people[both, i]).sum() - _steps(log.without[both, i]).sum())
        for i in range(len(log.ids))
        if (both := _both(log, i)).any()
    ]
    return float(np.mean(added)) if added else 0.0


def added_time_s(log: RunLog) -> float:
    """How much later people came to the furthest place of their way that they reached in both worlds, mean over people
    [s]. Their way is the one they would have gone; they are where on it they are nearest, never before where they
    were already."""
    if log.without is None:
        return np.nan
    seen = {i: both for i in range(len(log.ids)) if (both := _both(log, i)).any()}
    return float(np.mean(_delays(log, list(seen), list(seen.values())))) if seen else 0.0


def _delays(log: RunLog, rows: list[int], seen: list[NDArray[np.bool_]]) -> Floats:
    """How much later (K,) [s] each of the people `rows` came to the furthest place reached in both worlds; `seen`:
    the moments (T,) at which it is known where each is and would be. All of them are followed together."""
    assert log.without is not None
    would = [log.without[both, i] for i, both in zip(rows, seen, strict=True)]
    arcs = [np.concatenate([[0.0], np.cumsum(_steps(way))]) for way in would]
    thin = [_thinned(arc) for arc in arcs]
    longest = max(map(len, thin)) + WINDOW
    place, along = np.full((len(rows), longest, 2), np.inf), np.full((len(rows), longest), np.inf)
    paths = np.empty((max(int(both.sum()) for both in seen), len(rows), 2))
    for k, (i, both) in enumerate(zip(rows, seen, strict=True)):
        place[k, : len(thin[k])], along[k, : len(thin[k])] = would[k][thin[k]], arcs[k][thin[k]]
        path = log.people[both, i]
        paths[:, k] = np.concatenate([path, np.repeat(path[-1:], len(paths) - len(path), axis=0)])
    person, here = np.arange(len(rows)), np.zeros(len(rows), dtype=np.intp)
    come = np.empty((len(paths), len(rows)))
    for t, now in enumerate(paths):
        ahead = here[:, None] + np.arange(WINDOW)
        x, y = (place[person[:, None], ahead, d] - now[:, d, None] for d in (0, 1))
        near = along[person[:, None], ahead] <= along[person, here][:, None] + AHEAD
        here = here + np.argmin(np.where(near, x * x + y * y, np.inf), axis=1)
        come[t] = along[person, here]
    late = np.empty(len(rows))
    for k, (both, arc) in enumerate(zip(seen, arcs, strict=True)):
        times, reached = log.times[both], come[: int(both.sum()), k]
        furthest = min(reached[-1], arc[-1]) - SAME_PLACE
        late[k] = times[np.argmax(reached >= furthest)] - times[np.argmax(arc >= furthest)]
    return late


def _thinned(arc: Floats) -> NDArray[np.intp]:
    """Which points of a way, by the length (T,) [m] up to each, to keep that none is nearer than THIN to the next."""
    kept, last = [0], arc[0]
    for t in np.flatnonzero(np.diff(arc) > 0.0) + 1:
        if arc[t] - last >= THIN:
            kept.append(int(t))
            last = arc[t]
    return np.array(kept, dtype=np.intp)


def speed_lost_mps(log: RunLog) -> float:
    """By how much people were slower than they would have been at the same moment, mean over time and people [m/s];
    who was faster counts as 0, so that hurrying afterwards makes up for nothing."""
    if log.without is None:
        return np.nan
    if len(log) == 1:
        return np.nan if len(log.ids) else 0.0
    spans = np.diff(log.times)[:, None]
    with_robot, would = (np.linalg.norm(np.diff(p, axis=0), axis=-1) / spans for p in (log.people, log.without))
    lost = np.maximum(would - with_robot, 0.0)
    known = np.isfinite(lost)
    if not known.any():
        return np.nan if len(log.ids) else 0.0
    return float(np.average(lost[known], weights=np.broadcast_to(spans, lost.shape)[known]))


METRICS: tuple[Metric, ...] = (
    perturbation_mean_m,
    perturbation_final_m,
    perturbation_peak_m,
    perturbation_largest_m,
    people_affected_share,
    perturbation_direct_m,
    perturbation_indirect_m,
    people_affected_directly_share,
    people_affected_indirectly_share,
    added_path_m,
    added_time_s,
    speed_lost_mps,
)
