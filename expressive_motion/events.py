"""Which behaviour answers what goes on between the robot and people. Pure: time comes with the question."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.resources import files
from types import MappingProxyType

import yaml

from expressive_motion.errors import ProgramError
from expressive_motion.robot import Call, Description, Value
from sac_son_nav.errors import ConfigError
from sac_son_nav.states import EVENT_KINDS, SocialEvent

NONE_LEARNED: Mapping[str, str] = MappingProxyType({})
Check = Callable[[str], None]
"""Raises ProgramError for a program that the robot can't perform."""


@dataclass(frozen=True)
class Reaction:
    """What answers one kind of event."""

    behaviour: str = ""  # its name in reactions.yaml or in the library; empty: nothing answers
    instruction: str = ""  # when given, a behaviour is made from it once, as the node is configured, and takes over
    rank: int = 0  # higher ones interrupt lower ones
    pause: float = 20.0  # [s] until the same person is answered again

    def __post_init__(self) -> None:
        if not (math.isfinite(self.pause) and self.pause >= 0.0):
            raise ConfigError(f"pause: expected seconds of zero or more, got {self.pause}")


@dataclass(frozen=True)
class ReactionsConfig:
    """One for each kind of event; what a person asked for ranks among them."""

    bumped: Reaction = field(default_factory=lambda: Reaction("apologise", rank=90, pause=5.0))
    blocked: Reaction = field(default_factory=lambda: Reaction("ask_to_pass", rank=60, pause=15.0))
    made_way: Reaction = field(default_factory=lambda: Reaction("thank", rank=65, pause=10.0))
    thanked: Reaction = field(default_factory=lambda: Reaction("welcome", rank=45, pause=10.0))
    lost: Reaction = field(default_factory=lambda: Reaction("admit_lost", rank=40, pause=60.0))
    arrived: Reaction = field(default_factory=lambda: Reaction("show_arrival", rank=30, pause=5.0))
    passing: Reaction = field(default_factory=lambda: Reaction("acknowledge", rank=20, pause=20.0))
    yielding: Reaction = field(default_factory=lambda: Reaction("let_pass", rank=10, pause=20.0))
    instructed: int = 70  # rank of what a person asked for

    def of(self, kind: str) -> Reaction:
        """The reaction to one of EVENT_KINDS."""
        found: Reaction = getattr(self, kind)
        return found


assert {f.name for f in fields(ReactionsConfig)} == {*EVENT_KINDS, "instructed"}


HELD_FOR = 5.0  # [s] that an event waits for its answer to be made ready


class Reactions:
    """Chooses what to answer. One person gets one answer to one kind of event within its pause."""

    def __init__(self, config: ReactionsConfig) -> None:
        self.config = config
        self._answered: dict[tuple[str, int | None], float] = {}
        self._held: tuple[SocialEvent, float] | None = None

    def choose(self, events: Sequence[SocialEvent], now: float, busy: int | None) -> SocialEvent | None:
        """The event to answer at `now` [s], or None. `busy`: the rank of what is being performed, None if nothing is;
        only what ranks higher interrupts it. The event counts as answered from now on."""
        best: SocialEvent | None = None
        for event in events:
            reaction = self.config.of(event.kind)
            before = self._answered.get((event.kind, event.person), -math.inf)
            if not reaction.behaviour or now - before < reaction.pause:
                continue
            if busy is not None and reaction.rank <= busy:
                continue
            if best is None or reaction.rank > self.config.of(best.kind).rank:
                best = event
        if best is not None:
            self._answered = {key: at for key, at in self._answered.items() if now - at < 600.0}
            self._answered[best.kind, best.person] = now
        return best

    def hold(self, event: SocialEvent, now: float) -> None:
        """Keep the event that was chosen at `now` [s], whose behaviour is not ready yet; of several that wait the one
        that ranks highest counts, of equal ones the last."""
        if (
            self._held is not None
            and now - self._held[1] <= HELD_FOR
            and self._rank(self._held[0]) > self._rank(event)
        ):
            return
        self._held = (event, now)

    def held(self, behaviour: str, now: float, busy: int | None) -> SocialEvent | None:
        """The event that waited for this behaviour, which is ready now; None where none did, or for too long, or where
        what is performed meanwhile does not rank lower. `busy` as for :meth:`choose`."""
        if self._held is None or self.config.of(self._held[0].kind).behaviour != behaviour:
            return None
        (event, since), self._held = self._held, None
        return event if now - since <= HELD_FOR and (busy is None or self._rank(event) > busy) else None

    def _rank(self, event: SocialEvent) -> int:
        return self.config.of(event.kind).rank


def shipped_reactions() -> Mapping[str, tuple[str, ...]]:
    """The programs of reactions.yaml by name: for each several, from the richest body to the poorest."""
    source = files("expressive_motion").joinpath("reactions.yaml")
    document = yaml.safe_load(source.read_text(encoding="utf-8"))
    return {name: tuple(programs) for name, programs in document.items()}


def fitting(programs: Sequence[str], check: Check) -> str | None:
    """The first of the programs that this robot can perform, None where it can perform none."""
    for code in programs:
        try:
            check(code)
        except ProgramError:
            continue
        return code
    return None


class Steps:
    """A performance without a program: calls of skills, one after another, each checked. Its `next` and `drop` are a
    session's."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = list(calls)

    def next(self, answer: Value | None = None) -> Call | None:
        """The next call, None after the last."""
        return self._calls.pop(0) if self._calls else None

    def drop(self) -> None:
        """Forget the rest."""
        self._calls.clear()


def filler(description: Description, forbidden: frozenset[str] = frozenset()) -> Steps:
    """What shows that the robot has heard while it thinks: a soft light, and a look at the nearest person with the
    head. Never the base; nothing that is forbidden."""
    calls = []
    if "light" in description.skills and "light" not in forbidden:
        calls.append(description.check("light", (_soft(description), _slow(description), 2.0, 0.3)))
    if description.body.head is not None and "head" not in forbidden:
        calls += [description.check("look_at_person", (hold,)) for hold in (20.0, 20.0)]
    if "wait" in description.skills:
        calls += [description.check("wait", (10.0,)) for _ in range(3)]
    return Steps(calls)


def _soft(description: Description) -> str:
    assert description.body.light is not None
    colours = description.body.light.colours
    return next((c for c in ("white", "blue", "green") if c in colours), colours[0])


def _slow(description: Description) -> str:
    assert description.body.light is not None
    patterns = description.body.light.patterns
    return "pulse" if "pulse" in patterns else patterns[0]
