"""The learned human model behind the predictor's interface: steps, lengths, references, fallback."""

import logging

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.prediction import forecaster, learned, response
from sac_son_nav.prediction.learned import Learned, expected, named_predictor, resampling
from sac_son_nav.prediction.predictor import ConstantVelocity, RobotFutures, SocialForce, SocialForceConfig
from sac_son_nav.prediction.response import ResponseConfig, ResponseModel
from sac_son_nav.states import Tracks

STEP, STEPS = 0.25, 20


def people(positions, velocities) -> Tracks:
    positions, velocities = np.asarray(positions, dtype=float), np.asarray(velocities, dtype=float)
    n = len(positions)
    return Tracks(0.0, "map", np.arange(n), positions, velocities, np.zeros((n, 4, 4)), np.ones(n))


def drives(speeds, present=None, x=0.0) -> RobotFutures:
    """Straight along x from (x, 0) at each of the speeds."""
    times = STEP * np.arange(1, STEPS + 1)
    poses = np.zeros((len(speeds), STEPS, 3))
    poses[..., 0] = x + np.asarray(speeds)[:, None] * times
    there = np.ones(len(speeds), dtype=bool) if present is None else np.asarray(present)
    return RobotFutures(np.array([x, 0.0, 0.0]), poses, there, 0.22)


def model(seed=0):
    random, config = np.random.default_rng(seed), ResponseConfig()
    return ResponseModel(
        config, {n: random.normal(0.0, 0.2, s).astype(np.float32) for n, s in response.shapes(config).items()}
    )


WALKERS = people([[2.0, 0.3], [3.0, -1.0], [30.0, 0.0]], [[-1.0, 0.0], [0.2, 0.9], [-1.0, 0.0]])


def test_absent_and_far_people_go_straight_on():
    robot = drives([0.5, 0.0], [True, False])
    answer = Learned(model()).predict(WALKERS, robot, STEP, None)
    straight = ConstantVelocity().predict(WALKERS, robot, STEP, None)
    assert answer.shape == (2, 3, STEPS, 2)
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer[1], straight[1])
    np.testing.assert_array_equal(answer[:, 2], straight[:, 2])
    assert np.abs(answer[0, :2] - straight[0, :2]).max() > 0.01


def test_parked_is_a_reference_like_any_other():
    """A robot that stays is charged against its absence, and exactly free against itself parked."""
    answer = Learned(model()).predict(WALKERS, drives([0.0, 0.0, 0.0], [True, True, False]), STEP, None)
    np.testing.assert_array_equal(answer[0], answer[1])
    assert np.abs(answer[0] - answer[2]).max() > 0.01


def test_more_futures_than_fit_at_once_are_each_alone():
    speeds = np.linspace(0.0, 0.6, learned.AT_ONCE + 3)
    together = Learned(model()).predict(WALKERS, drives(speeds), STEP, None)
    for k in (0, learned.AT_ONCE - 1, learned.AT_ONCE, learned.AT_ONCE + 2):
        alone = Learned(model()).predict(WALKERS, drives(speeds[k : k + 1]), STEP, None)[0]
        np.testing.assert_allclose(together[k], alone, atol=2e-5)


def test_nobody_is_nobody():
    answer = Learned(model()).predict(Tracks.empty(0.0, "map"), drives([0.3]), STEP, None)
    assert answer.shape == (1, 0, STEPS, 2)


def test_a_past_matters_and_a_straight_one_is_what_nobody_told():
    walkers = people([[2.0, 0.3]], [[-1.0, 0.0]])
    ages = 0.4 * np.arange(7, -1, -1)
    straight = np.stack([2.0 + ages, np.full(8, 0.3)], axis=-1)[None]

    def told(pasts):
        known = np.ones((1, 8), dtype=bool)
        t = walkers
        kept = Tracks(
            0.0, "map", t.ids, t.positions, t.velocities, t.covariances, t.confidences, pasts=pasts, known=known
        )
        return Learned(model()).predict(kept, drives([0.5]), STEP, None)

    np.testing.assert_allclose(told(straight), Learned(model()).predict(walkers, drives([0.5]), STEP, None), atol=1e-6)
    bent = straight + np.stack([0.0 * ages, 0.3 * ages**2], axis=-1)
    assert np.abs(told(bent) - told(straight)).max() > 1e-3


