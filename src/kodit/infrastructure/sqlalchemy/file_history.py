"""Storing who last changed files, and when they were first committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from kodit.domain.source import FileHistory, SourceHistory
from kodit.infrastructure.sqlalchemy.entities import (
    FILE_HISTORIES,
    FILES,
    INDEXES,
    NO_HISTORY,
    PATHS,
)
from kodit.infrastructure.sqlalchemy.paths import forget_unused
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    insert_columns,
)

_FILES_AT = PreparedForMany(
    lambda paths: (
        select(PATHS.c.path, FILES.c.path_id, FILES.c.history)
        .join(FILES, FILES.c.path_id == PATHS.c.id)
        .where(FILES.c.index_id == bindparam("of_index"), PATHS.c.path.in_(paths))
        .order_by(PATHS.c.path)
        # Other transactions number the histories of these paths before or after this one.
        .with_for_update(of=PATHS, key_share=True)
    )
)
_HISTORIES = PreparedForMany(
    lambda path_ids: select(FILE_HISTORIES).where(FILE_HISTORIES.c.path_id.in_(path_ids))
)
_ADD = insert_columns(FILE_HISTORIES, "path_id", "number", "author", "changed_at", "created_at")
_SET = Prepared(
    update(FILES)
    .where(FILES.c.index_id == bindparam("of_index"), FILES.c.path_id == bindparam("at"))
    .values(history=bindparam("number"))
)
_MARK = Prepared(
    update(INDEXES)
    .where(INDEXES.c.id == bindparam("of_index"))
    .values(history_commit_id=bindparam("mark"))
)


class _Stored(NamedTuple):
    """A history as it is stored; moments in microseconds since 1970."""

    author: str
    changed_at: int
    created_at: int


def record_history(connection: Connection, index_id: int, history: SourceHistory) -> None:
    """Store the history of files and its mark; without a mark the next read starts over."""
    driver = Driver(connection)
    of_index = {"of_index": index_id}
    files = _FILES_AT.run(driver, [*history.files, *history.later], of_index)
    known = _known(driver, [row[1] for row in files])
    added: list[dict[str, object]] = []
    changed: dict[int, int] = {}
    lost: list[int] = []
    for path, path_id, number in files:
        numbers = known.setdefault(path_id, {})
        current = next((one for one, its in numbers.items() if its == number), None)
        wanted = _stored(history.files[path]) if path in history.files else current
        if path in history.later:
            wanted = _later(wanted, _stored(history.later[path]))
        if wanted is not None and wanted not in numbers:
            numbers[wanted] = max(numbers.values(), default=NO_HISTORY) + 1
            added.append({"path_id": path_id, "number": numbers[wanted], **wanted._asdict()})
        now = NO_HISTORY if wanted is None else numbers[wanted]
        if now != number:
            changed[path_id] = now
            lost += [path_id] if number else []
    _ADD.run_many(driver, added)
    _SET.run_many(driver, (of_index | {"at": at, "number": changed[at]} for at in changed))
    forget_unused(driver, lost)
    _MARK.run(driver, of_index | {"mark": history.mark})


def _known(driver: Driver, path_ids: Sequence[int]) -> dict[int, dict[_Stored, int]]:
    """By path, the numbers of its histories."""
    found: dict[int, dict[_Stored, int]] = {}
    for path_id, number, *stored in _HISTORIES.run(driver, path_ids):
        found.setdefault(path_id, {})[_Stored(*stored)] = number
    return found


def _stored(told: FileHistory | None) -> _Stored | None:
    if told is None:
        return None
    return _Stored(
        f"{told.author_name} <{told.author_email}>",
        told.changed_at * 1_000_000,
        told.created_at * 1_000_000,
    )


def _later(current: _Stored | None, later: _Stored | None) -> _Stored | None:
    """A commit may have an earlier date than its ancestors: keep the earliest and the latest."""
    if current is None or later is None:
        return later or current
    last = current if current.changed_at > later.changed_at else later
    return last._replace(created_at=min(current.created_at, later.created_at))
