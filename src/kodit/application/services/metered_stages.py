"""The two stages that call models, if a model is behind an endpoint: what it answers is stored at
once, and what may not be sent is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import NamedTuple

from kodit.application.services.metered_models import (
    StageAtEndpoint,
    embed_metered,
    enrich_metered,
    payer_of,
    release_unlinked,
)
from kodit.application.services.stage import Stage
from kodit.application.services.threads import in_thread
from kodit.application.services.vector_stages import (
    SNIPPETS_PER_BATCH,
    CacheMovedError,
    VectorStages,
    check_answer,
)
from kodit.domain.embedding import PackedVector
from kodit.domain.entities import ProgressTracker, StoredSnippet
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.engines import Embedder, Enricher, VectorIndex
from kodit.domain.ports.metered import MeteredEmbedder, MeteredEnricher, PrivateFilesOf
from kodit.domain.value_objects import TaskOperation, TaskType, VectorKind

PRIVATE = "\0private"
"""Stands for the text of a snippet that may not be sent, which no snippet has."""


class _Pass(NamedTuple):
    """One pass over the pending snippets: whether it links the vectors, and whether it counts the
    texts that are cached."""

    links: bool
    counts: bool


class _Embedded(NamedTuple):
    """Snippets, the keys of their vectors, those of the vectors that are not stored yet, and how
    many were found in the cache."""

    snippets: Sequence[StoredSnippet]
    keys: Sequence[bytes]
    vectors: Mapping[bytes, PackedVector]
    cached: int = 0


class MeteredStages(VectorStages):
    """Processes one index at a time. What is private gets vectors that are similar to nothing, and
    descriptions that are made without the endpoint."""

    def __init__(
        self,
        embedder: Embedder,
        enricher: Enricher,
        vector_index: VectorIndex,
        private: PrivateFilesOf,
    ) -> None:
        """`private` decides what is not sent."""
        super().__init__(embedder, enricher, vector_index)
        self._private = private

    async def _embed_in_store(self, stage: Stage, step: ProgressTracker) -> None:
        for one in await self._passes(stage, VectorKind.CODE):
            await self._embed_all(stage, step, one)
        await self._finish(stage, step, VectorKind.CODE)

    async def _embed_all(self, stage: Stage, step: ProgressTracker, one: _Pass) -> None:
        endpoint = await StageAtEndpoint.begin(stage, self._private)
        batches = count(1)
        after = 0
        while snippets := await self._next(stage, step, TaskType.CODE_EMBEDDINGS, after):
            texts = [snippet.text for snippet in snippets]
            with suppress(CacheMovedError):  # the batch is still pending, and comes again
                embedded = await self._embed(stage, step, snippets, texts, endpoint)
                await self._count_cached(stage, step, embedded.cached if one.counts else 0)
                if one.links:
                    await self._link(stage, step, VectorKind.CODE, embedded)
                else:
                    after = snippets[-1].id
            if one.links:
                await self._extend(stage, step, VectorKind.CODE, next(batches))

    async def _enrich_in_store(self, stage: Stage, step: ProgressTracker) -> None:
        """Enrichments are stored before they are embedded, because they may have been paid for."""
        endpoint = await StageAtEndpoint.begin(stage, self._private)
        with step.create_child(TaskOperation.CREATE_TEXT_EMBEDDINGS) as embedding:
            for one in await self._passes(stage, VectorKind.TEXT):
                await self._enrich_all(stage, step, embedding, endpoint, one)
        await self._finish(stage, step, VectorKind.TEXT)

    async def _enrich_all(
        self,
        stage: Stage,
        step: ProgressTracker,
        embedding: ProgressTracker,
        endpoint: StageAtEndpoint,
        one: _Pass,
    ) -> None:
        batches = count(1)
        after = 0
        while snippets := await self._next(stage, step, TaskType.ENRICH, after):
            embedding.set_total(step.total)
            with suppress(CacheMovedError):  # likewise
                enriched, texts = await self._describe(stage, step, snippets, endpoint, one)
                embedded = await self._embed(stage, step, enriched, texts, endpoint)
                await self._count_cached(stage, step, embedded.cached if one.counts else 0)
                if one.links:
                    await self._link(stage, step, VectorKind.TEXT, embedded)
                else:
                    after = snippets[-1].id
                embedding.set_current(step.current)
            if one.links:
                await self._extend(stage, step, VectorKind.TEXT, next(batches))

    async def _passes(self, stage: Stage, kind: VectorKind) -> tuple[_Pass, ...]:
        """The passes over the pending snippets. If an index has vectors of another model than a
        metered one, everything is embedded first, and linked only then: until then, searches use
        the vectors of the other model."""
        if not isinstance(self._embedder, MeteredEmbedder):
            return (_Pass(links=True, counts=True),)
        models = await stage.read(
            lambda transaction: transaction.endpoints.models_of([stage.store_id], kind)
        )
        others = set(models[stage.store_id]) - {self._embedder.model}
        if others:
            return (_Pass(links=False, counts=True), _Pass(links=True, counts=False))
        return (_Pass(links=True, counts=True),)

    async def _count_cached(self, stage: Stage, step: ProgressTracker, cached: int) -> None:
        """Count the texts for which a metered model was not called."""
        embedder = self._embedder
        if not cached or not isinstance(embedder, MeteredEmbedder):
            return
        run_id = payer_of(stage).run_id

        def count_them(transaction: Transaction) -> tuple[None, dict[str, int]]:
            embedder.note_cached(transaction, run_id, cached)
            return None, {"texts_cached": cached}

        await stage.commit(count_them, step)

    async def _next(
        self, stage: Stage, step: ProgressTracker, stage_type: TaskType, after: int
    ) -> list[StoredSnippet]:
        def read(transaction: Transaction) -> tuple[list[StoredSnippet], int | None]:
            total = None
            if step.total is None:
                total = transaction.snippets.count_pending(
                    stage.store_id, stage_type, stage.of_index
                )
                if not total:
                    return [], 0
            batch = transaction.snippets.pending(
                stage.store_id,
                stage_type,
                SNIPPETS_PER_BATCH,
                after=after,
                of_index=stage.of_index,
            )
            return batch, total

        snippets, total = await stage.read(read)
        if total is not None:
            step.set_total(total)
        return snippets

    async def _embed(
        self,
        stage: Stage,
        step: ProgressTracker,
        snippets: Sequence[StoredSnippet],
        texts: Sequence[str],
        endpoint: StageAtEndpoint,
    ) -> _Embedded:
        """Get the vectors that are not cached from the model."""
        embedder = self._embedder
        if not isinstance(embedder, MeteredEmbedder):
            keys = self._embedding.local_keys(embedder.model, texts)
            known = await stage.read(lambda transaction: transaction.embeddings.cached(keys))
            missing = self._embedding.missing(keys, texts, known)
            answers = await embedder.embed(list(missing.values())) if missing else []
            check_answer("embeddings", len(missing), len(answers))
            return _Embedded(snippets, keys, dict(zip(missing, answers, strict=True)))
        private = {snippet.id for snippet in snippets if endpoint.holds(snippet)}
        prepared = await in_thread(partial(embedder.prepare, texts))
        blank = self._embedding.keys(embedder.model, [PRIVATE])[0]
        keys = [
            blank if snippet.id in private else key
            for snippet, key in zip(
                snippets, self._embedding.keys(embedder.model, prepared), strict=True
            )
        ]
        known = await stage.read(lambda transaction: transaction.embeddings.cached(keys))
        missing = self._embedding.missing(keys, prepared, known)
        vectors = {}
        if missing.pop(blank, None) is not None:
            vectors[blank] = await embedder.blank(payer_of(stage), lambda: None)
        await embed_metered(embedder, stage, step, missing)
        cached = len(snippets) - len(private) - len(missing)
        return _Embedded(snippets, keys, vectors, max(0, cached))

    async def _link(
        self, stage: Stage, step: ProgressTracker, kind: VectorKind, embedded: _Embedded
    ) -> None:
        """Store the vectors, and give each snippet its own."""
        if not embedded.snippets:
            return
        await stage.commit(
            partial(self._store_links, kind, embedded),
            step,
            reached=step.current + len(embedded.snippets),
        )

    async def _describe(
        self,
        stage: Stage,
        step: ProgressTracker,
        snippets: Sequence[StoredSnippet],
        endpoint: StageAtEndpoint,
        one: _Pass,
    ) -> tuple[Sequence[StoredSnippet], list[str]]:
        """The snippets with one text each, stored and linked; without those that the model had no
        usable answer for, which is recorded by the pass that links the vectors."""
        enricher = self._enricher
        keys = [self._enrichment_key(snippet) for snippet in snippets]
        if isinstance(enricher, MeteredEnricher):
            private_model = f"{enricher.model} {PRIVATE}"
            keys = [
                self._enrichment.key_at_path(private_model, snippet)
                if endpoint.holds(snippet)
                else key
                for snippet, key in zip(snippets, keys, strict=True)
            ]
        known = await stage.read(lambda transaction: transaction.enrichments.cached(keys))
        missing = {
            key: snippet for key, snippet in zip(keys, snippets, strict=True) if key not in known
        }
        before = await stage.read(
            lambda transaction: transaction.refusals.refused(
                stage.store_id, [snippet.id for snippet in snippets]
            )
        )
        cached = 0
        if isinstance(enricher, MeteredEnricher):
            kept = {key: snippet for key, snippet in missing.items() if endpoint.holds(snippet)}
            sent = {
                key: snippet
                for key, snippet in missing.items()
                if key not in kept and key not in endpoint.refused
            }
            cached = -len(sent) + sum(
                key not in endpoint.refused and not endpoint.holds(snippet)
                for key, snippet in zip(keys, snippets, strict=True)
            )
            if len(missing) < len(set(keys)):
                endpoint.note_answers()
            described = await enricher.describe_here(list(kept.values()))
            texts = dict(zip(kept, described, strict=True))
            endpoint.refused_before.update(
                key for key, snippet in sent.items() if snippet.id in before
            )
            await enrich_metered(enricher, stage, step, sent, endpoint)
            known |= await stage.read(
                lambda transaction: transaction.enrichments.cached(list(sent))
            )
        else:
            answers = await enricher.enrich(list(missing.values())) if missing else []
            check_answer("enrichments", len(missing), len(answers))
            texts = dict(zip(missing, answers, strict=True))
        by_id = {snippet.id: key for snippet, key in zip(snippets, keys, strict=True)}
        linked = {
            snippet_id: key
            for snippet_id, key in by_id.items()
            if key in known or key not in endpoint.refused
        }
        failed = {
            snippet_id: endpoint.refused[key]
            for snippet_id, key in by_id.items()
            if snippet_id not in linked and one.links
        }

        def store(transaction: Transaction) -> tuple[None, dict[str, int]]:
            ids = transaction.enrichments.add(stage.store_id, texts)
            still_known = transaction.enrichments.cached(list(known))
            if len(still_known) < len(known):
                raise CacheMovedError
            ids.update((key, found[0]) for key, found in still_known.items())
            if not ids.keys() >= set(linked.values()):
                raise CacheMovedError
            transaction.enrichments.link(
                {snippet_id: ids[key] for snippet_id, key in linked.items()}
            )
            counts = {"snippets_enriched": len(texts)}
            if cached and one.counts and isinstance(enricher, MeteredEnricher):
                enricher.note_cached(transaction, payer_of(stage).run_id, cached)
                counts["texts_cached"] = cached
            if before:
                transaction.refusals.forget(stage.store_id, list(linked.keys() & before))
            if failed:
                transaction.refusals.refuse(stage.store_id, failed)
                counts["snippets_refused"] = len(failed)
            return None, counts

        await stage.commit(store, step, reached=step.current + len(failed))
        texts.update((key, found[1]) for key, found in known.items())
        return (
            [snippet for snippet in snippets if snippet.id in linked],
            [
                self._embedded_text(snippet, texts[linked[snippet.id]])
                for snippet in snippets
                if snippet.id in linked
            ],
        )

    def _store_links(
        self, kind: VectorKind, embedded: _Embedded, transaction: Transaction
    ) -> tuple[None, dict[str, int]]:
        vectors = embedded.vectors
        stage_type = TaskType.CODE_EMBEDDINGS if kind is VectorKind.CODE else TaskType.ENRICH
        pending = transaction.snippets.still_pending(
            embedded.snippets[0].index_id, stage_type, [one.id for one in embedded.snippets]
        )
        keyed = [
            one
            for one in zip(embedded.snippets, embedded.keys, strict=True)
            if one[0].id in pending
        ]
        if not keyed:
            return None, {}
        snippets, keys = zip(*keyed, strict=True)
        embeddings = transaction.embeddings.add(snippets[0].index_id, vectors)
        embeddings.update(
            transaction.embeddings.cached([key for key in keys if key not in embeddings])
        )
        if any(key not in embeddings for key in keys):
            raise CacheMovedError
        transaction.embeddings.link(
            kind,
            stage_type,
            self._embedder.model,
            snippets,
            [embeddings[key] for key in keys],
        )
        is_metered = isinstance(self._embedder, MeteredEmbedder)  # then these are blank
        return None, {"texts_embedded": 0 if is_metered else len(vectors)}

    async def _finish(self, stage: Stage, step: ProgressTracker, kind: VectorKind) -> None:
        if kind is VectorKind.TEXT:
            await release_unlinked(stage, step)
        await super()._finish(stage, step, kind)
