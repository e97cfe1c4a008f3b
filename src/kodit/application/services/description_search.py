"""Finds stored descriptions that have words of a query which no snippet has."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from kodit.domain.descriptions.kinds import STORED_KINDS
from kodit.domain.ranking.terms import STOP_WORDS, query_terms_of
from kodit.domain.value_objects import SearchFilter

if TYPE_CHECKING:
    from kodit.domain.descriptions.kinds import DescriptionKind
    from kodit.domain.descriptions.stored import FoundDescription
    from kodit.domain.ports.database import Database
    from kodit.domain.ports.engines import KeywordIndex

MOST_FOUND = 3
LONGEST_QUERY = 300
"""Characters of a query that count: a longer one is pasted text."""
MOST_UNKNOWN = 4
"""Unknown words of a query that are looked up."""


class DescriptionSearch:
    """Synchronous. A query whose words all occur in snippets costs a look at their numbers."""

    def __init__(
        self,
        *,
        database: Database,
        keyword_index: KeywordIndex,
        kinds: Collection[DescriptionKind],
    ) -> None:
        self._database = database
        self._keyword_index = keyword_index
        self._kinds = sorted(STORED_KINDS.intersection(kinds))

    def find(self, query: str, search_filter: SearchFilter) -> tuple[FoundDescription, ...]:
        """The descriptions with most of the words, at most `MOST_FOUND`; none if the filter chooses
        files or kinds of symbols."""
        if not self._kinds or search_filter.chooses_files or search_filter.kinds:
            return ()
        terms = [
            term
            for term in dict.fromkeys(query_terms_of(query[:LONGEST_QUERY]))
            if term not in STOP_WORDS
        ]
        keyword = self._keyword_index.reader()
        with self._database.read() as transaction:
            scope = transaction.search.resolve(search_filter)
            if search_filter.index_ids:
                keyword = keyword.over(scope)
            frequencies = keyword.statistics(terms).frequencies
            unknown = [term for term in terms if not frequencies.get(term)][:MOST_UNKNOWN]
            if not unknown:
                return ()
            found = transaction.search.described(scope.index_ids, self._kinds, unknown)
        asked = set(terms)
        found.sort(key=lambda one: -len(asked.intersection(one[1])))
        return tuple(one for one, _words in found[:MOST_FOUND])
