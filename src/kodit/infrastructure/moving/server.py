"""A database of a PostgreSQL server, as an end of a move."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kodit.domain.moving import Key, MovePhase, RowBatch, TableProgress, in_use, occupied
from kodit.domain.this_host import ALONE, ThisHost
from kodit.infrastructure.moving.hosts import give_host, refuse_other_hosts
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
from kodit.infrastructure.moving.tables import ROWS_PER_FETCH, TABLES, batched
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.database import PostgresqlDatabase
from kodit.infrastructure.sql.moving import MOVED, MOVES, MOVING, REFUSAL, REFUSAL_STATE
from kodit.infrastructure.sql.revision import HEAD
from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.infrastructure.sqlalchemy.locking import lock_name
from kodit.infrastructure.sqlalchemy.migrate import make_tables, migrate

SECONDS_UNTIL_GONE = 2.0
"""The server notices only after a moment that a process has ended. One that is there for longer
uses the database."""
SECONDS_BETWEEN_LOOKS = 0.1

_EXISTS = "SELECT to_regclass(quote_ident(?)) IS NOT NULL"
_REVISION = "SELECT version_num FROM alembic_version"
_SET_REVISION = "UPDATE alembic_version SET version_num = ?"
_SEQUENCE = "SELECT pg_get_serial_sequence(quote_ident(?), ?)"
_LAST_ID = "SELECT last_value FROM {} WHERE is_called"
_OTHERS = (
    "SELECT DISTINCT application_name, coalesce(host(client_addr), 'this server''s machine') "
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND starts_with(application_name, 'kodit') AND application_name <> ? ORDER BY 1, 2"
)
_FUNCTION = "kodit_refuse_while_moving"
_MAKE_FUNCTION = (
    f"CREATE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN "
    f"RAISE EXCEPTION USING ERRCODE = '{REFUSAL_STATE}', MESSAGE = '{REFUSAL}'; END $body$"
)


def _execute(driver: Any) -> Callable[..., Any]:
    """Runs statements that have `?` for their values."""

    def execute(statement: str, values: Sequence[Any] = ()) -> Any:
        return driver.execute(statement.replace("?", "%s"), values or None)

    return execute


class _ServerEnd:
    """What a source and a target have in common."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.place = self.full_place = address.place
        self._name = f"kodit move {os.getpid()}"
        self._database = PostgresqlDatabase(address.named(self._name))

    def close(self) -> None:
        self._database.close()

    def refuse_users(self) -> None:
        until = time.monotonic() + SECONDS_UNTIL_GONE
        while found := self._others():
            if time.monotonic() > until:
                raise in_use(self.place, [f"{name} on {host}" for name, host in found])
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _others(self) -> Sequence[tuple[str, str]]:
        """The other users of the database and their machines."""
        with self._database.read() as transaction:
            found: list[tuple[str, str]] = _execute(transaction.driver)(
                _OTHERS, (self._name,)
            ).fetchall()
        return found

    def batches(self, table: str, after: Key | None) -> Iterator[RowBatch]:
        movable = TABLES[table]
        query = movable.select(is_continued=after is not None).replace("?", "%s")
        with (
            self._database.read() as transaction,
            transaction.driver.cursor("kodit_move", binary=True) as cursor,
        ):
            cursor.execute(query, after)

            def fetches() -> Iterator[Sequence[tuple[Any, ...]]]:
                while rows := cursor.fetchmany(ROWS_PER_FETCH):
                    yield rows

            yield from batched(movable, fetches())

    def _record(self) -> MoveRecord | None:
        with self._database.read() as transaction:
            return _record_in(_execute(transaction.driver))


