"""`sac-son measure expression`: how soon the robot answers, and what its expression node holds, seen from outside.

The embedded world without people, the robot's nodes and a client, each a process. Times are between the client's
publication and the arrival of what answers it, so its own delays are in them: they are upper bounds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, ColorRGBA, String
from std_srvs.srv import Trigger

from expressive_motion.behaviour import Behaviour
from expressive_motion.chain import ProgramDraft
from expressive_motion.evaluation.behaviours import load_behaviours
from expressive_motion.library import Library
from sac_son_nav.config import make_folder, write_atomically
from sac_son_nav.errors import GraphError
from sac_son_nav.nodes import runtime
from sac_son_nav.nodes.bringup import Supervisor, simulation_specs
from sac_son_nav.nodes.diagnostics import from_diagnostics, to_social_events
from sac_son_nav.nodes.supervisor import private_graph
from sac_son_nav.states import SocialEvent

PATIENCE = 60.0  # [s] for anything that must happen in the end
SETS_OUT = 0.001  # [rad] by which a head has begun to move, about what a servo can resolve
MOVED = 0.01  # [rad] by which it has moved so that it may be seen
ROWS = {
    "event_to_light_ms": "event to light [ms]",
    "event_to_first_motion_ms": "event to the head's first motion [ms]",
    "event_to_head_ms": "event to 0.01 rad of the head [ms]",
    "saved_to_first_motion_ms": "saved behaviour to the base's first [ms]",
    "instruction_to_filler_ms": "instruction to filler [ms]",
    "instruction_to_rehearsed_ms": "instruction to rehearsed program [ms]",
    "chain_ms": "the same, processor time alone [ms]",
    "stop_to_zero_ms": "stop to zero velocity [ms]",
    "stop_to_answer_ms": "stop to its answer [ms]",
}
TURNING = "for _ in range(6):\n    turn(180.0)\n    turn(-180.0)\n"


def measure_expression(out: Path, repeats: int = 20) -> int:
    """Measure and print the table; also left as expression.json."""
    import json

    make_folder(out, "expression.json", "log.txt")
    chain = _chain()
    private_graph()
    with tempfile.TemporaryDirectory() as folder, _graph(out, Path(folder)) as nodes, _Client() as client:
        client.wait_until_ready()
        idle = _resident_mb(nodes.pids()["expression"])
        result: dict[str, Any] = {"repeats": repeats, "idle_memory_mb": idle}
        result |= client.events(repeats)
        result |= client.saved(repeats)
        result["memory_without_rehearsal_mb"] = _resident_mb(nodes.pids()["expression"])
        result |= {**client.instructions(repeats), "chain_ms": chain}
        result["memory_after_rehearsals_mb"] = _resident_mb(nodes.pids()["expression"])
    told = {name: _spread(values) if isinstance(values, list) else values for name, values in result.items()}
    write_atomically(out / "expression.json", json.dumps(told, indent=1) + "\n")
    print(f"  {'':<41}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}")
    for name, label in ROWS.items():
        row = told[name]
        print(f"  {label:<41}{row['p50']:>8.1f}{row['p95']:>8.1f}{row['p99']:>8.1f}{row['max']:>8.1f}")
    for name in ("idle_memory_mb", "memory_without_rehearsal_mb", "memory_after_rehearsals_mb"):
        print(f"  {name.removesuffix('_mb').replace('_', ' '):<41}{told[name]:>8.0f} MB")
    return 0


@contextmanager
def _graph(out: Path, library: Path) -> Iterator[Supervisor]:
    """The world and the robot's nodes, with a saved behaviour that turns on the spot."""
    program = ProgramDraft("", "keep_turning", "Turns to and fro.", TURNING)
    words = "Turn to and fro."
    Library(library).save(Behaviour("keep_turning", program.summary, words, "simulated", "fit", program=program))
    given = {"library": str(library), "voice": "topic"}
    specs = [
        replace(spec, parameters={**spec.parameters, **given}) if spec.name == "expression" else spec
        for spec in simulation_specs(scenario="empty")
    ]
    with (out / "log.txt").open("w") as log, Supervisor(specs, output=log) as supervisor:
        yield supervisor


def _chain() -> list[float]:
    """Processor time [ms] from an instruction to a rehearsed program, for each behaviour of behaviours.yaml: the
    offline model, checks and rehearsals in this process, the best of three. Other work hardly changes it."""
    from expressive_motion.models import make_model
    from expressive_motion.pipeline import Pipeline
    from expressive_motion.programs.sandbox import Sandbox
    from expressive_motion.robot import describe

    description, took = describe("simulated"), []
    with Sandbox() as sandbox:
        pipeline = Pipeline(make_model("offline", description), description, sandbox)
        for golden in load_behaviours().values():
            tries = []
            for _ in range(3):
                began = time.process_time()
                pipeline.express(golden.instruction)
                tries.append(1e3 * (time.process_time() - began))
            took.append(min(tries))
    return took


