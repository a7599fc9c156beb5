from __future__ import annotations

import ast
import math
import random
import re
from pathlib import Path

import pytest

from expressive_motion.errors import ProgramError
from expressive_motion.programs.calls import check_calls, check_grammar, reached, wind
from expressive_motion.programs.grammar import BUILTINS, CODE_LENGTH, COMPLAINTS, DEPTH, LARGEST, literal
from expressive_motion.programs.sandbox import Limits
from expressive_motion.robot import MODALITIES, Call, Description, Parameter, describe

EVERYTHING_ALLOWED = '''"""Welcome somebody."""
ANGLES = [20, -20, 10.5]  # degrees
names: str = "friend"

def sway(angle: float, times: int = 2) -> bool:
    """To one side and back."""
    for i in range(times):
        move_head(pan_deg=angle if i % 2 == 0 else -angle, hold_s=0.2)
        if i > 3 or angle == 0.0:
            continue
        elif not angle < 30 and True:
            break
    return angle > 0

def bow(deep):
    rock(0.01 * deep + 0.01, 1)
    return

if find_person("ahead", timeout_s=5):
    look_at_person()
    count = 0
    for index, angle in enumerate(ANGLES):
        count += 1
        if sway(angle):
            say(f"Hello {names}, {distance_to_person():.1f} m, {count:d}!", wait=False)
        else:
            pass
    while person_is_here() and count <= 5:
        look_at_person(hold_s=1 + 0.5)
        count = count + max(1, round(person_speed()))
    left, right = ANGLES[0], ANGLES[-2]
    wiggle(min(abs(left), 5), hold_s=len(ANGLES) // 2)
else:
    tone("soft")
light("green", pattern="pulse")
bow(-(-2))
light_off()
'''


@pytest.fixture(scope="module")
def simulated() -> Description:
    return describe("simulated")


@pytest.fixture(scope="module")
def headless() -> Description:
    return describe("turtlebot4")


def told(code: str, description: Description, **more) -> list[str]:
    """What is said of a program, line by line; empty where it passes."""
    try:
        check_calls(check_grammar(code), description, **more)
    except ProgramError as error:
        return str(error).split("\n")
    return []


def test_all_that_a_gesture_needs_is_allowed(simulated):
    tree = check_grammar(EVERYTHING_ALLOWED)
    assert ast.dump(tree) == ast.dump(ast.parse(EVERYTHING_ALLOWED))
    check_calls(tree, simulated)


def test_every_complaint_is_told_at_once_and_in_order(simulated):
    code = "\n".join(
        [
            "wait(1)",
            "move(9)",
            "mvoe(1)",
            "turn(10, fast=2)",
            "turn()",
            'light("beige")',
            "wait(distance)",
            "f = wait",
            "",
        ]
    )
    assert told(code, simulated) == [
        "line 2: move(distance_m): expected -0.3 to 2 [m], got 9",
        "line 3: no skill or function is called 'mvoe'; did you mean move?",
        "line 4: turn: unknown argument 'fast'; known are angle_deg, speed",
        "line 5: turn: expected the argument 'angle_deg'",
        "line 6: light(colour): expected one of white, red, green, blue, orange, yellow, purple, got 'beige'",
        "line 7: the name 'distance' has no value",
        "line 8: 'wait' can only be called, as in wait(...)",
    ]


def test_a_line_of_several_is_told_by_the_line_of_the_argument(simulated):
    assert told("wait(1)\nmove(\n    distance_m=1,\n    speed=9,\n)", simulated) == [
        "line 4: move(speed): expected 0.3 to 2 [times the calm speed], got 9"
    ]


def test_the_skills_are_listed_once(simulated):
    first, second = told("fly_away()\njump_up()", simulated)[:2]
    assert first.endswith("this robot's skills are " + ", ".join(simulated.skills))
    assert second == "line 2: no skill or function is called 'jump_up'"


def test_more_complaints_than_anyone_reads_are_cut_short(simulated):
    lines = told("move(9)\n" * (COMPLAINTS + 5), simulated)
    assert len(lines) == COMPLAINTS + 1
    assert lines[-1] == "and 5 more"


@pytest.mark.parametrize("robot", ["simulated", "turtlebot2", "turtlebot3_waffle", "turtlebot4"])
def test_written_arguments_are_held_to_the_robots_own_limits(robot):
    description = describe(robot)
    for skill in description.skills.values():
        for parameter in skill.parameters:
            for value, fits in edges(parameter):
                rest = {p.name: edges(p)[0][0] for p in skill.parameters if p.default is None}
                arguments = ", ".join(f"{k}={v!r}" for k, v in {**rest, parameter.name: value}.items())
                said = told(f"wait(1)\n{'x = ' * (skill.returns != 'nothing')}{skill.name}({arguments})", description)
                assert (said == []) == fits, said
                assert fits or said[0].startswith(f"line 2: {skill.name}({parameter.name}): expected")


