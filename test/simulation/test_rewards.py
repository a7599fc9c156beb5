from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.rewards import TERMS, RewardConfig, intrusion, total


def test_intrusion_is_squared_and_summed_over_people() -> None:
    distances = np.array([[0.5, 0.6, 3.0], [0.7, 0.7, np.nan], [9.0, np.nan, np.nan]])
    np.testing.assert_allclose(intrusion(distances, 0.7), [0.2**2 + 0.1**2, 0.0, 0.0], atol=1e-15)
    np.testing.assert_array_equal(intrusion(np.zeros((2, 0)), 0.7), [0.0, 0.0])


def test_the_reward_is_the_weighted_sum_of_all_terms() -> None:
    terms = {name: np.array([10.0**k, 0.0]) for k, name in enumerate(TERMS)}
    weights = {name: float(k + 1) for k, name in enumerate(TERMS)}
    np.testing.assert_allclose(total(terms, RewardConfig(**weights)), [7654321.0, 0.0])
    assert set(TERMS) == {f.name for f in fields(RewardConfig)} - {"personal_distance"}


def test_a_distance_must_be_one() -> None:
    with pytest.raises(ConfigError, match=r"personal_distance: expected metres above zero, got 0.0"):
        RewardConfig(personal_distance=0.0)
