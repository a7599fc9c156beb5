"""Predicted against exact perturbation: the arithmetic of the figures, and a predictor that knows the answer."""

from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.errors import ResultsError
from sac_son_nav.evaluation.pednet_response import shipped
from sac_son_nav.evaluation.predictor_twins import Told, ask, ask_all, correlation, figures, judge, table, tail
from sac_son_nav.evaluation.response_samples import EXACT, TrackNoise, samples
from sac_son_nav.evaluation.scenario_cards import shipped_names
from sac_son_nav.evaluation.twin_data import (
    CARDS,
    HELD_OUT,
    LAWS_LEARNED,
    TwinConfig,
    _varied_law,
    held_out_batch,
    load,
    save,
    training_batch,
)
from sac_son_nav.prediction.predictor import ConstantVelocity
from sac_son_nav.prediction.response import ResponseConfig


@pytest.fixture(scope="module")
def batch():
    return held_out_batch("frontal_approach", "social_force", TwinConfig(worlds=4, moments=2, states=2))


class Knows:
    """Answers with the exact twins, state by state, as they are asked for."""

    def __init__(self, batch):
        self.twins, self.state = batch.twins, 0

    def predict(self, people, robot, step_s, walls):
        absent = np.repeat(self.twins.absent[self.state], 2, axis=1)
        moved = absent + np.repeat(self.twins.shifts[self.state].astype(np.float32), 2, axis=2)
        self.state += 1
        return np.concatenate([moved, absent[None]])


def test_who_knows_the_answer_is_right_and_who_says_nothing_changes_is_not(batch):
    right, nothing = figures([ask(Knows(batch), batch)]), figures([ask(ConstantVelocity(), batch)])
    assert right["correlation"] == pytest.approx(1.0, abs=1e-4)
    assert right["ranking"] == pytest.approx(1.0, abs=1e-4)
    assert right["bias_m"] == pytest.approx(0.0, abs=1e-4)
    assert nothing["correlation"] == 0.0
    assert nothing["bias_m"] == pytest.approx(-right["exact_mean_m"])


def test_figures_by_hand():
    """Two people of one state under two futures; predicted twice the exact for one, the half for the other."""
    exact = np.array([[0.1, 0.3], [0.2, 0.4]])
    told = Told(exact * [[2.0], [0.5]], exact, np.array([1.0, 5.0]), np.array([0, 0]))
    found = figures([told])
    assert found["people"] == 2
    assert found["bias_m"] == pytest.approx((0.2 + 0.6 + 0.1 + 0.2) / 4 - 0.25)
    assert found["error_m"] == pytest.approx((0.1 + 0.3 + 0.1 + 0.2) / 4)
    assert found["correlation_near"] == pytest.approx(1.0)  # of the near person alone, two futures
    assert found["ranking"] == pytest.approx(1.0)  # summed 0.3 and 0.8 against 0.3 and 0.7: the same order
    assert [row["count"] for row in found["calibration"]] == [3, 1]


def test_the_tail_by_hand():
    """Of 100 values one is 10 and the rest 0: mean 0.1, squares 98.01 of 99 in all."""
    assert tail(np.append(np.zeros(99), 10.0)) == pytest.approx(98.01 / 99.0)


def test_a_constant_correlates_with_nothing():
    assert correlation(np.ones(4), np.arange(4.0)) == 0.0


def test_the_table_has_a_line_for_each(batch):
    lines = list(table(judge([(batch.law, ask_all({"cv": ConstantVelocity()}, batch, TrackNoise()))])))
    assert len(lines) == 4
    assert lines[2].startswith("| cv | exact tracks | social_force | 0.000")


def test_pednet_is_asked_in_the_frame_of_each_person(batch):
    """The same world turned and moved has the same answer; an absent robot is no robot, wherever it is."""
    predictor = shipped()
    t, turn = batch.twins, np.array([[0.0, -1.0], [1.0, 0.0]])
    moved = {n: getattr(t, n) @ turn.T.astype(np.float32) + np.float32(2.0) for n in ("pasts", "robot_pasts")}
    velocities, poses, futures = t.velocities @ turn.T, t.robot_poses.copy(), t.futures.copy()
    for places in (poses, futures):
        places[..., :2] = places[..., :2] @ turn.T + 2.0
    other = replace(t, **moved, velocities=velocities.astype(np.float32), robot_poses=poses, futures=futures)
    one, same = ask(predictor, batch), ask(predictor, replace(batch, twins=other))
    np.testing.assert_allclose(same.predicted, one.predicted, atol=1e-4)
    assert one.predicted.max() > 0.0


def test_twins_come_back_from_their_file(batch, tmp_path):
    save(tmp_path / "a.npz", batch)
    again = load(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.twins.shifts, batch.twins.shifts)
    np.testing.assert_array_equal(again.floor.cells, batch.floor.cells)
    assert (again.scenario, again.law, again.radius) == (batch.scenario, batch.law, batch.radius)
    (tmp_path / "b.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(ResultsError, match=r"b\.npz: expected a file of twins"):
        load(tmp_path / "b.npz")


def test_training_never_walks_by_the_power_law_nor_on_held_out_cards():
    small = TwinConfig(worlds=2, moments=1, states=1)
    made, again = training_batch(small, 1), training_batch(small, 1)
    np.testing.assert_array_equal(again.twins.shifts, made.twins.shifts)
    assert set(LAWS_LEARNED) == {"social_force", "orca"}
    assert not set(CARDS) & set(HELD_OUT)
    assert set(CARDS) | set(HELD_OUT) <= set(shipped_names())
    with pytest.raises(KeyError):
        _varied_law("power_law", np.random.default_rng(0))


def test_samples_are_those_within_reach_and_their_pasts_can_be_short(batch):
    config = ResponseConfig()
    exact = samples(batch, EXACT, np.random.default_rng(0), config)
    assert len(exact) <= batch.twins.velocities.shape[0]
    assert exact.futures.shape[1:] == (9, 12, 2)
    np.testing.assert_allclose(exact.way[:, 0] - exact.start, 0.4 * batch.twins.velocities[: len(exact), 0], atol=1e-5)
    short = samples(batch, TrackNoise(0.0, 0.0, 0.0, short=1.0), np.random.default_rng(0), config)
    assert np.abs(short.features.even - exact.features.even).max() > 0.0
    np.testing.assert_array_equal(short.start, exact.start)