def edges(parameter: Parameter) -> list[tuple[float | str | bool, bool]]:
    """Values of an argument with whether they fit, one that does first."""
    if parameter.kind == "number":
        beyond = 0.001
        return [
            (parameter.low, True),
            (parameter.high, True),
            (parameter.low - beyond, False),
            (parameter.high + beyond, False),
            (True, False),
            ("far", False),
        ]
    if parameter.kind == "flag":
        return [(True, True), (False, True), (1, False), ("yes", False)]
    if parameter.kind == "choice":
        return [*((choice, True) for choice in parameter.choices), ("none of them", False), (1, False)]
    return [
        ("a", True),
        ("a" * parameter.length, True),
        ("a" * (parameter.length + 1), False),
        ("", False),
        (1, False),
    ]


def test_a_skill_of_a_part_that_the_robot_lacks_is_unknown(simulated, headless):
    code = "move_head(10.0)"
    assert told(code, simulated) == []
    assert told(code, headless)[0].startswith("line 1: no skill or function is called 'move_head'")


def test_what_a_ban_covers_follows_from_what_a_skill_does(simulated, headless):
    for description in (simulated, headless):
        for skill in description.skills.values():
            given = ", ".join(repr(edges(p)[0][0]) for p in skill.parameters if p.default is None)
            code = f"{'x = ' * (skill.returns != 'nothing')}{skill.name}({given})"
            for modality, effect in MODALITIES.items():
                banned = told(code, description, forbidden=frozenset({modality}))
                assert bool(banned) == (effect in skill.effects), banned
    looks = "x = look_at_person()"
    assert told(looks, simulated, forbidden=frozenset({"base"})) == []
    assert told(looks, headless, forbidden=frozenset({"base"})) == [
        "line 1: look_at_person moves the base, which is forbidden here"
    ]


def test_an_unknown_ban_is_refused(simulated):
    assert told("wait(1)", simulated, forbidden=frozenset({"talking"})) == [
        "forbidden: expected some of base, head, light, sound, speech, got 'talking'"
    ]


def test_a_saved_behaviour_is_looked_into_only_where_it_is_called(simulated):
    learned = {"greet": 'wait(1)\nsay("hi")', "welcome": "greet()\nwait(99)", "other": "import os"}
    assert told("wait(1)", simulated, learned=learned, forbidden=frozenset({"speech"})) == []
    assert told("wait(1)\n\nwelcome()", simulated, learned=learned, forbidden=frozenset({"speech"})) == [
        "line 3: the learned behaviour 'greet', its line 2: say speaks, which is forbidden here",
        "line 3: the learned behaviour 'welcome', its line 2: wait(seconds): expected 0 to 10 [s], got 99",
    ]


def test_saved_behaviours_come_in_the_order_they_need():
    learned = {"a": "b()\nc()", "b": "c()", "c": "wait(1)", "d": "wait(1)"}
    assert list(reached(ast.parse("a()"), learned)) == ["c", "b", "a"]
    with pytest.raises(ProgramError, match="'b' would never end: b calls c calls b"):
        reached(ast.parse("a()"), {**learned, "c": "b()"})


def test_a_saved_behaviours_own_function_may_have_a_saved_behaviours_name(simulated):
    """ "Nod", saved as nod, has a function nod; greet was saved with one before."""
    learned = {"nod": "def nod():\n    rock()\nnod()", "greet": "def nod():\n    wait(1)\nnod()\nsay('hi')"}
    assert told("greet()\nnod()", simulated, learned=learned) == []
    assert list(reached(ast.parse("greet()"), learned)) == ["greet"]
    said = told("greet()", simulated, learned={"greet": "def nod():\n    nod()\nnod()"})
    assert said == ["line 1: the learned behaviour 'greet', its line 1: the function 'nod' calls itself; use a loop"]


@pytest.mark.parametrize("name", ["wait", "range", "class"])
def test_a_saved_behaviour_cant_have_a_name_that_is_taken(simulated, name):
    said = told(f"{name}()" if name != "class" else "wait(1)", simulated, learned={name: "rock()"})
    assert said or name == "class"  # a keyword can't be called, so it can't be reached


def test_wound_behaviours_do_what_they_did():
    """Python itself as the judge: what the code said by itself, its function says."""
    learned = {
        "one": 'def inner(x, y=2):\n    say(x * y)\n\nt = """two\n  lines"""\nsay(t)\nfor i in range(3):\n\tinner(i)',
        "two": "x = 5\ndef show():\n    say(x)\nshow()\none()\nx = 6\nshow()",
    }
    alone: list[object] = []
    scope = {"say": alone.append}
    scope["one"] = lambda: exec(learned["one"], {"say": alone.append})
    exec(learned["two"], scope)

    together: list[object] = []
    text = wind(reached(ast.parse("two()"), learned)) + "two()"
    exec(text, {"say": together.append})
    assert together == alone == [5, "two\n  lines", 0, 2, 4, 6]
    assert wind({}) == ""
    assert wind(reached(ast.parse("two()"), learned)).endswith("\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-2.5", -2.5),
        ("-(2 + 1) * 4 / 8", -1.5),
        ("'a'", "a"),
        ("True", True),
        ("x", None),
        ("1 / 0", None),
        ("-True", None),
        ("'a' + 'b'", None),
        ("1e200 * 1e200", math.inf),
        ("9" * 400 + " + 1", None),
        ("None", None),
    ],
)
def test_what_is_written_out_is_known_without_running(text, value):
    assert literal(ast.parse(text, mode="eval").body) == value


