"""Decides what a query whose words or name do not occur has as results.

The nearest vectors of a query without any word that occurs are only the least dissimilar ones, so
nothing is found unless a name is spelled almost like a word of the query. A single name that does
not occur as a whole may be misspelled too, or be the beginning of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import islice

from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.ranking.query import QueryUnderstanding, understand
from kodit.domain.ranking.terms import STOP_WORDS, identifiers, query_terms_of
from kodit.domain.spelling import fold_case

MOST_NAMES = 8
"""How many words of a query are compared with names, from the first."""
MOST_NEAR = 3
"""How many similar names the search then uses instead."""
LEAST_LIKENESS = 0.8
"""The least likeness of a name to what is taken for a misspelling of it: the share of equal letters
in order."""
_FEWEST_LETTERS = 4
"""Shorter words are similar to too many names."""
_LETTERS_PER_EDIT = 4
_MOST_EDITS = 2


def occurs(query: QueryUnderstanding, statistics: CorpusStatistics) -> bool:
    """Whether any term of the query is in any snippet of the corpus."""
    return any(statistics.frequencies.get(term) for term in query.terms)


def occurs_whole(name: str, statistics: CorpusStatistics) -> bool:
    """Whether any snippet has the whole name, or a form of it."""
    *_, whole = ("", *query_terms_of(name))
    return bool(statistics.frequencies.get(whole, not whole))


def is_unknown_name(query: QueryUnderstanding, statistics: CorpusStatistics) -> bool:
    """Whether the query is a name that occurs nowhere, though some of its words do."""
    return query.kind.is_name and not any(occurs_whole(name, statistics) for name in query.names)


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
    return understand(" ".join(_by_likeness(wanted, there)[:MOST_NEAR]))


def corrected(query: QueryUnderstanding, there: Iterable[str]) -> QueryUnderstanding:
    """The query with the most similar one of the existing names in place of its own, in the same
    scopes, or for those that start with its name; unchanged if there are none."""
    [name] = query.names
    wanted = fold_case(name)
    names = _by_likeness([wanted], there)
    longer = [one for one in names if fold_case(one).startswith(wanted)]
    for one in (*longer, *names):
        if _likeness(wanted, one) >= LEAST_LIKENESS:
            before, _, after = query.text.rpartition(name)
            return understand(f"{before}{one}{after}")
    return about_names([wanted], longer) if longer else query


def _by_likeness(wanted: Iterable[str], there: Iterable[str]) -> list[str]:
    likeness = {name: max(_likeness(one, name) for one in wanted) for name in there}
    return sorted(likeness, key=lambda name: (-likeness[name], name))


def _likeness(wanted: str, name: str) -> float:
    return SequenceMatcher(None, wanted, fold_case(name)).ratio()
