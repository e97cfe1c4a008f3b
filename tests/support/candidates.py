"""Candidates for ranking that differ only in what a test is about."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from kodit.domain.ranking import ranking
from kodit.domain.ranking.candidate import Candidate, CorpusStatistics
from kodit.domain.ranking.query import QueryUnderstanding, understand
from kodit.domain.ranking.ranking import Ranked

STATISTICS = CorpusStatistics(1000, {"sess": 20, "cooki": 50})


def candidate(number: int, path: str, **changes: Any) -> Candidate:
    base = Candidate(
        snippet_id=number,
        file_id=hash(path),
        path=path,
        start_line=number * 10 + 1,
        end_line=number * 10 + 10,
        language="python",
        symbol=None,
        keyword=5.0,
        code=0.4,
        text=0.4,
    )
    return base._replace(**changes)


def rank(
    query: QueryUnderstanding,
    candidates: Iterable[Candidate],
    statistics: CorpusStatistics,
    limit: int,
    **options: Any,
) -> list[Ranked]:
    """The first results."""
    return list(islice(ranking.rank(query, candidates, statistics, **options), limit))


def order(query: str, *candidates: Candidate) -> list[str]:
    ranked = rank(understand(query), candidates, STATISTICS, len(candidates))
    return [found.candidate.path for found in ranked]
