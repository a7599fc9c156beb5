"""Bags as HuRoN has them, ROS 1 to the byte: all topics but the AR markers, with record stamps three and a half
times too fast; and people about a robot of our own world to fill them with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag1 import Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from sac_son_nav.config import load_robot
from sac_son_nav.geometry import compose, inverse, transform_points
from sac_son_nav.simulation.driving import MANNERS, commands, draw_manners
from sac_son_nav.simulation.laser import Laser
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.world import World

START = 1_678_500_000_000_000_000  # [ns]: written months after it was driven
RECORD = round(1e9 / 3.0 / 3.5)  # [ns]
HEADER = round(1e9 / 3.0 / 3.2)
LASER = (0.1, 0.0, 0.4)  # on the base
TYPES = get_typestore(Stores.ROS1_NOETIC)
BUMPER = "Header header\nbool is_left_pressed\nbool is_right_pressed\n"
TYPES.register(get_types_from_msg(BUMPER, "create_msgs/msg/Bumper"))
BOXES = "Header header\nHeader image_header\nBoundingBox[] bounding_boxes\n"
BOX = "float64 probability\nint64 xmin\nint64 ymin\nint64 xmax\nint64 ymax\nint16 id\nstring Class\n"
TYPES.register(get_types_from_msg(BOX, "darknet_ros_msgs/msg/BoundingBox"))
TYPES.register(get_types_from_msg(BOXES, "darknet_ros_msgs/msg/BoundingBoxes"))
IMAGES = ("/fisheye_image", "/spherical_image", "/panorama_image", "/depth_spherical_image")


@dataclass(frozen=True)
class Truth:
    """One bag to be: poses (T, 3) of the robot, people (T, N, 2) in the odometry's frame, NaN where not seen, and
    ranges (T, B) of its laser."""

    poses: np.ndarray
    people: np.ndarray
    ranges: np.ndarray


def made(name: str, **values: Any) -> Any:
    return TYPES.types[name](**values)


def header(k: int, frame: str) -> Any:
    stamp = START + k * HEADER
    time = made("builtin_interfaces/msg/Time", sec=stamp // 10**9, nanosec=stamp % 10**9)
    return made("std_msgs/msg/Header", seq=k, stamp=time, frame_id=frame)


def point(x: float, y: float, types: Typestore = TYPES) -> Any:
    return types.types["geometry_msgs/msg/Point"](x=x, y=y, z=0.0)


def quaternion(yaw: float, types: Typestore = TYPES) -> Any:
    kind = types.types["geometry_msgs/msg/Quaternion"]
    return kind(x=0.0, y=0.0, z=float(np.sin(yaw / 2)), w=float(np.cos(yaw / 2)))


def odometry_of(types: Typestore, head: Any, child: str, pose: Sequence[float], speed: float) -> Any:
    """Of any kind of bag: the pose (3,) [m, m, rad], and what the twist says [m/s]."""
    x, y, yaw = map(float, pose)
    kinds = {name: types.types[f"geometry_msgs/msg/{name}"] for name in ("Pose", "Twist", "Vector3")}
    moving = kinds["Vector3"](x=speed, y=0.0, z=0.0)
    where = kinds["Pose"](position=point(x, y, types), orientation=quaternion(yaw, types))
    spread = np.zeros(36)
    return types.types["nav_msgs/msg/Odometry"](
        header=head,
        child_frame_id=child,
        pose=types.types["geometry_msgs/msg/PoseWithCovariance"](pose=where, covariance=spread),
        twist=types.types["geometry_msgs/msg/TwistWithCovariance"](
            twist=kinds["Twist"](linear=moving, angular=moving), covariance=spread
        ),
    )


def odometry(k: int, pose: Sequence[float]) -> Any:
    return odometry_of(TYPES, header(k, "odom"), "base_footprint", pose, 4.3)  # not plausible, as in the true ones


def scan(k: int, ranges: np.ndarray) -> Any:
    gap = 2.0 * np.pi / len(ranges)
    return made(
        "sensor_msgs/msg/LaserScan",
        header=header(k, "laser"),
        angle_min=-np.pi,
        angle_max=np.pi - gap,
        angle_increment=gap,
        time_increment=0.0,
        scan_time=0.1,
        range_min=0.05,
        range_max=12.0,
        ranges=ranges.astype(np.float32),
        intensities=np.zeros(0, np.float32),
    )


def marker(k: int, number: int, place: np.ndarray, action: int = 0) -> Any:
    x, y = map(float, place)
    nothing = made("geometry_msgs/msg/Vector3", x=0.3, y=0.3, z=1.7)
    return made(
        "visualization_msgs/msg/Marker",
        header=header(k, "laser"),
        ns="people",
        id=number,
        type=3,
        action=action,
        pose=made("geometry_msgs/msg/Pose", position=point(x, y), orientation=quaternion(0.0)),
        scale=nothing,
        color=made("std_msgs/msg/ColorRGBA", r=1.0, g=0.0, b=0.0, a=1.0),
        lifetime=made("builtin_interfaces/msg/Duration", sec=0, nanosec=0),
        frame_locked=False,
        points=[],
        colors=[],
        text="somebody",
        mesh_resource="",
        mesh_use_embedded_materials=False,
    )


def messages(truth: Truth, frame: str = "laser", pictures: bool = True) -> dict[str, list[Any]]:
    """Everything that a bag says, by topic; change it to spoil the bag."""
    base = truth.poses if frame == "robot" else np.asarray(compose(truth.poses, np.tile(LASER, (len(truth.poses), 1))))
    people = np.asarray(transform_points(inverse(base)[:, None], truth.people))
    if frame == "odometry":
        people = truth.people
    if frame == "camera":
        ahead = np.asarray(transform_points(inverse(truth.poses)[:, None], truth.people))
        people = np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)
    steps = range(len(truth.poses))
    jpeg = np.frombuffer(b"\xff\xd8 no picture", np.uint8)
    seen = np.isfinite(truth.people[..., 0])
    told: dict[str, list[Any]] = {
        "/odometry": [odometry(k, truth.poses[k]) for k in steps],
        "/laserscan": [scan(k, truth.ranges[k]) for k in steps],
        "/pedestrians_pose": [
            made(
                "visualization_msgs/msg/MarkerArray",
                markers=[marker(k, 7 + int(n), people[k, n]) for n in np.flatnonzero(seen[k])],
            )
            for k in steps
        ],
        "/bumper": [
            made("create_msgs/msg/Bumper", header=header(k, "base"), is_left_pressed=False, is_right_pressed=False)
            for k in steps
        ],
        "/boundary_boxes": [
            made(
                "darknet_ros_msgs/msg/BoundingBoxes",
                header=header(k, "camera"),
                image_header=header(k, "camera"),
                bounding_boxes=[],
            )
            for k in steps
        ],
    }
    kind = "sensor_msgs/msg/CompressedImage"
    for name in IMAGES if pictures else ():
        told[f"{name}/compressed"] = [made(kind, header=header(k, "camera"), format="jpeg", data=jpeg) for k in steps]
    return told


def write(path: Path, told: dict[str, list[Any]]) -> Path:
    """A ROS 1 bag; messages of one step have one record stamp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Writer(path) as writer:
        kinds = {topic: sent[0].__msgtype__ for topic, sent in told.items() if sent}
        connections = {t: writer.add_connection(t, kind, typestore=TYPES) for t, kind in kinds.items()}
        for k in range(max(map(len, told.values()))):
            for topic, sent in told.items():
                if k < len(sent):
                    data = TYPES.serialize_ros1(sent[k], kinds[topic])
                    writer.write(connections[topic], START + k * RECORD, bytes(data))
    return path


