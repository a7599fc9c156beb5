"""What every node shares: parameters from settings, the robot's profile, qualities of service, start and stop.

A node's parameters are read once, at its start, and are read-only afterwards: what `ros2 param dump` shows is
what runs. A parameter that no setting knows is an error, so a misspelt name is never a default.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import rclpy
from rcl_interfaces.msg import ParameterDescriptor
from rclpy._rclpy_pybind11 import RCLError
from rclpy.context import Context
from rclpy.exceptions import ParameterException
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

from sac_son_nav.config import RobotProfile, build, flatten, load_robot, unflatten
from sac_son_nav.errors import ConfigError, SacSonError
from sac_son_nav.nodes.transport import avoid_shared_memory

T = TypeVar("T")


def _quality(reliability: ReliabilityPolicy, durability: DurabilityPolicy, depth: int) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability, durability=durability)


SENSOR = _quality(ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE, 10)
"""To subscribe to sensors: matches publishers of both kinds."""

NEWEST = _quality(ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE, 1)
"""To subscribe to what counts only while it is new: whoever falls behind gets the newest, not a queue of old ones."""

RELIABLE = _quality(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 10)
"""To publish anything: matches subscribers of both kinds."""

LATCHED = _quality(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 1)
"""For maps and static data: whoever comes later still gets the last one."""

LAST_WORDS = 0.2  # [s] for an answer to leave at the end
LAST_RESORT = 30.0  # [s] after a signal, when a process that has not ended ends without closing anything

_FOREIGN = ("qos_overrides.", "use_sim_time", "start_type_description_service")


def declare(node: Node, name: str, default: Any) -> Any:
    """Declare one read-only parameter and return its value; lists come back as lists.

    Types are left to the settings' own check (an int for a float is fine, the rest is refused in words).
    """
    descriptor = ParameterDescriptor(read_only=True, dynamic_typing=True)
    value = node.declare_parameter(name, default, descriptor).value
    return list(value) if isinstance(value, (array, tuple)) else value


def declare_settings(node: Node, settings: T, prefix: str = "", skip: Iterable[str] = ()) -> T:
    """Declare a parameter for each field of a settings dataclass and return the settings as the parameters say.

    Names are `prefix` and the dotted field names of :func:`config.flatten`; fields named in `skip` keep their
    value and get no parameter. A value that does not fit raises ConfigError.
    """
    flat = flatten(settings)
    left_alone = set(skip)
    values = {
        name: value if name in left_alone else declare(node, prefix + name, value) for name, value in flat.items()
    }
    # ConfigError's `where` reads "<node>.<parameter>"
    where = f"{node.get_name()}.{prefix}".rstrip(".")
    return build(type(settings), unflatten(values), where)


def declare_robot(node: Node, default: str = "simulated") -> RobotProfile:
    """The profile that the parameter `robot` names (or gives the path of), its fields open to parameters of
    their own: `limits.vx_max`, `laser.x`, `radius` and so on."""
    name = declare(node, "robot", default)
    if not isinstance(name, str):
        raise ConfigError(f"{node.get_name()}.robot: expected a profile's name or path, got {name!r}")
    return declare_settings(node, load_robot(name), skip=("name",))


def refuse_unknown_parameters(node: Node) -> None:
    """Raise ConfigError when the command line or a file sets a parameter that the node has not declared."""
    given = getattr(node, "_parameter_overrides", {})  # rclpy has no public way to ask for them
    unknown = sorted(name for name in given if not node.has_parameter(name) and not name.startswith(_FOREIGN))
    if unknown:
        raise ConfigError(
            f"{node.get_name()}: unknown parameter {unknown[0]!r}; `ros2 param list` of a running node shows them all"
        )


def start_ros(arguments: Sequence[str] | None = None, context: Context | None = None) -> None:
    """`rclpy.init` as every process of ours calls it: signals left to the caller, messages over UDP.

    `arguments` None: those of the process.
    """
    avoid_shared_memory()
    rclpy.init(
        args=None if arguments is None else list(arguments),
        context=context,
        signal_handler_options=SignalHandlerOptions.NO,
    )


def run(make: Callable[[], Node], arguments: Sequence[str] | None = None) -> int:
    """Start ROS, make the node, spin it until SIGINT or SIGTERM, close it; the process's exit status.

    The callbacks run in a thread of their own while the main thread waits for a signal. So a signal stops the
    callbacks first, and the node's `close()` (if it has one) can still publish: a last zero velocity gets out
    before the graph is left. Before that its `take_leave()` (if it has one) is called while callbacks still run;
    when it returns true, they run a little longer, so that answers get out too. 0 after a signal, 2 after a
    SacSonError, whose sentence goes to stderr.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _end(stop))
    try:
        start_ros(arguments)
    except (RCLError, ValueError, SacSonError) as error:
        return _fail(" ".join(str(error).split()))
    node: Node | None = None
    try:
        try:
            node = make()
            _spin_until(stop, node)
        finally:
            _close(node)
    except (SacSonError, ParameterException) as error:
        return _fail(str(error))
    return 0


def _end(stop: threading.Event) -> None:
    """Begin the end; and make sure of it, for middleware has been seen to hang while it was closed."""
    last_resort = threading.Timer(LAST_RESORT, _give_up_closing)
    last_resort.daemon = True
    last_resort.start()
    stop.set()


def _give_up_closing() -> None:
    print(f"sac-son: not closed {LAST_RESORT:g} s after a signal; ending without it", file=sys.stderr, flush=True)
    os._exit(1)


def _fail(sentence: str) -> int:
    print(f"sac-son: {sentence}", file=sys.stderr, flush=True)
    return 2


def _close(node: Node | None) -> None:
    try:
        if node is not None:
            if hasattr(node, "close"):
                node.close()
            node.destroy_node()
    finally:
        rclpy.try_shutdown()


def _spin_until(stop: threading.Event, node: Node) -> None:
    """Run the node's callbacks in a thread until `stop`; an exception of a callback comes out here.

    One after the other: rclpy's executor of many threads looks for work without pause while a callback runs, and in
    Python that takes the time from the callback itself.
    """
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    failures: list[BaseException] = []

    def work() -> None:
        while not stop.is_set():
            try:
                executor.spin_once(timeout_sec=1.0)
            except ExternalShutdownException:  # noqa: PERF203 - a callback costs far more
                break
            except BaseException as error:
                if not _is_refused_transition(node, error):
                    failures.append(error)
                    break
                node.get_logger().warning(f"lifecycle transition refused: {error}")
        stop.set()
        if not failures:
            _take_leave(executor, node)

    worker = threading.Thread(target=work, name="callbacks")
    worker.start()
    stop.wait()
    executor.create_task(lambda: None)  # `wake` only begins its wait anew
    worker.join()
    executor.shutdown()
    if failures:
        raise failures[0]


def _take_leave(executor: Executor, node: Node) -> None:
    """Let the node say its last words, if it has any."""
    take_leave = getattr(node, "take_leave", None)
    if take_leave is None or not rclpy.ok() or not take_leave():
        return
    end = time.monotonic() + LAST_WORDS
    while (left := end - time.monotonic()) > 0.0:
        executor.spin_once(timeout_sec=left)


def _is_refused_transition(node: Node, error: BaseException) -> bool:
    """Whether a lifecycle node was asked for a transition that its state does not have.

    Jazzy's rclpy raises this out of the executor, where Kilted's answers the request with `success: false`.
    """
    return hasattr(node, "trigger_configure") and isinstance(error, RCLError) and "transition" in str(error).lower()
