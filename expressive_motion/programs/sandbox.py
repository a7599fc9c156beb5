"""Runs programs step by step, each in a process of its own that has nothing to reach for.

A program runs in a worker of pydantic-monty: an interpreter of a subset of Python without files, network, modules or
objects of ours, under limits of time, memory, depth and calls. It is never handed a function. Whatever it wants from
outside suspends it, and :class:`Session` looks at what that is: the call of a skill with arguments in range is handed
to the caller as a :class:`Call`, everything else ends the program. It ends by being left standing, as an exception
sent into it could be caught there.
"""

from __future__ import annotations

import datetime
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING

from expressive_motion.errors import ExpressionError, ProgramError
from expressive_motion.programs.calls import check_calls, complaints, reached, wind
from expressive_motion.programs.confinement import confine
from expressive_motion.programs.grammar import check_grammar, parse, refusal
from expressive_motion.programs.session import Session, silent
from expressive_motion.programs.type_complaints import BEFORE, STUB, type_complaints
from expressive_motion.robot import Description
from sac_son_nav.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_monty import Monty, MontySession, OSPolicy, ResourceLimits

NONE_LEARNED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Limits:
    """What a program may use up.

    `turn_s` [s] bounds the time between two calls, on the worker's clock. A gesture needs well under a millisecond;
    a tenth of a second leaves a busy machine room to take the worker off its core, and is still shorter than the
    shortest `command_timeout` of a robot's profile (0.25 s), so that a base is never left rolling on an old command
    while a program computes. `grace_s` [s] after it a worker that doesn't notice is killed.
    """

    turn_s: float = 0.1
    grace_s: float = 0.1
    memory_bytes: int = 16 * 2**20
    check_bytes: int = 128 * 2**20  # of memory for the type check, which needs more than the program
    recursion: int = 40
    calls: int = 200
    reply_s: float = 5.0  # [s] longest a worker may take for anything, a type check on a busy machine included
    free_s: float = 5.0  # [s] longest a caller waits for a worker
    open_programs: int = 16  # that may be under way at once

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"limits.{name}: expected more than 0, got {value}")


