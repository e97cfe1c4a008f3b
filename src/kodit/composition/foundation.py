"""The base of an application: its data directory, and the adapters of external systems."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from kodit.composition.engines import Engines
from kodit.composition.made_later import made_later
from kodit.composition.made_once import made_once
from kodit.infrastructure.another_program import refuse_another_database
from kodit.infrastructure.clock import SystemClock
from kodit.infrastructure.data_directory import (
    check_data_directory,
    clear_derived,
    is_read_only,
    make_data_directory,
)
from kodit.infrastructure.file_sizes import set_limit
from kodit.settings import Settings

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.application.services.known_changes import KnownChanges
    from kodit.application.services.space_service import SpaceService
    from kodit.domain.ports.catalogue import Catalogue
    from kodit.domain.ports.hosts import HostResolver
    from kodit.domain.ports.runtime import Clock, WakeUp
    from kodit.domain.ports.sources import SourceParser
    from kodit.domain.ports.space import Space
    from kodit.infrastructure.git.credentials import SecretExchange
    from kodit.infrastructure.processes.pool import ProcessPool
    from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
    from kodit.infrastructure.sql.readable import ReadableDatabase
    from kodit.infrastructure.sql.reading import ReadingDatabase
    from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
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
        self.clock: Clock = SystemClock()
        self.data_dir = settings.data_dir
        self.is_read_only = is_read_only(self.data_dir)
        self.making = threading.RLock()
        self.is_brief = is_brief
        self.compares_folders = compares_folders
        self._read_alone: ReadingDatabase | None = None

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
        if self.is_brief and self._open_to_read():
            return
        from kodit.infrastructure.sqlalchemy.migrate import migrate

        if self.is_read_only:
            refuse_another_database(self.data_dir / "kodit.db")
            check_data_directory(self.data_dir)
            migrate(self.database)
            return
        make_data_directory(self.data_dir)
        migrate(self.database, before_creation=lambda: clear_derived(self.data_dir))

    def _open_to_read(self) -> bool:
        """Open the database read-only, if it has this program's schema; creates and changes
        nothing. Raises UserError for a data directory that is not to be trusted."""
        from kodit.infrastructure.sql.reading import ReadingDatabase

        path = self.data_dir / "kodit.db"
        if not os.access(path, os.R_OK):
            return False
        check_data_directory(self.data_dir)
        database = ReadingDatabase(
            path, read_only=self.is_read_only, to_write=lambda: self.database
        )
        if not database.is_current:
            return False
        self._read_alone = database
        return True

    def close(self) -> None:
        """End child processes and close the database; blocks until they have ended."""
        if "pool" in vars(self):
            self.pool.close()
        if "database" in vars(self):
            self.database.close()
        if self._read_alone is not None:
            self._read_alone.close()

    @made_once
    def database(self) -> SqliteDatabase:
        database = self._make_database()
        if self._read_alone is not None:  # its schema has not been checked
            from kodit.infrastructure.sqlalchemy.migrate import migrate

            migrate(database)
        return database

    def _make_database(self) -> SqliteDatabase:
        path = self.data_dir / "kodit.db"
        if self.is_read_only:
            from kodit.infrastructure.sqlalchemy.read_only import ReadOnlyDatabase

            return ReadOnlyDatabase(path)
        from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite

        return SqliteDatabase(open_sqlite(path), self.data_dir / "write.lock")

    @property
    def reading(self) -> ReadableDatabase:
        """The database for services that only read."""
        if self._read_alone is not None:
            return cast("ReadableDatabase", self._read_alone)  # unless something is to be written
        return self.database

    @made_once
    def wake_ups(self) -> WakeUps:
        from kodit.infrastructure.wake_up import WakeUps

        return WakeUps()

    @made_once
    def pool(self) -> ProcessPool:
        """For work outside a worker: grep, checking a source, deleting."""
        from kodit.infrastructure.processes.pool import ProcessPool

        return ProcessPool(self.data_dir)

    @made_once
    def parser(self) -> SourceParser:
        from kodit.infrastructure.sources.parser import LocalSourceParser

        return LocalSourceParser()

    @made_once
    def hosts(self) -> HostResolver:
        from kodit.infrastructure.hosts import SystemHostResolver

        return SystemHostResolver()

    @property
    def registry(self) -> FileWorkerRegistry:
        """The workers on this data directory; a new view for each caller."""
        from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry

        return FileWorkerRegistry(self.data_dir / "workers")

    @made_once
    def known_changes(self) -> KnownChanges:
        from kodit.application.services.known_changes import KnownChanges

        return KnownChanges()

    @made_once
    def disk(self) -> Space:
        from kodit.infrastructure.sqlalchemy.space import SqliteSpace

        return SqliteSpace(self.reading, lambda: self.database, self.data_dir)

    @made_once
    def space(self) -> SpaceService:
        from kodit.application.services.space_service import SpaceService

        return SpaceService(self.disk)

    @asynccontextmanager
    async def wake_up(self) -> AsyncIterator[WakeUp]:
        """Wakes a coroutine when any process may have changed the database."""
        from kodit.application.services.threads import in_thread
        from kodit.infrastructure.wake_up import SqliteWakeUp

        wake_up = SqliteWakeUp(self.data_dir / "kodit.db")
        self.wake_ups.add(wake_up)
        try:
            yield wake_up
        finally:
            self.wake_ups.remove(wake_up)
            await in_thread(wake_up.close)

    @made_once
    def catalogue(self) -> Catalogue:
        from kodit.infrastructure.sql.catalogue import SqlCatalogue

        return SqlCatalogue(self.reading)

    def make_engines(self, pool: ProcessPool) -> Engines:
        """The engines of a pool; a worker has one of its own."""
        return Engines(self.settings, self.reading, pool, self.exchange)

    @made_once
    def engines(self) -> Engines:
        return self.make_engines(made_later(lambda: self.pool))
