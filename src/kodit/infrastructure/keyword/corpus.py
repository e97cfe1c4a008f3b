"""Corpus statistics for BM25: the number of snippets of some indexes, their lengths, and how many
have a term. Deleted snippets do not count, merged away or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import tantivy

from kodit.domain.ranking.terms import alike
from kodit.infrastructure.keyword.asking import ALIKE_SHARE, Asked, phrase_of
from kodit.infrastructure.keyword.querying import Clause, any_of, reading
from kodit.infrastructure.keyword.schema import LENGTH, NAME, PHRASES, TERMS

MOST_ASKED = 8_192
"""Terms of which the frequencies are cached: some 4 MB."""

_COUNT = {"count": {"value_count": {"field": LENGTH}}}
_COUNT_AND_SUM = {**_COUNT, "sum": {"sum": {"field": LENGTH}}}


@dataclass(slots=True)
class Figures:
    """What is known about a corpus. It remains true after the files in which it was found are
    closed, until the keyword index changes.
    """

    asked: dict[str, Asked] = field(default_factory=dict)
    measured: dict[str, dict[str, float]] | None = None
    matches_engine: bool | None = None


class Corpus:
    """All snippets of one state of the keyword index, or those of some indexes. Any number of
    threads may use it: cached values never change.
    """

    def __init__(
        self,
        searcher: tantivy.Searcher,
        schema: tantivy.Schema,
        folder: Path,
        clauses: Sequence[Clause] = (),
        figures: Figures | None = None,
    ) -> None:
        """With `clauses`, only the snippets that meet them count. `figures` are those known from
        another searcher of the same state; new ones are added.
        """
        self._searcher = searcher
        self._schema = schema
        self._folder = folder
        self._figures = Figures() if figures is None else figures
        self._within: tantivy.Query | None = None
        if clauses and all(one.is_possible for one in clauses):
            self._within = tantivy.Query.boolean_query(
                [(one.occur, any_of(schema, one)) for one in clauses]
            )
        elif clauses:
            self._within = tantivy.Query.empty_query()

    @property
    def snippets(self) -> int:
        """The number of snippets."""
        return int(self._measured["count"]["value"])

    @property
    def average_length(self) -> float:
        """In terms."""
        return self._measured["sum"]["value"] / self.snippets if self.snippets else 1.0

    @property
    def matches_engine(self) -> bool:
        """Whether tantivy's own statistics count exactly these snippets."""
        known = self._figures.matches_engine
        if known is None:
            with reading(self._folder):
                # Every document has this field, including deleted ones.
                known = self._searcher.doc_freq(NAME, "") == self.snippets
            self._figures.matches_engine = known
        return known

    def having(self, term: str) -> int:
        """The number of snippets that have the term, or one that differs in diacritics."""
        return self.asked(term).having

    def asked(self, term: str) -> Asked:
        """A term of a query by what the index has of it."""
        known = self._figures.asked.get(term)
        if known is None:
            if len(self._figures.asked) >= MOST_ASKED:
                self._figures.asked = {}
            known = self._figures.asked[term] = self._ask(term)
        return known

    @property
    def _measured(self) -> dict[str, dict[str, float]]:
        known = self._figures.measured
        if known is None:
            wanted = self._within or tantivy.Query.all_query()
            known = self._figures.measured = self._aggregate(wanted, _COUNT_AND_SUM)
        return known

    def _ask(self, term: str) -> Asked:
        phrase = phrase_of(term)
        found = self._frequencies(phrase or (term, *alike(term)))
        if phrase:
            if not all(found.values()):
                return Asked((), (), 0)
            rarest = min(phrase, key=lambda pair: (found[pair], pair))
            in_a_row = Clause(tantivy.Occur.Must, PHRASES, phrase)
            return Asked((rarest,), (1.0,), self._count(in_a_row), phrase)
        tokens = tuple(token for token, having in found.items() if having)
        shares = tuple(1.0 if token == term else ALIKE_SHARE for token in tokens)
        if len(tokens) == 1 and self.matches_engine:
            return Asked(tokens, shares, found[tokens[0]])
        having = self._count(Clause(tantivy.Occur.Must, TERMS, tokens)) if tokens else 0
        return Asked(tokens, shares, having)

    def _frequencies(self, tokens: Iterable[str]) -> dict[str, int]:
        """Their document frequencies in tantivy."""
        with reading(self._folder):
            return {token: self._searcher.doc_freq(TERMS, token) for token in tokens}

    def _count(self, clause: Clause) -> int:
        wanted = any_of(self._schema, clause)
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
