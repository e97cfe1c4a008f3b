"""The settings of every connection to a SQLite file, and what its errors mean."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kodit.domain.errors import KoditError, PermanentError, TransientError
from kodit.infrastructure.sql import sqlite
from kodit.infrastructure.sql.sqlite import (
    connect,
    file_id,
    meaning_of,
    prepare,
    release_pages,
    write_ahead,
)

SETTINGS = {
    "synchronous": 1,
    "wal_autocheckpoint": 8_000,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "temp_store": 2,
    "cache_size": -2_048,
    "mmap_size": 134_217_728,
}
PATH = Path("/data/kodit.db")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "some #%?.db", 0.0, "rwc")) as connection:
        write_ahead(connection, 0.0)
        prepare(connection)
        yield connection


def value_of(connection: sqlite3.Connection, setting: str) -> object:
    return connection.execute(f"PRAGMA {setting}").fetchone()[0]


def test_settings_of_a_connection(connection: sqlite3.Connection) -> None:
    assert {name: value_of(connection, name) for name in SETTINGS} == SETTINGS
    assert value_of(connection, "journal_mode") == "wal"
    assert value_of(connection, "busy_timeout") == 0
    assert connection.isolation_level is None


def test_a_file_is_still_mapped_when_its_pages_were_released(
    connection: sqlite3.Connection,
) -> None:
    release_pages(connection)
    assert {name: value_of(connection, name) for name in SETTINGS} == SETTINGS


@pytest.mark.parametrize(("mode", "creates"), [("ro", False), ("rw", False), ("rwc", True)])
def test_only_one_mode_creates_a_file(mode: str, tmp_path: Path, *, creates: bool) -> None:
    path = tmp_path / "new.db"
    try:
        with closing(connect(path, 0.0, mode)) as connection:  # type: ignore[arg-type]
            connection.execute("SELECT 1")
    except sqlite3.OperationalError:
        assert not creates
    assert path.exists() is creates
    assert (file_id(path) is not None) is creates


def test_a_file_is_read_together_with_its_log(tmp_path: Path) -> None:
    """What is beside it is looked for under its own name."""
    path = tmp_path / "kodit.db"
    with closing(connect(path, 0.0, "rwc")) as writing:
        write_ahead(writing, 0.0)
        writing.execute("CREATE TABLE one (a)")
        writing.commit()
        with closing(connect(path, 0.0, "ro")) as reading:
            assert reading.execute("SELECT name FROM sqlite_master").fetchall() == [("one",)]
    with closing(connect(path, 0.0, "ro")) as reading:
        assert reading.execute("SELECT name FROM sqlite_master").fetchall() == [("one",)]
        assert [one.name for one in tmp_path.iterdir()] == ["kodit.db"]


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (sqlite3.OperationalError("database is locked"), TransientError, "locked by another"),
        (sqlite3.OperationalError("database is busy"), TransientError, "locked by another"),
        (sqlite3.OperationalError("database or disk is full"), TransientError, "free some space"),
        (sqlite3.OperationalError("disk I/O error"), TransientError, "free some space"),
        (sqlite3.OperationalError("unable to open"), TransientError, "is unavailable: unable to"),
        (sqlite3.DatabaseError("file is not a database"), PermanentError, "restore a backup"),
        (sqlite3.IntegrityError("CHECK constraint failed"), PermanentError, "rejects what Kodit"),
        (sqlite3.DataError("a\n b"), PermanentError, r"\(a b\)"),
        (sqlite3.IntegrityError("x" * 201), PermanentError, r"\(x{200}\)"),
    ],
    ids=str,
)
def test_what_an_error_means(error: sqlite3.Error, kind: type[KoditError], said: str) -> None:
    meaning = meaning_of(PATH, error)
    assert type(meaning) is kind
    with pytest.raises(kind, match=said):
        raise meaning
    named = isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)
    assert (meaning.code == "database_refuses") is named
    assert meaning.fields.get("database") == (str(PATH) if named else None)


@pytest.mark.parametrize("error", [None, ValueError("x"), sqlite3.ProgrammingError("x")], ids=str)
def test_an_error_of_the_program(error: BaseException | None) -> None:
    assert meaning_of(PATH, error) is None


def test_what_keeps_a_file_from_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver does not say that there are too many open ones."""
    error = sqlite3.OperationalError("unable to open database file")
    assert "is unavailable: unable to open" in str(meaning_of(PATH, error))

    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(sqlite, "check_descriptors", fail)
    meaning = meaning_of(PATH, error)
    assert isinstance(meaning, TransientError)
    assert "files" in str(meaning)
    assert "unavailable" not in str(meaning)
