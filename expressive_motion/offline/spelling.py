"""Forgives one wrong letter in a word that matters, and leaves every ordinary word alone."""

from __future__ import annotations

import re

_KEY_TEXT = (
    "turn left right nod shake look follow approach greet wave point wait speak light blink green blue orange yellow"
    " purple person forward backward degrees metres meters seconds times twice again slowly quickly gently softly"
    " happily politely sadly celebrate apologise apologize dance think listen attention refuse agree confused curious"
    " around acknowledge goodbye hello thank invite welcome somebody someone without silently people head robot"
    " mistake sorry happy tired bored proud afraid surprised drive around backwards forwards then count visitor"
)
_ORDINARY_TEXT = (
    "lift read lead hand mode wake walk talk take make want went work word place please there their these those"
    " where here them than that this they light night might sight fight bright quite quiet quit said song long along"
    " book cook hook took room door floor food good band bend send land stand hold told cold when what with wish"
    " white whole while write wrote point paint joint print green great greek greed tree free three threw blue"
    " glue clue blur true wave gave have save cave shave shape share shade snake stake turn burn torn look lock"
    " loop lots loot dance lance think thing thank thick drink heat head heap hear dear bead deal heard right"
    " eight weight height tight might fright bright wait waist wall wail ware list left lent felt theft dead speak"
    " peak sneak steak break blink link pink drink blank black count court mount amount agree degree bored board"
    " born tired fired hired tried proud loud cloud crowd happy harry hello yellow mellow follow hollow fellow"
    " allow swallow twice price slice voice once time tires hold held thin turns looks they're hers then thee"
    " than thanks pointed points winter inside beside slow slowly lowly sound found round ground bound robots"
    " other another mother brother people purple papers party patient steps step stop shop ship drop crop chop"
    " five dive live give drove drives river listens listed quickly thickly sickly gently badly madly sadly"
    " refuse reuse wade wage waves waving ways nods shook heads lights lefts turned persons person's"
)
_KEY = _KEY_TEXT.split()
_ORDINARY = frozenset(_ORDINARY_TEXT.split())


def corrected(text: str) -> str:
    """The text with misspelt key words put right."""
    return re.sub(r"[a-z]{3,}", lambda found: _word(found[0]), text)


def _word(word: str) -> str:
    if len(word) < 4 or word in _ORDINARY or _inflected(word):
        return word
    near = [key for key in _KEY if abs(len(key) - len(word)) <= 1 and _one_apart(word, key)]
    best = {key for key in near if key[0] == word[0] or sorted(key) == sorted(word)}
    return best.pop() if len(best) == 1 else word


def _inflected(word: str) -> bool:
    """Whether a key word stands in it, as in "turning" or "oranges"."""
    stems = [word.removesuffix(ending) for ending in ("ing", "ed", "es", "s", "ly")]
    return any(stem in _KNOWN for stem in stems) or (word.endswith("ed") and word[:-1] in _KNOWN)


def _one_apart(a: str, b: str) -> bool:
    """Whether one letter more, fewer, other, or two neighbours changed make one word the other."""
    if len(a) == len(b):
        wrong = [i for i in range(len(a)) if a[i] != b[i]]
        if len(wrong) == 2:
            i, j = wrong
            return j == i + 1 and a[i] == b[j] and a[j] == b[i]
        return len(wrong) == 1 and len(a) >= 4
    if len(a) > len(b):
        a, b = b, a
    return any(b[:i] + b[i + 1 :] == a for i in range(len(b)))


_KNOWN = frozenset(_KEY)
