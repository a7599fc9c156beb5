"""The weights that are shipped: whole, small, and saying what they said when they were made."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.checkpoint import load_model
from sac_son_nav.config import resource
from sac_son_nav.datasets.windows import PLACES
from sac_son_nav.evaluation.window_forecasts import forecaster_weights, pednet_weights
from sac_son_nav.prediction import pednet
from sac_son_nav.prediction.forecaster import forecast

FOLDERS = [*(f"folds/{place}" for place in PLACES), "."]


GOLDEN_BEST = [[5.86, 0.199], [5.961, -0.464], [-0.315, 0.27], [2.143, 2.993]]
GOLDEN_SPREAD = [0.866, 0.872, 0.814, 0.552]
GOLDEN_MODES = [
    [[6.113, 1.285], [5.901, 0.309]],
    [[6.256, 0.489], [6.025, -0.375]],
    [[-0.64, 1.165], [-0.372, 0.296]],
    [[4.184, 1.012], [2.646, 2.859]],
]
GOLDEN_PEDNET = [[3.721, -0.195], [3.81, -0.027], [-0.297, -0.308], [0.101, -0.007]]


def crossing() -> np.ndarray:
    """Two who walk side by side, one who comes towards them, one who stands: pasts (4, 8, 2) [m]."""
    t = np.arange(-7.0, 1.0)[:, None]
    paths = [
        np.array([0.0, 0.0]) + t * np.array([0.5, 0.02]),
        np.array([0.1, -0.7]) + t * np.array([0.5, 0.0]),
        np.array([5.0, 0.3]) + t * np.array([-0.45, 0.0]) + t**2 * np.array([0.0, 0.004]),
        np.array([2.0, 3.0]) + t * np.array([0.01, 0.0]),
    ]
    return np.stack(paths).astype(np.float32)


def test_the_forecaster_says_what_it_said_when_it_was_made() -> None:
    model = load_model("forecaster", "forecaster")
    weights, settings = forecaster_weights(model, "forecaster")
    told = forecast(weights, crossing(), np.ones((4, 8), bool), settings)
    np.testing.assert_allclose(told.best[:, -1], GOLDEN_BEST, atol=2e-3)
    np.testing.assert_allclose(told.spread[:, -1], GOLDEN_SPREAD, atol=2e-3)
    np.testing.assert_allclose(told.modes[:, :2, -1], GOLDEN_MODES, atol=5e-3)
    # and it makes sense: side by side they stay so, and nobody leaves the plaza
    apart = np.linalg.norm(told.best[0] - told.best[1], axis=-1)
    assert 0.4 < apart.min() < apart.max() < 1.4
    assert np.linalg.norm(told.best[3, -1] - [2.0, 3.0]) < 0.5


def test_pednet_says_what_it_said_when_it_was_made() -> None:
    weights = pednet_weights(load_model("pednet", "pednet"), "pednet")
    person = (crossing() - crossing()[:, -1:]).astype(np.float32)
    nobody = np.zeros_like(person)
    told = pednet.respond(weights, pednet.encode(weights, person, nobody), person[:, -1], nobody)
    np.testing.assert_allclose(told[:, -1], GOLDEN_PEDNET, atol=2e-3)


@pytest.mark.parametrize("name", ["forecaster", "pednet"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_is_whole_and_small_and_knows_what_it_never_saw(name: str, folder: str) -> None:
    where = resource("models", name) / folder
    model = load_model(where, name)
    (forecaster_weights if name == "forecaster" else pednet_weights)(model, str(where))
    left_out = set(PLACES.get(Path(folder).name, ()))
    assert set(model.made["left_out"]) == left_out
    assert not left_out & set(model.made["learned_from"])
    assert len(model.made["learned_from"]) == 8 - len(left_out)
    assert len(model.settings["factors"]) == 12
    assert not model.made["git"]["dirty"]
    data = (where / "weights.safetensors").read_bytes()
    assert len(data) <= 5_000_000
    if folder == ".":
        assert hashlib.sha256(data).hexdigest()[:16] in (resource("models") / "README.md").read_text()
        assert (where / "card.md").read_text().startswith("# ")
