"""What a search reads from the database."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kodit.domain.search import FoundSnippet, Scope, SearchFilter, SnippetLines, StoredSnippet

if TYPE_CHECKING:
    from kodit.domain.descriptions.kinds import DescriptionKind
    from kodit.domain.descriptions.stored import FoundDescription


class SearchRepository(Protocol):
    """What a search reads from the database, within one transaction."""

    @property
    def origin(self) -> Hashable:
        """Identifies the database file; changes when another database is put in its place. Within
        one origin, an identifier always means the same snippet."""
        ...

    def resolve(self, search_filter: SearchFilter) -> Scope:
        """The filter as identifiers. Raises NotFoundError for an unknown index."""
        ...

    def find_many(self, snippet_ids: Sequence[int]) -> list[FoundSnippet]:
        """Like `get_many`, but without texts, which are most of the data."""
        ...

    def get_many(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        """In any order; unknown identifiers are left out."""
        ...

    def texts(self, snippet_ids: Sequence[int]) -> dict[int, str]:
        """By identifier, only the texts; unknown identifiers are left out."""
        ...

    def files_named(self, index_ids: Collection[int], file_name: str) -> dict[int, tuple[str, str]]:
        """By file identifier, the location of the source and the path of each file with this name,
        in any folder."""
        ...

    def lines(self, file_ids: Collection[int]) -> dict[int, list[SnippetLines]]:
        """By file, the lines of its live snippets."""
        ...

    def sources(self, index_ids: Collection[int]) -> dict[int, str]:
        """The sources of some indexes."""
        ...

    def ask(self, index_ids: Collection[int]) -> None:
        """What is read from now on is that of these indexes, as after `resolve`."""
        ...

    def in_asked(self, snippets: Sequence[StoredSnippet]) -> list[StoredSnippet]:
        """Snippets of stores as those of the asked indexes."""
        ...

    def owners(self, stores: Mapping[int, int]) -> dict[int, list[int]]:
        """By version, those of the indexes asked by `resolve` that have it, the oldest first, for
        which it is shown. `stores` are those of the versions."""
        ...

    def superseded(self, file_ids: Sequence[int]) -> set[int]:
        """The snippets of the former versions of some files, by their current versions."""
        ...

    def successors(self, file_ids: Collection[int]) -> dict[int, int]:
        """The current version of each of these that is a former version of its file. What is read
        here of a snippet names the current one."""
        ...

    def with_former(self, file_ids: Sequence[int]) -> list[int]:
        """These files, by their versions, and the former versions that engines may still search."""
        ...

    def following(self, snippet_ids: Sequence[int]) -> dict[int, int]:
        """For each snippet, the next one in the same version of its file; a file's last snippet is
        left out."""
        ...

    def described(
        self, index_ids: Collection[int], kinds: Sequence[DescriptionKind], terms: Sequence[str]
    ) -> list[tuple[FoundDescription, Sequence[str]]]:
        """The stored descriptions that have any of the terms, each with all its terms; newer ones
        first."""
        ...