class Sandbox:
    """A pool of workers. Opened when first needed; close it, or use it as a context manager.

    `workers` are kept ready; more are started while more programs are under way.
    """

    def __init__(self, workers: int = 1, limits: Limits | None = None) -> None:
        self.workers = workers
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._pool: Monty | None = None
        self._closed = False
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._last_wound: tuple[str, Description, Mapping[str, str], str] | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(
        self,
        code: str,
        description: Description,
        learned: Mapping[str, str] = NONE_LEARNED,
        forbidden: frozenset[str] = frozenset(),
    ) -> None:
        """Check a program without running any of it: grammar, names, arguments, bans, types.

        `learned` maps saved behaviours to their code; those that are called are checked as well. `forbidden` holds
        keys of MODALITIES. ProgramError tells all complaints, a line each, by the lines of `code`.
        """
        code = _newlines(code)
        found, sound = complaints(code, description, learned, forbidden)
        if sound:  # types of what can't be written anyhow would only repeat it
            before = wind(reached(parse(code), learned))
            told = frozenset(c.line for c in found)
            display, offset = self._type_check(before, code, description)
            found += type_complaints(display, offset, told)
        if found:
            raise refusal(found)

    def start(
        self,
        code: str,
        description: Description,
        learned: Mapping[str, str] = NONE_LEARNED,
        *,
        unchecked: bool = False,
    ) -> Session:
        """A program ready to run; nothing of it runs before the first :meth:`Session.next`.

        Its grammar and calls are checked again, a matter of a millisecond, as a file may have been edited since; types
        and bans are not. `unchecked` leaves this out too: it is there to test that the session holds on its own.
        """
        code = _newlines(code)
        if unchecked:
            before = wind({name: parse(text) for name, text in learned.items()})
        else:
            before = self._wound(code, description, learned)
        pool = self._open()
        limits: ResourceLimits = {
            "max_turn_duration_secs": self.limits.turn_s,
            "max_memory": self.limits.memory_bytes,
            "max_recursion_depth": self.limits.recursion,
            # one more than a session allows, so that it is the session that says so, in its own words
            "max_suspensions": self.limits.calls + 1,
        }
        # a fixed clock and seed: what was rehearsed is what is done; only the skill `wait` waits
        policy: OSPolicy = {
            "datetime": datetime.datetime(2000, 1, 1),
            "timezone": "utc",
            "sleep": "zero",
            "process_time": "zero",
            "random_start": {"seed": 0},
        }
        worker = self._taken(pool.checkout(limits=limits, os_policy=policy))
        session = Session(worker, before, code, description, self.limits.calls)
        with self._lock:
            self._sessions.add(session)
            closed = self._closed
        if closed:
            session.drop()
            raise ExpressionError("the sandbox is closed")
        return session

    def _wound(self, code: str, description: Description, learned: Mapping[str, str]) -> str:
        """The saved behaviours that a program calls, after grammar and calls of all were checked; the last answer is
        kept, as a rehearsal starts the same program in many scenes."""
        last = self._last_wound
        if last is not None and last[0] == code and last[1] is description and last[2] == learned:
            return last[3]
        tree = check_grammar(code)
        check_calls(tree, description, learned)
        before = wind(reached(tree, learned))
        self._last_wound = (code, description, dict(learned), before)
        return before

    def close(self) -> None:
        """Drop every program that is under way, and end all workers. May be called again."""
        with self._lock:
            self._closed = True
            sessions, pool, self._pool = list(self._sessions), self._pool, None
        for session in sessions:
            session.drop()
        if pool is not None:
            pool.__exit__(None, None, None)

    def _open(self) -> Monty:
        """The pool, started when first asked for."""
        with self._lock:
            if self._closed:
                raise ExpressionError("the sandbox is closed")
            if self._pool is None:
                try:
                    from pydantic_monty import Monty
                except ImportError:
                    raise ExpressionError("programs need pydantic-monty; install sac_son[expression]") from None
                pool = Monty(
                    min_processes=self.workers,
                    max_processes=max(self.workers, self.limits.open_programs),
                    checkout_timeout=self.limits.free_s,
                    request_timeout=self.limits.reply_s,
                    turn_duration_limit_grace=self.limits.grace_s,
                    max_checkouts_per_worker=1000,
                )
                try:
                    self._pool = pool.__enter__()
                except RuntimeError as error:
                    raise ExpressionError(f"the sandbox: no worker could be started: {error}") from None
            return self._pool

    def _type_check(self, before: str, code: str, description: Description) -> tuple[str, int]:
        """The type checker's findings as JSON, and how many lines stand before the author's.

        The text begins with a call that suspends it, and there it is left, so that nothing of the program runs.
        """
        from pydantic_monty import MontyCrashedError, MontyError, MontyTypingError

        text = f"{BEFORE}()\n{before}"
        offset = text.count("\n")
        checker = self._open().checkout(
            limits={"max_memory": self.limits.check_bytes, "max_suspensions": 1},
            type_check=True,
            type_check_stubs=description.stubs() + STUB,
            type_check_format="json",
        )
        worker = self._taken(checker)
        try:
            worker.feed_start(text + code, print_callback=silent)
        except MontyTypingError as error:
            return error.display(), offset
        except MontyCrashedError as error:
            took = f"takes longer than {self.limits.reply_s:g} s" if error.timed_out else "ended its process"
            raise ProgramError(f"the program: its type check {took}; write it more simply") from None
        except MontyError as error:
            if isinstance(error.exception(), MemoryError):
                raise ProgramError("the program: its type check needs too much memory; write it more simply") from None
            raise ProgramError(f"the program: can't be read ({error})") from None
        finally:
            worker.__exit__(None, None, None)
        return "[]", offset

    def _taken(self, checkout: MontySession) -> MontySession:
        """A worker of the pool, confined; to be given back by its `__exit__`."""
        from pydantic_monty import MontyError

        try:
            worker = checkout.__enter__()
        except TimeoutError:
            most = self.limits.open_programs
            raise ExpressionError(
                f"the sandbox: all {most} programs it can hold are still under way; drop one"
            ) from None
        except (MontyError, RuntimeError) as error:
            raise ExpressionError(f"the sandbox: no worker could be started: {error}") from None
        confine(worker.worker_pid)
        return worker


def _newlines(code: str) -> str:
    """The code with one kind of line's end, as every reader has to count the same lines."""
    return code.replace("\r\n", "\n").replace("\r", "\n")
