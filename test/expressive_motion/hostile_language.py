"""Hostile programs that abuse the language; see hostile.py."""

from __future__ import annotations

from test.expressive_motion.hostile_row import SECRET, Hostile

FILES = [
    Hostile("open a file", "grammar", f'say(open("{SECRET}").read())', "no attributes"),
    Hostile("open without reading", "calls", f'x = open("{SECRET}")\nwait(1)', "called 'open'"),
    Hostile("write a file", "grammar", f'open("{SECRET}", "w").write("gone")\nwait(1)', "no attributes"),
    Hostile("open in a with", "grammar", f'with open("{SECRET}") as f:\n    say(f.read())', "no with"),
    Hostile("iterate over a file", "calls", f'for line in open("{SECRET}"):\n    say(line)', "called 'open'"),
    Hostile(
        "a path", "grammar", f'from pathlib import Path\nsay(Path("{SECRET}").read_text())', "nothing can be imported"
    ),
    Hostile("list a folder", "grammar", 'import os\nfor f in os.listdir("/"):\n    say(f)', "nothing can be imported"),
    Hostile("remove a file", "grammar", f'import os\nos.remove("{SECRET}")\nwait(1)', "nothing can be imported"),
    Hostile("own file name", "calls", "say(__file__)", "'__file__' has no value", alone=""),
    Hostile(
        "swallow the refusal of a file",
        "grammar",
        f'try:\n    x = open("{SECRET}")\nexcept BaseException:\n    x = 0\nmove(1)',
        "no try",
    ),
]

WORLD = [
    Hostile("environment", "grammar", 'import os\nsay(os.environ["HOME"])', "nothing can be imported"),
    Hostile("getenv", "grammar", 'import os\nsay(os.getenv("PATH"))', "nothing can be imported"),
    Hostile("shell", "grammar", 'import os\nos.system("reboot")\nwait(1)', "nothing can be imported"),
    Hostile("subprocess", "grammar", 'import subprocess\nsubprocess.run(["ls"])\nwait(1)', "nothing can be imported"),
    Hostile("socket", "grammar", "import socket\nsocket.socket()\nwait(1)", "nothing can be imported"),
    Hostile("ask the net", "grammar", "from urllib.request import urlopen\nwait(1)", "nothing can be imported"),
    Hostile("ROS itself", "grammar", "import rclpy\nrclpy.init()\nwait(1)", "nothing can be imported"),
    Hostile(
        "our own modules",
        "grammar",
        "from expressive_motion import robot\nwait(1)",
        "nothing can be imported",
    ),
    Hostile("C by ctypes", "grammar", "import ctypes\nctypes.string_at(0)\nwait(1)", "nothing can be imported"),
    Hostile("import by name", "calls", '__import__("os")\nwait(1)', "called '__import__'"),
    Hostile("import in a function", "grammar", "def f():\n    import os\nf()\nwait(1)", "nothing can", alone="ends"),
    Hostile("sleep past the clock", "grammar", "import time\ntime.sleep(600)\nwait(1)", "nothing can", alone="ends"),
    Hostile("busy clock", "grammar", "import time\nwhile time.time() < 9e9:\n    pass", "nothing can be imported"),
    Hostile("chance", "grammar", "import random\nmove(random.random())", "nothing can be imported", alone="ends"),
    Hostile("a person's input", "calls", 'say(input("password"))', "called 'input'"),
    Hostile("print", "calls", 'print("x")\nwait(1)', "called 'print'", alone="ends"),
    Hostile("flood of prints", "calls", 'while 1 < 2:\n    print("loud")', "called 'print'"),
    Hostile("leave the process", "calls", "exit(0)", "called 'exit'"),
]

