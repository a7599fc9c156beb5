"""Real nodes as real processes for tests: start them on a domain of their own, listen, talk, stop them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

from sac_son_nav.nodes.runtime import run
from sac_son_nav.nodes.transport import avoid_shared_memory

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # [s] for what must happen in the end: only a failure takes that long, a busy machine far less
KEPT_WAITING = 0.1  # [s] that a process had work and no processor, from which on its lateness is the machine's
ATTEMPTS = 3
TURN = 0.05  # [s] for the next message


def home(domain: int) -> Path:
    """Where the nodes of a domain keep what outlives them."""
    return Path(tempfile.gettempdir()) / f"sac_son_test_home_{domain}"


def environment(domain: int) -> dict[str, str]:
    """The surroundings of a process on one domain of this machine alone."""
    return {
        **os.environ,
        "ROS_DOMAIN_ID": str(domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ROS_HOME": str(home(domain)),
        "PYTHONPATH": os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p),
    }


def waits(pid: int) -> dict[str, float]:
    """How long each thread of a process has had work and no processor [s]; empty where the kernel does not count it
    or the process has ended."""
    found = {}
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread may end meanwhile
            found[str(path)] = 1e-9 * int(path.read_text().split()[1])
    return found


def on_a_fair_machine(experiment: Callable[[], tuple[str, float]]) -> None:
    """Fail with what an experiment finds wrong, unless the machine was in its way: then repeat it, and say so.

    `experiment` returns what is wrong, in words (empty: nothing), and how long [s] the machine kept any process of
    the graph waiting meanwhile. How soon a robot stands is a statement about the robot, and shows nothing on
    processors that were busy with something else; but nothing is repeated because it went wrong.
    """
    for attempt in range(1, ATTEMPTS + 1):
        wrong, waited = experiment()
        if not wrong:
            return
        said = f"{wrong} (attempt {attempt}; a process was kept waiting for a processor for {waited:.2f} s)"
        if waited < KEPT_WAITING or attempt == ATTEMPTS:
            pytest.fail(said)
        warnings.warn(said, stacklevel=2)


def refusal(make: Callable[[], Node], parameter: str, domain: int, said: Callable[[], str]) -> str:
    """What a node's process says that ends with status 2 over one parameter, only in this process, which is quicker;
    `said` gives what went to stderr."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.MonkeyPatch.context() as changed:
            for name, value in environment(domain).items():
                changed.setenv(name, value)
            assert run(make, ["--ros-args", "-p", parameter]) == 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return said()


