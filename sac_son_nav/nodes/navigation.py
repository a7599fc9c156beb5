"""The navigation node: people, scan and odometry in, `cmd_vel` out, one plan per sweep of the laser.

A lifecycle node that configures and activates itself unless `autostart` is false. It plans when people arrive; a
watchdog thread, on a clock that always runs, sends zero velocity whenever an input is silent, a plan is overdue, the
goal can't be reached, or the node is not active. The reason is in `diagnostics`. What goes on between the robot and
people is told on `social_events`. All commands for the base come together here (`sharing.py`): a person's hand and
recovery before navigation's own, gestures while navigation stands.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import LaserScan, PointCloud2

from sac_son_nav.errors import MessageError, SacSonError
from sac_son_nav.navigation.contact import Touch
from sac_son_nav.navigation.events import EventsConfig, SocialEvents
from sac_son_nav.navigation.mux import TELEOPERATION, MuxConfig
from sac_son_nav.navigation.navigator import NavigationConfig, Navigator
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.navigation.policy import for_mode
from sac_son_nav.nodes import actions, conversions, runtime
from sac_son_nav.nodes.contacts import Contacts
from sac_son_nav.nodes.diagnostics import ERROR, OK, WARN, Diagnostics, to_social_events
from sac_son_nav.nodes.navigation_settings import NodeConfig
from sac_son_nav.nodes.observing import SWEEPS, FreshnessConfig, Observer
from sac_son_nav.nodes.sharing import DELIBERATE, SharedBase
from sac_son_nav.nodes.showing import MAP, PlanShow
from sac_son_nav.nodes.transforms import LaserPlace, make_transforms, map_from_odom
from sac_son_nav.states import STOP, Command, SocialEvent

SAME_PLACE = 0.5  # [m] between the ends of two paths of one errand


class NavigationNode(LifecycleNode):
    """Declare, convert, call `Navigator.step`, convert, publish."""

    def __init__(self) -> None:
        super().__init__("navigation")
        self.robot = runtime.declare_robot(self)
        self.settings = runtime.declare_settings(self, NodeConfig())
        freshness = runtime.declare_settings(self, FreshnessConfig())
        config = runtime.declare_settings(self, NavigationConfig())
        events = runtime.declare_settings(self, EventsConfig(), "events.")
        mux = runtime.declare_settings(self, MuxConfig(), "mux.")
        runtime.refuse_unknown_parameters(self)
        self.observer = Observer(freshness, self.robot.laser)
        self.transforms = make_transforms(self)
        self.laser = LaserPlace(self, self.robot, self.transforms)
        policy, lack = for_mode(config.mode)
        if lack:
            self.get_logger().warning(lack)
        self.navigator = Navigator(
            config, self.robot.radius, self.robot.limits, seed=self.settings.seed, policy=policy
        )
        self.events = SocialEvents(events, self.robot.radius)
        self._lock = threading.RLock()  # one control step, goal or stop at a time
        stop_file = self.settings.stop_file
        self.base = SharedBase(self, self.robot, mux, self._lock, self._judged, self._blind, stop_file)
        self._active = False
        self._watch_over = threading.Event()
        self._watchdog = threading.Thread(target=self._keep_watch, name="watchdog", daemon=True)
        self._refused_goal = ""
        self._last_goal: tuple[Any, ...] | None = None
        self._last_plan_at = float("-inf")
        self._plan_timeout = self.settings.plan_timeout or SWEEPS / self.robot.laser.rate
        self._idle_word = "waiting for a goal"
        self._social_events = self.create_publisher(DiagnosticArray, "social_events", runtime.RELIABLE)
        self._show = PlanShow(self)
        self._make_subscriptions()
        self._diagnostics = Diagnostics(self)
        self._diagnostics.set(WARN, "not active")
        self.action = actions.serve(
            self, self.settings.action, self._lock, self._set_goal, self._set_path, lambda: self._active
        )

    # -- lifecycle ----------------------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Nothing to load: everything was checked when the node was made."""
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From now on commands are sent."""
        with self._lock:
            self._active = True
        self._diagnostics.set(OK, "active, waiting for a goal")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A last zero, then silence; the goal is forgotten, since nobody expects the base to move when it wakes."""
        with self._lock:
            self.base.halt()
            self._active = False
            self.base.watch(False)
            self.navigator.set_goal(None)
            self.action.finish(False, "not active any more")
        self._diagnostics.set(WARN, "not active")
        return super().on_deactivate(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As deactivation."""
        self.take_leave()
        return TransitionCallbackReturn.SUCCESS

    def take_leave(self) -> bool:
        """Stop, and end the goal in hand while its client can still be told; whether there was one."""
        with self._lock:
            self.close()
            return self.action.finish(False, "navigation has ended")

    def start_watchdog(self) -> None:
        """From now on the inputs are watched, in a thread of its own: a callback that hangs doesn't stop it."""
        self._watchdog.start()

    def _keep_watch(self) -> None:
        try:
            while not self._watch_over.wait(self.settings.watchdog_period):
                self._watch()
        except Exception as error:  # without a watchdog the node must not drive
            self.get_logger().fatal(f"the watchdog failed: {error!r}")
            os.kill(os.getpid(), signal.SIGTERM)

    def close(self) -> None:
        """Leave the base standing."""
        self._watch_over.set()
        if self._watchdog.is_alive():
            self._watchdog.join()
        with self._lock:
            if self._active:
                self.base.halt()
            self._active = False
            self.base.watch(False)

    # -- inputs -------------------------------------------------------------------------------------------------

    def _make_subscriptions(self) -> None:
        newest, sensor, reliable, latched = runtime.NEWEST, runtime.SENSOR, runtime.RELIABLE, runtime.LATCHED
        self.create_subscription(LaserScan, self.robot.laser.topic, self._on_scan, newest)
        self.create_subscription(Odometry, "odom", self._on_odometry, sensor)
        pose = PoseWithCovarianceStamped
        self.create_subscription(pose, "amcl_pose", self._on_localisation, reliable)
        self.create_subscription(PointCloud2, "people", self._on_people, newest)
        self.create_subscription(OccupancyGrid, "map", self._on_map, latched)
        self.create_subscription(Path, "plan", self._on_path, reliable)
        self.contacts = Contacts(self, self.robot, self._on_touch)
        # A latched goal reaches a node that was restarted on the way; rviz's goals are not latched.
        self.create_subscription(PoseStamped, "goal_pose", self._on_goal, reliable)
        self.create_subscription(PoseStamped, "goal_pose", self._on_goal, latched)

    def _on_scan(self, message: LaserScan) -> None:
        try:
            scan = self.laser.take(conversions.from_laser_scan(message, self.robot.laser.topic))
        except MessageError as error:
            return self.observer.refuse("scan", str(error))
        self.observer.place_laser(self.laser.pose)
        return self.observer.hear_scan(scan, time.monotonic())

    def _on_odometry(self, message: Odometry) -> None:
        try:
            state = conversions.from_odometry(message, "odom")
        except MessageError as error:
            return self.observer.refuse("odometry", str(error))
        self.observer.hear_odometry(state, time.monotonic())
        if (found := map_from_odom(self.transforms, MAP, state.frame)) is not None:
            self.observer.hear_transform(found[1], found[0], time.monotonic())
        return None

    def _on_localisation(self, message: PoseWithCovarianceStamped) -> None:
        try:
            pose, _ = conversions.from_stamped_pose(message, "amcl_pose", MAP)
        except MessageError as error:
            return self.get_logger().warning(str(error))
        stamp_s = conversions.to_seconds(message.header.stamp)
        deviation = conversions.position_deviation(message)
        self._announce(self.events.localised(stamp_s, deviation))
        return self.observer.hear_localisation(stamp_s, pose, time.monotonic(), deviation)

    def _on_map(self, message: OccupancyGrid) -> None:
        try:
            floor = conversions.from_occupancy_grid(message, "map", MAP)
        except SacSonError as error:
            return self.get_logger().error(str(error))
        with self._lock:
            self.navigator.set_map(floor)
        return None

    def _on_goal(self, message: PoseStamped) -> None:
        try:
            pose, _ = conversions.from_stamped_pose(message, "goal_pose", MAP)
        except MessageError as error:
            return self._refuse(str(error))
        goal = (conversions.stamp_nanoseconds(message.header.stamp), *pose)
        in_hand = self.navigator.goal
        # Both subscriptions hear a latched goal, and who repeats the goal in hand has nothing new to say.
        if goal != self._last_goal and (in_hand is None or not np.array_equal(pose, in_hand)):
            self._last_goal = goal
            with self._lock:
                self.action.finish(False, "replaced by a goal on goal_pose")
                self._set_goal(pose)
        return None

    def _on_path(self, message: Path) -> None:
        try:
            poses, _ = conversions.from_path(message, "plan", MAP)
        except MessageError as error:
            return self._refuse(str(error))
        with self._lock:
            goal = self.navigator.goal
            # A planner behind the same errand publishes its paths too; those only lead another way to the same end.
            same = goal is not None and len(poses) and np.linalg.norm(goal[:2] - poses[-1, :2]) < SAME_PLACE
            if not same:
                self.action.finish(False, "replaced by a path on plan")
            self._set_path(poses)
        return None

    def _on_touch(self, touches: tuple[Touch, ...]) -> None:
        """Something touches the base, or nothing any more: it drives no further towards it, now."""
        with self._lock:
            pressed = [t for t in touches if t.kind == "bumper" and t not in self.base.touches]
            self.base.touch(touches)
            observation = self.observer.observation(localised=False)
            if pressed and observation is not None and self._active:
                place = pressed[0].place(observation.robot.pose, self.robot.radius)
                self._announce(list(self.events.touched(observation, place)))

    def _refuse(self, sentence: str) -> None:
        """No goal any more, and the reason why; the watchdog stops the base."""
        with self._lock:
            self._refused_goal = sentence
            self.navigator.set_goal(None)
            self.action.finish(False, sentence)

    def _set_goal(self, pose: Any) -> None:
        with self._lock:
            self._refused_goal, self._idle_word = "", "waiting for a goal"
            self.navigator.set_goal(pose)

    def _set_path(self, poses: Any) -> None:
        with self._lock:
            self._refused_goal = ""
            if poses is None or len(poses) == 0:
                self.navigator.set_goal(None)
            else:
                self.navigator.set_route(poses[:, :2], float(poses[-1, 2]))

    # -- control ------------------------------------------------------------------------------------------------

    def _on_people(self, message: PointCloud2) -> None:
        try:
            people = conversions.from_people(message, "people")
        except MessageError as error:
            return self.observer.refuse("people", str(error))
        self.observer.hear_people(people, time.monotonic())
        with self._lock:
            if self._active and not self._problem():
                self._control()
        return None

    def _problem(self) -> str:
        """Why navigation must not move the base now; empty when it may."""
        if self.base.stop.engaged:
            return self.base.stop.reason
        if self._refused_goal:
            return self._refused_goal
        navigator = self.navigator
        if self.settings.require_map and navigator.floor is None and navigator.route is None:
            return "no map yet: expected one on map (or a plan on plan)"
        return self._blind()

    def _blind(self, source: str = "") -> str:
        """Why nothing that is seen may be driven by; empty when it may. The deliberate need no place in the map."""
        world = self.get_clock().now().nanoseconds * 1e-9
        return self.observer.problem(time.monotonic(), world if world > 0.0 else None, source not in DELIBERATE)

    def _judged(self, source: str, command: Command, period: float) -> Command | None:
        """What the shield leaves of somebody else's command; None while the node is not active."""
        if not self._active:
            return None
        observation = self.observer.observation(source not in DELIBERATE)
        if observation is None or self._blind(source):
            return STOP
        backward = source in DELIBERATE or self.observer.sees_behind(self.robot.radius)
        return self.navigator.guard(command, observation, period, backward).command

    def _control(self) -> None:
        """One control step; whatever goes wrong in it, the base is told to stop first."""
        observation = self.observer.observation()
        if self.navigator.goal is None:
            self.base.release()  # it belongs to whoever else commands it
            self._diagnostics.set(OK, self._idle_word)
            if observation is not None:
                self._announce(self.events.step(self.navigator.step(observation), observation))  # idle, but watching
            return
        if observation is None:
            return
        began = time.perf_counter()
        try:
            plan = self.navigator.step(observation, self.observer.sees_behind(self.robot.radius))
        except SacSonError as error:
            self.base.halt()
            self._refuse(str(error))
            return
        except BaseException:
            self.base.halt()
            raise
        if time.perf_counter() - began > self._plan_timeout:  # the world has moved on meanwhile
            self.base.navigate(STOP)
            self._diagnostics.set(WARN, f"a plan took {time.perf_counter() - began:.1f} s and was thrown away")
            return
        self.base.navigate(plan.command)
        self._last_plan_at = time.monotonic()
        self._show.show(plan, self.navigator)
        self._tell(plan, 1e3 * (time.perf_counter() - began))
        self._announce(self.events.step(plan, observation, self.navigator.route))
        self.action.report(plan, observation.robot, self.navigator.route)
        if plan.status == "arrived":
            self._idle_word = "arrived"
            self.navigator.set_goal(None)

    def _watch(self) -> None:
        """Stand still whenever moving on would be driving blind, or when a control step takes too long."""
        if not self._lock.acquire(timeout=self._plan_timeout):
            if self._active:  # a step is under way and overdue; its own command will be thrown away
                self.base.halt()
            return
        try:
            if not self._active:
                return
            if self.action.cancelling():  # here, since it must not take a scan or a person to be heard
                self.base.navigate(STOP)
                self.navigator.set_goal(None)
                self.action.finish(False)
            problem = self._problem()
            if not problem and time.monotonic() - self._last_plan_at > self._plan_timeout:
                problem = "no plan in time" if self.navigator.goal is not None else ""
            if problem and self.navigator.goal is not None:
                self.base.navigate(STOP)
            elif problem:
                self.base.release()
            self.base.watch(True)
        finally:
            self._lock.release()
        if problem:
            self._diagnostics.set(ERROR, f"standing: {problem}")

    def _announce(self, events: list[SocialEvent]) -> None:
        if events:
            self._social_events.publish(to_social_events(events))

    def _tell(self, plan: Plan, step_ms: float) -> None:
        """What the step came to, in diagnostics; whose the base is, where it is somebody else's."""
        seen = {"people": len(plan.ids), "short_tracks": len(plan.short_tracks)}
        values = {"step_ms": step_ms, **seen, "base": self.base.driver, **plan.terms}
        reason = self.base.held or ("a person drives" if self.base.driver == TELEOPERATION else plan.reason)
        level = OK if not reason else WARN
        self._diagnostics.set(level, plan.status + (f": {reason}" if reason else ""), **values)


def make() -> NavigationNode:
    """The node, active unless `autostart` is false."""
    node = NavigationNode()
    node.start_watchdog()
    if node.settings.autostart:
        node.trigger_configure()
        node.trigger_activate()
    return node


def main() -> None:
    """Entry point of `navigation_node`."""
    sys.exit(runtime.run(make))


if __name__ == "__main__":
    main()
