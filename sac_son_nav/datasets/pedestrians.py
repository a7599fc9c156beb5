"""Recorded people: the ETH and UCY annotations, with their groups, goals and obstacles.

Two forms are read. The original annotations are folders (``seq_eth``, ``seq_hotel``, ``zara01``, ``zara02``,
``students03``) with ``obsmat.txt`` and, where they exist, ``groups.txt``, ``destinations.txt``, ``H.txt`` and
``map.png`` (Pellegrini et al. 2009, Lerner et al. 2007, as gathered by OpenTraj). The leave-one-out files of the
forecasting benchmark are single text files of frame, person, x, y.

Positions are metres on the ground, in the recording's own world frame, taken from the file to the last bit; times are
seconds of the video's clock, frame 0 at 0. What the files don't say, and what this reader makes right:

* Both forms number video frames. A person is annotated every 0.4 s, which is every 6th frame in ``seq_eth`` and every
  10th elsewhere; so the first runs at 15 frames per second and the others at 25. The leave-one-out file of that scene
  has every 10th frame all the same, and the benchmark calls that 0.4 s too (:func:`read_leave_one_out`).
* ``H.txt`` maps (row, column) of the picture to the ground. Rows run downwards, so where its determinant is negative
  the annotation's axes are left-handed and people pass each other on the wrong side: x and y change places.
* ``groups.txt`` of ``students03`` begins with the number of its lines, the others don't.
* ``destinations.txt`` of ``zara01`` repeats that of ``zara02``, in whose frame it lies; it is left out.
* ``map.xml`` and ``static.txt`` of the ``zara`` folders draw walls through which recorded people walk, in part in the
  other recording's frame; they are not used. Neither is the ``H.txt`` of ``students03`` but for its handedness: it
  belongs to an older annotation.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sac_son_nav.errors import DatasetError
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.states import Floats

STEP = 0.4  # [s] from one annotation of a person to the next
RESOLUTION = 0.1  # [m] of the floor plans; their origins are whole multiples of it, so that two fit on each other
_BENCHMARK_FRAMES = 10  # from one annotation to the next in every leave-one-out file
_MARGIN = 1.0  # [m] of floor around everything recorded
_AT = 1e-6  # [s]: a time this close to a recorded instant is that instant
_OTHERS_GOALS = ("zara01",)


@dataclass(frozen=True)
class Track:
    """One person: `times` (T,) [s], growing, and `positions` (T, 2) [m]."""

    id: int
    times: Floats
    positions: Floats


@dataclass(frozen=True)
class Moment:
    """Where given times (...) fall in the tracks of N people, as rows (..., N) of a recording's knots: the last one
    `before`, the next one `after` it, the `weight` of the latter, and whether the person is `present`."""

    before: NDArray[np.intp]
    after: NDArray[np.intp]
    weight: Floats
    present: NDArray[np.bool_]

    def between(self, values: Floats) -> Floats:
        """Values (M, C) at all knots, linear between them, exact at them: (..., N, C), NaN for who is absent."""
        low = values[self.before]
        return self._only_present(low + self.weight[..., None] * (values[self.after] - low))

    def held(self, values: Floats) -> Floats:
        """Values (M, C), each from its knot to the next: (..., N, C), NaN for who is absent."""
        return self._only_present(values[self.before])

    def _only_present(self, values: Floats) -> Floats:
        return np.where(self.present[..., None], values, np.nan)


@dataclass(frozen=True)
class PedestrianRecording:
    """People as recorded. N tracks in the order of their ids; `frame_rate` [Hz] of the video.

    `groups` are the ids of those who walk together, line by line as annotated: a person may stand in two lines.
    `goals` (G, 2) [m] are places the annotators assumed people were bound for, a few so far away that they are but a
    direction. `floor` has the obstacles that were drawn, None where none were.
    """

    name: str
    frame_rate: float
    tracks: tuple[Track, ...]
    groups: tuple[tuple[int, ...], ...] = ()
    goals: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    floor: OccupancyMap | None = None

    def __post_init__(self) -> None:
        if not self.tracks:
            raise DatasetError(f"recording {self.name}: expected at least one person, got none")
        unknown = sorted({member for group in self.groups for member in group} - set(self.ids.tolist()))
        if unknown:
            raise DatasetError(f"recording {self.name}: expected groups of recorded people, got person {unknown[0]}")

    def __len__(self) -> int:
        return len(self.tracks)

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """Of the people, (N,)."""
        return np.array([track.id for track in self.tracks], dtype=np.int64)

    @cached_property
    def companions(self) -> NDArray[np.bool_]:
        """Who walks with whom, (N, N): symmetric, nobody with themselves."""
        member = np.array([np.isin(self.ids, group) for group in self.groups], dtype=bool).reshape(-1, len(self))
        together: NDArray[np.bool_] = (member.astype(np.int64).T @ member) > 0
        return together & ~np.eye(len(self), dtype=bool)

    @property
    def span(self) -> tuple[float, float]:
        """The first and the last recorded instant [s]."""
        return float(self.knot_times.min()), float(self.knot_times.max())

    # -- all tracks behind one another: M knots in all -----------------------------------------------------------

    @cached_property
    def firsts(self) -> NDArray[np.intp]:
        """Each person's first knot, and M at the end, (N + 1,)."""
        return np.concatenate([[0], np.cumsum([len(track.times) for track in self.tracks])]).astype(np.intp)

    @cached_property
    def knot_times(self) -> Floats:
        """(M,) [s]."""
        return np.concatenate([track.times for track in self.tracks])

    @cached_property
    def knots(self) -> Floats:
        """Positions (M, 2) [m]."""
        return np.concatenate([track.positions for track in self.tracks])

    @cached_property
    def paces(self) -> Floats:
        """Velocity from each knot to the person's next, (M, 2) [m/s]; at their last the same as before it, and 0 for
        somebody who was seen only once."""
        pace = np.zeros_like(self.knots)
        pace[:-1] = np.diff(self.knots, axis=0)
        duration = np.append(np.diff(self.knot_times), 1.0)
        last = self.firsts[1:] - 1
        duration[last] = 1.0
        pace /= duration[:, None]
        pace[last] = np.where((np.diff(self.firsts) > 1)[:, None], pace[np.maximum(last - 1, 0)], 0.0)
        return pace

    @cached_property
    def _keys(self) -> tuple[float, Floats]:
        """All knots on one growing axis, person by person, and how long [s] each has of it."""
        first, last = self.span
        length = last - first + 2.0
        person = np.repeat(np.arange(len(self)), np.diff(self.firsts))
        return length, self.knot_times - first + length * person

    def moment(self, times: ArrayLike) -> Moment:
        """Where times (...) [s] fall in everybody's track."""
        length, keys = self._keys
        (start, end), time = self.span, np.asarray(times, dtype=np.float64)[..., None]
        first, last = self.firsts[:-1], self.firsts[1:] - 1
        asked = np.clip(time + _AT, start - 0.5, end + 0.5) - start + length * np.arange(len(self))
        before = np.clip(np.searchsorted(keys, asked, side="right") - 1, first, last)
        after = np.minimum(before + 1, last)
        since, gap = time - self.knot_times[before], self.knot_times[after] - self.knot_times[before]
        weight = np.where(since > _AT, since, 0.0) / np.where(gap > 0.0, gap, 1.0)
        present = (time > self.knot_times[first] - _AT) & (time < self.knot_times[last] + _AT)
        return Moment(before, after, np.where(after > before, weight, 0.0), present)

    def at(self, times: ArrayLike) -> tuple[Floats, Floats]:
        """Positions [m] and velocities [m/s], (..., N, 2), at times (...) [s]: at a recorded instant the recorded
        position, linear between two, so that velocities are constant between them; NaN before a person's first
        instant and after the last."""
        moment = self.moment(times)
        return moment.between(self.knots), moment.held(self.paces)

    # -- parts of a recording ------------------------------------------------------------------------------------

    def cut(self, start: float, stop: float, people: Collection[int] | None = None) -> PedestrianRecording:
        """Those of the `people` (ids; None: of all) who are there at some time from `start` to `stop` [s], their
        tracks whole, on a clock that is 0 at `start`."""
        tracks = tuple(
            replace(track, times=track.times - start)
            for track in self.tracks
            if (people is None or track.id in people) and track.times[0] <= stop and track.times[-1] >= start
        )
        left = {track.id for track in tracks}
        groups = (tuple(member for member in group if member in left) for group in self.groups)
        return replace(self, tracks=tracks, groups=tuple(group for group in groups if len(group) > 1))

    def moved(self, by: tuple[float, float]) -> PedestrianRecording:
        """The same, everything in it moved by (x, y) [m]; for the floor, to the nearest multiple of RESOLUTION."""
        tracks = tuple(replace(track, positions=track.positions + np.array(by)) for track in self.tracks)
        floor = self.floor
        if floor is not None:
            x, y = (round((o + d) / RESOLUTION) * RESOLUTION for o, d in zip(floor.origin, by, strict=True))
            floor = replace(floor, origin=(x, y))
        return replace(self, tracks=tracks, goals=self.goals + np.array(by), floor=floor)


