"""A database of a PostgreSQL server. The data directory beside it holds clones, and what is derived
from the database.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from kodit.composition.made_later import made_later
from kodit.composition.made_once import made_once
from kodit.domain.errors import SettingError
from kodit.infrastructure.data_directory import (
    check_data_directory,
    clear_derived,
    make_data_directory,
    name_node,
    name_of_node,
    note_server,
    refuse_folder_with_database,
)
from kodit.settings import DATABASE_URL, Settings

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.domain.diagnosis import Problem
    from kodit.domain.ports.runtime import Clock, WakeUp
    from kodit.domain.ports.space import Space
    from kodit.infrastructure.postgresql.address import DatabaseAddress
    from kodit.infrastructure.postgresql.clock import ServerClock
    from kodit.infrastructure.postgresql.database import PostgresqlDatabase
    from kodit.infrastructure.postgresql.nodes import ServerNodes
    from kodit.infrastructure.postgresql.reading import ServerReadingDatabase
    from kodit.infrastructure.postgresql.shared_wake_ups import SharedWakeUps
    from kodit.infrastructure.postgresql.worker_registry import PostgresqlWorkerRegistry
    from kodit.infrastructure.sql.readable import ReadableDatabase


class PostgresqlStore:
    """A node: its data directory, and its database."""

    is_read_only = False

    def __init__(self, settings: Settings) -> None:
        self.data_dir = settings.data_dir
        self.making = threading.RLock()
        self.clock: Clock = made_later(lambda: self._server_clock)
        self.this_host = settings.this_host
        self._url = settings.database_url
        self._host = settings.this_host.name
        self._searches = settings.node_searches
        self._read_alone: ServerReadingDatabase | None = None

    @made_once
    def address(self) -> DatabaseAddress:
        try:
            from kodit.infrastructure.postgresql.address import DatabaseAddress
        except ImportError:
            raise SettingError(
                f"{DATABASE_URL} names a PostgreSQL server, for which Kodit needs the package "
                "psycopg; install kodit[postgresql]"
            ) from None

        return DatabaseAddress(DATABASE_URL, self._url)

    @made_once
    def node_address(self) -> DatabaseAddress:
        """The address, for the connections of this node."""
        return self.address.of_node(DATABASE_URL, name_node(self.data_dir))

    def make_data_directory(self) -> None:
        place = self.address.place
        make_data_directory(self.data_dir)
        refuse_folder_with_database(self.data_dir, place)
        note_server(self.data_dir, place)
        name_node(self.data_dir)

    def open_to_read(self) -> bool:
        address = self.address
        from kodit.infrastructure.postgresql.reading import ServerReadingDatabase

        if not os.access(self.data_dir, os.R_OK | os.X_OK):
            return False
        check_data_directory(self.data_dir)
        refuse_folder_with_database(self.data_dir, address.place)
        if name_of_node(self.data_dir) is None:
            return False
        database = ServerReadingDatabase(self.node_address, to_write=lambda: self.database)
        if not database.is_current():
            database.close()
            return False
        self._read_alone = database
        return True

    def open(self) -> None:
        from kodit.infrastructure.sqlalchemy.migrate import migrate

        self.make_data_directory()
        migrate(self.database, before_creation=lambda: clear_derived(self.data_dir))
        self.nodes.enter(searches=self._searches, follows=False)

    def close(self) -> None:
        if "nodes" in vars(self):
            self.nodes.stop_following()
        if "wake_ups" in vars(self):
            self.wake_ups.close()
        if "database" in vars(self):
            self.database.close()
        if self._read_alone is not None:
            self._read_alone.close()

    @made_once
    def nodes(self) -> ServerNodes:
        from kodit.infrastructure.postgresql.nodes import ServerNodes

        return ServerNodes(self.database, self.node_address, self.data_dir, self._host)

    @made_once
    def database(self) -> PostgresqlDatabase:
        address = self.node_address
        from kodit.infrastructure.postgresql.database import PostgresqlDatabase

        return PostgresqlDatabase(address)

    @property
    def reading(self) -> ReadableDatabase:
        if self._read_alone is not None:
            return cast("ReadableDatabase", self._read_alone)  # unless something is to be written
        return self.database

    @made_once
    def _server_clock(self) -> ServerClock:
        from kodit.infrastructure.postgresql.clock import ServerClock

        return ServerClock(self.database)

    @property
    def registry(self) -> PostgresqlWorkerRegistry:
        from kodit.infrastructure.postgresql.worker_registry import PostgresqlWorkerRegistry
        from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry

        here = FileWorkerRegistry(self.data_dir / "workers")
        return PostgresqlWorkerRegistry(self.database, self.node_address, here)

    @made_once
    def disk(self) -> Space:
        from kodit.infrastructure.postgresql.space import ServerSpace

        return ServerSpace(self.reading, self.data_dir)

    @made_once
    def wake_ups(self) -> SharedWakeUps:
        from kodit.infrastructure.postgresql.shared_wake_ups import SharedWakeUps

        return SharedWakeUps(self.address)

    @asynccontextmanager
    async def wake_up(self) -> AsyncIterator[WakeUp]:
        from kodit.application.services.threads import in_thread
        from kodit.infrastructure.wake_up import EventWakeUp

        await in_thread(self.wake_ups.listen)
        wake_up = EventWakeUp()
        self.wake_ups.add(wake_up)
        try:
            yield wake_up
        finally:
            self.wake_ups.remove(wake_up)

    def fatal_problem(self) -> Problem | None:
        return None

    def has_database(self) -> bool:
        return True
