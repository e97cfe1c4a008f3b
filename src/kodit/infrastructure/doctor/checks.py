"""Invariants of database rows, as data: a query for rows that break one, and the statements that
repair them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Select, func, select

from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

ROWS_PER_TRANSACTION = 2000
"""Keeps write transactions short, because others wait for them."""

Repair = Callable[[Connection, int], int]
"""Repairs at most this many of the rows that are wrong now; returns how many."""


@dataclass(frozen=True, slots=True)
class RowCheck:
    """`broken` selects the index id of each wrong row; `what` has a placeholder for the count."""

    what: str
    remedy: str
    broken: Select[int]
    repair: Repair
    refresh: bool = False


class RowExaminer:
    """Runs all checks of an area in one snapshot."""

    def __init__(self, database: SqlDatabase, area: Area, checks: Sequence[RowCheck]) -> None:
        self._database = database
        self.area = area
        self._checks = checks

    def examine(self) -> list[Problem]:
        with self._database.read() as transaction:
            return [
                Problem(
                    self.area,
                    check.what.format(count=count),
                    check.remedy,
                    index_id,
                    partial(in_thread, partial(repair_rows, self._database, check.repair)),
                    refresh=frozenset([index_id] if check.refresh else ()),
                )
                for check in self._checks
                for index_id, count in _count(transaction.connection, check.broken)
            ]


def _count(connection: Connection, broken: Select[int]) -> list[tuple[int, int]]:
    rows = broken.subquery()
    (index_id,) = rows.c
    query = select(index_id, func.count()).group_by(index_id).order_by(index_id)
    return [(row[0], row[1]) for row in connection.execute(query)]


def repair_rows(database: SqlDatabase, repair: Repair) -> None:
    """Repair in short transactions until no row is left."""
    while True:
        with database.write() as transaction:
            if not repair(transaction.connection, ROWS_PER_TRANSACTION):
                return
