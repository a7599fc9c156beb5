"""Nodes as child processes: started, watched, started again when they die, and ended together.

What `launch` does for the launch files, without `launch`: the same executables with the same arguments. Nothing here
knows ROS beyond its command line.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, TextIO

from sac_son_nav.errors import GraphError

RESPAWN_DELAY = 1.0  # [s] before a dead node is started again; doubled at each death in a row
LONGEST_DELAY = 8.0  # [s]
SETTLED = 10.0  # [s] of life after which a node counts as well again, and its next death as the first
REFUSED = 2  # a node's exit status when its settings make no sense; starting it again changes nothing
LOOK = 0.05  # [s] between two looks at the children
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}  # small matrices: threads cost more than they bring

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class NodeSpec:
    """One node of the graph: which executable, under which name, with what."""

    name: str
    module: str  # with a `main`; run as `python -m`
    parameters: Mapping[str, Any] = field(default_factory=dict)  # set last, over the files
    remaps: Mapping[str, str] = field(default_factory=dict)  # from the node's own topic name to another
    params_files: Sequence[str] = ()  # ROS parameter files, later ones over earlier ones
    namespace: str = ""  # absolute, or empty for none
    respawn: bool = True  # start it again when it dies
    required: bool = False  # when it ends, everything ends
    before: Sequence[str] = ()  # words before the command, of a program that becomes it, such as `ip netns exec NAME`

    @property
    def executable(self) -> str:
        """The console script of the same module, for `ros2 run` and launch."""
        return f"{self.module.rpartition('.')[2]}_node"


def command(spec: NodeSpec) -> list[str]:
    """The argument vector of a node's process: what launch_ros would run, with this interpreter."""
    words = [*spec.before, sys.executable, "-m", spec.module, "--ros-args", "-r", f"__node:={spec.name}"]
    if spec.namespace:
        words += ["-r", f"__ns:={spec.namespace}"]
    for path in spec.params_files:
        words += ["--params-file", path]
    for name, value in spec.parameters.items():
        words += ["-p", f"{name}:={json.dumps(value)}"]  # JSON is YAML, and a text "1" stays a text
    for original, other in spec.remaps.items():
        words += ["-r", f"{original}:={other}"]
    return words


