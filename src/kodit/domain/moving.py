"""Moving everything that is stored from one database to another, table by table.

A move is resumed after any interruption: the target keeps, in the transaction that stores a batch
of rows, how far each table was copied. Its `token` is a random name that both databases know, so
that a target never continues with the rows of another source, or with those of an earlier state of
the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from kodit.domain.errors import PermanentError, UserError

Row = tuple[Any, ...]
Key = tuple[int | str, ...]
"""The primary key of a row."""
_DIGESTS = 1 << 128


class MovePhase(StrEnum):
    """How far a move is, as both of its databases record it."""

    COPYING = "copying"
    """The source may be changed again when the move is given up."""
    ENDING = "ending"
    """All rows are copied and were compared; the target is, or is about to be, the truth."""


class RowBatch(NamedTuple):
    """Consecutive rows of a table, by primary key, and the key of the last one."""

    rows: Sequence[Row]
    last_key: Key


@dataclass(frozen=True, slots=True)
class TableProgress:
    """What was copied of a table. `digest` is the sum, modulo 2**128, of the digests of the rows,
    so that it depends neither on their order nor on how they were split into batches."""

    last_key: Key | None = None
    rows: int = 0
    digest: int = 0

    def after(self, batch: RowBatch) -> TableProgress:
        """The progress once this batch is stored too."""
        return TableProgress(
            batch.last_key,
            self.rows + len(batch.rows),
            (self.digest + digest(batch.rows)) % _DIGESTS,
        )

    def is_same(self, other: TableProgress) -> bool:
        """Whether both have seen the same rows."""
        return (self.rows, self.digest) == (other.rows, other.digest)


@dataclass(frozen=True, slots=True)
class MovedTable:
    """A table, and how many rows of it were moved."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Move:
    """A finished move. `kept` is where the former database is left, `tables` is empty if an earlier
    call had already copied them."""

    source: str
    target: str
    tables: tuple[MovedTable, ...]
    kept: str | None = None


def digest(rows: Iterable[Row]) -> int:
    """The sum of the digests of rows: 128 bits of BLAKE2b over their values. Texts, integers,
    booleans and None count as Python writes them, bytes as they are after their length."""
    total = 0
    for row in rows:
        hasher = hashlib.blake2b(digest_size=16)
        blobs = [value for value in row if type(value) is bytes]
        if blobs:
            plain: Row = tuple(len(one) if type(one) is bytes else one for one in row)
            hasher.update(repr(plain).encode())
            for blob in blobs:
                hasher.update(blob)
        else:
            hasher.update(repr(row).encode())
        total += int.from_bytes(hasher.digest(), "little")
    return total


def in_use(place: str, users: Sequence[str]) -> UserError:
    """The error for a database that other processes use; `users` names them."""
    return UserError(
        f"{place} is in use by {', '.join(users)}; stop it first, because nothing may be "
        "changed during a move",
        code="database_in_use",
        database=place,
    )


def occupied(place: str, why: str) -> UserError:
    """The error for a target that holds something else."""
    return UserError(
        f"{place} {why}; choose an empty database", code="move_target_occupied", database=place
    )


def differs(table: str, source: TableProgress, target: TableProgress) -> PermanentError:
    """The error for a copy that is not the same."""
    what = (
        f"{target.rows} rows where the source has {source.rows}"
        if target.rows != source.rows
        else "rows with other values"
    )
    return PermanentError(
        f"the copy of the table {table} has {what}; nothing was switched over", code="move_differs"
    )
