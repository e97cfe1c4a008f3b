"""What ranking knows about a snippet that an engine found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kodit.domain.snippet import Symbol


class Candidate(NamedTuple):
    """A snippet that at least one engine found; a tuple, as a search makes hundreds.

    `file_id` is the same for all snippets of one file of one index, and different for all others.
    `keyword` is the keyword engine's BM25 over all its fields, 0 if no term matched; `code` and
    `text` are cosines (-1 to 1) of the query with the snippet's code and with its descriptive text.
    """

    snippet_id: int
    file_id: int
    path: str
    start_line: int
    end_line: int
    language: str
    symbol: Symbol | None
    keyword: float
    code: float
    text: float
    also_defines: tuple[Symbol, ...] = ()
    pasted: float = 0.0
    """How likely text pasted into the query comes from here, from 0 to 1."""
    source: str = ""
    """The source of the file, which orders files of equal score and path."""

    @property
    def definitions(self) -> tuple[Symbol, ...]:
        """Everything that the snippet defines, its own symbol first."""
        return self.also_defines if self.symbol is None else (self.symbol, *self.also_defines)


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """How common the terms of a query are: of `snippets` snippets, `frequencies` counts those with
    the term in their text or path; a term that it lacks is in none."""

    snippets: int
    frequencies: Mapping[str, int] = field(default_factory=dict)

    def rarity(self, term: str) -> float:
        """Inverse document frequency as in BM25 (Robertson and Spärck Jones), above 0."""
        found = self.frequencies.get(term, 0)
        return math.log(1 + (max(self.snippets, found) - found + 0.5) / (found + 0.5))
