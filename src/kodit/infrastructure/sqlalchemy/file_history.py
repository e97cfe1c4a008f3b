"""Storing who last changed files, and when they were first committed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, case, func, update

from kodit.domain.source import FileHistory, SourceHistory
from kodit.infrastructure.sqlalchemy.entities import FILES, INDEXES


def record_history(connection: Connection, index_id: int, history: SourceHistory) -> None:
    """Store the history of files and its mark; without a mark the next read starts over."""
    here = FILES.c.index_id == bindparam("of_index"), FILES.c.path == bindparam("at")
    created, changed = bindparam("first", type_=BigInteger), bindparam("last", type_=BigInteger)
    if history.files:
        connection.execute(
            update(FILES)
            .where(*here)
            .values(author=bindparam("by"), changed_at=changed, created_at=created),
            [_history_row(index_id, *told) for told in history.files.items()],
        )
    if history.later:
        # A commit may have an earlier date than its ancestors: keep the earliest and the latest.
        is_older = func.coalesce(FILES.c.changed_at, changed) > changed
        connection.execute(
            update(FILES)
            .where(*here)
            .values(
                author=case((is_older, FILES.c.author), else_=bindparam("by")),
                changed_at=case((is_older, FILES.c.changed_at), else_=changed),
                created_at=case(
                    (func.coalesce(FILES.c.created_at, created) < created, FILES.c.created_at),
                    else_=created,
                ),
            ),
            [_history_row(index_id, *told) for told in history.later.items()],
        )
    connection.execute(
        update(INDEXES).where(INDEXES.c.id == index_id).values(history_commit_id=history.mark)
    )


def _history_row(index_id: int, path: str, told: FileHistory | None) -> dict[str, Any]:
    row = {"of_index": index_id, "at": path, "by": "", "first": None, "last": None}
    if told is None:
        return row
    return row | {
        "by": f"{told.author_name} <{told.author_email}>",
        "first": told.created_at * 1_000_000,
        "last": told.changed_at * 1_000_000,
    }