def read_recording(folder: Path | str) -> PedestrianRecording:
    """A folder of original annotations. Raises DatasetError with one sentence for what is missing or wrong."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"recording {folder}: no such folder")
    homography = _homography(folder / "H.txt") if (folder / "H.txt").is_file() else None
    mirrored = homography is not None and float(np.linalg.det(homography)) < 0.0
    source = folder / "obsmat.txt"
    table = _table(source, 8)
    steps = _frame_steps(table)
    if len(steps) == 0:
        raise DatasetError(f"{source}: expected people who are seen more than once, got none")
    rate = float(steps.min()) / STEP  # a missing annotation only makes a step longer
    tracks = _tracks(table[:, [0, 1]], table[:, [4, 2] if mirrored else [2, 4]], rate, source)
    goals = np.zeros((0, 2))
    if (folder / "destinations.txt").is_file() and folder.name not in _OTHERS_GOALS:
        goals = _table(folder / "destinations.txt", 2)[:, :: -1 if mirrored else 1]
    groups = read_groups(folder / "groups.txt") if (folder / "groups.txt").is_file() else ()
    floor = None
    if (folder / "map.png").is_file():
        if homography is None:
            raise DatasetError(f"recording {folder}: expected H.txt beside map.png, which takes it to the ground")
        walls = _drawn_walls(folder / "map.png", homography)[:, :: -1 if mirrored else 1]
        floor = plan(np.concatenate([table[:, [4, 2] if mirrored else [2, 4]], walls]), walls)
    return PedestrianRecording(folder.name, rate, tracks, groups, goals, floor)


def read_leave_one_out(
    file: Path | str, clock: Literal["video", "benchmark"] = "video", eth: bool | None = None
) -> PedestrianRecording:
    """A file of the leave-one-out benchmark: frame, person, x [m], y [m].

    `clock` "video": times as they were. "benchmark": 0.4 s from row to row in every file, as forecasting tables have
    it; the ``eth`` scene, whose rows are 2/3 s apart, then runs 5/3 too fast. `eth`: whether the file is of that
    scene; None: by its name, ``biwi_eth...``.
    """
    file = Path(file)
    table = _table(file, 4)
    is_eth = file.name.startswith("biwi_eth") if eth is None else eth
    rate = 15.0 if is_eth and clock == "video" else _BENCHMARK_FRAMES / STEP
    return PedestrianRecording(file.stem, rate, _tracks(table[:, :2], table[:, 2:], rate, file))


def read_groups(file: Path | str) -> tuple[tuple[int, ...], ...]:
    """Who walks together: the ids on each line of a ``groups.txt``, each once, but for empty lines and for a first
    line that counts the others."""
    file = Path(file)
    lines = [line for line in _rows(file, whole=True) if line]
    if lines and len(lines[0]) == 1:
        (count,), *lines = lines
        if count != len(lines):
            raise DatasetError(f"{file}: expected {count:g} groups, as its first line says, got {len(lines)}")
    groups = tuple(tuple(dict.fromkeys(int(member) for member in line)) for line in lines)
    for group in groups:
        if len(group) < 2:
            raise DatasetError(f"{file}: expected two or more people in a group, got only person {group[0]}")
    return groups


def plan(places: Floats, walls: Floats, margin: float = _MARGIN) -> OccupancyMap:
    """A floor plan that holds `places` (K, 2) and `walls` (L, 2) [m] with a `margin` [m] around them, free but for the
    cells in which a point of the walls lies."""
    covered = np.concatenate([places, walls])
    low = np.floor((covered.min(axis=0) - margin) / RESOLUTION).astype(np.intp)
    high = np.ceil((covered.max(axis=0) + margin) / RESOLUTION).astype(np.intp)
    cells = np.full(tuple((high - low)[::-1]), FREE, dtype=np.int8)
    column, row = (np.floor(walls / RESOLUTION).astype(np.intp) - low).T
    cells[row, column] = OCCUPIED
    return OccupancyMap(cells, RESOLUTION, (float(low[0]) * RESOLUTION, float(low[1]) * RESOLUTION))


def _drawn_walls(file: Path, ground_from_picture: Floats) -> Floats:
    """Points (L, 2) [m] all over the obstacles of a picture, which shows them bright: nine to a pixel, so that none of
    the plan's cells under one is missed."""
    picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise DatasetError(f"{file}: expected a picture, got a file that can't be read as one")
    offsets = np.stack(np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]), axis=-1).reshape(1, -1, 2) / 3.0
    pixels = (np.argwhere(picture > 127)[:, None] + offsets).reshape(-1, 2)  # (row, column)
    return project(ground_from_picture, pixels)


