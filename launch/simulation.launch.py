"""The embedded world with people, and perception and navigation in it.

    ros2 launch sac_son simulation.launch.py scenario:=crossing seed:=1

`-s` lists the arguments. What starts is written in sac_son_nav/nodes/bringup.py, for every way to start it.
"""

from launch import LaunchDescription

from sac_son_nav.nodes.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    return launch_description("simulation")
