"""The faults that are tried, without a graph: enough of them, each broken in the way that its name says."""

from __future__ import annotations

import copy

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry

from sac_son_nav.errors import MessageError
from sac_son_nav.nodes import conversions
from sac_son_nav.nodes import fault_list as faults
from sac_son_nav.nodes import fault_messages as messages
from sac_son_nav.nodes.fault_list import GOES_ON
from sac_son_nav.nodes.fault_rig import Motion
from sac_son_nav.nodes.fault_table import FAULTS
from sac_son_nav.nodes.faults import Row, longest_standstill, longest_without, table
from sac_son_nav.states import RobotState, Scan, Tracks

STAMP = conversions.to_stamp(40.0)
SCAN = conversions.to_laser_scan(Scan(40.0, np.full(8, 2.0), -1.0, 0.25, 0.1, 10.0, "base_scan"), STAMP)
ODOMETRY = conversions.to_odometry(RobotState(40.0, np.zeros(3), np.zeros(2), "odom"), STAMP, "base_link")
PEOPLE = conversions.to_people(Tracks.empty(40.0, "odom"), STAMP)


def test_there_are_enough_and_each_says_what_it_expects():
    assert len(FAULTS) >= 45
    assert len({(f.group, f.name) for f in FAULTS}) == len(FAULTS)
    # Whoever stops says why; of a bumper behind a person who backs up only the motion is looked at.
    assert all(f.reason for f in FAULTS if f.expected == faults.STOPS)
    assert not any(f.reason for f in FAULTS if f.expected == GOES_ON)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (messages.scan_of_nan, "got NaN in all 8 beams"),
        (messages.empty_scan, "expected ranges, got none"),
        (messages.half_a_scan, "expected 8 ranges"),
        (messages.in_frame(""), "expected a frame in the header"),
    ],
)
def test_a_broken_scan_is_one_that_nobody_can_use(what, words):
    (broken,) = what(copy.deepcopy(SCAN))
    with pytest.raises(MessageError, match=words):
        conversions.from_laser_scan(broken, "scan")


def test_broken_odometry_and_people_are_such_that_nobody_can_use():
    (broken,) = messages.odometry_of_nan(copy.deepcopy(ODOMETRY))
    with pytest.raises(MessageError, match="finite"):
        conversions.from_odometry(broken, "odom")
    (broken,) = messages.people_of_nan(copy.deepcopy(PEOPLE))
    with pytest.raises(MessageError, match="finite"):
        conversions.from_people(broken, "people")


def stamps(messages: list[Odometry]) -> list[float]:
    return [conversions.to_seconds(m.header.stamp) for m in messages]


def test_stamps_are_moved_frozen_and_swapped():
    def at(time_s: float) -> Odometry:
        message = copy.deepcopy(ODOMETRY)
        message.header.stamp = conversions.to_stamp(time_s)
        return message

    assert stamps(messages.dated(-5.0)(at(40.0))) == [35.0]
    freeze, swap, jump = messages.frozen(None), messages.out_of_order(None), messages.jumping(None)
    times = (1.0, 2.0, 3.0, 4.0)
    assert [stamps(freeze(at(t))) for t in times] == [[1.0]] * 4
    assert [stamps(swap(at(t))) for t in times] == [[], [2.0, 1.0], [], [4.0, 3.0]]
    assert [stamps(jump(at(t))) for t in times] == [[31.0], [2.0], [33.0], [4.0]]


def test_a_lost_localiser_says_so():
    (lost,) = messages.very_uncertain(PoseWithCovarianceStamped())
    assert conversions.position_deviation(lost) == 2.0


def test_a_standstill_is_the_longest_run_of_rest():
    speeds = [0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.5]
    motions = [Motion(0.0, 0.1 * k, v, 0.0, 0.0, 0.0) for k, v in enumerate(speeds)]
    assert longest_standstill(motions) == pytest.approx(0.2)
    assert longest_standstill([]) == 0.0


def test_how_long_it_drove_on_nothing_new():
    motions = [Motion(0.1 * k, 0.0, v, 0.0, 0.0, 0.0) for k, v in enumerate((0.5, 0.5, 0.5, 0.0, 0.5, 0.5))]
    assert longest_without(motions, [0.0, 0.45]) == pytest.approx(0.4)  # at 0.4 s, from 0 on; at 0.3 s it rests
    assert longest_without(motions, [0.0, 0.15, 0.35]) == pytest.approx(0.15)
    assert longest_without([], [0.0]) == 0.0


def test_the_table_tells_what_went_wrong():
    good = Row("laser", "silent", "stops", 0.6, 0.31, True, "navigation: no scan | for 0.3 s", True, 0.4, "")
    bad = Row("laser", "NaN", "stops", 0.6, 1.9, False, "", False, None, "the goal", attempts=3)
    assert good.good
    assert not bad.good
    first, second = table([good, bad]).splitlines()[2:]
    told = "| laser | silent | stops | 0.31 s | 0.6 s | navigation: no scan / for 0.3 s | 0.4 s | nothing | 1 |"
    assert first == told
    assert second == "|  | NaN | stops | 1.90 s **late** | 0.6 s | **nothing of it** | **never** | the goal | 3 |"
