"""Imagined scenes are what their descriptions say."""

from __future__ import annotations

import numpy as np
import pytest

from expressive_motion.rehearsals.imagined import PERSON_RADIUS, SCENES, Scene, ScriptedPerson, Staged, scene_named
from expressive_motion.skills.embodiment import TICK
from sac_son_nav.errors import ConfigError


def staged(name: str, seconds: float) -> Staged:
    return Staged(scene_named(name), round(seconds / TICK) + 1)


def distances(scene: Staged) -> np.ndarray:
    return np.linalg.norm(scene.people, axis=-1)


def test_standing_is_ahead_and_stays():
    scene = staged("standing", 5)
    assert np.allclose(scene.people, (1.6, 0.0))
    assert not scene.paces.any()


def test_distant_is_three_and_a_half_metres_away_to_the_left():
    x, y = staged("distant", 1).people[0, 0]
    assert np.hypot(x, y) == pytest.approx(3.5, abs=0.01)
    assert np.degrees(np.arctan2(y, x)) == pytest.approx(35.0, abs=0.1)


def test_passing_passes_at_its_distance_and_speed_and_is_gone():
    scene = staged("passing", 12)
    assert np.nanmin(distances(scene)) == pytest.approx(1.3, abs=0.01)
    assert np.linalg.norm(scene.paces[10, 0]) == pytest.approx(1.2)
    assert np.isnan(scene.people[-1]).all()
    assert not scene.seen[-1].any()
    assert not scene.paces[-1].any()


def test_leaving_stands_for_four_seconds_and_goes():
    scene = staged("leaving", 9)
    apart = distances(scene)[:, 0]
    assert np.allclose(apart[: round(4.0 / TICK)], 1.6)
    assert apart[-1] == pytest.approx(1.6 + 5.0 * 0.7, abs=0.01)


def test_stepping_in_ends_in_the_way():
    scene = staged("stepping_in", 5)
    assert scene.people[0, 0, 1] > 1.0
    assert np.allclose(scene.people[-1, 0], (1.3, 0.0))


def test_crowded_is_three_people_within_two_metres_and_none_touching():
    apart = distances(staged("crowded", 1))[0]
    assert len(apart) == 3
    assert ((apart > 1.0) & (apart < 2.0)).all()


def test_who_vanishes_is_lost_from_sight_but_still_there():
    scene = staged("vanishing", 4)
    last = len(scene.times) - 1
    assert len(scene.view(0, np.zeros(3), np.zeros(2)).tracks) == 1
    assert len(scene.view(last, np.zeros(3), np.zeros(2)).tracks) == 0
    points, _ = scene.returns(last)
    assert np.linalg.norm(points, axis=-1).min() == pytest.approx(1.6 - PERSON_RADIUS)


def test_alone_has_nobody_and_nothing():
    points, paces = staged("alone", 1).returns(0)
    assert points.shape == paces.shape == (0, 2)


def test_the_wall_behind_is_seen():
    points, paces = staged("blocked_behind", 1).returns(0)
    behind = points[points[:, 0] < 0.0]
    assert behind[:, 0] == pytest.approx(-0.45)
    assert len(points) == len(paces)
    assert np.diff(np.sort(behind[:, 1])).max() < 0.06  # nothing slips through between two points


def test_returns_walk_with_who_is_seen():
    points, paces = staged("passing", 1).returns(5)
    assert np.allclose(paces, (-1.2, 0.0))
    assert np.allclose(np.linalg.norm(points - (5.0 - 1.2 * 5 * TICK, 1.3), axis=-1), PERSON_RADIUS)


def test_busy_tells_that_the_base_is_not_free():
    scene = staged("busy", 4)
    free = [scene.view(k, np.zeros(3), np.zeros(2)).base_free for k in range(len(scene.times))]
    assert free == [False] * 60 + [True] * (len(free) - 60)


def test_a_seed_moves_people_a_little_and_always_alike():
    scene = scene_named("crowded")
    assert scene.varied(0) is scene
    assert scene.varied(3) == scene.varied(3) != scene.varied(4)
    moved = Staged(scene.varied(3), 1).people - Staged(scene, 1).people
    assert 0.0 < np.abs(moved).max() <= 0.1


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_seed_puts_anybody_into_the_robot(seed):
    for scene in SCENES:
        apart = distances(Staged(scene.varied(seed), 1))
        assert (apart > 0.8).all(), scene.name


def test_what_can_not_be_is_refused():
    with pytest.raises(ConfigError, match="in order of time"):
        ScriptedPerson(((1.0, 0.0, 0.0), (0.5, 1.0, 0.0)))
    with pytest.raises(ConfigError, match="seed: expected zero or more, got -1"):
        Scene("x", "x").varied(-1)
    with pytest.raises(ConfigError, match="expected one of standing"):
        scene_named("nowhere")
