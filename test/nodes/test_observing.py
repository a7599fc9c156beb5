"""Second by second: what the navigation node knows, and when it says that it must not move."""

from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.config import LaserConfig
from sac_son_nav.errors import ConfigError
from sac_son_nav.nodes.observing import FreshnessConfig, Observer
from sac_son_nav.states import RobotState, Scan, Tracks


def scan(stamp: float, at: float = 2.0) -> Scan:
    return Scan(stamp, np.full(4, at), 0.0, np.pi / 2, 0.1, 10.0)


def people(stamp: float, frame: str = "odom") -> Tracks:
    return Tracks(
        stamp, frame, np.array([7]), np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]), np.eye(4)[None], np.ones(1)
    )


def odometry(stamp: float, pose=(0.0, 0.0, 0.0)) -> RobotState:
    return RobotState(stamp, np.array(pose), np.array([0.3, 0.0]), "odom")


def ready(now: float = 100.0, laser: LaserConfig | None = None) -> Observer:
    observer = Observer(FreshnessConfig(), laser or LaserConfig())
    observer.hear_odometry(odometry(0.9), now)
    observer.hear_odometry(odometry(1.1), now)
    observer.hear_localisation(1.0, np.array([10.0, 5.0, np.pi / 2]), now)
    observer.hear_scan(scan(1.0), now)
    observer.hear_people(people(1.0), now)
    return observer


def test_with_everything_fresh_nothing_speaks_against_moving():
    assert ready().problem(100.1) == ""


def test_people_and_scan_are_brought_into_the_map():
    seen = ready().observation()
    # odom stands at (10, 5) in the map, turned by a quarter: 1 m ahead is 1 m up.
    np.testing.assert_allclose(seen.robot.pose, [10.0, 5.0, np.pi / 2], atol=1e-9)
    np.testing.assert_allclose(seen.tracks.positions, [[10.0, 6.0]], atol=1e-9)
    np.testing.assert_allclose(seen.tracks.velocities, [[0.0, 1.0]], atol=1e-9)
    np.testing.assert_allclose(seen.obstacle_points[0], [10.0, 7.0], atol=1e-9)
    assert seen.tracks.frame == "map"


def test_covariances_turn_with_the_frame():
    observer = ready()
    wide = np.diag([4.0, 1.0, 0.4, 0.1])
    observer.hear_people(
        Tracks(1.05, "odom", np.array([1]), np.zeros((1, 2)), np.zeros((1, 2)), wide[None], np.ones(1)), 100.0
    )
    np.testing.assert_allclose(observer.observation().tracks.covariances[0], np.diag([1.0, 4.0, 0.1, 0.4]), atol=1e-9)


def test_the_lasers_place_on_the_base_counts():
    seen = ready(laser=LaserConfig(x=0.2, yaw=np.pi)).observation()
    # The laser looks back from 0.2 m ahead of the base: its first return lies 1.8 m behind, i.e. below in the map.
    np.testing.assert_allclose(seen.obstacle_points[0], [10.0, 5.0 - 1.8], atol=1e-9)


@pytest.mark.parametrize("silent", ["scan", "people", "odometry"])
def test_whoever_falls_silent_is_named(silent):
    observer = ready()
    if silent != "scan":
        observer.hear_scan(scan(1.2), 100.4)
    if silent != "people":
        observer.hear_people(people(1.2), 100.4)
    if silent != "odometry":
        observer.hear_odometry(odometry(1.2), 100.4)
    assert observer.problem(100.4) == f"no {silent} for 0.4 s"


def test_a_frozen_sensor_repeats_its_stamp_and_falls_silent():
    observer = ready()
    for now in (100.1, 100.2, 100.3):
        observer.hear_scan(scan(1.0), now)
        observer.hear_people(people(1.0 + now - 100.0), now)
        observer.hear_odometry(odometry(1.1 + now - 100.0), now)
    assert observer.problem(100.3) == "no scan for 0.3 s"


