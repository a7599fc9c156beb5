"""The tracker alone, on detections made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.scan_people import Detections
from sac_son_nav.perception.tracking import Tracker, TrackerConfig
from sac_son_nav.states import Tracks


def seen(
    stamp_s: float, *places: tuple[float, float], confidence: float = 0.8, deviation: float = 0.05, frame: str = "odom"
) -> Detections:
    count = len(places)
    return Detections(
        stamp_s,
        frame,
        np.array(places, dtype=float).reshape(count, 2),
        np.tile(deviation**2 * np.eye(2), (count, 1, 1)),
        np.full(count, confidence),
    )


def walk(tracker: Tracker, seconds: float, start_s: float = 0.0, x: float = 0.0, speed: float = 1.0) -> Tracks:
    """Somebody walks along x; the last answer."""
    tracks = Tracks.empty(0.0, "odom")
    for k in range(round(10.0 * seconds)):
        tracks = tracker.update(seen(start_s + 0.1 * k, (x + 0.1 * speed * k, 2.0)))
    return tracks


def test_second_detection_by_hand() -> None:
    """Position deviation 0.1 m, velocity deviation 0.9 m/s, 1 s apart, hardly any process noise: the prior's variance
    is 0.01 + 0.81 = 0.82, the innovation's 0.83; a step of 0.5 m gives x = 0.5 * 0.82 / 0.83 = 0.49398 and
    v = 0.5 * 0.81 / 0.83 = 0.48795; variance of x 0.82 * 0.01 / 0.83 = 0.0098795."""
    tracker = Tracker(
        TrackerConfig(acceleration=1e-12, confirm_hits=2, min_confidence=0.0, walked_distance=(0.0, 0.1))
    )
    assert len(tracker.update(seen(0.0, (0.0, 0.0), deviation=0.1))) == 0
    tracks = tracker.update(seen(1.0, (0.5, 0.0), deviation=0.1))
    np.testing.assert_allclose(tracks.positions, [[0.49398, 0.0]], atol=1e-5)
    np.testing.assert_allclose(tracks.velocities, [[0.48795, 0.0]], atol=1e-5)
    np.testing.assert_allclose(tracks.covariances[0, 0, 0], 0.0098795, rtol=1e-4)


def test_steady_walker_is_followed_without_lag() -> None:
    tracks = walk(Tracker(), 5.0)
    np.testing.assert_allclose(tracks.positions, [[4.9, 2.0]], atol=0.01)
    np.testing.assert_allclose(tracks.velocities, [[1.0, 0.0]], atol=0.02)
    assert tracks.frame == "odom"
    assert tracks.stamp_s == pytest.approx(4.9)


def test_time_step_comes_from_the_stamps() -> None:
    """The same places twice as fast are twice the speed."""
    tracker = Tracker()
    for k in range(40):
        tracks = tracker.update(seen(0.05 * k, (0.1 * k, 0.0)))
    np.testing.assert_allclose(tracks.velocities, [[2.0, 0.0]], atol=0.05)


def test_covariances_stay_symmetric_and_positive() -> None:
    random = np.random.default_rng(0)
    tracker = Tracker()
    for k in range(200):
        place = (0.1 * k + 0.05 * random.normal(), 0.05 * random.normal())
        tracks = tracker.update(seen(0.1 * k, place))
        for covariance in tracks.covariances:
            np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
            assert np.linalg.eigvalsh(covariance).min() > 0.0


def test_nobody_is_told_before_enough_hits() -> None:
    tracker = Tracker(TrackerConfig(confirm_hits=4))
    told = [len(tracker.update(seen(0.1 * k, (1.0, 1.0)))) for k in range(5)]
    assert told == [0, 0, 0, 1, 1]


def test_one_flash_is_nobody() -> None:
    tracker = Tracker()
    tracker.update(seen(0.0, (1.0, 1.0)))
    assert all(len(tracker.update(seen(0.1 * k))) == 0 for k in range(1, 30))


def test_what_walks_is_believed_more_than_what_stands() -> None:
    walker, chair = Tracker(), Tracker()
    moving = walk(walker, 3.0)
    for k in range(30):
        still = chair.update(seen(0.1 * k, (1.0, 2.0)))
    # looks of 0.8, raised to the power 1 - 0.4 by walking: 0.8 ** 0.6 = 0.8747
    assert moving.confidences[0] == pytest.approx(0.8747, abs=1e-3)
    assert still.confidences[0] == pytest.approx(0.8, abs=1e-6)


def test_leg_that_never_moves_is_not_told_but_a_walking_one_is() -> None:
    """A lone leg looks like 0.3: standing that is under the 0.35 that is told; walking 0.3 ** 0.6 = 0.4856."""
    chair, walker = Tracker(), Tracker()
    for k in range(30):
        still = chair.update(seen(0.1 * k, (1.0, 2.0), confidence=0.3))
        moving = walker.update(seen(0.1 * k, (0.1 * k, 2.0), confidence=0.3))
    assert len(still) == 0
    assert moving.confidences[0] == pytest.approx(0.4856, abs=1e-3)


def with_past(detections: Detections, walked_in: float, furniture: float) -> Detections:
    count = len(detections)
    return replace(detections, walked_in=np.full(count, walked_in), furniture=np.full(count, furniture))


def test_what_stood_there_all_the_time_is_doubted_until_it_walks_away() -> None:
    """Looks of 0.5 where something has always stood: 0.5 * (1 - 0.4) = 0.3 is not told. Then it sets off at 1 m/s over
    floor that was seen empty, and is told with 0.5 ** 0.6 = 0.6598."""
    tracker = Tracker()
    for k in range(40):
        standing = tracker.update(with_past(seen(0.1 * k, (1.0, 2.0), confidence=0.5), 0.0, 1.0))
    assert len(standing) == 0
    for k in range(40, 70):
        place = (1.0 + 0.1 * (k - 39), 2.0)
        walking = tracker.update(with_past(seen(0.1 * k, place, confidence=0.5), 1.0, 0.0))
    assert walking.confidences[0] == pytest.approx(0.6598, abs=0.01)


def test_walker_who_stops_stays_the_same_person() -> None:
    tracker = Tracker()
    walking = walk(tracker, 3.0)
    for k in range(300):
        standing = tracker.update(seen(3.0 + 0.1 * k, (2.9, 2.0)))
    assert standing.ids.tolist() == walking.ids.tolist()
    assert standing.confidences[0] > 0.8
    assert np.linalg.norm(standing.velocities[0]) < 0.05


def test_misses_cost_confidence_and_then_the_track() -> None:
    tracker = Tracker(TrackerConfig(patience=1.0))
    before = walk(tracker, 3.0)
    confidences, last = [float(before.confidences[0])], before
    for k in range(1, 10):
        last = tracker.update(seen(2.9 + 0.1 * k))
        confidences += last.confidences.tolist()
    assert len(confidences) == 10
    assert (np.diff(confidences) < 0.0).all()
    # coasting on at 1 m/s for 0.9 s from x = 2.9
    np.testing.assert_allclose(last.positions, [[3.8, 2.0]], atol=0.05)
    assert len(tracker.update(seen(4.0))) == 0


def test_hidden_walker_comes_back_with_the_same_id() -> None:
    tracker = Tracker()
    before = walk(tracker, 3.0)
    for k in range(6):
        tracker.update(seen(3.0 + 0.1 * k))
    after = walk(tracker, 0.3, 3.6, 3.6)
    assert after.ids.tolist() == before.ids.tolist()


def test_missing_from_floor_that_is_seen_empty_is_gone_sooner() -> None:
    def survivors(empty: bool) -> int:
        tracker = Tracker()
        walk(tracker, 3.0)
        for k in range(1, 8):
            tracks = tracker.update(seen(2.9 + 0.1 * k), lambda places: np.full(len(places), empty))
        return len(tracks)

    assert survivors(empty=False) == 1
    assert survivors(empty=True) == 0


def test_drift_onto_floor_never_seen_empty_is_no_walking() -> None:
    """A wall's edge that slides along as the robot drives: it moves, but neither comes onto nor leaves empty floor."""
    tracker = Tracker()
    for k in range(40):
        edge = with_past(seen(0.1 * k, (0.05 * k, 2.0), confidence=0.3), 0.0, 0.0)
        assert len(tracker.update(edge, lambda places: np.zeros(len(places), dtype=bool))) == 0