def test_limits_are_reached_but_not_passed(simulated):
    assert told("wait(1)" + "#" * (CODE_LENGTH - 7), simulated) == []
    assert told("wait(1)" + "#" * (CODE_LENGTH - 6), simulated) == [
        f"the program: expected at most {CODE_LENGTH} characters, got {CODE_LENGTH + 1}"
    ]
    assert told(f"x = {LARGEST:.0f}\nwait(1)", simulated) == []
    assert told(f"x = {LARGEST + 1:.0f}\nwait(1)", simulated) == ["line 1: expected a number up to 1e+06"]


def test_every_node_of_the_language_is_either_listed_or_refused():
    """A node nobody thought of is refused, not passed: here one that Python doesn't even have yet."""

    class Novelty(ast.stmt):
        pass

    from expressive_motion.programs.grammar import grammar_complaints

    tree = ast.parse("wait(1)")
    tree.body.append(Novelty(lineno=2, col_offset=0))
    assert [c.sentence for c in grammar_complaints("wait(1)", tree)] == ["Novelty isn't part of the language here"]


def test_only_harmless_builtins_are_listed():
    """Each is a plain function of numbers, texts and lists: none takes a function by name, reads, writes or runs."""
    assert not BUILTINS & {
        "eval",
        "exec",
        "open",
        "getattr",
        "type",
        "map",
        "filter",
        "iter",
        "print",
        "input",
        "vars",
    }
    assert all(callable(getattr(__import__("builtins"), name)) for name in BUILTINS)


def test_garbled_programs_are_refused_in_words_or_pass_never_crash(simulated):
    """Characters left out, doubled and moved: whatever comes out, the answer is a sentence with a line, or nothing."""
    chance = random.Random(7)
    passed = 0
    for _ in range(400):
        text = list(EVERYTHING_ALLOWED)
        for _ in range(chance.randint(1, 3)):
            at, to = chance.randrange(len(text)), chance.randrange(len(text))
            text[at : at + chance.randint(0, 4)] = text[to : to + chance.randint(0, 12)]
        said = told("".join(text), simulated)
        passed += not said
        assert all(line.startswith(("line ", "and ", "the program")) for line in said), said
    assert 5 < passed < 395  # neither all nor none, or the test would show nothing


def test_the_page_tells_the_limits_that_hold():
    page = (Path(__file__).parents[3] / "docs" / "programs.md").read_text(encoding="utf-8")
    limits = Limits()
    rows = dict(re.findall(r"^\| ([a-z][\w ]+) \| ([\d.]+)(?: [\w]+)? \|$", page, re.MULTILINE))
    assert {name: float(value) for name, value in rows.items()} == {
        "length of a program": CODE_LENGTH,
        "nesting of its syntax": DEPTH,
        "a number written out": LARGEST,
        "time between two calls": limits.turn_s,
        "memory": limits.memory_bytes / 2**20,
        "memory of a type check": limits.check_bytes / 2**20,
        "depth of calls": limits.recursion,
        "calls of skills in all": limits.calls,
        "time of a type check": limits.reply_s,
        "programs at once": limits.open_programs,
    }
    listed = re.search(r"The built-in functions (.*?)\.\n", page)
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[1])) == BUILTINS


def test_the_programs_of_the_page_are_what_it_says(simulated):
    page = (Path(__file__).parents[3] / "docs" / "programs.md").read_text(encoding="utf-8")
    program, usage = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert told(program, simulated) == []
    calls: list[str] = []

    def carry_out(call: Call) -> bool | None:
        calls.append(call.skill)
        return False if simulated.skills[call.skill].returns == "flag" else None

    exec(usage, {"code": 'if not find_person():\n    bow()\nlight("red")', "carry_out": carry_out})
    assert calls == ["find_person", "rock", "light"]
    with pytest.raises(ProgramError, match="speaks, which is forbidden"):
        exec(usage, {"code": 'say("hi")', "carry_out": carry_out})


def test_a_command_never_waits_for_a_program_longer_than_a_base_does(simulated):
    shipped = [describe(p.stem) for p in (Path(__file__).parents[3] / "config" / "robots").glob("*.yaml")]
    assert shipped
    assert Limits().turn_s + Limits().grace_s < min(d.profile.command_timeout for d in shipped)
