"""People in the messages of others, published beside `people` where their packages are installed.

* `people_msgs/People` on `people_msgs`: name, position, velocity, reliability, tags. Positions are in the header's
  frame, and so are velocities, of which the message leaves it open. The group is a tag.
* ROS4HRI (REP-155): `hri_msgs/IdsList` on `humans/persons/tracked` with the ids as `person_<id>`, and for each group
  of at least two a `hri_msgs/Group` on `humans/interactions/groups`.

Both packages are looked for when the node starts; without them nothing is published, and nothing is missed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from rclpy.node import Node
from std_msgs.msg import Header

from sac_son_nav.nodes.runtime import RELIABLE
from sac_son_nav.perception.groups import NOBODY, Groups
from sac_son_nav.states import Tracks


def find_messages(package: str) -> Any | None:
    """The `msg` module of a package, None where it is not installed."""
    try:
        return import_module(f"{package}.msg")
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == package:
            return None
        raise


def to_people_msgs(tracks: Tracks, groups: Groups, stamp: Time, messages: Any) -> Any:
    """A people_msgs/People."""
    people = []
    for number, place, velocity, confidence, group in zip(
        tracks.ids, tracks.positions, tracks.velocities, tracks.confidences, groups, strict=True
    ):
        person = messages.Person(name=person_name(int(number)), reliability=float(confidence))
        person.position = Point(x=float(place[0]), y=float(place[1]), z=0.0)
        person.velocity = Point(x=float(velocity[0]), y=float(velocity[1]), z=0.0)
        if group != NOBODY:
            person.tagnames, person.tags = ["group"], [str(int(group))]
        people.append(person)
    return messages.People(header=Header(stamp=stamp, frame_id=tracks.frame), people=people)


def to_ids_list(tracks: Tracks, stamp: Time, messages: Any) -> Any:
    """An hri_msgs/IdsList."""
    header = Header(stamp=stamp, frame_id=tracks.frame)
    return messages.IdsList(header=header, ids=[person_name(int(number)) for number in tracks.ids])


def to_hri_groups(tracks: Tracks, groups: Groups, stamp: Time, messages: Any) -> list[Any]:
    """An hri_msgs/Group for each group of those in sight."""
    header = Header(stamp=stamp, frame_id=tracks.frame)
    return [
        messages.Group(
            header=header,
            group_id=f"group_{group}",
            members=[person_name(int(number)) for number in tracks.ids[groups == group]],
        )
        for group in sorted(set(groups.tolist()) - {NOBODY})
    ]


def person_name(number: int) -> str:
    """A track's id as ROS4HRI has names."""
    return f"person_{number}"


class PersonMessages:
    """The publishers of a node for what is installed."""

    def __init__(self, node: Node) -> None:
        self._people_msgs, self._hri_msgs = find_messages("people_msgs"), find_messages("hri_msgs")
        if self._people_msgs is not None:
            self._people = node.create_publisher(self._people_msgs.People, "people_msgs", RELIABLE)
        if self._hri_msgs is not None:
            self._tracked = node.create_publisher(self._hri_msgs.IdsList, "humans/persons/tracked", RELIABLE)
            self._groups = node.create_publisher(self._hri_msgs.Group, "humans/interactions/groups", RELIABLE)

    def publish(self, tracks: Tracks, groups: Groups, stamp: Time) -> None:
        """Everybody in sight, in whatever messages there are."""
        if self._people_msgs is not None:
            self._people.publish(to_people_msgs(tracks, groups, stamp, self._people_msgs))
        if self._hri_msgs is not None:
            self._tracked.publish(to_ids_list(tracks, stamp, self._hri_msgs))
            for group in to_hri_groups(tracks, groups, stamp, self._hri_msgs):
                self._groups.publish(group)
