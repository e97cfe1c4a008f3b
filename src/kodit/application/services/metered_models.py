"""Calls of models that cost time or money: each answer is stored at once, so that none is paid
twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from functools import partial

from kodit.application.services.stage import Stage
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.embedding import PackedVector
from kodit.domain.endpoints import Payer
from kodit.domain.entities import ProgressTracker, StoredSnippet
from kodit.domain.errors import PermanentError
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.metered import (
    Answered,
    MeteredEmbedder,
    MeteredEnricher,
    PrivateFiles,
    PrivateFilesOf,
)

MOST_LISTED = 3
MOST_UNANSWERED = 20
"""If a model has no usable answer for this many snippets and for no other, it is not the snippets'
fault."""


def payer_of(stage: Stage) -> Payer:
    """The claim that a request is made for."""
    task = stage.task
    return Payer(task.id, task.claim_no, task.run_id or 0)


class StageAtEndpoint:
    """The state of one stage of one index that calls an endpoint. `refused` are the keys of
    descriptions for which there was no usable answer, and why: copies of a snippet, and a second
    pass, do not ask again. `refused_before` are the keys of those that had none in an earlier
    run."""

    def __init__(self, private: PrivateFiles) -> None:
        self._private = private
        self.refused: dict[bytes, str] = {}
        self.refused_before: set[bytes] = set()
        self._unanswered: list[StoredSnippet] = []
        self._is_answering = False

    @classmethod
    async def begin(cls, stage: Stage, private: PrivateFilesOf) -> StageAtEndpoint:
        """Read which files of the index may not be sent."""
        index = await stage.read(lambda transaction: transaction.indexes.get(stage.index_id))
        return cls(await private.rules(index))

    def holds(self, snippet: StoredSnippet) -> bool:
        """Whether a snippet may not be sent."""
        return self._private.holds(snippet.path)

    def note_answers(self) -> None:
        """The model has usable answers."""
        self._is_answering = True
        self._unanswered.clear()

    def refuse(self, key: bytes, snippet: StoredSnippet, reason: str) -> None:
        """The model has no usable answer for a snippet. Raises PermanentError if it has none for
        any."""
        self.refused[key] = reason
        if self._is_answering or key in self.refused_before:
            return
        self._unanswered.append(snippet)
        if len(self._unanswered) < MOST_UNANSWERED:
            return
        named = ", ".join(f"{one.path}:{one.start_line}" for one in self._unanswered[:MOST_LISTED])
        raise PermanentError(
            f"the model gave no usable answer for the first {MOST_UNANSWERED} snippets ({reason}): "
            f"{named} and others; check KODIT_ENRICHMENT_MODEL, and KODIT_ENRICHMENT_OUTPUT_TOKENS "
            "if it is a model that reasons",
            code="endpoint_answer_invalid",
        )


async def embed_metered(
    embedder: MeteredEmbedder, stage: Stage, step: ProgressTracker, texts: Mapping[bytes, str]
) -> None:
    """Embed texts, and store each answer under the keys of its texts."""

    def store(
        answered: Answered[PackedVector], transaction: Transaction
    ) -> tuple[None, Mapping[str, int]]:
        transaction.embeddings.add(stage.store_id, answered.results)
        counts = answered.settle(transaction)
        return None, {"texts_embedded": len(answered.results), **counts}

    waiting = partial(_waiting, step)
    answers = embedder.answers(texts, payer_of(stage), waiting)
    async with aclosing(answers):
        async for answered in answers:
            await stage.commit(partial(store, answered), step)


async def enrich_metered(
    enricher: MeteredEnricher,
    stage: Stage,
    step: ProgressTracker,
    snippets: Mapping[bytes, StoredSnippet],
    endpoint: StageAtEndpoint,
) -> None:
    """Describe snippets, and store each answer; `endpoint` learns which have none.

    Raises PermanentError if the model has no usable answer at all."""

    def store(answered: Answered[str], transaction: Transaction) -> tuple[None, Mapping[str, int]]:
        transaction.enrichments.add(stage.store_id, answered.results)
        counts = answered.settle(transaction)
        return None, {"snippets_enriched": len(answered.results), **counts}

    answers = enricher.answers(
        snippets, payer_of(stage), partial(_waiting, step), once=endpoint.refused_before
    )
    async with aclosing(answers):
        async for answered in answers:
            await stage.commit(partial(store, answered), step)
            if answered.results:
                endpoint.note_answers()
            for key, reason in answered.failed.items():
                endpoint.refuse(key, snippets[key], reason)


async def release_unlinked(stage: Stage, step: ProgressTracker) -> None:
    """Mark stored answers whose snippets were replaced before they were linked, so that they are
    removed after a while. No snippet of the index may be pending."""

    def find(transaction: Transaction) -> tuple[list[int], list[int]]:
        index_id = stage.store_id
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


def _waiting(step: ProgressTracker) -> None:
    """The stage has not stalled: it waits for its turn."""
    step.set_current(step.current)
