"""Where the laser sits and where the map lies, from real `/tf` messages; tf2_msgs is made here where it is missing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from .graph import ROOT, Graph
from .test_faults import NODES, Witness

pytestmark = [pytest.mark.graph, pytest.mark.alone]


@pytest.fixture
def tf2_msgs(monkeypatch: pytest.MonkeyPatch) -> None:
    """tf2_msgs for this process and those it starts: ROS's own, or made by the wheels' generators once per machine."""
    try:
        import tf2_msgs.msg  # noqa: F401
    except ImportError:
        if not shutil.which("g++") or not (Path(sys.prefix) / "share/rosidl_generator_py/resource").is_dir():
            pytest.skip("no tf2_msgs here, and no compiler or generators to make it")
        source, tool = ROOT / "test/interfaces/tf2_msgs", ROOT / "tools/build_interfaces.py"
        mark = hashlib.sha256(tool.read_bytes() + sys.prefix.encode()).hexdigest()[:16]
        made = Path(tempfile.gettempdir()) / f"sac_son_test_interfaces_{mark}"
        if not made.is_dir():
            with tempfile.TemporaryDirectory() as folder:
                words = [sys.executable, str(tool), str(source), folder]
                subprocess.run(words, check=True, stdout=subprocess.DEVNULL, timeout=300.0)
                shutil.copytree(folder, f"{made}.{os.getpid()}")
            Path(f"{made}.{os.getpid()}").replace(made)
        monkeypatch.syspath_prepend(str(made))
        before = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", f"{made}{os.pathsep}{before}" if before else str(made))


def test_transforms_place_laser_and_robot_and_their_loss_stops_it(graph: Graph, tf2_msgs: None) -> None:
    """The profile's laser is put a metre off and turned, nobody hears amcl_pose: only by transforms can it drive."""
    from tf2_msgs.msg import TFMessage

    witness = Witness(graph)
    wrong = ("laser.x:=1.0", "laser.yaw:=1.5", "robot:=simulated")
    silent: list[bool] = []  # while there is something in it
    relay = graph.node.create_publisher(TFMessage, "/tf", 100)

    def pass_on(message: TFMessage) -> None:
        localisation = any(t.child_frame_id == "odom" for t in message.transforms)
        if not (silent and localisation):
            relay.publish(message)

    graph.node.create_subscription(TFMessage, "/tf_from_the_world", pass_on, 100)
    graph.start(*NODES["simulation"], remaps=("/tf:=/tf_from_the_world",))
    graph.start(*NODES["perception"], *wrong)
    navigation = graph.start(*NODES["navigation"], *wrong, remaps=("amcl_pose:=nobody",))
    witness.expect_heard("/navigation", "waiting for a goal")
    witness.send_goal()
    witness.expect_moving()
    assert "the laser sits at x 0.000, y 0.000, yaw 0.000 by the transforms" in navigation.said()
    fault = time.monotonic()
    silent.append(True)
    witness.expect_heard("/navigation", "standing: no transform from map to odom for", fault)
    graph.expect(lambda: witness.motions[-1].still, "the robot to stand")
    silent.clear()
    witness.expect_moving()
