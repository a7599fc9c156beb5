"""`sac-son demo`: the real graph as separate processes over DDS, a robot among people, and what it did to them.

Starts simulation, perception, navigation and expression, gives the goal, records, and then holds the run against the
same world without the robot: the same seed, the same people, the same luck. A baseline drives through that world, too.
What went on between the robot and people, and what it said about that, is told as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.baselines.planners import named_maker
from sac_son_nav.config import RobotProfile, load_robot, make_folder
from sac_son_nav.errors import GraphError
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.evaluation.report import draw_run, write_summary
from sac_son_nav.evaluation.runs import Run, run_baseline
from sac_son_nav.nodes.bringup import NodeSpec, Supervisor, simulation_specs
from sac_son_nav.nodes.recording import Recorder
from sac_son_nav.nodes.supervisor import private_graph
from sac_son_nav.nodes.watching import Bystander, Seen
from sac_son_nav.simulation.counterfactual import Perturbation, perturbation, replay, twin
from sac_son_nav.simulation.history import History
from sac_son_nav.simulation.scenarios import Scenario, load_scenario

BASELINE, NO_BASELINE = "dynamic_window", "none"  # Fox, Burgard, Thrun (1997)
Change = Callable[[list[NodeSpec]], list[NodeSpec]]
START_WITHIN = 30.0  # [s] for four processes to find each other on a busy machine
RECORDED = (
    *("scan", "odom", "amcl_pose", "map", "cmd_vel", "goal_pose", "people", "people_markers", "route", "local_plan"),
    *("predicted_people", "objective", "diagnostics", "social_events", "base_free", "head_command"),
    *("expression/status", "expression/speech", "expression/sound", "expression/light", "expression/markers"),
    *("ground_truth/people", "ground_truth/odom", "ground_truth/people_markers"),
)


@dataclass(frozen=True)
class Outcome:
    """One run of the graph and its twin."""

    history: History
    without: History
    perturbation: Perturbation
    contacts: list[str]
    success: bool
    closest_approach: float
    reproducible: bool  # the world stepped again with the recorded robot is the recorded world


def demo(
    scenario_name: str,
    seed: int,
    out: Path,
    robot_name: str = "simulated",
    record: bool = True,
    baseline: str = BASELINE,
) -> int:
    """Run it, print the table, leave the folder; 0 if the robot reached its goal without touching anybody. `baseline`:
    the planner to compare with, or "none"."""
    scenario, robot = load_scenario(scenario_name), load_robot(robot_name)
    if baseline != NO_BASELINE:
        named_maker(baseline)  # a misspelt name is refused before anything starts
    make_folder(out, "world.npz", "summary.json", "run.png", "log.txt")
    print(f"{scenario.name}: {scenario.description.strip()}", flush=True)
    private_graph()
    with graph(scenario_name, seed, out, robot_name) as nodes, Bystander(with_commands=False) as eyes:
        recorder = Recorder(out / "recording", RECORDED, robot) if record else None
        try:
            arrived = watch(eyes, nodes, scenario)
        finally:
            if recorder is not None:
                recorder.close()
    outcome = judge(scenario, robot, seed, out / "world.npz", arrived)
    other = None if baseline == NO_BASELINE else run_baseline(scenario, robot, seed, baseline)
    report(outcome, scenario, robot, seed, out, eyes.seen, baseline, other)
    return 0 if outcome.success else 1


@contextmanager
def graph(
    scenario: str, seed: int, out: Path, robot: str, change: Change | None = None, **simulation: Any
) -> Iterator[Supervisor]:
    """Simulation, perception, navigation and expression as processes, or what `change` makes of these; their output
    goes to `out`/log.txt."""
    specs: list[NodeSpec] = simulation_specs(
        robot=robot, scenario=scenario, seed=seed, log=str(out / "world.npz"), **simulation
    )
    specs = specs if change is None else change(specs)
    with (out / "log.txt").open("w") as log, Supervisor(specs, output=log) as supervisor:
        yield supervisor


def watch(eyes: Bystander, nodes: Supervisor, scenario: Scenario) -> bool:
    """Give the goal, show how it goes, until the robot has arrived (True) or time is over (False).

    A process that can't run, or is not heard within START_WITHIN, raises GraphError.
    """
    began, progress, goal_sent = time.monotonic(), Progress(), False
    try:
        while True:
            time.sleep(0.1)
            if nodes.failed:
                raise GraphError(f"{nodes.failed}; see log.txt in the folder")
            _, sentence = eyes.navigation()
            pose = eyes.seen.pose
            if pose is None or not eyes.navigation_heard:
                if time.monotonic() - began > START_WITHIN:
                    missing = "simulation" if pose is None else "navigation"
                    raise GraphError(f"{missing}: expected to hear from it within {START_WITHIN:.0f} s, got nothing")
                continue
            if not goal_sent:
                eyes.send_goal(scenario.robot_goal)
                goal_sent = True
            to_go = float(np.linalg.norm(scenario.robot_goal[:2] - pose[:2]))
            nearest = min((float(np.linalg.norm(p - pose[:2])) for p in eyes.seen.people), default=float("inf"))
            progress(
                f"{eyes.seen.world_s:5.1f} s  {to_go:5.2f} m to go  {eyes.seen.speed:4.2f} m/s  "
                f"nearest person {nearest:4.2f} m  {sentence}"
            )
            if sentence == "arrived" and to_go < 2.0 * scenario.robot.tolerance:
                return True
            if eyes.seen.world_s >= scenario.time_limit:
                return False
    finally:
        progress.end()


def judge(scenario: Scenario, robot: RobotProfile, seed: int, log: Path, arrived: bool) -> Outcome:
    """What the robot changed, from the simulation's own log and the exact counterfactual."""
    if not log.is_file():
        raise GraphError(f"simulation: expected its log at {log}, found none")
    with np.load(log) as file:
        history = History(*(file[name] for name in History.__dataclass_fields__))
        contacts = [str(what) for what in file["contact_with"]]
    without = twin(scenario, robot, seed, len(history) - 1)
    again = replay(scenario, robot, seed, history)
    closest = float("inf")
    if history.people.shape[1]:
        closest = float(np.min(np.linalg.norm(history.people - history.robot_poses[:, None, :2], axis=-1)))
    return Outcome(
        history,
        without,
        perturbation(history, without),
        contacts,
        arrived and not contacts,
        closest,
        bool(np.array_equal(again.people, history.people)),
    )


