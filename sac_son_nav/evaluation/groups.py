"""How well walking groups are found among the annotated people of ETH and UCY.

A recording is played to :class:`.perception.groups.GroupTracker` moment by moment, as a robot would see it, only
without misses. Two figures, both of all that it said at the end of each pair's common time:

* pairs: F1 over pairs of people, against all pairs of which a line of ``groups.txt`` holds both;
* groups: F1 over groups. Companions joined by chains make groups; one is right if it matches an annotated one with
  members in common of at least `LEAST_SHARE` of the union (intersection over union, as in Solera, Calderara and
  Cucchiara, "Socially constrained structural learning for groups detection in crowd", TPAMI 2016, who ask for 2/3).

And per moment: F1 over the pairs in sight, by the groups told at that moment.

The shipped weights are fitted to all places, so what they reach there says little; each place's figures are those of
weights fitted to the four others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sac_son_nav.datasets.pedestrians import STEP, PedestrianRecording, read_recording
from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.groups import NOBODY, GroupConfig, GroupTracker, PairHistory, components, odds
from sac_son_nav.states import Floats, Tracks

LEAST_SHARE = 2.0 / 3.0
PLACES = ("zara01", "zara02", "students03", "seq_eth", "seq_hotel")
_RIDGE = 0.1
_ROUNDS = 40


@dataclass(frozen=True)
class Played:
    """What a recording shows: histories of pairs that came near each other, all annotated pairs and groups, and for
    each moment true positives, told and annotated pairs."""

    name: str
    histories: dict[tuple[int, int], PairHistory]
    pairs: frozenset[tuple[int, int]]
    groups: tuple[frozenset[int], ...]
    moments: tuple[int, int, int]


def play(recording: PedestrianRecording, config: GroupConfig | None = None) -> Played:
    """Show a recording to a tracker at its own pace."""
    tracker = GroupTracker(replace(config or GroupConfig(), forget=1e9))
    pairs = frozenset((min(a, b), max(a, b)) for group in recording.groups for a in group for b in group if a != b)
    right = told = there = 0
    for stamp, ids, positions, velocities in _moments(recording):
        nothing = np.zeros((len(ids), 4, 4))
        groups = tracker.update(Tracks(stamp, "world", ids, positions, velocities, nothing, np.ones(len(ids))))
        now = {(int(a), int(b)) for g in set(groups.tolist()) - {NOBODY} for a, b in _pairs_of(ids[groups == g])}
        present = set(ids.tolist())
        marked = {pair for pair in pairs if pair[0] in present and pair[1] in present}
        right, told, there = right + len(now & marked), told + len(now), there + len(marked)
    return Played(recording.name, tracker.pairs, pairs, tuple(map(frozenset, recording.groups)), (right, told, there))


def _moments(recording: PedestrianRecording) -> list[tuple[float, np.ndarray, Floats, Floats]]:
    """Stamp, ids, positions and velocities at each annotated moment; velocities look back, as a tracker's do."""
    rows: dict[int, list[tuple[int, Floats, Floats]]] = {}
    for track in recording.tracks:
        steps = np.diff(track.positions, axis=0) / np.maximum(np.diff(track.times), 1e-6)[:, None]
        velocities = np.concatenate([steps[:1], steps]) if len(steps) else np.zeros_like(track.positions)
        for time, place, velocity in zip(track.times, track.positions, velocities, strict=True):
            rows.setdefault(round(float(time) / STEP), []).append((track.id, place, velocity))
    return [
        (STEP * k, np.array([r[0] for r in found]), np.array([r[1] for r in found]), np.array([r[2] for r in found]))
        for k, found in sorted(rows.items())
    ]


def _pairs_of(ids: np.ndarray) -> list[tuple[int, int]]:
    ordered = sorted(int(i) for i in ids)
    return [(a, b) for k, a in enumerate(ordered) for b in ordered[k + 1 :]]


