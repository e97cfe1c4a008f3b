"""The tables as a move reads and writes them: whole rows, by primary key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from kodit.domain.moving import Key, Row, RowBatch
from kodit.infrastructure.sqlalchemy.entities import (
    KEYWORD_HISTORY,
    METADATA,
    NODE_CURSORS,
    NODE_PACKS,
    NODES,
    WORKERS,
)

MOST_ROWS = 5_000
MOST_BYTES = 4_000_000
"""A batch is stored by one transaction, and is in memory twice."""
ROWS_PER_FETCH = 200
_NOT_MOVED = {table.name for table in (WORKERS, NODES, NODE_CURSORS, NODE_PACKS, KEYWORD_HISTORY)}
"""Workers are gone before a move begins; others enter by themselves."""


@dataclass(frozen=True, slots=True)
class MovableTable:
    """A table with its statements; those have the marks for values of SQLite, `?`."""

    name: str
    columns: tuple[str, ...]
    key: tuple[int, ...]
    """The positions of the primary key among the columns."""
    booleans: tuple[int, ...]
    kinds: tuple[str, ...]
    """The types of the columns on a server."""
    id_column: str | None
    """The column to which the database assigns numbers."""

    @property
    def listed(self) -> str:
        return ", ".join(f'"{column}"' for column in self.columns)

    def select(self, *, is_continued: bool) -> str:
        key = ", ".join(f'"{self.columns[at]}"' for at in self.key)
        marks = ", ".join("?" * len(self.key))
        where = f" WHERE ({key}) > ({marks})" if is_continued else ""
        return f'SELECT {self.listed} FROM "{self.name}"{where} ORDER BY {key}'  # noqa: S608 - ours

    @property
    def insert(self) -> str:
        marks = ", ".join("?" * len(self.columns))
        return f'INSERT INTO "{self.name}" ({self.listed}) VALUES ({marks})'  # noqa: S608 - ours

    @property
    def copy(self) -> str:
        return f'COPY "{self.name}" ({self.listed}) FROM STDIN (FORMAT BINARY)'

    @property
    def count(self) -> str:
        return f'SELECT count(*) FROM "{self.name}"'  # noqa: S608 - our own names

    def key_of(self, row: Row) -> Key:
        return tuple(row[at] for at in self.key)


def _movable(table: Table) -> MovableTable:
    columns = list(table.columns)
    key = list(table.primary_key.columns)
    return MovableTable(
        name=table.name,
        columns=tuple(column.name for column in columns),
        key=tuple(columns.index(column) for column in key),
        booleans=tuple(at for at, one in enumerate(columns) if isinstance(one.type, Boolean)),
        kinds=tuple(_kind(column.type) for column in columns),
        id_column=key[0].name if table.dialect_options["sqlite"]["autoincrement"] else None,
    )


def _kind(of_column: Any) -> str:
    if isinstance(of_column, BigInteger):
        return "int8"
    if isinstance(of_column, Integer):
        return "int4"
    if isinstance(of_column, Boolean):
        return "bool"
    if isinstance(of_column, LargeBinary):
        return "bytea"
    return "text" if isinstance(of_column, Text) else "varchar"


TABLES = {
    table.name: _movable(table) for table in METADATA.sorted_tables if table.name not in _NOT_MOVED
}
"""Parents first."""


def batched(table: MovableTable, fetches: Iterable[Sequence[Row]]) -> Iterator[RowBatch]:
    """Rows, a few at a time, as batches."""
    rows: list[Row] = []
    size = 0
    for fetched in fetches:
        rows.extend(fetched)
        size += sum(
            len(value) for row in fetched for value in row if isinstance(value, (str, bytes))
        )
        if len(rows) >= MOST_ROWS or size >= MOST_BYTES:
            yield RowBatch(rows, table.key_of(rows[-1]))
            rows, size = [], 0
    if rows:
        yield RowBatch(rows, table.key_of(rows[-1]))
