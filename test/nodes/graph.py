"""Real nodes as real processes for tests: start them on a domain of their own, listen, talk, stop them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

ROOT = Path(__file__).resolve().parents[2]
DISCOVERY = 15.0  # [s] that two processes may take to find each other on a busy machine


def environment(domain: int) -> dict[str, str]:
    """The surroundings of a process on one domain of this machine alone."""
    return {
        **os.environ,
        "ROS_DOMAIN_ID": str(domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p),
    }


class Process:
    """One process; its output goes to a file, so that it never waits for a reader."""

    def __init__(self, arguments: Sequence[str], domain: int) -> None:
        self.output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self.handle = subprocess.Popen(
            arguments, env=environment(domain), stdout=self.output, stderr=subprocess.STDOUT, cwd=ROOT
        )

    def said(self) -> str:
        """All it has printed so far."""
        self.output.seek(0)
        return self.output.read()

    def wait(self, within: float = 20.0) -> int:
        """Its exit status; a process that does not end in time fails the test with what it said."""
        try:
            return self.handle.wait(within)
        except subprocess.TimeoutExpired:
            self.handle.kill()
            self.handle.wait()
            raise AssertionError(f"still running after {within} s; it said:\n{self.said()}") from None

    def stop(self, number: int = signal.SIGTERM, within: float = 20.0) -> int:
        """Ask it to end and return its exit status."""
        if self.handle.poll() is None:
            self.handle.send_signal(number)
        return self.wait(within)


class Graph:
    """One domain: the processes under test, and a node of this process that listens and talks."""

    def __init__(self, domain: int) -> None:
        self.domain = domain
        before = {k: os.environ.get(k) for k in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")}
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = Node("test", context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._processes: list[Process] = []
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

    def until(self, happened: Callable[[], bool], within: float = DISCOVERY) -> bool:
        """Take what comes until something has happened; whether it has, in time."""
        end = time.monotonic() + within
        while not happened():
            left = end - time.monotonic()
            if left <= 0.0:
                return False
            self._executor.spin_once(timeout_sec=min(left, 0.05))
        return True

    def expect(self, happened: Callable[[], bool], what: str, within: float = DISCOVERY) -> None:
        """Like `until`, but failing the test with what every process said."""
        ended = [p for p in self._processes if p.handle.poll() is not None]

        def over() -> bool:
            return happened() or any(p.handle.poll() is not None for p in self._processes if p not in ended)

        self.until(over, within)
        if not happened():
            said = "\n".join(f"{' '.join(p.handle.args[2:4])}: {p.said()[-2000:]}" for p in self._processes)
            raise AssertionError(
                f"expected {what} within {within} s and no process to end; the processes said:\n{said}"
            )

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
