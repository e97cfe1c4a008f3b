"""The nodes over one database of a server, in its table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kodit.domain.ports.nodes import Node
from kodit.infrastructure.mappers.moments import to_moment
from kodit.infrastructure.sql.node_statements import (
    ENTER_NODE,
    FORGET_CURSORS,
    FORGET_HISTORY_OF_LOST,
    FORGET_NODES,
    FORGET_PACKS,
    LIST_NODES,
)
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.version import VERSION

MICROSECONDS = 1_000_000
ALIVE_SECONDS = 120
"""A node that follows gives a sign several times within this time."""
KEPT_SECONDS = 3_600
"""How long the log keeps what a silent node has not applied: filling it anew takes less time than
applying the changes of a day."""
LISTED_SECONDS = 30 * 24 * 3_600
"""How long a silent node is still listed."""


class ServerNodes:
    """Every method is one short transaction."""

    def __init__(self, database: SqlDatabase, data_dir: Path, host: str) -> None:
        self._database = database
        self._data_dir = data_dir
        self._host = host

    def enter(self, *, follows: bool) -> None:
        with self._database.write() as transaction:
            ENTER_NODE.run(
                transaction.cursors,
                {
                    "host": self._host,
                    "location": str(self._data_dir),
                    "version": VERSION,
                    "follows": follows,
                    "alive_for": ALIVE_SECONDS * MICROSECONDS,
                },
            )

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
            rows = LIST_NODES.run(transaction.cursors, {"alive_for": ALIVE_SECONDS * MICROSECONDS})
        return [
            Node(
                name=row[0],
                host=row[1],
                location=row[2],
                version=row[3],
                follows=row[4],
                is_alive=row[5],
                seen_at=to_moment(row[6]),
                behind=row[7],
                lacks=row[8],
            )
            for row in rows
        ]
