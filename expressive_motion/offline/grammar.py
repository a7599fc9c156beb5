"""Reads an English instruction: sentences, clauses, and what each one orders, reports, forbids or makes depend.

It is a shallow reader. A clause that begins with a subject reports, one that begins with a verb orders; phrases of the
lexicon give the intents, and the modifiers of quantities.py the rest. What was not understood is kept, so that the
robot can say so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from expressive_motion.bans import expand
from expressive_motion.offline.conditions import IF, change
from expressive_motion.offline.conditions import condition as condition_of
from expressive_motion.offline.lexicon import COLOURS, EVENTS, HEARD, IMPOSSIBLE, INTENTS, PATTERNS, TONES
from expressive_motion.offline.quantities import Manner, Measure, manner, measure, side, whom
from expressive_motion.offline.spelling import corrected

_QUOTE = re.compile(r"\"([^\"]*)\"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»|‘([^’]*)’|(?<!\w)'((?:[^']|'(?=\w))*)'(?!\w)")
_SENTENCE = re.compile(r"(?<!\d)[.;!?\n]+|[.;!?\n]+(?!\d)|:(?=\s)")
_SPLIT = re.compile(
    r",?\s*\b(?:and then|then|after that|afterwards|and after that|before that|and finally|finally|lastly"
    r"|first of all|first"
    r"|firstly|secondly|next(?! to)|and also|also|but|and)\b,?\s*|,\s*"
    r"|\s+(?=(?:without|while|until|as long as|for as long as|so long as|(?<!only )if|only if|when|whenever|as soon as"
    r"|before"
    r"|after|unless"
    r"|instead of|rather than|because|so that)\b)"
)
_THEN = re.compile(r"(?<=\w),?\s*\b(?:and )?(?:then|after that|afterwards|finally|lastly)\b,?\s*")
_HEAD = re.compile(
    r"^(?:(?:please|kindly|now|just|simply|always|robot|ok(?:ay)?|well|hey|maybe|only|either|both|slowly|gently"
    r"|quickly"
    r"|politely|carefully|softly|happily|sadly|shyly|excitedly|briefly|calmly|slightly|can you|could you"
    r"|would you|will you"
    r"|i want you to|i would like you to|i'd like you to|we want you to|your task is to|the robot (?:should"
    r"|must|shall)"
    r"|it should|you (?:should|must|shall|can|may|could|have to|need to|are to|ought to)|let us|let's|try to"
    r"|make sure to|make"
    r" sure that you|be sure to|remember to|go and|start to|start by|begin to|begin by|to|and|or|in order to)\b,?\s*)+"
)
_REPORT = re.compile(
    r"^(?:(?:an?|the|some|your|my|this|that|one|two|three|another|every|each|his|her|their|many|several) "
    r"|some(?:body|one)\b"
    r"|people\b|(?:he|she|they|it|i|we|you|there|nobody|no one|everybody|everyone|who|which|visitors?|children)\b"
    r"|(?:is|are|was|were|has|have|had|does|did|will|would)\b|imagine\b|suppose\b|assume\b)"
)
_THIRD = re.compile(r"^(\w+s) (?!off\b|on\b)")  # "walks by", which nobody orders
_NOT_THIRD = frozenset(
    ["pass", "press", "guess", "express", "discuss", "always", "dismiss", "towards", "yes", "focus", "lights"]
)
_NEGATED = re.compile(
    r"^(?:do not\b|never\b|without\b|must not\b|may not\b|cannot\b|no\b|not\b|avoid|refrain|instead of"
    r"|rather than)"
)
_LOOP = re.compile(
    r"^(?:(?:for )?as long as|so long as|until (?:they|he|she|the|somebody|it|everybody|nobody)\b"
    r"|while (?:they|he|she|i|we|the \w+|somebody|someone|a \w+|people)\b)"
    r"|\b(?:the whole time|all the time|keep \w+ing"
    r"|continuously|all along|again and again|over and over|until (?:they|the \w+|he|she) )"
)
_WHILE = re.compile(r"(?:(?:for )?as long as|so long as|until|while (?:they|he|she|i|we|the|some|a|people)\b)")
_WHOEVER = re.compile(r"\bwhoever (?:\w+s|is \w+ing)\b(?: (?:in|by|past|here|over|up|along|near|close|there))*")
_SAID = re.compile(
    r"\b(?:says?|said|calls?|called|asks?|asked|shouts?|shouted|tells? you|told you|whispers?|yells?|hear|hears"
    r"|exclaims?"
    r"|greets you with|answers?|speaks?|cries)\b"
)
_TOLD = re.compile(r"^(?:tell|ask|inform|notify|remind|announce|explain|let \w+ know|warn|advise|order|urge|beg)\b")
_DRIVES = frozenset(
    [
        *["move", "turn", "back", "approach", "follow", "square", "dance", "wiggle", "rock", "wait", "stop", "look"],
        *["look_around", "light", "light_off", "tone", "head"],
    ]
)
"""What can't be meant by a clause that has somebody told something: "tell the child not to run"."""
_AGAIN = re.compile(
    r"^(?:do|repeat)\b.*\b(?:this|that|it|all|everything|whole|so|the same)\b|^repeat\b"
    r"|^(?:once )?again$"
)
_SHOWN = re.compile(r"^(?:show|express|display|signal|indicate|convey|demonstrate|let \w+ (?:know|see))\b")


