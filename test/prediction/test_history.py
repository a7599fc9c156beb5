"""Pasts at a model's own moments, by hand."""

import numpy as np

from sac_son_nav.prediction.history import GAP, MOMENTS, STEP_S, History, long_enough
from sac_son_nav.states import Tracks


def tracks(stamp, people, frame="map"):
    """people: id -> (x, y, vx, vy)."""
    ids, states = np.array(list(people), dtype=np.int64), np.array(list(people.values()), dtype=float).reshape(-1, 4)
    n = len(ids)
    return Tracks(stamp, frame, ids, states[:, :2], states[:, 2:], np.zeros((n, 4, 4)), np.ones(n))


def told(history, stamps, path, **more):
    """Tell of one person, number 7, at place path(t), the robot at (-t, 0)."""
    for t in stamps:
        last = tracks(t, {7: (*path(t), 1.0, 0.0)}, **more)
        history.add(last, np.array([-t, 0.0, 0.0]))
    return last


def test_a_past_is_read_between_the_words():
    """Words every 0.3 s; the moments asked for are 0.4 s apart, on straight lines between words."""
    history = History()
    last = told(history, 0.3 * np.arange(11), lambda t: (t, 2.0 * t))
    of = history.of(last)
    moments = 3.0 - STEP_S * np.arange(MOMENTS - 1, -1, -1)
    np.testing.assert_allclose(of.pasts[0], np.stack([moments, 2.0 * moments], axis=-1), atol=1e-9)
    assert of.known.all()
    np.testing.assert_allclose(history.robot(3.0, np.array([-3.0, 0.0, 0.0]))[:, 0], -moments, atol=1e-9)


def test_what_was_not_seen_is_constant_velocity_and_said_to_be():
    """Seen since 0.8 s: now, 0.4 and 0.8 s ago are known; before, they came at 1 m/s to where they were first seen."""
    history = History()
    last = told(history, [0.0, 0.4, 0.8], lambda t: (0.0, t))
    of = history.of(last)
    np.testing.assert_array_equal(of.known[0], [False] * 5 + [True] * 3)
    np.testing.assert_allclose(of.pasts[0, -3:], [[0.0, 0.0], [0.0, 0.4], [0.0, 0.8]], atol=1e-12)
    np.testing.assert_allclose(of.pasts[0, 4], [-0.4, 0.0], atol=1e-12)
    np.testing.assert_allclose(of.pasts[0, 0], [-2.0, 0.0], atol=1e-12)
    assert long_enough(of, 3).all()
    assert not long_enough(of, 4).any()


def test_somebody_new_is_known_now_and_no_more():
    of = History().of(tracks(5.0, {1: (2.0, 0.0, 0.5, 0.0)}))
    np.testing.assert_array_equal(of.known[0], [False] * 7 + [True])
    np.testing.assert_allclose(of.pasts[0, :, 0], 2.0 - 0.5 * STEP_S * np.arange(7, -1, -1))
    assert not long_enough(tracks(0.0, {1: (0.0, 0.0, 0.0, 0.0)}), 1).any()


def test_a_robot_nobody_has_watched_stood():
    np.testing.assert_array_equal(History().robot(1.0, np.array([1.0, 2.0, 0.3])), np.tile([1.0, 2.0], (MOMENTS, 1)))


def test_people_keep_their_own_pasts_by_id():
    history = History()
    for t in (0.0, 0.4, 0.8):
        history.add(tracks(t, {1: (t, 0.0, 1.0, 0.0), 2: (5.0, -t, 0.0, -1.0)}), np.zeros(3))
    of = history.of(tracks(0.8, {2: (5.0, -0.8, 0.0, -1.0), 1: (0.8, 0.0, 1.0, 0.0)}))
    np.testing.assert_allclose(of.pasts[:, -2], [[5.0, -0.4], [0.4, 0.0]], atol=1e-12)


def test_a_gap_begins_a_past_anew():
    history = History()
    told(history, [0.0, 0.4], lambda t: (t, 0.0))
    late = 0.4 + GAP + 0.1
    last = told(history, [late], lambda t: (9.0, 0.0))
    np.testing.assert_array_equal(history.of(last).known[0], [False] * 7 + [True])


def test_a_word_repeated_changes_nothing_and_a_clock_set_back_all():
    history = History()
    told(history, [0.0, 0.4, 0.8], lambda t: (t, 0.0))
    last = told(history, [0.8, 0.7], lambda t: (99.0, 0.0))
    again = history.of(tracks(0.8, {7: (0.8, 0.0, 1.0, 0.0)}))
    np.testing.assert_allclose(again.pasts[0, -3:, 0], [0.0, 0.4, 0.8], atol=1e-12)
    last = told(history, [0.8 - GAP - 0.1], lambda t: (1.0, 0.0))
    assert history.of(last).known[0].sum() == 1


def test_another_frame_begins_anew():
    history = History()
    told(history, [0.0, 0.4], lambda t: (t, 0.0))
    last = told(history, [0.8], lambda t: (t, 0.0), frame="odom")
    assert history.of(last).known[0].sum() == 1


def test_nobody_is_nobody():
    history = History()
    history.add(Tracks.empty(0.0, "map"), np.zeros(3))
    of = history.of(Tracks.empty(0.0, "map"))
    assert of.pasts.shape == (0, MOMENTS, 2)
    assert of.known.shape == (0, MOMENTS)
