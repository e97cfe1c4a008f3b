"""What ranking needs to know of a snippet that an engine found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kodit.domain.snippet import Symbol


class Candidate(NamedTuple):
    """A snippet that at least one engine found; a tuple, as a search makes hundreds.

    `file_id` is the same for all snippets of one file of one index and of no other. `keyword` is
    the keyword engine's BM25 over all its fields, 0 when no term matched; `code` and `text`
    are cosines (-1 to 1) of the query with the snippet's code and with its descriptive text.
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
    """How surely what was pasted into the query stands here, from 0 to 1."""
    source: str = ""
    """Where the file comes from, by which files of equal score and path are ordered."""

    @property
    def definitions(self) -> tuple[Symbol, ...]:
        """All that the snippet defines, its symbol first."""
        return self.also_defines if self.symbol is None else (self.symbol, *self.also_defines)


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """How common the terms of a query are: `frequencies` counts, of `snippets` snippets, those that
    have the term in their text or path; a term that is missing there is in none."""

    snippets: int
    frequencies: Mapping[str, int] = field(default_factory=dict)

    def rarity(self, term: str) -> float:
        """Inverse document frequency as BM25 has it (Robertson and Spärck Jones), above 0."""
        found = self.frequencies.get(term, 0)
        return math.log(1 + (max(self.snippets, found) - found + 0.5) / (found + 0.5))
