"""Norms of behaviours, each against traces made by hand that keep it and that do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from expressive_motion.evaluation.behaviours import load_behaviours
from expressive_motion.evaluation.norms import NORMS
from expressive_motion.robot import describe
from expressive_motion.skills.embodiment import LightState
from test.expressive_motion.made_traces import Shown, bumps, call, goes, made, speech, sways, tone

NOTHING = Shown()
BLUE, RED = LightState("blue", "steady", 1.0, 0.8), LightState("red", "pulse", 1.0, 0.8)
NOD, SHAKE = Shown(tilt=bumps(-18.0, 2)), Shown(pan=sways(20.0, 2))
ROCK = Shown(ahead=bumps(0.04, 2), head=False)
WIGGLE = Shown(yaw=sways(0.2, 2), head=False)
LOOK = Shown(calls=[(0.2, 3.0, call("look_at_person", hold_s=2.0))])
FOLLOW = Shown(12.0, goes(2.5, 0.5, 4.5), calls=[(4.5, 12.0, call("follow_person"))])
SAD = Shown(tilt=lambda t: np.where(t < 3.0, -25.0, 0.0), said=[(0.5, tone("falling"))])
HOPEFUL = replace(SAD, said=[(0.5, tone("falling")), (3.2, tone("rising"))])

SAD_AFTER_ALL = Shown(ahead=bumps(-0.05, 1), said=[(0.1, tone("rising")), (0.4, tone("falling"))], head=False)

KEPT = [
    ("says_yes", "standing", NOD),
    ("says_yes", "standing", ROCK),
    ("says_no", "standing", SHAKE),
    ("says_no", "standing", WIGGLE),
    ("stays", "standing", ROCK),
    ("shows_life", "standing", NOD),
    ("shows_life", "standing", Shown(lights=[(1.0, 2.0, BLUE)])),
    ("shows_life", "standing", Shown(said=[(1.0, tone("chime"))])),
    ("looks_at_person", "standing", LOOK),
    ("brief", "standing", NOTHING),
    ("draws_attention", "standing", Shown(said=[(1.0, tone("soft"))])),
    ("draws_attention", "standing", Shown(lights=[(1.0, 2.0, RED)])),
    ("does_not_push", "standing", Shown(ahead=goes(0.3, 0.2))),
    ("polite", "standing", Shown(said=[(1.0, speech("Excuse me, may I pass?"))])),
    ("polite", "standing", Shown(said=[(1.0, tone("soft"))])),
    ("shows_regret", "standing", SAD),
    ("shows_regret", "standing", Shown(said=[(0.5, speech("I am sorry.")), (2.0, tone("falling"))])),
    ("ends_hopeful", "standing", HOPEFUL),
    ("ends_hopeful", "standing", replace(SAD, lights=[(3.0, 4.0, BLUE)])),
    ("ends_hopeful", "standing", replace(SAD, said=[(0.5, speech("Sorry, I will do better."))])),
    ("silent", "standing", Shown(said=[(1.0, tone("soft"))])),
    ("follows", "leaving", FOLLOW),
    ("keeps_distance", "standing", Shown(ahead=goes(0.5, 0.2))),
    ("comes_near", "standing", Shown(ahead=goes(0.6, 0.3))),
    ("sustained", "standing", Shown(9.0)),
    ("does_not_interrupt", "standing", Shown(said=[(1.0, tone("soft", 0.3))])),
]

BROKEN = [
    ("says_yes", "standing", NOTHING, "no nod, the head went up or down 0 times"),
    ("says_yes", "standing", Shown(tilt=bumps(-4.0, 3)), "no nod"),
    ("says_yes", "standing", SHAKE, "no nod"),
    ("says_no", "standing", NOD, "no shake"),
    ("says_no", "standing", Shown(pan=bumps(20.0, 1)), "the head went aside 2 times"),
    ("stays", "standing", Shown(ahead=goes(0.4, 0.2)), "left its place by 0.40 m"),
    ("shows_life", "standing", NOTHING, "nothing could be seen or heard"),
    ("shows_life", "standing", Shown(lights=[(3.0, 4.0, BLUE)]), "for 3.0 s"),
    ("looks_at_person", "standing", NOTHING, "looked at for 0.0 s"),  # who stands ahead is not looked at for that
    ("looks_at_person", "standing", replace(LOOK, pan=lambda t: np.full(len(t), 60.0)), "looked at for 0.0 s"),
    ("looks_at_person", "alone", LOOK, "nobody was in sight"),
    ("brief", "standing", Shown(9.0), "it took 9.0 s"),
    ("draws_attention", "standing", Shown(lights=[(1.0, 2.0, BLUE)]), "no blinking"),
    ("does_not_push", "standing", Shown(ahead=goes(1.0, 0.3)), "up to 0.6"),
    ("does_not_push", "standing", Shown(held_s=0.2), "held back by the shield for 0.20 s"),
    ("does_not_push", "alone", Shown(5.0, goes(0.9, 0.3)), "drove 0.90 m ahead"),
    ("polite", "standing", Shown(said=[(1.0, speech("Out of my way!"))]), "no polite word"),
    ("polite", "standing", Shown(said=[(1.0, tone("alert"))]), "harsh"),
    ("polite", "standing", Shown(lights=[(1.0, 2.0, RED)]), "red light"),
    ("polite", "standing", Shown(ahead=goes(0.3, 0.5)), "0.50 m/s"),
    ("shows_regret", "standing", replace(SAD, said=[]), "only a lowered head was shown"),
    ("shows_regret", "standing", NOTHING, "none was shown"),
    ("ends_hopeful", "standing", SAD, "no sign of hope"),
    ("ends_hopeful", "standing", SAD_AFTER_ALL, "no sign of hope"),
    ("silent", "standing", Shown(said=[(1.0, speech("Hello."))]), "'Hello.'"),
    ("follows", "leaving", NOTHING, "went 0.00 m"),
    ("follows", "leaving", replace(FOLLOW, calls=[(4.5, 12.0, call("move", distance_m=2.0))]), "not after the person"),
    ("keeps_distance", "standing", Shown(8.0, goes(1.0, 0.2)), "up to 0.6"),
    ("comes_near", "distant", NOTHING, "ended 3.50 m from the person"),
    ("sustained", "standing", NOTHING, "over after 4.0 s"),
    ("does_not_interrupt", "standing", Shown(said=[(1.0, speech("Yes."))]), "while the person talked"),
    ("does_not_interrupt", "standing", Shown(said=[(1.0, tone("chime", 0.9))]), "1 tones"),
]


@pytest.mark.parametrize(("norm", "scene", "shown"), KEPT)
def test_is_kept(norm, scene, shown, description):
    assert NORMS[norm](made(scene, shown), description) == ""


@pytest.mark.parametrize(("norm", "scene", "shown", "says"), BROKEN)
def test_is_broken_and_says_why(norm, scene, shown, says, description):
    told = NORMS[norm](made(scene, shown), description)
    assert says in told
    assert told


def test_every_norm_is_tried_both_ways():
    assert {row[0] for row in KEPT} == {row[0] for row in BROKEN} == set(NORMS)


def test_a_robot_that_can_only_drive_and_beep_regrets_with_what_it_has():
    waffle = describe("turtlebot3_waffle")
    sorry = Shown(ahead=bumps(-0.06, 1, 2.0), said=[(0.5, tone("falling"))], head=False)
    assert NORMS["shows_regret"](made("standing", sorry), waffle) == ""
    assert NORMS["shows_regret"](made("standing", replace(sorry, said=[])), waffle)


def test_the_golden_behaviours_name_norms_and_scenes_that_exist():
    behaviours = load_behaviours()
    assert len(behaviours) == 12
    assert {norm for golden in behaviours.values() for norm in golden.norms} == set(NORMS)


def test_a_golden_behaviour_tells_all_it_does_not_keep(description):
    broken = load_behaviours()["nod"].broken(made("standing", Shown(ahead=goes(0.5, 0.3))), description)
    assert [line.partition(":")[0] for line in broken] == ["says_yes", "stays"]
