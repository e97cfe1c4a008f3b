"""An index that the doctor makes from the tables' description is the one of the migrations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.queue.databases import sqlite_database
from tests.support.postgresql_databases import postgresql_database

from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.infrastructure.sqlalchemy.metadata import ON_SERVERS
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


class RolledBackError(Exception):
    """Ends a transaction without storing it."""


@pytest.fixture(params=sorted(DEFINITIONS))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlDatabase]:
    if request.param == "sqlite":
        with sqlite_database(tmp_path) as opened:
            yield opened
    else:
        with postgresql_database() as opened:
            yield opened


def plain(definition: str) -> str:
    """Without quotes, parentheses and casts, which a server writes in one way or another."""
    return " ".join(re.sub(r'["()\[\]]|::[a-z ]+', " ", definition).split())


def test_what_is_made_is_what_was_there(database: SqlDatabase) -> None:
    """Columns, uniqueness and condition."""
    found: list[tuple[dict[str, str], dict[str, str]]] = []
    with suppress(RolledBackError), database.write() as transaction:
        connection = transaction.connection
        name = connection.dialect.name

        def definitions() -> dict[str, str]:
            rows = connection.execute(text(DEFINITIONS[name])).all()
            return {key: plain(definition) for key, definition in rows}

        before = definitions()
        indexes = [
            index
            for table in METADATA.sorted_tables
            for index in table.indexes
            if name == "postgresql" or index.info != ON_SERVERS
        ]
        assert len(indexes) > 20
        for index in indexes:
            connection.execute(text(f"DROP INDEX {index.name}"))
            index.create(connection, checkfirst=False)
        found.append((before, definitions()))
        raise RolledBackError
    [(before, after)] = found
    assert any(" WHERE " in definition for definition in before.values())
    assert after == before
