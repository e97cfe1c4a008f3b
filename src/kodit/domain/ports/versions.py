"""The versions of files, which any number of indexes may have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from kodit.domain.index import IndexedFile


class KnownVersion(NamedTuple):
    """A stored version that a file may have, by its blob id; its key tells. If it was made for
    another path, the file may get copies of its snippets. `is_left_out` if nothing was read from
    its content."""

    id: int
    content_key: bytes
    is_left_out: bool
    path: str
    snippets: int = 0
    """How many it has; 0 if it was made for the path of the file."""


class VersionRepository(Protocol):
    """Versions within one transaction. The code that takes a version from its last file marks it as
    unused in the same transaction, and the code that gives it to a file removes the mark."""

    def known(self, files: Sequence[IndexedFile]) -> dict[int, list[KnownVersion]]:
        """By file, the stored versions that it may have, of any index."""
        ...

    def stores(self, index_id: int) -> list[int]:
        """The stores of an index's versions: its own first, then those of other indexes."""
        ...

    def has_former(self, index_id: int) -> bool:
        """Whether engines may still search former versions that `settle` would forget."""
        ...

    def settle(self, index_id: int, limit: int) -> int:
        """Forget at most `limit` former versions of files whose new ones every engine has; returns
        how many."""
        ...

    def having_former(self) -> list[int]:
        """The indexes that have former versions."""
        ...

    def is_waiting(self, before: datetime, most_bytes: int) -> bool:
        """Whether there is a version to date, one unused since before that time, more unused ones
        than `most_bytes` of text, or something left of a removed one."""
        ...

    def date(self, now: datetime) -> None:
        """Set this time on the versions that have lost their last file since the last call."""
        ...

    def remove(self, before: datetime, limit: int) -> set[int]:
        """Start to remove at most `limit` versions unused since before that time, oldest first:
        their snippets are marked as removed, which the logs of their stores say. Returns these
        stores."""
        ...

    def remove_beyond(self, most_bytes: int, limit: int) -> set[int]:
        """The same for the oldest ones, as long as the unused ones have more text than that."""
        ...

    def stores_with_removed(self) -> set[int]:
        """The stores in which something of removed versions is left."""
        ...

    def remove_results(self, store_id: int, limit: int) -> int:
        """If the index of a store was deleted, remove at most `limit` unused embeddings and
        enrichments that were made for it; returns how many."""
        ...