class ServerMoveSource(_ServerEnd):
    """The database that is moved away. Its triggers refuse changes, whoever makes them."""

    def __init__(self, address: DatabaseAddress, host: ThisHost = ALONE) -> None:
        super().__init__(address)
        self._host = host
        try:
            record = self._record()
            if record is None:
                migrate(self._database)
            else:
                check_role(record, MoveRole.SOURCE, self.place)
        except BaseException:
            self.close()
            raise

    def refuse_users(self) -> None:
        super().refuse_users()
        with self._database.read() as transaction:
            refuse_other_hosts(_execute(transaction.driver), self._host, self.place)

    def freeze(self, target: str) -> str:
        with self._database.write() as transaction:
            execute = _execute(transaction.driver)
            lock_name(transaction.cursors, "migrations")
            record = _record_in(execute)
            if record is None:
                record = MoveRecord(os.urandom(16).hex(), MoveRole.SOURCE, target)
                execute(MAKE_MOVES)
                write_record(execute, record)
                execute(_MAKE_FUNCTION)
                for name in TABLES:
                    # Waits for all transactions that have changed something in the table.
                    execute(
                        "CREATE TRIGGER kodit_moving BEFORE INSERT OR UPDATE OR DELETE OR "
                        f'TRUNCATE ON "{name}" FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()'
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

    def last_ids(self) -> Mapping[str, int]:
        last: dict[str, int] = {}
        with self._database.read() as transaction:
            execute = _execute(transaction.driver)
            for table in TABLES.values():
                if table.id_column is not None:
                    (sequence,) = execute(_SEQUENCE, (table.name, table.id_column)).fetchone()
                    row = execute(_LAST_ID.format(sequence)).fetchone()
                    if row is not None:
                        last[table.name] = int(row[0])
        return last

    def note_ending(self) -> None:
        with self._database.write() as transaction:
            note_phase(_execute(transaction.driver), MovePhase.ENDING)

    def retire(self) -> str | None:
        with self._database.write() as transaction:
            _execute(transaction.driver)(_SET_REVISION, (MOVED,))
        return self.place

    def release(self) -> None:
        with self._database.write() as transaction:
            execute = _execute(transaction.driver)
            for name in TABLES:
                execute(f'DROP TRIGGER IF EXISTS kodit_moving ON "{name}"')
            execute(f"DROP FUNCTION IF EXISTS {_FUNCTION}()")
            execute(f"DROP TABLE IF EXISTS {MOVES}")


class ServerMoveTarget(_ServerEnd):
    """A database without tables, or with empty ones. Folders then belong to `host`."""

    def __init__(self, address: DatabaseAddress, host: ThisHost = ALONE) -> None:
        super().__init__(address)
        self._host = host

    def refuse_occupied(self, token: str | None) -> None:
        self.refuse_users()
        with self._database.read() as transaction:
            self._refuse_occupied(_execute(transaction.driver), token)

    def _refuse_occupied(self, execute: Callable[..., Any], token: str | None) -> None:
        record = _record_in(execute)
        if record is not None:
            if record.token != token or record.role is not MoveRole.TARGET:
                raise occupied(self.place, f"is part of another move, with {record.place}")
            return
        if _has_table(execute, "alembic_version"):
            row = execute(_REVISION).fetchone()
            if row is None or row[0] != HEAD:
                raise occupied(
                    self.place, "holds tables of another program, or another version of Kodit"
                )
            if any(_has_rows(execute, name) for name in TABLES):
                raise occupied(self.place, "holds data of its own")
        elif any(_has_table(execute, name) for name in METADATA.tables):
            raise occupied(self.place, "holds tables of another program")

    def begin(self, token: str, source: str) -> None:
        with self._database.write() as transaction:
            lock_name(transaction.cursors, "migrations")
            execute = _execute(transaction.driver)
            self._refuse_occupied(execute, token)
            if _record_in(execute) is not None:
                return
            if not _has_table(execute, "alembic_version"):
                make_tables(transaction)
            execute(MAKE_MOVES)
            execute(MAKE_PROGRESS)
            write_record(execute, MoveRecord(token, MoveRole.TARGET, source))
            execute(_SET_REVISION, (MOVING,))

    def knows(self, token: str) -> bool:
        record = self._record()
        return record is not None and record[:2] == (token, MoveRole.TARGET)

    def progress(self, table: str) -> TableProgress:
        with self._database.read() as transaction:
            return read_progress(_execute(transaction.driver), table)

    def add(self, table: str, batch: RowBatch, progress: TableProgress) -> None:
        movable = TABLES[table]
        with self._database.write() as transaction:
            with transaction.driver.cursor() as cursor, cursor.copy(movable.copy) as copy:
                copy.set_types(movable.kinds)
                for row in batch.rows:
                    copy.write_row(row)
            write_progress(_execute(transaction.driver), table, progress)

    def set_last_ids(self, ids: Mapping[str, int]) -> None:
        with self._database.write() as transaction:
            execute = _execute(transaction.driver)
            for name, last in ids.items():
                sequence = execute(_SEQUENCE, (name, TABLES[name].id_column)).fetchone()[0]
                execute("SELECT setval(?, ?, ?)", (sequence, max(last, 1), last > 0))

    def publish(self) -> None:
        with self._database.write() as transaction:
            execute = _execute(transaction.driver)
            give_host(execute, self._host)
            for name in TABLES:
                # Autovacuum would take a while to tell the planner of the rows.
                execute(f'ANALYZE "{name}"')
            execute(_SET_REVISION, (HEAD,))

    def finish(self) -> None:
        with self._database.write() as transaction:
            execute = _execute(transaction.driver)
            execute(f"DROP TABLE IF EXISTS {MOVES}, {PROGRESS}")

    def clear(self, token: str) -> None:
        if not self.knows(token):
            return
        with self._database.write() as transaction:
            names = ", ".join(f'"{name}"' for name in METADATA.tables)
            _execute(transaction.driver)(
                f"DROP TABLE {names}, alembic_version, {MOVES}, {PROGRESS}"
            )


def _record_in(execute: Callable[..., Any]) -> MoveRecord | None:
    return read_record(execute) if _has_table(execute, MOVES) else None


def _has_table(execute: Callable[..., Any], name: str) -> bool:
    return bool(execute(_EXISTS, (name,)).fetchone()[0])


def _has_rows(execute: Callable[..., Any], name: str) -> bool:
    return execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() is not None  # noqa: S608 - ours
