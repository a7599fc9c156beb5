"""Whatever takes its time, in a thread of its own: asking the model, rehearsing, making ready what answers events.

Results come back through a queue that the node empties, so nothing of the node is touched from here.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from expressive_motion.events import NONE_LEARNED, Reaction, ReactionsConfig, fitting, shipped_reactions
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.robot import Description
from sac_son_nav.errors import SacSonError
from sac_son_nav.states import EVENT_KINDS

if TYPE_CHECKING:
    from expressive_motion.behaviour import Behaviour
    from expressive_motion.pipeline import Pipeline


Ask = Callable[["Pipeline", Callable[[str], None], Callable[[], bool]], "Behaviour"]
"""Asks a pipeline, which tells its stages and looks whether it is to go on."""


@dataclass(frozen=True)
class Thought:
    """What came of a question: a behaviour, or why there is none. `number` is the question's."""

    number: int
    behaviour: Behaviour | None
    complaint: str = ""


@dataclass(frozen=True)
class Ready:
    """A program that this robot can perform, under its name; or why there is none for an event."""

    name: str
    code: str = ""
    complaint: str = ""


class Thinker:
    """One question after another. `number` of the last asked; older answers are thrown away by whoever asked."""

    def __init__(self, make_pipeline: Callable[[], Pipeline], description: Description, sandbox: Sandbox) -> None:
        """`make_pipeline` is called at the first question, in the thread."""
        self._make, self._description, self._sandbox = make_pipeline, description, sandbox
        self._pipeline: Pipeline | None = None
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.thoughts: queue.SimpleQueue[Thought] = queue.SimpleQueue()
        self.ready: queue.SimpleQueue[Ready] = queue.SimpleQueue()
        self.stage = ""  # of the chain, while it is gone through
        self._newest = 0  # number of the question that still counts
        self._thread = threading.Thread(target=self._work, name="thinker", daemon=True)
        self._thread.start()

    def express(self, number: int, instruction: str, situation: str, forbidden: frozenset[str]) -> None:
        """Ask for a behaviour."""
        self._newest = number
        self._jobs.put(lambda: self._think(number, partial(_express, instruction, situation, forbidden)))

    def revise(self, number: int, behaviour: Behaviour, feedback: str) -> None:
        """Ask for another version of a behaviour."""
        self._newest = number
        self._jobs.put(lambda: self._think(number, partial(_revise, behaviour, feedback)))

    def forget(self, number: int) -> None:
        """Questions before this number are given up, the one in hand as soon as its model is done."""
        self._newest = number

    def prepare(self, config: ReactionsConfig, learned: Mapping[str, str] = NONE_LEARNED) -> None:
        """Make ready what answers events: shipped programs and saved behaviours at once, instructions after them."""
        self._jobs.put(lambda: self._prepare(config, learned))

    def close(self) -> None:
        """End after what is being done; the process does not wait for it."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _think(self, number: int, ask: Ask) -> None:
        if number != self._newest:
            return
        try:
            if self._pipeline is None:
                self._pipeline = self._make()
            behaviour = ask(self._pipeline, self._progress, lambda: number != self._newest)
            self.thoughts.put(Thought(number, behaviour))
        except SacSonError as error:
            self.thoughts.put(Thought(number, None, str(error)))
        except Exception as error:  # a fault of ours must not end the robot's expression for good
            self.thoughts.put(Thought(number, None, f"{type(error).__name__}: {error}"))
        finally:
            self.stage = ""

    def _progress(self, stage: str) -> None:
        self.stage = stage

    def _prepare(self, config: ReactionsConfig, learned: Mapping[str, str]) -> None:
        shipped = shipped_reactions()
        wanted = {kind: config.of(kind) for kind in EVENT_KINDS if config.of(kind).behaviour}
        made: list[Ready] = []
        for kind, reaction in wanted.items():
            name = reaction.behaviour
            programs = (learned[name],) if name in learned else shipped.get(name, ())
            try:
                code = fitting(programs, lambda code: self._sandbox.check(code, self._description, learned))
            except SacSonError as error:  # without a sandbox nothing can be performed
                self.ready.put(Ready(name, complaint=str(error)))
                return
            if code is None:
                complaint = f"{kind}: {name!r}: expected a behaviour that this robot can perform, found none"
                made.append(Ready(name, complaint=complaint))
            else:
                made.append(Ready(name, code))
        self._warm_up()
        for ready in made:  # together, lest what ranks low is performed while what ranks high is not ready yet
            self.ready.put(ready)
        for kind, reaction in wanted.items():
            if reaction.instruction:
                self.ready.put(self._made_for(kind, reaction))

    def _warm_up(self) -> None:
        """Start a program and drop it, so that the first event does not wait for what only the first start needs."""
        with suppress(SacSonError):
            session = self._sandbox.start("wait(0.0)", self._description)
            session.next()
            session.drop()

    def _made_for(self, kind: str, reaction: Reaction) -> Ready:
        """A behaviour from an instruction of the settings takes the place of the shipped one, if it is fit."""
        name = reaction.behaviour
        try:
            if self._pipeline is None:
                self._pipeline = self._make()
            behaviour = self._pipeline.express(reaction.instruction)
        except SacSonError as error:
            return Ready(name, complaint=f"{kind}: {error}; the shipped behaviour stays")
        if behaviour.program is None or behaviour.verdict != "fit":
            complaint = f"{kind}: no fit behaviour came of {reaction.instruction!r}; the shipped one stays"
            return Ready(name, complaint=complaint)
        return Ready(name, behaviour.program.code)


def _express(
    instruction: str,
    situation: str,
    forbidden: frozenset[str],
    pipeline: Pipeline,
    progress: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> Behaviour:
    return pipeline.express(instruction, situation, forbidden, progress, cancelled)


def _revise(
    behaviour: Behaviour,
    feedback: str,
    pipeline: Pipeline,
    progress: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> Behaviour:
    return pipeline.revise(behaviour, feedback, progress, cancelled)
