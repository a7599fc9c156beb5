"""Logs: what they hold, how they are drawn between samples, and how they are read from a replay's folder."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.datasets.scans import read_scans, read_transforms
from sac_son_nav.errors import BagError, ConfigError, MapError
from sac_son_nav.evaluation.geodesic import Ways
from sac_son_nav.evaluation.log import OSpace, from_simulator
from sac_son_nav.evaluation.metrics import measure
from sac_son_nav.evaluation.replayed import from_replay
from sac_son_nav.evaluation.tracking import read_marks
from sac_son_nav.geometry import transform_points
from sac_son_nav.perception.people import PeopleTracker
from sac_son_nav.simulation.scenarios import PersonGroup, Stop
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command
from test.datasets.test_scans import odometry, record
from test.evaluation.logs import made
from test.simulation.worlds import room, world

ROBOT = load_robot("simulated")
HEADER = "stamp_s,id,x_m,y_m,vx_mps,vy_mps,confidence\n"


def test_samples_stand_for_half_the_way_to_their_neighbours() -> None:
    """Steps of 0.2 and 0.4 s, then a gap of 3 s, which counts as 0.5 s: 0.1; 0.1 + 0.2; 0.2 + 0.25; 0.25."""
    log = made([0.0, 0.2, 0.6, 3.6], np.zeros((4, 2)))
    np.testing.assert_allclose(log.weights, [0.1, 0.3, 0.45, 0.25])
    assert made([7.0], np.zeros((1, 2))).weights.tolist() == [1.0]


def test_nearest_person_is_far_off_while_nobody_is_seen_and_unknown_while_the_robot_is_lost() -> None:
    person = np.array([[3.0, 4.0], [np.nan, np.nan], [0.0, 1.0]])
    log = made([0.0, 0.1, 0.2], [[0.0, 0.0], [0.0, 0.0], [np.nan, 0.0]], [person])
    np.testing.assert_array_equal(log.nearest(log.distances), [5.0, np.inf, np.nan])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"times": np.array([0.0, 0.0])}, "expected finite seconds that rise"),
        ({"times": np.zeros(0)}, "expected one moment or more"),
        ({"radii": np.ones(3)}, r"radii: expected the shape \(1,\), got \(3,\)"),
        ({"without": np.zeros((2, 2, 2))}, r"without: expected the shape \(2, 1, 2\)"),
    ],
)
def test_logs_that_do_not_fit_together_are_refused(changes: dict, message: str) -> None:
    log = made([0.0, 0.1], np.zeros((2, 2)), [np.zeros((2, 2))])
    with pytest.raises(ConfigError, match=message):
        replace(log, **changes)


def test_resampling_draws_straight_lines_across_short_gaps_only() -> None:
    """At 0, 0.4 and 2 s; steps of 0.2 s. Half way from 170 to -170 degrees is 180, not 0."""
    yaw = math.radians(170.0)
    log = made(
        [0.0, 0.4, 2.0],
        [[0.0, 0.0, yaw], [1.0, 0.0, -yaw], [9.0, 0.0, -yaw]],
        [np.array([[0.0, 2.0], [0.0, 4.0], [np.nan, np.nan]])],
    )
    even = log.resampled(0.2)
    assert len(even) == 11
    np.testing.assert_allclose(even.robot_poses[1], [0.5, 0.0, math.pi])
    np.testing.assert_allclose(even.people[:3, 0, 1], [2.0, 3.0, 4.0])
    assert np.isnan(even.robot_poses[3:10]).all()  # 1.6 s without a sample
    assert even.robot_poses[10, 0] == 9.0
    assert np.isnan(even.people[3:]).all()


def test_o_space_of_two_who_face_each_other() -> None:
    """They stand 1.6 m apart with bodies of 0.25 m: 0.8 - 0.25 = 0.55 m round the middle, wherever they look at."""
    places, radii = np.array([[0.0, 0.0], [1.6, 0.0]]), np.full(2, 0.25)
    for reach in (0.5, 0.75):
        space = OSpace.between(places, np.array([0.0, math.pi]), radii, reach)
        assert space.centre == pytest.approx((0.8, 0.0))
        assert space.radius == pytest.approx(0.55)
    with pytest.raises(ConfigError, match="o-space radius"):
        OSpace.between(places, np.array([0.0, 0.0]), radii, 0.8)  # the centre is (1.6, 0): the second one's place
    with pytest.raises(ConfigError, match="two people or more, got 1"):
        OSpace.between(places[:1], np.zeros(1), radii[:1])


def test_ways_round_a_wall() -> None:
    """A wall of 0.2 m from y = 1.5 up. A body of 0.2 m goes from (2, 2) to (4, 2) round the ends of the wall grown by
    0.2 m, (2.8, 1.3) and (3.4, 1.3): 2 * hypot(0.8 or 0.6, 0.7) + 0.6 = 1.063 + 0.6 + 0.922 = 2.585 m, along the grid
    up to 8 % more. It sees (4, 2) no more than (4, 2) sees it."""
    floor = room(6.0, 4.0, (3.0, 1.5, 3.2, 4.0))
    ways = Ways(floor, 0.2)
    here, there = np.array([2.0, 2.0]), np.array([4.0, 2.0])
    assert 2.585 - 0.1 < float(ways.field(here).at(there)) < 1.082 * 2.585 + 0.05
    assert ways.length(here, there) == pytest.approx(2.585, abs=0.1)
    assert float(ways.field(here, within=2.0).at(there)) == np.inf
    assert np.isnan(ways.field(here).at(np.array([np.nan, 1.0])))
    ends = np.array([there, [2.0, 3.5], [4.0, 0.5]])
    np.testing.assert_array_equal(ways.in_sight(here, ends, np.full(3, 0.1)), [False, True, True])
    assert ways.joined(here, there)
    closed = Ways(room(6.0, 4.0, (3.0, 0.0, 3.2, 4.0)), 0.2)
    assert not closed.joined(here, there)
    with pytest.raises(MapError, match=r"1\.00 m wide somewhere"):
        Ways(room(0.6, 0.6), 0.5)


def test_log_of_a_simulated_run() -> None:
    person = PersonGroup(start=(4.0, 2.0), errand=(Stop((1.0, 2.0)),), radius=0.3)
    simulator = Simulator(world(room(6.0, 4.0), person, goal=(5.0, 1.0, 0.0)), ROBOT, seed=1)
    for _ in range(20):
        simulator.step(Command(0.5, 0.0))
    log = from_simulator(simulator)
    assert len(log) == 21
    assert log.radii.tolist() == [0.3]
    assert (log.robot_radius, log.time_limit, log.contacts) == (ROBOT.radius, 60.0, ())
    np.testing.assert_array_equal(log.goal, [5.0, 1.0, 0.0])
    np.testing.assert_array_equal(log.people, simulator.history.people)
    assert log.row_of(0) == 0
    with pytest.raises(ConfigError, match="a person with the id 4"):
        log.row_of(4)


# -- replays ----------------------------------------------------------------------------------------------------


def folder(path: Path, rows: str, summary: object, odometry_messages: list | None = None) -> Path:
    path.mkdir(exist_ok=True)
    (path / "tracks.csv").write_text(HEADER + rows)
    (path / "summary.json").write_text(json.dumps(summary))
    if odometry_messages is not None:
        record(path / "recording", {"/odom": odometry_messages})
    return path


def test_replay_with_odometry(tmp_path: Path) -> None:
    """Odometry at 10, 11 and 12 s: (0, 0), (2, 0), (2, 0). Person 3 has rows at 10.5 and 11.0 s, 8 at 11.0 s."""
    rows = "10.500000000,3,4,1,0.5,0,0.9\n11.000000000,3,4.25,1,0.5,0,0.9\n11.000000000,8,0,-1,0,0,0.9\n"
    driven = [odometry(10.0, 0.0, 0.0, 0.0), odometry(11.0, 2.0, 0.0, 0.0), odometry(12.0, 2.0, 0.0, 1.0)]
    replay = folder(tmp_path / "r", rows, {"frame": "odom", "laser_on_base": [0.5, 0.0, 0.0]}, driven)
    log = from_replay(replay, ROBOT, person_radius=0.3)
    np.testing.assert_allclose(log.times, [0.0, 0.5])
    np.testing.assert_allclose(log.robot_poses, [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]], atol=1e-6)
    assert log.ids.tolist() == [3, 8]
    np.testing.assert_allclose(log.people[:, 0], [[4.0, 1.0], [4.25, 1.0]])
    assert np.isnan(log.people[0, 1]).all()
    np.testing.assert_allclose(log.people_velocities[1], [[0.5, 0.0], [0.0, 0.0]])
    assert not log.frame_moves
    assert log.radii.tolist() == [0.3, 0.3]
    # From (2, 0) to (0, -1) it is hypot(2, 1), to the other hypot(2.25, 1).
    assert measure(log, ["closest_approach_m"])["closest_approach_m"] == pytest.approx(math.hypot(2.0, 1.0))


def test_replay_without_odometry_knows_distances_but_not_the_robot_s_motion(tmp_path: Path) -> None:
    """The laser is 0.5 m ahead of the base, so somebody 1 m before it is 1.5 m from the base."""
    rows = "5.1,1,1,0,0,0,0.9\n5.2,1,1,0,0,0,0.9\n"
    log = from_replay(folder(tmp_path / "r", rows, {"frame": "laser", "laser_on_base": [0.5, 0.0, 0.0]}), ROBOT)
    assert log.frame_moves
    found = measure(log)
    assert found["closest_approach_m"] == pytest.approx(1.5)
    unknown = ("path_length_m", "speed_max_mps", "heading_change_rad", "min_time_to_collision_s", "stalled_time_s")
    assert all(math.isnan(found[name]) for name in (*unknown, "social_work_mps", "people_speed_mean_mps"))


GOOD = {"frame": "odom", "laser_on_base": [0.0, 0.0, 0.0]}


@pytest.mark.parametrize(
    ("rows", "summary", "message"),
    [
        ("", GOOD, "expected people or answers to scans"),
        ("1.0,2,3\n", GOOD, "line 2: expected a stamp"),
        ("1.0,a,0,0,0,0,1\n", GOOD, "line 2: expected a stamp, a whole number"),
        ("1.0,1,nan,0,0,0,1\n", GOOD, "line 2: .*four finite numbers"),
        (
            "1.0,1,0,0,0,0,1\n",
            {"frame": ["a", "b"], "laser_on_base": [0, 0, 0]},
            r"one frame of all tracks, got \['a'",
        ),
        ("1.0,1,0,0,0,0,1\n", {"frame": "odom"}, "laser_on_base"),
        ("1.0,1,0,0,0,0,1\n", [1], "one frame of all tracks"),
    ],
)
def test_replays_that_make_no_sense_are_refused(tmp_path: Path, rows: str, summary: object, message: str) -> None:
    with pytest.raises(BagError, match=message):
        from_replay(folder(tmp_path / "r", rows, summary), ROBOT)


def test_replay_in_another_frame_than_its_odometry_is_refused(tmp_path: Path) -> None:
    summary = {"frame": "laser", "laser_on_base": [0.0, 0.0, 0.0]}
    replay = folder(tmp_path / "r", "1.0,1,0,0,0,0,1\n", summary, [odometry(1.0, 0.0, 0.0, 0.0)])
    with pytest.raises(BagError, match="odometry's frame 'odom', got 'laser'"):
        from_replay(replay, ROBOT)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match=r"summary.json: expected a replay's summary"):
        from_replay(tmp_path, ROBOT)
    (tmp_path / "summary.json").write_text(json.dumps(GOOD))
    with pytest.raises(BagError, match=r"tracks.csv: expected a CSV file"):
        from_replay(tmp_path, ROBOT)
    (tmp_path / "tracks.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BagError, match="expected the columns"):
        from_replay(tmp_path, ROBOT)


def test_a_wheelchair_among_people_as_a_human_marked_them(shared_data: Path, tmp_path: Path) -> None:
    """Twenty seconds of a real recording through the tracker, then read as a replay. Whoever was marked by hand while
    the tracker saw them is at the same distance from the wheelchair, to within 0.3 m in nine of ten marks."""
    bag = shared_data / "leg-tracker-bags" / "general_tracking_moving_1"
    transforms, eyes, rows, moments = read_transforms(bag), PeopleTracker(), [], []
    marks = read_marks(f"{bag}_people.csv")
    for time_ns, scan in read_scans(bag, "/scan"):
        if scan.stamp_s - 1e-9 * marks[0].time_ns > 20.0:
            break
        pose = transforms.fixed_from(scan.frame, scan.stamp_s)
        if pose is None:
            continue
        moments.append((time_ns, scan.stamp_s, pose))
        tracks = eyes.step(scan, pose, "odom")
        for number, place, pace in zip(tracks.ids, tracks.positions, tracks.velocities, strict=True):
            rows.append(f"{scan.stamp_s:.9f},{number},{place[0]},{place[1]},{pace[0]},{pace[1]},1\n")
    replay = folder(tmp_path / "r", "".join(rows), {"frame": "odom", "laser_on_base": [0.850326, 0.235214, 0.734808]})
    (replay / "recording").symlink_to(bag.resolve())
    log = from_replay(replay, ROBOT)
    assert not log.frame_moves
    found = measure(log)
    assert 0.5 < found["speed_max_mps"] < 1.5
    # What the wheels counted and what the places say is the same way, where the next moment follows the scan before:
    # while the tracker sees nobody there is none.
    chords, gaps = np.linalg.norm(np.diff(log.robot_poses[:, :2], axis=0), axis=-1), np.diff(log.times)
    assert found["path_length_m"] == pytest.approx(chords.sum())
    follows = gaps < 0.2
    assert follows.sum() > 80
    driven = np.abs(log.robot_velocities[:-1, 0]) * gaps
    assert chords[follows].sum() == pytest.approx(driven[follows].sum(), rel=0.05)
    first_s, errors = float(rows[0].split(",")[0]), []
    for mark in marks:
        scan_ns, stamp_s, pose = min(moments, key=lambda moment: abs(moment[0] - mark.time_ns))
        k = int(np.argmin(np.abs(log.times - (stamp_s - first_s))))
        if scan_ns > mark.time_ns or abs(log.times[k] - (stamp_s - first_s)) > 0.01:
            continue
        place = np.asarray(transform_points(pose, np.array(mark.position)))
        apart = np.linalg.norm(log.people[k] - place, axis=-1)
        if np.nanmin(apart) < 0.5:
            marked = np.linalg.norm(place - log.robot_poses[k, :2])
            errors.append(abs(marked - log.distances[k, int(np.nanargmin(apart))]))
    assert len(errors) > 30
    assert np.percentile(errors, 90) < 0.3
