from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from expressive_motion.errors import ExpressionError, ProgramError
from expressive_motion.programs.sandbox import Limits, Sandbox
from expressive_motion.programs.session import Session
from expressive_motion.robot import Value
from sac_son_nav.errors import ConfigError

ENDLESS = "wait(1)\ntry:\n    while True:\n        pass\nexcept BaseException:\n    move(1)\nmove(2)"


def calls_of(session: Session, *answers: Value | None) -> list[str]:
    """All calls of a program as text; the skills answer these values, in turn."""
    found = []
    given = iter(answers)
    call = session.next()
    while call is not None:
        found.append(str(call))
        call = session.next(next(given, None))
    return found


def gone(pid: int, within_s: float) -> bool:
    """Whether a process ends in time; a zombie nobody has waited for has ended, too."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_calls_come_in_order_and_complete(sandbox, description):
    code = 'for i in range(2):\n    wait(i)\nlight("red", brightness=0.5)\nturn(angle_deg=10)'
    sandbox.check(code, description)
    assert calls_of(sandbox.start(code, description)) == [
        "wait(seconds=0.0)",
        "wait(seconds=1.0)",
        "light(colour='red', pattern='steady', period_s=1.0, brightness=0.5)",
        "turn(angle_deg=10.0, speed=1.0)",
    ]


@pytest.mark.parametrize(("there", "then"), [(True, "turn(angle_deg=30.0, speed=1.0)"), (False, "wait(seconds=2.0)")])
def test_answers_reach_the_program(sandbox, description, there, then):
    code = "if find_person():\n    turn(10 * distance_to_person())\nelse:\n    wait(2)"
    sandbox.check(code, description)
    assert calls_of(sandbox.start(code, description), there, 3.0)[-1] == then


def test_learned_behaviours_run_with_what_is_theirs(sandbox, description):
    """Their names for variables and helpers are their own, and the author's lines stay the author's."""
    learned = {"nod": "x = 0.05\ndef down():\n    rock(x)\ndown()", "greet": 'nod()\nsay("hi")'}
    code = "def down():\n    wait(3)\n\nx = 1\ngreet()\ndown()\nwait(x)\nwait(x * 11)"
    sandbox.check(code, description, learned)
    session = sandbox.start(code, description, learned)
    assert [call.skill for call in (session.next() for _ in range(4)) if call] == ["rock", "say", "wait", "wait"]
    with pytest.raises(ProgramError, match=r"^line 8: wait\(seconds\): expected 0 to 10 \[s\], got 11$"):
        session.next()


def test_complaints_about_types_have_the_authors_lines(sandbox, description):
    learned = {"nod": "\n".join(["rock()"] * 9)}
    with pytest.raises(ProgramError) as refused:
        sandbox.check(
            'nod()\nx = "a" + 1\ndef f(a: float) -> None:\n    wait(a)\nf("b")\nmove(9)', description, learned
        )
    assert str(refused.value).split("\n") == [
        'line 2: + doesn\'t work between "a" and 1',
        'line 5: f: expected a number, got "b"',
        "line 6: move(distance_m): expected -0.3 to 2 [m], got 9",
    ]


def test_a_mistake_is_told_once(sandbox, description):
    for code in ("move()", "move(1, far=2)", "move(1, 1, 1)", 'move("far")', "nod_twice_please()"):
        with pytest.raises(ProgramError) as refused:
            sandbox.check(code, description)
        assert len(str(refused.value).split("\n")) == 1


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ('for colour in ["red", "green"]:\n    light(colour)', 2),
        (
            'def show(colour: str, times=2):\n    for _ in range(times):\n        light(colour)\nshow("red")',
            2,
        ),
        ('for side, sign in zip(["left", "right"], [1, -1]):\n    turn(sign * 20)\n    find_person(side)', 4),
        ('side = "left" if person_speed() > 0.3 else "right"\napproach_person(1.2, side)', 2),
        ("for pan, tilt in [(20, 0), (-20, -5)]:\n    move_head(pan, tilt)", 2),
        ("gap = distance_to_person()\nif gap < 90:\n    move(min(2.0, max(0.1, gap - 1.2)))", 2),
        ("angles = []\nfor i in range(3):\n    angles = angles + [i * 10.0]\nfor a in angles:\n    turn(a)", 3),
        ('say("It is " + str(round(distance_to_person(), 1)) + " metres")', 2),
    ],
)
def test_ways_of_writing_that_come_natural_pass(sandbox, description, code, calls):
    sandbox.check(code, description)
    assert len(calls_of(sandbox.start(code, description), 2.0)) == calls


def test_a_choice_that_only_the_run_can_tell_is_held_to_the_list_then(sandbox, description):
    code = 'def show(colour: str) -> None:\n    light(colour)\nshow("beige")'
    sandbox.check(code, description)
    with pytest.raises(ProgramError, match=r"^line 2: light\(colour\): expected one of white, red, .*, got 'beige'$"):
        calls_of(sandbox.start(code, description))


def test_a_check_runs_nothing(sandbox, description):
    """A program that would never come to its first call is checked like any other."""
    sandbox.check("x = 1\nwhile x < 2:\n    x = x * 1\nwait(1)", description)


def test_a_program_that_ran_out_of_time_may_be_tried_again(sandbox, description):
    """Its time passes on a busy machine, too, when it has not had its turn."""
    for code, late in (("wait(1)\nx = 1\nwhile x:\n    x = 1", True), ("wait(1)\nwait(1 / 0)", False)):
        session = sandbox.start(code, description)
        with pytest.raises(ProgramError):
            calls_of(session)
        assert session.lost == late


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("wait(1)\n\nx = [1][len([1, 2, 3])]", "line 3: list index out of range (IndexError)"),
        ("def f(a):\n    return 1 / a\nwait(1)\nwait(f(0))", "line 2: division by zero"),
        ("wait(1)\nx = 1\nwhile x:\n    x = 1", "after line 1: computes too long without calling a skill"),
        ("x = [1]\nfor i in range(60):\n    x = x + x\nwait(1)", "line 3: needs too much memory"),
        ("if person_is_here():\n    x = 1\nwait(x)", "line 3: the name 'x' has no value"),
        # letters of two bytes before it, and lines behind it for a count of letters to end up in
        ('x = 11\nsay("äöüäöüäöüäöüäöüäöü")\nwait(x)\n\n\n\n\n\n', "line 3: wait(seconds): expected 0 to 10"),
    ],
)
def test_what_fails_while_it_runs_is_told_with_its_line(sandbox, patient, description, code, said):
    sandbox = sandbox if "too long" in said else patient
    sandbox.check(code, description)
    with pytest.raises(ProgramError) as failed:
        calls_of(sandbox.start(code, description))
    assert str(failed.value).startswith(said)


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ('wait(1)\nopen("/etc/hostname")', "open"),
        ("wait(1)\nimport socket", "import"),
        ("import os\nos.environ", "os.environ"),
        ('import pathlib\npathlib.Path("/").exists()', "Path.exists"),
    ],
)
def test_whatever_reaches_outside_ends_the_program(sandbox, description, code, asked):
    with pytest.raises(ProgramError, match=rf"^line 2: {asked} reaches outside the program, which is refused$"):
        calls_of(sandbox.start(code, description, unchecked=True))


def test_lines_of_another_system_are_counted_the_same(sandbox, description):
    with pytest.raises(ProgramError, match=r"^line 3: "):
        sandbox.check("wait(1)\r\nwait(2)\r\nmove(9)\r\n", description)
    with pytest.raises(ProgramError, match=r"^line 3: "):
        calls_of(sandbox.start("x = 9\r\nwait(1)\rmove(x)", description))


def test_the_budget_of_calls_is_exact(sandbox, description):
    most = sandbox.limits.calls
    assert len(calls_of(sandbox.start(f"for i in range({most}):\n    wait(0)", description))) == most
    session = sandbox.start(f"for i in range({most + 1}):\n    wait(0)", description)
    for _ in range(most):
        session.next()
    with pytest.raises(ProgramError, match=f"line 2: expected at most {most} calls in all, got one more"):
        session.next()


def test_starting_refuses_what_was_never_checked(sandbox, description):
    with pytest.raises(ProgramError, match="line 1: nothing can be imported"):
        sandbox.start("import os", description)
    with pytest.raises(ProgramError, match="line 1: no skill or function is called 'eval'"):
        sandbox.start("eval('1')", description)


def test_clock_and_chance_stand_still(sandbox, description):
    """Should a program ever get at them: each run is as the one before, and nothing but the skill waits."""
    code = (
        "import random, datetime, time\ntime.sleep(1000)\nwait(random.random())\nwait(random.random())\n"
        "say(str(datetime.datetime.now()))\nwait(time.perf_counter() - time.perf_counter())"
    )
    runs = [calls_of(sandbox.start(code, description, unchecked=True)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0][2:] == ["say(text='2000-01-01 00:00:00', wait=True)", "wait(seconds=0.0)"]
    assert runs[0][0] != runs[0][1]


def test_a_dropped_program_calls_nothing_more(sandbox, description):
    session = sandbox.start("wait(1)\nwait(2)", description)
    session.next()
    session.drop()
    session.drop()
    assert session.worker_pid is None
    for _ in range(2):
        with pytest.raises(ProgramError, match="was dropped"):
            session.next()


def test_dropping_from_another_thread_ends_a_program_that_computes(description):
    """With a time limit so long that only the drop can have ended it, and a program that catches all it is sent."""
    with Sandbox(limits=Limits(turn_s=60.0, grace_s=60.0, reply_s=60.0)) as sandbox:
        session = sandbox.start(ENDLESS, description, unchecked=True)
        assert str(session.next()) == "wait(seconds=1.0)"
        pid = session.worker_pid
        assert pid is not None
        outcome: list[object] = []

        def go_on() -> None:
            try:
                outcome.append(session.next())
            except ProgramError as error:
                outcome.append(str(error))

        thread = threading.Thread(target=go_on)
        thread.start()
        while session.worker_pid is not None:  # until it computes
            time.sleep(0.001)
        with pytest.raises(ProgramError, match="one step at a time"):
            session.next()
        session.drop()
        thread.join(10.0)
        assert outcome == ["the program: was dropped"]
        assert gone(pid, 10.0)
        assert calls_of(sandbox.start("wait(1)", description)) == ["wait(seconds=1.0)"]


def test_dropping_doesnt_wait_for_a_worker_that_hangs(description):
    """Neither does it leave it behind. Stopped as it is, it would answer only after the minute it is allowed."""
    with Sandbox(limits=Limits(reply_s=60.0)) as sandbox:
        session = sandbox.start("wait(1)\nwait(2)", description)
        session.next()
        pid = session.worker_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        session.drop()
        assert time.monotonic() - began < 20.0
        assert gone(pid, 10.0)


def test_a_worker_is_used_again_only_if_its_program_came_to_its_end(description):
    with Sandbox() as sandbox:

        def worker_of(code: str) -> int | None:
            session = sandbox.start(code, description)
            session.next()
            pid = session.worker_pid
            with contextlib.suppress(ProgramError):
                session.next()
            return pid

        first = worker_of("wait(1)")
        failed = worker_of("wait(1)\nx = [1][1]")
        last = worker_of("wait(1)")
        assert first == failed != last
        assert failed is not None
        assert gone(failed, 10.0)


def test_a_killed_worker_is_one_clear_error_and_the_pool_heals(sandbox, description):
    session = sandbox.start("wait(1)\nwait(2)", description)
    session.next()
    pid = session.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert gone(pid, 10.0)
    for _ in range(2):
        with pytest.raises(ProgramError, match=r"^the program: its process ended unexpectedly$"):
            session.next()
    assert calls_of(sandbox.start("wait(1)\nwait(2)", description)) == ["wait(seconds=1.0)", "wait(seconds=2.0)"]


def test_programs_run_beside_each_other_and_dont_meet(description):
    with Sandbox(workers=1) as sandbox:
        sessions = [sandbox.start(f"x = {i}\nwait(x)\nwait(x + 1)", description) for i in range(4)]
        first = [str(s.next()) for s in sessions]
        second = [str(s.next()) for s in sessions]
        assert first == [f"wait(seconds={i}.0)" for i in range(4)]
        assert second == [f"wait(seconds={i + 1}.0)" for i in range(4)]
        assert len({s.worker_pid for s in sessions}) == 4


def test_a_full_sandbox_says_so_and_a_forgotten_program_makes_room(description):
    with Sandbox(limits=Limits(open_programs=1, free_s=0.05)) as sandbox:
        session = sandbox.start("wait(1)", description)
        session.next()
        with pytest.raises(ExpressionError, match="all 1 programs it can hold are still under way; drop one"):
            sandbox.start("wait(1)", description)
        with pytest.raises(ExpressionError, match="drop one"):
            sandbox.check("wait(1)", description)
        del session
        gc.collect()
        assert calls_of(sandbox.start("wait(2)", description)) == ["wait(seconds=2.0)"]


def test_closing_ends_every_program_and_every_worker(description):
    sandbox = Sandbox(workers=2)
    sessions = [sandbox.start("wait(1)\nwait(2)", description) for _ in range(3)]
    pids = [s.worker_pid for s in sessions if s.next()]
    sandbox.close()
    sandbox.close()
    assert all(pid is not None and gone(pid, 10.0) for pid in pids)
    for session in sessions:
        with pytest.raises(ProgramError, match="was dropped"):
            session.next()
    with pytest.raises(ExpressionError, match="the sandbox is closed"):
        sandbox.start("wait(1)", description)
    with pytest.raises(ExpressionError, match="the sandbox is closed"):
        sandbox.check("wait(1)", description)


def test_closing_ends_a_program_that_computes(description):
    sandbox = Sandbox(limits=Limits(turn_s=60.0, grace_s=60.0, reply_s=60.0))
    session = sandbox.start(ENDLESS, description, unchecked=True)
    session.next()
    pid = session.worker_pid
    assert pid is not None
    outcome: list[str] = []

    def go_on() -> None:
        with pytest.raises(ProgramError) as ended:
            session.next()
        outcome.append(str(ended.value))

    thread = threading.Thread(target=go_on)
    thread.start()
    while session.worker_pid is not None:
        time.sleep(0.001)
    sandbox.close()
    thread.join(10.0)
    assert outcome == ["the program: was dropped"]
    assert gone(pid, 10.0)


def test_no_worker_outlives_a_killed_parent():
    """One worker waits for an answer, the other computes; nobody is left to tell them to stop."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(pids) == 2
    assert all(gone(pid, 20.0) for pid in pids)


