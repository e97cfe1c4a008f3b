"""Finding lines in indexed files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kodit.domain.files import IndexedText
from kodit.domain.grep import Expression, FoundLine
from kodit.domain.index import Index


class LineSearcher(Protocol):
    """Finds lines in the files of indexes, in child processes."""

    def check(self, expression: Expression) -> None:
        """Raises InvalidQueryError, with what is wrong, for what is no expression."""
        ...

    async def search(
        self,
        index: Index,
        files: Sequence[IndexedText],
        expression: Expression,
        *,
        context: int,
        limit: int,
    ) -> list[tuple[int, FoundLine]]:
        """At most `limit` lines that match, each after the position of its file, in the order of
        the files and their lines. Raises as `TextReader.read` does, and InvalidQueryError for an
        expression that takes too long."""
        ...
