"""Corpus statistics for BM25: the number of snippets of some indexes, their lengths, and how many
have a term. Deleted snippets do not count, merged away or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import tantivy

from kodit.infrastructure.keyword.querying import Clause, any_of, reading
from kodit.infrastructure.keyword.schema import INDEX_ID, LENGTH, NAME, TERMS

_COUNT = {"count": {"value_count": {"field": LENGTH}}}
_COUNT_AND_SUM = {**_COUNT, "sum": {"sum": {"field": LENGTH}}}


class Corpus:
    """All snippets of one state of the keyword index, or those of some indexes. Any number of
    threads may use it: cached values never change.
    """

    def __init__(
        self,
        searcher: tantivy.Searcher,
        schema: tantivy.Schema,
        folder: Path,
        index_ids: Iterable[int] | None = None,
    ) -> None:
        self._searcher = searcher
        self._schema = schema
        self._folder = folder
        self._having: dict[str, int] = {}
        self._within: tantivy.Query | None = None
        if index_ids is not None:
            clause = Clause(tantivy.Occur.Must, INDEX_ID, tuple(index_ids))
            self._within = any_of(schema, clause)

    @cached_property
    def snippets(self) -> int:
        """The number of snippets."""
        return int(self._measured["count"]["value"])

    @cached_property
    def average_length(self) -> float:
        """In terms."""
        return self._measured["sum"]["value"] / self.snippets if self.snippets else 1.0

    @cached_property
    def matches_engine(self) -> bool:
        """Whether tantivy's own statistics count exactly these snippets."""
        with reading(self._folder):
            # Every document has this field, including deleted ones.
            return self._searcher.doc_freq(NAME, "") == self.snippets

    def having(self, term: str) -> int:
        """The number of snippets that have the term."""
        known = self._having.get(term)
        if known is None:
            known = self._having[term] = self._count(term)
        return known

    @cached_property
    def _measured(self) -> dict[str, dict[str, float]]:
        return self._aggregate(self._within or tantivy.Query.all_query(), _COUNT_AND_SUM)

    def _count(self, term: str) -> int:
        with reading(self._folder):
            found = self._searcher.doc_freq(TERMS, term)
        if not found or self.matches_engine:
            return found
        wanted = tantivy.Query.term_query(self._schema, TERMS, term, "basic")
        if self._within is not None:
            must = tantivy.Occur.Must
            wanted = tantivy.Query.boolean_query([(must, wanted), (must, self._within)])
        return int(self._aggregate(wanted, _COUNT)["count"]["value"])

    def _aggregate(
        self, query: tantivy.Query, wanted: dict[str, Any]
    ) -> dict[str, dict[str, float]]:
        with reading(self._folder):
            answer = self._searcher.aggregate(query, wanted)
        return cast(dict[str, dict[str, float]], answer)
