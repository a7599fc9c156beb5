"""What a robot future changes: exact zeros, mirrors and turns, one and many, NumPy and torch, the shipped weights."""

from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.errors import CheckpointError, ConfigError
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.prediction import response
from sac_son_nav.prediction.response import ResponseConfig
from sac_son_nav.prediction.response_features import (
    RAY_PLACES,
    RAY_STEP,
    RAYS_BESIDE,
    ROOM,
    Situation,
    axes,
    clearance,
    features,
    room,
    widths,
)

CONFIG = ResponseConfig()
FUTURES = 5
TIMES = 0.4 * np.arange(1, 13)


def parameters(seed=0):
    """Random ones, biases too: what holds for them holds for all."""
    random = np.random.default_rng(seed)
    return {n: random.normal(0.0, 0.2, s).astype(np.float32) for n, s in response.shapes(CONFIG).items()}


def scene(people=6, seed=1, reach=3.0):
    """People, a robot at the origin, and futures of it: pasts, velocities, robot past and futures (K, T, 2)."""
    random = np.random.default_rng(seed)
    here, velocities = random.uniform(-reach, reach, (people, 2)), random.normal(0.0, 0.8, (people, 2))
    ages = 0.4 * np.arange(7, -1, -1)
    pasts = here[:, None] - velocities[:, None] * ages[:, None] + random.normal(0.0, 0.05, (people, 8, 2))
    pasts[:, -1] = here
    robot = np.stack([-0.4 * ages, 0.02 * ages], axis=-1)
    speeds, turns = random.uniform(0.0, 0.8, FUTURES), random.uniform(-1.0, 1.0, FUTURES)
    futures = speeds[:, None, None] * np.stack(
        [np.cos(turns)[:, None] * TIMES, np.sin(turns)[:, None] * TIMES], axis=-1
    )
    return pasts, velocities, robot, futures


def ask(pasts, velocities, robot, futures, present=None, floor=None, weights=None, like=np.float64):
    """(mean (K, N, T, 2), length (K, N, T)) of a scene, people straight on without the robot."""
    here = pasts[:, -1]
    way = here[:, None] + velocities[:, None] * TIMES[:, None]
    walls = room(floor, here, axes(velocities, here, robot[-1]), way)
    given = [a.astype(like) for a in (pasts, velocities, robot, walls, way, futures[:, None])]
    read = features(Situation(*given[:3], 0.22, given[3]), CONFIG.neighbours, CONFIG.sight)
    weights = {n: w.astype(like) for n, w in (weights or parameters()).items()}
    context = response.encode(weights, read, given[0][:, -1], given[4], CONFIG)
    present = np.ones(len(futures), dtype=bool) if present is None else present
    clear = driven_clear(floor, robot[-1], futures).astype(like)
    return response.respond(weights, context, given[2][-1], given[5], clear, present, CONFIG)


def driven_clear(floor, now, futures):
    """How far the robot is from the walls, now and at each step of its futures, (K, 1, 13)."""
    return clearance(floor, np.concatenate([np.broadcast_to(now, (len(futures), 1, 2)), futures], axis=1))[:, None]


def test_absent_is_exactly_zero_and_the_others_do_not_notice():
    everything = ask(*scene())
    some = ask(*scene(), present=np.array([True, False, True, True, False]))
    for all_present, answer in zip(everything, some, strict=True):
        assert (answer[[1, 4]] == 0.0).all()
        np.testing.assert_array_equal(answer[[0, 2, 3]], all_present[[0, 2, 3]])
    assert np.abs(everything[0]).max() > 0.01


def test_a_robot_that_keeps_far_changes_exactly_nothing():
    pasts, velocities, robot, futures = scene()
    away = np.array([40.0, 0.0])
    mean, length = ask(pasts, velocities, robot + away, futures + away)
    assert (mean == 0.0).all()
    assert (length == 0.0).all()


def test_the_fade_by_hand():
    """Within 3 m: in full; at 5.5 m, halfway: a half; at 7 m: nothing; and it is the nearest so far that counts."""
    apart = np.array([9.0, 7.0, 5.5, 3.0, 8.0]).reshape(5, 1, 1) ** 2
    fade = response._fade(apart, np.array([True]), ResponseConfig(near=4.0, far=7.0))
    np.testing.assert_allclose(fade.ravel(), [0.0, 0.5, 1.0, 1.0])