def test_the_forecaster_says_where_people_go_alone_and_constant_velocity_for_whom_it_can_not():
    """Of weights drawn by lot; the first person is known long enough, the second is not."""
    settings = forecaster.ForecasterConfig()
    parameters = forecaster.initial(np.random.default_rng(1), settings)
    t = people([[2.0, 0.3], [3.0, -1.0]], [[-1.0, 0.0], [0.2, 0.9]])
    pasts = t.positions[:, None] - t.velocities[:, None] * 0.4 * np.arange(7, -1, -1)[:, None]
    known = np.array([[True] * 8, [False] * 6 + [True] * 2])
    seen = Tracks(0.0, "map", t.ids, t.positions, t.velocities, t.covariances, t.confidences, pasts, known)
    both = Learned(model(), alone=(parameters, settings))
    answer = both.predict(seen, drives([0.5, 0.0], [True, False]), STEP, None)
    straight = ConstantVelocity().predict(seen, drives([0.0]), STEP, None)[0]
    best = forecaster.forecast(parameters, pasts.astype(np.float32), known, settings).best
    np.testing.assert_array_equal(answer[1, 1], straight[1])
    np.testing.assert_allclose(answer[1, 0, 7], best[0, 4], atol=1e-5)  # both at 2.0 s
    np.testing.assert_allclose(answer[1, 0, 15], best[0, 9], atol=1e-5)  # and at 4.0 s
    assert np.abs(answer[1, 0] - straight[0]).max() > 1e-3
    assert np.abs(answer[0] - answer[1]).max() > 0.01


def test_resampling_by_hand():
    """Given at 1 and 2 s, asked for at 0.5, 1, 1.75, 2.5, 3 and 9 s: beyond 3 s nothing more is made up."""
    weights = resampling(np.array([1.0, 2.0]), np.array([0.5, 1.0, 1.75, 2.5, 3.0, 9.0]))
    np.testing.assert_allclose(weights @ np.array([0.0, 10.0, 14.0]), [5.0, 10.0, 13.0, 16.0, 18.0, 18.0])


def test_the_planner_and_the_model_keep_their_own_steps():
    """Straight lines stay straight lines through both grids; the model's last moment is 4.8 s, the planner's 5."""
    planned, own = STEP * np.arange(1, STEPS + 1), 0.4 * np.arange(1, 13)
    np.testing.assert_allclose(resampling(planned, own) @ np.append(0.0, 3.0 * planned), 3.0 * own, atol=1e-5)
    np.testing.assert_allclose(resampling(own, planned) @ np.append(0.0, 3.0 * own), 3.0 * planned, atol=1e-5)


def test_expected_length_by_hand():
    """Along the mean, as long as expected; with next to no mean there is next to no direction."""
    mean = np.array([[0.3, 0.0, 0.0], [0.4, 0.0, 0.02]], dtype=np.float32)
    shift = expected(*mean, np.array([1.0, 1.0, 1.0], dtype=np.float32))
    np.testing.assert_allclose(shift, [[0.6, 0.0, 0.0], [0.8, 0.0, 0.5**0.5]], atol=1e-3)


def test_predictors_by_name(monkeypatch):
    assert isinstance(named_predictor("constant_velocity", SocialForceConfig()), ConstantVelocity)
    chosen = named_predictor("social_force", SocialForceConfig(robot_weight=0.5))
    assert isinstance(chosen, SocialForce)
    assert chosen.config.robot_weight == 0.5
    with pytest.raises(ConfigError, match="expected one of learned, social_force, constant_velocity, got 'psychic'"):
        named_predictor("psychic", SocialForceConfig())


def test_without_weights_the_social_force_stands_in_and_says_so(monkeypatch, caplog):
    monkeypatch.setattr(learned, "MODEL", "no_such_model")
    learned._shipped.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            chosen = named_predictor("learned", SocialForceConfig())
            named_predictor("learned", SocialForceConfig())
    finally:
        learned._shipped.cache_clear()
    assert isinstance(chosen, SocialForce)
    assert len(caplog.messages) == 1
    assert "no_such_model" in caplog.messages[0]
    assert "the social force model stands in" in caplog.messages[0]