WALKS = [
    Hostile("subclass walk", "grammar", "x = ().__class__.__bases__[0].__subclasses__()\nwait(1)", "no attributes"),
    Hostile("a skill's globals", "grammar", 'move.__globals__["os"]\nwait(1)', "no attributes"),
    Hostile("a function's code", "grammar", "def f():\n    wait(1)\nf.__code__\nf()", "no attributes"),
    Hostile("a method of a text", "grammar", 'say("{0.__class__}".format(1))', "no attributes", alone=""),
    Hostile(
        "format walk",
        "grammar",
        'say("{0.__class__.__mro__}".format(wait))',
        "no attributes",
    ),
    Hostile("f-string walk", "grammar", 'x = 1\nsay(f"{x.__class__.__mro__}")', "no attributes", alone=""),
    Hostile("f-string call", "calls", f"say(f\"{{open('{SECRET}')}}\")", "called 'open'"),
    Hostile("f-string of a skill", "calls", 'say(f"{move}")', "'move' can only be called"),
    Hostile("getattr", "calls", 'getattr(1, "__class__")\nwait(1)', "called 'getattr'", alone=""),
    Hostile("setattr", "calls", 'setattr(wait, "x", 1)\nwait(1)', "called 'setattr'"),
    Hostile("vars", "calls", "vars()\nwait(1)", "called 'vars'"),
    Hostile("globals", "calls", "globals()\nwait(1)", "called 'globals'", alone=""),
    Hostile("locals", "calls", "locals()\nwait(1)", "called 'locals'", alone=""),
    Hostile("builtins", "grammar", '__builtins__["open"]\nwait(1)', "this does nothing"),
    Hostile("type", "calls", "x = type(1)\nwait(1)", "called 'type'", alone=""),
    Hostile("traceback", "grammar", "try:\n    1 / 0\nexcept Exception as e:\n    e.__traceback__\nwait(1)", "no try"),
    Hostile("a class of its own", "grammar", "class A:\n    x = 1\nA.x\nwait(1)", "no classes", alone="ends"),
    Hostile("metaclass", "grammar", "class M(type):\n    pass\nwait(1)", "no classes"),
    Hostile("frame", "grammar", "def g():\n    yield 1\ng().gi_frame\nwait(1)", "no generators"),
    Hostile("dunder variable", "calls", "__all__ = 1\nwait(1)", "underscores", alone="ends"),
    Hostile("the checker's own mark", "calls", "begin__program()\nwait(1)", "called 'begin__program'"),
    Hostile(
        "the checker's mark redefined",
        "calls",
        "def begin__program():\n    wait(1)\nwait(1)",
        "underscores",
        alone="ends",
    ),
]

TEXT_AS_CODE = [
    Hostile("eval a skill", "calls", 'eval("move(99)")', "called 'eval'"),
    Hostile("exec a skill", "calls", 'exec("for i in range(9): move(99)")', "called 'exec'"),
    Hostile("eval a file", "calls", f"eval(\"open('{SECRET}')\")", "called 'eval'"),
    Hostile("compile", "calls", 'compile("wait(1)", "x", "exec")\nwait(1)', "called 'compile'"),
    Hostile("eval in eval", "calls", 'eval("eval(\\"__import__(\'os\')\\")")\nwait(1)', "called 'eval'"),
]

