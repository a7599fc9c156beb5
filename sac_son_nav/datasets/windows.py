"""Windows of recorded people to learn and to judge forecasts with: eight steps seen, twelve to be foretold.

Two protocols of the literature, which differ by a quarter in the error of the same forecast, so each figure names its
own:

* ``social_gan`` (Gupta et al. 2018): every twenty rows of a file that follow each other, of all who are there in all
  of them, where these are two or more. 181, 1,053, 24,334, 2,253 and 5,833 forecasts in the five folds.
* ``schoeller`` (Schoeller et al. 2020): every stretch of one person's track, as long as it goes on but at most twenty
  steps, from ten on; so the future has two to twelve steps, and the final error is at the last there is.

A fold is one place left out: all its recordings are for the test, and those of all other places to learn from, cut in
time into a part to learn from and a part to choose by (:func:`folds`). Windows never reach across such a cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.datasets.pedestrians import STEP, PedestrianRecording, Track, read_leave_one_out, read_recording
from sac_son_nav.errors import DatasetError
from sac_son_nav.states import Floats

PAST, FUTURE = 8, 12  # steps
SHORTEST = 10  # steps of a stretch in the Schoeller protocol
_Columns: TypeAlias = tuple[Any, ...]
Protocol = Literal["social_gan", "schoeller"]
PROTOCOLS: tuple[Protocol, ...] = ("social_gan", "schoeller")

PLACES: dict[str, tuple[str, ...]] = {
    "eth": ("biwi_eth",),
    "hotel": ("biwi_hotel",),
    "univ": ("students001", "students003"),
    "zara1": ("crowds_zara01",),
    "zara2": ("crowds_zara02",),
}
"""The recordings that each fold is tested on, files of the leave-one-out benchmark."""
ALSO = ("crowds_zara03", "uni_examples")  # to learn from in every fold
CHOOSING_FROM: dict[str, float] = {
    "biwi_eth": 10240.0,
    "biwi_hotel": 14400.0,
    "crowds_zara01": 7110.0,
    "crowds_zara02": 8420.0,
    "crowds_zara03": 6030.0,
    "students001": 3550.0,
    "students003": 4320.0,
    "uni_examples": 5940.0,
}
"""The frame of each file from which on it is for choosing: the benchmark's own cut."""


@dataclass(frozen=True)
class Windows:
    """Moments of recordings, and who is there: S people in all, moment after moment.

    pasts (S, 8, 2) and futures (S, 12, 2) [m], NaN where a person was not seen; everybody was at the last step of the
    past, which is now. moments (S,): which moment a person stands in, growing; people of one moment see each other.
    scored (S,): whose forecast the protocol counts. recordings: names; recording (S,): of which a row is; frames (S,):
    the video's frame that is now; ids (S,): of the people.
    """

    pasts: Floats
    futures: Floats
    moments: NDArray[np.int64]
    scored: NDArray[np.bool_]
    recordings: tuple[str, ...]
    recording: NDArray[np.int64]
    frames: NDArray[np.int64]
    ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pasts)

    def only(self, moments: NDArray[np.bool_]) -> Windows:
        """Those of some moments: a mask (S,) that is the same for all people of one."""
        kept = (
            getattr(self, n)[moments] for n in ("pasts", "futures", "moments", "scored", "recording", "frames", "ids")
        )
        pasts, futures, moment, scored, recording, frames, ids = kept
        return Windows(pasts, futures, moment, scored, self.recordings, recording, frames, ids)


@dataclass(frozen=True)
class Fold:
    """A place left out: recordings to learn from, to choose by (both of other places), and to be tested on."""

    name: str
    learn: tuple[PedestrianRecording, ...]
    choose: tuple[PedestrianRecording, ...]
    test: tuple[PedestrianRecording, ...]


def read_benchmark(folder: Path | str) -> dict[str, PedestrianRecording]:
    """The files of the leave-one-out benchmark by name, every row 0.4 s after the last as its tables have it."""
    folder = Path(folder)
    if (folder / "all_data").is_dir():
        folder = folder / "all_data"
    names = [*(name for names in PLACES.values() for name in names), *ALSO]
    return {name: read_leave_one_out(folder / f"{name}.txt", "benchmark") for name in names}


def read_true_eth(folder: Path | str) -> PedestrianRecording:
    """The place `eth` as annotated, every 0.4 s of the video's clock; of the folder of original annotations."""
    return read_recording(Path(folder) / "seq_eth")


def folds(recordings: Mapping[str, PedestrianRecording]) -> dict[str, Fold]:
    """The five folds of the benchmark's files, by name."""
    made = {}
    for name, test in PLACES.items():
        rest = [recordings[other] for other in recordings if other not in test]
        parts = [cut_for_choosing(recording) for recording in rest]
        made[name] = Fold(
            name, tuple(p[0] for p in parts), tuple(p[1] for p in parts), tuple(recordings[file] for file in test)
        )
    return made


def cut_for_choosing(recording: PedestrianRecording) -> tuple[PedestrianRecording, PedestrianRecording]:
    """What a recording of the benchmark has before the frame of its cut, and from there on."""
    if recording.name not in CHOOSING_FROM:
        raise DatasetError(f"recording {recording.name}: expected one of {', '.join(CHOOSING_FROM)}")
    cut = CHOOSING_FROM[recording.name] / recording.frame_rate
    parts = []
    for before in (True, False):
        tracks = []
        for track in recording.tracks:
            kept = track.times < cut - 1e-6 if before else track.times >= cut - 1e-6
            if kept.any():
                tracks.append(Track(track.id, track.times[kept], track.positions[kept]))
        parts.append(PedestrianRecording(recording.name, recording.frame_rate, tuple(tracks)))
    return parts[0], parts[1]


