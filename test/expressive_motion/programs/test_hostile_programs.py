"""Every hostile program, twice: through all checks, and straight into the session with the checks left out."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from expressive_motion.errors import ProgramError
from expressive_motion.programs.calls import check_calls
from expressive_motion.programs.grammar import check_grammar
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.robot import Call, Description, Value
from test.expressive_motion.hostile import ALL, SECRET, Hostile

TOLD = "the cat is in the cellar"
BEFORE_IT_RUNS = ("grammar", "calls", "types")


@pytest.fixture(scope="module")
def secret(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "secret"
    path.write_text(TOLD)
    return path


def judge(calls: list[Call], description: Description) -> None:
    """What came out of a session is within limits, said again here without the code under test."""
    assert len(calls) <= 200
    for call in calls:
        skill = description.skills[call.skill]
        assert list(call.arguments) == [p.name for p in skill.parameters]
        for parameter in skill.parameters:
            value = call.arguments[parameter.name]
            if parameter.kind == "number":
                assert type(value) is float
                assert math.isfinite(value)
                assert parameter.low <= value <= parameter.high
            elif parameter.kind == "flag":
                assert type(value) is bool
            elif parameter.kind == "choice":
                assert value in parameter.choices
            else:
                assert type(value) is str
                assert 0 < len(value) <= parameter.length
                assert value.isprintable()
                assert TOLD not in value


def collected(session, description: Description) -> tuple[list[Call], str]:
    """All calls, and the sentence by which the program was ended; empty where it ended by itself. Skills return what
    keeps a loop going."""
    calls: list[Call] = []
    answers: dict[str, Value | None] = {"nothing": None, "flag": True, "number": 2.0}
    answer: Value | None = None
    try:
        while (call := session.next(answer)) is not None:
            calls.append(call)
            answer = answers[description.skills[call.skill].returns]
    except ProgramError as error:
        return calls, str(error)
    return calls, ""


def test_the_table_is_large_and_distinct():
    assert len(ALL) >= 80
    assert len({h.name for h in ALL}) == len(ALL)
    assert len({h.code + repr(h.learned) + repr(h.forbidden) for h in ALL}) == len(ALL)
    assert {h.stopped for h in ALL} == {*BEFORE_IT_RUNS, "run", "budget", "rehearsal"}


@pytest.mark.parametrize("hostile", ALL, ids=lambda h: h.name)
def test_is_stopped_where_it_must_be(hostile: Hostile, sandbox, patient, description, secret):
    sandbox = sandbox if "too long" in hostile.says else patient
    code = hostile.code.replace(SECRET, str(secret))
    if hostile.stopped in BEFORE_IT_RUNS:
        with pytest.raises(ProgramError) as refused:
            sandbox.check(code, description, hostile.learned, hostile.forbidden)
        told = str(refused.value)
        if hostile.stopped != "grammar":
            tree = check_grammar(code)
        if hostile.stopped == "types":
            check_calls(tree, description, hostile.learned, hostile.forbidden)
    else:
        sandbox.check(code, description, hostile.learned, hostile.forbidden)
        calls, told = collected(sandbox.start(code, description, hostile.learned), description)
        judge(calls, description)
        assert bool(told) == (hostile.stopped != "rehearsal")
        assert (len(calls) == sandbox.limits.calls) == (hostile.stopped == "budget")
    assert hostile.says in told
    assert "Traceback" not in told
    assert len(told) < 4000
    assert secret.read_text() == TOLD


@pytest.mark.parametrize("hostile", [h for h in ALL if h.alone], ids=lambda h: h.name)
def test_the_session_holds_without_the_checks(hostile: Hostile, sandbox, patient, description, secret, capfd):
    sandbox = patient if "too much" in hostile.says else sandbox
    code = hostile.code.replace(SECRET, str(secret))
    session = sandbox.start(code, description, hostile.learned, unchecked=True)
    calls, told = collected(session, description)
    judge(calls, description)
    assert bool(told) == (hostile.alone == "refuses"), told or calls
    assert session.worker_pid is None
    assert collected(session, description) == ([], told)  # asked again, it says the same and does nothing
    assert secret.read_text() == TOLD
    assert capfd.readouterr() == ("", "")


def test_nothing_of_one_program_is_left_for_the_next(sandbox, description):
    collected(sandbox.start("secret = 3\ndef helper():\n    wait(1)\nhelper()", description), description)
    for left in ("wait(secret)", "helper()"):
        calls, told = collected(sandbox.start(left, description, unchecked=True), description)
        assert not calls
        assert told


def test_no_worker_survives(description):
    with Sandbox() as sandbox:
        session = sandbox.start("wait(1)\nwait(2)", description)
        session.next()
        pid = session.worker_pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