EXHAUSTION = [
    Hostile("endless loop", "grammar", "while True:\n    pass", "never ends"),
    Hostile("endless loop in disguise", "run", "x = 1\nwait(1)\nwhile x < 2:\n    x = x * 1", "computes too long"),
    Hostile("endless loop of skills", "grammar", "while True:\n    look_ahead()", "never ends", alone="refuses"),
    Hostile("a break that isn't this loop's", "grammar", "while 1:\n    for i in [1]:\n        break", "never ends"),
    Hostile(
        "long range",
        "run",
        "for i in range(1000000):\n    for j in range(1000000):\n        pass\nwait(1)",
        "too long",
    ),
    Hostile("doubling list", "run", "x = [0]\nwhile len(x) > 0:\n    x = x + x\nwait(1)", "too much memory"),
    Hostile("doubling text", "run", 'x = "ab"\nwhile len(x) > 0:\n    x = x + x\nwait(1)', "too much memory"),
    Hostile("long text", "grammar", 'say("a" * 1000000)', "% or * with a text"),
    Hostile("long text by a variable", "run", 'n = 1000000\nx = "a"\nsay(x * n * n)', "too much memory"),
    Hostile("long list", "run", "x = [0] * 1000000 * 1000000\nwait(1)", "too much memory"),
    Hostile("tower of powers", "grammar", "x = 9 ** 9 ** 9\nwait(1)", "expected one of the operators"),
    Hostile("huge shift", "grammar", "x = 1 << 1000000\nwait(x)", "expected one of the operators"),
    Hostile("huge product", "run", "x = 999999\nwhile x > 0:\n    x = x * x\nwait(1)", ""),
    Hostile("huge text of a number", "grammar", 'say(f"{3:999999999}")', "short format"),
    Hostile("huge precision", "grammar", 'say(f"{3.0:.999999999f}")', "short format"),
    Hostile("nested format", "grammar", 'n = 999999999\nsay(f"{3:{n}}")', "short format"),
    Hostile("old format bomb", "grammar", 'say("%999999999d" % 3)', "% or * with a text"),
    Hostile("recursion", "calls", "def f():\n    f()\nf()\nwait(1)", "calls itself"),
    Hostile("recursion by two", "calls", "def f():\n    g()\ndef g():\n    f()\nf()\nwait(1)", "calls itself"),
    Hostile("recursion of a skill", "calls", "def f():\n    wait(0.0)\n    f()\nf()", "calls itself"),
    Hostile(
        "comprehension bomb", "grammar", "x = [i for i in range(999999) for j in range(999999)]\nwait(1)", "comprehen"
    ),
    Hostile("generator bomb", "grammar", "x = sum(i for i in range(999999999))\nwait(1)", "no generators"),
    Hostile("dictionary bomb", "grammar", "x = {i: [0] * 99999 for i in range(99999)}\nwait(1)", "no comprehensions"),
    Hostile("list of range", "run", "x = list(range(1000000)) + list(range(1000000))\nwait(1)", ""),
    Hostile("huge source", "grammar", "wait(1)\n" * 2000, "expected at most 8000 characters"),
    Hostile(
        "huge line", "grammar", "x = " + "1 + " * 3000 + "1\nwait(1)", "expected at most 8000 characters", alone=""
    ),
    Hostile("deep brackets", "grammar", "x = " + "(" * 250 + "1" + ")" * 250 + "\nwait(1)", "not Python", alone=""),
    Hostile("very deep brackets", "grammar", "x = " + "(" * 3500 + "1" + ")" * 3500 + "\nwait(1)", ""),
    Hostile("deep minus", "grammar", "x = " + "-" * 900 + "1\nwait(1)", "nested too deeply", alone=""),
    Hostile("very deep minus", "grammar", "x = " + "-" * 7900 + "1\nwait(1)", ""),
    Hostile("deep lists", "grammar", "x = " + "[" * 90 + "]" * 90 + "\nwait(1)", "nested too deeply", alone="ends"),
    Hostile("long sum", "grammar", "x = " + "1+" * 2000 + "1\nwait(1)", "", alone=""),
    Hostile(
        "deep blocks",
        "grammar",
        "".join("    " * i + "if 1 < 2:\n" for i in range(45)) + "    " * 45 + "wait(1)",
        "nested too deeply",
        alone="",
    ),
    Hostile("many calls", "budget", "for i in range(100000):\n    wait(0.0)", "at most 200 calls"),
    Hostile(
        "many free calls", "budget", "while distance_to_person() < 1000:\n    person_speed()", "at most 200 calls"
    ),
    Hostile("many tones", "budget", 'for i in range(999):\n    tone("alert", 1.0)', "at most 200 calls"),
]

CANCEL = [
    Hostile("swallow everything", "grammar", "try:\n    move(99)\nexcept BaseException:\n    move(1)", "no try"),
    Hostile(
        "swallow for ever",
        "grammar",
        "while 1 < 2:\n    try:\n        move(1)\n        move(99)\n    except BaseException:\n        pass",
        "no try",
    ),
    Hostile("finally", "grammar", "try:\n    move(99)\nfinally:\n    move(1)", "no try"),
    Hostile(
        "suppress", "grammar", "import contextlib\nwith contextlib.suppress(BaseException):\n    move(99)", "no with"
    ),
    Hostile("exception group", "grammar", "try:\n    move(99)\nexcept* Exception:\n    move(1)", ""),
    Hostile("raise", "grammar", "raise SystemExit", "no raise"),
    Hostile("assert", "grammar", "assert 1 > 2\nwait(1)", "no assert"),
    Hostile("async", "grammar", "async def f():\n    wait(1)\nf()", "no async", alone="ends"),
    Hostile("await a skill", "grammar", "await wait(1)", "no await", alone="refuses"),
    Hostile(
        "gather",
        "grammar",
        "import asyncio\nasync def f():\n    wait(99)\nasyncio.run(f())",
        "nothing can be imported",
    ),
]