def test_steps_before_the_robot_is_near_stay_zero():
    """Somebody stands 10 m away; the robot drives at them at 2 m/s and is within 7 m after 1.5 s."""
    pasts, velocities = np.full((1, 8, 2), [10.0, 0.0]), np.zeros((1, 2))
    futures = np.stack([2.0 * TIMES, np.zeros(12)], axis=-1)[None]
    _, length = ask(pasts, velocities, np.zeros((8, 2)), futures)
    np.testing.assert_array_equal(length[0, 0] > 0.0, TIMES > 1.5 + 1e-9)


def test_people_may_be_told_in_any_order():
    pasts, velocities, robot, futures = scene()
    order = np.array([3, 0, 5, 1, 4, 2])
    for straight, shuffled in zip(
        ask(pasts, velocities, robot, futures), ask(pasts[order], velocities[order], robot, futures), strict=True
    ):
        np.testing.assert_allclose(shuffled, straight[:, order], atol=1e-12)


def test_turning_and_moving_the_world_turns_the_answer():
    pasts, velocities, robot, futures = scene()
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    moved = [a @ turn.T + np.array([3.0, -2.0]) for a in (pasts, robot, futures)]
    mean, length = ask(pasts, velocities, robot, futures)
    turned, same = ask(moved[0], velocities @ turn.T, moved[1], moved[2])
    np.testing.assert_allclose(turned, mean @ turn.T, atol=1e-9)
    np.testing.assert_allclose(same, length, atol=1e-9)


def walled(mirrored):
    """A wall 1 m to the left of the x axis, or to the right."""
    cells = np.full((120, 120), FREE, dtype=np.int8)
    row = 49 if mirrored else 70
    cells[row] = OCCUPIED
    return OccupancyMap(cells, 0.1, (-6.0, -6.0))


def test_the_mirrored_world_has_the_mirrored_answer():
    pasts, velocities, robot, futures = scene()
    mirror = np.array([1.0, -1.0])
    mean, length = ask(pasts, velocities, robot, futures, floor=walled(False))
    other, same = ask(pasts * mirror, velocities * mirror, robot * mirror, futures * mirror, floor=walled(True))
    np.testing.assert_allclose(other, mean * mirror, atol=1e-9)
    np.testing.assert_allclose(same, length, atol=1e-9)
    free, _ = ask(pasts, velocities, robot, futures)
    assert np.abs(free - mean).max() > 1e-3  # the wall is seen at all


def test_head_on_nobody_knows_the_side():
    """A robot straight ahead on a person's own line: no side is likelier, and yet they will move."""
    pasts = np.stack([3.0 + 0.4 * np.arange(7, -1, -1), np.zeros(8)], axis=-1)[None]
    futures = np.stack([0.5 * TIMES, np.zeros(12)], axis=-1)[None]
    mean, length = ask(pasts, np.array([[-1.0, 0.0]]), np.zeros((8, 2)), futures)
    assert (mean[..., 1] == 0.0).all()
    assert length.min() > 0.0


def test_many_futures_at_once_are_each_alone():
    pasts, velocities, robot, futures = scene()
    together = ask(pasts, velocities, robot, futures)
    for k in range(FUTURES):
        for all_of_them, alone in zip(together, ask(pasts, velocities, robot, futures[k : k + 1]), strict=True):
            np.testing.assert_allclose(all_of_them[k], alone[0], atol=1e-12)


def test_neighbours_count_and_missing_ones_do_not():
    pasts, velocities, robot, futures = scene(people=8, reach=1.5)
    everybody, _ = ask(pasts, velocities, robot, futures)
    alone, _ = ask(pasts[:1], velocities[:1], robot, futures)
    assert np.abs(everybody[:, :1] - alone).max() > 1e-3
    far = np.concatenate([pasts[:1], pasts[1:] + 100.0])
    without, _ = ask(far, velocities, robot, futures)
    np.testing.assert_allclose(without[:, :1], alone, atol=1e-12)


