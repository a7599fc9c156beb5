"""A recording, and perception and navigation on it.

    ros2 launch sac_son replay.launch.py bag:=recording.mcap

`-s` lists the arguments. What starts is written in sac_son_nav/nodes/bringup.py, for every way to start it.
"""

from launch import LaunchDescription

from sac_son_nav.nodes.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    return launch_description("replay")
