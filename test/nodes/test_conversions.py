"""Messages in and out: round trips, hand-written bytes, and what is refused."""

from __future__ import annotations

import math
import struct
from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import Quaternion, TwistStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import LaserScan
from visualization_msgs.msg import Marker

from sac_son_nav.errors import MessageError
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap
from sac_son_nav.nodes import conversions as c
from sac_son_nav.nodes.diagnostics import (
    ERROR,
    Status,
    from_diagnostics,
    from_social_events,
    to_diagnostics,
    to_social_events,
)
from sac_son_nav.nodes.markers import people_markers, prediction_markers
from sac_son_nav.states import Command, RobotState, SocialEvent, Tracks

STAMP = c.stamp_from_nanoseconds(1_403_024_474_631_777_750)


def two_people() -> Tracks:
    """Values a float32 holds exactly, so that they must come back exactly."""
    covariances = np.zeros((2, 4, 4))
    covariances[0, :2, :2] = [[0.25, 0.125], [0.125, 0.5]]
    covariances[0, 2:, 2:] = [[1.0, -0.25], [-0.25, 2.0]]
    covariances[1] = np.diag([0.5, 0.5, 0.75, 0.75])
    return Tracks(
        12.5,
        "odom",
        np.array([7, 2_000_000_001]),
        np.array([[1.5, -2.25], [100.0, 0.5]]),
        np.array([[0.5, 1.25], [-1.0, 0.0]]),
        covariances,
        np.array([0.75, 1.0]),
    )


def a_scan(**changes: object) -> LaserScan:
    """Five beams from -90 to 90 degrees: pi over four beams' gaps each."""
    message = LaserScan()
    message.header.frame_id = "base_scan"
    message.header.stamp = STAMP
    message.angle_min, message.angle_max = -math.pi / 2, math.pi / 2
    message.angle_increment = math.pi / 4
    message.range_min, message.range_max = 0.125, 12.0
    message.ranges = array("f", [1.0, 2.0, math.inf, math.nan, 3.0])
    for name, value in changes.items():
        setattr(message, name, value)
    return message


class TestStamps:
    @pytest.mark.parametrize("nanoseconds", [0, 1, 999_999_999, 1_000_000_000, 1_403_024_474_631_777_750])
    def test_whole_nanoseconds_come_back_exactly(self, nanoseconds: int) -> None:
        assert c.stamp_nanoseconds(c.stamp_from_nanoseconds(nanoseconds)) == nanoseconds

    def test_seconds_are_rounded_and_carried(self) -> None:
        stamp = c.to_stamp(2.9999999999)  # 0.1 ns short of 3 s: the nearest nanosecond is 3 s
        assert (stamp.sec, stamp.nanosec) == (3, 0)
        stamp = c.to_stamp(12.05)
        assert (stamp.sec, stamp.nanosec) == (12, 50_000_000)

    def test_a_stamp_of_this_century_survives_seconds_to_a_quarter_microsecond(self) -> None:
        back = c.to_stamp(c.to_seconds(STAMP))
        assert abs(c.stamp_nanoseconds(back) - c.stamp_nanoseconds(STAMP)) <= 250


