"""Vectors and enrichments: every live snippet that is not pending has its own, from the current
model, and each code holds the sign bits of its vector.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from kodit.domain.value_objects import TaskType, VectorKind
from kodit.infrastructure.doctor.checks import RowCheck
from kodit.infrastructure.sqlalchemy.entities import (
    EMBEDDINGS,
    ENRICHMENTS,
    INDEXES,
    PENDING_SNIPPETS,
    REFUSED_SNIPPETS,
    SNIPPETS,
    UNUSED,
    VECTORS,
)
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.unused import (
    OF_EMBEDDINGS,
    OF_ENRICHMENTS,
    Cache,
    release,
    use,
)

_KEY = (VECTORS.c.index_id, VECTORS.c.kind, VECTORS.c.snippet_id)


def _unfinished_check(what: str, stage: TaskType, has: ColumnElement[bool], again: str) -> RowCheck:
    """Live snippets for which a stage counts as finished although its result is missing."""
    lacking = and_(
        SNIPPETS.c.state == "live",
        exists().where(INDEXES.c.id == SNIPPETS.c.index_id, INDEXES.c.deleted_at == 0),
        ~exists().where(
            PENDING_SNIPPETS.c.index_id == SNIPPETS.c.index_id,
            PENDING_SNIPPETS.c.stage == stage.name,
            PENDING_SNIPPETS.c.snippet_id == SNIPPETS.c.id,
        ),
        ~has,
    )
    if stage is TaskType.ENRICH:  # a model may have had no usable answer
        lacking &= ~exists().where(
            REFUSED_SNIPPETS.c.index_id == SNIPPETS.c.index_id,
            REFUSED_SNIPPETS.c.snippet_id == SNIPPETS.c.id,
        )

    def mark_pending(connection: Connection, limit: int) -> int:
        some = (
            select(SNIPPETS.c.index_id, literal(stage.name), SNIPPETS.c.id)
            .where(lacking)
            .limit(limit)
        )
        # Without this option, the number is known only for some drivers.
        return connection.execute(
            insert(PENDING_SNIPPETS).from_select(["index_id", "stage", "snippet_id"], some),
            execution_options={"preserve_rowcount": True},
        ).rowcount

    return RowCheck(
        what,
        f"marks them as pending and {again} again",
        select(SNIPPETS.c.index_id).where(lacking),
        mark_pending,
        refresh=True,
    )


def _removal_check(what: str, broken: ColumnElement[bool]) -> RowCheck:
    def remove(connection: Connection, limit: int) -> int:
        some = select(*_KEY).where(broken).limit(limit)
        removed = connection.execute(
            delete(VECTORS).where(tuple_(*_KEY).in_(some)).returning(VECTORS.c.embedding_id)
        )
        lost = removed.scalars().all()
        release(Driver(connection), EMBEDDINGS, lost)
        return len(lost)

    return RowCheck(what, "removes them", select(VECTORS.c.index_id).where(broken), remove)


def _copied_code_check() -> RowCheck:
    """The codes with the snippets are copies; the one with the vector is authoritative."""
    right = (
        select(EMBEDDINGS.c.code).where(EMBEDDINGS.c.id == VECTORS.c.embedding_id).scalar_subquery()
    )
    broken = exists().where(
        EMBEDDINGS.c.id == VECTORS.c.embedding_id, EMBEDDINGS.c.code != VECTORS.c.code
    )

    def copy(connection: Connection, limit: int) -> int:
        some = select(*_KEY).where(broken).limit(limit)
        return connection.execute(
            update(VECTORS).where(tuple_(*_KEY).in_(some)).values(code=right)
        ).rowcount

    return RowCheck(
        "{count} vectors have a code that differs from that of their embedding",
        "copies the code",
        select(VECTORS.c.index_id).where(broken),
        copy,
    )


def _marking_checks(cache: Cache, name: str) -> tuple[RowCheck, RowCheck]:
    """The mark of a row says since when it has been unused: an unused row without one is never
    deleted, and a used row with one would be.
    """
    table = cache.table
    # Answers of an endpoint are stored before they are used.
    is_awaited = exists().where(PENDING_SNIPPETS.c.index_id == table.c.index_id)
    unmarked = and_(table.c.unused_since.is_(None), ~cache.is_used(), ~is_awaited)
    marked = and_(UNUSED, cache.is_used())

    def some(connection: Connection, broken: ColumnElement[bool], limit: int) -> Sequence[int]:
        return connection.execute(select(table.c.id).where(broken).limit(limit)).scalars().all()

    def mark(connection: Connection, limit: int) -> int:
        ids = some(connection, unmarked, limit)
        release(Driver(connection), table, ids)
        return len(ids)

    def unmark(connection: Connection, limit: int) -> int:
        ids = some(connection, marked, limit)
        use(Driver(connection), table, ids)
        return len(ids)

    return (
        RowCheck(
            f"{{count}} {name} are unused but not marked as unused",
            "marks them, so that they are removed later",
            select(table.c.index_id).where(unmarked),
            mark,
        ),
        RowCheck(
            f"{{count}} {name} are marked as unused but are in use",
            "removes the mark",
            select(table.c.index_id).where(marked),
            unmark,
        ),
    )


def vector_checks(model: str) -> tuple[RowCheck, ...]:
    """`model` is the one that makes new vectors."""

    def has_vector(kind: VectorKind) -> ColumnElement[bool]:
        return exists().where(
            VECTORS.c.index_id == SNIPPETS.c.index_id,
            VECTORS.c.kind == kind.value,
            VECTORS.c.snippet_id == SNIPPETS.c.id,
            VECTORS.c.model == model,
        )

    return (
        _removal_check(
            "{count} vectors belong to snippets that do not exist",
            ~exists().where(
                SNIPPETS.c.id == VECTORS.c.snippet_id,
                SNIPPETS.c.index_id == VECTORS.c.index_id,
                SNIPPETS.c.version_id == VECTORS.c.version_id,
                SNIPPETS.c.state != "removed",
            ),
        ),
        _removal_check(
            "{count} vectors refer to an embedding that does not exist",
            ~exists().where(EMBEDDINGS.c.id == VECTORS.c.embedding_id),
        ),
        _copied_code_check(),
        _unfinished_check(
            "{count} snippets have no code vector from the current model",
            TaskType.CODE_EMBEDDINGS,
            has_vector(VectorKind.CODE),
            "embeds them",
        ),
        _unfinished_check(
            "{count} snippets have no text vector from the current model",
            TaskType.ENRICH,
            has_vector(VectorKind.TEXT),
            "embeds them",
        ),
        *_marking_checks(OF_EMBEDDINGS, "embeddings"),
    )


ENRICHMENT_CHECKS = (
    _unfinished_check(
        "{count} snippets have no enrichment",
        TaskType.ENRICH,
        exists().where(ENRICHMENTS.c.id == SNIPPETS.c.enrichment_id),
        "enriches them",
    ),
    *_marking_checks(OF_ENRICHMENTS, "enrichments"),
)
