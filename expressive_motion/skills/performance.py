"""A behaviour under way: from one step to the next, what its program asks for becomes what the body does.

The same code moves the robot, the embedded world and an imagined one. It is pure: time comes with the view.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from expressive_motion.errors import ProgramError
from expressive_motion.robot import MODALITIES, Call, Description, Value
from expressive_motion.skills.action import Action, Moment, Wish
from expressive_motion.skills.actions import begin
from expressive_motion.skills.attention import Attention
from expressive_motion.skills.budget import Budget, Spending
from expressive_motion.skills.drive import Drive
from expressive_motion.skills.embodiment import LIGHT_OFF, TICK, Outputs, Utterance, View
from expressive_motion.skills.head_motion import HeadMotion
from sac_son_nav.states import STOP, Command

CALLS_PER_STEP = 8  # skills that take no time, begun within one step
LONGEST_STEP = 0.1  # [s] of motion that one step makes up for, however late it comes
BLIND = 60  # steps in a row without a time or a pose, after which a behaviour fails
GAP = 0.5  # [s] between steps, after which the base counts as having stopped by itself

State = Literal["running", "finished", "cancelled", "failed"]


class Session(Protocol):
    """A program under way; see :class:`expressive_motion.programs.session.Session`."""

    def next(self, answer: Value | None = None) -> Call | None:
        """Run on to the next call; None at the end; ProgramError where it fails."""
        ...  # pragma: no cover

    def drop(self) -> None:
        """Abandon it."""
        ...  # pragma: no cover


@dataclass(frozen=True)
class Performed:
    """A call that was carried out, from when to when [s] of the view's clock, and what it returned."""

    call: Call
    began_s: float
    ended_s: float
    value: Value | None


