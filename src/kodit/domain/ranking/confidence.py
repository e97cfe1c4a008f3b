"""Whether even the best result matches the query poorly.

The threshold separates the best results of real queries from those of queries that have no answer:
everyday sentences about unrelated things, and invented words around a common one. Of 621 annotated
queries over 31 repositories, 6 fall below it (of 399 over 20 repositories that it was not chosen
on, 4); of 930 unrelated sentences, 857 find nothing or fall below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.ranking.nearness import is_unknown_name
from kodit.domain.ranking.query import QueryKind, QueryUnderstanding
from kodit.domain.ranking.ranking import Contribution

CALIBRATED_MODEL = "kodit-static-1"
"""The embedding model whose similarities the threshold is for; with others, no result is weak."""

STRENGTH: Mapping[str, float] = {
    "keyword_best": 1.0,
    "code_similarity": 2.0,
    "text_similarity": 2.0,
}
"""The weights of the signals of the best result's file."""
LEAST_STRENGTH = 1.5
"""The threshold."""

_SURE = ("pasted", "defines", "enclosing_scope", "path_asked")
"""Signals any of which shows that the result is what was asked for."""


def is_weak(
    query: QueryUnderstanding,
    best: Sequence[Contribution],
    statistics: CorpusStatistics,
    model: str,
) -> bool:
    """Judged by the signals of the best result, and for a name by whether it occurs anywhere as a
    whole. A path query never is, nor one without vectors."""
    signals = {part.signal: part.value for part in best}
    if any(signals.get(name, 0.0) > 0 for name in _SURE):
        return False
    if query.kind.is_name:
        return is_unknown_name(query, statistics)
    if query.kind is QueryKind.PATH:
        return False
    if model.partition("/")[0] != CALIBRATED_MODEL or "text_similarity" not in signals:
        return False
    return (
        sum(signals.get(name, 0.0) * weight for name, weight in STRENGTH.items()) < LEAST_STRENGTH
    )
