"""The faults that are tried: what is done, what undoes it, and what the robot has to do and to say meanwhile."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Twist
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nav_msgs.msg import OccupancyGrid
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header
from std_srvs.srv import SetBool

from sac_son_nav.maps import OccupancyMap
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.fault_rig import ENDS, Break, Rig
from sac_son_nav.nodes.recording import message_class
from sac_son_nav.nodes.small_disk import ROOM

STOPS, GOES_ON, NOT_TOWARDS, NEVER_LATE = "stops", "goes on", "drives not towards it", "drives on nothing late"
WITHIN = 0.6  # [s] from the fault to rest: the inputs' time-out, a watchdog's period, and braking

Act = Callable[[Rig], None]


@dataclass(frozen=True)
class Fault:
    """One row of the table. `reason`: (node, words) of which any must be heard; empty: nothing need be said."""

    group: str
    name: str
    begin: Act
    end: Act = lambda rig: None
    expected: str = STOPS
    within: float = WITHIN  # [s]
    reason: tuple[tuple[str, str], ...] = ()
    by_commands: bool = False  # the truth is silent too: judged by what is commanded
    lasts: float = 1.5  # [s]
    late: str = ""  # with NEVER_LATE: what it must not drive without, people or commands
    side: float = 1.0  # with NOT_TOWARDS: 1 ahead, -1 behind
    before: Act | None = None  # something other than driving to a goal


def mend(topic: str) -> Act:
    """The topic is as it should be again."""
    return lambda rig: rig.broken.pop(topic, None) and None


def breaking(topic: str, make: Callable[[Any], Break] | Break, state: bool = False) -> Act:
    """Break a topic with a function of each message; with `state`, with what make(rig) returns."""

    def begin(rig: Rig) -> None:
        rig.broken[topic] = make(rig) if state else make  # type: ignore[assignment]

    return begin


def to(name: str, number: int) -> Act:
    """Send a node a signal."""
    return lambda rig: rig.nodes.kill(name, number)


def slowly(name: str) -> Act:
    """A node that gets 0.1 s of every 0.5 s."""

    def begin(rig: Rig) -> None:
        over = threading.Event()
        rig.at_work.append(over)

        def work() -> None:
            while not over.is_set():
                rig.nodes.kill(name, signal.SIGSTOP)
                over.wait(0.4)
                rig.nodes.kill(name, signal.SIGCONT)
                over.wait(0.1)

        threading.Thread(target=work, daemon=True).start()

    return begin


# -- what is sent -------------------------------------------------------------------------------------------------


def touch(*points: tuple[float, float]) -> Act:
    """A bumper pressed in these directions; none: released."""

    def act(rig: Rig) -> None:
        message = PointCloud2(header=Header(frame_id="base_link"), height=1, width=len(points), point_step=8)
        message.fields = [PointField(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate("xy")]
        message.data = np.array(points, np.float32).tobytes()
        rig.publisher("sensor_msgs/msg/PointCloud2", "contact_points").publish(message)

    return act


def hand(linear: float, angular: float) -> Act:
    """A person drives until `Rig.rest`."""

    def act(rig: Rig) -> None:
        over = threading.Event()
        rig.at_work.append(over)
        publisher = rig.publisher("geometry_msgs/msg/Twist", "cmd_vel_teleop")
        message = Twist()
        message.linear.x, message.angular.z = linear, angular

        def work() -> None:
            while not over.wait(0.05):
                publisher.publish(message)

        threading.Thread(target=work, daemon=True).start()

    return act


def backing_up(rig: Rig) -> None:
    """A person backs the robot up, and it does."""
    hand(-0.18, 0.0)(rig)
    rig.wait(lambda: rig.notes.motions[-1].speed < -0.12, "the base to back up")


def released_and_off(rig: Rig) -> None:
    """Bumper and hand let go."""
    touch()(rig)
    rig.rest()


def stop(engaged: bool) -> Act:
    """The software stop."""

    def act(rig: Rig) -> None:
        rig.call(SetBool, "stop", SetBool.Request(data=engaged))

    return act


def stop_then_kill(rig: Rig) -> None:
    """Stop, and the node that keeps the stop dies."""
    stop(True)(rig)
    rig.nodes.kill("navigation", signal.SIGKILL)


def stop_on_a_full_disk(rig: Rig) -> None:
    """The stop can't be written down."""
    rig.disk.fill()
    stop(True)(rig)


def room_and_release(rig: Rig) -> None:
    """Room on the disk again, and the stop released."""
    rig.disk.empty()
    stop(False)(rig)