class TestPoses:
    @pytest.mark.parametrize("yaw", [0.0, 1.0, -3.0, math.pi / 2])
    def test_pose_round_trip(self, yaw: float) -> None:
        message = c.to_pose_stamped(np.array([1.0, -2.0, yaw]), STAMP, "map")
        pose, frame = c.from_stamped_pose(message, "goal_pose", "map")
        assert frame == "map"
        np.testing.assert_allclose(pose, [1.0, -2.0, yaw], atol=1e-12)

    def test_a_quarter_turn_is_this_quaternion(self) -> None:
        q = c.to_quaternion(math.pi / 2)  # cos 45 deg = sin 45 deg = 0.7071
        np.testing.assert_allclose([q.w, q.x, q.y, q.z], [math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)], atol=1e-12)

    def test_covariance_sits_on_the_diagonal(self) -> None:
        message = c.to_pose_with_covariance(np.array([1.0, 2.0, 0.5]), np.array([0.1, 0.2, 0.3]), STAMP, "map")
        covariance = np.asarray(message.pose.covariance).reshape(6, 6)
        np.testing.assert_allclose(np.diag(covariance), [0.01, 0.04, 0.0, 0.0, 0.0, 0.09])
        pose, _ = c.from_stamped_pose(message, "amcl_pose")
        np.testing.assert_allclose(pose, [1.0, 2.0, 0.5], atol=1e-12)

    def test_another_frame_is_refused(self) -> None:
        message = c.to_pose_stamped(np.zeros(3), STAMP, "odom")
        with pytest.raises(MessageError, match="goal_pose: expected frame 'map', got 'odom'"):
            c.from_stamped_pose(message, "goal_pose", "map")

    @pytest.mark.parametrize("wxyz", [(0.0, 0.0, 0.0, 0.0), (2.0, 0.0, 0.0, 0.0), (math.nan, 0.0, 0.0, 1.0)])
    def test_no_unit_quaternion_is_refused(self, wxyz: tuple[float, ...]) -> None:
        message = c.to_pose_stamped(np.zeros(3), STAMP, "map")
        message.pose.orientation = Quaternion(w=wxyz[0], x=wxyz[1], y=wxyz[2], z=wxyz[3])
        with pytest.raises(MessageError, match="goal_pose: expected a unit quaternion"):
            c.from_stamped_pose(message, "goal_pose")

    def test_odometry_round_trip(self) -> None:
        state = RobotState(c.to_seconds(STAMP), np.array([3.0, 4.0, -1.0]), np.array([0.5, -0.25]), "odom")
        message = c.to_odometry(state, STAMP, "base_link")
        assert message.child_frame_id == "base_link"
        back = c.from_odometry(message, "odom", "odom")
        np.testing.assert_allclose(back.pose, state.pose, atol=1e-12)
        np.testing.assert_array_equal(back.velocity, state.velocity)
        assert (back.stamp_s, back.frame) == (state.stamp_s, "odom")

    def test_odometry_without_numbers_or_frame_is_refused(self) -> None:
        message = c.to_odometry(RobotState(0.0, np.zeros(3), np.zeros(2), "odom"), STAMP, "base_link")
        message.twist.twist.linear.x = math.nan
        with pytest.raises(MessageError, match="odom: expected finite numbers as velocity"):
            c.from_odometry(message, "odom")
        with pytest.raises(MessageError, match="odom: expected a frame in the header, got none"):
            c.from_odometry(Odometry(), "odom")

    def test_command_round_trip_in_both_kinds(self) -> None:
        command = Command(0.5, -1.25)
        assert c.from_twist(c.to_twist(command), "cmd_vel") == command
        stamped = c.to_twist_stamped(command, STAMP, "base_link")
        assert c.from_twist(stamped, "cmd_vel") == command
        assert stamped.header.frame_id == "base_link"

    def test_a_command_of_nan_is_refused(self) -> None:
        message = TwistStamped()
        message.twist.angular.z = math.inf
        with pytest.raises(MessageError, match="cmd_vel: expected finite numbers"):
            c.from_twist(message, "cmd_vel")

    def test_path_round_trip(self) -> None:
        poses = np.array([[0.0, 0.0, 0.5], [1.0, 2.0, -0.5]])
        back, frame = c.from_path(c.to_path(poses, STAMP, "map"), "plan", "map")
        np.testing.assert_allclose(back, poses, atol=1e-12)
        empty, _ = c.from_path(c.to_path(np.zeros((0, 3)), STAMP, "map"), "plan")
        assert frame == "map"
        assert empty.shape == (0, 3)

    def test_points_face_the_next_one(self) -> None:
        # east one metre, then north one metre; the last point keeps the last direction
        back, _ = c.from_path(c.to_path(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), STAMP, "map"), "plan")
        np.testing.assert_allclose(back[:, 2], [0.0, math.pi / 2, math.pi / 2], atol=1e-12)
        alone, _ = c.from_path(c.to_path(np.array([[4.0, 5.0]]), STAMP, "map"), "plan")
        np.testing.assert_allclose(alone, [[4.0, 5.0, 0.0]])


