"""What every metric reads: one run of one robot among people, simulated or recorded, in one form.

A metric sees a :class:`RunLog` and nothing else, so the same number can be had of the embedded simulator, of a
replayed recording and of a table written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import RobotProfile
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.geodesic import Ways
from sac_son_nav.geometry import unwrap_towards
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.simulation.history import Contact, History
from sac_son_nav.simulation.scenario import Scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Floats

LONGEST_GAP = 0.5  # [s] between two samples that one sample may stand for, or be drawn across


@dataclass(frozen=True)
class OSpace:
    """The room that a standing group keeps free between its members (Kendon, "Conducting interaction", 1990): a disc
    round `centre` (2,) [m], frame of the log, from `from_s` to `to_s` [s]."""

    centre: tuple[float, float]
    radius: float  # [m]
    from_s: float = -np.inf
    to_s: float = np.inf

    def __post_init__(self) -> None:
        if not self.radius > 0.0:
            raise ConfigError(f"o-space radius: expected metres above zero, got {self.radius}")

    @staticmethod
    def between(positions: Floats, headings: Floats, radii: Floats, reach: float = 0.75) -> OSpace:
        """The o-space of people at `positions` (M, 2) [m] who face along `headings` (M,) [rad], M >= 2: round the mean
        of the places `reach` [m] before each, as far as the nearest body (`radii` (M,) [m]).

        Of people who stand on a circle and face its middle that is the middle, whatever the reach.
        Raises ConfigError when a body covers the centre: such people do not stand round anything.
        """
        if len(positions) < 2:
            raise ConfigError(f"o-space: expected two people or more, got {len(positions)}")
        ahead = positions + reach * np.stack([np.cos(headings), np.sin(headings)], axis=-1)
        centre = ahead.mean(axis=0)
        radius = float(np.min(np.linalg.norm(positions - centre, axis=-1) - radii))
        return OSpace((float(centre[0]), float(centre[1])), radius)


@dataclass(frozen=True)
class RunLog:
    """A run: T moments, N people, one frame (of `floor`, where there is one), SI units.

    times (T,) [s], rising; robot_poses (T, 3) [m, m, rad] and robot_velocities (T, 2) [m/s, rad/s], NaN where they
    are unknown; people, people_velocities (T, N, 2) [m], [m/s], NaN where a person is not seen; ids (N,) and body
    radii (N,) [m] of the people; robot_radius [m]. All else is optional, and metrics that need it are NaN without:

    goal (2,) or (3,) [m], counted as reached within goal_tolerance [m] and before time_limit [s] is over;
    contacts: what the robot touched, None when nobody knows; floor: the plan; groups: who stands talking;
    without (T, N, 2) [m]: the same people under the `reference` behaviour of the robot; deaf (T, N, 2) [m]: each
    person as they would go if they alone did not notice the robot (see :mod:`.perturbation`).

    `frame_moves`: the frame rides on the robot (a recording without odometry), so distances are true and the robot's
    own motion is unknown.
    """

    times: Floats
    robot_poses: Floats
    robot_velocities: Floats
    people: Floats
    people_velocities: Floats
    ids: NDArray[np.int64]
    radii: Floats
    robot_radius: float
    goal: Floats | None = None
    goal_tolerance: float = 0.3
    time_limit: float | None = None
    contacts: tuple[Contact, ...] | None = None
    floor: OccupancyMap | None = None
    groups: tuple[OSpace, ...] = ()
    without: Floats | None = None
    deaf: Floats | None = None
    reference: str = "absent"
    frame_moves: bool = False
    known_ways: Ways | None = None  # over `floor`, for who has many logs of one floor

    def __post_init__(self) -> None:
        moments, people = len(self.times), len(self.ids)
        if moments == 0:
            raise ConfigError("run log: expected one moment or more, got none")
        if not (np.all(np.isfinite(self.times)) and np.all(np.diff(self.times) > 0.0)):
            raise ConfigError("run log times: expected finite seconds that rise, got others")
        shapes: dict[str, tuple[int, ...]] = {
            "times": (moments,),
            "robot_poses": (moments, 3),
            "robot_velocities": (moments, 2),
            "people": (moments, people, 2),
            "people_velocities": (moments, people, 2),
            "radii": (people,),
            "without": (moments, people, 2),
            "deaf": (moments, people, 2),
        }
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and np.shape(value) != shape:
                raise ConfigError(f"run log {name}: expected the shape {shape}, got {np.shape(value)}")

    def __len__(self) -> int:
        return len(self.times)

    def row_of(self, person: int) -> int:
        """Which of the N people has this id; raises ConfigError when nobody has."""
        rows = np.flatnonzero(self.ids == person)
        if len(rows) != 1:
            raise ConfigError(f"run log: expected a person with the id {person}, got {self.ids.tolist()}")
        return int(rows[0])

    @cached_property
    def weights(self) -> Floats:
        """How much time each sample stands for, (T,) [s]: half the way to its neighbours, over gaps longer than
        LONGEST_GAP only half of that. A log of one sample weighs 1."""
        if len(self) == 1:
            return np.ones(1)
        half = 0.5 * np.minimum(np.diff(self.times), LONGEST_GAP)
        return np.concatenate([half, [0.0]]) + np.concatenate([[0.0], half])

    @cached_property
    def robot_known(self) -> NDArray[np.bool_]:
        """At which moments it is known where the robot is, (T,)."""
        return np.asarray(np.isfinite(self.robot_poses).all(axis=-1))

    @cached_property
    def distances(self) -> Floats:
        """From the robot's centre to each person's, (T, N) [m]; NaN where either is unknown."""
        apart: Floats = np.linalg.norm(self.people - self.robot_poses[:, None, :2], axis=-1)
        return apart

    @cached_property
    def gaps(self) -> Floats:
        """From the robot's surface to each person's, (T, N) [m], negative where they overlap."""
        gaps: Floats = self.distances - self.radii - self.robot_radius
        return gaps

    @cached_property
    def ways(self) -> Ways | None:
        """Shortest ways of the robot over the floor plan; None without one."""
        return self.known_ways or (None if self.floor is None else Ways(self.floor, self.robot_radius))

    def nearest(self, distances: Floats) -> Floats:
        """Least of the distances (T, N) at each moment, (T,): inf while nobody is seen, NaN while the robot's place is
        unknown."""
        least = np.min(np.where(np.isnan(distances), np.inf, distances), axis=1, initial=np.inf)
        return np.where(self.robot_known, least, np.nan)

    def resampled(self, step_s: float) -> RunLog:
        """The same run at even steps from its first moment on, drawn straight between samples at most LONGEST_GAP
        apart; in longer gaps things are unknown."""
        count = int(np.floor((self.times[-1] - self.times[0]) / step_s + 1e-6)) + 1
        times = self.times[0] + step_s * np.arange(count)

        def at(values: Floats) -> Floats:
            flat = values.reshape(len(self), -1)
            columns = [_interpolate(times, self.times, column) for column in flat.T]
            return np.stack(columns, axis=-1).reshape(count, *values.shape[1:]) if columns else np.zeros((count, 0, 2))

        poses = self.robot_poses.copy()
        known = np.flatnonzero(self.robot_known)
        for before, here in pairwise(known):
            poses[here] = unwrap_towards(poses[before], poses[here])
        return replace(
            self,
            times=times,
            robot_poses=at(poses),
            robot_velocities=at(self.robot_velocities),
            people=at(self.people),
            people_velocities=at(self.people_velocities),
            without=None if self.without is None else at(self.without),
            deaf=None if self.deaf is None else at(self.deaf),
        )


def _interpolate(wanted: Floats, times: Floats, values: Floats) -> Floats:
    """Values (W,) at the wanted times; NaN where the known neighbours are further apart than LONGEST_GAP."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(wanted), np.nan)
    stamps, values = times[known], values[known]
    after = np.clip(np.searchsorted(stamps, wanted - 1e-9), 0, len(stamps) - 1)
    before = np.maximum(after - 1, 0)
    hit = np.abs(stamps[after] - wanted) < 1e-6
    inside = (wanted > stamps[0]) & (wanted < stamps[-1]) & (stamps[after] - stamps[before] <= LONGEST_GAP + 1e-9)
    drawn = np.interp(wanted, stamps, values)
    return np.where(hit, values[after], np.where(inside, drawn, np.nan))


def from_history(
    history: History,
    scenario: Scenario,
    robot: RobotProfile,
    radii: Floats,
    contacts: tuple[Contact, ...] | None = None,
) -> RunLog:
    """The log of a simulated run; frame map. `radii` (N,) [m] of the people's bodies; `contacts` None: they are found
    from how near people and walls came."""
    return RunLog(
        times=history.times,
        robot_poses=history.robot_poses,
        robot_velocities=history.robot_velocities,
        people=history.people,
        people_velocities=history.people_velocities,
        ids=np.arange(len(radii), dtype=np.int64),
        radii=radii,
        robot_radius=robot.radius,
        goal=scenario.robot_goal,
        goal_tolerance=scenario.robot.tolerance,
        time_limit=scenario.time_limit,
        contacts=contacts,
        floor=scenario.floor,
    )


def from_simulator(world: Simulator) -> RunLog:
    """The log of the run that `world` has had so far."""
    radii = np.asarray(world.crowd.radii, dtype=np.float64)
    return from_history(world.history, world.scenario, world.profile, radii, tuple(world.contacts))


Metric = Callable[[RunLog], float]
"""One number of a run; NaN where the log does not say enough."""
