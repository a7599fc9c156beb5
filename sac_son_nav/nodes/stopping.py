"""The software stop: `stop` (std_srvs/SetBool) takes the base from everybody, and only `stop` gives it back.

It holds until it is released: it outlives the node that keeps it, in a file, for a node that died and was started
again must not set off with a robot that somebody has stopped. `stopped` (std_msgs/Bool, latched) tells it to all.
This is no emergency stop: it is software, and as dependable as the computer it runs on.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from rclpy.node import Node
from std_msgs.msg import Bool
from std_srvs.srv import SetBool

from sac_son_nav.config import write_atomically
from sac_son_nav.nodes import runtime

RELEASE = "release it with: ros2 service call {service} std_srvs/srv/SetBool '{{data: false}}'"


class StopFile:
    """Whether the stop is set, kept on disk. A disk that fails changes nothing for as long as this object lives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.since: float | None = None  # [s] of the wall's clock when it was set; None: not set
        self.complaint = ""  # why the disk does not know what this object knows; empty: it does
        self._read()

    def _read(self) -> None:
        try:
            self.since = float(json.loads(self.path.read_text(encoding="utf-8"))["since"])
        except FileNotFoundError:
            self.since = None
        except (OSError, ValueError, KeyError, TypeError) as error:
            # Somebody stopped the robot, and what they wrote can't be read: it stays stopped.
            self.since = time.time()
            self.complaint = f"{self.path}: expected the time of a stop, got: {error}; taken for one"

    def set(self) -> None:
        """From now on, or from when it was set before."""
        if self.since is None:
            self.since = time.time()
        try:
            write_atomically(self.path, json.dumps({"since": self.since}) + "\n")
            self.complaint = ""
        except OSError as error:
            self.complaint = f"{self.path}: the stop can't be written ({error.strerror}); it ends with this process"

    def release(self) -> None:
        """No more. Where the file can't be removed the stop stays, and OSError says why."""
        self.path.unlink(missing_ok=True)
        self.since, self.complaint = None, ""


def stop_path(given: str, node: str, domain: str | None = None) -> Path:
    """Where a node keeps its stop: the file `given`, or one of its own below ROS_HOME (~/.ros), by domain and name."""
    if given:
        return Path(given)
    home = Path(os.environ.get("ROS_HOME") or Path.home() / ".ros")
    domain = domain if domain is not None else os.environ.get("ROS_DOMAIN_ID") or "0"
    return home / "sac_son" / f"stop-{domain}{node.replace('/', '-')}.json"


class SoftwareStop:
    """The service and the topic. `changed` is called after each change."""

    def __init__(self, node: Node, path: str, changed: Callable[[], None]) -> None:
        self._node, self._changed = node, changed
        self._file = StopFile(stop_path(path, node.get_fully_qualified_name()))
        self._told = node.create_publisher(Bool, "stopped", runtime.LATCHED)
        node.create_service(SetBool, "stop", self._on_stop)
        self._service = node.resolve_service_name("stop")
        if self._file.complaint:
            node.get_logger().error(self._file.complaint)
        self._tell()

    @property
    def reason(self) -> str:
        """Why the base must stand; empty when it need not."""
        if self._file.since is None:
            return ""
        ago = max(0.0, time.time() - self._file.since)
        return f"stopped on request {_words(ago)} ago; {RELEASE.format(service=self._service)}"

    @property
    def engaged(self) -> bool:
        """Whether the base must stand."""
        return self._file.since is not None

    def _on_stop(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success = True
        if request.data:
            self._file.set()
            response.message = self._file.complaint or f"stopped; {RELEASE.format(service=self._service)}"
        else:
            try:
                self._file.release()
                response.message = "released"
            except OSError as error:
                response.success = False
                response.message = f"still stopped: {self._file.path} can't be removed: {error.strerror}"
        self._node.get_logger().warning(f"stop: {response.message}")
        self._tell()
        self._changed()
        return response

    def _tell(self) -> None:
        self._told.publish(Bool(data=self.engaged))


def _words(seconds: float) -> str:
    """About how long, so that a sentence that is said every second does not change with it."""
    for unit, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return "less than a minute"
