"""From an instruction to a rehearsed behaviour, and from feedback to a better one.

GenEM's four modules (Mahadevan et al., "Generative Expressive Robot Behaviors using Large Language Models", HRI 2024):
social reasoning, robot motion, program, feedback. Between the program and the robot stand two things the paper does
not have: the check of the program, and its rehearsal. What either has to say goes back to the third module, twice at
most. Nothing here trusts a model: whatever it answers is data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from expressive_motion.bans import forbidden_in
from expressive_motion.behaviour import Behaviour, Reply, Round
from expressive_motion.chain import FeedbackReading, Module, ProgramDraft, RobotMotion, SocialReasoning
from expressive_motion.errors import ExpressionError, LibraryError, ModelError, ProgramError
from expressive_motion.language.language_model import LanguageModel, never
from expressive_motion.language.prompting import perceived, prompts_hash, question, said_by_a_person
from expressive_motion.language.replies import take
from expressive_motion.library import Library, calls, new_name, reached
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.rehearsal import Rehearsal, rehearse
from expressive_motion.robot import MODALITIES, Description
from sac_son_nav.config import build
from sac_son_nav.errors import ConfigError

T = TypeVar("T")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class PipelineConfig:
    """How often the chain may try again."""

    repairs: int = 2  # of a program that the check refuses
    rehearsal_repairs: int = 2  # of one that is unfit when it is rehearsed
    rounds: int = 10  # of feedback
    seed: int = 0  # of the model

    def __post_init__(self) -> None:
        if min(self.repairs, self.rehearsal_repairs, self.rounds) < 0:
            raise ConfigError("pipeline: expected repairs, rehearsal_repairs and rounds of zero or more")


def silent(stage: str) -> None:
    """Nobody wants to know."""


class Pipeline:
    """Asks `model` for behaviours of the robot of `description`; saved ones of the `library` can be part of them."""

    def __init__(
        self,
        model: LanguageModel,
        description: Description,
        sandbox: Sandbox,
        library: Library | None = None,
        config: PipelineConfig | None = None,
    ) -> None:
        self.model, self.description, self.sandbox = model, description, sandbox
        self.library, self.config = library, config or PipelineConfig()
        self.rehearsal: Rehearsal | None = None
        """Of the last behaviour; None before there was one, and where none came of it."""

    def express(
        self,
        instruction: str,
        situation: str = "",
        forbidden: frozenset[str] = frozenset(),
        progress: Progress = silent,
        cancelled: Callable[[], bool] = never,
    ) -> Behaviour:
        """A behaviour for an instruction of a person, or for an event in words.

        `situation`: what was seen or heard, which is data. `forbidden`: modalities besides those that the instruction
        itself forbids. `progress` hears of each stage. A refusal is a behaviour without a program; ProgramError where
        no program came of it that may run at all, ModelError where the model failed, or after `cancelled`.
        """
        unknown = forbidden - set(MODALITIES)
        if unknown:
            raise ExpressionError(f"forbidden: expected some of {', '.join(MODALITIES)}, got {sorted(unknown)[0]!r}")
        self.rehearsal = None
        instruction = said_by_a_person(instruction, "instruction")
        banned = tuple(sorted(forbidden | forbidden_in(instruction)))
        run = _Run(self, progress, cancelled)
        asked = {"instruction": instruction, "forbidden": list(banned)}
        social = run.ask("social_reasoning", {**asked, "situation": perceived(situation)}, SocialReasoning)
        begun = Behaviour(
            "", "", instruction, self.description.profile.name, "refused", perceived(situation), banned, social,
            model=self.model.name, seed=self.config.seed, prompts_hash=prompts_hash(),
        )  # fmt: skip
        if social.refusal.strip():
            return replace(begun, refusal=social.refusal.strip(), replies=tuple(run.replies))
        if not social.human_motion.strip():
            raise ModelError("social_reasoning: expected what a person would do, or a refusal, got neither")
        human = {**asked, "human_motion": social.human_motion}
        motion = run.ask("robot_motion", human, RobotMotion)
        return run.finish(begun, motion, {**human, "steps": list(motion.steps)})

    def revise(
        self, behaviour: Behaviour, feedback: str, progress: Progress = silent, cancelled: Callable[[], bool] = never
    ) -> Behaviour:
        """The behaviour after one round of feedback, which enters the chain again at robot motion or at the program;
        what a person would do is thought out once. ExpressionError when the rounds are used up, or where the behaviour
        is another robot's."""
        self.rehearsal = None
        robot = self.description.profile.name
        if behaviour.robot != robot:
            raise ExpressionError(f"feedback: expected a behaviour made for {robot}, got one for {behaviour.robot}")
        if behaviour.program is None or behaviour.motion is None or behaviour.social is None:
            raise ExpressionError("feedback: expected a behaviour with a program, got one that was refused")
        if len(behaviour.rounds) >= self.config.rounds:
            raise ExpressionError(f"feedback: expected at most {self.config.rounds} rounds; begin anew")
        feedback = said_by_a_person(feedback, "feedback")
        banned = tuple(sorted({*behaviour.forbidden, *forbidden_in(feedback)}))
        run = _Run(self, progress, cancelled)
        steps = list(behaviour.motion.steps)
        instruction = behaviour.instruction
        heard = {"instruction": instruction, "steps": steps, "code": behaviour.code, "feedback": feedback}
        reading = run.ask("feedback", heard, FeedbackReading)
        asked = {
            "instruction": instruction,
            "forbidden": list(banned),
            "human_motion": behaviour.social.human_motion,
            "change": reading.change,
        }
        motion = behaviour.motion
        if reading.target == "robot_motion":
            motion = run.ask("robot_motion", {**asked, "previous_steps": steps}, RobotMotion)
        rounds = (*behaviour.rounds, Round(feedback, reading.change, reading.target))
        begun = replace(behaviour, forbidden=banned, rounds=rounds)
        begun = replace(begun, model=self.model.name, seed=self.config.seed, prompts_hash=prompts_hash())
        return run.finish(begun, motion, {**asked, "steps": list(motion.steps), "previous_code": behaviour.code})


