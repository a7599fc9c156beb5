"""What the offline model won't do whatever the body: against people, against its own limits, outside its trade."""

from __future__ import annotations

import re
from itertools import chain

from expressive_motion.bans import expand, unquoted

_AGAINST = re.compile(
    r"\b(?:hit|punch|kick (?!the ball|a ball)|ram|chase|chasing|scare|scaring|frighten|frightening|startle"
    r"|startling|push"
    r"|pushing|shove|bump into|crash|collide|smash|trip|harass|stalk|spy|spying|insult|insulting|mock|mocking|threaten"
    r"|threatening|bully|bullying|attack|attacking|hurt|hurting|harm|harming|injure|corner (?:them|him|her|the"
    r"|some)|trap"
    r"|intimidate|intimidating|annoy|annoying|tease|humiliate|knock (?:\w+ )?(?:over|down)|run (?:\w+ )?(?:over"
    r"|into|down)"
    r"|drive (?:\w+ )?(?:over|into|through) (?:them|him|her|me|us|people|the|a|some|some\w+)"
    r"|yell at|scream at|laugh at|block (?:\w+ ){0,2}(?:person|way|path|exit|door\w*|visitors?|people|them|him"
    r"|her|child\w*)"
    r"|get in (?:their|the|his|her|somebody's) way|stand in (?:their|the|his|her) way"
    r"|prevent \w+ from (?:leaving|passing)"
    r"|stop (?:them|him|her|people|the person) from|do not let (?:them|him|her|anybody|anyone|the \w+) (?:pass"
    r"|leave|go|through)"
    r"|film|filming|photograph|take (?:a )?(?:photo|picture|video)s?|eavesdrop|sneak up|record (?:them|him|her"
    r"|the|what|their)"
    r"|spit|bite|poke|touch (?:them|him|her|the person)|stare .* down|beat (?:them|him|her|up)|kill|shoot|fight)\b"
)
_INTO_EYES = re.compile(
    r"\b(?:strob\w*|flash\w*|dazzl\w*|blind\w*|blink\w*|shine|light)\b[^.]*\bin(?:to)? "
    r"(?:his|her|their|my|your|the \w+'s|somebody's|people's) (?:eyes?|face)\b|\bstrob(?:e|es|ing)\b"
)
_STRAIGHT_AT = re.compile(
    r"\b(?:drive|race|rush|speed|charge|dash|run|roll|move|go)\b[^.]*\b(?:straight|directly|right|full speed|fast) at "
    r"(?:him|her|them|me|us|people|the (?:person|man|woman|child|kid|crowd|group)|some\w+|any\w+)\b"
)
_UNSEEN = re.compile(
    r"\bfollow\b.*\b(?:secretly|without (?:them|him|her|being|the \w+) (?:notic|know|see)\w*"
    r"|unnoticed|home)"
)
_LIMITS = re.compile(
    r"\b(?:disabl|deactivat|switch|turn|ignor|bypass|overrid|overrul|remov|shut|circumvent|suspend|break|exceed"
    r"|cut|unlock|defeat)\w*"
    r"(?: \w+){0,4}? (?:shield|safety|limits?|limiter|brakes?|collision|obstacle|bumper|watchdog|emergency"
    r"|rules?|restrictions?"
    r"|sandbox|checks?|protection|ban)s?\b|\b(?:unsafe|without (?:the )?(?:safety|shield|limits?))\b|\btop speed of\b"
)
_MACHINE = re.compile(
    r"https?://|www\.|\b(?:python|javascript|bash|shell|sudo|code|script|programs?|import \w+|rm -|curl|wget"
    r"|sql|eval|exec|api"
    r"|download|upload|install|internet|browse|e-?mail|file ?system|files?|folder|database|password|token"
    r"|secret|root access"
    r"|operating system|reboot|shut ?down|system prompt|(?:ignore|forget|disregard) (?:all|any|your|the|every"
    r"|previous|prior)"
    r"(?: \w+)* (?:instructions?|rules?|prompts?)|print\(|__\w+__|ros(?:2)? (?:topic|node)|format the disk|hack\w*)"
)
_RUDE = re.compile(
    r"\b(?:idiot|stupid|ugly|fat|dumb|moron|loser|hate you|shut up|fool|bastard|bitch|damn you|fuck|shit"
    r"|asshole|jerk|pathetic"
    r"|worthless|kill you|hurt you|freak|disgusting|get lost|imbecile|retard\w*|scum)\b"
)
_NEGATED = re.compile(
    r"\b(?:not|never|without|avoid|no|cannot|instead of|careful not to|rather than|nor|or)"
    r"(?: (?:to|ever|even|\w+ing|them|any|anybody|anyone|the|person|people|or)){0,5} $"
)
_REPORTED = re.compile(
    r"\b(?:an?|the|some\w*|one|people|person|man|woman|child|visitor|they|he|she|it|you (?:have|had|almost|just"
    r"|nearly)|has|have"
    r"|is|are|was|were|if|when|who|you)(?: \w+)? $"
)
_ERRAND = re.compile(
    r"\b(?:drive|go|move|roll|travel|head|navigate|walk|return|get|come) (?:over |back |down |straight )?"
    r"(?:to|into|through|towards?) (?:the|my|your|our) (?:\w+ )?(?:kitchen|office|lab|laborator(?:y|ies)|room|bedroom"
    r"|bathroom|hall|hallway|corridor|lobby|entrance|exit|reception|desk|table|door|elevator|lift|stairs|dock|station"
    r"|charger|charging|window|wall|shelf|aisle|car|house|home|shop|store|cafeteria|canteen|garden|street)\b"
)
_FOREIGN = {
    "German": "und der die das nicht bitte du dich ist ein eine den dem mit zwei mal kopf sag nicke schau dreh dann",
    "French": "le la les et une tu vous est dans avec deux fois tête dis regarde tourne puis il elle pas",
    "Spanish": "el los y una tú usted es en con dos veces cabeza di mira gira luego por favor saluda persona",
    "Italian": "il gli e una è in con due volte testa di guarda gira poi per favore saluta persona che verso sinistra",
    "Dutch": "de het een en niet je met twee keer hoofd zeg kijk draai dan alsjeblieft persoon naar links knik",
    "Portuguese": "os as e uma é em com duas vezes cabeça diga olhe vire depois por favor pessoa para esquerda",
}
_ENGLISH = frozenset(
    re.findall(
        r"\w+",
        "the a an and to you your is are them then of it that do not please with at on in for person turn "
        "look nod say head as soon if when while until they he she him her his their somebody someone "
        "everybody nobody who what there here comes goes go near by or but so be was has have will would can "
        "could should must show tell ask make let wait stop move drive light person people one two three "
        "times left right up down back after before without from into off out more very this these i my we us "
        "our how hello good",
    )
)