def test_a_refused_message_is_the_reason_until_a_good_one_comes():
    observer = ready()
    observer.refuse("scan", "scan: expected numbers, got nothing but NaN")
    assert observer.problem(100.1) == ""  # the last good one is still fresh
    assert "nothing but NaN" in observer.problem(100.3)
    observer.hear_scan(scan(1.2), 100.3)
    observer.hear_people(people(1.2), 100.3)
    observer.hear_odometry(odometry(1.2), 100.3)
    assert observer.problem(100.3) == ""


def test_nothing_heard_yet_is_said():
    assert Observer(FreshnessConfig(), LaserConfig()).problem(5.0) == "no odometry yet"


def test_without_localisation_it_does_not_move():
    observer = Observer(FreshnessConfig(), LaserConfig())
    observer.hear_odometry(odometry(1.0), 1.0)
    observer.hear_scan(scan(1.0), 1.0)
    observer.hear_people(people(1.0), 1.0)
    assert "no localisation yet" in observer.problem(1.0)
    assert observer.observation() is None


def test_where_odometry_is_the_map_no_localiser_is_needed():
    observer = Observer(FreshnessConfig(localisation="odometry"), LaserConfig())
    observer.hear_odometry(odometry(1.0, (3.0, 0.0, 0.0)), 1.0)
    observer.hear_scan(scan(1.0), 1.0)
    observer.hear_people(people(1.0), 1.0)
    assert observer.problem(1.0) == ""
    np.testing.assert_allclose(observer.observation().robot.pose, [3.0, 0.0, 0.0])


def test_a_localisation_ahead_of_the_odometry_waits_for_it():
    observer = Observer(FreshnessConfig(), LaserConfig())
    observer.hear_odometry(odometry(1.0), 1.0)
    observer.hear_localisation(1.5, np.array([1.0, 1.0, 0.0]), 1.0)
    assert observer.robot(1.0) is None
    observer.hear_odometry(odometry(1.6), 1.6)
    np.testing.assert_allclose(observer.robot(1.6).pose, [1.0, 1.0, 0.0])


def test_old_stamps_are_refused_by_the_worlds_clock():
    assert ready().problem(100.1, world_s=1.3) == ""
    assert ready().problem(100.1, world_s=1.8) == "people are 0.8 s old by their stamp"


def test_a_clock_set_back_forgets_the_world_before():
    observer = ready()
    observer.hear_odometry(odometry(-5.0), 100.1)
    assert observer.problem(100.1) == "no scan yet"


def test_a_localisation_can_be_asked_to_be_fresh():
    observer = Observer(FreshnessConfig(localisation_timeout=1.0), LaserConfig())
    observer.hear_odometry(odometry(1.0), 1.0)
    observer.hear_localisation(1.0, np.zeros(3), 1.0)
    for now in (1.0, 2.5):
        observer.hear_odometry(odometry(now + 0.01), now)
        observer.hear_scan(scan(now), now)
        observer.hear_people(people(now), now)
    assert observer.problem(2.5) == "no localisation for 1.5 s"


def hear_all_but_localisation(observer: Observer, now: float) -> None:
    observer.hear_odometry(odometry(now), now)
    observer.hear_scan(scan(now), now)
    observer.hear_people(people(now), now)


def test_transforms_once_heard_are_waited_for_and_a_topic_is_not_heard_any_more():
    observer = Observer(FreshnessConfig(), LaserConfig())
    hear_all_but_localisation(observer, 1.0)
    observer.hear_localisation(1.0, np.array([7.0, 7.0, 0.0]), 1.0)
    assert observer.problem(1.0) == ""  # nobody sends transforms: the topic will do
    observer.hear_transform(1.0, np.array([2.0, 0.0, 0.0]), 1.0)
    observer.hear_localisation(1.0, np.array([7.0, 7.0, 0.0]), 1.0)
    np.testing.assert_allclose(observer.robot(1.0).pose, [2.0, 0.0, 0.0])
    for now in (1.5, 2.1):
        observer.hear_transform(1.0, np.array([2.0, 0.0, 0.0]), now)  # the same one is still in the buffer
        hear_all_but_localisation(observer, now)
    assert observer.problem(2.1) == "no transform from map to odom for 1.1 s"
    assert observer.problem(2.1, localised=False) == ""  # a hand may drive
    observer.hear_transform(2.1, np.array([2.0, 0.0, 0.0]), 2.1)
    assert observer.problem(2.1) == ""


