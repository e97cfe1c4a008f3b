"""Files that are not in the indexes, and explanations of single files."""

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
    """A file that is left out, or a folder (its path ends with a slash) with all of its contents.
    `rule` names the rule and where it is defined. `files` is the number of files left out; unless
    `counted`, there are more."""

    index_id: int
    source: str
    path: str
    file: str | None
    reason: str
    rule: str
    files: int
    counted: bool

    @classmethod
    def of(cls, index: Index, left_out: LeftOut, *, with_file: bool) -> Self:
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
    """All files and folders left out of some indexes, by index and path. `problems` are sentences
    about indexes whose sources could not be read."""

    left_out: tuple[LeftOutView, ...]
    problems: tuple[str, ...]
    standing: tuple[StandingView, ...]


@dataclass(frozen=True, slots=True)
class ExplainedSnippetView:
    """A snippet of a file. `stages` says for each stage whether the snippet has passed it."""

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

    `state` is `indexed`; `changed`, if its newest text is not indexed yet; `left_out`; `new`, for a
    file that the next run adds; `removed`, for one that the next run removes; or `folder`, for one
    that is read. `left_out` is the file or folder that is left out, which may be a folder around
    this file. `status` is the change found by runs since the index was complete: `clean`, `added`,
    `modified`; null for an unknown file. `problem` says why it was split by lines or left out.
    `author` is its last author.
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
        with_file: bool,
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
