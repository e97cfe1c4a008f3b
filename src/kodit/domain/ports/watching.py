"""Watches folders for changes of the files that an index would read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kodit.domain.source import FileStamp, KnownFile, Source


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """The folder of an index; the globs of its source select the files."""

    index_id: int
    source: Source


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """The changes of a folder since its last scan.

    `files` are the relative paths of files that may have been added, changed or removed, each with
    its current stamp, None if nothing is there any more. `needs_scan` reports changes that only a
    scan can resolve: ignore rules, another commit checked out, or a file that changed so shortly
    before the last scan that its stamp does not show it.
    """

    files: Mapping[str, FileStamp | None] = field(default_factory=dict)
    needs_scan: bool = False

    def __bool__(self) -> bool:
        return bool(self.files) or self.needs_scan


class FolderComparer(Protocol):
    """Compares an unwatched folder with the known files. Synchronous."""

    def __call__(
        self,
        source: Source,
        known: Mapping[str, KnownFile],
        last_scan_ns: int,
        *,
        is_certain: bool,
    ) -> FolderChanges:
        """The changes since the scan at `last_scan_ns`, which found `known`; none if the folder is
        gone or cannot be read. Only files with a changed stamp are read. Changes that would show
        only by reading all the others are ignored, unless `is_certain`: then a few are read, and
        more need a scan."""
        ...


class FolderWatcher(Protocol):
    """Watches any number of folders. For one caller at a time."""

    async def follow(self, folders: Sequence[WatchedFolder]) -> None:
        """Watch exactly these folders from now on. A missing folder is watched as soon as it
        exists."""
        ...

    async def compare(
        self, index_id: int, known: Mapping[str, KnownFile], last_scan_ns: int
    ) -> FolderChanges:
        """Compare a watched folder with what the scan at `last_scan_ns` found, without reading a
        file."""
        ...

    async def changes(self, seconds: float) -> dict[int, FolderChanges]:
        """The changes since the last call, by index; waits at most this long for one."""
        ...

    def mark(self) -> int:
        """A mark for the current moment, a growing number; callable from any thread."""
        ...

    def seen_mark(self) -> int:
        """The last mark before which every change has been returned."""
        ...

    def missed(self) -> set[int]:
        """The indexes of folders whose changes may have been missed since the last call, because
        the folder came back or the system lost events. They have to be compared."""
        ...

    def unwatched(self) -> Sequence[int]:
        """The indexes of folders that the system cannot watch because its watches have run out:
        they have to be compared from time to time."""
        ...

    def is_changing(self, index_id: int) -> bool:
        """Whether git is changing the files of a folder at the moment."""
        ...

    async def aclose(self) -> None:
        """Stop watching."""
        ...
