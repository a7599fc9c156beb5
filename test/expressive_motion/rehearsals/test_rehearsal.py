"""Rehearsals of real programs, in the sandbox and with the performance a robot runs."""

from __future__ import annotations

import os
import signal
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from expressive_motion.errors import ProgramError
from expressive_motion.evaluation.norms import NORMS
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.programs.session import Session
from expressive_motion.rehearsals import rehearsal as rehearsal_module
from expressive_motion.rehearsals.checks import RehearsalLimits
from expressive_motion.rehearsals.imagined import SCENES, Scene, ScriptedPerson, scene_named
from expressive_motion.rehearsals.rehearsal import Rehearsal, rehearse
from expressive_motion.rehearsals.trace import Trace
from expressive_motion.robot import Description, describe
from test.expressive_motion.hostile import ALL, Hostile

NOD = """
light('blue')
for i in range(2):
    move_head(tilt_deg=-18)
    move_head(tilt_deg=6)
look_ahead()
light_off()
"""
LEFT_ON = "light left on"  # harmless: the host gives the light back; it is a remark


def in_scenes(code: str, description: Description, sandbox: Sandbox, *names: str, **how) -> Rehearsal:
    return rehearse(code, description, sandbox, scenes=[scene_named(name) for name in names], **how)


def same(a: Trace, b: Trace) -> bool:
    def equal(x, y) -> bool:
        return np.array_equal(x, y, equal_nan=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x == y

    return all(equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Trace))


def test_a_nod_is_fit_everywhere_and_says_yes(description, sandbox):
    rehearsed = rehearse(NOD, description, sandbox)
    assert rehearsed.verdict == "fit"
    assert [run.scene.name for run in rehearsed.runs] == [scene.name for scene in SCENES]
    trace = rehearsed.run("standing").trace
    assert NORMS["says_yes"](trace, description) == ""
    assert NORMS["says_no"](trace, description)
    assert rehearsed.summary().splitlines()[0].startswith("standing: ")
    assert "0.00 m, nearest 1.60 m" in rehearsed.summary()
    assert rehearsed.summary().splitlines()[0].endswith("blue light; fit")
    assert rehearsed.findings == ()


def test_who_drives_at_a_person_is_unfit_for_that(description, sandbox):
    rehearsed = in_scenes("face_person()\nmove(2.0)", description, sandbox, "standing")
    assert rehearsed.verdict == "unfit"
    assert any("standing: drives at a person: move(distance_m=2.0" in text for text in rehearsed.stops)
    assert rehearsed.runs[0].trace.nearest.min() > 0.7  # and yet it did not get there
    assert not rehearsed.runs[0].trace.touches


def test_the_same_way_is_fit_where_nobody_stands(description, sandbox):
    rehearsed = in_scenes("move(2.0)", description, sandbox, "alone")
    assert rehearsed.verdict == "fit"
    assert rehearsed.runs[0].trace.offsets[-1] == pytest.approx(2.0, abs=0.02)


def test_a_light_left_on_is_given_back_and_remarked(description, sandbox):
    rehearsed = in_scenes("light('red')\nwait(1)", description, sandbox, "standing")
    assert rehearsed.verdict == "fit"
    assert rehearsed.runs[0].trace.lights[-1].brightness == 0.0
    assert any("leaves the light on" in text for text in rehearsed.findings)


def test_ten_minutes_of_waiting_are_unfit(description, sandbox):
    rehearsed = in_scenes("for i in range(60):\n    wait(10)", description, sandbox, "alone")
    assert rehearsed.verdict == "unfit"
    assert rehearsed.runs[0].trace.duration_s < 70.0


def test_a_loop_ends_when_the_person_leaves(description, sandbox):
    code = "while person_is_here(within_m=3.0, at_most_s=40):\n    look_at_person(hold_s=0.5)"
    rehearsed = in_scenes(code, description, sandbox, "leaving", "alone")
    assert rehearsed.verdict == "fit"
    # they stand for 4 s and have walked from 1.6 m to 3 m 2 s later
    assert rehearsed.run("leaving").trace.duration_s == pytest.approx(6.0, abs=1.5)
    assert rehearsed.run("alone").trace.duration_s < 0.5


def test_scenes_are_told_apart(description, sandbox):
    code = "if person_is_here():\n    light('green')\n    wait(1)\nelse:\n    light('red')\n    wait(1)"
    rehearsed = in_scenes(code, description, sandbox, "standing", "alone")
    colours = [{light.colour for light in run.trace.lights if light.brightness} for run in rehearsed.runs]
    assert colours == [{"green"}, {"red"}]


def test_the_base_is_left_to_whoever_has_it(description, sandbox):
    trace = in_scenes("turn(90)", description, sandbox, "busy").runs[0].trace
    assert not trace.velocities[trace.times < 3.0].any()
    assert trace.yaw[-1] == pytest.approx(np.pi / 2.0, abs=0.03)  # and goes on when it is free


def test_the_wall_behind_is_not_driven_into(description, sandbox):
    for robot in ("simulated", "turtlebot2"):
        trace = in_scenes("back_away(0.5)", describe(robot), sandbox, "blocked_behind").runs[0].trace
        assert trace.poses[:, 0].min() > -0.25
        assert not trace.touches


def test_coming_near_keeps_its_distance(description, sandbox):
    rehearsed = in_scenes("approach_person(1.2)", description, sandbox, "distant")
    trace = rehearsed.runs[0].trace
    assert rehearsed.verdict == "fit"
    assert trace.nearest[-1] == pytest.approx(1.2, abs=0.1)
    assert NORMS["comes_near"](trace, description) == NORMS["keeps_distance"](trace, description) == ""


