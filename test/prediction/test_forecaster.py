"""What holds for the forecaster whatever its weights: frames, order, who is seen, NumPy and torch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sac_son_nav.prediction import forecaster
from sac_son_nav.prediction.forecaster import Forecast, ForecasterConfig

SETTINGS = ForecasterConfig(width=32, pair_width=16, heads=2, others=4)
Arrays = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def weights() -> forecaster.Initial:
    random = np.random.default_rng(3)
    made = forecaster.initial(random, SETTINGS)
    return {name: array + random.normal(0.0, 0.05, array.shape).astype(np.float32) for name, array in made.items()}


def people(count: int = 7, seed: int = 0) -> Arrays:
    """Tracks [m] that wind, and which parts of them were seen."""
    random = np.random.default_rng(seed)
    starts, headings = random.uniform(-4.0, 4.0, (count, 1, 2)), random.uniform(-3.0, 3.0, count)
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=-1)[:, None] * random.uniform(0.2, 0.7, (count, 1, 1))
    steps = steps + random.normal(0.0, 0.08, (count, 8, 2))
    first = random.integers(0, 6, count)
    mask = np.arange(8) >= first[:, None]
    return (starts + np.cumsum(steps, axis=1)).astype(np.float32), mask


def close(one: Forecast, other: Forecast, atol: float = 2e-4) -> None:
    for f in dataclasses.fields(Forecast):
        np.testing.assert_allclose(getattr(one, f.name), getattr(other, f.name), atol=atol, err_msg=f.name)


def taken(made: Forecast, rows: np.ndarray) -> Forecast:
    return Forecast(*(getattr(made, f.name)[rows] for f in dataclasses.fields(Forecast)))


def test_shapes_types_and_probabilities(weights: forecaster.Initial) -> None:
    made = forecaster.forecast(weights, *people(), SETTINGS)
    assert (made.best.shape, made.spread.shape) == ((7, 12, 2), (7, 12))
    assert (made.modes.shape, made.probabilities.shape) == ((7, 20, 12, 2), (7, 20))
    assert {getattr(made, f.name).dtype for f in dataclasses.fields(Forecast)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(made.probabilities.sum(axis=1), 1.0, rtol=1e-5)
    assert made.spread.min() > 0.0


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_any_number_of_people(weights: forecaster.Initial, count: int) -> None:
    made = forecaster.forecast(weights, *people(count), SETTINGS)
    assert made.modes.shape == (count, 20, 12, 2)
    assert all(np.isfinite(getattr(made, f.name)).all() for f in dataclasses.fields(Forecast))


def test_with_weights_of_zero_people_walk_straight_on(weights: forecaster.Initial) -> None:
    pasts, mask = people()
    made = forecaster.forecast({name: array * 0.0 for name, array in weights.items()}, pasts, mask, SETTINGS)
    straight = pasts[:, -1:] + (pasts[:, -1:] - pasts[:, -2:-1]) * np.arange(1, 13)[:, None]
    np.testing.assert_allclose(made.best, straight, atol=1e-4)
    np.testing.assert_allclose(made.modes, np.broadcast_to(straight[:, None], made.modes.shape), atol=1e-4)
    np.testing.assert_allclose(made.probabilities, 0.05, rtol=1e-5)


def test_the_order_of_people_changes_nothing_but_the_order_of_the_answer(weights: forecaster.Initial) -> None:
    pasts, mask = people()
    order = np.random.default_rng(1).permutation(7)
    close(
        forecaster.forecast(weights, pasts[order], mask[order], SETTINGS),
        taken(forecaster.forecast(weights, pasts, mask, SETTINGS), order),
        1e-5,
    )


@pytest.mark.parametrize("angle", [0.4, 2.0, -3.0])
def test_a_turned_and_moved_frame_turns_and_moves_the_answer(weights: forecaster.Initial, angle: float) -> None:
    pasts, mask = people()
    c, s = np.cos(angle), np.sin(angle)
    turn, move = np.array([[c, s], [-s, c]], np.float32), np.array([30.0, -12.0], np.float32)
    made = forecaster.forecast(weights, pasts @ turn + move, mask, SETTINGS)
    before = forecaster.forecast(weights, pasts, mask, SETTINGS)
    close(
        made,
        Forecast(before.best @ turn + move, before.spread, before.modes @ turn + move, before.probabilities),
    )


def test_a_mirrored_frame_mirrors_the_answer(weights: forecaster.Initial) -> None:
    pasts, mask = people()
    flip = np.array([1.0, -1.0], np.float32)
    made, before = (forecaster.forecast(weights, p, mask, SETTINGS) for p in (pasts * flip, pasts))
    close(made, Forecast(before.best * flip, before.spread, before.modes * flip, before.probabilities))


def test_what_was_not_seen_is_not_read(weights: forecaster.Initial) -> None:
    pasts, mask = people()
    other = np.where(mask[..., None], pasts, np.float32(np.nan))
    close(
        forecaster.forecast(weights, other, mask, SETTINGS), forecaster.forecast(weights, pasts, mask, SETTINGS), 0.0
    )


def test_people_see_those_who_are_nearest_and_nobody_else(weights: forecaster.Initial) -> None:
    pasts, mask = people(3)
    far = pasts + np.float32(50.0)
    together = forecaster.forecast(weights, np.concatenate([pasts, far]), np.concatenate([mask, mask]), SETTINGS)
    alone = forecaster.forecast(weights, pasts, mask, SETTINGS)
    assert np.abs(together.best[:3] - alone.best).max() > 1e-5  # there is room for four others, so far ones are seen
    moved = far + np.float32(1.0)
    narrow = dataclasses.replace(SETTINGS, others=2)
    one, other = (
        forecaster.forecast(weights, np.concatenate([pasts, f]), np.concatenate([mask, mask]), narrow)
        for f in (far, moved)
    )
    close(taken(one, np.arange(3)), taken(other, np.arange(3)), 0.0)
    gone = mask.copy()
    gone[2, -2:] = False  # not there now
    seen = forecaster.forecast(weights, pasts, gone, SETTINGS)
    close(taken(seen, np.arange(2)), forecaster.forecast(weights, pasts[:2], mask[:2], SETTINGS), 1e-5)


def test_somebody_who_never_moved_has_a_forecast(weights: forecaster.Initial) -> None:
    pasts = np.zeros((1, 8, 2), np.float32)
    made = forecaster.forecast(weights, pasts, np.ones((1, 8), bool), SETTINGS)
    assert np.isfinite(made.modes).all()
    assert np.abs(made.best).max() < 12 * SETTINGS.slowest * 4.0


def test_torch_says_the_same(weights: forecaster.Initial) -> None:
    torch = pytest.importorskip("torch")
    pasts, mask = people()
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    made = forecaster.forecast(tensors, torch.from_numpy(pasts), torch.from_numpy(mask), SETTINGS)
    before = forecaster.forecast(weights, pasts, mask, SETTINGS)
    close(Forecast(*(getattr(made, f.name).numpy() for f in dataclasses.fields(Forecast))), before, 1e-4)
