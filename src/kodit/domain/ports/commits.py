"""Reading the commits of a source."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from kodit.domain.descriptions.commits import Commit
from kodit.domain.index import Index

MOST_RECENT = 200
"""How many commits are looked through for words."""


class CommitReader(Protocol):
    """Reads the history that a clone, or the repository of a folder, has; nothing is fetched."""

    async def read(self, index: Index, name: str) -> Commit | None:
        """A commit of the history of the indexed one, by its identifier, the start of it, or its
        place (`HEAD~2`); the indexed commit itself if the name is empty. None if there is none."""
        ...

    async def recent(
        self, index: Index, most: int = MOST_RECENT, known: Collection[str] = ()
    ) -> Sequence[Commit] | None:
        """The latest commits, newest first, with the paths that they changed but without the
        definitions; None if the latest of all is one of the known ones."""
        ...
