"""Vectors, enrichments and their caches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update
from sqlalchemy.orm import aliased

from kodit.domain.embedding import PackedVector
from kodit.domain.search import StoredSnippet, VectorKind
from kodit.domain.task import TaskType
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import (
    EmbeddingRow,
    EnrichmentRow,
    PendingSnippetRow,
    SnippetRow,
    VectorRow,
    table_of,
)


class SqlEmbeddingRepository:
    """Embeddings and vectors over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cached(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        return {
            row.key: (row.id, row.code)
            for some in in_chunks(keys)
            for row in self._connection.execute(
                select(EmbeddingRow.key, EmbeddingRow.id, EmbeddingRow.code).where(
                    EmbeddingRow.key.in_(some)
                )
            )
        }

    def add(
        self, index_id: int, vectors: Mapping[bytes, PackedVector]
    ) -> dict[bytes, tuple[int, bytes]]:
        # Another index may have stored some of them since the cache was asked.
        stored = self.cached(list(vectors))
        missing = [
            {"index_id": index_id, "key": key, "code": vector.code, "vector": vector.values}
            for key, vector in vectors.items()
            if key not in stored
        ]
        if missing:
            rows = self._connection.execute(
                insert(EmbeddingRow).returning(
                    EmbeddingRow.key, EmbeddingRow.id, sort_by_parameter_order=True
                ),
                missing,
            )
            stored.update((row.key, (row.id, vectors[row.key].code)) for row in rows)
        return stored

    def link(
        self,
        kind: VectorKind,
        stage: TaskType,
        model: str,
        snippets: Sequence[StoredSnippet],
        embeddings: Sequence[tuple[int, bytes]],
    ) -> None:
        if not snippets:
            return
        index_id = snippets[0].index_id
        ids = [snippet.id for snippet in snippets]
        same_kind = (VectorRow.index_id == index_id, VectorRow.kind == kind.value)
        for some in in_chunks(ids):
            # A vector of a former model may be in the place.
            self._connection.execute(
                delete(VectorRow).where(*same_kind, VectorRow.snippet_id.in_(some))
            )
            self._connection.execute(
                delete(PendingSnippetRow).where(
                    PendingSnippetRow.index_id == index_id,
                    PendingSnippetRow.stage == stage.name,
                    PendingSnippetRow.snippet_id.in_(some),
                )
            )
        self._connection.execute(
            insert(VectorRow),
            [
                {
                    "index_id": index_id,
                    "kind": kind.value,
                    "snippet_id": snippet.id,
                    "file_id": snippet.file_id,
                    "embedding_id": embedding_id,
                    "model": model,
                    "code": code,
                }
                for snippet, (embedding_id, code) in zip(snippets, embeddings, strict=True)
            ],
        )
        self._drop_superseded(same_kind, stage, {snippet.file_id for snippet in snippets})

    def drop_superseded(self, index_id: int, kind: VectorKind) -> None:
        dead = select(SnippetRow.id).where(
            SnippetRow.index_id == index_id, SnippetRow.state != "live"
        )
        self._connection.execute(
            delete(VectorRow).where(
                VectorRow.index_id == index_id,
                VectorRow.kind == kind.value,
                VectorRow.snippet_id.in_(dead),
            )
        )

    def _drop_superseded(
        self, same_kind: tuple[Any, ...], stage: TaskType, file_ids: set[int]
    ) -> None:
        """Drop the vectors of superseded snippets of those files that are complete now."""
        other = aliased(SnippetRow)
        incomplete = (
            exists()
            .where(PendingSnippetRow.snippet_id == other.id)
            .where(PendingSnippetRow.stage == stage.name)
            .where(other.file_id == SnippetRow.file_id)
        )
        for some in in_chunks(sorted(file_ids)):
            superseded = select(SnippetRow.id).where(
                SnippetRow.file_id.in_(some), SnippetRow.state == "superseded", ~incomplete
            )
            ids = list(self._connection.execute(superseded).scalars())
            for dropped in in_chunks(ids):
                self._connection.execute(
                    delete(VectorRow).where(*same_kind, VectorRow.snippet_id.in_(dropped))
                )


class SqlEnrichmentRepository:
    """Enrichments over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cached(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, str]]:
        return {
            row.key: (row.id, row.text)
            for some in in_chunks(keys)
            for row in self._connection.execute(
                select(EnrichmentRow.key, EnrichmentRow.id, EnrichmentRow.text).where(
                    EnrichmentRow.key.in_(some)
                )
            )
        }

    def add(self, index_id: int, texts: Mapping[bytes, str]) -> dict[bytes, int]:
        stored = {key: found[0] for key, found in self.cached(list(texts)).items()}
        missing = [
            {"index_id": index_id, "key": key, "text": text}
            for key, text in texts.items()
            if key not in stored
        ]
        if missing:
            rows = self._connection.execute(
                insert(EnrichmentRow).returning(
                    EnrichmentRow.key, EnrichmentRow.id, sort_by_parameter_order=True
                ),
                missing,
            )
            stored.update((row.key, row.id) for row in rows)
        return stored

    def link(self, enrichments: Mapping[int, int]) -> None:
        if enrichments:
            self._connection.execute(
                update(table_of(SnippetRow))
                .where(SnippetRow.id == bindparam("snippet"))
                .values(enrichment_id=bindparam("enrichment")),
                [
                    {"snippet": snippet_id, "enrichment": enrichment_id}
                    for snippet_id, enrichment_id in enrichments.items()
                ],
            )
