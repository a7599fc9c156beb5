"""Launch files and the supervisor that stands in for launch: the same nodes, the same arguments, no orphans."""

from __future__ import annotations

import argparse
import ast
import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sac_son_nav.errors import ConfigError, GraphError
from sac_son_nav.nodes import bringup
from sac_son_nav.nodes.bringup import LAUNCHES, NodeSpec, Supervisor, command

from .processes import alive, children, eventually

ROOT = Path(__file__).resolve().parent.parent
LAUNCH_FILES = sorted((ROOT / "launch").glob("*.launch.py"))
DOMAIN = str(1 + os.getpid() % 38)  # of DDS; the tests of the nodes take 40 and above
ENTRY_POINTS = dict(re.findall(r'"([\w-]+) = ([\w.]+:main)"', (ROOT / "setup.py").read_text()))


def given(launch: str) -> dict[str, str]:
    """Texts for the arguments that have no default."""
    return {a.name: "recording.mcap" for a in bringup.arguments(launch) if a.default is None}


# -- what the launch files say ------------------------------------------------------------------------------------


def test_there_is_a_launch_file_for_each_launch() -> None:
    assert {p.name.removesuffix(".launch.py") for p in LAUNCH_FILES} == set(LAUNCHES)


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda p: p.name)
def test_a_launch_file_returns_the_launch_of_its_name(path: Path) -> None:
    tree = ast.parse(path.read_text())
    (function,) = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert function.name == "generate_launch_description"
    (statement,) = function.body
    assert ast.unparse(statement) == f"return launch_description({path.name.removesuffix('.launch.py')!r})"


def test_the_example_in_a_launch_file_uses_arguments_that_exist() -> None:
    for path in LAUNCH_FILES:
        (example,) = re.findall(rf"ros2 launch sac_son {path.name} (.*)", path.read_text())
        used = {word.partition(":=")[0] for word in example.split()}
        assert used
        assert used <= {a.name for a in bringup.arguments(path.name.removesuffix(".launch.py"))}


@pytest.mark.parametrize("launch", LAUNCHES)
def test_every_node_is_an_executable_of_this_package(launch: str) -> None:
    specs = bringup.specs(launch, given(launch))
    assert specs
    for spec in specs:
        assert ENTRY_POINTS[spec.executable] == f"{spec.module}:main"
        for file in spec.params_files:
            # below config/, which setup.py installs whole
            assert Path(file).is_file()
            assert (ROOT / "config" / Path(file).name).is_file()


@pytest.mark.parametrize("launch", LAUNCHES)
def test_a_command_takes_the_arguments_of_its_launch(launch: str) -> None:
    parser = argparse.ArgumentParser()
    bringup.add_arguments(parser, launch)
    words = [w for name, text in given(launch).items() for w in (f"--{name}", text)]
    assert set(vars(parser.parse_args(words))) == {a.name for a in bringup.arguments(launch)}


def test_arguments_reach_the_nodes() -> None:
    texts = {"robot": "simulated", "namespace": "tb4", "use_sim_time": "true", "cmd_vel": "cmd_vel_nav"}
    perception, navigation, expression = nodes = bringup.specs("bringup", texts)
    assert [spec.name for spec in nodes] == ["perception", "navigation", "expression"]
    for spec in nodes:
        assert spec.parameters == {"robot": "simulated", "use_sim_time": True}
        assert (spec.namespace, spec.respawn) == ("/tb4", True)
        assert [Path(p).name for p in spec.params_files] == [f"{spec.name}.yaml"]
    own = {"/tf": "tf", "/tf_static": "tf_static"}  # each robot in a namespace has transforms of its own
    assert navigation.remaps == {"cmd_vel": "cmd_vel_nav", **own}
    assert perception.remaps == expression.remaps == own
    assert all(spec.remaps == {} for spec in bringup.specs("bringup", {}))


@pytest.mark.parametrize("launch", ["bringup", "simulation"])
def test_a_robot_can_do_without_expression(launch: str) -> None:
    assert "expression" not in [spec.name for spec in bringup.specs(launch, {"expression": "false"})]