def test_a_transform_that_holds_for_ever_is_never_too_old():
    observer = Observer(FreshnessConfig(), LaserConfig())
    for now in (1.0, 5.0):
        hear_all_but_localisation(observer, now)
        observer.hear_transform(np.inf, np.zeros(3), now)
    assert observer.problem(5.0) == ""


def test_who_is_lost_stands_until_it_knows_much_better():
    observer = ready()
    pose = observer.robot(1.0).pose
    reasons = []
    for deviation in (0.5, 0.7, 0.4, 0.2):
        observer.hear_localisation(1.0, pose, 100.0, deviation)
        reasons.append(observer.problem(100.0).partition(";")[0])
    assert reasons == ["", *(f"lost: the position is known to {d} m only" for d in (0.7, 0.4)), ""]


def test_one_stamp_from_the_future_is_refused_and_has_no_consequences():
    observer = ready()
    observer.hear_scan(scan(31.0), 100.1)
    observer.hear_people(people(31.0), 100.1)
    for stamp, now in ((1.2, 100.2), (1.3, 100.3)):
        observer.hear_odometry(odometry(stamp), now)
        observer.hear_scan(scan(stamp), now)
        observer.hear_people(people(stamp), now)
    assert observer.problem(100.4) == ""
    observer.hear_scan(scan(31.1), 100.6)
    observer.hear_odometry(odometry(1.5), 100.6)
    observer.hear_people(people(1.5), 100.6)
    assert observer.problem(100.6) == "scan refused: its stamp is 29.8 s ahead of the odometry's"


def test_odometry_that_changes_its_frame_is_refused():
    observer = ready()
    observer.hear_odometry(replace(odometry(1.2), frame="elsewhere"), 100.2)
    observer.hear_scan(scan(1.4), 100.4)
    observer.hear_people(people(1.4), 100.4)
    assert observer.problem(100.4) == "odometry refused: expected frame 'odom' as before, got 'elsewhere'"


@pytest.mark.parametrize("way", ["odometry", "amcl_pose"])
def test_transforms_are_not_heard_where_another_way_was_asked_for(way):
    observer = Observer(FreshnessConfig(localisation=way), LaserConfig())
    observer.hear_transform(1.0, np.array([2.0, 0.0, 0.0]), 1.0)
    assert not observer.by_transform


def test_a_hand_may_drive_where_the_place_in_the_map_is_not_known():
    observer = Observer(FreshnessConfig(), LaserConfig())
    hear_all_but_localisation(observer, 1.0)
    assert observer.observation() is None
    np.testing.assert_allclose(observer.observation(localised=False).robot.pose, odometry(1.0).pose)
    assert observer.observation() is None  # and that stays so
    assert observer.problem(1.0, localised=False) == ""


def test_a_laser_placed_by_the_transforms_sees_from_there():
    observer = ready()
    before = observer.observation().obstacle_points
    observer.place_laser(np.array([1.0, 0.0, 0.0]))
    after, heading = observer.observation().obstacle_points, observer.observation().robot.pose[2]
    moved = np.array([np.cos(heading), np.sin(heading)])
    np.testing.assert_allclose(after - before, np.broadcast_to(moved, before.shape), atol=1e-9)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="localisation"):
        FreshnessConfig(localisation="gps")
    with pytest.raises(ConfigError, match="scan_timeout"):
        FreshnessConfig(scan_timeout=-1.0)
    with pytest.raises(ConfigError, match="odom_timeout"):
        FreshnessConfig(odom_timeout=0.0)


def test_a_slow_laser_is_waited_for_longer():
    """Two and a half sweeps: 0.25 s at 10 Hz, 0.5 s at 5 Hz."""
    for rate, patience in ((10.0, 0.25), (5.0, 0.5)):
        observer = ready(laser=LaserConfig(rate=rate))
        for age in (patience - 0.05, patience + 0.05):
            observer.hear_odometry(odometry(1.2 + age), 100.0 + age)
            observer.hear_people(people(1.2 + age), 100.0 + age)
            assert (observer.problem(100.0 + age) == "") == (age < patience)
