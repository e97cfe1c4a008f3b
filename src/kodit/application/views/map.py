"""The most important files and definitions of a repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kodit.application.views.serialization import file_of
from kodit.application.views.standing import StandingView

if TYPE_CHECKING:
    from kodit.domain.repository_map import MappedDefinition, MappedFile, RepositoryMap


@dataclass(frozen=True, slots=True)
class MappedDefinitionView:
    """A definition and the line that names it."""

    symbol: str
    kind: str
    scope: str
    line: int
    text: str

    @classmethod
    def of(cls, one: MappedDefinition) -> Self:
        return cls(one.symbol, one.kind, one.scope, one.line, one.text)


@dataclass(frozen=True, slots=True)
class MappedFileView:
    """A file with its most important definitions, by line; `importance` is its share of the total,
    0 to 1."""

    index_id: int
    source: str
    path: str
    file: str | None
    language: str
    importance: float
    definitions: tuple[MappedDefinitionView, ...]

    @classmethod
    def of(cls, repository: RepositoryMap, one: MappedFile, *, with_file: bool) -> Self:
        return cls(
            index_id=repository.index_id,
            source=repository.source,
            path=one.path,
            file=file_of(repository.source, one.path) if with_file else None,
            language=one.language,
            importance=round(one.importance, 6),
            definitions=tuple(map(MappedDefinitionView.of, one.definitions)),
        )


@dataclass(frozen=True, slots=True)
class MapView:
    """The most important files of the selected indexes, best first in each; `total` is the number
    of all their files."""

    budget: int
    files: tuple[MappedFileView, ...]
    total: int
    standing: tuple[StandingView, ...]
    problems: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        budget: int,
        maps: Sequence[RepositoryMap],
        standing: tuple[StandingView, ...],
        problems: tuple[str, ...] = (),
        *,
        with_file: bool,
    ) -> Self:
        return cls(
            budget,
            tuple(
                MappedFileView.of(repository, one, with_file=with_file)
                for repository in maps
                for one in repository.files
            ),
            sum(repository.total for repository in maps),
            standing,
            problems,
        )
