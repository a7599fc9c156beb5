"""The judge of forecasts: errors, collisions, discs and classes by hand; constant velocity on the real files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.cli import main
from sac_son_nav.datasets.pedestrians import PedestrianRecording, Track
from sac_son_nav.datasets.windows import Windows, displacement_errors, folds, read_benchmark, windows
from sac_son_nav.evaluation import predictor
from sac_son_nav.evaluation.window_forecasts import by_pednet, constant_velocity, load, pednet_frame
from sac_son_nav.prediction import pednet
from sac_son_nav.prediction.forecaster import Forecast


def walkers(*people: tuple[tuple[float, float], tuple[float, float]], rows: int = 20) -> Windows:
    """People from a place at a step, all in the same rows."""
    tracks = [
        Track(k, 0.4 * np.arange(rows), np.array(place) + np.arange(rows)[:, None] * np.array(step))
        for k, (place, step) in enumerate(people)
    ]
    return windows([PedestrianRecording("made", 25.0, tuple(tracks))], "social_gan")


def told(made: Windows, off: float = 0.0) -> Forecast:
    """The truth moved by `off` [m] along x; twenty of them, the k-th by k times as much more."""
    future = made.futures[made.scored]
    best = future + np.array([off, 0.0])
    each = best[:, None] + np.array([1.0, 0.0]) * np.arange(20)[:, None, None]
    probabilities = np.full((len(best), 20), 0.01)
    probabilities[:, 3] = 0.81
    return Forecast(best, np.ones(best.shape[:2]), each, probabilities)


def test_errors_by_hand() -> None:
    made = walkers(((0.0, 0.0), (0.5, 0.0)), ((0.0, 5.0), (0.5, 0.0)))
    found = predictor.errors(predictor.judge(lambda w: told(w, 0.25), made))
    assert (found["forecasts"], found["ade_m"], found["fde_m"]) == pytest.approx((2, 0.25, 0.25))
    assert (found["best_of_20_ade_m"], found["most_probable_fde_m"]) == pytest.approx((0.25, 3.25))
    assert found["error_by_step_m"] == pytest.approx([0.25] * 12)


def test_people_who_cross_between_two_steps_collide() -> None:
    # towards each other along x, 0.1 m aside; they meet at 19 half metres, in the future and between two steps
    made = walkers(((0.0, 0.0), (0.5, 0.0)), ((13.25, 0.1), (-0.5, 0.0)), ((0.0, 9.0), (0.5, 0.0)))
    found = predictor.collisions(predictor.judge(lambda w: told(w), made))
    assert found == pytest.approx({"collision_rate": 2 / 3, "collision_rate_recorded": 2 / 3})
    apart = walkers(((0.0, 0.0), (0.5, 0.0)), ((13.25, 0.3), (-0.5, 0.0)), ((0.0, 9.0), (0.5, 0.0)))
    assert predictor.collisions(predictor.judge(lambda w: told(w), apart))["collision_rate"] == 0.0


def test_discs_hold_whom_they_reach_and_learn_only_what_has_come_due() -> None:
    made = walkers(((0.0, 0.0), (0.5, 0.0)), ((0.0, 5.0), (0.5, 0.0)), rows=22)  # 3 moments
    judged = predictor.judge(lambda w: told(w, 1.0), made)
    found = predictor.coverage(judged, np.full(12, 0.9))
    assert found["coverage"] == 0.0  # a metre off, and 0.9 m wide
    # Two people who are missed lift the logarithm of the radius by 0.2 * 2 * 0.9, that of later steps by a fifth.
    assert 0.9 * np.exp(0.36) > 1.0 > 0.9 * np.exp(0.072)
    # The first step of moment 0 comes due at moment 1, which then holds; the second step waits for moment 2. There
    # what came of moment 1 (two held, at a rate of 0.2 / sqrt(3) now) takes a little back, and two fifths are enough.
    back = 0.2 / np.sqrt(3.0) * 2 * 0.1 * 0.2
    assert 0.9 * np.exp(0.072 - back + 0.072) > 1.0
    lost = np.array([1.0 - c for c in found["coverage_adaptive_by_step"]]) * 3
    np.testing.assert_allclose(lost, [1, *[2] * 11], atol=1e-9)
    assert found["radius_by_step_m"] == pytest.approx([0.9] * 12)


def test_errors_are_told_by_density_distance_and_pace() -> None:
    made = walkers(((0.0, 0.0), (0.5, 0.0)), ((0.0, 1.0), (0.5, 0.0)), ((0.0, 30.0), (0.1, 0.0)))
    found = predictor.by_class(predictor.judge(lambda w: told(w, 1.0), made))
    assert [(row["from"], row["forecasts"]) for row in found["people_within_5_m"]] == [(0.0, 1), (1.0, 2)]
    assert [(row["from"], row["to"], row["forecasts"]) for row in found["nearest_other_m"]] == [
        (0.75, 1.5, 2),
        (6.0, None, 1),
    ]
    assert [(row["from"], row["forecasts"]) for row in found["pace_m_s"]] == [(0.0, 1), (1.2, 2)]


def test_pednet_sees_tracks_three_times_a_second_in_the_persons_frame() -> None:
    made = walkers(((1.0, 2.0), (0.0, 0.6)), ((9.0, 9.0), (0.0, 0.6)))
    seen, turn, origin = pednet_frame(made.pasts)
    np.testing.assert_allclose(turn, [[0.0, 1.0]] * 2, atol=1e-9)
    np.testing.assert_allclose(origin[0], [1.0, 2.0 + 7 * 0.6])
    np.testing.assert_allclose(seen[0, :, 0], -0.5 * np.arange(7, -1, -1), atol=1e-6)  # 1.5 m/s, 1/3 s apart
    np.testing.assert_allclose(seen[0, :, 1], 0.0, atol=1e-6)


def test_a_pednet_that_goes_straight_on_goes_on_beyond_its_horizon() -> None:
    p = {name: array * 0.0 for name, array in pednet.initial(np.random.default_rng(0)).items()}
    zeros = np.zeros((2, 8, 2), np.float32)
    p = dict(pednet.with_moments(p, zeros, zeros, zeros))
    p["head.2.bias"][0::2] = np.arctanh(0.25 / pednet.CAP)  # a quarter of a metre ahead at each of its steps
    made = walkers(((1.0, 2.0), (0.0, 0.6)), ((9.0, 9.0), (0.6, 0.0)))
    best = by_pednet(p, made).best
    ahead = 0.25 * 3.0 * 0.4 * np.arange(1, 13)
    np.testing.assert_allclose(best[0], np.stack([np.full(12, 1.0), 6.2 + ahead], axis=-1), atol=1e-5)
    np.testing.assert_allclose(best[1], np.stack([13.2 + ahead, np.full(12, 9.0)], axis=-1), atol=1e-5)


def test_constant_velocity_of_twenty_is_the_literature_s(shared_data: Path, tmp_path: Path) -> None:
    """Best of 20 with 25 degrees of noise: 0.404/0.854 in Social-GAN windows; only zara1 here, for time."""
    fold = folds(read_benchmark(shared_data / "eth-ucy-loo"))["zara1"]
    found = predictor.judge_fold(load("constant_velocity", "zara1"), fold, "social_gan")
    assert (found["ade_m"], found["fde_m"]) == pytest.approx((0.431, 0.960), abs=0.001)
    assert (found["best_of_20_ade_m"], found["best_of_20_fde_m"]) == pytest.approx((0.306, 0.619), abs=0.005)
    assert 0.88 < found["coverage_adaptive"] < 0.92
    assert found["collision_rate_recorded"] < found["collision_rate"]
    assert constant_velocity(windows(fold.test, "social_gan")).modes.shape == (2253, 20, 12, 2)


def test_at_hotel_the_past_says_more_than_the_last_step_and_the_forecaster_reads_no_more(shared_data: Path) -> None:
    """Figures of docs/results/predictor.md, forecasts made where nobody has written down what came."""
    fold = folds(read_benchmark(shared_data / "eth-ucy-loo"))["hotel"]
    made = windows(fold.test, "social_gan")
    future, past = made.futures[made.scored], made.pasts[made.scored]
    ago = np.arange(-3.5, 4.0)
    slope = np.tensordot(ago / (ago @ ago), past, axes=(0, 1))
    line = past[:, -1:] + slope[:, None] * np.arange(1.0, 13.0)[:, None]
    blind = replace(made, futures=np.full_like(made.futures, np.nan))
    for best, figure in (
        (constant_velocity(blind).best, (0.323, 0.617)),
        (line, (0.242, 0.457)),
        (load("sac_son", "hotel").forecast(blind).best, (0.228, 0.442)),
    ):
        assert [e.mean() for e in displacement_errors(best, future)] == pytest.approx(figure, abs=6e-4)


def test_a_wrong_name_or_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "predictor", "--out", str(tmp_path / "out"), "--data"]
    assert main([*words, str(tmp_path)]) == 2
    assert "biwi_eth.txt: no such file" in capsys.readouterr().err
    with pytest.raises(Exception, match="expected one of constant_velocity, pednet, sac_son"):
        load("oracle", "eth")
    assert not json.loads(json.dumps(sorted(p.name for p in (tmp_path / "out").iterdir())))
