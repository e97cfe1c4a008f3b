"""Storing what searches find in descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

# Child processes need the tuples alone.
if TYPE_CHECKING:
    from kodit.domain.descriptions.kinds import DescriptionKind
    from kodit.domain.descriptions.schema.tables import Table
    from kodit.domain.descriptions.stored import StoredDescription


class ChangedFile(NamedTuple):
    """A file whose change is being indexed; `language` is empty if it was never read."""

    id: int
    path: str
    language: str
    is_deleted: bool


class LikeIndex(NamedTuple):
    """Another index that has versions of an index; the files that it lacks, and those that only it
    has."""

    id: int
    lacking: Sequence[ChangedFile]
    further: Sequence[ChangedFile]


class SchemaFile(NamedTuple):
    """A file that may define tables, with its text."""

    path: str
    language: str
    text: str


class DescriptionRepository(Protocol):
    """The stored descriptions of an index, within one transaction."""

    def stored(self, index_id: int, kind: DescriptionKind) -> Mapping[str, bytes]:
        """The key of each stored subject of a kind."""
        ...

    def read(self, index_id: int, kind: DescriptionKind) -> Sequence[StoredDescription]:
        """The stored descriptions of a kind."""
        ...

    def put(
        self, index_id: int, kind: DescriptionKind, descriptions: Sequence[StoredDescription]
    ) -> None:
        """Store new subjects, and replace those that are stored."""
        ...

    def drop(self, index_id: int, kind: DescriptionKind, subjects: Sequence[str]) -> None:
        """Remove some subjects."""
        ...

    def changed_files(self, index_id: int) -> Sequence[ChangedFile]:
        """The files that are not clean: those of which the current run brings a change."""
        ...

    def most_alike(self, index_id: int) -> LikeIndex | None:
        """The index that brought most of the versions which this one shares; None if there is none,
        or if it is being changed itself."""
        ...


class SchemaReading(NamedTuple):
    """The tables that some files define, and a hash of what each file says about tables, by path:
    also of those whose classes only others build on. Files that say nothing are left out."""

    tables: Sequence[Table]
    said: Mapping[str, str]


class SchemaReader(Protocol):
    """Reads tables in child processes, because the text of a repository may take long."""

    async def read(self, files: Sequence[SchemaFile]) -> SchemaReading:
        """What the files say in the end."""
        ...

    async def said(self, files: Sequence[SchemaFile]) -> Mapping[str, str]:
        """Those hashes alone."""
        ...
