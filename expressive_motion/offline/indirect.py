"""Indirect speech made direct: "tell them that lunch is ready" becomes `say "Lunch is ready."`.

What somebody is to be told orders the robot nothing, so it has to be out of the way before anything else is read. The
one who is told becomes "you", the robot "I". What whoever gives the instruction says of themselves ("tell her I am
late") can't be said by a robot in one sentence, and stays as it was.
"""

from __future__ import annotations

import re

_PEOPLE = (
    r"(?:persons?|people|man|men|woman|women|child|children|kids?|boys?|girls?|visitors?|guests?|users?|colleagues?"
    r"|friends?|customers?|patients?|teachers?|students?|pupils?|nurses?|doctors?|lady|ladies|gentleman|gentlemen"
    r"|family|group|crowd|staff|team|class|passers?-?by|pedestrians?|neighbou?rs?|owners?|speakers?|others?|audience"
    r"|drivers?|residents?|workers?|cleaners?|cooks?|receptionists?|mother|father|parents?|daughter|son|wife|husband|brother|sister|boss)"
)
_WHOM = (
    rf"(?:me|us|him|her|them|everybody|everyone|somebody|someone|anybody|anyone|all of (?:them|us)"
    rf"|(?:(?:the|a|an|my|our|your|that|this|these|those|all|every|each|any) )*(?:[\w-]+ ){{0,2}}?{_PEOPLE}"
    r"(?: (?:over )?there| (?:in front of|behind|next to|near) you)?|[A-Z]\w+)"
)
_POLITELY = r"(?:(?:please|kindly|politely|quietly|gently|then|now|and|also|just)\s+)*"
_AT = (
    r"(?:^|(?<=[.;!?:,]\s)|(?<=[.;!?:,])|(?<=\band\s)|(?<=\bthen\s)|(?<=\bplease\s)|(?<=\byou\s)|(?<=\bto\s))"
    rf"(?P<lead>{_POLITELY})"
)
_NEXT = (
    r"(?=(?:,?\s+(?:and|then|and then|but)\s+(?:then\s+)?(?:please\s+)?(?:nod|shake|turn|look|say|tell|ask|beep|blink"
    r"|flash|light|wave|dance|stop|wait|bow|follow|go|come|drive|move|back|greet|thank|face|show|play|make|return|do)\b"
    r")|[.;!?\n]|$)"
)
_STATED = re.compile(
    rf"{_AT}(?:(?:tell|inform|notify|assure|remind|warn|advise)\s+(?P<whom>{_WHOM})|let\s+(?P<whom2>{_WHOM})\s+know"
    rf"|(?:say|announce|explain|mention|declare|report|state)(?:\s+to\s+(?P<whom3>{_WHOM}))?(?=\s+(?:that|the|your|there|this|all|every\w*)\b))"
    rf"(?:\s+(?:politely|kindly|gently|please))?,?\s+(?:that\s+)?(?P<rest>[^.;!?\n]+?){_NEXT}",
    re.IGNORECASE,
)
_ASKED = re.compile(
    rf"{_AT}ask(?:\s+(?P<whom>{_WHOM}))?(?:\s+politely)?\s+(?P<word>if|whether|(?:what|which|how)(?:\s+(?:time|old|tall"
    rf"|far|long|often|kind of \w+|colou?r))?|where|when|who|why)\s+(?P<rest>[^.;!?\n]+?){_NEXT}",
    re.IGNORECASE,
)
_BIDDEN = re.compile(
    rf"{_AT}(?:tell|ask|remind|request|warn|advise|urge|order|beg)\s+(?P<whom>{_WHOM})(?:\s+(?:politely|kindly|gently"
    rf"|please))?\s+(?P<not>not\s+)?to\s+(?P<rest>[^.;!?\n]+?){_NEXT}",
    re.IGNORECASE,
)
_WISHED = re.compile(
    rf"{_AT}wish\s+(?P<whom>{_WHOM})\s+(?P<rest>(?:a|an|all|good|happy|merry)\s[^.;!?\n]+?){_NEXT}", re.IGNORECASE
)
_SAY = re.compile(
    rf"{_AT}say\s+(?!(?:hello|hi|hey|yes|no|ok|okay|sorry|thanks?|good ?-?bye|bye|something|anything|nothing|it|so"
    rf"|this|that|what|how|when|where|why|if|whether|goodbye|you|a|an|the|one|your|some|more|to|in|out|aloud|please)\b)"
    rf"(?P<rest>[a-z][^.;!?,\n]{{1,60}}?){_NEXT}",
    re.IGNORECASE,
)
# What the lexicon has gestures of its own for: to be bidden, and to be told or asked.
_MOVES = re.compile(
    r"\b(?:slow(?:er|ly)?|slow down|way|room|aside|pass|through|past|let you|clear|get out|come|follow|join|accompany"
    r"|help|assist\w*)\b",
    re.IGNORECASE,
)
_SHOWS = re.compile(
    r"\b(?:you (?:are|feel) sorry|you (?:need|want) (?:help|assistance)|(?:needs?|wants?) (?:help|assistance)|thank\w*"
    r"|apolog\w*|your battery|you (?:have )?(?:understood|understand|noticed|seen|saw|heard))\b",
    re.IGNORECASE,
)
_BE = {"am": "are", "is": "are", "was": "were", "are": "are", "were": "were"}
_AUXILIARY = (
    r"(?:am|is|are|was|were|has|have|had|do|does|did|will|would|can|cannot|could|may|might|must|should|shall|need not"
    r"|\w+n't)"
)
_VERBS = (
    r"(?:closes?|opens?|starts?|begins?|ends?|leaves?|arrives?|comes?|goes|go|stops?|works?|needs?|wants?|costs?|means?"
    r"|takes?|lies|stands?|waits?|runs?|stays?|looks?|likes?|loves?|knows?|thinks?|seems?|feels?|gets?|makes?|lives?"
    r"|belongs?|hurts?|helps?|shows?|sells?|serves?|moves?|changes?|returns?|continues?|finish(?:es)?|\w{2,}ed|left"
    r"|came|went|got|made|took|gave|said|saw|ran|told|found|lost|broke|fell)"
)
_FINITE = re.compile(rf"^(?:(?:[\w'-]+\s+){{1,6}}?)(?:{_AUXILIARY}|{_VERBS})\b", re.IGNORECASE)
_PARTICIPLE = re.compile(r"^(?:\w+ed|been|seen|found|got|gotten|done|gone|had|eaten|made|left|lost|taken|come)\b")
_QUOTED = re.compile(r"(\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|‘[^’]*’)")
LONGEST = 160


