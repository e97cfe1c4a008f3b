"""Models that count what they cost, and what is never sent to them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from kodit.domain.embedding import PackedVector
from kodit.domain.endpoints import Endpoint, Payer
from kodit.domain.ports.database import Transaction
from kodit.domain.search import StoredSnippet

if TYPE_CHECKING:
    from kodit.domain.entities import Index

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """Results by cache key, which were paid for. `settle` counts them in the transaction that
    stores them, and returns the counts. `failed` are inputs without a usable answer, and why."""

    results: Mapping[bytes, T]
    settle: Callable[[Transaction], Mapping[str, int]]
    failed: Mapping[bytes, str] = field(default_factory=dict)


class Estimate(NamedTuple):
    """What a request would send: characters, its tokens at least, probably and at most, and how
    many tokens its answer may have."""

    characters: int
    tokens: tuple[int, int, int]
    output_tokens: int = 0


@runtime_checkable
class MeteredEmbedder(Protocol):
    """An embedder that costs time or money for each text, so that each answer is stored at once."""

    @property
    def endpoint(self) -> Endpoint: ...

    @property
    def model(self) -> str: ...

    def probe_texts(self) -> list[str]:
        """The texts that are embedded at the first use of the model."""
        ...

    def estimate(self, text: str, *, is_whole: bool = False) -> Estimate:
        """What would be sent for a prepared text; with `is_whole`, nothing is added to it."""
        ...

    def estimate_description(self) -> Estimate:
        """What would be sent at most for a description that a model has yet to make."""
        ...

    def prepare(self, texts: Sequence[str]) -> list[str]:
        """The texts as they are sent: cut, and without secrets."""
        ...

    def answers(
        self, texts: Mapping[bytes, str], payer: Payer, waiting: Callable[[], None]
    ) -> AsyncGenerator[Answered[PackedVector], None]:
        """Vectors of prepared texts, as they arrive, by the keys of the texts. `waiting` is called
        while nothing can be sent. Raises TransientError or PermanentError once no request is under
        way."""
        ...

    def note_cached(self, transaction: Transaction, run_id: int, cached: int) -> None:
        """Count the texts of a run for which a stored result was used."""
        ...

    async def blank(self, payer: Payer, waiting: Callable[[], None]) -> PackedVector:
        """The vector of a text that is not sent anywhere: similar to nothing."""
        ...


@runtime_checkable
class MeteredEnricher(Protocol):
    """An enricher of the same kind."""

    @property
    def endpoint(self) -> Endpoint: ...

    @property
    def model(self) -> str: ...

    @property
    def includes_name(self) -> bool: ...

    def estimate(self, snippet: StoredSnippet) -> Estimate:
        """What would be sent for a snippet, if its first answer is usable."""
        ...

    def answers(
        self,
        snippets: Mapping[bytes, StoredSnippet],
        payer: Payer,
        waiting: Callable[[], None],
        *,
        once: Collection[bytes] = (),
    ) -> AsyncGenerator[Answered[str], None]:
        """Descriptions by key, as they arrive. A snippet without a usable answer is asked about a
        few times; those of the keys `once`, which had none before, a single time."""
        ...

    def note_cached(self, transaction: Transaction, run_id: int, cached: int) -> None:
        """Count the snippets of a run for which a stored description was used."""
        ...

    async def describe_here(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        """Descriptions of snippets that may not be sent, made without the endpoint; with the words
        of their files' names, if no embedding is paid for."""
        ...


class PrivateFilesOf(Protocol):
    """Reads which files of an index are never sent."""

    async def rules(self, index: Index) -> PrivateFiles:
        """The rules as they are now. Raises TransientError if they cannot be read."""
        ...


class PrivateFiles(Protocol):
    """Decides which files of an index are never sent to an endpoint."""

    def holds(self, path: str) -> bool:
        """Whether the file may not be sent."""
        ...
