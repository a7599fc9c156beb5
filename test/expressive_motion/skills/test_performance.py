"""A performance: calls and answers, ends of every kind, budgets, bans, and bounds that hold whatever is asked."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expressive_motion.errors import ProgramError
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.robot import Call, Description, Parameter, Value, describe
from expressive_motion.skills.actions import ACTIONS
from expressive_motion.skills.budget import Budget
from expressive_motion.skills.embodiment import LIGHT_OFF, TICK, View
from expressive_motion.skills.performance import Performance
from sac_son_nav.errors import ConfigError
from test.expressive_motion.stage import ROBOT, Stage, Written, changed, standing, walking, wall

ROOM = np.concatenate(
    [wall(-1.5, -1.5, 2.5, -1.5), wall(2.5, -1.5, 2.5, 1.5), wall(2.5, 1.5, -1.5, 1.5), wall(-1.5, 1.5, -1.5, -1.5)]
)


def performance_of(*calls: "tuple[str, dict[str, Value]]", **kwargs: Any) -> tuple[Performance, Written]:
    session = Written(ROBOT, calls)
    return Performance(session, ROBOT, **kwargs), session


def test_every_skill_of_the_catalogue_has_a_controller() -> None:
    assert set(ACTIONS) == set(ROBOT.skills)


def test_skills_that_take_no_time_share_a_step() -> None:
    performance, session = performance_of(
        ("light", {"colour": "red"}),
        ("tone", {"name": "chime"}),
        ("distance_to_person", {}),
        ("wait", {"seconds": 1.0}),
    )
    stage = Stage(people=[standing(2.0, 0.0)])
    out = stage.step(performance)
    assert out.light.colour == "red"
    assert [u.content for u in out.utterances] == ["chime"]
    assert session.answers == [None, None, 2.0]
    assert performance.call is not None
    assert performance.call.skill == "wait"


def test_a_question_is_not_asked_twice_of_one_moment() -> None:
    performance, session = performance_of(*[("person_speed", {})] * 5)
    stage = Stage()
    stage.step(performance)
    assert session.answers == [0.0]
    assert len(performance.log) == 1
    stage.step(performance)
    assert len(performance.log) == 2


def test_head_and_base_set_out_with_the_first_step() -> None:
    """What goes out holds until the next step, so the first holds a tick of motion already."""
    nods, _ = performance_of(("move_head", {"tilt_deg": -15.0}))
    out = Stage().step(nods)
    # minimum jerk: 10 s^3 - 15 s^4 + 6 s^5 of the way, s the share of its time
    way = math.radians(15.0)
    assert ROBOT.body.head is not None
    share = TICK / max(1.875 * way / ROBOT.body.head.calm_speed, math.sqrt(5.7735 * way / 6.0))
    assert out.head is not None
    assert -out.head[1] == pytest.approx(way * (10 * share**3 - 15 * share**4 + 6 * share**5), rel=1e-3)
    turns, _ = performance_of(("turn", {"angle_deg": 90.0}))
    assert Stage().step(turns).command.angular == pytest.approx(0.7 * ROBOT.profile.limits.angular_acceleration * TICK)


def test_a_skill_that_ends_at_once_takes_no_step() -> None:
    """Nobody is there to look at; a loop over it goes on at the next step all the same."""
    performance, session = performance_of(("look_at_person", {}), ("move_head", {"tilt_deg": -15.0}))
    Stage().step(performance)
    assert session.answers == [False]
    assert performance.call is not None
    assert performance.call.skill == "move_head"
    looping, session = performance_of(*[("look_at_person", {})] * 5)
    Stage().step(looping)
    assert session.answers == [False]


def test_speech_takes_its_time_and_never_overlaps() -> None:
    stage = Stage()
    performance = stage.perform(
        ("say", {"text": "one two three four five", "wait": False}),
        ("say", {"text": "six", "wait": True}),
        ("wait", {"seconds": 0.0}),
    )
    begun = [(k * TICK, u) for k, out in enumerate(stage.outputs) for u in out.utterances]
    (first_s, first), (second_s, second) = begun
    assert first.duration_s == pytest.approx(0.3 + 5 * 60 / 150)
    assert second_s - first_s == pytest.approx(first.duration_s, abs=0.06)
    assert performance.log[-1].ended_s == pytest.approx(second_s + second.duration_s, abs=0.11)


def test_at_the_end_light_head_and_base_are_given_back() -> None:
    stage = Stage()
    performance = stage.perform(
        ("light", {"colour": "blue"}), ("move_head", {"pan_deg": 60.0}), ("move", {"distance_m": 0.2}), settle=False
    )
    assert performance.state == "finished"
    assert not performance.settled
    assert stage.outputs[-2].light.colour == "blue"
    assert stage.outputs[-1].light == LIGHT_OFF
    while not performance.settled:
        out = stage.step(performance)
        assert out.command.as_array().tolist() == [0.0, 0.0]
        assert stage.time_s < 20.0
    assert np.abs(stage.outputs[-1].head).max() < 0.02
    assert np.abs(np.diff(stage.heads, axis=0)).max() <= 1.2 * TICK + 1e-9


def test_cancel_stops_the_base_in_the_next_outputs_and_drops_the_program() -> None:
    performance, session = performance_of(
        ("light", {"colour": "blue"}), ("move_head", {"pan_deg": -60.0}), ("move", {"distance_m": 2.0})
    )
    stage = Stage()
    while stage.pose[0] < 0.3:
        stage.step(performance)
    before = stage.outputs[-1]
    performance.cancel("somebody pressed the button")
    out = stage.step(performance)
    assert (performance.state, performance.reason) == ("cancelled", "somebody pressed the button")
    assert session.dropped
    assert out.command.as_array().tolist() == [0.0, 0.0]
    assert out.light == LIGHT_OFF
    assert before.head is not None
    assert out.head is not None
    assert np.abs(out.head - before.head).max() <= 1.2 * TICK
    for _ in range(100):
        stage.step(performance)
    assert performance.settled
    performance.cancel("again")
    assert performance.reason == "somebody pressed the button"


def test_what_is_forbidden_is_refused_at_run_time() -> None:
    cases = {"base": "move", "head": "move_head", "light": "light", "sound": "tone", "speech": "say"}
    arguments: dict[str, dict[str, Value]] = {
        "move": {"distance_m": 1.0},
        "move_head": {},
        "light": {"colour": "red"},
        "tone": {"name": "soft"},
        "say": {"text": "hello"},
    }
    for modality, skill in cases.items():
        stage = Stage()
        performance = stage.perform((skill, arguments[skill]), forbidden=frozenset({modality}))
        assert performance.state == "failed"
        assert performance.reason == f"{skill}: uses {modality}, which this instruction forbids"
        assert not np.any(stage.commands)
        assert not any(out.utterances for out in stage.outputs)
        assert all(out.light == LIGHT_OFF for out in stage.outputs)


class Lying:
    """A session whose calls were never checked."""

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call

    def next(self, answer: Value | None = None) -> Call | None:
        return self.call

    def drop(self) -> None:
        self.call = None


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e9, "far", True])
def test_calls_are_not_trusted(value: Any) -> None:
    performance = Performance(Lying(Call("move", {"distance_m": value, "speed": 1.0})), ROBOT)
    out = Stage().step(performance)
    assert performance.state == "failed"
    assert "distance_m" in performance.reason
    assert out.command.as_array().tolist() == [0.0, 0.0]


def test_an_error_of_the_program_ends_it_in_its_words() -> None:
    def program():  # type: ignore[no-untyped-def]
        yield ("wait", {"seconds": 0.2})
        raise ProgramError("line 3: division by zero")

    performance = Stage().perform(program=program())
    assert (performance.state, performance.reason) == ("failed", "line 3: division by zero")


@pytest.mark.parametrize(
    ("budget", "calls", "said"),
    [
        (Budget(calls=3), [("wait", {"seconds": 0.0})] * 4, "at most 3 calls"),
        (Budget(time_s=2.0), [("wait", {"seconds": 5.0})], "at most 2 s in all"),
        (Budget(waiting_s=1.0), [("move", {"distance_m": 0.3}), ("wait", {"seconds": 5.0})], "at most 1 s of waiting"),
        (
            Budget(path_m=0.5),
            [("move", {"distance_m": 0.3}), ("back_away", {"distance_m": 0.3})],
            "at most 0.5 m of way",
        ),
        (Budget(sentences=1), [("say", {"text": "a"})] * 2, "at most 1 sentences"),
        (Budget(speech_s=1.0), [("say", {"text": "a b c d"})], "at most 1 s of speech"),
        (Budget(tones=2), [("tone", {"name": "soft"})] * 3, "at most 2 sounds"),
        (Budget(), [("move", {"distance_m": 2.0})] * 2, "within 3 m of where it began"),
    ],
)
def test_budgets(budget: Budget, calls: Any, said: str) -> None:
    performance, session = performance_of(*calls, budget=budget)
    stage = Stage()
    while performance.state == "running":
        stage.step(performance)
    for _ in range(20):
        stage.step(performance)
    assert performance.state == "failed"
    assert said in performance.reason
    assert session.dropped
    assert stage.outputs[-1].utterances == ()
    assert np.hypot(*stage.pose[:2]) < 3.0 + 0.01


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="budget calls"):
        Budget(calls=0)


@pytest.mark.parametrize("alter", [{"stale": "scan is 2 s old"}, {"base_free": False}])
def test_a_base_that_is_not_free_waits_and_its_skills_end_without_success(alter: dict[str, Any]) -> None:
    stage = Stage(people=[standing(2.0, 0.0)], alter=lambda view, _: replace(view, **alter))
    performance = stage.perform(
        ("move", {"distance_m": 1.0}), ("face_person", {}), ("approach_person", {}), seconds=60.0
    )
    assert performance.state == "finished"
    assert not np.any(stage.commands)
    assert 14.9 < performance.log[0].ended_s < 15.2
    assert [p.value for p in performance.log] == [None, False, False]


def test_it_goes_on_when_the_base_is_free_again() -> None:
    stage = Stage(alter=lambda view, k: replace(view, base_free=not 20 < k < 60))
    stage.perform(("move", {"distance_m": 0.8}))
    assert stage.pose[0] == pytest.approx(0.8, abs=0.01)
    assert np.all(stage.commands[21:60] == 0.0)


def test_a_long_gap_makes_nothing_leap() -> None:
    stage = Stage(people=[standing(2.0, -1.5)], ticks=lambda k: 1.5 if k in (12, 40) else TICK)
    performance = stage.perform(
        ("move_head", {"pan_deg": 70.0}), ("look_at_person", {"hold_s": 1.0}), ("move", {"distance_m": 1.0})
    )
    assert performance.state == "finished"
    assert np.abs(np.diff(stage.heads, axis=0)).max() < 2.4 * 0.1 + 1e-9
    assert np.abs(np.diff(stage.commands[:, 0])).max() < 0.8 * 0.1 + 1e-9
    stage = Stage(ticks=lambda k: 1.5 if k == 30 else TICK)
    stage.perform(("move", {"distance_m": 1.0}))
    assert stage.pose[0] == pytest.approx(1.0, abs=0.01)
    after = np.diff(stage.commands[:, 0])
    assert after[31:].max() < 0.05, "it speeds up again from a stop"


def test_a_pose_that_leaps_ends_it() -> None:
    def leap(view: View, k: int) -> View:
        return replace(view, robot=replace(view.robot, pose=view.robot.pose + np.array([0.0, 3.0, 0.0]) * (k > 20)))

    stage = Stage(alter=leap)
    performance = stage.perform(("move", {"distance_m": 1.0}))
    assert performance.state == "failed"
    assert "leapt by 3.0 m" in performance.reason


def test_a_robot_that_does_not_know_where_it_is_gives_up() -> None:
    def lose(view: View, k: int) -> View:
        return view if k < 40 else replace(view, robot=replace(view.robot, pose=np.full(3, math.nan)))

    stage = Stage(alter=lose)
    performance = stage.perform(("light", {"colour": "red"}), ("move", {"distance_m": 2.0}), seconds=10.0)
    assert performance.state == "failed"
    assert "pose" in performance.reason
    assert np.all(stage.commands[40:] == 0.0)
    assert stage.outputs[-1].light == LIGHT_OFF
    assert performance.settled


def test_nothing_that_is_no_number_goes_out() -> None:
    def break_it(view: View, k: int) -> View:
        bad = [math.nan, math.inf, -math.inf][k % 3]
        if k % 4 == 1:
            view = replace(view, robot=replace(view.robot, pose=np.array([bad, 0.0, 0.0])))
        if k % 4 == 2:
            view = replace(view, obstacle_points=np.full((5, 2), bad), time_s=bad if k % 8 == 2 else view.time_s)
        return changed(view, positions=np.full_like(view.tracks.positions, bad)) if k % 4 == 3 else view

    stage = Stage(people=[standing(2.0, 1.0)], alter=break_it)
    performance = stage.perform(
        ("look_at_person", {}), ("move", {"distance_m": 0.4}), ("approach_person", {}), ("follow_person", {})
    )
    assert performance.state == "finished"
    assert np.isfinite(stage.commands).all()
    assert np.isfinite(stage.heads).all()


def a_value(parameter: Parameter) -> "st.SearchStrategy[Value]":
    if parameter.kind == "number":
        return st.floats(parameter.low, parameter.high)
    if parameter.kind == "flag":
        return st.booleans()
    return st.sampled_from(parameter.choices or ("hello", "a longer sentence of six words"))


def some_calls(description: Description) -> "st.SearchStrategy[list[tuple[str, dict[str, Value]]]]":
    one = st.sampled_from(sorted(description.skills)).flatmap(
        lambda name: st.tuples(
            st.just(name), st.fixed_dictionaries({p.name: a_value(p) for p in description.skills[name].parameters})
        )
    )
    return st.lists(one, min_size=1, max_size=5)


@pytest.mark.parametrize("robot", ["simulated", "turtlebot2", "turtlebot4"])
@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_whatever_is_asked_limits_walls_and_people_are_kept(robot: str, data: st.DataObject) -> None:
    description = describe(robot)
    limits = description.profile.limits
    corner = st.floats(-1.2, 2.2), st.floats(-1.2, 1.2)
    people = [standing(x, y) for x, y in data.draw(st.lists(st.tuples(*corner), max_size=3)) if math.hypot(x, y) > 0.9]
    jitter = data.draw(st.lists(st.sampled_from([0.02, 0.05, 0.08, 0.15]), min_size=3, max_size=3))
    stage = Stage(description, people=people, walls=ROOM, ticks=lambda k: jitter[k % 3])
    stage.perform(*data.draw(some_calls(description)), seconds=20.0)
    assert np.all(stage.commands[:, 0] <= limits.vx_max + 1e-9)
    assert np.all(stage.commands[:, 0] >= limits.vx_min - 1e-9)
    assert np.abs(stage.commands[:, 1]).max() <= limits.wz_max + 1e-9
    assert stage.nearest_wall() > description.profile.radius + 0.02
    if people:
        closest = min(0.6 + description.profile.radius, float(np.linalg.norm(stage.places[0], axis=-1).min()))
        assert stage.nearest_person().min() > closest - 0.06
    if description.body.head is not None:
        assert np.degrees(np.abs(stage.heads[:, 0])).max() <= 80.0 + 1e-6


def test_a_program_in_its_sandbox_from_the_first_call_to_the_last() -> None:
    code = """
