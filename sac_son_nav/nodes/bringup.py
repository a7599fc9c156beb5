"""Which nodes start together, with which parameters and remaps: said once, for launch and for `sac-son bringup`.

Each function below is a launch: its arguments are the launch arguments, its defaults theirs, and what it returns is
started by launch/<name>.launch.py through :mod:`sac_son_nav.nodes.launching`, or, where `launch` is not installed,
by :mod:`sac_son_nav.nodes.supervisor`.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sac_son_nav.config import load_robot, resource
from sac_son_nav.errors import ConfigError
from sac_son_nav.nodes.supervisor import NodeSpec, Supervisor, command, supervise

__all__ = [
    "LAUNCHES",
    "Argument",
    "NodeSpec",
    "Supervisor",
    "add_arguments",
    "arguments",
    "bringup",
    "bringup_specs",
    "command",
    "replay_specs",
    "simulation_specs",
    "specs",
]

_MODULES = "sac_son_nav.nodes"

_MEANING = {
    "robot": "profile in config/robots, or a file of that form",
    "namespace": "of all nodes and their topics, for several robots on one network",
    "use_sim_time": "take the time from /clock",
    "bag": "rosbag1 file, or rosbag2 folder or file",
    "params_file": "ROS parameter file of your own over the package's, with sections /**/perception, /**/navigation",
    "cmd_vel": "topic of the velocity command; cmd_vel_nav where Nav2's velocity smoother follows",
    "rate": "times real time, or max: as fast as nothing is lost",
    "scan_topic": "the bag's laser topic (if empty, its only one)",
    "odom_topic": "the bag's odometry topic (if empty, its only one, where it has one)",
    "map_topic": "the bag's map topic (if empty, its only one, where it has one)",
    "out": "folder for tracks, picture and recording; empty: none",
    "scenario": "name in config/scenarios, or a file",
    "seed": "of the people and the sensors' noise",
    "real_time_factor": "seconds of the world per second of the clock on the wall",
    "log": "file (.npz) for what happened in the world",
    "present_robot": "false: the same world without the robot",
    "expression": "false: without the node by which the robot says what it means",
}


def bringup_specs(
    robot: str = "simulated",
    namespace: str = "",
    use_sim_time: bool = False,
    params_file: str = "",
    cmd_vel: str = "cmd_vel",
    expression: bool = True,
) -> list[NodeSpec]:
    """Perception, navigation and expression, for a robot whose drivers run already."""
    load_robot(robot)  # a misspelt name is refused here, once, before anything starts
    parameters = {"robot": robot, "use_sim_time": use_sim_time}
    transforms = _transforms(namespace)
    command = {"cmd_vel": cmd_vel} if cmd_vel != "cmd_vel" else {}
    return [
        _node("perception", namespace, parameters, params_file, transforms),
        _node("navigation", namespace, parameters, params_file, {**command, **transforms}),
        *([_node("expression", namespace, parameters, params_file, transforms)] if expression else []),
    ]


def simulation_specs(
    scenario: str = "crossing",
    seed: int = 0,
    robot: str = "simulated",
    namespace: str = "",
    params_file: str = "",
    real_time_factor: float = 1.0,
    present_robot: bool = True,
    log: str = "",
    expression: bool = True,
) -> list[NodeSpec]:
    """The embedded world in the place of a robot's drivers and localiser, then the robot's nodes on its time.

    A world that dies can't go on where it was, so it is not started again: everything ends with it.
    """
    world = {
        "robot": robot,
        "scenario": scenario,
        "seed": seed,
        "real_time_factor": real_time_factor,
        "present_robot": present_robot,
        "log": log,
    }
    return [
        NodeSpec(
            "simulation",
            f"{_MODULES}.simulation",
            world,
            _transforms(namespace),
            namespace=_absolute(namespace),
            respawn=False,
            required=True,
        ),
        *bringup_specs(robot, namespace, use_sim_time=True, params_file=params_file, expression=expression),
    ]


def replay_specs(
    bag: str,
    robot: str = "simulated",
    namespace: str = "",
    params_file: str = "",
    rate: str = "1.0",
    scan_topic: str = "",
    odom_topic: str = "",
    map_topic: str = "",
    out: str = "",
) -> list[NodeSpec]:
    """A recording in the place of a robot's drivers, then perception and navigation on its time.

    The navigator's commands go to `cmd_vel_replayed`: the recorded robot has driven already. It follows the recorded
    way, in the odometry's frame; the recorded map, whose place in that frame nobody knows, is kept from it. All ends
    with the bag. `sac-son replay` knows more of the bag: it takes the laser's place on the base from the recorded
    transforms.
    """
    recording = {
        "bag": bag,
        "robot": robot,
        "rate": rate,
        "scan_topic": scan_topic,
        "odom_topic": odom_topic,
        "map_topic": map_topic,
        "out": out,
    }
    perception, navigation = bringup_specs(
        robot, namespace, use_sim_time=True, params_file=params_file, cmd_vel="cmd_vel_replayed", expression=False
    )
    in_odometry = {"localisation": "odometry", "require_map": False}
    return [
        NodeSpec(
            "replay", f"{_MODULES}.replay", recording, namespace=_absolute(namespace), respawn=False, required=True
        ),
        perception,
        replace(
            navigation,
            parameters={**navigation.parameters, **in_odometry},
            remaps={**navigation.remaps, "map": "map_replayed"},
        ),
    ]


LAUNCHES: Mapping[str, Callable[..., list[NodeSpec]]] = {
    "bringup": bringup_specs,
    "simulation": simulation_specs,
    "replay": replay_specs,
}
"""The launches by name; launch/<name>.launch.py starts the same."""


def _node(
    name: str,
    namespace: str,
    parameters: Mapping[str, Any],
    params_file: str,
    remaps: Mapping[str, str] | None = None,
) -> NodeSpec:
    files = [str(resource("config", f"{name}.yaml", what="parameter file"))]
    if params_file:
        if not Path(params_file).is_file():
            raise ConfigError(f"params_file: expected a ROS parameter file, found none at {params_file}")
        files.append(params_file)
    modules = "expressive_motion.nodes" if name == "expression" else _MODULES
    return NodeSpec(name, f"{modules}.{name}", parameters, remaps or {}, files, _absolute(namespace))


def _transforms(namespace: str) -> dict[str, str]:
    """A robot in a namespace has transforms of its own, as Nav2 and the TurtleBot 4 do it."""
    return {"/tf": "tf", "/tf_static": "tf_static"} if namespace.strip("/") else {}


def _absolute(namespace: str) -> str:
    namespace = namespace.strip("/")
    return f"/{namespace}" if namespace else ""


@dataclass(frozen=True)
class Argument:
    """One argument of a launch, as launch and argparse both want it."""

    name: str
    default: str | None  # as a text; None: it must be given
    kind: type
    meaning: str


def arguments(launch: str) -> list[Argument]:
    """The arguments of a launch, from its function's signature."""
    known = inspect.signature(LAUNCHES[launch]).parameters.values()
    made = []
    for parameter in known:
        required = parameter.default is inspect.Parameter.empty
        kind = str if required else type(parameter.default)
        default = None if required else str(parameter.default)
        default = default.lower() if default is not None and kind is bool else default
        made.append(Argument(parameter.name, default, kind, _MEANING[parameter.name]))
    return made