def direct(instruction: str) -> str:
    """The instruction with what somebody is to be told or asked in quotation marks, as a sentence to them."""
    parts = _QUOTED.split(instruction)
    if len(parts) > 1:  # what is quoted is direct already, and belongs to the verb before it
        return instruction
    text = instruction
    for pattern, make in ((_BIDDEN, _bid), (_ASKED, _ask), (_STATED, _state), (_WISHED, _wish), (_SAY, _say)):
        pieces = _QUOTED.split(text)
        for index in range(0, len(pieces), 2):
            pieces[index] = pattern.sub(lambda found, make=make: _said(found, make(found)), pieces[index])
        text = "".join(pieces)
    return text


def _said(found: re.Match[str], sentence: str) -> str:
    """The order to say a sentence, in place of the one that told it indirectly; the same where there is none."""
    if not sentence or len(sentence) > LONGEST or '"' in sentence:
        return found[0]
    return f'{found["lead"] or ""}say "{sentence[0].upper()}{sentence[1:]}"'


def _whom(found: re.Match[str]) -> str:
    groups = found.groupdict()
    return next((groups[name] for name in ("whom", "whom2", "whom3") if groups.get(name)), "").lower()


def _state(found: re.Match[str]) -> str:
    rest = " ".join(found["rest"].split())
    if re.match(r"(?:about|of|how|what|why|where|if|whether|to|not to|a|an)\b", rest, re.IGNORECASE):
        return ""
    if _SHOWS.search(rest) or not _FINITE.match(rest):
        return ""
    said = _turned(rest, _whom(found))
    return f"{said}." if said else ""


def _bid(found: re.Match[str]) -> str:
    rest = " ".join(found["rest"].split())
    if _MOVES.search(rest):
        return ""
    said = _turned(rest, _whom(found), bare=True)
    return f"Please {'do not ' if found['not'] else ''}{said}." if said else ""


def _say(found: re.Match[str]) -> str:
    """ "say good night": the words themselves."""
    return f"{' '.join(found['rest'].split())}."


def _wish(found: re.Match[str]) -> str:
    return f"I wish you {' '.join(found['rest'].split())}."


