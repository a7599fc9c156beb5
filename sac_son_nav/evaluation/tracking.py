"""How well people are found and followed in recordings where a human marked them.

The marks are a CSV file with the columns ``bag_time_ns, frame_id, person_id, x_m, y_m``, positions in the laser's
frame. A mark belongs to the last scan recorded at or before its time. Only scans with at least one mark count; the
tracker still sees all of them.

In each such scan people and marks are matched one to one: most matches first, then least distance in sum, no match
beyond `gate`. The names below follow Bernardin and Stiefelhagen, "Evaluating multiple object tracking performance:
the CLEAR MOT metrics" (2008), but for one thing: matches are made anew in each scan, so a swap counts as two
identity switches.

What precision means depends on who was marked. Where each scan's every person is marked, it is precision. Where
only some are, a person who was found but not marked counts as a false positive: then precision and MOTA are lower
bounds and recall, median error and identity switches are what the recording can say.

Beside it stands :class:`.clear_mot.ClearMot`, the protocol of those who made the marks, whose published figures it
can be compared with: there every scan counts, also those in which nobody is marked, but only people in the sector of
the laser's view in which everybody was marked.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from sac_son_nav.datasets.scans import read_scans, read_transforms
from sac_son_nav.errors import BagError
from sac_son_nav.evaluation.clear_mot import ClearMot, Sector
from sac_son_nav.geometry import inverse, transform_points
from sac_son_nav.perception.appearance import LEARNED, Appearance
from sac_son_nav.perception.people import PeopleConfig, PeopleTracker
from sac_son_nav.perception.scan_people import detect_people
from sac_son_nav.states import Floats

GATE = 0.5  # [m]
_COLUMNS = ("bag_time_ns", "frame_id", "person_id", "x_m", "y_m")


@dataclass(frozen=True)
class Mark:
    """Where a human saw a person: position (2,) [m] in the laser's frame `frame`."""

    time_ns: int
    frame: str
    person: str
    position: tuple[float, float]


@dataclass
class Score:
    """Counts over all scored scans, and what follows from them.

    recall = matches / marks; precision = matches / found; median_error [m] over matches;
    MOTA = 1 - (misses + false positives + identity switches) / marks. An identity switch is a match of a marked
    person to another id than at that person's last match. Without ids (bare detections) there are none.
    """

    scans: int = 0
    marks: int = 0
    found: int = 0
    switches: int = 0
    errors: list[float] = field(default_factory=list)
    persons: dict[str, list[int]] = field(default_factory=dict)  # of each person: marks, matches
    _last: dict[str, int] = field(default_factory=dict)

    def add(self, people: list[str], marked: Floats, found: Floats, ids: Iterable[int] | None, gate: float) -> None:
        """Score one scan: marked (M, 2) of these M people, found (N, 2) [m] in the same frame, N ids or None."""
        self.scans += 1
        self.marks += len(marked)
        self.found += len(found)
        for person in people:
            self.persons.setdefault(person, [0, 0])[0] += 1
        numbers = None if ids is None else [int(i) for i in ids]
        for row, column, distance in match(marked, found, gate):
            self.errors.append(distance)
            self.persons[people[row]][1] += 1
            if numbers is not None:
                number = numbers[column]
                self.switches += self._last.get(people[row], number) != number
                self._last[people[row]] = number

    @property
    def recall(self) -> float:
        """Share of the marks that were found; NaN without marks."""
        return len(self.errors) / self.marks if self.marks else float("nan")

    @property
    def recalls(self) -> dict[str, float]:
        """The recall of each person on their own."""
        return {person: matches / marks for person, (marks, matches) in self.persons.items()}

    @property
    def precision(self) -> float:
        """Share of what was found that is marked; NaN when nothing was found."""
        return len(self.errors) / self.found if self.found else float("nan")

    @property
    def median_error(self) -> float:
        """Middle distance of a match [m]; NaN without matches."""
        return float(np.median(self.errors)) if self.errors else float("nan")

    @property
    def mota(self) -> float:
        """Multiple object tracking accuracy, at most 1; NaN without marks."""
        misses, false = self.marks - len(self.errors), self.found - len(self.errors)
        return 1.0 - (misses + false + self.switches) / self.marks if self.marks else float("nan")


def match(marked: Floats, found: Floats, gate: float) -> list[tuple[int, int, float]]:
    """Pairs of row numbers of marked (M, 2) and found (N, 2) with their distance [m]: as many within the gate as can
    be, and among those the least sum of distances."""
    if len(marked) == 0 or len(found) == 0:
        return []
    distance = np.linalg.norm(np.asarray(marked)[:, None] - np.asarray(found)[None], axis=-1)
    # One match more is worth any distances: all together they are less than the price of a miss.
    price = gate * (min(distance.shape) + 1)
    rows, columns = linear_sum_assignment(np.where(distance <= gate, distance, price))
    return [
        (int(r), int(c), float(distance[r, c])) for r, c in zip(rows, columns, strict=True) if distance[r, c] <= gate
    ]


