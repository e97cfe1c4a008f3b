"""The engines that index and search."""

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

    async def apply(self, batches: Sequence[KeywordBatch]) -> list[bool]:
        """Delete, then add, and commit the batches of different indexes at once. Applying a batch
        again changes nothing, so that a crash before its acknowledgement does no harm. Returns for
        each whether it is applied: a batch is refused if it does not continue what the engine holds
        of its index."""
        ...

    async def drop(self, index_id: int, generation: str | None) -> None:
        """Remove an index for good; later batches of this generation are ignored."""
        ...

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        """The positions of the current state."""
        ...

    def held(self) -> set[int]:
        """The indexes of which it holds anything."""
        ...

    def reader(self) -> KeywordReader:
        """The current state; the same object as last time if nothing has changed and it was not
        closed."""
        ...

    def close_unused(self) -> None:
        """Close what is open for the next search, unless there was one since this was last
        called."""
        ...


class KeywordReader(Protocol):
    """One state of the keyword index, for any number of threads.

    Scores and their order depend only on the snippets that are in the index now. Snippets of equal
    score are ordered by content.
    """

    def over(self, scope: Scope) -> KeywordReader:
        """The same state, with scores that depend only on the snippets of the scope's indexes,
        whatever files it chooses."""
        ...

    @property
    def leaves_out(self) -> frozenset[int]:
        """The indexes that this reader does not search."""
        ...

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        """How far each index was followed; None if it has no data. A damaged engine has no data."""
        ...

    def without(self, index_ids: frozenset[int]) -> KeywordReader:
        """The same state without these indexes."""
        ...

    def search(self, terms: Sequence[str], scope: Scope, limit: int) -> list[Hit]:
        """The snippets within the scope that have any of the search terms, best first."""
        ...

    def candidates(self, terms: Sequence[str], scope: Scope, limit: int) -> set[int]:
        """The identifiers of the snippets that `search` finds, in less time."""
        ...

    def definitions(
        self, name: str, terms: Sequence[str], scope: Scope, limit: int, *, minor: bool = False
    ) -> set[int]:
        """The identifiers of snippets that define exactly this name, ignoring case, those that fit
        the terms best; with `minor`, of snippets that have it as a minor symbol."""
        ...

    def having_all(self, terms: Sequence[str], scope: Scope, limit: int) -> set[int]:
        """The identifiers of the best snippets that have all of the terms."""
        ...

    def near(self, names: Mapping[str, int], scope: Scope, limit: int) -> list[Hit]:
        """Snippets that define a name which starts with one of these (in lower case), or differs
        from it by at most the given number of edits, which is at most two; in any order, without
        scores."""
        ...

    def in_files(self, terms: Sequence[str], file_ids: Sequence[int]) -> FileMatches:
        """The snippets of some files that have any of the terms."""
        ...

    def statistics(self, terms: Sequence[str]) -> CorpusStatistics:
        """The number of snippets, and of snippets that have each of the terms."""
        ...


class FileMatches(Protocol):
    """The snippets of some files that match any of the terms, with the scores of a search."""

    def best(self, per_file: int) -> list[Hit]:
        """The best snippets of each file."""
        ...

    def scores(self, snippet_ids: Iterable[int]) -> dict[int, float]:
        """The scores of the given snippets; those that do not match are left out."""
        ...


class VectorReader(Protocol):
    """The stored vectors within one transaction, for one thread. The results depend on the vectors
    alone, not on where they were read from."""

    def search(
        self, kind: VectorKind, model: str, vector: Sequence[float], scope: Scope, limit: int
    ) -> list[Hit]:
        """The snippets with the largest cosine similarity within the scope, best first."""
        ...

    def best_in_files(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        files: Mapping[int, Sequence[int]],
        per_file: int,
    ) -> set[int]:
        """The identifiers of the most similar snippets of each file; files are grouped by their
        index."""
        ...

    def score(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        snippets: Mapping[int, Sequence[int]],
    ) -> dict[int, float]:
        """The cosine similarity of the given snippets, grouped by their index; those without a
        vector are left out."""
        ...


class VectorIndex(Protocol):
    """Finds the nearest stored vectors."""

    def reader(self, transaction: Transaction) -> VectorReader:
        """A reader that is valid as long as the transaction."""
        ...

    async def extend(self, index_id: int, kind: VectorKind, model: str) -> str | None:
        """Prepare the vectors that a running stage has added, so that searches stay as fast during
        the stage as after it. Returns the name of what was prepared, None if it was not worth it;
        it is used once the database has recorded the name."""
        ...

    async def refresh(self, index_id: int, kind: VectorKind, model: str) -> str | None:
        """Prepare all vectors of an index after a stage has brought them up to date, without those
        that were removed. Returns the same as `extend`."""
        ...

    def is_prepared(self, index_id: int, kind: VectorKind, model: str) -> bool:
        """Whether what `refresh` prepares exists, is complete, and was made from this database."""
        ...

    def drop(self, index_id: int) -> None:
        """Remove what was prepared for an index."""
        ...

    def held(self) -> set[int]:
        """The indexes for which something is prepared."""
        ...

    def release_pages(self) -> None:
        """Release the memory of what was prepared and is read again where it is needed."""
        ...


class Embedder(Protocol):
    """Turns text into vectors."""

    @property
    def model(self) -> str:
        """The model, and the version of the preprocessing of its input."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, so that no text is paid for."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[PackedVector]:
        """One vector per text, in order. Raises TransientError or PermanentError; never returns
        fewer vectors or empty ones."""
        ...

    def embed_query(self, text: str) -> Sequence[float]:
        """The unit vector of a query, in this process."""
        ...


class Enricher(Protocol):
    """Describes in words what a snippet does."""

    @property
    def model(self) -> str:
        """The model, and the version of the preprocessing of its input."""
        ...

    @property
    def includes_name(self) -> bool:
        """Whether the name of the file is embedded before the enrichment; never for a paid
        endpoint. It is not part of the input, so that a file that is renamed is not enriched
        again."""
        ...

    async def enrich(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        """One text per snippet, in order. Raises TransientError or PermanentError."""
        ...
