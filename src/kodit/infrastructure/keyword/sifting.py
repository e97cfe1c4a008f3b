"""Conditions that are checked on the snippets found, instead of by tantivy.

A list of indexes, or of versions to leave out, costs tantivy several times as much as a search: it
collects all of their snippets first. If most snippets meet the conditions, it is cheaper to find
some more than wanted and to leave out those that do not. What remains is what tantivy would have
found with them, in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from kodit.infrastructure.keyword.found import Found
from kodit.infrastructure.keyword.querying import Clause
from kodit.infrastructure.keyword.schema import FILE_ID, INDEX_ID

MOST_SIFTED = 4_000
"""How many snippets are read at most to find the wanted ones among them."""
RESERVE = 1.5
"""How many times as many are read, at most, as would be expected to suffice."""
LEFT_OUT = 8
"""How many times as many as expected may have to be left out."""
FEWEST_MORE = 16


class Sieve(NamedTuple):
    """The conditions of a search: `asked` of tantivy, and `sifted` by those of `wanted` snippets
    that meet them."""

    asked: Sequence[Clause]
    sifted: Sequence[Clause]
    wanted: int

    def sift(self, found: Found, limit: int) -> Found | None:
        """At most `limit` of those found that meet the conditions; None if there may be more."""
        keeps = np.ones(len(found), dtype=bool)
        for clause in self.sifted:
            keeps &= _meets(found, clause)
        places = np.flatnonzero(keeps)
        if len(places) < limit and len(found) >= self.wanted:
            return None
        return found.at(places[:limit])


def sieve_for(clauses: Sequence[Clause], limit: int, share: float) -> Sieve | None:
    """How to find so many snippets if that `share` of all meets the conditions of a scope; None if
    it is better to let tantivy check all conditions."""
    sifted = [one for one in clauses if _is_sifted(one)]
    if not sifted or not share:
        return None
    reserve = min(RESERVE, 1 + LEFT_OUT * (1 - share))
    wanted = int(limit * reserve / share) + FEWEST_MORE
    if wanted > MOST_SIFTED:
        return None
    return Sieve([one for one in clauses if not _is_sifted(one)], sifted, wanted)


def _is_sifted(clause: Clause) -> bool:
    if clause.field == FILE_ID:
        return clause.occur == tantivy.Occur.MustNot
    return clause.field == INDEX_ID


def _meets(found: Found, clause: Clause) -> NDArray[np.bool_]:
    values = frozenset(clause.values)
    column = found.column(clause.field).tolist()
    has = np.fromiter(map(values.__contains__, column), dtype=bool, count=len(found))
    if clause.or_else is not None:
        has |= _meets(found, clause.or_else)
    return ~has if clause.occur == tantivy.Occur.MustNot else has
