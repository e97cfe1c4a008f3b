"""Vectors, enrichments and their caches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, func, select, update

from kodit.domain.embedding import PackedVector
from kodit.domain.entities import StoredSnippet
from kodit.domain.value_objects import TaskType, VectorKind
from kodit.infrastructure.sql.followed_log import NOTE_NODE_PACK
from kodit.infrastructure.sqlalchemy.entities import (
    EMBEDDINGS,
    ENRICHMENTS,
    FILES,
    FORMER_VERSIONS,
    INDEXES,
    PENDING_SNIPPETS,
    SNIPPETS,
    VECTORS,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    InsertNew,
    Prepared,
    PreparedForMany,
    constant,
    insert_columns,
)
from kodit.infrastructure.sqlalchemy.unused import (
    OF_EMBEDDINGS,
    OF_ENRICHMENTS,
    hold,
    release,
    unlinked,
    use,
)

_EMBEDDINGS_BY_KEY = PreparedForMany(
    lambda keys: select(EMBEDDINGS.c.key, EMBEDDINGS.c.id, EMBEDDINGS.c.code).where(
        EMBEDDINGS.c.key.in_(keys)
    )
)
_IDS_OF_EMBEDDINGS = PreparedForMany(
    lambda keys: select(EMBEDDINGS.c.key, EMBEDDINGS.c.id).where(EMBEDDINGS.c.key.in_(keys))
)
"""Read from the index of the keys alone."""
_ADD_EMBEDDING = insert_columns(EMBEDDINGS, "index_id", "key", "code", "vector", kind=InsertNew)
_ENRICHMENTS_BY_KEY = PreparedForMany(
    lambda keys: select(ENRICHMENTS.c.key, ENRICHMENTS.c.id, ENRICHMENTS.c.text).where(
        ENRICHMENTS.c.key.in_(keys)
    )
)
_IDS_OF_ENRICHMENTS = PreparedForMany(
    lambda keys: select(ENRICHMENTS.c.key, ENRICHMENTS.c.id).where(ENRICHMENTS.c.key.in_(keys))
)
_ADD_ENRICHMENT = insert_columns(ENRICHMENTS, "index_id", "key", "text", kind=InsertNew)
_FORMER_ENRICHMENTS = PreparedForMany(
    lambda ids: select(SNIPPETS.c.enrichment_id).where(
        SNIPPETS.c.id.in_(ids), SNIPPETS.c.enrichment_id.is_not(None)
    )
)
_LINK_ENRICHMENT = Prepared(
    update(SNIPPETS)
    .where(SNIPPETS.c.id == bindparam("snippet"))
    .values(enrichment_id=bindparam("enrichment"))
)
_ADD_VECTOR = insert_columns(
    VECTORS, "index_id", "kind", "snippet_id", "version_id", "embedding_id", "model", "code"
)
_DROP_VECTORS = PreparedForMany(
    lambda ids: (
        delete(VECTORS)
        .where(
            VECTORS.c.index_id == bindparam("of_index"),
            VECTORS.c.kind == bindparam("of_kind"),
            VECTORS.c.snippet_id.in_(ids),
        )
        .returning(VECTORS.c.embedding_id)
    )
)
FINISH = PreparedForMany(
    lambda ids: delete(PENDING_SNIPPETS).where(
        PENDING_SNIPPETS.c.index_id == bindparam("of_index"),
        PENDING_SNIPPETS.c.stage == bindparam("of_stage"),
        PENDING_SNIPPETS.c.snippet_id.in_(ids),
    )
)
_VERSION_OF_NEXT = Prepared(
    select(SNIPPETS.c.version_id).where(
        SNIPPETS.c.id
        == select(func.min(PENDING_SNIPPETS.c.snippet_id))
        .where(
            PENDING_SNIPPETS.c.index_id == bindparam("of_index"),
            PENDING_SNIPPETS.c.stage == bindparam("of_stage"),
        )
        .scalar_subquery()
    )
)
_SUPERSEDED = Prepared(
    select(SNIPPETS.c.id)
    .join(VECTORS, VECTORS.c.snippet_id == SNIPPETS.c.id)
    .where(
        SNIPPETS.c.index_id == bindparam("of_index"),
        SNIPPETS.c.state.in_([constant(state) for state in ("superseded", "removed")]),
        VECTORS.c.index_id == bindparam("of_index"),
        VECTORS.c.kind == bindparam("of_kind"),
    )
)
_SUPERSEDED_BY_VERSIONS = PreparedForMany(
    lambda ids: select(SNIPPETS.c.id).where(
        FILES.c.version_id.in_(ids),
        FORMER_VERSIONS.c.index_id == FILES.c.index_id,
        FORMER_VERSIONS.c.path_id == FILES.c.path_id,
        SNIPPETS.c.version_id == FORMER_VERSIONS.c.version_id,
        SNIPPETS.c.state == "superseded",
    )
)


class SqlEmbeddingRepository:
    """Embeddings and vectors over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)

    def cached(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        rows = _EMBEDDINGS_BY_KEY.run(self._driver, keys)
        return {bytes(key): (embedding_id, bytes(code)) for key, embedding_id, code in rows}

    def add(
        self, index_id: int, vectors: Mapping[bytes, PackedVector]
    ) -> dict[bytes, tuple[int, bytes]]:
        added = _ADD_EMBEDDING.run_many(
            self._driver,
            (
                {
                    "index_id": index_id,
                    "key": key,
                    "code": vector.code,
                    "vector": vector.values,
                }
                for key, vector in vectors.items()
            ),
        )
        if added < len(vectors):
            # Another index has stored some of them since the cache was read.
            return self.cached(list(vectors))
        rows = _IDS_OF_EMBEDDINGS.run(self._driver, list(vectors))
        return {bytes(key): (embedding_id, vectors[bytes(key)].code) for key, embedding_id in rows}

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
        hold(self._driver, EMBEDDINGS, (embedding_id for embedding_id, _code in embeddings))
        # A vector of an earlier model may be there.
        self.drop(index_id, kind, ids)
        FINISH.run(self._driver, ids, {"of_index": index_id, "of_stage": stage.name})
        _ADD_VECTOR.run_many(
            self._driver,
            (
                {
                    "index_id": index_id,
                    "kind": kind.value,
                    "snippet_id": snippet.id,
                    "version_id": snippet.file_id,
                    "embedding_id": embedding_id,
                    "model": model,
                    "code": code,
                }
                for snippet, (embedding_id, code) in zip(snippets, embeddings, strict=True)
            ),
        )
        use(self._driver, EMBEDDINGS, (embedding_id for embedding_id, _code in embeddings))
        # Snippets are embedded in the order of their ids, and those of a file are consecutive: of
        # all these files, only the next one may still lack some vectors.
        next_one = _VERSION_OF_NEXT.run(
            self._driver, {"of_index": index_id, "of_stage": stage.name}
        )
        complete = {snippet.file_id for snippet in snippets} - {row[0] for row in next_one}
        superseded = _SUPERSEDED_BY_VERSIONS.run(self._driver, sorted(complete))
        self.drop(index_id, kind, [row[0] for row in superseded])

    def note_pack(self, index_id: int, kind: VectorKind, token: str) -> None:
        if self._driver.is_concurrent:
            of_kind = {"of_index": index_id, "of_kind": kind.value, "with_token": token}
            NOTE_NODE_PACK.run(self._driver, of_kind)
        column = INDEXES.c.code_pack if kind is VectorKind.CODE else INDEXES.c.text_pack
        self._connection.execute(
            update(INDEXES).where(INDEXES.c.id == index_id).values({column: token})
        )

    def superseded(self, index_id: int, kind: VectorKind) -> list[int]:
        of_kind = {"of_index": index_id, "of_kind": kind.value}
        return sorted(row[0] for row in _SUPERSEDED.run(self._driver, of_kind))

    def drop(self, index_id: int, kind: VectorKind, snippet_ids: Sequence[int]) -> None:
        of_kind = {"of_index": index_id, "of_kind": kind.value}
        dropped = _DROP_VECTORS.run(self._driver, snippet_ids, of_kind)
        release(self._driver, EMBEDDINGS, (row[0] for row in dropped))

    def unlinked(self, index_id: int) -> list[int]:
        return unlinked(self._connection, OF_EMBEDDINGS, index_id)

    def release(self, ids: Sequence[int]) -> None:
        release(self._driver, EMBEDDINGS, ids)


class SqlEnrichmentRepository:
    """Enrichments over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)

    def unlinked(self, index_id: int) -> list[int]:
        return unlinked(self._connection, OF_ENRICHMENTS, index_id)

    def release(self, ids: Sequence[int]) -> None:
        release(self._driver, ENRICHMENTS, ids)

    def cached(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, str]]:
        rows = _ENRICHMENTS_BY_KEY.run(self._driver, keys)
        return {bytes(key): (enrichment_id, text) for key, enrichment_id, text in rows}

    def add(self, index_id: int, texts: Mapping[bytes, str]) -> dict[bytes, int]:
        _ADD_ENRICHMENT.run_many(
            self._driver,
            ({"index_id": index_id, "key": key, "text": text} for key, text in texts.items()),
        )
        rows = _IDS_OF_ENRICHMENTS.run(self._driver, list(texts))
        return {bytes(key): enrichment_id for key, enrichment_id in rows}

    def link(self, enrichments: Mapping[int, int]) -> None:
        hold(self._driver, ENRICHMENTS, enrichments.values())
        former = _FORMER_ENRICHMENTS.run(self._driver, list(enrichments))
        _LINK_ENRICHMENT.run_many(
            self._driver,
            (
                {"snippet": snippet_id, "enrichment": enrichment_id}
                for snippet_id, enrichment_id in enrichments.items()
            ),
        )
        use(self._driver, ENRICHMENTS, enrichments.values())
        release(self._driver, ENRICHMENTS, (row[0] for row in former))