def record_to_a_full_disk(rig: Rig) -> None:
    """A recorder with 64 kB left for what it records."""
    rig.disk.fill(ROOM)
    output = f"output:={rig.disk.path / 'recording'}"
    words = [sys.executable, "-m", "sac_son_nav.nodes.recording", "--ros-args", "-p", output, "-p", "compress:=false"]
    rig.recorder = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # type: ignore[attr-defined]


def no_recorder(rig: Rig) -> None:
    """The recorder ends, if it has not, and the disk is empty."""
    rig.recorder.kill()  # type: ignore[attr-defined]
    rig.recorder.wait()  # type: ignore[attr-defined]
    rig.disk.empty()
    shutil.rmtree(rig.disk.path / "recording", ignore_errors=True)


def transition(number: int) -> Act:
    """A lifecycle transition of navigation; whether it is refused is its own business."""

    def act(rig: Rig) -> None:
        client = rig.node.create_client(ChangeState, "navigation/change_state")
        rig.wait(client.service_is_ready, "navigation's lifecycle")
        client.call_async(ChangeState.Request(transition=Transition(id=number)))

    return act


def activate_and_go(rig: Rig) -> None:
    """Wake it; its goal was forgotten on purpose, so it is given again."""
    transition(Transition.TRANSITION_ACTIVATE)(rig)
    time.sleep(0.5)
    rig.send_goal()


def two_goals(rig: Rig) -> None:
    """Both ends of the corridor at once; the second is the one it had."""
    for pose in (ENDS[0], ENDS[1], ENDS[0]):
        rig.send_goal(pose)
    rig.send_goal()


def wall_goal(rig: Rig) -> None:
    """A goal that nobody can reach."""
    rig.send_goal((8.0, 4.1, 0.0))


def goal_of_nan(rig: Rig) -> None:
    """A goal that is none."""
    message = conversions.to_pose_stamped(np.zeros(3), rig.node.get_clock().now().to_msg(), "map")
    message.pose.position.x = float("nan")
    rig.publishers["goal_pose"].publish(message)


def goal_elsewhere(rig: Rig) -> None:
    """A goal in a frame that nobody knows."""
    stamp = rig.node.get_clock().now().to_msg()
    rig.publishers["goal_pose"].publish(conversions.to_pose_stamped(np.array([5.0, 2.0, 0.0]), stamp, "base_link"))


def again(rig: Rig) -> None:
    """The goal it had."""
    rig.send_goal()


def goal_flood(rig: Rig) -> None:
    """The same goal three hundred times in 1.5 s."""
    for _ in range(300):
        rig.send_goal()
        time.sleep(0.005)


def wrong_type(topic: str, kind: str) -> Act:
    """Somebody publishes another type of message on a topic."""

    def act(rig: Rig) -> None:
        publisher = rig.publisher(kind, topic)
        for _ in range(20):
            publisher.publish(message_class(kind)())
            time.sleep(0.02)

    return act


def hand_of_nan(rig: Rig) -> None:
    """A joystick that sends no numbers."""
    message = Twist()
    message.linear.x = float("nan")
    for _ in range(20):
        rig.publisher("geometry_msgs/msg/Twist", "cmd_vel_teleop").publish(message)
        time.sleep(0.02)


def huge_map(rig: Rig) -> None:
    """Sixteen million cells, latched."""
    if "map" not in rig.publishers:
        rig.publishers["map"] = rig.node.create_publisher(OccupancyGrid, "map", runtime.LATCHED)
        rig.wait(lambda: rig.publishers["map"].get_subscription_count() > 0, "navigation to listen to maps")
    huge = OccupancyMap(np.zeros((4000, 4000), np.int8), 0.05, (-90.0, -90.0))
    rig.publishers["map"].publish(conversions.to_occupancy_grid(huge, conversions.to_stamp(0.0)))


def nonsense_map(rig: Rig) -> None:
    """A map with fewer cells than it says."""
    if "map" not in rig.publishers:
        rig.publishers["map"] = rig.node.create_publisher(OccupancyGrid, "map", runtime.LATCHED)
        rig.wait(lambda: rig.publishers["map"].get_subscription_count() > 0, "navigation to listen to maps")
    message = OccupancyGrid(header=Header(frame_id="map"))
    message.info.width, message.info.height, message.info.resolution = 10, 10, 0.05
    message.info.origin.orientation.w = 1.0
    rig.publishers["map"].publish(message)
