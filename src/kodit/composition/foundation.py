"""The base of an application: its data directory, and the adapters of external systems."""

from __future__ import annotations

import threading
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kodit.composition.engines import Engines, make_places
from kodit.composition.made_later import made_later
from kodit.composition.made_once import made_once
from kodit.infrastructure.file_sizes import set_limit
from kodit.settings import Settings

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.application.services.known_changes import KnownChanges
    from kodit.application.services.space_service import SpaceService
    from kodit.composition.store import LocalWorkerRegistry, Store
    from kodit.domain.claiming import ClaimRules
    from kodit.domain.errors import DatabaseUpgradedError
    from kodit.domain.ports.catalogue import Catalogue
    from kodit.domain.ports.hosts import HostResolver
    from kodit.domain.ports.runtime import Clock, WakeUp
    from kodit.domain.ports.sources import SourceParser
    from kodit.domain.ports.space import Space
    from kodit.domain.retention import UnusedRetention
    from kodit.domain.this_host import ThisHost
    from kodit.infrastructure.git.credentials import SecretExchange
    from kodit.infrastructure.processes.pool import ProcessPool
    from kodit.infrastructure.sources.places import SourcePlaces
    from kodit.infrastructure.sql.readable import ReadableDatabase
    from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
    from kodit.infrastructure.wake_up import WakeUps


class Foundation:
    """The adapters over one data directory, each created on first use."""

    def __init__(
        self,
        settings: Settings,
        exchange: SecretExchange | None = None,
        *,
        is_brief: bool = False,
        compares_folders: bool = False,
    ) -> None:
        """`exchange` is how this process shares secrets with a server and its workers. With
        `is_brief`, the application answers one question and ends: it reads the database with the
        plain driver until something is to be written. With `compares_folders`, answers report
        changes in unwatched folders."""
        self.settings = settings
        set_limit(settings.largest_file_bytes)
        self.exchange = exchange
        self.data_dir = settings.data_dir
        self.store = _make_store(settings)
        self.clock: Clock = self.store.clock
        self.is_read_only = self.store.is_read_only
        self.making = threading.RLock()
        self.is_brief = is_brief
        self.compares_folders = compares_folders

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Create the data directory and migrate its database to this program's schema. Raises
        UserError if that is impossible, and DatabaseVersionError. A database that cannot be written
        is opened read-only."""
        try:
            if not (self.is_brief and self.store.open_to_read()):
                self.store.open()
        except BaseException:
            self.store.close()
            raise

    def make_data_directory(self) -> None:
        """Create the data directory, unless it exists, for a process that writes in it before it
        opens the database. Raises UserError, and writes nothing, if it cannot be used."""
        self.store.make_data_directory()

    def close(self) -> None:
        """End child processes and close the database; blocks until they have ended."""
        if "pool" in vars(self):
            self.pool.close()
        self.store.close()

    @property
    def database(self) -> SqlDatabase:
        return self.store.database

    @property
    def upgraded(self) -> DatabaseUpgradedError | None:
        """Set once another version has migrated the database, so that this process is useless."""
        return self.store.database.upgraded if "database" in vars(self.store) else None

    @property
    def reading(self) -> ReadableDatabase:
        """The database for services that only read."""
        return self.store.reading

    @property
    def wake_ups(self) -> WakeUps:
        return self.store.wake_ups

    @made_once
    def pool(self) -> ProcessPool:
        """For work outside a worker: grep, checking a source, deleting."""
        from kodit.infrastructure.processes.pool import ProcessPool

        return ProcessPool(self.data_dir)

    @made_once
    def parser(self) -> SourceParser:
        from kodit.infrastructure.sources.parser import LocalSourceParser

        return LocalSourceParser(self.this_host)

    @property
    def this_host(self) -> ThisHost:
        """This machine, as the database knows it."""
        return self.store.this_host

    @made_once
    def hosts(self) -> HostResolver:
        from kodit.infrastructure.hosts import SystemHostResolver

        return SystemHostResolver()

    @property
    def registry(self) -> LocalWorkerRegistry:
        """The workers; a new view for each caller."""
        return self.store.registry

    @made_once
    def claim_rules(self) -> ClaimRules:
        """Those of this process's workers. With an endpoint, they also read which files are never
        sent to it."""
        from kodit.domain.claiming import READING_TYPES, ClaimRules
        from kodit.domain.value_objects import TaskType

        settings = self.settings
        has_endpoint = bool(settings.embedding_base_url or settings.enrichment_base_url)
        return ClaimRules(
            settings.queue_order,
            settings.task_limits,
            self.this_host.name,
            READING_TYPES + (TaskType.CODE_EMBEDDINGS,) * has_endpoint,
        )

    @property
    def retention(self) -> UnusedRetention:
        """How long unused versions and results are kept."""
        from kodit.domain.retention import UnusedRetention

        return UnusedRetention(
            timedelta(days=self.settings.keep_unused_days), self.settings.keep_unused_bytes
        )

    @made_once
    def known_changes(self) -> KnownChanges:
        from kodit.application.services.known_changes import KnownChanges

        return KnownChanges()

    @property
    def disk(self) -> Space:
        return self.store.disk

    @made_once
    def space(self) -> SpaceService:
        from kodit.application.services.space_service import SpaceService

        return SpaceService(self.disk)

    def wake_up(self) -> AbstractAsyncContextManager[WakeUp]:
        """Wakes a coroutine when any process may have changed the database."""
        return self.store.wake_up()

    @made_once
    def places(self) -> SourcePlaces:
        return make_places(self.settings, self.this_host, self.exchange)

    @made_once
    def catalogue(self) -> Catalogue:
        from kodit.infrastructure.sql.catalogue import SqlCatalogue

        return SqlCatalogue(self.reading)

    def make_engines(self, pool: ProcessPool) -> Engines:
        """The engines of a pool; a worker has one of its own."""
        return Engines(
            self.settings,
            self.reading,
            pool,
            self.exchange,
            this_host=self.this_host,
            nodes=lambda: self.store.nodes,
        )

    @made_once
    def engines(self) -> Engines:
        return self.make_engines(made_later(lambda: self.pool))


def _make_store(settings: Settings) -> Store:
    if settings.database_url:
        from kodit.composition.postgresql_store import PostgresqlStore

        return PostgresqlStore(settings)
    from kodit.composition.sqlite_store import SqliteStore

    return SqliteStore(settings)
