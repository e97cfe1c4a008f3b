"""What browsing reads from the database: the files of an index, their texts and their symbols."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from kodit.domain.files import WHOLE_LIST, IndexedFiles, IndexedText, ListedFile
from kodit.domain.index import Index
from kodit.domain.mentions import MentioningSnippet
from kodit.domain.ports.database import Transaction
from kodit.domain.search import Scope, SearchFilter, StoredSnippet


class Catalogue(Protocol):
    """The files and symbols of the indexes, read from the database. Synchronous."""

    def open(self) -> AbstractContextManager[OpenCatalogue]:
        """Opens one transaction, so that everything is read from one snapshot."""
        ...

    def within(self, transaction: Transaction) -> OpenCatalogue:
        """The same within a transaction that is already open."""
        ...


class OpenCatalogue(Protocol):
    """A catalogue within one transaction, which others may also read through."""

    @property
    def transaction(self) -> Transaction: ...

    def files(
        self, search_filter: SearchFilter, *, with_unread: bool = False
    ) -> list[IndexedFiles]:
        """Every indexed file that passes the filter: indexes by identifier, files by path. With
        `with_unread`, also known files that were never read, whose language is empty. Raises
        NotFoundError for an unknown index."""
        ...

    def list_files(self, search_filter: SearchFilter, page: slice = WHOLE_LIST) -> list[ListedFile]:
        """A page of the same files as a listing, including those that were never read."""
        ...

    def find_file(self, index_id: int, path: str) -> tuple[Index, IndexedText | None]:
        """The index and its file of exactly this path, even if it was never read. Raises
        NotFoundError for an unknown index."""
        ...

    def reason_left_out(self, index_id: int, path: str) -> str | None:
        """Why a file that an index does not hold was left out, or would be because of its name."""
        ...

    def named(self, index_id: int, name: str, limit: int) -> list[str]:
        """Paths whose last part is `name`, sorted."""
        ...

    def paths(self, index_id: int) -> Sequence[str]:
        """The paths of all files whose text an index has, in any order."""
        ...

    def scope(self, search_filter: SearchFilter) -> Scope:
        """The filter resolved for the engines. Raises NotFoundError for an unknown index."""
        ...

    def definitions(
        self, names: Collection[str], scope: Scope, kinds: Collection[str]
    ) -> list[StoredSnippet]:
        """Every live snippet within the scope that defines one of the names, ignoring case, and has
        one of the kinds, if any are given. In any order, and without texts."""
        ...

    def named_snippets(self, scope: Scope) -> Iterator[tuple[int, Sequence[str]]]:
        """The live snippets within the scope that define anything, each with all names it
        defines."""
        ...

    def snippets(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        """Snippets with their texts, in any order; unknown identifiers are left out."""
        ...

    def snippets_of_file(self, file_id: int) -> list[StoredSnippet]:
        """The live snippets of a file, in line order."""
        ...

    def mentioning(self, file_ids: Collection[int]) -> list[MentioningSnippet]:
        """The mentions in the live snippets of some files, by file and line."""
        ...

    def hinting(self, file_ids: Collection[int], parts: Sequence[str]) -> set[int]:
        """Those of the files in whose mentions any of these texts occurs."""
        ...

    def having(self, file_ids: Collection[int], text: str) -> set[int]:
        """Those of the files in whose live snippets a text occurs."""
        ...

    def routes(self, file_ids: Collection[int]) -> Mapping[int, int]:
        """How many routes each of the files declares beside other definitions, such as
        `@app.get("/carts")`; without the files that declare none."""
        ...

    def code_vector(self, snippet: StoredSnippet) -> tuple[str, Sequence[float]] | None:
        """The model and the stored unit vector of a snippet's code; None if it has no vector
        yet."""
        ...