def report(
    outcome: Outcome,
    scenario: Scenario,
    robot: RobotProfile,
    seed: int,
    out: Path,
    seen: Seen,
    baseline: str,
    other: Run | None,
) -> None:
    """The table on the terminal; run.png and summary.json in the folder."""
    p = outcome.perturbation
    summary: dict[str, Any] = {
        "scenario": scenario.name,
        "seed": seed,
        "robot": robot.name,
        "success": outcome.success,
        "time_s": float(outcome.history.times[-1]),
        "closest_approach_m": outcome.closest_approach,
        "contacts": outcome.contacts,
        "people": len(p.mean),
        "people_affected": int(p.affected.sum()),
        "perturbation_absent_m": float(p.mean.mean()) if len(p.mean) else 0.0,
        "largest_displacement_m": float(p.largest.max()) if len(p.largest) else 0.0,
        "perturbation_per_person_m": [float(v) for v in p.mean],
        "largest_displacement_per_person_m": [float(v) for v in p.largest],
        "world_reproducible": outcome.reproducible,
        "baseline": {"planner": baseline, **asdict(other)} if other else None,
        "events": [{"time_s": e.stamp_s, "kind": e.kind, "person": e.person, "detail": e.detail} for e in seen.events],
        "performed": [{"time_s": at, "behaviour": name} for at, name in seen.performed],
        "said": [{"time_s": at, "sentence": text} for at, text in seen.said],
    }
    write_summary(out / "summary.json", summary)
    draw_run(
        out / "run.png",
        scenario.floor,
        outcome.history,
        outcome.without,
        goal=scenario.robot_goal,
        robot_radius=robot.radius,
        title=f"{scenario.name}, seed {seed}",
        notes=[(at, f"“{text}”") for at, text in seen.said],
    )
    print("\nagainst the same world without the robot, same seed:")
    for line in table(outcome, baseline, other):
        print(f"  {line}")
    print("\nbetween the robot and people:")
    for line in tale(seen):
        print(f"  {line}")
    print(f"\n{out}/run.png  {out}/summary.json  {out}/recording (MCAP, opens in Foxglove)  {out}/log.txt")


def table(outcome: Outcome, baseline: str, other: Run | None) -> Iterator[str]:
    """What the robot did to people, in lines; beside it what the baseline did, where one was run."""
    p, touched = outcome.perturbation, ", ".join(outcome.contacts)
    mean = float(p.mean.mean()) if len(p.mean) else 0.0
    mine = Run(
        -1,
        outcome.success,
        float(outcome.history.times[-1]),
        outcome.closest_approach,
        len(outcome.contacts),
        int(p.affected.sum()),
        mean,
        float(np.max(p.largest, initial=0.0)),
    )
    rows: list[tuple[str, Callable[[Run], str], str]] = [
        ("success", lambda r: "yes" if r.success else "no", f"touched {touched}" if touched else ""),
        ("time", lambda r: f"{r.time_s:.1f} s", ""),
        ("closest approach", lambda r: f"{r.closest_approach_m:.2f} m", "centre to centre"),
        (
            "people affected",
            lambda r: f"{r.people_affected} of {len(p.mean)}",
            "displaced by more than 0.10 m at some time",
        ),
        ("perturbation", lambda r: f"{r.perturbation_absent_m:.3f} m", "mean over time and people"),
        ("largest displacement", lambda r: f"{r.largest_displacement_m:.2f} m", ""),
    ]
    if other is not None:
        yield f"{'':<22}{'this robot':<12}{baseline}"
    for name, say, note in rows:
        beside = f"{say(other):<16}" if other is not None else ""
        yield f"{name:<22}{say(mine):<12}{beside}{note}".rstrip()
    again = "identical to the last bit" if outcome.reproducible else "DIFFERENT: please report this"
    yield f"{'same world again':<22}{again}"


def tale(seen: Seen) -> Iterator[str]:
    """What went on between the robot and people, moment by moment."""
    told = [(e.stamp_s, f"{e.kind}: {e.detail}") for e in seen.events]
    told += [(at, f"  performs {name}") for at, name in seen.performed]
    told += [(at, f"  says “{text}”") for at, text in seen.said]
    for at, text in sorted(told, key=lambda pair: pair[0]):
        yield f"{f'{at:.1f} s':<10}{text}"
    if not told:
        yield "nothing to tell of"
