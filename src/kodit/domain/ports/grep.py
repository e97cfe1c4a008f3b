"""Searches the lines of indexed files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kodit.domain.files import IndexedText
from kodit.domain.grep import Expression, FoundLine, LineShape
from kodit.domain.index import Index
from kodit.domain.search import SearchFilter


class FolderLister(Protocol):
    """Lists the files of a folder before any are stored."""

    async def files(self, index: Index, search_filter: SearchFilter) -> tuple[IndexedText, ...]:
        """The files of the folder that would be indexed and that pass the filter's paths, by path;
        their languages are empty. Empty if that takes too long or the folder cannot be read."""
        ...


class LineSearcher(Protocol):
    """Searches lines in the files of indexes, in child processes."""

    @property
    def at_once(self) -> int:
        """How many calls keep all child processes busy; more would only wait for each other."""
        ...

    def check(self, expression: Expression) -> None:
        """Raises InvalidQueryError, with the reason, for an invalid expression."""
        ...

    async def search(
        self,
        index: Index,
        files: Sequence[IndexedText],
        expression: Expression,
        *,
        shape: LineShape,
        limit: int,
    ) -> list[tuple[int, FoundLine]]:
        """At most `limit` matching lines, each with the position of its file, in the order of the
        files and their lines. Raises what `TextReader.read` raises, and InvalidQueryError for an
        expression that takes too long."""
        ...
