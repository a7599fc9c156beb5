"""`sac-son measure graph`: how fast and how large the running graph is, measured from outside while it drives.

Scan to command is the time between a scan's arrival and the arrival of the plan made from it, both seen by a
process that only listens. The plan is published right after the command, so the command is no later; a listener's
own delays are in it, so the figure is an upper bound.

With a camera a process of its own (`drawn_camera.py`) publishes JPEGs at 30 Hz, and perception looks at them.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from sac_son_nav.config import load_robot, make_folder
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.evaluation.speed import spread
from sac_son_nav.nodes.bringup import NodeSpec, Supervisor
from sac_son_nav.nodes.demo import graph, judge, watch
from sac_son_nav.nodes.drawn_camera import DrawnCameraConfig
from sac_son_nav.nodes.supervisor import private_graph
from sac_son_nav.nodes.watching import Bystander
from sac_son_nav.simulation.scenarios import load_scenario

THE_WORLD = ("simulation", "camera")  # processes that no robot runs; its camera's driver is its maker's
ON_THE_ROBOT = "on the robot"


def measure_graph(
    scenario_name: str, seed: int, out: Path, robot_name: str = "simulated", camera: bool = False
) -> int:
    """Drive the scenario once and print the table; also left as graph.json."""
    scenario, robot = load_scenario(scenario_name), load_robot(robot_name)
    make_folder(out, "world.npz", "graph.json", "log.txt")
    private_graph()
    with graph(scenario_name, seed, out, robot_name, change=with_camera if camera else None) as nodes:
        stamped = robot.enable_stamped_cmd_vel
        with Bystander(robot.laser.topic, stamped) as eyes, Resources(nodes) as used:
            arrived = watch(eyes, nodes, scenario)
    outcome = judge(scenario, robot, seed, out / "world.npz", arrived)
    arrivals = np.array([at for at, _ in eyes.seen.commands])
    delays, periods = 1e3 * np.array(eyes.seen.plan_delays), 1e3 * np.diff(arrivals)
    looked = int(eyes.seen.status.get("/perception", (0, "", {}))[2].get("pictures", 0))
    result = {
        "pictures_looked_at": looked,
        "scenario": scenario.name,
        "seed": seed,
        "cores": os.cpu_count(),
        "success": outcome.success,
        "scan_to_plan_ms": spread(delays),
        "control_period_ms": spread(periods),
        "resident_memory_mb": {**used.peak_mb, ON_THE_ROBOT: _together(used.peak_mb)},
        "cpu_cores": {**used.cores, ON_THE_ROBOT: _together(used.cores)},
        "commands": len(arrivals),
    }
    write_summary(out / "graph.json", result)
    show(result)
    return 0


def with_camera(specs: list[NodeSpec]) -> list[NodeSpec]:
    """The same graph with a camera, and perception that looks through it."""
    place = {"camera.use": True, "camera.z": DrawnCameraConfig.z}
    made = [replace(s, parameters={**s.parameters, **place}) if s.name == "perception" else s for s in specs]
    return [*made, NodeSpec("camera", "sac_son_nav.nodes.drawn_camera")]


def _together(figures: dict[str, float]) -> float:
    """Of the nodes that run on a robot; the world runs on none."""
    return sum(value for name, value in figures.items() if name not in THE_WORLD)


def show(result: dict[str, object]) -> None:
    """The table."""
    print(f"\n{result['scenario']}, seed {result['seed']}, {result['cores']} cores, {result['commands']} commands")
    print(f"  {'':<22}{'p50':>8}{'p99':>8}{'max':>8}")
    if result["pictures_looked_at"]:
        print(f"  {result['pictures_looked_at']} pictures looked at")
    for name, label in (("scan_to_plan_ms", "scan to command [ms]"), ("control_period_ms", "control period [ms]")):
        figures = result[name]
        assert isinstance(figures, dict)
        print(f"  {label:<22}" + "".join(f"{figures[k]:8.1f}" for k in ("p50", "p99", "max")))
    memory, cores = result["resident_memory_mb"], result["cpu_cores"]
    assert isinstance(memory, dict)
    assert isinstance(cores, dict)
    print(f"  {'':<22}{'memory':>8}{'cpu':>8}")
    for name in memory:
        print(f"  {name:<22}{memory[name]:5.0f} MB{cores[name]:8.2f}")


class Resources:
    """Resident memory (peak) and processor time of the graph's processes, from /proc."""

    def __init__(self, nodes: Supervisor) -> None:
        self._nodes = nodes
        self.peak_mb: dict[str, float] = {}
        self.cores: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="resources")

    def __enter__(self) -> Resources:
        self._began, self._ticks = time.monotonic(), {n: _ticks(p) for n, p in self._nodes.pids().items()}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        elapsed = time.monotonic() - self._began
        per_second = os.sysconf("SC_CLK_TCK")
        for name, pid in self._nodes.pids().items():
            self.cores[name] = (_ticks(pid) - self._ticks.get(name, 0)) / per_second / elapsed

    def _sample(self) -> None:
        while not self._stop.wait(0.5):
            for name, pid in self._nodes.pids().items():
                self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), resident_mb(pid))


def resident_mb(pid: int) -> float:
    """Memory that a process holds now [MB]; 0 where it has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return float(line.split()[1]) / 1024.0
    except OSError:
        pass  # it has just ended
    return 0.0


def _ticks(pid: int) -> int:
    """Processor time used so far, user and system, in clock ticks."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
