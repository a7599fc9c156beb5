import math

import numpy as np
import pytest

from sac_son_nav.navigation.contact import Touch, allow
from sac_son_nav.states import STOP, Command

AHEAD, BACK, CURVE = Command(0.4, 0.0), Command(-0.2, 0.0), Command(0.4, 0.7)
FRONT, REAR = Touch("bumper", 0.0), Touch("bumper", math.pi)


def test_nothing_touches_and_nothing_is_taken_away():
    assert allow(CURVE, ()) == (CURVE, "")


@pytest.mark.parametrize(
    ("touch", "command", "left"),
    [
        (FRONT, AHEAD, STOP),
        (FRONT, BACK, BACK),  # away from it
        (FRONT, CURVE, Command(0.0, 0.7)),  # a round base may turn on the spot
        (REAR, BACK, STOP),
        (REAR, AHEAD, AHEAD),
        (Touch("bumper", math.radians(79)), AHEAD, STOP),
        (Touch("bumper", math.radians(-79)), AHEAD, STOP),
        (Touch("bumper", math.radians(90)), AHEAD, AHEAD),  # slides along
        (Touch("bumper", math.radians(90)), BACK, BACK),
        (Touch("bumper", math.radians(101)), BACK, STOP),
        (Touch("bumper", math.radians(101)), AHEAD, AHEAD),
        (Touch("bumper"), AHEAD, STOP),  # somewhere
        (Touch("bumper"), BACK, STOP),
        (Touch("bumper"), Command(0.0, 1.0), Command(0.0, 1.0)),
        (Touch("cliff", math.radians(35)), AHEAD, STOP),
        (Touch("stall"), AHEAD, STOP),
        (Touch("reverse_limit", math.pi), BACK, STOP),
        (Touch("wheel_drop"), Command(0.0, 1.0), STOP),  # lifted: not even turning
    ],
)
def test_what_is_left_of_a_command(touch, command, left):
    got, reason = allow(command, [touch])
    assert got == left
    assert (reason == "") == (left == command)


def test_between_two_touches_only_turning_is_left():
    for command in (CURVE, Command(-0.2, 0.7)):
        assert allow(command, [FRONT, REAR])[0] == Command(0.0, 0.7)


@pytest.mark.parametrize(
    ("touch", "sentence"),
    [
        (FRONT, "bumper pressed at the front"),
        (Touch("bumper", math.radians(45)), "bumper pressed at the front left"),
        (Touch("cliff", math.radians(-90)), "no floor at the right"),
        (REAR, "bumper pressed at the rear"),
        (Touch("wheel_drop", 0.5), "a wheel hangs in the air"),
        (Touch("bumper"), "bumper pressed"),
    ],
)
def test_it_is_told_in_words(touch, sentence):
    assert touch.sentence() == sentence


def test_where_a_touch_is_in_the_map():
    place = Touch("bumper", math.radians(90)).place(np.array([2.0, 1.0, math.radians(90)]), 0.2)
    np.testing.assert_allclose(place, [1.8, 1.0], atol=1e-12)  # left of a robot that faces up the y axis
    assert Touch("bumper").place(np.zeros(3), 0.2) is None
