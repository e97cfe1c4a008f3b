"""Cached embeddings and enrichments that are no longer used."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Removed(NamedTuple):
    """What a removal freed: rows, and bytes of their content."""

    rows: int
    size: int


class UnusedRepository(Protocol):
    """Cached embeddings and enrichments that nothing uses any more, within one transaction. The
    code that removes the last user of one marks it in the same transaction, and the code that adds
    a user removes the mark."""

    def waiting(self, before: datetime) -> bool:
        """Whether there is something to date, or something unused since before that time."""
        ...

    def size(self) -> int:
        """How many bytes the unused entries take."""
        ...

    def date(self, now: datetime) -> int:
        """Set this time on some entries that have lost their last user since the last call; returns
        how many."""
        ...

    def remove(self, before: datetime | None, most_bytes: int) -> Removed:
        """Remove some entries unused since before that time, or of any age if it is None: the
        oldest first, about `most_bytes` and at least one row, if there is any."""
        ...
