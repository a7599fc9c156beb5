"""People in one laser scan: segments that look like a leg are paired, wider ones may be a trunk or two legs at once.

The features are those of Arras, Mozos and Burgard, "Using boosted features for the detection of people in 2D range
data" (ICRA 2007): width, depth, circularity, convexity, jumps at the sides. Hand-set soft bounds say what may be a
person at all, :mod:`.appearance` how likely it is. What never moves (a table leg) may look the same in one scan;
:mod:`sac_son_nav.perception.tracking` tells it apart by watching.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.appearance import LEARNED, Appearance, in_line
from sac_son_nav.perception.segments import Integers, Segments, segment
from sac_son_nav.states import Floats, Scan


@dataclass(frozen=True)
class DetectorConfig:
    """What passes for a leg, a body and a pair of legs."""

    max_range: float = 10.0  # [m]; farther off a leg gets less than one beam of most lasers
    min_bounds: float = 0.03  # how well the bounds must be kept by a candidate
    min_confidence: float = 0.05  # below which nothing is reported
    jump: float = 0.10  # [m] between neighbouring returns that starts a new segment, at range zero
    jump_growth: float = 0.012  # [m/m] its growth with range: beams diverge
    largest_gap: int = 2  # broken beams a segment may span; dark cloth swallows some
    leg_radius: float = 0.06  # [m] of a shin with trousers; the visible front is this much nearer than its axis
    leg_width_least: float = 0.033  # [m] thinner things are stems and cables; full marks from 2.2 times this
    leg_width: float = 0.25  # [m] widest leg: loose trousers, or two legs almost in line
    leg_depth: float = 0.15  # [m] deepest leg
    body_width: float = 0.65  # [m] widest body: a trunk with arms, or two legs in a stride
    body_depth: float = 0.50  # [m] deepest body
    stride: float = 0.75  # [m] largest distance of a person's two legs
    together: float = 0.40  # [m] distance of two legs up to which pairing them is not doubted
    pair_deviation: float = 0.05  # [m] standard deviation of a pair's middle
    body_deviation: float = 0.07  # [m] of a body's middle
    lone_deviation: float = 0.15  # [m] of a person from one leg: half a stride
    deviation_growth: float = 0.008  # [m/m] of all of these with range

    def __post_init__(self) -> None:
        for name in (
            "max_range",
            "jump",
            "leg_radius",
            "leg_width",
            "leg_depth",
            "body_width",
            "body_depth",
            "stride",
        ):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected metres above zero, got {getattr(self, name)}")
        for name in ("pair_deviation", "body_deviation", "lone_deviation"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected metres above zero, got {getattr(self, name)}")
        for name in ("min_confidence", "min_bounds"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name}: expected a number between 0 and 1, got {getattr(self, name)}")
        for name in ("jump_growth", "deviation_growth", "largest_gap"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}: expected zero or more, got {getattr(self, name)}")
        if not self.leg_width < self.body_width:
            raise ConfigError(f"leg_width: expected less than body_width {self.body_width}, got {self.leg_width}")
        if not self.together <= self.stride:
            raise ConfigError(f"together: expected at most stride {self.stride}, got {self.together}")


@dataclass(frozen=True)
class Detections:
    """What may be people at one moment; row i of every array is one of them.

    positions (N, 2) [m] in `frame`; covariances (N, 2, 2) [m^2]; confidences (N,) in [0, 1]. Where the past is
    known, walked_in (N,) in [0, 1] says how surely the place was seen empty before (somebody came), furniture (N,)
    how surely something stood there all the time; None where nobody looked. ground (N,) in [-1, 1] is what a map
    says of the place (:meth:`.static_map.StaticMap.ground`), None without one. `frame_fixed`: whether the frame is
    fixed, so that motion in it says something.
    """

    stamp_s: float
    frame: str
    positions: Floats
    covariances: Floats
    confidences: Floats
    walked_in: Floats | None = None
    furniture: Floats | None = None
    ground: Floats | None = None
    frame_fixed: bool = True

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Candidates:
    """What passes the bounds in one scan, row i of every array one of them: places (N, 2) [m] in the laser's frame,
    standard deviations (N,) [m] of them, bounds (N,) in (0, 1] how well the bounds are kept, features (N, F) for
    :class:`.appearance.Appearance`."""

    places: Floats
    deviations: Floats
    bounds: Floats
    features: Floats


def detect_people(scan: Scan, config: DetectorConfig, appearance: Appearance = LEARNED) -> Detections:
    """Who may be there, in the laser's frame. Broken and empty scans have nobody in them; nothing is raised."""
    candidates = find_candidates(scan, config)
    likely = appearance.probabilities(candidates.features)
    sure = likely >= config.min_confidence
    covariances = candidates.deviations[sure, None, None] ** 2 * np.eye(2)
    return Detections(scan.stamp_s, scan.frame, candidates.places[sure], covariances, likely[sure])


