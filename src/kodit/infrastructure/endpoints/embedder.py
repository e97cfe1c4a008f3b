"""An embedder behind an endpoint like /v1/embeddings."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from kodit.application.services.endpoint_gate import EndpointGate
from kodit.application.services.side_by_side import side_by_side
from kodit.application.services.threads import in_thread
from kodit.domain.embedding import PackedVector
from kodit.domain.endpoints import Endpoint, Payer, Stored, Usage
from kodit.domain.errors import PermanentError
from kodit.domain.ports.endpoints import ModelFacts
from kodit.domain.ports.metered import Answered, Estimate
from kodit.infrastructure.endpoints.connection import Access, EndpointConnections, Request
from kodit.infrastructure.endpoints.failures import TooLargeError
from kodit.infrastructure.endpoints.masking import MASKING_VERSION
from kodit.infrastructure.endpoints.probes import PROBES
from kodit.infrastructure.endpoints.prompt import LONGEST_DESCRIPTION
from kodit.infrastructure.endpoints.queries import Queries
from kodit.infrastructure.endpoints.texts import (
    Sized,
    TokenRange,
    batches,
    cut,
    prepared,
    tokens_in,
)
from kodit.infrastructure.endpoints.tokenizer import CountTokens
from kodit.infrastructure.work_log import record_work

if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.infrastructure.endpoints.vectors import Matrix

PREPROCESSING_VERSION = f"1.{MASKING_VERSION}"
MOST_TOKENS_PER_REQUEST = 16_000
SECONDS_OF_QUERY = 10.0
"""A person waits for a search."""
_DIGEST = re.compile(r" [0-9a-f]{8}$")
SHORTEST_TEXT = 200
"""Characters below which a text that is refused as too large is not cut further."""


class EmbeddingOptions(NamedTuple):
    """How texts are sent. The instructions precede queries and documents."""

    dimensions: int | None = None
    query_instruction: str = ""
    document_instruction: str = ""
    texts_per_request: int = 64
    parameters: Mapping[str, Any] = {}


def identity(model: str, options: EmbeddingOptions) -> str:
    """The name under which vectors are stored and cached: a digest stands for everything that
    changes them. The address is left out, so that moving a gateway costs nothing."""
    parts = [
        str(options.dimensions or ""),
        options.query_instruction,
        options.document_instruction,
        repr(sorted((key, repr(value)) for key, value in options.parameters.items())),
    ]
    if not any(parts[:3]) and not options.parameters:
        return f"endpoint {model}/{PREPROCESSING_VERSION}"
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=4).hexdigest()
    return f"endpoint {model} {digest}/{PREPROCESSING_VERSION}"


class EndpointEmbedder:
    """Sends texts in batches, several at a time."""

    is_local = False

    def __init__(
        self,
        model: str,
        access: Access,
        options: EmbeddingOptions,
        gate: EndpointGate,
        count: CountTokens = tokens_in,
    ) -> None:
        """`count` counts the tokens of a text."""
        self.name = model
        self.model = identity(model, options)
        self._access = access
        self._options = options
        self._gate = gate
        self._connections = EndpointConnections(access)
        self._for_queries = EndpointConnections(
            access._replace(seconds=min(access.seconds, SECONDS_OF_QUERY))
        )
        self._queries = Queries(self._send_query)
        self._facts: ModelFacts | None = None
        self._others: dict[str, EndpointEmbedder | None] = {}
        self._most_texts = options.texts_per_request
        self._count = count

    @property
    def endpoint(self) -> Endpoint:
        return self._gate.endpoint

    def of_model(self, model: str) -> EndpointEmbedder | None:
        """The same endpoint asked for another model, by the name of its vectors; None if they were
        made with other options."""
        if model not in self._others:
            name = _DIGEST.sub("", model.removeprefix("endpoint ").rpartition("/")[0])
            other = EndpointEmbedder(name, self._access, self._options, self._gate)
            self._others[model] = other if other.model == model else None
        return self._others[model]

    def estimate(self, text: str, *, is_whole: bool = False) -> Estimate:
        sent = text if is_whole else self._document(text)
        return Estimate(len(sent), self._count(sent))

    def estimate_description(self) -> Estimate:
        _least, likely, most = tokens_in("x" * LONGEST_DESCRIPTION)
        return Estimate(LONGEST_DESCRIPTION, TokenRange(0, likely, most))

    def prepare(self, texts: Sequence[str]) -> list[str]:
        return [prepared(text) for text in texts]

    # Stages

    async def answers(
        self, texts: Mapping[bytes, str], payer: Payer, waiting: Callable[[], None]
    ) -> AsyncGenerator[Answered[PackedVector], None]:
        if not texts:
            return
        await self._known_facts(payer, waiting)
        todo = await in_thread(
            lambda: _Todo(
                batches(texts.items(), self._most_texts, MOST_TOKENS_PER_REQUEST, self._tokens_of)
            )
        )
        ask = partial(self._ask, todo=todo, payer=payer, waiting=waiting)
        answers = side_by_side(todo, ask, self.endpoint.limits.concurrency)
        async with aclosing(answers):
            async for answered in answers:
                if answered is not None:
                    yield answered

    def note_cached(self, transaction: Transaction, run_id: int, cached: int) -> None:
        self._gate.note_cached(transaction, run_id, cached)

    async def blank(self, payer: Payer, waiting: Callable[[], None]) -> PackedVector:
        import numpy as np  # noqa: PLC0415 - heavy

        from kodit.infrastructure.endpoints.vectors import filled  # noqa: PLC0415 - heavy
        from kodit.infrastructure.vectors.quantization import pack  # noqa: PLC0415 - heavy

        facts = await self._known_facts(payer, waiting)
        [vector] = pack(filled(np.zeros((1, facts.dimensions), np.float32)))
        return vector

    async def embed(self, texts: Sequence[str]) -> list[PackedVector]:
        """For single texts outside of a stage, which count for no limit."""
        from kodit.infrastructure.endpoints.vectors import filled  # noqa: PLC0415 - heavy
        from kodit.infrastructure.vectors.quantization import pack  # noqa: PLC0415 - heavy

        vectors, _usage = await in_thread(
            _Sendable(self, [self._document(text) for text in texts], self._for_queries).send
        )
        return pack(filled(vectors))

    def try_out(self) -> None:
        """Ask once, compare the dimensions with those that are known, and count tokens. Raises
        TransientError and PermanentError."""
        self._count("kodit")
        vectors, _usage = _Sendable(self, [self._document("kodit")], self._for_queries).send()
        with self._gate.database.read() as transaction:
            self._facts = transaction.endpoints.facts(self.model)
        self._check_dimensions(vectors.shape[1])

    def embed_query(self, text: str) -> Sequence[float]:
        """Raises TransientError and PermanentError, at once while the endpoint is paused."""
        return self._queries.vector(prepared(text))

    def _send_query(self, text: str) -> tuple[float, ...]:
        from kodit.infrastructure.endpoints.vectors import filled  # noqa: PLC0415 - heavy

        query = self._query(text)
        expected = Usage(1, 1, self._count(query).likely)
        self._gate.check_query(expected)
        if self._facts is None:
            with self._gate.database.read() as transaction:
                self._facts = transaction.endpoints.facts(self.model)
        vectors, tokens = _Sendable(self, [query], self._for_queries).send()
        used = expected if tokens is None else expected._replace(input_tokens=tokens)
        self._gate.pay_query(used, self.name)
        self._check_dimensions(vectors.shape[1])
        return tuple(filled(vectors)[0].tolist())

    async def _ask(
        self, batch: list[Sized], todo: _Todo, payer: Payer, waiting: Callable[[], None]
    ) -> Answered[PackedVector] | None:
        """The answer for a batch. None if it is too large, and is sent later in two halves or as a
        shorter text, or if some of it is stored by now, and only the rest is sent."""
        try:
            answered = await self._send(batch, payer, waiting)
        except TooLargeError:
            smaller = self._smaller(batch)
            if not smaller:
                raise
            todo.add(*smaller)
            return None
        if not isinstance(answered, Stored):
            return answered
        todo.add([one for one in batch if one.key not in answered.keys])
        return None

    def _smaller(self, batch: list[Sized]) -> list[list[Sized]]:
        """The batch in two halves; a single text cut; nothing if it is short."""
        if len(batch) > 1:
            half = len(batch) // 2
            self._most_texts = max(1, min(self._most_texts, half))
            return [batch[:half], batch[half:]]
        [one] = batch
        if len(one.text) <= SHORTEST_TEXT:
            return []
        shorter = cut(one.text, len(one.text) // 2)
        return [[Sized(one.key, shorter, self._tokens_of(shorter))]]

    async def _send(
        self, batch: list[Sized], payer: Payer, waiting: Callable[[], None]
    ) -> Answered[PackedVector] | Stored:
        from kodit.infrastructure.endpoints.vectors import filled  # noqa: PLC0415 - heavy
        from kodit.infrastructure.vectors.quantization import pack  # noqa: PLC0415 - heavy

        expected = Usage(1, len(batch), sum(one.tokens for one in batch))
        sendable = _Sendable(self, [self._document(one.text) for one in batch], self._connections)
        record_work("texts_embedded", len(batch))
        keys = [one.key for one in batch]
        settlement = await self._gate.send(payer, expected, sendable, waiting, keys=keys)
        if isinstance(settlement, Stored):
            return settlement
        vectors, tokens = settlement.answer
        used = expected if tokens is None else expected._replace(input_tokens=tokens)
        self._check_dimensions(vectors.shape[1])
        packed = pack(filled(vectors))

        def settle(transaction: Transaction) -> Mapping[str, int]:
            return self._gate.settle(transaction, payer, settlement.place, expected, used)

        return Answered(
            {one.key: vector for one, vector in zip(batch, packed, strict=True)}, settle
        )

    # Facts about the model

    async def _known_facts(self, payer: Payer, waiting: Callable[[], None]) -> ModelFacts:
        """What is known of the model; at its first use, some texts are embedded to find out."""
        if self._facts is None:
            self._facts = await self._gate.read(self._stored_facts)
        if self._facts is None:
            async with self._gate.alone(payer, self.model, waiting):
                self._facts = await self._gate.read(self._stored_facts)
                if self._facts is None:
                    self._facts = await self._find_facts(payer, waiting)
        return self._facts

    async def _find_facts(self, payer: Payer, waiting: Callable[[], None]) -> ModelFacts:
        from kodit.infrastructure.endpoints.vectors import (  # noqa: PLC0415 - heavy
            rows_of,
            similarities,
        )

        rows: list[Matrix] = []
        texts = self.probe_texts()
        for start in range(0, len(texts), self._most_texts):
            some = texts[start : start + self._most_texts]
            expected = Usage(1, len(some), sum(self._count(text).likely for text in some))
            sendable = _Sendable(self, some, self._connections)
            settlement = await self._gate.send(payer, expected, sendable, waiting)
            if isinstance(settlement, Stored):  # never without keys
                raise TypeError(settlement)
            vectors, tokens = settlement.answer
            used = expected if tokens is None else expected._replace(input_tokens=tokens)
            place = settlement.place
            await self._gate.write(
                partial(self._gate.settle, payer=payer, place=place, expected=expected, used=used)
            )
            rows.append(vectors)
        every = rows_of(rows, self._access.address)
        queries, descriptions, codes = (
            every[start : start + len(PROBES)] for start in range(0, len(every), len(PROBES))
        )
        facts = ModelFacts(
            int(every.shape[1]), similarities(queries, codes), similarities(queries, descriptions)
        )
        await self._gate.write(
            lambda transaction: transaction.endpoints.note_facts(self.model, facts)
        )
        return facts

    def _stored_facts(self, transaction: Transaction) -> ModelFacts | None:
        return transaction.endpoints.facts(self.model)

    def probe_texts(self) -> list[str]:
        """The texts by which the model is compared with the built-in one, as they are sent."""
        return [
            *(self._query(one.query) for one in PROBES),
            *(self._document(one.description) for one in PROBES),
            *(self._document(one.code) for one in PROBES),
        ]

    def _check_dimensions(self, dimensions: int) -> None:
        if self._facts is not None and dimensions != self._facts.dimensions:
            raise PermanentError(
                f"the model {self.name} now returns vectors of {dimensions} dimensions, and those "
                f"that are stored have {self._facts.dimensions}; if the endpoint has another model "
                "under the same name, set KODIT_EMBEDDING_DIMENSIONS, so that everything is "
                "embedded again",
                code="endpoint_dimensions_changed",
            )

    def _tokens_of(self, text: str) -> int:
        return self._count(self._document(text)).likely

    def _document(self, text: str) -> str:
        return f"{self._options.document_instruction}{text}"

    def _query(self, text: str) -> str:
        return f"{self._options.query_instruction}{text}"

    def body(self, texts: Sequence[str]) -> dict[str, Any]:
        """The request for some texts."""
        body: dict[str, Any] = {"model": self.name, "input": list(texts)}
        if self._options.dimensions is not None:
            body["dimensions"] = self._options.dimensions
        return body | dict(self._options.parameters)


class _Todo:
    """Batches to ask about, to which others may be added."""

    def __init__(self, batches: Iterable[list[Sized]]) -> None:
        self._batches = deque(batches)

    def add(self, *batches: list[Sized]) -> None:
        self._batches.extend(batch for batch in batches if batch)

    def __iter__(self) -> Iterator[list[Sized]]:
        return self

    def __next__(self) -> list[Sized]:
        if not self._batches:
            raise StopIteration
        return self._batches.popleft()


class _Sendable:
    """A request for vectors; its answer is their matrix, and the tokens that were counted."""

    def __init__(
        self, embedder: EndpointEmbedder, texts: Sequence[str], connections: EndpointConnections
    ) -> None:
        self._count = len(texts)
        self._connections = connections
        self._body = embedder.body(texts)
        self._request: Request | None = None
        self._is_aborted = False

    def send(self) -> tuple[Matrix, int | None]:
        from kodit.infrastructure.endpoints.vectors import (  # noqa: PLC0415 - heavy
            usage_of,
            vectors_of,
        )

        self._request = Request("/embeddings", self._body)
        if self._is_aborted:
            self._request.abort()
        answer = self._connections.post(self._request)
        tokens = usage_of(answer, "prompt_tokens", "total_tokens")
        return vectors_of(answer, self._count, self._connections.access.address), tokens

    def abort(self) -> None:
        self._is_aborted = True
        if self._request is not None:
            self._request.abort()
