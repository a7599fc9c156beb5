"""Perception and navigation on a robot whose drivers run already.

    ros2 launch sac_son bringup.launch.py robot:=turtlebot4 namespace:=tb4 cmd_vel:=cmd_vel_nav

`-s` lists the arguments. What starts is written in sac_son_nav/nodes/bringup.py, for every way to start it.
"""

from launch import LaunchDescription

from sac_son_nav.nodes.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    return launch_description("bringup")
