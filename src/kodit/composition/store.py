"""Where the truth is kept, and what depends on that."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.domain.diagnosis import Problem
    from kodit.domain.ports.nodes import Nodes
    from kodit.domain.ports.runtime import Clock, WakeUp
    from kodit.domain.ports.space import Space
    from kodit.domain.ports.workers import WorkerRegistry
    from kodit.domain.this_host import ThisHost
    from kodit.infrastructure.sql.readable import ReadableDatabase
    from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
    from kodit.infrastructure.wake_up import WakeUps

    class LocalWorkerRegistry(WorkerRegistry, Protocol):
        """Registers a worker of this machine."""

        @property
        def descriptor(self) -> int:
            """The lock that child processes must inherit."""
            ...


class Store(Protocol):
    """The database of a data directory, or of a server beside it. Each part is created on first
    use."""

    @property
    def is_read_only(self) -> bool:
        """Whether the data directory cannot be written by this user."""
        ...

    @property
    def this_host(self) -> ThisHost:
        """This machine, as the database knows it."""
        ...

    @property
    def clock(self) -> Clock:
        """That by which leases end."""
        ...

    @property
    def database(self) -> SqlDatabase: ...

    @property
    def reading(self) -> ReadableDatabase:
        """The database for services that only read."""
        ...

    @property
    def registry(self) -> LocalWorkerRegistry:
        """The workers; a new view for each caller."""
        ...

    @property
    def nodes(self) -> Nodes | None:
        """The data directories that share the database; None if there can be only this one."""
        ...

    @property
    def disk(self) -> Space: ...

    @property
    def wake_ups(self) -> WakeUps: ...

    def wake_up(self) -> AbstractAsyncContextManager[WakeUp]:
        """Wakes a coroutine when any process may have changed the database."""
        ...

    def make_data_directory(self) -> None:
        """Create the data directory, unless it exists. Raises UserError, and writes nothing, if it
        cannot be used for this database."""
        ...

    def open_to_read(self) -> bool:
        """Open the database read-only, if it has this program's schema; creates and changes
        nothing. Raises UserError for a data directory that is not to be trusted."""
        ...

    def open(self) -> None:
        """Create the data directory and migrate the database to this program's schema. Raises
        UserError if that is impossible, and DatabaseVersionError. A database that cannot be written
        is opened read-only."""
        ...

    def close(self) -> None: ...

    def fatal_problem(self) -> Problem | None:
        """The problem that prevents opening it at all, or None."""
        ...

    def has_database(self) -> bool:
        """Whether there is a database. Opening would create one."""
        ...
