"""The two stages that call models: code embeddings, and enrichment with its text embeddings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count

from kodit.application.services.stage import Stage, commit_in_steps
from kodit.application.services.threads import in_thread
from kodit.domain.batches import MOST_PER_TRANSACTION, size_of
from kodit.domain.embedding import PackedVector
from kodit.domain.entities import ProgressTracker, StoredSnippet
from kodit.domain.errors import PermanentError
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.engines import Embedder, Enricher, VectorIndex
from kodit.domain.services.embedding_service import EmbeddingDomainService
from kodit.domain.services.enrichment_service import EnrichmentDomainService
from kodit.domain.value_objects import TaskOperation, TaskType, VectorKind

SNIPPETS_PER_BATCH = 256
INDEXES_PER_GROUP = 64
"""How many indexes share a batch, if they have few snippets. Each adds some 0.2 ms to its write
transaction."""
SECONDS_BETWEEN_LOOKS = 0.5
"""Between two looks at the work of another index."""
BATCHES_PER_EXTENSION = 8
"""How many batches are stored between two preparations for search, each of which has a cost."""


_KINDS = {TaskType.CODE_EMBEDDINGS: VectorKind.CODE, TaskType.ENRICH: VectorKind.TEXT}
_STAGES = {kind: stage_type for stage_type, kind in _KINDS.items()}


class CacheMovedError(Exception):
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
        self._turns = {stage_type: asyncio.Lock() for stage_type in _KINDS}

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

    async def follow(self, stage: Stage, step: ProgressTracker) -> None:
        """Mark the snippets of a store as pending that have results of another model."""
        followed = await stage.read(
            lambda transaction: transaction.snippets.followed(stage.store_id)
        )
        for stage_type, model in self.models().items():
            if followed.model_of(stage_type) != model:
                mark = partial(_follow_model, stage.store_id, stage_type, model)
                await commit_in_steps(stage, step, mark)

    async def embed_code(self, stage: Stage, step: ProgressTracker) -> None:
        """Embed the code of every pending snippet that the index has."""
        async for one in self._stores(stage, step, TaskType.CODE_EMBEDDINGS):
            await self._embed_in_store(one, step)

    async def enrich(self, stage: Stage, step: ProgressTracker) -> None:
        """Enrich every pending snippet that the index has, and embed the enriched text."""
        async for one in self._stores(stage, step, TaskType.ENRICH):
            await self._enrich_in_store(one, step)

    async def _stores(
        self, stage: Stage, step: ProgressTracker, stage_type: TaskType
    ) -> AsyncIterator[Stage]:
        """The stage at the index's own store, and then at those of other indexes in which versions
        that it has are not finished: whoever brought them may have been cancelled or deleted."""
        yield stage
        index_id = stage.index_id
        _own, *others = await stage.read(lambda transaction: transaction.versions.stores(index_id))
        for store_id in others:
            one = stage.at(store_id)
            await self.follow(one, step)
            await self._wait_for_owner(one, stage_type)
            pending = await one.read(partial(_count_pending, one, stage_type))
            is_prepared = await in_thread(
                partial(
                    self._vector_index.is_prepared,
                    store_id,
                    _KINDS[stage_type],
                    self._embedder.model,
                )
            )
            if pending or not is_prepared:
                step.set_total((step.total or 0) + pending)
                yield one

    async def _wait_for_owner(self, stage: Stage, stage_type: TaskType) -> None:
        """Wait while the index that brought some versions is working on them, if their texts would
        be paid for twice otherwise."""
        if self._may_share(stage_type):
            return

        def is_at_work(transaction: Transaction) -> bool:
            return bool(_count_pending(stage, stage_type, transaction)) and any(
                task.index_id == stage.store_id and task.type is stage_type
                for task in transaction.tasks.running_tasks()
            )

        while await stage.read(is_at_work):  # noqa: ASYNC110 - perhaps by another process
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    async def _embed_in_store(self, stage: Stage, step: ProgressTracker) -> None:
        await self._count(stage, step, TaskType.CODE_EMBEDDINGS)
        batches = count(1)
        while await self._embed_some(stage, step):
            await self._extend(stage, step, VectorKind.CODE, next(batches))
        await self._finish(stage, step, VectorKind.CODE)

    async def _embed_some(self, stage: Stage, step: ProgressTracker) -> bool:
        """Embed the code of the next batch; returns whether there was one."""
        async with self._next_batch(stage, step, TaskType.CODE_EMBEDDINGS) as snippets:
            texts = [snippet.text for snippet in snippets]
            if snippets:
                with suppress(CacheMovedError):  # the batch is still pending, and comes again
                    await self._embed_and_store(stage, step, VectorKind.CODE, snippets, texts)
        return bool(snippets)

    async def _enrich_in_store(self, stage: Stage, step: ProgressTracker) -> None:
        """Enrichments are stored before they are embedded, because they may have been paid for."""
        await self._count(stage, step, TaskType.ENRICH)
        batches = count(1)
        with step.create_child(TaskOperation.CREATE_TEXT_EMBEDDINGS) as embedding:
            embedding.set_total(step.total)
            while await self._enrich_some(stage, step):
                embedding.set_current(step.current)
                await self._extend(stage, step, VectorKind.TEXT, next(batches))
        await self._finish(stage, step, VectorKind.TEXT)

    async def _enrich_some(self, stage: Stage, step: ProgressTracker) -> bool:
        """Enrich the next batch; returns whether there was one."""
        async with self._next_batch(stage, step, TaskType.ENRICH) as snippets:
            if snippets:
                with suppress(CacheMovedError):  # likewise
                    found = await self._enrich(stage, step, snippets)
                    enriched = [snippet for snippet in snippets if snippet.id in found]
                    texts = [self._embedded_text(one, found[one.id]) for one in enriched]
                    await self._embed_and_store(stage, step, VectorKind.TEXT, enriched, texts)
        return bool(snippets)

    def _enrichment_key(self, snippet: StoredSnippet) -> bytes:
        is_local = self._enricher.includes_name
        return self._enrichment.key(self._enricher.model, snippet, is_local=is_local)

    def _embedded_text(self, snippet: StoredSnippet, enrichment: str) -> str:
        with_name = self._enricher.includes_name
        return self._enrichment.text(snippet, enrichment, with_name=with_name)

    async def _count(self, stage: Stage, step: ProgressTracker, stage_type: TaskType) -> None:
        if stage.of_index is None:
            step.set_total(await stage.read(partial(_count_pending, stage, stage_type)))

    @asynccontextmanager
    async def _next_batch(
        self, stage: Stage, step: ProgressTracker, stage_type: TaskType
    ) -> AsyncIterator[list[StoredSnippet]]:
        """The next pending snippets of the index. A small batch is filled up with those of other
        indexes that have few, so that the stages of these find nothing left to do; only one such
        batch is processed at a time."""
        if not step.total:
            yield []
            return
        left = step.total - step.current
        is_small = 0 < left < SNIPPETS_PER_BATCH
        own = partial(_pending, stage, stage_type)
        if not is_small or not self._may_share(stage_type):
            yield await stage.read(own)
            return
        shared = partial(_pending_of_some, stage, stage_type, self.models()[stage_type])
        async with self._turns[stage_type]:
            yield await stage.read(shared if stage.is_first_attempt else own)

    def _may_share(self, stage_type: TaskType) -> bool:
        """Whether the stage of one index may process snippets of another, which that one may be
        processing too: not if a text would be paid for twice."""
        is_local = self._embedder.is_local
        if stage_type is TaskType.ENRICH:
            is_local = is_local and self._enricher.includes_name
        return is_local

    async def _embed_and_store(
        self,
        stage: Stage,
        step: ProgressTracker,
        kind: VectorKind,
        snippets: Sequence[StoredSnippet],
        texts: Sequence[str],
    ) -> None:
        """Get the vectors that are not cached from the model, and store all."""
        keys = self._embedding.local_keys(self._embedder.model, texts)
        known = await stage.read(lambda transaction: transaction.embeddings.cached(keys))
        missing = self._embedding.missing(keys, texts, known)
        answers = await self._embedder.embed(list(missing.values())) if missing else []
        check_answer("embeddings", len(missing), len(answers))
        vectors = dict(zip(missing, answers, strict=True))
        own = sum(snippet.index_id == stage.store_id for snippet in snippets)
        keyed = list(zip(snippets, keys, strict=True))
        store = partial(self._store, stage.store_id, kind, keyed, vectors)
        await stage.commit(store, step, reached=step.current + own)

    async def _enrich(
        self, stage: Stage, step: ProgressTracker, snippets: Sequence[StoredSnippet]
    ) -> dict[int, str]:
        """The texts by snippet, stored and linked; without those of other indexes that are left to
        their own stages."""
        keys = [self._enrichment_key(snippet) for snippet in snippets]
        known = await stage.read(lambda transaction: transaction.enrichments.cached(keys))
        missing = {
            key: snippet for key, snippet in zip(keys, snippets, strict=True) if key not in known
        }
        answers = await self._enricher.enrich(list(missing.values())) if missing else []
        check_answer("enrichments", len(missing), len(answers))
        texts = dict(zip(missing, answers, strict=True))

        def store(transaction: Transaction) -> tuple[list[tuple[int, bytes]], dict[str, int]]:
            if len(transaction.enrichments.cached(list(known))) < len(known):
                raise CacheMovedError
            made = dict(texts)
            counts: dict[str, int] = {}
            linked: list[tuple[int, bytes]] = []
            keyed = list(zip(snippets, keys, strict=True))
            for index_id, some in _by_index(transaction, stage.store_id, TaskType.ENRICH, keyed):
                of_index = {key: made.pop(key) for _snippet, key in some if key in made}
                ids = transaction.enrichments.add(index_id, of_index)
                others = transaction.enrichments.cached(
                    [key for _snippet, key in some if key not in ids]
                )
                ids.update((key, found[0]) for key, found in others.items())
                transaction.enrichments.link({snippet.id: ids[key] for snippet, key in some})
                linked += ((snippet.id, key) for snippet, key in some)
                counted = {"snippets_enriched": len(of_index)}
                if index_id == stage.store_id:
                    counts = counted
                else:
                    transaction.tasks.record_for(index_id, TaskType.ENRICH, counted)
            return linked, counts

        linked = await stage.commit(store, step)
        texts.update((key, found[1]) for key, found in known.items())
        return {snippet_id: texts[key] for snippet_id, key in linked}

    def _store(
        self,
        own_index: int,
        kind: VectorKind,
        keyed: Sequence[tuple[StoredSnippet, bytes]],
        vectors: Mapping[bytes, PackedVector],
        transaction: Transaction,
    ) -> tuple[None, dict[str, int]]:
        """`keyed` are the snippets with the cache keys of their vectors."""
        stage_type = _STAGES[kind]
        made = dict(vectors)
        counts: dict[str, int] = {}
        for index_id, some in _by_index(transaction, own_index, stage_type, keyed):
            of_index = {key: made.pop(key) for _snippet, key in some if key in made}
            embeddings = transaction.embeddings.add(index_id, of_index)
            embeddings.update(
                transaction.embeddings.cached(
                    [key for _snippet, key in some if key not in embeddings]
                )
            )
            if any(key not in embeddings for _snippet, key in some):
                raise CacheMovedError
            transaction.embeddings.link(
                kind,
                stage_type,
                self._embedder.model,
                [snippet for snippet, _key in some],
                [embeddings[key] for _snippet, key in some],
            )
            counted = {"texts_embedded": len(of_index)}
            if index_id == own_index:
                counts = counted
            else:
                transaction.tasks.record_for(index_id, stage_type, counted)
        return None, counts

    async def _extend(
        self, stage: Stage, step: ProgressTracker, kind: VectorKind, batch: int
    ) -> None:
        if batch % BATCHES_PER_EXTENSION == 0:
            token = await self._vector_index.extend(stage.store_id, kind, self._embedder.model)
            await self._note_pack(stage, step, kind, token)

    async def _finish(self, stage: Stage, step: ProgressTracker, kind: VectorKind) -> None:
        def drop(ids: Sequence[int], transaction: Transaction) -> tuple[None, dict[str, int]]:
            transaction.embeddings.drop(stage.store_id, kind, ids)
            return None, {}

        left = await stage.read(
            lambda transaction: transaction.embeddings.superseded(stage.store_id, kind)
        )
        for start in range(0, len(left), MOST_PER_TRANSACTION.rows):
            await stage.commit(partial(drop, left[start : start + MOST_PER_TRANSACTION.rows]), step)
        token = await self._vector_index.refresh(stage.store_id, kind, self._embedder.model)
        await self._note_pack(stage, step, kind, token)

    async def _note_pack(
        self, stage: Stage, step: ProgressTracker, kind: VectorKind, token: str | None
    ) -> None:
        if token is None:
            return

        def note(transaction: Transaction) -> tuple[None, dict[str, int]]:
            transaction.embeddings.note_pack(stage.store_id, kind, token)
            return None, {}

        await stage.commit(note, step)


def _follow_model(
    store_id: int, stage_type: TaskType, model: str, after: int, transaction: Transaction
) -> tuple[int | None, dict[str, int]]:
    return transaction.snippets.follow_model(store_id, stage_type, model, after), {}


def _count_pending(stage: Stage, stage_type: TaskType, transaction: Transaction) -> int:
    return transaction.snippets.count_pending(stage.store_id, stage_type, stage.of_index)


def _pending(stage: Stage, stage_type: TaskType, transaction: Transaction) -> list[StoredSnippet]:
    return transaction.snippets.pending(
        stage.store_id, stage_type, SNIPPETS_PER_BATCH, of_index=stage.of_index
    )


def _pending_of_some(
    stage: Stage, stage_type: TaskType, model: str, transaction: Transaction
) -> list[StoredSnippet]:
    """Those of the index, and then those of others; none if the index has none."""
    index_id = stage.store_id
    batch = _pending(stage, stage_type, transaction)
    room = SNIPPETS_PER_BATCH - len(batch)
    if not batch or room <= 0:
        return batch
    others = transaction.snippets.few_pending(index_id, stage_type, model, room, INDEXES_PER_GROUP)
    size = sum(size_of(snippet.text) for snippet in batch)
    for other in stage.as_urgent(others, transaction):
        if size >= MOST_PER_TRANSACTION.size:
            break
        some = transaction.snippets.pending(other, stage_type, room)
        size += sum(size_of(snippet.text) for snippet in some)
        batch += some
    return batch


def _by_index(
    transaction: Transaction,
    own_index: int,
    stage_type: TaskType,
    keyed: Sequence[tuple[StoredSnippet, bytes]],
) -> Iterator[tuple[int, list[tuple[StoredSnippet, bytes]]]]:
    """The snippets by their store, without those that are no longer pending, because the stage of
    another index was faster. The own store comes first, with no snippets if none is left."""
    groups: dict[int, list[tuple[StoredSnippet, bytes]]] = {}
    for snippet, key in keyed:
        groups.setdefault(snippet.index_id, []).append((snippet, key))
    chosen = transaction.tasks.taking_part(sorted(groups.keys() - {own_index}), stage_type)
    for index_id, some in groups.items():
        if index_id != own_index and index_id not in chosen:
            continue
        ids = [snippet.id for snippet, _key in some]
        pending = transaction.snippets.still_pending(index_id, stage_type, ids)
        left = [one for one in some if one[0].id in pending]
        if left:
            yield index_id, left


def check_answer(what: str, asked: int, answered: int) -> None:
    """Raises PermanentError unless a model has returned as many results as it was asked for."""
    if asked != answered:
        raise PermanentError(f"the model was asked for {asked} {what} and returned {answered}")
