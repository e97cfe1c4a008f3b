"""Finding the folders and files that a scan would find, without reading a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kodit.domain.report import ignore_report
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import FileStamp, Source
from kodit.infrastructure.folder.reading import concerns_one_file, open_root
from kodit.infrastructure.folder.scan import (
    RACY_NS,
    ScannedFolder,
    Scanner,
    reason_by_status,
    root_folder,
)


class FolderLister(Scanner):
    """Walks a folder like a scan, reads no files, and keeps the list of folders."""

    def __init__(
        self, root: str, known: Mapping[str, KnownFile] | None, last_scan_ns: int, source: Source
    ) -> None:
        super().__init__(
            Path(root), known or {}, last_scan_ns, ignore_report, submodules=source.submodules
        )
        self._source = source
        self._is_comparing = known is not None
        self._unsure_from = last_scan_ns - RACY_NS
        self.folders: dict[str, ScannedFolder] = {}
        self.differing: dict[str, FileStamp | None] = {}
        self.met: set[str] = set()
        self.racy: dict[str, FileStamp] = {}
        """Files that changed so shortly before the last scan that their stamps are not
        conclusive.
        """

    def walk(self) -> None:
        """Walk the whole folder. Raises KoditError and OSError."""
        descriptor = open_root(str(self._root))
        try:
            source = self._source
            self.scan(root_folder(descriptor, self._root, source.include, source.exclude))
        finally:
            os.close(descriptor)

    def walk_below(self, parent: ScannedFolder, name: str) -> None:
        """Walk one subfolder of `parent`. Raises KoditError and OSError."""
        descriptor = open_root(f"{self._root}/{parent.prefix}")
        try:
            self._descend(parent._replace(descriptor=descriptor), name)
        finally:
            os.close(descriptor)

    def _enter(self, folder: ScannedFolder) -> None:
        self.folders[folder.prefix] = folder._replace(descriptor=-1)

    def _record(self, folder: ScannedFolder, entry: os.DirEntry[str]) -> str | None:
        if not self._is_comparing:
            return None
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            if concerns_one_file(error):
                return None
            raise
        path = folder.prefix + entry.name
        stamp = stamp_of(status)
        known = self._known.get(path)
        if known is not None and known[1:] == stamp.stored:
            self.met.add(path)
            if max(stamp.mtime_ns, stamp.ctime_ns) >= self._unsure_from:
                self.racy[path] = stamp
        elif reason_by_status(path, status) is None:
            self.met.add(path)
            self.differing[path] = stamp
        return None


def stamp_of(status: os.stat_result) -> FileStamp:
    """The parts of a file's status by which a change is noticed."""
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
