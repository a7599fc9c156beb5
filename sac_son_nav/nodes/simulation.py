"""The simulation node: the embedded world as a robot's drivers and localiser would show it.

Publishes `/clock`, `scan`, `odom`, `amcl_pose`, `map`, and `/tf` where tf2_msgs is installed; for evaluation alone
`ground_truth/people`, `ground_truth/people_markers` and `ground_truth/odom`. Takes `cmd_vel`. The world goes on by
one step of the simulator per tick of a wall timer. Ticks that were missed, because the machine was busy or the
process stopped, are gone: the world continues from where it is and never hurries after the wall clock.
"""

from __future__ import annotations

import dataclasses
import io
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped, Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from nav_msgs.msg import Path as Path_
from rclpy.clock import Clock as RclClock
from rclpy.clock import ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan, PointCloud2
from visualization_msgs.msg import MarkerArray

from sac_son_nav.config import write_atomically
from sac_son_nav.datasets.source import header_nanoseconds
from sac_son_nav.errors import ConfigError, GraphError, MessageError
from sac_son_nav.geometry import compose, inverse
from sac_son_nav.nodes import conversions as convert
from sac_son_nav.nodes.diagnostics import ERROR, OK, WARN, Diagnostics
from sac_son_nav.nodes.markers import TRUTH_COLOUR, people_markers, robot_marker
from sac_son_nav.nodes.runtime import (
    LATCHED,
    RELIABLE,
    declare_robot,
    declare_settings,
    refuse_unknown_parameters,
    run,
)
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.sensors import NoiseConfig
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import STOP, Command

POSE_RATE, MARKER_RATE = 5.0, 10.0  # [Hz]; odometry and the truth come with every step
LOOK = 0.02  # [s] between two looks of a world that waits for answers
STANDING = 0.05  # [m/s] below which somebody else walked into the robot, not it into them
DEADLINE = 0.1  # [s] of the wall clock from a scan to its plan, counted where the world waits for it
NO_PLANS = ("arrived", "waiting for a goal", "standing", "not active", "active, waiting")  # how navigation says so
LOG_PERIOD = 5.0  # [s] between two writings of the log


@dataclass(frozen=True)
class SimulationNodeConfig:
    """Which world, and how fast it runs."""

    scenario: str = "crossing"  # a name in config/scenarios, or a path
    seed: int = 0  # of people and sensors; the same seed gives the same world
    real_time_factor: float = 1.0  # seconds of the world per second of the wall clock
    patience: float = 0.0  # [s] of the wall clock that the world waits for the answers to each scan; 0: it never waits
    present_robot: bool = True  # false: the same world without the robot, for comparison
    log: str = ""  # .npz file for what happened, written every few seconds and at the end; empty: none

    def __post_init__(self) -> None:
        if not self.real_time_factor > 0.0:
            raise ConfigError(f"real_time_factor: expected a number above zero, got {self.real_time_factor}")
        if self.patience < 0.0:
            raise ConfigError(f"patience: expected zero or more seconds, got {self.patience}")
        if self.log and not self.log.endswith(".npz"):
            raise ConfigError(f"log: expected a path that ends in .npz, got {self.log!r}")


