"""Windows by hand; the literature's counts and constant-velocity errors on the real files; no leak between folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.datasets.pedestrians import PedestrianRecording, Track
from sac_son_nav.datasets.windows import (
    CHOOSING_FROM,
    PLACES,
    PROTOCOLS,
    cut_for_choosing,
    displacement_errors,
    folds,
    read_benchmark,
    read_true_eth,
    retimed,
    windows,
)
from sac_son_nav.errors import DatasetError

# ADE and FDE [m] of constant velocity and the number of forecasts, as the literature counts them
SOCIAL_GAN = {
    "eth": (0.995, 2.234, 181),
    "hotel": (0.323, 0.617, 1053),
    "univ": (0.524, 1.165, 24334),
    "zara1": (0.431, 0.960, 2253),
    "zara2": (0.326, 0.728, 5833),
}
SCHOELLER = {
    "eth": (0.585, 1.159),
    "hotel": (0.278, 0.512),
    "univ": (0.466, 1.026),
    "zara1": (0.346, 0.764),
    "zara2": (0.314, 0.695),
}


def walker(person: int, first: int, rows: int, velocity: tuple[float, float] = (0.5, 0.0)) -> Track:
    steps = np.arange(rows)[:, None]
    return Track(person, (first + np.arange(rows)) * 0.4, np.array([float(person), 0.0]) + steps * np.array(velocity))


def recording(*tracks: Track, name: str = "made") -> PedestrianRecording:
    return PedestrianRecording(name, 25.0, tracks)


def straight_on(pasts: np.ndarray) -> np.ndarray:
    return pasts[:, -1:] + (pasts[:, -1:] - pasts[:, -2:-1]) * np.arange(1, 13)[:, None]


def test_social_gan_windows_hold_those_who_are_there_all_the_time_if_they_are_two() -> None:
    # 1 and 2 share rows 0..19 and 1..20; 3 is alone with 4 rows of 2 left; 2 alone is there in rows 2..21
    made = windows([recording(walker(1, 0, 21), walker(2, 0, 22), walker(3, 18, 10))], "social_gan")
    assert made.scored.sum() == 4
    assert sorted(zip(made.moments.tolist(), made.ids.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert made.frames.tolist() == [70, 70, 80, 80]  # the eighth and the ninth row, ten frames of the video each
    np.testing.assert_allclose(made.pasts[0, :, 0], 1.0 + 0.5 * np.arange(8))
    np.testing.assert_allclose(made.futures[0, :, 0], 1.0 + 0.5 * np.arange(8, 20))


def test_who_is_there_now_is_seen_though_not_scored() -> None:
    made = windows([recording(walker(1, 0, 20), walker(2, 0, 20), walker(3, 5, 6), walker(4, 7, 9))], "social_gan")
    assert made.ids.tolist() == [1, 2, 3]  # 4 has come this very moment, and nobody knows its velocity
    assert made.scored.tolist() == [True, True, False]
    assert np.isfinite(made.pasts[2, :, 0]).tolist() == [False] * 5 + [True] * 3
    assert np.isfinite(made.futures[2, :, 0]).tolist() == [True] * 3 + [False] * 9


def test_schoeller_windows_are_all_stretches_of_ten_to_twenty_steps() -> None:
    made = windows([recording(walker(1, 0, 22))], "schoeller")
    # starts 0, 1, 2 have all twenty rows; 3 to 12 have 19 down to 10
    assert np.isfinite(made.futures[..., 0]).sum(axis=1).tolist() == [12, 12, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert np.isfinite(made.pasts).all()
    assert windows([recording(walker(1, 0, 9))], "schoeller").scored.sum() == 0


def test_errors_are_over_the_steps_there_are() -> None:
    future = np.full((12, 2), np.nan)
    future[:3] = 0.0
    forecast = np.zeros((12, 2))
    forecast[:, 0] = np.arange(1.0, 13.0)
    mean, final = displacement_errors(forecast, future)
    assert (mean, final) == (2.0, 3.0)  # of 1, 2, 3


def test_retimed_people_go_faster_slower_and_backwards() -> None:
    made = retimed(recording(walker(1, 2, 13)), 1.5)
    (track,) = made.tracks
    # rows 2..14 of 0.4 s; new instants every 0.6 s: 3, 4.5, 6, ... 13.5 -> 8 of them, 0.75 m apart
    np.testing.assert_allclose(track.positions[:, 0], 1.5 + 0.75 * np.arange(8))
    np.testing.assert_allclose(track.times, 0.4 * np.arange(8))
    back = retimed(recording(walker(1, 0, 5), walker(2, 2, 4)), -1.0)
    np.testing.assert_allclose(back.tracks[0].positions[:, 0], [3.0, 2.5, 2.0, 1.5, 1.0])
    # 2 was the last to go and is the first to come
    assert [t.times[0] for t in back.tracks] == pytest.approx([0.4, 0.0])
    third = retimed(recording(walker(1, 0, 6)), 1.0, 1.0 / 3.0).tracks[0]
    np.testing.assert_allclose(np.diff(third.positions[:, 0]), 0.5 / 1.2)
    assert len(third.times) == 7  # 0 .. 2.0 s
    with pytest.raises(DatasetError, match="expected people who are seen longer"):
        retimed(recording(walker(1, 1, 2)), 30.0)


def test_recordings_of_another_step_are_refused() -> None:
    track = walker(1, 0, 20)
    with pytest.raises(DatasetError, match=r"expected people every 0\.4 s, got steps of 0\.5 s"):
        windows([recording(Track(1, track.times * 1.25, track.positions))], "social_gan")


def test_only_recordings_of_the_benchmark_have_a_cut() -> None:
    with pytest.raises(DatasetError, match="recording made: expected one of biwi_eth"):
        cut_for_choosing(recording(walker(1, 0, 20)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_constant_velocity_has_the_errors_of_the_literature(shared_data: Path, protocol: str) -> None:
    means = []
    for name, fold in folds(read_benchmark(shared_data / "eth-ucy-loo")).items():
        made = windows(fold.test, protocol)  # type: ignore[arg-type]
        pasts, futures = made.pasts[made.scored], made.futures[made.scored]
        ade, fde = (errors.mean() for errors in displacement_errors(straight_on(pasts), futures))
        known = SOCIAL_GAN[name] if protocol == "social_gan" else SCHOELLER[name]
        assert (ade, fde) == pytest.approx(known[:2], abs=0.001)
        if protocol == "social_gan":
            assert len(pasts) == SOCIAL_GAN[name][2]
        means.append((ade, fde))
    known_mean = (0.520, 1.141) if protocol == "social_gan" else (0.398, 0.831)
    assert np.mean(means, axis=0) == pytest.approx(known_mean, abs=0.001)


def test_eth_at_its_true_clock_is_easier(shared_data: Path) -> None:
    made = windows([read_true_eth(shared_data / "eth-ucy-original")], "social_gan")
    ade, fde = (
        errors.mean()
        for errors in displacement_errors(straight_on(made.pasts[made.scored]), made.futures[made.scored])
    )
    assert (ade, fde) == pytest.approx((0.678, 1.344), abs=0.01)


def stretches(made: object) -> set[bytes]:
    """Every three steps of people who move, as what they are in the file."""
    found = set()
    for track in made.tracks:  # type: ignore[attr-defined]
        if len(track.times) < 3:
            continue
        triples = np.concatenate([track.positions[:-2], track.positions[1:-1], track.positions[2:]], axis=1)
        moves = np.linalg.norm(triples[:, 4:] - triples[:, :2], axis=1) > 0.2
        found |= {row.tobytes() for row in np.round(triples[moves], 3)}
    return found


def test_nothing_of_a_fold_s_test_is_there_to_learn_or_to_choose_by(shared_data: Path) -> None:
    recordings = read_benchmark(shared_data / "eth-ucy-loo")
    steps = {name: stretches(made) for name, made in recordings.items()}
    assert min(map(len, steps.values())) > 1000
    assert sum(map(len, steps.values())) == len(set().union(*steps.values()))  # no file holds a part of another
    for name, fold in folds(recordings).items():
        assert {r.name for r in fold.test} == set(PLACES[name])
        learn, choose = ({r.name for r in part} for part in (fold.learn, fold.choose))
        assert learn == choose == set(recordings) - set(PLACES[name])
        tested = set().union(*(stretches(r) for r in fold.test))
        for part in (*fold.learn, *fold.choose):
            assert not stretches(part) & tested
        for before, after in zip(fold.learn, fold.choose, strict=True):
            cut = CHOOSING_FROM[before.name] / before.frame_rate
            assert before.span[1] < cut <= after.span[0] + 1e-6
            whole = recordings[before.name]
            assert len(before.knots) + len(after.knots) == len(whole.knots)
