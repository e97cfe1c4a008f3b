"""A database file that is replaced while threads are about to read and write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from kodit.infrastructure.sql.sqlite import _connections
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite


def make(path: Path, row: str) -> SqliteDatabase:
    database = SqliteDatabase(open_sqlite(path), path.with_suffix(".lock"))
    with database.write() as transaction:
        transaction.connection.execute(text("CREATE TABLE texts (text TEXT)"))
    write(database, row)
    return database


def write(database: SqliteDatabase, row: str) -> None:
    with database.write() as transaction:
        transaction.connection.execute(text("INSERT INTO texts VALUES (:row)"), {"row": row})


def rows(database: SqliteDatabase) -> list[str]:
    with database.read() as transaction:
        return list(transaction.connection.execute(text("SELECT text FROM texts")).scalars())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database that has been read, and whose file has been replaced since."""
    database = make(tmp_path / "some.db", "old")
    assert rows(database) == ["old"]
    make(tmp_path / "other.db", "new").close()
    (tmp_path / "other.db").replace(database.path)
    yield database
    database.close()


def before_the_pool_is_disposed_of(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]
) -> None:
    dispose = database.engine.dispose

    def dispose_late() -> None:
        monkeypatch.undo()
        happens()
        dispose()

    monkeypatch.setattr(database.engine, "dispose", dispose_late)


def test_a_writer_that_waited_for_its_turn_writes_the_new_file(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It found the old file when it began to wait."""
    dialect = database.dialect

    def write_late() -> None:
        with dialect.writing() as connection:
            connection.execute(text("INSERT INTO texts VALUES ('late')"))

    def go_on_if_it_is_its_turn() -> None:
        if not dialect._lane.locked():
            write_late()
            late.clear()

    late = [write_late]
    before_the_pool_is_disposed_of(database, monkeypatch, go_on_if_it_is_its_turn)
    assert rows(database) == ["new"]
    for write_now in late:
        write_now()
    write(database, "later")
    assert rows(database) == ["new", "late", "later"]


def test_a_reader_of_the_old_file_leaves_no_connection_to_it(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def read_late() -> None:
        with database.dialect.reading() as connection:
            seen.extend(connection.execute(text("SELECT text FROM texts")).scalars())

    before_the_pool_is_disposed_of(database, monkeypatch, read_late)
    assert rows(database) == ["new"]
    assert seen == ["old"], "it had begun before"
    assert rows(database) == ["new"]
    database.close()
    assert not _connections[str(database.path)]