light("green")
if find_person("nearest"):
    look_at_person(0.5)
    there = approach_person(1.2)
    if there and distance_to_person() < 1.4:
        for i in range(2):
            move_head(0.0, -15.0)
            move_head(0.0, 10.0)
        say(f"Hello, I count {i + 1} nods")
while person_is_here(4.0, 2.0):
    wait(0.5)
back_away(0.2)
"""
    with Sandbox() as sandbox:
        sandbox.check(code, ROBOT)
        stage = Stage(people=[standing(2.2, 0.8)])
        performance = Performance(sandbox.start(code, ROBOT), ROBOT)
        while not performance.settled:
            stage.step(performance)
            assert stage.time_s < 60.0
    assert (performance.state, performance.reason) == ("finished", "the behaviour is complete")
    skills = [p.call.skill for p in performance.log]
    assert skills[:4] == ["light", "find_person", "look_at_person", "approach_person"]
    assert skills.count("move_head") == 4
    assert skills[-1] == "back_away"
    assert [u.content for out in stage.outputs for u in out.utterances] == ["Hello, I count 2 nods"]
    assert stage.nearest_person()[-1] == pytest.approx(1.4, abs=0.08)
    assert performance.person == 7


def test_a_walker_passing_by_is_seen_to_the_end_by_a_program() -> None:
    def program():  # type: ignore[no-untyped-def]
        yield ("light", {"colour": "white", "pattern": "pulse"})
        while (yield ("person_is_here", {"within_m": 3.0})):
            yield ("look_at_person", {"hold_s": 0.3})

    stage = Stage(people=[walking(1.5, -2.0, 0.0, 0.8)])
    performance = stage.perform(program=program())
    assert performance.state == "finished"
    assert 5.0 < performance.log[-1].ended_s < 7.0  # they are 3 m away after 5.7 s
    assert all(p.value for p in performance.log[1:-1])
