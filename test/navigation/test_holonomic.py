"""A base that goes in any direction, among people who do not see it."""

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.crowdnav_navigator import settings
from sac_son_nav.navigation.holonomic import HolonomicConfig, HolonomicNavigator, variations, ways
from sac_son_nav.states import Tracks

STEP = 0.25


def people(stamp_s: float, places: list[list[float]], paces: list[list[float]], radius: float = 0.4) -> Tracks:
    count = len(places)
    return Tracks(
        stamp_s,
        "map",
        np.arange(count),
        np.reshape(places, (-1, 2)).astype(float),
        np.reshape(paces, (-1, 2)).astype(float),
        np.zeros((count, 4, 4)),
        np.ones(count),
        radii=np.full(count, radius),
    )


def driven(start: list[float], goal: list[float], place: list[float], pace: list[float], steps: int) -> np.ndarray:
    """The robot's and somebody's places (steps + 1, 2, 2), who walks straight on whatever the robot does."""
    navigator = HolonomicNavigator(*settings(), 0.3, 1.0, np.array(goal))
    here, velocity, other = np.array(start), np.zeros(2), np.array(place)
    seen = [np.stack([here, other])]
    for k in range(steps):
        velocity = navigator.step(here, velocity, people(k * STEP, [list(other)], [pace])).velocity
        assert np.hypot(*velocity) <= 1.0 + 1e-6
        here, other = here + STEP * velocity, other + STEP * np.array(pace)
        seen.append(np.stack([here, other]))
    return np.array(seen)


def test_ways_by_hand() -> None:
    """Two directions, to the goal 1 m away and back, and standing; each for ever, and for half a second before it
    stops or makes for the goal, where it ends: after 0.5 s back at 1 m/s it is 1.5 m, so six steps, away."""
    config = HolonomicConfig(directions=2, shares=(1.0,), holds=(0.5,))
    found = ways(np.array([3.0, 1.0]), np.array([4.0, 1.0]), 1.0, 10, STEP, config)
    assert found.shape == (9, 10, 2)
    np.testing.assert_allclose(found[..., 1], 0.0, atol=1e-12)
    on, back, stands = found[:3], found[3:6], found[6:]
    np.testing.assert_allclose(on[:, :, 0], np.array([[1.0], [-1.0], [0.0]]).repeat(10, axis=1), atol=1e-12)
    np.testing.assert_allclose(back[0, :, 0], [1.0] * 4 + [0.0] * 6, atol=1e-12)
    np.testing.assert_allclose(back[1, :, 0], [-1.0] * 2 + [1.0] * 6 + [0.0] * 2, atol=1e-12)
    np.testing.assert_allclose(back[2, :, 0], [0.0] * 2 + [1.0] * 4 + [0.0] * 4, atol=1e-12)
    np.testing.assert_allclose(stands[:, 2:], 0.0)
    np.testing.assert_allclose(stands[:, :2], back[:, :2])


def test_variations_are_no_faster_and_the_same_with_the_same_luck() -> None:
    plans = np.stack([np.full((8, 2), 0.6), np.zeros((8, 2))])
    found = variations(plans, 1.0, 0.4, 50, np.random.default_rng(1))
    np.testing.assert_array_equal(found, variations(plans, 1.0, 0.4, 50, np.random.default_rng(1)))
    assert np.hypot(*np.moveaxis(found, -1, 0)).max() <= 1.0 + 1e-12
    np.testing.assert_allclose(variations(plans, 1.0, 0.0, 3, np.random.default_rng(1)), plans[[0, 1, 0]])
    assert np.abs(found[1::2]).mean() == pytest.approx(0.4 * (2.0 / np.pi) ** 0.5, rel=0.35)


def test_alone_it_goes_straight_to_its_goal() -> None:
    ways_ = driven([0.0, 0.0], [3.0, 4.0], [90.0, 90.0], [0.0, 0.0], 20)[:, 0]
    np.testing.assert_allclose(ways_[-1], [3.0, 4.0], atol=0.1)
    off = np.abs(ways_ @ np.array([4.0, -3.0])) / 5.0
    assert off.max() < 0.1


@pytest.mark.parametrize("pace", [[-1.0, 0.0], [-1.5, 0.0]])
def test_it_steps_aside_of_who_does_not_see_it(pace: list[float]) -> None:
    seen = driven([0.0, 0.0], [6.0, 0.0], [6.0, 0.1], pace, 36)
    assert np.linalg.norm(seen[:, 0] - seen[:, 1], axis=-1).min() > 0.7
    np.testing.assert_allclose(seen[-1, 0], [6.0, 0.0], atol=0.3)


def test_who_walks_over_its_goal_is_let_by_before_it_comes_back() -> None:
    """It stands on its goal as somebody comes at 1.2 m/s: it leaves, by a step or two in whatever direction."""
    seen = driven([0.0, 0.0], [0.0, 0.0], [4.0, 0.0], [-1.2, 0.0], 32)
    assert np.linalg.norm(seen[:, 0] - seen[:, 1], axis=-1).min() > 0.7
    assert np.linalg.norm(seen[:, 0], axis=-1).max() > 0.5
    np.testing.assert_allclose(seen[-1, 0], 0.0, atol=0.15)


def test_it_does_not_cross_close_before_anybody() -> None:
    """Somebody crosses its way. With a price on intrusions it is at no step where they will be within 1.25 s."""
    seen = driven([0.0, 0.0], [6.0, 0.0], [3.0, -3.2], [0.0, 1.0], 40)
    ahead = [np.linalg.norm(seen[:, 0] - seen[:, 1] - [0.0, k * STEP], axis=-1) for k in range(6)]
    assert np.min(ahead) > 0.7


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="holonomic: expected at least one of all but rounds"):
        HolonomicConfig(holds=())
    with pytest.raises(ConfigError, match="expected a predictor that reads no pasts"):
        HolonomicNavigator(*settings(["predictor=learned"]), 0.3, 1.0, np.zeros(2))
    assert settings(["holonomic.rounds=0", "objective.sway=0.0"])[1].rounds == 0
    with pytest.raises(ConfigError, match=r"expected name=value with one of holonomic\.directions"):
        settings(["holonomic.round=0"])
    with pytest.raises(ConfigError, match="setting 'sway=0': expected name=value"):
        settings(["sway=0"])
