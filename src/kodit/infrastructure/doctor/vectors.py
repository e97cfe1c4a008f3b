"""Vectors and enrichments: every live snippet that is not pending has its own, of the model in
use, and each code holds the sign bits of its vector."""

from __future__ import annotations

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

from kodit.domain.search import VectorKind
from kodit.domain.task import TaskType
from kodit.infrastructure.doctor.checks import RowCheck
from kodit.infrastructure.sqlalchemy.entities import (
    EmbeddingRow,
    EnrichmentRow,
    IndexRow,
    PendingSnippetRow,
    SnippetRow,
    VectorRow,
)

_KEY = (VectorRow.index_id, VectorRow.kind, VectorRow.snippet_id)


def _unfinished_check(what: str, stage: TaskType, has: ColumnElement[bool], again: str) -> RowCheck:
    """Live snippets for which a stage counts as finished though its result is not there."""
    lacking = and_(
        SnippetRow.state == "live",
        exists().where(IndexRow.id == SnippetRow.index_id, IndexRow.deleted_at == 0),
        ~exists().where(
            PendingSnippetRow.index_id == SnippetRow.index_id,
            PendingSnippetRow.stage == stage.name,
            PendingSnippetRow.snippet_id == SnippetRow.id,
        ),
        ~has,
    )

    def mark_pending(connection: Connection, limit: int) -> int:
        some = (
            select(SnippetRow.index_id, literal(stage.name), SnippetRow.id)
            .where(lacking)
            .limit(limit)
        )
        return connection.execute(
            insert(PendingSnippetRow).from_select(["index_id", "stage", "snippet_id"], some)
        ).rowcount

    return RowCheck(
        what,
        f"marks them as pending and {again} again",
        select(SnippetRow.index_id).where(lacking),
        mark_pending,
        refresh=True,
    )


def _removal_check(what: str, broken: ColumnElement[bool]) -> RowCheck:
    def remove(connection: Connection, limit: int) -> int:
        some = select(*_KEY).where(broken).limit(limit)
        return connection.execute(delete(VectorRow).where(tuple_(*_KEY).in_(some))).rowcount

    return RowCheck(what, "removes them", select(VectorRow.index_id).where(broken), remove)


def _copied_code_check() -> RowCheck:
    """The codes beside the snippets are copies; the one beside the vector is what is right."""
    right = (
        select(EmbeddingRow.code).where(EmbeddingRow.id == VectorRow.embedding_id).scalar_subquery()
    )
    broken = exists().where(
        EmbeddingRow.id == VectorRow.embedding_id, EmbeddingRow.code != VectorRow.code
    )

    def copy(connection: Connection, limit: int) -> int:
        some = select(*_KEY).where(broken).limit(limit)
        return connection.execute(
            update(VectorRow).where(tuple_(*_KEY).in_(some)).values(code=right)
        ).rowcount

    return RowCheck(
        "{count} vectors have another code than the embedding they stand for",
        "copies the code",
        select(VectorRow.index_id).where(broken),
        copy,
    )


def vector_checks(model: str) -> tuple[RowCheck, ...]:
    """`model` is the one that new vectors are made with."""

    def has_vector(kind: VectorKind) -> ColumnElement[bool]:
        return exists().where(
            VectorRow.index_id == SnippetRow.index_id,
            VectorRow.kind == kind.value,
            VectorRow.snippet_id == SnippetRow.id,
            VectorRow.model == model,
        )

    return (
        _removal_check(
            "{count} vectors are of snippets that are not there",
            ~exists().where(
                SnippetRow.id == VectorRow.snippet_id,
                SnippetRow.index_id == VectorRow.index_id,
                SnippetRow.file_id == VectorRow.file_id,
                SnippetRow.state != "removed",
            ),
        ),
        _removal_check(
            "{count} vectors stand for an embedding that is not there",
            ~exists().where(EmbeddingRow.id == VectorRow.embedding_id),
        ),
        _copied_code_check(),
        _unfinished_check(
            "{count} snippets have no code vector of the model in use",
            TaskType.CODE_EMBEDDINGS,
            has_vector(VectorKind.CODE),
            "embeds them",
        ),
        _unfinished_check(
            "{count} snippets have no text vector of the model in use",
            TaskType.ENRICH,
            has_vector(VectorKind.TEXT),
            "embeds them",
        ),
    )


ENRICHMENT_CHECKS = (
    _unfinished_check(
        "{count} snippets have no enrichment",
        TaskType.ENRICH,
        exists().where(EnrichmentRow.id == SnippetRow.enrichment_id),
        "enriches them",
    ),
)