class Performance:
    """One behaviour, once. Step it every TICK until `settled`.

    `state` is running, finished, cancelled or failed, `reason` a sentence once it isn't running any more. Then the
    base stands at once, the light is given back and the head turns to its middle at calm speed; `settled` when it is
    there.
    """

    def __init__(
        self,
        session: Session,
        description: Description,
        person: int | None = None,
        forbidden: frozenset[str] = frozenset(),
        budget: Budget | None = None,
    ) -> None:
        """`person`: id of the track it is about. `forbidden`: keys of MODALITIES that the instruction rules out."""
        self._session, self._description = session, description
        self._forbidden = forbidden
        self._banned = {MODALITIES[m]: m for m in sorted(forbidden)}
        self._attention = Attention(person)
        self._drive = Drive(description.profile)
        self._head = HeadMotion(description.body.head) if description.body.head is not None else None
        self._spent = Spending(budget or Budget(), description.body.base.reach_m)
        self._light = LIGHT_OFF
        self._action: Action | None = None
        self._began_s = 0.0
        self._answer: Value | None = None
        self._time_s: float | None = None
        self._speech_left_s = 0.0
        self._asked: set[str] = set()
        self._blind = 0  # steps in a row without a pose
        self.state: State = "running"
        self.reason = ""
        self.log: list[Performed] = []

    @property
    def person(self) -> int | None:
        """Id of the person it is about; None before there was one."""
        return self._attention.id

    @property
    def settled(self) -> bool:
        """Whether it is over and nothing moves any more."""
        return self.state != "running" and (self._head is None or self._head.arrived)

    @property
    def call(self) -> Call | None:
        """The call being carried out."""
        return self._action.call if self._action is not None else None

    def cancel(self, reason: str) -> None:
        """Give the behaviour up now; the next Outputs stop the base. One that is over stays as it ended."""
        if self.state == "running":
            self._over("cancelled", reason or "cancelled")

    def step(self, view: View) -> Outputs:
        """What the body is to do from this view on."""
        if not _usable(view):
            return self._grope()
        self._blind = 0
        gap = 0.0 if self._time_s is None else max(0.0, view.time_s - self._time_s)
        dt = min(gap, LONGEST_STEP)
        begins = self._time_s is None or gap > GAP
        if begins:
            self._drive.resume(view)
        self._time_s = view.time_s if self._time_s is None else max(view.time_s, self._time_s)
        self._attention.update(view)
        self._speech_left_s = max(0.0, self._speech_left_s - gap)
        if self.state == "running":
            self._check(view, gap)
        if self.state != "running":
            return self._outputs(self._drive.stop(), (), dt)
        wish, utterances = self._perform(view, dt)
        if begins:
            dt = TICK  # what goes out holds until the next step: so base and head set out with the first one
        if self.state != "running":
            return self._outputs(self._drive.stop(), utterances, dt)
        command = self._drive_by(wish, view, dt)
        return self._outputs(command, utterances, dt)

    def _grope(self) -> Outputs:
        """A step that has nothing to go by: the base stands, and so does the rest while the behaviour isn't over."""
        self._blind += 1
        if self.state == "running" and self._blind > BLIND:
            self._over(
                "failed", f"the behaviour: expected the time and the robot's pose, missed one for {BLIND} steps"
            )
        return self._outputs(self._drive.stop(), (), 0.0 if self.state == "running" else TICK)

    # -- skills -------------------------------------------------------------------------------------------------

    def _perform(self, view: View, dt: float) -> tuple[Wish, tuple[Utterance, ...]]:
        """The skills of one step: the wish of the last, and all that is to be heard."""
        utterances: list[Utterance] = []
        wish = Wish()
        self._asked.clear()
        for _ in range(CALLS_PER_STEP):
            moment = self._moment(view, dt)
            if self._action is None and not self._begin(moment):
                break
            assert self._action is not None
            action = self._action
            if action.call.skill in self._asked:  # there is nothing new to be seen before the next step
                break
            wish = action.step(moment)
            self._take(wish, utterances, dt)
            if self.state != "running" or not action.done:
                break
            self._answer = action.value
            self.log.append(Performed(action.call, self._began_s, view.time_s, action.value))
            self._action = None
            dt = 0.0  # this step's time is spent
            at_once = self._began_s == view.time_s  # such as a look at somebody who isn't there
            if not (action.instant or at_once):
                break
            if action.returns != "nothing":
                self._asked.add(action.call.skill)
        return wish, tuple(utterances)

    def _begin(self, moment: Moment) -> bool:
        """Begin the next skill; False when there is none."""
        try:
            call = self._session.next(self._answer)
            if call is None:
                self._over("finished", "the behaviour is complete")
                return False
            call = self._description.check(call.skill, (), call.arguments)
            self._refuse(call)
            self._spent.call(call)
            self._attention.begin_skill(moment.view)
            self._action, self._began_s = begin(call, moment), moment.view.time_s
        except ProgramError as error:
            self._over("failed", str(error))
            return False
        return True

    def _refuse(self, call: Call) -> None:
        """ProgramError where the instruction forbids what the call does."""
        for effect in sorted(self._description.skills[call.skill].effects):
            if effect in self._banned:
                raise ProgramError(f"{call.skill}: uses {self._banned[effect]}, which this instruction forbids")

    def _take(self, wish: Wish, utterances: list[Utterance], dt: float) -> None:
        """Do what a wish asks of light, head and voice."""
        if wish.light is not None:
            self._light = wish.light
        if wish.utterance is not None:
            try:
                self._spent.utter(wish.utterance)
            except ProgramError as error:
                self._over("failed", str(error))
                return
            utterances.append(wish.utterance)
            if wish.utterance.kind == "speech":
                self._speech_left_s = wish.utterance.duration_s
        if wish.head is not None and self._head is not None and "head" not in self._forbidden:
            self._head.aim(wish.head, dt)
        elif self._head is not None and any(self._head.goal.rates.tolist()):
            self._head.aim(replace(self._head.goal, rates=np.zeros(2)), dt)

    def _moment(self, view: View, dt: float) -> Moment:
        return Moment(
            view=view,
            dt=dt,
            description=self._description,
            attention=self._attention,
            drive=self._drive,
            head=self._head,
            base=view.base_free and not view.stale,
            base_allowed="base" not in self._forbidden,
            speech_left_s=self._speech_left_s,
        )

    def _drive_by(self, wish: Wish, view: View, dt: float) -> Command:
        """The base's part of a wish; it stands while it isn't ours, and while nobody knows what is around."""
        if not view.base_free or view.stale or "base" in self._forbidden:
            return self._drive.stop()
        return self._drive.step(wish.linear, wish.angular, view, self._attention.people, dt)

    # -- bounds and ends ----------------------------------------------------------------------------------------

    def _check(self, view: View, gap: float) -> None:
        waits = self._action is not None and "waits" in self._description.skills[self._action.call.skill].effects
        try:
            self._spent.moment(view, gap, waits, self._drive.last.linear)
        except ProgramError as error:
            self._over("failed", str(error))

    def _over(self, state: State, reason: str) -> None:
        """It has ended; whatever was going on is abandoned."""
        if self._action is not None and not self._action.done:
            self.log.append(Performed(self._action.call, self._began_s, self._time_s or 0.0, None))
        self._action = None
        self.state, self.reason, self._light = state, reason, LIGHT_OFF
        self._drive.stop()
        self._session.drop()

    def _outputs(self, command: Command, utterances: tuple[Utterance, ...], dt: float) -> Outputs:
        """What goes out; never anything that is no number."""
        if self._head is not None:
            if self.state != "running":
                self._head.aim(self._head.home, dt)
            self._head.advance(dt)
        if not (math.isfinite(command.linear) and math.isfinite(command.angular)):
            command = STOP
        head = self._head.angles.copy() if self._head is not None else None
        return Outputs(command, head, self._light, utterances)


def _usable(view: View) -> bool:
    """Whether time and pose are numbers; without them there is nothing to go by."""
    return math.isfinite(view.time_s) and all(map(math.isfinite, view.robot.pose.tolist()))
