"""A keyword index whose writers run in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kodit.domain.entities import StoredSnippet
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.infrastructure.keyword.schema import open_index
from kodit.infrastructure.keyword.standing import (
    read_standing,
)
from kodit.infrastructure.keyword.writing import apply_batches, drop_index


def silent(_done: int, _total: int) -> None:
    """Ignores reports."""


def snippet(number: int, index_id: int = 1, text: str = "lantern") -> StoredSnippet:
    return StoredSnippet(number, index_id, 1, "/s", "a.py", 1, 2, "c", None, None, "", text)


def batch(
    first: int,
    last: int,
    *additions: StoredSnippet,
    generation: str = "a",
    follows: int | None = None,
    index_id: int = 1,
    deletions: Sequence[int] = (),
) -> KeywordBatch:
    """The changes from one number to another; each has its number as token."""
    before = None if follows is None else KeywordPosition(generation, follows, follows)
    tokens = {seq: seq for seq in range(first, last + 1)}
    return KeywordBatch(index_id, last, deletions, additions, generation, before, tokens)


class Engine:
    """A keyword index whose writers run in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def apply(self, some: KeywordBatch) -> bool:
        [applied] = self.apply_all(some)
        return applied

    def apply_all(self, *some: KeywordBatch) -> list[bool]:
        return apply_batches(str(self.folder), some, report=silent)

    def drop(self, index_id: int, generation: str | None) -> None:
        drop_index(str(self.folder), index_id, generation, report=silent)

    def holds(self) -> int:
        return int(open_index(self.folder).searcher().num_docs)

    def position(self, index_id: int = 1) -> KeywordPosition | None:
        return read_standing(self.folder).position(index_id)
