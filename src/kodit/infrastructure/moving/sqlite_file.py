"""The database file of a data directory, as an end of a move.

kodit.db           the database
kodit.db.moving    that of a target, until it is complete
kodit.db.moved     that of a former source
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kodit.domain.errors import TransientError, UserError
from kodit.domain.moving import Key, MovePhase, RowBatch, TableProgress, in_use, occupied
from kodit.domain.this_host import ALONE, ThisHost
from kodit.infrastructure.data_directory import SERVER_FILE, note_server
from kodit.infrastructure.files import make_private, sync_folder
from kodit.infrastructure.moving.hosts import take_host
from kodit.infrastructure.moving.records import (
    MAKE_MOVES,
    MAKE_PROGRESS,
    PROGRESS,
    MoveRecord,
    MoveRole,
    check_role,
    check_same_target,
    check_same_version,
    note_phase,
    read_progress,
    read_record,
    write_progress,
    write_record,
)
from kodit.infrastructure.moving.tables import ROWS_PER_FETCH, TABLES, MovableTable, batched
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
from kodit.infrastructure.resident.running import server_process
from kodit.infrastructure.sql.moving import MOVED, MOVES, REFUSAL
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.migrate import migrate

FILE = "kodit.db"
MOVING_FILE = "kodit.db.moving"
MOVED_FILE = "kodit.db.moved"
_CHANGES = ("INSERT", "UPDATE", "DELETE")
_HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
_REVISION = "UPDATE alembic_version SET version_num = ?"
_BESIDE = ("-wal", "-shm")


def _open(path: Path, lock: str) -> SqliteDatabase:
    return SqliteDatabase(open_sqlite(path), path.parent / lock)


def _full(path: Path) -> str:
    return f"{os.uname().nodename}:{path}"


def _batches(
    database: SqliteDatabase, table: MovableTable, after: Key | None
) -> Iterator[RowBatch]:
    query, booleans = table.select(is_continued=after is not None), table.booleans
    with database.read() as transaction:
        cursor = transaction.driver.cursor()
        cursor.execute(query, after or ())

        def fetches() -> Iterator[Sequence[tuple[object, ...]]]:
            while rows := cursor.fetchmany(ROWS_PER_FETCH):
                yield [_with_booleans(row, booleans) for row in rows] if booleans else rows

        yield from batched(table, fetches())


def _with_booleans(row: tuple[object, ...], booleans: Sequence[int]) -> tuple[object, ...]:
    values = list(row)
    for at in booleans:
        values[at] = None if values[at] is None else bool(values[at])
    return tuple(values)


class SqliteMoveSource:
    """The file that is moved away. Its triggers refuse changes, so that those of programs that have
    opened it earlier are refused too, also after the move was interrupted."""

    def __init__(self, data_dir: Path, target: str) -> None:
        """`target` is recorded in the data directory at the end. Raises UserError if there is no
        database."""
        self._data_dir = data_dir
        self._target = target
        self._kept = data_dir / MOVED_FILE
        path = data_dir / FILE
        if not path.exists() and self._kept.exists():
            path = self._kept
        if not path.exists() or not path.stat().st_size:
            raise UserError(f"{data_dir} holds no database to move")
        self.place = str(data_dir / FILE)
        self.full_place = _full(data_dir / FILE)
        self._path = path
        self._database = _open(path, "write.lock")
        try:
            record = self._record()
            if record is None:
                migrate(self._database)
            else:
                check_role(record, MoveRole.SOURCE, self.place)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._database.close()

    def refuse_users(self) -> None:
        users = [
            f"the worker {name}" for name in FileWorkerRegistry(self._data_dir / "workers").living()
        ]
        server = server_process(self._data_dir)
        if server is not None:
            users.insert(0, server)
        if users:
            raise in_use(self.place, users)

    def freeze(self, target: str) -> str:
        with self._database.write() as transaction:
            execute = transaction.driver.execute
            record = self._record_in(execute)
            if record is None:
                record = MoveRecord(os.urandom(16).hex(), MoveRole.SOURCE, target)
                execute(MAKE_MOVES)
                write_record(execute, record)
                for name in TABLES:
                    for change in _CHANGES:
                        execute(
                            f'CREATE TRIGGER "kodit_moving_{name}_{change}" BEFORE {change} '
                            f"ON \"{name}\" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
                        )
        check_same_target(record, self.place, target)
        check_same_version(record, self.place)
        return record.token

    def standing(self) -> tuple[str, MovePhase] | None:
        record = self._record()
        return None if record is None else (record.token, record.phase)

    def tables(self) -> Sequence[str]:
        return list(TABLES)

    def count(self, table: str) -> int:
        with self._database.read() as transaction:
            return int(transaction.driver.execute(TABLES[table].count).fetchone()[0])

    def batches(self, table: str, after: Key | None) -> Iterator[RowBatch]:
        return _batches(self._database, TABLES[table], after)

    def last_ids(self) -> Mapping[str, int]:
        with self._database.read() as transaction:
            rows = transaction.driver.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
        return {str(name): int(last) for name, last in rows if name in TABLES}

    def note_ending(self) -> None:
        with self._database.write() as transaction:
            note_phase(transaction.driver.execute, MovePhase.ENDING)

    def retire(self) -> str | None:
        note_server(self._data_dir, self._target)
        if self._path != self._kept:
            with self._database.write() as transaction:
                transaction.driver.execute(_REVISION, (MOVED,))
            _rename(self._database, self._kept)
        _remove_beside(self._data_dir / FILE)
        return str(self._kept)

    def release(self) -> None:
        with self._database.write() as transaction:
            execute = transaction.driver.execute
            for name in TABLES:
                for change in _CHANGES:
                    execute(f'DROP TRIGGER IF EXISTS "kodit_moving_{name}_{change}"')
            execute(f"DROP TABLE IF EXISTS {MOVES}")

    def _record(self) -> MoveRecord | None:
        with self._database.read() as transaction:
            return self._record_in(transaction.driver.execute)

    def _record_in(self, execute: Callable[..., Any]) -> MoveRecord | None:
        return read_record(execute) if execute(_HAS_TABLE, (MOVES,)).fetchone() else None


def _rename(database: SqliteDatabase, path: Path) -> None:
    """Rename a database, complete without its log; the caller removes that. Whoever has it open
    finds it gone."""
    _remove_beside(path)
    with database.alone() as driver:
        is_busy, _logged, _copied = driver.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if is_busy:
            raise TransientError(
                f"{database.path} is being read by another process; try again when that is done"
            )
        database.path.rename(path)
    sync_folder(path.parent)
    database.close()


def _remove_beside(path: Path) -> None:
    """Remove the log of a database that is not there: SQLite would apply it to whichever comes
    there."""
    for end in _BESIDE:
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)


class SqliteMoveTarget:
    """A new file, which gets its name when it is complete. It belongs to `host` alone."""

    def __init__(self, data_dir: Path, host: ThisHost = ALONE) -> None:
        self._host = host
        self._data_dir = data_dir
        self._path = data_dir / FILE
        self._unfinished = data_dir / MOVING_FILE
        self.place = str(self._path)
        self.full_place = _full(self._path)
        self._opened: SqliteDatabase | None = None

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @property
    def _database(self) -> SqliteDatabase:
        if self._opened is None:
            self._opened = _open(self._unfinished, "write.moving.lock")
        return self._opened

    def refuse_occupied(self, token: str | None) -> None:
        record = _record_of(self._unfinished)
        if record is not None and record.token != token:
            raise occupied(str(self._unfinished), f"is from an unfinished move of {record.place}")
        if self._path.exists() and self._path.stat().st_size:
            of_file = _record_of(self._path)
            if of_file is None or of_file[:2] != (token, MoveRole.TARGET):
                raise occupied(self.place, "exists already")

    def begin(self, token: str, source: str) -> None:
        self.refuse_occupied(token)
        if _record_of(self._unfinished) is not None:
            return
        self._remove_unfinished()
        make_private(self._unfinished)
        migrate(self._database)
        with self._database.write() as transaction:
            execute = transaction.driver.execute
            execute(MAKE_MOVES)
            execute(MAKE_PROGRESS)
            write_record(execute, MoveRecord(token, MoveRole.TARGET, source))

    def knows(self, token: str) -> bool:
        records = map(_record_of, (self._path, self._unfinished))
        return any(one is not None and one[:2] == (token, MoveRole.TARGET) for one in records)

    def progress(self, table: str) -> TableProgress:
        with self._database.read() as transaction:
            return read_progress(transaction.driver.execute, table)

    def add(self, table: str, batch: RowBatch, progress: TableProgress) -> None:
        with self._database.write() as transaction:
            transaction.driver.executemany(TABLES[table].insert, batch.rows)
            write_progress(transaction.driver.execute, table, progress)

    def batches(self, table: str, after: Key | None) -> Iterator[RowBatch]:
        return _batches(self._database, TABLES[table], after)

    def set_last_ids(self, ids: Mapping[str, int]) -> None:
        with self._database.write() as transaction:
            execute = transaction.driver.execute
            for name, last in ids.items():
                execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
                execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))

    def publish(self) -> None:
        if self._unfinished.exists():
            with self._database.write() as transaction:
                take_host(transaction.driver.execute, self._host)
            _rename(self._database, self._path)
            self._opened = None
        _remove_beside(self._unfinished)

    def finish(self) -> None:
        if _record_of(self._path) is not None:
            database = _open(self._path, "write.lock")
            try:
                with database.write() as transaction:
                    transaction.driver.execute(f"DROP TABLE {MOVES}")
                    transaction.driver.execute(f"DROP TABLE IF EXISTS {PROGRESS}")
            finally:
                database.close()
        (self._data_dir / SERVER_FILE).unlink(missing_ok=True)

    def clear(self, token: str) -> None:
        record = _record_of(self._unfinished)
        if record is not None and record.token == token:
            self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        self.close()
        self._unfinished.unlink(missing_ok=True)
        _remove_beside(self._unfinished)


def _record_of(path: Path) -> MoveRecord | None:
    """What a file records of a move; None for one that records nothing, or that does not exist."""
    if not path.exists():
        return None
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
        has_record = connection.execute(_HAS_TABLE, (MOVES,)).fetchone()
        return read_record(connection.execute) if has_record else None