def refusal(instruction: str) -> str:
    """Why an instruction is not carried out at all, a sentence to whoever gave it; empty where nothing forbids it."""
    text = expand(unquoted(instruction))
    if tongue := _foreign(instruction):
        return f"I only understand English; this looks like {tongue}."
    if _MACHINE.search(text):
        return (
            "I only express things with my body; I do not run programs, open files or addresses, or change my system."
        )
    if _LIMITS.search(text):
        return "I do not go past my limits, and my safety functions stay on."
    for found in chain.from_iterable(rule.finditer(text) for rule in (_AGAINST, _UNSEEN, _INTO_EYES, _STRAIGHT_AT)):
        before = text[: found.start()].rsplit(".", 1)[-1]
        told = re.search(r"\b(?:must|should|can|may|have to|could|to|and|please|will) $", before)
        if _NEGATED.search(before) or (_REPORTED.search(before) and not told):
            continue
        return f"I do nothing against people, so I do not do this: {' '.join(found[0].split())}."
    if place := _ERRAND.search(text):
        return f"I know no places, so I can't {' '.join(place[0].split())}; navigation can be given it as a goal."
    said = " ".join(re.findall(r"[\"“'‘](.*?)[\"”'’]", instruction)).lower()
    if _RUDE.search(said) and not re.search(r"\b(?:says|said|shouts|calls you|tells you)\b", text):
        return "I do not say things that hurt people."
    return ""


def _foreign(instruction: str) -> str:
    """The language that most of the words are in, empty for English."""
    letters = [c for c in instruction if c.isalpha()]
    if letters and sum(ord(c) > 0x24F for c in letters) > 0.4 * len(letters):
        return "another script"
    words = re.findall(r"[^\W\d_]+(?:'\w+)?", instruction.lower())
    english = sum(word in _ENGLISH for word in words)
    scores = {tongue: sum(word in set(text.split()) for word in words) for tongue, text in _FOREIGN.items()}
    best = max(scores, key=lambda tongue: scores[tongue])
    return best if scores[best] >= 2 and scores[best] > english else ""
