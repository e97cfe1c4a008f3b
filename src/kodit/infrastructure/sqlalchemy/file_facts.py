"""Facts about single files, to explain why one is in an index or not."""

from __future__ import annotations

from sqlalchemy import Connection, Exists, and_, exists, func, select

from kodit.domain.left_out import FileFacts, SnippetFacts, UnreadFile
from kodit.domain.text import is_text
from kodit.domain.value_objects import TaskType, VectorKind
from kodit.infrastructure.mappers.moments import to_optional_moment
from kodit.infrastructure.mappers.statuses import DELETED, text_to_status
from kodit.infrastructure.sqlalchemy.entities import (
    FILE_HISTORIES,
    FILES,
    KEYWORD_CHANGES,
    PATHS,
    PENDING_SNIPPETS,
    SNIPPETS,
    STALE_FILES,
    VECTORS,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

_FILES = (
    FILES.join(PATHS, PATHS.c.id == FILES.c.path_id)
    .outerjoin(VERSIONS, VERSIONS.c.id == FILES.c.version_id)
    .outerjoin(
        STALE_FILES,
        and_(STALE_FILES.c.index_id == FILES.c.index_id, STALE_FILES.c.path_id == FILES.c.path_id),
    )
)
_CONTENT_HASH = func.coalesce(STALE_FILES.c.content_hash, VERSIONS.c.content_hash, "")
_NOT_DELETED = FILES.c.status != DELETED


class SqlFileFacts:
    """Reads the facts from one database."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def unread(self, index_id: int) -> list[UnreadFile]:
        query = (
            select(PATHS.c.path, FILES.c.problem, _CONTENT_HASH.label("content_hash"))
            .select_from(_FILES)
            .where(
                FILES.c.index_id == index_id,
                FILES.c.problem.is_not(None),
                VERSIONS.c.language.is_(None),
                _NOT_DELETED,
            )
            .order_by(PATHS.c.path)
        )
        with self._database.read() as transaction:
            rows = transaction.connection.execute(query).all()
        return [UnreadFile(row.path, row.problem or "", row.content_hash) for row in rows]

    def facts(self, index_id: int, path: str) -> tuple[FileFacts, tuple[SnippetFacts, ...]] | None:
        if not is_text(path):
            return None
        query = (
            select(
                FILES,
                PATHS.c.path,
                VERSIONS.c.language,
                _CONTENT_HASH.label("content_hash"),
                STALE_FILES.c.path_id.is_(None).label("is_extracted"),
                FILE_HISTORIES.c.author,
                FILE_HISTORIES.c.changed_at,
                FILE_HISTORIES.c.created_at,
            )
            .select_from(
                _FILES.outerjoin(
                    FILE_HISTORIES,
                    and_(
                        FILE_HISTORIES.c.path_id == FILES.c.path_id,
                        FILE_HISTORIES.c.number == FILES.c.history,
                    ),
                )
            )
            .where(FILES.c.index_id == index_id, PATHS.c.path == path)
        )
        with self._database.read() as transaction:
            row = transaction.connection.execute(query).first()
            if row is None:
                return None
            snippets = _snippets(transaction.connection, row.version_id)
        facts = FileFacts(
            id=row.path_id,
            path=row.path,
            status=text_to_status(row.status),
            content_hash=row.content_hash,
            language=row.language,
            size=row.size,
            problem=row.problem,
            is_extracted=row.is_extracted,
            author=row.author,
            changed_at=to_optional_moment(row.changed_at),
            created_at=to_optional_moment(row.created_at),
        )
        return facts, snippets


def _snippets(connection: Connection, version_id: int | None) -> tuple[SnippetFacts, ...]:
    def waits_for(stage: TaskType) -> Exists:
        return exists().where(
            PENDING_SNIPPETS.c.stage == stage.name,
            PENDING_SNIPPETS.c.snippet_id == SNIPPETS.c.id,
        )

    def has_vector(kind: VectorKind) -> Exists:
        return exists().where(
            VECTORS.c.kind == kind.value,
            VECTORS.c.snippet_id == SNIPPETS.c.id,
        )

    query = (
        select(
            SNIPPETS.c.start_line,
            SNIPPETS.c.end_line,
            SNIPPETS.c.symbol,
            SNIPPETS.c.kind,
            SNIPPETS.c.scope,
            (~exists().where(KEYWORD_CHANGES.c.snippet_id == SNIPPETS.c.id)).label("keyword"),
            (~waits_for(TaskType.CODE_EMBEDDINGS) & has_vector(VectorKind.CODE)).label("code"),
            (~waits_for(TaskType.ENRICH) & has_vector(VectorKind.TEXT)).label("text"),
        )
        .where(SNIPPETS.c.version_id == version_id, SNIPPETS.c.state == "live")
        .order_by(SNIPPETS.c.start_line, SNIPPETS.c.id)
    )
    return tuple(
        SnippetFacts(
            start_line=row.start_line,
            end_line=row.end_line,
            symbol=row.symbol,
            kind=row.kind,
            scope=row.scope,
            stages={
                TaskType.EXTRACT.name: True,
                TaskType.BM25_INDEX.name: bool(row.keyword),
                TaskType.CODE_EMBEDDINGS.name: bool(row.code),
                TaskType.ENRICH.name: bool(row.text),
            },
        )
        for row in connection.execute(query)
    )
