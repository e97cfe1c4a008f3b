"""Results of searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from kodit.application.views.serialization import ONLY_WHEN_SET, file_of
from kodit.application.views.standing import StandingView

if TYPE_CHECKING:
    from kodit.domain.descriptions.stored import FoundDescription
    from kodit.domain.entities import SearchResult
    from kodit.domain.search import CopyPlace


@dataclass(frozen=True, slots=True)
class SignalView:
    """What one signal of the ranking added to a score."""

    signal: str
    value: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class CopyView:
    """The place of a copy of a result. `file` is the absolute path, or null as for a result."""

    index_id: int
    source: str
    path: str
    file: str | None
    start_line: int
    end_line: int

    @classmethod
    def of(cls, copy: CopyPlace, *, with_file: bool) -> Self:
        return cls(
            index_id=copy.index_id,
            source=copy.source,
            path=copy.path,
            file=file_of(copy.source, copy.path) if with_file else None,
            start_line=copy.start_line,
            end_line=copy.end_line,
        )


@dataclass(frozen=True, slots=True)
class ResultView:
    """A result of a search. `end_line` is the last line of `text`, even if a budget has `cut` it.
    `file` is the absolute path, for a caller on the machine that has it; null for git URLs."""

    index_id: int
    source: str
    path: str
    file: str | None
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
    also_defines: tuple[str, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)
    """The names of further definitions in the result, if it has any beside its symbol."""
    also_in: tuple[CopyView, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)
    """The other places of the same text, by path."""

    @classmethod
    def of(cls, result: SearchResult, *, explain: bool = False, with_file: bool) -> Self:
        """Use `with_file` for a caller on this machine, for whom absolute paths are valid."""
        snippet = result.snippet
        return cls(
            index_id=snippet.index_id,
            source=snippet.source,
            path=snippet.path,
            file=file_of(snippet.source, snippet.path) if with_file else None,
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
            also_defines=snippet.neighbours or None,
            also_in=tuple(CopyView.of(copy, with_file=with_file) for copy in result.also_in)
            or None,
        )


@dataclass(frozen=True, slots=True)
class FoundDescriptionView:
    """A description of a table or a commit that has words of the query which no snippet has.
    `subject` names it to `kodit describe`; `path` is empty if it is at no place."""

    index_id: int
    source: str
    kind: str
    subject: str
    title: str
    path: str
    file: str | None
    line: int

    @classmethod
    def of(cls, one: FoundDescription, *, with_file: bool) -> Self:
        return cls(
            one.index_id,
            one.source,
            one.kind.value,
            one.subject,
            one.title,
            one.path,
            file_of(one.source, one.path) if with_file and one.path else None,
            one.line,
        )


@dataclass(frozen=True, slots=True)
class SearchView:
    """The answer to a search; `next` is the cursor of the next page, null if there is none."""

    query: str
    results: tuple[ResultView, ...]
    standing: tuple[StandingView, ...]
    next: str | None
    problems: tuple[str, ...] = ()
    """The problems of sources that were named beside valid ones, and of the query's vectors."""
    weak: bool | None = field(default=None, metadata=ONLY_WHEN_SET)
    """True if even the best result matches the query poorly."""
    descriptions: tuple[FoundDescriptionView, ...] | None = field(
        default=None, metadata=ONLY_WHEN_SET
    )
    """Descriptions that have words of the query which no snippet has, if there are any."""

    @classmethod
    def of(
        cls,
        query: str,
        results: Sequence[SearchResult],
        standing: tuple[StandingView, ...],
        *,
        following: str | None = None,
        problems: tuple[str, ...] = (),
        explain: bool = False,
        with_file: bool,
        described: Sequence[FoundDescription] = (),
    ) -> Self:
        """`following` is the cursor of the next page."""
        shown = tuple(
            ResultView.of(result, explain=explain, with_file=with_file) for result in results
        )
        is_weak = any(result.is_weak for result in results)
        found = tuple(FoundDescriptionView.of(one, with_file=with_file) for one in described)
        return cls(query, shown, standing, following, problems, is_weak or None, found or None)


@dataclass(frozen=True, slots=True)
class RelatedView:
    """The snippets similar to the one at a place."""

    place: str
    results: tuple[ResultView, ...]
    standing: tuple[StandingView, ...]

    @classmethod
    def of(
        cls,
        place: str,
        results: Sequence[SearchResult],
        standing: tuple[StandingView, ...],
        *,
        with_file: bool,
    ) -> Self:
        shown = tuple(ResultView.of(result, with_file=with_file) for result in results)
        return cls(place, shown, standing)