def windows(
    recordings: Iterable[PedestrianRecording], protocol: Protocol | None = None, step_s: float = STEP
) -> Windows:
    """All windows of a protocol; None: to learn from, of whoever was seen now and before and will be seen next. People
    are annotated every `step_s` [s], or this raises DatasetError."""
    made: list[_Columns] = []
    names: list[str] = []
    for recording in recordings:
        made.append(_windows(recording, protocol, len(names), step_s))
        names.append(recording.name)
    if not made:
        raise DatasetError("windows: expected at least one recording, got none")
    counts = np.cumsum([0, *(int(columns[2].max(initial=-1)) + 1 for columns in made)])
    moments = np.concatenate([columns[2] + count for columns, count in zip(made, counts, strict=False)])
    pasts, futures, _, scored, number, frames, ids = (np.concatenate(parts) for parts in zip(*made, strict=True))
    return Windows(pasts, futures, moments, scored, tuple(names), number, frames, ids)


def grid(recording: PedestrianRecording, step_s: float = STEP) -> tuple[Floats, NDArray[np.int64]]:
    """Positions (F, N, 2) [m] of everybody at each recorded instant, NaN where not seen, and the video's frames (F,)
    at these instants. Instants at which nobody was seen are no rows, as in the files of the benchmark; who was seen in
    two rows that follow each other was seen `step_s` [s] apart, or this raises DatasetError."""
    frames, row = np.unique(
        np.round(recording.knot_times * recording.frame_rate).astype(np.int64), return_inverse=True
    )
    same = np.ones(len(row) - 1, dtype=bool)
    same[recording.firsts[1:-1] - 1] = False
    step = np.diff(recording.knot_times)[same & (np.diff(row) == 1)]
    if len(step) and np.abs(step - step_s).max() > 0.01:
        raise DatasetError(
            f"recording {recording.name}: expected people every {step_s:g} s, got steps of {step.max():g} s"
        )
    who = np.repeat(np.arange(len(recording)), np.diff(recording.firsts))
    table = np.full((len(frames), len(recording), 2), np.nan)
    table[row, who] = recording.knots
    return table, frames


def _windows(recording: PedestrianRecording, protocol: Protocol | None, number: int, step_s: float) -> _Columns:
    """The columns of :class:`Windows` for one recording, its moments counted from 0."""
    table, frames = grid(recording, step_s)
    padded = np.pad(table, ((PAST - 1, FUTURE), (0, 0), (0, 0)), constant_values=np.nan)
    views = np.lib.stride_tricks.sliding_window_view(padded, PAST + FUTURE, axis=0)  # (F, N, 2, 20)
    steps = np.moveaxis(views, -1, 2)  # row f is the window whose last step seen is f
    seen = np.isfinite(steps[..., 0])
    present = seen[:, :, PAST - 1] & seen[:, :, PAST - 2]
    if protocol == "social_gan":
        whole = seen.all(axis=2)
        scored = whole & (whole.sum(axis=1) >= 2)[:, None]
    elif protocol == "schoeller":
        scored = seen[:, :, :SHORTEST].all(axis=2)
    else:
        scored = present & seen[:, :, PAST]
    present |= scored
    moment, person = np.nonzero(present & scored.any(axis=1)[:, None])
    chosen = steps[moment, person]
    moments = np.unique(moment, return_inverse=True)[1].astype(np.int64)
    return (
        chosen[:, :PAST],
        chosen[:, PAST:],
        moments,
        scored[moment, person],
        np.full(len(moment), number, np.int64),
        frames[moment],
        recording.ids[person],
    )


def displacement_errors(forecasts: Floats, futures: Floats) -> tuple[Floats, Floats]:
    """Average and final displacement error (...) [m] of forecasts (..., 12, 2) of the futures (..., 12, 2), over the
    steps that a future has; the final one is at its last."""
    away = np.linalg.norm(forecasts - futures, axis=-1)
    there = np.broadcast_to(np.isfinite(futures[..., 0]), away.shape)
    mean = np.where(there, away, 0.0).sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
    last = away.shape[-1] - 1 - np.argmax(there[..., ::-1], axis=-1)
    return mean, np.take_along_axis(away, last[..., None], axis=-1)[..., 0]


def retimed(recording: PedestrianRecording, pace: float, step_s: float = STEP) -> PedestrianRecording:
    """The same people as if they went `pace` times as fast, annotated every `step_s` [s]: at the new instants they are
    where they were in between, linear between two old ones. With a negative pace they walk their ways backwards. Who
    is then seen fewer than two times is left out, and who was not annotated every 0.4 s."""
    tracks, stride = [], abs(pace) * step_s
    for track in recording.tracks:
        if len(track.times) < 2 or np.diff(track.times).max() > 1.5 * STEP:
            continue
        first, last = np.ceil(track.times[0] / stride - 1e-6), np.floor(track.times[-1] / stride + 1e-6)
        ticks = np.arange(first, last + 1.0)
        if len(ticks) < 2:
            continue
        places = np.stack([np.interp(ticks * stride, track.times, track.positions[:, k]) for k in range(2)], axis=-1)
        if pace < 0.0:
            ticks, places = -ticks[::-1], places[::-1]
        tracks.append((track.id, ticks, np.ascontiguousarray(places)))
    if not tracks:
        raise DatasetError(f"recording {recording.name}: expected people who are seen longer than {stride:g} s")
    start = min(ticks[0] for _, ticks, _ in tracks)
    return PedestrianRecording(
        recording.name, 1.0 / step_s, tuple(Track(i, (ticks - start) * step_s, places) for i, ticks, places in tracks)
    )
