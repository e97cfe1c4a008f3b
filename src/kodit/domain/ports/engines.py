"""The engines that index and find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from kodit.domain.embedding import PackedVector
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.domain.ports.database import Transaction
from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.search import Hit, Scope, StoredSnippet, VectorKind


class KeywordIndex(Protocol):
    """A derived index of words that follows the log of changes."""

    async def apply(self, batch: KeywordBatch) -> bool:
        """Delete, then add, and commit. A batch that has been applied before changes nothing, so
        that a crash before its acknowledgement does no harm. Returns whether the batch is in: it
        is refused where it does not continue what the index holds."""
        ...

    async def drop(self, index_id: int, generation: str | None) -> None:
        """Forget an index for good; later batches of this generation are ignored."""
        ...

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        """Those of the index as it is now."""
        ...

    def reader(self) -> KeywordReader:
        """The index as it is now: the same object as the last time as long as nothing changed."""
        ...


class KeywordReader(Protocol):
    """One state of the keyword index, for any number of threads.

    Scores and their order are those of the snippets that are in the index: what was in it once has
    no say in them. Snippets of equal score are ordered by their content.
    """

    def over(self, index_ids: frozenset[int]) -> KeywordReader:
        """The same state with scores that go by the snippets of these indexes alone: what other
        indexes hold changes none of them."""
        ...

    @property
    def leaves_out(self) -> frozenset[int]:
        """The indexes that it does not answer for."""
        ...

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        """How far each index was followed; None for one of which nothing is held. An engine that
        is damaged holds nothing."""
        ...

    def without(self, index_ids: frozenset[int]) -> KeywordReader:
        """The same state, in which nothing is found of these indexes."""
        ...

    def search(self, terms: Sequence[str], scope: Scope, limit: int) -> list[Hit]:
        """The snippets within the scope that have any of the search terms, best first."""
        ...

    def definitions(
        self, name: str, terms: Sequence[str], scope: Scope, limit: int, *, minor: bool = False
    ) -> list[Hit]:
        """Snippets that define exactly this name, in any case, the best for the terms first; with
        `minor`, those of which it is a minor symbol."""
        ...

    def having_all(self, terms: Sequence[str], scope: Scope, limit: int) -> list[Hit]:
        """Snippets that have all of the terms, the best first."""
        ...

    def near(self, names: Mapping[str, int], scope: Scope, limit: int) -> list[Hit]:
        """Snippets that define a name which begins with one of these, in lower case, or which so
        many edits make of it, at most two; in any order and without scores."""
        ...

    def in_files(self, terms: Sequence[str], file_ids: Sequence[int]) -> FileMatches:
        """The snippets of some files that have any of the terms."""
        ...

    def statistics(self, terms: Sequence[str]) -> CorpusStatistics:
        """How many snippets there are, and how many have each of the terms."""
        ...


class FileMatches(Protocol):
    """The snippets of some files that have any of some terms, with the scores that a search for
    the terms gives them."""

    def best(self, per_file: int) -> list[Hit]:
        """The best of each file."""
        ...

    def scores(self, snippet_ids: Iterable[int]) -> dict[int, float]:
        """The scores of those of the given snippets that are among them."""
        ...


class VectorReader(Protocol):
    """The stored vectors within one transaction, for one thread. What a search finds is a function
    of the vectors alone, wherever they were read from."""

    def search(
        self, kind: VectorKind, model: str, vector: Sequence[float], scope: Scope, limit: int
    ) -> list[Hit]:
        """The snippets of largest cosine similarity within the scope, best first."""
        ...

    def best_in_files(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        files: Mapping[int, Sequence[int]],
        per_file: int,
    ) -> list[Hit]:
        """The nearest snippets of each of the files, which are grouped by their index."""
        ...

    def score(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        snippets: Mapping[int, Sequence[int]],
    ) -> dict[int, float]:
        """The cosine similarity of given snippets, which are grouped by their index; those that
        have no vector are left out."""
        ...


class VectorIndex(Protocol):
    """Finds the nearest stored vectors."""

    def reader(self, transaction: Transaction) -> VectorReader:
        """Reads through the transaction, and for as long as it lasts."""
        ...

    async def extend(self, index_id: int, kind: VectorKind, model: str) -> str | None:
        """A stage has stored more vectors of an index: prepare for searching them, so that a
        search costs as much while the stage lasts as after it. Returns the name of what was
        prepared, None where that was not worth it; it is used as soon as the database has noted
        the name."""
        ...

    async def refresh(self, index_id: int, kind: VectorKind, model: str) -> str | None:
        """A stage has brought the vectors of an index up to date: prepare for searching them, and
        leave out those that are gone. Returns what `extend` does."""
        ...

    def is_prepared(self, index_id: int, kind: VectorKind, model: str) -> bool:
        """Whether what `refresh` should have prepared is there, whole, and made from this
        database."""
        ...

    def drop(self, index_id: int) -> None:
        """Forget what was prepared for an index."""
        ...


class Embedder(Protocol):
    """Turns text into vectors."""

    @property
    def model(self) -> str:
        """The model and the version of what is done to a text before it."""
        ...

    @property
    def includes_path(self) -> bool:
        """Whether the path goes before the text; never for an endpoint that is paid."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[PackedVector]:
        """One vector a text, in order. Raises TransientError or PermanentError, and never
        returns fewer or empty vectors."""
        ...

    def embed_query(self, text: str) -> Sequence[float]:
        """The unit vector of a query, in this process."""
        ...


class Enricher(Protocol):
    """Says in words what a snippet does."""

    @property
    def model(self) -> str:
        """The model and the version of what is done to its input."""
        ...

    @property
    def includes_path(self) -> bool:
        """Whether the path is part of the input; never for an endpoint that is paid."""
        ...

    async def enrich(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        """One text a snippet, in order. Raises TransientError or PermanentError."""
        ...