@pytest.mark.parametrize("seed", [0, 7])
def test_same_seed_same_traces(seed, description, sandbox):
    code = "look_at_person()\napproach_person(1.0)\nrock()"
    names = ("standing", "stepping_in")
    once, again = (in_scenes(code, description, sandbox, *names, seed=seed) for _ in range(2))
    assert all(same(a.trace, b.trace) for a, b in zip(once.runs, again.runs, strict=True))


def test_another_seed_is_another_trace(description, sandbox):
    once, again = (in_scenes("approach_person(1.0)", description, sandbox, "standing", seed=s) for s in (1, 2))
    assert not same(once.runs[0].trace, again.runs[0].trace)


@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene.name != "standing"], ids=lambda s: s.name)
def test_what_is_the_same_everywhere_is_what_a_run_of_its_own_shows(scene, description, sandbox):
    code = "light('blue', pattern='blink')\nmove_head(pan_deg=30)\ntone('soft')\nsay('Hello.')\nwait(0.5)"
    taken = rehearse(code, description, sandbox, scenes=[SCENES[0], scene]).runs[1].trace
    own = rehearse(code, description, sandbox, scenes=[scene]).runs[0].trace
    for name in ("times", "poses", "velocities", "heads", "wanted", "given", "people", "seen"):
        assert np.array_equal(getattr(taken, name), getattr(own, name), equal_nan=name == "people"), name
    assert (taken.lights, taken.said, taken.performed) == (own.lights, own.said, own.performed)
    assert np.array_equal(taken.subject, own.subject)


def test_looking_for_few_returns_changes_no_verdict_of_the_shield(description, sandbox, monkeypatch):
    """What the shield is spared must make no difference: with all returns it decides the same, to the last bit."""
    close = ScriptedPerson(((0.0, 2.0, 0.3), (2.0, 0.8, 0.1), (4.0, 0.7, 0.0)))
    scene = Scene("close", "somebody comes close to a wall", (close,), ((-0.5, 0.6, 2.0, 0.6),))
    code = "move(0.6)\nturn(40)\nmove(0.5, speed=2.0)\nwait(0.5)"
    sparing = rehearse(code, description, sandbox, scenes=[scene]).runs[0].trace
    monkeypatch.setattr(rehearsal_module, "_SPARE", 100.0)
    everything = rehearse(code, description, sandbox, scenes=[scene]).runs[0].trace
    assert np.array_equal(sparing.given, everything.given)
    assert np.array_equal(sparing.poses, everything.poses)
    assert sparing.offsets.max() > 0.2


def test_a_program_for_another_robot_is_refused_before_it_runs(sandbox):
    with pytest.raises(ProgramError, match="move_head"):
        rehearse(NOD, describe("turtlebot3_waffle"), sandbox)


def test_what_breaks_while_it_runs_is_a_finding(description, sandbox):
    rehearsed = in_scenes("x = 0\nlight('red')\nwait(1 / x)", description, sandbox, "standing", "alone")
    assert rehearsed.findings[0] == "standing, alone: failed: line 3: division by zero"


def test_forbidden_means_are_not_used(description, sandbox):
    rehearsed = in_scenes("light('red')\nwait(1)", description, sandbox, "alone", forbidden=frozenset({"light"}))
    assert rehearsed.verdict == "unfit"
    assert not rehearsed.runs[0].trace.lit.any()


def test_learned_behaviours_are_rehearsed_too(description, sandbox):
    rehearsed = in_scenes("nod()\nnod()", description, sandbox, "standing", learned={"nod": NOD})
    assert NORMS["says_yes"](rehearsed.runs[0].trace, description) == ""


def test_no_session_is_left_open(description):
    with Sandbox() as sandbox:
        for _ in range(sandbox.limits.open_programs + 2):
            in_scenes("wait(10)", description, sandbox, "alone", limits=RehearsalLimits(duration_s=0.5))


@pytest.mark.parametrize("hostile", [h for h in ALL if h.stopped == "rehearsal"], ids=lambda h: h.name)
def test_hostile_programs_are_unfit(hostile: Hostile, description, sandbox):
    rehearsed = in_scenes(hostile.code, description, sandbox, "standing", "leaving", "alone", learned=hostile.learned)
    assert (rehearsed.verdict == "unfit") == (hostile.name != LEFT_ON), rehearsed.summary()
    assert bool(rehearsed.stops) == (hostile.name != LEFT_ON)
    assert rehearsed.findings


class Losing(Sandbox):
    """A sandbox whose first workers die when their program has made its first call."""

    lose, started = 1, 0

    def start(self, *arguments: Any, **keywords: Any) -> Session:
        session = super().start(*arguments, **keywords)
        self.started += 1
        if self.started <= self.lose:
            following = session.next

            def dying(answer: Any = None) -> Any:
                call, pid = following(answer), session.worker_pid
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
                return call

            session.next = dying  # type: ignore[method-assign]
        return session


@pytest.mark.parametrize(("lose", "verdict", "started"), [(1, "fit", 2), (2, "fit", 3), (9, "unfit", 3)])
def test_a_process_that_is_lost_is_not_held_against_the_program_at_once(lose: int, verdict: str, started: int) -> None:
    with Losing() as sandbox:
        sandbox.lose = lose
        rehearsal = rehearse("wait(0.2)\nwait(0.2)\n", describe("simulated"), sandbox, scenes=SCENES[:1])
        assert (rehearsal.verdict, sandbox.started) == (verdict, started)
