"""Training predictors end to end on made people: what is drawn, what is learned, what is left, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sac_son_nav.checkpoint import load_model  # noqa: E402
from sac_son_nav.cli import main  # noqa: E402
from sac_son_nav.datasets.pedestrians import PedestrianRecording, Track  # noqa: E402
from sac_son_nav.evaluation.window_forecasts import load  # noqa: E402
from sac_son_nav.prediction.forecaster import ForecasterConfig  # noqa: E402
from sac_son_nav.training.forecaster_task import ForecasterLearning, ForecasterTask  # noqa: E402
from sac_son_nav.training.pednet_task import PedNetLearning, PedNetTask  # noqa: E402
from sac_son_nav.training.run import RunConfig, train  # noqa: E402

NETWORK = ForecasterConfig(width=16, pair_width=8, heads=2, others=3)
BENCHMARK = {
    "biwi_eth": 10240,
    "biwi_hotel": 14400,
    "crowds_zara01": 7110,
    "crowds_zara02": 8420,
    "crowds_zara03": 6030,
    "students001": 3550,
    "students003": 4320,
    "uni_examples": 5940,
}


def curving(people: int = 8, rows: int = 40) -> PedestrianRecording:
    """Everybody turns left by 0.15 rad a step, so that straight on is wrong and the truth is known."""
    tracks = []
    for k in range(people):
        angles = k + 0.15 * np.arange(rows)
        steps = 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        tracks.append(Track(k, 0.4 * (k + np.arange(rows)), 3.0 * k + np.cumsum(steps, axis=0)))
    return PedestrianRecording("made", 25.0, tuple(tracks))


def test_examples_hold_the_others_that_are_near_and_everything_is_stretched_alike() -> None:
    task = ForecasterTask([curving()], [], NETWORK, ForecasterLearning(paces=(1.0,), scale=0.5), 10)
    drawn = task.batch(np.random.default_rng(0), 64, 0)
    stretch = drawn["stretch"]
    assert stretch.std() > 0.2
    steps = np.linalg.norm(np.diff(drawn["own"], axis=1), axis=-1)
    both = drawn["own_seen"][:, 1:] & drawn["own_seen"][:, :-1]
    np.testing.assert_allclose(steps[both], np.broadcast_to(0.5 * stretch[:, None], both.shape)[both], rtol=1e-4)
    first = np.linalg.norm(drawn["future"][:, 0], axis=-1)
    np.testing.assert_allclose(first, 0.5 * stretch, rtol=1e-4)  # the origin is where a person is now
    theirs = np.linalg.norm(np.diff(drawn["others"][..., -2:, :], axis=2)[..., 0, :], axis=-1)
    there = drawn["others_seen"][..., -1]
    np.testing.assert_allclose(theirs[there], np.broadcast_to(0.5 * stretch[:, None], there.shape)[there], rtol=1e-3)


def test_every_second_example_jerks_and_the_last_place_stays_the_origin() -> None:
    still = ForecasterTask([curving()], [], NETWORK, ForecasterLearning(paces=(1.0,), scale=0.0), 10)
    jerks = ForecasterTask([curving()], [], NETWORK, ForecasterLearning(paces=(1.0,), scale=0.0, jitter=0.05), 10)
    one, other = (task.batch(np.random.default_rng(0), 64, 0) for task in (still, jerks))
    away = np.abs(other["own"] - one["own"]).max(axis=(1, 2))
    assert away[::2].max() == 0.0
    assert 0.01 < np.median(away[1::2]) < 0.3
    assert np.abs(other["own"][:, -1]).max() == 0.0
    shift = (other["future"] - one["future"])[:, 0]  # what is foretold is where people truly are
    np.testing.assert_allclose(
        other["future"] - one["future"], np.broadcast_to(shift[:, None], (64, 12, 2)), atol=1e-5
    )


def test_the_forecaster_learns_what_constant_velocity_can_not(tmp_path: Path) -> None:
    task = ForecasterTask([curving()], [curving()], NETWORK, ForecasterLearning(paces=(1.0,)), 100)
    config = RunConfig(steps=100, batch=64, rate=8e-3, validate_every=100, warmup=10, average=0.9)
    before = task.validate(task.initial(np.random.default_rng(0)))
    _, report = train(task, config, tmp_path)
    after = {name: points[-1][1] for name, points in report["curves"].items()}
    assert before["fde_m"] > 3.0  # straight on, they miss by metres
    assert after["fde_m"] < 0.35 * before["fde_m"]
    assert after["best_of_20_fde_m"] < after["fde_m"]


def test_the_loss_is_a_sum_over_examples_so_that_processes_can_share_it() -> None:
    task = ForecasterTask([curving()], [], NETWORK, ForecasterLearning(), 10)
    weights = {name: torch.from_numpy(array) for name, array in task.initial(np.random.default_rng(0)).items()}
    batch = {name: torch.from_numpy(array) for name, array in task.batch(np.random.default_rng(1), 10, 0).items()}
    whole, count = task.loss(weights, batch, 3)
    parts = [task.loss(weights, {name: array[k::3] for name, array in batch.items()}, 3) for k in range(3)]
    assert sum(float(loss) for loss, _ in parts) == pytest.approx(float(whole), rel=1e-5)
    assert sum(n for _, n in parts) == count == 10


def test_pednet_learns_the_bend_it_can_see(tmp_path: Path) -> None:
    task = PedNetTask([curving()], [curving()], PedNetLearning())
    config = RunConfig(steps=120, batch=64, rate=8e-3, validate_every=120, warmup=10, average=0.9)
    before = task.validate(task.initial(np.random.default_rng(0)))
    weights, report = train(task, config, tmp_path)
    assert report["curves"]["ade_m"][-1][1] < 0.5 * before["ade_m"]
    assert "trunk.0.mean" in task.finished(weights)


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made files of the benchmark's names, each with people before and after its cut."""
    folder = tmp_path_factory.mktemp("benchmark")
    made = curving(3, 22)
    for name, cut in BENCHMARK.items():
        rows = [
            f"{cut + shift + round(t / 0.04)}\t{track.id + shift}\t{x}\t{y}"
            for shift in (-1000, 0)
            for track in made.tracks
            for t, (x, y) in zip(track.times, track.positions, strict=True)
        ]
        (folder / f"{name}.txt").write_text("\n".join(rows))
    return folder


