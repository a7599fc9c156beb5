"""`sac-son measure soak`: hours of driving from place to place among people, as fast as the machine can go.

The real graph over DDS, in the embedded world's time. The world waits after each scan until perception and navigation
have answered it (up to PATIENCE of the wall's clock, then it counts as missed), so no scan is lost however fast it
goes. What is accelerated is the world alone: the nodes compute every step that they would compute on a robot. Their
time-outs follow a clock that always runs and are therefore as many times more patient; the fault table is where those
are tried. Each goal is accounted for: arrived, refused, given up after GOAL_TIME, or cut off by the run's own end.

soak.json is written once a minute of the world. A run that was ended goes on from it, with fresh processes; memory is
compared within each stretch of one set of processes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.config import make_folder, write_atomically
from sac_son_nav.errors import ConfigError, GraphError
from sac_son_nav.evaluation.progress import Progress
from sac_son_nav.nodes.bringup import Supervisor, simulation_specs
from sac_son_nav.nodes.measuring import resident_mb
from sac_son_nav.nodes.supervisor import private_graph, signals
from sac_son_nav.nodes.watching import Bystander
from sac_son_nav.simulation.scenarios import Scenario, load_scenario
from sac_son_nav.states import Floats

PATIENCE = 0.25  # [s] of the wall's clock, as long as the nodes wait themselves
FASTEST = 40.0  # times real time, as the timer of the world is set; more turns it for nothing
LATE_SHARE = 0.01  # of the plans that may come later
GOAL_TIME = 180.0  # [s] of the world for one goal
WARM = 120.0  # [s] of the world before memory is compared
GROWTH = 0.05  # of a node's memory that is too much
MINUTE = 60.0
NODES = ("perception", "navigation", "expression")
ENDINGS = ("arrived", "refused", "given_up", "cut_off")  # of a goal


@dataclass
class Stretch:
    """What one set of processes has been through."""

    world_s: float = 0.0
    wall_s: float = 0.0
    memory_mb: list[dict[str, float]] = field(default_factory=list)  # one a minute of the world, by node
    restarts: int = 0
    perception_s: float = 0.0  # of the wall's time, in which the world waited for people
    navigation_s: float = 0.0  # and for plans after that

    def growth(self) -> dict[str, float]:
        """How much each node's memory grew, relative: the last fifth of the minutes after WARM against the first."""
        rows = self.memory_mb[round(WARM / MINUTE) :]
        part = max(1, len(rows) // 5)
        if len(rows) < 2:
            return {}

        def mean(some: list[dict[str, float]], name: str) -> float:
            return float(np.mean([row[name] for row in some]))

        return {name: mean(rows[-part:], name) / mean(rows[:part], name) - 1.0 for name in rows[0]}


@dataclass
class Account:
    """The whole soak so far."""

    goals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("sent", *ENDINGS), 0))
    plans: int = 0
    late: int = 0  # plans that came later than 100 ms of the wall's clock after their scan
    latest_ms: float = 0.0
    missed: int = 0  # scans that were not answered in time
    contacts: int = 0
    contacts_driving: int = 0  # of these, the robot walked into somebody; in the others somebody into it
    stretches: list[Stretch] = field(default_factory=list)

    @property
    def world_s(self) -> float:
        """Of all stretches."""
        return sum(stretch.world_s for stretch in self.stretches)

    @property
    def open_goals(self) -> int:
        """Sent and not accounted for; one while a run is under way."""
        return self.goals["sent"] - sum(n for name, n in self.goals.items() if name != "sent")


def read(path: Path) -> Account:
    """An account that was written before; a new one where there is none."""
    if not path.is_file():
        return Account()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["account"]
        goals = {**Account().goals, **told["goals"]}
        return Account(**{**told, "goals": goals, "stretches": [Stretch(**s) for s in told["stretches"]]})
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: expected the account of a soak, got: {error}; move it away to begin anew"
        ) from None


def places(scenario: Scenario, room: float, count: int, seed: int) -> Floats:
    """Places (count, 2) [m] with at least `room` [m] to the nearest wall, each 3 m or more from the one before."""
    random = np.random.default_rng(seed)
    x0, x1, y0, y1 = scenario.floor.extent
    found = [scenario.robot_start[:2]]
    while len(found) <= count:
        place = random.uniform((x0, y0), (x1, y1))
        reachable = scenario.open_floor.joined(place, scenario.robot_start[:2])
        if scenario.floor.distance_at(place) >= room and np.linalg.norm(place - found[-1]) >= 3.0 and reachable:
            found.append(place)
    return np.array(found[1:])


