"""The two stages that call models: code embeddings, and enrichment with its text embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import count

from kodit.application.services.stage import Stage
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.embedding import PackedVector
from kodit.domain.entities import ProgressTracker, StoredSnippet
from kodit.domain.errors import PermanentError
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.engines import Embedder, Enricher, VectorIndex
from kodit.domain.services.embedding_service import EmbeddingDomainService
from kodit.domain.services.enrichment_service import EnrichmentDomainService
from kodit.domain.value_objects import TaskOperation, TaskType, VectorKind

SNIPPETS_PER_BATCH = 256
BATCHES_PER_EXTENSION = 8
"""How many batches are stored between two preparations for search, each of which has a cost."""


class _CacheMovedError(Exception):
    """The cached result was deleted meanwhile, with the index that had paid for it."""


class VectorStages:
    """Processes the pending snippets of an index in batches, calling a model only for inputs that
    are not cached."""

    def __init__(self, embedder: Embedder, enricher: Enricher, vector_index: VectorIndex) -> None:
        self._embedder = embedder
        self._enricher = enricher
        self._vector_index = vector_index
        self._embedding = EmbeddingDomainService()
        self._enrichment = EnrichmentDomainService()

    def models(self) -> dict[TaskType, str]:
        """The model of each stage; if it changes, everything is done again."""
        return {
            TaskType.CODE_EMBEDDINGS: self._embedder.model,
            TaskType.ENRICH: f"{self._embedder.model} {self._enricher.model}",
        }

    def is_prepared(self, index_id: int) -> bool:
        """Whether the vectors of an index are prepared for searching."""
        model = self._embedder.model
        return all(self._vector_index.is_prepared(index_id, kind, model) for kind in VectorKind)

    async def embed_code(self, stage: Stage, step: ProgressTracker) -> None:
        """Embed the code of every pending snippet."""
        with_path = self._embedder.includes_path
        batches = count(1)
        while snippets := await self._next_batch(stage, step, TaskType.CODE_EMBEDDINGS):
            texts = [
                self._embedding.code_text(snippet, with_path=with_path) for snippet in snippets
            ]
            with suppress(_CacheMovedError):  # the batch is still pending, and comes again
                await self._embed_and_store(stage, step, VectorKind.CODE, snippets, texts)
            await self._extend(stage, step, VectorKind.CODE, next(batches))
        await self._finish(stage, step, VectorKind.CODE)

    async def enrich(self, stage: Stage, step: ProgressTracker) -> None:
        """Enrich every pending snippet, and embed the enriched text. Enrichments are stored before
        they are embedded, because they may have been paid for."""
        batches = count(1)
        with step.create_child(TaskOperation.CREATE_TEXT_EMBEDDINGS) as embedding:
            while snippets := await self._next_batch(stage, step, TaskType.ENRICH):
                embedding.set_total(step.total)
                with suppress(_CacheMovedError):  # likewise
                    texts = await self._enrich(stage, step, snippets)
                    await self._embed_and_store(stage, step, VectorKind.TEXT, snippets, texts)
                    embedding.set_current(step.current)
                await self._extend(stage, step, VectorKind.TEXT, next(batches))
        await self._finish(stage, step, VectorKind.TEXT)

    async def _next_batch(
        self, stage: Stage, step: ProgressTracker, stage_type: TaskType
    ) -> list[StoredSnippet]:
        def read(transaction: Transaction) -> tuple[list[StoredSnippet], int | None]:
            total = None
            if step.total is None:
                total = transaction.snippets.count_pending(stage.index_id, stage_type)
                if not total:
                    return [], 0
            batch = transaction.snippets.pending(stage.index_id, stage_type, SNIPPETS_PER_BATCH)
            return batch, total

        snippets, total = await stage.read(read)
        if total is not None:
            step.set_total(total)
        return snippets

    async def _embed_and_store(
        self,
        stage: Stage,
        step: ProgressTracker,
        kind: VectorKind,
        snippets: Sequence[StoredSnippet],
        texts: Sequence[str],
    ) -> None:
        """Get the vectors that are not cached from the model, and store all."""
        keys = self._embedding.keys(self._embedder.model, texts)
        known = await stage.read(lambda transaction: transaction.embeddings.cached(keys))
        missing = self._embedding.missing(keys, texts, known)
        answers = await self._embedder.embed(list(missing.values())) if missing else []
        _check_answer("embeddings", len(missing), len(answers))
        vectors = dict(zip(missing, answers, strict=True))
        await stage.commit(
            partial(self._store, kind, snippets, keys, vectors),
            step,
            reached=step.current + len(snippets),
        )

    async def _enrich(
        self, stage: Stage, step: ProgressTracker, snippets: Sequence[StoredSnippet]
    ) -> list[str]:
        """One text per snippet, stored and linked."""
        with_path = self._enricher.includes_path
        keys = [
            self._enrichment.key(self._enricher.model, snippet, with_path=with_path)
            for snippet in snippets
        ]
        known = await stage.read(lambda transaction: transaction.enrichments.cached(keys))
        missing = {
            key: snippet for key, snippet in zip(keys, snippets, strict=True) if key not in known
        }
        answers = await self._enricher.enrich(list(missing.values())) if missing else []
        _check_answer("enrichments", len(missing), len(answers))
        texts = dict(zip(missing, answers, strict=True))

        def store(transaction: Transaction) -> tuple[None, dict[str, int]]:
            ids = transaction.enrichments.add(stage.index_id, texts)
            still_known = transaction.enrichments.cached(list(known))
            if len(still_known) < len(known):
                raise _CacheMovedError
            ids.update((key, found[0]) for key, found in still_known.items())
            transaction.enrichments.link(
                {snippet.id: ids[key] for snippet, key in zip(snippets, keys, strict=True)}
            )
            return None, {"snippets_enriched": len(texts)}

        await stage.commit(store, step)
        texts.update((key, found[1]) for key, found in known.items())
        return [texts[key] for key in keys]

    def _store(
        self,
        kind: VectorKind,
        snippets: Sequence[StoredSnippet],
        keys: Sequence[bytes],
        vectors: dict[bytes, PackedVector],
        transaction: Transaction,
    ) -> tuple[None, dict[str, int]]:
        embeddings = transaction.embeddings.add(snippets[0].index_id, vectors)
        embeddings.update(
            transaction.embeddings.cached([key for key in keys if key not in embeddings])
        )
        if any(key not in embeddings for key in keys):
            raise _CacheMovedError
        transaction.embeddings.link(
            kind,
            TaskType.CODE_EMBEDDINGS if kind is VectorKind.CODE else TaskType.ENRICH,
            self._embedder.model,
            snippets,
            [embeddings[key] for key in keys],
        )
        return None, {"texts_embedded": len(vectors)}

    async def _extend(
        self, stage: Stage, step: ProgressTracker, kind: VectorKind, batch: int
    ) -> None:
        if batch % BATCHES_PER_EXTENSION == 0:
            token = await self._vector_index.extend(stage.index_id, kind, self._embedder.model)
            await self._note_pack(stage, step, kind, token)

    async def _finish(self, stage: Stage, step: ProgressTracker, kind: VectorKind) -> None:
        def drop(ids: Sequence[int], transaction: Transaction) -> tuple[None, dict[str, int]]:
            transaction.embeddings.drop(stage.index_id, kind, ids)
            return None, {}

        left = await stage.read(
            lambda transaction: transaction.embeddings.superseded(stage.index_id, kind)
        )
        for start in range(0, len(left), MOST_PER_TRANSACTION.rows):
            await stage.commit(partial(drop, left[start : start + MOST_PER_TRANSACTION.rows]), step)
        token = await self._vector_index.refresh(stage.index_id, kind, self._embedder.model)
        await self._note_pack(stage, step, kind, token)

    async def _note_pack(
        self, stage: Stage, step: ProgressTracker, kind: VectorKind, token: str | None
    ) -> None:
        if token is None:
            return

        def note(transaction: Transaction) -> tuple[None, dict[str, int]]:
            transaction.embeddings.note_pack(stage.index_id, kind, token)
            return None, {}

        await stage.commit(note, step)


def _check_answer(what: str, asked: int, answered: int) -> None:
    if asked != answered:
        raise PermanentError(f"the model was asked for {asked} {what} and returned {answered}")
