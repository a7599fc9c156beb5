"""Hostile programs that abuse the robot: its numbers, its voice, what it has learned; see hostile.py."""

from __future__ import annotations

from test.expressive_motion.hostile_row import Hostile

NUMBERS = [
    Hostile("NaN", "run", 'move(float("nan"))', "got nan"),
    Hostile("infinity", "run", 'move(float("inf"))', "got inf"),
    Hostile("infinity written", "grammar", "move(1e999)", "expected a number up to"),
    Hostile("infinity minus infinity", "run", 'x = float("inf")\nmove(x - x)', "got nan"),
    Hostile("NaN as a wait", "run", 'wait(float("nan"))', "got nan"),
    Hostile("huge number", "calls", "move(999999)", "expected -0.3 to 2"),
    Hostile("huge number written", "grammar", "move(9999999999999999999999)", "expected a number up to"),
    Hostile("huge number computed", "run", "x = 1000000\nfor i in range(60):\n    x = x * 1000000\nmove(x)", "got "),
    Hostile("too far", "calls", "move(2.5)", "line 1: move(distance_m): expected -0.3 to 2 [m], got 2.5"),
    Hostile("too far, summed", "calls", "move(1.5 + 1.5)", "got 3"),
    Hostile("too far, by a variable", "run", "x = 1.5\nmove(x + x)", "line 2: move(distance_m): expected -0.3 to 2"),
    Hostile(
        "too far, by a function", "run", "def go(x: float) -> None:\n    move(x)\ngo(50.0)", "line 2: move(distance"
    ),
    Hostile(
        "too far, by a default", "run", "def go(x: float = 50.0) -> None:\n    move(x)\ngo()", "line 2: move(distance"
    ),
    Hostile("too fast", "calls", "move(1, speed=50)", "move(speed): expected 0.3 to 2"),
    Hostile("backward too far", "calls", "move(-1)", "got -1"),
    Hostile("too long a wait", "calls", "wait(600)", "expected 0 to 10 [s], got 600"),
    Hostile("negative wait", "calls", "wait(-1)", "got -1"),
    Hostile("a flag as a number", "calls", "move(True)", "expected a number, got True"),
    Hostile("a text as a number", "calls", 'move("1")', "expected a number, got '1'"),
    Hostile("nothing as a number", "types", "move(None)", "expected a number, got nothing"),
    Hostile("a list as a number", "types", "move([1])", "expected a number"),
    Hostile("division by nothing", "run", "x = 0\nmove(1 / x)", "line 2: division by zero"),
    Hostile("too near", "calls", "approach_person(0.1)", "expected 0.9 to 3"),
]

SPEECH = [
    Hostile("control characters", "calls", 'say("hello\\x1b[2J")', "expected plain text, got control characters"),
    Hostile("a bell", "calls", 'say("\\a\\a\\a")', "control characters"),
    Hostile("right to left", "calls", 'say("\\u202egnitseretni")', "control characters"),
    Hostile("right to left, unescaped", "grammar", 'say("\u202egnitseretni")', "control character U+202E"),
    Hostile("new line in speech", "calls", 'say("""one\ntwo""")', "control characters"),
    Hostile("control characters, put together", "run", 'x = "\\x1b"\nsay(f"hello{x}[2J")', "control characters"),
    Hostile("a sermon", "calls", f'say("{"repent " * 40}")', "expected 1 to 160 characters"),
    Hostile("a sermon, put together", "run", 'x = "repent "\nwhile len(x) < 500:\n    x = x + x\nsay(x)', "1 to 160"),
    Hostile("silence spoken", "calls", 'say("   ")', "expected 1 to 160 characters"),
    Hostile(
        "speech when forbidden", "calls", 'say("hi")', "speaks, which is forbidden", "ends", {}, frozenset({"speech"})
    ),
    Hostile(
        "speech when forbidden, in a helper",
        "calls",
        'def greet():\n    say("hi")\ngreet()\nwait(1)',
        "line 2: say speaks, which is forbidden",
        "ends",
        {},
        frozenset({"speech"}),
    ),
    Hostile(
        "speech when forbidden, where it isn't reached",
        "calls",
        'if 1 > 2:\n    say("hi")\nwait(1)',
        "forbidden",
        "ends",
        {},
        frozenset({"speech"}),
    ),
    Hostile(
        "speech when forbidden, learned",
        "calls",
        "greet()",
        "line 1: the learned behaviour 'greet', its line 1: say speaks",
        "ends",
        {"greet": 'say("hi")'},
        frozenset({"speech"}),
    ),
    Hostile(
        "speech when forbidden, learned by way of another",
        "calls",
        "wait(1)\nwelcome()",
        "line 2: the learned behaviour 'greet', its line 1: say speaks",
        "ends",
        {"greet": 'say("hi")', "welcome": "greet()"},
        frozenset({"speech"}),
    ),
    Hostile("motion when forbidden", "calls", "rock()", "moves the base", "ends", {}, frozenset({"base"})),
    Hostile("sound when forbidden", "calls", 'tone("soft")', "makes a sound", "ends", {}, frozenset({"sound"})),
]