def project(homography: Floats, points: Floats) -> Floats:
    """Points (..., 2) taken through a homography (3, 3)."""
    image = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(image[..., :2] / image[..., 2:])


# -- text files ---------------------------------------------------------------------------------------------------


def _rows(file: Path, whole: bool = False) -> list[list[float]]:
    """The numbers on each line; `whole`: no fractions."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DatasetError(f"{file}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: can't be read: {error}") from None
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            rows.append([float(word) for word in line.split()])
        except ValueError:
            raise DatasetError(f"{file}, line {number}: expected numbers, got {line.strip()[:40]!r}") from None
        if not np.isfinite(rows[-1]).all() or (whole and any(value % 1.0 for value in rows[-1])):
            kind = "whole" if whole else "finite"
            raise DatasetError(f"{file}, line {number}: expected {kind} numbers, got {line.strip()[:40]!r}")
    return rows


def _table(file: Path, columns: int) -> Floats:
    """Rows of so many numbers (R, columns), at least one."""
    rows = _rows(file)
    for number, row in enumerate(rows, start=1):
        if row and len(row) != columns:
            raise DatasetError(f"{file}, line {number}: expected {columns} numbers, got {len(row)}")
    table = np.array([row for row in rows if row])
    if len(table) == 0:
        raise DatasetError(f"{file}: expected rows of {columns} numbers, got none")
    return table


def _homography(file: Path) -> Floats:
    matrix = _table(file, 3)
    if matrix.shape != (3, 3) or abs(float(np.linalg.det(matrix))) < 1e-12:
        raise DatasetError(f"{file}: expected 3 rows that make an invertible matrix, got {len(matrix)} that don't")
    return matrix


def _frame_steps(table: Floats) -> Floats:
    """Frames from each row to the same person's next, of all people."""
    table = table[np.lexsort((table[:, 0], table[:, 1]))]
    same = np.diff(table[:, 1]) == 0.0
    steps: Floats = np.diff(table[:, 0])[same]
    return steps


def _tracks(who: Floats, positions: Floats, frame_rate: float, file: Path) -> tuple[Track, ...]:
    """Tracks from rows of frame and person (R, 2), and positions (R, 2) [m]."""
    if (who % 1.0).any():
        row = int(np.argmax((who % 1.0).any(axis=1)))
        raise DatasetError(f"{file}: expected whole numbers for frame and person, got {who[row].tolist()}")
    order = np.lexsort((who[:, 0], who[:, 1]))
    who, positions = who[order], positions[order]
    twice = np.flatnonzero((np.diff(who, axis=0) == 0.0).all(axis=1))
    if len(twice):
        frame, person = who[twice[0]].astype(int)
        raise DatasetError(f"{file}: expected a person once in a frame, got person {person} twice in frame {frame}")
    ids, firsts = np.unique(who[:, 1], return_index=True)
    rows = np.split(np.arange(len(who)), firsts[1:])
    return tuple(
        Track(int(i), who[r, 0] / frame_rate, np.ascontiguousarray(positions[r]))
        for i, r in zip(ids, rows, strict=True)
    )
