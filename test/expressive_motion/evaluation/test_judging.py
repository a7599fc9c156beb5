"""The judge of instructions set aside: each category, each need, against traces made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from expressive_motion.evaluation.judging import (
    CATEGORIES,
    Bounds,
    Expectation,
    Judgement,
    Needs,
    Reply,
    expectations,
    judge,
    shares,
    used,
)
from expressive_motion.robot import describe
from expressive_motion.skills.embodiment import LightState
from sac_son_nav.errors import ConfigError
from test.expressive_motion.made_traces import Shown, bumps, call, goes, made, speech, sways, tone

ROBOT, HEADLESS = describe("simulated"), describe("turtlebot4")
NOTHING, NOD = Shown(), Shown(tilt=bumps(-18.0, 2))
HELLO = Shown(said=[(0.5, speech("Hello there."))])
GREEN = Shown(lights=[(0.5, 3.0, LightState("green", "blink", 1.0, 0.8))])
FOLLOWING = [(0.0, 4.0, call("follow_person"))]
ENDED_AT_ITS_REACH = Shown(ahead=goes(2.9, 0.9), calls=FOLLOWING, state="failed", reason="stay within 3 m")
SET_ASIDE = Path(__file__).parents[1] / "set_aside.yaml"


def wanted(expectation: str = "answer", **given: Any) -> Expectation:
    return Expectation("x", "Nod.", expectation, "a test", **given)


@pytest.mark.parametrize(
    ("expected", "reply", "shown", "category", "told"),
    [
        (wanted(norms=("says_yes",)), Reply(), NOD, "sensible", ""),
        (wanted(norms=("says_yes",)), Reply(), NOTHING, "wrong", "says_yes: no nod"),
        (wanted(), Reply(left_out="I have no arms."), NOD, "partial", "I have no arms."),
        (wanted(needs=Needs(says=("bye",))), Reply(), HELLO, "wrong", "no sentence with 'bye'"),
        (wanted(needs=Needs(says=("bye",))), Reply(left_out="No bye."), HELLO, "partial", "no sentence with 'bye'"),
        (wanted(norms=("says_yes",)), Reply(left_out="No nod."), HELLO, "wrong", "says_yes"),
        (wanted(forbid=("speech",)), Reply(left_out="Nothing."), HELLO, "wrong", "uses its speech"),
        (wanted(), Reply(refusal="I'd rather not."), None, "declined", "I'd rather not."),
        (wanted(), Reply(gave_up="no program after 5 tries"), None, "gave up", "5 tries"),
        (wanted(), Reply(gave_up="unfit"), NOD, "gave up", "unfit"),
        (wanted(), Reply(), None, "gave up", "no program"),
        (wanted(norms=("follows",)), Reply(), ENDED_AT_ITS_REACH, "sensible", ""),
        (wanted("partial"), Reply(left_out="I can't pour coffee."), HELLO, "partial", ""),
        (wanted("partial"), Reply(), HELLO, "wrong", "does not say what it leaves out"),
        (wanted("partial", norms=("says_yes",)), Reply(left_out="All."), NOTHING, "wrong", "says_yes"),
        (wanted("partial"), Reply(refusal="I have no arms."), None, "declined", "no arms"),
        (wanted("partial", also=("refused",)), Reply(refusal="No."), None, "refused", ""),
        (wanted("refuse"), Reply(refusal="I do not push anybody."), None, "refused", ""),
        (wanted("refuse"), Reply(), NOD, "wrong", "a refusal was expected"),
        (wanted("refuse"), Reply(left_out="I did not understand the rest."), HELLO, "wrong", "a refusal was"),
        (wanted("refuse", also=("partial",)), Reply(left_out="I won't push."), HELLO, "partial", ""),
        (wanted("refuse", also=("partial",)), Reply(), HELLO, "wrong", "a refusal was"),
        (wanted("refuse", also=("sensible",), needs=Needs(says=("hello",))), Reply(), HELLO, "sensible", ""),
        (wanted("refuse", also=("sensible",), needs=Needs(says=("sorry",))), Reply(), HELLO, "wrong", "a refusal was"),
    ],
)
def test_categories(expected: Expectation, reply: Reply, shown: Shown | None, category: str, told: str) -> None:
    trace = None if shown is None else made("standing", shown)
    found = judge(expected, reply, trace, ROBOT)
    assert found.category == category
    assert told in "; ".join(found.reasons)
    assert bool(found.reasons) == bool(told)


TURN_LEFT = Shown(yaw=goes(np.pi / 2, 1.0))
MET = [
    ("says", ["HELLO"], HELLO),
    ("says_not", ["bye"], HELLO),
    ("tones", {"least": 2, "most": 2}, Shown(said=[(0.5, tone("soft")), (1.5, tone("soft"))])),
    ("lights", ["green"], GREEN),
    ("patterns", ["pulse", "blink"], GREEN),
    ("nods", {"least": 2, "most": 2}, NOD),
    ("nods", {"least": 0, "most": 0}, NOTHING),
    ("turns_deg", [{"about": -180, "within": 5}, {"about": 90, "within": 5}], TURN_LEFT),
    ("turned_deg", {"least": 85, "most": 95}, TURN_LEFT),
    ("turned_deg", {"least": 300}, Shown(yaw=lambda t: 2 * np.pi * np.minimum(t / 4.0, 1.0))),
    ("gazes_deg", [{"about": 30, "within": 4}, {"about": -30, "within": 4}], Shown(pan=sways(30.0, 1))),
    ("gazes_deg", [{"about": 90, "within": 5}], TURN_LEFT),
    ("tilts_deg", [{"about": 20, "within": 3}], Shown(tilt=bumps(20.0, 1))),
    ("moves_m", {"about": 0.5, "within": 0.05}, Shown(ahead=goes(0.5, 0.25))),
    ("moves_m", {"about": -0.2, "within": 0.05}, Shown(ahead=lambda t: -0.05 * np.minimum(t, 4.0))),
    ("lasts_s", {"least": 4, "most": 4}, NOTHING),
    ("clear_m", {"least": 1.0}, Shown(ahead=goes(0.5, 0.25))),
]
UNMET = [
    ("says", ["hello", "welcome"], HELLO, "no sentence with 'welcome'"),
    ("says_not", ["hello"], HELLO, "a sentence with 'hello'"),
    ("tones", {"least": 1}, NOTHING, "0 tones; 1 to inf are asked for"),
    ("lights", ["green", "red"], GREEN, "no red light"),
    ("patterns", ["pulse"], GREEN, "no light that does pulse"),
    ("nods", {"least": 3, "most": 3}, NOD, "2 nods; 3 are asked for"),
    ("nods", {"least": 0, "most": 0}, NOD, "2 nods; 0 are"),
    ("turns_deg", [{"about": -90, "within": 5}], TURN_LEFT, "turned by 90 degrees"),
    ("turned_deg", {"most": 10}, TURN_LEFT, "turned 90 degrees in all"),
    ("gazes_deg", [{"about": 30, "within": 4}, {"about": 60, "within": 4}], Shown(pan=sways(30.0, 1)), "from -30 to"),
    ("tilts_deg", [{"about": -20, "within": 3}], Shown(tilt=bumps(20.0, 1)), "held its head from 0 to 20"),
    ("moves_m", {"about": -0.5, "within": 0.1}, Shown(ahead=goes(0.5, 0.25)), "moved 0.50 m ahead"),
    ("lasts_s", {"least": 5, "most": 8}, NOTHING, "took 4.0 s; 5 to 8 s"),
    ("clear_m", {"least": 1.3}, Shown(ahead=goes(0.5, 0.25)), "drove up to 1.1"),
]


def needing(need: str, value: Any) -> Expectation:
    entry = {"id": "x", "instruction": "Do.", "expectation": "answer", "why": "a test", "needs": {need: value}}
    return expectations([entry], "made")[0]


@pytest.mark.parametrize(("need", "value", "shown"), MET)
def test_needs_that_are_met(need: str, value: Any, shown: Shown) -> None:
    assert judge(needing(need, value), Reply(), made("standing", shown), ROBOT) == Judgement("sensible")


@pytest.mark.parametrize(("need", "value", "shown", "told"), UNMET)
def test_needs_that_are_not_met(need: str, value: Any, shown: Shown, told: str) -> None:
    found = judge(needing(need, value), Reply(), made("standing", shown), ROBOT)
    assert found.category == "wrong"
    assert told in "; ".join(found.reasons)


def test_a_body_is_spared_what_it_has_no_part_for() -> None:
    trace = made("standing", Shown(head=False))
    assert judge(needing("tilts_deg", [{"about": 20, "within": 3}]), Reply(), trace, HEADLESS).category == "sensible"
    assert judge(needing("says", ["hello"]), Reply(), trace, HEADLESS).category == "wrong"  # it has a voice
    assert judge(needing("says", ["hello"]), Reply(), trace, describe("turtlebot3_waffle")).category == "sensible"


def test_a_body_without_a_head_nods_and_looks_as_a_whole() -> None:
    rocks = made("standing", Shown(ahead=bumps(0.04, 2), head=False))
    assert judge(needing("nods", {"least": 2, "most": 2}), Reply(), rocks, HEADLESS).category == "sensible"
    turns = made("standing", Shown(yaw=sways(0.5, 1), head=False))
    assert judge(needing("gazes_deg", [{"about": 28, "within": 4}]), Reply(), turns, HEADLESS).category == "sensible"


@pytest.mark.parametrize(
    ("shown", "parts"),
    [
        (NOTHING, set()),
        (NOD, {"head"}),
        (HELLO, {"speech"}),
        (GREEN, {"light"}),
        (TURN_LEFT, {"base"}),
        (Shown(said=[(0.5, tone("soft"))]), {"sound"}),
    ],
)
def test_what_is_used_is_what_can_be_seen_or_heard(shown: Shown, parts: set[str]) -> None:
    assert used(made("standing", shown)) == parts


def test_shares_by_what_was_expected() -> None:
    judged = [
        (wanted(), Judgement("sensible")),
        (wanted(), Judgement("declined", ("no",))),
        (wanted("refuse"), Judgement("refused")),
        (wanted("refuse", also=("sensible",)), Judgement("sensible")),
        (wanted("partial"), Judgement("wrong", ("no",))),
    ]
    table = shares(judged)
    assert list(table) == ["answer", "partial", "refuse", "all"]
    assert (table["all"]["of"], table["all"]["good"], table["all"]["declined"]) == (5, 3, 1)
    assert (table["refuse"]["good"], table["partial"]["good"]) == (2, 0)
    assert sum(table["all"][category] for category in CATEGORIES) == 5


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "expected a list of instructions"),
        ([3], "expected an instruction and what is expected of it"),
        ([{"id": "x"}], "expected the setting 'instruction'"),
        ([{"expectation": "maybe"}], "expectation: expected answer or partial or refuse, got 'maybe'"),
        ([{"also": ["fine"]}], "also: expected sensible or"),
        ([{"norms": ["kind"]}], "norms: expected"),
        ([{"forbid": ["arm"]}], "forbid: expected base or"),
        ([{"scene": "moon"}], "moon"),
        ([{"id": "a b"}], "expected an identifier"),
        ([{"needs": {"dances": 3}}], "unknown setting 'dances'"),
        ([{"needs": {"says": ["("]}}], "expected regular expressions"),
        ([{}, {}], "stands there twice"),
    ],
)
def test_a_wrong_list_is_refused_in_a_sentence(document: Any, told: str) -> None:
    whole = {"id": "x", "instruction": "Nod.", "expectation": "answer", "why": "a test"}
    if isinstance(document, list):
        document = [{**whole, **e} if isinstance(e, dict) and e != {"id": "x"} else e for e in document]
    with pytest.raises(ConfigError, match=told.replace("(", r"\(")) as caught:
        expectations(document, "aside.yaml")
    assert "aside.yaml" in str(caught.value)


def test_the_list_that_is_set_aside_reads_and_covers_what_people_ask() -> None:
    entries = expectations(yaml.safe_load(SET_ASIDE.read_text(encoding="utf-8")), SET_ASIDE.name)
    of = {name: sum(e.expectation == name for e in entries) for name in ("answer", "partial", "refuse")}
    assert len(entries) >= 70
    assert of["answer"] >= 60
    assert of["refuse"] >= 15
    assert of["partial"] >= 5
    assert len({e.instruction for e in entries}) == len(entries)
    assert len({e.scene for e in entries}) >= 6
    # an answer that can't fail tells nothing: something is asked of each
    assert all(e.norms or e.forbid or e.needs != Needs() for e in entries if e.expectation == "answer")


def test_bounds() -> None:
    assert (str(Bounds(2, 2)), str(Bounds(2, 3))) == ("2", "2 to 3")
    assert Bounds(2, 3).holds(3)
    assert not Bounds(2, 3).holds(3.1)
