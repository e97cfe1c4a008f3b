"""Results of searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from kodit.application.views.serialization import ONLY_WHEN_SET
from kodit.domain.entities import SearchResult


@dataclass(frozen=True, slots=True)
class SignalView:
    """What one signal of the ranking added to a score."""

    signal: str
    value: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class ResultView:
    """A result of a search. `end_line` is the last line of `text`, also where a budget has `cut`
    it."""

    index_id: int
    source: str
    path: str
    start_line: int
    end_line: int
    language: str
    symbol: str | None
    kind: str | None
    scope: str
    score: float
    text: str
    cut: bool
    explanation: tuple[SignalView, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(cls, result: SearchResult, *, explain: bool = False) -> Self:
        snippet = result.snippet
        return cls(
            index_id=snippet.index_id,
            source=snippet.source,
            path=snippet.path,
            start_line=snippet.start_line,
            end_line=snippet.end_line,
            language=snippet.language,
            symbol=snippet.symbol,
            kind=snippet.kind,
            scope=snippet.scope,
            score=round(result.score, 6),
            text=snippet.text,
            cut=result.is_cut,
            explanation=tuple(
                SignalView(part.signal, round(part.value, 4), part.weight, round(part.points, 4))
                for part in result.explanation
            )
            if explain
            else None,
        )


@dataclass(frozen=True, slots=True)
class SearchView:
    """The answer to a search."""

    query: str
    results: tuple[ResultView, ...]

    @classmethod
    def of(cls, query: str, results: Sequence[SearchResult], *, explain: bool = False) -> Self:
        return cls(query, tuple(ResultView.of(result, explain=explain) for result in results))


@dataclass(frozen=True, slots=True)
class RelatedView:
    """The snippets like the one at a place."""

    place: str
    results: tuple[ResultView, ...]

    @classmethod
    def of(cls, place: str, results: Sequence[SearchResult]) -> Self:
        return cls(place, tuple(map(ResultView.of, results)))