def fast_robot() -> Any:
    """One that gets somewhere within a window."""
    robot = load_robot("simulated")
    return replace(robot, limits=replace(robot.limits, vx_max=1.0))


def simulate(scenario: str | Path, worlds: int, steps: int, seed: int = 0, beams: int = 180) -> list[Truth]:
    """Robots of random manners among people who react to them, three steps a second."""
    random = np.random.default_rng(seed)
    robot = fast_robot()
    mounted = replace(robot.laser, x=LASER[0], y=LASER[1], yaw=LASER[2], beams=beams, noise=0.0)
    robot = replace(robot, laser=replace(mounted, angle_min=-np.pi, angle_max=np.pi, range_max=12.0))
    seeds = [1000 * seed + k for k in range(worlds)]
    world = World(load_scenario(scenario), robot, seeds, dt=1.0 / 24.0, gait=False)
    laser, moved = Laser(robot.laser, RayCaster(world.scenario.floor)), []
    for step in range(steps):
        if step % 6 == 0:
            drawn = random.choice([MANNERS.index(n) for n in ("approach", "cross", "route", "wander", "stop")], worlds)
            manners = draw_manners(drawn, world, 3.0, random)
        people = np.array(world.crowd.positions)
        ranges = laser.ranges(laser.poses(world), people, world.crowd.radii)
        moved.append((np.array(world.poses), people, np.asarray(ranges)))
        for k in range(8):
            world.step(commands(world, manners, (step % 6) / 3.0 + k / 24.0, None))
    poses, people, ranges = (np.stack(part, axis=1) for part in zip(*moved, strict=True))
    return [Truth(poses[k], people[k], ranges[k]) for k in range(worlds)]
