"""The parameter that runs a test over each kind of database that Kodit can use.

A module asks for it by `pytestmark = pytest.mark.every_store`. `KODIT_TEST_STORE=postgresql` runs
any other tests on a server, to see which of them could.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.support.postgresql_databases import open_database, server_url

from kodit.composition import foundation
from kodit.composition.postgresql_store import PostgresqlStore
from kodit.composition.store import Store
from kodit.infrastructure.postgresql.worker_registry import PostgresqlWorkerRegistry
from kodit.infrastructure.sqlalchemy.migrate import migrate
from kodit.settings import DATABASE_URL, Settings

STORES = ("sqlite", "postgresql")
USUAL = os.environ.get("KODIT_TEST_STORE", "sqlite")
_TEMPLATE = "kodit_template"
_MAKE_STORE = foundation._make_store


class Databases:
    """The databases of a test, one for each data directory."""

    def __init__(self) -> None:
        self._names: dict[Path, str] = {}
        self._kept: set[Path] = set()
        self.is_used = False

    def url_of(self, data_dir: Path) -> str:
        """The address of the database of a data directory, which is made empty when it is first
        asked for."""
        place = data_dir.resolve()
        if place not in self._names:
            self._make(place, _template())
        return _url_of(self._names[place])

    def copy(self, source: Path, target: Path) -> None:
        """Give a data directory a copy of another one's database."""
        self._make(target.resolve(), self._names[source.resolve()])

    def _make(self, place: Path, template: str) -> None:
        name = f"kodit_{os.getpid()}_{os.urandom(4).hex()}"
        _on_server("CREATE DATABASE {} TEMPLATE {}", name, template)
        self._names[place] = name

    def drop_since(self, earlier: set[Path]) -> None:
        """Drop those that were made since these were all."""
        for place in self._names.keys() - earlier - self._kept:
            _on_server("DROP DATABASE {} WITH (FORCE)", self._names.pop(place))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Those that are made in the block are there for later tests too."""
        earlier = self.places
        yield
        self._kept |= self.places - earlier

    @property
    def places(self) -> set[Path]:
        return set(self._names)


DATABASES = Databases()
"""Those of this process of tests."""


class Rows:
    """The rows of a database, read and changed without Kodit. Parameters are written `?`."""

    def __init__(self, connection: Any, *, marks_with_percent: bool) -> None:
        self._connection = connection
        self._marks_with_percent = marks_with_percent

    def _marked(self, statement: str) -> str:
        if not self._marks_with_percent:
            return statement
        return statement.replace("%", "%%").replace("?", "%s")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """The cursor of a statement."""
        cursor = self._connection.cursor()
        if not values:
            return cursor.execute(statement)
        return cursor.execute(self._marked(statement), values)


@contextmanager
def rows_of(data_dir: Path) -> Iterator[Rows]:
    """Those of a data directory's database; changes are committed at the end of the block."""
    if not DATABASES.is_used:
        with closing(sqlite3.connect(data_dir / "kodit.db")) as connection, connection:
            yield Rows(connection, marks_with_percent=False)
        return
    with psycopg.connect(DATABASES.url_of(data_dir)) as connected:
        yield Rows(connected, marks_with_percent=True)


def address_of(data_dir: Path) -> str:
    """The address of a data directory's database, for a child process."""
    return DATABASES.url_of(data_dir) if DATABASES.is_used else str(data_dir / "kodit.db")


def copy_data_directory(source: Path, target: Path) -> None:
    """Copy one that nobody uses, with its database."""
    shutil.copytree(source, target)
    if DATABASES.is_used:
        DATABASES.copy(source, target)


def environment_for(data_dir: Path) -> dict[str, str]:
    """The variables by which a command uses the store of the running test."""
    return {DATABASE_URL: DATABASES.url_of(data_dir)} if DATABASES.is_used else {}


@contextmanager
def using_store(name: str) -> Iterator[None]:
    """In the block, every application and command uses this kind of database."""
    if name == "sqlite":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(foundation, "_make_store", _MAKE_STORE)
            patch.setattr(DATABASES, "is_used", False)
            yield
        return
    earlier = DATABASES.places

    def make_store(settings: Settings) -> Store:
        url = settings.database_url or DATABASES.url_of(settings.data_dir)
        return PostgresqlStore(replace(settings, database_url=url))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foundation, "_make_store", make_store)
        patch.setattr(DATABASES, "is_used", True)
        # The server may have started a moment ago, when workers that are gone still count.
        patch.setattr(PostgresqlWorkerRegistry.__init__, "__defaults__", (0.0,))
        yield
    DATABASES.drop_since(earlier)


def _url_of(name: str) -> str:
    head, _, options = server_url().partition("?")
    return f"{head.rpartition('/')[0]}/{name}?{options}"


def _template() -> str:
    """A copy of the server's first database, which has the tables and is in use."""
    with psycopg.connect(server_url(), autocommit=True) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, (_TEMPLATE,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
            database = open_database(_url_of(_TEMPLATE))
            migrate(database)
            database.close()
    return _TEMPLATE


def _on_server(statement: str, *names: str) -> None:
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
