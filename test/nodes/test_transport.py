"""No shared memory between processes, whatever the discovery range, unless the user wants it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray

from sac_son_nav.config import resource
from sac_son_nav.nodes import transport

if TYPE_CHECKING:
    from .graph import Graph

PROFILE = str(resource("config", "dds/localhost.xml"))
NAMES = (transport.TRANSPORTS, transport.RANGE, transport.LOCAL_ONLY, "ROS_STATIC_PEERS", *transport.PROFILES.values())


def surroundings(monkeypatch: pytest.MonkeyPatch, rmw: str = "rmw_fastrtps_cpp", **given: str) -> dict[str, str]:
    """What `avoid_shared_memory` makes of these variables."""
    monkeypatch.setattr(os, "environ", dict(given))
    monkeypatch.setattr(transport.rclpy, "get_rmw_implementation_identifier", lambda: rmw)
    transport.avoid_shared_memory()
    return {name: os.environ[name] for name in NAMES if name in os.environ}


def test_on_a_network_it_is_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert surroundings(monkeypatch) == {"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}
    peers = {"ROS_STATIC_PEERS": "10.0.0.2"}
    assert surroundings(monkeypatch, **peers) == {"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4", **peers}


@pytest.mark.parametrize(("version", "name"), transport.PROFILES.items())
@pytest.mark.parametrize("local", [{"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, {"ROS_LOCALHOST_ONLY": "1"}])
def test_on_one_machine_it_is_the_file_that_this_fast_dds_reads(
    monkeypatch: pytest.MonkeyPatch, version: int, name: str, local: dict[str, str]
) -> None:
    monkeypatch.setattr(transport, "_fast_dds", lambda: version)
    expected = {name: PROFILE, "ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT"}
    assert surroundings(monkeypatch, **local) == expected
    assert surroundings(monkeypatch, **(expected | local)) == expected  # a child that is told once more


@pytest.mark.parametrize(
    "chosen",
    [
        {"FASTDDS_BUILTIN_TRANSPORTS": "DEFAULT"},
        {"FASTDDS_DEFAULT_PROFILES_FILE": "mine.xml"},
        {"FASTRTPS_DEFAULT_PROFILES_FILE": "mine.xml"},
        {"ROS_STATIC_PEERS": "robot"},
    ],
)
def test_what_the_user_chose_stays(monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str]) -> None:
    given = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", **chosen}
    assert surroundings(monkeypatch, **given) == given


def test_other_middleware_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    assert surroundings(monkeypatch, rmw="rmw_cyclonedds_cpp", **given) == given


@pytest.mark.graph
@pytest.mark.parametrize("node", ["simulation", "perception", "navigation", "recording"])
def test_no_node_has_a_queue_in_shared_memory(graph: Graph, node: str, tmp_path: Path) -> None:
    """A queue there is what a listener that was killed leaves behind, and what whoever writes next waits at."""
    heard = graph.listen(DiagnosticArray, "diagnostics")
    parameters = [f"output:={tmp_path / 'bag'}"] if node == "recording" else []
    process = graph.start(f"sac_son_nav.nodes.{node}", *parameters)
    graph.expect(lambda: bool(heard), "the node")
    mapped = Path(f"/proc/{process.handle.pid}/maps").read_text()
    assert "libfast" in mapped  # or this test looks for the wrong middleware's traces
    assert "/dev/shm/fast" not in mapped