@pytest.mark.parametrize("kind", ["forecaster", "pednet"])
def test_the_command_trains_goes_on_and_is_evaluated(
    benchmark: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "tiny.yaml"
    config.write_text(
        f"kind: {kind}\nrun: {{steps: 2, batch: 8, validate_every: 1}}\n"
        "network: {width: 16, pair_width: 8, heads: 2, others: 3}\nforecaster: {paces: [1.0, -1.0]}\n"
    )
    words = ["train", "predictor", "--config", str(config), "--data", str(benchmark), "--out", str(tmp_path / "out")]
    assert main([*words, "--fold", "eth", "all"]) == 0
    whole = load_model(tmp_path / "out/model", kind)
    assert whole.made["left_out"] == []
    left = load_model(tmp_path / "out/model/folds/eth", kind)
    assert left.made["left_out"] == ["biwi_eth"]
    assert "biwi_eth" not in left.made["learned_from"]
    assert main(words) == 0  # the other folds; what was done is not done again
    assert load_model(tmp_path / "out/model", kind).weights.keys() == whole.weights.keys()
    capsys.readouterr()
    name = {"forecaster": "sac_son", "pednet": "pednet"}[kind]
    judge = ["evaluate", "predictor", "--data", str(benchmark), "--model", name, "--out", str(tmp_path / "judged")]
    assert main([*judge, "--weights", str(tmp_path / "out/model")]) == 0
    assert "social_gan mean" in capsys.readouterr().out
    assert load(name, "eth", tmp_path / "out/model").factors is not None
    (tmp_path / "out/model/folds/univ/weights.safetensors").write_bytes(b"damaged")
    assert main([*judge, "--weights", str(tmp_path / "out/model")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "univ/weights.safetensors: expected the file whose SHA-256 begins" in said


def test_what_can_not_be_trained_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.yaml"
    for text, words in (
        ("kind: oracle", "expected forecaster or pednet, got 'oracle'"),
        ("kind: pednet\nfolds: [mars]", "got 'mars'"),
        ("kind: forecaster\nforecaster: {paces: [0.0]}", "expected one or more that are not 0"),
        ("kind: forecaster\nnetwork: {heads: 3}", "expected a divisor of both widths"),
        ("kind: forecaster\nrun: {keep: none}", "expected last or best"),
        ("kind: pednet", "no such file"),
    ):
        config.write_text(text)
        assert (
            main(["train", "predictor", "--config", str(config), "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
        )
        assert words in capsys.readouterr().err
