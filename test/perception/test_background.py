"""What past scans say of a place, with geometry one can check in one's head."""

from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.perception.background import Background, BackgroundConfig
from test.perception.rays import cast

ROUND = "720 beams all round"
ROOM = [(-5.0, -5.0, 5.0, -5.0), (5.0, -5.0, 5.0, 5.0), (5.0, 5.0, -5.0, 5.0), (-5.0, 5.0, -5.0, -5.0)]
POST = (2.0, 0.0, 0.1)
HERE = np.zeros(3)


def filled(seconds: float = 3.0, keep: int = 24) -> Background:
    """A square room with one post, watched from its middle."""
    background = Background(BackgroundConfig(keep=keep))
    for k in range(round(10 * seconds)):
        background.add(cast(ROUND, [POST], ROOM, seed=k, stamp_s=0.1 * k), HERE)
    return background


def test_open_floor_post_wall_and_shadow() -> None:
    #                  floor       post        wall        behind the post  outside the room
    places = np.array([[0.0, 3.0], [1.95, 0.0], [-5.0, 1.0], [3.5, 0.0], [7.0, 1.0]])
    walked_in, furniture = filled().look_up(places)
    np.testing.assert_allclose(walked_in, [1.0, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(furniture, [0.0, 1.0, 1.0, 0.0, 0.0])


def test_two_scans_make_empty_and_four_make_furniture_sure() -> None:
    """Kept every 0.5 s: after 0.6 s two, after 0.1 s one. One of four is a quarter."""
    floor_and_post = np.array([[0.0, 3.0], [1.95, 0.0]])
    walked_in, furniture = filled(0.1).look_up(floor_and_post)
    assert (walked_in[0], furniture[1]) == (0.5, 0.25)
    walked_in, furniture = filled(0.6).look_up(floor_and_post)
    assert (walked_in[0], furniture[1]) == (1.0, 0.5)


def test_only_the_last_scans_are_kept() -> None:
    assert len(filled(10.0, keep=3)) == 3


def test_places_are_in_the_fixed_frame() -> None:
    """The same room seen from (1, 2), facing left: cast as if the laser were there by moving the room instead."""
    background = Background(BackgroundConfig())
    pose = np.array([1.0, 2.0, 0.5 * np.pi])
    # a wall 3 m ahead of the laser is 3 m along +y of the fixed frame: at y = 5
    for k in range(3):
        background.add(cast(ROUND, walls=[(3.0, -2.0, 3.0, 2.0)], stamp_s=k), pose)
    walked_in, furniture = background.look_up(np.array([[1.0, 4.0], [1.0, 5.0]]))
    assert (walked_in[0], furniture[0]) == (1.0, 0.0)
    assert (walked_in[1], furniture[1]) == (0.0, 0.75)


def test_empty_now() -> None:
    background = filled()
    scan = cast(ROUND, [POST], ROOM)
    places = np.array([[0.0, 3.0], [1.95, 0.0], [3.5, 0.0]])
    assert background.empty_now(places, scan, HERE).tolist() == [True, False, False]
    assert background.empty_now(np.zeros((0, 2)), scan, HERE).tolist() == []


def test_agreement_tells_a_fixed_frame_from_a_moving_one() -> None:
    """A hall of posts passes by at 1 m/s and nobody says that the base moves."""
    random = np.random.default_rng(0)
    posts = [(float(x), float(y), 0.1) for x, y in random.uniform(-10.0, 10.0, (120, 2)) if abs(y) > 0.6]
    fixed, moving = Background(BackgroundConfig()), Background(BackgroundConfig())
    for k in range(60):
        x = 0.1 * k
        scan = cast(ROUND, [(a - x, b, r) for a, b, r in posts], stamp_s=0.1 * k, seed=k)
        with_odometry = fixed.agreement(scan, np.array([x, 0.0, 0.0]), 0.1)
        without = moving.agreement(scan, HERE, 0.1)
        fixed.add(scan, np.array([x, 0.0, 0.0]))
        moving.add(scan, HERE)
    assert with_odometry > 0.85
    assert without < 0.7


def test_another_laser_or_an_empty_scan_forgets_the_past() -> None:
    background = filled()
    background.add(cast("768 beams", stamp_s=4.0), HERE)
    assert len(background) == 1
    assert not background.empty_now(np.array([[1.0, 0.0]]), cast(ROUND), HERE).any()


def test_nothing_known_is_nothing_said() -> None:
    walked_in, furniture = Background(BackgroundConfig()).look_up(np.array([[1.0, 1.0]]))
    assert walked_in.tolist() == furniture.tolist() == [0.0]


def test_too_near_says_nothing_and_no_return_says_empty() -> None:
    for value, expected in ((np.inf, 1.0), (-np.inf, 0.0), (0.0, 0.0)):
        background = Background(BackgroundConfig())
        for k in range(3):
            scan = cast(ROUND, stamp_s=k)
            scan.ranges[:] = value
            background.add(scan, HERE)
        assert background.look_up(np.array([[2.0, 1.0]]))[0][0] == pytest.approx(expected)
