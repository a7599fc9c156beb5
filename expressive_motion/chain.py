"""The chain from an instruction to a program, as typed results: one for each of GenEM's four modules, and the record
of them all.

Source: Mahadevan et al., "Generative Expressive Robot Behaviors using Large Language Models", HRI 2024. Free text
stands first in each result, so that a model reasons before it decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from expressive_motion.errors import ModelError

Module = Literal["social_reasoning", "robot_motion", "program", "feedback"]
MODULES: tuple[Module, ...] = ("social_reasoning", "robot_motion", "program", "feedback")
RECORD_VERSION = 1


@dataclass(frozen=True)
class SocialReasoning:
    """Module 1: what social norms ask for here, and what a person would do. `refusal`, when not empty, says in a
    sentence to the person what the robot can't or may not do; then nothing else is done. `left_out`: a part of the
    instruction that is not done, in a sentence, empty when all is."""

    reasoning: str
    human_motion: str
    left_out: str = ""
    refusal: str = ""


@dataclass(frozen=True)
class RobotMotion:
    """Module 2: the same as numbered steps for this robot, in prose, by its capabilities alone."""

    reasoning: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class ProgramDraft:
    """Module 3: a name for the behaviour (a Python identifier), one sentence of what it shows, and its program:
    Python statements that call the robot's skills, with helper functions if need be."""

    reasoning: str
    name: str
    summary: str
    code: str


@dataclass(frozen=True)
class FeedbackReading:
    """Module 4: what a person's feedback asks to change, and where the chain is entered again."""

    reasoning: str
    change: str
    target: str  # robot_motion or program

    def __post_init__(self) -> None:
        if self.target not in ("robot_motion", "program"):
            raise ModelError(f"feedback: target: expected robot_motion or program, got {self.target!r}")


RESULTS: dict[Module, type] = {
    "social_reasoning": SocialReasoning,
    "robot_motion": RobotMotion,
    "program": ProgramDraft,
    "feedback": FeedbackReading,
}


def schema(module: Module) -> dict[str, Any]:
    """JSON schema of a module's reply: all fields, in order, none besides."""
    properties: dict[str, Any] = {}
    for name, kind in RESULTS[module].__annotations__.items():
        properties[name] = (
            {"type": "string"} if "tuple" not in str(kind) else {"type": "array", "items": {"type": "string"}}
        )
    if module == "feedback":
        properties["target"]["enum"] = ["robot_motion", "program"]
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