class _Client:
    """Talks to the node and notes when it is answered."""

    def __init__(self) -> None:
        self._context = Context()
        runtime.start_ros(context=self._context)
        self._node = Node("expression_measure", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._free, self._stage = False, ""
        self._arrived: dict[str, float] = {}
        make = self._node.create_subscription
        make(Bool, "base_free", self._on_free, runtime.LATCHED)
        make(DiagnosticArray, "expression/status", self._on_status, runtime.RELIABLE)
        make(ColorRGBA, "expression/light", self._on_light, runtime.RELIABLE)
        make(JointState, "head_command", self._on_head, runtime.RELIABLE)
        make(Twist, "cmd_vel", self._on_command, runtime.RELIABLE)
        publish = self._node.create_publisher
        self._events = publish(DiagnosticArray, "social_events", runtime.RELIABLE)
        self._instructions = publish(String, "expression/instruction", runtime.RELIABLE)
        self._stop = self._node.create_client(Trigger, "expression/stop")

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def wait_until_ready(self) -> None:
        """Until the base is lent, the node is idle and its answers are made ready."""
        self._wait(lambda: self._free and self._stage == "idle" and self._stop.service_is_ready(), "the nodes")
        self._wait(lambda: self._instructions.get_subscription_count() > 0, "a listener")
        self._turn(5.0)

    def events(self, repeats: int) -> dict[str, list[float]]:
        """From an event to light, to the head's first motion and to one that may be seen [ms]; each of another
        person."""
        light, first, head = [], [], []
        for person in range(repeats):
            self._arrived.clear()
            event = SocialEvent(time.time(), "made_way", person)
            began = time.monotonic()
            self._events.publish(to_social_events([event]))
            self._wait(lambda: {"light", "head"} <= self._arrived.keys(), "an answer to an event")
            light.append(1e3 * (self._arrived["light"] - began))
            first.append(1e3 * (self._arrived["head sets out"] - began))
            head.append(1e3 * (self._arrived["head"] - began))
            self._halt()
        return {"event_to_light_ms": light, "event_to_first_motion_ms": first, "event_to_head_ms": head}

    def instructions(self, repeats: int) -> dict[str, list[float]]:
        """From an instruction to the first sign that it was heard, and to a program that was rehearsed [ms]; the
        behaviours of behaviours.yaml in turn."""
        wordings = [golden.instruction for golden in load_behaviours().values()]
        signs, rehearsed = [], []
        for number in range(max(repeats, len(wordings))):
            self._arrived.clear()
            began = time.monotonic()
            self._instructions.publish(String(data=wordings[number % len(wordings)]))
            self._wait(lambda: {"light", "rehearsed"} <= self._arrived.keys(), "a rehearsed behaviour")
            signs.append(1e3 * (self._arrived["light"] - began))
            rehearsed.append(1e3 * (self._arrived["rehearsed"] - began))
            self._halt()
        return {"instruction_to_filler_ms": signs, "instruction_to_rehearsed_ms": rehearsed}

    def saved(self, repeats: int) -> dict[str, list[float]]:
        """From the name of a saved behaviour to the base's first motion, and, while the base turns, from a stop to its
        answer and to zero velocity on cmd_vel [ms]."""
        first, answers, zeros = [], [], []
        for _ in range(repeats):
            self._arrived.clear()
            began = time.monotonic()
            self._instructions.publish(String(data="keep_turning"))
            self._wait(lambda: "turning" in self._arrived, "the base to turn")
            first.append(1e3 * (self._arrived["moves"] - began))
            self._turn(0.3)
            self._arrived.clear()
            began = time.monotonic()
            answers.append(1e3 * self._halt(settle=False))
            self._wait(lambda: "zero" in self._arrived, "a zero velocity")
            zeros.append(1e3 * (self._arrived["zero"] - began))
            self._turn(1.0)
        return {"saved_to_first_motion_ms": first, "stop_to_answer_ms": answers, "stop_to_zero_ms": zeros}

    def _halt(self, settle: bool = True) -> float:
        """Stop, and wait until the robot is itself again; how long the answer took [s]."""
        began = time.monotonic()
        future = self._stop.call_async(Trigger.Request())
        self._wait(future.done, "an answer of expression/stop")
        took = time.monotonic() - began
        if settle:
            self._turn(1.5)
        return took

    def _note(self, what: str) -> None:
        self._arrived.setdefault(what, time.monotonic())

    def _on_light(self, message: ColorRGBA) -> None:
        if message.a > 0.0:
            self._note("light")

    def _on_head(self, message: JointState) -> None:
        turned = max(map(abs, message.position), default=0.0)
        for what, angle in (("head sets out", SETS_OUT), ("head", MOVED)):
            if turned > angle:
                self._note(what)

    def _on_command(self, message: Twist) -> None:
        turning = abs(message.angular.z)
        self._note("moves" if turning > 0.0 else "zero")
        if turning > 0.1:
            self._note("turning")

    def _on_free(self, message: Bool) -> None:
        self._free = message.data

    def _on_status(self, message: DiagnosticArray) -> None:
        self._stage = str(from_diagnostics(message)[0].values.get("stage", ""))
        self._note(self._stage)

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                raise GraphError(f"expected {what} within {PATIENCE:g} s, got nothing; see log.txt in the folder")
            self._executor.spin_once(timeout_sec=0.05)

    def _turn(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            self._executor.spin_once(timeout_sec=left)


def _resident_mb(pid: int) -> float:
    """Memory a process holds now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024.0
    raise GraphError(f"process {pid}: expected its memory in /proc, found none")


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "p50": float(np.percentile(values, 50)),
        "p95": float(np.percentile(values, 95)),
        "p99": float(np.percentile(values, 99)),
        "max": float(np.max(values)),
    }
