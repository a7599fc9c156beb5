"""What `sac-son doctor` makes of a running graph: rules over a description of it, without ROS.

`nodes/doctor.py` looks and describes; here each rule says in words what is wrong and what to do about it. Levels:
`fault`, the robot will not drive or must not; `warning`, it drives worse than it could, or may stop; `note`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sac_son_nav.nodes.graph_view import GraphView, Heard, Topic

FAULT, WARNING, NOTE = "fault", "warning", "note"
SLOW = 0.7  # of the expected rate, below which a topic is slow
GAP = 3.0  # periods between two messages from which on some were lost
OLD, AHEAD = 0.5, 0.2  # [s] that stamps may lie behind the clock, and before it
ODOMETRY_RATE = 10.0  # [Hz] that every robot here reaches
SET_BACK = 1.0  # [s]

KINDS = {
    "odom": "nav_msgs/msg/Odometry",
    "map": "nav_msgs/msg/OccupancyGrid",
    "plan": "nav_msgs/msg/Path",
    "amcl_pose": "geometry_msgs/msg/PoseWithCovarianceStamped",
    "people": "sensor_msgs/msg/PointCloud2",
    "goal_pose": "geometry_msgs/msg/PoseStamped",
    "contact_points": "sensor_msgs/msg/PointCloud2",
}
CONTACTS = {  # by hardware: where its bumpers are heard, and whose messages they are
    "create3": (("hazard_detection",), "irobot_create_msgs"),
    "kobuki": (("events/bumper", "events/cliff", "events/wheel_drop"), "kobuki_ros_interfaces"),
    "turtlebot3": (("sensor_state",), "turtlebot3_msgs"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, what, and what to do."""

    level: str
    where: str
    what: str
    remedy: str


Rule = Callable[[GraphView], Iterator[Finding]]


def diagnose(view: GraphView) -> list[Finding]:
    """Everything that is wrong, the worst first. Where nobody is there, that is all there is to say."""
    alone = list(_nobody(view))
    if alone:
        return alone
    found = [finding for rule in RULES for finding in rule(view)]
    return sorted(found, key=lambda finding: (FAULT, WARNING, NOTE).index(finding.level))


def _nobody(view: GraphView) -> Iterator[Finding]:
    if not view.nodes:
        yield Finding(
            FAULT,
            "the graph",
            f"no node was seen on domain {view.domain}",
            "start the robot's drivers; compare ROS_DOMAIN_ID, ROS_AUTOMATIC_DISCOVERY_RANGE and RMW_IMPLEMENTATION "
            "with theirs; on one machine `ros2 daemon stop` forgets an old graph",
        )


def _our_nodes(view: GraphView) -> Iterator[Finding]:
    start = f"ros2 launch sac_son bringup.launch.py robot:={view.robot.name}"
    start += f" namespace:={view.namespace}" if view.namespace else ""
    for name in ("perception", "navigation", "expression"):
        count = view.nodes.count(_absolute(view, name))
        if count == 0 and (name != "expression" or view.wants_expression):
            level = NOTE if name == "expression" else FAULT
            yield Finding(level, name, "the node is not there", f"start it: {start}, or read why it ended in its log")
        elif count > 1:
            yield Finding(
                FAULT,
                name,
                f"there are {count} nodes of that name",
                "end one: both publish, and each undoes the other",
            )


def _inputs(view: GraphView) -> Iterator[Finding]:
    needed = {view.robot.laser.topic: "the laser's driver", "odom": "the base's driver"}
    for topic, who in needed.items():
        if not view.topics.get(topic, Topic()).publishers:
            there = [name for name in view.elsewhere if topic == view.robot.laser.topic]
            remedy = (
                f"there is {there[0]}: give --namespace {there[0].rsplit('/', 1)[0].strip('/')}"
                if there
                else f"start {who}, or remap its topic to {topic}"
            )
            yield Finding(FAULT, topic, "nobody publishes it", remedy)
    place = view.topics.get("amcl_pose", Topic()).publishers
    if not place and (view.transforms == "none" or view.transform_problem):
        why = view.transform_problem or "transforms can't be heard here: neither tf2_ros nor tf2_msgs is installed"
        yield Finding(
            FAULT,
            "localisation",
            f"nobody tells where the robot is in the map: nobody publishes amcl_pose, and {why}",
            "start a localiser (nav2_amcl, slam_toolbox) and give it a first pose (rviz: 2D Pose Estimate)",
        )
    if not view.topics.get("map", Topic()).publishers and not view.topics.get("plan", Topic()).publishers:
        yield Finding(
            FAULT,
            "map",
            "there is no map, nor a planner that sends paths on plan",
            "start map_server or slam_toolbox; in open space set require_map: false",
        )


