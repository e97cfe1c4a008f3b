"""Connections to PostgreSQL, which send several statements at a time."""

from __future__ import annotations

from itertools import count
from typing import Any, Self

import psycopg

from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.poolers import refuse_transaction_mode
from kodit.infrastructure.sql.nodes import SETTING

LOCK_TIMEOUT_MS = 30_000
"""How long a write waits for a row: far more than a busy database needs."""
_SETTINGS = {
    "lock_timeout": LOCK_TIMEOUT_MS,
    "jit": "off",
    # Without these, a server takes two hours to notice that a machine or a network is gone, and
    # keeps its locks for so long.
    "tcp_keepalives_idle": 15,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_SET = "; ".join(f"SET {name} = {value}" for name, value in _SETTINGS.items())


class PipelinedConnection(psycopg.Connection):
    """A transaction waits for the server only where it needs an answer: statements without one are
    kept, and sent together with the next that has one, or with the commit. An error of such a
    statement is raised then.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept: list[tuple[str, Any]] = []
        self.cursor_factory = PipelinedCursor
        self.server_cursor_factory = PipelinedServerCursor
        self._streams = count(1)

    def streaming_cursor(self) -> psycopg.ServerCursor[Any]:
        """A cursor whose rows the server keeps until they are fetched; within a transaction."""
        return self.cursor(f"kodit_{next(self._streams)}")

    def keep(self, statement: str, values: Any) -> None:
        """Execute the statement, whose answer nobody needs, before the next one."""
        self._kept.append((statement, values))

    @property
    def has_kept(self) -> bool:
        return bool(self._kept)

    def send_kept(self) -> None:
        """Send the kept statements; within a pipeline, so that nothing is waited for."""
        kept, self._kept = self._kept, []
        cursor = psycopg.Cursor(self)
        for statement, values in kept:
            cursor.execute(statement, values)

    def commit(self) -> None:
        if not self._kept:
            super().commit()
            return
        with self.pipeline():
            self.send_kept()
            super().commit()

    def rollback(self) -> None:
        self._kept.clear()
        super().rollback()


class PipelinedCursor(psycopg.Cursor[Any]):
    """Sends what its connection has kept before its own statement."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        connection = self.connection
        if not isinstance(connection, PipelinedConnection) or not connection.has_kept:
            return super().execute(query, params, **options)
        with connection.pipeline():
            connection.send_kept()
            super().execute(query, params, **options)
        return self

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        connection = self.connection
        if isinstance(connection, PipelinedConnection) and connection.has_kept:
            with connection.pipeline():
                connection.send_kept()
        super().executemany(query, params_seq, **options)


class PipelinedServerCursor(psycopg.ServerCursor[Any]):
    """Sends what its connection has kept before its own statement."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        connection = self.connection
        if isinstance(connection, PipelinedConnection) and connection.has_kept:
            with connection.pipeline():
                connection.send_kept()
        return super().execute(query, params, **options)


def connect(address: DatabaseAddress, name: str) -> PipelinedConnection:
    """A connection whose transactions begin explicitly, listed by the server as `name`. Raises
    UserError for a pooler in transaction mode."""
    options = {"application_name": name, **address.options}
    connection = PipelinedConnection.connect(**options, autocommit=True)
    # Compiling a statement takes longer than running one of ours.
    try:
        backend = _prepare(connection)
        refuse_transaction_mode(connection, backend, options, address.place)
        if address.node:
            connection.execute("SELECT set_config(%s, %s, false)", (SETTING, address.node))
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: PipelinedConnection) -> int:
    """Set what every session needs; returns the process of the server."""
    cursor = connection.execute(f"{_SET}; SELECT pg_backend_pid()")
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    return -1 if row is None else int(row[0])
