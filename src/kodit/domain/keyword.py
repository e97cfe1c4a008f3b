"""The log that a keyword index follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kodit.domain.search import StoredSnippet


class KeywordOperation(StrEnum):
    """What happened to a snippet."""

    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class KeywordChange:
    """An entry of the log; `seq` only grows. `snippet` is there for additions that still hold."""

    seq: int
    snippet_id: int
    operation: KeywordOperation
    snippet: StoredSnippet | None = None


@dataclass(frozen=True, slots=True)
class KeywordBatch:
    """Consecutive changes of one index, folded: first delete, then add, then acknowledge `seq`."""

    index_id: int
    seq: int
    deletions: Sequence[int]
    additions: Sequence[StoredSnippet]