def test_joint_of_a_wall_that_seems_to_slide_is_no_walking() -> None:
    """Past it some beams went farther, so its new places were seen empty; but something was there at most times."""
    tracker = Tracker()
    for k in range(40):
        joint = with_past(seen(0.1 * k, (0.05 * k, 2.0), confidence=0.3), 0.5, 0.9)
        assert len(tracker.update(joint, lambda places: np.zeros(len(places), dtype=bool))) == 0


def test_drift_of_the_odometry_is_no_walking() -> None:
    """0.06 m/s: in the trail's 3 s that is 0.18 m, below the 0.25 m from which on anybody may be walking."""
    tracker = Tracker()
    for k in range(300):
        tracks = tracker.update(seen(0.1 * k, (0.006 * k, 2.0), confidence=0.8))
    assert tracks.confidences[0] == pytest.approx(0.8, abs=0.01)


def test_walker_does_not_cling_to_furniture() -> None:
    tracker = Tracker()
    (walker,) = walk(tracker, 3.0).ids.tolist()
    for k in range(1, 9):
        tracks = tracker.update(with_past(seen(2.9 + 0.1 * k, (3.2, 2.0)), 0.0, 1.0))
    (x,) = tracks.positions[tracks.ids == walker, 0]
    assert x == pytest.approx(3.7, abs=0.1)


