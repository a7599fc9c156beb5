"""`sac-son evaluate crowdnav`: the published CrowdNav test on our own laws of walking, held against its logs.

Robots that steer by a law of walking cross a crowd that does not see them. The published logs say how often they
arrive, touch somebody or run out of time; some list which episodes went which way, so the re-creation can be checked
episode by episode. docs/crowdnav.md describes the setting and what came of it.

Letters: W worlds, C distinct cases, E episodes, N people, M bodies that the robot looks at. SI units.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.config import make_folder
from sac_son_nav.crowds import social_force
from sac_son_nav.errors import ConfigError, ResultsError
from sac_son_nav.evaluation.crowdnav_navigator import HolonomicRobot, TurningRobot, settings
from sac_son_nav.evaluation.crowdnav_parts import in_parts
from sac_son_nav.evaluation.crowdnav_world import SEED, Bodies, Bools, Setting, Worlds, reciprocal_velocity
from sac_son_nav.evaluation.report import write_summary
from sac_son_nav.states import Floats

Whole = NDArray[np.int64]
GOING, SUCCESS, COLLISION, TIMEOUT = range(4)
OUTCOMES = {SUCCESS: "success", COLLISION: "collision", TIMEOUT: "timeout"}
CASES = 500  # of the published test, after which their numbers start again
OURS = ("sac_son", "sac_son_turning")
FORESEEN = 5  # steps of people's true future that a robot may intrude into, as in the published logs
RESETS = 2  # of the published test between two episodes, so that it takes every second case
ARRIVED_M = 1e-6  # [m] from the goal, where it has no direction

Robot = Callable[[Worlds, Bodies], Floats]
"""The robot's velocity (W, 2) for the bodies (W, M) it takes there to be."""


@dataclass(frozen=True)
class Published:
    """A log: where it is, its figures, and whether its people were randomised and changed their goals."""

    log: str
    success: float
    collision: float
    timeout: float
    time_s: float  # mean of the successful episodes
    episodes: int
    randomised: bool


PUBLISHED = {  # by robot, and how many steps it foresees
    ("orca", 0): Published(
        "CrowdNav_Prediction_AttnGraph, ORCA_no_rand/test/test_00000.pt.log", 0.69, 0.29, 0.02, 14.77, 500, True
    ),
    ("social_force", 0): Published(
        "CrowdNav_Prediction_AttnGraph, SF_no_rand/test/test_00000.pt.log", 0.34, 0.64, 0.02, 19.95, 500, False
    ),
    ("orca", 5): Published("SoNIC-Social-Nav, ORCA/test/test_05207.pt.log", 0.688, 0.264, 0.048, 23.41, 250, True),
    ("social_force", 5): Published(
        "SoNIC-Social-Nav, SF/test/test_05207.pt.log", 0.128, 0.260, 0.612, 29.00, 250, True
    ),
}


# -- robots -----------------------------------------------------------------------------------------------------


