"""Calls of models that cost time or money: each answer is stored at once, so that none is paid
twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from kodit.application.services.stage import Stage
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.embedding import PackedVector
from kodit.domain.endpoints import Payer
from kodit.domain.entities import ProgressTracker, StoredSnippet
from kodit.domain.errors import TransientError
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.metered import (
    Answered,
    MeteredEmbedder,
    MeteredEnricher,
    PrivateFiles,
    PrivateFilesOf,
)

MOST_LISTED = 3


class Failure(NamedTuple):
    """A snippet without a usable answer, and why."""

    snippet: StoredSnippet
    reason: str


def payer_of(stage: Stage) -> Payer:
    """The claim that a request is made for."""
    task = stage.task
    return Payer(task.id, task.claim_no, task.run_id or 0)


class StageAtEndpoint:
    """The state of one stage of one index that calls an endpoint. `after` is the last snippet that
    was looked at, so that one without an answer is not asked about for ever."""

    def __init__(self, private: PrivateFiles) -> None:
        self._private = private
        self.after = 0
        self.failures: list[Failure] = []

    @classmethod
    async def begin(cls, stage: Stage, private: PrivateFilesOf) -> StageAtEndpoint:
        """Read which files of the index may not be sent."""
        index = await stage.read(lambda transaction: transaction.indexes.get(stage.index_id))
        return cls(await private.rules(index))

    def holds(self, snippet: StoredSnippet) -> bool:
        """Whether a snippet may not be sent."""
        return self._private.holds(snippet.path)

    def end(self) -> None:
        """Raises TransientError if there were snippets without an answer."""
        if not self.failures:
            return
        named = ", ".join(
            f"{one.snippet.path}:{one.snippet.start_line}" for one in self.failures[:MOST_LISTED]
        )
        count = len(self.failures)
        what = "a snippet" if count == 1 else f"{count} snippets"
        raise TransientError(
            f"the model gave no usable answer for {what} ({self.failures[0].reason}): {named}"
            f"{' and others' if count > MOST_LISTED else ''}; all others are stored",
            code="endpoint_answer_invalid",
        )


async def embed_metered(
    embedder: MeteredEmbedder, stage: Stage, step: ProgressTracker, texts: Mapping[bytes, str]
) -> None:
    """Embed texts, and store each answer under the keys of its texts."""

    def store(
        answered: Answered[PackedVector], transaction: Transaction
    ) -> tuple[None, Mapping[str, int]]:
        transaction.embeddings.add(stage.index_id, answered.results)
        counts = answered.settle(transaction)
        return None, {"texts_embedded": len(answered.results), **counts}

    waiting = partial(_waiting, step)
    answers = embedder.answers(texts, payer_of(stage), waiting)
    async for answered in answers:
        await stage.commit(partial(store, answered), step)


async def enrich_metered(
    enricher: MeteredEnricher,
    stage: Stage,
    step: ProgressTracker,
    snippets: Mapping[bytes, StoredSnippet],
) -> dict[bytes, str]:
    """Describe snippets, and store each answer; returns why some have none, by key."""
    failed: dict[bytes, str] = {}

    def store(answered: Answered[str], transaction: Transaction) -> tuple[None, Mapping[str, int]]:
        transaction.enrichments.add(stage.index_id, answered.results)
        counts = answered.settle(transaction)
        return None, {"snippets_enriched": len(answered.results), **counts}

    answers = enricher.answers(snippets, payer_of(stage), partial(_waiting, step))
    async for answered in answers:
        await stage.commit(partial(store, answered), step)
        failed.update(answered.failed)
    return failed


async def release_unlinked(stage: Stage, step: ProgressTracker) -> None:
    """Mark stored answers whose snippets were replaced before they were linked, so that they are
    removed after a while. No snippet of the index may be pending."""

    def find(transaction: Transaction) -> tuple[list[int], list[int]]:
        index_id = stage.index_id
        return transaction.embeddings.unlinked(index_id), transaction.enrichments.unlinked(index_id)

    def release(
        embeddings: Sequence[int], enrichments: Sequence[int], transaction: Transaction
    ) -> tuple[None, Mapping[str, int]]:
        transaction.embeddings.release(embeddings)
        transaction.enrichments.release(enrichments)
        return None, {}

    embeddings, enrichments = await stage.read(find)
    most = MOST_PER_TRANSACTION.rows
    for start in range(0, max(len(embeddings), len(enrichments)), most):
        part = slice(start, start + most)
        await stage.commit(partial(release, embeddings[part], enrichments[part]), step)


def failures_among(
    snippets: Sequence[StoredSnippet], keys: Sequence[bytes], failed: Mapping[bytes, str]
) -> list[Failure]:
    return [
        Failure(snippet, failed[key])
        for snippet, key in zip(snippets, keys, strict=True)
        if key in failed
    ]


def _waiting(step: ProgressTracker) -> None:
    """The stage has not stalled: it waits for its turn."""
    step.set_current(step.current)
