"""When the perception node may ask the map."""

from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.maps import OccupancyMap
from sac_son_nav.perception.map_place import MapConfig, MapPlace
from sac_son_nav.perception.static_map import StaticMap

POSE = np.array([4.0, 3.0, 0.5])


def place(**settings: object) -> MapPlace:
    made = MapPlace(MapConfig(**settings))  # type: ignore[arg-type]
    cells = np.zeros((20, 20), dtype=np.int8)
    cells[0] = 100
    made.floor = OccupancyMap(cells, 0.5)
    return made


def ask(
    made: MapPlace, stamp_s: float, x: float = 0.0, transform: tuple[np.ndarray, float] | None = None
) -> StaticMap | None:
    """The robot at x in the odometry's frame, where it always was."""
    base = np.array([x, 0.0, 0.0])
    return made.static_map(stamp_s, base, lambda _: base, transform)


def test_a_good_pose_gives_the_map_and_where_odometry_is_in_it() -> None:
    made = place()
    assert ask(made, 0.0) is None
    made.hear_pose(0.0, POSE, 0.1, 0.02)
    found = ask(made, 0.1)
    assert found is not None
    np.testing.assert_allclose(found.map_from_fixed, POSE)
    assert (found.deviation, found.turn_deviation) == (0.1, 0.02)
    assert ask(made, 500.0) is not None  # a localiser is silent while the robot stands
    assert MapPlace(MapConfig()).static_map(0.0, np.zeros(3), lambda _: np.zeros(3), None) is None  # no map yet


def test_a_pose_that_is_newer_than_odometry_waits_for_it() -> None:
    made = place()
    made.hear_pose(1.0, POSE, 0.1, 0.02)
    assert made.static_map(0.9, np.zeros(3), lambda _: None, None) is None
    assert ask(made, 1.1) is not None


@pytest.mark.parametrize(("deviation", "turn"), [(0.4, 0.02), (np.inf, 0.02), (0.1, 0.3), (0.1, np.inf)])
def test_a_badly_known_pose_gives_no_map(deviation: float, turn: float) -> None:
    made = place()
    made.hear_pose(0.0, POSE, deviation, turn)
    assert ask(made, 0.1) is None
    made.hear_pose(0.2, POSE, 0.1, 0.02)
    assert ask(made, 0.3) is not None


def test_a_jump_switches_the_map_off_until_it_has_settled() -> None:
    made = place(map_settling=3.0)
    made.hear_pose(0.0, POSE, 0.1, 0.02)
    assert ask(made, 0.1) is not None
    made.hear_pose(1.0, POSE + np.array([0.1, 0.0, 0.02]), 0.1, 0.02)  # an ordinary correction
    assert ask(made, 1.1) is not None
    for jump in ([1.0, 0.0, 0.0], [0.0, 0.0, 0.5]):
        made = place(map_settling=3.0)
        made.hear_pose(0.0, POSE, 0.1, 0.02)
        ask(made, 0.1)
        made.hear_pose(2.0, POSE + np.array(jump), 0.1, 0.02)
        assert ask(made, 2.1) is None
        assert ask(made, 5.0) is None
        assert ask(made, 5.2) is not None


def test_a_pose_ages_with_the_way_and_is_stale_in_the_end() -> None:
    made = place()
    made.hear_pose(0.0, POSE, 0.05, 0.01)
    deviations = []
    for k in range(25):
        found = ask(made, 0.1 * k, x=0.1 * k)
        deviations.append(np.nan if found is None else found.deviation)
    np.testing.assert_allclose(deviations[10], 0.05 + 0.1 * 1.0)
    assert np.isfinite(deviations[20])
    assert np.isnan(deviations[22:]).all()


def test_transforms_come_before_poses_and_must_be_renewed() -> None:
    made = place()
    made.hear_pose(0.0, POSE, 0.1, 0.02)
    transform = np.array([1.0, 1.0, 0.0])
    found = ask(made, 0.1, transform=(transform, 0.0))
    assert found is not None
    np.testing.assert_allclose(found.map_from_fixed, transform)
    assert found.deviation == 0.1
    assert ask(made, 0.9, transform=(transform, 0.0)) is not None
    assert ask(made, 1.2, transform=(transform, 0.0)) is None
    assert ask(made, 1.3, transform=(transform, 1.2)) is not None
    assert ask(made, 900.0, transform=(transform, np.inf)) is not None  # one that holds for ever
    assert ask(made, 1.4, transform=(transform, 900.0)) is None  # of another clock


def test_what_is_forgotten_or_not_wanted_is_not_asked() -> None:
    made = place()
    made.hear_pose(0.0, POSE, 0.1, 0.02)
    assert ask(made, 0.1) is not None
    made.forget()
    assert ask(made, 0.2) is None
    unwanted = place(use_map=False)
    unwanted.hear_pose(0.0, POSE, 0.1, 0.02)
    assert ask(unwanted, 0.1) is None
    with pytest.raises(ConfigError, match="map_timeout"):
        MapConfig(map_timeout=0.0)
