"""One program under way: from skill call to skill call, until it ends, breaks a rule or is dropped."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from expressive_motion.errors import ProgramError
from expressive_motion.robot import Call, Description, Value

if TYPE_CHECKING:
    from pydantic_monty import MontyError, MontySession, SourceRange, SyncSnapshot

DROPPED = "the program: was dropped"


class Session:
    """A program in its worker. Made by :meth:`expressive_motion.programs.sandbox.Sandbox.start`.

    `next` belongs to one thread at a time; `drop` may come from any.
    """

    def __init__(self, worker: MontySession, before: str, code: str, description: Description, calls: int) -> None:
        self._text = before + code
        self._offset = before.count("\n")  # lines in front of the author's
        self._description = description
        self._calls_left = self._calls = calls
        self._worker: MontySession | None = worker
        self._snapshot: SyncSnapshot | None = None
        self._place = ""  # where it last called, in words
        self._ended = False
        self._error = ""
        self._dropped = False
        self.lost = False
        """Whether it ran out of its time, or its process died: the program's doing, or a machine too busy for it."""
        self._turn = threading.Lock()  # held while the program runs
        self._hand = threading.Lock()  # held for moments, while the worker is given back or killed
        pid = worker.worker_pid
        self._process = _opened(pid) if pid is not None else None

    def next(self, answer: Value | None = None) -> Call | None:
        """Run on to the next call of a skill, `answer` being what the last one returned; None when the program has
        ended.

        ProgramError where the program fails, breaks a limit, asks for anything but a skill within its limits, makes
        too many calls, or has been dropped; it doesn't go on after that.
        """
        if not self._turn.acquire(blocking=False):
            raise ProgramError("the program: is running in another thread; one step at a time")
        try:
            self._refuse()
            if self._ended:
                return None
            call = self._advance(answer)
        except ProgramError as error:
            self._error = self._error or str(error)
            self._give_back()
            if self._dropped:  # which is why its process ended
                raise ProgramError(DROPPED) from None
            raise
        except BaseException:
            self._error = "the program: broken off"
            self._give_back()
            raise
        finally:
            self._turn.release()
        if self._dropped:  # while it ran, or since: whoever dropped it may not have been able to take the worker
            self._give_back()
            self._refuse()
        return call

    def drop(self) -> None:
        """Abandon the program at once, wherever it stands; nothing is called any more after this. From any thread,
        any number of times; waits for nothing."""
        self._dropped = True
        if self._turn.acquire(blocking=False):
            try:
                self._give_back()
            finally:
                self._turn.release()
        else:  # it computes in another thread, which gives the worker back once it is gone
            with self._hand:
                if self._process is not None:
                    _kill(self._process)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # half made, or the interpreter is going
            self.drop()

    @property
    def worker_pid(self) -> int | None:
        """The process that runs the program; None when it is over or while it computes."""
        worker = self._worker
        return None if worker is None else worker.worker_pid

    def _refuse(self) -> None:
        if self._dropped:
            raise ProgramError(DROPPED)
        if self._error:
            raise ProgramError(self._error)

    def _advance(self, answer: Value | None) -> Call | None:
        """The next call; None at the end."""
        from pydantic_monty import FunctionSnapshot, FutureSnapshot, MontyComplete, MontyError

        worker = self._worker
        if worker is None:
            raise ProgramError("the program: is over")
        try:
            if self._snapshot is None:
                snapshot = worker.feed_start(self._text, print_callback=silent)
            elif isinstance(self._snapshot, FunctionSnapshot):
                snapshot = self._snapshot.resume({"return_value": answer})
            else:
                raise ProgramError("the program: is over")
        except MontyError as error:
            raise ProgramError(self._told(error)) from None
        self._snapshot = snapshot
        if isinstance(snapshot, MontyComplete):
            self._ended = True
            self._give_back(sound=True)
            return None
        self._place = self._at(snapshot.position)
        if isinstance(snapshot, FunctionSnapshot) and not snapshot.is_os_function and snapshot.object_id is None:
            return self._call(str(snapshot.function_name), snapshot.args, snapshot.kwargs)
        if isinstance(snapshot, FunctionSnapshot):
            raise ProgramError(
                f"{self._place}: {snapshot.function_name} reaches outside the program, which is refused"
            )
        if isinstance(snapshot, FutureSnapshot):
            raise ProgramError(f"{self._place}: waits for something that nobody does")
        name = snapshot.variable_name
        if name in self._description.skills:
            raise ProgramError(f"{self._place}: {name!r} can only be called, as in {name}(...)")
        raise ProgramError(f"{self._place}: the name {name!r} has no value")

    def _call(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Call:
        """A call, checked and counted."""
        if self._calls_left == 0:
            raise ProgramError(f"{self._place}: expected at most {self._calls} calls in all, got one more")
        self._calls_left -= 1
        return self._description.check(name, arguments, keywords, f"{self._place}: {name}")

    def _at(self, position: SourceRange) -> str:
        """A place in the text, by the author's lines."""
        if not position.filename.startswith("<python-input"):
            return "the program"  # within a text that it had evaluated
        line = self._text.encode()[: position.start].count(b"\n") + 1 - self._offset
        return f"line {line}" if line > 0 else "in a learned behaviour"

    def _told(self, error: MontyError) -> str:
        """What went wrong in the worker, as a sentence."""
        from pydantic_monty import MontyCrashedError, MontyRuntimeError, MontySyntaxError

        if isinstance(error, MontyCrashedError):
            self.lost = True
            how = "had to be ended, as it didn't answer" if error.timed_out else "ended unexpectedly"
            return f"the program: its process {how}"
        if not isinstance(error, (MontyRuntimeError, MontySyntaxError)):
            return f"the program: {error}"
        lines = [frame.line - self._offset for frame in error.traceback()]
        own = [line for line in lines if line > 0]
        where = f"line {own[-1]}" if own else f"after {self._place}" if self._place else "the program"
        if lines and lines[-1] <= 0:
            where += ", in a learned behaviour"
        kind, _, message = error.display(format="type-msg").partition(": ")
        self.lost = kind == "TimeoutError"
        short = message if len(message) <= 200 else f"{message[:197]}..."
        said = {
            "TimeoutError": "computes too long without calling a skill; let the loop end, or wait in it",
            "MemoryError": "needs too much memory",
            "RecursionError": "functions call each other too deeply",
            "ZeroDivisionError": "division by zero",
            "NotImplementedError": "isn't part of the language here",
        }
        return f"{where}: {said.get(kind, f'{short} ({kind})' if short else kind)}"

    def _give_back(self, sound: bool = False) -> None:
        """Return the worker to its pool. Only one whose program came to its end is used again; any other is killed
        first, be it out of order or not: then giving it back never waits for it."""
        with self._hand:
            worker, self._worker = self._worker, None
            process, self._process = self._process, None
            self._snapshot = None
            if process is not None:
                if not sound:
                    _kill(process)
                os.close(process)
        if worker is not None:
            with contextlib.suppress(Exception):  # of a worker that has died, which the pool replaces
                worker.__exit__(None, None, None)


def _opened(pid: int) -> int | None:
    """A handle on a process, Linux's; None where there is none to be had."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _kill(process: int) -> None:
    """End a process by its handle; by its number another one might be hit. Without handles the worker's time limit
    ends it a moment later."""
    with contextlib.suppress(OSError):  # it has ended
        signal.pidfd_send_signal(process, signal.SIGKILL)


def silent(stream: str, text: str) -> None:
    """Where printed text goes: nowhere. A program says things with the skill `say`."""
