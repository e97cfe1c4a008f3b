"""The workers of all machines: each holds a lock of the server, over a connection of its own.

The server releases the lock when the connection ends, however the worker ended, so that whoever can
take it knows that the worker is gone. A network that parts a worker from the server is noticed by
neither for a while; then its leases expire.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, delete, select, text

from kodit.domain.claiming import DEFAULT_RULES, ClaimRules
from kodit.infrastructure.mappers.claim_rules import rules_to_text, text_to_rules
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.dedicated import STILL_HELD, DedicatedConnection
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
from kodit.infrastructure.sql.node_statements import (
    ENTER_WORKER,
    GRACE_SECONDS,
    HAS_JUST_STARTED,
    WORKER_KEY,
)
from kodit.infrastructure.sqlalchemy.entities import WORKERS
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase, translated_errors

_LOCK = f"SELECT pg_try_advisory_lock({WORKER_KEY.format('%s')})"
_HAS_JUST_STARTED = text(f"SELECT {HAS_JUST_STARTED}")
_IS_FREE = text(f"SELECT pg_try_advisory_xact_lock({WORKER_KEY.format(':name')})")
_MINE_IS_FREE = text(f"pg_try_advisory_xact_lock({WORKER_KEY.format('workers.name')})")


class PostgresqlWorkerRegistry:
    """One process's view of them."""

    def __init__(
        self,
        database: SqlDatabase,
        address: DatabaseAddress,
        here: FileWorkerRegistry,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """`here` are the workers of this machine, whose child processes may outlive them."""
        self._database = database
        self._address = address
        self._here = here
        self._grace_seconds = grace_seconds
        self._mine: tuple[str, DedicatedConnection] | None = None

    @property
    def descriptor(self) -> int:
        """The lock of this machine that child processes must inherit."""
        return self._here.descriptor

    def enter(self, rules: ClaimRules = DEFAULT_RULES) -> str:
        name = self._here.enter(rules)

        def take_lock(connection: psycopg.Connection) -> None:
            # After a loss, the server may take a while to notice that the old connection is gone;
            # until then that one holds the lock, which serves as well.
            row = connection.execute(_LOCK, (name,)).fetchone()
            is_mine = row is not None and row[0]
            if not is_mine:
                raise psycopg.OperationalError(STILL_HELD)
            values = (name, rules.host or os.uname().nodename, rules_to_text(rules))
            connection.execute(ENTER_WORKER, values)

        try:
            connection = DedicatedConnection(
                self._address, f"kodit worker {name}", opened=take_lock, woken=_nothing
            )
        except BaseException:
            self._here.leave()
            raise
        self._mine = name, connection
        return name

    def leave(self) -> None:
        if self._mine is not None:
            name, connection = self._mine
            self._mine = None
            connection.close()
            self._here.leave()
            with self._database.write() as transaction:
                transaction.connection.execute(delete(WORKERS).where(WORKERS.c.name == name))

    def is_dead(self, worker: str) -> bool:
        with self._asking() as connection:
            if connection.execute(_HAS_JUST_STARTED, {"grace": self._grace_seconds}).scalar():
                return False
            is_free = connection.execute(_IS_FREE, {"name": worker}).scalar()
        return bool(is_free) and self._here.is_dead(worker)

    def living(self) -> list[str]:
        return [name for name, _host, _rules in self._living()]

    def rules(self) -> list[ClaimRules]:
        told = [text_to_rules(rules) for _name, _host, rules in self._living()]
        return [rules for rules in told if rules is not None]

    def hosts(self) -> list[str]:
        return [host for _name, host, _rules in self._living()]

    def _living(self) -> list[tuple[str, str, str]]:
        query = select(WORKERS.c.name, WORKERS.c.host, WORKERS.c.rules, _MINE_IS_FREE)
        query = query.order_by(WORKERS.c.name)
        with self._asking() as connection:
            rows = connection.execute(query).all()
        return [(name, host, rules) for name, host, rules, is_free in rows if not is_free]

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        """Not a read of the database: the caller may be in the middle of one."""
        dialect = self._database.dialect
        with translated_errors(dialect), dialect.reading() as connection:
            yield connection

    def sweep(self) -> None:
        self._here.sweep()
        with self._database.write() as transaction:
            transaction.connection.execute(delete(WORKERS).where(_MINE_IS_FREE))


def _nothing(_connection: psycopg.Connection) -> None:
    """The server sends nothing to a worker."""
