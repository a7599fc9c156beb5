"""Programs that want what a program may not have, as a table; each names the layer that must stop it.

`stopped` is the first layer that does, in the order they come: grammar, calls, types (before anything runs), run (the
session), budget (the session's count of calls), rehearsal (a program that breaks no rule of the language, yet none a
robot should do; judged by what an imagined world shows of it). `alone` is what the session does with it when all
checks before are left out: it `refuses`, or the program `ends` without ever having had an effect beyond allowed calls;
empty where the same text is no program to it. `says` is part of the sentence that the first layer must tell.
"""

from __future__ import annotations

from test.expressive_motion.hostile_language import LANGUAGE
from test.expressive_motion.hostile_robot import ROBOT
from test.expressive_motion.hostile_row import SECRET, Hostile

__all__ = ["ALL", "SECRET", "Hostile"]

ALL = (*LANGUAGE, *ROBOT)
