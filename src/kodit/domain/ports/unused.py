"""What is stored of embeddings and enrichments that nothing uses any more."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Removed(NamedTuple):
    """What a removal did: rows, and bytes of what they held."""

    rows: int
    size: int


class UnusedRepository(Protocol):
    """Cached embeddings and enrichments that nothing uses any more, within one transaction.

    The code that removes the last user of one marks it in the same transaction, and the code that
    adds a user removes the mark.
    """

    def waiting(self, before: datetime) -> bool:
        """Whether there is something to date, or something unused since before."""
        ...

    def size(self) -> int:
        """How many bytes are kept of what is unused."""
        ...

    def date(self, now: datetime) -> int:
        """Note this moment for some of what has lost its last user since; how much it was."""
        ...

    def remove(self, before: datetime | None, most_bytes: int) -> Removed:
        """Remove some of what is unused since before, of any age where that is None: the oldest
        first, about so many bytes and at least one row, if there is any."""
        ...