@dataclass(frozen=True)
class Wish:
    """One thing that is ordered, with all that is said about how."""

    intent: str
    clause: str
    side: str = ""
    measure: Measure = field(default_factory=Measure)
    manner: Manner = field(default_factory=Manner)
    person: str = ""
    quote: str = ""
    colour: str = ""
    pattern: str = ""
    tone: str = ""
    name: str = ""  # of a learned behaviour
    loop: bool = False
    condition: tuple[str, float] | None = None
    awaited: bool = False  # the condition is a change that is waited for, "when they leave"


@dataclass(frozen=True)
class Reading:
    """What an instruction says, in order of its clauses."""

    wishes: tuple[Wish, ...] = ()
    events: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    impossible: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()  # intents that are ruled out
    loop: bool = False
    person: str = ""
    manner: Manner = field(default_factory=Manner)
    times: int = 1  # of the whole
    orders: tuple[str, ...] = ()  # the clauses that order something, without negated ones
    untold: tuple[str, ...] = ()  # conditions that nothing tells the robot about


_INTENTS = {intent: re.compile(rf"\b(?:{pattern})") for intent, pattern in INTENTS.items()}
_EVENTS = {intent: re.compile(rf"\b(?:{pattern})") for intent, pattern in EVENTS.items()}
_HEARD = {intent: re.compile(rf"\b(?:{pattern})") for intent, pattern in HEARD.items()}


def read(instruction: str, learned: Mapping[str, str] | None = None) -> Reading:
    """The reading of an instruction; `learned` names saved behaviours that may be ordered."""
    quotes: list[str] = []

    def keep(found: re.Match[str]) -> str:
        quotes.append(" ".join(next(g for g in found.groups() if g is not None).split()))
        ended = "." if found[0][-2:-1] in ".!?" else ""
        return f" q{min(len(quotes), 10) - 1}q {ended}"

    text = re.sub(r"\b(?:every )?now and (?:then|again)\b", "sometimes", expand(_QUOTE.sub(keep, instruction)))
    text = re.sub(r"[;.]\s*(?=(?:otherwise|or else|else|if not)\b)", ", ", text)  # it belongs to the condition before
    reader = _Reader(tuple(quotes), learned or {})
    for sentence in _SENTENCE.split(corrected(text)):
        reader.sentence(sentence.strip())
    return reader.reading()


