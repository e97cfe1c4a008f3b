"""What a query is worth whose words do not occur: the nearest vectors of such a query are only the
least unlike of all, so nothing is found, unless a name is spelled nearly so."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import islice

from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.ranking.query import QueryUnderstanding, understand
from kodit.domain.ranking.terms import STOP_WORDS, identifiers

MOST_NAMES = 8
"""So many words of a query are looked for among names; the first ones."""
MOST_NEAR = 3
"""So many names that are near are asked for in their place."""
_FEWEST_LETTERS = 4
"""Shorter words are near to too many names."""
_LETTERS_PER_EDIT = 4
_MOST_EDITS = 2


def occurs(query: QueryUnderstanding, statistics: CorpusStatistics) -> bool:
    """Whether any term of the query is in any snippet of the corpus that the statistics are of."""
    return any(statistics.frequencies.get(term) for term in query.terms)


def possible_names(query: QueryUnderstanding) -> dict[str, int]:
    """The words of a query that may be names with a mistake in them, in lower case, each with how
    many letters of it may be missing, added, changed or swapped with their neighbour: one of at
    least four letters, two of at least eight."""
    names = (word.lower() for word in identifiers(query.text) if len(word) >= _FEWEST_LETTERS)
    distinct = dict.fromkeys(name for name in names if name not in STOP_WORDS)
    return {
        name: min(_MOST_EDITS, len(name) // _LETTERS_PER_EDIT)
        for name in islice(distinct, MOST_NAMES)
    }


def about_names(wanted: Iterable[str], there: Iterable[str]) -> QueryUnderstanding:
    """The query for the names that are there and most like those that are wanted."""
    likeness = {
        name: max(SequenceMatcher(None, one, name.lower()).ratio() for one in wanted)
        for name in there
    }
    best = sorted(likeness, key=lambda name: (-likeness[name], name))
    return understand(" ".join(best[:MOST_NEAR]))