def test_two_who_cross_keep_their_ids() -> None:
    """They pass each other at 0.5 m, each 1 m/s."""
    tracker = Tracker()
    for k in range(60):
        x = -3.0 + 0.1 * k
        tracks = tracker.update(seen(0.1 * k, (x, 0.25), (-x, -0.25)))
        if k == 10:
            first = {int(i): float(v[0]) for i, v in zip(tracks.ids, tracks.velocities, strict=True)}
    assert len(tracks) == 2
    for number, velocity in zip(tracks.ids, tracks.velocities, strict=True):
        assert velocity[0] == pytest.approx(first[int(number)], abs=0.1)


def test_second_leg_beside_somebody_known_is_no_new_person() -> None:
    tracker = Tracker()
    walk(tracker, 2.0)
    for k in range(20, 40):
        tracks = tracker.update(seen(0.1 * k, (0.1 * k, 2.0), (0.1 * k, 2.3)))
    assert len(tracks) == 1


@pytest.mark.parametrize("back", [0.0, 0.1, 0.9])
def test_repeated_and_late_stamps_change_nothing(back: float) -> None:
    tracker = Tracker()
    before = walk(tracker, 3.0)
    again = tracker.update(seen(before.stamp_s - back, (9.0, 9.0)))
    assert again.stamp_s == before.stamp_s
    np.testing.assert_array_equal(again.ids, before.ids)
    np.testing.assert_array_equal(again.positions, before.positions)
    np.testing.assert_array_equal(again.covariances, before.covariances)


@pytest.mark.parametrize("leap", [-1.5, -1000.0, 2.5, 1000.0])
def test_clock_that_leaps_starts_anew_with_new_ids(leap: float) -> None:
    tracker = Tracker()
    before = walk(tracker, 3.0)
    assert len(tracker.update(seen(before.stamp_s + leap, (2.9, 2.0)))) == 0
    after = walk(tracker, 3.0, before.stamp_s + leap + 0.1)
    assert after.ids.min() > before.ids.max()
    np.testing.assert_allclose(after.positions, [[2.9, 2.0]], atol=0.05)


@pytest.mark.parametrize("delay", [-0.3, 0.0, 0.2])
def test_camera_that_is_late_or_early_says_the_same(delay: float) -> None:
    """A walker at 1 m/s; the camera's picture is `delay` old, and shows them where they were then: it changes nothing
    but how sure their place is."""
    tracker = Tracker()
    before = walk(tracker, 3.0)
    after = tracker.hear(seen(before.stamp_s - delay, (2.9 - delay, 2.0)))
    assert after.ids.tolist() == before.ids.tolist()
    assert after.stamp_s == before.stamp_s
    np.testing.assert_allclose(after.positions, before.positions, atol=0.01)
    np.testing.assert_allclose(after.velocities, before.velocities, atol=0.03)
    assert np.trace(after.covariances[0]) < np.trace(before.covariances[0])


def test_camera_that_looks_elsewhere_takes_nobody_away() -> None:
    tracker = Tracker()
    before = walk(tracker, 3.0)
    after = tracker.hear(seen(before.stamp_s))
    np.testing.assert_array_equal(after.confidences, before.confidences)


def test_camera_makes_a_doubtful_leg_a_person() -> None:
    """What stands there looks like 0.2 to the laser, so it is not told; to the camera it looks like 0.95."""
    tracker = Tracker()
    for k in range(20):
        told = [len(tracker.update(seen(0.1 * k, (1.0, 2.0), confidence=0.2)))]
        if k > 10:
            told.append(len(tracker.hear(seen(0.1 * k - 0.05, (1.05, 2.0), confidence=0.95, deviation=0.2))))
    assert told == [1, 1]
    assert told[0] != len(Tracker().update(seen(0.0, (1.0, 2.0), confidence=0.2)))


@pytest.mark.parametrize(("stamp_s", "frame"), [(2.0, "odom"), (9.0, "odom"), (2.9, "map")])
def test_camera_too_late_too_early_or_elsewhere_changes_nothing(stamp_s: float, frame: str) -> None:
    tracker = Tracker()
    before = walk(tracker, 3.0)
    after = tracker.hear(seen(stamp_s, (2.5, 2.2), frame=frame))
    np.testing.assert_array_equal(after.positions, before.positions)


def test_another_frame_starts_anew() -> None:
    tracker = Tracker()
    walk(tracker, 3.0)
    tracks = tracker.update(seen(3.0, (3.0, 2.0), frame="map"))
    assert len(tracks) == 0
    assert tracks.frame == "map"


def test_nobody_ever() -> None:
    tracker = Tracker()
    for k in range(5):
        tracks = tracker.update(seen(0.1 * k))
        assert tracks.covariances.shape == (0, 4, 4)
        assert tracks.ids.dtype == np.int64


@pytest.mark.parametrize(
    ("name", "value"),
    [("gate", 0.0), ("patience", -1.0), ("confirm_hits", 0), ("min_confidence", 2.0), ("walked_distance", (0.5, 0.1))],
)
def test_settings_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        TrackerConfig(**{name: value})