def _ask(found: re.Match[str]) -> str:
    """A question: the verb in front, or `do` where there is no auxiliary."""
    rest, word = " ".join(found["rest"].split()), found["word"].lower()
    if _SHOWS.search(rest):
        return ""
    said = _turned(rest, _whom(found) or "them")
    if not said:
        return ""
    lead = "" if word in ("if", "whether") else f"{word} "
    last = re.fullmatch(rf"(.+) ({_AUXILIARY})", said, re.IGNORECASE)
    if last and lead:  # "what his name is"
        return f"{lead}{last[2]} {_small(last[1])}?"
    inner = re.match(rf"((?:[\w'-]+ ){{1,4}}?)({_AUXILIARY}) (.+)$", said, re.IGNORECASE)
    if inner and (inner[2].lower() not in ("have", "has", "had") or _PARTICIPLE.match(inner[3])):
        return f"{lead}{inner[2]} {_small(inner[1].strip())} {inner[3]}?"
    if re.match(r"(?:you|we|they) \w", said, re.IGNORECASE):
        return f"{lead}do {_small(said)}?"
    return f"I would like to know {word} {_small(said)}." if lead else f"I would like to know whether {_small(said)}."


def _small(words: str) -> str:
    """With a small letter where it is no name and no "I"."""
    return words if re.match(r"I\b|[A-Z]\w*[A-Z]", words) else words[:1].lower() + words[1:]


def _turned(rest: str, whom: str, bare: bool = False) -> str:
    """Persons turned round for one who is told; `bare`: it begins with a verb. Empty where it can't be done."""
    to_me = whom in ("me", "us", "all of us")
    if not to_me and re.search(r"\b(?:I|me|my|mine|myself|I'm)\b", rest):
        return ""  # said of themselves by whoever gives the instruction
    words = rest.split(" ")
    turned: list[str] = []
    began = not bare
    for index, word in enumerate(words):
        core = word.strip(",").lower()
        tail = word[len(word.rstrip(",")) :]
        first = index == 0 or words[index - 1].lower().strip(",") in (
            "that",
            "because",
            "if",
            "when",
            "and",
            "but",
            "so",
        )
        subject = (first and began) or _verb_follows(words, index)
        new = _person(core, whom, to_me, subject)
        if new is None:
            previous = turned[-1].lower() if turned else ""
            new = _agreeing(word, previous) if turned and words[index - 1].lower() != previous else word
            tail = ""
        turned.append(new + tail)
    return " ".join(turned)


def _verb_follows(words: list[str], index: int) -> bool:
    return (
        index + 1 < len(words)
        and re.fullmatch(rf"{_AUXILIARY}|need|want|like|know|think|feel|go|come|leave", words[index + 1].lower())
        is not None
    )


def _person(core: str, whom: str, to_me: bool, subject: bool) -> str | None:
    """Another person's pronoun, None for a word that stays."""
    robot = {"you": "I" if subject else "me", "your": "my", "yours": "mine", "yourself": "myself", "you're": "I'm"}
    if core in robot:
        return robot[core]
    me = {
        "i": "you",
        "me": "you",
        "we": "you",
        "us": "you",
        "my": "your",
        "our": "your",
        "mine": "yours",
        "i'm": "you're",
    }
    if to_me:
        return me.get(core)
    he = {"he": "you", "him": "you", "his": "your"}
    she = {"she": "you", "her": "you" if subject else "your", "hers": "yours"}
    they = {"they": "you", "them": "you", "their": "your", "theirs": "yours", "they're": "you're"}
    if whom == "him":
        return he.get(core)
    if whom == "her":
        return she.get(core)
    if whom == "them" or not whom or re.search(r"\b(?:every|all|some|any)|(?:s|people|children|men|women)$", whom):
        return they.get(core)
    return {**he, **she, **they}.get(core)


def _agreeing(word: str, person: str) -> str:
    """A verb after a pronoun that has become another."""
    low = word.lower()
    if person == "i":
        return {"are": "am", "were": "was", "aren't": "am not"}.get(low, word)
    if person == "you":
        if low in _BE:
            return _BE[low]
        irregular = {
            "has": "have",
            "does": "do",
            "goes": "go",
            "isn't": "aren't",
            "doesn't": "don't",
            "hasn't": "haven't",
        }
        if low in irregular:
            return irregular[low]
        if re.fullmatch(r"\w{2,}[^s\W]s", low):
            return word[:-1] if not re.fullmatch(r"\w+(?:ch|sh|ss|x|z)es", low) else word[:-2]
    return word