NAMES = [
    Hostile("alias", "calls", "f = move\nf(99)", "'move' can only be called"),
    Hostile("skills in a list", "calls", "for f in [move, turn]:\n    f(99)", "'move' can only be called"),
    Hostile("a skill as an argument", "calls", "def do(f):\n    f(99)\ndo(move)", "'move' can only be called"),
    Hostile(
        "a skill as a default", "grammar", "def do(f=move):\n    f(99)\ndo()", "expected a number, a text or a flag"
    ),
    Hostile("a skill chosen", "grammar", "(move if 1 > 2 else turn)(999)", "expected a name in front"),
    Hostile("a skill from a list", "grammar", "[move][0](99)", "expected a name in front"),
    Hostile("lambda", "grammar", "f = lambda: move(99)\nf()", "no lambda"),
    Hostile("decorator", "grammar", "@move\ndef f():\n    wait(1)\nf()", "no decorators"),
    Hostile("a skill's name taken", "calls", "move = 3\nwait(move)", "'move' is a skill", alone="ends"),
    Hostile(
        "a skill's name defined", "calls", "def wait(x):\n    move(1)\nwait(99)", "'wait' is a skill", alone="ends"
    ),
    Hostile(
        "a skill's name as an argument",
        "calls",
        "def f(wait):\n    move(wait)\nf(1)",
        "'wait' is a skill",
        alone="ends",
    ),
    Hostile(
        "a skill's name as a counter", "calls", "for turn in [1]:\n    wait(turn)", "'turn' is a skill", alone="ends"
    ),
    Hostile("a skill's name in a row", "calls", "a, turn = 1, 2\nwait(a)", "'turn' is a skill", alone="ends"),
    Hostile(
        "range redefined",
        "calls",
        "def range(n):\n    return [99]\nfor i in range(1):\n    move(i)",
        "'range' is built in",
    ),
    Hostile(
        "a learned name taken",
        "calls",
        "def bow():\n    move(1)\nbow()",
        "is a learned",
        alone="ends",
        learned={"bow": "rock()"},
    ),
    Hostile(
        "a helper twice", "calls", "def f():\n    wait(1)\ndef f():\n    move(1)\nf()", "defined twice", alone="ends"
    ),
    Hostile("a helper overwritten", "calls", "def f():\n    wait(1)\nf = 3\nwait(f)", "is a function", alone="ends"),
    Hostile(
        "a helper in a condition",
        "grammar",
        "if 1 < 2:\n    def f():\n        wait(1)\nf()",
        "top level",
        alone="ends",
    ),
    Hostile("walrus", "grammar", "if (f := 99) > 1:\n    move(f)", "no := within"),
    Hostile("star", "grammar", "move(*[9])", "no * in front of a value"),
    Hostile("double star", "grammar", 'move(**{"distance_m": 9})', "no ** in front of a value"),
    Hostile("star arguments", "grammar", "def f(*a):\n    move(a[0])\nf(99)", "without * or /"),
    Hostile("keyword arguments", "grammar", 'def f(**a):\n    move(a["x"])\nf(x=99)', "without * or /"),
    Hostile("a full-width letter", "grammar", "\uff4dove(1.0)", "plain letters", alone="ends"),
    Hostile("a Cyrillic letter", "grammar", "m\u043eve(1.0)", "plain letters"),
    Hostile("an invisible letter", "grammar", "mo\u200bve(1)", "control character U+200B"),
    Hostile(
        "a hidden line", "grammar", "wait(1) # nothing here\x0cmove(99)", "control character U+000C", alone="ends"
    ),
    Hostile("a line's end of another kind", "grammar", "wait(1) # nothing here\u2028move(99)", "U+2028", alone="ends"),
    Hostile("a null character", "grammar", "wait(1)\x00move(99)", "control character U+0000"),
    Hostile("unknown skill", "calls", "fly(1)", "no skill or function is called 'fly'"),
    Hostile("unknown name", "calls", "wait(x)", "the name 'x' has no value"),
    Hostile("value of nothing", "calls", "x = wait(1)\nwait(2)", "wait returns nothing", alone="ends"),
    Hostile("nothing as a condition", "calls", "while wait(0.1):\n    pass", "wait returns nothing", alone="ends"),
    Hostile("nothing passed on", "calls", "move(wait(1))", "wait returns nothing"),
    Hostile("del a skill", "grammar", "del move\nwait(1)", "no del"),
    Hostile("global", "grammar", "def f():\n    global move\n    move = 3\nf()\nwait(1)", "no global", alone="ends"),
    Hostile("match", "grammar", "match 1:\n    case x:\n        move(99)", ""),
    Hostile("no program", "grammar", "", "the program is empty", alone="ends"),
    Hostile("no call", "calls", "x = 1", "calls no skill", alone="ends"),
    Hostile("not Python", "grammar", "drive forward, please", "not Python"),
    Hostile("prose around", "grammar", "Here is the program:\n```python\nwait(1)\n```", "not Python"),
    Hostile("wrong type, computed", "types", 'x = "a" + 1\nwait(1)', "line 1: + doesn't work between"),
    Hostile("a text in a loop", "types", 'for x in "abc":\n    wait(x)', "line 2: wait: expected a number"),
    Hostile("a number called", "calls", "x = 1\nx()\nwait(1)", "called 'x'"),
]

LANGUAGE = (
    *FILES,
    *WORLD,
    *WALKS,
    *TEXT_AS_CODE,
    *EXHAUSTION,
    *CANCEL,
    *NAMES,
)