class Soak:
    """One stretch, from the start of its processes to their end."""

    def __init__(self, account: Account, out: Path, scenario: Scenario, hours: float) -> None:
        self.account, self.out, self.scenario, self.hours = account, out, scenario, hours
        self.stretch = Stretch()
        account.stretches.append(self.stretch)
        self._goal = np.zeros(2)
        self._sent_s: float | None = None  # when in the world the goal in hand was sent
        self._before = changed(account)
        self._goals = iter(places(scenario, 0.6, 20000, seed=account.goals["sent"]))

    def run(self, nodes: Supervisor, eyes: Bystander, got: list[int]) -> None:
        """Until the hours are over or a signal has come."""
        progress, began, minute, left = Progress(), time.monotonic(), 0, 3600.0 * self.hours - self.account.world_s
        heard_at, heard_world = began, 0.0
        try:
            while not got and self.stretch.world_s < left:
                time.sleep(0.05)
                if nodes.failed:
                    raise GraphError(f"{nodes.failed}; see log.txt in the folder")
                self.stretch.world_s, self.stretch.wall_s = eyes.seen.world_s, time.monotonic() - began
                if eyes.seen.world_s > heard_world:
                    heard_at, heard_world = time.monotonic(), eyes.seen.world_s
                elif time.monotonic() - heard_at > 60.0:
                    raise GraphError("simulation: expected the world to go on, got no word of it for 60 s")
                self._follow_goal(eyes)
                if eyes.seen.world_s >= MINUTE * (minute + 1):
                    minute += 1
                    self._take_down(nodes, eyes)
                    write(self.account, self.out)
                    progress(self._line())
        finally:
            progress.end()
            if self._sent_s is not None:
                self.account.goals["cut_off"] += 1
            write(self.account, self.out)

    def _follow_goal(self, eyes: Bystander) -> None:
        """Account for the goal in hand when it is over, and send the next."""
        if not eyes.navigation_heard or eyes.seen.pose is None:
            return
        now, goals = eyes.seen.world_s, self.account.goals
        if self._sent_s is not None:
            level, sentence = eyes.navigation()
            near = float(np.linalg.norm(self._goal - eyes.seen.pose[:2])) < 0.6
            if sentence == "arrived" and near:
                goals["arrived"] += 1
            elif level == 2 and "room for the robot" in sentence and now - self._sent_s > 2.0:
                goals["refused"] += 1
            elif now - self._sent_s > GOAL_TIME:
                goals["given_up"] += 1
            else:
                return
        self._goal = next(self._goals)
        goals["sent"] += 1
        self._sent_s = now
        eyes.send_goal(np.array([*self._goal, 0.0]))

    def _take_down(self, nodes: Supervisor, eyes: Bystander) -> None:
        pids = nodes.pids()
        self.stretch.memory_mb.append({name: resident_mb(pids[name]) for name in NODES if name in pids})
        self.stretch.restarts = sum(nodes.restarts().values())
        eyes.seen.events, eyes.seen.said, eyes.seen.performed = [], [], []
        _, _, values = eyes.seen.status.get("/simulation", (0, "", {}))
        account, before = self.account, self._before
        account.missed = before.missed + int(values.get("answers_missed", 0))
        account.plans = before.plans + int(values.get("plans", 0))
        account.late = before.late + int(values.get("plans_late", 0))
        account.latest_ms = max(before.latest_ms, float(values.get("latest_plan_ms", 0.0)))
        self.stretch.perception_s = float(values.get("seconds_for_people", 0.0))
        self.stretch.navigation_s = float(values.get("seconds_for_plans", 0.0))
        account.contacts = before.contacts + int(values.get("contacts", 0))
        account.contacts_driving = before.contacts_driving + int(values.get("contacts_driving", 0))

    def _line(self) -> str:
        speed = self.stretch.world_s / max(self.stretch.wall_s, 1e-9)
        left = (3600.0 * self.hours - self.account.world_s) / max(speed, 1e-9)
        held = ", ".join(f"{name} {mb:.0f} MB" for name, mb in self.stretch.memory_mb[-1].items())
        goals = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in self.account.goals.items() if n)
        return (
            f"{self.account.world_s / 3600:.2f} of {self.hours:g} h at {speed:.1f} x real time, "
            f"{left / 60:.0f} min to go  goals: {goals}  {held}"
        )


