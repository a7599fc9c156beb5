"""Each check of a rehearsal, against traces made by hand that it must pass and that it must find wrong."""

from __future__ import annotations

import numpy as np
import pytest

from expressive_motion.rehearsals.checks import RehearsalLimits, check_trace, describe_run, longest_idle_s, swings
from expressive_motion.rehearsals.trace import Touch
from expressive_motion.robot import Description
from expressive_motion.skills.embodiment import LightState
from sac_son_nav.errors import ConfigError
from test.expressive_motion.made_traces import Shown, bumps, call, goes, made, speech, tone

BLUE = LightState("blue", "steady", 1.0, 0.8)
RED = LightState("red", "steady", 1.0, 0.8)


def found(scene: str, shown: Shown, description: Description, severity: str = "stop") -> list[str]:
    findings = check_trace(made(scene, shown), description, RehearsalLimits())
    return [finding.text for finding in findings if finding.severity == severity]


UNFIT = [
    ("standing", Shown(state="running"), "did not end within 60 s"),
    ("standing", Shown(state="failed", reason="line 2: division by zero"), "failed: line 2: division by zero"),
    ("standing", Shown(state="cancelled", reason="blocked"), "was broken off: blocked"),
    ("alone", Shown(12.0, goes(3.4, 0.4)), "drove 3.40 m from where it began; at most 3 m"),
    ("alone", Shown(40.0, bumps(1.0, 8, 4.0)), "drove 16.0 m in all; at most 12 m"),
    ("alone", Shown(30.0, yaw=goes(31.5, 1.2)), "turned 5.0 times round"),
    ("alone", Shown(touches=(Touch(1.0, "wall", 0.2),)), "drove into a wall at 0.20 m/s"),
    ("standing", Shown(touches=(Touch(1.0, "person 0", 0.3),)), "drove into a person at 0.30 m/s"),
    ("standing", Shown(8.0, goes(1.0, 0.2)), "drove up to 0.61 m of a person (bodies 0.14 m apart)"),
    ("standing", Shown(8.0, goes(0.7, 0.5)), "drove at 0.50 m/s towards a person less than 1.2 m away"),
    ("standing", Shown(calls=[(0.0, 3.0, call("move", distance_m=1.4))]), "drives at a person: move(distance_m=1.4)"),
    ("standing", Shown(held_s=1.5), "held back by the shield for 1.5 s"),
    ("alone", Shown(30.0, said=[(3.0 * k, speech(f"{k}")) for k in range(9)]), "spoke 9 times; at most 8"),
    ("alone", Shown(said=[(0.2 * k, tone("soft")) for k in range(13)]), "played 13 tones; at most 12"),
    ("alone", Shown(said=[(0.7 * k, tone("soft", 1.0)) for k in range(4)]), "4 tones louder than 0.8"),
    ("alone", Shown(said=[(0.0, speech("One", 2.0)), (1.0, speech("Two"))]), "began to speak 1 times before"),
    (
        "alone",
        Shown(lights=[(0.1 * k, 0.1 * k + 0.05, RED) for k in range(30)]),
        "changed its light 10 times a second",
    ),
    ("alone", Shown(calls=[(0.0, 0.0, call("light_off"))] * 121), "called skills 121 times"),
]

FIT = [
    ("standing", Shown()),
    ("alone", Shown(10.0, goes(3.1, 0.4))),
    ("standing", Shown(8.0, goes(0.8, 0.2))),
    ("standing", Shown(calls=[(0.0, 3.0, call("move", distance_m=0.8))])),
    ("standing", Shown(calls=[(0.0, 3.0, call("back_away", distance_m=0.5))])),
    ("standing", Shown(ahead=lambda t: -np.clip(t, 0.0, 0.5))),  # fast, but away from the person
    ("busy", Shown(state="cancelled", reason="the base is not free")),
    ("alone", Shown(lights=[(0.4 * k, 0.4 * k + 0.2, RED) for k in range(8)])),
    ("alone", Shown(said=[(0.0, speech("One", 1.0)), (1.0, speech("Two"))])),
]

REMARKS = [
    ("standing", Shown(held_s=0.5), "the shield held it back for 0.50 s"),
    ("standing", Shown(touches=(Touch(1.0, "person 0", 0.0),)), "a person touched the robot, which stood"),
    ("busy", Shown(state="cancelled", reason="the base is not free"), "was broken off: the base is not free"),
    ("alone", Shown(16.0, calls=[(0.5, 15.5, call("move", distance_m=0.5))]), "ran out of its 15 s"),
    ("alone", Shown(calls=[(0.0, 2.0, call("move", distance_m=0.5))]), "got 0.00 of 0.50 m"),
    ("alone", Shown(calls=[(0.0, 0.0, call("light", colour="red"))]), "leaves the light on"),
    ("alone", Shown(tilt=lambda t: np.full(len(t), -20.0)), "leaves the head 20 degrees off"),
    ("alone", Shown(9.0, said=[(2.0 * k, speech("Hello.")) for k in range(4)]), "said 'Hello.' 4 times"),
    ("alone", Shown(13.0, said=[(0.0, tone("soft"))]), "showed nothing for 12.5 s"),
]


@pytest.mark.parametrize(("scene", "shown", "says"), UNFIT)
def test_is_found_unfit_for_its_reason_alone(scene, shown, says, description):
    stops = found(scene, shown, description)
    assert len(stops) == 1
    assert says in stops[0]


@pytest.mark.parametrize(("scene", "shown"), FIT)
def test_is_no_reason_to_stop(scene, shown, description):
    assert found(scene, shown, description) == []


@pytest.mark.parametrize(("scene", "shown", "says"), REMARKS)
def test_is_worth_a_remark(scene, shown, says, description):
    assert found(scene, shown, description) == []
    assert any(says in text for text in found(scene, shown, description, "remark"))


def test_a_quiet_gesture_is_worth_no_remark(description):
    assert found("standing", Shown(tilt=bumps(-15.0, 2)), description, "remark") == []


@pytest.mark.parametrize(
    ("signal", "count"),
    [
        ([0.0, 0.0], 0),
        ([0.0, 1.0], 1),
        ([0.0, 1.0, 0.0], 2),
        ([0.0, 1.0, 0.95, 1.0, 0.0], 2),  # a tremble is no swing
        ([0.0, -1.0, 1.0, 0.0], 3),
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 1),
        ([], 0),
    ],
)
def test_swings_are_counted(signal, count):
    assert swings(np.array(signal), 0.5) == count


def test_idle_time_is_the_longest_stretch_of_nothing():
    shown = Shown(10.0, lights=[(2.0, 3.0, BLUE)], said=[(7.0, tone("soft"))])
    assert longest_idle_s(made("alone", shown)) == pytest.approx(4.0)


def test_a_run_is_told_in_a_few_words():
    shown = Shown(4.2, tilt=bumps(-18.0, 1), lights=[(0.0, 1.0, BLUE)], said=[(1.0, tone("soft"))])
    told = describe_run(made("standing", shown))
    assert told == "4.2 s, 0.00 m, nearest 1.60 m, 2 head moves, blue light, 1 tone"


def test_limits_are_checked():
    with pytest.raises(ConfigError, match="near_m: expected more than 0"):
        RehearsalLimits(near_m=0.0)