class SimulationNode(Node):
    """The world behind the topics."""

    def __init__(self) -> None:
        super().__init__("simulation")
        self.robot = declare_robot(self)
        self.config = declare_settings(self, SimulationNodeConfig())
        refuse_unknown_parameters(self)
        self.noise = NoiseConfig()
        scenario = load_scenario(self.config.scenario)
        self.world = Simulator(scenario, self.robot, self.config.seed, self.config.present_robot, self.noise)
        self._command: Command | None = None
        self._refused: str | None = None
        self._log_failed = ""
        self._shown: set[int] = set()
        self._abandoned = False
        self._began = self._last_log = time.monotonic()
        self._log_pause = LOG_PERIOD
        self._watched: tuple[float, float] = (self._began, 0.0)
        if self.config.log:
            self._write_log()  # a path that can't be written to is refused now, not at the end of the run
        self._make_topics()
        self._answers = Answers(self, self.config.patience, 1.0 / self.robot.laser.rate, self._tick)
        self._diagnostics = Diagnostics(self, self._watch)
        self._map.publish(convert.to_occupancy_grid(scenario.floor, convert.to_stamp(0.0)))
        self._publish()
        # A timer of a clock that follows the wall: the node's own clock may be the one it publishes.
        steady, period = RclClock(clock_type=ClockType.STEADY_TIME), self.world.dt / self.config.real_time_factor
        self._timer = self.create_timer(period, self._tick, clock=steady)
        if self.config.patience > 0.0:  # while the world waits, a fast timer would take time from those it waits for
            self._patience_timer = self.create_timer(LOOK, self._look, clock=steady)
        self._diagnostics.set(OK, f"running {scenario.name}", scenario=scenario.name, seed=self.config.seed)

    def _make_topics(self) -> None:
        self._time = self.create_publisher(Clock, "/clock", RELIABLE)
        self._scan = self.create_publisher(LaserScan, self.robot.laser.topic, RELIABLE)
        self._odometry = self.create_publisher(Odometry, "odom", RELIABLE)
        self._pose = self.create_publisher(PoseWithCovarianceStamped, "amcl_pose", RELIABLE)
        self._map = self.create_publisher(OccupancyGrid, "map", LATCHED)
        self._people = self.create_publisher(PointCloud2, "ground_truth/people", RELIABLE)
        self._markers = self.create_publisher(MarkerArray, "ground_truth/people_markers", RELIABLE)
        self._truth = self.create_publisher(Odometry, "ground_truth/odom", RELIABLE)
        self._transforms = Transforms.of(self)
        kind = TwistStamped if self.robot.enable_stamped_cmd_vel else Twist
        self._command_kind = f"geometry_msgs/msg/{kind.__name__}"
        self._command_topic = self.resolve_topic_name("cmd_vel")
        self.create_subscription(kind, "cmd_vel", self._on_command, RELIABLE)

    def _on_command(self, message: Twist | TwistStamped) -> None:
        try:
            self._command, self._refused = convert.from_twist(message, self._command_topic), None
        except MessageError as error:
            self._command, self._refused = STOP, f"{error}; braking"
            self._diagnostics.set(ERROR, self._refused)

    def _tick(self) -> None:
        if self._answers.wanting():
            self._timer.cancel()
            return
        if self._timer.is_canceled():
            self._timer.reset()
        command, self._command = self._command, None
        self.world.step(command)
        self._publish()
        if (self.world.abandoned_for > 0.0) != self._abandoned:
            self._abandoned = not self._abandoned
            self._watch()
        if self.config.log and time.monotonic() - self._last_log > self._log_pause:
            try:
                self._write_log()
            except GraphError as error:
                self._log_failed = str(error)  # the world goes on; the next writing may succeed
            else:
                self._log_failed = ""

    def _look(self) -> None:
        if self._timer.is_canceled():
            self._tick()

    def _publish(self) -> None:
        """What the world shows at this moment."""
        world, robot = self.world, self.robot
        stamp = convert.to_stamp(world.time_s)
        self._time.publish(convert.to_clock(stamp))
        people = world.people()
        self._people.publish(convert.to_people(people, stamp))
        if self.config.present_robot:
            odometry = dataclasses.replace(world.odometry, frame=robot.odom_frame)
            self._odometry.publish(convert.to_odometry(odometry, stamp, robot.base_frame))
            self._truth.publish(convert.to_odometry(world.robot, stamp, robot.base_frame))
            if self._due(robot.laser.rate):
                self._scan.publish(convert.to_laser_scan(world.scan(), stamp))
                self._answers.ask(convert.stamp_nanoseconds(stamp))
            if self._due(POSE_RATE):
                pose = world.localisation()
                spread = np.array([self.noise.localiser_position] * 2 + [self.noise.localiser_yaw])
                self._pose.publish(convert.to_pose_with_covariance(pose, spread, stamp, "map"))
                self._transforms.localised(np.asarray(compose(pose, inverse(odometry.pose))), stamp)
            self._transforms.moved(odometry.pose, stamp)
        if self._due(MARKER_RATE) and self._markers.get_subscription_count() > 0:
            picture = people_markers(people, stamp, colour=TRUTH_COLOUR)
            if self.config.present_robot:
                picture.markers.append(robot_marker(world.pose, robot.radius, stamp, "map"))
            self._markers.publish(picture)

    def _due(self, rate: float) -> bool:
        """Whether something that comes `rate` [Hz] times a second comes with this step."""
        return self.world.steps % max(1, round(1.0 / (rate * self.world.dt))) == 0

    def _watch(self) -> None:
        """Before each regular diagnostics: is the world as fast as asked, and does anybody drive in another way."""
        now, before = (time.monotonic(), self.world.time_s), self._watched
        self._watched = now
        reached = (now[1] - before[1]) / max(now[0] - before[0], 1e-9)
        level, sentence = OK, f"running {self.world.scenario.name}"
        if reached < 0.8 * self.config.real_time_factor and before[1] > 0.0:
            level, sentence = WARN, f"slower than the {self.config.real_time_factor:g} x real time that was asked"
        if self._log_failed:
            level, sentence = WARN, self._log_failed
        if self._abandoned:
            level, sentence = WARN, f"{self._command_topic}: no command, so the base has stopped by itself"
        if self._refused is not None:
            level, sentence = ERROR, self._refused
        others = [
            info
            for info in self.get_publishers_info_by_topic(self._command_topic)
            if info.topic_type != self._command_kind
        ]
        if others:
            level, sentence = (
                ERROR,
                (
                    f"{self._command_topic}: expected {self._command_kind}, got {others[0].topic_type} "
                    f"from {others[0].node_name}; set enable_stamped_cmd_vel alike on both sides"
                ),
            )
        self._diagnostics.set(
            level,
            sentence,
            time_s=self.world.time_s,
            real_time_factor=reached,
            contacts=len(self.world.contacts),
            contacts_driving=sum(c.robot_speed > STANDING for c in self.world.contacts),
            reached_goal=self.world.reached_goal,
            timed_out=self.world.timed_out,
            answers_missed=self._answers.missed,
            plans=self._answers.plans,
            plans_late=self._answers.late,
            latest_plan_ms=1e3 * self._answers.latest,
            seconds_for_people=self._answers.spent["people"],
            seconds_for_plans=self._answers.spent["local_plan"],
        )

    def _write_log(self) -> None:
        """Everything so far: the fields of simulation.history.History, and the contacts."""
        began = self._last_log = time.monotonic()
        history, contacts = self.world.history, self.world.contacts
        file = io.BytesIO()
        np.savez_compressed(
            file,
            **{f.name: getattr(history, f.name) for f in dataclasses.fields(history)},
            contact_times=np.array([c.time_s for c in contacts]),
            contact_with=np.array([c.what for c in contacts], dtype=np.str_),
            contact_speeds=np.array([c.robot_speed for c in contacts]),
            scenario=np.array(self.world.scenario.name),
            seed=np.array(self.config.seed),
            robot=np.array(self.robot.name),
            radii=np.asarray(self.world.crowd.radii),
        )
        try:
            write_atomically(Path(self.config.log), file.getvalue())
        except OSError as error:
            raise GraphError(f"log {self.config.log}: expected a file to write to, got: {error}") from None
        # A long run's log takes longer to write; it may cost the world one part in fifty at most.
        self._log_pause = max(LOG_PERIOD, 50.0 * (time.monotonic() - began))

    def close(self) -> None:
        """Write the log to its end."""
        if self.config.log:
            self._write_log()


