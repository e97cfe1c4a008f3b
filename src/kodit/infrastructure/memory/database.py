"""Transactions over a few dictionaries."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import NoReturn, cast

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
from kodit.domain.ports.unused import UnusedRepository
from kodit.domain.ports.versions import VersionRepository
from kodit.infrastructure.memory.indexes import MemoryIndexes
from kodit.infrastructure.memory.tables import Tables
from kodit.infrastructure.memory.tasks import MemoryTaskRepository
from kodit.infrastructure.reading_gate import ReadingGate

MOST_READERS = 4
"""As many as with SQLite, so that tests have the same limits."""


class MemoryTransaction:
    """The complete queue, and the part of the indexes that `MemoryIndexes` has. Snippets and
    vectors are not kept in memory: using them raises LookupError.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    @cached_property
    def tasks(self) -> MemoryTaskRepository:
        return MemoryTaskRepository(self.tables)

    @cached_property
    def indexes(self) -> IndexRepository:
        return cast(IndexRepository, MemoryIndexes(self.tables))

    @property
    def snippets(self) -> SnippetRepository:
        _refuse("snippets")

    @property
    def versions(self) -> VersionRepository:
        _refuse("versions")

    @property
    def keyword_log(self) -> KeywordLogRepository:
        _refuse("log of the keyword index")

    @property
    def search(self) -> SearchRepository:
        _refuse("snippets to search")

    @property
    def embeddings(self) -> EmbeddingRepository:
        _refuse("embeddings")

    @property
    def enrichments(self) -> EnrichmentRepository:
        _refuse("enrichments")

    @property
    def descriptions(self) -> DescriptionRepository:
        _refuse("descriptions")

    @property
    def unused(self) -> UnusedRepository:
        _refuse("cached results")

    @property
    def endpoints(self) -> EndpointRepository:
        _refuse("endpoints")

    @property
    def refusals(self) -> RefusalRepository:
        _refuse("refusals")


class MemoryDatabase:
    """One writer at a time, as with SQLite; readers see the state that was committed before they
    started.
    """

    def __init__(self) -> None:
        self._tables = Tables()
        self._lane = threading.Lock()
        self._reading = ReadingGate(MOST_READERS)

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        with self._reading.place():
            # This copy is never stored: what a reader writes by mistake is lost, as in SQLite.
            yield MemoryTransaction(self._tables.copy())

    @contextmanager
    def write(self) -> Iterator[MemoryTransaction]:
        with self._lane:
            tables = self._tables.copy()
            yield MemoryTransaction(tables)
            self._tables = tables


def _refuse(what: str) -> NoReturn:
    raise LookupError(f"the in-memory database holds no {what}; use SQLite for those")