PARENT = """
from expressive_motion.robot import describe
from expressive_motion.programs.sandbox import Limits, Sandbox
sandbox = Sandbox(limits=Limits(turn_s=0.5))
first = sandbox.start("wait(1)\\nwait(2)", describe())
second = sandbox.start("wait(1)\\nx = 1\\nwhile x:\\n    x = 1", describe())
first.next(), second.next()
print(first.worker_pid, second.worker_pid, flush=True)
second.next()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the operating system's limits are Linux's")
def test_the_operating_system_forbids_a_worker_files_and_sockets(sandbox, description):
    session = sandbox.start("wait(1)", description)
    session.next()
    limits = Path(f"/proc/{session.worker_pid}/limits").read_text()
    session.drop()
    most = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert most["Max open files"] == ["3", "3"]
    assert most["Max file size"] == ["0", "0"]
    assert most["Max core file size"] == ["0", "0"]


@pytest.mark.parametrize(("binary", "why"), [("/nonexistent", "No such file"), ("/bin/true", "crashed")])
def test_a_worker_that_cant_be_started_is_told_in_a_sentence(description, monkeypatch, binary, why):
    monkeypatch.setenv("MONTY_BIN", binary)
    with (
        Sandbox() as sandbox,
        pytest.raises(ExpressionError, match=f"^the sandbox: no worker could be started: .*{why}"),
    ):
        sandbox.start("wait(1)", description)


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(ConfigError, match=r"limits\.turn_s: expected more than 0, got 0"):
        Limits(turn_s=0)