def find_candidates(scan: Scan, config: DetectorConfig) -> Candidates:
    """What may be a person: pairs of legs first, then bodies, then legs without a second one."""
    segments = segment(scan, config.jump, config.jump_growth, config.largest_gap)
    near = segments.ranges < config.max_range
    legs = np.where(near, leg_scores(segments, config), 0.0)
    bodies = np.where(near, body_scores(segments, config), 0.0)
    is_leg = (legs > 0.05) & (legs >= bodies)
    leg_rows, body_rows = np.flatnonzero(is_leg), np.flatnonzero((bodies > 0.05) & ~is_leg)
    leg_places, body_places = _axes(segments, config)[leg_rows], _middles(segments)[body_rows]
    free = _not_part_of(leg_places, body_places, bodies[body_rows])
    leg_rows, leg_places = leg_rows[free], leg_places[free]
    first, second, certainty = _pairs(leg_places, legs[leg_rows], config)
    alone = np.setdiff1d(np.arange(len(leg_rows)), np.concatenate([first, second]))

    places = np.concatenate([0.5 * (leg_places[first] + leg_places[second]), body_places, leg_places[alone]])
    bounds = np.concatenate([certainty, bodies[body_rows], legs[leg_rows[alone]]])
    kinds = np.repeat(np.arange(3), [len(first), len(body_rows), len(alone)])
    deviations = np.array([config.pair_deviation, config.body_deviation, config.lone_deviation])[kinds]
    one = np.concatenate([leg_rows[first], body_rows, leg_rows[alone]])
    other = np.concatenate([leg_rows[second], body_rows, leg_rows[alone]])
    apart = np.zeros(len(places))
    apart[: len(first)] = np.linalg.norm(leg_places[first] - leg_places[second], axis=-1)
    features = _features(segments, kinds, one, other, abs(scan.angle_increment))
    features[:, 0], features[:, 6] = np.log(np.maximum(bounds, 0.03)), apart
    features[:, -1] = in_line(places, scan.points(), scan.angle_increment)
    ranges = np.linalg.norm(places, axis=-1)
    kept = bounds >= config.min_bounds
    return Candidates(
        places[kept], (deviations + config.deviation_growth * ranges)[kept], bounds[kept], features[kept]
    )


def _features(segments: Segments, kinds: Integers, one: Integers, other: Integers, increment: float) -> Floats:
    """(N, F) in the order of FEATURES but for those that are no matter of the segments; rows `one` and `other` (N,)
    of the segments are each candidate's two legs, or twice the same. `increment` [rad] from beam to beam."""
    width = segments.chords + segments.spacings
    roundness = segments.bulges / np.maximum(width, 1e-6)
    angles = np.log(np.maximum(segments.counts * increment, 1e-6))
    free, nothing = segments.free_edges.sum(axis=-1), np.zeros(len(kinds))

    def both(values: Floats) -> tuple[Floats, Floats]:
        return np.minimum(values[one], values[other]), np.maximum(values[one], values[other])

    columns = [
        nothing,
        *(kinds == kind for kind in range(3)),
        *both(width),
        nothing,
        both(segments.depths)[1],
        *both(roundness),
        both(segments.thicknesses)[1],
        *both(angles),
        *both(free),
        nothing,
    ]
    return np.stack(columns, axis=-1).astype(np.float64)


