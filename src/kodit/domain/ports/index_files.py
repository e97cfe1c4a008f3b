"""The files of indexes, as stages store and read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kodit.domain.index import IndexedFile, WorkingCopy
from kodit.domain.source import KnownFile, SourceHistory


class Extraction(NamedTuple):
    """How a file was extracted: the language it was read as, None if it was left out, and the
    version of the extractor."""

    language: str | None
    version: str


class IndexFiles(Protocol):
    """Within one transaction."""

    def known_files(self, index_id: int) -> dict[str, KnownFile]:
        """By path, every file that existed at the last scan."""
        ...

    def count_files(self, index_id: int, most: int) -> int:
        """How many files exist since the last scan, counted up to `most`."""
        ...

    def has_files(self, index_id: int, part: str = "") -> bool:
        """Whether such a file exists at a path of an index or below it."""
        ...

    def files_by_path(self, index_id: int, paths: Sequence[str]) -> dict[str, IndexedFile]: ...

    def add_files(self, index_id: int, files: Sequence[IndexedFile]) -> None:
        """Store new files, which become stale."""
        ...

    def update_files(self, index_id: int, files: Sequence[IndexedFile]) -> None:
        """Store hash, stamp and status of known files; a file whose content differs from the
        extracted content becomes stale."""
        ...

    def forget_files(self, index_id: int, file_ids: Sequence[int]) -> None:
        """Remove files that came and went without being extracted. A file that existed before,
        whose removed snippets an engine still holds, stays as deleted until they are gone."""
        ...

    def finish_scan(self, index_id: int, working_copy: WorkingCopy) -> None: ...

    def files_without_history(self, index_id: int, limit: int) -> list[str]:
        """Files without a recorded history since they were added or came back."""
        ...

    def record_history(self, index_id: int, history: SourceHistory) -> None:
        """Store authors and dates of the index's files and the mark of the history; other paths are
        ignored. If the history is whole, `files` must have all paths."""
        ...

    def extractions(self, index_id: int) -> list[Extraction]:
        """The distinct languages and extractor versions of an index's files."""
        ...

    def extracted_by(self, index_id: int, extractions: Sequence[Extraction]) -> list[int]:
        """The files that were extracted in one of these ways and are not stale."""
        ...

    def mark_stale(self, index_id: int, file_ids: Sequence[int]) -> None:
        """Mark these files for extraction."""
        ...

    def stale_files(self, index_id: int, limit: int) -> list[IndexedFile]:
        """Files whose snippets do not match their content, deleted files included."""
        ...

    def count_stale_files(self, index_id: int) -> int: ...