def test_the_world_keeps_the_time_and_is_not_told_to_follow_it() -> None:
    world, *others = bringup.specs("simulation", {"seed": "7", "real_time_factor": "2"})
    assert world.parameters["seed"] == 7
    assert world.parameters["real_time_factor"] == 2.0
    assert "use_sim_time" not in world.parameters
    assert world.required
    assert all(spec.parameters["use_sim_time"] is True for spec in others)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"robot": "pioneer"}, "robot profile 'pioneer': not found"),
        ({"use_sim_time": "maybe"}, "use_sim_time: expected true or false, got 'maybe'"),
        ({"params_file": "/nowhere.yaml"}, "params_file: expected a ROS parameter file, found none at /nowhere.yaml"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_starts(texts: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        bringup.specs("bringup", texts)


def test_the_command_is_the_one_that_launch_would_run() -> None:
    spec = NodeSpec(
        name="navigation",
        module="sac_son_nav.nodes.navigation",
        parameters={"robot": "1", "use_sim_time": True, "weights": [1.0, 2.5]},
        remaps={"cmd_vel": "cmd_vel_nav"},
        params_files=["a.yaml", "b.yaml"],
        namespace="/tb4",
    )
    assert command(spec)[1:] == [
        *("-m", "sac_son_nav.nodes.navigation", "--ros-args", "-r", "__node:=navigation", "-r", "__ns:=/tb4"),
        *("--params-file", "a.yaml", "--params-file", "b.yaml"),
        *("-p", 'robot:="1"', "-p", "use_sim_time:=true", "-p", "weights:=[1.0, 2.5]"),
        *("-r", "cmd_vel:=cmd_vel_nav"),
    ]


# -- the supervisor, with small processes -------------------------------------------------------------------------


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., NodeSpec]:
    """Makes a module from source text and the spec that runs it."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))

    def make(name: str, source: str, **settings: bool) -> NodeSpec:
        (tmp_path / f"script_{name}.py").write_text(source)
        return NodeSpec(name, f"script_{name}", **settings)

    return make


FOREVER = "import time\nprint('up', flush=True)\nwhile True: time.sleep(0.1)\n"


def test_a_node_that_was_killed_comes_back(script: Callable[..., NodeSpec]) -> None:
    said = io.StringIO()
    with Supervisor([script("a", FOREVER), script("b", FOREVER)], said) as nodes:
        before = nodes.pids()
        assert set(before) == {"a", "b"}
        assert eventually(lambda: said.getvalue().count("up") == 2)
        nodes.kill("a")
        assert eventually(lambda: nodes.pids().get("a", before["a"]) != before["a"])
        assert nodes.pids()["b"] == before["b"]
        assert nodes.restarts() == {"a": 1, "b": 0}
        last = nodes.pids()
    assert not any(map(alive, [*before.values(), *last.values()]))
    assert re.search(r"^\[a\] was killed by SIGKILL after \d+\.\d s; starting it again in 1 s$", said.getvalue(), re.M)
    assert "[b] up\n" in said.getvalue()
    assert nodes.failed == ""


def test_a_node_that_keeps_dying_gets_longer_pauses(script: Callable[..., NodeSpec], tmp_path: Path) -> None:
    source = (
        f"import time\nopen({str(tmp_path / 'births')!r}, 'a').write(f'{{time.monotonic()}}\\n')\nraise SystemExit(3)"
    )
    said = io.StringIO()
    with Supervisor([script("a", source)], said) as nodes:
        assert eventually(lambda: nodes.restarts()["a"] == 2)
        assert eventually(lambda: (tmp_path / "births").read_text().count("\n") == 3)
    first, second, third = map(float, (tmp_path / "births").read_text().split())
    # at least; starting an interpreter takes its time as well
    assert second - first > 1.0
    assert third - second > 2.0
    assert re.findall(r"starting it again in (\d+) s", said.getvalue())[:2] == ["1", "2"]


def test_a_node_that_refuses_its_settings_ends_all_with_its_words(script: Callable[..., NodeSpec]) -> None:
    refusing = script("a", "import sys\nprint('radius: expected metres', file=sys.stderr)\nsys.exit(2)")
    with Supervisor([refusing, script("b", FOREVER)], io.StringIO()) as nodes:
        other = nodes.pids()["b"]
        assert nodes.wait(60.0)
        assert nodes.failed == "a ended with status 2; its last words: radius: expected metres"
        assert not alive(other)


def test_the_end_of_a_required_node_ends_all_without_a_failure(script: Callable[..., NodeSpec]) -> None:
    done = script("bag", "print('played')", required=True, respawn=False)
    with Supervisor([done, script("b", FOREVER)], io.StringIO()) as nodes:
        assert nodes.wait(60.0)
        assert (nodes.failed, nodes.pids()) == ("", {})


def test_a_node_that_does_not_listen_is_killed_in_the_end(script: Callable[..., NodeSpec]) -> None:
    said = io.StringIO()
    deaf = script("a", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER)
    with Supervisor([deaf], said, grace=0.3) as nodes:
        assert eventually(lambda: "up" in said.getvalue())
        pid = nodes.pids()["a"]
    assert not alive(pid)
    assert "[a] still running 0.3 s after SIGTERM; killing it" in said.getvalue()


def test_a_signal_to_a_node_that_does_not_run_is_an_error(script: Callable[..., NodeSpec]) -> None:
    with (
        Supervisor([script("a", FOREVER)], io.StringIO()) as nodes,
        pytest.raises(GraphError, match="b: expected a running node, running are a"),
    ):
        nodes.kill("b")


SUPERVISE = """
from sac_son_nav.nodes.bringup import NodeSpec
from sac_son_nav.nodes.supervisor import supervise
supervise([NodeSpec("a", "script_a"), NodeSpec("b", "script_b")])
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_no_node_outlives_its_supervisor(script: Callable[..., NodeSpec], number: signal.Signals) -> None:
    script("a", FOREVER)
    script("b", FOREVER)
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISE], stderr=subprocess.PIPE, text=True)
    assert supervisor.stderr is not None
    assert {supervisor.stderr.readline(), supervisor.stderr.readline()} == {"[a] up\n", "[b] up\n"}
    nodes = children(supervisor.pid)
    assert len(nodes) == 2
    supervisor.send_signal(number)
    status = supervisor.wait(60.0)
    supervisor.stderr.close()
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert eventually(lambda: not any(map(alive, nodes)))


