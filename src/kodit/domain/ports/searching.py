"""What a search reads of the database."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Protocol

from kodit.domain.search import FoundSnippet, Scope, SearchFilter, StoredSnippet


class SearchRepository(Protocol):
    """What a search reads of the database, within one transaction."""

    @property
    def origin(self) -> Hashable:
        """Another one where another database was put in place of the one that was read before:
        only within one origin does an identifier stand for the same snippet for ever."""
        ...

    def resolve(self, search_filter: SearchFilter) -> Scope:
        """The filter as identifiers. Raises NotFoundError for an unknown index."""
        ...

    def find_many(self, snippet_ids: Sequence[int]) -> list[FoundSnippet]:
        """As `get_many`, without the texts, which are most of what there is to read."""
        ...

    def get_many(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        """In any order; unknown identifiers are left out."""
        ...

    def files_named(self, index_ids: Collection[int], file_name: str) -> dict[int, tuple[str, str]]:
        """The location of the source and the path of each file of some indexes that has the name,
        in whatever folder."""
        ...

    def nearest_lines(self, line_of_file: Mapping[int, int], most_away: int) -> dict[int, int]:
        """Of each file the live snippet that has the line, or else the nearest one, so many lines
        away at most."""
        ...

    def sources(self, index_ids: Collection[int]) -> dict[int, str]:
        """The sources of some indexes."""
        ...

    def superseded(self, file_ids: Sequence[int]) -> set[int]:
        """The snippets of some files that newer ones are about to replace."""
        ...

    def following(self, snippet_ids: Sequence[int]) -> dict[int, int]:
        """For each of some snippets the one that follows it in its file, in the same version of
        the file; the last one of a file is left out."""
        ...
