"""Transactions over the durable store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from kodit.domain.ports.descriptions import DescriptionRepository
from kodit.domain.ports.endpoints import EndpointRepository
from kodit.domain.ports.keyword_log import KeywordLogRepository
from kodit.domain.ports.refusals import RefusalRepository
from kodit.domain.ports.repositories import (
    EmbeddingRepository,
    EnrichmentRepository,
    IndexRepository,
    SnippetRepository,
)
from kodit.domain.ports.searching import SearchRepository
from kodit.domain.ports.tasks import TaskRepository
from kodit.domain.ports.unused import UnusedRepository
from kodit.domain.ports.versions import VersionRepository


class Transaction(Protocol):
    """All repositories of one transaction."""

    @property
    def tasks(self) -> TaskRepository: ...
    @property
    def indexes(self) -> IndexRepository: ...
    @property
    def snippets(self) -> SnippetRepository: ...
    @property
    def versions(self) -> VersionRepository: ...
    @property
    def keyword_log(self) -> KeywordLogRepository: ...
    @property
    def search(self) -> SearchRepository: ...
    @property
    def embeddings(self) -> EmbeddingRepository: ...
    @property
    def enrichments(self) -> EnrichmentRepository: ...
    @property
    def descriptions(self) -> DescriptionRepository: ...
    @property
    def unused(self) -> UnusedRepository: ...
    @property
    def endpoints(self) -> EndpointRepository: ...
    @property
    def refusals(self) -> RefusalRepository: ...


class Database(Protocol):
    """Opens transactions. Synchronous: a use case crosses into a thread once per transaction.

    A write transaction that ends with an exception is rolled back. Both raise `TransientError` if
    the database stays locked, or the disk full, longer than the time limit.
    """

    def read(self) -> AbstractContextManager[Transaction]:
        """A snapshot, taken by the first statement. Any number of threads may read; beyond the
        connection limit they wait for their turn. A thread that is already reading gets a
        RuntimeError: it should pass its transaction on."""
        ...

    def write(self) -> AbstractContextManager[Transaction]: ...