def private_graph() -> None:
    """What this process starts from now on meets on this machine alone, on a domain of its own: nobody else's robot
    hears it. A ROS_DOMAIN_ID or discovery range that the user chose is left as it is."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))


class Supervisor:
    """A context manager in whose body the nodes run.

    `output` receives what the nodes print, each line behind the node's name, and what happens to them (default:
    stderr). All methods may be called from any thread.
    """

    def __init__(self, specs: Sequence[NodeSpec], output: TextIO | None = None, grace: float = 5.0) -> None:
        """`grace` [s] is what the nodes get to end by themselves, before SIGKILL."""
        names = [spec.name for spec in specs]
        if len(set(names)) != len(names):
            raise GraphError(f"nodes to start: expected names that differ, got {', '.join(names)}")
        self.failed = ""  # why the graph ended by itself, in a sentence; empty while it is well
        self._say = _Voice(output)
        self._grace = grace
        self._children = {spec.name: _Child(spec, self._say) for spec in specs}
        self._started, self._stopping, self._over = (threading.Event() for _ in range(3))
        self._signal = signal.SIGTERM
        # The kernel ends a child when the *thread* that started it ends, so one thread starts them all and stays.
        self._keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)

    def __enter__(self) -> Supervisor:
        self._keeper.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def pids(self) -> dict[str, int]:
        """The process ids of the nodes that run now."""
        return {name: child.process.pid for name, child in self._children.items() if child.process is not None}

    def restarts(self) -> dict[str, int]:
        """How often each node was started again."""
        return {name: child.restarts for name, child in self._children.items()}

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a node; one that does not run raises GraphError."""
        child = self._children.get(name)
        if child is None or child.process is None:
            raise GraphError(f"{name}: expected a running node, running are {', '.join(self.pids()) or 'none'}")
        child.process.send_signal(number)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all has ended, by `stop` or because a required node ended or one can't start; whether it has."""
        return self._over.wait(timeout)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send all nodes this signal, give them `grace` seconds, kill what is left. Returns when none is left."""
        self._signal = signal.Signals(number)
        self._stopping.set()
        if self._keeper.ident is not None:
            self._keeper.join()

    def _keep(self) -> None:
        try:
            while not self._stopping.is_set():
                for child in self._children.values():
                    self.failed = self.failed or child.look()
                    if self.failed or child.done:
                        self._stopping.set()
                self._started.set()
                self._stopping.wait(LOOK)
        except OSError as error:  # a process could not be started
            self.failed = f"can't start the nodes: {error}"
        finally:
            self._end()
            self._started.set()
            self._over.set()

    def _end(self) -> None:
        for child in self._children.values():
            child.send(self._signal)
        end = time.monotonic() + self._grace
        for child in self._children.values():
            if not child.ended(max(0.0, end - time.monotonic())):
                self._say(child.spec.name, f"still running {self._grace:g} s after {self._signal.name}; killing it")
                child.send(signal.SIGKILL)
                child.ended(None)


class _Child:
    """One node's process, over all its lives."""

    def __init__(self, spec: NodeSpec, say: _Voice) -> None:
        self.spec, self._say = spec, say
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = -1  # the first start is none
        self.done = False  # ended, and everything is to end with it
        self._due = 0.0  # when to start it next, on the monotonic clock
        self._born = 0.0
        self._delay = RESPAWN_DELAY
        self._last_line = ""
        self._reader = threading.Thread()

    def look(self) -> str:
        """Start it when due, notice when it has died; a sentence when it is beyond help."""
        now = time.monotonic()
        if self.process is None:
            if now >= self._due:
                self._start()
            return ""
        status = self.process.poll()
        if status is None:
            return ""
        self.process = None
        return self._died(status, now - self._born, now)

    def _start(self) -> None:
        parent = os.getpid()

        def bind() -> None:
            # Should this supervisor be killed, the kernel tells the child, who can still stop the robot.
            _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
            if os.getppid() != parent:
                os._exit(1)

        # A session of its own: the terminal's Ctrl-C comes through `stop`, once, in good order.
        self.process = subprocess.Popen(
            command(self.spec),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            preexec_fn=bind,  # two system calls and no lock, so threads do no harm
        )
        self._born = time.monotonic()
        self.restarts += 1
        assert self.process.stdout is not None
        self._reader = threading.Thread(target=self._relay, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _relay(self, pipe: IO[bytes]) -> None:
        """Pass on the process's output until it ends."""
        with pipe:
            for line in iter(lambda: pipe.readline(65536), b""):
                self._last_line = line.decode(errors="replace").rstrip("\n")
                self._say(self.spec.name, self._last_line)

    def _died(self, status: int, lived: float, now: float) -> str:
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        if self.spec.required or (status == REFUSED and self.restarts == 0 and lived < SETTLED):
            self.done = True
            self._reader.join(1.0)
            return f"{self.spec.name} {how}; its last words: {self._last_line or 'none'}" if status else ""
        if not self.spec.respawn:
            self._due = float("inf")
            self._say(self.spec.name, how)
            return ""
        if lived >= SETTLED:
            self._delay = RESPAWN_DELAY
        self._say(self.spec.name, f"{how} after {lived:.1f} s; starting it again in {self._delay:g} s")
        self._due = now + self._delay
        self._delay = min(2.0 * self._delay, LONGEST_DELAY)
        return ""

    def send(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def ended(self, within: float | None) -> bool:
        """Whether the process has ended, waiting up to `within` seconds (None: for ever)."""
        if self.process is not None:
            try:
                self.process.wait(within)
            except subprocess.TimeoutExpired:
                return False
        self.process = None
        return True


class _Voice:
    """Whole lines of several processes on one stream, each behind its node's name."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        # The reader of our output may have gone; the nodes go on, and their pipes must still be emptied.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(f"[{name}] {line}\n")
            self._stream.flush()


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """In its body SIGINT and SIGTERM only fill the list that it hands out (main thread only)."""
    got: list[int] = []
    before = {n: signal.signal(n, lambda number, _: got.append(number)) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield got
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def supervise(specs: Sequence[NodeSpec], output: TextIO | None = None) -> None:
    """Run these nodes until SIGINT or SIGTERM, or until they end by themselves; a failure raises GraphError."""
    with signals() as got, Supervisor(specs, output) as supervisor:
        while not got and not supervisor.wait(0.1):
            pass
        supervisor.stop(got[0] if got else signal.SIGTERM)
    if supervisor.failed:
        raise GraphError(supervisor.failed)