LEARNED = [
    Hostile("a circle of one", "calls", "a()", "a calls a", learned={"a": "wait(0.0)\na()"}),
    Hostile(
        "a circle of three",
        "calls",
        "a()",
        "a calls b calls c calls a",
        learned={"a": "wait(0.0)\nb()", "b": "c()", "c": "a()"},
    ),
    Hostile("a learned import", "calls", "a()", "its line 2: nothing can be", learned={"a": "wait(1)\nimport socket"}),
    Hostile("a learned range", "calls", "a()", "its line 1: move(distance_m)", learned={"a": "move(50)"}),
    Hostile(
        "a learned name that breaks out",
        "calls",
        "wait(1)\na()",
        "given another",
        learned={"a": "wait = 1\nmove(wait)"},
        alone="ends",
    ),
    Hostile("learned with arguments", "calls", "a(99)", "takes no arguments", learned={"a": "wait(1)"}),
    Hostile("learned but not Python", "calls", "a()", "not Python", learned={"a": "wait("}, alone=""),
    Hostile(
        "learned and too far at run time", "run", "a()", "in a learned behaviour", learned={"a": "x = 9\nmove(x)"}
    ),
]

REHEARSAL = [
    Hostile("ten minutes", "rehearsal", "for i in range(60):\n    wait(10)", alone="ends"),
    Hostile("light left on", "rehearsal", 'light("red", pattern="blink")\nwait(1)', alone="ends"),
    Hostile(
        "drive at the person", "rehearsal", "face_person()\nfor i in range(3):\n    move(2.0, speed=2.0)", alone="ends"
    ),
    Hostile("wander off", "rehearsal", "for i in range(6):\n    move(2.0)", alone="ends"),
    Hostile("spin", "rehearsal", "for i in range(30):\n    turn(360, speed=2.0)", alone="ends"),
    Hostile("nag", "rehearsal", 'for i in range(40):\n    say("Out of my way!", wait=False)', alone="ends"),
    Hostile("alarm", "rehearsal", 'for i in range(150):\n    tone("alert", 1.0)', alone="ends"),
    Hostile("strobe", "rehearsal", 'for i in range(99):\n    light("red")\n    light("white")', alone="ends"),
    Hostile("push", "rehearsal", "for i in range(5):\n    approach_person(0.9, speed=2.0)", alone="ends"),
    Hostile("stalk", "rehearsal", "for i in range(20):\n    follow_person(0.9, at_most_s=30, lost_m=8)", alone="ends"),
    Hostile("back into the unseen", "rehearsal", "for i in range(12):\n    back_away(0.5, speed=2.0)", alone="ends"),
]

ROBOT = (
    *NUMBERS,
    *SPEECH,
    *LEARNED,
    *REHEARSAL,
)