class _Reader:
    """Collects a reading sentence by sentence."""

    def __init__(self, quotes: tuple[str, ...], learned: Mapping[str, str]) -> None:
        self.quotes = quotes
        self.learned = learned
        self.read = Reading()
        self.wishes: list[Wish] = []

    def reading(self) -> Reading:
        return replace(self.read, wishes=tuple(self.wishes))

    def sentence(self, text: str) -> None:
        """One sentence: its clauses in order, then the conditions and loops that hold for all of it."""
        began = len(self.wishes)
        condition: tuple[str, float] | None = None
        awaited, looped, report, shown, negated, last = False, False, False, False, False, ""
        later: list[Wish] = []  # "before you turn, blink"
        until = False  # what loops ends before "then"
        given = [" ".join(part.split()) for part in _SPLIT.split(_THEN.sub(r", thereupon ", text)) if part.strip()]
        parts = [part.removeprefix("thereupon ") for part in given if part != "thereupon"]
        for part, whole in zip(parts, (part for part in given if part != "thereupon"), strict=True):
            if until and whole.startswith("thereupon ") and len(self.wishes) > began:
                self.wishes[began:] = [replace(wish, loop=True) for wish in self.wishes[began:]]
                self.read, looped, until = replace(self.read, loop=True), False, False
            until = until or part.startswith("until ")
            if _LOOP.search(part) and not (last == "wait" and change(part)):
                looped = True
            if IF.match(part):
                condition, awaited = self._condition(part, condition, awaited)
                report, negated = False, False
            elif re.match(r"until\b", part) and last == "wait" and change(part):
                self.wishes.pop()
                condition, awaited = change(part), True
            elif re.match(
                r"(?:(?:for )?as long as|so long as|until|while (?:they|he|she|i|we|the|some|a|people)\b)", part
            ):
                report, negated = False, False
            elif order := re.match(r"(before|after) (?:you (?:have |had )?|(?=\w+ing\b))(?!\w* q\dq$)(?=\w)", part):
                self._ordered(order[1], part[order.end() :], looped, began, later)
            elif _NEGATED.match(_HEAD.sub("", part)) or (negated and re.match(r"(?:or|\w+ing\b)", part)):
                self._negated(part)
                negated = True
            elif re.match(r"(?:otherwise|or else|else|if not)\b", part):
                before = len(self.wishes)
                self._order(re.sub(r"^(?:otherwise|or else|else|if not)\b", "", part).strip(), looped)
                if condition is not None:
                    other = ("near" if condition[0] == "far" else "far", condition[1])
                    self.wishes[before:] = [replace(w, condition=other) for w in self.wishes[before:]]
            elif shown and re.match(r"(?:will|would|are|have|know|understand|that)\b", part):
                self._order(f"show that you {part}", looped)
            elif not _HEAD.match(part) and self._reports(part, report):
                self._event(part)
                report = True
            else:
                before = len(self.wishes)
                lead = _HEAD.match(part)
                how = manner(lead[0]) if lead else Manner()
                rest = part[lead.end() :] if lead else part
                self._order(re.sub(r"^while\b", "", rest or (part if how.words else "")).strip(), looped)
                if rest:  # "slowly nod"; alone, as in "nod, slowly", it is a manner of what was before
                    self.wishes[before:] = [replace(w, manner=w.manner.joined(how)) for w in self.wishes[before:]]
                if part.startswith("while ") and before > began:
                    self.wishes[began:] = sorted(self.wishes[began:], key=lambda w: w.intent != "light")
                shown, report, negated = bool(_SHOWN.match(_HEAD.sub("", part))), False, False
            last = self.wishes[-1].intent if len(self.wishes) > began else ""
        self.wishes += later
        if looped and began == len(self.wishes) and self.wishes and not report and not condition:
            self.wishes[-1] = replace(self.wishes[-1], loop=True)
        self.read = replace(self.read, loop=self.read.loop or looped)
        self._bind(parts, began, condition, awaited, looped)

    def _bind(
        self, parts: list[str], began: int, condition: tuple[str, float] | None, awaited: bool, looped: bool
    ) -> None:
        """Loops and conditions of a sentence for the wishes they hold for."""
        for index in range(began, len(self.wishes)):
            wish = self.wishes[index]
            bound = condition if _depends(parts, wish, condition) else None
            waits = awaited and bound is not None and wish.condition is None
            self.wishes[index] = replace(
                wish, loop=wish.loop or looped, condition=wish.condition or bound, awaited=wish.awaited or waits
            )

    def _condition(
        self, part: str, so_far: tuple[str, float] | None, awaited: bool
    ) -> tuple[tuple[str, float] | None, bool]:
        """What a conditional clause depends on, and whether that is a change to wait for; as before where it depends
        on something else."""
        becomes, state = change(part), condition_of(part)
        if becomes is not None and "unless" not in part:
            self._event(part)
            return becomes, True
        if state is not None:
            return state, False
        known = len(self.read.events)
        self._event(part)
        if re.match(r"(?:only |even )?(?:if|unless|in case)\b", part) and known == len(self.read.events):
            told = re.sub(r"^(?:only |even )?(?:if|unless|in case)\s+", "", part)
            self.read = replace(self.read, untold=(*self.read.untold, told))
        return so_far, awaited

    def _ordered(self, word: str, part: str, looped: bool, began: int, later: list[Wish]) -> None:
        """ "before you turn, ..." comes last, "..., after you have nodded" first."""
        if re.match(r"(?:are|do|can|will)\b", part):
            return
        wishes = self._wishes(part, looped)
        if word == "before" and len(self.wishes) == began:
            later += wishes
        elif word == "after":
            self.wishes[began:began] = wishes
        else:
            self.wishes += wishes

    def _reports(self, part: str, report: bool) -> bool:
        if re.match(
            r"(?:a|an|one|two|three|the) (?:\w+ ){0,2}?(?:nod|bow|shake|turn|light|tone|beep|sound|wave)\b", part
        ):
            return False  # "a red light" orders a light
        return bool(_REPORT.match(part)) or (report and bool(re.match(r"(?:has|not|is|are|\w+ing\b)", part)))

    def _event(self, part: str) -> None:
        """What a report calls for; the words somebody says count before the rest."""
        self.read = replace(self.read, person=self.read.person or whom(part))
        spoken = re.search(r"q(\d)q", part)
        found: list[str] = []
        if spoken and (_SAID.search(part) or re.search(r"^(?:when|if)? ?(?:you )?hear", part)):
            words = self.quotes[int(spoken[1])]
            self.read = replace(self.read, heard=(*self.read.heard, words))
            said = expand(words)
            found += [intent for intent, pattern in _HEARD.items() if pattern.search(said)][:1] or ["listen"]
        plain = re.sub(r"q\dq", " ", part)
        asked = re.search(r"\b(?:ask|tell|order|want|beg|request)\w* you to (.+)$", plain)
        if asked:
            found += [wish.intent for wish in self._wishes(asked[1], False)][:1]
        found += [intent for intent, pattern in _EVENTS.items() if pattern.search(plain)][:1]
        self.read = replace(self.read, events=(*self.read.events, *found), reports=(*self.read.reports, part))

    def _negated(self, part: str) -> None:
        found = {wish.intent for wish in self._wishes(part, False)}
        self.read = replace(self.read, without=self.read.without | found)

    def _order(self, part: str, looped: bool) -> None:
        """Appends what a clause orders; a relative clause in it reports."""
        part = re.sub(
            r"\bwhoever (?:\w+s|is \w+ing)\b(?: (?:in|by|past|here|over|up|along|near|close|there))*", "them", part
        )
        part, who, told = _relative(part)
        if who:
            self._event(told)
        if not part:
            return
        if _AGAIN.match(part) and self.wishes and not self._wishes(re.sub(r"^(?:do|repeat)\b", "", part), False):
            self.read = replace(self.read, times=measure(part).times or 2)
            return
        self.read = replace(self.read, orders=(*self.read.orders, part), person=self.read.person or whom(part))
        impossible = IMPOSSIBLE.search(part)
        if impossible:
            self.read = replace(self.read, impossible=(*self.read.impossible, impossible[0]))
        wishes = self._wishes(part, looped)
        if _TOLD.match(part) and not re.search(r"q\dq", part):
            wishes = [w for w in wishes if w.intent not in _DRIVES]
        if impossible:
            span = impossible.span()
            wishes = [w for w in wishes if w.intent in ("wave", "congratulate", "say") or span == (0, 0)]
        self.wishes += wishes
        if not wishes and not impossible:
            self._not_understood(part)

    def _not_understood(self, part: str) -> None:
        """A clause without any intent: a manner, a number, an amount for the last wish, or not understood."""
        how, much = manner(part), measure(part)
        if self.wishes and (how.words or much != Measure()) and len(part.split()) <= 6:
            last = self.wishes[-1]
            merged = {k: v for k, v in vars(much).items() if v is not None}
            self.wishes[-1] = replace(last, manner=last.manner.joined(how), measure=replace(last.measure, **merged))
        elif self.wishes and len(part.split()) <= 3 and (side(part) or whom(part)):
            self.wishes.append(replace(self.wishes[-1], side=side(part)))
        elif how.words:
            self.read = replace(self.read, manner=self.read.manner.joined(how))
        elif not re.fullmatch(r"(?:yes|no|so|it|this|that|please|q\dq|in (?:your|the) way|here|there|too)?", part):
            self.read = replace(self.read, unknown=(*self.read.unknown, part))

    def _wishes(self, part: str, looped: bool) -> list[Wish]:
        """Every intent in a clause, in order, none over words that another already took."""
        hits: list[tuple[int, int, int, str, str]] = []
        for name in self.learned:
            spellings = "|".join(sorted({re.escape(name.lower()), re.escape(name.replace("_", " ").lower())}))
            found_all = re.finditer(rf"\b(?:{spellings})\b", part)
            hits += [(found.start(), found.end(), -1, "learned", name) for found in found_all]
        for rank, (intent, pattern) in enumerate(_INTENTS.items()):
            hits += [(f.start(), f.end(), rank, intent, "") for f in pattern.finditer(part) if f.end() > f.start()]
        if len(hits) > 1 and re.search(r"\bwith (?:your|the) (?:lights?|lamps?|leds?)$", part):
            hits = [hit for hit in hits if hit[3] != "light"]  # what the rest is done with
        hits.sort(key=lambda hit: (hit[2] != -1, hit[2]))
        taken: list[tuple[int, int, int, str, str]] = []
        for hit in hits:
            if len(hits) > 1 and part[hit[0] : hit[1]].endswith("ly") and hit[3] not in ("look_away",):
                continue  # "nod happily" asks for a manner
            if all(hit[1] <= other[0] or hit[0] >= other[1] for other in taken):
                taken.append(hit)
        return [self._wish(hit[3], hit[4], part, looped) for hit in _pruned(sorted(taken))]

    def _wish(self, intent: str, name: str, part: str, looped: bool) -> Wish:
        spoken = re.search(r"q(\d)q", part)
        return Wish(
            intent,
            part,
            side(part),
            measure(part),
            manner(part),
            whom(part),
            self.quotes[int(spoken[1])] if spoken else "",
            next((c for word, c in COLOURS.items() if re.search(rf"\b{word}\b", part)), ""),
            next((p for p, pattern in PATTERNS if re.search(pattern, part)), ""),
            next((t for t, pattern in TONES if re.search(rf"\b(?:{pattern})", part)), ""),
            name,
            looped,
        )


