"""Compares unwatched folders with their indexes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from kodit.domain.errors import NotFoundError
from kodit.domain.files import FilePlace, readings_of
from kodit.domain.this_host import ALONE, ThisHost
from kodit.domain.value_objects import SourceKind

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.application.views.standing import StandingView
    from kodit.domain.entities import Index, SearchResult
    from kodit.domain.ports.database import Database
    from kodit.domain.ports.watching import FolderChanges, FolderComparer

MOST_FILES = 10_000
"""For how many files, in all indexes together, the stamps are compared before answering from an
index: this takes up to 0.15 seconds of CPU time."""

T = TypeVar("T")


class FolderComparisons:
    """Compares folders with their indexes by the stamps of the files, each folder once: for a
    command that ends with its answer. Synchronous."""

    def __init__(
        self,
        *,
        database: Database,
        comparer: Callable[[], FolderComparer] | None,
        most_files: int = MOST_FILES,
        host: ThisHost = ALONE,
    ) -> None:
        """`comparer` is created when a folder is compared; without one, no changes are known, and
        neither are those in folders of other machines than `host`."""
        self._host = host
        self._database = database
        self._comparer = comparer
        self._left = most_files
        self._changes: dict[int, FolderChanges | None] = {}

    def is_outdated(self, index: Index) -> bool:
        """Whether a run would change a complete index, or may change it but only a run can tell.
        Compares any number of files."""
        if index.source.kind is not SourceKind.FOLDER or index.updated_at is None:
            return False
        changes = self._changes[index.id] = self._compare(index.id, is_certain=True)
        return bool(changes)

    def with_changes(self, standing: Sequence[StandingView]) -> tuple[StandingView, ...]:
        """The standing with the number of changed files of each folder."""
        counted = ((one, self._count(one.index_id)) for one in standing)
        return tuple(replace(one, changed_files=count) if count else one for one, count in counted)

    def existing(self, found: Sequence[T], place: Callable[[T], tuple[int, str]]) -> list[T]:
        """The items whose file still exists. `place` returns the index and path of an item."""
        return [one for one in found if not self._is_gone(*place(one))]

    def existing_results(self, found: Sequence[SearchResult]) -> list[SearchResult]:
        """The results whose file, or a copy of it, still exists, each with its existing copies."""
        shown = (self._existing_result(one) if one.also_in else one for one in found)
        return self.existing(list(shown), lambda one: (one.snippet.index_id, one.snippet.path))

    def _existing_result(self, result: SearchResult) -> SearchResult:
        snippet = result.snippet
        copies = self.existing(result.also_in, lambda one: (one.index_id, one.path))
        if self._is_gone(snippet.index_id, snippet.path):
            lines = snippet.end_line - snippet.start_line
            # A result that was merged with its neighbours is longer than its copies.
            same = next((one for one in copies if one.end_line - one.start_line == lines), None)
            if same is not None:
                copies.remove(same)
                snippet = replace(snippet, **same._asdict())
        return replace(result, snippet=snippet, also_in=tuple(copies))

    def check_place(self, index_id: int, place: str | FilePlace) -> None:
        """Raises NotFoundError for a place in a file that no longer exists."""
        readings = readings_of(place) if isinstance(place, str) else (place,)
        for reading in readings:
            if self._is_gone(index_id, reading.path):
                with self._database.read() as transaction:
                    source = transaction.indexes.get(index_id).source
                raise file_no_longer_exists(str(source), reading.path)

    def _count(self, index_id: int) -> int:
        changes = self._of(index_id)
        return 0 if changes is None else len(changes.files)

    def _is_gone(self, index_id: int, path: str) -> bool:
        changes = self._of(index_id)
        return changes is not None and changes.files.get(path, True) is None

    def _of(self, index_id: int) -> FolderChanges | None:
        """None if the changes are not known."""
        if self._comparer is None:
            return None
        if index_id not in self._changes:
            with self._database.read() as transaction:
                files = transaction.indexes.count_files(index_id, self._left + 1)
            is_small = files <= self._left
            self._left -= files if is_small else 0
            self._changes[index_id] = self._compare(index_id) if is_small else None
        return self._changes[index_id]

    def _compare(self, index_id: int, *, is_certain: bool = False) -> FolderChanges | None:
        if self._comparer is None:
            return None
        try:
            with self._database.read() as transaction:
                index = transaction.indexes.get(index_id)
                scanned_at = index.working_copy.scanned_at_ns
                if index.source.kind is not SourceKind.FOLDER or not scanned_at:
                    return None
                if not self._host.has(index.source):
                    return None
                known = transaction.indexes.known_files(index_id)
        except NotFoundError:  # deleted meanwhile
            return None
        return self._comparer()(index.source, known, scanned_at, is_certain=is_certain)


def file_no_longer_exists(source: str, path: str) -> NotFoundError:
    """The error for an indexed file that no longer exists."""
    return NotFoundError(
        f"{path!r} of {source} is indexed, but was deleted or can no longer be read as text",
        code="file_unreadable",
        source=source,
        path=path,
    )
