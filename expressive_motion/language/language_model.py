"""What the pipeline asks of a language model, be it behind a server, a recording, or the offline one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from expressive_motion.chain import Module


@dataclass(frozen=True)
class Message:
    """One message of a chat: role system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True)
class Question:
    """One module's question: the rendered prompt for models that read prose, and what it was rendered from for those
    that do not.

    `fields` by module (texts, unless said):
      social_reasoning: instruction, situation (percepts as quoted data), forbidden (a tuple of modalities)
      robot_motion:     instruction, human_motion, forbidden; on a revision previous_steps, change
      program:          instruction, human_motion, steps (a tuple), forbidden; on a revision or repair previous_code,
                        change, complaint
      feedback:         instruction, steps (a tuple), code, feedback
    """

    module: Module
    fields: Mapping[str, Any]
    messages: tuple[Message, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """A reply that fits the question's schema, the text it came as, and what it cost."""

    content: Mapping[str, Any]
    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None


def never() -> bool:
    """Nobody cancels."""
    return False


class LanguageModel(Protocol):
    """Answers the four modules' questions."""

    @property
    def name(self) -> str:
        """What stands in records."""
        ...

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        """The answer. Raises ModelError when there is none in time, when it does not fit, or after `cancelled`."""
        ...
