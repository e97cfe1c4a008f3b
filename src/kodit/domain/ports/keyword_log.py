"""The log that the keyword index follows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from kodit.domain.batches import MOST_PER_READ
from kodit.domain.keyword import KeywordBatch, KeywordLog, KeywordPosition


class KeywordLogRepository(Protocol):
    """The log that the keyword index follows, within one transaction."""

    def read(
        self,
        index_id: int,
        limit: int,
        most_bytes: int = MOST_PER_READ.size,
        *,
        only_led: bool = False,
    ) -> KeywordLog:
        """The oldest changes that this node has not acknowledged, up to `limit` changes and
        `most_bytes` of text; with `only_led`, of those that another node has acknowledged. The
        changes of one transaction stay together, so that there may be some more."""
        ...

    def filling(
        self, index_id: int, position: KeywordPosition | None, limit: int
    ) -> KeywordBatch | None:
        """The next batch, of up to `limit` snippets, with which a keyword index at this position
        that cannot continue with the log is filled from the snippets, as they were at the position
        that `follow` has given it; None once it has them all, or if it needs none."""
        ...

    def behind(self) -> Sequence[int]:
        """The indexes that this node has not followed as far as another one has."""
        ...

    def unled(self) -> Sequence[int]:
        """The indexes with changes that no node has followed, and that no stage is going to."""
        ...

    def count(self, index_id: int, of_index: int | None = None) -> int:
        """How many changes are not acknowledged; with `of_index`, only those of versions that this
        index has."""
        ...

    def small(self, beside: int, most: int) -> list[int]:
        """Other indexes than `beside` whose unacknowledged changes are at most `most`, all of these
        indexes together; none that is being deleted, or whose log is being restarted."""
        ...

    def generation(self, index_id: int) -> str | None:
        """The log's generation; None before its first scan has ended."""
        ...

    def acknowledge(self, index_id: int, reached: KeywordPosition) -> bool:
        """The keyword index holds every change up to this one. Does nothing, and returns False, if
        the change is not waiting, because a later one was acknowledged or the log was restarted."""
        ...

    def leads(self, reached: KeywordPosition, index_id: int) -> bool:
        """Whether no node has followed as far as this change yet."""
        ...

    def untrusted(self, positions: Mapping[int, KeywordPosition | None]) -> set[int]:
        """The indexes whose content in the keyword index, by these positions, does not match the
        log of this database: it followed another database, or a later or earlier state of this
        one."""
        ...

    def lag(self, index_ids: Collection[int]) -> dict[int, int]:
        """By index, how many changes this node has not applied yet that another one has; without
        those that have none."""
        ...

    def unapplied(self, index_ids: Collection[int]) -> set[int]:
        """Those of the indexes with changes that no node has applied; none where there is only one
        node."""
        ...

    def follow(self, index_id: int, position: KeywordPosition | None) -> bool:
        """Acknowledge what a keyword index at this position holds; if it cannot continue with the
        log, remove the log's generation. Returns whether everything must be logged again."""
        ...