def leg_scores(segments: Segments, config: DetectorConfig) -> Floats:
    """How much each segment looks like one leg, (S,) in [0, 1]."""
    # A thing of width w is met by w / spacing beams: its chord falls short of w by one spacing on average.
    width = segments.chords + segments.spacings
    wide = _falls(segments.chords, config.leg_width, 1.4 * config.leg_width)
    thin = _rises(width, config.leg_width_least, 2.2 * config.leg_width_least)
    deep = _falls(segments.depths, config.leg_depth, 1.7 * config.leg_depth)
    # The mean distance of a half circle from its chord is pi/8 of its width. Few returns can't tell.
    convex = np.clip(0.5 + 2.0 * segments.bulges / np.maximum(width, 1e-6), 0.2, 1.0)
    round_ = np.where(segments.counts >= 5, convex, 0.9)
    few = np.select([segments.counts == 1, segments.counts == 2], [0.5, 0.85], 1.0)
    return wide * thin * deep * round_ * few * _standing_free(segments)


def body_scores(segments: Segments, config: DetectorConfig) -> Floats:
    """How much each segment looks like a trunk or two legs at once, (S,) in [0, 1]."""
    wide = _falls(segments.chords, config.body_width, 1.3 * config.body_width)
    thin = _rises(segments.chords, 0.7 * config.leg_width, 1.1 * config.leg_width)
    deep = _falls(segments.depths, config.body_depth, 1.3 * config.body_depth)
    # Boards and boxes are flat; two legs or a trunk are not.
    flat = _rises(segments.thicknesses, 0.012, 0.03)
    concave = np.where(segments.bulges < -0.15 * segments.chords, 0.3, 1.0)
    few = _rises(segments.counts.astype(np.float64), 2.0, 5.0)
    return wide * thin * deep * flat * concave * few * _standing_free(segments)


def _standing_free(segments: Segments) -> Floats:
    """1 for what stands before its surroundings; near 0 for what is seen through a gap between nearer things."""
    sides = segments.free_edges.sum(axis=-1)
    return np.interp(sides, [0.0, 0.5, 1.0, 1.5, 2.0], [0.05, 0.2, 0.6, 0.8, 1.0])


def _rises(values: Floats, zero: float, one: float) -> Floats:
    return np.clip((values - zero) / (one - zero), 0.0, 1.0)


def _falls(values: Floats, one: float, zero: float) -> Floats:
    return 1.0 - _rises(values, one, zero)


def _axes(segments: Segments, config: DetectorConfig) -> Floats:
    """The legs' axes (S, 2): the visible half circle's mean lies pi/4 of the radius before them."""
    direction = segments.centres / np.maximum(segments.ranges, 1e-9)[:, None]
    return segments.centres + 0.25 * np.pi * config.leg_radius * direction


def _middles(segments: Segments) -> Floats:
    """The bodies' middles (S, 2): behind the mean of the visible front by about a leg's radius."""
    direction = segments.centres / np.maximum(segments.ranges, 1e-9)[:, None]
    return segments.centres + 0.06 * direction


def _not_part_of(places: Floats, bodies: Floats, marks: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which legs (L,) are no scrap of a likely body (an arm, a foot, a bag)."""
    sure = bodies[marks > 0.5]
    if len(sure) == 0 or len(places) == 0:
        return np.ones(len(places), dtype=np.bool_)
    distance = np.linalg.norm(places[:, None] - sure[None], axis=-1)
    return np.asarray(distance.min(axis=1) > 0.45)


def _pairs(
    places: Floats, marks: Floats, config: DetectorConfig
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], np.ndarray[tuple[int, ...], np.dtype[np.intp]], Floats]:
    """Legs that belong together: row numbers of the first and of the second leg, and how sure that is, each (P,).

    The surest pairs are taken first; each leg has one partner at most.
    """
    count = len(places)
    nobody = np.zeros(0, dtype=np.intp)
    if count < 2:
        return nobody, nobody, np.zeros(0)
    one, other = np.triu_indices(count, 1)
    distance = np.linalg.norm(places[one] - places[other], axis=-1)
    close = distance < config.stride
    one, other, distance = one[close], other[close], distance[close]
    likely = 1.0 - 0.5 * _rises(distance, config.together, config.stride)
    # Both legs must be legs: the worse one decides more than the better one.
    certainty = likely * np.sqrt(marks[one] * marks[other])
    taken = np.zeros(count, dtype=np.bool_)
    chosen = []
    for k in np.argsort(distance - 0.2 * certainty):
        if not (taken[one[k]] or taken[other[k]]):
            taken[one[k]] = taken[other[k]] = True
            chosen.append(k)
    picked = np.array(chosen, dtype=np.intp)
    return one[picked], other[picked], certainty[picked]
