"""Finding lines in indexed files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kodit.domain.files import IndexedText
from kodit.domain.grep import Expression, FoundLine, LineShape
from kodit.domain.index import Index
from kodit.domain.search import SearchFilter


class FolderLister(Protocol):
    """Lists the files of a folder before anything has been stored of them."""

    async def files(self, index: Index, search_filter: SearchFilter) -> tuple[IndexedText, ...]:
        """What would be indexed of the folder and passes the filter's paths, by path; their
        languages are empty. Nothing where that takes too long or cannot be read."""
        ...


class LineSearcher(Protocol):
    """Finds lines in the files of indexes, in child processes."""

    def check(self, expression: Expression) -> None:
        """Raises InvalidQueryError, with what is wrong, for what is not an expression."""
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
        """At most `limit` lines that match, each after the position of its file, in the order of
        the files and their lines. Raises as `TextReader.read` does, and InvalidQueryError for an
        expression that takes too long."""
        ...
