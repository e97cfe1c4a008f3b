"""Watching folders for changes of the files that an index would read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kodit.domain.source import FileStamp, KnownFile, Source


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """The folder of an index; the globs of its source choose the files."""

    index_id: int
    source: Source


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """What has changed in a folder since it was last scanned.

    `files` are the relative paths of what may be files that were added, changed or removed, each
    with its present stamp, None where there is nothing any more. `needs_scan` says that something
    else has changed, which only a scan can judge: ignore rules, the commit that is checked out, or
    a file that changed so shortly before the last scan that its stamp does not tell.
    """

    files: Mapping[str, FileStamp | None] = field(default_factory=dict)
    needs_scan: bool = False

    def __bool__(self) -> bool:
        return bool(self.files) or self.needs_scan


class FolderComparer(Protocol):
    """Compares a folder that nobody watches with what is known of it. Synchronous."""

    def __call__(
        self,
        source: Source,
        known: Mapping[str, KnownFile],
        last_scan_ns: int,
        *,
        is_certain: bool,
    ) -> FolderChanges:
        """What has changed since the scan at `last_scan_ns`, which has found `known`; nothing where
        the folder is gone or cannot be read. Files are read only where a stamp has moved. What only
        reading all the others could tell is left open, unless it is to be certain: then a few are
        read, and more need a scan."""
        ...


class FolderWatcher(Protocol):
    """Watches any number of folders. For one caller at a time."""

    async def follow(self, folders: Sequence[WatchedFolder]) -> None:
        """Watch these folders from now on, and no others. One that is not there is watched as soon
        as it is."""
        ...

    async def compare(
        self, index_id: int, known: Mapping[str, KnownFile], last_scan_ns: int
    ) -> FolderChanges:
        """Compare a folder that is watched with what the scan at `last_scan_ns` knew of it, without
        reading a file."""
        ...

    async def changes(self, seconds: float) -> dict[int, FolderChanges]:
        """What has changed since this was last asked, by index; waits for something at most so
        long."""
        ...

    def mark(self) -> int:
        """Mark this moment, by a number that grows; for any thread."""
        ...

    def seen_mark(self) -> int:
        """The last mark up to which everything that has happened was given out."""
        ...

    def missed(self) -> Sequence[int]:
        """The indexes of whose folders changes may have been missed since this was last asked: they
        have come back, or the system could not tell. They have to be compared."""
        ...

    def unwatched(self) -> Sequence[int]:
        """The indexes whose folders the system does not watch, since its watches have run out:
        they have to be compared from time to time."""
        ...

    def is_changing(self, index_id: int) -> bool:
        """Whether git is changing the files of a folder just now."""
        ...

    async def aclose(self) -> None:
        """Watch nothing any more."""
        ...