class TestLaserScan:
    def test_round_trip(self) -> None:
        scan = c.from_laser_scan(a_scan(), "scan", "base_scan")
        np.testing.assert_array_equal(scan.ranges, [1.0, 2.0, math.inf, math.nan, 3.0])
        np.testing.assert_allclose(scan.angles, np.array([-2, -1, 0, 1, 2]) * math.pi / 4, atol=1e-6)
        assert scan.stamp_s == pytest.approx(1403024474.631777750, abs=5e-7)
        again = c.from_laser_scan(c.to_laser_scan(scan, STAMP), "scan")
        np.testing.assert_array_equal(again.ranges, scan.ranges)
        np.testing.assert_allclose(again.angles, scan.angles, atol=1e-6)

    def test_a_clockwise_laser_is_turned_round(self) -> None:
        message = a_scan(angle_min=math.pi / 2, angle_max=-math.pi / 2, angle_increment=-math.pi / 4)
        scan = c.from_laser_scan(message, "scan")
        np.testing.assert_array_equal(scan.ranges, [3.0, math.nan, math.inf, 2.0, 1.0])
        np.testing.assert_allclose(scan.angles, np.array([-2, -1, 0, 1, 2]) * math.pi / 4, atol=1e-6)

    def test_angle_max_may_be_one_beam_further(self) -> None:
        # a full turn said as [0, 2 pi) by drivers that count the last beam twice
        message = a_scan(angle_min=0.0, angle_max=2 * math.pi, angle_increment=2 * math.pi / 5)
        assert len(c.from_laser_scan(message, "scan").ranges) == 5

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"ranges": array("f")}, "scan: expected ranges, got none"),
            ({"ranges": array("f", [1.0] * 9)}, "scan: expected 5 ranges .* got 9"),
            ({"ranges": array("f", [math.nan] * 5)}, "scan: expected ranges in metres, got NaN in all 5"),
            ({"angle_increment": 0.0}, "scan: expected an angle_increment other than zero"),
            ({"angle_min": math.nan}, "scan: expected finite numbers as angles"),
            ({"range_min": 5.0, "range_max": 5.0}, "scan: expected 0 <= range_min < range_max"),
        ],
    )
    def test_nonsense_is_refused_in_words(self, changes: dict[str, object], sentence: str) -> None:
        with pytest.raises(MessageError, match=sentence):
            c.from_laser_scan(a_scan(**changes), "scan")

    def test_nothing_in_sight_is_fine(self) -> None:
        scan = c.from_laser_scan(a_scan(ranges=array("f", [math.inf] * 5)), "scan")
        assert not scan.valid.any()