def specs(launch: str, texts: Mapping[str, str]) -> list[NodeSpec]:
    """The nodes of a launch from its arguments as texts; one that does not fit its kind raises ConfigError."""
    return LAUNCHES[launch](**{a.name: _value(a, texts[a.name]) for a in arguments(launch) if a.name in texts})


def _value(argument: Argument, text: str) -> Any:
    if argument.kind is bool:
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{argument.name}: expected true or false, got {text!r}")
        return text.lower() == "true"
    try:
        return argument.kind(text)
    except ValueError:
        raise ConfigError(f"{argument.name}: expected {argument.kind.__name__}, got {text!r}") from None


def add_arguments(parser: argparse.ArgumentParser, launch: str = "bringup") -> None:
    """Give a command the arguments of a launch: `params_file:=x` becomes `--params-file x`."""
    for argument in arguments(launch):
        switch = argument.kind is bool and argument.default == "false"
        parser.add_argument(
            f"--{argument.name.replace('_', '-')}",
            default=argument.default,
            required=argument.default is None,
            help=f"{argument.meaning} (default: {argument.default or 'none'})",
            # `--use-sim-time` alone means true
            **({"nargs": "?", "const": "true"} if switch else {}),
        )


def bringup(options: argparse.Namespace, launch: str = "bringup") -> int:
    """Start a launch with a command's options and stay until a signal; 0 after one, a failure raises GraphError."""
    supervise(specs(launch, {a.name: getattr(options, a.name) for a in arguments(launch)}))
    return 0
