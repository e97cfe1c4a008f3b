"""Transactions over everything that is stored durably."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from kodit.domain.ports.repositories import (
    EmbeddingRepository,
    EnrichmentRepository,
    IndexRepository,
    KeywordLogRepository,
    SnippetRepository,
)
from kodit.domain.ports.searching import SearchRepository
from kodit.domain.ports.tasks import TaskRepository
from kodit.domain.ports.unused import UnusedRepository


class Transaction(Protocol):
    """All repositories over one transaction."""

    @property
    def tasks(self) -> TaskRepository: ...
    @property
    def indexes(self) -> IndexRepository: ...
    @property
    def snippets(self) -> SnippetRepository: ...
    @property
    def keyword_log(self) -> KeywordLogRepository: ...
    @property
    def search(self) -> SearchRepository: ...
    @property
    def embeddings(self) -> EmbeddingRepository: ...
    @property
    def enrichments(self) -> EnrichmentRepository: ...
    @property
    def unused(self) -> UnusedRepository: ...


class Database(Protocol):
    """Opens transactions. Synchronous: a use case crosses into a thread once per transaction.

    A write transaction that ends with an exception leaves nothing behind. Both raise
    `TransientError` when the database stays locked, or the disk is full, for longer than is worth
    waiting for.
    """

    def read(self) -> AbstractContextManager[Transaction]:
        """One snapshot, which begins with the first statement. Any number of threads may read;
        those for whom there is no room wait for their turn. A thread that is reading already is
        refused with RuntimeError: it passes its transaction on."""
        ...

    def write(self) -> AbstractContextManager[Transaction]: ...
