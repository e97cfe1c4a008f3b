"""What is known about one state of the keyword index, and kept while it is."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import tantivy

from kodit.infrastructure.keyword.corpus import Figures
from kodit.infrastructure.keyword.schema import TERMS

MOST_CORPORA = 64
"""Sets of indexes whose statistics are cached for one state."""


class Drift(NamedTuple):
    """The corpus as tantivy counts it: all indexes, with deleted snippets that are not merged away
    yet.
    """

    snippets: float
    average_length: float

    def rarity(self, searcher: tantivy.Searcher, term: str) -> float:
        """The inverse document frequency as tantivy computes it: in single precision, that of a
        term of nearly every snippet is wrong by a thousandth."""
        having = searcher.doc_freq(TERMS, term)
        lacking = np.float32(int(self.snippets) - having) + np.float32(0.5)
        return float(np.log(np.float32(1) + lacking / (np.float32(having) + np.float32(0.5))))


class Statistics:
    """What is known about one state of the keyword index: its own figures, and those of each set of
    indexes that was searched.
    """

    def __init__(self) -> None:
        self.whole = Figures()
        self.drift: Drift | None = None
        self._of_scopes: dict[Hashable, Figures] = {}

    def of_scope(self, key: Hashable) -> Figures:
        """The figures of a set of indexes, to which its corpus adds."""
        known = self._of_scopes.get(key)
        if known is None:
            if len(self._of_scopes) >= MOST_CORPORA:
                self._of_scopes = {}
            known = self._of_scopes[key] = Figures()
        return known