# -- the real launch, where ROS has it ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda p: p.name)
def test_launch_declares_the_arguments(path: Path) -> None:
    pytest.importorskip("launch_ros", reason="no launch_ros here: it comes with a ROS installation, not from PyPI")
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    declared = get_launch_description_from_python_launch_file(str(path)).get_launch_arguments()
    assert [a.name for a in declared] == [a.name for a in bringup.arguments(path.name.removesuffix(".launch.py"))]


LAUNCH = """
import json, sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription, RegisterEventHandler, Shutdown, TimerAction
from launch.event_handlers import OnProcessStart
started = []
note = OnProcessStart(on_start=lambda event, context: started.append(event.cmd) and None)
service = LaunchService(argv=sys.argv[2:])
service.include_launch_description(LaunchDescription([
    RegisterEventHandler(note), IncludeLaunchDescription(sys.argv[1], launch_arguments=[
        tuple(a.split(":=")) for a in sys.argv[2:]]), TimerAction(period=6.0, actions=[Shutdown()])]))
status = service.run()
print(json.dumps([status, started]))
"""


def launch(name: str, texts: dict[str, str], within: float) -> subprocess.CompletedProcess[str]:
    """A launch file run by the real launch for a while; skips where it can't be."""
    pytest.importorskip("launch_ros", reason="no launch_ros here: it comes with a ROS installation, not from PyPI")
    packages = pytest.importorskip("ament_index_python.packages")
    try:
        packages.get_package_prefix("sac_son")
    except packages.PackageNotFoundError:
        pytest.skip("sac_son is not installed where ament looks, so launch can't start its nodes")
    surroundings = {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": DOMAIN}
    words = [sys.executable, "-c", LAUNCH, str(ROOT / f"launch/{name}.launch.py")]
    words += [f"{k}:={v}" for k, v in texts.items()]
    return subprocess.run(words, env=surroundings, capture_output=True, text=True, timeout=within)


@pytest.mark.graph
def test_launch_ends_when_a_node_refuses_its_settings(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("/**/navigation:\n  ros__parameters: {plan_timeout: -1.0}\n")
    done = launch("bringup", {"params_file": str(wrong)}, within=30.0)
    assert "expected seconds above zero" in done.stdout + done.stderr
    assert done.stdout.count("process started with pid") + done.stderr.count("process started with pid") == 3


def ros_arguments(argv: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The remaps, parameter files and single parameters of an argument vector."""
    pairs = list(itertools.pairwise(argv))
    remaps, files, values = ([b for a, b in pairs if a == flag] for flag in ("-r", "--params-file", "-p"))
    return remaps, files, values


@pytest.mark.graph
def test_launch_runs_the_same_commands_as_the_supervisor() -> None:
    texts = {"scenario": "crossing", "seed": "3", "namespace": "tb"}
    done = launch("simulation", texts, within=60.0)
    status, started = json.loads(done.stdout.strip().splitlines()[-1])
    assert status == 0, done.stdout + done.stderr
    specs = {spec.name: spec for spec in bringup.specs("simulation", texts)}
    assert len(started) == len(specs) == 4
    for theirs in started:
        remaps, files, _ = ros_arguments(theirs)
        spec = specs[next(r.removeprefix("__node:=") for r in remaps if r.startswith("__node:="))]
        our_remaps, our_files, _ = ros_arguments(command(spec))
        assert sorted(remaps) == sorted(our_remaps)
        # launch writes the parameters into a file of its own, after the files that were given
        *given_files, written = files
        assert [Path(f).name for f in given_files] == [Path(f).name for f in our_files]
        (section,) = yaml.safe_load(Path(written).read_text()).values()
        assert section["ros__parameters"] == spec.parameters
