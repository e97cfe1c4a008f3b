"""Snippets for which a model gave no usable description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, exists, insert, literal, select

from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.value_objects import TaskType, VectorKind
from kodit.infrastructure.sqlalchemy.embeddings import FINISH, SqlEmbeddingRepository
from kodit.infrastructure.sqlalchemy.entities import (
    PENDING_SNIPPETS,
    REFUSED_SNIPPETS,
    SNIPPETS,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    insert_columns,
)

_REFUSE = insert_columns(REFUSED_SNIPPETS, "index_id", "snippet_id", "reason")
_REFUSED = PreparedForMany(
    lambda ids: select(REFUSED_SNIPPETS.c.snippet_id).where(
        REFUSED_SNIPPETS.c.index_id == bindparam("of_index"),
        REFUSED_SNIPPETS.c.snippet_id.in_(ids),
    )
)
_FORGET = PreparedForMany(
    lambda ids: delete(REFUSED_SNIPPETS).where(
        REFUSED_SNIPPETS.c.index_id == bindparam("of_index"),
        REFUSED_SNIPPETS.c.snippet_id.in_(ids),
    )
)
_FORGET_ALL = Prepared(
    delete(REFUSED_SNIPPETS).where(REFUSED_SNIPPETS.c.index_id == bindparam("of_index"))
)
_NEXT_REFUSED = Prepared(
    select(REFUSED_SNIPPETS.c.snippet_id)
    .where(
        REFUSED_SNIPPETS.c.index_id == bindparam("of_index"),
        REFUSED_SNIPPETS.c.snippet_id > bindparam("after"),
    )
    .order_by(REFUSED_SNIPPETS.c.snippet_id)
    .limit(bindparam("most"))
)
_ASK_AGAIN = PreparedForMany(
    lambda ids: insert(PENDING_SNIPPETS).from_select(
        ["index_id", "stage", "snippet_id"],
        select(SNIPPETS.c.index_id, literal(TaskType.ENRICH.name), SNIPPETS.c.id)
        .where(
            SNIPPETS.c.id.in_(ids),
            SNIPPETS.c.index_id == bindparam("of_index"),
            SNIPPETS.c.state == "live",
            ~exists().where(
                PENDING_SNIPPETS.c.index_id == bindparam("of_index"),
                PENDING_SNIPPETS.c.stage == TaskType.ENRICH.name,
                PENDING_SNIPPETS.c.snippet_id == SNIPPETS.c.id,
            ),
        )
        .order_by(SNIPPETS.c.id),
    )
)


class SqlRefusalRepository:
    """Refused snippets over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)

    def refuse(self, index_id: int, reasons: Mapping[int, str]) -> None:
        ids = sorted(reasons)
        self.forget(index_id, ids)
        _REFUSE.run_many(
            self._driver,
            (
                {"index_id": index_id, "snippet_id": one, "reason": reason}
                for one, reason in reasons.items()
            ),
        )
        SqlEmbeddingRepository(self._connection).drop(index_id, VectorKind.TEXT, ids)
        FINISH.run(self._driver, ids, {"of_index": index_id, "of_stage": TaskType.ENRICH.name})

    def refused(self, index_id: int, snippet_ids: Sequence[int]) -> set[int]:
        rows = _REFUSED.run(self._driver, snippet_ids, {"of_index": index_id})
        return {row[0] for row in rows}

    def forget(self, index_id: int, snippet_ids: Sequence[int]) -> None:
        _FORGET.run(self._driver, snippet_ids, {"of_index": index_id})

    def forget_all(self, index_id: int) -> None:
        _FORGET_ALL.run(self._driver, {"of_index": index_id})

    def ask_again(self, index_id: int, after: int = 0) -> int | None:
        most = MOST_PER_TRANSACTION.rows
        rows = _NEXT_REFUSED.run(self._driver, {"of_index": index_id, "after": after, "most": most})
        ids: list[int] = [row[0] for row in rows]
        _ASK_AGAIN.run(self._driver, ids, {"of_index": index_id})
        return ids[-1] if len(ids) == most else None