def learn(*places: Played) -> GroupConfig:
    """The regression fitted to these recordings, each with the same weight, and the odds at which F1 over pairs is
    largest, averaged over them."""
    keys = [(place, key) for place in places for key in place.histories]
    inputs = np.array([place.histories[key].features() for place, key in keys])
    is_pair = np.array([key in place.pairs for place, key in keys], dtype=np.float64)
    counts = np.array([1.0 / len(place.histories) for place, _ in keys]) * len(keys) / len(places)
    means, scales = np.average(inputs, axis=0, weights=counts), np.maximum(inputs.std(axis=0), 1e-6)
    standard = np.concatenate([(inputs - means) / scales, np.ones((len(keys), 1))], axis=1)
    penalty, solution = _RIDGE * np.eye(standard.shape[1]), np.zeros(standard.shape[1])
    for _ in range(_ROUNDS):
        likely = 1.0 / (1.0 + np.exp(-np.clip(standard @ solution, -30.0, 30.0)))
        curvature = (standard * (counts * likely * (1.0 - likely))[:, None]).T @ standard + penalty
        slope = standard.T @ (counts * (is_pair - likely)) - penalty @ solution
        solution = solution + np.linalg.solve(curvature, slope)
    weights = solution[:-1] / scales
    bias = float(solution[-1] - weights @ means)
    config = GroupConfig(bias, *(float(w) for w in weights))
    levels = np.linspace(-3.0, 3.0, 61)
    shares = [np.mean([pair_f1(p, replace(config, least_odds=float(level))) for p in places]) for level in levels]
    return replace(config, least_odds=float(levels[int(np.argmax(shares))]))


def _companions(played: Played, config: GroupConfig) -> set[tuple[int, int]]:
    return {
        key
        for key, history in played.histories.items()
        if history.last_s - history.first_s >= config.least_time and odds(history, config) > config.least_odds
    }


def f1(right: int, told: int, there: int) -> float:
    """Harmonic mean of precision and recall; 0 where nothing is right."""
    return 2.0 * right / (told + there) if told + there else 0.0


def pair_f1(played: Played, config: GroupConfig) -> float:
    """Over pairs, each judged once, on all of its common time."""
    found = _companions(played, config)
    return f1(len(found & played.pairs), len(found), len(played.pairs))


def group_f1(played: Played, config: GroupConfig) -> float:
    """Over groups of at least two, by intersection over union."""
    found = _companions(played, config)
    people = sorted({person for pair in found for person in pair})
    row = {person: k for k, person in enumerate(people)}
    labels = components(len(people), [(row[a], row[b]) for a, b in found])
    told = [frozenset(people[k] for k in np.flatnonzero(labels == g)) for g in set(labels.tolist()) - {NOBODY}]
    left, right = list(told), 0
    for group in played.groups:
        match = next((t for t in left if len(t & group) >= LEAST_SHARE * len(t | group) - 1e-9), None)
        if match is not None:
            left.remove(match)
            right += 1
    return f1(right, len(told), len(played.groups))


HEADER = f"{'':12}{'pairs F1':>10}{'groups F1':>11}{'per moment':>12}"


def line(played: Played, config: GroupConfig) -> str:
    """One place's figures for reading."""
    figures = (pair_f1(played, config), group_f1(played, config), f1(*played.moments))
    return f"{played.name:12}{figures[0]:10.3f}{figures[1]:11.3f}{figures[2]:12.3f}"


def score_groups(data: Path, places: Sequence[str] = PLACES, fit: bool = False) -> int:
    """`sac-son evaluate groups`: print how well the shipped rule tells the groups of `places`, folders in `data`; or,
    to `fit`, how well one does that is fitted to the other places, and the one that is fitted to all."""
    recordings = [read_recording(data / name) for name in places]
    if fit:
        _fit(recordings)
        return 0
    print(f"the shipped rule, fitted to these places\n{HEADER}")
    for recording in recordings:
        print(line(play(recording), GroupConfig()))
    return 0


def _fit(recordings: Sequence[PedestrianRecording]) -> None:
    if len(recordings) < 2:
        raise ConfigError("places: expected two or more to fit to the others of, got one")
    played = [play(recording) for recording in recordings]
    print(f"each place by the rule fitted to the others\n{HEADER}")
    for number, recording in enumerate(recordings):
        config = learn(*played[:number], *played[number + 1 :])
        print(line(play(recording, config), config))
    print(f"fitted to all: {learn(*played)}")
