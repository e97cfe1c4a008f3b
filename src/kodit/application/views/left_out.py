"""What is not in the indexes, and why single files are in them or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kodit.application.views.serialization import file_of, moment
from kodit.application.views.standing import StandingView

if TYPE_CHECKING:
    from kodit.domain.entities import Index
    from kodit.domain.left_out import Explanation, LeftOut, SnippetFacts


@dataclass(frozen=True, slots=True)
class LeftOutView:
    """A file that is left out, or a folder, whose path ends with a slash, with all that is in it.
    `rule` says what decides, and where that stands. `files` is how many files that are; where not
    `counted`, there are more than these."""

    index_id: int
    source: str
    path: str
    file: str | None
    reason: str
    rule: str
    files: int
    counted: bool

    @classmethod
    def of(cls, index: Index, left_out: LeftOut, *, with_file: bool = True) -> Self:
        source = str(index.source)
        return cls(
            index_id=index.id,
            source=source,
            path=left_out.path,
            file=file_of(source, left_out.path) if with_file else None,
            reason=left_out.reason,
            rule=left_out.rule,
            files=left_out.files,
            counted=left_out.is_counted,
        )


@dataclass(frozen=True, slots=True)
class LeftOutsView:
    """All that is left out of some indexes, by index and path. `problems` are sentences about
    indexes whose sources could not be looked at."""

    left_out: tuple[LeftOutView, ...]
    problems: tuple[str, ...]
    standing: tuple[StandingView, ...]


@dataclass(frozen=True, slots=True)
class ExplainedSnippetView:
    """A snippet of a file. `stages` says of each stage whether the snippet has passed it."""

    start_line: int
    end_line: int
    symbol: str | None
    kind: str | None
    scope: str
    stages: Mapping[str, bool]

    @classmethod
    def of(cls, snippet: SnippetFacts) -> Self:
        return cls(
            start_line=snippet.start_line,
            end_line=snippet.end_line,
            symbol=snippet.symbol,
            kind=snippet.kind,
            scope=snippet.scope,
            stages=dict(snippet.stages),
        )


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """Why a file is in an index or not.

    `state` is `indexed`; `changed`, where its newest text is not in yet; `left_out`; `new`, for a
    file that the next run takes in; `removed`, for one that the next run removes; or `folder`, for
    one that is read. `left_out` is what leaves it out, which may be a folder that it lies in.
    `status` is what a run found of the file since the index was last complete: `clean`, `added`,
    `modified`; null for an unknown file. `problem` says why it was split by lines or left out.
    `author` is who changed it last.
    """

    index_id: int
    source: str
    path: str
    file: str | None
    state: str
    left_out: LeftOutView | None
    status: str | None
    language: str | None
    size: int | None
    problem: str | None
    author: str | None
    changed_at: str | None
    created_at: str | None
    snippets: tuple[ExplainedSnippetView, ...]
    standing: tuple[StandingView, ...]

    @classmethod
    def of(
        cls,
        explanation: Explanation,
        standing: tuple[StandingView, ...],
        *,
        with_file: bool = True,
    ) -> Self:
        index, facts = explanation.index, explanation.facts
        source, left_out = str(index.source), explanation.left_out
        return cls(
            index_id=index.id,
            source=source,
            path=explanation.path,
            file=file_of(source, explanation.path) if with_file else None,
            state=explanation.state,
            left_out=None
            if left_out is None
            else LeftOutView.of(index, left_out, with_file=with_file),
            status=None if facts is None else facts.status.value,
            language=None if facts is None else facts.language,
            size=None if facts is None else facts.size,
            problem=None if facts is None else facts.problem,
            author=None if facts is None else facts.author,
            changed_at=None if facts is None else moment(facts.changed_at),
            created_at=None if facts is None else moment(facts.created_at),
            snippets=tuple(map(ExplainedSnippetView.of, explanation.snippets)),
            standing=standing,
        )
