"""What an instruction forbids, by rule: "without speaking", "do not move", "lights off", "you cannot speak".

The rules hold for every language model, as a ban must not depend on how well a model reads. A ban too many costs
an expression, a ban too few breaks a promise, so doubtful wording counts as a ban. What stands in quotation marks is
somebody's speech and forbids nothing.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|‘[^’]*’|(?<!\w)'(?:[^']|'(?=\w))*'(?!\w)")
_CONTRACTED = {"ca": "can", "wo": "will", "sha": "shall", "ai": "are"}

_NEGATION = re.compile(
    r"\b(?:not|cannot|never|without|with no|no|neither|nor|none of|avoid|refrain from|forbidden to|unable to"
    r"|instead of|rather than|(?:forbidden|prohibited|banned|prevented|kept) from|give up|quit"
    r"|(?<!they )(?<!person )(?<!people )(?<!he )(?<!she )(?<!it )(?<!has )(?<!have )(?<!who )(?<!not )stop)\b"
)
# "if they do not move" says something of them, and "tell her not to move" is for her; "it" may be the robot
_PERSON = (
    r"(?:they|he|she|who|people|some(?:body|one)|any(?:body|one)|every(?:body|one)|(?:the|a|an|that|your|my) (?:\w+ )?"
    r"(?:person|man|woman|child|boy|girl|visitors?|guests?|people|children|others?|customers?|patients?|pedestrians?))"
)
# at the beginning of a clause: in "look at the people do not speak" a stop is missing, and it is a ban
_SOMEBODY_ELSE = re.compile(
    r"(?:(?:^|[.;!?:,] |\b(?:if|when|while|as|because|since|that|until|unless|so|and|but|whenever|once|case) )"
    rf"{_PERSON}|\bwho) (?:still )?(?:do|does|did|will|would|can|could|is|are|was|were|has|have) $"
)
_TOLD = re.compile(r"\b(?:tell|ask|remind|warn|order|beg|advise|urge)(?:ing)? (?:\w+ ){1,4}$")
_FILLER = re.compile(
    r"(?:(?:able|allowed|permitted|supposed|meant|to|ever|even|again|be|being|used?|using|with|make|making|give|giving"
    r"|emit|emitting|show|showing|play|playing|switch on|turn on|the use of|your|the|any|a|an|its|one|single|kind of"
    r"|more|actually|really|just|need to|under any circumstances|at all|either|by|loud|of|turning on|switching on"
    r"|producing|produce|have|having|audible|visible) )*"
)
_END = re.compile(
    r"[.;!?:()—–]|,(?! (?:or|nor|and no|no)\b)|\b(?:but|then|while|when|until|unless|if|because|so that)\b"
)
_LIST = re.compile(r",? (or|nor|and) (?:no |not |without |do not |any )*")
_DEGREE = re.compile(
    r" (?:\w+ )?(?:too|so|very|that|overly|faster|slower|closer than|nearer than|more than|as|hastily|fast|quickly)\b"
)
_THINGS: dict[str, re.Pattern[str]] = {
    "speech": re.compile(
        r"(?:speak|talk|speech|spoken|say|words?|voice|utter|tell|verbal|sentences?|speaker|noises?|sounds?\b|peep"
        r"|chat|answer (?:aloud|verbally)|repl(?:y|ying) (?:aloud|verbally)|audio|shout|whisper)(?:ing|s)?\b"
    ),
    "sound": re.compile(
        r"(?:sounds?|tones?|nois(?:es?|y|ily)|beep|buzz(?:er)?|chim(?:es?|ing)|audio|acoustic|peep|speaker|music|sing"
        r"|whistl(?:e|ing)|melod(?:y|ies)|jingles?|honk)(?:ing|s)?\b"
    ),
    "light": re.compile(
        r"(?:lights?|lamps?|leds?|colou?rs?|(?:\w+ )?light(?:ing|s)?(?: ring)?|flash|blink|glow|shin(?:e|ing)|ring"
        r"|illuminat(?:e|ion|ing)|(?:\w+ ){0,2}lights?)(?:ing|s|es)?\b"
    ),
    "head": re.compile(
        r"(?:heads?|neck|(?:mov(?:e|ing)|turn(?:ing)?|tilt(?:ing)?|lower(?:ing)?"
        r"|rais(?:e|ing)) (?:your |the )?(?:head|neck))\b"
    ),
    "base": re.compile(
        r"(?:wheels?|base|driv(?:e|ing)|roll(?:ing)?|approach(?:ing)?|leav(?:e|ing) (?:your|the) (?:place|spot)"
        r"|(?:mov(?:e|ing)|turn(?:ing)?) (?:your |the )?(?:base|body|wheels)|rotat(?:e|ing)|travel(?:l?ing)?"
        r"|go(?:ing)?|com(?:e|ing)|walk(?:ing)?|spin(?:ning)?|chang(?:e|ing) (?:your )?place|locomotion"
        r"|back(?:ing)? (?:up|away|off)|follow(?:ing)?|advanc(?:e|ing)"
        r"|turn(?:ing)?(?! (?:on|off|away|(?:your |the )?(?:head|neck)|(?:\w+ )?(?:lights?|lamps?|leds?))))\b"
    ),
}
_MOVE = re.compile(
    r"(?:mov(?:e|es|ing|ements?)|motions?|stir(?:ring)?|budg(?:e|ing))\b"
    r"(?! (?:your |the |any )?(?:head|neck|base|wheels))"
)
_HEAD_ASKED = re.compile(
    r"\b(?:nod|shake your head|look|watch|gaze|glance|(?:turn|move|tilt|lower|raise) your head)\b"
)
_PHRASES: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(pattern), frozenset(parts.split()))
    for pattern, parts in (
        (
            (
                r"\b(?:silent(?:ly)?|in (?:total |complete |full )?silence|soundless(?:ly)?"
                r"|noiseless(?:ly)?|muted?|mutely"
                r"|without a peep)\b"
            ),
            "speech sound",
        ),
        (r"\b(?:be|stay|keep|remain|keeping|staying|being|remaining) (?:\w+ )?quiet\b", "speech sound"),
        (
            (
                r"\b(?:sounds?|speakers?|audio|volume) (?:is |are |must be |must stay |stays? )?"
                r"(?:off|muted|disabled|unavailable|broken|forbidden)\b"
            ),
            "speech sound",
        ),
        (
            (
                r"\b(?:turn|switch|keep|leave) (?:off )?(?:your |the |all |any )?(?:sounds?|speakers?|audio)(?: off)?"
                r"\b(?! on)"
            ),
            "speech sound",
        ),
        (
            (
                r"\b(?:wordless(?:ly)?|non-?verbal(?:ly)?|speechless(?:ly)?|hold your tongue|shut up|lost your voice"
                r"|sa(?:y|ying) nothing|speak to (?:no one|nobody)|bite your tongue|keep (?:your )?mouth shut)\b"
            ),
            "speech",
        ),
        (
            (
                r"\b(?:speech|speaking|talking|(?:your |the )?voice) (?:is |are "
                r"|must be )?(?:\w+ )?(?:off|not|unavailable"
                r"|disabled|forbidden|broken|prohibited|impossible)\b"
            ),
            "speech",
        ),
        (
            (
                r"\b(?:lights?|lamps?|leds?) (?:is |are |must be |must stay |stays? |kept )?"
                r"(?:off|out|dark|disabled|unavailable|broken|forbidden)\b"
            ),
            "light",
        ),
        (r"\b(?:turn|switch|keep|leave) off (?:your |the |all |any )?(?:lights?|lamps?|leds?)\b", "light"),
        (r"\b(?:keep|leave|stay|remain) (?:your |the |all )?(?:lights? |lamps? )?(?:off|dark|unlit)\b", "light"),
        (r"\bkeep (?:your |the )?(?:head|neck) (?:still|straight|steady|fixed|motionless|where it is)\b", "head"),
        (r"\b(?:head|neck) (?:is )?(?:locked|disabled|broken|stuck|jammed)\b", "head"),
        (
            (
                r"\b(?:stay|remain|stand|keep|hold|sit|staying|remaining|standing|keeping) "
                r"(?:perfectly |completely |absolutely |quite |very |right |just )?(?:still"
                r"|in (?:your )?place|on the spot"
                r"|(?<=stay )put|on your spot|where you are|there|here|stationary|your position)\b"
                r"|\bfrom where you (?:are|stand)\b"
                r"|\b(?:freeze|rooted to the spot|keep your (?:place|distance from moving)|stay at your place)\b"
            ),
            "base",
        ),
        (r"\b(?:motionless(?:ly)?|immobile|immovable)\b", "base head"),
        (r"\b(?:wheels|base|motors?) (?:is |are )?(?:off|locked|blocked|disabled|broken|stuck)\b", "base"),
        (r"\bonly (?:with |use |using |by |move )?(?:your |the )?head\b|\bmove only your head\b", "base"),
        (r"\bonly (?:with |use |using |by )(?:your |the )?(?:lights?|led|lamp)\b(?! and)", "base head speech sound"),
        (r"\bonly (?:with |use |using |by )(?:your |the )?(?:motions?|body)\b(?! and)", "light speech sound"),
        (r"\bonly (?:with |use |using |by )(?:your |the )?(?:voice|words|speech)\b(?! and)", "base head light"),
    )
)


def expand(text: str) -> str:
    """Lower case, plain apostrophes, contractions with "not" written out, single spaces."""
    text = " ".join(text.lower().replace("’", "'").replace("can not", "cannot").split())
    text = re.sub(r"\bdont\b", "do not", text)
    text = re.sub(r"\bcan'?t\b|\bcan not\b", "cannot", text)
    text = re.sub(r"\b(\w+)n't\b", lambda found: f"{_CONTRACTED.get(found[1], found[1])} not", text)
    return re.sub(r"\byou're\b", "you are", text)


def unquoted(text: str) -> str:
    """The text without what stands in quotation marks."""
    return _QUOTED.sub(" … ", text)


def forbidden_in(instruction: str) -> frozenset[str]:
    """The modalities (keys of `robot.MODALITIES`) that an English instruction forbids, be it only in part of it.

    "Do not move" forbids base and head, or the base alone where the same instruction asks for a nod or a look;
    "without a sound" forbids speech as well; "quietly" and "do not come too close" forbid nothing, and "do not nod" a
    gesture, which is left to whoever writes the program.
    """
    text = expand(unquoted(instruction))
    found: set[str] = set()
    for pattern, parts in _PHRASES:
        if pattern.search(text):
            found |= parts
    for negation in _NEGATION.finditer(text):
        tail = _END.split(text[negation.end() :], maxsplit=1)[0]
        if tail.startswith(" stop"):  # "do not stop nodding" asks for nods
            continue
        before = text[: negation.start()]
        if negation[0] == "not" and _SOMEBODY_ELSE.search(before):
            continue
        if negation[0] == "not" and tail.startswith(" to ") and _TOLD.search(before):
            continue
        for element in _elements(tail):
            found |= _banned(element, text)
    return frozenset(found)


def _elements(tail: str) -> list[str]:
    """What a negation is about: "speaking or any light" are two things. After "and" a new order may begin ("without
    speaking and look at them"), so there only what can't be one goes on."""
    pieces = _LIST.split(tail)
    taken = [pieces[0]]
    for link, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        first = piece.split(" ", 1)[0]
        order = link == "and" and not (
            first.endswith("ing") or first in ("speak", "move", "talk", "make") or _noun(first)
        )
        if order:
            break
        taken.append(piece)
    return [piece.strip() for piece in taken]


def _noun(word: str) -> bool:
    return (
        re.fullmatch(r"(?:light|sound|speech|word|tone|voice|movement|motion|noise|colou?r|music)s?", word) is not None
    )


def _banned(element: str, text: str) -> set[str]:
    """What one negated thing forbids."""
    filler = _FILLER.match(element)
    said = element[filler.end() if filler else 0 :]
    if (moved := _MOVE.match(said)) and not _DEGREE.match(said[moved.end() :]):
        return {"base"} if _HEAD_ASKED.search(text) else {"base", "head"}
    banned = set()
    for part, things in _THINGS.items():
        match = things.match(said)
        if match and not _DEGREE.match(said[match.end() :]):
            banned.add(part)
    return banned
