"""Who moves the base: several sources of velocity, ranked, each with its time-out.

A source *wants* the base while it has asked for motion within the last `stands_after` seconds. The highest that wants
it has it. So navigation that stands lets go after a moment, and takes the base back with the first command that moves.
A source that falls silent counts, after its time-out, as one that asks to stand. A person who takes over keeps the
base for longer after the last motion: whoever lets go of a joystick does not expect the robot to set off at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from sac_son_nav.errors import ConfigError
from sac_son_nav.states import STOP, Command

TELEOPERATION = "teleoperation"  # a person's hand


@dataclass(frozen=True)
class MuxConfig:
    """The order of rank and the times after which the base is let go."""

    order: tuple[str, ...] = ("teleoperation", "recovery", "navigation", "expression")  # the highest first
    source_timeout: float = 0.25  # [s] a command stays in force
    stands_after: float = 0.3  # [s] of standing after which those below may move the base
    teleoperation_timeout: float = 0.5  # [s] likewise for a person's; keyboards repeat slowly
    teleoperation_stands_after: float = 2.0  # [s]; time to let go of a joystick, and to look

    def __post_init__(self) -> None:
        if not self.order or len(set(self.order)) != len(self.order):
            raise ConfigError(f"order: expected names of sources, each once, got {', '.join(self.order) or 'none'}")
        for name in ("source_timeout", "stands_after", "teleoperation_timeout", "teleoperation_stands_after"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected seconds above zero, got {getattr(self, name)}")

    def timeout(self, source: str) -> float:
        """How long [s] a command of this source stays in force."""
        return self.teleoperation_timeout if source == TELEOPERATION else self.source_timeout

    def keeps(self, source: str) -> float:
        """How long [s] this source keeps the base after its last motion."""
        return self.teleoperation_stands_after if source == TELEOPERATION else self.stands_after


@dataclass
class _Source:
    command: Command = STOP
    heard: float = float("-inf")  # [s]
    moved: float = float("-inf")  # [s] when it last asked for motion


class CommandMux:
    """The arbiter. `now` [s] is a clock that always runs; the same one in every call."""

    def __init__(self, config: MuxConfig) -> None:
        self.config = config
        self._sources = {name: _Source() for name in config.order}

    def hear(self, name: str, command: Command, now: float) -> None:
        """A source's newest command. A name that is not in the order raises ConfigError."""
        source = self._find(name)
        source.command, source.heard = command, now
        if command != STOP:
            source.moved = now

    def release(self, name: str) -> None:
        """A source has nothing to do any more: it lets go at once."""
        self._sources[self._find_name(name)] = _Source()

    def owner(self, now: float) -> str | None:
        """Who has the base; None: nobody, and it has to stand."""
        return next((name for name in self.config.order if self._wants(name, now)), None)

    def command(self, now: float) -> Command:
        """What the owner asks for; standing where there is none, or where its last command is too old."""
        name = self.owner(now)
        if name is None or now - self._sources[name].heard > self.config.timeout(name):
            return STOP
        return self._sources[name].command

    def free_for(self, name: str, now: float) -> bool:
        """Whether nobody of higher rank has the base."""
        higher = self.config.order[: self.config.order.index(self._find_name(name))]
        return not any(self._wants(other, now) for other in higher)

    def _wants(self, name: str, now: float) -> bool:
        return now - self._sources[name].moved <= self.config.keeps(name)

    def _find(self, name: str) -> _Source:
        return self._sources[self._find_name(name)]

    def _find_name(self, name: str) -> str:
        if name not in self._sources:
            raise ConfigError(f"{name}: expected a source of velocity, one of {', '.join(self._sources)}")
        return name