def write(account: Account, out: Path) -> None:
    """soak.json: the account, and what it comes to."""
    content = {"account": asdict(account), "summary": summary(account)}
    write_atomically(out / "soak.json", json.dumps(content, indent=1) + "\n")


def summary(account: Account) -> dict[str, Any]:
    """The figures that count."""
    wall = sum(stretch.wall_s for stretch in account.stretches)
    longest = max(account.stretches, key=lambda stretch: stretch.world_s, default=Stretch())
    return {
        "world_hours": account.world_s / 3600.0,
        "times_real_time": account.world_s / wall if wall else 0.0,
        "share_of_the_time_for": {
            "perception": sum(stretch.perception_s for stretch in account.stretches) / wall if wall else 0.0,
            "navigation": sum(stretch.navigation_s for stretch in account.stretches) / wall if wall else 0.0,
        },
        "stretches": len(account.stretches),
        "restarts": sum(stretch.restarts for stretch in account.stretches),
        "memory_growth": longest.growth(),
        "memory_mb": longest.memory_mb[-1] if longest.memory_mb else {},
        "plans": account.plans,
        "plans_later_than_100_ms": account.late / account.plans if account.plans else 0.0,
        "latest_plan_ms": account.latest_ms,
        "scans_not_answered_in_time": account.missed,
        "contacts": account.contacts,
        "of_these_by_a_robot_that_drove": account.contacts_driving,
        "goals": account.goals,
        "goals_not_accounted_for": account.open_goals,
    }


def measure_soak(out: Path, hours: float, scenario_name: str = "robots/rounds") -> int:
    """Soak until so many hours of the world are full, an earlier run in `out` included; 0 where there are no
    :func:`shortcomings`."""
    scenario = load_scenario(scenario_name)
    make_folder(out, "log.txt")
    account = read(out / "soak.json")
    if account.world_s >= 3600.0 * hours:
        return _judge(account)
    private_graph()
    world = {"real_time_factor": FASTEST, "patience": PATIENCE}
    specs = simulation_specs(scenario=scenario_name, seed=len(account.stretches))
    specs = [changed(s, parameters={**s.parameters, **world}) if s.name == "simulation" else s for s in specs]
    with (
        signals() as got,
        (out / "log.txt").open("w") as log,
        Supervisor(specs, output=log) as nodes,
        Bystander(with_commands=False) as eyes,
    ):
        Soak(account, out, scenario, hours).run(nodes, eyes, got)
    return _judge(account)


def _judge(account: Account) -> int:
    figures = summary(account)
    _show(figures)
    lacks = shortcomings(figures)
    print("  " + ("as it has to be" if not lacks else "; ".join(lacks)))
    return int(bool(lacks))


def shortcomings(figures: Mapping[str, Any]) -> list[str]:
    """What is not as it has to be, in words."""
    growth = figures["memory_growth"]
    lacks = [f"{name} grew by {share:.1%}" for name, share in growth.items() if share >= GROWTH]
    if not growth:
        lacks.append("too short to say how memory grew")
    if figures["plans_later_than_100_ms"] > LATE_SHARE:
        lacks.append(f"{figures['plans_later_than_100_ms']:.1%} of the plans were late, {LATE_SHARE:.0%} may be")
    if figures["goals_not_accounted_for"]:
        lacks.append(f"{figures['goals_not_accounted_for']} goals are not accounted for")
    if figures["restarts"]:
        lacks.append(f"{figures['restarts']} times a node died")
    return lacks


def _show(figures: Mapping[str, Any]) -> None:
    for name, value in figures.items():
        if isinstance(value, dict):
            value = ", ".join(
                f"{k.replace('_', ' ')} {v:.3f}" if isinstance(v, float) else f"{k.replace('_', ' ')} {v}"
                for k, v in value.items()
            )
        elif isinstance(value, float):
            value = f"{value:.3f}"
        print(f"  {name.replace('_', ' '):<28}{value}")
