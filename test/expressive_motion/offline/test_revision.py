"""What a person's feedback changes, and that nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from expressive_motion.errors import ModelError
from expressive_motion.language.language_model import Question
from expressive_motion.offline.composing import compose
from expressive_motion.offline.model import OfflineModel
from expressive_motion.offline.revision import revised
from expressive_motion.offline.script import (
    Do,
    Gesture,
    If,
    Plan,
    Repeat,
    WhileHere,
    calls,
    code,
    do,
    read_steps,
    steps,
)
from expressive_motion.programs.calls import check_calls, check_grammar
from expressive_motion.robot import describe

ROBOT = describe("simulated")
NOBODY: frozenset[str] = frozenset()


def plan(instruction: str) -> Plan:
    return compose(instruction, ROBOT).plan


def after(instruction: str, feedback: str) -> Plan:
    result, notes = revised(plan(instruction), feedback, ROBOT, NOBODY)
    assert notes == "", notes
    check_calls(check_grammar(code(result)), ROBOT)
    assert read_steps(steps(result)) == result
    return result


def values(given: Plan, skill: str, name: str) -> list[Any]:
    return [call.get(name) for call in calls(given) if call.skill == skill]


GREET = "Greet the person, then turn left."


@pytest.mark.parametrize(
    ("feedback", "skill", "name", "before", "expected"),
    [
        ("look at the person longer", "look_at_person", "hold_s", [1.0], [2.0]),
        ("The look is too long", "look_at_person", "hold_s", [1.0], [0.5]),
        ("more slowly", "turn", "speed", [None], [0.65]),
        ("the turn is too slow", "turn", "speed", [None], [1.5]),
        ("not so fast, please", "turn", "speed", [None], [0.65]),
        ("the other way round", "turn", "angle_deg", [90.0], [-90.0]),
        ("make the light red", "light", "colour", ["green"], ["red"]),
        ("remove the light", "light", "colour", ["green"], []),
        ("without speaking", "say", "text", ["Hello!"], []),
        ("dimmer", "light", "brightness", [None], [0.4]),
        ("say 'sorry' at the end", "say", "text", ["Hello!"], ["Hello!", "sorry"]),
        ("say 'sorry' at the start", "say", "text", ["Hello!"], ["sorry", "Hello!"]),
        ("turn right instead", "turn", "angle_deg", [90.0], [-90.0]),
    ],
)
def test_one_number_or_thing(feedback: str, skill: str, name: str, before: list[Any], expected: list[Any]) -> None:
    assert values(plan(GREET), skill, name) == before
    assert values(after(GREET, feedback), skill, name) == expected


def test_distance() -> None:
    come = 'Somebody says "Come here".'
    assert values(plan(come), "approach_person", "distance_m") == [1.3]
    assert values(after(come, "don't come so close"), "approach_person", "distance_m") == [1.7]
    assert values(after(come, "keep more distance"), "approach_person", "distance_m") == [1.7]
    assert values(after(come, "Don't come any closer"), "approach_person", "distance_m") == []  # forbids the base
    assert values(after(come, "come closer"), "approach_person", "distance_m") == [1.0]


def test_gestures_go_are_exchanged_and_grow() -> None:
    assert not [c for c in calls(after(GREET, "remove the nod")) if c.skill == "move_head"]
    assert len(values(after(GREET, "nod three times instead"), "move_head", "tilt_deg")) == 6
    bowed = after(GREET, "bow instead of the nod")
    assert [node.label for node in bowed if isinstance(node, Gesture)] == ["bow"]
    assert min(values(after(GREET, "bigger"), "move_head", "tilt_deg")) == pytest.approx(-25.2)
    added = after(GREET, "add a nod at the end")
    assert len(values(added, "move_head", "tilt_deg")) == 8
    faster = after(GREET, "nod faster")
    assert values(faster, "turn", "speed") == [None]
    assert set(values(faster, "move_head", "speed")) == {1.5}


def test_more_often_keeps_earlier_changes_of_the_same_gesture() -> None:
    slow = after(GREET, "nod more slowly")
    often, _ = revised(slow, "nod three times instead", ROBOT, NOBODY)
    assert values(often, "move_head", "tilt_deg") == [-18.0, 6.0] * 3
    assert set(values(often, "move_head", "speed")) == {0.65}
    waffle = describe("turtlebot3_waffle")
    rocked, _ = revised(compose("Nod.", waffle).plan, "nod once", waffle, NOBODY)
    assert values(rocked, "rock", "times") == [1.0]


def test_a_blue_light_is_added_and_given_back_once() -> None:
    lit = after("Nod.", "add a blue light")
    assert (calls(lit)[0].skill, calls(lit)[-1].skill) == ("light", "light_off")
    twice = [c.skill for c in calls(after(GREET, "add a blue light"))]
    assert twice[:3] == ["light", "wait", "light"]
    assert twice.count("light_off") == 1


def test_a_ban_in_feedback_takes_away_all_it_is_about() -> None:
    model = OfflineModel(ROBOT)
    shown = steps(plan("Come here, nod, and say 'hello'."))
    fields = {"instruction": GREET, "human_motion": "", "forbidden": ("base",), "previous_steps": shown}
    now = model.ask(Question("robot_motion", fields | {"change": "stay where you are"})).content
    assert "did not" not in now["reasoning"]
    skills = {call.skill for call in calls(read_steps(now["steps"]) or ())}
    assert "approach_person" not in skills
    assert {"move_head", "say"} <= skills


def test_a_repair_does_not_change_twice() -> None:
    model = OfflineModel(ROBOT)
    fields: dict[str, Any] = {"instruction": GREET, "human_motion": "", "forbidden": ()}
    shown = tuple(model.ask(Question("robot_motion", fields)).content["steps"])
    change = {"previous_steps": shown, "change": "more slowly"}
    shown = tuple(model.ask(Question("robot_motion", fields | change)).content["steps"])
    once = model.ask(Question("program", fields | {"steps": shown, "change": "more slowly"})).content["code"]
    again = {"steps": shown, "change": "more slowly", "previous_code": once, "complaint": "in rehearsal: too long"}
    assert model.ask(Question("program", fields | again)).content["code"] == once


def test_several_changes_add_up_and_bans_hold() -> None:
    once = after(GREET, "slower, and look at them longer")
    twice, notes = revised(once, "without the light", ROBOT, NOBODY)
    assert notes == ""
    assert values(twice, "turn", "speed") == [0.65]
    assert values(twice, "look_at_person", "hold_s") == [2.0]
    assert not values(twice, "light", "colour")
    refused, notes = revised(once, "say 'hello there'", ROBOT, frozenset({"speech"}))
    assert "may not speak" in notes
    assert "hello there" not in values(refused, "say", "text")


def test_what_is_not_understood_changes_nothing_and_is_told() -> None:
    for feedback in ("blorp", "hit them", "remove the tone"):
        result, notes = revised(plan(GREET), feedback, ROBOT, NOBODY)
        assert result == plan(GREET)
        assert feedback in notes
    half, notes = revised(plan(GREET), "more slowly, and blorp", ROBOT, NOBODY)
    assert values(half, "turn", "speed") == [0.65]
    assert "blorp" in notes
    assert "slowly" not in notes
    model = OfflineModel(ROBOT)
    for feedback, why in (
        ("blorp", "did not understand"),
        ("hit them", "against people"),
        ("remove the tone", "tone"),
    ):
        fields = {"instruction": GREET, "steps": steps(plan(GREET)), "code": "", "feedback": feedback}
        with pytest.raises(ModelError, match=f"changes nothing.*{why}"):
            model.ask(Question("feedback", fields))


def test_rounds_through_the_model_keep_earlier_changes() -> None:
    model = OfflineModel(ROBOT)
    fields: dict[str, Any] = {"instruction": GREET, "human_motion": "", "forbidden": ()}
    shown = tuple(model.ask(Question("robot_motion", fields)).content["steps"])
    for feedback in ("more slowly", "say 'bye' at the end"):
        written = model.ask(Question("program", fields | {"steps": shown})).content["code"]
        reading = model.ask(Question("feedback", {"instruction": GREET, "steps": shown, "code": written,
                                                  "feedback": feedback})).content  # fmt: skip
        assert reading["target"] == "robot_motion"
        revision = {"previous_steps": shown, "change": reading["change"]}
        shown = tuple(model.ask(Question("robot_motion", fields | revision)).content["steps"])
        program = {"steps": shown, "previous_code": written, "change": reading["change"]}
        now = model.ask(Question("program", fields | program)).content["code"]
        assert now == code(read_steps(shown) or ())
    assert "turn(angle_deg=90, speed=0.65)" in now
    assert "say(text='bye')" in now


def test_a_change_that_enters_at_the_program_is_made_there() -> None:
    model = OfflineModel(ROBOT)
    fields: dict[str, Any] = {"instruction": GREET, "human_motion": "", "forbidden": ()}
    shown = tuple(model.ask(Question("robot_motion", fields)).content["steps"])
    written = model.ask(Question("program", fields | {"steps": shown})).content["code"]
    now = model.ask(Question("program", fields | {"steps": shown, "previous_code": written, "change": "slower"}))
    assert "turn(angle_deg=90, speed=0.65)" in now.content["code"]


def test_steps_of_somebody_else_are_not_taken_for_ours() -> None:
    nod = (do("move_head", pan_deg=0, tilt_deg=-18.5), do("look_ahead"))
    told = do("say", text='a "b": c', wait=False)
    whole: Plan = (
        Gesture("nod", nod),
        Repeat(3, (Gesture("nod", nod), do("wait", seconds=0.5))),
        WhileHere((do("look_at_person", hold_s=2), If("far", 2.5, (told,), nod)), 3.5, 9),
        If("near", 90.0, (Do("light", (("colour", "red"), ("pattern", "blink"), ("period_s", 0.8))),)),
    )
    assert read_steps(steps(whole)) == whole
    for strange in (("Nod.",), (*steps(whole), "Then smile."), ("Nod:",), ("– Wait 1 s.",), ()):
        assert read_steps(strange) is None
