"""The doctor's rules over described graphs: a well one gives nothing, each fault its own sentence and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.nodes.graph_view import Endpoint, GraphView, Heard, Said, Topic
from sac_son_nav.nodes.symptoms import FAULT, NOTE, WARNING, diagnose

SCAN, ODOM, TWIST = "sensor_msgs/msg/LaserScan", "nav_msgs/msg/Odometry", "geometry_msgs/msg/Twist"
POSE = "geometry_msgs/msg/PoseWithCovarianceStamped"
NAV, BASE = "/navigation", "/base"


def well(robot: str = "simulated") -> GraphView:
    profile = load_robot(robot)
    command = "geometry_msgs/msg/TwistStamped" if profile.enable_stamped_cmd_vel else TWIST
    return GraphView(
        robot=profile,
        seconds=4.0,
        nodes=("/perception", NAV, "/expression", BASE),
        topics={
            "scan": Topic((Endpoint(BASE, SCAN, reliable=False),), (Endpoint(NAV, SCAN, reliable=False),)),
            "odom": Topic((Endpoint(BASE, ODOM),), (Endpoint(NAV, ODOM, reliable=False),)),
            "map": Topic((Endpoint("/map_server", "nav_msgs/msg/OccupancyGrid", latched=True),)),
            "amcl_pose": Topic((Endpoint("/amcl", POSE),)),
            "cmd_vel": Topic((Endpoint(NAV, command),), (Endpoint(BASE, command),)),
            "hazard_detection": Topic((Endpoint(BASE, "irobot_create_msgs/msg/HazardDetectionVector"),)),
        },
        heard={
            "scan": Heard(40, profile.laser.rate, 0.12, 0.02, frames=frozenset({profile.laser.frame})),
            "odom": Heard(80, 20.0, 0.06, 0.01, frames=frozenset({"odom"})),
            "people": Heard(40, profile.laser.rate, 0.15, 0.05),
            "map": Heard(1, frames=frozenset({"map"})),
        },
        said={"navigation": Said(0, "driving"), "perception": Said(0, "following people in odom")},
        sim_time={"perception": False, "navigation": False},
    )


def changed(view: GraphView, part: str, **entries: object) -> GraphView:
    return replace(view, **{part: {**getattr(view, part), **entries}})


def without(view: GraphView, part: str, name: str) -> GraphView:
    return replace(view, **{part: {k: v for k, v in getattr(view, part).items() if k != name}})


@pytest.mark.parametrize("robot", ["simulated", "turtlebot4"])
def test_a_graph_that_is_well_gives_nothing(robot):
    assert diagnose(well(robot)) == []


W = well()
CASES = {
    "no perception": (replace(W, nodes=(NAV, "/expression", BASE)), FAULT, "perception", "the node is not there"),
    "no expression": (replace(W, nodes=("/perception", NAV, BASE)), NOTE, "expression", "the node is not there"),
    "two navigators": (replace(W, nodes=(*W.nodes, NAV)), FAULT, "navigation", "there are 2 nodes of that name"),
    "no scan": (
        without(without(without(W, "topics", "scan"), "heard", "scan"), "heard", "people"),
        FAULT,
        "scan",
        "nobody publishes it",
    ),
    "no localiser": (without(W, "topics", "amcl_pose"), FAULT, "localisation", "nobody tells where the robot is"),
    "no map": (without(W, "topics", "map"), FAULT, "map", "there is no map"),
    "wrong kind": (
        changed(W, "topics", odom=Topic((Endpoint(BASE, POSE),))),
        FAULT,
        "odom",
        f"/base publishes {POSE}, expected {ODOM}",
    ),
    "unstamped base": (
        changed(well("turtlebot4"), "topics", cmd_vel=Topic((), (Endpoint(BASE, TWIST),))),
        FAULT,
        "cmd_vel",
        "/base takes geometry_msgs/msg/Twist, but the profile 'turtlebot4' sends geometry_msgs/msg/TwistStamped",
    ),
    "no base": (
        changed(W, "topics", cmd_vel=Topic((Endpoint(NAV, TWIST),))),
        FAULT,
        "cmd_vel",
        "nobody takes the velocity command",
    ),
    "two minds": (
        changed(
            W,
            "topics",
            cmd_vel=Topic((Endpoint(NAV, TWIST), Endpoint("/teleop", TWIST)), (Endpoint(BASE, TWIST),)),
        ),
        FAULT,
        "cmd_vel",
        "/teleop publishes it beside /navigation: the base gets two minds",
    ),
    "best effort to a reliable listener": (
        changed(W, "topics", scan=Topic((Endpoint(BASE, SCAN, reliable=False),), (Endpoint("/slam", SCAN),))),
        WARNING,
        "scan",
        "/slam hears nothing from /base: it asks for reliable and gets best effort",
    ),
    "a map that is not latched": (
        changed(
            W,
            "topics",
            map=Topic(
                (Endpoint("/m", "nav_msgs/msg/OccupancyGrid"),),
                (Endpoint(NAV, "nav_msgs/msg/OccupancyGrid", latched=True),),
            ),
        ),
        FAULT,
        "map",
        "/navigation hears nothing from /m: it asks for transient local and gets volatile",
    ),
    "silent": (changed(W, "heard", odom=Heard()), FAULT, "odom", "/base publishes it, but nothing came in 4 s"),
    "slow": (
        changed(W, "heard", odom=replace(W.heard["odom"], rate=5.0)),
        WARNING,
        "odom",
        "it comes 5.0 times a second, expected 10",
    ),
    "gaps": (
        changed(W, "heard", scan=replace(W.heard["scan"], longest_gap=0.45)),
        WARNING,
        "scan",
        "a gap of 0.45 s at 10 Hz",
    ),
    "old": (
        changed(W, "heard", scan=replace(W.heard["scan"], stamp_age=3.1)),
        FAULT,
        "scan",
        "its stamps are 3.1 s old when they come",
    ),
    "from the future": (
        changed(W, "heard", odom=replace(W.heard["odom"], stamp_age=-7.0)),
        FAULT,
        "odom",
        "its stamps are 7.0 s ahead of the clock",
    ),
    "set back": (
        changed(W, "heard", scan=replace(W.heard["scan"], set_back=60.0)),
        FAULT,
        "scan",
        "its stamps fell back by 60.0 s",
    ),
    "frozen": (
        changed(W, "heard", scan=replace(W.heard["scan"], repeated=39)),
        FAULT,
        "scan",
        "its stamps do not advance: the sensor is frozen",
    ),
    "simulated time and no clock": (
        replace(W, sim_time={"perception": True, "navigation": True}),
        FAULT,
        "/clock",
        "navigation, perception follow simulated time, and nobody publishes it",
    ),
    "two times": (
        replace(W, sim_time={"perception": True, "navigation": False}, clock_publishers=("/sim",)),
        FAULT,
        "use_sim_time",
        "perception follow it, navigation not",
    ),
    "a clock that nobody follows": (
        replace(W, clock_publishers=("/bag",)),
        WARNING,
        "/clock",
        "/bag publishes simulated time, and our nodes do not follow it",
    ),
    "two clocks": (
        replace(W, sim_time={"navigation": True}, clock_publishers=("/sim", "/bag")),
        FAULT,
        "/clock",
        "/sim, /bag publish it: time jumps to and fro",
    ),
    "a clock set back": (
        replace(W, sim_time={"navigation": True}, clock_publishers=("/sim",), clock_set_back=30.0),
        WARNING,
        "/clock",
        "it was set back by 30.0 s",
    ),
    "wrong frame": (
        changed(W, "heard", odom=replace(W.heard["odom"], frames=frozenset({"base_link"}))),
        FAULT,
        "odom",
        "its frame is 'base_link', expected 'odom'",
    ),
    "a laser that the profile does not know": (
        changed(W, "heard", scan=replace(W.heard["scan"], frames=frozenset({"laser"}))),
        WARNING,
        "scan",
        "its frame is 'laser'; the profile knows 'base_scan'",
    ),
    "nonsense": (
        changed(W, "heard", scan=replace(W.heard["scan"], complaint="scan: expected ranges in metres, got NaN")),
        FAULT,
        "scan",
        "expected ranges in metres, got NaN",
    ),
    "bumpers not let through": (
        without(well("turtlebot4"), "topics", "hazard_detection"),
        WARNING,
        "hazard_detection",
        "nobody publishes it, so bumpers and cliffs are not heard",
    ),
    "bumpers not understood": (
        replace(well("turtlebot4"), missing_packages=("irobot_create_msgs",)),
        WARNING,
        "bumpers",
        "irobot_create_msgs is not installed here",
    ),
    "stopped": (replace(W, stopped=True), FAULT, "stop", "the robot is stopped on request"),
    "a node complains": (
        changed(W, "said", navigation=Said(2, "standing: no scan for 1.0 s")),
        FAULT,
        "navigation",
        "says: standing: no scan for 1.0 s",
    ),
    "not active": (changed(W, "said", navigation=Said(1, "not active")), FAULT, "navigation", "it is not active"),
    "load": (replace(W, load=3.0), WARNING, "this machine", "3.0 processes want each core"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_told_and_nothing_else(name):
    view, level, where, what = CASES[name]
    (finding,) = diagnose(view)
    assert (finding.level, finding.where) == (level, where)
    assert what in finding.what
    assert finding.remedy


def test_where_nobody_is_there_that_is_all_there_is_to_say():
    (finding,) = diagnose(GraphView(robot=load_robot("simulated"), seconds=4.0, domain="17"))
    assert finding.level == FAULT
    assert "no node was seen on domain 17" in finding.what
    assert "ROS_DOMAIN_ID" in finding.remedy


def test_a_robot_in_another_namespace_is_found():
    view = replace(CASES["no scan"][0], elsewhere=("/tb1/scan",))
    (finding,) = diagnose(view)
    assert "--namespace tb1" in finding.remedy


def test_transforms_will_do_for_a_localiser_and_their_lack_is_told():
    view = replace(CASES["no localiser"][0], transforms="tf2_ros")
    assert diagnose(view) == []
    (finding,) = diagnose(replace(view, transform_problem="no transform leads from map to odom"))
    assert "nobody publishes amcl_pose, and no transform leads from map to odom" in finding.what


def test_the_worst_comes_first():
    view = replace(CASES["load"][0], stopped=True, nodes=("/perception", NAV, BASE))
    assert [finding.level for finding in diagnose(view)] == [FAULT, WARNING, NOTE]
