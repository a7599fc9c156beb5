"""Have a running expression node do what was rehearsed here: ask, watch its stages, approve, wait for the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import String
from std_srvs.srv import Trigger

from sac_son_nav.errors import GraphError
from sac_son_nav.nodes import runtime
from sac_son_nav.nodes.diagnostics import from_diagnostics

FOUND_WITHIN = 10.0  # [s] for the node to be heard
THOUGHT_WITHIN = 300.0  # [s] for its model
DONE_WITHIN = 120.0  # [s] for the performance
OVER = ("finished", "cancelled", "failed")
NOTHING = ("refused", "unfit", "inactive")


def perform(instruction: str, feedback: Sequence[str] = ()) -> int:
    """Ask the node for the same, approve what it has rehearsed itself, and say how it ends: 0 when it is finished.
    Raises GraphError where no node answers."""
    context = Context()
    runtime.start_ros(context=context)
    node = Node("expression_client", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        return _Asking(node, executor).perform(instruction, feedback)
    finally:
        executor.shutdown()
        node.destroy_node()
        context.try_shutdown()


class _Asking:
    def __init__(self, node: Node, executor: SingleThreadedExecutor) -> None:
        self._node, self._executor = node, executor
        self._stage, self._sentence = "", ""
        node.create_subscription(DiagnosticArray, "expression/status", self._on_status, runtime.RELIABLE)
        self._instruction = node.create_publisher(String, "expression/instruction", runtime.RELIABLE)
        self._feedback = node.create_publisher(String, "expression/feedback", runtime.RELIABLE)
        self._approve = node.create_client(Trigger, "expression/approve")

    def perform(self, instruction: str, feedback: Sequence[str]) -> int:
        self._wait(lambda: bool(self._stage), FOUND_WITHIN, "the expression node")
        for publisher, text in ((self._instruction, instruction), *((self._feedback, t) for t in feedback)):
            self._wait(partial(_is_heard, publisher), FOUND_WITHIN, "the expression node")
            self._stage = ""
            publisher.publish(String(data=text))
            # what it knows already it performs without thinking
            self._wait(self._taken, FOUND_WITHIN, "the node to take up what was asked")
            waited = "an answer of its model"
            self._wait(lambda: self._stage in ("rehearsed", "performing", *OVER, *NOTHING), THOUGHT_WITHIN, waited)
            if self._stage in NOTHING:
                return 1
        if self._stage == "rehearsed":
            self._wait(self._approve.service_is_ready, FOUND_WITHIN, "expression/approve")
            answer = self._approve.call_async(Trigger.Request())
            self._wait(answer.done, FOUND_WITHIN, "an answer of expression/approve")
        self._wait(lambda: self._stage in (*OVER, *NOTHING), DONE_WITHIN, "the end of the performance")
        return 0 if self._stage == "finished" else 1

    def _taken(self) -> bool:
        return self._stage in ("thinking", "performing")

    def _on_status(self, message: DiagnosticArray) -> None:
        for status in from_diagnostics(message):
            stage = str(status.values.get("stage", ""))
            if (stage, status.message) != (self._stage, self._sentence):
                print(f"{stage:12}{status.message}", file=sys.stderr)
            self._stage, self._sentence = stage, status.message

    def _wait(self, done: Callable[[], bool], at_most_s: float, what: str) -> None:
        ends = time.monotonic() + at_most_s
        while not done():
            if time.monotonic() > ends:
                raise GraphError(f"--execute: waited {at_most_s:g} s for {what}, in vain")
            self._executor.spin_once(timeout_sec=0.05)


def _is_heard(publisher: Publisher) -> bool:
    return publisher.get_subscription_count() > 0