def orca_robot(first: Worlds, share: float = 0.5) -> Robot:
    """ORCA for the robot. As published it takes people's bodies for those it believed in at the start of the first
    episode of all, `first`, unless the setting says they are renewed."""
    radii, sight, body = first.believed_radii[0].copy(), float(first.sights[0, 0]), first.setting.body

    def steer(worlds: Worlds, seen: Bodies) -> Floats:
        count, many = seen.radii.shape
        stale = np.broadcast_to(np.tile(radii, many // len(radii)), seen.radii.shape)
        others = seen if worlds.setting.radii_renewed else replace(seen, radii=stale)
        own, pace, goal = worlds.robot_position, worlds.robot_velocity, worlds.robot_goal
        one = np.ones(count)
        return reciprocal_velocity(own, pace, goal, one, others, body * one, sight * one, worlds.setting, share)

    return steer


def circular_force_robot(strength: float = 2.0, reach: float = 1.0, stiffness: float = 1.0) -> Robot:
    """The published robot's social force, with its parameters: the circular specification of Helbing and Molnár,
    "Social force model for pedestrian dynamics", Phys. Rev. E 51 (1995). Everybody repels it by `strength` [m/s^2]
    exp(-gap / `reach` [m]), wherever they go, and it is drawn to 1 m/s towards the goal at the rate `stiffness`
    [1/s]; never faster than 1 m/s."""

    def steer(worlds: Worlds, seen: Bodies) -> Floats:
        away = worlds.robot_position[:, None] - seen.positions
        distance = np.linalg.norm(away, axis=-1)
        push = strength * np.exp((seen.radii + worlds.setting.body - distance) / reach) / distance
        force = stiffness * (_wish(worlds) - worlds.robot_velocity) + (push[..., None] * away).sum(axis=1)
        velocity = worlds.robot_velocity + worlds.setting.step * force
        return _capped(velocity)

    return steer


def moussaid_robot() -> Robot:
    """Our own social force law for the robot, the others taken to go on as they do."""
    law = social_force.SocialForceConfig(speed_tolerance=1.0)

    def steer(worlds: Worlds, seen: Bodies) -> Floats:
        positions = np.concatenate([worlds.robot_position[:, None], seen.positions], axis=1)
        velocities = np.concatenate([worlds.robot_velocity[:, None], seen.velocities], axis=1)
        desired = np.concatenate([_wish(worlds)[:, None], seen.velocities], axis=1)
        radii = np.concatenate([np.full((len(positions), 1), worlds.setting.body), seen.radii], axis=1)
        _, after = social_force.step(positions, velocities, desired, radii, worlds.setting.step, law)
        return _capped(after[:, 0])

    return steer


ROBOTS: dict[str, Callable[[Worlds, Trial], Robot]] = {
    "orca": lambda first, trial: orca_robot(first, trial.share),
    "social_force": lambda first, trial: circular_force_robot(),
    "moussaid": lambda first, trial: moussaid_robot(),
    "sac_son": lambda first, trial: HolonomicRobot(trial.changes),
    "sac_son_turning": lambda first, trial: TurningRobot(trial.changes),
}


def _wish(worlds: Worlds) -> Floats:
    """Towards the goal at 1 m/s, (W, 2)."""
    offset = worlds.robot_goal - worlds.robot_position
    wish: Floats = offset / np.maximum(np.linalg.norm(offset, axis=-1, keepdims=True), ARRIVED_M)
    return wish


def _capped(velocity: Floats) -> Floats:
    capped: Floats = velocity / np.maximum(np.linalg.norm(velocity, axis=-1, keepdims=True), 1.0)
    return capped


# -- episodes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Episodes:
    """How C cases went: their numbers, outcomes, times [s] and the lengths [m] of the robot's ways, and the least
    gap [m] to anybody, all (C,); and the share of time in which the robot is where somebody will be within the next
    FORESEEN steps or is now, NaN where that was not asked."""

    cases: Whole
    outcomes: Whole
    times: Floats
    ways: Floats
    gaps: Floats
    intrusions: Floats


@dataclass(frozen=True)
class Trial:
    """What is tried: the world, the robot, its share of an evasion (ORCA) and how many steps of people's true future
    it takes for further bodies; `intrusions`: whether those are counted, too, which takes as many more steps;
    `changes`: settings of our planner, ``name=value``."""

    robot: str = "orca"
    share: float = 0.5
    foresight: int = 0
    intrusions: bool = False
    setting: Setting = field(default_factory=Setting)
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.robot not in ROBOTS:
            raise ConfigError(f"crowdnav: expected a robot of {', '.join(ROBOTS)}, got {self.robot!r}")
        if not 0.0 <= self.share <= 1.0 or self.foresight < 0:
            got = f"{self.share} and {self.foresight}"
            raise ConfigError(f"crowdnav: expected a share from 0 to 1 and no negative foresight, got {got}")


def run(trial: Trial, cases: Sequence[int], seed: int = SEED) -> Episodes:
    """The cases one by one, as far as their outcome goes; all at once, as far as the arithmetic goes."""
    worlds = Worlds(trial.setting, cases, seed)
    count = len(worlds.cases)
    steer = ROBOTS[trial.robot](worlds, trial)
    outcomes, times, ways = np.zeros(count, dtype=np.int64), np.zeros(count), np.zeros(count)
    gaps, going, intrusions = np.full(count, np.inf), np.arange(count), np.zeros(count)
    while len(going):
        people = worlds.people_choose()
        robot = steer(worlds, _seen(worlds, people, trial.foresight))
        gaps[going] = np.minimum(gaps[going], worlds.gap)
        intrusions[going] += _intrudes(worlds, people) if trial.intrusions else np.nan
        outcome = judge(worlds)
        outcomes[going], times[going] = outcome, worlds.time
        on = outcome == GOING
        worlds.keep(on)
        going = going[on]
        ways[going] += trial.setting.step * np.linalg.norm(robot[on], axis=-1)
        worlds.advance(robot[on], people[on])
    return Episodes(
        np.asarray(cases, dtype=np.int64), outcomes, times, ways, gaps, intrusions / (times / trial.setting.step + 1.0)
    )


def _in_parts(trial: Trial, cases: list[int], seed: int, workers: int, folder: Path | None) -> Episodes:
    """:func:`run` in parts that are kept in the folder, for a robot in whom no case depends on another."""
    if trial.robot not in OURS or folder is None:
        return run(trial, cases, seed)
    found = in_parts(_columns, [asdict(part) for part in settings(trial.changes)], trial, cases, seed, folder, workers)
    of_cases, outcomes = (found.pop(name).astype(np.int64) for name in ("cases", "outcomes"))
    return Episodes(of_cases, outcomes, **found)


def _columns(trial: Trial, cases: Sequence[int], seed: int) -> dict[str, Floats]:
    episodes = run(trial, cases, seed)
    return {f.name: getattr(episodes, f.name) for f in fields(Episodes)}


def _intrudes(worlds: Worlds, people: Floats) -> Bools:
    """Whether the robot (W,) is where somebody is or truly will be, if it went nowhere, within FORESEEN steps."""
    places = worlds.foreseen(FORESEEN, people)[0]
    apart = np.linalg.norm(places - worlds.robot_position[:, None], axis=-1)
    within = apart < np.tile(worlds.radii, (1, FORESEEN + 1)) + worlds.setting.body
    anybody: Bools = np.any(within, axis=1)
    return anybody


def judge(worlds: Worlds) -> Whole:
    """The outcomes (W,): the end of time goes before a collision, and that before arriving."""
    judged: Whole = np.select(
        [np.full(len(worlds.cases), worlds.time >= worlds.setting.time_limit), worlds.gap < 0.0, worlds.arrived],
        [TIMEOUT, COLLISION, SUCCESS],
        GOING,
    ).astype(np.int64)
    return judged


def _seen(worlds: Worlds, people: Floats, foresight: int) -> Bodies:
    if foresight == 0:
        return Bodies(worlds.believed_positions, worlds.believed_velocities, worlds.believed_radii)
    positions, velocities = worlds.foreseen(foresight, people)
    return Bodies(positions, velocities, np.tile(worlds.believed_radii, (1, foresight + 1)))


def published_cases(episodes: int) -> Whole:
    """The case (E,) of each published episode: each resets the world at its end and once more at its start, so every
    second case is used, and after half of the published episodes they come again."""
    return RESETS * np.arange(episodes, dtype=np.int64) % CASES


# -- against the logs -------------------------------------------------------------------------------------------


def read_log(path: Path, episodes: int) -> Whole:
    """The outcomes (E,) of a published log, from its lines of collision and timeout cases; the rest succeeded.
    Raises ResultsError where there are no such lines, or other episodes in them."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"log {path}: expected a readable text, got: {error}") from None
    outcomes = np.full(episodes, SUCCESS, dtype=np.int64)
    for outcome, name in ((COLLISION, "Collision"), (TIMEOUT, "Timeout")):
        line = re.search(rf"{name} cases:([ \d]*)$", text, re.MULTILINE)
        if line is None:
            raise ResultsError(f"log {path}: expected a line '{name} cases: ...', got none")
        listed = np.array([int(word) for word in line[1].split()], dtype=np.int64)
        if (listed >= episodes).any():
            raise ResultsError(f"log {path}: expected at most {episodes} episodes, got number {listed.max()}")
        outcomes[listed] = outcome
    return outcomes


def agreement(ours: Whole, theirs: Whole) -> tuple[float, float]:
    """Share of episodes (E,) with the same outcome, and Cohen's kappa: 0 as by chance, 1 always the same."""
    same = float(np.mean(ours == theirs))
    chance = sum(float(np.mean(ours == k) * np.mean(theirs == k)) for k in OUTCOMES)
    return same, 1.0 if chance == 1.0 else (same - chance) / (1.0 - chance)


def shares(outcomes: Whole) -> dict[str, float]:
    """Of each outcome among the episodes (E,)."""
    return {name: float(np.mean(outcomes == code)) for code, name in OUTCOMES.items()}


def trial_of(options: Namespace) -> Trial:
    """What the options ask for; people as in the log there is of such a robot unless they say."""
    if options.episodes < 1:
        raise ConfigError(f"crowdnav: expected at least one episode, got {options.episodes}")
    log = PUBLISHED.get((options.robot, options.foresight))
    randomised = options.people == "randomised" if options.people else log is None or log.randomised
    setting = Setting(
        randomised=randomised,
        changing=randomised,
        robot_seen=options.robot_seen,
        radii_renewed=options.radii_renewed,
    )
    return Trial(options.robot, options.share, options.foresight, options.intrusions, setting, tuple(options.changes))


def crowdnav(options: Namespace) -> int:
    """Run the episodes asked for, print how they went beside the published figures, and leave them as
    crowdnav.json."""
    trial, seed = trial_of(options), SEED if options.seed is None else options.seed
    episodes = np.arange(options.episodes)
    cases = published_cases(options.episodes) if options.cases == "published" else episodes
    theirs = None if options.log is None else read_log(options.log, options.episodes)
    make_folder(options.out, "crowdnav.json")
    found, rows = measure(trial, cases, seed, theirs, options.workers, options.out / "parts")
    print("\n".join(_table(trial, found)))
    values = {"trial": asdict(trial), "seed": seed, "found": found, "cases": rows}
    write_summary(options.out / "crowdnav.json", values)
    print(f"\n{options.out}/crowdnav.json")
    return 0


def measure(
    trial: Trial,
    cases: Whole,
    seed: int,
    theirs: Whole | None = None,
    workers: int = 1,
    folder: Path | None = None,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Figures of episodes with these cases (E,), against the outcomes (E,) of a log if given, and a row for each
    distinct case. Parts of the work of our planner are kept in the folder, if there is one."""
    distinct, where = np.unique(cases, return_inverse=True)
    # The first case of all is the one a robot's beliefs may stem from, and unique cases are sorted.
    episodes = _in_parts(trial, [int(case) for case in distinct], seed, workers, folder)
    outcomes: Whole = episodes.outcomes[where]
    arrived: Bools = outcomes == SUCCESS
    found: dict[str, float] = {
        **shares(outcomes),
        "time_s": float(episodes.times[where][arrived].mean()) if arrived.any() else float("nan"),
        "way_m": float(episodes.ways[where].mean()),
        "intrusion_share": float(episodes.intrusions[where].mean()),
        "episodes": len(cases),
        "distinct_cases": len(distinct),
        # Wald's standard error of the share of successes, of distinct cases only
        "success_standard_error": float(episodes.outcomes.size**-0.5 * (episodes.outcomes == SUCCESS).std()),
    }
    if theirs is not None:
        found["same_outcome"], found["kappa"] = agreement(outcomes, theirs)
    rows = [
        {"case": int(c), "outcome": OUTCOMES[int(o)], "time_s": float(t), "way_m": float(w), "least_gap_m": float(g)}
        for c, o, t, w, g in zip(*(getattr(episodes, name) for name in _COLUMNS), strict=True)
    ]
    return found, rows


_COLUMNS = ("cases", "outcomes", "times", "ways", "gaps")


def _table(trial: Trial, found: dict[str, float]) -> list[str]:
    setting = trial.setting
    people = "each their own body and speed" if setting.randomised else "all alike"
    lines = [
        f"{setting.people} people, {people}, goals {'changing' if setting.changing else 'kept'}; robot: {trial.robot}"
        + (f", foreseeing {trial.foresight} steps" if trial.foresight else ""),
        f"  {'':<12}{'success':>9}{'collision':>11}{'timeout':>9}{'time [s]':>10}",
        _line("here", found["success"], found["collision"], found["timeout"], found["time_s"]),
    ]
    log = PUBLISHED.get((trial.robot, trial.foresight))
    if log:
        lines.append(_line("published", log.success, log.collision, log.timeout, log.time_s))
        lines.append(f"  {log.log}, {log.episodes} episodes")
    lines.append(
        f"  {found['episodes']} episodes of {found['distinct_cases']} distinct cases, "
        f"standard error of success {found['success_standard_error']:.3f}, way {found['way_m']:.2f} m"
    )
    if trial.intrusions:
        lines.append(
            f"  where somebody is or will be within {FORESEEN} steps: {found['intrusion_share']:.4f} of the time"
        )
    if "kappa" in found:
        lines.append(f"  the same outcome as in the log in {found['same_outcome']:.3f}, kappa {found['kappa']:.3f}")
    return lines


def _line(name: str, success: float, collision: float, timeout: float, time_s: float) -> str:
    return f"  {name:<12}{success:9.3f}{collision:11.3f}{timeout:9.3f}{time_s:10.2f}"
