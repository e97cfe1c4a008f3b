"""An enricher behind an endpoint like /v1/chat/completions."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from kodit.application.services.endpoint_gate import EndpointGate
from kodit.application.services.side_by_side import side_by_side
from kodit.application.services.threads import in_thread
from kodit.domain.endpoints import Endpoint, Payer, Stored, Usage
from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import PermanentError
from kodit.domain.ports.metered import Answered, Estimate
from kodit.domain.services.enrichment_service import EnrichmentDomainService
from kodit.infrastructure.endpoints.connection import Access, EndpointConnections, Request
from kodit.infrastructure.endpoints.failures import TooLargeError
from kodit.infrastructure.endpoints.prompt import (
    LONGEST_CODE,
    PROMPT_VERSION,
    description_in,
    messages_for,
)
from kodit.infrastructure.endpoints.texts import TokenRange, tokens_in
from kodit.infrastructure.endpoints.tokenizer import CountTokens
from kodit.infrastructure.work_log import record_work

if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.domain.ports.engines import Enricher

    Settle = Callable[[Transaction], Mapping[str, int]]

MOST_TRIES = 3
"""How often a snippet is sent for which no usable answer comes."""
SHORTEST_CODE = 1_000
TOKENS_OF_CHAT = 16
"""The form of the messages."""
_OF_THIS_SNIPPET = re.compile(r"content.?(?:filter|policy|management)|responsible.?ai", re.I)
_OTHER_LIMIT = "max_completion_tokens"


class EndpointEnricher:
    """Sends one snippet per request, several at a time."""

    includes_name = False

    def __init__(
        self,
        model: str,
        access: Access,
        gate: EndpointGate,
        here: Enricher,
        *,
        output_tokens: int,
        parameters: Mapping[str, Any],
        count: CountTokens = tokens_in,
    ) -> None:
        """`here` describes snippets that may not be sent; `count` counts the tokens of a text."""
        self.name = model
        chosen = sorted((key, repr(value)) for key, value in parameters.items())
        digest = hashlib.blake2b(repr(chosen).encode(), digest_size=4).hexdigest()
        self.model = f"endpoint {model}{f' {digest}' if chosen else ''}/{PROMPT_VERSION}"
        self._gate = gate
        self._here = here
        self._connections = EndpointConnections(access)
        self._parameters = dict(parameters)
        self.output_tokens = output_tokens
        self._limit = "max_tokens"
        self._count = count

    @property
    def endpoint(self) -> Endpoint:
        return self._gate.endpoint

    def note_cached(self, transaction: Transaction, run_id: int, cached: int) -> None:
        self._gate.note_cached(transaction, run_id, cached)

    async def describe_here(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        texts = await self._here.enrich(snippets) if snippets else []
        with_name = self._here.includes_name
        service = EnrichmentDomainService()
        return [
            service.text(snippet, text, with_name=with_name)
            for snippet, text in zip(snippets, texts, strict=True)
        ]

    async def enrich(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        """For single snippets outside of a stage, which count for no limit."""
        texts = []
        for snippet in snippets:
            answer = await in_thread(_Sendable(self, messages_for(snippet)).send)
            text, why = description_in(answer, self._connections.access.address)
            if text is None:
                raise PermanentError(f"{self.name}: {why}", code="endpoint_answer_invalid")
            texts.append(text)
        return texts

    def estimate(self, snippet: StoredSnippet) -> Estimate:
        messages = messages_for(snippet)
        tokens = TokenRange(*(TOKENS_OF_CHAT,) * 3)
        for one in messages:
            tokens = tokens.plus(self._count(one["content"]))
        characters = sum(len(one["content"]) for one in messages)
        return Estimate(characters, tokens, self.output_tokens)

    def try_out(self) -> None:
        """Ask once, and count tokens. Raises TransientError and PermanentError."""
        messages = [{"role": "user", "content": "Answer with the word yes."}]
        self.input_tokens(messages)
        answer = _Sendable(self, messages).send()
        description_in(answer, self._connections.access.address)

    async def answers(
        self,
        snippets: Mapping[bytes, StoredSnippet],
        payer: Payer,
        waiting: Callable[[], None],
        *,
        once: Collection[bytes] = (),
    ) -> AsyncGenerator[Answered[str], None]:
        ask = partial(self._describe, payer=payer, waiting=waiting, once=once)
        answers = side_by_side(snippets.items(), ask, self.endpoint.limits.concurrency)
        async with aclosing(answers):
            async for answered in answers:
                yield answered

    async def _describe(
        self,
        keyed: tuple[bytes, StoredSnippet],
        payer: Payer,
        waiting: Callable[[], None],
        once: Collection[bytes],
    ) -> Answered[str]:
        """The description of a snippet, or why there is none."""
        key, snippet = keyed
        paid = Counter[str]()
        longest, tries, why = LONGEST_CODE, 0, ""
        while tries < (1 if key in once else MOST_TRIES):
            messages = messages_for(snippet, longest)
            try:
                asked = await self._ask(messages, payer, waiting, key)
            except TooLargeError as error:
                why = str(error)
                if longest <= SHORTEST_CODE:
                    break
                longest //= 2
                continue
            except PermanentError as error:
                if not _OF_THIS_SNIPPET.search(str(error)):
                    raise
                why = str(error)
                break
            if asked is None:  # another stage has stored it meanwhile
                return Answered({}, partial(_counts, paid, None))
            text, why, settle = asked
            if text is not None:
                return Answered({key: text}, partial(_counts, paid, settle))
            # At once: the next try needs the place.
            paid += Counter(await self._gate.write(settle))
            tries += 1
        return Answered({}, partial(_counts, paid, None), {key: why})

    async def _ask(
        self,
        messages: list[dict[str, str]],
        payer: Payer,
        waiting: Callable[[], None],
        key: bytes,
    ) -> tuple[str | None, str, Settle] | None:
        """The description or the reason why there is none, and the function that pays for it; None
        if the description is stored by now."""
        expected = Usage(1, 1, self.input_tokens(messages), self.output_tokens)
        send = partial(self._gate.send, payer, expected, waiting=waiting, keys=[key])
        record_work("snippets_enriched", 1)
        try:
            settlement = await send(request=_Sendable(self, messages))
        except PermanentError as error:
            if _OTHER_LIMIT not in str(error) or self._limit == _OTHER_LIMIT:
                raise
            self._limit = _OTHER_LIMIT  # newer models of OpenAI know only this name
            settlement = await send(request=_Sendable(self, messages))
        if isinstance(settlement, Stored):
            return None
        place, answer = settlement.place, settlement.answer
        used = self._used(answer, expected)
        text, why = description_in(answer, self._connections.access.address)

        def settle(transaction: Transaction) -> Mapping[str, int]:
            return self._gate.settle(transaction, payer, place, expected, used)

        return text, why, settle

    @staticmethod
    def _used(answer: Any, expected: Usage) -> Usage:
        usage = answer.get("usage") if isinstance(answer, dict) else None

        def told(name: str, otherwise: int) -> int:
            value = usage.get(name) if isinstance(usage, dict) else None
            is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            return int(value) if is_count and value is not None else otherwise

        return Usage(
            1,
            1,
            told("prompt_tokens", expected.input_tokens),
            told("completion_tokens", expected.output_tokens),
        )

    def input_tokens(self, messages: Sequence[Mapping[str, str]]) -> int:
        return TOKENS_OF_CHAT + sum(self._count(one["content"]).likely for one in messages)

    def body(self, messages: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        """The request for one description."""
        body: dict[str, Any] = {"model": self.name, "messages": list(messages)}
        if not {"max_tokens", _OTHER_LIMIT} & set(self._parameters):
            body[self._limit] = self.output_tokens
        return body | self._parameters

    @property
    def connections(self) -> EndpointConnections:
        return self._connections


def _counts(paid: Counter[str], settle: Settle | None, transaction: Transaction) -> Counter[str]:
    """What was counted before, and what `settle` counts."""
    return paid if settle is None else paid + Counter(settle(transaction))


class _Sendable:
    """A request for a description; its answer is the JSON."""

    def __init__(self, enricher: EndpointEnricher, messages: Sequence[Mapping[str, str]]) -> None:
        self._connections = enricher.connections
        self._request = Request("/chat/completions", enricher.body(messages))

    def send(self) -> Any:
        return self._connections.post(self._request)

    def abort(self) -> None:
        self._request.abort()
