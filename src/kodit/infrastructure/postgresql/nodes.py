"""The nodes over one database of a server, in its table."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import psycopg

from kodit.domain.errors import DatabaseReplacedError, TransientError
from kodit.domain.ports.nodes import AwaitingTask, Node
from kodit.domain.run import SEARCH_NODE_AWAITED
from kodit.infrastructure.mappers.moments import to_moment
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.dedicated import STILL_HELD, DedicatedConnection
from kodit.infrastructure.sql.node_statements import (
    AWAITING,
    ENTER_NODE,
    FORGET_CURSORS,
    FORGET_HISTORY_OF_LOST,
    FORGET_NODES,
    FORGET_PACKS,
    GRACE_SECONDS,
    LIST_NODES,
    NODE_KEY,
    SEARCHING,
    STOP_FOLLOWING,
)
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase, translated_errors
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction
from kodit.version import VERSION

MICROSECONDS = 1_000_000
ALIVE_SECONDS = 120
"""A node that follows gives a sign several times within this time."""
KEPT_SECONDS = 3_600
"""How long the log keeps what a silent node has not applied: filling it anew takes less time than
applying the changes of a day."""
LISTED_SECONDS = 30 * 24 * 3_600
"""How long a silent node is still listed."""
_LOCK = f"SELECT pg_try_advisory_lock({NODE_KEY.format('%s')})"

log = logging.getLogger(__name__)


class ServerNodes:
    """Every method is one short transaction, or a few."""

    def __init__(
        self, database: SqlDatabase, address: DatabaseAddress, data_dir: Path, host: str
    ) -> None:
        """`address` is that of this node."""
        self._database = database
        self._address = address
        self._data_dir = data_dir
        self._host = host
        self._following: DedicatedConnection | None = None

    def enter(self, *, searches: bool, follows: bool) -> None:
        with self._database.write() as transaction:
            ENTER_NODE.run(
                transaction.cursors,
                {
                    "host": self._host,
                    "location": str(self._data_dir),
                    "version": VERSION,
                    "searches": searches,
                    "follows": follows,
                    "alive_for": ALIVE_SECONDS * MICROSECONDS,
                },
            )

    def start_following(self) -> None:
        def take_lock(connection: psycopg.Connection) -> None:
            row = connection.execute(_LOCK, (self._address.node,)).fetchone()
            if row is None or not row[0]:
                raise psycopg.OperationalError(STILL_HELD)

        if self._following is None:
            self._following = DedicatedConnection(
                self._address, "kodit node", opened=take_lock, woken=_nothing
            )

    def stop_following(self) -> None:
        if self._following is None:
            return
        following, self._following = self._following, None
        following.close()
        try:
            with self._database.write() as transaction:
                STOP_FOLLOWING.run(transaction.cursors)
        except (
            TransientError,
            DatabaseReplacedError,
        ) as error:
            # Others see that nobody holds the lock.
            log.info("other nodes are not told that this one ends", extra={"error": str(error)})

    def searching(self) -> Sequence[str]:
        limits = {"alive_for": ALIVE_SECONDS * MICROSECONDS, "grace": GRACE_SECONDS}
        dialect = self._database.dialect
        # Not a read of the database: the caller may be in the middle of one.
        with translated_errors(dialect), dialect.reading() as connection:
            cursors = SqlTransaction(connection, writes=False).cursors
            return [row[0] for row in SEARCHING.run(cursors, limits)]

    def awaiting(self) -> Sequence[AwaitingTask]:
        with self._database.read() as transaction:
            rows = AWAITING.run(transaction.cursors, {"code": f'"{SEARCH_NODE_AWAITED}"'})
        return [AwaitingTask(*row) for row in rows]

    def forget_lost(self) -> None:
        for statement, parameters in (
            (FORGET_CURSORS, {"kept_for": KEPT_SECONDS * MICROSECONDS}),
            (FORGET_HISTORY_OF_LOST, {}),
            (FORGET_NODES, {"listed_for": LISTED_SECONDS * MICROSECONDS}),
            (FORGET_PACKS, {}),
        ):
            with self._database.write() as transaction:
                statement.run(transaction.cursors, parameters)

    def all(self) -> Sequence[Node]:
        with self._database.read() as transaction:
            rows = LIST_NODES.run(
                transaction.cursors,
                {"alive_for": ALIVE_SECONDS * MICROSECONDS, "grace": GRACE_SECONDS},
            )
        return [
            Node(
                name=row[0],
                host=row[1],
                location=row[2],
                version=row[3],
                searches=row[4],
                works=row[5],
                follows=row[6],
                is_alive=row[7],
                seen_at=to_moment(row[8]),
                behind=row[9] if row[4] else 0,
                lacks=row[10] if row[4] else 0,
            )
            for row in rows
        ]


def _nothing(_connection: psycopg.Connection) -> None:
    """The server sends nothing here."""