class Process:
    """One process; its output goes to a file, so that it never waits for a reader."""

    def __init__(self, arguments: Sequence[str], domain: int) -> None:
        self.may_end = False  # without a failure of the test
        self.output = tempfile.TemporaryFile("a+")  # noqa: SIM115 - lives as long as the process
        self.handle = subprocess.Popen(
            arguments, env=environment(domain), stdout=self.output, stderr=subprocess.STDOUT, cwd=ROOT
        )

    def said(self) -> str:
        """All it has printed so far."""
        self.output.seek(0)
        return self.output.read()

    def wait(self, within: float = PATIENCE) -> int:
        """Its exit status; a process that does not end in time fails the test with what it said."""
        try:
            return self.handle.wait(within)
        except subprocess.TimeoutExpired:
            self.handle.kill()
            self.handle.wait()
            raise AssertionError(f"still running after {within} s; it said:\n{self.said()}") from None

    def stop(self, number: int = signal.SIGTERM, within: float = PATIENCE) -> int:
        """Ask it to end and return its exit status."""
        self.signal(number)
        return self.wait(within)

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs; after one that ends processes, nobody is surprised that it ends."""
        self.may_end = self.may_end or number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        if self.handle.poll() is None:
            self.handle.send_signal(number)


class Graph:
    """One domain: the processes under test, and a node of this process that listens and talks."""

    def __init__(self, domain: int) -> None:
        self.domain = domain
        shutil.rmtree(home(domain), ignore_errors=True)
        before = {k: os.environ.get(k) for k in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")}
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        avoid_shared_memory()  # as the nodes do: a process that was killed must not hold up the one that judges
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = Node("test", context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._processes: list[Process] = []
        self._paused = 0.0  # [s] by which a turn has taken longer than it may
        self.explain: Callable[[], str] = lambda: ""  # what else to say of a failure
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value

    def start(
        self, module: str, *parameters: str, arguments: Sequence[str] = (), remaps: Sequence[str] = ()
    ) -> Process:
        """Start `python -m module` with ROS parameters given as `name:=value` and remaps as `from:=to`."""
        ros = [word for parameter in parameters for word in ("-p", parameter)]
        ros += [word for remap in remaps for word in ("-r", remap)]
        process = Process(
            [sys.executable, "-m", module, *arguments, *(["--ros-args", *ros] if ros else [])], self.domain
        )
        self._processes.append(process)
        return process

    def listen(self, kind: type, topic: str, quality: QoSProfile | int = 100) -> list[Any]:
        """A list that fills with the topic's messages while this graph is turned."""
        heard: list[Any] = []
        self.node.create_subscription(kind, topic, heard.append, quality)
        return heard

    def turn(self, seconds: float) -> None:
        """Take what comes for a while."""
        self.until(lambda: False, seconds)

    def observe(self, seconds: float, over: Callable[[], bool] = lambda: False) -> float:
        """Take what comes for a while, or until it is over; the longest time [s] that the machine kept anybody waiting
        meanwhile: a thread of a process or of this one for a processor, or all of them at once."""
        before, self._paused = self._waits(), 0.0
        after, end = dict(before), time.monotonic() + seconds
        while time.monotonic() < end and not over():
            self.until(over, within=min(2 * TURN, seconds))
            after |= self._waits()  # now and again, since with a process that ends its count is gone
        return max(self._paused, *(after[thread] - before.get(thread, 0.0) for thread in after), 0.0)

    def _waits(self) -> dict[str, float]:
        return {k: v for pid in (os.getpid(), *(p.handle.pid for p in self._processes)) for k, v in waits(pid).items()}

    def until(self, happened: Callable[[], bool], within: float = PATIENCE) -> bool:
        """Take what comes until something has happened; whether it has, in time."""
        end = time.monotonic() + within
        while not happened():
            now = time.monotonic()
            if now >= end:
                return False
            self._executor.spin_once(timeout_sec=min(end - now, TURN))
            self._paused = max(self._paused, time.monotonic() - now - TURN)
        return True

    def expect(self, happened: Callable[[], bool], what: str, within: float = PATIENCE) -> None:
        """Like `until`, but failing the test with what every process said."""
        running = [p for p in self._processes if p.handle.poll() is None]

        def over() -> bool:
            return happened() or any(p.handle.poll() is not None and not p.may_end for p in running)

        self.until(over, within)
        if not happened():
            said = "\n".join(
                f"{' '.join(p.handle.args[2:4])} (status {p.handle.poll()}): {p.said()[-2000:]}"
                for p in self._processes
            )
            raise AssertionError(
                f"expected {what} within {within} s and no process to end; the processes said:\n{said}\n"
                f"{self.explain()}\nload {' '.join(f'{load:.1f}' for load in os.getloadavg())}"
            )

    def ask(self, kind: type, service: str, request: Any) -> Any:
        """A service's answer. Asked again when none comes: one to a client that the server does not know of yet is
        lost."""
        client = self.node.create_client(kind, service)
        self.expect(client.service_is_ready, f"the service {service}")
        asked = [client.call_async(request)]

        def answered() -> bool:
            if not asked[-1].done() and time.monotonic() > again[-1]:
                again.append(time.monotonic() + 5.0)
                asked.append(client.call_async(request))
            return any(future.done() for future in asked)

        again = [time.monotonic() + 5.0]
        self.expect(answered, f"an answer of {service}")
        return next(future.result() for future in asked if future.done())

    def publisher(self, kind: type, topic: str, subscribers: int = 1, quality: QoSProfile | int = 100) -> Any:
        """A publisher that somebody listens to already."""
        publisher = self.node.create_publisher(kind, topic, quality)
        self.expect(lambda: publisher.get_subscription_count() >= subscribers, f"a subscriber of {topic}")
        return publisher

    def close(self) -> None:
        """End every process that still runs, then leave the graph."""
        for process in self._processes:
            if process.handle.poll() is None:
                process.handle.send_signal(signal.SIGCONT)
                process.handle.kill()
                process.handle.wait()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)
        shutil.rmtree(home(self.domain), ignore_errors=True)
