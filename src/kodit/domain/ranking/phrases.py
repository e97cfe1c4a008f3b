"""Queries in scripts without spaces between words, where a sentence is one segment.

A short segment is searched for as one word. A longer one that occurs nowhere is split from the left
into the longest parts that do occur: the indexed text serves as the dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

from kodit.domain.ranking.query import MOST_TERMS, QueryKind, QueryUnderstanding
from kodit.domain.ranking.scripts import is_unspaced

LONGEST_WORD = 4
"""Characters; a longer segment may be several words."""
SHORTEST_PART = 2
LONGEST_PART = 32

Occurs = Callable[[str], bool]
"""Whether any snippet has a term."""


def divide(query: QueryUnderstanding, occurs: Occurs) -> QueryUnderstanding:
    """The query, with each long segment that occurs nowhere replaced by its parts that do."""
    if query.text.isascii():
        return query
    divided = {word: tuple(_parts(word, occurs)) for word in query.words if _may_divide(word)}
    divided = {word: parts for word, parts in divided.items() if parts}
    if not divided:
        return query
    found = dict.fromkeys(chain.from_iterable(divided.get(word, (word,)) for word in query.words))
    words = tuple(found)[: MOST_TERMS - len(query.compounds)]
    return replace(
        query,
        kind=QueryKind.NATURAL_LANGUAGE if query.kind.is_name else query.kind,
        terms=(*words, *query.compounds),
        names=query.names - divided.keys(),
    )


def _may_divide(word: str) -> bool:
    return len(word) > LONGEST_WORD and is_unspaced(word)


def _parts(word: str, occurs: Occurs) -> Iterator[str]:
    """The parts of a segment; none if the whole segment occurs."""
    if occurs(word):
        return
    start = 0
    while start <= len(word) - SHORTEST_PART:
        # If a segment occurs, so do its prefixes.
        least, most = SHORTEST_PART - 1, min(LONGEST_PART, len(word) - start)
        while least < most:
            middle = (least + most + 1) // 2
            if occurs(word[start : start + middle]):
                least = middle
            else:
                most = middle - 1
        if least >= SHORTEST_PART:
            yield word[start : start + least]
            start += least
        else:
            start += 1
