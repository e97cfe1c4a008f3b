"""The database file of a data directory, which is all that one machine needs."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from kodit.composition.made_once import made_once
from kodit.domain.this_host import ALONE
from kodit.infrastructure.another_program import refuse_another_database
from kodit.infrastructure.clock import SystemClock
from kodit.infrastructure.data_directory import (
    check_data_directory,
    clear_derived,
    is_read_only,
    make_data_directory,
    make_database_file,
    refuse_folder_of_server,
)
from kodit.settings import Settings

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.domain.diagnosis import Problem
    from kodit.domain.ports.runtime import Clock, WakeUp
    from kodit.domain.ports.space import Space
    from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
    from kodit.infrastructure.sql.readable import ReadableDatabase
    from kodit.infrastructure.sql.reading import ReadingDatabase
    from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
    from kodit.infrastructure.wake_up import WakeUps


class SqliteStore:
    """Everything is in one folder."""

    def __init__(self, settings: Settings) -> None:
        self.data_dir = settings.data_dir
        self.path = self.data_dir / "kodit.db"
        self.is_read_only = is_read_only(self.data_dir)
        self.clock: Clock = SystemClock()
        self.this_host = ALONE
        self.making = threading.RLock()
        self._read_alone: ReadingDatabase | None = None

    def make_data_directory(self) -> None:
        refuse_another_database(self.path)
        make_data_directory(self.data_dir)
        refuse_folder_of_server(self.data_dir)
        make_database_file(self.data_dir)

    def open_to_read(self) -> bool:
        from kodit.infrastructure.sql.reading import ReadingDatabase

        if not os.access(self.path, os.R_OK):
            return False
        check_data_directory(self.data_dir)
        database = ReadingDatabase(
            self.path, read_only=self.is_read_only, to_write=lambda: self.database
        )
        if not database.is_current:
            return False
        self._read_alone = database
        return True

    def open(self) -> None:
        from kodit.infrastructure.sqlalchemy.migrate import migrate

        if self.is_read_only:
            refuse_another_database(self.path)
            check_data_directory(self.data_dir)
            refuse_folder_of_server(self.data_dir)
            migrate(self.database)
            return
        self.make_data_directory()
        migrate(self.database, before_creation=lambda: clear_derived(self.data_dir))

    def close(self) -> None:
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
        if self.is_read_only:
            from kodit.infrastructure.sqlalchemy.read_only import ReadOnlyDatabase

            return ReadOnlyDatabase(self.path)
        from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite

        return SqliteDatabase(open_sqlite(self.path), self.data_dir / "write.lock")

    @property
    def reading(self) -> ReadableDatabase:
        if self._read_alone is not None:
            return cast("ReadableDatabase", self._read_alone)  # unless something is to be written
        return self.database

    @property
    def registry(self) -> FileWorkerRegistry:
        from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry

        return FileWorkerRegistry(self.data_dir / "workers")

    @property
    def nodes(self) -> None:
        return None

    @made_once
    def disk(self) -> Space:
        from kodit.infrastructure.sqlalchemy.space import SqliteSpace

        return SqliteSpace(self.reading, lambda: self.database, self.data_dir)

    @made_once
    def wake_ups(self) -> WakeUps:
        from kodit.infrastructure.wake_up import WakeUps

        return WakeUps()

    @asynccontextmanager
    async def wake_up(self) -> AsyncIterator[WakeUp]:
        from kodit.application.services.threads import in_thread
        from kodit.infrastructure.wake_up import SqliteWakeUp

        wake_up = SqliteWakeUp(self.path)
        self.wake_ups.add(wake_up)
        try:
            yield wake_up
        finally:
            self.wake_ups.remove(wake_up)
            await in_thread(wake_up.close)

    def fatal_problem(self) -> Problem | None:
        from kodit.infrastructure.doctor.database import fatal_problem

        return fatal_problem(self.data_dir)

    def has_database(self) -> bool:
        from kodit.infrastructure.doctor.database import has_tables

        return has_tables(self.path)