def test_numpy_and_torch_say_the_same():
    torch = pytest.importorskip("torch")
    pasts, velocities, robot, futures = scene()
    here = pasts[:, -1]
    way = here[:, None] + velocities[:, None] * TIMES[:, None]
    walls = room(walled(False), here, axes(velocities, here, robot[-1]), way)
    clear = driven_clear(walled(False), robot[-1], futures)

    def go(convert):
        given = [convert(a) for a in (pasts, velocities, robot, walls, way, futures[:, None], clear)]
        read = features(Situation(*given[:3], 0.22, given[3]), CONFIG.neighbours, CONFIG.sight)
        weights = {n: convert(w.astype(np.float64)) for n, w in parameters().items()}
        context = response.encode(weights, read, given[0][:, -1], given[4], CONFIG)
        present = convert(np.array([True] * 4 + [False]))
        return response.respond(weights, context, given[2][-1], *given[5:], present, CONFIG)

    for ours, theirs in zip(go(np.asarray), go(torch.as_tensor), strict=True):
        np.testing.assert_allclose(theirs.numpy(), ours, atol=1e-10)


def test_initial_parameters_are_as_the_shapes_say_and_displace_little():
    drawn = response.initial(CONFIG, np.random.default_rng(0))
    assert {n: a.shape for n, a in drawn.items()} == response.shapes(CONFIG)
    again = response.initial(CONFIG, np.random.default_rng(0))
    assert all((drawn[n] == again[n]).all() for n in drawn)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="expected 0 < near < far, got 5"):
        replace(CONFIG, near=5.0, far=4.0)
    with pytest.raises(ConfigError, match="hidden: expected a multiple of four, got 42"):
        replace(CONFIG, hidden=42)
    with pytest.raises(CheckpointError, match="no such folder"):
        response.load_response("nowhere/at/all")


def test_features_have_the_width_that_the_network_expects():
    pasts, velocities, robot, _ = scene()
    read = features(Situation(pasts, velocities, robot, 0.22, np.ones((6, ROOM))), CONFIG.neighbours, CONFIG.sight)
    assert (read.even.shape[-1], read.odd.shape[-1]) == widths(CONFIG.past)


def test_rays_by_hand():
    """Somebody at the origin looks along x; a wall begins 2 m to the left. To the left three places are more than
    0.45 m from it and one, at 1.6 m, is 0.4 m from it: three quarters open. Ahead one can go as far as rays go."""
    cells = np.full((200, 200), FREE, dtype=np.int8)
    cells[120] = OCCUPIED
    here, axis = np.zeros((1, 2)), np.array([[1.0, 0.0]])
    told = room(OccupancyMap(cells, 0.1, (-10.0, -10.0)), here, axis, np.zeros((1, 12, 2)))[0]
    ahead, square = told[8], 10 + 4 + RAYS_BESIDE.index(90.0)
    assert ahead == pytest.approx(RAY_STEP * RAY_PLACES)
    assert told[square] == pytest.approx(RAY_STEP * 3.75)
    assert told[square + 10] == pytest.approx(RAY_STEP * RAY_PLACES)  # to the right


def test_without_a_map_there_is_room_everywhere():
    here, axis = np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 1.0]])
    told = room(None, here, axis, np.zeros((2, 12, 2)))
    assert set(np.unique(told.round(6))) == {1.5, 7.2}


def test_a_robot_close_to_walls_answers_otherwise():
    """The same drive, told to be in the open and in a narrow place: what it blocks is seen."""
    pasts, velocities, robot, futures = scene()
    here, way = pasts[:, -1], pasts[:, -1:] + velocities[:, None] * TIMES[:, None]
    read = features(Situation(pasts, velocities, robot, 0.22, np.ones((6, ROOM))), CONFIG.neighbours, CONFIG.sight)
    context = response.encode(parameters(), read, here, way, CONFIG)
    present = np.ones(FUTURES, dtype=bool)
    answers = [
        response.respond(parameters(), context, robot[-1], futures[:, None], clear, present, CONFIG)[1]
        for clear in (np.full((FUTURES, 1, 13), 1.5), np.full((FUTURES, 1, 13), 0.4))
    ]
    assert np.abs(answers[0] - answers[1]).max() > 1e-3
