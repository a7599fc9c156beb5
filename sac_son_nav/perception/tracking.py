"""People followed through time: one constant-velocity Kalman filter each, joined to detections by the cheapest
assignment (Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001: the
white-noise acceleration model of section 6.2.2, the gate of 3.5.4).

Who counts as a person is a second question. A track is told once it has had several hits. Its confidence is what its
detections have looked like, and much doubt of that is taken back by having walked, over floor that was seen empty
before: a table leg never does, nor does a joint of a wall that seems to slide along as the robot drives by. Who has
walked and then stands still keeps what they earned; who has not is told while they look like a person.

Shapes: T tracks, N detections. Frame fixed, SI units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.scan_people import Detections
from sac_son_nav.states import Floats, Tracks

Integers = NDArray[np.intp]
Look = Callable[[Floats], NDArray[np.bool_]]
_FORBIDDEN = 1e6
_LEARNING = 0.3  # of a new look's part in the running mean of what stood in a track's places
_AROUND = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


@dataclass(frozen=True)
class TrackerConfig:
    """How people move, and when to believe that there is one."""

    acceleration: float = 0.35  # [m^2/s^3] spectral density of the white-noise acceleration
    initial_speed: float = 0.9  # [m/s] standard deviation of a new track's velocity, per axis
    gate: float = 9.21  # largest squared Mahalanobis distance of a match: 99 % of a chi-square with two degrees
    reach: float = 0.9  # [m] largest distance of a match
    confirm_hits: int = 3  # detections before a track is told
    birth_distance: float = 0.45  # [m] from a confirmed track within which nobody new appears: it is their other leg
    patience: float = 1.0  # [s] without a detection, after which somebody hidden from sight is given up
    patience_new: float = 0.45  # [s] for somebody not told yet, or missing from a place that is seen to be empty
    stance: float = 0.3  # [m] around the middle within which a person's legs are
    memory: float = 1.0  # [s] time constant of the running confidence
    walking_speed: float = 0.3  # [m/s] above which a track is not matched to what has stood there all the time
    walked_distance: tuple[float, float] = (0.25, 0.6)  # [m] from the trail, between which it is believed to walk
    trail_time: float = 3.0  # [s] by which the trail follows: 0.08 m/s of drift stays at the first distance
    walking_benefit: float = 0.4  # share of the doubt (the logarithm of its looks) that having walked takes back
    furniture_doubt: float = 0.4  # share of its looks taken from what never walked and stood there all the time
    floor_odds: float = 4.0  # by which the odds that its looks give are multiplied on a map's open floor
    wall_doubt: float = 0.65  # share of its looks taken from what never walked and stands at a map's wall
    min_confidence: float = 0.35  # below which a track is not told
    latest: float = 0.5  # [s] by which another sensor's detections may be older or newer than the tracks
    longest_gap: float = 2.0  # [s] between two updates, after which everybody is forgotten
    reset_after: float = 1.0  # [s] of a stamp's falling back that mean a clock set back, not a late scan

    def __post_init__(self) -> None:
        for name in (
            "acceleration",
            "initial_speed",
            "gate",
            "reach",
            "patience",
            "patience_new",
            "memory",
            "walking_speed",
            "trail_time",
            "stance",
            "latest",
            "longest_gap",
            "reset_after",
        ):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected a number above zero, got {getattr(self, name)}")
        for name in ("walking_benefit", "furniture_doubt", "wall_doubt", "min_confidence"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name}: expected a number between 0 and 1, got {getattr(self, name)}")
        if len(self.walked_distance) != 2 or not 0.0 <= self.walked_distance[0] < self.walked_distance[1]:
            raise ConfigError(f"walked_distance: expected two rising distances, got {self.walked_distance}")
        if self.confirm_hits < 1:
            raise ConfigError(f"confirm_hits: expected one or more, got {self.confirm_hits}")
        if not 1.0 <= self.floor_odds < np.inf:
            raise ConfigError(f"floor_odds: expected a number of one or more, got {self.floor_odds}")
        if self.birth_distance < 0.0:
            raise ConfigError(f"birth_distance: expected metres of zero or more, got {self.birth_distance}")


@dataclass
class _Person:
    """One track. state (4,) x, y, vx, vy; covariance (4, 4)."""

    id: int
    state: Floats
    covariance: Floats
    trail: Floats  # (2,) where it was: follows with `trail_time`, so a steady walker is that far ahead
    shape: float  # running mean of its detections' confidences
    presence: float  # running share of scans in which it was detected
    seen_s: float  # stamp of the last detection
    hits: int = 1
    came: float = 0.0  # how surely they now stand on floor that had been seen empty, in [0, 1]
    furniture: float = 0.0  # running mean of how surely something stood in their places all the time
    ground: float = 0.0  # running mean of what a map says of their places: 1 open floor, -1 a wall, 0 nothing
    absent: bool = False  # whether the place where it should be is seen to be empty
    walked: float = 0.0  # how surely they have walked, in [0, 1]; never falls


class Tracker:
    """Follows people through detections in one fixed frame."""

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self.config = config or TrackerConfig()
        self._people: list[_Person] = []
        self._next_id = 1
        self._stamp_s = float("-inf")
        self._elapsed = 0.0
        self._frame = ""
        self._frame_fixed = True

    def update(self, detections: Detections, empty_now: Look | None = None) -> Tracks:
        """Everybody at the detections' stamp. `empty_now` tells which places (N, 2) [m] in the detections' frame are
        seen to be empty at that moment, (N,).

        A stamp that repeats or falls back a little changes nothing: the tracks of the newest stamp come again. One
        that falls back by more than `reset_after`, leaps ahead by more than `longest_gap`, or comes in another frame
        starts anew. Ids are never used again, not even then.
        """
        elapsed = detections.stamp_s - self._stamp_s
        if detections.frame != self._frame or elapsed < -self.config.reset_after or elapsed > self.config.longest_gap:
            self._people, self._frame = [], detections.frame
        elif elapsed <= 0.0:
            return self._told()
        else:
            self._predict(elapsed)
        self._stamp_s, self._elapsed = detections.stamp_s, elapsed
        self._frame_fixed = detections.frame_fixed
        if detections.ground is None:
            for person in self._people:
                person.ground = 0.0  # what the map said before is not known to hold any more
        left = self._assign(detections)
        self._watch(empty_now)
        self._forget(elapsed)
        self._bear(detections, left)
        return self._told()

    def hear(self, detections: Detections) -> Tracks:
        """What another sensor saw (a camera), in the same frame, up to `latest` before or after the tracks' stamp.

        Each detection is compared with where its track was, or will be, at the detection's own stamp, so it does not
        matter which sensor's message comes first. The tracks stay those of their stamp; who is not among the
        detections is not missed, for the sensor may look elsewhere. Detections in another frame, too old or too new
        change nothing.
        """
        ahead = detections.stamp_s - self._stamp_s
        if detections.frame != self._frame or not abs(ahead) <= self.config.latest:
            return self._told()
        elapsed, self._elapsed = self._elapsed, self.config.memory * _LEARNING
        self._bear(detections, self._assign(detections, ahead))
        self._elapsed = elapsed
        return self._told()

    # -- the parts of an update ---------------------------------------------------------------------------------

    def _predict(self, dt: float) -> None:
        transition = np.eye(4)
        transition[0, 2] = transition[1, 3] = dt
        q = self.config.acceleration
        noise = q * np.kron(np.array([[dt**3 / 3.0, dt**2 / 2.0], [dt**2 / 2.0, dt]]), np.eye(2))
        for person in self._people:
            person.state = transition @ person.state
            person.covariance = transition @ person.covariance @ transition.T + noise

    def _assign(self, detections: Detections, ahead: float = 0.0) -> Integers:
        """Give each track its detection, those told already first; what is left over, as row numbers. The detections
        were made `ahead` [s] of the tracks."""
        left = np.arange(len(detections))
        told = [p for p in self._people if self._confirmed(p)]
        rest = [p for p in self._people if not self._confirmed(p)]
        for people in (told, rest):
            if len(people) and len(left):
                costs = self._costs(people, detections, left, ahead)
                rows, columns = linear_sum_assignment(costs)
                good = costs[rows, columns] < _FORBIDDEN
                for row, column in zip(rows[good], columns[good], strict=True):
                    self._correct(people[row], detections, int(left[column]), ahead)
                left = np.setdiff1d(left, left[columns[good]])
        return left

    def _costs(self, people: list[_Person], detections: Detections, left: Integers, ahead: float) -> Floats:
        """(T, N) squared Mahalanobis distance plus log determinant; forbidden beyond gate or reach."""
        states = np.stack([p.state for p in people])
        seen = _seen_ahead(ahead)
        spread = seen @ np.stack([p.covariance for p in people]) @ seen.T
        spread = spread[:, None] + detections.covariances[left][None]
        offset = detections.positions[left][None] - (states @ seen.T)[:, None]
        a, b, d = spread[..., 0, 0], spread[..., 0, 1], spread[..., 1, 1]
        determinant = a * d - b * b
        x, y = offset[..., 0], offset[..., 1]
        squared = (d * x * x - 2.0 * b * x * y + a * y * y) / determinant
        if detections.furniture is not None and self._frame_fixed:
            # Who walks out of sight must not cling to the door post: that has stood there all the time.
            walking = np.hypot(states[:, 2], states[:, 3]) > self.config.walking_speed
            squared = squared + self.config.gate * walking[:, None] * detections.furniture[left]
        far = (squared > self.config.gate) | (x * x + y * y > self.config.reach**2)
        # A likelier person is preferred.
        costs = squared + np.log(determinant) - 2.0 * np.log(np.maximum(detections.confidences[left], 0.05))
        # The assignment wants a match of any finite cost rather than none: costs only have to order them.
        return np.where(far, _FORBIDDEN, np.clip(costs, -100.0, 100.0))

    def _correct(self, person: _Person, detections: Detections, row: int, ahead: float) -> None:
        seen = _seen_ahead(ahead)
        gain_of = person.covariance @ seen.T  # (4, 2)
        innovation = seen @ gain_of + detections.covariances[row]
        gain = np.linalg.solve(innovation, gain_of.T).T
        person.state = person.state + gain @ (detections.positions[row] - seen @ person.state)
        keep = np.eye(4) - gain @ seen
        # Joseph's form stays symmetric and positive.
        person.covariance = keep @ person.covariance @ keep.T + gain @ detections.covariances[row] @ gain.T
        share = self._fading(self._elapsed)
        person.shape += share * (float(detections.confidences[row]) - person.shape)
        person.presence += share * (1.0 - person.presence)
        person.hits += 1
        person.seen_s = self._stamp_s
        if detections.walked_in is None or detections.furniture is None:
            person.came = 1.0  # nothing is known of the past
        else:
            stood = float(detections.furniture[row])
            person.came = float(detections.walked_in[row]) * (1.0 - stood)
            person.furniture += _LEARNING * (stood - person.furniture)
        if detections.ground is not None:
            person.ground += _LEARNING * (float(detections.ground[row]) - person.ground)

    def _watch(self, empty_now: Look | None) -> None:
        """Who has come far enough in the last few seconds has walked, if they came onto empty floor or left some, and
        not through places in which something has stood all the time.

        Slower drift is the odometry's. Who is missing from a place that is seen to be empty is not hidden but gone.
        """
        if not self._people:
            return
        behind = np.stack([p.trail for p in self._people])
        around = np.stack([p.state[:2] for p in self._people])[:, None] + self.config.stance * _AROUND  # (T, 5, 2)
        places = np.concatenate([behind, around.reshape(-1, 2)])
        empty = np.zeros(len(places), dtype=np.bool_) if empty_now is None else empty_now(places)
        vacant, gone = empty[: len(behind)], np.all(empty[len(behind) :].reshape(-1, len(_AROUND)), axis=1)
        near, far = self.config.walked_distance
        lag = 1.0 - float(np.exp(-max(self._elapsed, 0.0) / self.config.trail_time))
        for person, vacated, absent in zip(self._people, vacant, gone, strict=True):
            person.absent = bool(absent)
            if person.seen_s == self._stamp_s and self._frame_fixed:
                way = (float(np.linalg.norm(person.state[:2] - person.trail)) - near) / (far - near)
                sure = (1.0 if vacated else person.came) * (1.0 - person.furniture)
                person.walked = max(person.walked, min(way, 1.0) * sure)
            person.trail = person.trail + lag * (person.state[:2] - person.trail)

    def _fading(self, elapsed: float) -> float:
        return 1.0 - float(np.exp(-max(elapsed, 0.0) / self.config.memory))

    def _forget(self, elapsed: float) -> None:
        """Whoever has not been seen for too long is gone."""
        kept = []
        for person in self._people:
            missing = self._stamp_s - person.seen_s
            if missing > 0.0:
                person.presence *= 1.0 - self._fading(elapsed)
            known = self._is_told(person) and not person.absent
            if missing <= (self.config.patience if known else self.config.patience_new):
                kept.append(person)
        self._people = kept

    def _bear(self, detections: Detections, left: Integers) -> None:
        """New tracks from the detections that are left, but not beside somebody who is known."""
        known = np.array([p.state[:2] for p in self._people if self._confirmed(p)]).reshape(-1, 2)
        for row in left:
            place = detections.positions[row]
            if len(known) and np.min(np.linalg.norm(known - place, axis=-1)) < self.config.birth_distance:
                continue
            covariance = np.zeros((4, 4))
            covariance[:2, :2] = detections.covariances[row]
            covariance[2, 2] = covariance[3, 3] = self.config.initial_speed**2
            state = np.array([place[0], place[1], 0.0, 0.0])
            shape = float(detections.confidences[row])
            born = _Person(self._next_id, state, covariance, place.copy(), shape, 1.0, self._stamp_s)
            born.ground = 0.0 if detections.ground is None else float(detections.ground[row])
            self._people.append(born)
            self._next_id += 1

    def _confirmed(self, person: _Person) -> bool:
        """Whether there have been enough hits: one less will do for whoever has been seen to walk."""
        return person.hits + (person.walked > 0.5) >= self.config.confirm_hits

    def _is_told(self, person: _Person) -> bool:
        return self._confirmed(person) and self._confidence(person) >= self.config.min_confidence

    def _confidence(self, person: _Person) -> float:
        """Looks, raised to a power below one for whoever has walked: 0.3 becomes 0.49, 0.1 becomes 0.25, and 0.9
        hardly changes. A track that is often missed is believed less, and so is what never walked in a place where
        something has stood all the time, unless a map says that this is open floor, where the odds grow instead, or
        what stands at a map's wall. Where the frame is not fixed nobody can be seen to walk, and looks have to do."""
        looks = max(person.shape, 1e-3)
        floor, wall = max(person.ground, 0.0), max(-person.ground, 0.0)
        if floor > 0.0:
            odds = looks * self.config.floor_odds**floor
            looks = odds / (odds + 1.0 - looks)
        looks = looks ** (1.0 - self.config.walking_benefit * person.walked)
        if self._frame_fixed:
            stood = person.furniture * (1.0 - floor)
            looks *= 1.0 - self.config.furniture_doubt * stood * (1.0 - person.walked)
            looks *= 1.0 - self.config.wall_doubt * wall * (1.0 - person.walked)
        return float(np.clip(looks * person.presence, 0.0, 1.0))

    def _told(self) -> Tracks:
        """Tracks with enough hits and enough confidence. Whoever has not been seen to walk is told to stand, as far as
        that is unsure: a new track's velocity is mostly noise, and people who only seem to walk do harm."""
        people = [p for p in self._people if self._is_told(p)]
        if not people:
            return Tracks.empty(self._stamp_s, self._frame)
        states = np.stack([p.state for p in people])
        moving = np.array([p.walked if self._frame_fixed else 1.0 for p in people])
        return Tracks(
            self._stamp_s,
            self._frame,
            np.array([p.id for p in people], dtype=np.int64),
            states[:, :2].copy(),
            moving[:, None] * states[:, 2:],
            np.stack([p.covariance for p in people]),
            np.array([self._confidence(p) for p in people]),
        )


def _seen_ahead(ahead: float) -> Floats:
    """(2, 4): from a state to the position `ahead` [s] of it."""
    return np.array([[1.0, 0.0, ahead, 0.0], [0.0, 1.0, 0.0, ahead]])