def _pruned(hits: list[tuple[int, int, int, str, str]]) -> list[tuple[int, int, int, str, str]]:
    """Each intent of a clause once."""
    result: list[tuple[int, int, int, str, str]] = []
    for hit in hits:
        if any(other[3] == hit[3] for other in result):
            continue
        result.append(hit)
    return result


def _relative(part: str) -> tuple[str, str, str]:
    """An order without its relative clause, the pronoun, and the clause: "greet a person | who | is walking by"."""
    found = re.search(r"^(.*?\b\w+) (who(?!ever)|that|which) ((?:is|are|was|has|have|just|\w+s)\b.*)$", part)
    if not found or re.search(r"\b(?:show|signal|say|sure|know|indicate|notice|so|think|pretend)$", found[1]):
        return part, "", ""
    return found[1], found[2], found[3]


def _depends(parts: list[str], wish: Wish, condition: tuple[str, float] | None) -> bool:
    """Whether a condition holds for a wish: one in front for all that follow, one behind for the clause before it."""
    if condition is None:
        return False
    at = next(i for i, p in enumerate(parts) if (condition_of(p) or change(p)) and re.match(rf"{IF.pattern}|until", p))
    if parts[at].startswith("until"):
        return any(wish.clause in p for p in parts[at + 1 :])
    return at == 0 or wish.clause in parts[at - 1] or any(wish.clause in p for p in parts[at + 1 :])
