"""Derives the status of files from a scan."""

from __future__ import annotations

from dataclasses import replace

from kodit.domain.index import IndexedFile
from kodit.domain.source import FileProcessingStatus, ScannedFile


class IndexDomainService:
    """Decides the status of files. A status is kept until the index is complete, so that a run that
    fails half-way loses no file."""

    def found(self, scanned: ScannedFile, known: IndexedFile | None) -> IndexedFile:
        """The file after a scan found it, changed or new."""
        if known is None:
            return IndexedFile(
                id=0,
                path=scanned.path,
                content_hash=scanned.content_hash,
                status=FileProcessingStatus.ADDED,
                stamp=scanned.stamp.stored,
            )
        status = known.status
        if status is FileProcessingStatus.DELETED or (
            status is FileProcessingStatus.CLEAN and scanned.content_hash != known.content_hash
        ):
            status = FileProcessingStatus.MODIFIED
        return replace(
            known,
            content_hash=scanned.content_hash,
            status=status,
            stamp=scanned.stamp.stored,
        )

    def gone(self, known: IndexedFile) -> IndexedFile | None:
        """The file after a scan did not find it; None if nothing needs to be kept of it."""
        if known.extracted_hash is None:
            return None
        return replace(known, status=FileProcessingStatus.DELETED)
