"""SQLite that cannot be written reports it, and works again as soon as it can."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.queue.databases import sqlite_database
from tests.queue.requests import add_run, add_single, claim_one, read_run

from kodit.domain.errors import TransientError
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database whose connections wait for a lock only for a moment."""
    with sqlite_database(tmp_path):
        pass  # the file is there, at the newest revision
    engine = open_sqlite(tmp_path / "kodit.db")

    @event.listens_for(engine, "connect")
    def _be_impatient(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    database = SqliteDatabase(engine, tmp_path / "write.lock")
    try:
        yield database
    finally:
        database.close()


@pytest.mark.parametrize("has_written_before", [False, True])
def test_locked_by_another_program(impatient: SqliteDatabase, has_written_before: bool) -> None:
    """A write reports the reason, repeatedly; reads continue; then it works."""
    if has_written_before:
        add_run(impatient, 7)
    with closing(sqlite3.connect(impatient.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            with pytest.raises(TransientError, match="locked by another process"):
                add_run(impatient, 1)
            with impatient.read() as transaction:
                assert transaction.tasks.active_run(1) is None
        other.execute("ROLLBACK")
    run = add_run(impatient, 1)
    assert read_run(impatient, run.id) == run


def test_full(impatient: SqliteDatabase) -> None:
    """A write that does not fit leaves nothing behind, and the next one that fits works."""
    first = add_run(impatient, 1)
    with impatient.write() as transaction:
        driver = transaction.connection.connection.cursor()
        pages = driver.execute("PRAGMA page_count").fetchone()[0]
        driver.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(2):
        with pytest.raises(TransientError, match="disk is full"):
            add_single(impatient, text="x" * 100_000)
    with impatient.read() as transaction:
        assert transaction.tasks.list_runs() == [first]
    claim_one(impatient)
    with impatient.write() as transaction:
        transaction.connection.connection.cursor().execute("PRAGMA max_page_count = 1000000")
    assert add_single(impatient, text="x" * 100_000).payload == {"text": "x" * 100_000}


def test_write_lane_is_free_after_an_error(impatient: SqliteDatabase) -> None:
    """Whatever ends a write transaction, another process can write afterwards."""
    with pytest.raises(ZeroDivisionError), impatient.write():
        _ = 1 / 0
    descriptor = os.open(impatient.path.with_name("write.lock"), os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)
    add_run(impatient)