class Answers:
    """Lets the world wait until each scan is answered by `people` and, while navigation plans, by `local_plan`: a
    world that goes as fast as nothing is lost. `go_on` is called with the last answer, so it need not wait for
    its timer as well. Who has not answered in time is not waited for until it is heard again, and the world goes no
    faster than real time meanwhile, for whoever is behind would never come up with one that runs."""

    def __init__(self, node: Node, patience: float, period: float, go_on: Callable[[], None]) -> None:
        self._patience, self._period, self._go_on = patience, period, go_on
        self._asked, self._since = 0, 0.0
        self._answered = {"people": 0, "local_plan": 0}  # stamps [ns] of the last answers
        self._present: set[str] = set()  # who is waited for
        self._behind: set[str] = set()  # who did not answer in time, and has not been heard since
        self.missed = 0  # answers that did not come in time
        self.plans, self.late, self.latest = 0, 0, 0.0  # [s] from a scan to its plan
        self.spent = {"people": 0.0, "local_plan": 0.0}  # [s] from scans to people, and from people to plans
        self._seen_at = 0.0  # when the last scan's people came
        if patience > 0.0:
            # Only their stamps matter, and a plan made into Python objects costs as much as the step.
            node.create_subscription(PointCloud2, "people", lambda m: self._hear("people", m), RELIABLE, raw=True)
            node.create_subscription(Path_, "local_plan", lambda m: self._hear("local_plan", m), RELIABLE, raw=True)
            node.create_subscription(DiagnosticArray, "diagnostics", self._on_diagnostics, RELIABLE)

    def _hear(self, name: str, data: bytes) -> None:
        waited = self.wanting()
        self._answered[name] = header_nanoseconds(data)
        self._present.add(name)
        self._behind.discard(name)
        if self._answered[name] == self._asked:
            self._account(name, time.monotonic())
        self._perhaps_go_on(waited)

    def _account(self, name: str, now: float) -> None:
        if name == "people":
            self._seen_at, self.spent[name] = now, self.spent[name] + now - self._since
            return
        took = now - self._since
        self.plans, self.late, self.latest = self.plans + 1, self.late + (took > DEADLINE), max(self.latest, took)
        self.spent[name] += now - max(self._seen_at, self._since)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith("/navigation") and status.message.startswith(NO_PLANS):
                waited = self.wanting()
                self._present.discard("local_plan")
                self._perhaps_go_on(waited)

    def _perhaps_go_on(self, waited: bool) -> None:
        if waited and not self.wanting():
            self._go_on()

    def ask(self, stamp: int) -> None:
        """A scan of this stamp [ns] goes out."""
        self._asked, self._since = stamp, time.monotonic()

    def wanting(self) -> bool:
        """Whether somebody still has to answer, and there is patience left."""
        if self._patience == 0.0:
            return False
        waited = time.monotonic() - self._since
        missing = {name for name in self._present if self._answered[name] < self._asked}
        if missing and waited > self._patience:
            self.missed += len(missing)
            self._present -= missing
            self._behind |= missing
            missing = set()
        return bool(missing) or (bool(self._behind) and waited < self._period)