class TestOccupancyGrid:
    def grid(self) -> OccupancyMap:
        cells = np.array([[FREE, OCCUPIED, UNKNOWN], [FREE, FREE, FREE]], dtype=np.int8)
        return OccupancyMap(cells, 0.05, (-1.0, 2.0))

    def test_round_trip(self) -> None:
        message = c.to_occupancy_grid(self.grid(), STAMP)
        assert (message.info.width, message.info.height) == (3, 2)
        assert list(message.data) == [0, 100, -1, 0, 0, 0]
        back = c.from_occupancy_grid(message, "map", "map")
        np.testing.assert_array_equal(back.cells, self.grid().cells)
        assert (back.resolution, back.origin) == (0.05, (-1.0, 2.0))

    def test_grey_cells_follow_map_servers_thresholds(self) -> None:
        message = c.to_occupancy_grid(self.grid(), STAMP)
        message.data = array("b", [0, 25, 26, 64, 65, 100])
        assert c.from_occupancy_grid(message, "map").cells.ravel().tolist() == [0, 0, -1, -1, 100, 100]

    def test_wrong_length_rotation_and_resolution_are_refused(self) -> None:
        message = c.to_occupancy_grid(self.grid(), STAMP)
        message.data = array("b", [0] * 5)
        with pytest.raises(MessageError, match="map: expected 3 x 2 = 6 cells, got 5"):
            c.from_occupancy_grid(message, "map")
        message = c.to_occupancy_grid(self.grid(), STAMP)
        message.info.origin = c.to_pose(np.array([0.0, 0.0, 0.3]))
        with pytest.raises(MessageError, match=r"without rotation, got yaw 0\.300"):
            c.from_occupancy_grid(message, "map")
        message = c.to_occupancy_grid(self.grid(), STAMP)
        message.info.resolution = 0.0
        with pytest.raises(MessageError, match="map: map resolution"):
            c.from_occupancy_grid(message, "map")


class TestPeople:
    def test_round_trip(self) -> None:
        tracks = two_people()
        back = c.from_people(c.to_people(tracks, c.to_stamp(12.5)), "people", "odom")
        assert (back.stamp_s, back.frame) == (12.5, "odom")
        for name in ("ids", "positions", "velocities", "covariances", "confidences"):
            np.testing.assert_array_equal(getattr(back, name), getattr(tracks, name), err_msg=name)

    def test_the_bytes_are_where_the_fields_say(self) -> None:
        """Read as any other program would: by each field's offset and type, from the raw bytes."""
        message = c.to_people(two_people(), STAMP)
        offsets = {f.name: f.offset for f in message.fields}
        kinds = {f.name: {5: "<i", 7: "<f"}[f.datatype] for f in message.fields}  # INT32 is 5, FLOAT32 is 7
        raw = bytes(message.data)
        people = [
            {n: struct.unpack_from(kinds[n], raw, row * message.point_step + offsets[n])[0] for n in offsets}
            for row in range(message.width)
        ]
        assert people[0] == {
            "id": 7, "x": 1.5, "y": -2.25, "z": 0.0, "vx": 0.5, "vy": 1.25,
            "cov_xx": 0.25, "cov_xy": 0.125, "cov_yy": 0.5,
            "cov_vxvx": 1.0, "cov_vxvy": -0.25, "cov_vyvy": 2.0, "confidence": 0.75,
        }  # fmt: skip
        assert (people[1]["id"], people[1]["x"], people[1]["confidence"]) == (2_000_000_001, 100.0, 1.0)
        assert (message.height, message.row_step) == (1, 2 * message.point_step)
        assert message.header.stamp == STAMP

    def test_nobody_is_a_message_too(self) -> None:
        message = c.to_people(Tracks.empty(3.0, "odom"), c.to_stamp(3.0))
        back = c.from_people(message, "people")
        assert len(back) == 0
        assert back.covariances.shape == (0, 4, 4)

    def test_a_short_cloud_and_a_missing_field_are_refused(self) -> None:
        message = c.to_people(two_people(), STAMP)
        message.data = array("B", bytes(message.data)[:-4])
        with pytest.raises(MessageError, match="people: expected 2 x 52 bytes, got 100"):
            c.from_people(message, "people")
        message = c.to_people(two_people(), STAMP)
        message.fields = [f for f in message.fields if f.name != "vx"]
        with pytest.raises(MessageError, match="people: expected a field 'vx'"):
            c.from_people(message, "people")

    def test_a_person_at_nan_is_refused(self) -> None:
        tracks = two_people()
        tracks.positions[0, 0] = math.nan
        with pytest.raises(MessageError, match="people: expected finite numbers"):
            c.from_people(c.to_people(tracks, STAMP), "people")

    def test_markers_show_each_person_and_take_away_the_vanished(self) -> None:
        markers = people_markers(two_people(), STAMP, vanished=[3]).markers
        shown = [(m.ns, m.id) for m in markers if m.action == Marker.ADD]
        assert shown == [(ns, i) for i in (7, 2_000_000_001) for ns in ("people", "velocities", "ids")]
        assert [(m.ns, m.id) for m in markers if m.action == Marker.DELETE] == [
            ("people", 3), ("velocities", 3), ("ids", 3),
        ]  # fmt: skip
        arrow = markers[1]
        # one second's way: (1.5, -2.25) + (0.5, 1.25)
        assert (arrow.points[1].x, arrow.points[1].y) == (2.0, -1.0)

    def test_predictions_are_two_lines_a_person(self) -> None:
        ways = np.zeros((2, 5, 2))
        markers = prediction_markers(ways, ways + 1.0, STAMP, "map").markers
        assert [(m.ns, m.id, len(m.points)) for m in markers] == [
            ("with_robot", 0, 5), ("with_robot", 1, 5), ("without_robot", 0, 5), ("without_robot", 1, 5),
        ]  # fmt: skip


