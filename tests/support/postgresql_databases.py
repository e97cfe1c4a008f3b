"""Empty PostgreSQL databases for tests, from one server for each process of tests."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

import pytest
from sqlalchemy import text
from tests.support.postgresql import find_postgresql, running_postgresql

from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.dialect import PostgresqlDialect
from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.infrastructure.sqlalchemy.migrate import migrate
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

_EMPTY = "TRUNCATE {} RESTART IDENTITY".format(", ".join(METADATA.tables))


@cache
def server_url() -> str:
    """The address of the server's one database, which has this program's tables; skips a test where
    there is no PostgreSQL."""
    programs = find_postgresql()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    servers = ExitStack()
    atexit.register(servers.close)
    url = servers.enter_context(running_postgresql(programs))
    address = f"postgresql://{url.username}@/{url.database}?host={url.query['host']}"
    database = open_database(address)
    migrate(database)
    database.close()
    return address


def open_database(url: str) -> SqlDatabase:
    """A database as this program opens it."""
    return SqlDatabase(PostgresqlDialect(DatabaseAddress("the test's URL", url)))


@contextmanager
def postgresql_database() -> Iterator[SqlDatabase]:
    """An empty database at the newest revision. One at a time."""
    database = open_database(server_url())
    try:
        with database.write() as transaction:
            transaction.connection.execute(text(_EMPTY))
        yield database
    finally:
        database.close()
