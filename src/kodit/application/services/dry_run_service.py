"""Counts what indexing would send to endpoints, with the code that would send it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.vector_stages import SNIPPETS_PER_BATCH
from kodit.application.views.dry_run import DryRunEndpointView
from kodit.domain.endpoints import MICRO, Endpoint, Usage
from kodit.domain.entities import StoredSnippet
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.engines import Embedder, Enricher
from kodit.domain.ports.metered import (
    Estimate,
    MeteredEmbedder,
    MeteredEnricher,
    PrivateFiles,
)
from kodit.domain.services.embedding_service import EmbeddingDomainService
from kodit.domain.services.enrichment_service import EnrichmentDomainService
from kodit.domain.value_objects import TaskType

T = TypeVar("T")


@dataclass(slots=True)
class _Count:
    """What would be sent to one endpoint so far."""

    endpoint: Endpoint
    seen: set[bytes] = field(default_factory=set)
    texts: int = 0
    characters: int = 0
    cached: int = 0
    is_exact: bool = True
    tokens: tuple[int, int, int] = (0, 0, 0)
    output_tokens: int = 0

    def add(self, estimate: Estimate, texts: int = 1) -> None:
        self.texts += texts
        self.characters += estimate.characters
        least, likely, most = (
            one + other for one, other in zip(self.tokens, estimate.tokens, strict=True)
        )
        self.tokens = least, likely, most
        self.output_tokens += estimate.output_tokens

    def view(self) -> DryRunEndpointView:
        prices = self.endpoint.prices
        least = prices.cost(Usage(0, 0, self.tokens[0]))
        most = prices.cost(Usage(0, 0, self.tokens[2], self.output_tokens))
        return DryRunEndpointView(
            endpoint=self.endpoint.name,
            model=self.endpoint.model,
            texts=self.texts,
            characters=self.characters,
            is_exact=self.is_exact,
            cached=self.cached,
            input_tokens=self.tokens,
            most_output_tokens=self.output_tokens,
            least_cost=least / MICRO,
            most_cost=most / MICRO,
        )


class DryRunService:
    """Counts over any number of sources, each text once."""

    def __init__(self, database: Database, embedder: Embedder, enricher: Enricher) -> None:
        """`database` has the results that are stored, and the models are those of the settings."""
        self._database = database
        self._embedder = embedder
        self._enricher = enricher
        self._embedding = EmbeddingDomainService()
        self._enrichment = EnrichmentDomainService()
        self._embedded: _Count | None = None
        self._enriched: _Count | None = None
        if isinstance(embedder, MeteredEmbedder):
            self._embedded = _Count(embedder.endpoint)
        if isinstance(enricher, MeteredEnricher):
            self._enriched = _Count(enricher.endpoint)

    def views(self) -> tuple[DryRunEndpointView, ...]:
        """What would be sent, by endpoint."""
        return tuple(one.view() for one in (self._embedded, self._enriched) if one is not None)

    async def begin(self) -> None:
        """Count the texts by which an embedding model is compared at its first use."""
        embedder = self._embedder
        if self._embedded is None or not isinstance(embedder, MeteredEmbedder):
            return
        model = embedder.model
        if await self._read(lambda transaction: transaction.endpoints.facts(model)) is None:
            for text in embedder.probe_texts():
                self._embedded.add(embedder.estimate(text, is_whole=True))

    async def count(
        self, extracted: Database, index_id: int, private: PrivateFiles
    ) -> tuple[int, int]:
        """Count the snippets of an index of another database, whose later stages have not run.
        Returns how many there are, and how many are private."""
        snippets = kept = 0
        for batch in _batches(extracted, index_id):
            snippets += len(batch)
            hidden = {one.id for one in batch if private.holds(one.path)}
            kept += len(hidden)
            await self._count_code(batch, hidden)
            await self._count_descriptions(batch, hidden)
        return snippets, kept

    async def _count_code(self, batch: Sequence[StoredSnippet], hidden: set[int]) -> None:
        await self._count_texts([one.text for one in batch if one.id not in hidden])

    async def _count_texts(self, texts: Sequence[str]) -> None:
        count, embedder = self._embedded, self._embedder
        if count is None or not isinstance(embedder, MeteredEmbedder) or not texts:
            return
        prepared = await in_thread(lambda: embedder.prepare(texts))
        keys = self._embedding.keys(embedder.model, prepared)
        new = {key: text for key, text in zip(keys, prepared, strict=True) if key not in count.seen}
        count.seen.update(new)
        known = await self._read(lambda transaction: transaction.embeddings.cached(list(new)))
        count.cached += len(known)
        for key, text in new.items():
            if key not in known:
                count.add(embedder.estimate(text))

    async def _count_descriptions(self, batch: Sequence[StoredSnippet], hidden: set[int]) -> None:
        sent = [one for one in batch if one.id not in hidden]
        count, enricher = self._enriched, self._enricher
        if count is None or not isinstance(enricher, MeteredEnricher):
            if self._embedded is not None and sent:
                await self._count_texts(await enricher.enrich(sent))
            return
        keys = [
            self._enrichment.key(enricher.model, one, is_local=enricher.includes_name)
            for one in sent
        ]
        new = {key: one for key, one in zip(keys, sent, strict=True) if key not in count.seen}
        count.seen.update(new)
        known = await self._read(lambda transaction: transaction.enrichments.cached(list(new)))
        count.cached += len(known)
        await self._count_texts([text for _id, text in known.values()])
        for key, one in new.items():
            if key in known:
                continue
            estimate = enricher.estimate(one)
            count.add(estimate)
            if self._embedded is not None and isinstance(self._embedder, MeteredEmbedder):
                self._embedded.is_exact = False
                self._embedded.add(self._embedder.estimate_description())

    async def _read(self, work: Callable[[Transaction], T]) -> T:
        def read() -> T:
            with self._database.read() as transaction:
                return work(transaction)

        return await in_thread(read, Lane.READS)


def _batches(database: Database, index_id: int) -> Iterator[list[StoredSnippet]]:
    """The snippets that wait for their embeddings, which are all."""
    after = 0
    while True:
        with database.read() as transaction:
            batch = transaction.snippets.pending(
                index_id, TaskType.CODE_EMBEDDINGS, SNIPPETS_PER_BATCH, after=after
            )
        if not batch:
            return
        after = batch[-1].id
        yield batch