class _Run:
    """One way through the chain."""

    def __init__(self, pipeline: Pipeline, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self._pipeline, self._progress, self._cancelled = pipeline, progress, cancelled
        library = pipeline.library
        self._learned = library.learned(pipeline.description) if library is not None else {}
        told = library.summaries() if library is not None else {}
        self._summaries = [(name, told.get(name, "")) for name in self._learned]  # it may be gone by now
        self.replies: list[Reply] = []

    def ask(self, module: Module, fields: Mapping[str, Any], result: type[T]) -> T:
        """A module's result; whatever the model answers is checked here once more."""
        self._stage(module)
        pipeline = self._pipeline
        asked = question(module, fields, pipeline.description, self._summaries)
        answer = pipeline.model.ask(asked, pipeline.config.seed, self._cancelled)
        self.replies.append(Reply(module, answer.text))
        return build(result, take(answer.content, module), module)

    def finish(self, begun: Behaviour, motion: RobotMotion, fields: dict[str, Any]) -> Behaviour:
        """The behaviour with a program for the steps, checked and rehearsed."""
        draft, rehearsal = self._program(fields, frozenset(begun.forbidden))
        self._pipeline.rehearsal = rehearsal
        return replace(
            begun,
            name=begun.name or draft.name,  # what was revised keeps its name
            summary=draft.summary,
            verdict=rehearsal.verdict,
            motion=motion,
            program=draft,
            findings=rehearsal.findings,
            replies=tuple(self.replies),
        )

    def _program(self, fields: dict[str, Any], forbidden: frozenset[str]) -> tuple[ProgramDraft, Rehearsal]:
        config = self._pipeline.config
        refused = unfit = 0
        last = ("", "")  # name and program that were complained of; one who sends both again has nothing better
        while True:
            draft = self.ask("program", fields, ProgramDraft)
            complaint = self._complaint(draft, forbidden)
            if complaint:
                refused += 1
                if refused > config.repairs or (draft.name, draft.code) == last:
                    raise ProgramError(f"program: none passed the check; the last: {complaint}")
            else:
                self._stage("rehearsal")
                pipeline = self._pipeline
                rehearsal = rehearse(
                    draft.code, pipeline.description, pipeline.sandbox, self._learned, forbidden, seed=config.seed
                )
                self._stop_if_cancelled("rehearsal")
                if rehearsal.verdict == "fit":
                    return draft, rehearsal
                unfit += 1
                if unfit > config.rehearsal_repairs or (draft.name, draft.code) == last:
                    return draft, rehearsal
                complaint = "in rehearsal: " + "; ".join(rehearsal.stops)
            last = (draft.name, draft.code)
            fields = {**fields, "previous_code": draft.code, "complaint": complaint}

    def _complaint(self, draft: ProgramDraft, forbidden: frozenset[str]) -> str:
        """What the check has against a program; empty when it may run."""
        self._stage("check")
        pipeline = self._pipeline
        try:
            new_name(draft.name)
        except LibraryError as error:
            return f"name: {error}"
        if draft.name in reached(calls(draft.code), self._learned):
            return f"name: expected another than that of the behaviour {draft.name!r}, which the program calls"
        try:
            pipeline.sandbox.check(draft.code, pipeline.description, self._learned, forbidden)
        except ProgramError as error:
            return str(error)
        return ""

    def _stage(self, name: str) -> None:
        self._stop_if_cancelled(name)
        self._progress(name)

    def _stop_if_cancelled(self, during: str) -> None:
        if self._cancelled():
            raise ModelError(f"{during}: cancelled")
