"""What is cached with a connection until the database changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.queue.databases import sqlite_database
from tests.support.postgresql_databases import postgresql_database

from kodit.domain.value_objects import SearchFilter, Source, SourceKind
from kodit.infrastructure.sql import state_cache
from kodit.infrastructure.sql.state_cache import StateCache
from kodit.infrastructure.sql.statements import Statement
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

pytestmark = pytest.mark.every_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(store: str, tmp_path: Path) -> Iterator[SqlDatabase]:
    empty = postgresql_database() if store == "postgresql" else sqlite_database(tmp_path)
    with empty as opened:
        yield opened


def add(transaction: SqlTransaction, location: str) -> int:
    return transaction.indexes.add(Source(SourceKind.FOLDER, location), NOW).id


def count(transaction: SqlTransaction) -> int:
    """The number of indexes, which is cached."""
    statement = Statement("SELECT count(*) FROM indexes")

    def read() -> int:
        ((found,),) = statement.run(transaction.cursors)
        return int(found)

    return transaction.caches.state.get("count", read)


def test_a_value_is_read_again_after_a_change(database: SqlDatabase) -> None:
    """And only then."""
    read = list[int]()

    def note() -> int:
        read.append(1)
        return len(read)

    for expected in (1, 1, 2):
        if expected == 2:
            with database.write() as transaction:
                add(transaction, "/one")
        with database.read() as transaction:
            assert transaction.caches.state.get("note", note) == expected
            assert transaction.caches.state.get("note", note) == expected
    assert len(read) == 2


def test_what_a_transaction_writes_is_read_in_it(database: SqlDatabase) -> None:
    with database.write() as transaction:
        assert count(transaction) == 0
        add(transaction, "/one")
        assert count(transaction) == 1
    with database.read() as transaction:
        assert count(transaction) == 1


def test_the_snapshot_is_that_of_the_cached_values(database: SqlDatabase) -> None:
    """What is read after them does not belong to a later state."""
    with database.read() as transaction:
        assert transaction.caches.state.get("other", lambda: 0) == 0
        with database.write() as other:
            added = add(other, "/one")
        assert count(transaction) == 0
    with database.read() as transaction:
        assert count(transaction) == 1
        assert transaction.search.resolve(SearchFilter()).index_ids == {added}


def test_a_scope_is_that_of_the_present_indexes(database: SqlDatabase) -> None:
    """Each time, also in a transaction that writes."""
    found = []
    for location in ("/one", "/two"):
        with database.write() as transaction:
            found.append(add(transaction, location))
            assert transaction.search.resolve(SearchFilter()).index_ids == set(found)
        for _again in range(2):
            with database.read() as transaction:
                assert transaction.search.resolve(SearchFilter()).index_ids == set(found)
                one = SearchFilter(index_ids=(found[0],))
                assert transaction.search.resolve(one).index_ids == {found[0]}


def test_few_values_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_cache, "MOST_VALUES", 2)
    cache = StateCache(1)
    assert [cache.get(key, lambda: 1) for key in "abc"] == [1, 1, 1]
    assert cache.get("c", lambda: 2) == 1
    assert cache.get("a", lambda: 2) == 2