def _kinds(view: GraphView) -> Iterator[Finding]:
    expected = {**KINDS, view.robot.laser.topic: "sensor_msgs/msg/LaserScan"}
    for name, kind in expected.items():
        for end in view.topics.get(name, Topic()).publishers:
            if end.kind != kind:
                yield Finding(FAULT, name, f"{end.node} publishes {end.kind}, expected {kind}", "remap one of the two")


def _command(view: GraphView) -> Iterator[Finding]:
    topic, stamped = view.topics.get(view.command, Topic()), view.robot.enable_stamped_cmd_vel
    ours = f"geometry_msgs/msg/{'TwistStamped' if stamped else 'Twist'}"
    for end in topic.subscribers:
        if end.kind != ours:
            yield Finding(
                FAULT,
                view.command,
                f"{end.node} takes {end.kind}, but the profile {view.robot.name!r} sends {ours}",
                f"set enable_stamped_cmd_vel: {str(not stamped).lower()}, for us or for the base",
            )
    if not topic.subscribers:
        yield Finding(
            FAULT, view.command, "nobody takes the velocity command", "start the base's driver, or remap its topic"
        )
    ours_node = _absolute(view, "navigation")
    others = sorted({end.node for end in topic.publishers} - {ours_node})
    if others and any(end.node == ours_node for end in topic.publishers):
        yield Finding(
            FAULT,
            view.command,
            f"{', '.join(others)} publishes it beside {ours_node}: the base gets two minds",
            "let others drive through cmd_vel_teleop or cmd_vel_recovery; with Nav2, ours goes to cmd_vel_nav",
        )


def _qualities(view: GraphView) -> Iterator[Finding]:
    for name, topic in view.topics.items():
        for there in topic.publishers:
            for here in topic.subscribers:
                if here.kind != there.kind:
                    continue
                if here.reliable and not there.reliable:
                    what, remedy = "reliable and gets best effort", "subscribe it best effort (sensor data)"
                elif here.latched and not there.latched:
                    what, remedy = "transient local and gets volatile", "publish it transient local (latched)"
                else:
                    continue
                yield Finding(
                    FAULT if name in (view.command, "map") else WARNING,
                    name,
                    f"{here.node} hears nothing from {there.node}: it asks for {what}",
                    remedy,
                )


def _silence(view: GraphView) -> Iterator[Finding]:
    for name in (view.robot.laser.topic, "odom", "people"):
        topic, heard = view.topics.get(name, Topic()), view.heard.get(name)
        if topic.publishers and heard is not None and heard.count == 0:
            who = ", ".join(sorted({end.node for end in topic.publishers}))
            yield Finding(
                FAULT,
                name,
                f"{who} publishes it, but nothing came in {view.seconds:.0f} s",
                "look at its log; a sensor may be unplugged, a lifecycle node inactive, or the network be in the way",
            )


def _rates(view: GraphView) -> Iterator[Finding]:
    laser = view.robot.laser
    expected = {laser.topic: laser.rate, "odom": ODOMETRY_RATE}
    if view.heard.get(laser.topic, Heard()).count > 1:
        expected["people"] = view.heard[laser.topic].rate
    for name, rate in expected.items():
        heard = view.heard.get(name, Heard())
        if heard.count > 1 and heard.rate < SLOW * rate:
            yield Finding(
                WARNING,
                name,
                f"it comes {heard.rate:.1f} times a second, expected {rate:.0f}",
                "look at the load of the machine and of the network (Wi-Fi); a lower laser.rate in the profile says "
                "that it is meant to be so",
            )
        elif heard.count > 3 and heard.longest_gap > GAP / rate and name != "people":
            yield Finding(
                WARNING,
                name,
                f"a gap of {heard.longest_gap:.2f} s at {rate:.0f} Hz",
                "the robot stops at gaps longer than scan_timeout or odom_timeout; look at load and network",
            )


def _stamps(view: GraphView) -> Iterator[Finding]:
    for name, heard in view.heard.items():
        if heard.set_back > SET_BACK:
            yield Finding(
                FAULT,
                name,
                f"its stamps fell back by {heard.set_back:.1f} s",
                "a clock was set, or two sources send it: synchronise the clocks (chrony), end one source",
            )
        elif heard.repeated > 0.5 * max(heard.count, 1):
            yield Finding(
                FAULT, name, "its stamps do not advance: the sensor is frozen", "restart its driver, look at its cable"
            )
        if heard.stamp_age is None or name in ("map", "amcl_pose"):
            continue
        if heard.stamp_age > OLD:
            yield Finding(
                FAULT,
                name,
                f"its stamps are {heard.stamp_age:.1f} s old when they come",
                "synchronise the clocks of robot and computer (chrony); if they are, the driver or the network lags",
            )
        elif heard.stamp_age < -AHEAD:
            yield Finding(
                FAULT,
                name,
                f"its stamps are {-heard.stamp_age:.1f} s ahead of the clock",
                "synchronise the clocks of robot and computer (chrony); in simulation give everybody use_sim_time",
            )


