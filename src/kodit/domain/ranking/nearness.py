"""Decides whether a query has any result when its words do not occur.

The nearest vectors of such a query are only the least dissimilar ones, so nothing is found unless a
name is spelled almost like a word of the query.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import islice

from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.ranking.query import QueryUnderstanding, understand
from kodit.domain.ranking.terms import STOP_WORDS, identifiers
from kodit.domain.spelling import fold_case

MOST_NAMES = 8
"""How many words of a query are compared with names, from the first."""
MOST_NEAR = 3
"""How many similar names the search then uses instead."""
_FEWEST_LETTERS = 4
"""Shorter words are similar to too many names."""
_LETTERS_PER_EDIT = 4
_MOST_EDITS = 2


def occurs(query: QueryUnderstanding, statistics: CorpusStatistics) -> bool:
    """Whether any term of the query is in any snippet of the corpus."""
    return any(statistics.frequencies.get(term) for term in query.terms)


def possible_names(query: QueryUnderstanding) -> dict[str, int]:
    """The words of a query that may be misspelled names, case-folded, each with the number of
    letters that may be missing, added, changed or swapped with their neighbour: one in a word of at
    least four letters, two of at least eight."""
    names = (fold_case(word) for word in identifiers(query.text) if len(word) >= _FEWEST_LETTERS)
    distinct = dict.fromkeys(name for name in names if name not in STOP_WORDS)
    return {
        name: min(_MOST_EDITS, len(name) // _LETTERS_PER_EDIT)
        for name in islice(distinct, MOST_NAMES)
    }


def about_names(wanted: Iterable[str], there: Iterable[str]) -> QueryUnderstanding:
    """A query for the existing names that are most similar to the wanted ones."""
    likeness = {
        name: max(SequenceMatcher(None, one, fold_case(name)).ratio() for one in wanted)
        for name in there
    }
    best = sorted(likeness, key=lambda name: (-likeness[name], name))
    return understand(" ".join(best[:MOST_NEAR]))
