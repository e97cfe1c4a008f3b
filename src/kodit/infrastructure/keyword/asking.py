"""The terms of a query, for tantivy and for the exact scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from kodit.domain.ranking.scripts import is_unspaced, pairs
from kodit.infrastructure.keyword.found import Found, RecordCache, Scores
from kodit.infrastructure.keyword.querying import Clause
from kodit.infrastructure.keyword.schema import LENGTH, PHRASES, TERMS
from kodit.infrastructure.keyword.scoring import frequencies, scores

ALIKE_SHARE = 0.25
"""The weight of a word that differs from the query's only in diacritics."""
LONGEST_TOKEN = 2
"""Characters of a script without spaces that are one token; more are a phrase of pairs."""
ROUNDING = 1e-5
"""Relative error of tantivy's single-precision scores."""
LEAST_ALIKE = 0.1
"""A lower bound of the exact score as a share of tantivy's, which gives words that differ in
diacritics their full weight, for documents that have some."""


class Asked(NamedTuple):
    """One term of a query: its `tokens` that are in the index, with their weights. For a phrase,
    `phrase` lists its pairs of characters, and the rarest one is the only token. `having` is the
    number of snippets that have the term."""

    tokens: tuple[str, ...]
    shares: tuple[float, ...]
    having: int
    phrase: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is a single token with its full weight."""
        return self.shares == (1.0,) and not self.phrase


def phrase_of(term: str) -> tuple[str, ...]:
    """The adjacent pairs of characters that make up a term; none if it is one token."""
    if term.isascii() or len(term) <= LONGEST_TOKEN or not is_unspaced(term):
        return ()
    return pairs(term)


def having_term(term: str) -> Clause:
    """A clause for the snippets that have a term in its exact spelling."""
    phrase = phrase_of(term)
    if phrase:
        return Clause(tantivy.Occur.Must, PHRASES, phrase)
    return Clause(tantivy.Occur.Must, TERMS, (term,))


class Question(NamedTuple):
    """The terms that are in the index, the weight of each, and the query that finds them; `counted`
    is the average length that tantivy's scores use."""

    asked: Sequence[Asked]
    rarities: Sequence[float]
    average_length: float
    query: tantivy.Query
    counted: float
    records: RecordCache

    @property
    def most(self) -> float:
        """The factor by which tantivy's score becomes an upper bound of the exact one: it counts
        words that differ in diacritics, and of a phrase its rarest pair, in full."""
        return max(1.0, self.average_length / self.counted) * (1 + ROUNDING)

    @property
    def least(self) -> float:
        """The factor by which it becomes a lower bound, if a document has none of `alike`."""
        if any(one.phrase for one in self.asked):
            return 0.0
        return min(1.0, self.average_length / self.counted) * (1 - ROUNDING)

    @property
    def alike(self) -> list[str]:
        """The tokens that differ from the query's words only in diacritics."""
        return [
            token
            for one in self.asked
            for token, share in zip(one.tokens, one.shares, strict=True)
            if share < 1.0
        ]

    def score(self, found: Found, places: NDArray[np.intp]) -> Scores:
        """The exact scores of the documents at `places`."""
        if not self.asked or not len(places):
            return np.zeros(len(places))
        return scores(
            self._frequencies(found, places),
            found.column(LENGTH)[places],
            self.rarities,
            self.average_length,
        )

    def _frequencies(self, found: Found, places: NDArray[np.intp]) -> Scores:
        """How often each document has each term."""
        records = found.records(places, self.records)
        tokens = [token for one in self.asked for token in one.tokens]
        counted = frequencies(records, tokens)
        if all(one.is_plain for one in self.asked):
            return counted
        totals = np.zeros((len(places), len(self.asked)))
        phrases: list[str] | None = None
        column = 0
        for number, one in enumerate(self.asked):
            of_tokens = counted[:, column : column + len(one.tokens)]
            column += len(one.tokens)
            if not one.phrase:
                totals[:, number] = of_tokens @ np.array(one.shares)
                continue
            phrases = found.phrases(places) if phrases is None else phrases
            row = " ".join(one.phrase)
            totals[:, number] = [some.count(row) for some in phrases]
        return totals
