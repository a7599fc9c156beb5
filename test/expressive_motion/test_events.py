"""What answers which event, and whether every answer that is shipped is fit on every robot."""

from __future__ import annotations

import pytest

from expressive_motion.errors import ProgramError
from expressive_motion.events import Reaction, Reactions, ReactionsConfig, Steps, filler, fitting, shipped_reactions
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.imagined import scene_named
from expressive_motion.rehearsals.rehearsal import rehearse
from expressive_motion.robot import describe
from sac_son_nav.config import build, read_parameters, resource
from sac_son_nav.errors import ConfigError
from sac_son_nav.states import EVENT_KINDS, SocialEvent

ROBOTS = ("simulated", "turtlebot4", "turtlebot3_waffle", "turtlebot2")


def event(kind: str, person: int | None = 3) -> SocialEvent:
    return SocialEvent(0.0, kind, person)


def test_the_highest_ranked_event_is_answered() -> None:
    chosen = Reactions(ReactionsConfig()).choose([event("passing"), event("bumped"), event("blocked")], 0.0, None)
    assert chosen is not None
    assert chosen.kind == "bumped"


def test_only_what_ranks_higher_interrupts() -> None:
    reactions = Reactions(ReactionsConfig())
    assert reactions.choose([event("blocked")], 0.0, busy=reactions.config.instructed) is None
    assert reactions.choose([event("blocked")], 0.1, busy=60) is None  # its own rank
    assert reactions.choose([event("blocked")], 0.2, busy=50) is not None
    assert reactions.choose([event("bumped")], 0.3, busy=reactions.config.instructed) is not None


def test_one_person_is_answered_once_within_the_pause_and_others_at_once() -> None:
    reactions = Reactions(ReactionsConfig())
    told = [(0.0, 3), (5.0, 3), (6.0, 4), (14.9, 3), (15.1, 3)]
    answered = [reactions.choose([event("blocked", person)], now, None) is not None for now, person in told]
    assert answered == [True, False, True, False, True]


def test_an_event_that_was_outranked_is_answered_when_it_is_told_again() -> None:
    reactions = Reactions(ReactionsConfig())
    reactions.choose([event("passing"), event("bumped")], 0.0, None)
    assert reactions.choose([event("passing")], 1.0, None) is not None


def test_an_event_that_comes_before_its_answer_is_ready_waits_for_it_a_little_and_once() -> None:
    """A robot that has just been started was silent to who stood before it."""
    reactions = Reactions(ReactionsConfig())
    reactions.hold(event("blocked"), 1.0)
    assert reactions.held("thank", 1.5, None) is None
    assert reactions.held("ask_to_pass", 2.0, None) == event("blocked")
    assert reactions.held("ask_to_pass", 2.0, None) is None
    reactions.hold(event("blocked"), 1.0)
    assert reactions.held("ask_to_pass", 6.5, None) is None  # by now whoever it was is gone


def test_who_blocks_is_not_forgotten_for_somebody_who_passes() -> None:
    """Both came before their answers were ready, and the later one took the place of the higher one."""
    reactions = Reactions(ReactionsConfig())
    reactions.hold(event("blocked"), 1.0)
    reactions.hold(event("passing", 4), 1.1)
    assert reactions.held("acknowledge", 2.0, None) is None
    assert reactions.held("ask_to_pass", 2.0, None) == event("blocked")
    reactions.hold(event("passing"), 3.0)
    reactions.hold(event("blocked"), 3.1)
    assert reactions.held("ask_to_pass", 4.0, None) == event("blocked")
    reactions.hold(event("bumped"), 5.0)
    reactions.hold(event("passing"), 20.0)  # by now the bump is long past
    assert reactions.held("acknowledge", 20.5, None) == event("passing")


def test_an_answer_that_becomes_ready_interrupts_only_what_ranks_lower() -> None:
    for busy, answered in ((90, False), (60, False), (50, True), (None, True)):
        reactions = Reactions(ReactionsConfig())
        reactions.hold(event("blocked"), 1.0)
        assert (reactions.held("ask_to_pass", 1.5, busy) is not None) == answered


def test_an_event_without_a_behaviour_is_not_answered() -> None:
    reactions = Reactions(ReactionsConfig(passing=Reaction()))
    assert reactions.choose([event("passing")], 0.0, None) is None


def test_the_shipped_file_says_the_defaults() -> None:
    shipped = read_parameters(resource("config", "expression.yaml"), "expression")["reactions"]
    assert build(ReactionsConfig, shipped, "reactions") == ReactionsConfig()
    assert set(shipped) == {*EVENT_KINDS, "instructed"}


def test_a_negative_pause_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"pause: expected seconds of zero or more, got -1.0"):
        Reaction(pause=-1.0)


@pytest.mark.parametrize("robot", ROBOTS)
def test_every_robot_can_answer_every_event_and_stays_where_it_is(robot: str, sandbox: Sandbox) -> None:
    description = describe(robot)
    for kind in EVENT_KINDS:
        name = ReactionsConfig().of(kind).behaviour
        code = fitting(shipped_reactions()[name], lambda code: sandbox.check(code, description))
        assert code is not None, (robot, name)
        rehearsal = rehearse(code, description, sandbox, scenes=[scene_named("standing")])
        assert rehearsal.verdict == "fit", (robot, name, rehearsal.findings)
        (run,) = rehearsal.runs
        assert (run.trace.poses == run.trace.poses[0]).all(), (robot, name)
        assert not run.trace.lights[-1].brightness, (robot, name)


def test_the_richest_program_that_fits_is_taken() -> None:
    def check(code: str) -> None:
        if "head" in code:
            raise ProgramError("no head")

    assert fitting(["move_head()", "light()", "tone()"], check) == "light()"
    assert fitting(["move_head()"], check) is None


def skills(steps: Steps) -> list[str]:
    return [call.skill for call in iter(steps.next, None)]


def test_a_filler_shows_light_and_looks_and_never_moves_the_base() -> None:
    for robot in ROBOTS:
        description = describe(robot)
        told = skills(filler(description))
        assert ("light" in told) == (description.body.light is not None)
        assert ("look_at_person" in told) == (description.body.head is not None)
        assert not any("moves_base" in description.skills[name].effects for name in told)


def test_a_filler_keeps_to_what_is_forbidden() -> None:
    assert skills(filler(describe("simulated"), frozenset({"light", "head"}))) == ["wait"] * 3