def _clock(view: GraphView) -> Iterator[Finding]:
    follows = {name for name, yes in view.sim_time.items() if yes}
    if follows and not view.clock_publishers:
        names = ", ".join(sorted(follows))
        yield Finding(
            FAULT, "/clock", f"{names} follow simulated time, and nobody publishes it", "set use_sim_time: false"
        )
    if follows and len(follows) < len(view.sim_time):
        others = ", ".join(sorted(set(view.sim_time) - follows))
        yield Finding(
            FAULT, "use_sim_time", f"{', '.join(sorted(follows))} follow it, {others} not", "give all the same"
        )
    if view.sim_time and not follows and view.clock_publishers:
        yield Finding(
            WARNING,
            "/clock",
            f"{', '.join(view.clock_publishers)} publishes simulated time, and our nodes do not follow it",
            "set use_sim_time: true in simulation; on a robot end whoever publishes it",
        )
    if len(view.clock_publishers) > 1:
        yield Finding(
            FAULT, "/clock", f"{', '.join(view.clock_publishers)} publish it: time jumps to and fro", "end all but one"
        )
    if view.clock_set_back > SET_BACK:
        yield Finding(
            WARNING,
            "/clock",
            f"it was set back by {view.clock_set_back:.1f} s",
            "a simulation or bag began anew; the robot stands until all its inputs have come again",
        )


def _frames(view: GraphView) -> Iterator[Finding]:
    laser = view.robot.laser
    expected = {"odom": view.robot.odom_frame, "map": "map", "amcl_pose": "map", "goal_pose": "map"}
    for name, frame in expected.items():
        wrong = sorted(view.heard.get(name, Heard()).frames - {frame})
        if wrong:
            yield Finding(
                FAULT,
                name,
                f"its frame is {wrong[0] or 'empty'!r}, expected {frame!r}",
                "set it where it is published",
            )
    wrong = sorted(view.heard.get(laser.topic, Heard()).frames - {laser.frame})
    if wrong and (view.transforms == "none" or view.transform_problem):
        yield Finding(
            WARNING,
            laser.topic,
            f"its frame is {wrong[0]!r}; the profile knows {laser.frame!r}, and its place on the base is used",
            "set laser.frame, laser.x, laser.y and laser.yaw for this laser, or publish its transform",
        )


def _contents(view: GraphView) -> Iterator[Finding]:
    for name, heard in view.heard.items():
        if heard.complaint:
            yield Finding(FAULT, name, heard.complaint, "the message can't be used; mend whoever publishes it")


def _contacts(view: GraphView) -> Iterator[Finding]:
    topics, package = CONTACTS.get(view.robot.hardware, ((), ""))
    if package in view.missing_packages:
        yield Finding(
            WARNING,
            "bumpers",
            f"{package} is not installed here, so bumpers and cliffs are not heard",
            f"apt install ros-$ROS_DISTRO-{package.replace('_', '-')}",
        )
        return
    silent = [name for name in topics if not view.topics.get(name, Topic()).publishers]
    if silent:
        extra = " (from Jazzy on it is commented out in turtlebot4_bringup's republisher.yaml)"
        hint = "let the base's driver publish it" + (extra if view.robot.hardware == "create3" else "")
        yield Finding(WARNING, silent[0], "nobody publishes it, so bumpers and cliffs are not heard", hint)


def _words(view: GraphView) -> Iterator[Finding]:
    if view.stopped:
        yield Finding(
            FAULT,
            "stop",
            "the robot is stopped on request",
            "when it is safe: ros2 service call stop std_srvs/srv/SetBool '{data: false}'",
        )
    for node, said in view.said.items():
        if said.level >= 2 and not (view.stopped and "stopped on request" in said.message):
            yield Finding(FAULT, node, f"says: {said.message}", "the rest of this list may tell why")
        elif said.message == "not active":
            yield Finding(FAULT, node, "it is not active", f"ros2 lifecycle set {node} activate (configure before)")


def _load(view: GraphView) -> Iterator[Finding]:
    if view.load > 1.5:
        yield Finding(
            WARNING,
            "this machine",
            f"{view.load:.1f} processes want each core",
            "end what need not run here; rviz and recorders belong on another machine",
        )


RULES: tuple[Rule, ...] = (
    _our_nodes,
    _inputs,
    _kinds,
    _command,
    _qualities,
    _silence,
    _rates,
    _stamps,
    _clock,
    _frames,
    _contents,
    _contacts,
    _words,
    _load,
)


def _absolute(view: GraphView, name: str) -> str:
    return f"/{view.namespace}/{name}" if view.namespace else f"/{name}"
