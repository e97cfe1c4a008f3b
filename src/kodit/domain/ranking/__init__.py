"""Ranking: understands a query, scores each candidate by signals, and sorts the results.

Pure functions on text and numbers. `fields` selects what the engines index of a snippet,
`understand` reads a query, and `rank` orders what the engines found.
"""

from __future__ import annotations

from kodit.domain.ranking.candidate import Candidate, CorpusStatistics
from kodit.domain.ranking.confidence import is_weak
from kodit.domain.ranking.fields import (
    KeywordDocument,
    keyword_document,
)
from kodit.domain.ranking.nearness import about_names, occurs, possible_names
from kodit.domain.ranking.phrases import divide
from kodit.domain.ranking.query import QueryKind, QueryUnderstanding, understand
from kodit.domain.ranking.ranking import Contribution, Ranked, rank
from kodit.domain.ranking.terms import terms

__all__ = [
    "Candidate",
    "Contribution",
    "CorpusStatistics",
    "KeywordDocument",
    "QueryKind",
    "QueryUnderstanding",
    "Ranked",
    "about_names",
    "divide",
    "is_weak",
    "keyword_document",
    "occurs",
    "possible_names",
    "rank",
    "terms",
    "understand",
]