class Transforms:
    """`/tf` as a localiser and wheel odometry publish it; silent where tf2_msgs is not installed."""

    def __init__(self, node: SimulationNode, message: Any) -> None:
        self._message, self._robot = message, node.robot
        self._moving = node.create_publisher(message, "/tf", RELIABLE) if message else None
        if message:
            laser = node.robot.laser
            fixed = node.create_publisher(message, "/tf_static", LATCHED)
            pose = np.array([laser.x, laser.y, laser.yaw])
            transform = convert.to_transform(pose, convert.to_stamp(0.0), node.robot.base_frame, laser.frame)
            transform.transform.translation.z = laser.height
            fixed.publish(message(transforms=[transform]))

    @staticmethod
    def of(node: SimulationNode) -> Transforms:
        """With tf2_msgs if it is there: rclpy's wheels come without."""
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError:
            TFMessage = None
        return Transforms(node, TFMessage)

    def localised(self, map_from_odom: Any, stamp: Any) -> None:
        """Where the odometry's frame (3,) is in the map."""
        if self._moving:
            transform = convert.to_transform(map_from_odom, stamp, "map", self._robot.odom_frame)
            self._moving.publish(self._message(transforms=[transform]))

    def moved(self, odom_from_base: Any, stamp: Any) -> None:
        """Where the base (3,) is in the odometry's frame."""
        if self._moving:
            transform = convert.to_transform(odom_from_base, stamp, self._robot.odom_frame, self._robot.base_frame)
            self._moving.publish(self._message(transforms=[transform]))


def main() -> None:
    """The executable `simulation_node`."""
    sys.exit(run(SimulationNode))


if __name__ == "__main__":
    main()
