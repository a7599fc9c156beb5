"""How well walking groups are found among the annotated people of ETH and UCY.

A recording is played to :class:`.perception.groups.GroupTracker` moment by moment, as a robot would see it, only
without misses. Two figures, both of all that it said at the end of each pair's common time:

* pairs: F1 over pairs of people, against all pairs of which a line of ``groups.txt`` holds both;
* groups: F1 over groups. Companions joined by chains make groups; one is right if it matches an annotated one with
  members in common of at least `LEAST_SHARE` of the union (intersection over union, as in Solera, Calderara and
  Cucchiara, "Socially constrained structural learning for groups detection in crowd", TPAMI 2016, who ask for 2/3).

And per moment: F1 over the pairs in sight, by the groups told at that moment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sac_son_nav.datasets.pedestrians import STEP, PedestrianRecording, read_recording
from sac_son_nav.errors import SacSonError
from sac_son_nav.perception.groups import NOBODY, GroupConfig, GroupTracker, PairHistory, components, odds
from sac_son_nav.states import Floats, Tracks

LEAST_SHARE = 2.0 / 3.0
PLACES = ("zara01", "zara02", "students03", "seq_eth", "seq_hotel")
LEARNED_ON = "students03"
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


def learn(played: Played) -> GroupConfig:
    """The regression fitted to one recording, and the odds at which F1 over its pairs is largest."""
    keys = list(played.histories)
    inputs = np.array([played.histories[key].features() for key in keys])
    is_pair = np.array([key in played.pairs for key in keys], dtype=np.float64)
    means, scales = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-6)
    standard = np.concatenate([(inputs - means) / scales, np.ones((len(keys), 1))], axis=1)
    penalty, solution = _RIDGE * np.eye(standard.shape[1]), np.zeros(standard.shape[1])
    for _ in range(_ROUNDS):
        likely = 1.0 / (1.0 + np.exp(-np.clip(standard @ solution, -30.0, 30.0)))
        curvature = (standard * (likely * (1.0 - likely))[:, None]).T @ standard + penalty
        slope = standard.T @ (is_pair - likely) - penalty @ solution
        solution = solution + np.linalg.solve(curvature, slope)
    weights = solution[:-1] / scales
    distance, velocity, time, arrival = (float(w) for w in weights)
    config = GroupConfig(float(solution[-1] - weights @ means), distance, velocity, time, arrival)
    levels = np.linspace(-3.0, 3.0, 61)
    best = int(np.argmax([pair_f1(played, replace(config, least_odds=float(level))) for level in levels]))
    return replace(config, least_odds=float(levels[best]))


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


def table(places: Sequence[Played], config: GroupConfig, learned_on: str) -> str:
    """The figures for reading."""
    lines = [f"learned on {learned_on}", f"{'':12}{'pairs F1':>10}{'groups F1':>11}{'per moment':>12}"]
    lines += [
        f"{p.name:12}{pair_f1(p, config):10.3f}{group_f1(p, config):11.3f}{f1(*p.moments):12.3f}"
        + ("  (learned on it)" if p.name == learned_on else "")
        for p in places
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """``sac-son evaluate groups --data DIR [--learn-on PLACE]``; the exit status."""
    parser = argparse.ArgumentParser(description="Walking groups against the annotated ones.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the original annotations, a folder each")
    parser.add_argument("--places", nargs="+", default=PLACES, help=f"default: {' '.join(PLACES)}")
    parser.add_argument("--learn-on", metavar="PLACE", help="fit the rule anew to this place and print it")
    given = parser.parse_args(arguments)
    try:
        config = GroupConfig()
        if given.learn_on:
            config = learn(play(read_recording(given.data / given.learn_on)))
            print(config)
        places = [play(read_recording(given.data / name), config) for name in given.places]
        print(table(places, config, given.learn_on or LEARNED_ON))
    except SacSonError as error:
        print(f"sac-son: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
