"""What the databases of a move record about it, in tables that exist only during a move."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from kodit.domain.errors import KoditError, UserError
from kodit.domain.moving import MovePhase, TableProgress
from kodit.infrastructure.sql.moving import MOVES
from kodit.infrastructure.sql.revision import HEAD

PROGRESS = "kodit_moved_tables"
"""In the target only: how far each table was copied."""
MAKE_MOVES = (
    f"CREATE TABLE {MOVES} (token TEXT NOT NULL, role TEXT NOT NULL, place TEXT NOT NULL, "
    "revision TEXT NOT NULL, phase TEXT NOT NULL)"
)
MAKE_PROGRESS = (
    f"CREATE TABLE {PROGRESS} (name TEXT NOT NULL PRIMARY KEY, last_key TEXT NOT NULL, "
    "row_count BIGINT NOT NULL, digest TEXT NOT NULL)"
)


class MoveRole(StrEnum):
    """What a database is in a move."""

    SOURCE = "source"
    TARGET = "target"


class MoveRecord(NamedTuple):
    """The row of a database. `revision` is that of the schema whose rows are moved."""

    token: str
    role: MoveRole
    place: str
    revision: str = HEAD
    phase: MovePhase = MovePhase.COPYING


Execute = Callable[..., Any]
"""Runs a statement with `?` for its values; returns a cursor."""


def read_record(execute: Execute) -> MoveRecord:
    row = execute(f"SELECT token, role, place, revision, phase FROM {MOVES}").fetchone()  # noqa: S608
    if row is None:
        raise KoditError(
            "the record of a move is empty; if its database is the target, empty it, and otherwise "
            "restore a backup of it"
        )
    token, role, place, revision, phase = map(str, row)
    return MoveRecord(token, MoveRole(role), place, revision, MovePhase(phase))


def write_record(execute: Execute, record: MoveRecord) -> None:
    values = record.token, record.role.value, record.place, record.revision, record.phase.value
    execute(f"INSERT INTO {MOVES} VALUES (?, ?, ?, ?, ?)", values)  # noqa: S608 - our own name


def note_phase(execute: Execute, phase: MovePhase) -> None:
    execute(f"UPDATE {MOVES} SET phase = ?", (phase.value,))  # noqa: S608 - our own name


def read_progress(execute: Execute, table: str) -> TableProgress:
    row = execute(
        f"SELECT last_key, row_count, digest FROM {PROGRESS} WHERE name = ?",  # noqa: S608 - ours
        (table,),
    ).fetchone()
    if row is None:
        return TableProgress()
    return TableProgress(tuple(json.loads(row[0])), int(row[1]), int(row[2], 16))


def write_progress(execute: Execute, table: str, progress: TableProgress) -> None:
    execute(f"DELETE FROM {PROGRESS} WHERE name = ?", (table,))  # noqa: S608 - our own name
    execute(
        f"INSERT INTO {PROGRESS} VALUES (?, ?, ?, ?)",  # noqa: S608 - our own name
        (table, json.dumps(progress.last_key), progress.rows, f"{progress.digest:x}"),
    )


def check_role(record: MoveRecord, role: MoveRole, place: str) -> None:
    """Raises UserError for a database that is the other end of an unfinished move."""
    if record.role is not role:
        raise UserError(
            f"{record.place} is being moved to {place}, which is not complete; complete that move "
            "first, or give it up",
            code="move_elsewhere",
            database=place,
        )


def check_same_target(record: MoveRecord, source: str, target: str) -> None:
    """Raises UserError for a source that is already being moved to another place."""
    if record.place != target:
        ended = record.phase is MovePhase.ENDING
        raise UserError(
            f"{source} {'was' if ended else 'is being'} moved to {record.place}; "
            + ("use that one" if ended else "complete that move, or give it up"),
            code="move_elsewhere",
            database=source,
        )


def check_same_version(record: MoveRecord, place: str) -> None:
    """Raises UserError for a move that a program with other tables has started."""
    if record.revision != HEAD:
        raise UserError(
            f"the move of {place} was started by another version of Kodit, whose tables differ; "
            "complete it with that version, or give it up",
            code="move_of_another_version",
            database=place,
        )
