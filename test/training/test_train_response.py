"""Training the response: the same twins however many make them, a run from a file to a model, the loss by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sac_son_nav.errors import ConfigError  # noqa: E402
from sac_son_nav.evaluation.twin_data import TwinConfig, make_training_set  # noqa: E402
from sac_son_nav.prediction.response import load_response, shapes  # noqa: E402
from sac_son_nav.training.run import RunConfig  # noqa: E402
from sac_son_nav.training.train_response import (  # noqa: E402
    ResponseTraining,
    load_training,
    read_twins,
    train_and_save,
    train_response,
)

SMALL = TwinConfig(batches=2, worlds=3, moments=1, states=2)  # one to validate with, one to learn from
SETTINGS = ResponseTraining(twins=SMALL, run=RunConfig(steps=6, batch=16, validate_every=3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("run")
    make_training_set(SMALL, made / "twins")
    return made


def test_two_processes_make_the_files_of_one(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    make_training_set(SMALL, tmp_path, lambda *done: told.append(done), jobs=2)
    assert told == [(1, 2), (2, 2)]
    for name in ("00000.npz", "00001.npz"):
        with np.load(tmp_path / name) as two, np.load(folder / "twins" / name) as one:
            assert set(two) == set(one)
            assert all(np.array_equal(two[key], one[key]) for key in one)


def test_a_run_from_a_file_to_a_model(folder: Path) -> None:
    text = "twins: {batches: 2, worlds: 3, moments: 1, states: 2}\nrun: {steps: 6, batch: 16, validate_every: 3}\n"
    (folder / "small.yaml").write_text(text)
    assert train_and_save(folder / "small.yaml", folder, device="cpu") == 0
    model = load_response(str(folder / "model"))
    assert {name: array.shape for name, array in model.parameters.items()} == shapes(model.config)
    assert "device: cpu" in (folder / "run.yaml").read_text()
    again, _ = train_response(load_training(folder / "small.yaml"), folder)  # nothing is left to do
    assert all(np.array_equal(again[name], array) for name, array in model.parameters.items())


def test_weights_of_zero_have_the_loss_of_saying_nothing(folder: Path) -> None:
    """Nothing but the softened length of 5 mm is said, so every error is what the twins say, bent by hand."""
    task = read_twins(replace(SETTINGS, longest=100.0), folder / "twins")
    nothing = {name: torch.zeros(shape) for name, shape in shapes(SETTINGS.model).items()}
    everything = task.arrays
    total, count = task.loss(nothing, everything, 0)
    a = {name: array.double().numpy() for name, array in everything.items()}
    far = np.linalg.norm(a["shifts"], axis=-1)  # (M, F, T)
    close = np.linalg.norm(a["futures"] - a["way"][:, None], axis=-1)
    close = np.minimum.accumulate(
        np.minimum(close, np.linalg.norm(a["robot"] - a["start"], axis=-1)[:, None, None]), -1
    )
    share = np.clip((7.0 - close) / 3.0, 0.0, 1.0)
    length = 0.005 * share**2 * (3.0 - 2.0 * share)

    def bent(squared: np.ndarray, bend: float) -> np.ndarray:
        return 2.0 * bend**2 * (np.sqrt(1.0 + squared / bend**2) - 1.0)

    each = (bent(far**2, 0.07) + bent((length - far) ** 2, 0.07)).mean((1, 2))
    each += ((length - far).mean(-1) ** 2).mean(-1)
    each += 0.05 * bent(((a["absent"] - a["way"]) ** 2).sum(-1), 0.2).mean(-1)
    assert float(total) == pytest.approx((each * a["weight"]).sum(), rel=1e-4)
    assert float(count) == pytest.approx(a["weight"].sum())


def test_a_gpu_holds_the_examples_and_learns_the_same(folder: Path, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    on_gpu = replace(SETTINGS, run=replace(SETTINGS.run, device="cuda"))
    assert read_twins(on_gpu, folder / "twins").arrays["shifts"].is_cuda
    (tmp_path / "twins").symlink_to(folder / "twins")
    there, _ = train_response(on_gpu, tmp_path)
    here, _ = train_response(SETTINGS, folder)
    for name, array in here.items():
        np.testing.assert_allclose(there[name], array, atol=1e-3)


def test_laws_are_those_that_may_be_learned_from() -> None:
    with pytest.raises(ConfigError, match="laws: expected social_force, orca or both, got power_law"):
        ResponseTraining(laws=("power_law",))
