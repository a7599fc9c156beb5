"""Tries a program in imagined scenes before any robot performs it, and says what came of it.

The same Performance that a robot steps is stepped here, on a virtual clock; its commands go through navigation's
shield and the base's limits. One program in all scenes, one session of the sandbox for each; same seed, same traces to
the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.checks import Finding, RehearsalLimits, check_trace, describe_run
from expressive_motion.rehearsals.imagined import PERSON_RADIUS, SCENES, Scene, Staged
from expressive_motion.rehearsals.trace import Held, Said, Touch, Trace
from expressive_motion.robot import Description
from expressive_motion.skills.embodiment import TICK, LightState
from expressive_motion.skills.performance import Performance
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import limit_one_velocity, one_unicycle_step
from sac_son_nav.navigation.shield import ShieldConfig, Verdict, shield
from sac_son_nav.states import STOP, Command, Floats

NONE_LEARNED: Mapping[str, str] = MappingProxyType({})
SETTLE_S = 3.0  # [s] that base and head may take to come to rest after the program's end
_SHIELD = ShieldConfig()
Pose = tuple[float, float, float]
_AT_REST = Verdict(STOP)
_SPARE = 0.01  # [m] beyond what the shield can look at, for rounding


@dataclass(frozen=True)
class Run:
    """A program in one scene."""

    scene: Scene
    trace: Trace
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """fit, or unfit where one finding is reason to stop."""
        return "unfit" if any(finding.severity == "stop" for finding in self.findings) else "fit"

    def summary(self) -> str:
        """What it came to, in a line."""
        return f"{self.scene.name}: {describe_run(self.trace)}; {self.verdict}"


@dataclass(frozen=True)
class Rehearsal:
    """A program in all scenes."""

    runs: tuple[Run, ...]

    @property
    def verdict(self) -> str:
        """fit, or unfit where it is so in one scene."""
        return "unfit" if any(run.verdict == "unfit" for run in self.runs) else "fit"

    @property
    def findings(self) -> tuple[str, ...]:
        """All findings in words, reasons to stop first; one that several scenes share is told once, with the scenes'
        names."""
        scenes: dict[Finding, list[str]] = {}
        for run in self.runs:
            for finding in run.findings:
                scenes.setdefault(finding, []).append(run.scene.name)
        ordered = sorted(scenes, key=lambda finding: finding.severity != "stop")
        return tuple(f"{', '.join(scenes[finding])}: {finding.text}" for finding in ordered)

    @property
    def stops(self) -> tuple[str, ...]:
        """The findings that make it unfit, in words."""
        count = len({f for run in self.runs for f in run.findings if f.severity == "stop"})
        return self.findings[:count]

    def run(self, scene: str) -> Run:
        """The run in the scene of that name; ConfigError where there was none."""
        for run in self.runs:
            if run.scene.name == scene:
                return run
        raise ConfigError(f"scene {scene!r}: expected one of {', '.join(run.scene.name for run in self.runs)}")

    def telling(self) -> list[str]:
        """The scenes that tell most, two at most: where it is unfit; else the first, and the one in which most is to
        be seen and heard, if that is more than in the first."""
        if unfit := [run.scene.name for run in self.runs if run.verdict == "unfit"]:
            return unfit[:2]
        shown = {run.scene.name: _shown(run.trace) for run in self.runs}
        first, most = self.runs[0].scene.name, max(shown, key=lambda name: shown[name])
        return [first, most] if shown[most] > shown[first] + 0.2 else [first]

    def summary(self) -> str:
        """A line for each scene."""
        return "\n".join(run.summary() for run in self.runs)


def _shown(trace: Trace) -> float:
    """How much there is to be seen and heard: metres, radians of the base, and things said."""
    return trace.path_m + float(np.abs(np.diff(trace.yaw)).sum()) + len(trace.said)


TRIES = 3  # of a scene whose program ran out of time or died: on a busy machine that need not be its own doing


def rehearse(
    code: str,
    description: Description,
    sandbox: Sandbox,
    learned: Mapping[str, str] = NONE_LEARNED,
    forbidden: frozenset[str] = frozenset(),
    scenes: Sequence[Scene] = SCENES,
    seed: int = 0,
    limits: RehearsalLimits | None = None,
) -> Rehearsal:
    """The program in each of the scenes. `seed`: 0 for the scenes as they stand, others vary where people are.

    Raises ProgramError where it is no program for this robot, before anything of it has run; what goes wrong while it
    runs is a finding.
    """
    limits = limits or RehearsalLimits()
    runs: list[Run] = []
    for scene in scenes:
        staged = Staged(scene.varied(seed), int((limits.duration_s + SETTLE_S) / TICK) + 2)
        if runs and _is_the_same_everywhere(runs[0].trace, description, staged):
            trace = _elsewhere(runs[0].trace, staged)
            runs.append(Run(scene, trace, check_trace(trace, description, limits)))
            continue
        for _ in range(TRIES):
            session = sandbox.start(code, description, learned)
            try:
                performance = Performance(session, description, forbidden=forbidden)
                trace = _Imagination(staged, description).perform(performance, limits.duration_s)
            finally:
                session.drop()
            if not session.lost:
                break
        runs.append(Run(scene, trace, check_trace(trace, description, limits)))
    return Rehearsal(tuple(runs))


def _is_the_same_everywhere(trace: Trace, description: Description, staged: Staged) -> bool:
    """Whether a program that went like this goes alike in another scene: all that it called neither sees anything nor
    moves the base, and returns nothing, so that nothing it does can depend on who is there; and nobody walks into the
    robot. Most gestures of the head are like that, and need no second run."""
    skills = [description.skills[performed.call.skill] for performed in trace.performed]
    if any(s.part in ("base", "eyes") or s.returns != "nothing" or "moves_base" in s.effects for s in skills):
        return False
    nearest = staged.people[: len(trace)] - trace.poses[0, :2]
    return not bool((np.linalg.norm(nearest, axis=-1) < 1.1 * trace.contact_gap).any()) and not trace.touches


def _elsewhere(trace: Trace, staged: Staged) -> Trace:
    """What a program that is the same everywhere shows in another scene."""
    people, seen = staged.people[: len(trace)], staged.seen[: len(trace)]
    return replace(trace, scene=staged.scene, people=people, seen=seen, person=np.full(len(trace), -1))


class _Imagination:
    """A robot in a staged scene, while a program is performed."""

    def __init__(self, staged: Staged, description: Description) -> None:
        self.staged, self.profile = staged, description.profile
        self.limits = description.profile.limits
        self.pose: Floats = np.zeros(3)
        self.velocity: Floats = np.zeros(2)
        self.held: list[Held] = []
        self.touches: list[Touch] = []
        self._touching: set[str] = set()

    def perform(self, performance: Performance, at_most_s: float) -> Trace:
        """Step until the program is over and the base rests, or the time is up; then it is cancelled."""
        poses, velocities, heads, lights = [], [], [], []
        wanted, given, person, said = [], [], [], []
        nowhere = np.full(2, np.nan)
        moment, state, reason = 0, "", ""
        while moment < len(self.staged.times):
            outputs = performance.step(self.staged.view(moment, self.pose, self.velocity))
            time_s, command = float(self.staged.times[moment]), outputs.command
            said += [Said(time_s, utterance) for utterance in outputs.utterances]
            verdict = self._shielded(command, moment)
            poses.append(self.pose)
            velocities.append(self.velocity)
            heads.append(nowhere if outputs.head is None else outputs.head)
            lights.append(outputs.light)
            wanted.append((command.linear, command.angular))
            given.append((verdict.command.linear, verdict.command.angular))
            person.append(-1 if performance.person is None else performance.person)
            self._drive(verdict.command, moment)
            moment += 1
            if performance.settled and self.velocity.tolist() == [0.0, 0.0]:
                break
            if performance.state == "running" and moment * TICK >= at_most_s:
                performance.cancel("the rehearsal's time was up")
                state, reason = "running", f"still running after {at_most_s:g} s"
        states: tuple[LightState, ...] = tuple(lights)
        return Trace(
            self.staged.scene,
            self.staged.times[:moment],
            np.array(poses),
            np.array(velocities),
            np.array(heads, dtype=np.float64),
            states,
            np.array(wanted),
            np.array(given),
            self.staged.people[:moment],
            self.staged.seen[:moment],
            np.array(person, dtype=np.int64),
            tuple(said),
            tuple(performance.log),
            tuple(self.held),
            tuple(self.touches),
            state or performance.state,
            reason or performance.reason,
            self.profile.radius,
        )

    def _shielded(self, wanted: Command, moment: int) -> Verdict:
        """What navigation's shield lets through: a velocity the base can have within a tick.

        It is asked about those returns alone that the base could get near before it has braked; whatever else there is
        does not change its verdict, and it takes most of a step's time.
        """
        speed, turning = self.velocity.tolist()
        resting = speed == 0.0 and turning == 0.0
        taken = self.staged.times[moment] < self.staged.scene.busy_s
        if taken or (resting and wanted.linear == 0.0 and wanted.angular == 0.0):
            return _AT_REST  # or somebody of higher rank has the base
        x, y, yaw = self.pose.tolist()
        fastest = max(abs(wanted.linear), abs(speed))
        looks_s = _SHIELD.reaction + fastest / self.limits.deceleration
        reach = self.profile.radius + _SHIELD.margin + looks_s * (fastest + self.staged.fastest(moment)) + _SPARE
        if fastest == 0.0 or self.staged.room(moment, x, y) >= reach:  # then it lets through what the base can do
            possible = limit_one_velocity((wanted.linear, wanted.angular), (speed, turning), self.limits, TICK)
            return Verdict(Command(*possible))
        points, paces = self.staged.returns(moment)
        away = points - (x, y)
        close = (away * away).sum(axis=-1) < reach * reach
        cos, sin = math.cos(yaw), math.sin(yaw)
        turn = np.array([[cos, -sin], [sin, cos]])  # from the map's axes to the base's, for rows
        points, paces = away[close] @ turn, paces[close] @ turn
        verdict = shield(wanted, self.velocity, points, paces, self.profile.radius, self.limits, TICK, _SHIELD)
        if verdict.reason:
            self.held.append(Held(float(self.staged.times[moment]), verdict.reason))
        return verdict

    def _drive(self, command: Command, moment: int) -> None:
        """The base goes on for a tick, and stops dead at walls and people; as the embedded world has it."""
        here: Pose = tuple(self.pose.tolist())
        if command.linear == 0.0 and command.angular == 0.0:
            self.velocity = np.zeros(2)
            self._touch(here, here, moment, 0.0)
            return
        velocity = (command.linear, command.angular)
        pose = one_unicycle_step(here, velocity, TICK)
        if self._touch(here, pose, moment, command.linear):
            velocity = (0.0, command.angular)
            pose = one_unicycle_step(here, velocity, TICK)
        self.pose, self.velocity = np.array(pose), np.array(velocity)

    def _touch(self, here: Pose, there: Pose, moment: int, speed: float) -> bool:
        """Whether the base would run into something on its way there; touches that are new are noted. Getting away
        from a thing is no running into it, and whoever walks into a base that stands has done it themselves."""
        later = min(moment + 1, len(self.staged.times) - 1)
        if not self._touching and self.staged.room(later, there[0], there[1]) > self.profile.radius + _SPARE:
            return False
        before, after = self._apart(later, here), self._apart(later, there)
        touched = {what for what, apart in after.items() if apart < self._contact(what)}  # NaN, who has gone, is not
        blocked = False
        for what in sorted(touched):
            nearer = after[what] < before[what]
            blocked = blocked or nearer
            if what not in self._touching:
                self.touches.append(Touch(float(self.staged.times[moment]), what, abs(speed) if nearer else 0.0))
        self._touching = touched
        return blocked

    def _apart(self, moment: int, pose: Pose) -> dict[str, float]:
        """Distances [m] of a place from everything that can be touched, people by their centres."""
        people = self.staged.people_apart(moment, pose[0], pose[1])
        return {"wall": self.staged.wall_apart(pose[0], pose[1])} | {f"person {k}": d for k, d in enumerate(people)}

    def _contact(self, what: str) -> float:
        """The distance [m] below which it is touched."""
        return self.profile.radius + (0.0 if what == "wall" else PERSON_RADIUS)
