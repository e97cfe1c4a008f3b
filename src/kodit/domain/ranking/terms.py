"""Text as search terms, the same for code, documents and questions.

An identifier gives its words, split at case and underscores, lower-cased and stemmed; one of
several words also gives them joined, so that an exact name is a rare term of its own, however it
is written: `hashMap`, `HASH_MAP` and, in a question, *hash map* all have `hashmap`.

Text that is not ASCII follows the rules of `scripts`. In a query, a segment of a script without
spaces is one term, a phrase; an indexed text has the segment's characters and pairs of characters.
An indexed word with diacritics also has a marked term without them, so that a query in another
spelling finds it, and the exact spelling still ranks first (`alike`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import chain, filterfalse

from kodit.domain.idleness import empty_when_idle
from kodit.domain.ranking.scripts import cased_words, grams, is_unspaced, pieces, placed_pieces
from kodit.domain.ranking.stemming import MOST_KEPT, stem
from kodit.domain.spelling import fold_case, without_diacritics

_ASCII_IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z_0-9]*|[0-9]+")
_SPACED = bytes(code if _ASCII_IDENTIFIER.match(chr(code)) else ord(" ") for code in range(256))
"""Maps each ASCII character that no identifier contains to a space. Replacing and splitting takes a
third of the time of the expression; `str.translate` would look up each character of each text."""
_RUN = re.compile("[0-9A-Z_a-z\x80-\U0010ffff]+")
"""Text between ASCII characters that no identifier contains. The expression for pieces takes ten
times as long as this one."""
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
"""The prefix of the term without diacritics of a word that has some."""


def identifiers(text: str) -> list[str]:
    """Identifiers, numbers, and segments of scripts without spaces; in order, unchanged."""
    return _ASCII_IDENTIFIER.findall(text) if text.isascii() else pieces(text)


@lru_cache(maxsize=MOST_KEPT)
def words(identifier: str) -> tuple[str, ...]:
    """The words of an identifier, lower-cased: `parseHTTPHeader_v2` is parse, http, header, v2."""
    if identifier.isascii():
        return _ascii_words(identifier)
    return tuple(word.lower() for word in cased_words(identifier))


empty_when_idle(words.cache_clear)


def _ascii_words(identifier: str) -> tuple[str, ...]:
    if identifier.isalpha() and identifier.islower():
        return (identifier,)
    return tuple(" ".join(_WORD.findall(identifier)).lower().split())


def folded_words(identifier: str) -> tuple[str, ...]:
    """The words of an identifier, case-folded: equal for all equivalent spellings."""
    if identifier.isascii():
        return words(identifier)
    return tuple(map(fold_case, cased_words(identifier)))


@lru_cache(maxsize=4_096)
def identifier_terms(identifier: str) -> tuple[str, ...]:
    """The query's terms for one of `identifiers`: its stemmed words and, if there are several, the
    words joined, unstemmed. A segment of a script without spaces is one term."""
    if is_unspaced(identifier):
        return (fold_case(identifier),)
    return _spaced_terms(identifier)


def _spaced_terms(identifier: str) -> tuple[str, ...]:
    """The terms of an identifier in a script with spaces."""
    if len(identifier) > LONGEST_IDENTIFIER:
        return ()
    if identifier.isascii():
        parts = _ascii_words(identifier)
    else:
        parts = tuple(map(fold_case, cased_words(identifier)))
    if len(parts) == 1:
        return (stem(parts[0]),)
    return (*map(stem, parts), "".join(parts)) if parts else ()


def query_terms_of(text: str) -> list[str]:
    """The terms of a query with this text, in order."""
    return list(chain.from_iterable(map(identifier_terms, identifiers(text))))


def runs(text: str) -> list[str]:
    """The runs of letters, digits and underscores of a text, in order. Each is an identifier, a
    number, or a number followed by an identifier; or a segment of a script without spaces."""
    if text.isascii():
        return text.encode().translate(_SPACED).decode().split()
    found: list[str] = _RUN.findall(text)
    split = {run: _pieces(run) for run in set(filterfalse(str.isascii, found))}
    if all(len(some) == 1 and run == some[0] for run, some in split.items()):
        return found
    whole: list[str] = []
    for run in found:
        if run in split:
            whole += split[run]
        else:
            whole.append(run)
    return whole


@lru_cache(maxsize=16_384)
def _pieces(run: str) -> tuple[str, ...]:
    """The pieces of one run; cached, because texts repeat their words."""
    return tuple(pieces(run))


empty_when_idle(_pieces.cache_clear)


def run_terms(run: str) -> tuple[str, ...]:
    """The search terms of one run in an indexed text."""
    if not run.isascii():
        return _non_ascii_terms(run)
    # Not through the caches for queries, whose few thousand names a text would replace.
    if run[0].isdigit():
        return tuple(chain.from_iterable(map(_spaced_terms, identifiers(run))))
    return _spaced_terms(run)


def terms(text: str) -> list[str]:
    """All search terms of an indexed text, in order, repeated as often as they occur."""
    return list(chain.from_iterable(map(run_terms, runs(text))))


def alike(term: str) -> tuple[str, ...]:
    """The indexed terms of words that differ from a query's term only in diacritics; none for a
    script without spaces."""
    if term.isascii():
        return (PLAIN + term,)
    if is_unspaced(term):
        return ()
    plain = stem(without_diacritics(term))
    return (PLAIN + plain,) if plain == term else (PLAIN + plain, plain)


def _non_ascii_terms(run: str) -> tuple[str, ...]:
    if is_unspaced(run):
        return grams(fold_case(run))
    exact = _spaced_terms(run)
    plain = [(term, stem(without_diacritics(term))) for term in exact if not term.isascii()]
    return (*exact, *[PLAIN + other for term, other in plain if other != term])


def places_of(asked: Collection[str], text: str) -> Iterator[tuple[int, int]]:
    """The start and end of each match of a query's terms in a text that is not ASCII."""
    wanted = frozenset(chain(asked, *map(alike, asked)))
    for start, piece in placed_pieces(text):
        if is_unspaced(piece):
            for term in filter(is_unspaced, asked):
                yield from _places_in(term, piece, start)
        elif not wanted.isdisjoint(run_terms(piece)):
            yield start, start + len(piece)


def _places_in(term: str, segment: str, start: int) -> Iterator[tuple[int, int]]:
    """The matches in a segment, unless folding changes its length."""
    folded = fold_case(segment)
    at = folded.find(term) if len(folded) == len(segment) else -1
    while at >= 0:
        yield start + at, start + at + len(term)
        at = folded.find(term, at + len(term))
