"""Empty PostgreSQL databases for tests, from one server for each process of tests."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from tests.support.postgresql import (
    find_postgresql,
    restart_postgresql,
    running_postgresql,
)

from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.dialect import PostgresqlDialect
from kodit.infrastructure.postgresql.worker_registry import PostgresqlWorkerRegistry
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.infrastructure.sqlalchemy.migrate import migrate
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

TABLES = ", ".join(METADATA.tables)
EMPTY = f"""
DO $$
DECLARE
    used text := (
        SELECT string_agg(quote_ident(relname), ', ') FROM pg_class
        WHERE oid = ANY ('{{{TABLES}}}'::regclass[]) AND pg_relation_size(oid) > 0
    );
BEGIN
    IF used IS NOT NULL THEN
        EXECUTE 'TRUNCATE ' || used || ' RESTART IDENTITY CASCADE';
    END IF;
END $$
"""  # noqa: S608 - of tests
"""A statement that removes all rows. Most tables of a test have had none; one that has, even of a
transaction that was taken back, keeps its pages until then."""


_preparations: list[Callable[[Path], str]] = []


def prepare_server(prepare: Callable[[Path], str]) -> None:
    """Let the server, before it is first used, be started as by `running_postgresql`."""
    assert not server_url.cache_info().currsize
    _preparations.append(prepare)


def _prepare(data: Path) -> str:
    return " ".join(prepare(data) for prepare in _preparations)


@cache
def server_url() -> str:
    """The address of the server's one database, which has this program's tables; skips a test where
    there is no PostgreSQL."""
    programs = find_postgresql()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    servers = ExitStack()
    atexit.register(servers.close)
    url = servers.enter_context(running_postgresql(programs, prepare=_prepare))
    address = f"postgresql://{url.username}@/{url.database}?host={url.query['host']}"
    database = open_database(address)
    migrate(database)
    database.close()
    return address


def address_of(url: str) -> DatabaseAddress:
    return DatabaseAddress("the test's URL", url)


def open_database(url: str) -> SqlDatabase:
    """A database as this program opens it."""
    return SqlDatabase(PostgresqlDialect(address_of(url)))


def end_connections(condition: str) -> int:
    """Ends this program's connections of which the condition is true, as a restart of the server
    does; returns how many."""
    with psycopg.connect(server_url(), autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "  # noqa: S608 - of tests
            "WHERE pid <> pg_backend_pid() AND application_name LIKE 'kodit%' "
            f"AND {condition}".encode()
        ).fetchall()
    return len(ended)


def is_somebody_waiting() -> bool:
    """Whether a transaction waits for another one's lock."""
    with psycopg.connect(server_url(), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row != (0,)


def restart_server(mode: str) -> None:
    """Restart it, `fast` or `immediate`, which is a crash."""
    programs = find_postgresql()
    assert programs is not None
    restart_postgresql(programs, Path(server_url().partition("?host=")[2]), mode)


@contextmanager
def postgresql_database() -> Iterator[SqlDatabase]:
    """An empty database at the newest revision. One at a time."""
    database = open_database(server_url())
    try:
        with database.write() as transaction:
            transaction.connection.execute(text(EMPTY))
        yield database
    finally:
        database.close()


def open_registry(
    database: SqlDatabase, folder: Path, grace_seconds: float = 0.0
) -> PostgresqlWorkerRegistry:
    """The registry of a machine whose workers have their files in a folder."""
    address = address_of(server_url())
    return PostgresqlWorkerRegistry(database, address, FileWorkerRegistry(folder), grace_seconds)


@contextmanager
def postgresql_registry(folder: Path) -> Iterator[PostgresqlWorkerRegistry]:
    """A registry without workers."""
    with postgresql_database() as database:
        yield open_registry(database, folder)
