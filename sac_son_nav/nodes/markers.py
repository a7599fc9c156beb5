"""What rviz and Foxglove draw: people as cylinders with arrows and numbers, predicted ways as lines."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Vector3
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from sac_son_nav.nodes.conversions import to_quaternion
from sac_son_nav.states import Floats, Tracks

LIFETIME = Duration(sec=1)  # so that a dead node's people vanish from the picture
PERSON_RADIUS, PERSON_HEIGHT = 0.25, 1.7  # [m]
PERSON_COLOUR = (0.10, 0.45, 0.85)
GROUP_COLOUR = (0.85, 0.65, 0.10)
TRUTH_COLOUR = (0.45, 0.45, 0.45)
WITH_ROBOT_COLOUR = (0.90, 0.40, 0.10)
WITHOUT_ROBOT_COLOUR = (0.20, 0.65, 0.30)


def _colour(rgb: tuple[float, float, float], alpha: float = 1.0) -> ColorRGBA:
    return ColorRGBA(r=rgb[0], g=rgb[1], b=rgb[2], a=float(alpha))


def _point(xy: Floats, z: float = 0.0) -> Point:
    return Point(x=float(xy[0]), y=float(xy[1]), z=z)


def _marker(header: Header, namespace: str, number: int, kind: int, colour: ColorRGBA, scale: Vector3) -> Marker:
    marker = Marker(header=header, ns=namespace, id=number, type=kind, action=Marker.ADD, color=colour, scale=scale)
    marker.pose.orientation.w = 1.0
    marker.lifetime = LIFETIME
    return marker


def people_markers(
    tracks: Tracks,
    stamp: Time,
    vanished: Collection[int] = (),
    colour: tuple[float, float, float] = PERSON_COLOUR,
) -> MarkerArray:
    """A cylinder, an arrow of one second's way and the id for each person; the `vanished` ids are taken away."""
    header = Header(stamp=stamp, frame_id=tracks.frame)
    markers = []
    for number, position, velocity, confidence in zip(
        tracks.ids.tolist(), tracks.positions, tracks.velocities, tracks.confidences, strict=True
    ):
        alpha = 0.25 + 0.6 * float(np.clip(confidence, 0.0, 1.0))
        width = Vector3(x=2.0 * PERSON_RADIUS, y=2.0 * PERSON_RADIUS, z=PERSON_HEIGHT)
        body = _marker(header, "people", number, Marker.CYLINDER, _colour(colour, alpha), width)
        body.pose.position = _point(position, 0.5 * PERSON_HEIGHT)
        arrow = _marker(header, "velocities", number, Marker.ARROW, _colour(colour), Vector3(x=0.06, y=0.12, z=0.12))
        arrow.points = [_point(position, 0.1), _point(position + velocity, 0.1)]
        text = _marker(header, "ids", number, Marker.TEXT_VIEW_FACING, _colour((1.0, 1.0, 1.0)), Vector3(z=0.3))
        text.pose.position, text.text = _point(position, PERSON_HEIGHT + 0.25), str(number)
        markers += [body, arrow, text]
    for number in vanished:
        for namespace in ("people", "velocities", "ids"):
            markers.append(Marker(header=header, ns=namespace, id=int(number), action=Marker.DELETE))
    return MarkerArray(markers=markers)


def group_markers(tracks: Tracks, groups: NDArray[np.int64], stamp: Time) -> MarkerArray:
    """A line through the members of each group (N,), -1 for nobody's; they vanish by themselves."""
    header = Header(stamp=stamp, frame_id=tracks.frame)
    markers = []
    for group in sorted(set(groups.tolist()) - {-1}):
        line = _marker(header, "groups", int(group), Marker.LINE_STRIP, _colour(GROUP_COLOUR), Vector3(x=0.08))
        line.points = [_point(place, 0.05) for place in tracks.positions[groups == group]]
        markers.append(line)
    return MarkerArray(markers=markers)


def prediction_markers(with_robot: Floats, without_robot: Floats, stamp: Time, frame: str) -> MarkerArray:
    """Where each person is predicted to go, (N, T, 2) [m] in `frame`, with the robot there and without it."""
    header = Header(stamp=stamp, frame_id=frame)
    markers = []
    for namespace, ways, colour in (
        ("with_robot", with_robot, WITH_ROBOT_COLOUR),
        ("without_robot", without_robot, WITHOUT_ROBOT_COLOUR),
    ):
        for number, way in enumerate(np.asarray(ways)):
            line = _marker(header, namespace, number, Marker.LINE_STRIP, _colour(colour, 0.9), Vector3(x=0.05))
            line.points = [_point(point, 0.05) for point in way]
            markers.append(line)
    return MarkerArray(markers=markers)


def robot_marker(pose: Floats, radius: float, stamp: Time, frame: str) -> Marker:
    """The robot's body as a low cylinder at pose (3,) [m, m, rad]."""
    header = Header(stamp=stamp, frame_id=frame)
    size = Vector3(x=2.0 * radius, y=2.0 * radius, z=0.3)
    marker = _marker(header, "robot", 0, Marker.CYLINDER, _colour((0.15, 0.15, 0.15), 0.9), size)
    marker.pose.position, marker.pose.orientation = _point(pose, 0.15), to_quaternion(float(pose[2]))
    return marker
