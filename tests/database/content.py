"""An index whose files are given snippets by their texts, directly through the repositories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CursorResult
from tests.support.files import of_files

from kodit.domain.embedding import PackedVector
from kodit.domain.entities import IndexedFile, Snippet
from kodit.domain.keyword import KeywordOperation
from kodit.domain.ports.repositories import ExtractedFile, SnippetCounts
from kodit.domain.snippet import SlicedFile
from kodit.domain.value_objects import (
    FileProcessingStatus,
    Source,
    SourceKind,
    Symbol,
    SymbolKind,
    TaskType,
    VectorKind,
)
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CODE, ENRICH = TaskType.CODE_EMBEDDINGS, TaskType.ENRICH


def rows(transaction: SqlTransaction, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Parameters are written `?`."""
    return [tuple(row) for row in change(transaction, query, *values)]


def change(transaction: SqlTransaction, statement: str, *values: object) -> CursorResult[Any]:
    """Parameters are written `?`."""
    if transaction.cursors.names_with_percent:
        statement = statement.replace("%", "%%").replace("?", "%s")
    return transaction.connection.exec_driver_sql(statement, values)


class Content:
    """One index with files that are given snippets by their texts."""

    def __init__(
        self, transaction: SqlTransaction, location: str, paths: Sequence[str] = "ab"
    ) -> None:
        self.transaction = transaction
        self.id = transaction.indexes.add(Source(SourceKind.FOLDER, location), NOW).id
        self.files: dict[str, int] = {}
        files = [IndexedFile(0, path, "0" * 40, FileProcessingStatus.ADDED) for path in paths]
        transaction.indexes.add_files(self.id, files)
        for path, file in transaction.indexes.files_by_path(self.id, list(paths)).items():
            self.files[path] = file.id

    @property
    def versions(self) -> dict[str, int]:
        """By path, the current versions."""
        query = of_files(
            "SELECT path, version_id FROM FILES WHERE index_id = ? AND version_id IS NOT NULL"
        )
        return {row[0]: row[1] for row in rows(self.transaction, query, self.id)}

    def replace(self, **texts: Sequence[str] | None) -> SnippetCounts:
        """Give files these snippets, all in one transaction; None for a deleted file."""
        extracted = []
        for path, lines in texts.items():
            symbol = Symbol(f"name_{path}", SymbolKind.METHOD, "Scope")
            sliced = (
                lines
                if lines is None
                else SlicedFile(
                    path,
                    "python",
                    tuple(
                        Snippet(path, line, line, "python", symbol, text)
                        for line, text in enumerate(lines, 1)
                    ),
                )
            )
            extracted.append(ExtractedFile(self.files[path], "1" * 40, "v1", sliced))
        return self.transaction.snippets.replace(self.id, extracted)

    def embed(self, limit: int = 99, kind: VectorKind = VectorKind.CODE, model: str = "m") -> None:
        """Vectors for the next pending snippets."""
        stage = CODE if kind is VectorKind.CODE else ENRICH
        batch = self.transaction.snippets.pending(self.id, stage, limit)
        keys = [f"{model} {snippet.text}".encode() for snippet in batch]
        made = self.transaction.embeddings.add(
            self.id, {key: PackedVector(b"vector", b"code") for key in keys}
        )
        linked = [made[key] for key in keys]
        self.transaction.embeddings.link(kind, stage, model, batch, linked)

    def answering(self, kind: VectorKind = VectorKind.CODE) -> list[str]:
        """The texts that have a vector."""
        query = (
            "SELECT snippet_texts.text FROM vectors JOIN snippets ON snippets.id = snippet_id "
            "JOIN snippet_texts ON snippet_texts.id = text_id "
        )
        where = "WHERE vectors.index_id = ? AND vectors.kind = ?"
        return sorted(row[0] for row in rows(self.transaction, query + where, self.id, kind.value))

    def in_state(self, state: str) -> list[str]:
        query = (
            "SELECT snippet_texts.text FROM snippets "
            "JOIN snippet_texts ON snippet_texts.id = text_id WHERE index_id = ? AND state = ?"
        )
        return sorted(row[0] for row in rows(self.transaction, query, self.id, state))

    def pending(self, stage: TaskType) -> list[str]:
        return [one.text for one in self.transaction.snippets.pending(self.id, stage, 99)]

    def changes(self) -> list[tuple[KeywordOperation, str | None]]:
        """The log, with the text of each addition that still exists."""
        log = self.transaction.keyword_log.read(self.id, 99)
        return [(one.operation, one.snippet.text if one.snippet else None) for one in log.changes]
