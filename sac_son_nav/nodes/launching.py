"""The nodes of :mod:`sac_son_nav.nodes.bringup` as launch actions; only launch files import this."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.events.process import ProcessExited
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue

from sac_son_nav.config import PACKAGE
from sac_son_nav.nodes.bringup import arguments, specs
from sac_son_nav.nodes.supervisor import ENVIRONMENT, REFUSED, RESPAWN_DELAY, SETTLED, NodeSpec


def launch_description(launch: str) -> LaunchDescription:
    """Declare the arguments of the launch named, and start its nodes with what is given for them."""
    known = arguments(launch)

    def start(context: Any) -> list[Node]:
        given = context.launch_configurations
        return [_action(spec) for spec in specs(launch, {a.name: given[a.name] for a in known})]

    declared = [DeclareLaunchArgument(a.name, default_value=a.default, description=a.meaning) for a in known]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])


def _action(spec: NodeSpec) -> Node:
    values = {name: ParameterValue(value, value_type=type(value)) for name, value in spec.parameters.items()}
    return Node(
        package=PACKAGE,
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace or None,
        parameters=[*(ParameterFile(path) for path in spec.params_files), values],
        remappings=list(spec.remaps.items()),
        additional_env=ENVIRONMENT,
        respawn=spec.respawn,
        respawn_delay=RESPAWN_DELAY,
        output="screen",
        on_exit=_after(spec),
    )


def _after(spec: NodeSpec) -> Callable[[ProcessExited, Any], list[Shutdown]]:
    """What the supervisor does at a node's end, beside starting it again: its first refusal of settings ends all."""
    began = time.monotonic()
    ends: list[int] = []

    def act(event: ProcessExited, context: Any) -> list[Shutdown]:
        ends.append(event.returncode)
        refused = ends == [REFUSED] and time.monotonic() - began < SETTLED
        return [Shutdown(reason=f"{spec.name} has ended")] if spec.required or refused else []

    return act
