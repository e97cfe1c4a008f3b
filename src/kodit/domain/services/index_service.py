"""What a scan means for the files of an index."""

from __future__ import annotations

from dataclasses import replace

from kodit.domain.index import IndexedFile
from kodit.domain.source import FileProcessingStatus, ScannedFile


class IndexDomainService:
    """Decides the status of files. A status is kept until the index has been completed once, so
    that a run which fails half-way forgets no file."""

    def found(self, scanned: ScannedFile, known: IndexedFile | None) -> IndexedFile:
        """The file after a scan met it, changed or new."""
        if known is None:
            return IndexedFile(
                id=0,
                path=scanned.path,
                content_hash=scanned.content_hash,
                status=FileProcessingStatus.ADDED,
                stamp=scanned.stamp,
            )
        status = known.status
        if status is FileProcessingStatus.DELETED or (
            status is FileProcessingStatus.CLEAN and scanned.content_hash != known.content_hash
        ):
            status = FileProcessingStatus.MODIFIED
        return replace(known, content_hash=scanned.content_hash, status=status, stamp=scanned.stamp)

    def gone(self, known: IndexedFile) -> IndexedFile | None:
        """The file after a scan missed it; None when there is nothing to remember it for."""
        if known.extracted_hash is None:
            return None
        return replace(known, status=FileProcessingStatus.DELETED)