def test_diagnostics_round_trip() -> None:
    status = Status("/perception", ERROR, "no scan since 2 s", {"scans": 12, "latency_ms": 3.14159265})
    (back,) = from_diagnostics(to_diagnostics([status], STAMP))
    assert (back.name, back.level, back.message) == ("/perception", ERROR, "no scan since 2 s")
    assert back.values == {"scans": "12", "latency_ms": "3.14159"}


# -- social events ------------------------------------------------------------------------------------------------


def test_social_events_come_back_as_they_went():
    told = [
        SocialEvent(3.25, "blocked", 7, np.array([1.5, -0.25]), "odom", "person 7 stands in the way"),
        SocialEvent(3.25, "arrived", detail="at the goal"),
    ]
    message = to_social_events(told)
    assert [status.name for status in message.status] == ["social_event: blocked", "social_event: arrived"]
    first, second = from_social_events(message)
    assert (first.stamp_s, first.kind, first.person, first.frame, first.detail) == (
        *(3.25, "blocked", 7, "odom"),
        "person 7 stands in the way",
    )
    np.testing.assert_allclose(first.position, [1.5, -0.25])
    assert (second.kind, second.person, second.position, second.frame) == ("arrived", None, None, "map")


def test_statuses_that_are_no_events_are_passed_over():
    assert from_social_events(to_diagnostics([Status("navigation")], STAMP)) == []


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("social_event: danced", {}, "social_events: expected one of blocked, .*, got 'danced'"),
        ("social_event: bumped", {"person": "he"}, "social_events: expected numbers for person, x and y"),
        ("social_event: bumped", {"x": "nan", "y": "1"}, "social_events: expected a place in finite metres"),
    ],
)
def test_events_that_cannot_be_are_refused(name, values, sentence):
    with pytest.raises(MessageError, match=sentence):
        from_social_events(to_diagnostics([Status(name, values=values)], STAMP))


def test_a_localisers_deviations_are_that_of_its_worse_axis_and_that_of_its_yaw():
    message = c.to_pose_with_covariance(np.zeros(3), np.array([0.1, 0.4, 0.2]), STAMP, "map")
    assert c.position_deviation(message) == pytest.approx(0.4)
    assert c.yaw_deviation(message) == pytest.approx(0.2)


@pytest.mark.parametrize("broken", [float("nan"), -1.0])
@pytest.mark.parametrize("number", [0, 7, 35])
def test_a_broken_deviation_is_infinite_whichever_axis_it_is_of(number, broken):
    """Beside an axis that is well the NaN of y had gone unnoticed, and -1 of either."""
    message = c.to_pose_with_covariance(np.zeros(3), np.array([0.1, 0.4, 0.2]), STAMP, "map")
    message.pose.covariance[number] = broken
    deviations = (c.position_deviation(message), c.yaw_deviation(message))
    assert deviations == pytest.approx((0.4, float("inf")) if number == 35 else (float("inf"), 0.2))
