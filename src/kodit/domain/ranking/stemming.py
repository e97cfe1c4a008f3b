"""Reduces word forms: `serialize`, `serializer` and `serialization` are one term.

A suffix stripper in the manner of Lovins (1968) and Porter (1980), more aggressive than Porter's:
programmers derive names for the agent (`router`), the action (`routing`) and the thing (`route`)
from one another, and a question may use any form. The other words of a query make up for the loss
of precision.
"""

from __future__ import annotations

import re
from functools import lru_cache

from kodit.domain.idleness import empty_when_idle

MOST_KEPT = 8_192
"""Of how many words the stems are kept, some 300 bytes each, in every process that indexes. Eight
times as many saved 2 % of the time of splitting a text into terms."""

_SHORTEST_WORD = 4

_INFLECTIONS = ("ing", "ed", "er", "or")
"""Inflections of a verb; three letters with a vowel must be left."""

_DERIVATIONS = {
    4: (
        "ization izing ized izable izer ize isation ising ised isable iser ise "
        "ation ating ated ator ative ate ition itor itive "
        "ion ment able ible ance ence ant ent ancy ency ive ful less ness ly"
    ),
    5: "ability ibility ivity ity al ally ical ic ics ism ist",
}
"""Derivational suffixes, by the number of letters that must be left (`global` is not a `glob`)."""

_LETTERS_LEFT = dict.fromkeys(_INFLECTIONS, 3) | {
    suffix: left for left, words in _DERIVATIONS.items() for suffix in words.split()
}
_ANY_SUFFIX = tuple(_LETTERS_LEFT)
_LENGTHS = sorted({len(suffix) for suffix in _LETTERS_LEFT}, reverse=True)
"""Of the suffixes: the longest that a word can lose is looked for first."""

_VOWELS = frozenset("aeiouy")
_VOWEL = re.compile("[aeiouy]")


@lru_cache(maxsize=MOST_KEPT)
def stem(word: str) -> str:
    """The stem of a lower-case word.

    Words that are not ASCII letters, or shorter than four, are returned unchanged.
    """
    if len(word) < _SHORTEST_WORD or not (word.isascii() and word.isalpha()):
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = _singular(word)
    while True:
        shorter = _strip(word)
        if shorter == word:
            return word
        word = shorter


empty_when_idle(stem.cache_clear)


def _strip(word: str) -> str:
    if len(word) < _SHORTEST_WORD:
        return word
    if word.endswith(_ANY_SUFFIX):
        for length in _LENGTHS:
            suffix = word[-length:]
            left = _LETTERS_LEFT.get(suffix)
            if left is not None:
                rest = word[:-length]
                if len(rest) >= left and _is_stem(rest, suffix):
                    return _undouble(rest)
    if word.endswith("e"):
        return word[:-1]
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "i"
    return word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def _is_stem(rest: str, suffix: str) -> bool:
    if suffix == "ion" and rest[-1] not in "st":
        return False
    return _VOWEL.search(rest) is not None


def _undouble(word: str) -> str:
    """`formatt` is `format`, `runn` is `run`; `pass` and `call` stay."""
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeioulsz":
        return word[:-1]
    return word
