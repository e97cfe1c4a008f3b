"""Text as search terms, the same for code, documents and questions.

An identifier gives its words, split at case and underscores, lower-cased and stemmed; one of
several words also gives them joined, so that an exact name is a rare term of its own, however it
is written: `hashMap`, `HASH_MAP` and, in a question, *hash map* all have `hashmap`.

What is not ASCII goes by the rules of `scripts`. A stretch without spaces between its words is one
term of a question, a phrase; code has its characters and pairs of them. A word with diacritics also
has a term without them, which is marked: by it a question in another spelling finds the word, but
what is spelled as the question is comes first (`alike`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import chain

from kodit.domain.ranking.scripts import cased_words, grams, is_unspaced, pieces, placed_pieces
from kodit.domain.ranking.stemming import stem
from kodit.domain.spelling import fold_case, without_diacritics

_ASCII_IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z_0-9]*|[0-9]+")
_SPACES = {code: " " for code in range(128) if not _ASCII_IDENTIFIER.match(chr(code))}
"""Maps each ASCII character that no identifier contains to a space. Replacing and splitting takes a
third of the time of the expression."""
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")

LONGEST_IDENTIFIER = 100
"""Characters; a longer identifier is an encoded blob, not a name, and gives no terms."""

_STOP_WORDS = """
    a about across after all an and any are as at be before been being between but by can could do
    does doing during each for from had has have how i if in into is it its me my no not of on one
    only or other our out over own same should so some such t than that the their them then there
    these they this those through to two under up use used uses using via was we were what when
    where which while who why will with within without would you your s
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""English words without content; left out of a query unless nothing else is left."""


PLAIN = "~"
"""Begins the term without diacritics of a word that has some."""


def identifiers(text: str) -> list[str]:
    """Identifiers, numbers and stretches without spaces, in order, as written."""
    return _ASCII_IDENTIFIER.findall(text) if text.isascii() else pieces(text)


@lru_cache(maxsize=65_536)
def words(identifier: str) -> tuple[str, ...]:
    """The words of an identifier, lower-cased: `parseHTTPHeader_v2` is parse, http, header, v2."""
    if identifier.isascii():
        return tuple(word.lower() for word in _WORD.findall(identifier))
    return tuple(word.lower() for word in cased_words(identifier))


def folded_words(identifier: str) -> tuple[str, ...]:
    """The same, the same in every spelling (`fold_case`)."""
    if identifier.isascii():
        return words(identifier)
    return tuple(map(fold_case, cased_words(identifier)))


@lru_cache(maxsize=4_096)
def identifier_terms(identifier: str) -> tuple[str, ...]:
    """The terms by which a question asks for one of `identifiers`: its stemmed words and, when
    they are several, the words joined, unstemmed. A stretch without spaces is one term."""
    if identifier.isascii():
        parts = words(identifier)
    elif is_unspaced(identifier):
        return (fold_case(identifier),)
    else:
        parts = folded_words(identifier)
    if len(identifier) > LONGEST_IDENTIFIER:
        return ()
    stems = tuple(stem(part) for part in parts)
    return (*stems, "".join(parts)) if len(parts) > 1 else stems


def asked_terms(text: str) -> list[str]:
    """The terms by which a question asks for a text, in order."""
    return list(chain.from_iterable(map(identifier_terms, identifiers(text))))


def runs(text: str) -> list[str]:
    """The runs of letters, digits and underscores of a text, in order. Each is an identifier, a
    number, or a number followed by an identifier."""
    return text.translate(_SPACES).split() if text.isascii() else identifiers(text)


def run_terms(run: str) -> tuple[str, ...]:
    """The search terms that a text has for one run."""
    if not run.isascii():
        return _foreign_terms(run)
    if run[0].isdigit():
        return tuple(chain.from_iterable(map(identifier_terms, identifiers(run))))
    return identifier_terms(run)


def terms(text: str) -> list[str]:
    """All search terms of a text, in order, repeated as often as they occur."""
    return list(chain.from_iterable(map(run_terms, runs(text))))


def alike(term: str) -> tuple[str, ...]:
    """The terms of words that differ in their diacritics from that of a question. A stretch without
    spaces has none."""
    if term.isascii():
        return (PLAIN + term,)
    if is_unspaced(term):
        return ()
    plain = stem(without_diacritics(term))
    return (PLAIN + plain,) if plain == term else (PLAIN + plain, plain)


def _foreign_terms(run: str) -> tuple[str, ...]:
    if is_unspaced(run):
        return grams(fold_case(run))
    exact = identifier_terms(run)
    plain = ((term, stem(without_diacritics(term))) for term in exact if not term.isascii())
    return (*exact, *(PLAIN + other for term, other in plain if other != term))


def places_of(asked: Collection[str], text: str) -> Iterator[tuple[int, int]]:
    """From and to of what the terms of a question stand for in a text that is not ASCII."""
    wanted = frozenset(chain(asked, *map(alike, asked)))
    for start, piece in placed_pieces(text):
        if is_unspaced(piece):
            for term in filter(is_unspaced, asked):
                yield from _places_in(term, piece, start)
        elif not wanted.isdisjoint(run_terms(piece)):
            yield start, start + len(piece)


def _places_in(term: str, stretch: str, start: int) -> Iterator[tuple[int, int]]:
    """Where a term stands in a stretch, unless that has another length when it is folded."""
    folded = fold_case(stretch)
    at = folded.find(term) if len(folded) == len(stretch) else -1
    while at >= 0:
        yield start + at, start + at + len(term)
        at = folded.find(term, at + len(term))