def read_marks(path: Path | str) -> list[Mark]:
    """The marks of a CSV file, by time. Raises BagError, with the line, for a file that is missing or wrong."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is None or not set(_COLUMNS) <= set(reader.fieldnames):
                raise BagError(f"marks {path}: expected the columns {', '.join(_COLUMNS)}, got {reader.fieldnames}")
            marks = [_mark(row, f"marks {path}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BagError(f"marks {path}: expected a CSV file, got {error}") from None
    if not marks:
        raise BagError(f"marks {path}: expected at least one mark, got none")
    return sorted(marks, key=lambda mark: mark.time_ns)


def _mark(row: dict[str, str], where: str) -> Mark:
    try:
        position = (float(row["x_m"]), float(row["y_m"]))
        return Mark(int(row["bag_time_ns"]), row["frame_id"], row["person_id"], position)
    except (TypeError, ValueError) as error:
        raise BagError(f"{where}: expected a whole number and two numbers, got {error}") from None


@dataclass(frozen=True)
class Result:
    """Scores of one recording: of the single scans' detections and of the tracks; of the tracks by the recordings' own
    protocol; and the frame people were followed in (the laser's own where the recording has no odometry)."""

    detections: Score
    tracks: Score
    published: ClearMot
    frame: str


def evaluate_bag(
    bag: Path | str,
    marks_file: Path | str,
    topic: str | None = None,
    config: PeopleConfig | None = None,
    gate: float = GATE,
    sector: Sector | None = None,
    appearance: Appearance = LEARNED,
    first: int | None = None,
) -> Result:
    """Run detector and tracker over every scan of a recording and score the scans that have marks; by the
    recordings' own protocol all scans, but only what lies in the `sector`. `first`: only so many scans.

    Raises BagError for a bad recording or marks file, and when no mark's time lies within the recording.
    """
    config = config or PeopleConfig()
    transforms = read_transforms(bag)
    scans = list(islice(read_scans(bag, topic), first))
    marked_scans = by_scan(read_marks(marks_file), [time for time, _ in scans], f"marks {marks_file}")
    tracker, frame = PeopleTracker(config, appearance), ""
    detected, tracked, published = Score(), Score(), ClearMot()
    for number, (_, scan) in enumerate(scans):
        pose = transforms.fixed_from(scan.frame, scan.stamp_s)
        if pose is None and transforms.odometry_frame is not None:
            continue  # before the first odometry: the node, too, would wait
        fixed = np.zeros(3) if pose is None else pose
        frame = transforms.odometry_frame or scan.frame
        tracks = tracker.step(scan, fixed, frame)
        marks = marked_scans.get(number, [])
        people, places = [mark.person for mark in marks], np.array([mark.position for mark in marks]).reshape(-1, 2)
        local = np.asarray(transform_points(inverse(fixed), tracks.positions)).reshape(-1, 2)
        published.add(people, places, local, tracks.ids, sector)
        if marks:
            found = detect_people(scan, config.detector, appearance).positions
            detected.add(people, places, found, None, gate)
            tracked.add(people, places, local, tracks.ids, gate)
    return Result(detected, tracked, published, frame)


def by_scan(marks: list[Mark], times: list[int], where: str) -> dict[int, list[Mark]]:
    """Each mark under the number of the last scan recorded at or before it, if that is not long ago."""
    found: dict[int, list[Mark]] = {}
    for mark in marks:
        number = bisect_right(times, mark.time_ns) - 1
        if number >= 0 and mark.time_ns - times[number] < 500_000_000:
            found.setdefault(number, []).append(mark)
    if not found:
        raise BagError(
            f"{where}: expected marks within the recording, got none that lies within half a second of a scan"
        )
    return found


def table(result: Result) -> str:
    """The result for reading."""
    lines = [f"{'':12}{'recall':>8}{'precision':>11}{'median error':>14}{'MOTA':>8}{'id switches':>13}{'found':>8}"]
    for name, score in (("detections", result.detections), ("tracks", result.tracks)):
        switches = str(score.switches) if name == "tracks" else "-"
        lines.append(
            f"{name:12}{score.recall:8.3f}{score.precision:11.3f}{score.median_error:12.3f} m{score.mota:8.3f}"
            f"{switches:>13}{score.found:8d}"
        )
    score = result.tracks
    lines.append(f"{score.marks} marks in {score.scans} scans, matched within {GATE} m; followed in {result.frame!r}")
    lines.append(str(result.published))
    lines.append("recall by person: " + ", ".join(f"{who} {share:.2f}" for who, share in score.recalls.items()))
    lines.append("Precision and MOTA are lower bounds where not every person of a scan is marked.")
    return "\n".join(lines)


def score_people(bag: Path, people: Path, topic: str | None, sector: tuple[float, float] | None) -> int:
    """`sac-son evaluate people`: print the table of a recording; `sector` (2,) [deg]: where everybody was marked."""
    print(table(evaluate_bag(bag, people, topic, sector=Sector.degrees(*sector) if sector else None)))
    return 0
